"""Answers that are edited while something goes on: how many, one a message, and that they end."""

import asyncio
import logging

import pytest

from bot.chat.client import ChatClient
from bot.chat.following import MOST, Following
from tests.chat.conftest import GUILD, FakeDesk


class Work:
    """Something that goes on until it is ended, and takes a moment to end."""

    def __init__(self) -> None:
        self.ended = False

    async def __call__(self) -> None:
        """Go on."""
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.ended = True


async def begun(following: Following, count: int) -> list[Work]:
    """So many, each in a message of its own."""
    works = [Work() for _ in range(count)]
    assert [following.begin(place, work) for place, work in enumerate(works)] == [True] * count
    await asyncio.sleep(0)
    return works


async def test_no_more_are_followed_than_may_be_and_one_that_ended_makes_room() -> None:
    following = Following()
    await begun(following, MOST)
    assert not following.begin(MOST, Work())
    following.end(3)
    assert following.begin(MOST, Work())
    await following.close()


async def test_a_message_is_edited_by_whoever_came_last() -> None:
    following, later = Following(), Work()
    (first,) = await begun(following, 1)
    assert following.begin(0, later)
    while not first.ended:
        await asyncio.sleep(0)
    assert len(following) == 1
    assert not later.ended
    await following.close()


async def test_closing_waits_until_all_have_ended_those_included_that_were_told_to_before() -> None:
    following = Following()
    works = await begun(following, 3)
    following.end(0)
    await following.close()
    assert all(work.ended for work in works)
    assert not following.begin(9, Work())
    assert len(following) == 0


async def test_what_fails_is_in_the_log_and_makes_room(caplog: pytest.LogCaptureFixture) -> None:
    following = Following()

    async def broken() -> None:
        raise ConnectionError

    assert following.begin(1, broken)
    while len(following):
        await asyncio.sleep(0)
    (line,) = caplog.records
    assert (line.levelno, line.exc_info is not None) == (logging.ERROR, True)
    await following.close()


async def test_they_end_with_the_client(desk: FakeDesk) -> None:
    client = ChatClient(desk, guild_id=GUILD, channel_id=1)
    works = await begun(client.following, 2)
    await client.close()
    assert all(work.ended for work in works)
