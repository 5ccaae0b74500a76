"""`/board`, and the buttons under a board, as people use them."""

from collections.abc import AsyncIterator
from datetime import timedelta

import discord
import pytest
import simcord

from bot.chat.board import MOST, Boards
from bot.chat.client import ChatClient
from bot.delivery.handover import Handover
from bot.domain.forecast import Forecast, Verdict
from bot.domain.incidents import Rule
from bot.domain.model import Severity
from bot.domain.value import replace
from bot.storage.store import Store, open_store
from tests.chat.builders import incident, record
from tests.chat.conftest import World
from tests.chat.test_commands import buttons, said


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[Store]:
    """Where boards are remembered."""
    async with open_store(sqlite_url) as store:
        yield store


def keep(world: World, store: Store) -> Boards:
    """The bot leads: it keeps boards from now on."""
    client = world.env.bot
    assert isinstance(client, ChatClient)
    return client.keep_boards(store, Handover(), lambda _: False)


@pytest.fixture
def boards(world: World, store: Store) -> Boards:
    """Those of the bot."""
    return keep(world, store)


def shown(channel: simcord.ChannelHandle) -> list[discord.Message]:
    """The boards of a channel; pinning one leaves a line there, as in life."""
    return [message for message in channel.history() if message.embeds]


async def test_here_hangs_a_board_that_shows_the_fleet_and_says_where(world: World, boards: Boards) -> None:
    result = await world.operator.slash(world.channel, "board here")
    (message,) = shown(world.channel)
    assert result.ephemeral
    assert said(result).startswith("The board is here: https://discord.com/channels/")
    assert str(message.id) in said(result)
    assert message.embeds[0].title == "🟠 2 of 3 tokens work"
    assert [each.channel_id for each in boards.all] == [world.channel.id]


@pytest.mark.usefixtures("boards")
async def test_it_shows_what_is_foretold(world: World) -> None:
    dry = Forecast(Verdict.DOES_NOT_LAST, world.desk.now, dry_at=world.desk.now + timedelta(days=8))
    world.desk.known = replace(world.desk.known, forecasts={1900: dry})
    await world.operator.slash(world.channel, "board here")
    (message,) = shown(world.channel)
    assert "**Will not last**\n🟠 **1900** ▰▰▰▰▰▱ 88 % · dry around 9 Jan" in (message.embeds[0].description or "")


@pytest.mark.usefixtures("boards")
async def test_where_one_hangs_already_it_is_said_and_brought_up_to_date(world: World) -> None:
    await world.operator.slash(world.channel, "board here")
    world.desk.fire(incident(Rule.BANNED, 1901, severity=Severity.CRITICAL, was=record(1901), now=record(1901)))
    again = await world.other.slash(world.channel, "board here")
    assert said(again).startswith("\nThere is a board here already:".strip())
    (message,) = shown(world.channel)
    assert "nobody has it" in (message.embeds[0].description or "")


async def test_one_that_was_deleted_is_hung_again_at_once(world: World, boards: Boards) -> None:
    await world.operator.slash(world.channel, "board here")
    (message,) = shown(world.channel)
    channel = world.env.bot.get_channel(world.channel.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.get_partial_message(message.id).delete()
    assert "The board is here" in said(await world.operator.slash(world.channel, "board here"))
    (other,) = shown(world.channel)
    assert [each.discord_id for each in boards.all] == [other.id]


@pytest.mark.usefixtures("boards")
async def test_what_the_bot_may_not_do_in_a_channel_is_named(world: World) -> None:
    guild = world.env.bot.get_guild(500)
    assert guild is not None
    channel = guild.get_channel(world.channel.id)
    assert isinstance(channel, discord.TextChannel)
    await channel.set_permissions(guild.me, embed_links=False, read_message_history=False)
    result = await world.operator.slash(world.channel, "board here")
    assert "Give it *Embed Links* and *Read Message History* in" in said(result)
    assert world.env.errors  # the test knows that the command was broken off
    assert shown(world.channel) == []


@pytest.mark.usefixtures("boards")
async def test_in_a_channel_for_voices_it_says_what_to_use(world: World) -> None:
    voices = world.operator.guild.create_voice_channel("talk")
    assert "Use a text channel." in said(await world.operator.slash(voices, "board here"))
    assert world.env.errors  # the test knows that the command was broken off


async def test_what_discord_says_against_it_is_passed_on(world: World, boards: Boards) -> None:
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013, message="Missing Permissions")
    result = await world.operator.slash(world.channel, "board here")
    assert "Discord does not let a board hang here:" in said(result)
    assert "Missing Permissions" in said(result)
    assert boards.all == ()
    assert world.env.errors  # as above


