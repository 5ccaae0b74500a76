"""`/maintenance`: windows in which polling goes on and notifications wait, once or weekly, in the server's zone."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from discord import app_commands

from bot.chat.cards import GREY, compose
from bot.chat.commands.options import Reason, length, picked
from bot.chat.desk import Asked, UnclearError, answer, wait
from bot.chat.text import quoted, span, stamp
from bot.domain.steering import Window
from bot.telemetry import reference

LONGEST = timedelta(days=6)
"""Shorter than a week, so that a weekly window ends before it begins again."""

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

FIRST_YEAR, LAST_YEAR = 2000, 2100
"""A window that begins elsewhere is a slip of the pen, and at the ends of the calendar no zone could be told."""

ONCE = "Write the start as 2026-01-31 22:00, or now."
WEEKLY = "With a weekday, write the start as 22:00."


def command() -> app_commands.Group:
    """A new instance, for one client."""
    group = app_commands.Group(name="maintenance", description="Suppress notifications while people work on the fleet")
    group.add_command(app_commands.Command(name="add", description="Add a window, once or weekly", callback=_add))
    group.add_command(app_commands.Command(name="list", description="The windows, and when they begin", callback=_list))
    group.add_command(app_commands.Command(name="end", description="End a window, or take it back", callback=_end))
    return group


@app_commands.rename(begin="start", long="length")
@app_commands.describe(
    begin="2026-01-31 22:00, or now; with a weekday 22:00",
    long="How long, such as 30m or 4h",
    weekday="Every week on this day",
    reason="Why, for the others",
)
@app_commands.choices(weekday=[app_commands.Choice(name=day, value=index) for index, day in enumerate(WEEKDAYS)])
async def _add(interaction: Asked, *, begin: str, long: str, weekday: int | None = None, reason: Reason = "") -> None:
    await wait(interaction)
    desk, zone = interaction.client.desk, interaction.client.place.timezone
    lasts = length(long, LONGEST)
    begin = " ".join(begin.casefold().split())
    if weekday is None:
        start = desk.now if begin == "now" else _once(begin, zone)
        if start + lasts <= desk.now:
            sentence = f"That window would be over already: it is {desk.now.astimezone(ZoneInfo(zone)):%F %H:%M} now."
            raise UnclearError(sentence)
    else:
        start = _next(_clock(begin), weekday, desk.now - lasts, zone)
    window = Window(reference(), start, lasts, weekday is not None, zone, interaction.user.id, reason)
    await desk.decide(window, "maintenance add", interaction.user.id, reason)
    await answer(interaction, f"Added: {_words(window, desk.now)} (`{window.id}`).")


def _once(text: str, zone: str) -> datetime:
    try:
        here = datetime.strptime(text, "%Y-%m-%d %H:%M")  # noqa: DTZ007 - the zone is set below
    except ValueError:
        raise UnclearError(ONCE) from None
    return _in_zone(here, zone)


def _clock(text: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007 - the zone is set with the day
    except ValueError:
        raise UnclearError(WEEKLY) from None


def _next(at: time, weekday: int, after: datetime, zone: str) -> datetime:
    """The first time after that at which it is that day and hour in the zone."""
    day = after.astimezone(ZoneInfo(zone)).date()
    day += timedelta(days=(weekday - day.weekday()) % 7)
    start = _in_zone(datetime.combine(day, at), zone)
    return start if start > after else _in_zone(datetime.combine(day + timedelta(days=7), at), zone)


def _in_zone(here: datetime, zone: str) -> datetime:
    """The instant at which a clock in the zone shows that; none does in the hour that is left out in spring."""
    if not FIRST_YEAR <= here.year <= LAST_YEAR:
        raise UnclearError(ONCE)
    start = here.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    if start.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != here:
        sentence = f"{here:%H:%M} does not exist on {here:%F} in {zone}: the clocks change. Choose an hour later."
        raise UnclearError(sentence)
    return start


async def _list(interaction: Asked) -> None:
    desk = interaction.client.desk
    windows = desk.known.decisions.windows.values()
    lines = [f"`{each.id}` {_words(each, desk.now)} · by <@{each.by}>{_why(each)}" for each in windows]
    title = "🛠️ Maintenance" if lines else "🛠️ No maintenance is planned"
    await interaction.response.send_message(embed=compose(title, lines, GREY), ephemeral=True)


def _words(window: Window, now: datetime) -> str:
    """`every Monday at 22:00 (Europe/Berlin) for 2 h, on now`."""
    here = window.start.astimezone(ZoneInfo(window.zone))
    if window.weekly:
        when = f"every {WEEKDAYS[here.weekday()]} at {here:%H:%M} ({window.zone})"
    else:
        when = stamp(window.start, "f")
    following = window.next_start(now)
    state = ", on now" if window.active(now) else f", begins {stamp(following)}" if following else ""
    return f"**{when}** for {span(window.length)}{state}"


def _why(window: Window) -> str:
    return f" · {quoted(window.reason, 200)}" if window.reason else ""


async def _suggest_window(interaction: Asked, typed: str) -> list[app_commands.Choice[str]]:
    windows = interaction.client.desk.known.decisions.windows.values()
    return picked(typed, [(f"{each.id} · {_label(each)}", each.id) for each in windows])


def _label(window: Window) -> str:
    here = window.start.astimezone(ZoneInfo(window.zone))
    when = f"every {WEEKDAYS[here.weekday()]} {here:%H:%M}" if window.weekly else f"{here:%F %H:%M}"
    return f"{when} for {span(window.length)}"


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
