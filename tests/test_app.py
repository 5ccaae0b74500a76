"""The bot as a whole, in this process: a term of the lease after another."""

import asyncio
import gc
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot import app, leader, term
from bot.chat.client import ChatClient
from bot.leader import Pace
from bot.monitor import Monitor
from bot.settings import load
from bot.storage.store import Store, open_store
from tests.wire.discord import PATIENCE
from tests.wire.town import town

QUICK = Pace(
    renewal=timedelta(milliseconds=50),
    trust=timedelta(seconds=5),
    expiry=timedelta(seconds=10),
    check=timedelta(milliseconds=20),
)


@pytest.fixture
def collector() -> Iterator[None]:
    """The garbage collector as it was."""
    yield
    gc.unfreeze()


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - this test is a composition root


async def _take_over(store: Store) -> int:
    """Take the lease from whoever has it; returns the term."""
    while (term := await store.lead(await store.leads(), "somebody")) is None:
        pass  # it was renewed in between
    return term


@pytest.mark.usefixtures("collector")
async def test_a_term_that_is_over_leaves_nothing_behind(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitors: list[weakref.ref[Monitor]] = []

    class Seen(Monitor):
        """One whose end can be seen."""

        async def restore(self) -> None:
            monitors.append(weakref.ref(self))
            await super().restore()

    monkeypatch.setattr(term, "Monitor", Seen)
    monkeypatch.setattr(leader, "PACE", QUICK)
    async with town(sqlite_url, tmp_path) as home, open_store(sqlite_url) as other, asyncio.timeout(30):
        monkeypatch.setattr(Route, "BASE", home.discord.api_base)
        monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(home.discord.gateway_url))
        stop = asyncio.Event()
        running = asyncio.create_task(app.run(load(home.environment), _now, stop))
        for terms in (1, 2, 3):
            await home.discord.until(lambda: home.discord.gateway.connected > 0)
            assert len(monitors) == terms
            assert [monitor() is None for monitor in monitors] == [True] * (terms - 1) + [False]
            theirs = await _take_over(other)
            await home.discord.until(lambda: home.discord.gateway.connected == 0)
            await other.release(theirs)
        stop.set()
        await running


@pytest.mark.usefixtures("collector")
async def test_a_cancellation_that_gets_lost_in_discord_py_does_not_keep_the_bot_from_stopping(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connecting, lost = asyncio.Event(), asyncio.Event()

    async def connect(_: ChatClient) -> None:
        try:
            connecting.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(ChatClient, "connect", connect)
    async with town(sqlite_url, tmp_path) as home, asyncio.timeout(20):
        monkeypatch.setattr(Route, "BASE", home.discord.api_base)
        stop = asyncio.Event()
        running = asyncio.create_task(app.run(load(home.environment), _now, stop))
        await connecting.wait()
        stop.set()
        await running
    assert lost.is_set()


@pytest.mark.usefixtures("collector")
async def test_that_credits_are_gone_is_told_soon_after_a_start_and_so_is_that_there_are_some_again(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(term, "FIRST_ACCOUNT", timedelta(milliseconds=10))
    monkeypatch.setattr(term, "ACCOUNT", timedelta(milliseconds=500))
    async with town(sqlite_url, tmp_path) as home, asyncio.timeout(PATIENCE):
        home.upstream.account |= {"credits": 0, "creditsExtra": 0}
        monkeypatch.setattr(Route, "BASE", home.discord.api_base)
        monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(home.discord.gateway_url))
        stop = asyncio.Event()
        running = asyncio.create_task(app.run(load(home.environment), _now, stop))
        await home.until_told("No ImaginePro credits are left")
        home.upstream.account |= {"credits": 1600}
        await home.until_told("There are enough ImaginePro credits again after")
        stop.set()
        await running
    assert len(home.told("No ImaginePro credits are left")) == 1
