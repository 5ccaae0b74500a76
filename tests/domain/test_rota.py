"""Who is on call: never nobody, never two, and each handover once and at its hour, whatever the clocks do."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from random import Random
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.incidents import Rule
from bot.domain.messages import Notice, NoticeKind
from bot.domain.model import Severity
from bot.domain.rota import ROTA, Rota, Swap, on_call, overlapping, set_of, shifts
from bot.domain.steering import Entry
from bot.domain.value import replace
from bot.domain.watch.duty import note_absent
from bot.domain.watch.known import Known
from bot.domain.watch.response import decide, undo
from bot.domain.watch.schedule import tick
from tests.chat.builders import incident
from tests.domain.stories import POLICY

if TYPE_CHECKING:
    from bot.domain.decisions import Decision

ANA, BO, CY, DEE = 41, 42, 43, 44
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
"""On the northern and the southern half; and one whose clock is moved by half an hour."""
YEAR = datetime(2026, 1, 1, tzinfo=UTC)
HALF_PAST_TWO = time(2, 30)
"""It comes twice in one night of Berlin and New York, and not at all in another."""
SUNDAY = 6
"""The clocks are moved then."""


def known_with(rota: Rota, *swaps: Swap) -> Known:
    """That is decided, and nothing is wrong."""
    known = Known()
    decided: tuple[Decision, ...] = (rota, *swaps)
    for each in decided:
        _, known = decide(known, each, Entry(YEAR, ANA, "oncall set", ""))
    return known


def ticked(known: Known, now: datetime) -> tuple[list[Notice], Known]:
    """What the time alone brings."""
    changes, known = tick(known, now, POLICY)
    return [each for each in changes.notices if each.kind is NoticeKind.SHIFT], known


def restarted(known: Known) -> Known:
    """As it is after it was stored and read: the process died in between."""
    kept = [
        msgspec.json.decode(msgspec.json.encode(each), type=type(each))
        for those in known.decisions.kept.values()
        for each in those.values()
    ]
    return Known(decisions=known.decisions.of(kept))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("hour", [HALF_PAST_TWO, time(9), time(0)])
def test_over_a_year_there_is_always_one_and_each_handover_is_told_once_and_at_its_hour(zone: str, hour: time) -> None:
    rota = set_of([ANA, BO, CY], SUNDAY, hour, zone, ANA, YEAR)
    known, rng, now = known_with(rota), Random(f"{zone}{hour}"), YEAR
    told, before = [], YEAR - timedelta(minutes=1)
    while now < YEAR + timedelta(days=366):
        notices, known = ticked(known, now)
        told += [(before, now, each) for each in notices]
        if rng.random() < 0.1:
            known = restarted(known)
        before, now = now, now + timedelta(seconds=rng.choice((5, 5, 600, 7200, 20000)))
    first, *handovers = told
    assert first[2].shift is not None
    assert first[2].shift.who == ANA
    assert len(handovers) in {52, 53}
    order = [each.shift.who for _, _, each in told if each.shift]
    assert order == [(ANA, BO, CY)[number % 3] for number in range(len(told))]
    for earlier, at, _ in handovers:
        here = ZoneInfo(zone)
        days = (at.astimezone(here).date() - timedelta(days=back) for back in range(3))
        due = next(
            instant
            for day in days
            if day.weekday() == SUNDAY and (instant := datetime.combine(day, hour, here).astimezone(UTC)) <= at
        )
        assert earlier < due  # by the first look after it


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("leave"), st.sampled_from([ANA, BO, CY])),
        st.tuples(st.just("return"), st.sampled_from([ANA, BO, CY])),
        st.tuples(st.just("swap"), st.sampled_from([ANA, BO, CY, DEE])),
        st.tuples(st.just("take back"), st.just(0)),
        st.tuples(st.just("set"), st.permutations([ANA, BO, CY])),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("wait"), st.integers(5, 20 * 86400)),
        st.tuples(st.just("set back"), st.integers(1, 600)),
    ),
    max_size=30,
)


def moved(known: Known, now: datetime, zone: str, number: int, change: tuple[str, object]) -> tuple[datetime, Known]:
    """What people, or the clock, or a kill did."""
    what, value = change
    rota = known.decisions.rota
    assert rota is not None
    entry = Entry(now, ANA, what, "")
    if what in {"leave", "return"} and isinstance(value, int):
        gone, back = ([value], []) if what == "leave" else ([], [value])
        _, known = note_absent(known, gone, back, now)
    elif what == "swap" and isinstance(value, int):
        swap = Swap(f"s{number}", value, now, now + timedelta(days=2), ANA)
        if overlapping(known.decisions.swaps.values(), swap.since, swap.until) is None:
            _, known = decide(known, swap, entry)
    elif what == "take back" and known.decisions.swaps:
        _, known = undo(known, next(iter(known.decisions.swaps.values())), entry)
    elif what == "set" and isinstance(value, list):
        _, known = decide(known, set_of(value, SUNDAY, HALF_PAST_TWO, zone, ANA, now, rota), entry)
    elif what == "restart":
        known = restarted(known)
    elif isinstance(value, int) and what in {"wait", "set back"}:
        now += timedelta(seconds=value if what == "wait" else -value)
    return now, known


@given(st.sampled_from(ZONES), CHANGES)
def test_whatever_people_and_clocks_do_the_channel_knows_who_is_on_call(
    zone: str, changes: list[tuple[str, object]]
) -> None:
    now = YEAR
    known = known_with(set_of([ANA, BO, CY], SUNDAY, HALF_PAST_TWO, zone, ANA, now))
    said: int | None = None
    latest = now
    for number, (what, value) in enumerate(changes):
        now, known = moved(known, now, zone, number, (what, value))
        notices, known = ticked(known, now)
        assert len(notices) <= 1
        for each in notices:
            assert each.shift is not None
            said = each.shift.who
        assert not ticked(known, now)[0]  # the same instant twice tells nothing
        turn = known.decisions.on_call(now)
        assert known.decisions.rota is not None
        present, absent = known.decisions.rota.present, known.decisions.rota.absent
        assert (turn is None) == (not present)
        if turn is not None:
            assert turn.since <= now < turn.until
            assert turn.who not in absent
            assert turn.following != turn.who
        latest = max(latest, now)
        finally_said = said
        later, after = ticked(known, latest + timedelta(minutes=1))  # what a clock hid that was set back
        for each in later:
            assert each.shift is not None
            finally_said = each.shift.who
        turn = after.decisions.on_call(latest + timedelta(minutes=1))
        assert finally_said == (turn.who if turn else None)


@given(st.sampled_from(ZONES), st.integers(1, 5), st.integers(0, 6), st.times(), st.integers(0, 3 * 365 * 86400))
def test_one_shift_follows_the_other_without_a_gap(zone: str, people: int, weekday: int, hour: time, ago: int) -> None:
    hour = hour.replace(second=0, microsecond=0)
    set_at = YEAR - timedelta(seconds=ago)
    rota = set_of(range(1, people + 1), weekday, hour, zone, ANA, set_at)
    assert on_call(rota, (), set_at) is not None
    swaps = [Swap("s", 9, YEAR + timedelta(days=3), YEAR + timedelta(days=12), ANA)]
    coming = list(islice(shifts(rota, swaps, YEAR), 60))
    assert all(one.until == other.since for one, other in pairwise(coming))
    assert coming[0].since <= YEAR < coming[0].until
    for each in coming:
        middle = each.since + (each.until - each.since) / 2
        found = on_call(rota, swaps, middle)
        assert found is not None
        assert (found.who, found.since, found.until) == (each.who, each.since, each.until)


def test_whoever_is_on_call_keeps_the_week_when_the_rota_is_set_anew() -> None:
    rota = set_of([ANA, BO, CY], 0, time(9), "UTC", ANA, YEAR)
    later = YEAR + timedelta(days=8)
    now_on = on_call(rota, (), later)
    assert now_on is not None
    assert now_on.who == BO
    for members in ([CY, BO, ANA, DEE], [BO, ANA], [DEE, CY, BO]):
        found = on_call(set_of(members, 0, time(9), "UTC", ANA, later, rota), (), later)
        assert found is not None
        assert found.who == BO
    found = on_call(set_of([DEE, CY], 2, time(9), "UTC", ANA, later, rota), (), later)
    assert found is not None
    assert found.who == DEE


def test_whoever_left_is_passed_over_and_the_channel_is_told_so() -> None:
    known = known_with(set_of([ANA, BO], 0, time(9), "UTC", ANA, YEAR))
    _, known = ticked(known, YEAR)
    changes, known = note_absent(known, [ANA], [], YEAR)
    assert [each.act for each in changes.audit] == ["oncall left"]
    (notice,), known = ticked(known, YEAR)
    assert notice.shift is not None
    assert (notice.shift.who, notice.shift.left) == (BO, ANA)
    changes, known = note_absent(known, [ANA, BO], [], YEAR)
    (notice,), known = ticked(known, YEAR)
    assert notice.shift is not None
    assert notice.shift.who is None
    assert known.decisions.on_call(YEAR) is None
    assert not ticked(known, YEAR)[0]
    changes, known = note_absent(known, [], [ANA], YEAR)
    assert [each.act for each in changes.audit] == ["oncall back"]
    (notice,), known = ticked(known, YEAR)
    assert notice.shift is not None
    assert notice.shift.who == ANA
    assert note_absent(known, [BO], [ANA], YEAR)[0].nothing
    assert note_absent(Known(), [BO], [ANA], YEAR)[0].nothing


def test_a_shift_begins_with_what_is_open_and_a_swap_that_is_over_is_forgotten() -> None:
    ban = replace(incident(Rule.BANNED, 1901, severity=Severity.CRITICAL), acknowledged=None)
    swap = Swap("s1", DEE, YEAR, YEAR + timedelta(hours=8), BO)
    known = replace(known_with(set_of([ANA, BO], 0, time(9), "UTC", ANA, YEAR), swap), incidents={ban.key: ban})
    (notice,), known = ticked(known, YEAR)
    assert notice.shift is not None
    assert (notice.shift.who, notice.shift.swap, notice.keys) == (DEE, True, (ban.key,))
    (notice,), known = ticked(known, YEAR + timedelta(hours=8))
    assert notice.shift is not None
    assert notice.shift.who == ANA
    assert known.decisions.swaps, "at the end of quiet hours it is asked who was on call in them"
    (_, *_), known = ticked(known, YEAR + timedelta(days=7))
    assert not known.decisions.swaps


def test_a_clock_that_was_far_ahead_is_put_right() -> None:
    known = known_with(set_of([ANA, BO], 0, time(9), "UTC", ANA, YEAR))
    (notice,), known = ticked(known, YEAR + timedelta(days=7))
    assert notice.shift is not None
    assert notice.shift.who == BO
    (notice,), known = ticked(known, YEAR)
    assert notice.shift is not None
    assert notice.shift.who == ANA


def test_there_is_one_rota_and_it_is_taken_back_for_good() -> None:
    rota = set_of([ANA], 0, time(9), "UTC", ANA, YEAR)
    known = known_with(rota, Swap("s1", BO, YEAR, YEAR + timedelta(days=1), BO))
    assert known.decisions.get(ROTA) is not None
    changes, known = undo(known, rota, Entry(YEAR, ANA, "oncall off", ""))
    assert changes.undone == {ROTA}
    assert known.decisions.on_call(YEAR) is None
    notices, known = ticked(known, YEAR)
    assert not notices
    assert not known.decisions.swaps
    assert date(2025, 12, 29) == rota.first
