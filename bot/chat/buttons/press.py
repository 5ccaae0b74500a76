"""What every press has in common: whether this member may, and how a press of something old is answered."""

import re
from typing import Any, Self

import discord

from bot.chat.desk import say

Pressed = discord.Interaction[Any]
Item = discord.ui.Item[discord.ui.View]

STALE = "This button is from another version of the bot and does nothing any more."


async def admitted(interaction: Pressed) -> bool:
    """Whether this member may use the bot; those who may not are told so, unless another copy of the bot does."""
    if not await interaction.client.stands():
        return False
    refusal = interaction.client.access.refusal(interaction)
    if refusal is not None:
        await say(interaction, refusal)
    return refusal is None


class IncidentItem(discord.ui.DynamicItem[Item], template="(?!)"):
    """A button or menu about incidents; each kind has the template of its own custom id."""

    def __init__(self, item: Item, match: re.Match[str]) -> None:
        """As pressed, or chosen from."""
        super().__init__(item)
        self._match = match

    @classmethod
    async def from_custom_id(cls, _interaction: Pressed, item: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """As discord.py asks for it when it is used."""
        return cls(item, match)

    async def interaction_check(self, interaction: Pressed, /) -> bool:
        """Whoever may ask may press."""
        return await admitted(interaction)
