"""What is known, and its one way into the database: one move at a time, whole or not at all.

A commit whose answer was lost may have happened, or not. So before the next move the database is read again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from bot.chronicle import log_moves
from bot.delivery.handover import Handover
from bot.domain.value import replace
from bot.domain.watch.beside import beside
from bot.domain.watch.known import Changes, Known, restore
from bot.storage.store import StoreError
from bot.telemetry import event

if TYPE_CHECKING:
    from bot.needs import Store

logger = logging.getLogger("bot.monitor")


class Keeping:
    """What is known, as it is stored."""

    def __init__(self, store: "Store", clock: Callable[[], datetime], handover: Handover) -> None:
        """Nothing is known before `restore`.

        Args:
            store: Where what is known outlives the process.
            clock: The time, aware.
            handover: Where whoever delivers messages is woken, and gets the first of them.
        """
        self.known = Known()
        self._store = store
        self._clock = clock
        self._handover = handover
        self._sure = True
        """Whether memory and database agree."""
        self._turn = asyncio.Lock()

    async def restore(self) -> None:
        """Take up what was known when the process last ended.

        Raises:
            StoreError: The database cannot be read.
        """
        began_at = self.known.began_at or self._clock()
        memory = await self._store.load()
        known = await asyncio.to_thread(restore, memory)
        if lost := memory.ledgers.keys() - known.ledgers.keys():
            event(logger, logging.WARNING, "what is known of the use of fast time cannot be read", tokens=len(lost))
        self.known = replace(known, began_at=began_at, forecasts=self.known.forecasts)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Be the only one whose move it is, and sure of what the database has: that is what happened.

        Raises:
            StoreError: That cannot be known.
        """
        async with self._turn:
            if not self._sure:
                await self.restore()
                self._sure = True
                self._handover.doubt()
            yield

    async def move(self, doing: Callable[[Known, datetime], tuple[Changes, Known]]) -> Changes:
        """Let what is known move as that says; returns what that changed.

        Raises:
            StoreError: It could not be stored, and nothing moved.
        """
        async with self.turn():
            changes, after = await asyncio.to_thread(doing, self.known, self._clock())
            if not changes.nothing:
                await self.keep(changes, after)
            return changes

    async def keep(self, changes: Changes, after: Known) -> None:
        """Store these, and let that be known; within a turn.

        Raises:
            StoreError: They could not be stored, and nothing moved.
        """
        news = bool(changes.notify or changes.notices or changes.sets)
        if asides := beside(self.known, changes, now := self._clock()):
            changes = replace(changes, asides=(*changes.asides, *asides))
        self._sure = False
        try:
            claimed = await self._store.save(changes, now, claiming=news and self._handover.free)
        except StoreError as error:
            self._sure = error.unwritable  # then nothing was stored
            raise
        self.known, self._sure = after, True
        if news:
            self._handover.wake(claimed.message)
        if changes.asides or (changes.notify and any(each.thread for each in after.incidents.values())):
            self._handover.asides.set()
        log_moves(changes)
        if claimed.folded:
            event(logger, logging.INFO, "messages folded into a summary", incidents=claimed.folded)
