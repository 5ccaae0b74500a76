"""Sees that the database does not answer for minutes, and tells the fallback address: nobody else can be told then.

Whoever leads tells, and so does a copy that cannot even start. One that stands by does not: its leader sees the same.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta

from bot.domain.value import Value
from bot.storage.store import Store, StoreError, open_store
from bot.telemetry import event
from bot.webhook import Event, Notify

logger = logging.getLogger(__name__)


class Pace(Value):
    """How long things of it take; only time in which the process ran counts."""

    long: timedelta = timedelta(minutes=2)
    """How long it must be away to be told of. Restarts and failovers are shorter."""
    sure: timedelta = timedelta(seconds=20)
    """How long it must answer for that to be over."""
    check: timedelta = timedelta(seconds=5)
    again: timedelta = timedelta(minutes=1)
    """After what the address did not take."""


PACE = Pace()


class Away:
    """Tells it, until the task that runs it is cancelled."""

    def __init__(self, notify: Notify | None, pace: Pace | None = None) -> None:
        """Without `notify` nobody is told."""
        self._notify = notify
        self._pace = pace or PACE
        self._answers: Callable[[], bool] = _always

    @contextmanager
    def watching(self, answers: Callable[[], bool]) -> Iterator[None]:
        """This says whether it answers, for as long as the context is open; before and after it is taken to."""
        self._answers = answers
        try:
            yield
        finally:
            self._answers = _always

    @asynccontextmanager
    async def opened(self, url: str) -> AsyncIterator[Store]:
        """The store of `DATABASE_URL`; one that is away is waited for, if there is somebody to tell.

        Raises:
            StoreError: It cannot be opened.
        """
        async with contextlib.AsyncExitStack() as stack:
            with self.watching(lambda: False):
                store = await self._open(stack, url)
            yield store

    async def _open(self, stack: contextlib.AsyncExitStack, url: str) -> Store:
        said = False
        while True:
            try:
                return await stack.enter_async_context(open_store(url))
            except StoreError as error:
                if self._notify is None or not error.passing or error.unwritable:
                    raise
                if not said:
                    event(logger, logging.ERROR, "waiting for the database", error=str(error))
                said = True
            await asyncio.sleep(self._pace.check.total_seconds())

    async def run(self) -> None:
        """See, and tell."""
        while self._notify is not None:
            await self._lasts(self._pace.long, answers=False)
            minutes = f"{self._pace.long / timedelta(minutes=1):g} minutes"
            reason = f"the database has not answered for {minutes}, so no alert is posted unless another copy leads"
            told = await self._notify(Event.DATABASE_AWAY, reason)
            while not told and not self._answers():
                await asyncio.sleep(self._pace.again.total_seconds())
                told = not self._answers() and await self._notify(Event.DATABASE_AWAY, reason)
            await self._lasts(self._pace.sure, answers=True)
            if told:
                await self._tell_end(self._notify)

    async def _tell_end(self, notify: Notify) -> None:
        words = "the database answers again"
        while not await notify(Event.DATABASE_BACK, words):  # noqa: ASYNC110 - what is waited for is elsewhere
            await asyncio.sleep(self._pace.again.total_seconds())

    async def _lasts(self, time: timedelta, *, answers: bool) -> None:
        """Wait until that has been so at each check for so long."""
        left = time
        while left > timedelta():
            await asyncio.sleep(self._pace.check.total_seconds())
            left = left - self._pace.check if self._answers() == answers else time


def _always() -> bool:
    return True
