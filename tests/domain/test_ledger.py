"""What is remembered of a token's use of fast time, whatever is read, and however often."""

import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import info
from bot.domain.forecast import Forecast, Verdict, burning, forecast
from bot.domain.ledger import Ledger, apply, opened, pack, unpack, used, uses
from bot.domain.model import Token
from bot.domain.value import replace
from tests.domain.fleets import record

START = datetime(2026, 10, 20, 6, tzinfo=UTC)
RENEWS = datetime(2026, 11, 15, 6, tzinfo=UTC)
ZONES = [UTC, *map(ZoneInfo, ("Europe/Berlin", "America/Havana", "Asia/Kathmandu", "Africa/Casablanca", "Asia/Beirut"))]
"""Of both daylight-saving edges, of quarters of an hour, and of days that begin at one."""

SHORTEST_DAY, LONGEST_DAY = 23, 25
"""Hours."""


def token(
    minutes: float | None,
    *,
    total: float = 900,
    status: str = "FAST",
    active: bool = True,
    renews: datetime = RENEWS,
    left_out_since: datetime | None = None,
    billing: str = "monthly",
) -> Token:
    """A token with so much fast time; None for a text that nobody can read."""
    read = record(
        status=status,
        active=active,
        fast="plenty" if minutes is None else f"{minutes:.2f}/{total:.2f} minutes",
        terms=f"Active {billing}, renews next on <t:{int(renews.timestamp())}>",
    )
    return info.read(replace(read, kept={"fast_time_remaining": left_out_since}) if left_out_since else read)


