"""Jobs run, and go on running, whatever happens in one run of them."""

import asyncio
import gc
import logging
import weakref
from datetime import datetime, timedelta, tzinfo
from typing import Self

import pytest
from apscheduler.schedulers import base

from bot import jobs
from bot.jobs import CHECK, GRACE, HEAD_START, Job, running
from bot.storage.store import StoreDamagedError, StoreError, StoreUnavailableError
from tests.leap import leaping, time_of_day  # noqa: F401 - time leaps in all tests of this module

MINUTE = timedelta(minutes=1)


class HostsClock(datetime):
    """The host's clock, which goes with the loop's, and is wrong by some hours if a test says so."""

    error = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Now, as the host has it."""
        return cls.fromtimestamp((time_of_day() + cls.error).timestamp(), tz)


@pytest.fixture(autouse=True)
def hosts_clock(monkeypatch: pytest.MonkeyPatch) -> type[HostsClock]:
    """For the bot's table of jobs and for APScheduler, both of which live by it."""
    monkeypatch.setattr(HostsClock, "error", timedelta())
    monkeypatch.setattr(jobs, "datetime", HostsClock)
    monkeypatch.setattr(base, "datetime", HostsClock)
    return HostsClock


class Runs:
    """Work that notes when it was done, in seconds since the test began."""

    def __init__(self) -> None:
        self._began = asyncio.get_running_loop().time()
        self.at: list[float] = []

    async def __call__(self) -> None:
        """Do it."""
        self.at.append(round(asyncio.get_running_loop().time() - self._began, 3))


async def wait(*times: timedelta) -> None:
    """Let that time go by."""
    await asyncio.sleep(sum(times, timedelta()).total_seconds())


async def test_a_job_runs_at_once_and_again() -> None:
    work = Runs()
    async with running([Job("work", MINUTE, work)]):
        await wait(2.5 * MINUTE)
    await wait(3 * MINUTE)
    assert work.at == [0, 60, 120], "it ends with the context"


async def test_a_run_that_fails_is_logged_and_the_next_one_comes(caplog: pytest.LogCaptureFixture) -> None:
    runs: list[int] = []

    async def work() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            message = "a bug"
            raise ZeroDivisionError(message)

    async with running([Job("work", MINUTE, work)]):
        await wait(1.5 * MINUTE)
    assert len(runs) == 2
    assert "job failed: work" in caplog.text
    assert "a bug" in caplog.text


async def test_a_database_that_fails_a_job_is_one_line_and_its_return_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "bot.jobs")
    errors: list[StoreError] = [
        *3 * [StoreUnavailableError("the connection was lost")],
        *3 * [StoreUnavailableError("the disk is full", unwritable=True)],
        StoreUnavailableError("the connection was lost"),
        StoreDamagedError("the server reports damage"),
    ]

    async def work() -> None:
        if errors:
            raise errors.pop(0)

    async with running([Job("work", MINUTE, work)]):
        await wait(10.5 * MINUTE)
    assert [record.getMessage() for record in caplog.records] == [
        "job cannot use the database",
        "job cannot use the database",
        "job can use the database again",
    ]
    assert all(record.exc_info is None for record in caplog.records)


async def test_a_run_that_is_slow_is_not_run_twice_at_once_and_the_delay_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    began = Runs()

    async def work() -> None:
        await began()
        await wait(2.5 * MINUTE)

    async with running([Job("work", MINUTE, work)]):
        await wait(6.5 * MINUTE)
    assert began.at == [0, 180, 360], "the first run is not the scheduler's, and counts too"
    assert caplog.messages.count("job is late") == 4


async def test_a_first_run_that_hangs_keeps_no_other_job_from_running_again() -> None:
    work = Runs()

    async def hang() -> None:
        await asyncio.Event().wait()

    async with running([Job("hanging", MINUTE, hang), Job("work", HEAD_START / 4, work)]):
        await wait(HEAD_START)
    assert work.at[:2] == [0, HEAD_START.total_seconds()], "until then the first runs have it all to themselves"
    assert len(work.at) > 3


async def test_a_job_that_is_in_no_hurry_runs_first_when_its_time_has_come() -> None:
    work = Runs()
    async with running([Job("work", 30 * MINUTE, work, first=2 * MINUTE)]):
        await wait(40 * MINUTE)
    assert work.at == [120, 120 + 1800]


async def test_a_run_may_end_before_the_context_does() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        await wait(HEAD_START, 0.9 * GRACE)
        ended.set()

    async with running([Job("work", MINUTE, work)]):
        assert started.is_set()
        assert not ended.is_set()
    assert ended.is_set()


async def test_a_run_that_hangs_is_cancelled_when_the_context_ends() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    began = asyncio.get_running_loop().time()
    async with running([Job("work", MINUTE, work)]):
        assert started.is_set()
    assert cancelled.is_set()
    assert asyncio.get_running_loop().time() - began == pytest.approx((HEAD_START + GRACE).total_seconds())


async def test_a_job_is_let_go_of_long_before_its_next_run_was_due() -> None:
    work = Runs()
    there = weakref.ref(work)
    async with running([Job("work", 60 * MINUTE, work)]):
        await wait(MINUTE)
    del work
    await wait(HEAD_START)
    gc.collect()
    assert there() is None


async def test_jobs_go_on_when_the_hosts_clock_is_set_back(
    hosts_clock: type[HostsClock], caplog: pytest.LogCaptureFixture
) -> None:
    work = Runs()
    async with running([Job("work", MINUTE, work)]):
        for hours in (1, 5, 3):
            hosts_clock.error = timedelta(hours=-hours)
            before = len(work.at)
            await wait(3 * MINUTE, CHECK)
            assert len(work.at) >= before + 3
    assert caplog.text.count("the clock was set back") == 2
