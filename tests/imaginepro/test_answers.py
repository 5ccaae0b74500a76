"""What every answer there can be is taken for: each status, each label, each kind of body."""

import gzip
import json
import tomllib
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import pytest

from bot import __version__
from bot.domain.value import replace
from bot.imaginepro.client import (
    ImaginePro,
    MalformedError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    ServerError,
    UnreachableError,
    UpstreamError,
)
from bot.sandbox.imaginepro import Fault, page, rate_limited, serving
from tests.imaginepro.answers import TOO_DEEP
from tests.imaginepro.test_client import (
    BUDGET,
    CANARY,
    KEY,
    client_and,
    client_of,
    raw_server,
    upstream_of,
)
from tests.leap import leaping  # noqa: F401 - time leaps in all tests of this module

SECRET = f"FAKExDISCORDxTOKENx{CANARY}.xxxxxx.yyyyyyyyyyyyyyyyyyyyyyyyyyy"
LIST = json.dumps([{"id": 1900, "status": "FAST", "token": SECRET}]).encode()
TYPES = (
    "application/json",
    "application/json; charset=utf-8",
    "application/problem+json",
    "text/html",
    "text/plain",
    "application/xml",
    "application/octet-stream",
    "image/png",
    "nonsense",
)


class Body(NamedTuple):
    """A kind of body: what it is for an answer of that status, and what comes of it."""

    made: Callable[[int], bytes]
    own: bool = False
    """Whether it is the API's own words."""
    tokens: bool = False
    """Whether it is a list of tokens."""
    encoding: str = ""


def _own(status: int) -> bytes:
    said = f"No. {SECRET} Bearer {KEY} olga@example.com"
    return json.dumps({"message": said, "error": "Why", "statusCode": status}).encode()


def _always(body: bytes) -> Callable[[int], bytes]:
    return lambda _: body


def _json(**fields: object) -> Callable[[int], bytes]:
    return _always(json.dumps({"token": SECRET, **fields}).encode())


BODIES = {
    "the API's": Body(_own, own=True),
    "the API's, with several reasons": Body(
        lambda status: json.dumps({"message": ["a", SECRET], "statusCode": status}).encode(), own=True
    ),
    "the API's, without a message": Body(
        lambda status: json.dumps({"error": "Forbidden", "statusCode": status}).encode(), own=True
    ),
    "the API's, packed": Body(lambda status: gzip.compress(_own(status)), own=True, encoding="gzip"),
    "the API's, with a byte order mark": Body(lambda status: b"\xef\xbb\xbf" + _own(status), own=True),
    "of another status": Body(_json(message="Unauthorized", statusCode=499)),
    "a gateway's": Body(_json(message="Forbidden")),
    "another gateway's": Body(_json(error="access_denied", code=1010)),
    "a service's": Body(_json(success=False, errors=[{"code": 10000, "message": "Authentication error"}])),
    "a status and no reason": Body(lambda status: json.dumps({"statusCode": status, "token": SECRET}).encode()),
    "problem+json": Body(
        lambda status: json.dumps({"type": "about:blank", "title": "No", "status": status, "detail": SECRET}).encode()
    ),
    "XML": Body(_always(f"<?xml version='1.0'?><Error><Code>AccessDenied</Code><T>{SECRET}</T></Error>".encode())),
    "a page": Body(_always(f"<!doctype html><html><title>{SECRET}</title></html>".encode())),
    "plain text": Body(_always(f"error code: 1010 {SECRET}".encode())),
    "nothing": Body(_always(b"")),
    "broken JSON": Body(_always(f'[{{"id": 1900, "token": "{SECRET}'.encode())),
    "no number": Body(_always(b'{"statusCode": 1e999, "message": 1e999}')),
    "brotli": Body(_always(b"\x8b\x03\x80\xff\xfe noise"), encoding="br"),
    "broken gzip": Body(_always(b"\x1f\x8b noise"), encoding="gzip"),
    "tokens": Body(_always(LIST), tokens=True),
    "tokens, packed and not asked for": Body(_always(gzip.compress(LIST)), tokens=True, encoding="gzip"),
    "tokens, called packed": Body(_always(LIST), tokens=True, encoding="br"),
    "tokens, deflated": Body(_always(zlib.compress(LIST)), tokens=True, encoding="deflate"),
    "tokens, deflated without a head": Body(_always(zlib.compress(LIST)[2:-4]), tokens=True, encoding="deflate"),
    "tokens, with a byte order mark": Body(_always(b"\xef\xbb\xbf" + LIST), tokens=True),
}
BODILESS = {204, 304}
"""Statuses whose answers have no body, whatever is sent."""


