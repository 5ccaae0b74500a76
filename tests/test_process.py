"""The whole bot as a process over real sockets: it starts, tells, answers, stops, and lives through what goes wrong."""

import asyncio
import contextlib
import re
import signal
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib import resources
from itertools import cycle, islice
from pathlib import Path

import pytest

from bot import __version__
from bot.sandbox import imaginepro
from bot.sandbox.imaginepro import OUT_OF_CREDITS, UNAUTHORIZED, UNAVAILABLE, WEB_PAGE, Fault, late, rate_limited
from tests.observe.test_process import health
from tests.report import table
from tests.stop import BUSY, Busy, stopped
from tests.storage.servers import PostgreSQL, refusing
from tests.test_heartbeat import switch
from tests.test_webhook import events, pager
from tests.waiting import until
from tests.wire import faults, world
from tests.wire.faults import Outage
from tests.wire.gateway import CloseCode, Mood
from tests.wire.interactions import Act, resolved
from tests.wire.messages import Message
from tests.wire.process import BotProcess
from tests.wire.town import BASELINE, Town, town
from tests.wire.world import (
    COLLEAGUE,
    GUILD_ID,
    LOUNGE,
    ON_CALL,
    OPERATOR,
    OPERATORS,
    OPS,
    VISITOR,
    Channel,
    Overwrite,
)

MESSAGES = "/channels/*/messages"
"""Where posts go."""
EX_CONFIG = 78
EX_TEMPFAIL = 75
INTERRUPTED = 130


