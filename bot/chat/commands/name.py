"""`/name`: what people call a token, beside its id."""

from typing import Any

from discord import app_commands

from bot.chat.commands.options import command_of
from bot.chat.commands.token import suggest
from bot.chat.desk import Asked, Need, wait


def command() -> app_commands.Command[Any, ..., None]:
    """A new instance, for one client."""
    return command_of("name", "Call a token by a name", Need.OPERATE, _name)


@app_commands.describe(
    token="Which one",  # noqa: S106 - a number
    label="Its name, such as ana's Pro: up to 32 signs. Leave it out to take the name away",
)
@app_commands.autocomplete(token=suggest)
async def _name(interaction: Asked, *, token: int, label: str = "") -> None:
    await wait(interaction)
    from bot.chat.commands import naming  # noqa: PLC0415 - no start needs what does the work

    await naming.name(interaction, token, label)
