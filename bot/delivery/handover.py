"""Where whoever stores messages meets whoever delivers them.

What wakes a deliverer that has nothing to do may bring its next message along, claimed in the very transaction that
stored it: two transactions less between a reading and the channel.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bot.domain.messages import Message

if TYPE_CHECKING:
    from collections.abc import Callable


class Handover:
    """Wakes the deliverer, and carries a claimed message to it."""

    def __init__(self) -> None:
        self._news = asyncio.Event()
        self._message: Message | None = None
        self.free = False
        """Whether the deliverer has nothing to do until it is woken, and would claim at once what is stored next."""
        self._give_way: list[Callable[[], None]] = []
        self.doubtful = False
        """Whether a message may have been claimed for the deliverer that never came."""
        self.asides = asyncio.Event()
        """Set when there may be something to say beside the ops channel, by whoever stored it."""
        self.at_rest = asyncio.Event()
        """Set while the deliverer waits for something new, or for what was refused to have rested."""

    def wake(self, message: Message | None = None) -> None:
        """There may be something to deliver; `message` is claimed already, for a deliverer that was free."""
        if message is not None:
            self._message = message
        self.free = False
        self.at_rest.clear()
        self._news.set()
        for give_way in self._give_way:
            give_way()

    @contextlib.contextmanager
    def calling(self, give_way: "Callable[[], None]") -> Iterator[None]:
        """Call that at each wake meanwhile, for whoever has something in hand that can wait."""
        self._give_way.append(give_way)
        try:
            yield
        finally:
            self._give_way.remove(give_way)

    def doubt(self) -> None:
        """Wake the deliverer after a commit whose answer was lost: what it claimed has to be given back."""
        self.doubtful = True
        self.asides.set()
        self.wake()

    @property
    def has_news(self) -> bool:
        """Whether there was a wake since the last `take`."""
        return self._news.is_set()

    def take(self) -> Message | None:
        """The message that came with a wake, once. Earlier wakes count no more: the deliverer asks for itself now."""
        self._news.clear()
        message, self._message = self._message, None
        return message

    async def woken(self, *, free: bool) -> None:
        """Wait until there may be something to deliver; `free` says whether that may be brought along."""
        self.free = free and not self._news.is_set()
        if not self._news.is_set():
            self.at_rest.set()
        try:
            await self._news.wait()
        finally:
            self.free = False
            self.at_rest.clear()
