"""Ask the bot to stop, whatever it is at, and count the seconds: `python -m tests.stop`.

Hosts kill three seconds after they asked. Exit code 1 if the bot took longer, failed, or said that it did.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from bot.sandbox.imaginepro import late
from tests.report import Report, end
from tests.wire import faults
from tests.wire.process import BotProcess
from tests.wire.town import Town, town

HOSTS_KILL_AFTER = 3.0
"""Seconds."""

Busy: TypeAlias = Callable[[Town], contextlib.AbstractAsyncContextManager[BotProcess]]
"""Starts a bot, and has it at something."""


@contextlib.asynccontextmanager
async def idle(home: Town) -> AsyncIterator[BotProcess]:
    """It waits for its next poll."""
    async with home.settled_bot() as bot:
        await home.quiet_polls(1)
        yield bot


@contextlib.asynccontextmanager
async def polling(home: Town) -> AsyncIterator[BotProcess]:
    """It waits for an upstream that hangs."""
    home.upstream.fail(late(60))
    async with home.bot(POLL_INTERVAL="60s") as bot:
        await bot.wait_ready()
        await home.discord.until(lambda: len(home.upstream.calls) > 0)
        yield bot


@contextlib.asynccontextmanager
async def posting(home: Town) -> AsyncIterator[BotProcess]:
    """It waits for a Discord that hangs."""
    hangs = home.discord.outage(faults.HANG, "POST", "/channels/*/messages")
    async with home.bot() as bot:
        await home.discord.until(lambda: hangs.hits > 0)
        yield bot


@contextlib.asynccontextmanager
async def waiting_for_its_login(home: Town) -> AsyncIterator[BotProcess]:
    """It does for ten minutes what Discord asked for."""
    refuses = home.discord.outage(faults.rate_limited(600, via=False), "GET", "/users/@me")
    async with home.bot() as bot:
        await home.discord.until(lambda: refuses.hits > 0)
        await home.quiet_polls(1)
        yield bot


@contextlib.asynccontextmanager
async def out_of_reach(home: Town) -> AsyncIterator[BotProcess]:
    """It is online at a gateway that cannot be reached any more."""
    async with home.settled_bot() as bot:
        with home.discord.gateway.out_of_reach():
            yield bot


@contextlib.asynccontextmanager
async def opening(home: Town) -> AsyncIterator[BotProcess]:
    """It waits for a database that hangs."""
    called = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with home.bot(DATABASE_URL=f"postgres://bot@127.0.0.1:{port}/bot") as bot:
            await called.wait()
            yield bot


BUSY: Mapping[Busy, signal.Signals] = {
    idle: signal.SIGTERM,
    opening: signal.SIGTERM,
    polling: signal.SIGINT,
    posting: signal.SIGTERM,
    waiting_for_its_login: signal.SIGINT,
    out_of_reach: signal.SIGTERM,
}
"""What it may be at, and the signal by which it is asked."""


async def stopped(database_url: str, folder: Path, busy: Busy) -> Report:
    """Have it at something, and stop it."""
    report = Report(busy.__name__.replace("_", " "))
    async with town(database_url, folder) as home, busy(home) as bot:
        code, seconds = await bot.terminate(BUSY[busy])
    # A busy machine may be late with a poll.
    trouble = bot.said("Traceback", *([" WARNING ", " ERROR "] if busy is idle else []))
    report.add(
        {"seconds": seconds},
        {
            "another exit code than 0": [str(code)] * (code != 0),
            "said": [line for line in trouble if "job is late" not in line],
        },
    )
    return report


async def _all() -> list[Report]:
    reports = []
    for busy in BUSY:
        with tempfile.TemporaryDirectory() as name:
            reports.append(await stopped(f"sqlite:///{name}/bot.db", Path(name), busy))
            reports[-1].hold({"seconds": HOSTS_KILL_AFTER})
    return reports


def main() -> int:
    """The command."""
    argparse.ArgumentParser(prog="python -m tests.stop", description=__doc__).parse_args()
    return end(*asyncio.run(_all()))


if __name__ == "__main__":
    sys.exit(main())
