"""Whether fast time lasts until the refill, in one line: one verdict and one range, as exact as forecasts are.

Nothing is said of the time after the renewal. How exact: within a day the hour, within a week half a day, and beyond
that a date, since that is how far forecasts were off when they were measured (`docs/forecast.md`).
"""

from datetime import datetime, timedelta, tzinfo
from math import ceil
from typing import Final

from bot.chat.text import dated, number, percent, stamp
from bot.domain.forecast import Forecast, Verdict

NEAR: Final = timedelta(days=1)
"""Within this hours are told."""
SOON: Final = timedelta(days=7)
"""Within this half days are told."""

OLD: Final = timedelta(hours=2)
"""A reading that has not changed for longer is told."""

IDLE: Final = timedelta(days=3)
"""Who used nothing for longer uses nothing."""

EASILY: Final = 0.05
"""A chance of running dry that is none."""

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_MOST_UNSURE: Final = 75
"""Percent: the greatest chance that is told of what may not last."""


def outlook(said: Forecast, now: datetime, zone: tzinfo) -> str:
    """The forecast in one line; empty where there is nothing to say, as of a token that is switched off.

    Args:
        said: The forecast.
        now: The time.
        zone: Whose days are meant.
    """
    line = ""
    match said.verdict:
        case Verdict.DOES_NOT_LAST:
            line = _dry(said, now, zone)
        case Verdict.MAY_NOT_LAST:
            line = _unsure(said, now, zone)
        case Verdict.LASTS:
            line = _lasts(said, now, zone)
        case Verdict.LEARNING:
            watched = f"{said.watched // _HOUR} h" if said.watched >= _HOUR else "under 1 h"
            line = f"**Not enough data yet** ({watched} watched, a day is needed)"
        case Verdict.REFILL_DUE:
            line = "Renewal passed, **waiting for the refill to show**"
        case Verdict.UNREAD:
            line = "**No reading for over a day**: nobody knows whether it lasts"
        case Verdict.UNKNOWN | Verdict.OFF:
            pass
    return line


def brief(said: Forecast, now: datetime, zone: tzinfo) -> str:
    """The same in a word or two, for a list: `dry around 14 Aug`; empty where it lasts, or nobody knows."""
    match said.verdict:
        case Verdict.DOES_NOT_LAST if said.dry_at is not None and not said.empty:
            return f"dry around {when(said.dry_at, now, zone)}"
        case Verdict.DOES_NOT_LAST:
            return "" if said.empty else "does not last"
        case Verdict.MAY_NOT_LAST:
            return "may not last"
        case Verdict.REFILL_DUE:
            return "refill due"
        case _:
            return ""


def pace(minutes: float) -> str:
    """How much a day: `1.9 h a day`."""
    return f"{amount_of(minutes)} a day"


def amount_of(minutes: float) -> str:
    """An amount of fast time that is foretold, by two digits or so: `14 h`, `3.1 h`, `24 min`."""
    hours = minutes / 60
    if hours < 1:
        return f"{number(ceil(minutes))} min"
    return f"{number(round(hours) if hours >= 10 else hours)} h"  # noqa: PLR2004 - from here on a tenth is nothing


def when(at: datetime, now: datetime, zone: tzinfo) -> str:
    """When something is that is foretold: the hour, `Thu p.m.`, or `14 Aug`, by how far ahead it is."""
    return _when(at, at, now, _HOUR / 2, zone)


def _when(at: datetime, until: datetime, now: datetime, more: timedelta, zone: tzinfo) -> str:
    """The same, as exact as that time is; a day of a week from today has the name of today, and is a date."""
    here = at.astimezone(zone)
    if until - now < NEAR:
        return stamp((here + more).replace(minute=0, second=0, microsecond=0), "t")
    if until - now >= SOON or until.astimezone(zone).date() - now.astimezone(zone).date() >= SOON:
        return _date(at, zone)
    return f"{here:%a %p}".replace("AM", "a.m.").replace("PM", "p.m.")


def day(at: datetime, now: datetime, zone: tzinfo) -> str:
    """When something is that is known: `Fri 4 Sep`, or the minute within a day."""
    return stamp(at, "t") if at - now < NEAR else f"{at.astimezone(zone):%a} {_date(at, zone)}"


def _date(at: datetime, zone: tzinfo) -> str:
    return dated(at.astimezone(zone).date())


def length(time: timedelta) -> str:
    """How long, as exact as it is foretold: `9 h`, `3.5 days`, `18 days`."""
    if time < NEAR:
        hours = max(1, round(time / _HOUR))
        return f"{hours} h"
    days = round(time / _DAY * 2) / 2 if time < SOON else round(time / _DAY)
    return f"{number(days)} day{'s' * (days != 1)}"


def _dry(said: Forecast, now: datetime, zone: tzinfo) -> str:
    renews = f"Renews {day(said.renews_at, now, zone)}" if said.renews_at else "When it renews is not known"
    if said.empty or said.dry_at is None:
        return f"**Empty.** {renews}" if said.empty else f"{renews}: **does not last**"
    at_pace = f"At this pace ({pace(said.pace)})" if said.pace is not None else "At this pace"
    within = _range(said, now, zone)
    short = f", about {length(said.short)} short" if said.short is not None else ""
    return (
        f"{at_pace} it runs out around {when(said.dry_at, now, zone)}{f' ({within})' if within else ''}."
        f" {renews}: **does not last**{short}{_unchanged(said, now)}"
    )


def _unsure(said: Forecast, now: datetime, zone: tzinfo) -> str:
    until = f" until {day(said.renews_at, now, zone)}" if said.renews_at else ""
    tens = min(round((said.chance or 0) * 10) * 10, _MOST_UNSURE)
    earliest = f", earliest {_when(said.earliest, said.earliest, now, timedelta(), zone)}" if said.earliest else ""
    return (
        f"At this pace it **may not last**{until}: about a {percent(tens)} chance of running out{earliest}"
        f"{_unchanged(said, now)}"
    )


def _lasts(said: Forecast, now: datetime, zone: tzinfo) -> str:
    until = f" until {day(said.renews_at, now, zone)}" if said.renews_at else ""
    if said.idle_since is not None and now - said.idle_since >= IDLE:
        return f"**Lasts**{until}: no fast time used since {_date(said.idle_since, zone)}"
    spare = f", about {amount_of(said.spare)} to spare" if said.spare is not None and said.spare > 0 else ""
    easily = " easily" if said.chance is not None and said.chance < EASILY else ""
    # Most of what may come lasts; what comes at this very pace does not, where a few busy days make the pace.
    likely = ", most likely" if said.spare is not None and said.spare < 0 else " at this pace"
    return f"**Lasts**{easily}{until}{likely}{spare}{_unchanged(said, now)}"


def _range(said: Forecast, now: datetime, zone: tzinfo) -> str:
    """`12 to 19 Aug`, no more exact than the time between; of a late end that is not before the renewal, just that."""
    if said.earliest is None:
        return ""
    early = _when(said.earliest, max(said.earliest, said.dry_at or now), now, timedelta(), zone)
    if said.latest is None:
        return f"from {early} on, or not before the renewal"
    late = _when(said.latest, said.latest, now, _HOUR - timedelta(seconds=1), zone)
    if early == late:
        return ""
    (first, _, month), (_, _, last) = early.partition(" "), late.partition(" ")
    return f"{first if month == last and month.isalpha() else early} to {late}"


def _unchanged(said: Forecast, now: datetime) -> str:
    since = said.unchanged_since
    old = since is not None and now - since > OLD
    return f" · reading unchanged for {length(now - since)}" if old and since is not None else ""
