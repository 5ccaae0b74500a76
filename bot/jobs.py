"""What runs when: one table, and the context manager that runs it.

Jobs run on the event loop and by its clock, so they go on when the host's clock is set. No run is skipped silently:
several late ones run once, and what fails or is late is logged.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from bot.telemetry import event

logger = logging.getLogger(__name__)

GRACE = timedelta(milliseconds=500)
"""How long a job that runs may take to end when the bot stops; hosts kill 3 s after they ask."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something that runs again and again, the first time when the bot starts. It may be cancelled at any await."""

    name: str
    every: timedelta
    run: Callable[[], Awaitable[None]]


@contextlib.asynccontextmanager
async def running(jobs: Iterable[Job]) -> AsyncIterator[None]:
    """Run the jobs for as long as the context is open; on leaving, those that run may end, and then are cancelled."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(_again(job, stop)) for job in jobs]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait(tasks, timeout=GRACE.total_seconds())
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _again(job: Job, stop: asyncio.Event) -> None:
    """Run one job at its times until asked to stop."""
    now, every = asyncio.get_running_loop().time, job.every.total_seconds()
    due = now()
    while not stop.is_set():
        try:
            await job.run()
        except Exception:  # an edge: one failed run must not end the job
            logger.exception("job failed: %s", job.name)
        due += every
        if now() > due:
            event(logger, logging.WARNING, "job is late", job=job.name)
            due += every * math.floor((now() - due) / every)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await stop.wait()