def after(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def entered(readings: Iterable[tuple[float, Token]], zone: tzinfo = UTC, ledger: Ledger | None = None) -> Ledger:
    """A ledger of readings, each so many hours after the start."""
    for hours, each in readings:
        ledger = apply(ledger, each, after(hours), zone)
    assert ledger is not None
    return ledger


def in_all(ledger: Ledger) -> float:
    """Minutes used, of all days."""
    book = opened(ledger)
    return sum(book.use) if book else 0.0


def watched(ledger: Ledger, each: Token, hours: float, zone: tzinfo = UTC) -> float:
    """Hours that were watched so many hours after the start."""
    return forecast(ledger, each, after(hours), zone).watched / timedelta(hours=1)


def alike(one: Forecast, other: Forecast) -> bool:
    """Whether two forecasts say the same, as far as anybody could see."""
    said, expected = (
        (each.verdict, each.left, each.renews_at, each.unchanged_since, each.chance is None) for each in (one, other)
    )
    figures, known = ((each.chance or 0.0, each.pace or 0.0, each.watched.total_seconds()) for each in (one, other))
    return said == expected and figures == pytest.approx(known, rel=1e-3, abs=1e-3)


steps = st.tuples(
    st.sampled_from([0.05, 0.5, 1, 5, 30, 200]),
    st.one_of(
        st.sampled_from([None, 0, 0.5, 450, 900, 1_000]),
        st.floats(0, 900).map(lambda minutes: round(minutes, 2)),
    ),
    st.sampled_from(["FAST", "FAST", "RELAX", "BANNED", "VERIFYING"]),
    st.sampled_from([True, True, True, False]),
    st.booleans(),
)
"""After how many hours; what is left; the status; whether it is on; and whether the fast time was left out."""

stories = st.lists(steps, min_size=1, max_size=12)


def told(story: list[tuple[float, float | None, str, bool, bool]]) -> list[tuple[float, Token]]:
    """The readings of a story, with the hours after the start."""
    readings: list[tuple[float, Token]] = []
    passed = 0.0
    for hours, minutes, status, active, left_out in story:
        kept = readings[-1] if readings and left_out else None
        shown = kept[1].fast_time.remaining if kept else minutes
        since = after(passed) if kept else None
        passed += hours
        next_ = RENEWS if after(passed) < RENEWS else RENEWS + timedelta(days=30)
        readings.append((passed, token(shown, status=status, active=active, left_out_since=since, renews=next_)))
    return readings


@given(stories, st.sampled_from(ZONES))
def test_readings_that_are_the_same_change_nothing_however_many_there_are(
    story: list[tuple[float, float | None, str, bool, bool]], zone: tzinfo
) -> None:
    readings = told(story)
    changes = entered(readings, zone)
    polled: Ledger | None = None
    end, last = readings[-1][0] + 50, readings[-1][1]
    for (hours, each), (later, _) in zip(readings, [*readings[1:], (end, last)], strict=True):
        polled = apply(polled, each, after(hours), zone)
        assert apply(polled, each, after(hours), zone) is polled
        for poll in range(1, 8):
            polled = apply(polled, each, after(hours + (later - hours) * poll / 8), zone)
    for now in (end, end + 9, end + 500):
        one, other = (forecast(ledger, last, after(now), zone) for ledger in (polled, changes))
        assert alike(one, other)


@given(stories, st.sampled_from(ZONES), st.integers(2, 40))
def test_hours_that_are_counted_late_are_counted_as_they_would_have_been_at_once(
    story: list[tuple[float, float | None, str, bool, bool]], zone: tzinfo, polls: int
) -> None:
    readings = told(story)
    lazy = opened(entered(readings, zone))
    eager = opened(entered(readings, zone))
    start = readings[-1][0]
    for poll in range(1, polls + 1):
        if eager is not None:
            eager.roll(int(after(start + 1_000 * poll / polls).timestamp()), zone)
    assert (lazy is None) == (eager is None)
    if lazy is not None and eager is not None:
        lazy.roll(int(after(start + 1_000).timestamp()), zone)
        assert lazy.covered == pytest.approx(eager.covered, abs=1e-6)
        assert lazy.use == eager.use
        assert lazy.hour_covered == pytest.approx(eager.hour_covered, rel=1e-6, abs=1e-6)
        assert lazy.hour_use == pytest.approx(eager.hour_use, rel=1e-6, abs=1e-6)
        assert (lazy.day, lazy.rolled) == (eager.day, eager.rolled)


@given(stories, st.sampled_from(ZONES))
def test_a_ledger_is_small_is_stored_and_comes_back(
    story: list[tuple[float, float | None, str, bool, bool]], zone: tzinfo
) -> None:
    ledger = entered(told(story), zone)
    assert len(pack(ledger)) <= 700
    assert sys.getsizeof(ledger) + sys.getsizeof(ledger.packed) <= 800
    assert unpack(pack(ledger)) == ledger


@given(st.binary(max_size=700))
def test_what_is_no_ledger_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no ledger"):
        unpack(data if data != b"\x01" else b"\x02")


def test_a_ledger_of_another_version_or_of_no_numbers_is_refused() -> None:
    data = pack(entered([(0, token(900))]))
    with pytest.raises(ValueError, match="version"):
        unpack(bytes([2]) + data[1:])
    with pytest.raises(ValueError, match="numbers"):
        unpack(data[:-4] + b"\xff\xff\xff\x7f")


@given(stories, st.sampled_from(ZONES))
def test_no_more_is_entered_than_fell_and_no_day_has_more_hours_than_it_has(
    story: list[tuple[float, float | None, str, bool, bool]], zone: tzinfo
) -> None:
    readings = told(story)
    book = opened(entered(readings, zone))
    if book is None:
        return
    levels = [each.fast_time.remaining for _, each in readings if each.fast_time.remaining is not None]
    most = sum(max(one - other, 0) for one, other in pairwise(levels)) + 900
    assert sum(book.use) + 1e-3 >= 0
    assert sum(book.use) <= most
    assert all(0 <= each <= LONGEST_DAY + 1e-3 for each in book.covered)


@given(
    st.floats(1, 400),
    st.floats(0.2, 20),
    st.lists(st.floats(0.05, 0.95), min_size=1, max_size=6),
    st.sampled_from(ZONES),
)
def test_a_fall_that_is_read_in_several_steps_is_the_same_fall(
    fall: float, hours: float, parts: list[float], zone: tzinfo
) -> None:
    begun = [(0.0, token(900)), (100.0, token(800))]
    steps = [(100 + hours * part, token(800 - fall * part)) for part in sorted({*parts, 1.0})]
    one, many = entered([*begun, steps[-1]], zone), entered([*begun, *steps], zone)
    said = [forecast(each, steps[-1][1], after(130), zone) for each in (one, many)]
    assert in_all(one) == pytest.approx(in_all(many), abs=0.2)
    assert said[0].chance == pytest.approx(said[1].chance, abs=0.02)
    assert said[0].pace == pytest.approx(said[1].pace, rel=0.02)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 10, 25), LONGEST_DAY),
        ("America/Havana", date(2026, 3, 8), SHORTEST_DAY),  # it begins at one
        ("Asia/Beirut", date(2026, 3, 29), SHORTEST_DAY),  # the same
        ("Asia/Kathmandu", date(2026, 3, 8), 24),
        ("UTC", date(2026, 3, 8), 24),
    ],
)
@pytest.mark.parametrize("every", [200, 24, 5, 0.7])
def test_a_day_has_as_many_hours_as_the_clocks_give_it(zone: str, day: date, hours: int, every: float) -> None:
    there = ZoneInfo(zone)
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=2)
    renews = begin + timedelta(days=20)
    book = opened(apply(None, token(900, renews=renews), begin, there))
    assert book is not None
    until = begin
    while until < begin + timedelta(days=5):
        until += timedelta(hours=every)
        book.roll(int(until.timestamp()), there)
    assert book.covered[day.toordinal() % 35] == pytest.approx(hours, abs=1e-3)


