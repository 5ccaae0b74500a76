"""Who goes first."""

import asyncio

import pytest

from bot.priority import COURTESY, Priority
from tests.leap import leaping  # noqa: F401 - time leaps in all tests of this module


async def rounds_of(priority: Priority) -> int:
    """How often somebody else was let through, while somebody gave way."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count())
    await priority.give_way()
    other.cancel()
    return turns


async def test_others_may_go_on_even_when_nobody_asked() -> None:
    assert await rounds_of(Priority()) >= 4


async def test_whoever_asked_just_now_has_the_event_loop_to_themselves_for_a_moment() -> None:
    loop, priority = asyncio.get_running_loop(), Priority()
    priority.asked()
    began = loop.time()
    await priority.give_way()
    assert loop.time() - began == pytest.approx(COURTESY.total_seconds())


async def test_a_question_that_arrives_while_way_is_given_is_heard() -> None:
    loop, priority = asyncio.get_running_loop(), Priority()
    began = loop.time()

    async def asks() -> None:
        await asyncio.sleep(0)
        priority.asked()

    question = asyncio.create_task(asks())
    await priority.give_way()
    assert loop.time() - began == pytest.approx(COURTESY.total_seconds())
    await question


async def test_people_who_go_on_asking_cannot_stop_the_work() -> None:
    loop, priority, stop = asyncio.get_running_loop(), Priority(), asyncio.Event()

    async def ask() -> None:
        while not stop.is_set():
            priority.asked()
            await asyncio.sleep(COURTESY.total_seconds() / 5)

    asking = asyncio.create_task(ask())
    began = loop.time()
    for _ in range(5):
        await priority.give_way()
    assert loop.time() - began <= 5.1 * COURTESY.total_seconds()
    stop.set()
    await asking
