"""Sees that the database can be read and not be written, and tells people while nothing of it can be stored.

Everything that this copy stores tells `Store.refusals` when it is refused; while nothing is, a proof is made now and
then, since a night may pass in which nothing has to be told. Then, in this order:

1. one line in the log, and `/health` is red
2. after `Pace.blip`, which outlasts a failover, one message in the ops channel, posted past the outbox, whose rows
   cannot be written; and the fallback address is told
3. once nothing is refused any more, one line in the log; the message is edited, and the fallback address told

Two copies do not both tell. This one does only after it read in the database that the lease is its own. Another that
can write takes that 10 seconds after the last renewal, and if none can write, none takes it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from bot.delivery import DeliveryError, RefusedError, VanishedError
from bot.domain.incidents import Message
from bot.domain.redaction import redact
from bot.domain.value import Value
from bot.outbox import Channel
from bot.storage.store import Refusals, StoreError
from bot.telemetry import event
from bot.webhook import Event

logger = logging.getLogger(__name__)


class Pace(Value):
    """How long things of it take."""

    probe: timedelta = timedelta(seconds=30)
    """How often it is proven that everything may be stored, while that seems to be so."""
    retry: timedelta = timedelta(seconds=5)
    """The same while it is not so."""
    blip: timedelta = timedelta(seconds=20)
    """How long people are told nothing. Most failovers are shorter, and another copy that can write leads before."""
    again: timedelta = timedelta(seconds=15)
    """After how long the channel is tried again that did not take the message."""
    fallback: timedelta = timedelta(minutes=1)
    """The same for the fallback address."""


PACE = Pace()

SURE: Final = 2
"""So many proofs in a row, with nothing refused in between, end it: where one fits, a reading may not."""


@dataclass(slots=True)
class Trouble:
    """A time in which nothing is stored."""

    mark: str
    """By which its message is found in the channel."""
    reason: str
    """What the database said, for people."""
    since: datetime
    until: datetime | None = None
    """None while it lasts."""


class Store(Protocol):
    """What is to be written."""

    installation: str
    refusals: Refusals

    async def prove(self) -> None:
        """Write as much as shows that everything may be written; raises `StoreError`."""


class Lease(Protocol):
    """The right to act."""

    term: int

    async def is_ours(self) -> bool:
        """Whether the database says so now."""


_speaks_for_itself: ContextVar[bool] = ContextVar("speaks_for_itself", default=False)


def speaks_for_itself() -> bool:
    """Whether the running task tells that the bot cannot save, and nothing about incidents."""
    return _speaks_for_itself.get()


class Saving:
    """Looks after it, until the task that runs it is cancelled."""

    def __init__(
        self,
        store: Store,
        lease: Lease,
        channel: Callable[[Trouble], Channel],
        clock: Callable[[], datetime],
        *,
        behind: Callable[[], bool] = lambda: False,
        notify: Callable[[Event, str], Awaitable[bool]] | None = None,
        pace: Pace | None = None,
    ) -> None:
        """Nothing is refused at first.

        Args:
            store: What is to be written.
            lease: The right to tell anybody.
            channel: Makes the ops channel, in which each message shows that trouble as it is then.
            clock: The time, aware.
            behind: Whether something was read that is not stored yet.
            notify: Tells the fallback address; False when it did not take it.
            pace: How long things take.
        """
        self._store = store
        self._lease = lease
        self._channel = channel
        self._clock = clock
        self._behind = behind
        self._notify = notify
        self._pace = pace or PACE
        self._troubles = 0
        store.refusals.over()

    async def run(self) -> None:
        """See, and tell. No error ends it."""
        async with contextlib.AsyncExitStack() as stack:
            while True:
                await self._refused()
                self._troubles += 1
                mark = f"{self._store.installation}-s{self._lease.term}-{self._troubles}"
                trouble = Trouble(mark, redact(str(self._store.refusals.last)), self._clock())
                over = asyncio.Event()
                telling = asyncio.create_task(self._tell(trouble, over))
                stack.push_async_callback(_end, telling)
                event(logger, logging.ERROR, "the database takes no writes", error=trouble.reason)
                await self._written()
                self._store.refusals.over()
                trouble.until = self._clock()
                after = trouble.until - trouble.since
                event(logger, logging.INFO, "the database takes writes again", after=after)
                over.set()

    async def _refused(self) -> None:
        while not await _within(self._pace.probe, self._store.refusals.begun):
            await self._proven()

    async def _written(self) -> None:
        proofs = 0
        while proofs < SURE:
            before = self._store.refusals.count
            await asyncio.sleep(self._pace.retry.total_seconds())
            well = await self._proven() and self._store.refusals.count == before and not self._behind()
            proofs = proofs + 1 if well else 0

    async def _proven(self) -> bool:
        try:
            await self._store.prove()
        except StoreError:
            return False
        except Exception:  # an edge: whatever goes wrong once, it is to be tried again
            logger.exception("the proof that the database can be written failed")
            return False
        return True

    async def _tell(self, trouble: Trouble, over: asyncio.Event) -> None:
        _speaks_for_itself.set(True)
        if not await _within(self._pace.blip, over):
            await asyncio.gather(self._tell_channel(trouble, over), self._tell_fallback(trouble, over))

    async def _tell_channel(self, trouble: Trouble, over: asyncio.Event) -> None:
        channel = self._channel(trouble)
        posted, pause = None, timedelta()
        since: datetime | None = None
        said = ""
        while posted is None and not await _within(pause, over):
            pause = self._pace.again
            try:
                await channel.ready()
                if not await self._lease.is_ours():
                    continue
                # An attempt before this one may have arrived though nobody said so.
                posted = await channel.find(trouble.mark, since) if since is not None else None
                since = since or self._clock()
                posted = posted or await channel.post(_message(trouble))
            except DeliveryError as error:
                pause = max(pause, error.after)
                if said != str(error):
                    said = str(error)
                    event(logger, logging.WARNING, "nobody is told that the database takes no writes", error=said)
            except Exception:  # an edge: as above
                logger.exception("telling that the database takes no writes failed")
        await over.wait()
        if posted is not None:
            await self._tell_end(channel, _message(trouble, posted))

    async def _tell_end(self, channel: Channel, message: Message) -> None:
        """Let the message say that it is over: what stands in the channel must not be wrong for good."""
        said = ""
        while True:
            try:
                await channel.edit(message)
            except (VanishedError, RefusedError) as error:
                event(logger, logging.WARNING, "nobody is told that the database takes writes again", error=str(error))
            except DeliveryError as error:
                if said != str(error):
                    said = str(error)
                    event(logger, logging.WARNING, "nobody is told that the database takes writes again", error=said)
                await asyncio.sleep(max(self._pace.again, error.after).total_seconds())
                continue
            except Exception:  # an edge: as above
                logger.exception("telling that the database takes writes again failed")
            return

    async def _tell_fallback(self, trouble: Trouble, over: asyncio.Event) -> None:
        if self._notify is None:
            return
        told = await self._notify(Event.DATABASE_UNWRITABLE, trouble.reason)
        while not told and not await _within(self._pace.fallback, over):
            told = await self._notify(Event.DATABASE_UNWRITABLE, trouble.reason)
        await over.wait()
        if told:
            await self._notify(Event.DATABASE_WRITABLE, "the database takes writes again")


def _message(trouble: Trouble, posted: int | None = None) -> Message:
    """As the channel takes messages: of no incident, and of no row."""
    return Message(0, trouble.mark, (), 1, discord_id=posted)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


async def _within(time: timedelta, happens: asyncio.Event) -> bool:
    """Wait for so long at most; whether it has happened."""
    waiting = asyncio.ensure_future(happens.wait())
    try:
        await asyncio.wait({waiting}, timeout=time.total_seconds())
    finally:
        waiting.cancel()
    return happens.is_set()
