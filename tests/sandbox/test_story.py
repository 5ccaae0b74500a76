"""The demo's story as the channel shows it, told by the real bot while time leaps."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import discord
import pytest

from bot.chat.alerts import Roles, alert
from bot.chat.attempt import one_try
from bot.chat.channel import OpsChannel
from bot.delivery.handover import Handover
from bot.domain.info import threshold
from bot.domain.rules.policy import Policy
from bot.imaginepro.client import connected
from bot.monitor import Monitor
from bot.outbox import Outbox
from bot.sandbox import scenarios
from bot.sandbox.imaginepro import Upstream, serving
from tests.leap import leaping, time_of_day  # noqa: F401  # a fixture
from tests.outage import beside, discord_at
from tests.storage.servers import open_unsynced
from tests.wire.discord import TOKEN, Discord
from tests.wire.messages import Version
from tests.wire.moment import loop_time
from tests.wire.world import Guild

POLL: Final = timedelta(seconds=1)
BAN: Final = "Token 1906 is BANNED"
ON_A_PHONE: Final = 3
"""Messages of which a phone shows at least a part."""

pytestmark = pytest.mark.long


class Visit:
    """The channel, and what somebody does who looks at it."""

    def __init__(self, fake: Discord) -> None:
        self._fake = fake
        self._began = loop_time()
        self.acknowledged = False

    async def at(self, seconds: float) -> list[Version]:
        """The messages as they are then, since the beginning; the newest last."""
        await asyncio.sleep(self._began + seconds - loop_time())
        return [each.now for each in self._fake.messages()]


@contextlib.asynccontextmanager
async def visited(folder: Path) -> AsyncIterator[Visit]:
    """The demo's story from its beginning, with the part of the bot that watches and tells."""
    fake, logged_in, handover = Discord(Guild(), rate=None, clock=time_of_day), asyncio.Event(), Handover()
    upstream = Upstream(scenarios.demo_fleet(time_of_day()))
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(fake.serving())
        stack.enter_context(discord_at(fake.api_base))
        client = discord.Client(intents=discord.Intents(guilds=True), http_trace=one_try())
        await stack.enter_async_context(client)
        await client.login(TOKEN)
        logged_in.set()
        url = await stack.enter_async_context(serving(upstream))
        api = await stack.enter_async_context(
            connected(url=url, api_key=upstream.api_key, rate=(20, POLL), budget=POLL * 0.9)
        )
        store = await stack.enter_async_context(open_unsynced(f"sqlite:///{folder}/bot.db"))
        monitor = Monitor(api, store, Policy((threshold("20%"), threshold("5%")), POLL), time_of_day, handover)
        channel = OpsChannel(
            client,
            logged_in,
            channel_id=fake.channel_id,
            guild_id=fake.guild_id,
            render=lambda message: alert(message, monitor.fleet, Roles(fake.alert_role_id), None),
        )
        visit = Visit(fake)
        telling = Outbox(store, channel, time_of_day, handover).run()
        playing = scenarios.play_demo(upstream, taken=lambda: visit.acknowledged, sleep=asyncio.sleep)
        async with beside(telling, _polling(monitor), playing):
            yield visit


async def _polling(monitor: Monitor) -> None:
    due = loop_time()
    while True:
        await monitor.poll()
        await monitor.tick()
        due = max(due + POLL.total_seconds(), loop_time())
        await asyncio.sleep(due - loop_time())


def sign(shown: Version) -> str:
    """With which a message begins, behind whom it mentions."""
    found = re.match(r"[\s*]*(?:<@&\d+>)?[\s*]*(\S)", shown.text)
    assert found
    return found[1]


def check(shown: list[Version], when: int) -> None:
    """What a phone shows is not all of one colour, and of something that is open."""
    seen = shown[-ON_A_PHONE:]
    heads = [each.text.strip()[:60] for each in seen]
    assert len(set(map(sign, seen))) > 1, f"after {when} s all look alike: {heads}"
    assert any("Silence" in each.buttons for each in seen), f"after {when} s nothing is open: {heads}"


def told(shown: list[Version], words: str) -> bool:
    """Whether a message says that now."""
    return any(words in each.text for each in shown)


@pytest.mark.parametrize("taken_at", [None, 40], ids=["nobody", "somebody"])
async def test_whoever_comes_finds_something_to_act_on_and_no_wall_of_one_colour(
    tmp_path: Path, taken_at: int | None
) -> None:
    async with visited(tmp_path) as visit:
        for second in range(30, 900):
            visit.acknowledged = taken_at is not None and second >= taken_at
            check(await visit.at(second + 0.5), second)


async def test_so_does_whoever_stays_and_also_a_reminder_of_what_nobody_has(tmp_path: Path) -> None:
    async with visited(tmp_path) as visit:
        for second in range(900, 5400, 20):
            check(await visit.at(second + 0.5), second)
        assert told(await visit.at(5400), "Still open: Token 1909 is BANNED")


async def test_the_ban_waits_until_somebody_acknowledged_it(tmp_path: Path) -> None:
    async with visited(tmp_path) as visit:
        assert not told(await visit.at(21), BAN)
        assert told(before := await visit.at(25), BAN)
        assert await visit.at(200) == before
        visit.acknowledged = True
        assert told(await visit.at(240), "3 tokens")
        assert told(await visit.at(280), "Token 1906 is FAST again")


async def test_the_ban_waits_for_nobody_longer_than_five_minutes(tmp_path: Path) -> None:
    async with visited(tmp_path) as visit:
        assert told(before := await visit.at(25), BAN)
        assert await visit.at(320) == before
        assert told(await visit.at(400), "Token 1906 is FAST again")
