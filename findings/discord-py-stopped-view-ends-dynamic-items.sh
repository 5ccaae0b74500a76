#!/usr/bin/env bash
# discord.py 2.7.1: a view with an ordinary button and a DynamicItem that was sent, and then stops or times out, takes
# the registration of the DynamicItem's whole class along, also where `Client.add_dynamic_items` made it: from then on
# that button is dead on every message, old and new, until somebody registers the class again. A view that holds
# nothing but DynamicItems does no such harm when it stops. Whoever puts a persistent button (say "Acknowledge") and a
# passing one (say "Next page") into one view loses the first with the second.
#
# Seen with discord.py 2.7.1 on CPython 3.11 (presses that reached the class, of one before and one after the view
# stopped):
#     only dynamic items 2 of 2, with an ordinary button 1 of 2
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

import discord
from aiohttp import web

ME = {"id": "1", "username": "bot", "discriminator": "0", "avatar": None, "bot": True}
MESSAGE = {
    "id": "30", "channel_id": "20", "author": ME, "content": "", "timestamp": "2026-01-01T00:00:00+00:00",
    "edited_timestamp": None, "tts": False, "mention_everyone": False, "mentions": [], "mention_roles": [],
    "attachments": [], "embeds": [], "pinned": False, "type": 0, "components": [],
}  # fmt: skip


class Lasting(discord.ui.DynamicItem[discord.ui.Button], template="lasting"):
    reached = 0

    def __init__(self) -> None:
        super().__init__(discord.ui.Button(label="lasting", custom_id="lasting"))

    @classmethod
    async def from_custom_id(cls, *_: object) -> "Lasting":
        return cls()

    async def callback(self, _: discord.Interaction) -> None:
        type(self).reached += 1


async def reached(*, ordinary: bool) -> int:
    """How many of two presses reach the class: one before and one after a view of that kind was stopped."""

    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith("/messages"):
            return web.Response(body=json.dumps(MESSAGE).encode(), content_type="application/json")
        app = ME | {"name": "app", "icon": None, "description": "", "bot_public": False, "verify_key": "",
                    "bot_require_code_grant": False, "rpc_origins": [], "owner": ME, "flags": 0}  # fmt: skip
        return web.Response(body=json.dumps(app).encode(), content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    discord.http.Route.BASE = f"http://127.0.0.1:{runner.addresses[0][1]}"

    Lasting.reached = 0
    client = discord.Client(intents=discord.Intents.none())
    await client.login("a.b.c")
    client.add_dynamic_items(Lasting)

    async def press() -> None:
        # What the gateway sends when somebody presses the button on any message, this one or another.
        client._connection.parse_interaction_create({
            "id": "40", "application_id": "1", "type": 3, "token": "t", "version": 1, "channel_id": "20",
            "channel": {"id": "20", "type": 1, "recipients": []}, "user": ME | {"id": "2", "bot": False},
            "message": MESSAGE | {"id": "31", "components": [{"type": 1, "components": [
                {"type": 2, "style": 1, "label": "lasting", "custom_id": "lasting"}]}]},
            "data": {"component_type": 2, "custom_id": "lasting"}, "entitlements": [],
            "authorizing_integration_owners": {}, "attachment_size_limit": 1, "locale": "en-US",
        })  # fmt: skip
        for _ in range(20):
            await asyncio.sleep(0)

    view = discord.ui.View()
    view.add_item(Lasting())
    if ordinary:
        view.add_item(discord.ui.Button(label="passing"))
    await client.get_partial_messageable(20).send(view=view)
    await press()
    view.stop()
    await press()
    await client.close()
    await runner.cleanup()
    return Lasting.reached


found = {name: asyncio.run(reached(ordinary=ordinary)) for name, ordinary in (("alone", False), ("beside", True))}
print("discord.py", discord.__version__, found)
sys.exit(found != {"alone": 2, "beside": 1})
PYTHON
