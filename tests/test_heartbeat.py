"""The calls that prove that the bot is at work: while it would tell of a ban, and at no other time."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from bot.heartbeat import REST, Heartbeat
from tests.leap import leaping  # noqa: F401 - time leaps in all tests of this module


@dataclass
class Switch:
    """A service that tells somebody when nobody calls it, by the time of the loop."""

    url: str = ""
    calls: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """What it answers, before it answers 200."""
    asked: str = ""
    """All that was asked for."""
    takes: float = 0
    """Seconds that it thinks about each."""


@asynccontextmanager
async def switch() -> AsyncIterator[Switch]:
    """Serve one at a real socket."""
    it = Switch()

    async def take(request: web.Request) -> web.Response:
        it.asked += request.path_qs
        it.calls.append(asyncio.get_running_loop().time())
        await asyncio.sleep(it.takes)
        return web.json_response({"ok": True}, status=it.statuses.pop(0) if it.statuses else 200)

    app = web.Application()
    app.router.add_get("/ping/s3cret", take)  # as Healthchecks, Better Stack, Cronitor, Snitch and Uptime Kuma take it
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        it.url = f"http://127.0.0.1:{runner.addresses[0][1]}/ping/s3cret"
        yield it
    finally:
        await runner.cleanup()


@dataclass
class Duty:
    """Whether the bot would tell of a ban."""

    well: bool = True
    bug: bool = False

    async def __call__(self) -> bool:
        """Say so."""
        if self.bug:
            message = "a bug"
            raise ZeroDivisionError(message)
        return self.well


@asynccontextmanager
async def beating(url: str, duty: Duty) -> AsyncIterator[Heartbeat]:
    """One at work."""
    heartbeat = Heartbeat(url, None, duty)
    task = asyncio.create_task(heartbeat.run())
    try:
        yield heartbeat
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_each_poll_is_one_call() -> None:
    async with switch() as it, beating(it.url, Duty()) as heartbeat:
        await asyncio.sleep(600)
        assert it.calls == []
        for polls in range(1, 4):
            heartbeat.polled()
            await asyncio.sleep(60)
            assert len(it.calls) == polls


async def test_however_often_is_polled_it_is_not_called_more_than_twice_a_minute() -> None:
    async with switch() as it, beating(it.url, Duty()) as heartbeat:
        for _ in range(119):
            heartbeat.polled()
            await asyncio.sleep(1)
        assert len(it.calls) == 120 / REST.total_seconds()


async def test_what_keeps_an_alert_back_keeps_it_back_too_and_the_call_comes_when_all_is_well() -> None:
    duty = Duty(well=False)
    async with switch() as it, beating(it.url, duty) as heartbeat:
        heartbeat.polled()
        await asyncio.sleep(3600)
        assert it.calls == []
        duty.well = True
        await asyncio.sleep(10)
        assert len(it.calls) == 1, "without another poll: that one is out now"


async def test_what_is_not_taken_is_said_once_and_called_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bot")
    async with switch() as it, beating(it.url, Duty()) as heartbeat:
        it.statuses = [503, 404, 302]
        heartbeat.polled()
        await asyncio.sleep(600)
        assert len(it.calls) == 4
    assert [record.message for record in caplog.records] == ["heartbeat is not taken", "heartbeat is taken again"]
    assert "s3cret" not in caplog.text


async def test_an_address_that_is_away_ends_nothing(unused_tcp_port: int, caplog: pytest.LogCaptureFixture) -> None:
    async with beating(f"http://127.0.0.1:{unused_tcp_port}/s3cret", Duty()) as heartbeat:
        heartbeat.polled()
        await asyncio.sleep(600)
    assert [record.message for record in caplog.records] == ["heartbeat is not taken"]
    assert "s3cret" not in str([vars(record) for record in caplog.records])


async def test_one_that_hangs_is_left_alone_and_called_again() -> None:
    async with switch() as it, beating(it.url, Duty()) as heartbeat:
        it.takes = 3600
        heartbeat.polled()
        await asyncio.sleep(100)
        it.takes = 0
        await asyncio.sleep(100)
        calls = len(it.calls)
        await asyncio.sleep(600)
        assert len(it.calls) == calls, "the last one was taken"


async def test_a_bug_in_what_it_asks_ends_it_not() -> None:
    duty = Duty(bug=True)
    async with switch() as it, beating(it.url, duty) as heartbeat:
        heartbeat.polled()
        await asyncio.sleep(20)
        duty.bug = False
        await asyncio.sleep(20)
        assert len(it.calls) == 1
