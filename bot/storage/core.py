"""SQLAlchemy's Core on an event loop: its own code, in greenlets that give way whenever the driver waits.

`sqlalchemy.ext.asyncio` works the same way, and imports the ORM, which this bot does not use: 6 MB, and a tenth of the
time that a start takes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, TypeVar, TypeVarTuple

import sqlalchemy as sa
from sqlalchemy.util import greenlet_spawn

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

Parameters: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""Of one execution of a statement, or of as many as there are in the sequence."""


class AsyncConnection:
    """A connection with an open transaction. What its methods do is in the documentation of `sqlalchemy.Connection`."""

    def __init__(self, connection: sa.Connection) -> None:
        """`connection` belongs to whoever began the transaction."""
        self._connection = connection

    async def execute(self, statement: sa.Executable, parameters: Parameters | None = None) -> sa.CursorResult[Any]:
        """The result, with all its rows in memory."""
        executed = greenlet_spawn(self._connection.execute, statement, parameters)
        # asyncpg 0.32 forgets that it was cancelled while it sends many rows: it waits until its deadline for an answer
        # to half of them, and the server keeps the lock for as long.
        return await (executed if parameters is None or isinstance(parameters, Mapping) else _to_the_end(executed))

    async def scalar(self, statement: sa.Executable) -> Any:  # noqa: ANN401 - whatever the column holds
        """The first column of the first row; None when there is no row."""
        return await greenlet_spawn(self._connection.scalar, statement)

    async def scalars(self, statement: sa.Executable, parameters: Parameters | None = None) -> sa.ScalarResult[Any]:
        """The first column of every row."""
        return await greenlet_spawn(self._connection.scalars, statement, parameters)

    async def partitions(
        self, statement: sa.Executable, size: int
    ) -> AsyncIterator[Sequence[sa.Row[*tuple[Any, ...]]]]:
        """The rows, at most so many at once, as they come from the database."""
        streamed = {"stream_results": True}
        result = await greenlet_spawn(self._connection.execute, statement, execution_options=streamed)
        while rows := await greenlet_spawn(result.fetchmany, size):
            yield rows

    async def run_sync(self, work: Callable[[sa.Connection, *Ts], T], *args: *Ts) -> T:
        """Let a function that knows nothing of event loops work with the connection."""
        return await greenlet_spawn(work, self._connection, *args)


@asynccontextmanager
async def transaction(engine: sa.Engine) -> AsyncIterator[AsyncConnection]:
    """A transaction: committed when the context ends without an error, and else rolled back.

    `engine` has a driver for event loops. The connection is back in its pool when the context has ended.
    """
    connection = await greenlet_spawn(engine.connect)
    try:
        begun = await greenlet_spawn(connection.begin)
        try:
            yield AsyncConnection(connection)
        except BaseException as error:
            await greenlet_spawn(begun.__exit__, type(error), error, error.__traceback__)
            raise
        await greenlet_spawn(begun.__exit__, None, None, None)
    finally:
        await _to_the_end(greenlet_spawn(connection.close))


async def dispose(engine: sa.Engine) -> None:
    """Close every connection in the pool."""
    await greenlet_spawn(engine.dispose)


async def _to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Do something whole, though the task may be cancelled meanwhile; it is, afterwards, whatever came of the work."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from task.exception()
    return task.result()