def test_use_is_told_by_local_day() -> None:
    zone = ZoneInfo("Asia/Kathmandu")  # 5:45 ahead: it is 11:45 at the start
    ledger = entered([(0, token(900)), (12, token(890)), (13, token(840)), (36, token(840)), (40, token(800))], zone)
    assert used(ledger, date(2026, 10, 20)) == pytest.approx(10 + 50 * 0.25, abs=0.1)  # midnight is at 12:15
    assert used(ledger, date(2026, 10, 21)) == pytest.approx(50 * 0.75 + 40 * 20.25 / 24, abs=0.1)
    assert used(ledger, date(2026, 10, 19)) is None
    assert used(ledger, date(2026, 10, 25)) is None
    assert used(ledger, date(2026, 8, 1)) is None


def test_on_the_days_since_the_last_change_nothing_was_used_as_far_as_it_was_read() -> None:
    ledger = entered([(0, token(900)), (8, token(880)), (30, token(850))])
    days = [date(2026, 10, 18 + number) for number in range(8)]
    told = uses(ledger, days, date(2026, 10, 23))
    assert told[:2] == [None, None]
    assert sum(each or 0 for each in told) == pytest.approx(50)
    assert told[4:] == [0, 0, None, None]
    assert told[2:4] == [used(ledger, day) for day in days[2:4]]
    assert uses(None, days, days[-1]) == [None] * len(days)


@pytest.mark.parametrize(
    "idle",
    [token(800, active=False), token(800, status="BANNED"), token(800, status="VERIFYING"), token(0.5)],
    ids=["off", "banned", "verifying", "empty"],
)
def test_time_in_which_nobody_could_use_it_is_not_watched(idle: Token) -> None:
    ledger = entered([(0, token(900)), (10, idle), (200, token(800))])
    assert watched(ledger, token(800), 210) == pytest.approx(20, abs=0.1)


def test_relax_and_a_status_that_nobody_knows_are_watched() -> None:
    ledger = entered([(0, token(900)), (10, token(800, status="RELAX")), (20, token(700, status="PONDERING"))])
    assert watched(ledger, token(700, status="PONDERING"), 30) == pytest.approx(30, abs=0.1)


def test_what_shows_while_it_is_off_was_used_before() -> None:
    ledger = entered([(0, token(900)), (24, token(900, active=False)), (25, token(890, active=False))])
    assert used(ledger, date(2026, 10, 20)) == pytest.approx(10 * 18 / 24, abs=0.1)
    late = entered([(40, token(500, active=False)), (50, token(400))], ledger=ledger)
    assert in_all(late) == pytest.approx(10, abs=0.1), "somebody's else, as no job was sent to it"
    on = entered([(60, token(390))], ledger=late)
    assert in_all(on) == pytest.approx(20, abs=0.1)
    assert used(on, date(2026, 10, 22)) == pytest.approx(10, abs=0.1), "and not of the days that it was off"


def test_an_outage_of_days_is_no_single_day() -> None:
    begun = entered([(0, token(900)), (18, token(890))])
    known = apply(begun, token(490), after(18 + 96), UTC, read_before=after(18))
    unknown = apply(begun, token(490), after(18 + 96), UTC)
    assert [used(known, date(2026, 10, 21 + day)) for day in range(4)] == pytest.approx([100] * 4, abs=0.1)
    assert used(unknown, date(2026, 10, 24)) == pytest.approx(400, abs=0.1)


