"""One board: its row, its message, and what is known of it since the start."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import discord

from bot.chat.board.sheet import PULSE, Sheet
from bot.domain.value import Value
from bot.storage.store import Board

OFTEN = timedelta(minutes=1)
"""Between two edits of a board, at least."""

SELDOM = timedelta(minutes=5)
"""The same, of a message that is `OLD`; and between two tries in a channel that waits for a person."""

OLD = timedelta(hours=1)
"""From this age of a message on Discord limits its edits: see `bot.chat.answers`."""


class Kept(Value):
    """A board as somebody sees it who asks."""

    channel_id: int
    discord_id: int | None
    """Of its message; None while there is none, or nobody knows."""
    by: int
    """Discord's id of the person who asked for it."""
    pinned: bool | None
    """None where it was not tried since the start."""
    trouble: str
    """Why it is not shown as it should be; empty where it is."""
    blocked: bool
    """Whether that waits for a person."""
    forum: bool = False
    """Whether the channel is a forum, in which it is a post."""


@dataclass(eq=False, slots=True)
class Hung:
    """A board, and what is known of it since the start."""

    row: Board
    certain: bool
    """Whether no attempt may have posted it without an answer."""
    shown: Sheet | None = None
    """What it shows; None while nobody knows."""
    next_at: float = float("-inf")
    """By the loop's clock: it is left alone before."""
    noted: bool = True
    """Whether the database knows its message."""
    pinned: bool | None = None
    trouble: str = ""
    blocked: bool = False
    lost: int = 0
    """How often its message went, in a row, before it was an hour old."""

    @property
    def kept(self) -> Kept:
        """For those who ask."""
        row = self.row
        return Kept(row.channel_id, row.discord_id, row.by, self.pinned, self.trouble, self.blocked)

    def is_true(self, sheet: Sheet) -> bool:
        """Whether it shows that, with an age that will do: none that is to come, as after a clock that was wrong."""
        if self.shown is None or self.row.discord_id is None:
            return False
        return self.shown.says == sheet.says and abs(sheet.at - self.shown.at) < PULSE

    def age(self, now: datetime) -> timedelta:
        """How old its message is."""
        if self.row.discord_id is None:
            return timedelta()
        return now - discord.utils.snowflake_time(self.row.discord_id)

    def spacing(self, now: datetime) -> timedelta:
        """How long to leave it alone after an edit."""
        return SELDOM if self.age(now) >= OLD - OFTEN else OFTEN
