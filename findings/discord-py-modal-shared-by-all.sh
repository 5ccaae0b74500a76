#!/usr/bin/env bash
# discord.py 2.7.1 remembers an open Modal by its custom_id alone, for all people and channels together. With a
# custom_id of one's own (as `class Note(Modal, custom_id="note")`, or one built from what the dialog is about) the
# second person who opens it replaces the first: what the first one sends arrives at the second one's object. So
# whatever an object holds about who opened it, and on what, is another person's. Without a custom_id each object gets
# a random one, and all is well.
#
# Seen with discord.py 2.7.1 on CPython 3.11 (who sent it: whose object took it):
#     one custom_id for both  ana: ben's, ben: nobody's
#     one for each object     ana: ana's, ben: ben's
#
# Ends with 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'discord.py==2.7.1'
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import sys

import discord
from aiohttp import web

PEOPLE = {"ana": "11", "ben": "12"}


class Note(discord.ui.Modal, title="Note"):
    words = discord.ui.TextInput(label="What happened?", custom_id="words")

    def __init__(self, opened_by: str, took: dict[str, str], **options: str) -> None:
        super().__init__(**options)
        self.opened_by, self.took = opened_by, took

    async def on_submit(self, interaction: discord.Interaction) -> None:
        self.took[interaction.user.name] = self.opened_by


def interaction(client: discord.Client, name: str, kind: int, data: dict[str, object]) -> dict[str, object]:
    return {
        "id": PEOPLE[name], "application_id": "1", "type": kind, "token": "t", "version": 1, "channel_id": "20",
        "channel": {"id": "20", "type": 1, "recipients": []}, "data": data, "entitlements": [],
        "user": {"id": PEOPLE[name], "username": name, "discriminator": "0", "avatar": None},
        "authorizing_integration_owners": {}, "attachment_size_limit": 1, "locale": "en-US",
    }  # fmt: skip


async def taken(options: dict[str, str]) -> dict[str, str]:
    """Two people open the same dialog, and send it in the order in which they opened it; who sent: whose object."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b'{"interaction": {"id": "9", "type": 2}}', content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    discord.http.Route.BASE = discord.webhook.async_.Route.BASE = f"http://127.0.0.1:{runner.addresses[0][1]}"

    client = discord.Client(intents=discord.Intents.none())
    await client._async_setup_hook()
    client.http._HTTPClient__session = session = discord.http.aiohttp.ClientSession()
    took: dict[str, str] = {}
    dialogs = {name: Note(name, took, **options) for name in PEOPLE}
    for name, dialog in dialogs.items():
        opening = interaction(client, name, 2, {"id": "9", "name": "note", "type": 1})
        await discord.Interaction(data=opening, state=client._connection).response.send_modal(dialog)
    for name, dialog in dialogs.items():
        field = {"type": 4, "custom_id": "words", "value": "all well", "id": 2}
        sent = {"custom_id": dialog.custom_id, "components": [{"type": 1, "id": 1, "components": [field]}]}
        client._connection.parse_interaction_create(interaction(client, name, 5, sent))
        for _ in range(20):
            await asyncio.sleep(0)
    await session.close()
    await client.close()
    await runner.cleanup()
    return took


found = {"one": asyncio.run(taken({"custom_id": "note"})), "each": asyncio.run(taken({}))}
print("discord.py", discord.__version__, found)
sys.exit(found != {"one": {"ana": "ben"}, "each": {"ana": "ana", "ben": "ben"}})
PYTHON