async def test_one_that_discord_does_not_take_yet_is_promised(world: World, boards: Boards) -> None:
    world.env.inject_error("POST", "/channels/*/messages", status=400, code=40004, message="Switched off for a time")
    result = await world.operator.slash(world.channel, "board here")
    assert "The bot tries again each minute." in said(result)
    assert len(boards.all) == 1
    assert "not posted yet" in said(await world.operator.slash(world.channel, "board list"))
    assert "The board is here" in said(await world.operator.slash(world.channel, "board here"))
    assert world.env.errors  # as above


@pytest.mark.usefixtures("boards")
async def test_without_the_permission_to_pin_it_says_so(world: World) -> None:
    world.env.inject_error("PUT", "/channels/*/messages/pins/*", status=403, code=50013)
    result = await world.operator.slash(world.channel, "board here")
    assert "It is not pinned: that takes *Pin Messages* in this channel." in said(result)
    assert "not pinned" not in said(await world.operator.slash(world.channel, "board here"))


async def test_a_board_is_taken_down_from_anywhere(world: World, boards: Boards) -> None:
    await world.operator.slash(world.channel, "board here")
    elsewhere = world.operator.guild.create_text_channel("elsewhere")
    assert "There is no board in" in said(await world.operator.slash(elsewhere, "board remove"))
    assert "Pick one of the channels" in said(await world.operator.slash(elsewhere, "board remove", channel="ops"))
    assert world.env.errors  # the test knows that the command was broken off
    offered = await world.operator.autocomplete(elsewhere, "board remove", "channel", "op")
    assert [each["name"] for each in offered] == ["#ops"]
    taken = await world.operator.slash(elsewhere, "board remove", channel=offered[0]["value"])
    assert "is taken down." in said(taken)
    assert shown(world.channel) == []
    assert boards.all == ()


@pytest.mark.usefixtures("boards")
async def test_the_list_says_where_they_are_and_who_wanted_them(world: World) -> None:
    assert "There is no board" in said(await world.operator.slash(world.channel, "board list"))
    await world.operator.slash(world.channel, "board here")
    listed = said(await world.operator.slash(world.channel, "board list"))
    assert "1 board" in listed
    assert f"<#{world.channel.id}> · [jump](https://discord.com/channels/" in listed
    assert f"by <@{world.operator.id}>" in listed


@pytest.mark.usefixtures("boards")
async def test_there_are_no_more_than_so_many(world: World) -> None:
    for number in range(MOST):
        channel = world.operator.guild.create_text_channel(f"c{number}")
        assert "The board is here" in said(await world.operator.slash(channel, "board here"))
    assert f"There are {MOST} boards already" in said(await world.operator.slash(world.channel, "board here"))
    assert world.env.errors  # the test knows that the command was broken off


async def test_before_the_bot_leads_it_asks_for_a_moment(world: World) -> None:
    for command in ("here", "remove", "list"):
        result = await world.operator.slash(world.channel, f"board {command}")
        assert said(result).strip() == "The bot is only just starting. Try again in a moment."
    assert await world.operator.autocomplete(world.channel, "board remove", "channel", "") == []
    assert world.env.errors  # the test knows that the command was broken off


async def test_the_audit_trail_names_the_channel(world: World, boards: Boards, store: Store) -> None:
    await world.operator.slash(world.channel, "board here")
    world.desk.trail += await store.audit(1)
    assert f"**board here** in <#{world.channel.id}>" in said(await world.operator.slash(world.channel, "admin audit"))
    assert boards.all


