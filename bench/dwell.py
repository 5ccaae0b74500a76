"""From the upstream's answer with a flip to the message that Discord accepted: `python -m bench.dwell`.

Measured in the outside world, from the question that is answered with the flip to the end of Discord's handling of the
first message about it: the card of what began, or the word that it is over. Beside it, what such a post costs a bare
client of discord.py, from its call to its return. The difference is what the bot itself takes: read, judge, store,
fold, claim, render.
"""

import argparse
import asyncio
import statistics
import time
from datetime import timedelta

import discord

from bench import table, world
from bench.poll import Clock, databases, living, now, online
from bot.settings import Settings

SIZE = 9
"""Tokens, unless somebody asks for more: a larger fleet adds what it takes to read it."""

CALM, WAITING = timedelta(hours=1), timedelta(minutes=1)
"""What passes on the bot's clock before a token flips, and until it flips back. Flips that come one upon the other
would join one message or count as flapping; a check that waits for long would become critical."""


async def flips(outside: world.World, settings: Settings, size: int, count: int) -> list[float]:
    """Let so many tokens flip, one after another; returns how long each took to be posted, in milliseconds."""
    took, clock = [], Clock(now())
    async with living(settings, clock) as app:
        await online(app)
        for number in range(count):
            back = number % 2
            clock.time += WAITING if back else CALM
            await outside.ask("flip", world.FIRST_ID + number // 2 % size)
            posted = len(await outside.ask("deliveries"))
            await app.monitor.poll()
            while len(deliveries := await outside.ask("deliveries")) <= posted:  # noqa: ASYNC110 - in another process
                await asyncio.sleep(0.005)
            took.append(1000 * (deliveries[posted] - (await outside.ask("polls"))[-1]))
            # What is over is edited into its card as well, which must not be taken for the next flip's message.
            while not app.outbox.idle:  # noqa: ASYNC110 - it wakes nobody
                await asyncio.sleep(0.005)
    return took


async def round_trips(settings: Settings, count: int) -> list[float]:
    """Post so many messages with nothing but discord.py; returns how long each took, in milliseconds."""
    took = []
    async with discord.Client(intents=discord.Intents.none()) as client:
        await client.login(settings.discord_token.reveal())
        channel = client.get_partial_messageable(settings.ops_channel_id or 0)
        embed = discord.Embed(title="Token 1900 is VERIFYING", description="x" * 300, colour=discord.Colour.orange())
        for number in range(count):
            began = time.monotonic()
            await channel.send(embed=embed, nonce=f"bare-{number}")
            took.append(1000 * (time.monotonic() - began))
    return took


async def dwells(url: str, count: int, size: int = SIZE) -> tuple[list[float], list[float]]:
    """How long so many flips took to be posted, and so many bare posts to be made, in milliseconds."""
    async with world.running(size) as outside:
        settings = outside.settings(url)
        return await flips(outside, settings, size, count), await round_trips(settings, count)


def percentile(values: list[float], percent: int) -> float:
    """The value under which so many percent of them are."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=100)
    parser.add_argument("--tokens", type=int, default=SIZE)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    arguments = parser.parse_args()
    rows: list[table.Row] = []
    with databases(arguments.database or ["sqlite", "postgresql"]) as urls:
        for name, url in urls.items():
            ours, bare = await dwells(url, arguments.flips, arguments.tokens)
            for label, percent in (("median", 50), ("p99", 99)):
                posted, trip = percentile(ours, percent), percentile(bare, percent)
                rows.append((f"{name}: {label}", posted, trip, posted - percentile(bare, 50)))
    table.show(("ms", "flip to message", "a bare post", "more than a median post"), rows)


if __name__ == "__main__":
    asyncio.run(main())
