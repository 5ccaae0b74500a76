"""What runs when: one table, and the context manager that runs it.

Jobs run on the event loop by APScheduler. No run is skipped silently: a late one still runs, several late ones run
once, and what fails or is missed is logged. State is in the database, not in the scheduler.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from bot.storage.store import StoreError
from bot.telemetry import event

if TYPE_CHECKING:
    from apscheduler.events import JobEvent
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

logger = logging.getLogger(__name__)

GRACE = timedelta(milliseconds=500)
"""How long a job that runs may take to end when the bot stops; hosts kill 3 s after they ask."""

HEAD_START = timedelta(seconds=1)
"""How long the first runs may have to themselves."""

CHECK = timedelta(seconds=1)
"""How often the host's clock is compared with the event loop's, which nobody sets."""

SET_BACK = timedelta(seconds=1)
"""By how much the host's clock must be set back to be noticed: less is not missed by anybody."""


Run: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class Job(NamedTuple):
    """Something that runs again and again. It may be cancelled at any await."""

    name: str
    every: timedelta
    run: Callable[[], Awaitable[None]]
    first: timedelta = timedelta()
    """After the start."""


@contextlib.asynccontextmanager
async def running(jobs: Iterable[Job]) -> AsyncIterator[None]:
    """Run the jobs for as long as the context is open; on leaving, those that run may end, and then are cancelled.

    It opens when each ran once, or a second later.
    """
    under_way: set[asyncio.Task[None]] = set()
    over = asyncio.Event()
    runs = [(job, _guarded(job, under_way, over)) for job in jobs]
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(_end, under_way)
        began, ahead = _now(), _ahead()
        first = [asyncio.create_task(run()) for job, run in runs if not job.first]
        if first:
            # People wait for these at a start, and to import the scheduler takes a fifteenth of it.
            await asyncio.wait(first, timeout=HEAD_START.total_seconds())
        scheduler = stack.enter_context(_scheduler(runs, began))
        minding = asyncio.create_task(_mind_the_clock(scheduler, ahead))
        stack.callback(minding.cancel)
        stack.callback(over.set)  # first of all: a run that has begun, and not come to its first step, would be missed
        yield


@contextlib.contextmanager
def _scheduler(runs: Sequence[tuple[Job, Run]], began: datetime) -> "Iterator[AsyncIOScheduler]":
    """APScheduler, which runs the jobs again and again; on leaving, it begins no more."""
    with _without_pools():
        from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED  # noqa: PLC0415 - see `running`
        from apscheduler.schedulers.asyncio import AsyncIOScheduler  # noqa: PLC0415
        from apscheduler.triggers.interval import IntervalTrigger  # noqa: PLC0415

    scheduler = AsyncIOScheduler(timezone=UTC)
    scheduler.add_listener(_late, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
    for job, run in runs:
        scheduler.add_job(
            run,
            IntervalTrigger(seconds=job.every.total_seconds(), timezone=UTC),
            id=job.name,
            next_run_time=began + (job.first or job.every),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
    scheduler.start()
    try:
        yield scheduler
    finally:
        # Its own shutdown would cancel what runs and not wait for it, and the database would close under it.
        scheduler.pause()
        # Its timer lasts until the next run was due, and keeps what it knows: a term that is over, with its fleet.
        scheduler.remove_all_jobs()


@contextlib.contextmanager
def _without_pools() -> Iterator[None]:
    """Import APScheduler without its pools of threads and processes, and so without `multiprocessing`: 0.5 MiB.

    It imports them for a default of other schedulers; one that lives on an event loop has another.
    """
    pools = ModuleType("apscheduler.executors.pool")
    vars(pools)["__getattr__"] = lambda _: None  # whatever name another version imports
    found = sys.modules.setdefault(pools.__name__, pools)
    try:
        yield
    finally:
        if found is pools:
            del sys.modules[pools.__name__]  # whoever wants the real one gets it


async def _end(under_way: Collection[asyncio.Task[None]]) -> None:
    """Let what runs end by itself for a while, and then cancel it."""
    if under_way:
        await asyncio.wait(under_way, timeout=GRACE.total_seconds())
    for task in tuple(under_way):
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)


async def _mind_the_clock(scheduler: "AsyncIOScheduler", ahead: timedelta) -> None:
    """Go on when the host's clock is set back: APScheduler would wait until it says again what it said before."""
    while True:
        await asyncio.sleep(CHECK.total_seconds())
        before, ahead = ahead, _ahead()
        if before - ahead > SET_BACK:
            event(logger, logging.WARNING, "the clock was set back", by=before - ahead)
            for job in scheduler.get_jobs():
                job.modify(next_run_time=_now())


def _ahead() -> timedelta:
    """By how much the host's clock is ahead of the event loop's, which began somewhere."""
    return timedelta(seconds=_now().timestamp() - asyncio.get_running_loop().time())


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the scheduler itself lives by the host's clock


def _guarded(job: Job, under_way: set[asyncio.Task[None]], over: asyncio.Event) -> Run:
    last: asyncio.Task[None] | None = None
    trouble: type[StoreError] | None = None
    """What the database did in the last run that ended."""

    async def run() -> None:
        nonlocal last, trouble
        if over.is_set():
            return
        if last is not None and not last.done():
            _say_late(job.name)  # the first run lasts, of which the scheduler does not know
            return
        last = task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs has a task
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        try:
            await job.run()
            if trouble is not None:
                event(logger, logging.INFO, "job can use the database again", job=job.name)
            trouble = None
        except StoreError as error:
            if trouble is not type(error) and not error.unwritable:  # of which `bot.saving` tells
                trouble = type(error)
                event(logger, logging.ERROR, "job cannot use the database", job=job.name, error=str(error))
        except asyncio.CancelledError:
            return  # the bot stops, see `running`; APScheduler would log it as an error of the job
        except Exception:  # an edge: one failed run must not end the job
            logger.exception("job failed: %s", job.name)

    return run


def _late(late: "JobEvent") -> None:
    _say_late(late.job_id)


def _say_late(name: str) -> None:
    event(logger, logging.WARNING, "job is late", job=name)
