"""A ledger that is open: what was used, by day, by hour and in the last hour, and how it is written.

All times are whole seconds since 1970, and what is left is in minutes.
"""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from typing import Final

import msgspec

from bot.domain.model import FastTime, Unit

DAYS: Final = 35
"""Local days that are kept."""

HOURS: Final = 24
"""Of a day."""

FIVES: Final = 12
"""Sums of five minutes that are kept: an hour."""

FIVE, HOUR, DAY = 300, 3_600, 86_400
"""Seconds."""

FADE: Final = 0.5 ** (1 / 14)
"""What is left of an hour of the day, a day later: half of it in two weeks."""

DUE_FOR: Final = DAY
"""Seconds after a renewal in which its refill may still not show."""

FULL: Final = 0.99
"""Of the allowance, from which on a refill would not show."""

REFILLED: Final = 0.5
"""Of what the allowance lacks, that a rise brings at least when it is the refill."""

MOVED: Final = 10 * DAY
"""Seconds by which a renewal moves at least when it is the next one, and not the same one read otherwise."""

TOO_SHORT: Final = 0.05
"""Days of a cycle that say nothing."""

SPENT: Final = 1.0
"""Minutes with which nobody can do anything."""

MONTH: Final = 30
"""Days of the cycle before the first reading that say something at most."""

_MINUTES: Final = Unit.MINUTES
_LATEST: Final = 2**32 - 1
_FADED: Final = 100 * DAY
"""Seconds after which an hour of the day is nearly forgotten."""


