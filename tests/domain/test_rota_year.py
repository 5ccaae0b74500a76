"""A rota over a year, in zones whose clocks bite: never nobody, never two, and each handover told once, at its hour.

Whose week it is, and when it begins, is worked out here anew, by looking at the clock on the wall minute by minute.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.messages import Notice, NoticeKind
from bot.domain.rota import Rota, Swap, set_of, shifts
from bot.domain.steering import Entry
from bot.domain.watch.duty import note_absent
from bot.domain.watch.known import Changes, Known, Memory, restore
from bot.domain.watch.response import decide
from bot.domain.watch.schedule import tick
from tests.domain.stories import POLICY

MEMBERS = (41, 42, 43, 44)
STANDBY = 51
"""Somebody who stands in, and is no member."""
SECOND, MINUTE, HOUR, DAY, WEEK = (timedelta(seconds=each) for each in (1, 60, 3600, 86_400, 604_800))
START = datetime(2026, 1, 14, 12, tzinfo=UTC)
END = START + 53 * WEEK

BITE = {
    "Europe/Berlin": (6, time(2, 30)),  # left out on 29 March, and twice on 25 October
    "America/New_York": (6, time(1, 30)),  # twice on 1 November
    "Australia/Lord_Howe": (6, time(1, 45)),  # twice on 5 April, by a clock that moves half an hour
    "Africa/Cairo": (4, time(0, 15)),  # left out on 24 April: the clock goes on at midnight
    "Asia/Kathmandu": (2, time(9, 0)),  # 5:45 ahead, and never otherwise
}


def on_the_wall(day: date, at: time, zone: str) -> datetime:
    """When a clock on the wall shows that hour first; as much later as it is put on where it leaves that out."""
    wall, here = datetime.combine(day, at), ZoneInfo(zone)
    noon = datetime.combine(day, time(12), UTC)
    for minutes in range(-36 * 60, 36 * 60):
        now = noon + minutes * MINUTE
        shows = now.astimezone(here).replace(tzinfo=None)
        before = (now - MINUTE).astimezone(here).replace(tzinfo=None)
        if shows == wall:
            return now
        if before < wall < shows:
            return now + (wall - before - MINUTE)
    raise AssertionError


def handovers(rota: Rota) -> list[datetime]:
    """All of the year, and one before and behind it."""
    here = START.astimezone(ZoneInfo(rota.zone)).date()
    first = here - timedelta(days=(here.weekday() - rota.weekday) % 7 + 7)
    return [on_the_wall(first + week * WEEK, rota.at, rota.zone) for week in range(58)]


@dataclass
class Bot:
    """Ticks, and remembers as the database does."""

    known: Known
    told: list[tuple[datetime, Notice]] = field(default_factory=list)

    def keep(self, moved: tuple[Changes, Known]) -> None:
        """It is stored, with its messages."""
        changes, self.known = moved
        shifts_ = [each for each in changes.notices if each.kind is NoticeKind.SHIFT]
        assert len(shifts_) <= 1
        self.told += [(each.at, each) for each in shifts_]

    def tick(self, now: datetime) -> None:
        """The time does its part; it is killed before the commit, and does it again."""
        tick(self.known, now, POLICY)
        self.keep(tick(self.known, now, POLICY))

    def restart(self) -> None:
        """All that is not stored is gone."""
        kept = self.known.decisions.kept.values()
        self.known = restore(Memory(decisions=tuple(each for those in kept for each in those.values())))


def begun(zone: str, members: Sequence[int] = MEMBERS) -> tuple[Bot, Rota]:
    """A rota that is set at the start of the year."""
    weekday, at = BITE[zone]
    rota = set_of(members, weekday, at, zone, 41, START)
    bot = Bot(Known())
    bot.keep(decide(bot.known, rota, Entry(START, 41, "oncall set", "the rota")))
    return bot, rota


def due(edges: Sequence[datetime], before: datetime, now: datetime) -> list[datetime]:
    """Which of them came since."""
    return [each for each in edges if before < each <= now]


def whose(edges: Sequence[datetime], members: Sequence[int], now: datetime) -> int:
    """Whose week it is by the order, which begins with who is on call at the start."""
    return members[sum(START < each <= now for each in edges) % len(members)]


@pytest.mark.parametrize("zone", BITE)
def test_a_year_of_ticks_with_restarts_tells_each_handover_once_at_its_hour(zone: str) -> None:
    bot, rota = begun(zone)
    edges = handovers(rota)
    bot.tick(START)
    near = [each + 5 * seconds * SECOND for each in edges for seconds in range(-3, 4)]
    often = [START + hours * 6 * HOUR for hours in range(53 * 28)]
    for number, now in enumerate(each for each in sorted({*near, *often}) if START < each < END):
        if number % 3 == 0:
            bot.restart()
        bot.tick(now)
        shift = bot.known.decisions.on_call(now)
        assert shift is not None
        assert shift.who == whose(edges, MEMBERS, now)
        assert shift.since <= now < shift.until
        assert {shift.since, shift.until} <= {*edges}
        assert shift.following == whose(edges, MEMBERS, shift.until)
    expected = [START, *due(edges, START, END - SECOND)]
    assert [at for at, _ in bot.told] == expected
    assert len(expected) in {53, 54}
    assert [each.shift and each.shift.who for _, each in bot.told] == [whose(edges, MEMBERS, at) for at in expected]


@pytest.mark.parametrize("zone", BITE)
def test_the_shifts_of_a_year_leave_no_gap_and_no_two_at_a_time(zone: str) -> None:
    _, rota = begun(zone)
    swaps = [
        Swap("a", STANDBY, START + 3 * DAY, START + 4 * DAY, 41),
        Swap("b", 44, START + 20 * DAY, START + 40 * DAY, 41),
        Swap("c", 41, START + 40 * DAY, START + 41 * DAY, 41),
    ]
    year = list(islice(shifts(rota, swaps, START), 60))
    assert year[0].since <= START
    assert all(one.until == other.since < other.until for one, other in pairwise(year))
    assert year[-1].until > END - 2 * WEEK
    for each in swaps:
        assert {shift.who for shift in year if each.since <= shift.since < each.until} == {each.who}


# What happens in a year: the bot is away, the clock is wrong, people leave, come back, and stand in for others.

SPAN = st.integers(0, 53 * 7 * 24).map(lambda hours: hours * HOUR)
AWAY = st.tuples(st.just("away"), SPAN, st.integers(1, 30 * 24))
BACK = st.tuples(st.just("set back"), SPAN, st.integers(1, 59))
LEAVES = st.tuples(st.just("leaves"), SPAN, st.sampled_from(MEMBERS))
RETURNS = st.tuples(st.just("returns"), SPAN, st.sampled_from(MEMBERS))
STANDS_IN = st.tuples(st.just("stands in"), SPAN, st.sampled_from((*MEMBERS, STANDBY)))
DIES = st.tuples(st.just("dies"), SPAN, st.just(0))
EVENTS = st.lists(st.one_of(AWAY, BACK, LEAVES, RETURNS, STANDS_IN, DIES), max_size=30)


def moments(
    events: Sequence[tuple[str, timedelta, int]], edges: Sequence[datetime]
) -> Iterator[tuple[datetime, str, int]]:
    """Ticks while the bot is there, and what else happens, in their order."""
    ticks = {START + days * DAY for days in range(1, 53 * 7, 3)} | {
        each + shift for each in edges for shift in (timedelta(), HOUR + MINUTE)
    }
    away = [(START + at, START + at + more * HOUR) for what, at, more in events if what == "away"]
    happens = [(START + at, what, more) for what, at, more in events if what != "away"]
    ticks_ = [(each, "tick", 0) for each in ticks if START < each < END]
    for at, what, more in sorted([*ticks_, *happens]):
        if what != "tick" or not any(begin <= at < end for begin, end in away):
            yield at, what, more


def happens(bot: Bot, swaps: list[Swap], absent: set[int], far: datetime, event: tuple[datetime, str, int]) -> None:
    """What people, the clock or a kill did; the clock was never further than `far`."""
    at, what, more = event
    if what == "dies":
        bot.restart()
    elif what == "leaves":
        absent.add(more)
        bot.keep(note_absent(bot.known, {more}, set(), at))
    elif what == "returns":
        absent.discard(more)
        bot.keep(note_absent(bot.known, set(), {more}, at))
    elif what == "stands in":
        new = Swap(f"swap{len(swaps)}", more, at + SECOND, at + 30 * HOUR, 41)
        if not any(each.since < new.until and new.since < each.until for each in swaps):
            swaps.append(new)
            bot.keep(decide(bot.known, new, Entry(at, 41, "oncall swap", "")))
    elif what == "set back":
        bot.tick(far - more * MINUTE)


@settings(max_examples=20)
@given(st.sampled_from(sorted(BITE)), EVENTS)
def test_whatever_happens_in_a_year_somebody_is_on_call_and_is_told_once(
    zone: str, events: list[tuple[str, timedelta, int]]
) -> None:
    bot, rota = begun(zone)
    edges, absent, swaps = handovers(rota), set[int](), list[Swap]()
    bot.tick(START)
    last_told, far = whose(edges, MEMBERS, START), START
    for at, what, more in moments(events, edges):
        told = len(bot.told)
        happens(bot, swaps, absent, far, (at, what, more))
        assert what != "set back" or len(bot.told) == told
        if what != "tick":
            continue
        before, far = far, at
        bot.tick(at)
        present = [each for each in MEMBERS if each not in absent]
        shift = bot.known.decisions.on_call(at)
        if not present:
            assert shift is None
            assert [notice.shift and notice.shift.who for _, notice in bot.told[told:]] in ([], [None])
            last_told = 0
            continue
        assert shift is not None
        able = [each for each in swaps if each.who not in absent]
        who = whose_turn(edges, able, present, at)
        assert shift.who == who
        turns = due([*edges, *(edge for each in able for edge in (each.since, each.until))], before, at)
        assert len(bot.told[told:]) == (bool(turns) or who != last_told)
        for when, notice in bot.told[told:]:
            assert notice.shift is not None
            assert (when, notice.shift.who, notice.until) == (at, who, shift.until)
        last_told = who


def whose_turn(edges: Sequence[datetime], swaps: Sequence[Swap], present: Sequence[int], now: datetime) -> int:
    """Who stands in, or else whose week it is of those who are there."""
    week = sum(START < each <= now for each in edges)
    order = [MEMBERS[(week + later) % len(MEMBERS)] for later in range(len(MEMBERS))]
    standing_in = [each.who for each in swaps if each.since <= now < each.until]
    return next(iter([*standing_in, *(each for each in order if each in present)]))
