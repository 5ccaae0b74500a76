"""`/mode`: let a token's account work fast, relaxed or turbo. It is asked first, and done once it is confirmed."""

from typing import Any

from discord import app_commands

from bot.chat.commands.options import Reason, command_of
from bot.chat.commands.token import suggest
from bot.chat.desk import Asked, Need, wait
from bot.domain.model import Mode


def command() -> app_commands.Command[Any, ..., None]:
    """A new instance, for one client."""
    return command_of("mode", "Let a token work in fast, relax or turbo mode", Need.ACT, _mode)


@app_commands.describe(
    token="Whose account",  # noqa: S106 - a number
    to="Turbo uses fast time at twice the rate; Basic has no relax mode",
    reason="Why, for the others",
)
@app_commands.choices(to=[app_commands.Choice(name=each.value, value=each.value) for each in Mode])
@app_commands.autocomplete(token=suggest)
async def _mode(interaction: Asked, *, token: int, to: str, reason: Reason = "") -> None:
    from bot.chat.buttons import acting  # noqa: PLC0415 - no start needs what acts

    await wait(interaction)
    await acting.ask_mode(interaction, token, Mode(to), reason=reason)
