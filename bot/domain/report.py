"""The report of a week or a month: which days it is about, when it is due, and what it says.

How it is counted is in `bot.domain.sums`.

A week goes from Monday to Monday, a month from its first day to the next one's, both from midnight to midnight in a
time zone. It is told at a wall time of the day after its last, as the daily digest has it: so each is told once,
whatever the clocks do, and late after an outage.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from bot.domain.digest import AHEAD, DAY, at_on
from bot.domain.incidents import Rule
from bot.domain.value import Value

SCHEDULE: Final = "report"
"""The id of the one schedule that there is."""

KEPT: Final = timedelta(days=90)
"""How long what ended is kept at least; what was before is not known as a whole."""

USUALLY: Final = time(9)
"""When a report is told where no digest is."""


class Every(StrEnum):
    """How long the time is that a report is about."""

    WEEK = "week"
    MONTH = "month"


class Schedule(Value):
    """That a report is posted each week, or each month."""

    every: Every
    by: int
    """Discord's id of the person who wants it."""
    told: date
    """The day after the last one of the report that was told last, or that counts as told."""
    id: str = SCHEDULE


class Period(Value):
    """What a report is about."""

    every: Every
    first: date
    end: date
    """The day after its last."""
    since: datetime
    """When its first day began."""
    until: datetime
    """When its last day is over, or now."""
    so_far: bool = False
    """Whether it is not over."""


class Times(Value):
    """How long something took."""

    count: int = 0
    middle: timedelta | None = None
    """Half of them took no longer; None of none."""
    slowest: timedelta | None = None


class Totals(Value):
    """What was in a period."""

    incidents: int = 0
    """Of which the channel was notified, and that were open in it."""
    critical: int = 0
    """Of those the ones that were critical at any time until its end: the pages."""
    warnings: int = 0
    open: int = 0
    """Still open at its end."""
    acknowledged: Times = Times()
    """From the first notification until somebody had it, of those of which that was in the period."""
    resolved: Times = Times()
    """From the beginning to the end, of those that ended in the period."""
    unanswered: int = 0
    """That nobody acknowledged until its end, or theirs."""
    unanswered_pages: int = 0
    """Of those the critical ones."""
    sounds: int = 0
    """Messages with a sound that the channel got of incidents: cards, rises and reminders."""
    shared: int = 0
    """Of those the ones about incidents of several rules, which no single silence would have spared."""
    momentary: int = 0
    """Notices of a moment beside: a token is new, gone, or FAST again."""
    suppressed: int = 0
    """Incidents beside of which nobody was notified: a silence, a window or their cause was stronger to the end."""


class Person(Value):
    """What came while somebody was on call."""

    who: int | None
    """Discord's id; None for what came while nobody was."""
    incidents: int
    critical: int
    acknowledged: Times
    answered: tuple[tuple[int, int], ...] = ()
    """Who acknowledged how many of them, in the period; who did most first."""


class Token(Value):
    """What was wrong with a token."""

    token: int | None
    """Its id; None for the fleet and ImaginePro."""
    incidents: int
    critical: int
    lasted: timedelta
    """How long any of them was open in the period."""


class Noise(Value):
    """What a rule, or a rule of one token, cost in sounds."""

    rule: Rule
    incidents: int
    sounds: int
    """That a silence of it would have spared."""
    token: int | None = None
    """Where it is about one."""


class Report(Value):
    """What is said of a period."""

    period: Period
    made_at: datetime
    zone: str
    """In whose days it speaks."""
    totals: Totals
    before: Totals | None = None
    """Of the period before; None where it is not known as a whole."""
    kept_since: datetime | None = None
    """From when on it is known what was, where that is later than the period began."""
    people: tuple[Person, ...] = ()
    """Who had most first."""
    tokens: tuple[Token, ...] = ()
    """The worst first."""
    rules: tuple[Noise, ...] = ()
    """The noisiest first."""
    pairs: tuple[Noise, ...] = ()
    """The same of each rule and token."""
    left_out: tuple[int, int, int, int] = (0, 0, 0, 0)
    """How many of people, tokens, rules and pairs it does not name."""
    group: str = ""
    """The group of tokens that it is about; empty for all, the fleet and ImaginePro among them."""
    least: bool = False
    """Whether there may have been more sounds: an older version noted only some of them."""


def period(every: Every, day: date, zone: tzinfo, now: datetime) -> Period:
    """The week or month in which a day lies.

    Raises:
        OverflowError: There is no such time.
        ValueError: As above.
    """
    first = first_of(every, day)
    end = following(every, first)
    since, until = at_on(first, time(), zone), at_on(end, time(), zone)
    return Period(every, first, end, since, min(until, now), so_far=now < until)


def before(about: Period, zone: tzinfo) -> Period:
    """The period before; of one that is not over, as much of that."""
    first = first_of(about.every, about.first - DAY)
    since = at_on(first, time(), zone)
    until = min(about.since, since + (about.until - about.since)) if about.so_far else about.since
    return Period(about.every, first, about.first, since, until, so_far=about.so_far)


def known_since(first: datetime | None, now: datetime) -> datetime:
    """From when on everything is known: from the first reading, as far as what ended is kept."""
    return now - KEPT if first is None else max(first, now - KEPT)


def first_of(every: Every, day: date) -> date:
    """Its Monday, or the first day of its month."""
    return day - day.weekday() * DAY if every is Every.WEEK else day.replace(day=1)


def following(every: Every, first: date) -> date:
    """When the one after begins."""
    return first + 7 * DAY if every is Every.WEEK else first_of(every, first + 31 * DAY)


def earlier(every: Every, day: date, count: int) -> date:
    """The first day of the one that was so many before that of a day.

    Raises:
        OverflowError: There is none.
    """
    first = first_of(every, day)
    if every is Every.WEEK:
        return first - count * 7 * DAY
    months = first.year * 12 + first.month - 1 - count
    if months < 12:  # noqa: PLR2004 - the first year that there is
        message = "before the first year"
        raise OverflowError(message)
    return date(months // 12, months % 12 + 1, 1)


def begun(every: Every, now: datetime, at: time, zone: tzinfo) -> date:
    """What counts as told when somebody begins to want it: the first report comes when its time next does."""
    today = now.astimezone(zone).date()
    first = first_of(every, today)
    return first_of(every, first - DAY) if now < at_on(first, at, zone) else first


def due(schedule: Schedule, now: datetime, at: time, zone: tzinfo) -> Period | None:
    """What is to be told now; None when nothing is. Of several that nobody told, only the last is."""
    today = now.astimezone(zone).date()
    first = first_of(schedule.every, today)
    # One that is further ahead was told by a clock that was wrong, as in `bot.domain.digest`.
    if first <= schedule.told <= today + AHEAD or now < at_on(first, at, zone):
        return None
    return period(schedule.every, first - DAY, zone, now)


def upcoming(schedule: Schedule, now: datetime, at: time, zone: tzinfo) -> datetime:
    """When the next one is due, for people."""
    first = first_of(schedule.every, now.astimezone(zone).date())
    instant = at_on(first, at, zone)
    if instant <= now or (schedule.told >= first and schedule.told <= first + AHEAD):
        instant = at_on(following(schedule.every, first), at, zone)
    return instant.astimezone(UTC)
