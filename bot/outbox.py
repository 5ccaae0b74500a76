"""Bring the ops channel to agree with what is stored: post, edit, try again, or park and say so.

A message is a row whose version grows with each change of its incidents. It is due while the version that the channel
shows is smaller. One message at a time is on its way, so a channel that refuses is tried by one message, not by all:

1. fold: when many messages wait that were never posted, they become summaries
2. claim the next due row; for a post, the row remembers that an attempt began. Where nothing else waits, whoever
   stores a message does these two for it, in the same transaction, and hands it over
3. an attempt whose outcome is not known, and older than Discord's memory of nonces: look for its mark in the channel
4. post with the mark as nonce, or edit
5. confirm | try later, all messages alike | park this message

A crash between 4 and 5 leaves a claimed row with its attempt: the next start repeats it with the same nonce, or finds
it in the channel.

    DeliveryError
    ├── LaterError       not accepted; try again, not before `after`
    ├── UncertainError   may have been accepted; try again with the same nonce
    ├── BlockedError     the bot may not post in the channel; kept until it may
    ├── VanishedError    the message to edit is gone, or too old to edit: post it anew
    └── RefusedError     this message will never be accepted
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.incidents import Message
from bot.domain.value import Value
from bot.figures import Histogram
from bot.handover import Handover
from bot.storage.store import CLAIM_LASTS, Claimed, FencedError, StoreError
from bot.telemetry import event
from bot.webhook import Event

logger = logging.getLogger(__name__)

NONCE_MEMORY = timedelta(seconds=75)
"""How old a nonce may be that is relied on: Discord remembers it for "a few minutes" by its documentation, surely two,
and a request may wait 45 s for its turn."""

DWELLS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
"""Seconds by which the time is counted that a message waited."""


class Pace(Value):
    """How long a channel that does not take messages is left alone, or a database that cannot be reached."""

    first: timedelta = timedelta(seconds=1)
    """After the first failure, which mostly is the only one."""
    then: timedelta = timedelta(seconds=5)
    """After each other, so that nobody waits longer for what can be said again."""
    blocked: timedelta = timedelta(minutes=1)
    """While the bot may not post: a person has to act first."""

    def pause(self, failures: int) -> timedelta:
        """How long to leave alone what has failed so often in a row: at most 12 attempts fall into any minute.

        The eleven pauses after the first one make up for it.
        """
        if failures == 1:
            return self.first
        return self.then * 1.1 if failures <= 12 else self.then  # noqa: PLR2004 - see above


PACE = Pace()


class DeliveryError(Exception):
    """The channel does not show the message."""

    def __init__(self, reason: str, after: timedelta = timedelta(), *, everywhere: bool = False) -> None:
        """`after` is how long Discord asked to wait; `everywhere`, whether that holds for all that is asked of it."""
        super().__init__(reason)
        self.after = after
        self.everywhere = everywhere


class LaterError(DeliveryError):
    """Discord did not take the message, and may take it later."""


class UncertainError(DeliveryError):
    """Nobody knows whether Discord took the message."""


class BlockedError(DeliveryError):
    """The bot may not post in the channel, or the channel is not there."""


class VanishedError(DeliveryError):
    """The message to edit was deleted, or can no longer be edited."""


class RefusedError(DeliveryError):
    """Discord will never take this message."""


class Channel(Protocol):
    """The ops channel. Each call but the first raises `DeliveryError`."""

    async def ready(self) -> None:
        """Wait until it can be spoken to at all."""

    async def post(self, message: Message) -> int:
        """Post it with its mark as nonce; returns Discord's id of the message."""

    async def edit(self, message: Message) -> None:
        """Make the posted message show the incidents as they are now."""

    async def find(self, mark: str, since: datetime) -> int | None:
        """Discord's id of the bot's message with that mark, posted at `since` or later; None if there is none."""


class Store(Protocol):
    """The rows of the outbox. Each call is one transaction, and raises `StoreError`."""

    async def reopen(self, now: datetime, within: timedelta) -> None:
        """Give back what a dead process had claimed, and what is not due `within` that time."""

    async def claim(self, now: datetime) -> Claimed:
        """Fold what waits where that is much, and take the next due message."""

    async def confirm(self, message_id: int, discord_id: int, version: int) -> None:
        """The channel shows that version."""

    async def retry(
        self, message_id: int, at: datetime, uncertain_since: datetime | None, uncertain_version: int | None
    ) -> None:
        """Give the message back, to be tried again."""

    async def anew(self, message_id: int, now: datetime) -> None:
        """The posted message is gone: post it anew."""

    async def park(self, message_id: int, reason: str, now: datetime, *, certain: bool) -> None:
        """Keep the message without trying it again; `certain` when no earlier attempt may have posted it."""


