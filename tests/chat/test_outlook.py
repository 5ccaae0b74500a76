"""The forecast in one line: one verdict, one range, and no more exact than it is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.cards.outlook import brief, outlook
from bot.chat.text import stamp
from bot.domain.forecast import Forecast, Verdict
from bot.domain.value import replace

NOW = datetime(2026, 8, 5, 9, 20, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RENEWS = datetime(2026, 9, 1, 12, tzinfo=UTC)

DRY = Forecast(
    Verdict.DOES_NOT_LAST,
    NOW,
    left=1000,
    pace=114,
    chance=0.97,
    dry_at=datetime(2026, 8, 14, 15, tzinfo=UTC),
    earliest=datetime(2026, 8, 12, 3, tzinfo=UTC),
    latest=datetime(2026, 8, 19, 3, tzinfo=UTC),
    renews_at=RENEWS,
    spare=-2000,
    short=RENEWS - datetime(2026, 8, 14, 15, tzinfo=UTC),
    unchanged_since=NOW - HOUR,
)
LASTS = replace(
    DRY, verdict=Verdict.LASTS, chance=0.2, dry_at=None, earliest=None, latest=None, spare=186, short=None,
    idle_since=NOW - HOUR,
)  # fmt: skip


def said(forecast: Forecast, zone: str = "UTC") -> str:
    return outlook(forecast, NOW, ZoneInfo(zone))


def test_what_does_not_last_has_its_pace_a_date_a_range_and_what_lacks() -> None:
    assert said(DRY) == (
        "At this pace (1.9 h a day) it runs out around 14 Aug (12 to 19 Aug). Renews Tue 1 Sep: **does not last**,"
        " about 18 days short"
    )


@pytest.mark.parametrize(
    ("dry_at", "earliest", "latest", "words"),
    [
        (RENEWS, NOW + 20 * DAY, None, "around 1 Sep (from 25 Aug on, or not before the renewal)."),
        (NOW + 30 * DAY, NOW + 20 * DAY, NOW + 30 * DAY, "around 4 Sep (25 Aug to 4 Sep)."),
        (NOW + 8 * DAY, NOW + 8 * DAY, NOW + 8 * DAY + HOUR, "around 13 Aug."),
        (NOW + 7 * DAY - HOUR, NOW + 6 * DAY, NOW + 9 * DAY, "around 12 Aug (11 to 14 Aug)."),
        (NOW + 2 * DAY, NOW + 1.2 * DAY, NOW + 3.3 * DAY, "around Fri a.m. (Thu p.m. to Sat p.m.)."),
        (NOW + 2 * DAY, NOW + 1.2 * DAY, NOW + 9 * DAY, "around Fri a.m. (Thu p.m. to 14 Aug)."),
    ],
)
def test_how_exact_it_is_depends_on_how_far_ahead_it_is(
    dry_at: datetime, earliest: datetime, latest: datetime | None, words: str
) -> None:
    line = said(replace(DRY, dry_at=dry_at, earliest=earliest, latest=latest))
    assert words in line


def test_within_a_day_hours_are_told_in_the_zone_of_whoever_reads_the_range_outwards() -> None:
    line = said(replace(DRY, dry_at=NOW + 6 * HOUR, earliest=NOW + 5 * HOUR, latest=NOW + 9 * HOUR))
    clock = datetime(2026, 8, 5, tzinfo=UTC)
    around, early, late = (stamp(clock + each * HOUR, "t") for each in (15, 14, 19))
    assert f"around {around} ({early} to {late})." in line


def test_full_hours_are_those_of_the_operators_zone() -> None:
    line = said(replace(DRY, dry_at=NOW + 6 * HOUR, earliest=None), "Asia/Kathmandu")
    assert stamp(datetime(2026, 8, 5, 15, 15, tzinfo=UTC), "t") in line


def test_days_are_those_of_the_operators_zone() -> None:
    late = replace(DRY, dry_at=datetime(2026, 8, 14, 23, tzinfo=UTC), earliest=None)
    assert "around 14 Aug." in said(late)
    assert "around 15 Aug." in said(late, "Asia/Tokyo")


@pytest.mark.parametrize(
    ("short", "words"),
    [(0.1 * HOUR, "1 h"), (9.4 * HOUR, "9 h"), (1 * DAY, "1 day"), (3.4 * DAY, "3.5 days"), (17.6 * DAY, "18 days")],
)
def test_what_lacks_is_as_exact_as_it_can_be(short: timedelta, words: str) -> None:
    assert said(replace(DRY, short=short)).endswith(f"about {words} short")


@pytest.mark.parametrize(("chance", "words"), [(0.40, "a 40 %"), (0.58, "a 60 %"), (0.66, "a 70 %"), (0.79, "a 75 %")])
def test_what_may_not_last_has_a_chance_and_the_earliest_date(chance: float, words: str) -> None:
    line = said(replace(DRY, verdict=Verdict.MAY_NOT_LAST, chance=chance, earliest=NOW + 8 * DAY))
    assert line == (
        f"At this pace it **may not last** until Tue 1 Sep: about {words} chance of running out, earliest 13 Aug"
    )


@pytest.mark.parametrize(
    ("forecast", "line"),
    [
        (LASTS, "**Lasts** until Tue 1 Sep at this pace, about 3.1 h to spare"),
        (replace(LASTS, chance=0.01), "**Lasts** easily until Tue 1 Sep at this pace, about 3.1 h to spare"),
        (replace(LASTS, spare=24), "**Lasts** until Tue 1 Sep at this pace, about 24 min to spare"),
        (replace(LASTS, spare=-3), "**Lasts** until Tue 1 Sep, most likely"),
        (replace(LASTS, idle_since=NOW - 4 * DAY), "**Lasts** until Tue 1 Sep: no fast time used since 1 Aug"),
        (
            replace(LASTS, renews_at=NOW + 5 * HOUR),
            f"**Lasts** until {stamp(NOW + 5 * HOUR, 't')} at this pace, about 3.1 h to spare",
        ),
        (
            replace(LASTS, unchanged_since=NOW - 7 * HOUR),
            "**Lasts** until Tue 1 Sep at this pace, about 3.1 h to spare · reading unchanged for 7 h",
        ),
        (
            Forecast(Verdict.LEARNING, NOW, watched=6.7 * HOUR),
            "**Not enough data yet** (6 h watched, a day is needed)",
        ),
        (
            Forecast(Verdict.LEARNING, NOW),
            "**Not enough data yet** (under 1 h watched, a day is needed)",
        ),
        (Forecast(Verdict.REFILL_DUE, NOW), "Renewal passed, **waiting for the refill to show**"),
        (Forecast(Verdict.UNREAD, NOW), "**No reading for over a day**: nobody knows whether it lasts"),
        (Forecast(Verdict.UNKNOWN, NOW), ""),
        (Forecast(Verdict.OFF, NOW), ""),
        (replace(DRY, dry_at=NOW, left=0), "**Empty.** Renews Tue 1 Sep"),
        (replace(DRY, dry_at=None), "Renews Tue 1 Sep: **does not last**"),
    ],
)
def test_any_other_verdict_is_said_in_its_own_words(forecast: Forecast, line: str) -> None:
    assert said(forecast) == line


@pytest.mark.parametrize(
    ("forecast", "words"),
    [
        (DRY, "dry around 14 Aug"),
        (replace(DRY, dry_at=None), "does not last"),
        (replace(DRY, dry_at=NOW), ""),
        (replace(DRY, verdict=Verdict.MAY_NOT_LAST), "may not last"),
        (Forecast(Verdict.REFILL_DUE, NOW), "refill due"),
        (LASTS, ""),
        (Forecast(Verdict.LEARNING, NOW), ""),
    ],
)
def test_in_a_list_only_what_needs_somebody_is_said(forecast: Forecast, words: str) -> None:
    assert brief(forecast, NOW, UTC) == words


_AHEAD = st.none() | st.timedeltas(timedelta(), timedelta(days=40))


@given(st.sampled_from(Verdict), st.floats(0, 1), st.tuples(_AHEAD, _AHEAD, _AHEAD), st.floats(-1e6, 1e6))
def test_any_forecast_is_one_line_with_one_verdict(
    verdict: Verdict, chance: float, ahead: tuple[timedelta | None, ...], spare: float
) -> None:
    dry_at, earliest, latest = (None if each is None else NOW + each for each in ahead)
    forecast = Forecast(
        verdict,
        NOW,
        left=60,
        pace=30,
        chance=chance,
        dry_at=dry_at,
        earliest=earliest,
        latest=latest,
        renews_at=RENEWS,
        spare=spare,
        idle_since=NOW,
        unchanged_since=NOW,
    )
    for line in (said(forecast), brief(forecast, NOW, UTC)):
        assert "\n" not in line
        assert sum(line.count(word) for word in ("**does not last**", "**may not last**", "**Lasts**")) <= 1
        assert len(line) < 250