@pytest.fixture
async def home(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """A town whose bot remembers in a file."""
    async with town(sqlite_url, tmp_path) as home:
        yield home


@pytest.fixture
async def homes(sqlite_url: str, postgresql_url: str, tmp_path: Path) -> AsyncIterator[tuple[Town, Town]]:
    """Two towns, one for each engine: what is the same for both is lived through in both at once."""
    async with town(sqlite_url, tmp_path) as first, town(postgresql_url, tmp_path) as second:
        yield first, second


# Steering


@pytest.mark.long
async def test_what_is_pressed_on_a_card_from_before_a_restart_holds_through_the_next(homes: tuple[Town, Town]) -> None:
    async def live(home: Town) -> None:
        async with home.settled_bot():
            home.upstream.fleet[1900]["status"] = "BANNED"
            card = await home.until_told("1900 is BANNED")
            await home.quiet_polls(1)
        async with home.bot() as bot:
            await bot.wait_ready()
            refused = await home.discord.press(card, "Acknowledge", VISITOR)
            assert "operator role" in refused.shown.text
            assert "acknowledged" not in card.now.text
            answer = await home.discord.press(card, "Acknowledge")
            assert "is yours" in answer.shown.text
            await home.discord.until(lambda: f"acknowledged by <@{OPERATOR.id}>" in card.now.text)
        async with home.bot() as bot:
            await bot.wait_ready()
            await home.quiet_polls()
            home.upstream.fleet[1900]["status"] = "FAST"
            await home.until_told("1900 is FAST again")
        assert f"acknowledged by <@{OPERATOR.id}>" in card.now.text
        assert "Acknowledge" not in card.now.buttons
        assert len(home.cards) == 2

    await asyncio.gather(*map(live, homes))


async def test_a_silence_is_told_keeps_quiet_and_tells_what_is_open_when_it_ends(home: Town) -> None:
    async with home.settled_bot():
        said = await home.discord.command("silence add", length="1h", token=1900, reason="we know")
        assert "silence" in said.shown.text.lower()
        home.upstream.fleet[1900]["status"] = "BANNED"
        await home.quiet_polls(2)
        assert home.told("1900 is BANNED") == []
        (started,) = home.notices
        assert "we know" in started
        listed = await home.discord.command("silence list")
        (name,) = re.findall(r"`([0-9a-f]{6})`", listed.shown.text)
        await home.discord.command("silence end", id=name)
        await home.until_told("1900 is BANNED")
        await home.discord.until(lambda: len(home.notices) == 2)
        trail = await home.discord.command("admin audit")
        assert trail.shown.text.index("silence end") < trail.shown.text.index("silence add")


# Telling


async def test_the_fleet_is_told_once_then_each_turn_and_only_what_is_critical_pings(home: Town) -> None:
    async with home.settled_bot():
        home.upstream.fleet[1900]["status"] = "BANNED"
        home.upstream.fleet[1901]["info"]["fastTimeRemaining"] = "2.00/15.0 hours (13.33%)"
        banned = await home.until_told("1900 is BANNED")
        low = await home.until_told("1901 has 13 % fast time left")
        assert banned.now.mentioned_roles == [home.discord.alert_role_id]
        assert not low.now.mentioned_roles

        home.upstream.fleet[1900]["status"] = "FAST"
        assert await home.until_told("1900 is FAST again") is banned
        assert not banned.now.mentioned_roles
        assert not low.now.mentioned_roles

        await home.quiet_polls(1)
        assert [len(versions) for versions in home.history()] == [1, 2, 1]
        assert home.notices == [], "its card is in sight"


async def test_a_refused_key_is_told_at_once_and_pings(home: Town) -> None:
    async with home.settled_bot():
        home.upstream.fail(UNAUTHORIZED, times=1)
        home.upstream.fail(late(60))  # no second poll can say so
        refused = await home.until_told("refuses the API key")
        assert refused.now.mentioned_roles == [home.discord.alert_role_id]
        home.upstream.heal()
        assert await home.until_told("lets the bot in again") is refused
    assert len(home.cards) == 2


async def test_what_a_firewall_answers_in_the_apis_place_is_no_word_about_the_key(home: Town) -> None:
    async with home.settled_bot():
        home.upstream.fail(Fault(403, b"error code: 1010", content_type="text/plain"))
        told = await home.until_told("ImaginePro cannot be read")
        assert not told.now.mentioned_roles
        assert "the answer is plain text" in told.now.text
        assert "key" not in told.now.text
    assert len(home.cards) == 2


async def test_a_payment_that_is_asked_for_is_no_word_about_the_key_and_a_refusal_no_good_news(home: Town) -> None:
    async with home.settled_bot(FAKE_PAUSE="0.5"):
        home.upstream.fail(UNAVAILABLE)
        down = await home.until_told("ImaginePro cannot be read")
        home.upstream.fail(OUT_OF_CREDITS)
        refused = await home.until_told("ImaginePro asks for payment")
        assert "key" not in refused.now.text
        await home.discord.until(lambda: "now access refused" in down.now.text)
        assert "✅" not in down.now.text
        await home.quiet_polls(1)
    assert home.cards == [home.cards[0], down, refused]
    assert home.notices == []


async def test_an_upstream_that_asks_to_be_left_alone_is_and_whoever_asks_reads_until_when(home: Town) -> None:
    async with home.settled_bot():
        home.upstream.fail(rate_limited("3600"))
        calls = len(home.upstream.calls)
        told = await home.until_told("ImaginePro cannot be read")
        asked = len(home.upstream.calls)
        assert asked <= calls + 2, "a poll may have been under way"
        assert "asks to be left alone until <t:" in told.now.text
        answer = await home.discord.command("token", id=1900, refresh=True)
        assert "ImaginePro asks to be left alone until <t:" in answer.shown.text
        assert "asks to be left alone until <t:" in (await home.discord.command("tokens")).shown.text
        assert len(home.upstream.calls) == asked
    assert len(home.cards) == 2


@pytest.mark.long
async def test_an_upstream_that_is_down_for_ten_polls_is_one_message_edited_once(homes: tuple[Town, Town]) -> None:
    async def live(home: Town) -> None:
        async with home.settled_bot(FAKE_PAUSE="0.5"):
            # A poll asks again until it gets a page: these are ten.
            for fault in islice(cycle([UNAVAILABLE, imaginepro.RESET, WEB_PAGE]), 30):
                home.upstream.fail(fault, times=1)
            await home.until_called(29)
            home.upstream.fleet[1900]["status"] = "BANNED"
            await home.until_told("can be read again")
            await home.until_told("1900 is BANNED")
        baseline, outage, banned = home.cards
        assert [len(message.versions) for message in (baseline, outage, banned)] == [1, 2, 1]

    await asyncio.gather(*map(live, homes))


# Answering


async def test_operators_are_answered_and_nobody_else(home: Town) -> None:
    async with home.settled_bot():
        card = await home.discord.command("token", id=1900)
        assert "1900" in card.shown.text
        assert "working, FAST" in card.shown.text
        assert card.message is not None
        assert card.message.ephemeral
        assert "1902" in (await home.discord.command("tokens")).shown.text
        suggested = await home.discord.suggest("token", "id", id="19")
        assert [choice["value"] for choice in suggested] == [1900, 1901, 1902]

        home.upstream.fleet[1900]["status"] = "VERIFYING"
        pressed = await home.discord.press(card.message, "Refresh")
        assert pressed.message is card.message
        assert "VERIFYING" in card.message.now.text

        for refused in (
            await home.discord.command("token", by=VISITOR, id=1900),
            await home.discord.press(card.message, "Refresh", by=VISITOR),
        ):
            assert refused.message is not card.message
            assert refused.shown.text.strip() == "Only members with the operator role can use this bot."
        assert await home.discord.suggest("token", "id", by=VISITOR, id="19") == []


async def test_operators_are_known_by_what_they_send_while_the_server_itself_has_not_arrived(home: Town) -> None:
    home.discord.guild_arrives = False
    async with home.settled_bot():
        assert "1902" in (await home.discord.command("tokens")).shown.text
        assert [each["value"] for each in await home.discord.suggest("token", "id", id="19")] == [1900, 1901, 1902]
        refused = await home.discord.command("tokens", by=VISITOR)
        assert refused.shown.text.strip() == "Only members with the operator role can use this bot."
        assert await home.discord.suggest("token", "id", by=VISITOR, id="19") == []

        home.upstream.fleet[1900]["status"] = "BANNED"
        card = await home.until_told("1900 is BANNED")
        await home.discord.press(card, "Acknowledge")
        await home.discord.until(lambda: "Hand over" in card.now.buttons)
        asked = await home.discord.press(card, "Hand over")
        (menu,) = asked.shown.buttons.values()
        for chosen, says in ((VISITOR, "may not use this bot"), (COLLEAGUE, "is handed over to")):
            data = {"custom_id": menu, "component_type": 5, "values": [str(chosen.id)], "resolved": resolved(chosen)}
            answer = await home.discord.interact(Act.PRESS, data, on=asked.message)
            assert says in " ".join([answer.shown.text, *(each.now.text for each in answer.followups)])

        await home.discord.gateway.dispatch("GUILD_CREATE", home.discord.guild.create_event())
        assert "1902" in (await home.discord.command("tokens")).shown.text
        refused = await home.discord.command("tokens", by=VISITOR)
        assert refused.shown.text.strip() == "Only members with the operator role can use this bot."


async def test_another_server_is_refused_and_a_server_without_the_bot_is_named_with_the_invitation(home: Town) -> None:
    elsewhere = str(home.discord.guild_id + 1)
    async with home.bot(DISCORD_GUILD_ID=elsewhere) as bot:
        await home.until_told(BASELINE)
        await home.discord.until(lambda: home.discord.gateway.connected > 0)
        command = {"id": "1", "name": "tokens", "type": 1, "guild_id": str(home.discord.guild_id)}
        asked = await home.discord.interact(Act.COMMAND, command)
        assert asked.shown.text.strip() == "This bot answers only in the server that it was set up for."
        line = await _until_logged(bot, "the bot is not in server")
        assert line.startswith(
            f"the bot is not in server {elsewhere}, or there is none: add it with https://discord.com/"
        )
        assert (await bot.terminate()).code == 0
    assert f"server {elsewhere} does not let the bot in" in bot.output
    assert f"guild_id={elsewhere}" in bot.output


# Starting again


@pytest.mark.long
async def test_a_restart_says_nothing_and_what_happened_meanwhile_is_told_once(homes: tuple[Town, Town]) -> None:
    async def live(home: Town) -> None:
        async with home.settled_bot() as bot:
            card = (await home.discord.command("token", id=1900)).message
            assert card is not None
            await bot.terminate()
        before = home.history()
        async with home.bot() as bot:
            await bot.wait_ready()
            asked = len(card.versions)
            assert (await home.discord.press(card, "Refresh")).settled
            assert (answered := len(card.versions)) > asked
            await home.quiet_polls()
            await bot.terminate()
        assert home.history() == before
        assert len(card.versions) == answered
        home.upstream.fleet[1900]["status"] = "VERIFYING"
        async with home.bot():
            await home.until_told("1900 is VERIFYING")
            await home.quiet_polls(1)
        assert [len(versions) for versions in home.history()] == [1, 1]

    await asyncio.gather(*map(live, homes))


async def test_a_card_in_an_earlier_ops_channel_is_not_linked_as_if_it_were_in_this_one(home: Town) -> None:
    async with home.settled_bot() as bot:
        home.upstream.fleet[1900]["status"] = "BANNED"
        card = await home.until_told("1900 is BANNED")
        await home.quiet_polls(1)
        listed = (await home.discord.command("incidents")).shown.text
        assert f"/{OPS.id}/{card.id})" in listed
        await bot.terminate()
    async with home.bot(OPS_CHANNEL_ID=str(LOUNGE.id)) as bot:
        await bot.wait_ready()
        await home.quiet_polls(1)
        listed = (await home.discord.command("incidents")).shown.text
        assert "1900 is BANNED" in listed
        assert "jump" not in listed
        home.upstream.fleet[1901]["status"] = "VERIFYING"
        await home.discord.until(lambda: any("1901 is VERIFYING" in each.now.text for each in _lounge(home)))
        await home.quiet_polls(1)
        listed = (await home.discord.command("incidents")).shown.text
        assert listed.count("jump") == listed.count(f"/{LOUNGE.id}/") == 1


def _lounge(home: Town) -> list[Message]:
    return home.discord.messages(LOUNGE.id)


# Settings and check


async def test_a_window_begins_when_the_locked_time_zones_say_whatever_the_host_has(home: Town, tmp_path: Path) -> None:
    wrong = tmp_path / "zoneinfo" / "Asia"
    wrong.mkdir(parents=True)
    (wrong / "Kolkata").write_bytes((resources.files("tzdata") / "zoneinfo" / "UTC").read_bytes())
    with BotProcess.from_nothing():
        async with home.settled_bot(TIMEZONE="Asia/Kolkata", PYTHONTZPATH=str(wrong.parent)):
            added = await home.discord.command("maintenance add", start="2099-07-01 22:00", length="1h")
    assert f"<t:{datetime(2099, 7, 1, 16, 30, tzinfo=UTC).timestamp():.0f}:f>" in added.shown.text


AUDIOOP = "ignore:'audioop' is deprecated:DeprecationWarning"
"""Up to Python 3.12 discord.py imports it, for voice, which this bot does not use."""


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"PYTHONOPTIMIZE": "2"}, id="-OO"),
        pytest.param({"PYTHONWARNINGS": f"error,{AUDIOOP}"}, id="-W error"),
        pytest.param({"PYTHONDEVMODE": "1", "PYTHONWARNINGS": AUDIOOP}, id="-X dev"),
        pytest.param({"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}, id="no UTF-8"),
    ],
)
async def test_how_python_is_started_changes_nothing(home: Town, environment: dict[str, str]) -> None:
    with BotProcess.from_nothing():
        async with home.settled_bot(**environment) as bot:
            assert "1900" in (await home.discord.command("token", id=1900)).shown.text
            assert (await bot.terminate()).code == 0
    assert "Warning" not in bot.output
    assert "Traceback" not in bot.output


