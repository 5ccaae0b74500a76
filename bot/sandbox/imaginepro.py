"""ImaginePro at home: the token calls of its API as an aiohttp application, over a fleet that can be scripted.

Every record carries a fake secret in `token`, as the real one carries its account's Discord token. The secret holds a
word chosen by whoever made the upstream, so that a test can look for it wherever nothing secret may be.
Sources of paths and shapes: imaginepro.ai/docs/list-tokens, imaginepro.ai/docs/toggle-tokens,
docs.imaginepro.ai/api-216008264.
"""

import asyncio
import contextlib
import gzip
import socket
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import msgspec
from aiohttp import web

from bot.domain.value import Value

TokenRecord: TypeAlias = dict[str, Any]
"""A record as the JSON has it, less its `token`; change it as you like."""

_LIST: Final = "/api/v1/discord/tokens"
_SINGLE: Final = "/api/v1/discord/token/{id}"
_PAGE: Final = b"<!doctype html><title>Just a moment</title>"
_AT_ONCE: Final = timedelta(0)
_SHUTDOWN: Final = 0.5
_PIECE: Final = 2**16
"""Bytes that are sent at once: what the socket does not take is moved about in memory, again and again."""


class Shape(StrEnum):
    """How the call for one token answers: the documentation describes an array, and asks for one."""

    ARRAY = "an array of that record"
    BARE = "the record alone"
    ALL = "an array of all records"


class Fault(Value):
    """What an answer does instead of being right. One field or two of it are set; see the faults below."""

    status: int = HTTPStatus.OK
    body: bytes | None = None
    """Sent instead of the true answer."""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    keep: float = 1.0
    """The part of the body that is sent."""
    before: timedelta = _AT_ONCE
    """Waited before the headers."""
    drip: timedelta = _AT_ONCE
    """Waited between two of the body's bytes."""
    reset: bool = False
    """The connection is reset instead of answered."""

    @property
    def instead(self) -> bool:
        """Whether the call does not do what it was made for."""
        return self.reset or self.body is not None


class Call(Value):
    """A request as it came in."""

    at: float
    """Of the event loop's clock, in seconds."""
    method: str
    path: str
    agent: str = ""
    """As what the caller introduced itself."""


def problem(status: int, message: str | list[str], *, headers: Iterable[tuple[str, str]] = ()) -> Fault:
    """An error in the words of NestJS, which leaves `error` out of a plain 401."""
    body: TokenRecord = {"message": message, "error": HTTPStatus(status).phrase, "statusCode": status}
    if status == HTTPStatus.UNAUTHORIZED:
        del body["error"]
    return Fault(status, msgspec.json.encode(body), headers=tuple(headers))


def rate_limited(retry_after: str | None = None) -> Fault:
    """429; `retry_after` is seconds or an HTTP date, as a text."""
    headers = () if retry_after is None else (("Retry-After", retry_after),)
    return problem(HTTPStatus.TOO_MANY_REQUESTS, "ThrottlerException: Too Many Requests", headers=headers)


def page(status: int) -> Fault:
    """A proxy's or web site's page where JSON should be."""
    return Fault(status, _PAGE, content_type="text/html")


def late(seconds: float) -> Fault:
    """The right answer, after a while."""
    return Fault(before=timedelta(seconds=seconds))


def dripping(seconds: float) -> Fault:
    """The right answer: its headers at once, its body with so many seconds after each byte."""
    return Fault(drip=timedelta(seconds=seconds))


UNAUTHORIZED: Final = problem(401, "Unauthorized")
OUT_OF_CREDITS: Final = problem(402, "Insufficient credits")
FORBIDDEN: Final = problem(403, "This endpoint needs the DIY plan")
NOT_FOUND: Final = problem(404, "Cannot GET this path")
_NO_TOKEN: Final = problem(404, "Token not found")
INVALID: Final = problem(400, ["id must be an integer", "id must be positive"])
SERVER_ERROR: Final = problem(500, "Internal server error")
BAD_GATEWAY: Final = page(502)
UNAVAILABLE: Final = page(503)
WEB_PAGE: Final = page(200)
REDIRECT: Final = Fault(301, b"", headers=(("Location", "https://www.example.com/"),))
TRUNCATED: Final = Fault(keep=0.5)
RESET: Final = Fault(reset=True)
HUGE: Final = Fault(body=gzip.compress(b" " * (17 * 2**20)), headers=(("Content-Encoding", "gzip"),))
"""Small on the wire, 17 MiB when unpacked."""


def token_record(
    identity: int,
    *,
    status: str = "FAST",
    plan: str = "Standard",
    fast: str = "13.47/15.0 hours (89.78%)",
    renews: int = 1893456000,
    active: bool = True,
    **info: object,
) -> TokenRecord:
    """A record as the list has it.

    Args:
        identity: Its id.
        status: FAST, RELAX, VERIFYING, BANNED, or any other word.
        plan: Basic, Standard, Pro or Mega, paid monthly; the word None makes the trial.
        fast: Its `fastTimeRemaining`.
        renews: When the plan renews, in Unix seconds.
        active: Whether ImaginePro sends it jobs.
        info: Other keys of its `info`, by their names in the JSON.
    """
    subscription = "None (Trial)" if plan == "None" else f"{plan} (Active monthly, renews next on <t:{renews}>)"
    return {
        "id": identity,
        "channelId": str(1000000000000000000 + identity),
        "serverId": "1000000000000000000",
        "isActive": active,
        "status": status,
        "info": {
            "jobMode": "",
            "runningJobs": "None",
            "relaxedUsage": "0 images",
            "subscription": subscription,
            "lifetimeUsage": "674 images",
            "queuedJobsFast": "0",
            "visibilityMode": "Public",
            "queuedJobsRelax": "0",
            "fastTimeRemaining": fast,
            **info,
        },
        "concurrency": 3,
    }


