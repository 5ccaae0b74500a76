"""`/account`: the plan at ImaginePro, what is left of it, and until when."""

from datetime import timedelta
from typing import Any, Final

from discord import app_commands

from bot.chat.commands.options import command_of
from bot.chat.desk import Asked, Need, UnclearError, answer, wait
from bot.imaginepro.client import UpstreamError
from bot.storage.store import StoreError

FRESH: Final = timedelta(seconds=30)
"""How old a reading may be that is shown as it is: who asks twice does not make ImaginePro say it twice."""


def command() -> app_commands.Command[Any, ..., None]:
    """A new instance, for one client."""
    return command_of("account", "Your plan at ImaginePro: credits left, and when it ends", Need.VIEW, _account)


async def _account(interaction: Asked) -> None:
    from bot.chat.cards.account import account_card  # noqa: PLC0415 - no start needs it
    from bot.chat.refusals import refused  # noqa: PLC0415 - nor that

    await wait(interaction)
    desk, billing = interaction.client.desk, interaction.client.billing
    if billing is None:
        starting = "The bot is only just starting. Try again in a moment."
        raise UnclearError(starting)
    sentence: str | None = None
    if billing.last is None or desk.now - billing.last.at >= FRESH:
        try:
            await billing.read()
        except UpstreamError as error:
            sentence = refused(error, desk.now)
        except StoreError:
            sentence = "The database took no note of it, so alerts stay as they were."
    read = billing.last
    card = None if read is None else account_card(read.account, read.at, desk.now, desk.policy)
    await answer(interaction, sentence, embed=card)