async def test_its_buttons_answer_whoever_presses_and_leave_it_as_it_is_after_a_restart_too(
    world: World, store: Store
) -> None:
    keep(world, store)
    world.desk.fire(incident(Rule.BANNED, 1901, severity=Severity.CRITICAL, was=record(1901), now=record(1901)))
    await world.operator.slash(world.channel, "board here")
    for _ in range(2):
        (message,) = shown(world.channel)
        tokens = await world.operator.click(message, label="All tokens")
        assert tokens.ephemeral
        assert "2 of 3 tokens work" in said(tokens)
        assert "tokens:page:0:all" in buttons(tokens)
        open_ = await world.operator.click(message, label="What is open")
        assert open_.ephemeral
        assert "1 incident is open" in said(open_)
        assert "Only members" in said(await world.guest.click(message, label="All tokens"))
        assert shown(world.channel)[0].embeds[0].title == message.embeds[0].title
        await world.restart(world.role)


# A board of one group.


async def make(world: World) -> None:
    """An operator makes a group of two tokens that are listed, and one that is not."""
    await world.operator.slash(world.channel, "group set", name="Studio", tokens="1900-1902")


async def test_a_board_may_show_one_group_alone(world: World, boards: Boards) -> None:
    await make(world)
    world.desk.fire(incident(Rule.DEGRADED, 1950, now=record(1950, "RELAX"), was=record(1950)))
    answer = said(await world.operator.slash(world.channel, "board here", group="studio"))
    assert "It shows **Studio** alone. For the whole fleet use `/board remove`, and `/board here`." in answer
    (message,) = shown(world.channel)
    assert message.embeds[0].title == "🟠 Studio: 1 of 2 tokens works"
    assert "1950" not in (message.embeds[0].description or "")
    assert [each.channel_id for each in boards.all] == [world.channel.id]
    assert world.desk.trail[-1].what == f"in {world.channel.id}: Studio"
    assert "**Studio** alone" in said(await world.operator.slash(world.channel, "board list"))
    pressed = await world.operator.click(message, custom_id="board:tokens")
    assert "Studio: 1 of 2 tokens works" in said(pressed)


@pytest.mark.usefixtures("boards")
async def test_a_board_of_a_group_stays_one_and_beside_it_another_shows_the_fleet(world: World) -> None:
    await make(world)
    other = world.operator.guild.create_text_channel("fleet")
    await world.operator.slash(world.channel, "board here", group="studio")
    await world.operator.slash(other, "board here")
    again = said(await world.operator.slash(world.channel, "board here"))
    assert "It shows **Studio** alone." in again
    titles = [shown(each)[0].embeds[0].title for each in (world.channel, other)]
    assert titles == ["🟠 Studio: 1 of 2 tokens works", "🟠 2 of 3 tokens work"]


@pytest.mark.usefixtures("boards")
async def test_a_group_stays_while_a_board_shows_it_and_a_board_that_is_taken_down_shows_none(world: World) -> None:
    await make(world)
    await world.operator.slash(world.channel, "board here", group="studio")
    refused = said(await world.operator.slash(world.channel, "group remove", name="studio"))
    assert f"the board in <#{world.channel.id}> (`/board remove`)" in refused
    await world.operator.slash(world.channel, "board remove")
    assert not world.desk.known.decisions.one_group
    await world.operator.slash(world.channel, "board here")
    assert shown(world.channel)[-1].embeds[0].title == "🟠 2 of 3 tokens work"
    assert "Removed: **Studio**" in said(await world.operator.slash(world.channel, "group remove", name="studio"))
    assert world.env.errors  # the test knows that a command was broken off


@pytest.mark.usefixtures("boards")
async def test_a_board_of_a_group_that_is_not_there_or_cannot_hang_leaves_nothing(world: World) -> None:
    assert "There is no group “nobody”" in said(await world.operator.slash(world.channel, "board here", group="nobody"))
    await make(world)
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013, message="Missing Permissions")
    await world.operator.slash(world.channel, "board here", group="studio")
    assert not world.desk.known.decisions.one_group
    assert world.env.errors  # the test knows that the commands were broken off