class Outbox:
    """Delivers what waits, one message at a time, until the task that runs it is cancelled."""

    def __init__(
        self,
        store: Store,
        channel: Channel,
        clock: Callable[[], datetime],
        handover: Handover,
        notify: Callable[[Event, str], Awaitable[bool]] | None = None,
        pace: Pace = PACE,
    ) -> None:
        """`handover` wakes it when messages are stored; `notify` tells somebody else, until it says that it arrived."""
        self._store = store
        self._channel = channel
        self._clock = clock
        self._handover = handover
        self._pace = pace
        self._notify = notify
        self._failures = 0
        """How often in a row the channel or the database failed."""
        self._fallback_notified = False
        """Whether `notify` took it that the channel is blocked."""
        self._resting = False
        """Whether the channel is to be left alone until the pause is over, whatever comes."""
        self._rest_until = 0.0
        """When it is over, by the loop's clock."""
        self.blocked = False
        """Whether the bot may not post in the channel, as of the last attempt."""
        self.idle = False
        """Whether it waits for what may never come: something to deliver, or a login."""
        self.turns = 0
        """Grows with each step of its work: while it is not idle and this stands still, it is stuck."""
        self.delivered = 0
        """Grows with each message that the channel took."""
        self.dwell = Histogram(DWELLS)
        """How long what was posted had waited, since the change was stored that called for it."""

    async def run(self) -> None:
        """Deliver whatever is due, for ever. No error ends it."""
        self._handover.doubtful = True  # a process that died may have claimed something
        while True:
            self._resting, self._rest_until = False, 0.0
            try:
                if self._handover.doubtful:
                    self._handover.doubtful = False
                    await self._store.reopen(self._clock(), CLAIM_LASTS)
                pause = await self.deliver()
                if pause is None:
                    self._failures = 0  # nothing waits, so nothing fails
            except StoreError as error:
                # A claim whose answer was lost is ours all the same: given back, it need not wait for its time to end.
                self._handover.doubtful = True
                pause = self._rest()
                # The first is logged by the lease, which then ends this, and the second by whoever proves it.
                if not isinstance(error, FencedError) and not error.unwritable:
                    event(logger, logging.ERROR, "outbox cannot reach the database", error=str(error), pause=pause)
            except Exception:  # an edge: whatever goes wrong, what waits must be tried again
                pause = self._rest()
                logger.exception("outbox failed")
            if pause is None or pause > timedelta():
                with self._idling():
                    await self._sleep(pause)

    @contextlib.contextmanager
    def _idling(self) -> Iterator[None]:
        self.idle = True
        try:
            yield
        finally:
            self.idle = False

    async def _sleep(self, pause: timedelta | None) -> None:
        """Until something new waits or the pause is over; a channel that refused is left alone for the whole pause."""
        if self._resting and pause is not None:
            await asyncio.sleep(pause.total_seconds())
            return
        try:
            async with asyncio.timeout(None if pause is None else pause.total_seconds()):
                await self._handover.woken(free=pause is None)
        except TimeoutError:
            pass

    async def deliver(self) -> timedelta | None:
        """Deliver until nothing is due or the channel refuses; returns how long to wait, None for "until woken"."""
        with self._idling():
            await self._channel.ready()  # before a row is read: what waits is shown as it is when it can be
        self._resting, self._rest_until = False, 0.0
        while True:
            self.turns += 1
            now = self._clock()
            handed = self._handover.take()
            fresh = handed is not None and not _is_stale(handed, now)
            claimed = Claimed(handed) if fresh else await self._store.claim(now)
            if claimed.folded:
                event(logger, logging.INFO, "messages folded into a summary", incidents=claimed.folded)
            if claimed.message is None:
                if claimed.due is None:
                    return None
                if claimed.due <= now + CLAIM_LASTS:
                    return max(claimed.due - self._clock(), timedelta())
                # Longer pauses are over before this is asked.
                event(logger, logging.WARNING, "the clock was set back", waits=claimed.due - now)
                await self._store.reopen(now, CLAIM_LASTS)
                continue
            pause = await self._attempt(claimed.message, now)
            if pause is not None:
                return pause

    async def _attempt(self, message: Message, now: datetime) -> timedelta | None:
        """Try one claimed message once; returns how long to leave the channel alone, None when it may go on."""
        attempt = _Attempt(message.uncertain_since, message.uncertain_version)
        try:
            discord_id, shown = await self._show(message, attempt, now)
        except VanishedError as error:
            event(logger, logging.WARNING, "message is gone from the channel", mark=message.mark, error=str(error))
            await self._store.anew(message.id, self._clock())
            return None
        except RefusedError as error:
            event(logger, logging.ERROR, "message parked", mark=message.mark, error=str(error))
            await self._store.park(message.id, str(error), self._clock(), certain=message.uncertain_since is None)
            self._failures = 0
            self._fallback_notified = self.blocked = False  # it may post, though not like this
            return None
        except DeliveryError as error:
            self.blocked = self.blocked or isinstance(error, BlockedError)
            pause = self._rest(self._asked_for(error))
            if isinstance(error, UncertainError) and message.discord_id is None:
                attempt.begin(now, message.version)
            await self._store.retry(message.id, self._clock() + pause, attempt.since, attempt.version)
            level = logging.ERROR if isinstance(error, BlockedError) else logging.WARNING  # a person must act
            event(logger, level, "message waits", mark=message.mark, error=str(error), pause=pause)
            if isinstance(error, BlockedError) and self._notify is not None and not self._fallback_notified:
                self._fallback_notified = await self._notify(Event.OPS_CHANNEL_BLOCKED, str(error))
            return pause
        await self._store.confirm(message.id, discord_id, shown)
        self._failures = 0
        self._fallback_notified = self.blocked = False
        self.delivered += 1
        if message.discord_id is None and message.made_at is not None:
            self.dwell.observe((self._clock() - message.made_at).total_seconds())
        return None

    async def _show(self, message: Message, attempt: "_Attempt", now: datetime) -> tuple[int, int]:
        """Make the channel show the message; returns Discord's id and the version that is shown at least."""
        if message.discord_id is not None:
            await self._channel.edit(message)
            return message.discord_id, message.version
        # An attempt in times to come was made before the clock was set back, nobody knows how long ago.
        if attempt.since is not None and not attempt.since <= now <= attempt.since + NONCE_MEMORY:
            found = await self._channel.find(message.mark, min(attempt.since, now))
            if found is not None:
                return found, attempt.version or 0
            attempt.forget()
        discord_id = await self._channel.post(message)
        # With the nonce of an earlier attempt Discord answers that attempt's message, which shows what it showed then.
        return discord_id, message.version if attempt.version is None else attempt.version

    def _asked_for(self, error: DeliveryError) -> timedelta:
        """How long a failure asks for the channel to be left alone, at least."""
        return self._pace.blocked if isinstance(error, BlockedError) else error.after

    def _rest(self, least: timedelta = timedelta()) -> timedelta:
        """Returns how long to leave alone what failed, after this failure in a row; a pause that is longer yet goes on.

        Where the database fails after the channel did, that is the same try, and counts once.
        """
        if not self._resting:
            self._failures += 1
        self._resting = True
        now = asyncio.get_running_loop().time()
        pause = max(self._pace.pause(self._failures), least)
        self._rest_until = max(self._rest_until, now + pause.total_seconds())
        return timedelta(seconds=self._rest_until - now)


def _is_stale(handed: Message, now: datetime) -> bool:
    """Whether a claimed message waited here so long that its claim is over: it may show other things by now."""
    return handed.discord_id is None and handed.made_at is not None and now - handed.made_at >= CLAIM_LASTS


@dataclass(slots=True)
class _Attempt:
    """The earliest attempt to post a message whose outcome is not known."""

    since: datetime | None
    version: int | None

    def begin(self, now: datetime, version: int) -> None:
        """Another attempt's outcome is not known; the earliest one counts."""
        if self.since is None:
            self.since, self.version = now, version

    def forget(self) -> None:
        """The attempt turned out not to have been accepted."""
        self.since = self.version = None
