"""What trying something showed, whoever tried it: `python -m bot check` on the terminal, or `/admin doctor` in chat."""

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto
from typing import TypeAlias

from bot.domain.value import Value


class Verdict(Enum):
    """What became of trying, the worst first."""

    WRONG = auto()
    """Somebody has to mend something."""
    AWAY = auto()
    """It may become good by itself."""
    LESS = auto()
    """The bot works, and does less than it could; or as somebody wanted it."""
    GOOD = auto()
    TRYING = auto()
    """It goes on."""


class Check(Value):
    """What trying one thing showed."""

    verdict: Verdict
    what: str
    words: str
    """Of a bad one with what to do about it. No secret is in it."""


Doctor: TypeAlias = Callable[[], Awaitable[Sequence[Check]]]
"""Tries everything, and gives what that showed, in no order; never raises, and ends in time whatever is away."""
