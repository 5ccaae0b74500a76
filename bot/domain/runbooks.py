"""Runbooks: what the bot may do by itself, how somebody set that, and what it did of it lately. Pure.

A runbook goes *forth*, as to switch a token off that is banned, and *back*, once that is well again. It takes back only
what the bot did itself; so what it moved is kept as a *trail*, of each thing that can be moved one.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.acts import Kind
from bot.domain.incidents import Rule
from bot.domain.value import Value

QUIET: Final = timedelta(minutes=30)
"""How long all must have been well, unless somebody set it otherwise, before something is taken back."""

QUIET_AT_LEAST: Final = timedelta(minutes=5)
QUIET_AT_MOST: Final = timedelta(days=1)

AN_HOUR: Final = 6
"""How often a runbook acts in an hour at most, unless somebody set it otherwise."""

AN_HOUR_AT_MOST: Final = 60


class Book(StrEnum):
    """What there is. People read it with blanks."""

    SWITCH_OFF = "switch_off_when_banned"
    SWITCH_ON = "switch_on_again"
    SPEED = "relax_and_fast"
    QUEUE = "pause_the_queue"


class Row(Value):
    """What a runbook does."""

    kind: Kind
    forth: str
    """What it wants when something is wrong, as in `Act.wanted`; empty of one that only takes back."""
    back: str
    """What it wants when that is well again; empty of one that does not take back."""
    rule: Rule | None
    """By whose incidents it sees that something is wrong."""


BOOKS: Final[Mapping[Book, Row]] = {
    Book.SWITCH_OFF: Row(Kind.TOGGLE, "off", "", Rule.BANNED),
    Book.SWITCH_ON: Row(Kind.TOGGLE, "", "on", None),
    Book.SPEED: Row(Kind.MODE, "relax", "fast", Rule.FAST_TIME_LOW),
    Book.QUEUE: Row(Kind.QUEUE, "pause", "resume", Rule.POOL),
}
"""In the order in which people are shown them."""

FORTH: Final = frozenset(row.forth for row in BOOKS.values() if row.forth)
"""Of what is wanted, what is taken back later."""


class Does(StrEnum):
    """What somebody lets a runbook do."""

    OFF = "off"
    DRY_RUN = "dry_run"
    """It says what it would have done."""
    ON = "on"


class Runbook(Value):
    """How a runbook is set."""

    book: Book
    at: datetime
    """When it was set."""
    by: int
    """Discord's id of the person."""
    does: Does = Does.OFF
    quiet: timedelta = QUIET
    an_hour: int = AN_HOUR
    stopped_at: datetime | None = None
    """When it would have acted more often than that; from then on it only takes back what it did."""

    @property
    def id(self) -> str:
        """There is one for each. It has no colon, as settings of rules have."""
        return f"runbook-{self.book}"

    @property
    def dry(self) -> bool:
        """Whether it only says what it would have done."""
        return self.does is Does.DRY_RUN


class Move(Value):
    """Something that a runbook did, or would have done, or tried."""

    at: datetime
    book: Book
    wanted: str
    """As in `Act.wanted`."""
    act: str = ""
    """The id of the act; empty of a dry run."""

    @property
    def dry(self) -> bool:
        """Whether nothing was to be sent."""
        return not self.act


class Why(StrEnum):
    """Why a runbook leaves something alone, or stops."""

    STOPPED = "stopped"
    """It would have acted too often within an hour."""
    FLAPS = "flaps"
    """It moved the same thing too often within a day."""
    FAILED = "failed"
    """It tried again, and that failed again."""


class Remark(Value):
    """What a runbook has to say to people, once."""

    book: Book
    why: Why
    wanted: str = ""
    """As in `Act.wanted`: what it would do, and does not."""
    token: int | None = None
    times: int = 0
    """How often it did that before it left off."""
    dry: bool = False
    """Whether it did so in a dry run."""


class Trail(Value):
    """What is known of something that runbooks may move: whether a token is on, its mode, or the queue."""

    kind: Kind
    token: int | None = None
    """None of the queue."""
    hand_at: datetime | None = None
    """When it was last read to be switched on or off, and the bot had not done that."""
    moves: tuple[Move, ...] = ()
    """The last ones, and those of a day; oldest first."""
    well_since: datetime | None = None
    """Since when what was moved could be taken back; None while it could not."""
    left: Why | None = None
    """Why it is left alone, once that was said."""

    @property
    def id(self) -> str:
        """There is one for each thing."""
        return trail_id(self.kind, self.token)


def trail_id(kind: Kind, token: int | None) -> str:
    """The id of a trail."""
    return f"trail-{kind}" if token is None else f"trail-{kind}-{token}"


def name(book: Book) -> str:
    """`switch off when banned`, as people choose it."""
    return book.replace("_", " ")
