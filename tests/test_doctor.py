"""What `/admin doctor` says of a bot at work, with what is wrong around it one after the other."""

import asyncio
import json
import resource
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import discord
import pytest

from bot import __version__
from bot.chat.cards.endpoints import endpoints_card
from bot.domain.value import replace as changed
from bot.imaginepro.endpoints import ENDPOINTS
from bot.sandbox.imaginepro import UNAUTHORIZED, UNAVAILABLE, late
from tests.wire import faults, world
from tests.wire.discord import PATIENCE
from tests.wire.town import Town, town
from tests.wire.world import GUILD_ID, OPS, VISITOR, Overwrite


@pytest.fixture
async def home(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """A town, in which the bot bears nothing for long."""
    async with town(sqlite_url, tmp_path) as home:
        home.environment.update(
            FAKE_CLOCK=str(tmp_path / "clock"), FAKE_DEADLINE="1", FAKE_PAUSE="0.2", POLL_INTERVAL="2s"
        )
        del home.environment["IMAGINEPRO_ENDPOINT_QUEUE_RESUME"]
        yield home


async def examined(home: Town) -> list[str]:
    """The lines of the card, below its title."""
    answered = await home.discord.command("admin doctor")
    assert answered.message is not None
    await home.discord.until(lambda: bool(answered.message and answered.message.now.embeds))
    assert answered.message.ephemeral
    (embed,) = answered.message.now.embeds
    return [str(embed["title"]), *str(embed["description"]).replace("\\", "").splitlines()]


def about(lines: list[str], what: str) -> list[str]:
    """The lines about that, with their signs."""
    return [line.replace(f"**{what}** · ", "") for line in lines if f"**{what}** · " in line]


async def test_a_bot_that_is_well_hears_so_and_what_it_could_do_better(home: Town) -> None:
    async with home.settled_bot():
        lines = await examined(home)
    assert lines[0] == "🟢 Nothing to mend", lines
    signs = [line[0] for line in lines[1:]]
    assert signs == sorted(signs, key="🔴🟠🟡🟢".index)
    assert set(signs) == {"🟡", "🟢"}
    (asked,) = about(lines, "ImaginePro")
    assert asked.startswith("🟢 The key works, and 3 tokens are listed, in ")
    (written,) = about(lines, "Database")
    assert written.startswith("🟢 Takes writes, in ")
    assert about(lines, "Outbox") == ["🟢 Nothing waits to be posted."]
    assert [line.startswith("🟢 Agrees with ") for line in about(lines, "Clock")] == [True, True]
    (seen, *_) = [line for line in about(lines, "Discord") if line.startswith("🟢")]
    assert seen.startswith("🟢 The bot sees the ops channel, sends and embeds there, and may mention whom it should")
    (runs,) = about(lines, "Versions")
    assert runs.startswith(f"🟢 Bot {__version__}, Python 3.")
    assert f"discord.py {discord.__version__}, aiohttp {aiohttp.__version__}" in runs
    (zone,) = about(lines, "Time zone")
    assert zone.startswith("🟢 Times of UTC are those of tzdata ")
    (said,) = about(lines, "Settings")
    assert "VIEWER_ROLE_ID is not set: operators alone may look" in said
    assert "1 endpoint is not published and not set: `/admin endpoints`" in said
    secrets = (home.upstream.api_key, home.environment["DISCORD_TOKEN"], home.upstream.canary)
    assert [secret for secret in secrets if secret in json.dumps(lines)] == []


async def test_each_line_that_is_bad_says_how_to_mend_it(home: Town, tmp_path: Path) -> None:
    async with home.settled_bot() as bot:
        home.upstream.fail(UNAUTHORIZED)
        lines = await examined(home)
        assert lines[0] == "🔴 1 thing to mend"
        assert lines[1].startswith(
            "🔴 **ImaginePro** · ImaginePro refuses the API key: check in ImaginePro that the key"
        )
        home.upstream.fail(UNAVAILABLE)
        said = "🟠 No answer within 1 s. The last poll: ImaginePro answered with an error of its own;"
        async with asyncio.timeout(PATIENCE):
            while not about(await examined(home), "ImaginePro")[0].startswith(said):
                pass  # the poll that finds it takes nine tenths of its interval
        home.upstream.fail(late(60))
        (hangs,) = about(await examined(home), "ImaginePro")
        assert hangs.startswith("🟠 No answer within ")
        home.upstream.heal()

        (tmp_path / "clock").write_text("7230")
        lines = await examined(home)
        wrong = [
            f"🔴 Is 2 h ahead of {whose}'s: let the bot's machine set its clock by NTP."
            for whose in ("Discord", "ImaginePro")
        ]
        assert sorted(about(lines, "Clock")) == wrong
        (tmp_path / "clock").write_text("0")

        denied = (Overwrite(GUILD_ID, deny=world.EMBED_LINKS | world.ATTACH_FILES),)
        home.discord.guild = replace(
            home.discord.guild, channels=(replace(OPS, overwrites=denied), *home.discord.guild.channels[1:])
        )
        said_of = about(await examined(home), "Discord")
        assert "🔴 The bot may not Embed Links in #ops: allow it in that channel's settings, Permissions." in said_of
        lacks = "🟡 The bot may not Attach Files in #ops, so charts and exports are refused there: allow it there."
        assert lacks in said_of

        resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        (full,) = about(await examined(home), "Database")
        assert full.startswith("🔴 Takes no writes: ")
        assert full.endswith("; check whether it is full, or may only be read.")
        resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


async def test_what_waits_because_the_channel_is_barred_is_counted_with_its_age(home: Town) -> None:
    async with home.settled_bot():
        home.discord.outage(faults.error(403, 50013), "POST", f"/channels/{OPS.id}/*")
        home.upstream.fleet[1900]["status"] = "BANNED"
        await home.discord.until(lambda: bool(home.discord.refused))
        (waits,) = about(await examined(home), "Outbox")
        assert waits.startswith("🔴 1 message waits, the oldest for ")
        assert waits.endswith("Discord does not let the bot post in the ops channel; mend what is said of Discord.")


async def test_the_endpoints_are_listed_with_what_is_known_of_each_and_what_came_of_the_last_call(home: Town) -> None:
    async with home.settled_bot():
        home.upstream.fail(UNAUTHORIZED)
        await home.quiet_polls(1)
        shown = (await home.discord.command("admin endpoints")).shown.text
    lines = shown.replace("\\", "").splitlines()
    assert "🟢 **LIST** · list the tokens · **last: 401**" in lines
    assert "`GET /api/v1/discord/tokens`" in lines
    assert "⚪ **QUEUE_RESUME**" in shown
    assert "🔧 **QUEUE_PAUSE**" in shown
    assert "Copy the path from your documentation: `IMAGINEPRO_ENDPOINT_QUEUE_RESUME=POST /api/v1/…`." in lines
    assert "more lines" not in shown


def test_what_the_operator_set_is_told_from_what_is_documented() -> None:
    mine = {name: changed(each, path="/" + "x" * 300, yours=True) for name, each in ENDPOINTS.items()}
    description = str(endpoints_card(mine, dict.fromkeys(mine, "rate_limited")).description)
    assert description.count("🔧 **") == len(ENDPOINTS)
    assert "Copy the path" not in description
    assert "more lines" not in description


async def test_nobody_else_hears_how_the_bot_is(home: Town) -> None:
    async with home.settled_bot():
        refused = await home.discord.command("admin doctor", by=VISITOR)
        assert refused.shown.text.strip() == "Only members with the operator role can use this bot."
