"""The pictures, as the text that they are made of."""

import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.charts.axes import amounts, marked, moments
from bot.chat.charts.fleet import MOST, Multiples, Small, fleet_chart
from bot.chat.charts.sparkline import sparkline, week_of_use
from bot.chat.charts.svg import WIDTH, label
from bot.chat.charts.token import HEIGHT, token_chart
from bot.chat.charts.trace import Trace
from bot.domain.forecast import Band
from bot.domain.ledger import apply
from bot.domain.model import Status
from bot.domain.value import replace
from tests.chat.builders import token
from tests.chat.charts.pictures import BERLIN, DAY, HOUR, NOON, chart, hourly, sample, week

HERE = Path(__file__).parent
SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    """What is written on it, in its order; what is written twice for its halo, once."""
    found = [each.text or "" for each in ET.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314 - our own
    return list(dict.fromkeys(found))


def line(svg: str) -> str:
    """The line of fast time."""
    (found,) = re.findall(r'<path d="([^"]*)" fill="none" stroke="#6cb8ff" stroke-width="4"', svg)
    return str(found)


def of_a_week() -> Trace:
    """A week with everything in it."""
    return week(
        [
            *hourly(170, 120, 300, 2),
            *hourly(119, 100, 900, 3),
            *hourly(80, 60, 700, 1, status=Status.RELAX),
            *hourly(59, 50, 680, 0, status=Status.VERIFYING),
            *hourly(49, 30, 680, 0, active=False),
            *hourly(29, 20, 680, 0, status=Status.BANNED),
            *[sample(hour, None) for hour in range(19, 12, -1)],
            *hourly(12, 0, 640, 4),
        ]
    )


def fan() -> list[Band]:
    """Runs out amid the days to come."""
    days = [each / 2 for each in range(11)]
    return [
        Band(NOON + day * DAY, max(0, 590 - 260 * day), max(0, 590 - 160 * day), max(0, 590 - 90 * day)) for day in days
    ]


def test_a_chart_is_as_it_was_seen_to_be_good() -> None:
    """`tests/chat/charts/week.svg`: look at it before it is replaced."""
    svg = token_chart(chart(of_a_week(), fan(), 5 * DAY))
    assert svg.replace("><", ">\n<") + "\n" == (HERE / "week.svg").read_text()


def test_it_names_what_it_shows() -> None:
    written = texts(token_chart(chart(of_a_week(), fan(), 5 * DAY)))
    for word in ("Token 1900, 7 days", "Europe/Berlin", "refill", "FAST", "off", "now", "renews"):
        assert word in written
    assert {"alert 20 %", "alert 30 min"} <= set(written)
    assert "empty 12 Jan" in written
    assert "9.9 h" in written, "what is left"


def test_a_gap_is_left_out_of_the_line() -> None:
    whole = token_chart(chart(week(hourly(168, 0, 600, 1))))
    parted = token_chart(chart(week([*hourly(168, 100, 600, 1), *hourly(80, 0, 500, 1)])))
    assert (line(whole).count("M"), line(parted).count("M")) == (1, 2)
    assert "not read" not in texts(whole)


def test_a_line_has_no_more_points_than_can_be_told_apart() -> None:
    many = [sample(hours / 60, 900 - hours / 60) for hours in range(7 * 24 * 60, -1, -1)]
    found = line(token_chart(chart(week(many))))
    assert len(many) > 10_000
    assert found.count("V") + found.count("H") < 4 * WIDTH


def test_a_dip_of_a_minute_is_seen_on_a_chart_of_a_week() -> None:
    levels = [sample(hours / 60, 5 if hours == 3000 else 800) for hours in range(7 * 24 * 60, -1, -1)]
    heights = [float(each) for each in re.findall(r"V([\d.]+)", line(token_chart(chart(week(levels)))))]
    assert max(heights) - min(heights) > 200
    assert heights[-1] == min(heights), "it goes on as it was"


def test_a_status_that_is_new_is_seen() -> None:
    svg = token_chart(chart(week([*hourly(168, 1, 600), sample(0, 600, status=Status.BANNED)])))
    (width,) = re.findall(r'width="([\d.]+)" height="34" fill="url\(#cross\)"', svg)
    assert float(width) >= 9


def test_single_readings_are_dots() -> None:
    svg = token_chart(chart(week([sample(100, 500), sample(50, 400), sample(0, 300)])))
    assert 'stroke-linecap="round"' in svg
    assert 'stroke-width="4"' not in svg, "nothing joins them"


@pytest.mark.parametrize("samples", [[], [sample(0, 40)], [sample(0, None, allowance=None)]])
def test_a_token_without_a_past_has_a_chart_that_says_so(samples: list[object]) -> None:
    written = texts(token_chart(chart(week(samples))))  # type: ignore[arg-type] # samples, one of each kind
    assert "not watched yet" in written or "not read" in written


def test_what_happened_has_its_word_at_its_time() -> None:
    svg = token_chart(replace(chart(of_a_week()), moments=((NOON - 29 * HOUR, "banned"),)))
    assert "banned" in texts(svg)


@given(st.text())
def test_a_label_is_a_text_and_nothing_else_whatever_it_says(text: str) -> None:
    (found,) = ET.fromstring(f"<g>{label(1, 2, text)}</g>")  # noqa: S314 - our own
    assert (found.tag, len(found)) == ("text", 0)
    assert len(found.text or "") == len(text)


@given(st.lists(st.floats(0, 1e6) | st.none(), max_size=30), st.floats(0, 1e6))
def test_nothing_lies_off_the_card_whatever_was_read(levels: list[float | None], allowance: float) -> None:
    samples = [sample(index, value, allowance=allowance) for index, value in enumerate(levels)][::-1]
    svg = token_chart(chart(week(samples), fan(), 5 * DAY))
    for x, y in re.findall(r'<text x="([\d.-]+)" y="([\d.-]+)"', svg):
        assert 0 <= float(x) <= WIDTH
        assert 0 <= float(y) <= HEIGHT
    assert "nan" not in svg


def test_the_worst_of_a_fleet_stand_side_by_side() -> None:
    smalls = tuple(Small(f"19{index:02}", "12 % · 1.8 h", week(hourly(100, 0, 600, index))) for index in range(MOST))
    multiples = Multiples("Worst 12 of 40, 7 days", smalls, BERLIN, "Europe/Berlin", NOON - 7 * DAY, NOON)
    svg = fleet_chart(multiples)
    assert [each for each in texts(svg) if each.startswith("19")] == [each.name for each in smalls]
    fewer = fleet_chart(replace(multiples, charts=smalls[:3]))
    high = [float(re.findall(r'height="(\d+)"', each)[0]) for each in (svg, fewer)]
    assert high[1] < high[0] < 900
    assert fleet_chart(replace(multiples, charts=())).endswith("</svg>")


# The axes.


def test_marks_stand_at_midnight_of_the_operators_clock_across_a_change_of_it() -> None:
    since = datetime(2026, 10, 23, 22, tzinfo=UTC)
    marks = moments(since, since + 5 * DAY, BERLIN, 680)
    assert [mark.text for mark in marks] == ["Sat 24", "Sun 25", "Mon 26", "Tue 27", "Wed 28"]
    assert {mark.at.astimezone(BERLIN).hour for mark in marks} == {0}
    assert marks[2].at - marks[1].at == 25 * HOUR


def test_an_hour_that_a_clock_leaves_out_has_no_mark_and_a_day_without_midnight_has_one() -> None:
    since = datetime(2026, 3, 28, 23, tzinfo=UTC)
    hours = [mark.text for mark in moments(since, since + 5 * HOUR, BERLIN, 680)]
    assert hours == ["Sun", "01:00", "03:00", "04:00", "05:00", "06:00"]
    havana = ZoneInfo("America/Havana")
    begin = datetime(2025, 3, 7, 12, tzinfo=UTC)
    days = [mark.text for mark in moments(begin, begin + 4 * DAY, havana, 680)]
    assert days == ["Sat 8", "Sun 9", "Mon 10", "Tue 11"]


@given(st.integers(1, 9000), st.sampled_from(["UTC", "Asia/Kathmandu", "America/Havana", "Africa/Casablanca"]))
def test_there_are_some_marks_and_not_too_many(hours: int, zone: str) -> None:
    marks = moments(NOON - hours * HOUR, NOON, ZoneInfo(zone), 680)
    assert 1 <= len(marks) <= 11
    assert [each.at for each in marks] == sorted(each.at for each in marks)


@given(st.floats(0, 1e7))
def test_amounts_are_round_and_few(top: float) -> None:
    highest, marks = amounts(top)
    assert 2 <= len(marks) <= 6
    assert marks[0] == 0
    assert max(marks) <= highest
    assert top <= highest


@pytest.mark.parametrize(("minutes", "top", "text"), [(0, 900, "0"), (300, 900, "5 h"), (30, 90, "30 min")])
def test_amounts_are_told_in_hours_or_minutes(minutes: float, top: float, text: str) -> None:
    assert marked(minutes, top) == text


# The line of text.


def test_a_line_of_text_shows_the_days_in_proportion() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, None]) == "`▁▂▃▅▆▇·`"
    assert sparkline([0, 0]) == "`▁▁`"
    assert sparkline([]) == "``"
    assert sparkline([0.001, 1000]) == "`▂▇`", "little is not nothing"


