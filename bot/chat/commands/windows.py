"""When a maintenance window begins, as people write it, and for how long it may last."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.chat.commands.options import length
from bot.chat.desk import UnclearError
from bot.domain.steering import WEEK

LONGEST = timedelta(days=6)
"""Shorter than a week, so that a weekly window ends before it begins again."""

FIRST_YEAR, LAST_YEAR = 2000, 2100
"""A window that begins elsewhere is a slip of the pen, and at the ends of the calendar no zone could be told."""


def when(begin: str, long: str, weekday: int | None, now: datetime, zone: str) -> tuple[datetime, timedelta]:
    """When the window begins, and how long it lasts; of what cannot be, all is told at once."""
    start, lasts, wrong = now, timedelta(), list[str]()
    try:
        lasts = length(long, LONGEST)
    except UnclearError as error:
        wrong.append(str(error))
    try:
        start = (
            once(begin, now, zone, lasts)
            if weekday is None
            else following(clock(begin, zone), weekday, now - lasts, zone)
        )
    except UnclearError as error:
        wrong.insert(0, str(error))
    if wrong:
        raise UnclearError(" ".join(wrong))
    if weekday is None and start + lasts <= now:
        sentence = f"That window would be over already: it is {_now(now, zone)} now."
        raise UnclearError(sentence)
    return start, lasts


def _now(now: datetime, zone: str) -> str:
    return f"{now.astimezone(ZoneInfo(zone)):%F %H:%M} ({zone})"


def once(text: str, now: datetime, zone: str, lasts: timedelta = timedelta()) -> datetime:
    """When it begins: `now`, `22:00`, `tomorrow 22:00`, or a date and a time.

    A time without a date is today's, unless a window that began then would be over: then tomorrow's.
    """
    words = text.casefold().split()
    if words == ["now"]:
        return now
    today = now.astimezone(ZoneInfo(zone)).date()
    try:
        match words:
            case ["today" | "tomorrow" as day, hour]:
                here = datetime.combine(today + timedelta(days=day == "tomorrow"), _hour(hour))
            case [hour] if ":" in hour:
                here = datetime.combine(today, _hour(hour))
                if here.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) + lasts <= now:
                    here += timedelta(days=1)
            case _:
                here = datetime.strptime(" ".join(words), "%Y-%m-%d %H:%M")  # noqa: DTZ007 - the zone is set below
        start = _instant(here, zone)
    except (ValueError, OverflowError):
        sentence = (
            f"Write the start as 22:00, tomorrow 22:00, {today:%F} 22:00 ({zone}), or now. It is {_now(now, zone)} now."
        )
        raise UnclearError(sentence) from None
    if start is None:
        sentence = (
            f"{here:%H:%M} ({zone}) does not exist on {here:%F}: the clocks are set forward. Choose an hour later."
        )
        raise UnclearError(sentence)
    return start


def _hour(text: str) -> time:
    return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - the zone is set with the day


def clock(text: str, zone: str) -> time:
    """The hour at which a weekly one begins."""
    try:
        return _hour("".join(text.split()))
    except ValueError:
        sentence = f"With a weekday, write the start as a time only, such as 22:00 ({zone})."
        raise UnclearError(sentence) from None


def following(at: time, weekday: int, after: datetime, zone: str) -> datetime:
    """The first time after that at which it is that day and hour in the zone.

    In the night in which the clock leaves that hour out, the window begins an hour later, and keeps its hour in all
    other weeks: so it counts from the week before.
    """
    day = after.astimezone(ZoneInfo(zone)).date()
    day += timedelta(days=(weekday - day.weekday()) % 7)
    here = datetime.combine(day, at)
    if here.replace(tzinfo=ZoneInfo(zone)) <= after:
        here += WEEK
    start = _instant(here, zone)
    return start if start is not None else here.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) - WEEK


def _instant(here: datetime, zone: str) -> datetime | None:
    """The instant at which a clock in the zone shows that; None in the hour that is left out in spring.

    Raises:
        ValueError: Nobody means that year.
    """
    if not FIRST_YEAR <= here.year <= LAST_YEAR:
        message = f"not between {FIRST_YEAR} and {LAST_YEAR}"
        raise ValueError(message)
    start = here.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return start if start.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == here else None
