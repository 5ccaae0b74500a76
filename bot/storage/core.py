"""SQLAlchemy's Core on an event loop: a transaction is a plain function of a connection, and here is where it runs.

SQLite's runs in a thread: the event loop hears of it once, when it has ended. PostgreSQL's runs in a greenlet on the
event loop, and gives way whenever the driver waits.

`sqlalchemy.ext.asyncio` works with greenlets too. It imports the ORM, which this bot does not use (6 MB, and a tenth of
the time that a start takes), and its driver for SQLite changes threads four times a statement.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.util import greenlet_spawn

T = TypeVar("T")

_INSISTENCE: Final = 0.2
"""Seconds after which what was cancelled, and has not ended, is cancelled once more."""


class Runner(Protocol):
    """Something that runs the functions that use an engine."""

    async def run(self, work: Callable[[], T]) -> T:
        """What comes of it. It has ended when this returns or raises, also when the task is cancelled meanwhile."""

    def close(self) -> None:
        """Nothing is to be run any more."""


class Thread:
    """Runs one function after another, in a thread of its own. A cancellation spares those that have not begun."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, "database")

    async def run(self, work: Callable[[], T]) -> T:
        """See `Runner`."""
        job = self._executor.submit(work)
        return await _ended(asyncio.wrap_future(job), job.cancel)

    def close(self) -> None:
        """See `Runner`."""
        self._executor.shutdown(wait=False)


class Greenlets:
    """Runs functions side by side, each in a greenlet of its own. A cancellation reaches whatever the driver waits for.

    `engine` has a driver for event loops.
    """

    def __init__(self, engine: sa.Engine) -> None:
        @sa.event.listens_for(engine, "invalidate")
        def drop(connection: Any, *_: object) -> None:  # noqa: ANN401 - as the library has it
            # SQLAlchemy would wait 2 s for a server that may be out of reach to say goodbye.
            connection.driver_connection.terminate()

    async def run(self, work: Callable[[], T]) -> T:
        """See `Runner`."""
        task = asyncio.create_task(greenlet_spawn(work))
        return await _ended(task, task.cancel)

    def close(self) -> None:
        """See `Runner`."""


async def _ended(future: asyncio.Future[T], give_up: Callable[[], object]) -> T:
    """What came of the future; when the task is cancelled meanwhile, the future is asked to give up until it ended.

    Once is not enough. asyncpg 0.32 forgets a cancellation that comes while it sends many rows: it would wait for the
    deadline of a statement, and the server keep the lock for as long, though never commit. SQLAlchemy 2.1 rolls back
    what was begun, and would wait as long for a network that fell silent meanwhile.
    """
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait({future}, timeout=_INSISTENCE if cancelled else None)
        except asyncio.CancelledError as error:
            cancelled = error
        if cancelled is not None:
            give_up()
    if cancelled is not None:
        raise cancelled from None if future.cancelled() else future.exception()
    return future.result()
