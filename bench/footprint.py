"""Memory and time to ready, next to a client of discord.py that only answers `/ping`: `python -m bench.footprint`.

Both run as processes of their own against the same fake Discord, in turns. A client is ready once it has a session and
its command is registered; the bot, once it has also stored its first reading. While its memory is read the bot polls
each second, so that what a poll leaves behind shows, too. `--storm` has the bot alone, in trouble.
"""

import argparse
import asyncio
import contextlib
import functools
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from bench import table, world
from bot.sandbox.imaginepro import Upstream, serving
from bot.storage.store import open_store
from tests.wire.discord import Discord
from tests.wire.process import LAUNCH

SAMPLES = 20
BARE = Path(__file__).with_name("bare.py")
DATABASE = Path("data") / "bot.db"
STORM = ("VERIFYING", "FAST", "BANNED", "RELAX") * 3
STORM_LASTS = 6
"""Seconds, in which a poll finds each of it and summaries name it."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a process took."""

    ready: float
    """Seconds from its start."""
    cpu: float
    """Of that, seconds of computing, of all its threads."""
    resident: float
    """MiB, the median."""
    peak: float
    """MiB."""


async def measure(
    script: Path, discord: Discord, environment: dict[str, str], is_ready: Callable[[], bool], seconds: float
) -> Footprint:
    """Run a script until it is ready, and watch its memory for so many seconds from then on."""
    async with launched(script, discord, environment) as process:
        began = time.monotonic()
        async with asyncio.timeout(60):
            while not is_ready():  # noqa: ASYNC110 - part of it happens in another process
                await asyncio.sleep(0.002)
        ready, cpu = time.monotonic() - began, _cpu(process.pid)
        resident = []
        for _ in range(SAMPLES):
            await asyncio.sleep(seconds / SAMPLES)
            resident.append(memory(process.pid))
        return Footprint(ready, cpu, statistics.median(resident), memory(process.pid, "VmHWM"))


@contextlib.asynccontextmanager
async def launched(
    script: Path, discord: Discord, environment: dict[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a script of a client of that Discord; killed in the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", str(script)),
        env={
            "PATH": "",
            "FAKE_DISCORD_API": discord.api_base,
            "FAKE_DISCORD_GATEWAY": discord.gateway_url,
            **discord.environment,
            **environment,
        },
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


@functools.cache
def _status(pid: int) -> Path:
    """Made once: each new path adds to Python's table of interned strings, which grows by 2 MiB when it was used up."""
    return Path(f"/proc/{pid}/status")


def memory(pid: int, kind: str = "VmRSS") -> float:
    """A process's resident memory in MiB, as Linux counts it: now (`VmRSS`), or at its peak (`VmHWM`)."""
    lines = _status(pid).read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(kind)) / 1024


def _cpu(pid: int) -> float:
    """Seconds that the threads of a process computed, for the program and for the system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def has_session(discord: Discord) -> bool:
    """Whether a client has opened a session and registered its commands."""
    return bool(discord.gateway.identifies and discord.commands.get(discord.guild.id))


async def bare(seconds: float) -> Footprint:
    """The client that answers `/ping`."""
    async with Discord().serving() as discord:
        return await measure(BARE, discord, {}, lambda: has_session(discord), seconds)


async def bot(size: int, seconds: float, *, first: bool = False) -> Footprint:
    """The bot with so many tokens, on a database that is there; or on none, for its `first` start."""
    async with _surroundings(Upstream(world.fleet(size)), first=first) as (discord, environment, is_ready):
        return await measure(LAUNCH, discord, environment, is_ready, seconds)


async def storm(size: int) -> list[tuple[str, float, float]]:
    """What the bot takes, in MiB now and at its peak, while all of so many tokens change their status together."""
    upstream, found = Upstream(world.fleet(size)), []
    async with (
        _surroundings(upstream) as (discord, environment, is_ready),
        launched(LAUNCH, discord, environment) as process,
    ):
        while not is_ready():  # noqa: ASYNC110 - part of it happens in another process
            await asyncio.sleep(0.1)
        for number, status in enumerate(STORM, start=1):
            for listed in upstream.fleet.values():
                listed["status"] = status
            await asyncio.sleep(STORM_LASTS)
            found.append((f"{number}. {status}", memory(process.pid), memory(process.pid, "VmHWM")))
    return found


@contextlib.asynccontextmanager
async def _surroundings(
    upstream: Upstream, *, first: bool = False
) -> AsyncIterator[tuple[Discord, dict[str, str], Callable[[], bool]]]:
    """A Discord, the environment that a bot there has, and whether it is ready."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / DATABASE
        url = f"sqlite:///{path}"
        if not first:
            async with open_store(url):
                pass  # makes the tables

        def stored() -> bool:
            if not path.exists():
                return False
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
                try:
                    return database.execute("SELECT read_at FROM installation").fetchone() not in {None, (None,)}
                except sqlite3.OperationalError:
                    return False  # no tables yet

        async with Discord().serving() as discord, serving(upstream) as api:
            environment = {
                "DATABASE_URL": url,
                "IMAGINEPRO_API_KEY": upstream.api_key,
                "IMAGINEPRO_API_URL": api,
                "IMAGINEPRO_RATE_LIMIT": "10/1s",
                "POLL_INTERVAL": "1s",
            }
            yield discord, environment, lambda: has_session(discord) and stored()


def median(footprints: list[Footprint]) -> Footprint:
    """What is usual among them."""
    return Footprint(
        statistics.median(each.ready for each in footprints),
        statistics.median(each.cpu for each in footprints),
        statistics.median(each.resident for each in footprints),
        statistics.median(each.peak for each in footprints),
    )


async def in_turns(sizes: list[int], seconds: float, times: int) -> tuple[list[Footprint], dict[int, list[Footprint]]]:
    """Both so many times: the client that answers `/ping`, and the bot with fleets of these sizes."""
    least: list[Footprint] = []
    ours: dict[int, list[Footprint]] = {size: [] for size in sizes}
    for _ in range(times):
        least.append(await bare(seconds))
        for size in sizes:
            ours[size].append(await bot(size, seconds))
    return least, ours


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, nargs="*", default=[0, 100, 10_000])
    parser.add_argument("--seconds", type=float, default=3, help="from ready, in which the memory is read")
    parser.add_argument("--times", type=int, default=5, help="each, in turns; the table has the medians")
    parser.add_argument("--storm", action="store_true", help="of 10,000 tokens that change together, 12 times")
    arguments = parser.parse_args()
    if arguments.storm:
        table.show(("every status", "resident MiB", "peak MiB"), await storm(10_000))
        return
    plain, ours = await in_turns(arguments.tokens, arguments.seconds, arguments.times)
    first = [await bot(0, arguments.seconds, first=True) for _ in range(arguments.times)]
    least = median(plain)
    runs = {"a client that answers /ping": plain}
    runs |= {f"the bot, {size} tokens": each for size, each in ours.items()}
    rows: list[table.Row] = [
        (
            name,
            (usual := median(each)).ready,
            usual.ready / least.ready,
            usual.cpu,
            usual.resident,
            usual.resident / least.resident,
            usual.peak,
        )
        for name, each in (runs | {"the bot, first start ever": first}).items()
    ]
    table.show(("", "s to ready", "ratio", "s of CPU", "resident MiB", "ratio", "peak MiB"), rows)


if __name__ == "__main__":
    asyncio.run(main())
