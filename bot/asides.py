"""Say beside the ops channel what is stored for people and threads: each in its order, and none held up by another.

1. what became too old to be said is dropped
2. the next target's bundle is claimed: all that waits for it, in one message. From here on it may have been said
3. an attempt whose outcome is not known, and older than Discord's memory of nonces: look for its mark there
4. send it with the mark as nonce
5. delete what was said | try it again later | drop all for a target that takes nothing any more, and let that be known

A few targets are spoken to at once, each by one message at a time, and the ops channel goes first. A crash between 2
and 5 leaves an attempt: the next start sends the same with the same nonce, or finds it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from typing import Final, Protocol

from bot.delivery.handover import Handover
from bot.delivery.outcome import BlockedError, ClosedError, DeliveryError, RefusedError, UncertainError
from bot.domain.asides import Bundle, Place
from bot.storage.asides import Next
from bot.storage.store import FencedError, StoreError
from bot.telemetry import event

logger = logging.getLogger(__name__)

NONCE_MEMORY: Final = timedelta(seconds=75)
"""As in `bot.outbox`."""

AT_ONCE: Final = 4
"""Targets that are spoken to at once: one that does not answer holds up few others."""

COURTESY: Final = timedelta(seconds=5)
"""How long what is said beside the ops channel waits for it at most: its edits may go on for minutes."""

FIRST, LONGEST, BLOCKED = timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=10)
"""How long a target rests after a failure, which doubles each time; how long at most; and where a person must act."""

REST: Final = timedelta(seconds=5)
"""How long all rest after the database failed."""


class Voice(Protocol):
    """How people and threads are spoken to."""

    async def ready(self) -> None:
        """Wait until requests can be made."""

    async def say(self, bundle: Bundle) -> None:
        """Send it with its mark as nonce.

        Raises:
            DeliveryError: It was not sent, or nobody knows; `ClosedError` where nothing ever will be.
        """

    async def said(self, bundle: Bundle, since: datetime) -> bool:
        """Whether a message with its mark is there, sent at `since` or later.

        Raises:
            DeliveryError: Nobody can tell now.
        """


class Store(Protocol):
    """The rows. Each call is one transaction, and raises `StoreError`."""

    async def claim_aside(self, now: datetime, busy: Collection[int]) -> Next:
        """Drop what is too old, and take what is said next."""

    async def aside_done(self, bundle_id: int) -> None:
        """It is said, or never will be."""

    async def put_aside_off(self, bundle_id: int, until: datetime, uncertain_since: datetime | None) -> None:
        """It is due again then."""

    async def drop_asides(self, target: int) -> int:
        """Nothing can be said there; how much waited."""


Closed = Callable[[int, Place], Awaitable[object]]
"""Is told of a target that takes nothing any more: a person who refuses direct messages, or a thread that is gone."""


class Asides:
    """Says what waits, until the task that runs it is cancelled."""

    def __init__(
        self,
        store: Store,
        voice: Voice,
        clock: Callable[[], datetime],
        handover: Handover,
        closed: Closed,
        before: Callable[[], Awaitable[object]],
    ) -> None:
        """Wire it.

        Args:
            store: The rows.
            voice: How people and threads are spoken to.
            clock: The time of day.
            handover: Wakes it when something is stored for it, and knows when the ops channel is at rest.
            closed: As above; may be told twice.
            before: Is called before it looks for something to say, which it may store yet.
        """
        self._store = store
        self._voice = voice
        self._clock = clock
        self._handover = handover
        self._closed = closed
        self._before = before
        self._busy: dict[int, asyncio.Task[None]] = {}
        """Who is spoken to now, by target."""
        self._rest_until = 0.0
        """Until when all rest, by the loop's clock."""

    async def run(self) -> None:
        """Say whatever is due, for ever. No error ends it."""
        await self._voice.ready()
        try:
            while True:
                self._handover.asides.clear()
                pause = await self._begin()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._handover.asides.wait()
        finally:
            for task in (tasks := list(self._busy.values())):
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    async def _begin(self) -> float | None:
        """Begin what is due; returns for how many seconds nothing will be, None for until somebody says so."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(COURTESY.total_seconds()):
                await self._handover.at_rest.wait()
        while len(self._busy) < AT_ONCE:
            if (rest := self._rest_until - asyncio.get_running_loop().time()) > 0:
                return rest
            now = self._clock()
            try:
                await self._before()
                found = await self._store.claim_aside(now, list(self._busy))
            except StoreError as error:
                self._failed(error)
                continue
            if found.dropped:
                event(logger, logging.WARNING, "dropped what is too old to be said beside", asides=found.dropped)
            if found.bundle is None:
                # In the end they look again by themselves, since a clock may be set.
                if found.due is None:
                    return None
                return min(max(found.due - now, timedelta()), LONGEST).total_seconds()
            self._speak(found.bundle, now)
        return None

    def _speak(self, bundle: Bundle, now: datetime) -> None:
        task = asyncio.create_task(self._deliver_safely(bundle, now), name=f"aside {bundle.mark}")
        self._busy[bundle.to] = task
        task.add_done_callback(lambda _: self._over(bundle.to))

    def _over(self, target: int) -> None:
        del self._busy[target]
        self._handover.asides.set()

    async def _deliver_safely(self, bundle: Bundle, now: datetime) -> None:
        try:
            await self._deliver(bundle, now)
        except StoreError as error:
            self._failed(error)
        except Exception:  # an edge: whatever goes wrong, what waits must be tried again
            logger.exception("an aside failed")
            self._rest(REST)

    def _failed(self, error: StoreError) -> None:
        self._rest(REST)
        if not isinstance(error, FencedError) and not error.unwritable:  # of which others say so
            event(logger, logging.WARNING, "what is said beside cannot use the database", error=str(error))

    def _rest(self, pause: timedelta) -> None:
        self._rest_until = max(self._rest_until, asyncio.get_running_loop().time() + pause.total_seconds())

    async def _deliver(self, bundle: Bundle, now: datetime) -> None:
        """Try one bundle once."""
        since = bundle.uncertain_since
        try:
            # An attempt in times to come was made before the clock was set back, nobody knows how long ago.
            if since is not None and not since <= now <= since + NONCE_MEMORY:
                if await self._voice.said(bundle, min(since, now)):
                    await self._store.aside_done(bundle.id)
                    return
                since = None
            await self._voice.say(bundle)
        except ClosedError as error:
            await self._closed(bundle.to, bundle.place)  # first: who dies in between comes here once more
            dropped = await self._store.drop_asides(bundle.to)
            event(logger, logging.WARNING, "nothing can be said there", to=bundle.to, error=str(error), asides=dropped)
        except RefusedError as error:
            event(logger, logging.ERROR, "an aside is refused", mark=bundle.mark, error=str(error))
            await self._store.aside_done(bundle.id)
        except DeliveryError as error:
            await self._put_off(bundle, error, now, since)
        else:
            await self._store.aside_done(bundle.id)

    async def _put_off(self, bundle: Bundle, error: DeliveryError, now: datetime, since: datetime | None) -> None:
        if isinstance(error, UncertainError) and since is None:
            since = now
        if error.everywhere:
            self._rest(max(error.after, FIRST))
        longest = BLOCKED if isinstance(error, BlockedError) else min(FIRST * 2 ** min(bundle.tries, 10), LONGEST)
        pause = max(error.after, longest)
        await self._store.put_aside_off(bundle.id, self._clock() + pause, since)
        event(logger, logging.WARNING, "an aside waits", mark=bundle.mark, error=str(error), pause=pause)