async def test_all_that_is_wrong_with_the_settings_is_said_in_one_message(home: Town) -> None:
    async with home.bot(DISCORD_TOKEN="", POLL_INTERVAL="soon") as bot:
        assert (await bot.wait()).code == EX_CONFIG
    problems = [line.partition(" CRITICAL bot ")[2] for line in bot.said(" CRITICAL ")]
    assert len(problems) == 2, bot.stderr
    assert problems[0].startswith("DISCORD_TOKEN")
    assert problems[1].startswith("POLL_INTERVAL")
    assert not bot.stdout


@pytest.mark.parametrize("begun", [False, True])
async def test_check_says_where_to_write_what_is_missing_to_whoever_has_not_begun(home: Town, *, begun: bool) -> None:
    if begun:
        (home.folder / ".env").write_text("DISCORD_TOKEN=\n", encoding="utf-8")
    async with home.bot("check", DISCORD_TOKEN="") as bot:
        assert (await bot.wait()).code == EX_CONFIG
    lines = bot.stderr.splitlines()
    assert lines[0].startswith("DISCORD_TOKEN is missing: ")
    assert any("into .env, a copy of .env.example" in line for line in lines[1:]) is not begun


async def test_the_version_is_said_to_whoever_asks_without_any_setting(home: Town) -> None:
    async with home.bot("--version", DISCORD_TOKEN="") as bot:
        assert (await bot.wait()).code == 0
    assert bot.stdout == f"imaginepro-bot {__version__}\n"
    assert not bot.stderr


async def test_check_says_what_it_tries_and_what_came_of_it_and_goes_nowhere(home: Town) -> None:
    async with home.bot("check") as bot:
        assert (await bot.wait()).code == 0
    lines = bot.stdout.splitlines()
    assert lines[1:4] == [
        f"...   database: trying in {home.folder}/data/bot.db, for up to 10 s",
        f"...   ImaginePro: trying at {home.environment['IMAGINEPRO_API_URL']}, for up to 10 s",
        "...   Discord: trying, for up to 10 s",
    ]
    said = f"ok    settings: complete; this is version {__version__}; times of UTC are those of tzdata 20"
    assert lines[0].startswith(said)
    assert sorted(lines[4:]) == [
        "ok    Discord: logged in as tokens; telling #ops, paging @on call",
        "ok    ImaginePro: 3 tokens listed",
        f"ok    database: opened, and up to date (in {home.folder}/data/bot.db)",
    ]
    assert not bot.stderr
    assert not home.discord.gateway.connects
    assert not home.discord.posts


