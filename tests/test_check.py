"""What `check` says of the addresses of other services, and of a beginning without tokens."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.__main__ import EX_CONFIG, EX_TEMPFAIL
from bot.webhook.body import TITLES, Event
from tests.storage.servers import CERTIFICATE
from tests.test_heartbeat import switch
from tests.test_proxies import tls
from tests.test_receivers import SERVICES, RefusedError, Request, Shown, receiving
from tests.test_webhook import pager
from tests.wire.process import LAUNCH, BotProcess
from tests.wire.town import Town, town


@pytest.fixture
async def home(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """A town."""
    async with town(sqlite_url, tmp_path) as home:
        yield home


async def checked(home: Town, what: str, **settings: str) -> tuple[int, str]:
    """How `check` ends, and what it says of that."""
    async with home.bot("check", **settings) as bot:
        code = (await bot.wait()).code
    assert "s3cret-path" not in bot.output
    (line,) = (line for line in bot.stdout.splitlines() if f" {what}: " in line and not line.startswith("..."))
    return code, line


@pytest.mark.parametrize("service", SERVICES)
async def test_it_sends_a_test_that_is_marked_as_one_and_says_what_came_of_it(home: Town, service: str) -> None:
    async with receiving(SERVICES[service]) as receiver:
        code, line = await checked(home, "fallback", FALLBACK_WEBHOOK_URL=receiver.url)
    assert code == 0
    assert line == "ok    fallback: took a test; see whether it reached you. It answered 204"
    (shown,) = receiver.shown
    assert TITLES[Event.TEST] in f"{shown.title} {shown.text}"
    assert not home.discord.posts


async def test_it_says_what_the_service_says_that_takes_no_such_thing(home: Town) -> None:
    def alertmanager(request: Request) -> Shown:
        assert isinstance(request.json, dict)
        words = "cannot unmarshal object, see s3cret-path"
        raise RefusedError(words)

    async with receiving(alertmanager) as receiver:
        code, line = await checked(home, "fallback", FALLBACK_WEBHOOK_URL=receiver.url)
    assert code == EX_CONFIG
    assert line.startswith(
        "FAIL  fallback: FALLBACK_WEBHOOK_URL took no test; docs/incidents.md, Who takes it, has the"
    )
    assert line.endswith("It answered 400 refused: cannot unmarshal object, see [redacted]")


async def test_what_opens_the_address_is_hidden_however_the_service_says_it_back(home: Town) -> None:
    def echo(request: Request) -> Shown:
        raise RefusedError(request.headers["Authorization"])

    async with receiving(echo) as receiver:
        url = receiver.url.replace("://", "://ana:hunter2%21@")
        _, line = await checked(home, "fallback", FALLBACK_WEBHOOK_URL=url)
    assert line.endswith("It answered 400 refused: Basic [redacted]")


@pytest.mark.parametrize(
    ("status", "ends", "advice"),
    [
        (301, EX_CONFIG, "write the address to which it sends on"),
        (404, EX_CONFIG, "copy the address anew"),
        (422, EX_CONFIG, "Who takes it"),
        (429, EX_TEMPFAIL, "took no test. It answered 429"),
        (503, EX_TEMPFAIL, "took no test. It answered 503"),
    ],
)
async def test_it_says_who_has_to_mend_it(home: Town, status: int, ends: int, advice: str) -> None:
    async with pager([status]) as (url, told):
        code, line = await checked(home, "fallback", FALLBACK_WEBHOOK_URL=url)
    assert code == ends
    assert advice in line
    assert len(told) == 1


async def test_an_address_where_nobody_is_is_said_without_the_address(home: Town, unused_tcp_port: int) -> None:
    code, line = await checked(home, "fallback", FALLBACK_WEBHOOK_URL=f"http://127.0.0.1:{unused_tcp_port}/s3cret-path")
    assert code == EX_TEMPFAIL
    assert line == "FAIL  fallback: FALLBACK_WEBHOOK_URL cannot be reached: nothing answers there"


async def test_it_reaches_the_host_of_the_heartbeat_and_does_not_call_it(home: Town) -> None:
    async with switch() as it:
        code, line = await checked(home, "heartbeat", HEARTBEAT_URL=it.url)
        assert code == 0
        assert line.startswith("ok    heartbeat: its host can be reached. HEARTBEAT_URL was not called, since")
        code, line = await checked(home, "heartbeat", HEARTBEAT_URL=it.url.partition("/ping")[0])
        assert code == 0
        assert line.startswith("ok    heartbeat: HEARTBEAT_URL was not called, since")
        assert it.calls == []
    code, line = await checked(home, "heartbeat", HEARTBEAT_URL=it.url)
    assert code == EX_TEMPFAIL
    assert line == "FAIL  heartbeat: HEARTBEAT_URL cannot be reached: nothing answers there"


async def test_whoever_reads_no_more_gets_its_exit_code_and_no_traceback(home: Town) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", str(LAUNCH), "check"),
        env=dict(home.bot().environment),
        cwd=home.folder,
        stdout=writer,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(writer)
    _, said = await process.communicate()
    assert (process.returncode, said) == (0, b"")


async def test_it_says_what_to_do_when_no_token_is_linked_yet(home: Town) -> None:
    home.upstream.fleet.clear()
    code, line = await checked(home, "ImaginePro")
    assert code == 0
    assert line.startswith("ok    ImaginePro: the key works, and no token is linked yet, so there is nothing to watch.")
    assert "Link one at ImaginePro" in line


async def test_it_names_the_place_of_the_database_and_not_who_asks(home: Town, unused_tcp_port: int) -> None:
    url = f"postgresql://ana:hunter2@127.0.0.1:{unused_tcp_port}/bot"
    code, line = await checked(home, "database", DATABASE_URL=url)
    assert code == EX_TEMPFAIL
    assert line.endswith(f"(at 127.0.0.1:{unused_tcp_port})")
    assert "hunter2" not in line
    assert "ana" not in line


async def test_a_certificate_of_ones_own_is_trusted_where_ssl_cert_file_names_it(home: Town) -> None:
    async with receiving(SERVICES["ntfy"], tls=tls()) as receiver:
        with BotProcess.from_nothing():  # the certificates are read when aiohttp is imported
            code, line = await checked(home, "fallback", FALLBACK_WEBHOOK_URL=receiver.url)
            assert code == EX_TEMPFAIL
            assert "its certificate is not trusted: SSL_CERT_FILE names a CA of your own" in line
            by = {"FALLBACK_WEBHOOK_URL": receiver.url, "SSL_CERT_FILE": str(CERTIFICATE)}
            code, line = await checked(home, "fallback", **by)
    assert code == 0
    assert len(receiver.shown) == 1
