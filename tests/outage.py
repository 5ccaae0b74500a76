"""Take Discord away for half an hour in every way, and count: `python -m tests.outage`.

The real monitor, outbox and channel, each with a database of its own, talk through the real discord.py to one fake
Discord, in which each has a channel that goes wrong in its own way. Accounts flip before and meanwhile; polls go on,
and so do reminders. When Discord is back, the channel must tell each flip exactly once, soon, and in few messages.

Time leaps (see `tests/leap.py`): every pause, deadline and memory of the bot is as in life, all figures are in the
bot's own seconds, and what the machine itself takes counts nothing. Exit code 1 if a promise was broken.
"""

import argparse
import asyncio
import contextlib
import logging
import math
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import discord
from discord.http import Route

from bot.chat.alerts import Roles, alert
from bot.chat.attempt import one_try
from bot.chat.channel import OpsChannel
from bot.delivery.handover import Handover
from bot.domain import info
from bot.domain.model import Token
from bot.domain.rules.policy import Policy
from bot.imaginepro.errors import NotFoundError
from bot.monitor import Monitor
from bot.outbox import Outbox
from bot.storage.claims import FOLD_OVER
from bot.storage.store import Store
from tests.domain.fleets import record, tokens
from tests.leap import LeapingLoop, time_of_day
from tests.ledger import BYSTANDER, EACH_FLIP_BY_ITSELF, GOOD, NEXT, Ledger, Story, Told, is_notice, is_summary
from tests.report import Report, end
from tests.storage.servers import open_unsynced
from tests.wire.discord import TOKEN, Call, Discord
from tests.wire.faults import HANG, RESET, Fault, error, rate_limited
from tests.wire.messages import Message
from tests.wire.moment import loop_time
from tests.wire.world import Channel, Guild

AWAY = 1800.0
"""Seconds for which Discord is away."""
POLL = 60.0
"""Seconds from poll to poll."""
NONCES_KEPT = 180.0
"""Seconds for which Discord remembers a nonce; the bot counts on two thirds of that, the wait for a turn included."""
REFUSED_A_MINUTE = 12
"""Posts and edits that the bot may make in vain in any minute. It may make twice as many requests: aiohttp repeats a
search of the channel by itself when its connection breaks."""
SOON = 5.0
"""Seconds in which it is told that Discord is back, where that said no at once and not for how long."""
EXACTLY = 0.001
"""Seconds by which what is due may be late: the store keeps microseconds, and computing takes none of this time."""
PATIENCE = 600.0
"""Seconds in which everything is told after Discord is back."""

FIRST = 1900
ENDS = FIRST
"""The token whose incident is told before, and ends meanwhile."""
STAYS = FIRST + 1
"""The token whose incident begins meanwhile, and stays."""
COMES_AND_GOES = FIRST + 2
"""The token whose incident begins and ends meanwhile."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A way in which Discord is away."""

    name: str
    faults: tuple[Fault, ...]
    """Each lasts for its share of the time."""
    methods: str = "*"
    """Those that go wrong, as a shell pattern."""
    tokens: int = 12
    at_once: int = 2
    """How many tokens flip in one poll, over and over; the more, the longer the rest in between."""
    soon: bool = False
    """Whether Discord says no at once, and not for how long."""

    @property
    def accepts(self) -> bool:
        """Whether Discord does what it is asked, and only its answer is lost."""
        return any(fault.accepted for fault in self.faults)


_429 = tuple(rate_limited(seconds) for seconds in (0.3, 2, 7, 20, 45, 90))

TROUBLES = (
    Trouble("429", _429),
    Trouble("429, few flips", _429, tokens=3),
    Trouble("503", (error(503),), soon=True),
    Trouble("503, few flips", (error(503, html=True),), tokens=3, soon=True),
    Trouble("503, storms", (error(503),), at_once=9, soon=True),
    Trouble("hangs", (HANG,)),
    Trouble("resets", (RESET,), soon=True),
    Trouble("accepts, then hangs", (HANG.after_accepting(),)),
    Trouble("the same, readable", (HANG.after_accepting(),), methods="P*"),
    Trouble("accepts, then resets", (RESET.after_accepting(),)),
)


class Accounts:
    """An upstream that always answers, and counts what it was asked. It lists the bystander too."""

    def __init__(self, stories: Sequence[Story]) -> None:
        self._stories = {story.token: story for story in stories}
        self.asked = 0

    async def fleet(self, known: Mapping[int, Token]) -> Mapping[int, Token]:
        """All accounts as they are now."""
        del known
        self.asked += 1
        stories = self._stories.values()
        return tokens([record(BYSTANDER, GOOD), *(record(story.token, story.status) for story in stories)])

    async def token(self, token_id: int) -> Token:
        """One of them."""
        if token_id not in self._stories:
            reason = "not listed"
            raise NotFoundError(reason)
        return info.read(record(token_id, self._stories[token_id].status))


