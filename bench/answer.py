"""How long a person waits for `/token` while 10,000 tokens are read every second: `python -m bench.answer`.

Beside it `/ping` of a client that does nothing else, on a Discord of the same kind. The two are asked in turns, now one
first and now the other, so that whatever else the machine does holds up both.
"""

import argparse
import asyncio
import contextlib
import gc
import itertools
import random
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from bench import table, world
from bench.dwell import percentile
from bench.footprint import BARE, has_session, launched
from tests.wire.discord import Discord
from tests.wire.process import LAUNCH

FLIP_EVERY = 10
"""Seconds after which one more token changes its status, and a message comes of it."""

WARM_UP = 20
"""Answers that are not counted: the first of a kind take longer."""


@dataclass(slots=True)
class Answers:
    """How long people waited, in milliseconds."""

    ping: list[float] = field(default_factory=list)
    token: list[float] = field(default_factory=list)


async def answers(size: int, count: int) -> Answers:
    """Ask both so many times."""
    dice, waited = random.Random(0), Answers()
    async with (
        _no_garbage(),
        world.running(size) as outside,
        Discord().serving() as plain,
        Discord().serving() as ours,
        launched(BARE, plain, {}),
        _bot(ours, outside),
        _changing(outside),
    ):
        while not (has_session(plain) and has_session(ours) and ours.messages()):  # noqa: ASYNC110 - other processes
            await asyncio.sleep(0.1)
        for number in range(count + WARM_UP):
            asked = [
                (waited.ping, plain.command("ping")),
                (waited.token, ours.command("token", id=world.FIRST_ID + dice.randrange(size))),
            ]
            for times, command in asked if number % 2 else reversed(asked):
                answered = await command
                if number >= WARM_UP:
                    times.append(1000 * (answered.seconds or 3))
            await asyncio.sleep(dice.uniform(0.01, 0.03))
    return waited


@contextlib.asynccontextmanager
async def _no_garbage() -> AsyncIterator[None]:
    """Let Python not look for garbage here, where Discord is played: it would, most of all, amid the larger answers."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextlib.asynccontextmanager
async def _bot(discord: Discord, outside: world.World) -> AsyncIterator[None]:
    upstream = {name: value for name, value in outside.environment.items() if name.startswith("IMAGINEPRO")}
    with tempfile.TemporaryDirectory() as folder:
        more = {"DATABASE_URL": f"sqlite:///{folder}/bot.db", "POLL_INTERVAL": "1s"}
        async with launched(LAUNCH, discord, upstream | more):
            yield


@contextlib.asynccontextmanager
async def _changing(outside: world.World) -> AsyncIterator[None]:
    async def change() -> None:
        for second in itertools.count():
            await outside.ask("drift", int(second % FLIP_EVERY == 0))
            await asyncio.sleep(1)

    task = asyncio.create_task(change())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=10_000)
    parser.add_argument("--asked", type=int, default=2500)
    arguments = parser.parse_args()
    waited = await answers(arguments.tokens, arguments.asked)
    rows: list[table.Row] = []
    for percent in (50, 90, 95, 99):
        token, ping = percentile(waited.token, percent), percentile(waited.ping, percent)
        rows.append((f"p{percent}", token, ping, token / ping))
    table.show(("ms", "/token", "a bare client's /ping", "ratio"), rows)


if __name__ == "__main__":
    asyncio.run(main())
