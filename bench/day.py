"""Whether memory stays flat over a day: `python -m bench.day`.

The bot as it runs, by a clock of its own on which a minute passes with each poll: 1,440 polls in which accounts use
fast time and change their status, with the incidents, messages, edits and reminders that come of it; four times what is
over for an hour is forgotten.
"""

import argparse
import asyncio
import multiprocessing
import os
import statistics
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from bench import table, world
from bench.footprint import memory
from bench.poll import Clock, files, living, now, online
from bot.storage.store import open_store

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FLIP_EVERY = 5
"""Minutes."""
SIZE = 100
"""Accounts."""


@dataclass(frozen=True, slots=True)
class Day:
    """What a day left behind."""

    hours: list[float]
    """The process's memory in MiB, the median of each hour."""
    messages: int
    """Posts and edits."""

    @property
    def growth(self) -> float:
        """The last hour's memory, in parts of the first's."""
        return self.hours[-1] / self.hours[0]


async def day(url: str, size: int = SIZE, hours: int = 24) -> Day:
    """Let the time pass."""
    clock, resident = Clock(now()), []
    async with world.running(size) as outside, living(outside.settings(url), clock) as app, open_store(url) as store:
        await online(app)
        for minute in range(hours * 60):
            clock.time += MINUTE
            await outside.ask("drift", int(minute % FLIP_EVERY == 0))
            await app.monitor.look()
            await app.monitor.tick()
            if minute % 360 == 0:
                await store.prune(clock.time - HOUR)
            resident.append(memory(os.getpid()))
        messages = len(await outside.ask("deliveries"))
    return Day([statistics.median(resident[start : start + 60]) for start in range(0, len(resident), 60)], messages)


async def apart(url: str) -> Day:
    """The same in a process of its own, so that what else is measured here does not count, and was not begun by it."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return await asyncio.get_running_loop().run_in_executor(process, _day, url)


def _day(url: str) -> Day:
    return asyncio.run(day(url))


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=SIZE)
    parser.add_argument("--hours", type=int, default=24)
    arguments = parser.parse_args()
    with files("day") as urls:
        passed = await day(urls["day"], arguments.tokens, arguments.hours)
    table.show(("hour", "resident MiB"), [(str(number), each) for number, each in enumerate(passed.hours, start=1)])
    print(f"{passed.messages} posts and edits; the last hour is {passed.growth:.3f} of the first")


if __name__ == "__main__":
    asyncio.run(main())
