"""Embeds inside Discord's limits, and their colours."""

from collections.abc import Iterable

import discord

from bot.chat.text import within

TITLE_LIMIT = 256
DESCRIPTION_LIMIT = 4096
"""Of an embed: https://docs.discord.com/developers/resources/message#embed-object-embed-limits."""

GREEN = discord.Colour(0x3BA55D)
YELLOW = discord.Colour(0xF0C419)
ORANGE = discord.Colour(0xF2862F)
RED = discord.Colour(0xE03E41)
PURPLE = discord.Colour(0x9B59B6)
BLUE = discord.Colour(0x4A90E2)
CALM = discord.Colour(0x6F8FAF)
GREY = discord.Colour(0x80848E)

GAP = "\u200b"
"""An empty line that no client folds away."""


def compose(title: str, lines: Iterable[str], colour: discord.Colour, footer: str = "") -> discord.Embed:
    """An embed within Discord's limits, whatever the lines are."""
    embed = discord.Embed(
        title=within([title], TITLE_LIMIT), description=within(lines, DESCRIPTION_LIMIT), colour=colour
    )
    return embed.set_footer(text=footer) if footer else embed


def sections(*sections: Iterable[str]) -> list[str]:
    """Lines, with a gap between the sections that have any."""
    filled = [lines for section in sections if (lines := [line for line in section if line])]
    return [line for index, lines in enumerate(filled) for line in ([GAP] if index else []) + lines]
