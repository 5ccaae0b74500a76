"""A database that does not answer for minutes is told of once, and so is its end; of a failover nobody is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.away import PACE, Away
from bot.webhook import Webhook
from tests.domain.fleets import START
from tests.leap import leaping  # noqa: F401 - time leaps in all tests of this module
from tests.test_webhook import events, pager


@dataclass
class Database:
    """Whether it answers."""

    there: bool = True

    def answers(self) -> bool:
        """Say so."""
        return self.there


@asynccontextmanager
async def watched(url: str) -> AsyncIterator[tuple[Away, Database]]:
    """Somebody who looks, at work."""
    away, database = Away(Webhook(url, lambda: START).notify), Database()
    task = asyncio.create_task(away.run())
    try:
        with away.watching(database.answers):
            yield away, database
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_it_is_told_after_two_minutes_and_when_it_is_over_once_each_time() -> None:
    async with pager([]) as (url, told), watched(url) as (_, database):
        for times in (1, 2):
            database.there = False
            await asyncio.sleep(115)
            assert len(told) == 2 * times - 2
            await asyncio.sleep(3600)
            assert len(told) == 2 * times - 1
            database.there = True
            await asyncio.sleep(600)
        assert events(told) == ["database_away", "database_back"] * 2
        assert "2 minutes" in str(told[0])


async def test_nobody_is_told_of_one_that_comes_back_soon() -> None:
    async with pager([]) as (url, told), watched(url) as (_, database):
        for _ in range(20):
            database.there = False
            await asyncio.sleep(100)
            database.there = True
            await asyncio.sleep(10)
        assert told == []


async def test_one_that_comes_and_goes_is_told_once() -> None:
    async with pager([]) as (url, told), watched(url) as (_, database):
        database.there = False
        await asyncio.sleep(200)
        for _ in range(20):
            database.there = not database.there
            await asyncio.sleep(PACE.sure.total_seconds() / 2)
        assert events(told) == ["database_away"]


async def test_nobody_is_told_of_the_end_who_was_not_told_of_the_beginning() -> None:
    async with pager([503] * 3) as (url, told), watched(url) as (_, database):
        database.there = False
        await asyncio.sleep(130)
        assert len(told) == 1
        database.there = True
        await asyncio.sleep(600)
        assert events(told) == ["database_away"]


async def test_both_are_told_until_they_arrive() -> None:
    async with pager([503, 200, 503]) as (url, told), watched(url) as (_, database):
        database.there = False
        await asyncio.sleep(300)
        database.there = True
        await asyncio.sleep(300)
        assert events(told) == ["database_away"] * 2 + ["database_back"] * 2


async def test_who_leads_no_more_has_a_database_that_answered() -> None:
    async with pager([]) as (url, told), watched(url) as (away, database):
        database.there = False
        await asyncio.sleep(200)
        assert events(told) == ["database_away"]
        with away.watching(lambda: True):
            await asyncio.sleep(100)
        assert events(told) == ["database_away", "database_back"]


async def test_without_an_address_nobody_looks() -> None:
    await Away(None).run()
