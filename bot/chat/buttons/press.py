"""What every press has in common: whether this member may, and how a press of something old is answered."""

from typing import Any

import discord

from bot.chat.desk import say

Pressed = discord.Interaction[Any]

STALE = "This button is from another version of the bot and does nothing any more."


async def admitted(interaction: Pressed) -> bool:
    """Whether this member may use the bot; those who may not are told so, unless another copy of the bot does."""
    if not await interaction.client.stands():
        return False
    refusal = interaction.client.access.refusal(interaction)
    if refusal is not None:
        await say(interaction, refusal)
    return refusal is None
