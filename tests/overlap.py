"""Copies of the bot on one database, as in a deploy: `python -m tests.overlap --seconds 90 --engine sqlite`.

Accounts flip and people ask all the time, while

1. an old and a new copy run side by side
2. the old one is killed (SIGKILL), and the new one has to notice by its silence
3. a third one comes, the second is paused (SIGSTOP) and replaced, and wakes up again (SIGCONT) after a minute
4. the third one is asked to end (SIGTERM), and the second leads again

No copy can see whether another one's process still runs, as on machines of their own. Each has a way of its own to the
upstream and to Discord, so that what it asks of them can be counted.

In the end each flip was told exactly once, each question was answered once and by one copy only, and at no time two
copies were online (but the paused one, whose connection outlives it). The one that woke up stood by and asked nothing
of anybody; when it led again, it polled, told and answered. Exit code 1 if it was not so.
"""

import argparse
import asyncio
import contextlib
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot.sandbox.imaginepro import Upstream, account, serving
from bot.storage.store import open_store
from tests.kill import BYSTANDER
from tests.ledger import EACH_FLIP_BY_ITSELF, NEXT, Ledger, Story
from tests.storage.servers import new_database
from tests.wire.discord import BASE, Discord, Rate
from tests.wire.process import BotProcess
from tests.wire.town import BASELINE, Town, town

TOKENS = 4
PATIENCE = 30.0
"""Seconds after which a flip that is not told is lost."""
REPLACED = 15.0
"""Seconds within which a dead holder must be replaced."""
DUTIES = {"polls", "messages", "answers"}
"""What whoever leads asks of the upstream and Discord; whoever stands by asks nothing."""


@dataclass(slots=True)
class Report:
    """What was seen."""

    together: float = 0.0
    """Seconds for which two copies ran side by side."""
    after_kill: float = 0.0
    """Seconds from the kill of the holder until the other was online."""
    after_pause: float = 0.0
    """Seconds from the pause of the holder until the other was online."""
    paused: float = 0.0
    """Seconds from its pause until it woke up."""
    after_waking: float = 0.0
    """Seconds from there until it was offline and stood by."""
    awake: Counter[str] = field(default_factory=Counter)
    """What it asked of the upstream and Discord from there on until it led again."""
    again: Counter[str] = field(default_factory=Counter)
    """What it asked of them as soon as it did."""
    after_term: float = 0.0
    """Seconds from asking the holder to end until the other was online."""
    flips: int = 0
    asked: int = 0
    answered: int = 0
    unheard: int = 0
    """Questions put while no copy was there to hear them."""
    refused: list[str] = field(default_factory=list)
    """Requests that Discord refused: answers to what another copy had answered are among them."""
    voices: int = 0
    """Copies that were online at once, at most; a paused one does not count."""
    polls: float = 0.0
    """Polls a second while two ran side by side; one copy makes one."""
    story: str = ""
    """What was lost or doubled."""
    errors: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether there was one voice."""
        replaced = max(self.after_kill, self.after_pause) < REPLACED
        quick = replaced and max(self.after_waking, self.after_term) < REPLACED / 2
        answered = self.answered == self.asked - self.unheard and not self.refused
        one_voice = self.voices == 1 and self.polls < 1.5 and not self.awake and self.again.keys() >= DUTIES
        return quick and answered and one_voice and not self.story and not self.errors

    def table(self) -> str:
        """A line a number."""
        rows = {
            "side by side, s": f"{self.together:.0f}",
            "polls a second meanwhile": f"{self.polls:.2f}",
            "online at once": self.voices,
            "killed and replaced after, s": f"{self.after_kill:.1f}",
            "paused and replaced after, s": f"{self.after_pause:.1f}",
            "  woken after, s": f"{self.paused:.1f}",
            "  stood by then after, s": f"{self.after_waking:.1f}",
            "  its requests from then on": self.awake.total(),
            "asked to end and replaced after, s": f"{self.after_term:.1f}",
            "  requests of the one that woke up": self.again.total(),
            "flips": self.flips,
            "questions": self.asked,
            "  answered": self.answered,
            "  while nobody was there": self.unheard,
            "requests refused": len(self.refused),
        }
        return "\n".join(f"{name:<36}{number:>8}" for name, number in rows.items())


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the bot, and what it asks of others."""

    process: BotProcess
    upstream: Upstream
    """Its own way to the accounts of the town."""
    discord: Discord
    host: str
    """Its own way to that."""

    def requests(self, since: float) -> Counter[str]:
        """What it asked of anybody since then, by `time.monotonic()`."""
        # 404 is what an answer gets that comes too late, as from a copy that was paused in the midst of one.
        own = [call for call in self.discord.calls if call.host == self.host and call.status != 404]
        return Counter(
            ["polls" for call in self.upstream.calls if call.at >= since]
            + [_kind(call.path) for call in own if call.at >= since]
        )