def test_a_card_has_a_bar_for_each_of_seven_days_and_says_which_they_are() -> None:
    ledger = None
    for hour in range(80):
        left = token(1900, fast_time_remaining=f"{(800 - hour) / 60:.3f}/15.0 hours (50.00%)")
        ledger = apply(ledger, left, NOON - (80 - hour) * HOUR, BERLIN)
    assert week_of_use(ledger, NOON, BERLIN) == "Daily use `···▆▇▇▅` to 8 Jan, peak\u00a024\u00a0min"
    assert week_of_use(ledger, NOON + 30 * DAY, BERLIN) == "Daily use `▁▁▁▁▁▁▁` to 7 Feb, none used"
    assert week_of_use(None, NOON, BERLIN) == week_of_use(ledger, None, BERLIN) == ""


@given(st.lists(st.none() | st.floats(0, 1e9)))
def test_it_is_as_long_as_what_it_shows(values: list[float | None]) -> None:
    assert len(sparkline(values)) == len(values) + 2
    assert not math.isnan(len(values))


def test_a_chart_of_a_day_in_which_clocks_change_is_as_long_as_that_day() -> None:
    since = datetime(2026, 10, 24, 22, tzinfo=UTC)
    marks = moments(since, since + timedelta(hours=25), BERLIN, 680)
    assert [mark.text for mark in marks] == ["Sun", "06:00", "12:00", "18:00", "Mon"]
