"""Who is on call: a weekly rota, those who stand in, and whose shift it is at an instant. Pure.

The order moves on once a week, at the rota's hour on the clock of its zone. In the night in which the clocks leave that
hour out, that is as much later; in the one in which they repeat it, the first time. Somebody who has left the server is
passed over, and whoever comes next in the order has that week too.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot.domain.value import Value, replace

WEEK: Final = timedelta(days=7)

MOST: Final = 12
"""Members of a rota."""

SWAPS: Final = 50
"""Swaps at a time."""

KEPT: Final = timedelta(days=2)
"""How long a swap that is over is known: at the end of quiet hours it is asked who was on call in them."""

HICCUP: Final = timedelta(hours=1)
"""By how much a clock may be set back without anybody being told once more who is on call."""


class Announced(Value):
    """Which shift the channel was told of last."""

    who: int
    """Discord's id of the person."""
    since: datetime
    """When that shift began."""
    at: datetime
    """When it was told."""


class Rota(Value):
    """Who is on call in which week. There is one at most."""

    members: tuple[int, ...]
    """Discord's ids of the people, in their order; each once."""
    weekday: int
    """Of the handover; 0 is Monday."""
    at: time
    """The hour of the handover, on the clock of the zone."""
    zone: str
    """IANA name."""
    first: date
    """The local date of the handover at which the first of `members` took over."""
    by: int
    """Discord's id of the person who set it."""
    absent: tuple[int, ...] = ()
    """Those who have left the server, of `members` and of those who stand in."""
    announced: Announced | None = None

    @property
    def id(self) -> str:
        """There is one."""
        return ROTA

    @property
    def present(self) -> tuple[int, ...]:
        """Those of `members` who can be on call."""
        return tuple(each for each in self.members if each not in self.absent)

    def handover(self, week: int) -> datetime:
        """When the week of that number begins, in UTC; 0 is the one in which the first member took over."""
        day = self.first + week * WEEK
        return datetime.combine(day, self.at, ZoneInfo(self.zone)).astimezone(UTC)

    def week(self, now: datetime) -> int:
        """The number of the week that it is; below 0 before the first."""
        here = now.astimezone(ZoneInfo(self.zone)).date()
        week = (here - self.first) // WEEK + 1
        while self.handover(week) > now:
            week -= 1
        return week

    def turn(self, week: int) -> int | None:
        """Who has that week by the order; None when nobody is left."""
        order = (self.members[(week + later) % len(self.members)] for later in range(len(self.members)))
        return next((each for each in order if each not in self.absent), None)


ROTA: Final = "rota"
"""The id of the only one."""


class Swap(Value):
    """Somebody stands in for whoever would be on call."""

    id: str
    """Short, for people to name it."""
    who: int
    """Discord's id of the person who is on call instead."""
    since: datetime
    until: datetime
    by: int
    """Discord's id of the person who arranged it."""


class Shift(Value):
    """A time in which one person is on call."""

    who: int
    since: datetime
    until: datetime
    swap: bool = False
    """Whether they stand in for somebody."""
    following: int | None = None
    """Who is on call after them; None when that is nobody else."""


class Handover(Value):
    """Who is on call from now on, as the channel is told."""

    who: int | None
    """Discord's id of the person; None when everybody of the rota has left."""
    swap: bool = False
    """Whether they stand in for somebody."""
    left: int | None = None
    """Who was on call, and has left the server."""


def set_of(
    members: Sequence[int], weekday: int, at: time, zone: str, by: int, now: datetime, before: Rota | None = None
) -> Rota:
    """A rota from now on, of people who are in the server. Whoever is on call keeps this week, where they are in it."""
    here = now.astimezone(ZoneInfo(zone)).date()
    rota = Rota(tuple(members), weekday, at, zone, here - timedelta(days=(here.weekday() - weekday) % 7), by)
    if rota.handover(0) > now:
        rota = replace(rota, first=rota.first - WEEK)
    if before is None:
        return rota
    now_on = before.turn(before.week(now))
    back = rota.members.index(now_on) if now_on in rota.members else 0
    return replace(rota, first=rota.first - back * WEEK, announced=before.announced)


def on_call(rota: Rota | None, swaps: Iterable[Swap], now: datetime) -> Shift | None:
    """Whose shift it is; None without a rota, and when all have left."""
    return next(shifts(rota, swaps, now), None)


def shifts(rota: Rota | None, swaps: Iterable[Swap], now: datetime) -> Iterator[Shift]:
    """The shift that is on and those after it, for good; none without a rota, and when all have left."""
    if rota is None or not rota.present:
        return
    standing_in = sorted((each for each in swaps if each.who not in rota.absent), key=lambda each: each.since)
    spans = _spans(rota, standing_in, now)
    last = next(spans)
    for each in spans:
        yield replace(last, following=each.who if each.who != last.who else _other(rota, standing_in, each))
        last = each


def _other(rota: Rota, swaps: Sequence[Swap], after: Shift) -> int | None:
    """The first one after a shift who is somebody else; None when there is nobody else."""
    for _, each in zip(range(len(rota.members) + 2 * len(swaps) + 1), _spans(rota, swaps, after.since), strict=False):
        if each.who != after.who:
            return each.who
    return None


def _spans(rota: Rota, swaps: Sequence[Swap], now: datetime) -> Iterator[Shift]:
    """From one change to the next: a handover, or the begin or end of a swap."""
    week = rota.week(now)
    at = now
    while True:
        begin, end = rota.handover(week), rota.handover(week + 1)
        edges = sorted({begin, end, *(edge for each in swaps for edge in (each.since, each.until))})
        since = max(edge for edge in edges if begin <= edge <= at)
        until = min(edge for edge in edges if edge > at)
        swap = next((each for each in swaps if each.since <= at < each.until), None)
        by_order = rota.turn(week)
        who = swap.who if swap is not None else by_order
        assert who is not None  # noqa: S101 - somebody is present, or else nobody asks
        yield Shift(who, since, until, swap=swap is not None and swap.who != by_order)
        at = until
        if until == end:
            week += 1


def to_come(swaps: Iterable[Swap], now: datetime) -> list[Swap]:
    """Those that are not over, by when they begin."""
    return sorted((each for each in swaps if each.until > now), key=lambda each: each.since)


def overlapping(swaps: Iterable[Swap], since: datetime, until: datetime) -> Swap | None:
    """A swap in some part of that time; None when there is none."""
    return next((each for each in swaps if each.since < until and since < each.until), None)


def to_announce(rota: Rota, shift: Shift, now: datetime) -> bool:
    """Whether the channel is to be told of a shift: of each once, and of the one that is on after a time without.

    A clock that is set back a little does not tell of the one before again.
    """
    told = rota.announced
    if told is None:
        return True
    if shift.since > told.since:
        return True
    if shift.who == told.who:
        return False
    set_back = shift.since < told.since and timedelta() < told.at - now <= HICCUP
    return told.who in rota.absent or not set_back
