"""`/queue`: ImaginePro's queue. Its calls are not published, so whoever has their paths sets them."""

from typing import Literal

from discord import app_commands

from bot.chat.commands.options import Reason, group_of
from bot.chat.commands.token import suggest
from bot.chat.desk import Asked, Need, wait

_ONE = "Of this token alone, where your path has {token} in it"


def command() -> app_commands.Group:
    """A new instance, for one client."""
    return group_of(
        "queue",
        "ImaginePro's queue: all jobs of your account there",
        ("count", "How many jobs wait in ImaginePro's queue", Need.VIEW, _count),
        ("status", "What ImaginePro says of its queue", Need.VIEW, _status),
        ("pause", "Pause ALL jobs of your ImaginePro account", Need.ACT, _pause),
        ("resume", "Resume all jobs of your ImaginePro account", Need.ACT, _resume),
        ("reboot", "Reboot the queue of your ImaginePro account", Need.ACT, _reboot),
    )


@app_commands.describe(token=_ONE)
@app_commands.autocomplete(token=suggest)
async def _count(interaction: Asked, *, token: int | None = None) -> None:
    await _asked(interaction, "COUNT", token)


@app_commands.describe(token=_ONE)
@app_commands.autocomplete(token=suggest)
async def _status(interaction: Asked, *, token: int | None = None) -> None:
    await _asked(interaction, "STATUS", token)


@app_commands.describe(reason="Why, for the others", token=_ONE)
@app_commands.autocomplete(token=suggest)
async def _pause(interaction: Asked, *, reason: Reason = "", token: int | None = None) -> None:
    await _proposed(interaction, "PAUSE", token, reason)


@app_commands.describe(reason="Why, for the others", token=_ONE)
@app_commands.autocomplete(token=suggest)
async def _resume(interaction: Asked, *, reason: Reason = "", token: int | None = None) -> None:
    await _proposed(interaction, "RESUME", token, reason)


@app_commands.describe(reason="Why, for the others", token=_ONE)
@app_commands.autocomplete(token=suggest)
async def _reboot(interaction: Asked, *, reason: Reason = "", token: int | None = None) -> None:
    await _proposed(interaction, "REBOOT", token, reason)


async def _asked(interaction: Asked, name: Literal["COUNT", "STATUS"], token: int | None) -> None:
    from bot.chat.commands import queueing  # noqa: PLC0415 - no start needs what does the work

    await wait(interaction)
    await queueing.ask(interaction, name, token)


async def _proposed(
    interaction: Asked, name: Literal["PAUSE", "RESUME", "REBOOT"], token: int | None, reason: str
) -> None:
    from bot.chat.commands import queueing  # noqa: PLC0415 - as above

    await wait(interaction)
    await queueing.propose(interaction, name, token, reason)
