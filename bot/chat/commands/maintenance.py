"""`/maintenance`: windows in which polling goes on and notifications wait, once or weekly, in the server's zone."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from discord import app_commands

from bot.chat.cards import GREY, compose
from bot.chat.commands.options import Reason, group_of, picked
from bot.chat.desk import Asked, Need, UnclearError, answer, wait
from bot.chat.text import quoted, span, stamp
from bot.domain.naming import WEEKDAYS, name_of
from bot.domain.steering import Window
from bot.telemetry import reference


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
    from bot.chat.commands import windows  # noqa: PLC0415 - no start needs what reads times

    now, zone = interaction.client.desk.now, interaction.client.place.timezone
    hour = now.astimezone(ZoneInfo(zone)).replace(minute=0) + timedelta(hours=1)
    examples = [
        ("now", "now"),
        *((f"{each} ({zone})", each) for each in (f"{hour:%F %H:%M}", f"tomorrow {hour:%H:%M}")),
    ]
    try:
        if getattr(interaction.namespace, "weekday", None) is not None:
            return [_choice(f"{windows.clock(typed or f'{hour:%H:%M}', zone):%H:%M}", zone)]
        start = windows.once("" if typed.strip() == "now" else typed, now, zone).astimezone(ZoneInfo(zone))
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
    from bot.chat.commands import windows  # noqa: PLC0415 - as above

    desk, zone = interaction.client.desk, interaction.client.place.timezone
    try:
        start, lasts = windows.when(begin, long, weekday, desk.now, zone)
    except UnclearError as error:
        sentence = f"{error} No window was added."
        raise UnclearError(sentence) from None
    window = Window(reference(), start, lasts, weekday is not None, zone, interaction.user.id, reason)
    await desk.decide(window, "maintenance add", interaction.user.id, reason)
    await answer(interaction, f"Added: {_words(window, desk.now)} (`{window.id}`).")


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
