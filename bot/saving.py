"""Sees that the database can be read and not be written, and tells people while nothing of it can be stored.

Everything that this copy stores tells `Store.refusals` when it is refused; while nothing is, a proof is made now and
then, since a night may pass in which nothing has to be told. Then, in this order:

1. one line in the log, and `/health` is red
2. if something is still refused after `Pace.blip`, which outlasts a failover, one message in the ops channel, posted
   past the outbox, whose rows cannot be written; and the fallback address is told
3. once nothing was refused for `Pace.sure`, one line in the log; the message is edited, and the fallback address told.
   Trouble that comes back within `Pace.calm` must be away for as long before the channel hears of its end

Two copies do not both tell. This one does only after it read in the database that the lease is its own. Another that
can write takes that 10 seconds after the last renewal, and if none can write, none takes it.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from bot.delivery.outcome import DeliveryError, RefusedError, UncertainError, VanishedError
from bot.domain.messages import Message
from bot.domain.redaction import redact
from bot.domain.value import Value
from bot.storage.store import Refusals, StoreError
from bot.telemetry import event
from bot.webhook import Event

if TYPE_CHECKING:
    from bot.ports import Channel

logger = logging.getLogger(__name__)


class Pace(Value):
    """How long things of it take."""

    probe: timedelta = timedelta(seconds=30)
    """How often it is proven that everything may be stored, while that seems to be so."""
    retry: timedelta = timedelta(seconds=5)
    """The same while it is not so."""
    blip: timedelta = timedelta(seconds=20)
    """How long people are told nothing. Most failovers are shorter, and another copy that can write leads before."""
    sure: timedelta = timedelta(seconds=20)
    """How long nothing may be refused before it is over: where a proof fits, a reading may not, or it comes back."""
    calm: timedelta = timedelta(minutes=5)
    """The same for a trouble that was told, and began sooner than that after the end of another that was."""
    again: timedelta = timedelta(seconds=15)
    """After how long the channel is tried again that did not take the message."""
    fallback: timedelta = timedelta(minutes=1)
    """The same for the fallback address."""


PACE = Pace()


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
    """Whether the running task tells nothing that has to be stored: that the bot cannot save, or what is known now."""
    return _speaks_for_itself.get()


@contextlib.contextmanager
def speaking_for_itself() -> Iterator[None]:
    """Tell nothing that has to be stored: it may be told while the database can be read, and not be written."""
    before = _speaks_for_itself.set(True)
    try:
        yield
    finally:
        _speaks_for_itself.reset(before)


class Saving:
    """Looks after it, until the task that runs it is cancelled."""

    def __init__(
        self,
        store: Store,
        lease: Lease,
        channel: "Callable[[Trouble], Channel]",
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
        self._told: Trouble | None = None
        """Of which the fallback address was told last."""
        store.refusals.over()

    async def run(self) -> None:
        """See, and tell. No error ends it."""
        loop = asyncio.get_running_loop()
        calm_at = loop.time()
        async with contextlib.AsyncExitStack() as stack:
            while True:
                await self._refused()
                began, again = loop.time(), loop.time() < calm_at
                self._troubles += 1
                mark = f"{self._store.installation}-s{self._lease.term}-{self._troubles}"
                trouble = Trouble(mark, redact(str(self._store.refusals.last)), self._clock())
                told, over = asyncio.Event(), asyncio.Event()
                telling = asyncio.create_task(self._tell(trouble, told, over))
                stack.push_async_callback(_end, telling)
                event(logger, logging.ERROR, "the database takes no writes", error=trouble.reason)
                await self._written(told, again=again)
                self._store.refusals.over()
                after = timedelta(seconds=loop.time() - began)  # whatever befell the clock meanwhile
                trouble.until = trouble.since + after
                if told.is_set():
                    calm_at = loop.time() + self._pace.calm.total_seconds()
                event(logger, logging.INFO, "the database takes writes again", after=after)
                over.set()

    async def _refused(self) -> None:
        while not await _within(self._pace.probe, self._store.refusals.begun):
            await self._proven()

    async def _written(self, told: asyncio.Event, *, again: bool) -> None:
        """Wait until everything has been stored for long enough."""
        well = timedelta()
        while well < (self._pace.calm if again and told.is_set() else self._pace.sure):
            before = self._store.refusals.count
            await asyncio.sleep(self._pace.retry.total_seconds())
            stored = await self._proven() and self._store.refusals.count == before and not self._behind()
            well = well + self._pace.retry if stored else timedelta()

    async def _proven(self) -> bool:
        try:
            await self._store.prove()
        except StoreError:
            return False
        except Exception:  # an edge: whatever goes wrong once, it is to be tried again
            logger.exception("the proof that the database can be written failed")
            return False
        return True

    async def _tell(self, trouble: Trouble, told: asyncio.Event, over: asyncio.Event) -> None:
        _speaks_for_itself.set(True)
        pause, before = self._pace.blip, math.inf
        while not await _within(pause, over):
            if self._store.refusals.count > before:
                told.set()
                await asyncio.gather(self._tell_channel(trouble, over), self._tell_fallback(trouble, over))
                return
            pause, before = timedelta(seconds=1), self._store.refusals.count

    async def _tell_channel(self, trouble: Trouble, over: asyncio.Event) -> None:
        channel = self._channel(trouble)
        posted, pause = None, timedelta()
        since: datetime | None = None
        unsure = False
        said = ""
        while posted is None and not await _within(pause, over):
            pause = self._pace.again
            try:
                await channel.ready()
                if not await self._lease.is_ours():
                    continue
                # An attempt before this one may have arrived though nobody said so.
                found = await channel.find(_message(trouble), since) if since is not None else None
                since = since or self._clock()
                posted = (found or await channel.post(_message(trouble))).id
            except DeliveryError as error:
                unsure = unsure or isinstance(error, UncertainError)
                pause = max(pause, error.after)
                if said != str(error):
                    said = str(error)
                    event(logger, logging.WARNING, "nobody is told that the database takes no writes", error=said)
            except Exception:  # an edge: as above
                logger.exception("telling that the database takes no writes failed")
        await over.wait()
        if posted is not None or (unsure and since is not None):
            await self._tell_end(channel, trouble, posted, since)

    async def _tell_end(self, channel: "Channel", trouble: Trouble, posted: int | None, since: datetime | None) -> None:
        """Let the message say that it is over: what stands in the channel must not be wrong for good.

        One that may have been posted `since` then is looked for first.
        """
        said = ""
        while True:
            try:
                if posted is None and since is not None:
                    found = await channel.find(_message(trouble), since)
                    posted = found.id if found else None
                if posted is not None:
                    await channel.edit(_message(trouble, posted))
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
        self._told = trouble if told else self._told
        await over.wait()
        # Of a later one that was told its own end will be.
        while self._told is trouble and (  # noqa: ASYNC110 - what is waited for is elsewhere
            self._store.refusals.last is not None
            or not await self._notify(Event.DATABASE_WRITABLE, "the database takes writes again")
        ):
            await asyncio.sleep(self._pace.fallback.total_seconds())


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