class _Pauses(logging.Handler):
    """Notes from the log until when each outbox leaves its channel alone."""

    def __init__(self) -> None:
        super().__init__()
        self._until: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take what says that a message waits."""
        said: Mapping[str, object] = getattr(record, "fields", {})
        mark, pause = said.get("mark"), said.get("pause")
        if isinstance(mark, str) and isinstance(pause, timedelta):
            self._until[mark.partition("-")[0]] = loop_time() + pause.total_seconds()

    def until(self, installation: str) -> float:
        """When the next attempt was due, by the loop's clock."""
        return self._until.get(installation, 0.0)


@dataclass(frozen=True, slots=True)
class World:
    """What the troubles share."""

    fake: Discord
    client: discord.Client
    pauses: _Pauses
    folder: Path
    seed: int


class Run:
    """One trouble, from a quiet channel to a quiet channel."""

    def __init__(self, world: World, trouble: Trouble, channel: Channel, store: Store) -> None:
        self._world = world
        self._trouble = trouble
        self._channel_id = channel.id
        self._store = store
        self._rng = random.Random(f"{world.seed} {trouble.name}")
        self._stories = {number: Story(number) for number in range(FIRST, FIRST + trouble.tokens)}
        self._ledger = Ledger(world.fake, self._stories.values(), channel.id)
        self._accounts = Accounts(tuple(self._stories.values()))
        self._looks: list[float] = []
        self._figures: dict[str, float] = {}

    async def run(self) -> Report:
        """Live through it."""
        async with self._bot():
            await self._until(lambda: bool(self._world.fake.messages(self._channel_id)))
            await self._flip({ENDS: "BANNED"})
            await self._until(lambda: self._ledger.shown == self._ledger.expected)
            gone = loop_time()
            before = len(self._world.fake.messages(self._channel_id))
            async with asyncio.TaskGroup() as meanwhile:
                meanwhile.create_task(self._away())
                meanwhile.create_task(self._life(gone + AWAY - 2 * POLL))
            back = loop_time()
            came_meanwhile = len(self._world.fake.messages(self._channel_id))
            self._count_absence(gone, back)
            with contextlib.suppress(TimeoutError):
                await self._until(lambda: self._ledger.shown == self._ledger.expected)
            self._figures["all told after, s"] = loop_time() - back
            left = await self._left()
            self._count_return(back, self._world.fake.messages(self._channel_id)[came_meanwhile:])
            self._figures["late lines"] = self._late_lines(self._world.fake.messages(self._channel_id)[before:])
            self._figures |= {**self._ledger.figures, "left in the outbox": left}
        return self._report()

    @asynccontextmanager
    async def _bot(self) -> AsyncIterator[None]:
        """The part of the bot that watches and tells, wired as the real one is."""
        world, handover, logged_in = self._world, Handover(), asyncio.Event()
        logged_in.set()
        await self._store.save(EACH_FLIP_BY_ITSELF, time_of_day())
        monitor = Monitor(self._accounts, self._store, Policy(), time_of_day, handover)
        await monitor.restore()
        channel = OpsChannel(
            world.client,
            logged_in,
            channel_id=self._channel_id,
            guild_id=world.fake.guild_id,
            render=lambda message: alert(message, monitor.fleet, Roles(world.fake.alert_role_id), None),
        )
        async with beside(Outbox(self._store, channel, time_of_day, handover).run(), self._poll(monitor)):
            yield

    async def _poll(self, monitor: Monitor) -> None:
        due = loop_time()
        while True:
            await monitor.poll()
            self._looks.append(loop_time())
            await monitor.tick()
            due = max(due + POLL, loop_time())
            await asyncio.sleep(due - loop_time())

    async def _away(self) -> None:
        """Let the channel go wrong for half an hour, and then be well again."""
        for fault in self._trouble.faults:
            with self._world.fake.outage(fault, self._trouble.methods, f"/channels/{self._channel_id}*"):
                await asyncio.sleep(AWAY / len(self._trouble.faults))

    async def _life(self, until: float) -> None:
        """What happens to the accounts while Discord is away."""
        await self._flip({ENDS: "FAST"})
        await self._flip({STAYS: "BANNED"})
        await self._flip({COMES_AND_GOES: "VERIFYING"})
        await self._flip({COMES_AND_GOES: "FAST"})
        others = [story for token, story in self._stories.items() if token > COMES_AND_GOES]
        while others and loop_time() < until:
            chosen = self._rng.sample(others, self._trouble.at_once)
            await self._flip({story.token: self._rng.choice(NEXT[story.status]) for story in chosen})
            rest = min(POLL * self._trouble.at_once, until - loop_time())
            await asyncio.sleep(max(rest, 0.0))

    async def _flip(self, statuses: Mapping[int, str]) -> None:
        """Change statuses, and wait until a poll that began after it is stored."""
        for token, status in statuses.items():
            self._stories[token].statuses.append(status)
        asked = self._accounts.asked
        await self._until(lambda: len(self._looks) > asked)

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await asyncio.sleep(1)

    async def _left(self) -> int:
        """How many messages are in the outbox, once it is empty or that took too long."""
        deadline = loop_time() + PATIENCE
        waiting = 1
        while waiting and loop_time() < deadline:
            await asyncio.sleep(1)
            waiting = await self._store.waiting()
        return waiting

    def _calls(self, since: float, until: float) -> list[Call]:
        """The requests for this channel, within a time by the loop's clock."""
        path = f"/channels/{self._channel_id}"
        return [call for call in self._world.fake.calls if call.path.startswith(path) and since <= call.at <= until]

    def _count_absence(self, gone: float, back: float) -> None:
        looks = [look for look in self._looks if gone <= look <= back]
        refused = [call for call in self._calls(gone, back) if not call.accepted]
        self._figures |= {
            "polls while away": len(looks),
            "longest gap between two, s": max((b - a for a, b in pairwise(looks)), default=AWAY),
            "requests not told yes": len(refused),
            "  in a minute, at most": _in_a_minute(call.at for call in refused),
            "  posts and edits among them": _in_a_minute(call.at for call in refused if call.writes_message),
        }

    def _count_return(self, back: float, new: Sequence[Message]) -> None:
        first = next((call for call in self._calls(back, back + PATIENCE) if call.accepted), None)
        taken = math.inf if first is None else first.at
        notices = sum(is_notice(message.now) for message in new)
        self._figures |= {
            "told after, s": taken - back,
            # The pause that was noted last may have begun after the first message; then that message was in time.
            "  after it was due, s": max(0.0, taken - max(back, self._due_before(taken))),
            "cards since then": len(new) - notices,
            "  groups and summaries": sum(is_summary(message.now) for message in new),
            "notices since then": notices,
        }

    def _due_before(self, taken: float) -> float:
        return min(self._world.pauses.until(self._store.installation), taken)

    def _late_lines(self, meanwhile: Sequence[Message]) -> int:
        """Incidents that came and went meanwhile and were told once, by a message that never said that they last."""
        told = Told(COMES_AND_GOES, "VERIFYING", over=True)
        return sum(
            self._ledger.tally(message)[told] == 1 and self._trouble.accepts | self._ledger.began_with(message, told)
            for message in meanwhile
        )

    def _report(self) -> Report:
        report = Report(self._trouble.name, self._figures, self._ledger.broken)
        report.hold(
            {
                "longest gap between two, s": POLL + EXACTLY,
                "  in a minute, at most": 2 * REFUSED_A_MINUTE,
                "  posts and edits among them": REFUSED_A_MINUTE,
                **({"told after, s": SOON} if self._trouble.soon else {}),
                "  after it was due, s": EXACTLY,
                # One more where an attempt was left open: whether that message is there, nobody knows, so it stays.
                "cards since then": FOLD_OVER + 1,
                "notices since then": FOLD_OVER,
                "left in the outbox": 0,
            }
        )
        if self._figures["late lines"] != 1:
            report.broken["what came and went is told late, in one line"] = [f"{self._figures['late lines']:.0f} lines"]
        return report


