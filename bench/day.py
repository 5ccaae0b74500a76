"""Whether memory stays flat over a day, or a month: `python -m bench.day --hours 720`.

The bot as it runs, by a clock of its own on which a minute passes with each poll: 1,440 polls a day in which accounts
use fast time and change their status, with the incidents, messages, edits and reminders that come of it; four times a
day what is over for an hour is forgotten.
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
MINUTES = 60
"""In an hour."""
FLIP_EVERY = 5
"""Minutes."""
SIZE = 100
"""Accounts."""
LONG = 48
"""Hours, of more than which the table has a line a day."""


@dataclass(frozen=True, slots=True)
class Day:
    """What a day left behind."""

    hours: list[float]
    """The process's memory in MiB, the median of each hour. What measures is in that process too, and keeps no more."""
    messages: int
    """Posts and edits."""

    @property
    def growth(self) -> float:
        """The last hour's memory, in parts of the first's."""
        return self.hours[-1] / self.hours[0]

    @property
    def days(self) -> list[float]:
        """The same as `hours`, the median of each day that is over."""
        return [statistics.median(self.hours[start : start + 24]) for start in range(0, len(self.hours) - 23, 24)]


async def day(url: str, size: int = SIZE, hours: int = 24) -> Day:
    """Let the time pass."""
    clock, medians, resident = Clock(now()), list[float](), list[float]()
    async with world.running(size) as outside, living(outside.settings(url), clock) as app, open_store(url) as store:
        await online(app)
        for minute in range(hours * MINUTES):
            clock.time += MINUTE
            await outside.ask("drift", int(minute % FLIP_EVERY == 0))
            await app.monitor.poll()
            await app.monitor.tick()
            if minute % 360 == 0:
                await store.prune(clock.time - HOUR)
            resident.append(memory(os.getpid()))
            if len(resident) == MINUTES:
                medians.append(statistics.median(resident))
                resident.clear()
        messages = len(await outside.ask("deliveries"))
    return Day(medians, messages)


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
    what, figures = ("day", passed.days) if arguments.hours > LONG else ("hour", passed.hours)
    table.show((what, "resident MiB"), [(str(number), each) for number, each in enumerate(figures, start=1)])
    print(f"{passed.messages} posts and edits; the last hour is {passed.growth:.3f} of the first")
    if what == "day":
        print(f"the last day is {figures[-1] / figures[1]:.3f} of the second, when all is in use that will be")


if __name__ == "__main__":
    asyncio.run(main())
