"""`/admin setup`: a bot that knows nothing but its keys is told where alerts go, by people in Discord."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.domain.steering import Entry
from bot.storage.store import open_store
from tests.chat.builders import NOON
from tests.wire.discord import PATIENCE
from tests.wire.interactions import Act, Interaction
from tests.wire.messages import Message
from tests.wire.process import BotProcess
from tests.wire.town import Town, town
from tests.wire.world import LOUNGE, MANAGER, MANAGERS, ON_CALL, OPERATOR, OPERATORS, OPS, VISITOR, Member

IN_CHAT = ("OPS_CHANNEL_ID", "OPERATOR_ROLE_ID", "ALERT_ROLE_ID", "DIGEST_AT")
TEST = "test"
CHANNEL, ALERT, OPERATE = "Ops channel?", "Woken by critical alerts?", "Operators?"


@pytest.fixture
async def home(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """A town whose bot is told nothing of it, and that has people in a channel which is none of alerts."""
    async with town(sqlite_url, tmp_path) as home:
        for name in IN_CHAT:
            home.environment.pop(name, None)
        home.environment.update(FAKE_PAUSE="0.2", FAKE_LEASE="1", FAKE_WORRY="2")
        yield home


def texts(message: Message) -> str:
    """The card of the form."""
    return message.now.text.replace("\\", "")


async def opened(home: Town, by: Member = MANAGER) -> Message:
    """The form, as somebody sees it."""
    asked = await home.discord.command("admin setup", by)
    assert asked.message is not None
    assert asked.message.ephemeral
    return asked.message


async def chosen(home: Town, form: Message, menu: str, *ids: int, by: Member = MANAGER) -> Interaction:
    """Somebody picks channels or roles from a menu."""
    kind, what = (8, "channels") if menu == CHANNEL else (6, "roles")
    known: dict[str, dict[str, Any]] = {
        "channels": {str(each.id): each.payload(home.discord.guild.id) for each in (OPS, LOUNGE)},
        "roles": {str(each.id): {"id": str(each.id), "name": each.name} for each in (OPERATORS, ON_CALL, MANAGERS)},
    }
    resolved = {what: {str(each): {"permissions": "0", "position": 1, **known[what][str(each)]} for each in ids}}
    data = {
        "custom_id": form.now.buttons[menu],
        "component_type": kind,
        "values": [str(each) for each in ids],
        "resolved": resolved,
    }
    return await home.discord.interact(Act.PRESS, data, by, on=form)


def inputs(node: Any) -> dict[str, str]:  # noqa: ANN401 - as sent
    """The custom ids of the inputs of a form that was opened, by what they are called."""
    found: dict[str, str] = {}
    if isinstance(node, Mapping):
        if node.get("type") == 4:
            found[node["label"]] = node["custom_id"]
        for each in node.values():
            found |= inputs(each)
    elif isinstance(node, list):
        for each in node:
            found |= inputs(each)
    return found


async def written(home: Town, form: Message, values: Mapping[str, str], by: Member = MANAGER) -> None:
    """Somebody fills in what is written, by how it begins."""
    shown = await home.discord.press(form, "Levels, zone, digest …", by)
    named = inputs(shown.data)
    rows = [
        {"type": 1, "components": [{"type": 4, "custom_id": custom_id, "value": value}]}
        for begin, value in values.items()
        for label, custom_id in named.items()
        if label.startswith(begin)
    ]
    assert len(rows) == len(values)
    await home.discord.interact(Act.SUBMIT, {"custom_id": shown.data["custom_id"], "components": rows}, by, on=form)


async def turned(home: Town, form: Message, times: int = 1, by: Member = MANAGER) -> None:
    """Somebody goes on."""
    for _ in range(times):
        await home.discord.press(form, "Next ▶", by)


async def test_a_bot_that_is_told_nothing_starts_says_where_to_set_it_and_is_set_up_in_chat(home: Town) -> None:
    home.upstream.fleet[1900]["status"] = "BANNED"
    async with home.bot(PORT="0") as bot:
        await bot.wait_ready()
        await home.quiet_polls(2)
        assert bot.said("no ops channel is set, so alerts wait: use /admin setup in Discord, or set OPS_CHANNEL_ID")
        assert not home.discord.posts
        assert "1900" in (await home.discord.command("token", MANAGER, id=1900)).shown.text
        doctor = (await home.discord.command("admin doctor", MANAGER)).shown.text
        assert "No ops channel is set, so alerts wait" in doctor.replace("\\", "")

        form = await opened(home)
        assert "Ops channel** · not set: alerts wait" in texts(form)
        await turned(home, form, 2)
        refused = await home.discord.press(form, "Apply and test", MANAGER)
        assert "Choose the ops channel first" in str([each.now.text for each in refused.followups])

        form = await opened(home)
        await chosen(home, form, CHANNEL, OPS.id)
        await chosen(home, form, ALERT, ON_CALL.id)
        assert f"**Ops channel** · <#{OPS.id}>" in texts(form)
        assert f"**Woken by critical alerts** · <@&{ON_CALL.id}>" in texts(form)
        await turned(home, form, 2)
        await written(home, form, {"Time zone": "Asia/Kathmandu", "Daily digest": "off", "Warn under": "25%"})
        assert "**Time zone** · Asia/Kathmandu" in texts(form)
        assert "**Daily digest** · off" in texts(form)
        assert not home.discord.posts

        await home.discord.press(form, "Apply and test", MANAGER)
        assert "The bot begins anew with it now" in texts(form)
        test = await home.until_told(TEST)
        assert test.now.mentioned_roles == [ON_CALL.id]
        assert home.told("1900"), "what waited is told"
        assert bot.process.returncode is None
        assert bot.said("beginning anew with what was set in chat")
        audit = (await home.discord.command("admin audit", MANAGER)).shown.text.replace("\\", "")
        assert f"**setup** OPS CHANNEL ID: {OPS.id}" in audit
        assert "**setup** TIMEZONE: Asia/Kathmandu" in audit
        begun = len(home.discord.messages())

    async with home.bot() as again:
        await again.wait_ready()
        await home.quiet_polls(2)
        assert len(home.discord.messages()) == begun, "a test that began once does not begin again"


async def test_what_was_chosen_outlives_a_kill_and_counts_from_the_next_start_on(home: Town) -> None:
    async with home.bot() as bot:
        await bot.wait_ready()
        form = await opened(home)
        await chosen(home, form, CHANNEL, OPS.id)
        await bot.kill()
    async with home.bot() as bot:
        await bot.wait_ready()
        await home.until_told("Now watching")
        again = await home.discord.press(form, "Next ▶", MANAGER)
        assert again.message is form, "the form goes on where it was"
        assert f"<#{OPS.id}>" in texts(form)


async def test_bad_input_gets_the_sentence_of_the_parser_and_nothing_else_is_lost(home: Town) -> None:
    async with home.bot() as bot:
        await bot.wait_ready()
        form = await opened(home)
        await turned(home, form, 2)
        await written(home, form, {"Time zone": "Europ/Berlin", "Daily digest": "25:00", "Warn under": "15%,2h"})
    told = texts(form)
    assert "Not kept: TIMEZONE: is not a time zone; write its name in the IANA database" in told
    assert "You wrote: Europ/Berlin" in told
    assert "Not kept: DIGEST_AT: write a time of the day from 00:00 to 23:59" in told
    assert "**Levels of fast time** · 15%,2h" in told
    assert "**Time zone** · UTC" in told


async def test_what_the_environment_sets_is_marked_and_wins(home: Town) -> None:
    home.environment.update(OPS_CHANNEL_ID=str(OPS.id), TIMEZONE="Europe/Berlin")
    async with home.bot() as bot:
        await bot.wait_ready()
        form = await opened(home)
        assert f"**Ops channel** · <#{OPS.id}> 🔒" in texts(form)
        assert "**Time zone** · Europe/Berlin 🔒" in texts(form)
        assert "🔒 set by the environment, which wins." in texts(form)
        menu = next(part for row in form.now.body["components"] for part in row["components"] if part["type"] == 8)
        assert menu["disabled"] is True
        forged = {"custom_id": menu["custom_id"], "component_type": 8, "values": [str(LOUNGE.id)]}
        forged["resolved"] = {"channels": {str(LOUNGE.id): {**LOUNGE.payload(1), "permissions": "0"}}}
        await home.discord.interact(Act.PRESS, forged, MANAGER, on=form)
        assert "Not kept: OPS_CHANNEL_ID is set by the environment, which wins" in texts(form)


async def test_nobody_locks_themselves_out_and_operators_alone_go_on_once_there_are_some(home: Town) -> None:
    async with home.bot() as bot:
        await bot.wait_ready()
        for outsider in (VISITOR, OPERATOR):
            refused = await home.discord.command("admin setup", outsider)
            assert refused.shown.text.strip() == "Only members who may manage this server can use this bot."
        form = await opened(home)
        await turned(home, form)
        await chosen(home, form, OPERATE, OPERATORS.id)
        assert f"you do not have the role <@&{OPERATORS.id}> yourself" in texts(form)
        assert "**Operators** · whoever may manage this server" in texts(form)
        await chosen(home, form, OPERATE, MANAGERS.id)
        assert f"**Operators** · <@&{MANAGERS.id}>" in texts(form)
        await chosen(home, form, OPERATE)
        assert "**Operators** · whoever may manage this server" in texts(form)


async def test_two_people_fill_it_in_at_once_and_a_second_copy_goes_by_what_they_chose(home: Town) -> None:
    second = Member(1_100_000_000_000_000_405, "mo", (MANAGERS.id,))
    async with home.bot() as one, home.bot(FAKE_ELSEWHERE="another machine") as two:
        await _one_leads(one, two)
        mine, theirs = await opened(home), await opened(home, second)
        await asyncio.gather(
            chosen(home, mine, CHANNEL, OPS.id),
            chosen(home, theirs, ALERT, ON_CALL.id, by=second),
            chosen(home, theirs, CHANNEL, OPS.id, by=second),
        )
        await turned(home, mine, 2)
        assert f"**Ops channel** · <#{OPS.id}>" in texts(mine)
        assert f"**Woken by critical alerts** · <@&{ON_CALL.id}>" in texts(mine)
        await home.discord.press(mine, "Apply and test", MANAGER)
        test = await home.until_told(TEST)
        assert test.now.mentioned_roles == [ON_CALL.id]
        await home.quiet_polls(2)
        assert len(home.told(TEST)) == 1


async def test_whoever_takes_another_channel_at_once_gets_a_test_page_there_once_the_first_is_over(home: Town) -> None:
    async with home.bot() as bot:
        await bot.wait_ready()
        await _applied(home, OPS.id)
        first = await home.until_told(TEST)
        await _applied(home, LOUNGE.id)
        await home.discord.until(lambda: len(bot.said("online as")) > 2)
        await home.discord.press(first, "Acknowledge", MANAGER)
        await home.discord.until(lambda: any("Test page" in each.now.text for each in home.discord.messages(LOUNGE.id)))
        assert len(home.told(TEST)) == 1


async def _applied(home: Town, channel: int) -> None:
    form = await opened(home)
    await chosen(home, form, CHANNEL, channel)
    await turned(home, form, 2)
    await home.discord.press(form, "Apply and test", MANAGER)


async def _one_leads(*copies: BotProcess) -> None:
    async with asyncio.timeout(PATIENCE):
        while not any(each.said("online as") for each in copies):
            await asyncio.sleep(0.05)


async def test_check_says_that_no_ops_channel_is_set_and_goes_by_what_was_chosen(home: Town) -> None:
    async with home.bot("check") as bot:
        assert (await bot.wait()).code == 0
    assert "note  Discord: no ops channel is set, so alerts wait: use /admin setup in Discord" in bot.stdout
    async with open_store(home.environment["DATABASE_URL"]) as store:
        entry = Entry(NOON, MANAGER.id, "setup", "by hand")
        await store.write_setup({"OPS_CHANNEL_ID": str(OPS.id), "ALERT_ROLE_ID": str(ON_CALL.id)}, (entry,))
    async with home.bot("check") as bot:
        assert (await bot.wait()).code == 0
    assert "telling #ops, paging @on call" in bot.stdout


async def test_what_was_kept_and_cannot_be_used_any_more_is_said_and_counts_as_not_set(home: Town) -> None:
    """Another version kept it, or a hand did."""
    async with open_store(home.environment["DATABASE_URL"]) as store:
        kept = {"TIMEZONE": "Mars/Olympus", "OPS_CHANNEL_ID": str(OPS.id), "COLOUR": "green"}
        await store.write_setup(kept, (Entry(NOON, MANAGER.id, "setup", "by hand"),))
    async with home.bot() as bot:
        await bot.wait_ready()
        await home.until_told("Now watching")
        (line,) = bot.said("what was set in chat cannot be used")
        assert "TIMEZONE: is not a time zone" in line
        assert "Mars" not in line
        assert "**Time zone** · UTC" in texts(await opened(home))


async def test_a_channel_that_was_chosen_and_is_gone_keeps_no_bot_from_starting_and_another_can_be_chosen(
    home: Town,
) -> None:
    async with open_store(home.environment["DATABASE_URL"]) as store:
        gone = {"OPS_CHANNEL_ID": str(OPS.id + 77)}
        await store.write_setup(gone, (Entry(NOON, MANAGER.id, "setup", "by hand"),))
    async with home.bot() as bot:
        await bot.wait_ready()
        form = await opened(home)
        assert f"OPS_CHANNEL_ID: there is no channel {OPS.id + 77}" in texts(form)
        await chosen(home, form, CHANNEL, OPS.id)
        await turned(home, form, 2)
        await home.discord.press(form, "Apply and test", MANAGER)
        await home.until_told(TEST)
        await home.until_told("Now watching")
