"""Acts: what is asked for is done once at ImaginePro, and what became of it is known, told and stored.

The steps of an act, in this order:

1. planned and begun: one transaction each, or one for both; whatever it refuses, nothing is sent
2. one request, which nobody repeats
3. where its outcome is not known, or is that of a job: read back, or followed to its end
4. settled: one transaction of the outcome, the audit trail, a line in the ops channel, and the cards of its incidents

A crash before 2 has sent nothing. After it, whoever leads next finds an act that began and is not settled, and reads
back what became of it; it is never sent again. A database that refuses 4 is asked again by the tick.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from bot.domain.acts import Act, Kind, State, may_begin, modes
from bot.domain.model import Token
from bot.domain.value import Value, replace
from bot.domain.watch.acting import begun, late, planned, settled
from bot.domain.watch.known import Changes, Known
from bot.storage.store import FencedError, StoreError
from bot.telemetry import event

if TYPE_CHECKING:
    from bot.domain.jobs import Job
    from bot.errands import Outcome
    from bot.needs import Acting

logger = logging.getLogger(__name__)

Tell = Callable[[Act], Awaitable[None]]
"""Hears of an act whenever something about it moved: that it began, which job it became, how far that is, the outcome.
It may fail, or take its time: nothing waits for it."""

READ_ONLY: Final = "This bot is set to `READ_ONLY`: it changes nothing at ImaginePro."
CLOSING: Final = "The bot is stopping. Nothing was sent; ask again in a minute."
UNSTORED: Final = "The database does not take it down, so nothing was sent: {reason}. Ask again later."


IN_VAIN: Final = 3
"""Acts in a row that were confirmed together and not done, after which the rest is not sent."""

GRACE: Final = timedelta(milliseconds=500)
"""How long what is under way may take to end when the bot stops; hosts kill 3 s after they ask."""


class Pace(Value):
    """How long things take."""

    looks: tuple[timedelta, ...] = tuple(map(timedelta, (0,) * 5, (0, 3, 8, 15, 30)))
    """How long after an act was sent whose outcome is not known it is read back."""
    follow: timedelta = timedelta(seconds=5)
    """How often it is asked how far a job is."""
    longest: timedelta = timedelta(minutes=14)
    """How long a job is followed."""


PACE: Final = Pace()


class ActRefused(Exception):  # noqa: N818 - it is no error, and people are told so
    """Nothing was sent; the text says why, in a sentence for people."""


class Watching(Protocol):
    """What is known, and how it is stored: the monitor."""

    @property
    def known(self) -> Known:
        """Everything that is known now."""

    async def move(self, doing: Callable[[Known, datetime], tuple[Changes, Known]]) -> Changes:
        """Let what is known move as that says, whole or not at all; raises `StoreError`."""

    async def read(self, token: Token, asked_at: datetime) -> None:
        """Take a token as it was read just now; raises `StoreError`."""


def new_id() -> str:
    """For an act, or a batch of them: short, and like no other."""
    return secrets.token_hex(4)


class Acts:
    """Does them, one at a time of each subject, for as long as `run` runs."""

    def __init__(
        self,
        upstream: "Acting",
        monitor: Watching,
        clock: Callable[[], datetime],
        *,
        read_only: bool = False,
        may_send: Callable[[], bool] = lambda: True,
        pace: Pace = PACE,
    ) -> None:
        """Nothing is done at first.

        Args:
            upstream: Where it is done.
            monitor: What is known, and how it is stored.
            clock: The time, aware.
            read_only: Whether all acts are refused.
            may_send: Whether this copy surely leads now.
            pace: How long things take.
        """
        self.read_only = read_only
        self.jobs: dict[str, Job] = {}
        """How far the jobs of acts are that are followed now, by the act's id."""
        self._upstream = upstream
        self._monitor = monitor
        self._clock = clock
        self._may_send = may_send
        self._pace = pace
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._in_hand: set[str] = set()
        """The ids of acts that a task of this process is about."""
        self._unsaved: dict[str, Act] = {}
        """What became of acts, by id, that the database has not taken yet."""

    async def run(self) -> None:
        """Own what is under way, until cancelled: what is cut off is read back by whoever leads next."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self._closed = True
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=GRACE.total_seconds())
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def do(self, *acts: Act, asked_at: datetime, tell: Tell | None = None) -> tuple[Act, ...]:
        """Do these, one after the other, and return what became of each; it takes as long as that, up to 14 min.

        Of several, those that must not begin are not done and say so, unless none may. It goes on, and is told and
        stored, whatever becomes of the task that waits for it.

        Args:
            acts: New ones; `at` is set here.
            asked_at: When the question was shown that was confirmed.
            tell: Hears how it goes.

        Raises:
            ActRefused: Nothing was sent, and nothing will be.
        """
        if self.read_only:
            raise ActRefused(READ_ONLY)
        if self._closed:
            raise ActRefused(CLOSING)
        return await asyncio.shield(self._task(self._all(acts, asked_at, tell or _nobody)))

    def begin(self, *acts: Act, asked_at: datetime) -> None:
        """The same, and nobody waits for it: what may not be done is not."""
        if not (self.read_only or self._closed):
            self._task(self._all(acts, asked_at, _nobody))

    async def settle(self) -> None:
        """See to acts that nobody has in hand, as at the start of a term, and to what could not be stored before.

        Raises:
            StoreError: It could not be stored; the next one tries again.
        """
        if self._unsaved:
            await self._save()
        left = [each for each in self._monitor.known.acts.values() if not each.settled and each.id not in self._in_hand]
        never = [replace(each, state=State.NOT_DONE, why=_NEVER) for each in left if each.state is State.PLANNED]
        if never:
            await self._monitor.move(lambda known, now: settled(known, _open(known, never, now), now))
        for act in left:
            if act.state is State.BEGUN and not self._closed:
                self._in_hand.add(act.id)
                self._task(self._recover(act))
        if late(self._monitor.known, self._clock())[0].acts:
            await self._monitor.move(late)

    def _task(self, work: Coroutine[Any, Any, tuple[Act, ...]]) -> asyncio.Task[tuple[Act, ...]]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, ActRefused):
            event(logger, logging.ERROR, "an act failed", error=type(error).__name__)

    async def _all(self, acts: Sequence[Act], asked_at: datetime, tell: Tell) -> tuple[Act, ...]:
        ids = {each.id for each in acts}
        self._in_hand |= ids
        try:
            begun_ = await self._planned(acts, asked_at)
            return await self._each(begun_, tell)
        finally:
            self._in_hand -= ids - self._unsaved.keys()

    async def _each(self, acts: Sequence[Act], tell: Tell) -> tuple[Act, ...]:
        """Do those that may be done; of what was confirmed together none any more once it fails again and again."""
        from bot.errands import Outcome  # noqa: PLC0415 - a start does nothing

        over: list[Act] = []
        in_vain = 0
        for each in acts:
            if each.settled:
                over.append(each)
            elif each.batch and in_vain >= IN_VAIN:
                over.append(await self._over(each, Outcome(State.NOT_DONE, _IN_VAIN), tell))
            else:
                over.append(await self._one(each, tell))
                in_vain = 0 if over[-1].state is State.DONE else in_vain + 1
        return tuple(over)

    async def _planned(self, acts: Sequence[Act], asked_at: datetime) -> tuple[Act, ...]:
        """Store that they are to be done, those that may be; one by itself has begun then."""
        stored: list[Act] = []

        def plan(known: Known, now: datetime) -> tuple[Changes, Known]:
            stored.clear()
            tokens = {} if known.fleet.failure else known.fleet.tokens
            others, refused = list(known.acts.values()), []
            for act in acts:
                token = None if act.token is None else tokens.get(act.token)
                said = may_begin(others, act, asked_at, now, token)
                was = modes(token) if act.kind is Kind.MODE and token is not None else ()
                if said is None:
                    alone = len(acts) == 1
                    first = State.BEGUN if alone else State.PLANNED
                    stored.append(replace(act, at=now, state=first, begun_at=now if alone else None, was=was))
                else:
                    refused.append(said)
                    stored.append(replace(act, at=now, state=State.NOT_DONE, why=said.rstrip("."), settled_at=now))
                others.append(stored[-1])
            if len(refused) == len(acts):
                raise ActRefused("\n".join(dict.fromkeys(refused)) or "There is nothing to do.")
            return planned(known, stored, now)

        try:
            await self._monitor.move(plan)
        except StoreError as error:
            # The commit may have been made, and its answer lost.
            self._unsaved.update({each.id: replace(each, state=State.NOT_DONE, why=_UNSTORED) for each in stored})
            raise ActRefused(UNSTORED.format(reason=error)) from error
        return tuple(stored)

    async def _one(self, act: Act, tell: Tell) -> Act:
        """Do one that is planned, or has begun by now."""
        from bot.errands import Outcome, send  # noqa: PLC0415 - a start does nothing

        if act.state is State.PLANNED:
            planned_, act = act, replace(act, state=State.BEGUN, begun_at=self._clock())
            try:
                await self._note(act)
            except StoreError:
                return await self._over(planned_, Outcome(State.NOT_DONE, _UNSTORED), tell)
        sent_at = asyncio.get_running_loop().time()
        outcome = Outcome(State.NOT_DONE, _ANOTHER)
        if self._may_send():
            outcome = await send(self._upstream, act)
        return await self._see_through(act, outcome, sent_at, tell)

    async def _recover(self, act: Act) -> tuple[Act, ...]:
        """Find out about one that began, and of which whoever began it can say nothing any more."""
        from bot.errands import Outcome  # noqa: PLC0415 - as above

        outcome = Outcome(why=_STOPPED, followed=act.followed)
        try:
            return (await self._see_through(act, outcome, asyncio.get_running_loop().time(), _nobody),)
        finally:
            self._in_hand -= {act.id} - self._unsaved.keys()

    async def _see_through(self, act: Act, outcome: "Outcome", sent_at: float, tell: Tell) -> Act:
        """Follow the job that it became, or read it back, until its outcome is known or never will be."""
        from bot.errands import follow, read_back  # noqa: PLC0415 - as above

        async def moved(job: "Job") -> None:
            self.jobs[act.id] = job
            await _told(tell, act)

        if outcome.state is None and outcome.followed:
            if act.followed != outcome.followed:
                act = replace(act, followed=outcome.followed)
                with contextlib.suppress(StoreError):  # then whoever leads next has to read it back
                    await self._note(act)
            await _told(tell, act)
            for_ = self._pace.longest - max(self._clock() - (act.begun_at or self._clock()), timedelta())
            outcome = await follow(self._upstream, act, self._pace.follow, for_, moved)
        if outcome.state is None:
            outcome = await read_back(self._upstream, act, outcome, sent_at, self._pace.looks)
        return await self._over(act, outcome, tell)

    async def _over(self, act: Act, outcome: "Outcome", tell: Tell) -> Act:
        """Store what became of it; and after that, what was read of its token."""
        assert outcome.state is not None  # noqa: S101 - whatever is not known by now is UNKNOWN
        followed = outcome.followed or act.followed
        act = replace(act, state=outcome.state, why=outcome.why, followed=followed, denied=outcome.denied)
        self.jobs.pop(act.id, None)
        self._unsaved[act.id] = act = replace(act, settled_at=self._clock())
        with contextlib.suppress(StoreError):  # the tick tries again
            await self._save()
        if outcome.token is not None and act.begun_at is not None:
            with contextlib.suppress(StoreError):  # the next poll reads it as well
                await self._monitor.read(outcome.token, act.begun_at)
        await _told(tell, act)
        return act

    async def _note(self, act: Act) -> None:
        await self._monitor.move(lambda known, now: begun(known, [act], now))

    async def _save(self) -> None:
        """Store what became of acts. Once another copy leads, that one finds it out."""
        acts = tuple(self._unsaved.values())
        if not acts:
            return
        try:
            await self._monitor.move(lambda known, now: settled(known, _open(known, acts, now), now))
        except FencedError:
            event(logger, logging.WARNING, "what became of acts is for the copy that leads to find out", acts=len(acts))
        for act in acts:
            self._unsaved.pop(act.id, None)
            self._in_hand.discard(act.id)


_NEVER: Final = "it was never sent: the bot stopped before"
_STOPPED: Final = "the bot stopped in the midst of it and then went on"
_UNSTORED: Final = "it was never sent: the database did not take it down"
_IN_VAIN: Final = f"it was never sent, as the {IN_VAIN} before could not be done"
_ANOTHER: Final = "it was never sent: another copy of the bot took over"


def _open(known: Known, acts: Iterable[Act], now: datetime) -> list[Act]:
    """Of these outcomes those that are news: an answer of the database that was lost may have been a yes."""
    stored = ((known.acts.get(each.id), each) for each in acts)
    return [
        replace(each, settled_at=each.settled_at or now)
        for before, each in stored
        if before is not None and not before.settled
    ]


async def _nobody(_: Act) -> None:
    """Nobody wants to hear of it."""


async def _told(tell: Tell, act: Act) -> None:
    """Tell it; that may fail, as when Discord is away, and the act goes on."""
    try:
        async with asyncio.timeout(10):
            await tell(act)
    except Exception:  # an edge: nothing of an act depends on who hears of it
        logger.exception("telling of an act failed")
