"""Buttons and menus that outlive restarts: all they know is in their `custom_id`, and every press is checked."""

import discord

from bot.chat.buttons.board import OnBoard, board_sheet, board_view
from bot.chat.buttons.confirm import OnQuestion, confirm
from bot.chat.buttons.incidents import OnCard, OnMenu
from bot.chat.buttons.job import OnJob
from bot.chat.buttons.listing import OnList
from bot.chat.buttons.press import STALE, Pressed, admitted
from bot.chat.buttons.setup import OnSetup
from bot.chat.buttons.switching import OnToken
from bot.chat.buttons.tokens import Page, Refresh, card_of, fleet_page, linked_card, reread, token_view, viewed
from bot.chat.desk import say

__all__ = [
    "BUTTONS",
    "admitted",
    "answer_stale",
    "board_sheet",
    "board_view",
    "card_of",
    "confirm",
    "fleet_page",
    "linked_card",
    "reread",
    "token_view",
    "viewed",
]

BUTTONS = (Refresh, Page, OnCard, OnMenu, OnList, OnBoard, OnQuestion, OnToken, OnSetup, OnJob)


async def answer_stale(interaction: Pressed) -> None:
    """Say so when a component is pressed that none of our buttons answers to; take the forms that nobody waits for."""
    if interaction.type is discord.InteractionType.modal_submit:
        await _form_sent(interaction)
    if interaction.type is not discord.InteractionType.component:
        return
    custom_id = str(dict(interaction.data or {}).get("custom_id", ""))
    ours = any(button.__discord_ui_compiled_template__.fullmatch(custom_id) for button in BUTTONS)
    if not ours and await interaction.client.stands():
        await say(interaction, STALE)


async def _form_sent(interaction: Pressed) -> None:
    if str(dict(interaction.data or {}).get("custom_id", "")).startswith("incident:note:"):
        from bot.chat.buttons import noting  # noqa: PLC0415 - no start needs it

        await noting.sent(interaction)
