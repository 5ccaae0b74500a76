"""What may be set in chat, as a port: `/admin setup` asks, and `bot.setup` keeps it."""

from collections.abc import Mapping
from typing import Protocol

from bot.domain.value import Value


class Field(Value):
    """One thing that may be set."""

    name: str
    """Of the variable of the environment."""
    meaning: str
    text: str
    """As it is kept now, or as the environment has it; empty for none. What is kept counts from the next term on."""
    default: str
    given: bool
    """Whether the environment sets it, which wins."""


class Setup(Protocol):
    """What was set. What is awaited may raise `StoreError`."""

    begins_anew: bool
    """Whether `begin_anew` does so; otherwise somebody has to start the bot again."""

    async def fields(self) -> Mapping[str, Field]:
        """All of it, by name."""

    async def put(self, values: Mapping[str, str], by: int) -> tuple[str, ...]:
        """Keep these texts, empty ones for none; returns a sentence for each that cannot be used, which is not kept."""

    async def ask_for_a_test(self, by: int) -> None:
        """Let the next term begin with a test page, for whoever asked."""

    def begin_anew(self) -> None:
        """End this term, so that another begins with what is kept."""