def test_a_fast_time_that_is_left_out_or_unread_is_a_gap() -> None:
    gap = token(890, left_out_since=after(18))
    ledger = entered([(0, token(900)), (18, token(890)), (18.1, gap)])
    assert watched(ledger, gap, 60) == pytest.approx(18, abs=0.2), "what nobody read is not idle"
    closed = entered([(18 + 96, token(490))], ledger=ledger)
    assert [used(closed, date(2026, 10, 21 + day)) for day in range(4)] == pytest.approx([100] * 4, abs=0.1)
    assert watched(closed, token(490), 18 + 96) == pytest.approx(18 + 96, abs=0.1)
    unread = entered([(30, token(None)), (31, token(None, status="RELAX"))], ledger=closed)
    assert unread == closed or opened(unread) is not None


def test_of_a_token_whose_fast_time_was_never_read_nothing_is_kept() -> None:
    ledger = entered([(0, token(None)), (5, token(None, active=False))])
    assert len(pack(ledger)) == 1
    assert unpack(pack(ledger)) == ledger
    assert used(ledger, START.date()) is None
    assert watched(entered([(10, token(900))], ledger=ledger), token(900), 20) == pytest.approx(10)


def test_old_numbers_that_come_and_go_are_no_use() -> None:
    flapping = [(1 + number / 10, token(860 if number % 2 else 900)) for number in range(1, 40)]
    assert in_all(entered([(0, token(900)), *flapping])) == pytest.approx(40, abs=0.1)
    assert in_all(entered([(0, token(900)), (1, token(0)), (1.1, token(900))])) == pytest.approx(0, abs=1e-3)


def test_rounding_to_and_fro_is_no_use() -> None:
    jitter = [
        (number / 10, info.read(record(fast=f"{hours}/15.00 hours")))
        for number, hours in enumerate(["10.00", *["9.99", "10.00"] * 20, "9.99"])
    ]
    assert in_all(entered(jitter)) <= 1.3


def test_what_is_bought_is_no_use_and_what_is_refilled_may_have_been_used_already() -> None:
    ledger = entered([(0, token(300)), (10, token(100)), (20, token(700))])
    assert in_all(ledger) == pytest.approx(200, abs=0.1)
    past = (RENEWS - START) / timedelta(hours=1)
    next_ = RENEWS + timedelta(days=30)
    refilled = entered([(past - 1, token(690)), (past + 5, token(860, renews=next_))], ledger=ledger)
    assert in_all(refilled) == pytest.approx(200 + 10 + 40, abs=0.1)
    upgraded = apply(ledger, token(1_700, total=1_800, renews=next_), after(30), UTC)
    assert in_all(upgraded) == pytest.approx(200, abs=0.1), "of another plan's allowance nobody used anything yet"


@given(stories, stories, st.sampled_from(ZONES), st.sampled_from([0.0, -0.001, -3, -30, -500, -10_000, 40_000]))
def test_a_clock_that_is_set_breaks_nothing(
    before: list[tuple[float, float | None, str, bool, bool]],
    later: list[tuple[float, float | None, str, bool, bool]],
    zone: tzinfo,
    shift: float,
) -> None:
    ledger = entered(told(before), zone)
    moved = [*told(later), (told(later)[-1][0] + 1, token(123))]
    base = told(before)[-1][0] + shift
    ledger = entered([(base + hours, each) for hours, each in moved], zone, ledger)
    book = opened(ledger)
    assert unpack(pack(ledger)) == ledger
    if book is not None:
        assert all(0 <= hours <= 2 * LONGEST_DAY for hours in book.covered)
        assert all(use >= -1e-3 for use in book.use)
        assert book.rolled <= int(after(base + moved[-1][0]).timestamp())
    now = after(base + moved[-1][0] + 1)
    said = forecast(ledger, moved[-1][1], now, zone)
    assert said.at == now
    burning(ledger, moved[-1][1], now, now)


def test_a_refill_that_was_seen_in_what_is_to_come_is_no_reason_not_to_wait_for_one() -> None:
    """A clock was two months ahead for a while."""
    ledger = entered([(0, token(500)), (60 * 24, token(900)), (1, token(880)), (30, token(500))])
    assert forecast(ledger, token(500), RENEWS + timedelta(hours=2), UTC).verdict is Verdict.REFILL_DUE
