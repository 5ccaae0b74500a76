"""What changes something is sent once, and its error says truly whether it is certain that nothing was done."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from datetime import timedelta

import pytest

from bot.domain.value import replace
from bot.imaginepro.client import (
    NotFoundError,
    TimedOutError,
    UnpublishedError,
    UnreachableError,
    UpstreamError,
)
from bot.sandbox import imaginepro as sandbox
from bot.sandbox.imaginepro import Fault, rate_limited, serving
from tests.imaginepro.test_client import client_and, client_of, http, now, raw_server, upstream_of
from tests.leap import leaping  # noqa: F401 - time leaps in all tests of this module

SINGLE = "/api/v1/discord/token/1900"


async def test_a_token_is_switched_off_and_on() -> None:
    upstream = upstream_of(1900, 1901)
    async with client_and(upstream) as client:
        for active in (False, True):
            token = await client.toggle(1900, active=active)
            assert token is not None
            assert (token.id, token.active, upstream.fleet[1900]["isActive"]) == (1900, active, active)
    assert [(call.method, call.path) for call in upstream.calls] == [("PUT", SINGLE)] * 2


async def test_a_switch_that_is_answered_without_the_token_says_nothing_of_it() -> None:
    upstream = upstream_of(1900)
    upstream.fail(Fault(body=b"[]"))
    async with client_and(upstream) as client:
        assert await client.toggle(1900, active=False) is None


async def test_a_switch_may_be_answered_without_info() -> None:
    upstream = upstream_of(1900)
    upstream.fail(Fault(body=b'[{"id": 1900, "isActive": false, "status": "FAST", "concurrency": 3}]'))
    async with client_and(upstream) as client:
        token = await client.toggle(1900, active=False)
    assert token is not None
    assert (token.active, token.subscription.raw) == (False, "")


@pytest.mark.parametrize(
    ("fault", "certain"),
    [
        (sandbox.UNAUTHORIZED, True),
        (sandbox.OUT_OF_CREDITS, True),
        (sandbox.FORBIDDEN, True),
        (sandbox.NOT_FOUND, True),
        (sandbox.INVALID, True),
        (sandbox.problem(409, "Conflict"), True),
        (rate_limited("0"), True),
        (replace(rate_limited(), body=b"<html>", content_type="text/html"), True),
        (sandbox.problem(408, "Request Timeout"), False),
        (sandbox.page(401), False),
        (sandbox.page(403), False),
        (sandbox.page(404), False),
        (sandbox.SERVER_ERROR, False),
        (sandbox.BAD_GATEWAY, False),
        (sandbox.WEB_PAGE, False),
        (sandbox.REDIRECT, False),
        (sandbox.TRUNCATED, False),
        (sandbox.RESET, False),
        (sandbox.late(60), False),
        (sandbox.dripping(1), False),
        (Fault(204, b""), False),
    ],
)
async def test_a_switch_that_fails_is_sent_once_and_says_whether_that_is_certain(
    fault: Fault, *, certain: bool
) -> None:
    upstream = upstream_of(1900)
    upstream.fail(fault)
    async with client_and(upstream, attempt=5) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.toggle(1900, active=False)
    assert caught.value.certain is certain
    assert len(upstream.calls) == 1


async def test_what_was_never_sent_was_certainly_not_done() -> None:
    async with client_of("http://127.0.0.1:1") as client:
        with pytest.raises(UnreachableError) as caught:
            await client.toggle(1900, active=False)
        assert caught.value.certain
    upstream = upstream_of(1900)
    async with serving(upstream) as url, client_of(url, rate=(1, timedelta(hours=1))) as client:
        await client.token(1900)
        with pytest.raises(TimedOutError, match="limit of calls") as late:
            await client.toggle(1900, active=False)
        assert late.value.certain
    upstream.fail(rate_limited("3600"), times=1)
    async with client_and(upstream) as client:
        with pytest.raises(UpstreamError):
            await client.token(1900)
        upstream.calls.clear()
        with pytest.raises(UpstreamError) as resting:
            await client.toggle(1900, active=False)
        assert resting.value.certain
    assert upstream.calls == []


async def test_a_host_that_takes_no_connection_in_time_was_sent_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, ExitStack() as waiting:
        address = server.getsockname()
        for _ in range(3):  # nobody accepts these, so that the kernel lets no more of them in
            each = waiting.enter_context(socket.socket())
            each.settimeout(0)
            each.connect_ex(address)
        async with client_of(f"http://127.0.0.1:{address[1]}", attempt=5) as client:
            with pytest.raises(TimedOutError) as caught:
                await client.toggle(1900, active=False)
    assert caught.value.certain


async def test_an_act_has_the_time_of_an_attempt_however_long_it_waited_for_its_turn() -> None:
    upstream = upstream_of(1900)
    async with serving(upstream) as url, client_of(url, rate=(1, timedelta(seconds=14)), attempt=10) as client:
        await client.token(1900)
        upstream.fail(sandbox.late(9))
        began = now()
        assert await client.toggle(1900, active=False) is not None
        assert now() - began == pytest.approx(23, abs=0.1)


@asynccontextmanager
async def fickle_server(answers: list[bytes]) -> AsyncIterator[tuple[str, list[str]]]:
    """A host that keeps each connection alive for one answer, and hangs up once it was sent a second request.

    Gives its URL, and the first line of each request.
    """
    lines: list[str] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            for answer in [*answers[:1], b""]:
                head = await reader.readuntil(b"\r\n\r\n")
                lines.append(head.split(b"\r\n")[0].decode())
                writer.write(answer)
                await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async with await asyncio.start_server(converse, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}", lines


async def test_a_connection_that_was_kept_and_breaks_does_not_let_a_change_be_sent_twice() -> None:
    """By itself, aiohttp sends a PUT again on a new connection when one that it had kept breaks without an answer."""
    body = json.dumps([{"id": 1900}])
    answer = http(f"Content-Length: {len(body)}\r\n", body)
    async with fickle_server([answer]) as (url, lines), client_of(url) as client:
        await client.token(1900)
        with pytest.raises(UnreachableError) as caught:
            await client.toggle(1900, active=False)
    assert not caught.value.certain
    assert lines == [f"GET {SINGLE} HTTP/1.1", f"PUT {SINGLE} HTTP/1.1"]


@pytest.mark.parametrize("job", ["", "..", "a/b", "a?b", "ä", "x" * 101])
async def test_what_is_no_id_of_a_job_is_never_part_of_a_path(job: str) -> None:
    upstream = upstream_of(1900)
    async with client_and(upstream) as client:
        for call in (client.trace(job), client.progress(job), client.cancel(job)):
            with pytest.raises(NotFoundError) as caught:
                await call
            assert caught.value.certain
    assert upstream.calls == []


async def test_what_is_not_published_is_not_guessed() -> None:
    upstream = upstream_of(1900)
    async with client_and(upstream) as client:
        for call in (client.queue("PAUSE"), client.queue("STATUS", 1900), client.ban_words()):
            with pytest.raises(UnpublishedError, match="ImaginePro does not publish this path") as caught:
                await call
            assert caught.value.certain
    assert upstream.calls == []


async def test_the_progress_of_jobs_has_an_allowance_of_its_own() -> None:
    job = b'{"messageId": "2f5c", "status": "PROCESSING", "progress": 45}'
    async with (
        raw_server(http("Connection: close\r\n", job.decode())) as url,
        client_of(url, rate=(1, timedelta(seconds=3))) as client,
    ):
        began = now()
        for _ in range(11):
            assert (await client.progress("2f5c")).progress == 45
        assert now() - began == pytest.approx(1, abs=0.01)
