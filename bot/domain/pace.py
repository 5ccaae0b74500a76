"""How a token uses its fast time, by its ledger: the pace, the shape of a day and of a week, and how much days differ.

What is used until some time is taken for a gamma distribution, of whose cube root Wilson and Hilferty found that it is
nearly normal: so a chance, and the time of a quantile, cost a few microseconds each.
"""

import math
from bisect import bisect_right
from datetime import datetime, tzinfo
from itertools import accumulate
from typing import Final

from bot.domain.book import DAY, DAYS, FADE, HOUR, HOURS, Book, seconds
from bot.domain.value import Value

WEEK: Final = 7
_AGES: Final = range(DAYS)
_OLD: Final = tuple(FADE**age for age in _AGES)
_NEW: Final = tuple(0.5 ** (age / 1.5) for age in _AGES)
_WEEKLY: Final = tuple(0.5 ** (age / 28) for age in _AGES)
"""What days weigh by their age: for the pace, for the pace of just now, and for the days of a week."""
_NOW: Final = 0.35
"""What the pace of just now counts beside that of weeks."""
_USUAL: Final = 0.8 / 30.4
"""Of the allowance, what a token uses a day of which nothing is known."""
_PRIOR: Final = 0.3
"""How many days that counts."""
_SEEDED: Final = 10.0
"""Days of the cycle before the first reading that count at most, each by half."""
_SMOOTH: Final = 3.0
"""Hours, or days, of no shape and of a usual scatter that are added to those that were watched."""
_VARIES: Final = 1.2
"""By how much of the pace a day is off by, usually."""
_SCATTER: Final = 1.3
"""Days are not by chance alone what they are: busy ones follow each other."""
_DRIFT: Final = 0.4**2
"""Nobody keeps a pace: what is added to the doubt about it, without which a range is too narrow."""
_PART: Final = 0.2
"""Of a day's use, under which it says nothing of how days differ."""
_EVEN: Final = tuple(hour / HOURS for hour in range(HOURS + 1))
_TRIES, _CLOSE = 24, 1e-4


class Use(Value):
    """What is used from now on: the mean and the scatter of it, by exposure. That is a day as all are, on average."""

    pace: float
    scatter: float
    """Variance of what is used, by its mean, in minutes: that of the days."""
    doubt: float
    """Variance of the pace, of its square."""

    def chance(self, exposure: float, left: float) -> float:
        """That more than what is left is used."""
        mean = self.pace * exposure
        if mean <= 0:
            return 0.0
        root, middle = self._form(mean)
        return 0.5 * math.erfc(root * (math.cbrt(left / mean) - middle) / math.sqrt(2))

    def quantile(self, exposure: float, deviations: float) -> float:
        """What is used at a place of the distribution, in minutes."""
        mean = self.pace * exposure
        return max(self._root(mean, deviations), 0.0) ** 3 if mean > 0 else 0.0

    def when(self, left: float, deviations: float, most: float) -> float | None:
        """The exposure by which what is left is used, at a place of the distribution; None when that is not by most.

        Looked for between two means, of which one is too low and one is not, by false position (the Illinois way).
        """
        wanted, low, high = math.cbrt(left), 0.0, self.pace * most
        if high <= 0 or (above := self._root(high, deviations) - wanted) < 0:
            return None
        below, kept = -wanted, 0
        for _ in range(_TRIES):
            mean = (low * above - high * below) / (above - below)
            off = self._root(mean, deviations) - wanted
            if abs(off) < _CLOSE * wanted:
                return mean / self.pace
            if off < 0:
                low, below = mean, off
                above /= 2 if kept < 0 else 1
                kept = -1
            else:
                high, above = mean, off
                below /= 2 if kept > 0 else 1
                kept = 1
        return high / self.pace

    def _form(self, mean: float) -> tuple[float, float]:
        """Wilson's and Hilferty's: the cube root of a gamma distribution is nearly normal."""
        shape = mean / (self.scatter + self.doubt * mean)
        return 3 * math.sqrt(shape), 1 - 1 / (9 * shape)

    def _root(self, mean: float, deviations: float) -> float:
        """The cube root of what is used at a place of the distribution; less than 0 where that is nothing."""
        part = (self.scatter / mean + self.doubt) / 9
        return math.cbrt(mean) * (1 - part + deviations * math.sqrt(part))


