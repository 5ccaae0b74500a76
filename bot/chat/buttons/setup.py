"""The form of `/admin setup`: all that it knows is in its custom ids and in the database, so two may fill it in."""

import re
from typing import Any, ClassVar, Self

import discord

from bot.chat.buttons.press import Guarded, Item, Pressed
from bot.chat.desk import Need, apologise

ROLES = {
    "alert": "ALERT_ROLE_ID",
    "escalation": "ESCALATION_ROLE_ID",
    "operator": "OPERATOR_ROLE_ID",
    "viewer": "VIEWER_ROLE_ID",
}
"""Variables that name a role, by the word of their menu."""

CHOICES = {"channel": "OPS_CHANNEL_ID", **ROLES}


class OnSetup(Guarded, template=rf"setup:(?P<act>page|{'|'.join(CHOICES)}|text|apply):(?P<page>[0-2])"):
    """A menu or a button of the form. What is chosen is kept at once, and counts once it is applied."""

    needs: ClassVar = dict.fromkeys(("page", *CHOICES, "text", "apply"), Need.OPERATE)

    def __init__(self, item: Item, match: re.Match[str]) -> None:
        """As pressed, or chosen from."""
        super().__init__(item)
        self._match = match

    @classmethod
    async def from_custom_id(cls, _interaction: Pressed, item: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """As discord.py asks for it when it is used."""
        return cls(item, match)

    async def callback(self, interaction: Pressed) -> None:
        """Keep what was chosen, and show the page as it is then."""
        from bot.chat.buttons import setting  # noqa: PLC0415 - no start needs what the form does

        try:
            await setting.used(interaction, self._match["act"], int(self._match["page"]), self.item)
        except Exception as error:  # noqa: BLE001 - an edge: discord.py would log it and leave the person without a word
            await apologise(interaction, error)
