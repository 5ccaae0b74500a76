"""The simulated ImaginePro as an aiohttp application, behind a real socket."""

import json
from contextlib import AbstractAsyncContextManager
from functools import partial
from ssl import SSLContext
from typing import Final

import msgspec
from aiohttp import web

from bot.sandbox.imaginepro.answers import ANSWERS, Asked
from bot.sandbox.imaginepro.faults import NOT_FOUND, UNAUTHORIZED, Fault
from bot.sandbox.imaginepro.jobs import identity
from bot.sandbox.imaginepro.paths import PATHS, PICTURE
from bot.sandbox.imaginepro.server import send, served
from bot.sandbox.imaginepro.upstream import Call, Upstream

_LIST: Final = PATHS[0][2]


def serving(
    upstream: Upstream, *, host: str = "127.0.0.1", port: int = 0, tls: SSLContext | None = None
) -> AbstractAsyncContextManager[str]:
    """The upstream behind a real socket; gives its URL."""
    app = web.Application()
    for name, method, path in PATHS:
        app.router.add_route(method, path, partial(_serve, upstream, name))
    app.router.add_get(PICTURE, partial(_picture, upstream))
    app.router.add_route("*", "/{path:.*}", partial(_serve, upstream, ""))
    return served(app, host=host, port=port, tls=tls)


def pictures(url: str, jobs: int) -> dict[str, tuple[str, bytes]]:
    """What will come of the first jobs of the upstream at that URL: by address the file's name, and the picture.

    For a page that may load nothing from elsewhere.
    """
    from bot.sandbox.imaginepro.picture import png  # noqa: PLC0415 - just for the demo

    ids = map(identity, range(jobs))
    return {url + PICTURE.format(job=each): (f"{each}.png", png(each)) for each in ids}


async def _serve(upstream: Upstream, name: str, request: web.Request) -> web.StreamResponse:
    """Note the call; then do what it asks for, and send that, unless the script or the key forbids it."""
    sent = await request.read()
    agent = request.headers.get("User-Agent", "")
    upstream.calls.append(Call(upstream.now(), request.method, request.path, agent, name, sent))
    fault = upstream.fault(name)
    if fault is None and request.headers.get("Authorization") != f"Bearer {upstream.api_key}":
        fault = UNAUTHORIZED
    asked = Asked(request.match_info, request.query, _json(sent), str(request.url.origin()))
    answer = [] if fault is not None and fault.instead else _answer(upstream, name, request.path, asked)
    if isinstance(answer, Fault):
        return await send(request, answer, b"")
    return await send(request, fault or Fault(), msgspec.json.encode(answer))


def _answer(upstream: Upstream, name: str, path: str, asked: Asked) -> object:
    if not name or path in upstream.gone or (path == _LIST and not upstream.has_list):
        return NOT_FOUND
    upstream.go_on()
    return ANSWERS[name](upstream, asked)


async def _picture(upstream: Upstream, request: web.Request) -> web.StreamResponse:
    from bot.sandbox.imaginepro.picture import png  # noqa: PLC0415 - most never look at one

    job = upstream.jobs.get(request.match_info["job"])
    if job is None or job.at(upstream.now())[0] != "DONE":
        return await send(request, NOT_FOUND, b"")
    return await send(request, Fault(content_type="image/png"), png(job.id))


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None
