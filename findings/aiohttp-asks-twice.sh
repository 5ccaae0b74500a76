#!/usr/bin/env bash
# aiohttp 3.14.5 sends GET, PUT and DELETE a second time by itself when the connection breaks before an answer; POST
# and PATCH once. It does so on a fresh connection too, where no keep-alive connection can have been stale, and a
# trace (on_request_start) hears of one request. Who counts requests, or must not do a thing twice, has to know.
#
# Seen with aiohttp 3.14.5 on CPython 3.11:
#     GET 2, HEAD 2, PUT 2, DELETE 2, POST 1, PATCH 1; 1 start traced for each
#
# Ends with 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'aiohttp==3.14.5'
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import sys

import aiohttp


async def asked(method: str) -> tuple[int, int]:
    """How often a server that hangs up on everybody is asked, and how many requests the client's trace hears of."""
    requests = traced = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await reader.readuntil(b"\r\n\r\n")
        requests += 1
        writer.close()

    async def count(*_: object) -> None:
        nonlocal traced
        traced += 1

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(count)
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with aiohttp.ClientSession(trace_configs=[trace]) as session:
            try:
                async with session.request(method, f"http://127.0.0.1:{port}/"):
                    pass
            except aiohttp.ClientError:
                pass
    return requests, traced


found = {method: asyncio.run(asked(method)) for method in ("GET", "HEAD", "PUT", "DELETE", "POST", "PATCH")}
print("aiohttp", aiohttp.__version__, found)
expected = {"GET": (2, 1), "HEAD": (2, 1), "PUT": (2, 1), "DELETE": (2, 1), "POST": (1, 1), "PATCH": (1, 1)}
sys.exit(found != expected)
PYTHON
