"""The whole bot and its dead man's switch: it calls while it would tell of a ban; a copy that stands by does not."""

import asyncio
from pathlib import Path

import pytest

from bot.sandbox.imaginepro import UNAVAILABLE
from tests.observe.test_process import health
from tests.storage.servers import PostgreSQL
from tests.test_heartbeat import Switch, switch
from tests.test_webhook import events, pager
from tests.waiting import until
from tests.wire import faults
from tests.wire.town import Town, town

QUICK = {
    "POLL_INTERVAL": "1s",
    "IMAGINEPRO_RATE_LIMIT": "9/1s",
    "FAKE_WORRY": "1",
    "FAKE_PAUSE": "0.5",
    "FAKE_LEASE": "5",
    "FAKE_LONGEST_PAUSE": "0.5",
}


async def until_called(it: Switch) -> None:
    """Wait for two more calls: the first may have been under way."""
    calls = len(it.calls)
    await until("a call", lambda: len(it.calls) > calls + 1)


async def until_silent(home: Town, it: Switch) -> None:
    """Wait until three polls, each of which would call, have passed without a call."""
    calls = -1
    while calls != len(it.calls):
        calls = len(it.calls)
        await home.quiet_polls(3)
        await asyncio.sleep(1)


@pytest.mark.long
async def test_somebody_is_told_that_the_database_is_away_while_it_leads_and_at_a_start(
    postgresql: PostgreSQL, postgresql_url: str, tmp_path: Path
) -> None:
    async with (
        pager([]) as (url, told),
        switch() as it,
        postgresql.door() as door,
        town(door.url(postgresql_url), tmp_path) as home,
    ):
        settings = QUICK | {"FALLBACK_WEBHOOK_URL": url, "HEARTBEAT_URL": it.url, "FAKE_DEADLINE": "1"}
        async with home.settled_bot(**settings) as bot:
            await until_called(it)
            door.away = True
            door.shut()
            await until("the news", lambda: events(told) == ["database_away"])
            calls = len(it.calls)
            await asyncio.sleep(2)
            assert len(it.calls) == calls
            door.away = False
            await until("the end", lambda: events(told) == ["database_away", "database_back"])
            await until_called(it)
            assert (await bot.terminate()).code == 0
        door.away = True
        async with home.bot(**settings, PORT="0") as bot:
            await until("the news", lambda: len(told) == 3)
            assert len(bot.said("waiting for the database")) == 1
            served = await bot.served_at()
            code, said = await health(served)
            assert (code, said["role"], [each["reason"] for each in said["reasons"]]) == (503, "standby", ["database"])
            assert (await health(served, "/live"))[0] == 200, "or the host ends it before it told anybody"
            door.away = False
            await until("the end", lambda: len(told) == 4)
            await bot.wait_ready()
            assert (await bot.terminate()).code == 0
    assert events(told) == ["database_away", "database_back"] * 2
    assert "Traceback" not in bot.output


@pytest.mark.long
async def test_a_bot_calls_while_it_would_tell_of_a_ban(sqlite_url: str, tmp_path: Path) -> None:
    async with (
        switch() as it,
        town(sqlite_url, tmp_path) as home,
        home.settled_bot(**QUICK, HEARTBEAT_URL=it.url) as bot,
    ):
        await until_called(it)
        home.upstream.fail(UNAVAILABLE)
        await home.until_told("ImaginePro")
        await until_called(it)
        home.upstream.heal()

        closed = home.discord.outage(faults.error(403, 50013), "POST", "/channels/*")
        home.upstream.fleet[1900]["status"] = "BANNED"
        await home.discord.until(lambda: closed.hits > 0)
        await until_silent(home, it)
        closed.stop()
        await home.until_told("1900 is BANNED")
        await until_called(it)

        async with home.bot(**QUICK, HEARTBEAT_URL=f"{it.url}?by=the-other") as other:
            await until("the standby", lambda: other.said("standing by"))
            await home.quiet_polls(5)
            await until_called(it)
            assert (await other.terminate()).code == 0

        assert (await bot.terminate()).code == 0
        calls = len(it.calls)
        await asyncio.sleep(2)
        assert len(it.calls) == calls
    assert "the-other" not in it.asked
    assert bot.said("heartbeat") == []
    assert "s3cret" not in bot.output