def _kind(path: str) -> str:
    kinds = {"channels": "messages", "interactions": "answers", "webhooks": "answers"}
    return kinds.get(path.split("/")[1], "logins")


class Overlap:
    """One run, in a town."""

    def __init__(self, home: Town, rng: random.Random, lease: float) -> None:
        """`lease` is for how many seconds its holder may say nothing."""
        self.report = Report()
        self._home = home
        self._rng = rng
        self._lease = lease
        self._stories = [Story(token) for token in home.upstream.fleet if token != BYSTANDER]
        self._ledger = Ledger(home.discord, self._stories)
        self._stop = asyncio.Event()
        self._changing = False
        """Whether a holder was ended, and no other is online yet."""
        self._changes = 0
        self._frozen = 0
        """Copies whose connection outlives what they can do with it."""

    async def run(self, together: float, pause: float) -> Report:
        """Live through all of it; `pause` is longer than it takes to be replaced."""
        report = self.report
        async with self._leading("first") as first, self._standing_by("second") as second:
            async with self._life():
                report.together, began = together, time.monotonic()
                await asyncio.sleep(together)
                polls = first.requests(began)["polls"] + second.requests(began)["polls"]
                report.polls = polls / (time.monotonic() - began)

                report.after_kill = await self._replaced(first.process.kill)
                async with self._standing_by("third") as third:
                    await self._sleep_and_wake(second, pause)
                    self._errors(third.process)  # not those of its end, which may cut off an answer
                    report.after_term = await self._replaced(third.process.terminate)
                began = time.monotonic()
                await self._home.discord.until(lambda: second.requests(began).keys() >= DUTIES, PATIENCE)
                report.again = second.requests(began)
                await self._everything_told()
            await second.process.terminate()
            self._errors(second.process)
        report.flips = sum(story.flips for story in self._stories)
        report.refused = [
            f"{call.method} {call.path} {call.status}"
            for call in self._home.discord.calls
            # 404 is what an answer gets that comes too late, as from a copy that was paused in the midst of one.
            if call.status is not None and call.status >= 400 and call.status != 404
        ]
        report.story = f"{self._lost}{self._ledger.muddled or ''}"
        return report

    @property
    def _lost(self) -> str:
        lost, doubled = self._ledger.lost, self._ledger.doubled
        return "".join([*(f"lost: {told}\n" for told in lost), *(f"doubled: {told}\n" for told in doubled)])

    async def _sleep_and_wake(self, copy: Copy, pause: float) -> None:
        """Pause the holder, and see what it does when it goes on."""
        report, gateway, began = self.report, self._home.discord.gateway, time.monotonic()
        self._frozen = 1
        report.after_pause = await self._replaced(lambda: self._pause(copy.process))
        await asyncio.sleep(began + pause - time.monotonic())
        woken = time.monotonic()
        copy.process.cont()
        await _says(copy.process, "standing by", times=2)
        await self._home.discord.until(lambda: gateway.connected == 1, PATIENCE)
        self._frozen = 0
        report.paused, report.after_waking = woken - began, time.monotonic() - woken
        await asyncio.sleep(self._lease)
        report.awake = copy.requests(woken)

    @contextlib.asynccontextmanager
    async def _copy(self, name: str) -> AsyncIterator[Copy]:
        """A copy, and its ways to others."""
        upstream = Upstream(self._home.upstream.fleet.values())  # the same accounts, which flip for all
        host = await self._home.discord.door()
        async with (
            serving(upstream) as url,
            self._home.bot(
                FAKE_LEASE=str(self._lease),
                FAKE_ELSEWHERE=name,
                FAKE_DISCORD_API=f"http://{host}{BASE}",
                IMAGINEPRO_API_URL=url,
            ) as process,
        ):
            yield Copy(process, upstream, self._home.discord, host)

    @contextlib.asynccontextmanager
    async def _leading(self, name: str) -> AsyncIterator[Copy]:
        async with self._copy(name) as copy:
            await copy.process.wait_ready()
            await self._home.until_told(BASELINE)
            yield copy

    @contextlib.asynccontextmanager
    async def _standing_by(self, name: str) -> AsyncIterator[Copy]:
        async with self._copy(name) as copy:
            await _says(copy.process, "standing by")
            yield copy

    async def _replaced(self, end: Callable[[], Awaitable[object]]) -> float:
        """End a holder in some way; returns how many seconds later another copy is online."""
        identified = len(self._home.discord.gateway.identifies)
        began, self._changing = time.monotonic(), True
        await end()
        await self._home.discord.until(lambda: len(self._home.discord.gateway.identifies) > identified, PATIENCE)
        took, self._changing = time.monotonic() - began, False
        self._changes += 1
        return took

    async def _pause(self, copy: BotProcess) -> None:
        """Pause it, but not in a write to SQLite: its lock is the operating system's, and nobody could take over."""
        copy.stop()
        while await asyncio.to_thread(_holds_the_file, self._home.environment["DATABASE_URL"]):
            copy.cont()
            await asyncio.sleep(0.02)
            copy.stop()

    @contextlib.asynccontextmanager
    async def _life(self) -> AsyncIterator[None]:
        """Accounts flip, people ask, and somebody counts who is online, until everything was told."""
        async with asyncio.TaskGroup() as group:
            for story in self._stories:
                group.create_task(self._flip(story))
            group.create_task(self._ask())
            group.create_task(self._count())
            try:
                yield
            finally:
                self._stop.set()

    async def _flip(self, story: Story) -> None:
        while not self._stop.is_set():
            story.statuses.append(self._rng.choice(NEXT[story.status]))
            self._home.upstream.fleet[story.token]["status"] = story.status
            try:
                await self._home.discord.until(lambda: self._ledger.tells(story), PATIENCE)
            except TimeoutError:
                return  # lost: the count at the end says so
            await asyncio.sleep(self._rng.uniform(0, 1))

    async def _ask(self) -> None:
        while not self._stop.is_set():
            changing, changes = self._changing, self._changes
            answer = await self._home.discord.command("token", id=BYSTANDER)
            self.report.asked += 1
            self.report.answered += answer.settled
            # Whoever asks while the holder dies, or before another one is online, asks in vain.
            self.report.unheard += not answer.settled and (changing or self._changing or changes != self._changes)
            await asyncio.sleep(self._rng.uniform(0, 0.3))

    async def _count(self) -> None:
        while not self._stop.is_set():
            self.report.voices = max(self.report.voices, self._home.discord.gateway.connected - self._frozen)
            await asyncio.sleep(0.01)

    async def _everything_told(self) -> None:
        self._stop.set()
        with contextlib.suppress(TimeoutError):
            await self._home.discord.until(lambda: self._ledger.shown == self._ledger.expected, PATIENCE)

    def _errors(self, copy: BotProcess) -> None:
        marks = (" CRITICAL ", "Traceback")
        self.report.errors += [line for line in copy.output.splitlines() if any(mark in line for mark in marks)]


