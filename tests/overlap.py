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
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from bot.sandbox.imaginepro import Upstream, serving
from bot.storage.database import database_at
from tests.kill import restless_town
from tests.ledger import BYSTANDER, NEXT, Ledger, Story
from tests.report import Report, end
from tests.storage.servers import new_database
from tests.waiting import until
from tests.wire.discord import ANSWER_WITHIN, BASE, Discord
from tests.wire.process import BotProcess
from tests.wire.town import BASELINE, Town

TOKENS = 4
PATIENCE = 60.0
"""Seconds after which a flip that is not told is lost."""
REPLACED = 15.0
"""Seconds within which a dead holder must be replaced."""
BARS = {
    "polls of the one that stands by": 0,
    "  its requests from then on": 0,
    "online at once": 1,
    "  not answered": 0,
    "requests refused": 0,
    "errors logged": 0,
}
"""What some figures may be at most."""
BARS_OF_TIME = {
    "polls a second meanwhile": 1.5,
    "killed and replaced after, s": REPLACED,
    "paused and replaced after, s": REPLACED,
    "  stood by then after, s": REPLACED / 2,
    "asked to end and replaced after, s": REPLACED / 2,
}
"""The same, where the bot lives by the clock of the machine, and has enough of it."""
DUTIES = {"polls", "messages", "answers"}
"""What whoever leads asks of the upstream and Discord; whoever stands by asks nothing."""
TOO_LATE = 404
"""What an answer gets that comes too late, as from a copy that was paused in the midst of one."""
TOO_SOON = 429
"""What a post may get from whoever follows: it does not know what the other one posted in the same second."""
ERRORS = (" CRITICAL ", "Traceback")
"""What an error of the program looks like in its log."""


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
        own = [call for call in self.discord.calls if call.host == self.host and call.status != TOO_LATE]
        return Counter(
            ["polls" for call in self.upstream.calls if call.at >= since]
            + [_kind(call.path) for call in own if call.at >= since]
        )


def _kind(path: str) -> str:
    kinds = {"channels": "messages", "interactions": "answers", "webhooks": "answers"}
    return kinds.get(path.split("/")[1], "logins")


@dataclass(frozen=True, slots=True)
class Times:
    """How long it takes, in seconds."""

    together: float
    """Two copies are well, side by side."""
    pause: float
    """A holder is paused, at least."""
    lease: float
    """Its holder may say nothing."""
    watched: float
    """The one that woke up is watched."""
    leaps: bool = False
    """Whether the clock of the lease leaps to its end when nobody holds it any more; and a holder is paused between two
    requests, and not at any moment."""