class Book(msgspec.Struct, gc=False):
    """A ledger that is open: it can be rolled on, and written. Its times are whole seconds since 1970, 0 for never."""

    value: float
    """Minutes that were left."""
    total: float
    """Minutes of the allowance; the most that was seen where the text does not say."""
    step: float
    """Minutes by which the text is rounded."""
    seed: float
    """Minutes a day that were used in the cycle before it was first read."""
    seed_days: float
    """In how many days; 0 when nobody knows."""
    elapsed: float
    """Days of the cycle that had passed then, whatever is known of them."""
    fell: float
    """Minutes by which it fell last, if that may still prove wrong; see `fell_from`."""
    day: int
    """The ordinal of the last local day that it has."""
    slot: int
    """The last five minutes that it has, in five minutes since 1970."""
    first: int
    """When what is left was first read."""
    rolled: int
    """Up to when its hours are counted."""
    changed: int
    """Since when what is left reads as it does."""
    start: int
    """From when on the next fall is spread at the earliest."""
    unread: int
    """Since when no reading said how much is left."""
    off: int
    """Since when it takes no jobs."""
    used: int
    """When it was last used."""
    renewal: int
    """When it is refilled next."""
    due: int
    """The renewal that passed, while its refill does not show."""
    refilled: int
    """When it was last seen to be refilled, or full."""
    fell_from: int
    """From when on the last fall was spread."""
    fell_to: int
    """When it was read."""
    fives: list[float]
    """Minutes used, by five minutes; the place of each is its number modulo `FIVES`."""
    counts: list[int]
    """In how many readings that showed."""
    use: list[float]
    """Minutes used, by local day; the place of each is its ordinal modulo `DAYS`."""
    covered: list[float]
    """Hours watched, by local day."""
    hour_use: list[float]
    """Minutes used, by hour of the day."""
    hour_covered: list[float]
    """Hours watched, by hour of the day."""

    @property
    def empty(self) -> bool:
        """Whether nothing was left that anybody could use."""
        return self.value <= max(SPENT, 2 * self.step)

    @property
    def full(self) -> bool:
        """Whether a refill would not show."""
        return self.value >= FULL * self.total

    @property
    def watches(self) -> bool:
        """Whether time that passes is watched: somebody could use it."""
        return not self.off and not self.empty

    def roll(self, until: int, zone: tzinfo) -> None:
        """Count the hours until then, in which it was as it is now."""
        if until < self.rolled:
            self._set_back(until, zone)
        began, whole = self.day, 0.0
        if self.watches:
            for day, hour, seconds in _hours(max(self.rolled, until - _FADED), until, zone):
                self._clear(day)
                self.covered[day % DAYS] += seconds / HOUR
                grown = FADE ** (began - day)  # everything fades below, by as much as until the last day
                if hour is None:
                    whole += grown
                else:
                    self.hour_covered[hour] += grown * seconds / HOUR
        self._clear(local(until, zone).toordinal())
        if faded := FADE ** (self.day - began) * (self.day > began):
            self.hour_use = [each * faded for each in self.hour_use]
            self.hour_covered = [(each + whole) * faded for each in self.hour_covered]
        self.rolled = until

    def spread(self, minutes: float, start: int, until: int, zone: tzinfo) -> None:
        """Enter the use of a time evenly; of less than nothing, to take it out again."""
        start = max(min(start, until - 1), until - DAYS * DAY)
        each = minutes / (until - start)
        for day, hour, seconds in _hours(start, until, zone):
            age = self.day - day
            if 0 <= age < DAYS:
                self.use[day % DAYS] += each * seconds
                faded = each * seconds * FADE**age
                if hour is None:
                    self.hour_use = [use + faded / HOURS for use in self.hour_use]
                else:
                    self.hour_use[hour] += faded
        last = until // FIVE
        self._advance_slots(last)
        oldest = self.slot - FIVES + 1
        for slot in range(max(start // FIVE, oldest), last + 1):
            length = min(until, (slot + 1) * FIVE) - max(start, slot * FIVE)
            self.fives[slot % FIVES] += each * max(length, 0)
        if last >= oldest:
            self.counts[last % FIVES] = max(0, min(self.counts[last % FIVES] + (1 if minutes > 0 else -1), 255))

    def hour_until(self, until: int) -> tuple[list[float], int]:
        """The minutes used in each of the last twelve five minutes, the oldest first, and in how many readings."""
        last = until // FIVE
        kept = [slot if self.slot - FIVES < slot <= self.slot else None for slot in range(last - FIVES + 1, last + 1)]
        uses = [0.0 if slot is None else self.fives[slot % FIVES] for slot in kept]
        return uses, sum(self.counts[slot % FIVES] for slot in kept if slot is not None)

    def pass_renewal(self, now: int, renewal: int) -> None:
        """See whether a renewal passed of which no refill showed, and take the next one.

        Args:
            now: The time.
            renewal: The next refill by what the token's text says now; 0 when it does not.
        """
        was = self.renewal
        if was and (was <= now or renewal >= was + MOVED) and self.refilled < was - DAY and not self.full:
            self.due = min(was, now)
        if self.due and (self.full or not self.due - DAY <= now < self.due + DUE_FOR):
            self.due = 0
        self.renewal = renewal

    def enter(self, fast_time: FastTime, now: int, seen: int, zone: tzinfo) -> None:
        """Enter what is left. The book was rolled on until now.

        Args:
            fast_time: As read; it says what is left.
            now: When.
            seen: When that was read the last time before.
            zone: Whose days and hours are counted.
        """
        left = fast_time.remaining or 0.0
        total = fast_time.total or max(self.total, left)
        fall, same = self.value - left, total == self.total
        self.total, self.step = total, rounding(fast_time)
        if fall == 0:
            return
        self.changed = now
        if fall > 0:
            self._fall(fall, now, seen, zone)
        elif self.due and -fall >= REFILLED * (total - self.value):
            if same and left < total:  # what was used of the new allowance already
                self._use(total - left, max(self.due, now - DAY), now, zone)
            self.due, self.refilled, self.fell = 0, now, 0.0
        elif self.fell and now < self.fell_to + DAY and (again := self._again(-fall)):
            self.spread(-again, self.fell_from, self.fell_to, zone)
            self.start, self.fell = self.fell_from, self.fell - again
            self.value = left
            return
        self.value, self.start = left, now
        if self.full:
            self.refilled = now

    def _fall(self, minutes: float, now: int, seen: int, zone: tzinfo) -> None:
        """Less is left than before. What shows while it takes no jobs was used before, or else by nobody's jobs."""
        until = self.off or now
        start = max(self.start, min(until - DAY, seen))
        if self.start <= until:
            self._use(minutes, start, until, zone)
            self.fell, self.fell_from, self.fell_to = minutes, start, until

    def _again(self, rise: float) -> float:
        """What of the last fall a rise takes back: all, by old numbers or after a wrong one; or rounding."""
        if abs(rise - self.fell) <= self.step:
            return self.fell
        return min(rise, self.fell) if rise <= 2 * self.step else 0.0

    def _use(self, minutes: float, start: int, until: int, zone: tzinfo) -> None:
        self.spread(minutes, start, until, zone)
        self.used = until

    def begin(self, day: int) -> None:
        """Begin a new day, or several."""
        if day > self.day:
            faded = FADE ** (day - self.day)
            self.hour_use = [each * faded for each in self.hour_use]
            self.hour_covered = [each * faded for each in self.hour_covered]
            self._clear(day)

    def _clear(self, day: int) -> None:
        for each in range(self.day + 1, min(day, self.day + DAYS) + 1):
            self.use[each % DAYS] = self.covered[each % DAYS] = 0.0
        self.day = max(day, self.day)

    def _advance_slots(self, slot: int) -> None:
        for each in range(self.slot + 1, min(slot, self.slot + FIVES) + 1):
            self.fives[each % FIVES], self.counts[each % FIVES] = 0.0, 0
        self.slot = max(slot, self.slot)

    def _set_back(self, now: int, zone: tzinfo) -> None:
        """Forget what was to come: the clock was set back."""
        day, slot = local(now, zone).toordinal(), now // FIVE
        for each in range(max(day + 1, self.day - DAYS + 1), self.day + 1):
            self.use[each % DAYS] = self.covered[each % DAYS] = 0.0
        self.day = min(day, self.day)
        if slot < self.slot:
            self.fives, self.counts, self.slot = [0.0] * FIVES, [0] * FIVES, slot
        self.fell = 0.0
        self.first, self.rolled, self.changed, self.start = (
            min(each, now) for each in (self.first, self.rolled, self.changed, self.start)
        )
        self.unread, self.off, self.used, self.refilled = (
            min(each, now) for each in (self.unread, self.off, self.used, self.refilled)
        )


def seconds(at: datetime) -> int:
    """A time in whole seconds since 1970, from then until 2106."""
    return min(max(int(at.timestamp()), 1), _LATEST)


def rounding(fast_time: FastTime) -> float:
    """The minutes by which a text is rounded: a hundredth of its unit."""
    return 0.01 if fast_time.unit is _MINUTES else 0.6


def local(at: int, zone: tzinfo) -> datetime:
    """The time by a zone's clocks."""
    return datetime.fromtimestamp(at, zone)


def _hours(start: int, until: int, zone: tzinfo) -> Iterator[tuple[int, int | None, int]]:
    """The hours of a time by a zone's clocks: the ordinal of the day, the hour, and how many seconds of it.

    A whole day is one, whose hour is None. Where the clocks go forward there is an hour less, and where they go back
    one comes twice; a day may begin at one.
    """
    there = local(start, zone)
    while start < until:
        day, hour, passed = there.toordinal(), there.hour, there.minute * 60 + there.second
        if not hour and not passed and until - start >= DAY:
            there = local(start + DAY, zone)
            if there.toordinal() == day + 1 and not there.hour and not there.minute:
                yield day, None, DAY
                start += DAY
                continue
        length = min(HOUR - passed, until - start)
        yield day, hour, length
        start += length
        if start < until:
            there = local(start, zone)
