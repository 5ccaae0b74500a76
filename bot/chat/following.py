"""Answers that are edited while something goes on: how many at once, one a message, and all ended with the client."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Final

logger = logging.getLogger(__name__)

MOST: Final = 20
"""Answers that are followed at once. Each asks ImaginePro and Discord every few seconds."""


class Following:
    """The tasks that edit answers. It owns them: `close` ends all of them, and waits until they have ended."""

    def __init__(self) -> None:
        self._tasks: dict[int, asyncio.Task[None]] = {}
        """By the message that each edits."""
        self._owned: set[asyncio.Task[None]] = set()
        """Those, and the ones that were told to end and have not yet."""
        self._closed = False

    def __len__(self) -> int:
        """How many there are now."""
        return len(self._tasks)

    def begin(self, message: int, work: Callable[[], Coroutine[object, object, None]]) -> bool:
        """Edit this message from now on, instead of whoever does so; False, and nothing is begun, while too many are.

        Args:
            message: Discord's id.
            work: What edits, until it returns. It is not called where nothing is begun.
        """
        self.end(message)
        if self._closed or len(self._tasks) >= MOST:
            return False
        task = asyncio.create_task(work(), name=f"following in message {message}")
        self._tasks[message] = task
        self._owned.add(task)
        task.add_done_callback(lambda ended: self._over(message, ended))
        return True

    def end(self, message: int) -> None:
        """Let nobody edit this message any more, before another does."""
        if (task := self._tasks.pop(message, None)) is not None:
            task.cancel()

    async def close(self) -> None:
        """End all of them; none begins afterwards."""
        self._closed = True
        for task in self._owned:
            task.cancel()
        while self._owned:
            await asyncio.wait(self._owned)

    def _over(self, message: int, task: asyncio.Task[None]) -> None:
        self._owned.discard(task)
        if self._tasks.get(message) is task:
            del self._tasks[message]
        if not task.cancelled() and (error := task.exception()) is not None:  # an edge: nobody waits for it
            logger.error("an answer is not followed any more", exc_info=error)
