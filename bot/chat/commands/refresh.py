"""`/refresh`: let Midjourney say anew what an account has left. Only people do that, and not often."""

from typing import Any

from discord import app_commands

from bot.chat.commands.options import command_of
from bot.chat.commands.token import suggest
from bot.chat.desk import Asked, Need, wait


def command() -> app_commands.Command[Any, ..., None]:
    """A new instance, for one client."""
    return command_of("refresh", "Send /info to Midjourney for a token, where its numbers are old", Need.ACT, _refresh)


@app_commands.describe(token="Whose account")  # noqa: S106 - a number
@app_commands.autocomplete(token=suggest)
async def _refresh(interaction: Asked, *, token: int) -> None:
    from bot.chat.buttons import acting  # noqa: PLC0415 - no start needs what acts

    await wait(interaction)
    await acting.ask_refresh(interaction, token)