class Rhythm(Value):
    """How the hours of a day and the days of a week differ, from now on; in local time, as if no clock were set."""

    hours: tuple[float, ...]
    """What share of a day has passed at the beginning of each hour, and at the end."""
    week: tuple[float, ...]
    """What exposure has passed of the week that begins today, at the beginning of each of its days, and at the end."""
    passed: float
    """The share of today that has passed by the clock."""
    gone: float
    """The share of today's use that has passed."""

    def exposure(self, seconds_: float) -> float:
        """Of the time from now on: days, by how much is used in them."""
        weeks, days = divmod(self.passed + seconds_ / DAY, WEEK)
        day = int(days)
        today = self.week[day + 1] - self.week[day]
        return weeks * WEEK + self.week[day] + today * _share(self.hours, days - day) - self.gone

    def seconds(self, exposure: float) -> float:
        """The time from now on that has such an exposure."""
        weeks, days = divmod(exposure + self.gone, WEEK)
        day = min(bisect_right(self.week, days), WEEK) - 1
        share = min((days - self.week[day]) / (self.week[day + 1] - self.week[day]), 1.0)
        hour = min(bisect_right(self.hours, share), HOURS) - 1
        part = (share - self.hours[hour]) / (self.hours[hour + 1] - self.hours[hour])
        return max((weeks * WEEK + day + (hour + part) / HOURS - self.passed) * DAY, 0.0)


def _share(hours: tuple[float, ...], passed: float) -> float:
    """What of a day's use has passed by a time of it."""
    hour = int(passed * HOURS)
    return hours[hour] + (hours[hour + 1] - hours[hour]) * (passed * HOURS - hour)


class Outlook(Value):
    """All that a forecast is made of."""

    use: Use
    rhythm: Rhythm
    left: float
    exposure: float
    """From now until the renewal."""


def outlook(book: Book, left: float, now: datetime, renews_at: datetime, zone: tzinfo) -> Outlook:
    """All that a forecast is made of, by a book that was rolled on until now."""
    clock = now.astimezone(zone)
    passed = (clock.hour * HOUR + clock.minute * 60 + clock.second) / DAY
    days = [
        (age, max(use, 0.0), covered / HOURS)
        for age, use, covered in zip(_AGES, _by_age(book.use, book.day), _by_age(book.covered, book.day), strict=True)
        if use or covered
    ]
    hours, week = _hours(book), _week(days)
    gone = _share(hours, passed)
    rhythm = Rhythm(hours, tuple(accumulate(week, initial=0.0)), passed, gone * week[0])
    exposed = [(age, use, week[-age % WEEK] * (part if age else _today(part, passed, gone))) for age, use, part in days]
    return Outlook(_use(book, exposed, now), rhythm, left, rhythm.exposure((renews_at - now).total_seconds()))


def _by_age(values: list[float], day: int) -> list[float]:
    """What is kept by day, of today first."""
    place = day % DAYS
    return values[place::-1] + values[:place:-1]


def _today(part: float, passed: float, gone: float) -> float:
    """What of today was watched, by its use: which hours of it were is not known."""
    return gone * min(part / passed, 1.0) if passed else 0.0


def _hours(book: Book) -> tuple[float, ...]:
    """What share of a day's use has passed at the beginning of each hour, and at the end of the day."""
    usual = sum(book.hour_use) / (sum(book.hour_covered) or 1.0)
    if usual <= 0:
        return _EVEN
    shape = [
        (use / usual + _SMOOTH) / (covered + _SMOOTH)
        for use, covered in zip(book.hour_use, book.hour_covered, strict=True)
    ]
    whole = sum(shape)
    return tuple(accumulate([each / whole for each in shape], initial=0.0))


def _week(days: list[tuple[int, float, float]]) -> list[float]:
    """By how much more than on another day is used today, tomorrow, and on the days after it."""
    uses, parts = [0.0] * WEEK, [0.0] * WEEK
    for age, use, part in days:
        weight, place = _WEEKLY[age], -age % WEEK
        uses[place] += weight * use
        parts[place] += weight * part
    usual = sum(uses) / (sum(parts) or 1.0)
    if usual <= 0:
        return [1.0] * WEEK
    shape = [(use / usual + _SMOOTH) / (part + _SMOOTH) for use, part in zip(uses, parts, strict=True)]
    mean = sum(shape) / WEEK
    return [each / mean for each in shape]


def _use(book: Book, days: list[tuple[int, float, float]], now: datetime) -> Use:
    """Pace, scatter and doubt, by days of whose usual use a part was watched."""
    seeded = 0.5 * min(book.seed_days, _SEEDED) * FADE ** max((seconds(now) - book.first) / DAY, 0.0)
    long, known = seeded * book.seed + _PRIOR * _USUAL * book.total, seeded
    short = seen = 0.0
    for age, use, part in days:
        old, new = _OLD[age], _NEW[age]
        long += old * use
        known += old * part
        short += new * use
        seen += new * part
    long /= known + _PRIOR
    pace = (1 - _NOW) * long + _NOW * (short + 0.5 * long) / (seen + 0.5)
    if pace <= 0:
        return Use(0.0, 0.0, 0.0)
    squares, weights = _SMOOTH * (_VARIES * pace) ** 2, _SMOOTH
    for age, use, part in days:
        if part > _PART:
            weight = _OLD[age] * min(part, 1.5)
            squares += weight * min(part, 2.0) * (use / part - long) ** 2
            weights += weight
    scatter = squares / weights
    doubt = scatter / (pace * pace * (known - 0.5 * seeded + 0.5)) + _DRIFT
    return Use(pace, _SCATTER * scatter / pace, doubt)
