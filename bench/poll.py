"""How long polls of a large fleet hold up the event loop, and what they cost: `python -m bench.poll`.

The bot as it runs, on each database in turn. A task that sleeps for a millisecond at a time measures how late it wakes:
that is how long a person's command would have waited.
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from bench import table, world
from bot.app import App, opened
from bot.imaginepro import wire
from bot.settings import Settings
from tests.storage.servers import PostgreSQL

FLIPS = 3
"""Tokens whose status changes in each poll."""

DELIVERED = 3
"""Messages after which a storm has shown what it costs; each of the others costs the same."""

TICK = 0.001
"""Seconds."""


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


@contextlib.asynccontextmanager
async def living(settings: Settings) -> AsyncIterator[App]:
    """The bot, with its jobs running, on its way into Discord."""
    async with opened(settings, now) as app:
        talking = asyncio.create_task(app.client.talk(settings.discord_token.reveal()))
        try:
            yield app
        finally:
            talking.cancel()
            await asyncio.wait({talking})


@contextlib.contextmanager
def databases(names: list[str]) -> Iterator[dict[str, str]]:
    """An empty database of each engine, by name."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        urls = {"sqlite": lambda: f"sqlite:///{Path(folder) / 'bot.db'}"}
        if "postgresql" in names:
            urls["postgresql"] = stack.enter_context(PostgreSQL.running()).new_database
        yield {name: urls[name]() for name in names}


async def polls(outside: world.World, app: App, count: int) -> list[Span]:
    """Look so many times, each time after something changed."""
    spans = []
    for _ in range(count):
        await outside.ask("drift", FLIPS)
        async with measured() as span:
            await app.monitor.look()
        spans.append(span)
    return spans


async def online(app: App) -> None:
    """Wait until the bot is online and its first look is over."""
    await app.client.logged_in.wait()
    await app.client.wait_until_ready()
    await asyncio.sleep(1)


async def delivered(outside: world.World, messages: int) -> None:
    """Wait until Discord has taken so many messages in all."""
    while len(await outside.ask("deliveries")) < messages:  # noqa: ASYNC110 - it happens in another process
        await asyncio.sleep(0.05)


async def decoding(settings: Settings) -> tuple[float, float]:
    """Milliseconds of CPU that it takes to read the fleet's JSON: by `json.loads`, and into records."""
    headers = {"Authorization": f"Bearer {settings.api_key.reveal()}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{settings.api_url}/api/v1/discord/tokens") as response,
    ):
        body = await response.read()

    def cost(read: object) -> float:
        assert callable(read)  # noqa: S101 - for the type checker
        began = time.thread_time()
        read(body)
        return 1000 * (time.thread_time() - began)

    return (
        statistics.median(cost(json.loads) for _ in range(9)),
        statistics.median(cost(wire.records) for _ in range(9)),
    )


async def engine(name: str, url: str, size: int, count: int) -> list[table.Row]:
    """Measure on one database."""
    rows: list[table.Row] = []

    def row(what: str, *spans: Span) -> None:
        rows.append(
            (
                f"{name}: {what}",
                statistics.median(span.wall for span in spans),
                cpu := statistics.median(span.cpu for span in spans),
                cpu / plain,
                max(span.blocked for span in spans),
                max(span.late for span in spans),
            )
        )

    async with world.running(size) as outside:
        settings = outside.settings(url)
        plain, ours = await decoding(settings)
        rows += [
            ("json.loads of the answer", plain, plain, 1.0, None, None),
            ("the answer into records", ours, ours, ours / plain, None, None),
        ]
        async with measured() as idle:
            await asyncio.sleep(1)
        row("nothing at all, for a second", idle)
        async with contextlib.AsyncExitStack() as stack:
            async with measured() as start:
                app = await stack.enter_async_context(living(settings))
            row("start, on an empty database", start)
            async with measured() as first:
                await delivered(outside, 1)
            row("first poll, until it is told", first)
        async with contextlib.AsyncExitStack() as stack:
            async with measured() as start:
                app = await stack.enter_async_context(living(settings))
            row("start, on a database with the fleet", start)
            await online(app)
            before = len(await outside.ask("polls"))
            spans = await polls(outside, app, count)
            asked = len(await outside.ask("polls")) - before
            row(f"poll, 1 % changed (median of {count})", *spans)
            told = len(await outside.ask("deliveries"))
            await outside.ask("storm", "VERIFYING")
            async with measured() as storm:
                await app.monitor.look()
            row("poll, everything changed", storm)
            async with measured() as telling:
                await delivered(outside, told + DELIVERED)
            row(f"its first {DELIVERED} summaries", telling)
        print(f"{name}: {asked} requests for {count} polls of {size} tokens")
    return rows


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=10_000)
    parser.add_argument("--polls", type=int, default=20)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    arguments = parser.parse_args()
    with databases(arguments.database or ["sqlite", "postgresql"]) as urls:
        for name, url in urls.items():
            rows = await engine(name, url, arguments.tokens, arguments.polls)
            table.show(("", "wall ms", "CPU ms", "CPU / json.loads", "loop blocked ms", "late ms"), rows)


if __name__ == "__main__":
    asyncio.run(main())
