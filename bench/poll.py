"""How long polls and scrapes of a large fleet hold up the event loop, and what they cost: `python -m bench.poll`.

The bot as it runs, on each database in turn. A task that sleeps for a millisecond at a time measures how late it wakes:
that is how long a person's command would have waited.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import aiohttp

from bench import table, world
from bot import __main__ as program
from bot import telemetry
from bot.app import opened
from bot.domain.value import replace
from bot.settings import Settings
from bot.term import App
from tests.storage.servers import PostgreSQL

FLIPS = 3
"""Tokens whose status changes in each poll."""

DELIVERED = 3
"""Messages after which a storm has shown what it costs; each of the others costs the same."""

TICK = 0.001
"""Seconds."""

DECODER = """
import json, sys, time
body = sys.stdin.buffer.readline()
while sys.stdin.buffer.readline():
    began = time.thread_time()
    json.loads(body)
    print(1000 * (time.thread_time() - began), flush=True)
"""


Plainly: TypeAlias = Callable[[], Awaitable[float]]
"""Has the fleet's answer read by `json.loads`, and gives the milliseconds of CPU that it took."""


@dataclass(slots=True)
class Span:
    """What the process did meanwhile. Times are in milliseconds."""

    wall: float = 0
    cpu: float = 0
    """Of all its threads."""
    late: float = 0
    """The longest that the event loop did not run a task that was due."""
    blocked: float = 0
    """The longest of it in which this process computed: the rest is other programs on the same cores."""


@contextlib.asynccontextmanager
async def measured() -> AsyncIterator[Span]:
    """Measure what happens inside of the context."""
    span = Span()
    watcher = asyncio.create_task(_watch(span))
    await asyncio.sleep(5 * TICK)
    span.late = span.blocked = 0
    wall, cpu = time.perf_counter(), time.process_time()
    yield span
    span.wall, span.cpu = 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu)
    await asyncio.sleep(5 * TICK)
    watcher.cancel()


async def _watch(span: Span) -> None:
    while True:
        before, computed = time.perf_counter(), time.process_time()
        await asyncio.sleep(TICK)
        late = 1000 * (time.perf_counter() - before - TICK)
        span.late = max(span.late, late)
        span.blocked = max(span.blocked, min(late, 1000 * (time.process_time() - computed)))


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)  # noqa: TID251 - a composition root


@dataclass(slots=True)
class Clock:
    """A clock on which the time passes when somebody says so."""

    time: datetime

    def __call__(self) -> datetime:
        """What it shows."""
        return self.time


@contextlib.asynccontextmanager
async def living(settings: Settings, clock: Callable[[], datetime] = now) -> AsyncIterator[App]:
    """The bot, with its jobs running, on its way into Discord, in an interpreter that is set up as its own.

    It writes its log, to nowhere.
    """
    program.set_up_interpreter()
    with Path(os.devnull).open("w") as nowhere:  # noqa: ASYNC230 - nothing is there to wait for
        telemetry.configure(settings.log_level, settings.log_format, settings.secrets, nowhere)
        async with opened(settings, clock) as app:
            talking = asyncio.create_task(app.client.talk(settings.discord_token.reveal()))
            try:
                yield app
            finally:
                talking.cancel()
                await asyncio.wait({talking})


@contextlib.contextmanager
def files(*names: str) -> Iterator[dict[str, str]]:
    """SQLite databases that are not there yet, by name."""
    with tempfile.TemporaryDirectory() as folder:
        yield {name: f"sqlite:///{Path(folder) / name}.db" for name in names}


@contextlib.contextmanager
def databases(names: list[str]) -> Iterator[dict[str, str]]:
    """An empty database of each engine, by name."""
    with files("sqlite") as urls, contextlib.ExitStack() as stack:
        if "postgresql" in names:
            urls["postgresql"] = stack.enter_context(PostgreSQL.running()).new_database()
        yield {name: urls[name] for name in names}


