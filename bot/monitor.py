"""One poll: fetch, judge, store state and messages in one transaction.

The steps of `Monitor.poll`, in this order:

1. fetch the fleet: one request, and either a reading or a failure comes of it
2. judge what changed against what is remembered (pure; in a thread where that is much)
3. store the reading, the incidents and the messages they call for, in one transaction
4. remember the same in memory, from which the commands answer, and wake whoever delivers messages. If that has nothing
   to do, the transaction of 3 claimed the first message for it

A crash before 3 loses nothing, since the next poll repeats it; after 3 the messages wait in the database.

Where the database refuses 3 and can be read, what was read is shown all the same, and no incident moves: it is stored,
and judged against what is stored, as soon as that is possible.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.chronicle import log_answer
from bot.delivery.handover import Handover
from bot.domain.decisions import Decision
from bot.domain.incidents import Incident, Key
from bot.domain.messages import Message
from bot.domain.model import Failure, Fleet, Reading, Token, Trouble
from bot.domain.naming import name_of
from bot.domain.report import before, known_since
from bot.domain.rules.policy import Policy
from bot.domain.sample import Sample
from bot.domain.steering import Entry
from bot.domain.watch import daily
from bot.domain.watch.ahead import Seen, due, seen, settle
from bot.domain.watch.known import Changes, Known
from bot.domain.watch.noting import kept, note
from bot.domain.watch.poll import advance, advance_failure, as_of, compare, news
from bot.domain.watch.response import acknowledge, believe, decide, hand_back, hand_over, undo
from bot.domain.watch.schedule import overdue, tick
from bot.domain.watch.testing import begin
from bot.figures import Histogram
from bot.imaginepro.client import UpstreamError
from bot.keeping import Keeping
from bot.priority import Priority
from bot.storage.store import StoreError
from bot.unsaved import Read, Unsaved

if TYPE_CHECKING:
    from bot.domain.sums import Fact
    from bot.needs import Store, Upstream

JUDGED_AT_ONCE = 250
"""Tokens that are judged in 2 ms. A thread would take longer: it and the event loop would wait for each other."""

LOOKED_AT_ONCE = 100
"""Tokens that are forecast in 10 ms, in a thread that keeps the event loop waiting for less."""

SAME_REST = timedelta(seconds=5)
"""By how much two times differ at most that are one: they are counted by the loop's clock, and told by another."""