@pytest.mark.parametrize(
    ("settings", "what", "advice"),
    [
        ({"DISCORD_TOKEN": "not.the.one"}, "Discord", "copy it anew"),
        ({"IMAGINEPRO_API_KEY": "not-the-one"}, "ImaginePro", "refuses the API key"),
        ({"DATABASE_URL": "sqlite:///notes.txt"}, "database", "name another one in DATABASE_URL"),
    ],
)
async def test_check_says_what_to_mend(home: Town, settings: dict[str, str], what: str, advice: str) -> None:
    (home.folder / "notes.txt").write_text("This is not a database.\n" * 100)
    async with home.bot("check", **settings) as bot:
        assert (await bot.wait()).code == EX_CONFIG
    (failed,) = bot.failed
    assert failed.startswith(f"FAIL  {what}: ")
    assert advice in failed
    assert not bot.stderr


NOBODY = 1100000000000000999
"""An id that nothing has."""


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"DISCORD_GUILD_ID": OPS.id, "OPS_CHANNEL_ID": GUILD_ID}, "DISCORD_GUILD_ID and OPS_CHANNEL_ID are swapped"),
        ({"DISCORD_GUILD_ID": NOBODY}, "the bot is not in server 1100000000000000999, or there is none: add it with "),
        ({"DISCORD_GUILD_ID": LOUNGE.id}, "DISCORD_GUILD_ID is the channel #lounge, which is in server 11000000000000"),
        ({"OPS_CHANNEL_ID": NOBODY}, "OPS_CHANNEL_ID: there is no channel 1100000000000000999"),
        ({"OPS_CHANNEL_ID": ON_CALL.id, "ALERT_ROLE_ID": ""}, "OPS_CHANNEL_ID is the role @on call"),
        ({"OPERATOR_ROLE_ID": NOBODY}, "OPERATOR_ROLE_ID: studio has no role 1100000000000000999, so nobody may use"),
        ({"ALERT_ROLE_ID": NOBODY}, "ALERT_ROLE_ID: studio has no role 1100000000000000999, so nobody is mentioned"),
        ({"ESCALATION_ROLE_ID": NOBODY}, "ESCALATION_ROLE_ID: studio has no role 1100000000000000999"),
        ({"ALERT_ROLE_ID": OPERATORS.id}, "ALERT_ROLE_ID: the bot may not mention @operators"),
    ],
)
async def test_check_says_which_id_is_wrong(home: Town, settings: dict[str, int | str], advice: str) -> None:
    async with home.bot("check", **{name: str(each) for name, each in settings.items()}) as bot:
        assert (await bot.wait()).code == EX_CONFIG
    (failed,) = bot.failed
    assert failed.startswith(f"FAIL  Discord: {advice}")
    assert not bot.stderr


GALLERY = Channel(1100000000000000204, "help", type=16)
TALKATIVE = 1100000000000000203
"""A channel in whose threads everyone may write."""
AROUND = replace(OPS, type=11, parent_id=TALKATIVE)


def _talkative() -> Channel:
    return replace(LOUNGE, id=TALKATIVE, overwrites=(Overwrite(GUILD_ID, allow=world.SEND_MESSAGES_IN_THREADS),))


def _forum(flags: int = 0) -> Channel:
    talking = (Overwrite(GUILD_ID, allow=world.SEND_MESSAGES_IN_THREADS),)
    return replace(OPS, type=15, overwrites=talking, flags=flags)


def _denied(*bits: int) -> tuple[Overwrite, ...]:
    return (Overwrite(GUILD_ID, deny=sum(bits)),)


@pytest.mark.parametrize(
    ("channel", "advice"),
    [
        *(
            (replace(OPS, type=kind), f"OPS_CHANNEL_ID: #ops is {words}")
            for kind, words in (
                (2, "a voice channel"),
                (4, "a category"),
                (13, "a stage"),
                (14, "a directory"),
                (16, "a media channel"),
                (77, "of a type that this bot does not know (77)"),
            )
        ),
        (replace(OPS, visible=False), "OPS_CHANNEL_ID: the bot may not see channel 1100000000000000201"),
        (replace(OPS, elsewhere=NOBODY), "OPS_CHANNEL_ID: #ops is in server 1100000000000000999, and DISCORD_GUILD_ID"),
        (replace(OPS, overwrites=_denied(world.SEND_MESSAGES)), "the bot may not Send Messages in #ops"),
        (replace(OPS, overwrites=_denied(world.EMBED_LINKS)), "the bot may not Embed Links in #ops"),
        (replace(OPS, overwrites=_denied(world.READ_MESSAGE_HISTORY)), "the bot may not Read Message History in #ops"),
        (replace(OPS, type=11, parent_id=LOUNGE.id), "the bot may not Send Messages in Threads in the channel that"),
        (replace(OPS, type=15), "the bot may not Send Messages in Threads in #ops: allow it"),
        (_forum(), None),
        (_forum(flags=world.REQUIRE_TAG), "the forum #ops wants a tag on each post and has none: in the forum's"),
        (replace(OPS, type=5), None),
        (AROUND, None),
        (replace(AROUND, type=10), None),
        (replace(AROUND, type=12), None),
    ],
)
async def test_check_says_what_keeps_the_bot_from_the_channel(home: Town, channel: Channel, advice: str | None) -> None:
    home.discord.guild = replace(home.discord.guild, channels=(channel, LOUNGE, _talkative()))
    async with home.bot("check") as bot:
        assert (await bot.wait()).code == (EX_CONFIG if advice else 0)
    assert [each.startswith(f"FAIL  Discord: {advice}") for each in bot.failed] == [True] * bool(advice), bot.stdout
    assert not bot.stderr


@pytest.mark.parametrize("state", ["locked", "closed"])
async def test_check_says_that_a_thread_is_locked_or_closed(home: Town, state: str) -> None:
    home.discord.guild = replace(home.discord.guild, channels=(AROUND, _talkative()))
    (home.discord.locked if state == "locked" else home.discord.archived).add(OPS.id)
    async with home.bot("check") as bot:
        assert (await bot.wait()).code == EX_CONFIG
    (failed,) = bot.failed
    assert failed.startswith(f"FAIL  Discord: OPS_CHANNEL_ID: the thread #ops is {state}: ")


