"""The simulated ImaginePro behind a real socket: how an answer is sent, or spoilt."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from bot.sandbox.imaginepro.faults import Fault

_SHUTDOWN: Final = 0.5
_PIECE: Final = 2**16
"""Bytes that are sent at once: what the socket does not take is moved about in memory, again and again."""


@asynccontextmanager
async def served(
    app: web.Application, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """The application behind a real socket; gives its URL."""
    runner = web.AppRunner(
        app, handle_signals=False, handler_cancellation=True, access_log=None, shutdown_timeout=_SHUTDOWN
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        await site.start()
        yield f"{'https' if tls else 'http'}://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def send(request: web.Request, fault: Fault, right: bytes, content_type: str = "") -> web.StreamResponse:
    """Answer, as right or as wrong as the fault has it."""
    if fault.reset:
        return _reset(request)
    await asyncio.sleep(fault.before.total_seconds())
    body = right if fault.body is None else fault.body
    body = body[: int(len(body) * fault.keep)]
    response = web.StreamResponse(status=fault.status, headers=dict(fault.headers))
    response.content_type = content_type or fault.content_type
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
