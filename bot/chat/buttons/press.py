"""What every press has in common: whether this member may, and how a press of something old is answered."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self

import discord

from bot.chat.desk import Need, apologise, say

Pressed = discord.Interaction[Any]
Item = discord.ui.Item[discord.ui.View]

STALE = "This button is from another version of the bot and does nothing any more."


async def admitted(interaction: Pressed, need: Need = Need.OPERATE) -> bool:
    """Whether this member may do that; those who may not are told so, unless another copy of the bot does."""
    if not await interaction.client.stands():
        return False
    refusal = interaction.client.access.refusal(interaction, need)
    if refusal is not None:
        await say(interaction, refusal)
    return refusal is None


class Guarded(discord.ui.DynamicItem[Item], template="(?!)"):
    """A button or a menu that outlives restarts, behind the one check. Each kind has a template of its own."""

    needs: ClassVar[Mapping[str, Need]] = MappingProxyType({})
    """What each word needs that the template may have as its group `act`; the word is empty where it has no such group.
    A word that is left out needs `Need.OPERATE`."""

    async def interaction_check(self, interaction: Pressed, /) -> bool:
        """Whether this member may press."""
        match = self.template.fullmatch(self.custom_id)
        word = match.groupdict().get("act") if match else None
        return await admitted(interaction, self.needs.get(word or "", Need.OPERATE))


class GuardedForm(discord.ui.Modal):
    """A form, behind the one check: whoever fills it in may have lost the role since it was opened."""

    need: ClassVar[Need] = Need.OPERATE

    async def interaction_check(self, interaction: Pressed, /) -> bool:
        """Whether this member may send it."""
        return await admitted(interaction, self.need)

    async def on_error(self, interaction: Pressed, error: Exception, /) -> None:  # type: ignore[override] # as Modal's own
        """Answer for whatever it raised."""
        await apologise(interaction, error)


class IncidentItem(Guarded, template="(?!)"):
    """A button or menu about incidents."""

    def __init__(self, item: Item, match: re.Match[str]) -> None:
        """As pressed, or chosen from."""
        super().__init__(item)
        self._match = match

    @classmethod
    async def from_custom_id(cls, _interaction: Pressed, item: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """As discord.py asks for it when it is used."""
        return cls(item, match)