async def test_check_says_that_the_bot_may_not_see_what_a_thread_is_in(home: Town) -> None:
    everyone, *others = home.discord.guild.roles
    talking = replace(everyone, permissions=everyone.permissions | world.SEND_MESSAGES_IN_THREADS)
    hidden = replace(_talkative(), visible=False)
    home.discord.guild = replace(home.discord.guild, channels=(AROUND, hidden), roles=(talking, *others))
    async with home.bot("check") as bot:
        assert (await bot.wait()).code == EX_CONFIG
    (failed,) = bot.failed
    assert failed.startswith("FAIL  Discord: the bot may not View Channel in the channel that #ops is in: ")


@pytest.mark.parametrize("away", ["database", "ImaginePro", "Discord"])
async def test_check_says_that_trying_again_may_help_when_nothing_is_wrong_but_what_is_away(
    home: Town, away: str, unused_tcp_port: int
) -> None:
    settings = {"POLL_INTERVAL": "1s"}
    if away == "database":
        settings["DATABASE_URL"] = f"postgres://bot@127.0.0.1:{unused_tcp_port}/bot"
    elif away == "ImaginePro":
        home.upstream.fail(UNAVAILABLE)
    else:
        home.discord.outage(faults.error(503))
    async with home.bot("check", **settings) as bot:
        assert (await bot.wait()).code == EX_TEMPFAIL
    (failed,) = bot.failed
    assert failed.startswith(f"FAIL  {away}: ")


@pytest.mark.parametrize("fault", [faults.HANG, faults.RESET, faults.error(502), faults.rate_limited(60)])
async def test_check_ends_in_time_and_says_of_each_that_it_did_not_answer(home: Town, fault: faults.Fault) -> None:
    home.upstream.fail(late(60))
    home.discord.outage(fault)
    async with _silence() as port:
        settings = {"DATABASE_URL": f"postgres://bot@127.0.0.1:{port}/bot", "FAKE_DEADLINE": "1"}
        async with home.bot("check", **settings) as bot:
            assert (await bot.wait()).code == EX_TEMPFAIL
    assert sorted(line.split(":")[0] for line in bot.failed) == ["FAIL  Discord", "FAIL  ImaginePro", "FAIL  database"]
    assert "Traceback" not in bot.output


async def test_check_ends_quietly_by_ctrl_c_whatever_it_waits_for(home: Town) -> None:
    home.upstream.fail(late(60))
    home.discord.outage(faults.HANG)
    async with home.bot("check") as bot:
        await until("all that can be tried", lambda: "ok    database" in bot.stdout)
        assert (await bot.terminate(signal.SIGINT)).code == INTERRUPTED
    assert not bot.stderr


@pytest.mark.parametrize(
    "fault",
    [faults.error(401, html=True), faults.error(403, html=True), faults.error(200, html=True), faults.error(200)],
)
async def test_check_takes_what_is_not_discord_s_for_discord_being_away(home: Town, fault: faults.Fault) -> None:
    for path in ("/users/@me", "/guilds/*", "/channels/*"):
        with home.discord.outage(fault, "GET", path):
            async with home.bot("check") as bot:
                assert (await bot.wait()).code == EX_TEMPFAIL
        (failed,) = bot.failed
        assert failed.startswith("FAIL  Discord: Discord does not answer")
        assert len(bot.stdout.splitlines()) == 7
        assert not bot.stderr


@pytest.mark.parametrize(
    "fault",
    [
        faults.error(200, html=True),
        faults.error(200),
        faults.error(401, html=True),
        faults.said(401, b'{"error": "not logged in"}'),
        faults.said(401, b'{"message": null}'),
        faults.error(403, html=True),
        faults.error(403, 40333),
    ],
)
@pytest.mark.parametrize(
    ("method", "path", "waits"),
    [
        ("GET", "/users/@me", "login failed"),
        ("GET", "/oauth2/applications/@me", "login failed"),
        ("PUT", "/applications/*", "commands could not be registered"),
    ],
)
async def test_a_start_waits_for_discord_while_something_else_answers_in_its_place(
    home: Town, fault: faults.Fault, method: str, path: str, waits: str
) -> None:
    away = home.discord.outage(fault, method, path)
    async with home.bot(FAKE_PAUSE="1") as bot:
        await until("a second try", lambda: bot.said(f"{waits}, next try in") or bot.said(f"{waits}, earlier ones"))
        away.stop()
        await bot.wait_ready()
        await home.until_told(BASELINE)
        assert not bot.said(" ERROR ")
        assert "Traceback" not in bot.output


async def test_a_code_that_is_not_about_an_id_is_no_word_about_the_server_or_the_channel(home: Town) -> None:
    for path in ("/guilds/*", "/guilds/*/members/*", "/channels/*"):
        with home.discord.outage(faults.error(403, 40333, "internal network error"), "GET", path):
            async with home.bot("check") as bot:
                assert (await bot.wait()).code == EX_TEMPFAIL
        (failed,) = bot.failed
        assert failed.startswith("FAIL  Discord: Discord does not answer: 403 Forbidden (error code: 40333)")


