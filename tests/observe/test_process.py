"""The bot as a process that is asked how it is: red for each cause, and green again by itself; the watchdog ends it."""

import asyncio
import re
from pathlib import Path
from signal import SIGUSR1
from typing import Any

import aiohttp
import pytest

from bot.sandbox.imaginepro import UNAVAILABLE
from tests.storage.servers import PostgreSQL
from tests.wire import faults
from tests.wire.gateway import CloseCode, Mood
from tests.wire.town import town

PATIENCE = 120.0
"""Seconds, ten times what the longest of these takes: a guard against hanging."""
QUICK = {"PORT": "0", "POLL_INTERVAL": "1s", "FAKE_WORRY": "1", "FAKE_PAUSE": "0.5", "FAKE_LONGEST_PAUSE": "0.5"}


async def health(url: str, page: str = "/health") -> tuple[int, dict[str, Any]]:
    """What that page says now."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}{page}") as response:
        return response.status, await response.json()


async def until_well(url: str) -> None:
    """Wait until nothing is wrong."""
    while (said := await health(url))[0] != 200:
        await asyncio.sleep(0.05)
    assert said[1]["reasons"] == []


async def until_wrong(url: str, *words: str) -> None:
    """Wait until these are among the reasons."""
    status, said = await health(url)
    while not set(words) <= {each["reason"] for each in said["reasons"]}:
        await asyncio.sleep(0.05)
        status, said = await health(url)
    assert status == 503


@pytest.mark.long
async def test_health_turns_red_for_what_goes_wrong_outside_of_the_bot_and_green_again_by_itself(
    postgresql: PostgreSQL, postgresql_url: str, tmp_path: Path
) -> None:
    async with (
        postgresql.door() as door,
        town(door.url(postgresql_url), tmp_path) as home,
        home.settled_bot(**QUICK) as bot,
        asyncio.timeout(PATIENCE),
    ):
        url = await bot.served_at()
        await until_well(url)

        gateway = home.discord.gateway
        gateway.mood = Mood.REFUSING
        await gateway.close(CloseCode.UNKNOWN_ERROR)
        home.upstream.fail(UNAVAILABLE)
        with home.discord.outage(faults.error(403, 50013, "Missing Permissions"), "POST", "/channels/*"):
            await until_wrong(url, "poll", "gateway", "blocked", "outbox")
        home.upstream.heal()
        gateway.mood = Mood.WELL
        await until_well(url)

        door.shut()
        door.hangs = True
        await until_wrong(url, "database")
        door.hangs = False
        door.shut()
        await until_well(url)

        assert (await bot.terminate()).code == 0
        assert 'health wrong="' in bot.stderr
        assert "health wrong=nothing" in bot.stderr


async def test_the_watchdog_ends_a_process_whose_loop_is_stuck_and_not_one_that_was_frozen(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with (
        town(sqlite_url, tmp_path) as home,
        home.settled_bot(**QUICK | {"FAKE_WORRY": "2"}, WATCHDOG="true") as bot,
        asyncio.timeout(PATIENCE),
    ):
        url = await bot.served_at()
        bot.stop()
        await asyncio.sleep(2.5)
        bot.cont()
        await home.until_called(2)
        await until_well(url)

        bot.process.send_signal(SIGUSR1)
        ended = await bot.wait()
    assert ended.code == 70
    (said,) = (line for line in bot.stderr.splitlines() if " CRITICAL " in line)
    assert 'reason="the event loop is stuck"' in said
    assert "time.sleep(60)" in said


async def test_a_port_that_is_taken_is_said_at_the_start_and_may_be_free_at_the_next(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with town(sqlite_url, tmp_path) as home, home.bot(**QUICK) as bot:
        port = (await bot.served_at()).rpartition(":")[2]
        async with home.bot(PORT=port) as other:
            assert (await other.wait()).code == 75
    assert f"PORT: nothing can be served at 127.0.0.1, port {port}: Address already in use\n" in other.stderr
    assert "Traceback" not in other.stderr


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("192.0.2.1", "Cannot assign requested address"),  # of the documentation: no machine has it
        ("nobody.invalid", ""),  # which words the system has for it depends on its name server
    ],
)
async def test_an_address_at_which_nothing_can_ever_be_served_is_said_with_the_reason(
    sqlite_url: str, tmp_path: Path, host: str, reason: str
) -> None:
    async with town(sqlite_url, tmp_path) as home, home.bot(**QUICK | {"HOST": host}) as bot:
        assert (await bot.wait()).code == 78
    (said,) = (line.partition(" CRITICAL bot ")[2] for line in bot.said(" CRITICAL "))
    assert re.fullmatch(rf"PORT: nothing can be served at {host}, port 0: {reason or '[A-Z][a-z ]+'}", said)
    assert "Traceback" not in bot.stderr


async def test_a_copy_that_waits_is_well_and_says_so_until_it_leads(sqlite_url: str, tmp_path: Path) -> None:
    calm = QUICK | {"FAKE_WORRY": "60"}
    async with town(sqlite_url, tmp_path) as home, home.settled_bot(**calm) as first, home.bot(**calm) as second:
        url = await second.served_at()
        await home.until_called(2)
        assert await health(url) == (200, {"status": "ok", "role": "standby", "reasons": []})
        await first.terminate()
        async with asyncio.timeout(PATIENCE):
            while (await health(url))[1]["role"] != "leading":
                await asyncio.sleep(0.05)
        await until_well(url)
