"""Copies of the bot on one database, as in a deploy: `python -m tests.overlap --seconds 90 --engine sqlite`.

Accounts flip and people ask all the time, while

1. an old and a new copy run side by side
2. the old one is killed (SIGKILL), and the new one has to notice by its silence
3. a third one comes, the second is paused (SIGSTOP), replaced, and wakes up again (SIGCONT)
4. the third one is asked to end (SIGTERM), and the second leads again

No copy can see whether another one's process still runs, as on machines of their own. In the end each flip was told
exactly once, each question was answered once and by one copy only, and at no time two copies were online (but the
paused one, whose connection outlives it). Exit code 1 if it was not so.
"""

import argparse
import asyncio
import contextlib
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot.sandbox.imaginepro import account
from bot.storage.store import open_store
from tests.kill import BYSTANDER
from tests.ledger import EACH_FLIP_BY_ITSELF, NEXT, Ledger, Story
from tests.storage.servers import new_database
from tests.wire.discord import Rate
from tests.wire.process import BotProcess
from tests.wire.town import Town, town

TOKENS = 4
PATIENCE = 30.0
"""Seconds after which a flip that is not told is lost."""
REPLACED = 15.0
"""Seconds within which a dead holder must be replaced."""


@dataclass(slots=True)
class Report:
    """What was seen."""

    together: float = 0.0
    """Seconds for which two copies ran side by side."""
    after_kill: float = 0.0
    """Seconds from the kill of the holder until the other was online."""
    after_pause: float = 0.0
    """Seconds from the pause of the holder until the other was online."""
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
    """Copies that were online at once, at most, while none was paused."""
    polls: float = 0.0
    """Polls a second while two ran side by side; one copy makes one."""
    story: str = ""
    """What was lost or doubled."""
    errors: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether there was one voice."""
        quick = max(self.after_kill, self.after_pause) < REPLACED and self.after_term < REPLACED / 2
        answered = self.answered == self.asked - self.unheard and not self.refused
        return quick and answered and self.voices == 1 and self.polls < 1.5 and not self.story and not self.errors

    def table(self) -> str:
        """A line a number."""
        rows = {
            "side by side, s": f"{self.together:.0f}",
            "polls a second meanwhile": f"{self.polls:.2f}",
            "online at once": self.voices,
            "killed and replaced after, s": f"{self.after_kill:.1f}",
            "paused and replaced after, s": f"{self.after_pause:.1f}",
            "asked to end and replaced after, s": f"{self.after_term:.1f}",
            "flips": self.flips,
            "questions": self.asked,
            "  answered": self.answered,
            "  while nobody was there": self.unheard,
            "requests refused": len(self.refused),
        }
        return "\n".join(f"{name:<36}{number:>8}" for name, number in rows.items())


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
        self._paused = False

    async def run(self, together: float) -> Report:
        """Live through all of it."""
        report = self.report
        async with (
            self._home.settled_bot(**self._named("first")) as first,
            self._life(),
            self._standing_by("second") as second,
        ):
            report.together, polled, began = together, len(self._home.upstream.calls), time.monotonic()
            await asyncio.sleep(together)
            report.polls = (len(self._home.upstream.calls) - polled) / (time.monotonic() - began)

            report.after_kill = await self._replaced(first.kill)
            async with self._standing_by("third") as third:
                self._paused = True
                report.after_pause = await self._replaced(lambda: self._pause(second))
                await asyncio.sleep(self._lease)
                second.cont()
                await _says(second, "has taken over")
                await asyncio.sleep(self._lease / 2)
                self._paused = False

                report.after_term = await self._replaced(third.terminate)
                await self._everything_told()
                self._errors(third)
            await second.terminate()
            self._errors(second)
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

    def _named(self, name: str) -> dict[str, str]:
        return {"FAKE_LEASE": str(self._lease), "FAKE_ELSEWHERE": name}

    @contextlib.asynccontextmanager
    async def _standing_by(self, name: str) -> AsyncIterator[BotProcess]:
        async with self._home.bot(**self._named(name)) as copy:
            await _says(copy, "standing by")
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
            if not self._paused:
                self.report.voices = max(self.report.voices, self._home.discord.gateway.connected)
            await asyncio.sleep(0.01)

    async def _everything_told(self) -> None:
        self._stop.set()
        with contextlib.suppress(TimeoutError):
            await self._home.discord.until(lambda: self._ledger.shown == self._ledger.expected, PATIENCE)

    def _errors(self, copy: BotProcess) -> None:
        marks = (" CRITICAL ", "Traceback")
        self.report.errors += [line for line in copy.output.splitlines() if any(mark in line for mark in marks)]


async def _says(copy: BotProcess, words: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while words not in copy.output:
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


async def overlapped(database_url: str, folder: Path, *, together: float, lease: float, seed: int = 1) -> Report:
    """Run copies of the bot on that database; for `together` seconds two are well."""
    accounts = [account(BYSTANDER), *(account(1900 + number) for number in range(TOKENS))]
    async with open_store(database_url) as store:
        await store.save(EACH_FLIP_BY_ITSELF, datetime.now(UTC))  # noqa: TID251 - the bot of this town lives by it too
    async with town(database_url, folder, accounts) as home:
        home.discord.rate = Rate(5, 1.0)  # five times as fast as in life, so as not to wait for it
        return await Overlap(home, random.Random(seed), lease).run(together)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.overlap", description=__doc__)
    parser.add_argument("--seconds", type=float, default=90, help="for which two copies run side by side")
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--lease", type=float, default=10, help="seconds for which its holder may say nothing")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, new_database(options.engine, Path(name)) as url:
        report = asyncio.run(
            overlapped(url, Path(name), together=options.seconds, lease=options.lease, seed=options.seed)
        )
    sys.stdout.write("\n".join([f"{options.engine}, seed {options.seed}", report.table(), *report.refused[:5], ""]))
    sys.stdout.write("\n".join([*report.errors[:5], report.story, ""]))
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
