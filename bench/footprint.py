"""Memory and time to ready, next to a client of discord.py that does nothing: `python -m bench.footprint`.

Both run as processes of their own against the same fake Discord. The bot polls each second, so that what a poll leaves
behind shows, too.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import table, world
from bot.sandbox.imaginepro import Upstream, serving
from bot.storage.store import open_store
from tests.wire.discord import Discord
from tests.wire.process import LAUNCH

SAMPLES = 50
BARE = Path(__file__).with_name("bare.py")


async def measure(
    discord: Discord, script: Path, environment: dict[str, str], is_ready: Callable[[], bool], seconds: float
) -> tuple[float, float, float]:
    """Run a script; returns its seconds to ready, and its resident memory in MiB: usually, and at its peak."""
    with tempfile.TemporaryDirectory() as folder:
        if "DATABASE_URL" not in environment:
            async with open_store(f"sqlite:///{folder}/data/bot.db"):
                pass  # all starts but the first find the tables there, and need no migrations
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(script)),
            env={
                "PATH": "",
                "FAKE_DISCORD_API": discord.api_base,
                "FAKE_DISCORD_GATEWAY": discord.gateway_url,
                **discord.environment,
                **environment,
            },
            cwd=folder,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await discord.until(is_ready, within=60)
            ready = time.monotonic() - began
            resident = []
            for _ in range(SAMPLES):
                await asyncio.sleep(seconds / SAMPLES)
                resident.append(_memory(process.pid, "VmRSS"))
            return ready, statistics.median(resident), _memory(process.pid, "VmHWM")
        finally:
            process.kill()
            await process.wait()


def _memory(pid: int, kind: str) -> float:
    """A process's resident memory in MiB, as Linux counts it: now (`VmRSS`), or at its peak (`VmHWM`)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(kind)) / 1024


async def bare(seconds: float) -> tuple[float, float, float]:
    """The client that does nothing."""
    async with Discord().serving() as discord:
        return await measure(discord, BARE, {}, lambda: bool(discord.gateway.identifies), seconds)


async def bot(size: int, seconds: float, **more: str) -> tuple[float, float, float]:
    """The bot, ready once it is online, and has told its first reading."""
    upstream = Upstream(world.fleet(size))
    async with Discord().serving() as discord, serving(upstream) as url:
        environment = {
            "IMAGINEPRO_API_KEY": upstream.api_key,
            "IMAGINEPRO_API_URL": url,
            "IMAGINEPRO_RATE_LIMIT": "10/1s",
            "POLL_INTERVAL": "1s",
            **more,
        }
        return await measure(
            discord, LAUNCH, environment, lambda: bool(discord.gateway.identifies and discord.messages()), seconds
        )


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, nargs="*", default=[0, 100, 10_000])
    parser.add_argument("--seconds", type=float, default=5, help="from ready, in which the memory is read")
    arguments = parser.parse_args()
    least = await bare(arguments.seconds)
    rows: list[table.Row] = [("a client that does nothing", least[0], 1.0, least[1], 1.0, least[2])]
    for size in arguments.tokens:
        ready, resident, peak = await bot(size, arguments.seconds)
        rows.append((f"the bot, {size} tokens", ready, ready / least[0], resident, resident / least[1], peak))
    ready, resident, peak = await bot(0, arguments.seconds, DATABASE_URL="sqlite:///new.db")
    rows.append(("the bot, first start ever", ready, ready / least[0], resident, resident / least[1], peak))
    table.show(("", "s to ready", "ratio", "resident MiB", "ratio", "peak MiB"), rows)


if __name__ == "__main__":
    asyncio.run(main())