def expected(status: int, body: Body) -> type[UpstreamError] | None:
    """The rule. What the API alone can know, it says in its own words; what HTTP itself says, any server may say.

    Whatever the answer calls itself in its headers does not count.
    """
    if 200 <= status < 300:
        return None if body.tokens and status not in BODILESS else MalformedError
    if status in {401, 402, 403}:
        return RefusedError if body.own else MalformedError
    if status == 404:
        return NotFoundError  # at both paths that the list may have
    if status == 429:
        return RateLimitedError
    return ServerError if status >= 500 or status in {408, 421, 425} else MalformedError


def cases() -> Iterator[tuple[int, str, str]]:
    """Each status with each body, whose types take turns; and each kind of status with each type and each body."""
    types = cycle(TYPES)
    yield from ((status, name, next(types)) for status in range(200, 600) for name in BODIES)
    told_apart = [200, 204, 206, 301, 304, 400, 401, 402, 403, 404, 407, 408, 418, 421, 425, 429, 451, 500, 503, 520]
    yield from ((status, name, type_) for status in told_apart for name in BODIES for type_ in TYPES)


@pytest.mark.long
async def test_each_status_with_each_label_and_each_body_is_what_it_says_and_shows_no_secret() -> None:
    upstream = upstream_of(1900)
    wrong = []
    async with serving(upstream) as url, client_of(url, budget=0.05) as client:
        for status, name, type_ in cases():
            body = BODIES[name]
            headers = (("Content-Encoding", body.encoding),) if body.encoding else ()
            upstream.heal()
            sent = b"" if status in BODILESS else body.made(status)
            upstream.fail(Fault(status, sent, content_type=type_, headers=headers))
            kind, detail = await outcome(client)
            if kind is not expected(status, body) or CANARY in detail or KEY in detail or "olga@" in detail:
                wrong.append((status, name, type_, kind, detail))
    assert wrong == []


