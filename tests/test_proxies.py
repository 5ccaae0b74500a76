"""By a real proxy: ImaginePro, Discord and the webhook, and what is said when that is in the way."""

import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.imaginepro.client import MalformedError, UnreachableError, UpstreamError, connected
from bot.sandbox.imaginepro import Upstream, serving, token_record
from bot.webhook import Event, Webhook
from tests.domain.fleets import START
from tests.proxy import Proxy
from tests.storage.servers import CERTIFICATE
from tests.test_webhook import pager
from tests.wire.process import BotProcess
from tests.wire.town import Town, town

PASSWORD = "p@ss:w/rd"
IN_A_URL = "p%40ss%3Aw%2Frd"


def tls() -> ssl.SSLContext:
    """What a server needs that calls itself localhost."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """One that asks for a password."""
    async with Proxy(credentials=f"ana:{PASSWORD}").serving() as proxy:
        yield proxy


@pytest.fixture
async def home(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """A town whose ImaginePro speaks TLS, and whose `.netrc` knows strangers."""
    (tmp_path / ".netrc").write_text(
        "machine localhost login stranger password stolen\nmachine 127.0.0.1 login stranger password stolen\n"
    )
    (tmp_path / ".netrc").chmod(0o600)
    async with town(sqlite_url, tmp_path) as home, serving(home.upstream, host="localhost", tls=tls()) as url:
        home.environment.update(
            {
                "IMAGINEPRO_API_URL": url,
                "SSL_CERT_FILE": str(CERTIFICATE),
                "HOME": str(tmp_path),
                "NETRC": str(tmp_path / ".netrc"),
            }
        )
        yield home


def by(proxy: Proxy) -> dict[str, str]:
    """Settings that name the proxy, with a user and a password."""
    url = proxy.url.replace("://", f"://ana:{IN_A_URL}@")
    return {"HTTPS_PROXY": url, "http_proxy": url}


async def checked(home: Town, **settings: str) -> tuple[int, str]:
    """How `check` ends, and all that it says."""
    with BotProcess.from_nothing():  # the certificates are read when aiohttp is imported
        async with home.bot("check", **settings) as bot:
            return (await bot.wait()).code, bot.output


async def test_check_goes_by_the_proxy_and_shows_neither_its_password_nor_what_netrc_knows(
    home: Town, proxy: Proxy
) -> None:
    code, said = await checked(home, **by(proxy))
    assert code == 0, said
    there = home.environment["IMAGINEPRO_API_URL"].removeprefix("https://")
    assert f"CONNECT {there}" in proxy.asked
    assert any(asked.startswith(f"GET {home.discord.api_base}") for asked in proxy.asked)
    assert home.upstream.calls
    for secret in (PASSWORD, IN_A_URL):
        assert secret not in said
    tunnels = [head for head in proxy.heads if head.startswith("CONNECT")]
    for told in tunnels:
        assert "Bearer" not in told, "the key is for ImaginePro alone"


@pytest.mark.parametrize("settings", [{"NO_PROXY": "localhost,127.0.0.1"}, {"no_proxy": "*"}, {"HTTPS_PROXY": ""}])
async def test_what_needs_no_proxy_is_reached_without(home: Town, proxy: Proxy, settings: dict[str, str]) -> None:
    code, said = await checked(home, **(by(proxy) | {"http_proxy": ""} | settings))
    assert code == 0, said
    assert proxy.asked == []


async def test_the_bot_lives_by_the_proxy_its_gateway_included(home: Town, proxy: Proxy) -> None:
    with BotProcess.from_nothing():
        async with home.settled_bot(**by(proxy)) as bot:
            assert "1900" in (await home.discord.command("token", id=1900)).shown.text
            home.upstream.fleet[1900]["status"] = "BANNED"
            await home.until_told("1900 is BANNED")
            output = bot.output
    gateway = home.discord.gateway_url.replace("ws:", "http:")
    assert any(asked.startswith((f"GET {gateway}", f"GET {home.discord.gateway_url}")) for asked in proxy.asked)
    assert any(asked.startswith(f"POST {home.discord.api_base}") for asked in proxy.asked)
    assert any(asked.startswith("CONNECT localhost:") for asked in proxy.asked)
    assert PASSWORD not in output
    assert IN_A_URL not in output


async def test_a_proxy_may_speak_tls_itself(home: Town) -> None:
    async with Proxy(credentials=f"ana:{PASSWORD}", tls=tls()).serving() as proxy:
        code, said = await checked(home, **by(proxy))
    assert code == 0, said
    assert any(asked.startswith("CONNECT localhost:") for asked in proxy.asked)


async def test_check_says_that_it_is_the_proxy_and_not_its_password(home: Town, proxy: Proxy) -> None:
    proxy.credentials = "ana:another"
    code, said = await checked(home, **by(proxy))
    assert code == 78
    assert "a proxy asks for a user and a password, or for others (407)" in said
    for secret in (PASSWORD, IN_A_URL):
        assert secret not in said


async def test_the_webhook_goes_by_the_proxy_and_says_who_it_is(proxy: Proxy) -> None:
    by_proxy = by(proxy)["http_proxy"]
    async with pager([]) as (url, told):
        assert await Webhook(url, lambda: START, by_proxy).notify(Event.OPS_CHANNEL_BLOCKED, "403")
    assert len(told) == 1
    assert proxy.asked == [f"POST {url}"]
    assert "User-Agent: imaginepro-bot/" in proxy.heads[0]


async def read_by(proxy: str) -> UpstreamError | None:
    """What comes of reading a fleet of http:// by a proxy."""
    upstream = Upstream([token_record(1900)])
    async with (
        serving(upstream) as url,
        connected(
            url=url,
            api_key=upstream.api_key,
            rate=(100, timedelta(seconds=1)),
            budget=timedelta(seconds=0.3),
            proxy=proxy,
        ) as client,
    ):
        try:
            assert list(await client.fleet()) == [1900]
        except UpstreamError as error:
            return error
    return None


async def test_plain_addresses_are_passed_on(proxy: Proxy) -> None:
    assert await read_by(by(proxy)["http_proxy"]) is None
    assert len(proxy.asked) == 1
    assert "Authorization: Bearer sk-sandbox" in proxy.heads[0]


async def test_a_proxy_in_the_way_is_named_as_such(proxy: Proxy, unused_tcp_port: int) -> None:
    error = await read_by(proxy.url)
    assert isinstance(error, MalformedError)
    assert "a proxy asks for a user and a password, or for others (407)" in error.detail
    error = await read_by(f"http://127.0.0.1:{unused_tcp_port}")
    assert isinstance(error, UnreachableError)
    assert error.detail == "no connection to the proxy could be made"
    error = await read_by("http://nowhere.invalid:3128")
    assert isinstance(error, UnreachableError)
    assert error.detail == "the name of the proxy's host cannot be resolved"


async def test_a_tunnel_that_is_refused_is_no_word_of_imaginepro(proxy: Proxy) -> None:
    proxy.status = 403
    async with connected(
        url="https://api.imaginepro.ai",
        api_key="key",
        rate=(100, timedelta(seconds=1)),
        budget=timedelta(seconds=0.3),
        proxy=by(proxy)["HTTPS_PROXY"],
    ) as client:
        with pytest.raises(UnreachableError, match=r"the proxy does not connect the bot to the API \(403\)"):
            await client.fleet()
    assert set(proxy.asked) == {"CONNECT api.imaginepro.ai:443"}
