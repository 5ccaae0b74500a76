"""The door in front of the demo's page. What it does to the page itself is seen in `test_demo`."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from yarl import URL

from bot.sandbox import page
from bot.settings import SettingsError

NOWHERE = "http://127.0.0.1:9/#key"


@pytest.fixture
async def door() -> AsyncIterator[URL]:
    """An open door, with nothing behind it."""
    async with page.opened(NOWHERE, asyncio.Lock(), 0) as opened:
        yield URL(opened.url)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:8765"}, 200),
        ({"Host": "rebound.example"}, 403),
        ({"Origin": "https://foreign.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_only_pages_of_this_machine_are_let_in(door: URL, headers: dict[str, str], status: int) -> None:
    async with ClientSession() as session, session.get(door / "demo.js", headers=headers) as answer:
        assert answer.status == status


async def test_the_key_to_the_page_is_in_the_url_where_no_server_sees_it(door: URL) -> None:
    assert door.fragment == "key"


async def test_a_port_that_is_taken_is_replaced_by_a_free_one(door: URL) -> None:
    taken = door.port
    assert taken is not None
    async with page.opened(NOWHERE, asyncio.Lock(), taken) as opened:
        assert URL(opened.url).port != taken


async def test_served_elsewhere_it_is_there_and_lets_only_pages_of_that_address_in() -> None:
    async with page.opened(NOWHERE, asyncio.Lock(), 0, "127.0.0.2") as opened, ClientSession() as session:
        door = URL(opened.url)
        assert door.host == "127.0.0.2"
        for headers, status in (
            ({}, 200),
            ({"Host": "rebound.example"}, 403),
            ({"Origin": "https://foreign.example"}, 403),
        ):
            async with session.get(door / "demo.js", headers=headers) as answer:
                assert answer.status == status


async def test_an_address_that_is_not_of_this_machine_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match=r"--host: nothing can be served at 203\.0\.113\.1"):
        async with page.opened(NOWHERE, asyncio.Lock(), 0, "203.0.113.1"):
            pass