class Overlap:
    """One run, in a town."""

    def __init__(self, home: Town, rng: random.Random, times: Times) -> None:
        self._figures: dict[str, float] = {}
        self._asked = Counter({"questions": 0, "  while nobody was there": 0, "  not answered": 0})
        self._online = 0
        """Copies that were online at once, at most; a paused one does not count."""
        self._errors: list[str] = []
        self._asked_by_the_woken: list[str] = []
        self._home = home
        self._rng = rng
        self._times = times
        self._clock = home.folder / f"clock-{id(self)}"
        self._ahead = 0.0
        """Seconds by which the clock of the lease is."""
        self._stories = [Story(token) for token in home.upstream.fleet if token != BYSTANDER]
        self._ledger = Ledger(home.discord, self._stories)
        self._stop = asyncio.Event()
        self._changing = False
        """Whether a holder was ended, and no other is online yet."""
        self._changes = 0
        self._calm = False
        """Whether nobody asks, and no account flips, for a moment."""
        self._frozen = 0
        """Copies whose connection outlives what they can do with it."""

    async def run(self, name: str) -> Report:
        """Live through all of it."""
        figures = self._figures
        async with self._leading("first") as first, self._standing_by("second") as second:
            async with self._life():
                figures["side by side, s"], began = self._times.together, time.monotonic()
                await asyncio.sleep(self._times.together)
                figures["polls of the one that stands by"] = second.requests(began)["polls"]
                figures["polls a second meanwhile"] = first.requests(began)["polls"] / (time.monotonic() - began)

                figures["killed and replaced after, s"] = await self._replaced(first.process.kill, silent=True)
                async with self._standing_by("third") as third:
                    await self._sleep_and_wake(second)
                    self._errors += third.process.said(*ERRORS)  # not those of its end, which may cut off an answer
                    figures["asked to end and replaced after, s"] = await self._replaced(third.process.terminate)
                began = time.monotonic()
                await self._home.discord.until(lambda: second.requests(began).keys() >= DUTIES, PATIENCE)
                figures["  requests of the one that woke up"] = second.requests(began).total()
                await self._everything_told()
            await second.process.terminate()
            self._errors += second.process.said(*ERRORS)
        return self._report(name)

    def _report(self, name: str) -> Report:
        refused = [
            f"{call.method} {call.path} {call.status}"
            for call in self._home.discord.calls
            if call.status is not None and call.status >= 400 and call.status not in {TOO_LATE, TOO_SOON}
        ]
        report = Report(name, self._figures, self._ledger.broken, [*refused, *self._errors, *self._asked_by_the_woken])
        more = {"online at once": self._online, "requests refused": len(refused), "errors logged": len(self._errors)}
        report.figures |= {**self._asked, **self._ledger.figures, **more}
        report.hold(BARS)
        return report

    async def _sleep_and_wake(self, copy: Copy) -> None:
        """Pause the holder, and see what it does when it goes on."""
        figures, gateway, began = self._figures, self._home.discord.gateway, time.monotonic()
        self._frozen = 1
        figures["paused and replaced after, s"] = await self._replaced(lambda: self._pause(copy), silent=True)
        await asyncio.sleep(began + self._times.pause - time.monotonic())
        woken = time.monotonic()
        figures["  woken after, s"] = woken - began
        copy.process.cont()
        await _says(copy.process, "standing by", times=2)
        await self._home.discord.until(lambda: gateway.connected == 1, PATIENCE)
        self._frozen = 0
        figures["  stood by then after, s"] = time.monotonic() - woken
        await asyncio.sleep(self._times.watched)
        asked = copy.requests(woken)
        figures["  its requests from then on"] = asked.total()
        self._asked_by_the_woken = [f"asked for {kind} when it woke up, {times} times" for kind, times in asked.items()]

    @contextlib.asynccontextmanager
    async def _copy(self, name: str) -> AsyncIterator[Copy]:
        """A copy, and its ways to others."""
        upstream = Upstream(self._home.upstream.fleet.values())  # the same accounts, which flip for all
        host = await self._home.discord.door()
        async with (
            serving(upstream) as url,
            self._home.bot(
                FAKE_LEASE=str(self._times.lease),
                FAKE_LEAP=str(self._clock),
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

    async def _replaced(self, end: Callable[[], Awaitable[object]], *, silent: bool = False) -> float:
        """End a holder in some way, `silent` if it cannot say so; returns how many seconds later another is online."""
        identified = len(self._home.discord.gateway.identifies)
        began, self._changing = time.monotonic(), True
        await end()
        waiting = asyncio.create_task(
            self._home.discord.until(lambda: len(self._home.discord.gateway.identifies) > identified, PATIENCE)
        )
        while silent and self._times.leaps and not waiting.done():
            self._leap()
            # Whoever had not seen the last renewal before the leap, counts anew from then on.
            await asyncio.wait({waiting}, timeout=0.5)
        await waiting
        took, self._changing = time.monotonic() - began, False
        self._changes += 1
        return took

    def _leap(self) -> None:
        """Let the lease of whoever is silent be over."""
        self._ahead += self._times.lease
        new = self._clock.with_suffix(".new")
        new.write_text(f"{self._ahead}")
        new.replace(self._clock)

    async def _pause(self, copy: Copy) -> None:
        """Pause it, but not in a transaction.

        SQLite's lock is the operating system's, and nobody could take over. PostgreSQL ends the transaction, and who
        wakes up in it says so in the log.
        """
        if self._times.leaps:
            await self._between_two_requests(copy)
        copy.process.stop()
        while await _in_a_transaction(self._home.environment["DATABASE_URL"]):
            copy.process.cont()
            await asyncio.sleep(0.02)
            copy.process.stop()
        self._calm = False

    async def _between_two_requests(self, copy: Copy) -> None:
        """Wait until it has just polled, and has nothing to tell or to answer.

        Between the last look at its lease and the sending there are some milliseconds, which a busy machine makes many.
        """
        self._calm = True
        while copy.requests(time.monotonic() - 0.5).keys() - {"polls"}:
            await asyncio.sleep(0.1)
        polls = len(copy.upstream.calls)
        await until("the next poll", lambda: len(copy.upstream.calls) > polls)
        await asyncio.sleep(0.3)

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
            while self._calm:
                await asyncio.sleep(0.05)
            story.statuses.append(self._rng.choice(NEXT[story.status]))
            self._home.upstream.fleet[story.token]["status"] = story.status
            try:
                await self._home.discord.until(lambda: self._ledger.tells(story), PATIENCE)
            except TimeoutError:
                return  # lost: the count at the end says so
            await asyncio.sleep(self._rng.uniform(0, 1))

    async def _ask(self) -> None:
        while not self._stop.is_set():
            while self._calm:
                await asyncio.sleep(0.05)
            changing, changes = self._changing, self._changes
            asking = asyncio.create_task(self._home.discord.command("token", id=BYSTANDER))
            await asyncio.wait({asking}, timeout=ANSWER_WITHIN)
            # Whoever asks while the holder dies, or before another one is online, asks in vain.
            nobody = changing or self._changing or changes != self._changes
            if nobody and not asking.done():
                asking.cancel()
                await asyncio.wait({asking})
            self._asked["questions"] += 1
            if asking.cancelled() or not (await asking).settled:
                self._asked["  while nobody was there" if nobody else "  not answered"] += 1
            await asyncio.sleep(self._rng.uniform(0, 0.3))

    async def _count(self) -> None:
        while not self._stop.is_set():
            self._online = max(self._online, self._home.discord.gateway.connected - self._frozen)
            await asyncio.sleep(0.01)

    async def _everything_told(self) -> None:
        self._stop.set()
        with contextlib.suppress(TimeoutError):
            await self._home.discord.until(lambda: self._ledger.shown == self._ledger.expected, PATIENCE)


async def _says(copy: BotProcess, words: str, times: int = 1) -> None:
    deadline = time.monotonic() + PATIENCE
    while copy.output.count(words) < times:
        assert time.monotonic() < deadline, f"it never said {words!r}:\n{copy.output}"
        await asyncio.sleep(0.05)


async def _in_a_transaction(url: str) -> bool:
    """Whether somebody is, and does not come to its end."""
    if url.startswith("sqlite"):
        return await asyncio.to_thread(_holds_the_file, url)
    database = database_at(url)
    try:
        before = await database.read(_transactions)
        await asyncio.sleep(0.1)
        return bool(before & await database.read(_transactions))
    finally:
        await database.close()


def _transactions(connection: sa.Connection) -> set[sa.Row[tuple[int, datetime]]]:
    """Those of others in this PostgreSQL database, each with its process and its begin."""
    return set(
        connection.execute(
            sa.text("""
                SELECT pid, xact_start FROM pg_stat_activity
                WHERE application_name = current_setting('application_name')
                AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
            """)
        )
    )


def _holds_the_file(url: str) -> bool:
    """Whether somebody is in the midst of a write to a SQLite file."""
    with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0.3)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


async def overlapped(database_url: str, folder: Path, times: Times, *, seed: int = 1, **settings: str) -> Report:
    """Run copies of the bot on that database."""
    engine = database_url.partition(":")[0]
    async with restless_town(database_url, folder, TOKENS) as home:
        home.environment.update(settings)
        return await Overlap(home, random.Random(seed), times).run(f"{engine}, seed {seed}")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.overlap", description=__doc__)
    parser.add_argument("--seconds", type=float, default=90, help="for which two copies run side by side")
    parser.add_argument("--pause", type=float, default=60, help="seconds for which a holder is paused")
    parser.add_argument("--engine", choices=["sqlite", "postgresql", "pgbouncer"], default="sqlite")
    parser.add_argument("--lease", type=float, default=10, help="seconds for which its holder may say nothing")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, new_database(options.engine, Path(name)) as url:
        times = Times(options.seconds, options.pause, options.lease, watched=options.lease)
        report = asyncio.run(overlapped(url, Path(name), times, seed=options.seed))
        report.hold(BARS_OF_TIME)
        return end(report)


if __name__ == "__main__":
    sys.exit(main())