@dataclass
class Upstream:
    """The upstream's state; change it while it serves."""

    records: Iterable[TokenRecord] = ()
    canary: str = "canary"
    """A word that each record's secret holds."""
    api_key: str = "sk-sandbox"
    shape: Shape = Shape.ARRAY
    has_list: bool = True
    """Whether the list is at its path; the single path without an id always answers the list."""
    fleet: dict[int, TokenRecord] = field(init=False)
    calls: list[Call] = field(init=False, default_factory=list)
    _next: deque[Fault] = field(init=False, default_factory=deque)
    _standing: Fault | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.fleet = {each["id"]: each for each in self.records}

    def fail(self, fault: Fault, *, times: int | None = None) -> None:
        """Spoil the next `times` answers; or all from now on, once those before are used up."""
        if times is None:
            self._standing = fault
        else:
            self._next.extend([fault] * times)

    def heal(self) -> None:
        """Answer rightly from now on."""
        self._next.clear()
        self._standing = None

    def app(self) -> web.Application:
        """The application, to be served by whoever asked."""
        app = web.Application()
        app.router.add_get(_LIST, self._all)
        app.router.add_get(_SINGLE.format(id=""), self._any)
        app.router.add_get(_SINGLE, self._one)
        app.router.add_put(_SINGLE, self._toggle)
        return app

    async def _all(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, self._shown if self.has_list else lambda: NOT_FOUND)

    async def _any(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, self._shown)

    async def _one(self, request: web.Request) -> web.StreamResponse:
        return await self._answer(request, lambda: self._single(request.match_info["id"]))

    async def _toggle(self, request: web.Request) -> web.StreamResponse:
        wanted = await request.json()
        return await self._answer(request, lambda: self._toggled(request.match_info["id"], wanted))

    def _shown(self) -> Sequence[object]:
        return [self._with_secret(each) for each in self.fleet.values()]

    def _single(self, identity: str) -> object:
        found = self._known(identity)
        if found is None:
            return _NO_TOKEN
        match self.shape:
            case Shape.ARRAY:
                return [self._with_secret(found)]
            case Shape.BARE:
                return self._with_secret(found)
            case Shape.ALL:
                return self._shown()

    def _toggled(self, identity: str, wanted: object) -> object:
        found = self._known(identity)
        if found is None:
            return _NO_TOKEN
        match wanted:
            case {"isActive": bool(active)}:
                found["isActive"] = active
                return [self._with_secret(found)]
            case _:
                return problem(400, ["isActive must be a boolean value"])

    def _known(self, identity: str) -> TokenRecord | None:
        return self.fleet.get(int(identity)) if identity.isdecimal() else None

    def _with_secret(self, record: TokenRecord) -> TokenRecord:
        return {"id": record["id"], "token": f"FAKE{record['id']}.{self.canary}", **record}

    async def _answer(self, request: web.Request, right: Callable[[], object]) -> web.StreamResponse:
        """Note the call; then do what it asks for, and send that, unless the script or the key forbids it.

        What it asks for is JSON, or a fault of its own.
        """
        self.calls.append(
            Call(asyncio.get_running_loop().time(), request.method, request.path, request.headers.get("User-Agent", ""))
        )
        fault = self._next.popleft() if self._next else self._standing
        if fault is None and request.headers.get("Authorization") != f"Bearer {self.api_key}":
            fault = UNAUTHORIZED
        spoilt = fault is not None and fault.instead
        answer = [] if spoilt else right()
        if isinstance(answer, Fault):
            return await _send(request, answer, b"")
        return await _send(request, fault or Fault(), msgspec.json.encode(answer))


@asynccontextmanager
async def serving(
    upstream: Upstream, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """The upstream behind a real socket; gives its URL."""
    runner = web.AppRunner(
        upstream.app(), handle_signals=False, handler_cancellation=True, access_log=None, shutdown_timeout=_SHUTDOWN
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        yield f"{'https' if tls else 'http'}://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _send(request: web.Request, fault: Fault, right: bytes) -> web.StreamResponse:
    if fault.reset:
        return _reset(request)
    await asyncio.sleep(fault.before.total_seconds())
    body = right if fault.body is None else fault.body
    body = body[: int(len(body) * fault.keep)]
    response = web.StreamResponse(status=fault.status, headers=dict(fault.headers))
    response.content_type = fault.content_type
    with contextlib.suppress(ConnectionError):  # whoever asked may hang up on seeing the status
        await response.prepare(request)
        if fault.drip:
            for position in range(len(body)):
                await response.write(body[position : position + 1])
                await asyncio.sleep(fault.drip.total_seconds())
        else:
            for position in range(0, len(body), _PIECE):
                await response.write(body[position : position + _PIECE])
        await response.write_eof()
    return response


def _reset(request: web.Request) -> web.Response:
    """Close with RST, as a host does that died: the kernel sends it when a socket is closed that may not linger."""
    transport = request.transport
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()
