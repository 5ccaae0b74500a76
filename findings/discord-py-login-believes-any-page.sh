#!/usr/bin/env bash
# discord.py 2.7.1 takes whatever answers Client.login() for Discord. A 401 is "Improper token", be it the login page
# of a network or a proxy's; a page with status 200 is a TypeError about indices of a str; an error whose JSON has
# "message": null is one about len(). So a program that ends for good on LoginFailure does so where nothing is wrong
# with its token, and one that expects HTTPException and OSError alone ends by a TypeError.
#
# Seen with discord.py 2.7.1 on CPython 3.11 (what came: what was raised):
#     401, a page             LoginFailure Improper token has been passed.
#     200, a page             TypeError    string indices must be integers, not 'str'
#     401, {"message": null}  TypeError    object of type 'NoneType' has no len()
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

PAGE = b"<html>Log in to this network</html>"
ANSWERS = (
    (401, PAGE, "text/html", "LoginFailure"),
    (200, PAGE, "text/html", "TypeError"),
    (401, b'{"message": null}', "application/json", "TypeError"),
)


async def raised(status: int, body: bytes, kind: str) -> Exception | None:
    """What a login raises that is answered so."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, content_type=kind)

    app = web.Application()
    app.router.add_get("/users/@me", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    discord.http.Route.BASE = f"http://127.0.0.1:{runner.addresses[0][1]}"
    client = discord.Client(intents=discord.Intents.none())
    try:
        await client.login("a.b.c")
    except Exception as error:
        return error
    finally:
        await client.http.close()
        await runner.cleanup()
    return None


changed = False
print("discord.py", discord.__version__)
for status, body, kind, expected in ANSWERS:
    error = asyncio.run(raised(status, body, kind))
    print(status, body.decode(), type(error).__name__, error)
    changed |= type(error).__name__ != expected
sys.exit(changed)
PYTHON
