"""The small HTTP server for those who run the bot. It answers from memory, whatever the database does.

GET /health    200 or 503, and why, as JSON; for everybody
GET /live      the same, red only for what a new start would mend: for hosts that restart what is red
GET /metrics   figures for Prometheus, packed for whoever takes that; with the bearer token, where one is set
"""

import asyncio
import contextlib
import gzip
import hmac
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from bot.observe.health import Cause, wrong
from bot.observe.metrics import Moment, exposition, moment
from bot.observe.pulse import Pulse
from bot.telemetry import event

logger = logging.getLogger(__name__)

LEVEL = 4
"""How hard the figures are packed: more takes longer, and hardly makes them smaller."""

_NOT_AT_ALL = re.compile(r"q\s*=\s*0(\.0*)?")

CLOSING = 0.5
"""Seconds for which an answer that is on its way may hold up the end of the process."""


@contextlib.asynccontextmanager
async def serving(pulse: Pulse, host: str, port: int, token: str | None, *, named: bool = False) -> AsyncIterator[int]:
    """Serve for as long as the context is open; gives the port, which matters when it was to be any free one.

    Raises:
        OSError: The port is taken, or the host is not this machine.
    """
    app = web.Application()
    app.router.add_get("/health", _health(pulse, wrong))
    app.router.add_get("/live", _health(pulse, lambda facts: (cause for cause in wrong(facts) if cause.restart)))
    app.router.add_get("/metrics", _metrics(pulse, token, named=named))
    app.on_response_prepare.append(_reticent)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSING)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound: int = runner.addresses[0][1]
        event(logger, logging.INFO, "serving /health and /metrics", host=host, port=bound)
        yield bound
    finally:
        await runner.cleanup()


Handler = Callable[[web.Request], Awaitable[web.Response]]


def _health(pulse: Pulse, judge: Callable[..., Iterable[Cause]]) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        facts = pulse.facts
        reasons = [{"reason": cause.word, "text": cause.text} for cause in judge(facts)]
        body = {"status": "failing" if reasons else "ok", "role": facts.role, "reasons": reasons}
        return web.json_response(body, status=503 if reasons else 200)

    return answer


def _metrics(pulse: Pulse, token: str | None, *, named: bool) -> Handler:
    turn = asyncio.Lock()

    async def answer(request: web.Request) -> web.Response:
        if token is not None and not _admitted(request, token):
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        headers = {"Content-Type": CONTENT_TYPE_PLAIN_0_0_4, "Vary": "Accept-Encoding"}
        if packed := _takes_gzip(",".join(request.headers.getall("Accept-Encoding", ()))):
            headers["Content-Encoding"] = "gzip"
        async with turn:  # one thread at a time, however many ask
            body = await asyncio.to_thread(_packed if packed else exposition, moment(pulse, named=named))
        return web.Response(body=body, headers=headers)

    return answer


def _packed(taken: Moment) -> bytes:
    return gzip.compress(exposition(taken), LEVEL)


def _takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` asks for it: https://www.rfc-editor.org/rfc/rfc9110#field.accept-encoding."""
    codings = {}
    for each in accepted.lower().split(","):
        coding, _, weight = each.partition(";")
        codings[coding.strip()] = not _NOT_AT_ALL.fullmatch(weight.strip())
    return codings.get("gzip", codings.get("x-gzip", codings.get("*", False)))


def _admitted(request: web.Request, token: str) -> bool:
    """Whether the request has the token; how long this takes says nothing about it."""
    # The scheme is written in any case: https://www.rfc-editor.org/rfc/rfc9110#section-11.1.
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip(" ").encode(errors="surrogateescape"), token.encode())
    return same and scheme.lower() == "bearer"


async def _reticent(_request: web.Request, response: web.StreamResponse) -> None:
    """No cache keeps an answer, and none names the versions of what made it."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Server"] = "imaginepro-bot"