async def polls(outside: world.World, app: App, count: int, plainly: Plainly) -> tuple[list[Span], float]:
    """Poll so many times, each time after something changed; and between, what `json.loads` takes, as a median."""
    spans, plain = [], []
    for _ in range(count):
        await outside.ask("drift", FLIPS)
        plain.append(await plainly())
        async with measured() as span:
            await app.monitor.poll()
        spans.append(span)
    return spans, statistics.median(plain)


async def online(app: App) -> None:
    """Wait until the bot is online and its first poll is over."""
    await app.client.logged_in.wait()
    await app.client.wait_until_ready()
    await asyncio.sleep(1)


async def delivered(outside: world.World, messages: int) -> None:
    """Wait until Discord has taken so many messages in all."""
    while len(await outside.ask("deliveries")) < messages:  # noqa: ASYNC110 - it happens in another process
        await asyncio.sleep(0.05)


async def answer(settings: Settings) -> bytes:
    """The upstream's answer with the fleet."""
    headers = {"Authorization": f"Bearer {settings.api_key.reveal()}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{settings.api_url}/api/v1/discord/tokens") as response,
    ):
        return await response.read()


@contextlib.asynccontextmanager
async def decoder(body: bytes) -> AsyncIterator[Plainly]:
    """`json.loads` in a process that has nothing of the bot: neither its fleet nor its memory and garbage settings."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", DECODER), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin  # noqa: S101 - it was started with both
    assert process.stdout  # noqa: S101 - the same
    source, sink = process.stdout, process.stdin
    sink.write(body + b"\n")

    async def decode() -> float:
        sink.write(b"\n")
        return float(await source.readline())

    try:
        yield decode
    finally:
        process.kill()
        await process.wait()


@dataclass(frozen=True, slots=True)
class Costs:
    """What the bot takes, with a fleet of some size, on some database."""

    plain: float
    """Milliseconds of CPU of a `json.loads` of the fleet, measured between the polls, in another process."""
    asked: int
    """Requests that the polls made."""
    first_start: Span
    """On an empty database, until everything is open."""
    first_poll: Span
    """Until the first reading's summary is posted."""
    start: Span
    """On a database with the fleet."""
    polls: list[Span]
    storm: Span
    """The poll in which every status changed."""
    notifying: Span
    """What it called for, into summaries, and the first of them delivered."""
    idle: Span
    """A second without a poll."""

    @property
    def poll(self) -> float:
        """Milliseconds of CPU of a poll, the median."""
        return statistics.median(span.cpu for span in self.polls)


