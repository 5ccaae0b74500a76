"""The board as of now, and the buttons under it: what has no room on it, for whoever presses."""

import asyncio
import re
from datetime import datetime
from typing import Any, ClassVar, Self

import discord

from bot.chat.alerts import row
from bot.chat.board import Blind, Sheet, sheet
from bot.chat.buttons.listing import open_page
from bot.chat.buttons.press import Guarded, Pressed
from bot.chat.buttons.tokens import fleet_page
from bot.chat.cards import overview
from bot.chat.desk import Desk, Need, answer, apologise, wait
from bot.domain.groups import Group, one_group_id
from bot.domain.rules.policy import Policy
from bot.domain.watch.known import Known

_LABELS = {"tokens": ("All tokens", "🗒️"), "open": ("What is open", "🔔")}


class OnBoard(Guarded, template=r"board:(?P<act>tokens|open)"):
    """Answers whoever pressed it; the board stays as it is, for all others."""

    needs: ClassVar = dict.fromkeys(_LABELS, Need.VIEW)

    def __init__(self, what: str) -> None:
        """`what` is shown."""
        label, emoji = _LABELS[what]
        super().__init__(discord.ui.Button(label=label, emoji=emoji, custom_id=f"board:{what}"))
        self._what = what

    @classmethod
    async def from_custom_id(cls, _interaction: Pressed, _item: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """As discord.py asks for it when the button is pressed."""
        return cls(match["act"])

    async def callback(self, interaction: Pressed) -> None:
        """Show the first page of all tokens, from memory, or of what is open, with links."""
        try:
            if self._what == "tokens":
                desk = interaction.client.desk
                only = desk.known.decisions.one_group.get(one_group_id(interaction.channel_id or 0))
                group = desk.known.decisions.group(only.group) if only else None
                embed, view = fleet_page(desk, 0, None, group)
                await interaction.response.send_message(embed=embed, view=view, ephemeral=True)
            else:
                await wait(interaction)
                embed, view = await open_page(interaction, 0, None, None)
                await answer(interaction, embed=embed, view=view)
        except Exception as error:  # noqa: BLE001 - an edge: discord.py would log it and leave the person without a word
            await apologise(interaction, error)


async def board_sheet(desk: Desk, blind: Blind | None, group: str = "") -> Sheet:
    """What boards show, as of now. In a thread: of 10,000 tokens it takes a while.

    Args:
        desk: What is known.
        blind: What a restart missed.
        group: The name of the group that is shown; empty for the whole fleet.
    """
    return await asyncio.to_thread(_sheet, desk.known, desk.now, desk.policy, blind, desk.known.decisions.group(group))


def _sheet(known: Known, now: datetime, policy: Policy, blind: Blind | None, group: Group | None) -> Sheet:
    if group is not None:
        from bot.domain.watch.narrowing import narrowed  # noqa: PLC0415 - no start needs it

        known = narrowed(known, group)
    incidents = [incident for incident in known.incidents.values() if incident.open and incident.notifiable]
    return sheet(overview(known, now, policy.interval), incidents, known.forecasts, policy.zone, blind, group)


def board_view() -> discord.ui.View:
    """The buttons under a board."""
    return row([OnBoard(what) for what in _LABELS])