POLLS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""Seconds by which polls are counted; one takes as long as the poll interval at most."""


class Monitor:
    """Watches the fleet, and knows what was read last.

    What people do raises `StoreError` where it could not be stored, and then it did not happen.
    """

    def __init__(
        self,
        upstream: "Upstream",
        store: "Store",
        policy: Policy,
        clock: Callable[[], datetime],
        handover: Handover,
        priority: Priority | None = None,
    ) -> None:
        """Nothing is known before `restore`.

        Args:
            upstream: Where readings come from.
            store: Where what is known outlives the process.
            policy: How the rules are set, where nobody set them otherwise.
            clock: The time, aware.
            handover: Where whoever delivers messages is woken, and gets the first of them.
            priority: Says who goes first within a poll, whenever that was at work for a millisecond or two.
        """
        self._upstream = upstream
        self._store = store
        self._policy = policy
        self._clock = clock
        self._priority = priority or Priority()
        self._kept = Keeping(store, clock, handover)
        self._unsaved = Unsaved()
        self.polls = Histogram(POLLS)
        """How long polls took that were stored, from the request to the commit; those that failed among them."""
        self.troubles: Counter[Trouble] = Counter()
        """How polls and refreshes failed."""

    @property
    def fleet(self) -> Fleet:
        """The last reading, with its age."""
        return self.known.fleet

    @property
    def known(self) -> Known:
        """Everything that is known now: the fleet, its incidents, and what people decided."""
        return self._unsaved.over(self._kept.known)

    @property
    def behind(self) -> bool:
        """Whether something was read that is not stored."""
        return bool(self._unsaved.waiting)

    @property
    def policy(self) -> Policy:
        """How the rules are set now."""
        return self._kept.known.policy(self._policy)

    @property
    def now(self) -> datetime:
        """The time by the clock of this installation."""
        return self._clock()

    async def restore(self) -> None:
        """Take up what was known when the process last ended.

        Raises:
            StoreError: The database cannot be read.
        """
        await self._kept.restore()

    async def poll(self) -> None:
        """Read the whole fleet once, and store what changed.

        Raises:
            StoreError: The poll could not be stored. Nothing of it is remembered; the next poll repeats it. Where the
                database can only be read, the fleet is known as it was read now; the next tick stores it.
        """
        began = asyncio.get_running_loop().time()
        asked_at = self._clock()
        try:
            tokens = await self._upstream.fleet(self._kept.known.remembered)
        except UpstreamError as error:
            self.troubles[error.trouble] += 1
            now = self._clock()
            failure = Failure(error.trouble, error.detail, now, error.status, self._until(error, now))
            await self._take(failure)
        else:
            await self._take(Reading(tokens, self._clock(), asked_at))
        self.polls.observe(asyncio.get_running_loop().time() - began)

    async def refresh(self, token_id: int) -> Token:
        """Read one token now, and store what changed of it; returns what is known of it then.

        Raises:
            UpstreamError: It could not be read; `NotFoundError` when the upstream does not list it.
            StoreError: What was read could not be stored, and not because the database can only be read.
        """
        asked_at = self._clock()
        try:
            token = await self._upstream.token(token_id)
        except UpstreamError as error:
            self.troubles[error.trouble] += 1
            raise
        try:
            await self.read(token, asked_at)
        except StoreError as error:
            if not error.unwritable:
                raise
        return self.known.remembered.get(token_id, token)

    async def read(self, token: Token, asked_at: datetime) -> None:
        """Take a token as it was read just now, if it is one that is watched; it was asked for then.

        Raises:
            StoreError: It could not be stored. Where the database can only be read, it is known all the same.
        """
        if token.id in self.known.remembered and self.fleet.read_at is not None:
            await self._take(Reading({token.id: token}, self._clock(), asked_at, whole=False))

    async def tick(self) -> None:
        """Let the time do its part: reminders, silences and windows that begin or end, polls that do not come.

        Raises:
            StoreError: What it moved could not be stored; the next tick repeats it.
        """
        async with self._kept.turn():
            await self._save_waiting()
            now = self._clock()
            due = overdue(self._kept.known, now)
            undelivered = await self._store.undelivered(due) if due else ()
            changes, after = await asyncio.to_thread(tick, self._kept.known, now, self._policy, undelivered)
            if not changes.nothing:
                await self._kept.keep(changes, after)
            # By itself: reminders must not wait for a digest, whatever keeps that from being made.
            changes, after = await self._digested(after, now)
            if not changes.nothing:
                await self._kept.keep(changes, after)
        await self._report()

    async def _report(self) -> None:
        """Tell the report that is due: read outside of a turn, for which nobody who acknowledges has to wait."""
        about = daily.reporting(self._kept.known, self._clock(), self._policy)
        if about is None:
            return
        from bot.domain import sums  # noqa: PLC0415 - no start needs it

        now, zone = self._clock(), self._policy.zone
        facts, first = await self._store.facts(before(about, zone).since)
        since = known_since(first, now)
        whole = await asyncio.to_thread(sums.report, facts, about, now, zone, kept_since=since)
        made = sums.brief(whole)
        await self._kept.move(lambda known, now: daily.report(known, made, now, self._policy))

    async def _digested(self, known: Known, now: datetime) -> tuple[Changes, Known]:
        about = daily.upcoming(known, now, self._policy)
        if about is None:
            return daily.begin(known, now, self._policy)
        ended = await self._store.ended(about.since, about.until)
        seen = await self._store.seen(daily.witnesses(known), about.since, about.until)
        noted = await self._store.last_notes(daily.open_(known))
        return await asyncio.to_thread(daily.tell, known, about, now, ended, seen, noted)

    async def look_ahead(self) -> None:
        """See whether fast time lasts, of the tokens of which that may be otherwise than at the last look.

        Raises:
            StoreError: What it moved could not be stored; the next look repeats it.
        """
        known, now, policy = self.known, self._clock(), self.policy
        looked = await asyncio.to_thread(due, known, now, policy)
        fresh, found = looked.fresh, dict[int, Seen]()
        for begin_at in range(0, len(looked.all), LOOKED_AT_ONCE):
            ids = looked.all[begin_at : begin_at + LOOKED_AT_ONCE]
            found.update(await asyncio.to_thread(seen, known, ids, fresh, now, policy))
            await self._priority.give_way()
        async with self._kept.turn():
            changes, after = await asyncio.to_thread(
                settle, self._kept.known, looked, found, self._clock(), self._policy
            )
            if changes.nothing:
                self._kept.known = after
            else:
                await self._kept.keep(changes, after)

    async def move(self, doing: Callable[[Known, datetime], tuple[Changes, Known]]) -> Changes:
        """Let what is known move as that says, whole or not at all; returns what that changed.

        Raises:
            StoreError: It could not be stored, and nothing moved.
        """
        return await self._kept.move(doing)

    async def acknowledge(self, keys: Iterable[Key], by: int) -> tuple[Incident, ...]:
        """Somebody acknowledges these incidents; returns those that nobody had before."""
        return await self._respond(lambda known, now: acknowledge(known, keys, by, now))

    async def hand_back(self, keys: Iterable[Key], by: int) -> tuple[Incident, ...]:
        """Somebody takes back that these incidents are acknowledged; returns those that somebody had."""
        return await self._respond(lambda known, now: hand_back(known, keys, by, now))

    async def hand_over(self, keys: Iterable[Key], to: int, by: int) -> tuple[Incident, ...]:
        """Somebody gives these incidents to another; returns those that the other did not have before."""
        return await self._respond(lambda known, now: hand_over(known, keys, to, by, now))

    async def believe(self, by: int) -> bool:
        """Somebody says that a short list is true; False when none is in doubt, or somebody said so before."""
        return bool(await self._respond(lambda known, now: believe(known, by, now)))

    async def note(self, about: Iterable[Incident], by: int, words: str) -> tuple[Incident, ...]:
        """Somebody notes something of these incidents, over or not; returns those that it is kept with from now on.

        Raises:
            ValueError: It cannot be kept; with a sentence that says why.
            StoreError: It could not be stored, and is not kept.
        """
        async with self._kept.turn():  # nothing else moves what is over
            stored = await self._store.as_stored(about)
            changes, after = note(self._kept.known, stored, by, words, self._clock())
            if not changes.nothing:
                await self._kept.keep(changes, after)
            return kept(changes)

    async def test(self, by: int, trouble: str) -> bool:
        """Somebody asks for a test of the way to a person; False while one is open. `trouble` is as in `begin`."""
        return bool(await self._respond(lambda known, now: begin(known, by, now, trouble)))

    async def decide(self, decision: Decision, act: str, by: int, reason: str = "") -> None:
        """Somebody decided something that holds from now on; `act` and `reason` are for the audit trail."""
        async with self._kept.turn():
            entry = Entry(self._clock(), by, act, name_of(decision), reason)
            await self._kept.keep(*await asyncio.to_thread(decide, self._kept.known, decision, entry))

    async def undo(self, decision: Decision, act: str, by: int) -> bool:
        """Somebody took a decision back; False when it did not hold any more."""
        async with self._kept.turn():
            if not self._kept.known.decisions.holds(decision.id):
                return False
            entry = Entry(self._clock(), by, act, name_of(decision))
            await self._kept.keep(*await asyncio.to_thread(undo, self._kept.known, decision, entry))
            return True

    async def message(self, message_id: int) -> Message | None:
        """The message of that id, as its buttons have it, with its incidents as they are stored.

        Raises:
            StoreError: The database cannot be read.
        """
        return await self._store.message(message_id)

    async def links(self) -> Mapping[Key, int]:
        """Discord's message id of each open incident's card, where it has one.

        Raises:
            StoreError: The database cannot be read.
        """
        return await self._store.shown_at([key for key, each in self._kept.known.incidents.items() if each.open])

    async def audit(self, limit: int) -> tuple[Entry, ...]:
        """What people did last, newest first.

        Raises:
            StoreError: The database cannot be read.
        """
        return await self._store.audit(limit)

    async def history(
        self, tokens: Collection[int], since: datetime, until: datetime
    ) -> Mapping[int, tuple[Sample, ...]]:
        """What was read of each of these tokens, ascending; the last sample before `since` is the first.

        Raises:
            StoreError: The database cannot be read.
        """
        return await self._store.history(tokens, since, until)

    async def facts(self, since: datetime) -> tuple[Sequence["Fact"], datetime | None]:
        """What reports count, of the incidents that were open from then on; and since when anything was read.

        Raises:
            StoreError: The database cannot be read.
        """
        return await self._store.facts(since)

    async def _respond(self, doing: Callable[[Known, datetime], tuple[Changes, Known]]) -> tuple[Incident, ...]:
        return (await self.move(doing)).incidents

    async def _take(self, read: Read) -> None:
        async with self._kept.turn():
            before, behind = self.fleet.failure, self.behind
            self._unsaved.add(read)
            try:
                await self._save_waiting()
            except StoreError as error:
                if error.unwritable or behind:
                    self._unsaved.show((await self._judged(self.known, read))[1])
                else:
                    self._unsaved.drop(read)
                raise
            finally:
                log_answer(before, self.fleet)

    async def _save_waiting(self) -> None:
        for read in self._unsaved.waiting:
            await self._kept.keep(*await self._judged(self._kept.known, read))
            self._unsaved.drop(read)

    async def _judged(self, known: Known, read: Read) -> tuple[Changes, Known]:
        base = self._policy
        if isinstance(read, Failure):
            return advance_failure(known, read, base)
        await self._priority.give_way()
        reading = as_of(read, known.fleet)
        much = news(known, reading) > JUDGED_AT_ONCE
        case = await asyncio.to_thread(compare, known, reading, base) if much else compare(known, reading, base)
        await self._priority.give_way()
        few = len(case.stirred) <= JUDGED_AT_ONCE
        moved = advance(known, case) if few else await asyncio.to_thread(advance, known, case)
        await self._priority.give_way()
        return moved

    def _until(self, error: UpstreamError, now: datetime) -> datetime | None:
        """Until when the upstream asks to be left alone; the same instant in each poll that waits for it."""
        if not error.retry_after:
            return None
        before, until = self.fleet.left_alone_until, now + error.retry_after
        return before if before is not None and abs(before - until) < SAME_REST else until
