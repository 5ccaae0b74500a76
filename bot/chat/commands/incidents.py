"""`/incidents`: what is open, worst first, each with a link to its message."""

from typing import Any

from discord import app_commands

from bot.chat.buttons.listing import open_page
from bot.chat.commands.options import command_of
from bot.chat.commands.token import suggest
from bot.chat.desk import Asked, Need, answer, wait
from bot.domain.model import Severity


def command() -> app_commands.Command[Any, ..., None]:
    """A new instance, for one client."""
    return command_of("incidents", "What is open, worst first, each with its message", Need.VIEW, _incidents)


@app_commands.describe(severity="Show only these", token="Show only what is about this token")  # noqa: S106 - a number
@app_commands.choices(severity=[app_commands.Choice(name=each.value, value=each.value) for each in Severity])
@app_commands.autocomplete(token=suggest)
async def _incidents(
    interaction: Asked, *, severity: str | None = None, token: app_commands.Range[int, 0] | None = None
) -> None:
    await wait(interaction)
    embed, view = await open_page(interaction, 0, Severity(severity) if severity else None, token)
    await answer(interaction, embed=embed, view=view)
