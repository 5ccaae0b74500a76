#!/usr/bin/env bash
# discord.py 2.7.1: the request that takes the last place of a rate limit returns only when the limit begins anew,
# though Discord answered it at once. `X-RateLimit-Remaining: 0` with `X-RateLimit-Reset-After: 2` makes `send()` take
# 2 s; the message is in the channel all the while. A limit of minutes, as on edits in announcement channels, keeps
# the caller for minutes, with an answer that is there; and whoever sets a deadline around it takes a success for a
# failure, and sends the message again. Discord asks for a pause before the next request, not after an answer.
#
# Seen with discord.py 2.7.1 on CPython 3.11 (until the server had answered: until send() returned):
#     1 left  both at once
#     0 left  the answer at once, the return 2 s after it
#
# Ends with 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'discord.py==2.7.1'
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import json
import sys
import time

import discord
from aiohttp import web

ME = {"id": "1", "username": "bot", "discriminator": "0", "avatar": None, "bot": True}
MESSAGE = {
    "id": "30", "channel_id": "20", "author": ME, "content": "", "timestamp": "2026-01-01T00:00:00+00:00",
    "edited_timestamp": None, "tts": False, "mention_everyone": False, "mentions": [], "mention_roles": [],
    "attachments": [], "embeds": [], "pinned": False, "type": 0, "components": [],
}  # fmt: skip
RESET_AFTER = 2.0


async def kept(left: int) -> float:
    """Seconds from the server's answer until `send` returns, with so many requests left in the limit."""
    answered = 0.0

    async def answer(_: web.Request) -> web.Response:
        nonlocal answered
        answered = time.monotonic()
        limit = {"Bucket": "b", "Limit": 5, "Remaining": left, "Reset-After": RESET_AFTER}
        limit["Reset"] = time.time() + RESET_AFTER
        limit = {f"X-RateLimit-{name}": str(value) for name, value in limit.items()}
        return web.Response(body=json.dumps(MESSAGE).encode(), content_type="application/json", headers=limit)

    async def who(_: web.Request) -> web.Response:
        me = ME | {"name": "app", "icon": None, "description": "", "bot_public": False, "verify_key": "",
                   "bot_require_code_grant": False, "rpc_origins": [], "owner": ME, "flags": 0}  # fmt: skip
        return web.Response(body=json.dumps(me).encode(), content_type="application/json")

    app = web.Application()
    app.router.add_post("/channels/20/messages", answer)
    app.router.add_get("/{path:.*}", who)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    discord.http.Route.BASE = f"http://127.0.0.1:{runner.addresses[0][1]}"
    client = discord.Client(intents=discord.Intents.none())
    await client.login("a.b.c")
    await client.get_partial_messageable(20).send("hello")
    returned = time.monotonic()
    await client.close()
    await runner.cleanup()
    return returned - answered


found = {left: asyncio.run(kept(left)) for left in (1, 0)}
print("discord.py", discord.__version__, {left: f"{seconds:.2f} s" for left, seconds in found.items()})
sys.exit(not found[1] < found[0] - RESET_AFTER / 2 or found[0] < 0.9 * RESET_AFTER)
PYTHON