@contextlib.asynccontextmanager
async def _silence() -> AsyncIterator[int]:
    """A port that takes connections and says nothing."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("code", "said", "ends"),
    [
        ("08P01", "SASL authentication failed", EX_CONFIG),
        ("08P01", "no more connections allowed (max_client_conn)", EX_TEMPFAIL),
        ("XX000", "Max client connections reached", EX_TEMPFAIL),
        ("XX000", "Tenant or user not found", EX_CONFIG),
        ("XX001", "invalid page in block 1", EX_CONFIG),
        ("28000", "no pg_hba.conf entry for host", EX_CONFIG),
        ("42601", "invalid command-line argument for server process", EX_CONFIG),
        ("57P03", "the database system is starting up", EX_TEMPFAIL),
        ("99999", "a code that nobody knows", EX_TEMPFAIL),
    ],
)
async def test_check_and_a_start_end_alike_whatever_the_database_refuses(
    home: Town, code: str, said: str, ends: int
) -> None:
    async with refusing(code, said) as url:
        for command in ("check", "run"):
            async with home.bot(command, DATABASE_URL=url) as bot:
                assert (await bot.wait()).code == ends
            assert f"({code}: {said})" in bot.output
            assert "Traceback" not in bot.output


async def test_check_and_a_start_end_alike_where_another_program_has_its_tables(home: Town) -> None:
    with contextlib.closing(sqlite3.connect(home.folder / "shop.db")) as shop:
        shop.execute("CREATE TABLE tokens (id INTEGER)")
    for command in ("check", "run", "run"):
        async with home.bot(command, DATABASE_URL="sqlite:///shop.db") as bot:
            assert (await bot.wait()).code == EX_CONFIG
        assert "no other program uses" in bot.output


async def test_check_says_that_the_settings_are_wrong_though_something_else_is_away(home: Town) -> None:
    home.upstream.fail(UNAVAILABLE)
    async with home.bot("check", DISCORD_TOKEN="not.the.one", POLL_INTERVAL="1s") as bot:
        assert (await bot.wait()).code == EX_CONFIG
    assert bot.stdout.count("FAIL") == 2


# What a start finds at Discord


async def _until_logged(bot: BotProcess, words: str) -> str:
    """Wait for a line of the log that holds these words, and give it without time and level."""
    (line, *_) = await until(f"a line with {words!r}", lambda: bot.said(words))
    return line.split(" ", 3)[3]


async def test_a_start_is_one_line_that_says_what_is_watched_and_who_is_told(home: Town) -> None:
    second = str(home.discord.operator_role_id)
    home.discord.guild = replace(
        home.discord.guild, roles=[replace(each, mentionable=True) for each in home.discord.guild.roles]
    )
    for settings, paging in (
        ({}, "paging @on call"),
        ({"ALERT_ROLE_ID": ""}, "paging nobody: set ALERT_ROLE_ID"),
        ({"ESCALATION_ROLE_ID": second}, "paging @on call, and @operators from the second reminder on"),
    ):
        async with home.bot(**settings) as bot:
            line = await _until_logged(bot, "watching")
            await bot.wait_ready()
            await bot.terminate()
        assert line == f"watching 3 tokens every 10 s, telling #ops, {paging}"
        assert not bot.said("ERROR")
        assert len(bot.said("watching")) == 1


async def test_the_line_of_a_start_says_that_imaginepro_cannot_be_read(home: Town) -> None:
    home.upstream.fail(UNAUTHORIZED)
    async with home.bot() as bot:
        line = await _until_logged(bot, "watching")
    assert line == "watching ImaginePro, which cannot be read yet, every 10 s, telling #ops, paging @on call"


async def test_the_line_of_a_start_does_not_wait_for_hours_for_a_first_poll(home: Town) -> None:
    home.upstream.fail(UNAVAILABLE)
    async with home.bot(POLL_INTERVAL="12h", FAKE_WORRY="1") as bot:
        line = await _until_logged(bot, "watching")
    assert line == "watching ImaginePro, which cannot be read yet, every 12 h, telling #ops, paging @on call"


def _hit_twice(away: Outage) -> bool:
    return away.hits > 1


async def test_the_line_of_a_start_comes_once_discord_can_be_asked_and_nothing_waits_for_it(home: Town) -> None:
    for fault in (faults.error(503), faults.error(403, html=True), faults.error(200, html=True)):
        with home.discord.outage(fault, "GET", "/guilds/*") as away:
            async with home.settled_bot(FAKE_PAUSE="1") as bot:
                await home.discord.until(partial(_hit_twice, away))
                await _until_logged(bot, "cannot be looked at, next try in")
                assert not bot.said("watching", "ERROR")
                away.stop()
                assert "telling #ops" in await _until_logged(bot, "watching")


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"DISCORD_GUILD_ID": OPS.id, "OPS_CHANNEL_ID": GUILD_ID}, "DISCORD_GUILD_ID and OPS_CHANNEL_ID are swapped"),
        ({"OPS_CHANNEL_ID": NOBODY}, "OPS_CHANNEL_ID: there is no channel 1100000000000000999"),
        ({"OPS_CHANNEL_ID": ON_CALL.id, "ALERT_ROLE_ID": ""}, "OPS_CHANNEL_ID is the role @on call"),
        ({"OPS_CHANNEL_ID": GALLERY.id}, "OPS_CHANNEL_ID: #help is a media channel; alerts need a text channel"),
    ],
)
async def test_a_channel_that_never_takes_a_message_ends_the_bot_unless_somebody_else_can_be_told(
    home: Town, settings: dict[str, int | str], advice: str
) -> None:
    home.discord.guild = replace(home.discord.guild, channels=(OPS, LOUNGE, GALLERY))
    environ = {name: str(each) for name, each in settings.items()}
    async with home.bot(**environ) as bot:
        assert (await bot.wait()).code == EX_CONFIG
    assert advice in bot.stderr
    assert "Traceback" not in bot.output

    async with home.bot(**environ, FALLBACK_WEBHOOK_URL="http://127.0.0.1:9/") as bot:
        assert advice in await _until_logged(bot, "OPS_CHANNEL_ID")
        assert (await _until_logged(bot, "watching")).startswith("watching 3 tokens every 10 s, telling ")
        assert bot.running
        assert (await bot.terminate()).code == 0


async def test_somebody_else_is_told_at_a_start_that_no_alert_can_come_though_there_is_none_now(home: Town) -> None:
    async with home.settled_bot() as bot:
        await home.quiet_polls()
        assert (await bot.terminate()).code == 0
    settings = {"OPS_CHANNEL_ID": str(NOBODY), "PORT": "0", "FAKE_WORRY": "2"}
    async with pager([]) as (url, told), switch() as it:
        for _ in range(2):
            async with home.bot(**settings, FALLBACK_WEBHOOK_URL=url, HEARTBEAT_URL=it.url) as bot:
                await _until_logged(bot, "watching")
                await until("the news", lambda: told)
                called = len(it.calls)
                await home.quiet_polls(5)
                assert len(it.calls) <= called + 1, "it would not tell of a ban"
                code, said = await health(await bot.served_at())
                assert (code, [each["reason"] for each in said["reasons"]]) == (503, ["blocked"])
                assert (await bot.terminate()).code == 0
    assert events(told) == ["ops_channel_blocked"]
    assert "there is no channel 1100000000000000999" in str(told)


async def test_what_a_person_can_mend_at_discord_is_said_at_a_start_and_waited_for(home: Town) -> None:
    muted = replace(OPS, overwrites=_denied(world.EMBED_LINKS))
    home.discord.guild = replace(home.discord.guild, channels=(muted, LOUNGE))
    async with home.settled_bot(OPERATOR_ROLE_ID=str(NOBODY), ALERT_ROLE_ID=str(OPERATORS.id)) as bot:
        await _until_logged(bot, "watching")
        assert [line.split(" ERROR bot.app ")[1].split(":")[0] for line in bot.said(" ERROR ")] == [
            "the bot may not Embed Links in #ops",
            "OPERATOR_ROLE_ID",
            "ALERT_ROLE_ID",
        ]
        (line,) = bot.said("watching")
        assert line.endswith("telling #ops, paging @operators; but see above for what is wrong there (3)")
        assert bot.running


async def test_a_bot_that_is_taken_out_of_its_server_says_how_it_comes_back(home: Town) -> None:
    async with home.settled_bot() as bot:
        await home.discord.gateway.dispatch("GUILD_DELETE", {"id": str(home.discord.guild_id)})
        assert "add it again with https://discord.com/" in await _until_logged(bot, "was removed from server")


async def test_a_bot_that_was_taken_out_of_its_server_while_it_was_away_says_how_it_comes_back(home: Town) -> None:
    async with home.settled_bot() as bot:
        home.discord.guild_listed = home.discord.guild_arrives = False
        await home.discord.gateway.close(CloseCode.UNKNOWN_ERROR, resumable=False)
        assert "add it again with https://discord.com/" in await _until_logged(bot, "was removed from server")


# Stopping


@pytest.mark.parametrize("busy", BUSY, ids=lambda busy: busy.__name__)
async def test_the_bot_stops_when_asked_to_whatever_it_is_at(sqlite_url: str, tmp_path: Path, busy: Busy) -> None:
    """The short form of `python -m tests.stop`, which counts the seconds."""
    report = await stopped(sqlite_url, tmp_path, busy)
    assert report.good, table(report)


async def test_a_person_who_is_being_answered_when_the_bot_is_to_stop_gets_the_answer(home: Town) -> None:
    async with home.settled_bot(FAKE_POLL="60", FAKE_LAST_WORDS="30") as bot:
        card = (await home.discord.command("token", id=1900)).message
        assert card is not None
        home.upstream.fleet[1900]["status"] = "RELAX"
        home.upstream.fail(late(0.3))
        pressing = asyncio.create_task(home.discord.press(card, "Refresh"))
        await home.until_called(1)
        assert not pressing.done()
        await bot.terminate()
        assert "RELAX" in (await pressing).shown.text
    assert "Traceback" not in bot.output


# Logging in


async def test_a_refused_login_is_waited_out_for_as_long_as_discord_asks_while_the_bot_watches(home: Town) -> None:
    home.discord.outage(faults.rate_limited(2, via=False), "GET", "/users/@me", times=1)
    home.discord.outage(faults.rate_limited(0.5), "GET", "/users/@me", times=1)
    async with home.bot(FAKE_PAUSE="1") as bot:
        await home.until_called(2)
        home.upstream.fleet[1900]["status"] = "BANNED"
        await home.until_told("1900 is BANNED")
        await home.until_told(BASELINE)
        await bot.wait_ready()
    tries = [call.at for call in home.discord.calls if call.path == "/users/@me"]
    assert len(tries) == 3
    assert tries[1] - tries[0] >= 0.5
    assert tries[2] - tries[1] >= 2
    assert "login failed, next try in 0:00:02" in bot.stderr
    assert len(home.discord.messages()) == 2


async def test_a_wrong_bot_token_ends_the_process_with_what_to_do(home: Town) -> None:
    async with home.bot(DISCORD_TOKEN="not.the.one") as bot:
        assert (await bot.wait()).code == EX_CONFIG
    assert "copy it anew from the application's page" in bot.stderr
    assert "not.the.one" not in bot.output
    assert "Traceback" not in bot.output


async def test_alerts_do_not_wait_for_commands_to_be_registered(home: Town) -> None:
    with home.discord.outage(faults.HANG, "PUT", "*/commands") as hangs:
        async with home.bot() as bot:
            await home.until_told(BASELINE)
            await home.discord.until(lambda: hangs.hits == 1)
    assert "registered" not in bot.stderr, "an end in the midst of it is no trouble"


async def test_commands_that_could_not_be_registered_at_the_start_are_a_little_later(home: Town) -> None:
    with home.discord.outage(faults.error(503), "PUT", "/applications/*/commands", times=1) as away:
        async with home.bot(FAKE_PAUSE="1") as bot:
            await bot.wait_ready()
            assert away.hits == 1
            assert "earlier ones still stand" in bot.stderr


async def test_a_bot_token_that_is_replaced_while_the_bot_runs_ends_it_with_what_to_do(home: Town) -> None:
    async with home.settled_bot() as bot:
        await home.discord.until(lambda: home.discord.gateway.connected == 1)
        await home.discord.gateway.close(CloseCode.AUTHENTICATION_FAILED)
        assert (await bot.wait()).code == EX_CONFIG
    assert "copy it anew from the application's page" in bot.stderr


# The gateway


async def _answers(home: Town) -> None:
    await home.discord.until(lambda: home.discord.gateway.connected > 0)
    assert "1900" in (await home.discord.command("token", id=1900)).shown.text


async def test_the_bot_answers_again_after_each_way_of_losing_the_gateway(home: Town) -> None:
    gateway = home.discord.gateway
    async with home.settled_bot() as bot:
        await gateway.close(CloseCode.GOING_AWAY)
        await home.discord.until(lambda: len(gateway.resumes) == 1)
        await _answers(home)
        await gateway.close(CloseCode.UNKNOWN_ERROR)
        await home.discord.until(lambda: len(gateway.resumes) == 2)
        await _answers(home)
        await gateway.close(CloseCode.UNKNOWN_ERROR, resumable=False)
        await home.discord.until(lambda: len(gateway.identifies) == 2)
        await _answers(home)
        assert bot.running
    assert len(home.discord.messages()) == 1


async def test_a_gateway_that_answers_no_heartbeat_is_left_for_another_connection(home: Town) -> None:
    gateway = home.discord.gateway
    gateway.heartbeat_interval = 0.4
    async with home.settled_bot(FAKE_HEARTBEAT_TIMEOUT="1.5"):
        gateway.mood = Mood.DEAF
        await home.discord.until(lambda: len(gateway.resumes) > 0)
        gateway.mood = Mood.WELL
        await _answers(home)


async def test_a_gateway_that_stays_away_is_looked_for_anew_before_the_pauses_grow_long(home: Town) -> None:
    gateway = home.discord.gateway
    async with home.settled_bot(FAKE_LONGEST_PAUSE="1") as bot:
        await home.discord.until(lambda: gateway.connected == 1)
        gateway.mood = Mood.REFUSING
        await gateway.close(CloseCode.UNKNOWN_ERROR)
        await home.discord.until(lambda: bot.stderr.count("starting anew to look for the gateway") > 2)
        gateway.mood = Mood.WELL
        await _answers(home)


async def test_alerts_go_on_while_the_gateway_is_away_from_the_start_and_then_the_bot_answers(home: Town) -> None:
    home.discord.gateway.mood = Mood.REFUSING
    async with home.bot(FAKE_LONGEST_PAUSE="1") as bot:
        await home.until_told(BASELINE)
        home.upstream.fleet[1900]["status"] = "BANNED"
        await home.until_told("1900 is BANNED")
        assert len(home.discord.gateway.connects) >= 1
        home.discord.gateway.mood = Mood.WELL
        await bot.wait_ready()
        assert "BANNED" in (await home.discord.command("token", id=1900)).shown.text


# The database


async def test_a_database_that_another_process_holds_for_seconds_loses_nothing(home: Town, tmp_path: Path) -> None:
    async with home.settled_bot() as bot:
        holder = sqlite3.connect(tmp_path / "data" / "bot.db", isolation_level=None)
        with contextlib.closing(holder):
            holder.execute("BEGIN IMMEDIATE")
            home.upstream.fleet[1900]["status"] = "BANNED"
            await asyncio.sleep(1)
            assert "BANNED" not in str(home.history())
            holder.execute("ROLLBACK")
        await home.until_told("1900 is BANNED")
        await home.quiet_polls(1)
        assert [len(versions) for versions in home.history()] == [1, 1]
        assert "Traceback" not in bot.output


async def test_a_postgresql_that_drops_its_connections_loses_nothing(
    postgresql: PostgreSQL, postgresql_url: str, tmp_path: Path
) -> None:
    async with town(postgresql_url, tmp_path) as home, home.settled_bot() as bot:
        for number, status in ((1900, "BANNED"), (1900, "FAST"), (1901, "VERIFYING")):
            home.upstream.fleet[number]["status"] = status
            for _ in range(5):
                await asyncio.to_thread(postgresql.disconnect, postgresql_url)
                await asyncio.sleep(0.1)
            await home.until_told(f"{number} is {status}")
        await home.quiet_polls(1)
        # An edit whose confirmation was lost with its connection is made once more, and changes nothing.
        baseline, banned, verifying = home.history()
        assert len(baseline) == len(verifying) == 1
        assert len(banned) >= 2
        assert bot.running


# What Discord does with messages


async def test_a_message_that_was_deleted_is_posted_anew_when_it_changes(home: Town) -> None:
    async with home.settled_bot():
        home.upstream.fleet[1900]["status"] = "BANNED"
        deleted = await home.until_told("1900 is BANNED")
        deleted.deleted = True
        home.upstream.fleet[1900]["status"] = "FAST"
        anew = await home.until_told("1900 is FAST again")
    assert anew is not deleted
    assert len(deleted.versions) == 1
    assert len(home.cards) == 2


async def test_what_the_bot_may_not_say_is_kept_and_said_once_it_may(home: Town, tmp_path: Path) -> None:
    said = await _keep_a_ban(home, tmp_path)
    assert "Missing Permissions" in said
    async with home.bot():
        await home.until_told("1900 is BANNED")
    assert len(home.told(BASELINE)) == len(home.told("1900 is BANNED")) == 1


async def test_what_waited_for_a_start_is_told_as_the_first_look_leaves_it(home: Town, tmp_path: Path) -> None:
    await _keep_a_ban(home, tmp_path)
    home.upstream.fleet[1900]["status"] = "FAST"
    home.upstream.fail(late(0.3), times=1)
    async with home.bot():
        await home.until_told("1900")
        await home.quiet_polls()
    assert not home.told("1900 is BANNED")


async def _keep_a_ban(home: Town, folder: Path) -> str:
    """Let a bot that may not speak see a ban, and end; the next one may speak at once. Returns its log."""
    muted = home.discord.outage(faults.error(403, 50013, "Missing Permissions"), "POST", MESSAGES)
    async with home.bot() as bot:
        await home.discord.until(lambda: muted.hits == 1)
        home.upstream.fleet[1900]["status"] = "BANNED"
        await home.quiet_polls()
        await bot.terminate()
    assert muted.hits == 1
    muted.stop()
    # The minute is over that a channel is left alone in which the bot may not speak.
    with contextlib.closing(sqlite3.connect(folder / "data" / "bot.db")) as connection:
        connection.execute("UPDATE messages SET due_at = '2026-01-01 00:00:00.000000'")
        connection.commit()
    return bot.stderr


async def test_a_message_that_discord_refuses_for_good_is_parked_and_named_by_check(home: Town) -> None:
    refused = home.discord.outage(faults.error(400, 50035, "Invalid Form Body"), "POST", MESSAGES)
    async with home.bot() as bot:
        await _until_logged(bot, "message parked")
        refused.stop()
        home.upstream.fleet[1900]["status"] = "BANNED"
        await home.until_told("1900 is BANNED")
        await bot.terminate()
    assert len(home.discord.messages()) == 1
    async with home.bot("check") as check:
        assert (await check.wait()).code == EX_CONFIG
    (failed,) = check.failed
    assert "refused by Discord" in failed
    assert "Invalid Form Body" in failed
