"""`/help`: what whoever asks may use, and how."""

from typing import Any

from discord import app_commands

from bot.chat.commands.options import command_of, picked
from bot.chat.desk import Asked, Need


def command() -> app_commands.Command[Any, ..., None]:
    """A new instance, for one client."""
    return command_of("help", "What you can ask this bot, and how", Need.VIEW, _help)


async def _suggest(interaction: Asked, typed: str) -> list[app_commands.Choice[str]]:
    from bot.chat.commands import helping  # noqa: PLC0415 - no start needs what does the work

    names = (each.qualified_name for each in helping.usable(interaction))
    return picked(typed, [(f"/{name}", name) for name in names])


@app_commands.rename(name="command")
@app_commands.describe(name="Only this one, with what its options mean")
@app_commands.autocomplete(name=_suggest)
async def _help(interaction: Asked, *, name: str | None = None) -> None:
    from bot.chat.commands import helping  # noqa: PLC0415 - as above

    await helping.answer(interaction, name)
