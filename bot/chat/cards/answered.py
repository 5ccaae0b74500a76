"""An answer of ImaginePro's whose shape is not documented, as a card: its own words, readable and bounded."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import discord

from bot.chat.cards.embed import BLUE, compose, sections
from bot.chat.text import bare, stamp, width

WIDEST = 120
"""Characters of a line, so that it does not break in the block on a computer."""

_DEEPEST = 24

_BLOCK = 3400
"""Characters of the block: what is around it has room, too."""


def answer_card(title: str, lines: Sequence[str], at: datetime, said: Iterable[str] = ()) -> discord.Embed:
    """What ImaginePro answered.

    Args:
        title: What was asked.
        lines: Its answer, foreign text; none for an empty one.
        at: When it answered.
        said: What stands above it.
    """
    return compose(title, sections(said, [block(lines)], [f"ImaginePro's own words, read {stamp(at)}"]), BLUE)


def block(lines: Sequence[str]) -> str:
    """Foreign lines with their indents, in which nothing works; what does not fit is counted."""
    kept: list[str] = []
    used = 0
    for line in lines:
        shown = _harmless(line)
        used += width(shown) + 1
        if used > _BLOCK:
            kept.append(f"… and {len(lines) - len(kept)} more lines")
            break
        kept.append(shown)
    return "```\n" + "\n".join(kept) + "\n```" if kept else "(an empty answer)"


def _harmless(line: str) -> str:
    """In a block of code nothing works but what ends it."""
    indent = line[: len(line) - len(line.lstrip(" "))][:_DEEPEST]
    return indent + bare(line, WIDEST).replace("`", "'")
