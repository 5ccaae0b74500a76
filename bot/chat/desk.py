"""What answers are made of and who gets them: the port to the fleet, the one check, and how failures are worded."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import aiohttp
import discord

from bot.chat.cards import TROUBLES
from bot.domain.model import Fleet, Token
from bot.imaginepro.client import UpstreamError
from bot.telemetry import reference

logger = logging.getLogger(__name__)


class Desk(Protocol):
    """Where commands and buttons ask. Answers from memory, but for `refresh`."""

    @property
    def fleet(self) -> Fleet:
        """What is known now."""

    @property
    def now(self) -> datetime:
        """The time."""

    async def refresh(self, token_id: int) -> Token:
        """Read one token upstream; raises `UpstreamError`."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use the bot: in one server, those with the operator role, or else those who manage the server."""

    guild_id: int
    operator_role_id: int | None = None

    def refusal(self, interaction: discord.Interaction[Any]) -> str | None:
        """Why this member may not, in a sentence; None when they may."""
        member = interaction.user
        if interaction.guild_id != self.guild_id or not isinstance(member, discord.Member):
            return "This bot answers only in the server that it was set up for."
        if self.operator_role_id is None:
            allowed = interaction.permissions.manage_guild
            return None if allowed else "Only members who may manage this server can use this bot."
        if member.get_role(self.operator_role_id) is None:
            return "Only members with the operator role can use this bot."
        return None


class DeskClient(discord.Client):
    """A client whose commands and buttons find the desk, and who may stand at it."""

    desk: Desk
    access: Access


Asked = discord.Interaction[DeskClient]
"""A command, as it arrives."""


async def say(interaction: discord.Interaction[Any], text: str) -> None:
    """Tell only the person who asked, whether or not they were answered already. A lost connection is not an error."""
    try:
        if interaction.response.is_done():
            await interaction.followup.send(text, ephemeral=True)
        else:
            await interaction.response.send_message(text, ephemeral=True)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        logger.warning("could not answer an interaction: %s", error)


async def apologise(interaction: discord.Interaction[Any], error: Exception) -> None:
    """Word a failure: what is to be expected in plain words, anything else with a reference that the log has too."""
    if isinstance(error, UpstreamError):
        await say(interaction, upstream_sentence(error))
        return
    mark = reference()
    logger.error("interaction failed, reference %s", mark, exc_info=error)
    await say(interaction, f"Something went wrong inside the bot. Its log says more under `{mark}`.")


def upstream_sentence(error: UpstreamError) -> str:
    """What went wrong at ImaginePro, in a sentence of ours: its own text stays in the log."""
    return f"{TROUBLES[error.trouble]}. What was read last stays as it is; try again in a minute."