def _in_a_minute(times: Iterable[float]) -> int:
    """How many of these are in the minute that has the most of them."""
    ordered = sorted(times)
    return max((sum(start <= at < start + 60 for at in ordered) for start in ordered), default=0)


@asynccontextmanager
async def beside(*work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run coroutines beside, until the context is left; an error of theirs ends the context."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


@contextmanager
def discord_at(url: str) -> Iterator[None]:
    """Let discord.py talk to a fake."""
    real = Route.BASE
    Route.BASE = url
    try:
        yield
    finally:
        Route.BASE = real


@contextmanager
def _listening(handler: logging.Handler) -> Iterator[None]:
    """Hand the outbox's log to a handler, and to nobody else."""
    logger = logging.getLogger("bot.outbox")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = True


async def _all(folder: Path, seed: int, troubles: Sequence[Trouble]) -> list[Report]:
    channels = [Channel(1_100_000_000_000_001_000 + number, f"ops-{number}") for number in range(len(troubles))]
    pauses = _Pauses()
    fake = Discord(Guild(channels=channels), rate=None, nonce_memory=NONCES_KEPT, clock=time_of_day)
    async with fake.serving(), contextlib.AsyncExitStack() as stack:
        stack.enter_context(discord_at(fake.api_base))
        stack.enter_context(_listening(pauses))
        client = discord.Client(intents=discord.Intents(guilds=True), http_trace=one_try())
        await stack.enter_async_context(client)
        await client.login(TOKEN)
        world = World(fake, client, pauses, folder, seed)
        runs = [
            Run(
                world,
                trouble,
                channel,
                await stack.enter_async_context(open_unsynced(f"sqlite:///{folder}/{number}.db")),
            )
            for number, (trouble, channel) in enumerate(zip(troubles, channels, strict=True))
        ]
        return await asyncio.gather(*(run.run() for run in runs))


def lived_through(folder: Path, *, seed: int = 1, troubles: Sequence[Trouble] = TROUBLES) -> list[Report]:
    """Live through all troubles at the same time; databases go to the folder."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(_all(folder, seed, troubles))


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.outage", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return end(*lived_through(Path(folder), seed=options.seed))


if __name__ == "__main__":
    sys.exit(main())
