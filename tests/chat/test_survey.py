"""How it is said that Discord cannot be asked."""

import socket

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.chat.survey import unanswered


class Nameless(AbstractResolver):
    """Knows no name, as where there is no network."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """No address."""
        raise OSError(socket.EAI_NONAME, "Name or service not known", host, port, family)

    async def close(self) -> None:
        """There is nothing to close."""


@pytest.fixture
def closed() -> str:
    """An address where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def said(url: str, proxy: str | None = None) -> str:
    """What is said of a call that brings no answer."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Nameless())) as session:
        with pytest.raises(aiohttp.ClientError) as caught:
            await session.get(url, proxy=proxy)
    return unanswered(caught.value)


async def test_what_cannot_be_reached_is_named_with_what_to_check(closed: str) -> None:
    assert await said(closed) == (
        "Discord cannot be reached: no connection to 127.0.0.1 could be made; check this machine's network"
    )
    assert await said("http://discord.test/") == (
        "Discord cannot be reached: the name discord.test cannot be resolved; check this machine's network"
    )


async def test_a_proxy_that_cannot_be_reached_is_not_taken_for_discord(closed: str) -> None:
    assert await said("http://discord.test/", closed) == (
        "Discord cannot be reached: no connection to the proxy of HTTPS_PROXY could be made"
    )
    assert "proxy.test cannot be resolved" in await said("http://discord.test/", "http://proxy.test:3128")
