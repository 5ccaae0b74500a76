"""`/oncall`: a weekly rota, whom pages mention from it, and who stands in for whom."""

import discord
from discord import app_commands

from bot.chat.commands.options import group_of, picked, suggest_zone
from bot.chat.desk import Asked, Need, wait
from bot.domain.naming import WEEKDAYS
from bot.domain.rota import to_come

Person = discord.Member | discord.User

NINE = "09:00"
"""When one person hands over to the next, unless somebody says otherwise."""


def command() -> app_commands.Group:
    """A new instance, for one client."""
    return group_of(
        "oncall",
        "Who is on call, and mentioned by pages",
        ("now", "Who is on call, and who is next", Need.VIEW, _now),
        ("set", "Set the weekly rota: who, in which order, and when they hand over", Need.OPERATE, _set),
        ("swap", "Let somebody stand in for a while", Need.OPERATE, _swap),
        ("end", "Take a swap back", Need.OPERATE, _end),
        ("off", "Do without a rota: pages mention the alert role again", Need.OPERATE, _off),
    )


async def _suggest_swap(interaction: Asked, typed: str) -> list[app_commands.Choice[str]]:
    from bot.chat.commands.rotating import label  # noqa: PLC0415 - no start needs it

    client = interaction.client
    swaps = to_come(client.desk.known.decisions.swaps.values(), client.desk.now)
    guild, rota = interaction.guild, client.desk.known.decisions.rota
    zone = client.place.timezone if rota is None else rota.zone
    return picked(typed, [(label(each, guild, zone), each.id) for each in swaps])


async def _now(interaction: Asked) -> None:
    from bot.chat.commands.rotating import rota_card  # noqa: PLC0415 - no start needs it

    client = interaction.client
    card = rota_card(client.desk.known.decisions, client.desk.now, client.ids.alert_role_id)
    await interaction.response.send_message(embed=card, ephemeral=True)


@app_commands.rename(at="time")
@app_commands.describe(
    first="Who is on call first: this week",
    second="Who has the week after that, and so on",
    weekday="When one hands over to the next: Monday, unless you say otherwise",
    at=f"At what time, such as {NINE}",
    zone="On whose clock, such as Europe/Berlin; by default the server's",
)
@app_commands.choices(weekday=[app_commands.Choice(name=day, value=index) for index, day in enumerate(WEEKDAYS)])
@app_commands.autocomplete(zone=suggest_zone)
async def _set(  # noqa: PLR0913 - Discord has no list of members
    interaction: Asked,
    *,
    first: Person,
    second: Person | None = None,
    third: Person | None = None,
    fourth: Person | None = None,
    fifth: Person | None = None,
    sixth: Person | None = None,
    seventh: Person | None = None,
    eighth: Person | None = None,
    weekday: int = 0,
    at: str = NINE,
    zone: str = "",
) -> None:
    await wait(interaction)
    from bot.chat.commands import rotating  # noqa: PLC0415 - no start needs it

    people = [first, second, third, fourth, fifth, sixth, seventh, eighth]
    await rotating.set_(interaction, [each for each in people if each is not None], weekday, at, zone)


@app_commands.rename(begin="start", long="length")
@app_commands.describe(
    who="Who stands in",
    begin="From when on, on the rota's clock: now, 22:00, tomorrow 22:00, a date, or a date and time",
    long="For how long, such as 8h or 2d; by default until that shift ends",
)
async def _swap(interaction: Asked, *, who: Person, begin: str = "now", long: str = "") -> None:
    await wait(interaction)
    from bot.chat.commands import rotating  # noqa: PLC0415 - no start needs it

    await rotating.swap(interaction, who, begin, long)


@app_commands.describe(swap="Which one, as /oncall now shows it")
@app_commands.autocomplete(swap=_suggest_swap)
async def _end(interaction: Asked, *, swap: str) -> None:
    await wait(interaction)
    from bot.chat.commands import rotating  # noqa: PLC0415 - no start needs it

    await rotating.end(interaction, swap)


async def _off(interaction: Asked) -> None:
    await wait(interaction)
    from bot.chat.commands import rotating  # noqa: PLC0415 - no start needs it

    await rotating.off(interaction)
