"""Bring the ops channel to agree with what is stored: post, edit, try again, or park and say so.

A message is a row whose version grows with each change of its incidents. It is due while the version that the channel
shows is smaller. One message at a time is on its way, so a channel that refuses is tried by one message, not by all:

1. fold: when many messages wait that were never posted, they become summaries
2. claim the next due row; for a post, the row remembers that an attempt began. Where nothing else waits, whoever
   stores a message does these two for it, in the same transaction, and hands it over
3. an attempt whose outcome is not known, and older than Discord's memory of nonces: look for its mark in the channel;
   where Discord knows no nonces, as for the posts of a forum, that is always looked for
4. post with the mark as nonce, or edit; a post where an edit is refused again and again
5. confirm | try later, when what was refused has rested: all, posts, or edits | park this message

A crash between 4 and 5 leaves a claimed row and its attempt: the next start posts it with that nonce, or finds it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.delivery.handover import Handover
from bot.delivery.outcome import (
    LONG_SILENCE,
    Attempt,
    BlockedError,
    DeliveryError,
    GaveWayError,
    InVain,
    RefusedError,
    Shown,
    UncertainError,
    VanishedError,
    subject,
)
from bot.delivery.rests import PACE, Pace, Rests, Subject
from bot.domain.messages import Message
from bot.domain.naming import names_of
from bot.figures import Histogram
from bot.storage.store import CLAIM_LASTS, Claimed, FencedError, StoreError
from bot.telemetry import event
from bot.webhook import Event, Fallback, Notify

if TYPE_CHECKING:
    from bot.ports import Channel, Store

logger = logging.getLogger(__name__)

NONCE_MEMORY = timedelta(seconds=75)
"""How old a nonce may be that is relied on: Discord remembers it for two minutes at least; a turn may take 45 s."""

SETTLES = timedelta(seconds=5)
"""How old an attempt must be before it is looked for where no nonce protects: Discord may still be taking it."""

DWELLS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
"""Seconds by which the time is counted that a message waited."""


class Outbox:
    """Delivers what waits, one message at a time, until the task that runs it is cancelled."""

    def __init__(
        self,
        store: "Store",
        channel: "Channel",
        clock: Callable[[], datetime],
        handover: Handover,
        notify: Notify | None = None,
        pace: Pace = PACE,
        timer: Callable[[], float] | None = None,
    ) -> None:
        """Wire it.

        Args:
            store: The rows.
            channel: Where they are to be seen.
            clock: The time of day.
            handover: Wakes it when messages are stored.
            notify: Tells somebody else what the channel cannot hear of.
            pace: How long what fails is left alone.
            timer: Seconds, by which pauses are measured; the event loop's if there is none.
        """
        self._store = store
        self._channel = channel
        self._clock = clock
        self._handover = handover
        self._time = timer or (lambda: asyncio.get_running_loop().time())
        self.rests = Rests(pace)
        """What of the channel is left alone, which holds for whatever else is there, too."""
        self._in_vain = InVain()
        self.fallback = Fallback(notify, self._note_told)  # which others may tell of the channel, too
        self._begun = False
        """Whether what was parked before the start is tried once more, and known what the fallback was told."""
        self._refused = False
        """Whether the channel refused what is tried now."""
        self._silent_since: float | None = None
        """Since when no post was taken, and some failed; by the timer."""
        self._silence = ""
        """Why posts were left alone last; empty since one was taken."""
        self._trouble: type[StoreError] | None = None  # what the database did last: it is logged once
        self.blocked = False
        """Whether the bot may not post in the channel, as of the last attempt."""
        self.idle = False
        """Whether it waits for what may never come: something to deliver, or a login."""
        self.turns = 0
        """Grows with each step of its work: while it is not idle and this stands still, it is stuck."""
        self.dwell = Histogram(DWELLS)
        """How long what was posted had waited, since the change was stored that called for it."""

    async def run(self) -> None:
        """Deliver whatever is due, for ever. No error ends it."""
        self._handover.doubtful = True  # a process that died may have claimed something
        minding = self.fallback.mind_the_login(self._channel.ready, self._unheard, LONG_SILENCE)
        beside = {asyncio.create_task(self.fallback.run()), asyncio.create_task(minding)}
        try:
            while True:
                pause = await self._deliver_safely()
                if pause is None or pause > timedelta():
                    with self._idling():
                        await self._sleep(pause)
        finally:
            for each in beside:
                each.cancel()
            await asyncio.wait(beside)

    async def _deliver_safely(self) -> timedelta | None:
        try:
            pause = await self.deliver()
        except StoreError as error:
            # A claim whose answer was lost is ours all the same: given back, it need not wait for its time to end.
            self._handover.doubtful = True
            # The first is logged by the lease, which then ends this, and the last by whoever proves it.
            if type(error) not in {FencedError, self._trouble} and not error.unwritable:
                self._trouble = type(error)
                event(logger, logging.ERROR, "outbox cannot use the database", error=str(error))
        except Exception:  # an edge: whatever goes wrong, what waits must be tried again
            logger.exception("outbox failed")
        else:
            if self._trouble is not None:
                event(logger, logging.INFO, "outbox can use the database again")
            self._trouble = None
            return pause
        return self.rests.pause(self._time(), counted=self._refused)

    @contextlib.contextmanager
    def _idling(self) -> Iterator[None]:
        self.idle = True
        try:
            yield
        finally:
            self.idle = False

    async def _sleep(self, pause: timedelta | None) -> None:
        """Until something new waits or the pause is over; what was refused is left alone all the same."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if pause is None else pause.total_seconds()):
                await self._handover.woken(free=pause is None)

    async def deliver(self) -> timedelta | None:
        """Deliver until nothing is due that may be tried; returns how long to wait, None for "until woken"."""
        with self._idling():
            await self._channel.ready()  # before a row is read: what waits is shown as it is when it can be
        while True:
            self.turns += 1
            self._refused = False
            handed = self._handover.take()
            await self._tell_of_silence()
            of = self.rests.open(self._time())
            if of is None:
                return self.rests.left(Subject.ALL, self._time())
            now = self._clock()
            claimed = await self._next(handed, of, now)
            if claimed.message is not None:
                await self._attempt(claimed.message, now)
            elif claimed.due is None or claimed.due <= now + CLAIM_LASTS + self.rests.longest(self._time()):
                return self._until(claimed.due, of)
            else:
                event(logger, logging.WARNING, "the clock was set back", waits=claimed.due - now)
                await self._store.reopen(now, CLAIM_LASTS)

    async def _next(self, handed: Message | None, of: Subject, now: datetime) -> Claimed:
        if handed is not None and not _is_stale(handed, now):
            return Claimed(handed)
        if self._handover.doubtful:
            self._handover.doubtful = False
            await self._store.reopen(now, CLAIM_LASTS)
            if not self._begun:
                await self._store.unpark(now)
                self.fallback.resume(told=await self._store.told_blocked())
                self._begun = True
        claimed = await self._store.claim(now, of, self._in_vain.last)
        if claimed.folded:
            event(logger, logging.INFO, "messages folded into a summary", incidents=claimed.folded)
        return claimed

    def _until(self, due: datetime | None, of: Subject) -> timedelta | None:
        """How long to wait, with nothing due of what may be tried; None where nothing waits, and nothing rests."""
        waits = [] if due is None else [max(due - self._clock(), timedelta())]
        if of is Subject.ALL:
            if not waits:
                self.rests.forget()
                self._in_vain.forget()
        else:
            resting = Subject.EDITS if of is Subject.POSTS else Subject.POSTS
            waits.append(self.rests.left(resting, self._time()))
        return min(waits, default=None)

    async def _unheard(self) -> bool:
        """Whether something open is, before anything was tried; no, where the database does not say."""
        with contextlib.suppress(StoreError):
            self.fallback.resume(told=await self._store.told_blocked())
            return await self._store.unheard()
        return False

    async def _tell_of_silence(self) -> None:
        """Somebody else, when nothing was or will be posted for minutes, and something open is unheard of."""
        now = self._time()
        rest = self.rests.left(Subject.POSTS, now)
        silence = rest + timedelta(seconds=now - (now if self._silent_since is None else self._silent_since))
        long = bool(self._silence and rest) and silence >= LONG_SILENCE
        if long and not self.fallback.blocked and await self._store.unheard():
            minutes = timedelta(seconds=round(silence.total_seconds()))
            self.fallback.block(f"nothing can be posted for {minutes}: {self._silence}")

    async def _note_told(self, told: bool) -> None:  # noqa: FBT001 - as `Fallback` calls it
        """A start that does not know it tells it once more."""
        with contextlib.suppress(StoreError):
            await self._store.note_told_blocked(told)

    async def _attempt(self, message: Message, now: datetime) -> None:
        """Try one claimed message once."""
        attempt = Attempt(message.uncertain_since, message.uncertain_version)
        try:
            shown = await self._show(message, attempt, now)
        except VanishedError as error:
            event(logger, logging.WARNING, "message is gone from the channel", mark=message.mark, error=str(error))
            self._in_vain.over(message.id)
            await self._store.anew(message.id, self._clock())
        except GaveWayError as error:
            await self._store.retry(message.id, self._clock() + error.after, attempt.since, attempt.version)
        except RefusedError as error:
            await self._park(message, str(error))
        except DeliveryError as error:
            await self._put_off(message, attempt, error, now)
        else:
            await self._store.confirm(message.id, shown)
            self._in_vain.taken(message.id, posted=attempt.posting, said=not attempt.found)
            if not attempt.found:  # what was there already says nothing about what may be sent now
                self.rests.worked(Subject.POSTS if attempt.posting else Subject.EDITS)
                if attempt.posting:
                    self._may_post()
            if message.discord_id is None and message.made_at is not None:
                self.dwell.observe((self._clock() - message.made_at).total_seconds())

    def _may_post(self) -> None:
        self.blocked = False
        self._silent_since, self._silence = None, ""
        self.fallback.open()

    async def _park(self, message: Message, reason: str) -> None:
        """Discord will never take it as it is: tell somebody else of what is open, and try again at the next start."""
        event(logger, logging.ERROR, "message parked", mark=message.mark, error=reason)
        await self._store.park(message.id, reason, self._clock(), certain=message.uncertain_since is None)
        self._in_vain.over(message.id)
        self.rests.worked(Subject.POSTS)
        self._may_post()  # though not like this
        self._tell_of_refused(message, reason)

    def _tell_of_refused(self, message: Message, reason: str) -> None:
        """Somebody else, where it is about something open."""
        if open_ := [incident.key for incident in message.incidents if incident.open]:
            self.fallback.tell(Event.MESSAGE_REFUSED, f"{names_of(open_)} cannot be posted: {reason}")

    async def _put_off(self, message: Message, attempt: Attempt, error: DeliveryError, now: datetime) -> None:
        """Give it back, to be tried when what was refused has rested."""
        what = subject(error, posting=attempt.posting)
        blocked = isinstance(error, BlockedError)
        least = self.rests.pace.blocked if blocked else error.after
        pause = self.rests.begin(what, self._time(), least)
        self._refused = True
        new = attempt.posting and message.discord_id is None  # else the channel shows it, though not as it is now
        self.blocked = self.blocked or (blocked and new)
        if isinstance(error, UncertainError) and attempt.posting:
            attempt.begin(now, message.version)
            if error.answered and self._in_vain.post_failed(message.id, self._time()):
                self._tell_of_refused(message, str(error))
        # Due a little before the rest is over, or another one would be tried in its place that just happens to be due.
        await self._store.retry(message.id, self._clock() + 0.9 * pause, attempt.since, attempt.version)
        level = logging.ERROR if blocked else logging.WARNING  # a person must act
        event(logger, level, "message waits", mark=message.mark, error=str(error), pause=pause)
        if what is not Subject.EDITS:
            self._silence = str(error)
        if new:
            self._silent_since = self._time() if self._silent_since is None else self._silent_since
            if blocked:  # a person must act, so at once
                self.fallback.block(str(error))

    async def _show(self, message: Message, attempt: Attempt, now: datetime) -> Shown:
        """Make the channel show the message; returns what it shows at least."""
        # One that is in the channel, and was perhaps posted anew, is edited when that is known, or there are two.
        attempt.posting = message.discord_id is None or attempt.since is not None
        if attempt.since is not None and (looking := await self._forgotten(message, attempt.since, now)):
            found = await self._channel.find(message, looking, other_than=message.discord_id)
            if found is not None:
                attempt.found = True
                return attempt.shown(found, message.version)
            attempt.forget()
        if message.discord_id is not None and attempt.since is None:
            attempt.posting = False
            if await self._edited(message):
                return Shown(message.discord_id, message.version, message.version)
        if rest := self.rests.left(Subject.POSTS, self._time()):  # not all that is posted was claimed as a post
            reason = "posts are left alone"
            raise GaveWayError(reason, rest)
        if not attempt.posting:  # the process may die before it learns how the post went
            await self._store.retry(message.id, now + CLAIM_LASTS, now, message.version)
            attempt.posting = True
        posted = await self._channel.post(message)
        if posted.id == message.discord_id:
            attempt.posting = False
            reason = "Discord takes a post for the message that cannot be edited, as long as it remembers that"
            raise GaveWayError(reason, NONCE_MEMORY)
        return attempt.shown(posted, message.version)

    async def _forgotten(self, message: Message, since: datetime, now: datetime) -> datetime | None:
        """From when on an attempt is looked for that Discord does not know by its nonce; None where it does."""
        # One in times to come was made before the clock was set back, nobody knows how long ago.
        past = since <= now
        if await self._channel.knows_nonces(message):
            return None if past and now <= since + NONCE_MEMORY else min(since, now)
        if past and now < since + SETTLES:
            reason = "Discord may yet take what was sent"
            raise GaveWayError(reason, since + SETTLES - now)
        return min(since, now)

    async def _edited(self, message: Message) -> bool:
        """Edit it; False where it is to be posted anew instead."""
        if self._handover.has_news:
            reason = "something new came while it was claimed"
            raise GaveWayError(reason)
        try:
            with self._handover.calling(self._channel.give_way):
                await self._channel.edit(message)
        except DeliveryError as error:
            if not self._in_vain.hopeless(message.id, error, self._time()):
                raise
            event(logger, logging.WARNING, "message cannot be edited", mark=message.mark, error=str(error))
            return False
        else:
            return True


def _is_stale(handed: Message, now: datetime) -> bool:
    """Whether a claimed message waited here so long that its claim is over: it may show other things by now."""
    return handed.discord_id is None and handed.made_at is not None and now - handed.made_at >= CLAIM_LASTS
