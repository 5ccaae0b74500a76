"""Jobs run, and go on running, whatever happens in one run of them."""

import asyncio
from datetime import datetime, timedelta, tzinfo
from typing import Self

import pytest
from apscheduler.schedulers import base

from bot import jobs
from bot.jobs import Job, running
from tests.waiting import until

SOON = timedelta(milliseconds=20)


async def seen(event: asyncio.Event) -> None:
    """Wait for it, but not for ever."""
    async with asyncio.timeout(5):
        await event.wait()


async def test_a_job_runs_at_once_and_again() -> None:
    runs: list[int] = []
    twice = asyncio.Event()

    async def work() -> None:
        runs.append(len(runs))
        if len(runs) > 1:
            twice.set()

    async with running([Job("work", SOON, work)]):
        await seen(twice)
    count = len(runs)
    await asyncio.sleep(3 * SOON.total_seconds())
    assert len(runs) == count, "it ends with the context"


async def test_a_run_that_fails_is_logged_and_the_next_one_comes(caplog: pytest.LogCaptureFixture) -> None:
    runs: list[int] = []
    again = asyncio.Event()

    async def work() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            message = "a bug"
            raise ZeroDivisionError(message)
        again.set()

    async with running([Job("work", SOON, work)]):
        await seen(again)
    assert "job failed: work" in caplog.text
    assert "a bug" in caplog.text


async def test_a_run_that_is_slow_is_not_run_twice_at_once_and_the_delay_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    at_once, most = 0, 0

    async def work() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(5 * SOON.total_seconds())
        at_once -= 1

    async with running([Job("work", SOON, work)]):
        await until("the delay in the log", lambda: "job is late" in caplog.text)
    assert most == 1


async def test_a_first_run_that_hangs_keeps_no_other_job_from_running_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "HEAD_START", SOON)
    runs: list[int] = []
    twice = asyncio.Event()

    async def hang() -> None:
        await asyncio.Event().wait()

    async def work() -> None:
        runs.append(len(runs))
        if len(runs) > 1:
            twice.set()

    async with running([Job("hanging", timedelta(minutes=1), hang), Job("work", SOON, work)]):
        await seen(twice)


async def test_a_job_that_is_in_no_hurry_runs_first_when_its_time_has_come() -> None:
    runs: list[float] = []
    ran = asyncio.Event()

    async def work() -> None:
        runs.append(asyncio.get_running_loop().time())
        ran.set()

    began = asyncio.get_running_loop().time()
    async with running([Job("work", timedelta(hours=6), work, first=2 * SOON)]):
        await seen(ran)
    assert len(runs) == 1
    assert runs[0] - began >= 1.9 * SOON.total_seconds()


async def test_a_run_may_end_before_the_context_does() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        await asyncio.sleep(0.1)
        ended.set()

    async with running([Job("work", timedelta(minutes=1), work)]):
        await seen(started)
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

    async with running([Job("work", timedelta(minutes=1), work)]):
        await seen(started)
    assert cancelled.is_set()


async def test_jobs_go_on_when_the_hosts_clock_is_set_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    runs: list[int] = []
    error = timedelta()

    class WrongClock(datetime):
        """A host's clock that is wrong."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + error

    async def work() -> None:
        runs.append(len(runs))

    monkeypatch.setattr(jobs, "datetime", WrongClock)
    monkeypatch.setattr(base, "datetime", WrongClock)
    monkeypatch.setattr(jobs, "CHECK", SOON)
    async with running([Job("work", SOON, work)]), asyncio.timeout(10):
        for hours in (1, 5, 3):
            error = timedelta(hours=-hours)
            before = len(runs)
            while len(runs) < before + 3:
                await asyncio.sleep(0.01)
    assert caplog.text.count("the clock was set back") == 2
