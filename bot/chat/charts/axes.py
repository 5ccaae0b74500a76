"""Where marks stand on the axes: times as the operator's clock shows them, and round amounts of fast time."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import ceil, log10

from bot.chat.charts.svg import SMALL, breadth
from bot.chat.text import dated, number
from bot.domain.value import Value

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_STEPS = tuple(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 672, 1344, 2688))
_DAY = timedelta(days=1)
_SHORT = timedelta(days=2)
_AMOUNTS = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3000, 6000, 12000, 30000, 60000)
"""Minutes between two marks."""
_HOURS_FROM = 120
"""Minutes from which on amounts are told in hours."""
_MARKS = 4


class Mark(Value):
    """A place on the axis of time, and what it is called."""

    at: datetime
    text: str


def moments(since: datetime, until: datetime, zone: tzinfo, width: float) -> tuple[Mark, ...]:
    """Marks at round times of the zone's clock, as close as they stay readable on so many units."""
    for step in _STEPS:
        room = width * (step / (until - since))
        marks = [mark for mark in _marks(since, until, zone, step) if since <= mark.at <= until]
        if room >= max((breadth(mark.text, SMALL) for mark in marks), default=0) + SMALL:
            return tuple(marks)
    return ()


def _marks(since: datetime, until: datetime, zone: tzinfo, step: timedelta) -> list[Mark]:
    day, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    if step >= _DAY:
        days = round(step / _DAY)
        # Weeks begin on Mondays, and days are counted from one that is always the same, so that a chart of tomorrow
        # has the marks of today's.
        first = date.fromordinal(day.toordinal() - (day.toordinal() - 1) % days)
        many = (last - first).days // days + 1
        return [_dated(first + number_ * step, zone, step) for number_ in range(many + 1)]
    hours = range(0, 24, round(step / timedelta(hours=1)))
    many = (last - day).days + 1
    return [
        Mark(at, _DAYS[(day + number_ * _DAY).weekday()] if hour == 0 else f"{hour:02}:00")
        for number_ in range(many)
        for hour in hours
        if (at := _instant(day + number_ * _DAY, hour, zone)) is not None
    ]


def _instant(day: date, hour: int, zone: tzinfo) -> datetime | None:
    """When the clock of the zone shows that, for the first time; None on a day on which it never does."""
    at = datetime.combine(day, time(hour), zone).astimezone(UTC)
    return at if at.astimezone(zone).hour == hour else None


def _dated(day: date, zone: tzinfo, step: timedelta) -> Mark:
    """The beginning of a day, which is at one o'clock where there is no midnight."""
    at = datetime.combine(day, time(), zone).astimezone(UTC)
    return Mark(at, f"{_DAYS[day.weekday()]} {day.day}" if step <= _SHORT else dated(day))


def amounts(top: float) -> tuple[float, Sequence[float]]:
    """Of the axis of fast time the upper end and the marks, in minutes, for so many at most."""
    step = next((each for each in _AMOUNTS if top / each <= _MARKS), 0) or 10 ** ceil(log10(top))
    highest = max(top, step) * 1.04
    return highest, [step * number_ for number_ in range(int(highest // step) + 1)]


def marked(minutes: float, top: float) -> str:
    """`10 h`, or `30 min` where the axis is short."""
    if not minutes:
        return "0"
    return f"{number(minutes / 60)} h" if top >= _HOURS_FROM else f"{number(minutes)} min"
