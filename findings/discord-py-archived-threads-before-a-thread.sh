#!/usr/bin/env bash
# discord.py 2.7.1: archived_threads(before=thread) of a forum or text channel asks Discord for what was archived
# before that thread was *created*. Discord lists archived threads by when they were archived, and takes `before` for
# such a time, so whatever was archived between the creation of that thread and its archiving is left out. Whoever
# pages by the last thread of the page before gets a list with gaps, and no error; the longer a thread was open, the
# more it hides. `before=thread.archive_timestamp` leaves out nothing, nor does one call with `limit=None`.
#
# Seen with discord.py 2.7.1 on CPython 3.11: six posts in a forum that were open for days or weeks, in pages of two,
# from a server that lists them as Discord documents (4 and 2 are lost):
#     one call                                 6 5 4 1 3 2
#     by before=thread                         6 5 1 3
#     by before=thread.archive_timestamp       6 5 4 1 3 2
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
from collections.abc import Callable
from datetime import UTC, datetime

import discord
from aiohttp import web

ME = {"id": "1", "username": "bot", "discriminator": "0", "avatar": None, "bot": True}
FORUM = {
    "id": "20", "guild_id": "10", "type": 15, "name": "posts", "position": 0, "permission_overwrites": [],
    "parent_id": None, "nsfw": False, "flags": 0, "available_tags": [], "default_reaction_emoji": None,
    "default_sort_order": None, "default_forum_layout": 0, "topic": None,
}  # fmt: skip
# name: when it was made, when it was archived
POSTS = {
    "1": (datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)),
    "2": (datetime(2026, 2, 2, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)),
    "3": (datetime(2026, 2, 3, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)),
    "4": (datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)),
    "5": (datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 3, 6, tzinfo=UTC)),
    "6": (datetime(2026, 3, 6, tzinfo=UTC), datetime(2026, 3, 7, tzinfo=UTC)),
}


def as_sent(name: str) -> dict[str, object]:
    made, archived = POSTS[name]
    return {
        "id": str(discord.utils.time_snowflake(made)), "guild_id": "10", "parent_id": "20", "owner_id": "1",
        "type": 11, "name": name, "message_count": 1, "member_count": 1, "rate_limit_per_user": 0, "flags": 0,
        "thread_metadata": {"archived": True, "auto_archive_duration": 60, "locked": False,
                            "archive_timestamp": archived.isoformat(), "create_timestamp": made.isoformat()},
    }  # fmt: skip


def answer(body: object) -> web.Response:
    return web.Response(body=json.dumps(body).encode(), content_type="application/json")


async def listed(request: web.Request) -> web.Response:
    """Archived before that time, those archived last first."""
    before = datetime.fromisoformat(request.query.get("before", "2027-01-01T00:00:00+00:00"))
    names = [name for name, (_, archived) in POSTS.items() if archived < before]
    names.sort(key=lambda name: POSTS[name][1], reverse=True)
    page = names[: int(request.query["limit"])]
    return answer({"threads": [as_sent(name) for name in page], "members": [], "has_more": len(page) < len(names)})


async def forum(_: web.Request) -> web.Response:
    return answer(FORUM)


async def who(_: web.Request) -> web.Response:
    return answer(ME | {"name": "app", "icon": None, "description": "", "bot_public": False, "verify_key": "",
                        "bot_require_code_grant": False, "rpc_origins": [], "owner": ME, "flags": 0})  # fmt: skip


async def paged(channel: discord.ForumChannel, before: Callable[[discord.Thread], object]) -> str:
    """The names in pages of two, each from where the page before ended."""
    names: list[str] = []
    last = None
    while page := [each async for each in channel.archived_threads(limit=2, before=last and before(last))]:
        names += [each.name for each in page]
        last = page[-1]
    return " ".join(names)


async def main() -> dict[str, str]:
    app = web.Application()
    app.router.add_get("/channels/20/threads/archived/public", listed)
    app.router.add_get("/channels/20", forum)
    app.router.add_get("/{path:.*}", who)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    discord.http.Route.BASE = f"http://127.0.0.1:{runner.addresses[0][1]}"
    client = discord.Client(intents=discord.Intents.none())
    await client.login("a.b.c")
    channel = await client.fetch_channel(20)
    found = {
        "one call": " ".join([each.name async for each in channel.archived_threads(limit=None)]),
        "by before=thread": await paged(channel, lambda thread: thread),
        "by before=thread.archive_timestamp": await paged(channel, lambda thread: thread.archive_timestamp),
    }
    await client.close()
    await runner.cleanup()
    return found


found = asyncio.run(main())
print("discord.py", discord.__version__)
for way, names in found.items():
    print(f"{way:40} {names}")
sys.exit(list(found.values()) != ["6 5 4 1 3 2", "6 5 1 3", "6 5 4 1 3 2"])
PYTHON
