"""Time leaps where nobody is at work, and stands still wherever somebody is."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.storage.store import open_store
from tests import leap
from tests.leap import LeapingLoop, leaping, time_of_day  # noqa: F401 - time leaps in all tests of this module

HOUR = 3600.0


async def nothing() -> None:
    """No work at all."""


async def goodbye(writer: asyncio.StreamWriter) -> None:
    """Send what is left, and close."""
    writer.close()
    await writer.wait_closed()


async def test_an_hour_is_over_at_once_and_was_an_hour() -> None:
    loop, day = asyncio.get_running_loop(), time_of_day()
    before = loop.time()
    await asyncio.sleep(HOUR)
    assert loop.time() - before == pytest.approx(HOUR, abs=1e-6)
    assert (time_of_day() - day).total_seconds() == pytest.approx(HOUR, abs=2e-6)


async def test_whoever_asks_for_less_than_a_float_can_tell_does_not_wait_for_ever() -> None:
    loop = asyncio.get_running_loop()
    due = loop.time() + 1e-12
    while loop.time() < due:
        await asyncio.sleep(due - loop.time())


async def test_those_who_wait_take_turns_by_their_timers() -> None:
    order: list[str] = []

    async def wait(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        order.append(name)

    await asyncio.gather(wait("second", 2), wait("third", HOUR), wait("first", 1.999))
    assert order == ["first", "second", "third"]


async def test_a_deadline_does_not_pass_while_a_thread_is_at_work() -> None:
    async with asyncio.timeout(0.001):
        await asyncio.to_thread(time.sleep, 0.1)


def test_nobody_gives_up_on_a_thread_that_ends_after_all_else() -> None:
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        threads = ThreadPoolExecutor(1)
        runner.get_loop().set_default_executor(threads)
        last = threads.submit(time.sleep, 0.1)
    assert last.done()


async def test_a_deadline_does_not_pass_while_a_store_is_at_work(database_url: str) -> None:
    async with open_store(database_url) as store, asyncio.timeout(0.001):
        await store.reopen(time_of_day(), leap.BEGIN - leap.BEGIN)
        assert await store.waiting() == 0


async def test_a_deadline_does_not_pass_while_bytes_are_on_their_way() -> None:
    large = b"x" * 2**22

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(len(large)))
        await goodbye(writer)

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server, asyncio.timeout(0.001):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(large)
        assert await reader.readexactly(len(large)) == large
        await goodbye(writer)


async def test_a_deadline_passes_while_the_other_side_says_nothing() -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await goodbye(writer)

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello?")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(HOUR):
                await reader.read()
        await goodbye(writer)


def test_whoever_waits_for_what_never_comes_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leap, "HANGING", 0.05)
    loop = LeapingLoop()
    with pytest.raises(AssertionError, match="nothing happens any more"):
        loop.run_until_complete(loop.create_future())
    loop.run_until_complete(nothing())
    loop.close()
