"""The HTTP session by which the API is asked: what aiohttp may take in, and what it must not do by itself."""

from types import SimpleNamespace
from typing import Final

import aiohttp

LONGEST_HEADER: Final = 2**16
MOST_HEADERS: Final = 1000
"""aiohttp takes 8 KB and 128 by itself; a content security policy alone may be longer."""


def session(proxy: str | None) -> aiohttp.ClientSession:
    """A new one, which whoever asked for it closes. `proxy` is that by which the API is reached."""
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        max_line_size=LONGEST_HEADER,
        max_field_size=LONGEST_HEADER,
        max_headers=MOST_HEADERS,
        proxy=proxy,
        trace_configs=[_staged()],
    )


def once() -> aiohttp.ClientMiddlewareType:
    """Keep aiohttp from sending a request again by itself, past the rate limit, when its connection breaks.

    It does so with GET, PUT and DELETE. Every request goes by this guard: what changes something may be done already.
    """
    sent = False

    async def send(request: aiohttp.ClientRequest, send_on: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        nonlocal sent
        if sent:
            raise aiohttp.ServerDisconnectedError
        sent = True
        return await send_on(request)

    return send


def _staged() -> aiohttp.TraceConfig:
    """Lets a session say of a request whether it is still connecting, so that nothing of it was sent."""
    trace = aiohttp.TraceConfig()

    async def begins(_: object, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.connecting = True

    async def ends(_: object, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.connecting = False

    trace.on_connection_create_start.append(begins)
    trace.on_connection_create_end.append(ends)
    return trace
