"""The bot's feeling for itself: how late its event loop is, and since when each of its parts was last well.

Time is counted in beats, which come every second while the process runs and its loop turns. So a process that was
frozen, or a machine that was asleep, finds nothing dead when it goes on: that time did not happen to it.

    async with started(pulse):                  beats; the database is away
        async with asking(pulse, store):        which is asked every few seconds from here on
            with pulse.leading(parts):          this copy is the one that polls and notifies
                jobs = [pulse.watched(job) for job in jobs]
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from bot.domain.model import Trouble
from bot.domain.value import replace
from bot.figures import Histogram
from bot.jobs import Job
from bot.observe.health import READINGS_LATE, Facts, Role, Work, wrong
from bot.storage.store import Backlog, Refusals, Store, StoreError
from bot.telemetry import event

if TYPE_CHECKING:
    from bot.chat.client import ChatClient
    from bot.monitor import Monitor
    from bot.outbox import Outbox

logger = logging.getLogger(__name__)

BEAT = timedelta(seconds=1)
LATE = timedelta(milliseconds=500)
"""How late a beat may be before the loop lags."""
LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
"""Seconds by which the lag is counted."""

PROBE = timedelta(seconds=5)
"""How often the database is asked what waits."""
PARKED_FOR = timedelta(days=1)
"""How long a message that was refused for good is a reason to worry."""

OUTBOX = "outbox"
"""The one job without an interval: it sleeps while there is nothing to do."""


class Parts(NamedTuple):
    """What a copy that leads consists of, as far as its health can be read."""

    monitor: "Monitor"
    outbox: "Outbox"
    client: "ChatClient"
    discord_errors: Counter[str]


class Pulse:
    """Knows how the process is doing. Nothing beats before `started`."""

    def __init__(self, clock: Callable[[], datetime], interval: timedelta) -> None:
        """`interval` is between two polls."""
        self._store: Store | None = None
        self._refusals = Refusals()
        self._clock = clock
        self._interval = interval
        self._awake = timedelta()
        """For how long the loop has turned, pauses of the whole process not counted."""
        self._well: dict[str, timedelta] = {}
        """Up to when each thing was well, on that scale."""
        self._before: dict[str, object] = {}
        """What each thing was at the last beat that moves when it is well."""
        self._every: dict[str, timedelta] = {}
        """The jobs, with their intervals."""
        self._led_since: datetime | None = None
        self.parts: Parts | None = None
        """None on standby."""
        self.backlog = Backlog()
        """What waited when the database was last asked."""
        self.failures: Counter[str] = Counter()
        """How many runs of each job ended by an error."""
        self.lag = Histogram(LAGS)
        self.followed = False
        """Whether it beats."""
        self.beats = 0
        """Grows while the loop turns."""
        self._said = frozenset[str]()
        """The words of the last line of the log."""
        self.dead: tuple[str, ...] = ()
        """The jobs that did not run any more at the last beat."""

    @property
    def now(self) -> datetime:
        """The time by the clock of this installation."""
        return self._clock()

    @property
    def unstored(self) -> timedelta:
        """Since this copy stored something or proved that it may, or since it leads; of time in which it ran."""
        return self._since("stored")

    @contextlib.contextmanager
    def leading(self, parts: Parts) -> Iterator[None]:
        """This copy leads, until the context ends; then its jobs are forgotten."""
        self.parts, self._led_since = parts, self._clock()
        self._note("gateway", OUTBOX, "delivery", "reading", "stored")
        self._before["stored"] = self._refusals.stored
        standby = self._every
        self._every = {**standby, OUTBOX: timedelta()}
        try:
            yield
        finally:
            self.parts, self._led_since, self._every = None, None, standby

    def ask_of(self, store: Store | None) -> None:
        """This is the database from now on; before there is one it is away."""
        self._store = store
        if store is not None:
            self._refusals = store.refusals
            self._every["probe"] = PROBE
            self._note("probe")

    def watched(self, job: Job) -> Job:
        """The job, whose runs are noted from now on."""
        self._every[job.name] = job.every
        self._note(job.name)

        async def run() -> None:
            try:
                await job.run()
            except Exception:
                self.failures[job.name] += 1
                raise
            finally:
                self._note(job.name)

        return job._replace(run=run)

    @property
    def facts(self) -> Facts:
        """How the bot is doing now."""
        common = Facts(
            interval=self._interval,
            database_away=self._since("database"),
            unwritable=self._refusals.last is not None,
            lagging=self._since("loop"),
            parked=self.backlog.parked,
            jobs={name: Work(every, self._since(name)) for name, every in self._every.items()},
        )
        if self.parts is None or self._led_since is None:
            return common
        fleet = self.parts.monitor.fleet
        read_at, until = fleet.read_at, fleet.left_alone_until
        # Time alone mends no refusal: somebody has to look at ImaginePro.
        refused = fleet.failure is not None and fleet.failure.trouble is Trouble.REFUSED
        return replace(
            common,
            role=Role.LEADING,
            # Numbers age by the clock while the process is frozen, and by its beats after the clock was set back.
            unread=max(self._clock() - max(read_at or self._led_since, self._led_since), self._since("reading")),
            # The poll after that may take as long as any other.
            left_alone=until is not None and not refused and self._clock() - until <= READINGS_LATE * self._interval,
            gateway_away=self._since("gateway"),
            undelivered=self._since("delivery"),
            blocked=self.parts.outbox.blocked,
        )

    def beat(self, late: float) -> None:
        """Note what is well; a second has passed since the last beat, and `late` seconds more."""
        self.beats += 1
        self.lag.observe(late)
        self._awake += BEAT + min(timedelta(seconds=late), BEAT)
        if late <= LATE.total_seconds():
            self._note("loop")
        if self.parts is not None:
            self._check(self.parts)
        facts = self.facts
        self.dead = facts.dead
        self._say(frozenset(cause.word for cause in wrong(facts)))

    def _check(self, parts: Parts) -> None:
        if self._moved("reading", parts.monitor.fleet.read_at):
            self._note("reading")
        if parts.client.online:
            self._note("gateway")
        if self._moved("turns", parts.outbox.turns) or parts.outbox.idle:
            self._note(OUTBOX)
        # What is delivered has to be noted, so that nothing is while that cannot be stored.
        if self._moved("posts", parts.outbox.dwell.count) or self.backlog.since is None or self._refusals.last:
            self._note("delivery")
        # One statement may pass while others are refused.
        if self._moved("stored", self._refusals.stored) and not self._refusals.last:
            self._note("stored")

    def _say(self, words: frozenset[str]) -> None:
        """Log what turned wrong or well."""
        if words != self._said:
            level = logging.WARNING if words - self._said else logging.INFO
            event(logger, level, "health", wrong=" ".join(sorted(words)) or "nothing", dead=" ".join(self.dead) or None)
            self._said = words

    async def ask(self) -> None:
        """Ask the database what waits. There is no deadline here: one that hangs is away."""
        if self._store is None:
            return
        try:
            self.backlog = await self._store.backlog(self._clock() - PARKED_FOR)
            self._note("database")
        except StoreError as error:
            event(logger, logging.DEBUG, "the database was asked in vain", error=str(error))
        self._note("probe")

    def _note(self, *names: str) -> None:
        """These are well now."""
        self._well.update(dict.fromkeys(names, self._awake))

    def _since(self, name: str) -> timedelta:
        return self._awake - self._well.get(name, timedelta())

    def _moved(self, name: str, now: object) -> bool:
        before, self._before[name] = self._before.get(name, now), now
        return now != before


@contextlib.asynccontextmanager
async def started(pulse: Pulse) -> AsyncIterator[None]:
    """Let it beat for as long as the context is open."""
    pulse.followed = True
    async with _beside(_beating(pulse)):
        yield


@contextlib.asynccontextmanager
async def asking(pulse: Pulse, store: Store) -> AsyncIterator[None]:
    """Let it ask that database for as long as the context is open, if it beats."""
    pulse.ask_of(store)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(pulse.ask_of, None)
        if pulse.followed:
            await stack.enter_async_context(_beside(_asking(pulse)))
        yield


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def _beating(pulse: Pulse) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + BEAT.total_seconds()
        await asyncio.sleep(BEAT.total_seconds())
        pulse.beat(max(loop.time() - due, 0.0))


async def _asking(pulse: Pulse) -> None:
    while True:
        await pulse.ask()
        await asyncio.sleep(PROBE.total_seconds())