async def outcome(client: ImaginePro) -> tuple[type[BaseException] | None, str]:
    """What reading the fleet ends in."""
    try:
        await client.fleet()
    except UpstreamError as error:
        return type(error), error.detail
    return None, ""


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(403, b"error code: 1010", content_type="text/plain"), "is plain text, and not in the API's own words"),
        (page(403), "a web page, and not in the API's own words: a proxy or firewall may have sent it (403)"),
        (Fault(401, b""), "the answer is empty, and not in the API's own words"),
        (
            Fault(403, b"\x8b\x03", headers=(("Content-Encoding", "br"),)),
            "the answer is packed in a way that cannot be read, and not in the API's own words",
        ),
        (Fault(402, b"<Error/>"), "the answer is XML or a web page"),
        (Fault(403, b'{"message": "Forbidden"}'), "the answer is JSON of another form"),
        (Fault(204, b""), "the answer is not JSON, it is empty"),
        (Fault(304, b""), "not expected (304)"),
        (page(200), "the answer is not JSON, it is a web page"),
        (Fault(body=b"<?xml version='1.0'?>"), "it is XML or a web page"),
        (Fault(body=b"\n <html>"), "it is a web page"),
        (Fault(body=b"Just a moment"), "it is plain text"),
        (Fault(body=b'[{"id": 1'), "it is JSON that is broken or cut off"),
        (Fault(body=b"\xff\xfe"), "it is no text"),
        (Fault(body=b"\x8b\x03", headers=(("Content-Encoding", "br"),)), "packed as br, which was not asked for"),
        (Fault(body=b"\x28\xb5", headers=(("Content-Encoding", "zstd"),)), "packed as zstd, which was not asked for"),
        (Fault(body=b"\x1f\x8bx", headers=(("Content-Encoding", "gzip"),)), "packed, and cannot be unpacked"),
        (
            Fault(body=b'{"status":null,"unhandled":true,"message":"HTTPError"}'),
            "the API answered with an error in place of tokens: HTTPError",
        ),
        (Fault(body=b'{"message": "Unauthorized", "statusCode": 401}'), "in place of tokens: Unauthorized"),
        (Fault(body=TOO_DEEP), "nested too deeply"),
        (Fault(408, b""), "failed (408)"),
        (rate_limited("3600"), "Too Many Requests); it asks to be left alone for at least 3600 s"),
        (rate_limited("86400"), "it asks to be left alone for at least 3600 s"),
    ],
)
async def test_the_reason_that_is_given_is_true(fault: Fault, words: str) -> None:
    upstream = upstream_of(1900)
    upstream.fail(fault)
    async with client_and(upstream, budget=BUDGET) as client:
        _, detail = await outcome(client)
    assert words in detail


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
GOOD = b"Content-Length: %d\r\n\r\n" % len(LIST) + LIST


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Security-Policy: " + b"x" * 9000 + b"\r\n",
        b"X: " + b"x" * 65_000 + b"\r\n",
        b"".join(b"X%d: %s\r\n" % (number, b"x" * 100) for number in range(600)),
        b"",
    ],
    ids=["9 KB", "64 KB", "600 headers", "none"],
)
async def test_headers_of_up_to_64_kb_are_taken(headers: bytes) -> None:
    async with raw_server(HEAD + headers + GOOD) as url, client_of(url) as client:
        assert list(await client.fleet()) == [1900]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (HEAD + b"X: " + b"x" * 70_000 + b"\r\n" + GOOD, MalformedError, "headers of over 64 KB"),
        (b"", UnreachableError, "broke before it answered"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", UnreachableError, "does not answer in HTTP that can be read"),
        (HEAD + b"nonsense\r\n\r\n", UnreachableError, "does not answer in HTTP that can be read"),
        (HEAD + b"Content-Length: 99\r\n\r\n[", UnreachableError, "the answer broke off"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\n[", UnreachableError, "the answer broke off"),
    ],
)
async def test_what_is_no_whole_answer_has_a_reason_that_is_true(
    answer: bytes, kind: type[UpstreamError], words: str
) -> None:
    async with raw_server(answer) as url, client_of(url, budget=0.3) as client:
        found, detail = await outcome(client)
    assert found is kind
    assert words in detail


@pytest.mark.parametrize("status", [401, 429, 503])
async def test_of_an_error_that_breaks_off_its_status_counts(status: int) -> None:
    head = f"HTTP/1.1 {status} No\r\nContent-Length: 500\r\n\r\n{{".encode()
    async with raw_server(head) as url, client_of(url, budget=0.3) as client:
        found, detail = await outcome(client)
    assert found is expected(status, BODIES["broken JSON"])
    assert str(status) in detail


async def test_of_an_error_that_does_not_come_to_an_end_its_status_counts_and_what_it_asks_for() -> None:
    upstream = upstream_of(1900)
    upstream.fail(replace(rate_limited("3600"), drip=timedelta(seconds=5)), times=1)
    async with client_and(upstream, attempt=10) as client:
        assert (await outcome(client))[0] is RateLimitedError
        assert (await outcome(client))[0] is RateLimitedError
    assert len(upstream.calls) == 1


async def test_of_an_error_page_no_more_is_read_than_says_what_it_is() -> None:
    upstream = upstream_of(1900)
    upstream.fail(Fault(503, b"<html>" + b"x" * (17 * 2**20), content_type="text/html"))
    async with client_and(upstream, budget=BUDGET) as client:
        assert await outcome(client) == (ServerError, "the API, or what stands before it, failed (503)")


async def test_a_404_of_a_proxy_says_nothing_about_a_token() -> None:
    upstream = upstream_of(1900)
    upstream.fail(page(404))
    async with client_and(upstream) as client:
        with pytest.raises(MalformedError, match="not in the API's own words"):
            await client.token(1900)


async def test_a_list_whose_other_path_is_asked_for_by_a_foreign_404_is_found() -> None:
    upstream = upstream_of(1900)
    upstream.fail(page(404), times=1)
    async with client_and(upstream) as client:
        assert list(await client.fleet()) == [1900]


async def test_the_bot_says_who_it_is_and_which_version() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    upstream = upstream_of(1900)
    async with client_and(upstream) as client:
        await client.fleet()
    assert [call.agent for call in upstream.calls] == [f"{project['name']}/{__version__}"]
