"""`/toggle`: switch tokens on or off at ImaginePro. It is asked first, and done once it is confirmed."""

import re
from typing import Any

from discord import app_commands

from bot.chat.cards import unread
from bot.chat.commands.options import Reason, command_of, several
from bot.chat.commands.token import suggest
from bot.chat.desk import Asked, Need, UnclearError, wait

ALL = re.compile(r"\s*(all|every|everything|\*)\s*", re.IGNORECASE)


def command() -> app_commands.Command[Any, ..., None]:
    """A new instance, for one client."""
    return command_of("toggle", "Switch tokens on or off at ImaginePro", Need.ACT, _toggle)


async def _suggest_tokens(interaction: Asked, typed: str) -> list[app_commands.Choice[str]]:
    """One token; several are written."""
    return [app_commands.Choice(name=each.name, value=str(each.value)) for each in await suggest(interaction, typed)]


@app_commands.describe(
    tokens="One or several: ids and ranges, such as 1900-1906, 1911",
    to="On: ImaginePro sends it jobs again. Off: it sends none",
    reason="Why, for the others",
)
@app_commands.choices(to=[app_commands.Choice(name=word, value=word) for word in ("off", "on")])
@app_commands.autocomplete(tokens=_suggest_tokens)
async def _toggle(interaction: Asked, *, tokens: app_commands.Range[str, 1, 200], to: str, reason: Reason = "") -> None:
    from bot.chat.buttons import acting  # noqa: PLC0415 - no start needs what acts

    await wait(interaction)
    if ALL.fullmatch(tokens):
        sentence = "All at once is not offered, as every job would stop: name ids or ranges, such as 1900-1906, 1911."
        raise UnclearError(sentence)
    fleet = interaction.client.desk.fleet
    if fleet.read_at is None:
        sentence = f"Nothing was read yet, so no token is known. {unread(fleet)}"
        raise UnclearError(sentence)
    chosen = several(tokens, fleet.tokens, fleet.names)
    await acting.ask_toggle(interaction, chosen, on=to == "on", reason=reason)
