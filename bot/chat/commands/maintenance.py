"""`/maintenance`: windows in which polling goes on and notifications wait, once or weekly, in the server's zone."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from discord import app_commands

from bot.chat.cards import GREY, compose
from bot.chat.commands.options import Reason, group_of, length, picked
from bot.chat.desk import Asked, Need, UnclearError, answer, wait
from bot.chat.text import quoted, span, stamp
from bot.domain.naming import WEEKDAYS, name_of
from bot.domain.steering import WEEK, Window
from bot.telemetry import reference

LONGEST = timedelta(days=6)
"""Shorter than a week, so that a weekly window ends before it begins again."""

FIRST_YEAR, LAST_YEAR = 2000, 2100
"""A window that begins elsewhere is a slip of the pen, and at the ends of the calendar no zone could be told."""


def command() -> app_commands.Group:
    """A new instance, for one client."""
    return group_of(
        "maintenance",
        "Suppress notifications while people work on the fleet",
        ("add", "Add a window, once or weekly", Need.OPERATE, _add),
        ("list", "The windows, and when they begin", Need.VIEW, _list),
        ("end", "End a window, or take it back", Need.OPERATE, _end),
    )


async def _suggest_start(interaction: Asked, typed: str) -> list[app_commands.Choice[str]]:
    """What was typed as it will be understood; or examples, with today's date."""
    now, zone = interaction.client.desk.now, interaction.client.place.timezone
    hour = now.astimezone(ZoneInfo(zone)).replace(minute=0) + timedelta(hours=1)
    examples = [
        ("now", "now"),
        *((f"{each} ({zone})", each) for each in (f"{hour:%F %H:%M}", f"tomorrow {hour:%H:%M}")),
    ]
    try:
        if getattr(interaction.namespace, "weekday", None) is not None:
            return [_choice(f"{_clock(typed or f'{hour:%H:%M}', zone):%H:%M}", zone)]
        start = _once("" if typed.strip() == "now" else typed, now, zone).astimezone(ZoneInfo(zone))
        return [_choice(f"{start:%F %H:%M}", zone, f"{WEEKDAYS[start.weekday()]} ")]
    except UnclearError:
        return picked(typed, examples) or picked("", examples)


def _choice(value: str, zone: str, day: str = "") -> app_commands.Choice[str]:
    return app_commands.Choice(name=f"{day}{value} ({zone})", value=value)


@app_commands.rename(begin="start", long="length")
@app_commands.describe(
    begin="22:00, tomorrow 22:00, a date and time, or now; with a weekday 22:00",
    long="How long, such as 30m or 4h",
    weekday="Every week on this day",
    reason="Why, for the others",
)
@app_commands.choices(weekday=[app_commands.Choice(name=day, value=index) for index, day in enumerate(WEEKDAYS)])
@app_commands.autocomplete(begin=_suggest_start)
async def _add(interaction: Asked, *, begin: str, long: str, weekday: int | None = None, reason: Reason = "") -> None:
    await wait(interaction)
    desk, zone = interaction.client.desk, interaction.client.place.timezone
    try:
        start, lasts = _when(begin, long, weekday, desk.now, zone)
    except UnclearError as error:
        sentence = f"{error} No window was added."
        raise UnclearError(sentence) from None
    window = Window(reference(), start, lasts, weekday is not None, zone, interaction.user.id, reason)
    await desk.decide(window, "maintenance add", interaction.user.id, reason)
    await answer(interaction, f"Added: {_words(window, desk.now)} (`{window.id}`).")


def _when(begin: str, long: str, weekday: int | None, now: datetime, zone: str) -> tuple[datetime, timedelta]:
    """When the window begins, and how long it lasts; of what cannot be, all is told at once."""
    start, lasts, wrong = now, timedelta(), list[str]()
    try:
        lasts = length(long, LONGEST)
    except UnclearError as error:
        wrong.append(str(error))
    try:
        start = (
            _once(begin, now, zone, lasts)
            if weekday is None
            else _next(_clock(begin, zone), weekday, now - lasts, zone)
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


def _once(text: str, now: datetime, zone: str, lasts: timedelta = timedelta()) -> datetime:
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


def _clock(text: str, zone: str) -> time:
    try:
        return _hour("".join(text.split()))
    except ValueError:
        sentence = f"With a weekday, write the start as a time only, such as 22:00 ({zone})."
        raise UnclearError(sentence) from None


def _next(at: time, weekday: int, after: datetime, zone: str) -> datetime:
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


async def _list(interaction: Asked) -> None:
    desk = interaction.client.desk
    windows = desk.known.decisions.windows.values()
    lines = [f"{_words(each, desk.now)} · by <@{each.by}>{_why(each)} · `{each.id}`" for each in windows]
    title = "🛠️ Maintenance" if lines else "🛠️ No maintenance is planned"
    await interaction.response.send_message(embed=compose(title, lines, GREY), ephemeral=True)


def _words(window: Window, now: datetime) -> str:
    """`every Monday 22:00 (Europe/Berlin) for 2 h, on now`."""
    following = window.next_start(now)
    state = ", on now" if window.active(now) else f", begins {stamp(following, 'f')}" if following else ""
    return f"**{name_of(window)}** for {span(window.length)}{state}"


def _why(window: Window) -> str:
    return f" · {quoted(window.reason, 200)}" if window.reason else ""


async def _suggest_window(interaction: Asked, typed: str) -> list[app_commands.Choice[str]]:
    windows = interaction.client.desk.known.decisions.windows.values()
    return picked(typed, [(f"{_label(each)} · {each.id}", each.id) for each in windows])


def _label(window: Window) -> str:
    return f"{name_of(window)} for {span(window.length)}"


@app_commands.rename(name="id")
@app_commands.describe(name="Which one, as /maintenance list shows it")
@app_commands.autocomplete(name=_suggest_window)
async def _end(interaction: Asked, *, name: str) -> None:
    await wait(interaction)
    desk = interaction.client.desk
    found = desk.known.decisions.windows.get(name.strip())
    if found is None or not await desk.undo(found, "maintenance end", interaction.user.id):
        sentence = "There is no such window, or it is over already. `/maintenance list` shows those that there are."
        raise UnclearError(sentence)
    await answer(interaction, f"Ended: the window {_label(found)}.")