async def costs(url: str, size: int, count: int) -> Costs:
    """Measure on one database."""
    async with world.running(size) as outside:
        settings = outside.settings(url)
        body = await answer(settings)
        async with measured() as idle:
            await asyncio.sleep(1)
        async with contextlib.AsyncExitStack() as stack:
            async with measured() as first_start:
                await stack.enter_async_context(living(settings))
            async with measured() as first_poll:
                await delivered(outside, 1)
        async with contextlib.AsyncExitStack() as stack:
            async with measured() as start:
                app = await stack.enter_async_context(living(settings))
            decode = await stack.enter_async_context(decoder(body))
            await online(app)
            await polls(outside, app, 1, decode)  # in the first after a start all is judged anew
            before = len(await outside.ask("polls"))
            spans, plain = await polls(outside, app, count, decode)
            asked = len(await outside.ask("polls")) - before
            posted = len(await outside.ask("deliveries"))
            await outside.ask("storm", "VERIFYING")
            async with measured() as storm:
                await app.monitor.poll()
            async with measured() as notifying:
                await delivered(outside, posted + min(DELIVERED, size // 100))
    return Costs(plain, asked, first_start, first_poll, start, spans, storm, notifying, idle)


async def in_turns(urls: Mapping[int, str], count: int) -> dict[int, float]:
    """Milliseconds of CPU of a poll, the median of so many, of fleets of these sizes, on a database each.

    They take turns, since the machine is faster at one time than at another. Nothing is posted meanwhile: a message
    takes the same, however large the fleet is.
    """
    spent: dict[int, list[float]] = {size: [] for size in urls}
    async with contextlib.AsyncExitStack() as stack:
        bots = {}
        for size, url in urls.items():
            outside = await stack.enter_async_context(world.running(size))
            app = await stack.enter_async_context(living(outside.settings(url)))
            await online(app)
            bots[size] = outside, app
        for turn in range(1 + count):
            for size, (outside, app) in bots.items():
                await outside.ask("drift", 0)
                async with measured() as span:
                    await app.monitor.poll()
                if turn:  # in the first after a start all is judged anew
                    spent[size].append(span.cpu)
    return {size: statistics.median(each) for size, each in spent.items()}


@dataclass(frozen=True, slots=True)
class Scrapes:
    """What it takes to be asked for the figures."""

    spans: list[Span]
    plain: int
    """Bytes."""
    packed: int
    """Bytes for whoever takes gzip, as Prometheus does."""


async def scrapes(url: str, size: int, count: int) -> Scrapes:
    """Ask a bot with a fleet of this size for its figures, so many times."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    spans = []
    async with (
        world.running(size) as outside,
        living(replace(outside.settings(url), port=port)) as app,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", auto_decompress=False) as session,
    ):
        await online(app)
        await delivered(outside, 1)  # the fleet is known by then

        async def scrape(coding: str) -> int:
            async with session.get("/metrics", headers={"Accept-Encoding": coding}) as response:
                return len(await response.read())

        plain, packed = await scrape("identity"), await scrape("gzip")
        for _ in range(count):
            async with measured() as span:
                await scrape("gzip")
            spans.append(span)
    return Scrapes(spans, plain, packed)


def rows(name: str, measured: Costs) -> list[table.Row]:
    """The rows of the table for one database."""

    def row(what: str, *spans: Span) -> table.Row:
        cpu = statistics.median(span.cpu for span in spans)
        return (
            f"{name}: {what}",
            statistics.median(span.wall for span in spans),
            cpu,
            cpu / measured.plain,
            max(span.blocked for span in spans),
            max(span.late for span in spans),
        )

    return [
        (f"{name}: json.loads of the answer", measured.plain, measured.plain, 1.0, None, None),
        row("nothing at all, for a second", measured.idle),
        row("start on an empty database, with a first poll", measured.first_start),
        row("first poll, until it is posted", measured.first_poll),
        row("start on a database with the fleet, with a poll", measured.start),
        row(f"poll, 1 % changed (median of {len(measured.polls)})", *measured.polls),
        row("poll, everything changed", measured.storm),
        row(f"its first {DELIVERED} summaries", measured.notifying),
    ]


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=10_000)
    parser.add_argument("--polls", type=int, default=20)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    arguments = parser.parse_args()
    with databases(arguments.database or ["sqlite", "postgresql"]) as urls:
        for name, url in urls.items():
            found = await costs(url, arguments.tokens, arguments.polls)
            print(f"{name}: {found.asked} requests for {arguments.polls} polls of {arguments.tokens} tokens")
            table.show(("", "wall ms", "CPU ms", "CPU / json.loads", "loop blocked ms", "late ms"), rows(name, found))
    with files("scraped") as urls:
        asked = await scrapes(urls["scraped"], arguments.tokens, arguments.polls)
    print(f"a scrape of /metrics: {asked.plain:,} bytes, {asked.packed:,} packed")
    wall, cpu = (statistics.median(getattr(span, each) for span in asked.spans) for each in ("wall", "cpu"))
    blocked, late = (max(getattr(span, each) for span in asked.spans) for each in ("blocked", "late"))
    head = ("", "wall ms", "CPU ms", "loop blocked ms", "late ms")
    table.show(head, [(f"a scrape, packed (median of {len(asked.spans)})", wall, cpu, blocked, late)])


if __name__ == "__main__":
    asyncio.run(main())