async def _says(copy: BotProcess, words: str, times: int = 1) -> None:
    deadline = time.monotonic() + PATIENCE
    while copy.output.count(words) < times:
        assert time.monotonic() < deadline, f"it never said {words!r}:\n{copy.output}"
        await asyncio.sleep(0.05)


def _holds_the_file(url: str) -> bool:
    """Whether somebody is in the midst of a write to a SQLite file."""
    if not url.startswith("sqlite"):
        return False
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0.3)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


async def overlapped(
    database_url: str, folder: Path, *, together: float, pause: float, lease: float, seed: int = 1
) -> Report:
    """Run copies of the bot on that database; for `together` seconds two are well, for `pause` one is frozen."""
    accounts = [account(BYSTANDER), *(account(1900 + number) for number in range(TOKENS))]
    async with open_store(database_url) as store:
        await store.save(EACH_FLIP_BY_ITSELF, datetime.now(UTC))  # noqa: TID251 - the bot of this town lives by it too
    async with town(database_url, folder, accounts) as home:
        home.discord.rate = Rate(5, 1.0)  # five times as fast as in life, so as not to wait for it
        return await Overlap(home, random.Random(seed), lease).run(together, pause)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.overlap", description=__doc__)
    parser.add_argument("--seconds", type=float, default=90, help="for which two copies run side by side")
    parser.add_argument("--pause", type=float, default=60, help="seconds for which a holder is paused")
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--lease", type=float, default=10, help="seconds for which its holder may say nothing")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, new_database(options.engine, Path(name)) as url:
        times = {"together": options.seconds, "pause": options.pause, "lease": options.lease}
        report = asyncio.run(overlapped(url, Path(name), **times, seed=options.seed))
    sys.stdout.write("\n".join([f"{options.engine}, seed {options.seed}", report.table(), *report.refused[:5], ""]))
    sys.stdout.write("\n".join([*report.errors[:5], report.story, ""]))
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
