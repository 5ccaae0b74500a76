"""The small HTTP server for those who run the bot. It answers from memory, whatever the database does.

GET /health    200 or 503, and why, as JSON; for everybody
GET /live      the same, red only for what a new start would mend: for hosts that restart what is red
GET /metrics   figures for Prometheus; with the bearer token, where one is set
"""

import asyncio
import contextlib
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from bot.observe.health import Cause, wrong
from bot.observe.metrics import exposition, moment
from bot.observe.pulse import Pulse
from bot.telemetry import event

logger = logging.getLogger(__name__)

CLOSING = 0.5
"""Seconds for which an answer that is on its way may hold up the end of the process."""


@contextlib.asynccontextmanager
async def serving(pulse: Pulse, host: str, port: int, token: str | None) -> AsyncIterator[int]:
    """Serve for as long as the context is open; gives the port, which matters when it was to be any free one.

    Raises:
        OSError: The port is taken, or the host is not this machine.
    """
    app = web.Application()
    app.router.add_get("/health", _health(pulse, wrong))
    app.router.add_get("/live", _health(pulse, lambda facts: (cause for cause in wrong(facts) if cause.restart)))
    app.router.add_get("/metrics", _metrics(pulse, token))
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


def _metrics(pulse: Pulse, token: str | None) -> Handler:
    turn = asyncio.Lock()

    async def answer(request: web.Request) -> web.Response:
        if token is not None and not _admitted(request, token):
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        async with turn:  # one thread at a time, however many ask
            body = await asyncio.to_thread(exposition, moment(pulse))
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    return answer


def _admitted(request: web.Request, token: str) -> bool:
    """Whether the request has the token; how long this takes says nothing about it."""
    given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
    return hmac.compare_digest(given, f"Bearer {token}".encode())


async def _reticent(_request: web.Request, response: web.StreamResponse) -> None:
    """No cache keeps an answer, and none names the versions of what made it."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Server"] = "imaginepro-bot"
