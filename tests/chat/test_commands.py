"""Slash commands and buttons, as people use them."""

import asyncio
import logging
from datetime import timedelta

import discord
import pytest
import simcord

from bot.chat.buttons import token_view
from bot.chat.cards import Overview
from bot.chat.client import ChatClient
from bot.chat.commands.token import suggestions
from bot.chat.desk import Access
from bot.domain.incidents import Key, Rule
from bot.domain.info import read
from bot.domain.model import Failure, Fleet, Severity, Token, Trouble
from bot.domain.value import replace
from bot.imaginepro.errors import NotFoundError, TimedOutError
from bot.storage.store import StoreUnavailableError
from tests.chat.builders import NOON, fleet, incident, record, token
from tests.chat.conftest import GUILD, World

FRESH = token(1900, fast_time_remaining="1.50/15.0 hours (10.00%)")


def said(result: simcord.InteractionResult) -> str:
    """What the answer says, with its card."""
    assert result.response is not None
    cards = [f"{embed.title}\n{embed.description}" for embed in result.response.embeds]
    return "\n".join([result.response.content, *cards])


def buttons(result: simcord.InteractionResult) -> list[str]:
    """The custom ids of the buttons under an answer."""
    assert result.response is not None
    return [button["custom_id"] for row in result.response.components for button in row["components"]]


def view(*tokens: Token) -> Overview:
    """What is known, with nothing open."""
    return Overview(fleet(*tokens), NOON)


async def test_a_token_is_shown_at_once_and_only_to_the_one_who_asked(world: World) -> None:
    result = await world.operator.slash(world.channel, "token", id=1900)
    assert said(result).startswith("\n🟢 Token 1900 · working, FAST\n")
    assert result.ephemeral
    assert not result.deferred


@pytest.mark.parametrize("command", ["token", "tokens"])
async def test_an_answer_leaves_nothing_behind(world: World, command: str) -> None:
    """discord.py would remember the view of each for 15 minutes, and run a task for as long."""
    options = {"id": 1900} if command == "token" else {}
    await world.operator.slash(world.channel, command, **options)
    before = asyncio.all_tasks()
    await world.operator.slash(world.channel, command, **options)
    assert asyncio.all_tasks() <= before


async def test_whoever_uses_a_command_or_a_button_is_heard_of(world: World) -> None:
    asked = 0

    def ask() -> None:
        nonlocal asked
        asked += 1

    await world.restart(world.role, on_asked=ask)
    shown = await world.operator.slash(world.channel, "token", id=1900)
    assert asked == 1
    assert shown.response is not None
    await world.operator.click(shown.response, label="Refresh")
    assert asked == 2


async def test_a_shared_card_is_shown_to_the_channel(world: World) -> None:
    assert not (await world.operator.slash(world.channel, "token", id=1900, share=True)).ephemeral


@pytest.mark.parametrize("share", [False, True])
async def test_a_refresh_is_acknowledged_before_it_asks_upstream(world: World, *, share: bool) -> None:
    world.desk.upstream[1900] = FRESH
    result = await world.operator.slash(world.channel, "token", id=1900, refresh=True, share=share)
    (first, *_) = [each.json for each in world.env.http_requests if each.path.endswith("/callback")]
    assert isinstance(first, dict)
    assert first["type"] == discord.InteractionResponseType.deferred_channel_message.value
    assert result.ephemeral is not share
    assert "**10 %**" in said(result)


async def test_a_token_that_is_too_new_for_the_list_is_shown_with_its_own_age(world: World) -> None:
    world.desk.upstream[2000] = token(2000)
    result = await world.operator.slash(world.channel, "token", id=2000, refresh=True)
    assert "Token 2000 · working" in said(result)
    assert f"read <t:{int(world.desk.now.timestamp())}:R>" in said(result)


async def test_when_a_refresh_fails_the_last_reading_is_shown_with_the_reason(world: World) -> None:
    world.desk.upstream[1900] = TimedOutError("secret detail")
    text = said(await world.operator.slash(world.channel, "token", id=1900, refresh=True))
    assert text.startswith("ImaginePro did not answer in time.")
    assert "Token 1900 · working" in text
    assert "secret" not in text


async def test_a_refresh_of_an_unknown_token_names_the_nearest(world: World) -> None:
    world.desk.upstream[1902] = NotFoundError("404")
    text = said(await world.operator.slash(world.channel, "token", id=1902, refresh=True))
    assert text == "There is no token 1902. The nearest are 1900, 1901 and 1950."


@pytest.mark.parametrize(
    ("known", "answer"),
    [
        (
            fleet(*(token(number) for number in (5, 1890, 1895, 1905))),
            "There is no token 1900. The nearest are 1890, 1895 and 1905.",
        ),
        (fleet(), "There is no token 1900: none is linked."),
        (Fleet(), "Nothing was read yet, so token 1900 is not known. The first reading is on its way."),
        (
            Fleet(failure=Failure(Trouble.UNREACHABLE, "x", NOON)),
            "Nothing was read yet, so token 1900 is not known. ImaginePro cannot be reached.",
        ),
    ],
)
async def test_an_unknown_token_is_answered_with_what_is_known(world: World, known: Fleet, answer: str) -> None:
    world.desk.fleet = known
    result = await world.operator.slash(world.channel, "token", id=1900, share=True)
    assert said(result) == answer
    assert result.ephemeral


async def test_ids_are_suggested_worst_first_with_status_and_plan(world: World) -> None:
    choices = await world.operator.autocomplete(world.channel, "token", "id", "")
    assert [(choice["name"], choice["value"]) for choice in choices] == [
        ("🔴 1901 · BANNED · 88 % · Standard", 1901),
        ("🟡 1950 · RELAX · 88 % · Standard", 1950),
        ("🟢 1900 · FAST · 88 % · Standard", 1900),
    ]


async def test_suggestions_show_what_is_left_and_what_is_wrong(world: World) -> None:
    low = record(1, fast_time_remaining="2.70/15.0 hours (18.00%)")
    trial = record(3, fast_time_remaining="25.00 minutes", subscription="None (Trial)")
    world.desk.fleet = fleet(read(low), token(2), read(trial), token(4, "VERIFYING"))
    world.desk.fire(
        incident(Rule.FAST_TIME_LOW, 1, step="20%", now=low),
        incident(Rule.QUEUE_STUCK, 2, severity=Severity.CRITICAL, now=record(2)),
        incident(Rule.VERIFYING, 4, now=record(4, "VERIFYING")),
    )
    choices = await world.operator.autocomplete(world.channel, "token", "id", "")
    assert [choice["name"] for choice in choices] == [
        "🔴 2 · FAST · 88 % · Standard · queue stuck",
        "🟠 4 · VERIFYING · 88 % · Standard",
        "🟠 1 · FAST · 18 % · Standard · under 20 % fast time",
        "🟢 3 · FAST · 25 min · Trial",
    ]
    (choice,) = await world.operator.autocomplete(world.channel, "token", "id", "trial")
    assert choice["value"] == 3


LOW = incident(Rule.FAST_TIME_LOW, 1900, severity=Severity.CRITICAL, step="5%", now=record(1900))
"""The token works, and is green to look at."""
LINK = "https://discord.com/channels/500/"


async def test_a_card_names_what_is_open_since_when_who_has_it_and_where_its_message_is(world: World) -> None:
    posted = await world.post(replace(LOW, notified_at=NOON))
    await world.desk.acknowledge([LOW.key], world.other.id)
    result = await world.operator.slash(world.channel, "token", id=1900)
    who, where = f"<@{world.other.id}> has it", f"[jump]({LINK}{world.channel.id}/{posted.id})"
    assert said(result).splitlines()[1:3] == [
        "🔴 Token 1900 · working, FAST",
        f"🔴 **under 5 % fast time** since <t:{NOON.timestamp():.0f}:t> · {who} · {where}",
    ]
    assert not result.deferred


async def test_details_of_a_red_alert_are_red_and_lead_back_to_it(world: World) -> None:
    posted = await world.post(replace(LOW, notified_at=NOON))
    text = said(await world.operator.click(posted, label="Details"))
    assert text.startswith("\n🔴 Token 1900 · working, FAST\n🔴 **under 5 % fast time** since <t:")
    assert f"[jump]({LINK}{world.channel.id}/{posted.id})" in text


async def test_a_card_is_shown_without_its_links_while_the_database_is_away(world: World) -> None:
    await world.post(replace(LOW, notified_at=NOON))
    world.desk.broken = StoreUnavailableError("away")
    world.desk.upstream[1900] = FRESH
    for refresh in (False, True):
        text = said(await world.operator.slash(world.channel, "token", id=1900, refresh=refresh))
        assert "🔴 **under 5 % fast time** since <t:" in text
        assert "[jump]" not in text


async def test_what_is_open_for_long_has_its_date_and_what_is_suppressed_is_said_to_be(world: World) -> None:
    await world.post(LOW)
    await world.operator.slash(world.channel, "silence add", token=1900, length="2d")
    world.desk.now += timedelta(days=1)
    text = said(await world.operator.slash(world.channel, "token", id=1900))
    assert f"since <t:{NOON.timestamp():.0f}:f> · silenced by <@{world.operator.id}> until <t:" in text


async def test_what_a_graver_incident_tells_is_not_named_beside_it(world: World) -> None:
    world.desk.fire(LOW, replace(LOW, key=Key(Rule.FAST_TIME_LOW, 1900, "20%"), notifiable=False))
    text = said(await world.operator.slash(world.channel, "token", id=1900))
    assert text.count("fast time** since") == 1


async def test_the_fleet_names_what_is_open_and_who_has_it(world: World) -> None:
    world.desk.fire(
        LOW,
        *(incident(Rule.QUEUE_STUCK, number, now=record(number)) for number in (1900, 1950)),
        incident(Rule.FROZEN, 1950, severity=Severity.INFO, now=record(1950)),
        incident(Rule.BANNED, 1901, severity=Severity.CRITICAL, now=record(1901, "BANNED")),
        incident(Rule.UPSTREAM_DOWN, None),
    )
    await world.desk.acknowledge([LOW.key], world.other.id)
    await world.desk.acknowledge([Key(Rule.QUEUE_STUCK, 1900)], world.other.id)
    lines = said(await world.operator.slash(world.channel, "tokens")).splitlines()
    assert lines[1] == "🔴 2 of 3 tokens work"
    assert lines[3:8] == [
        "🔴 **BANNED**: token 1901",
        f"🔴 **under 5 % fast time**: token 1900 · <@{world.other.id}> has it",
        "🟠 **ImaginePro unreadable**",
        "🟠 **queue stuck**: tokens 1900 and 1950",
        "**Needs a person: token 1901**",
    ]


async def test_a_fleet_in_much_trouble_leads_to_the_list_of_it(world: World) -> None:
    world.desk.fleet = fleet(*(token(number) for number in range(20)))
    rules = [Rule.VERIFYING, Rule.DEGRADED, Rule.UNKNOWN_STATUS, Rule.SUBSCRIPTION, Rule.QUEUE_STUCK, Rule.FROZEN]
    world.desk.fire(
        *(incident(Rule.BANNED, number, now=record(number)) for number in range(20)),
        *(incident(rule, 1, now=record(1)) for rule in rules),
    )
    text = said(await world.operator.slash(world.channel, "tokens"))
    assert "🟠 **BANNED**: tokens 0, 1, 2, 3, 4, 5 and 14 more\n" in text
    assert "… and more: `/incidents`" in text
    assert "does not move" not in text


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("19", [1901, 190, 1900, 1950]),
        ("190", [190, 1901, 1900]),
        ("ban", [1901]),
        ("basic", [190]),
        ("std", []),
        ("fast stand", [1900]),
        ("off", [1950]),
        ("1900", [1900]),
        ("veri stand", [1950]),
        ("*", []),
    ],
)
def test_suggestions_match_id_status_and_plan_by_their_beginnings(typed: str, ids: list[int]) -> None:
    known = view(
        token(1900),
        token(1901, "BANNED"),
        token(1950, "VERIFYING", active=False),
        token(190, "RELAX", subscription="Basic (Active monthly)"),
        token(2**60),
    )
    assert [each.id for each in suggestions(known, typed)] == ids


def test_there_are_never_more_suggestions_than_discord_takes() -> None:
    assert len(suggestions(view(*(token(number) for number in range(100))), "")) == 25


async def test_a_status_with_markup_is_suggested_as_plain_text(world: World) -> None:
    world.desk.fleet = fleet(token(1, "*LIM\u202eBO*" * 30))
    (choice,) = await world.operator.autocomplete(world.channel, "token", "id", "1")
    assert choice["name"].startswith("🟣 1 · *LIMBO**LIMBO*")
    assert len(choice["name"]) <= 100


async def test_the_fleet_is_shown_in_pages_that_are_turned_in_place(world: World) -> None:
    world.desk.fleet = fleet(*(token(number) for number in range(100, 140)))
    first = await world.operator.slash(world.channel, "tokens")
    assert first.ephemeral
    assert buttons(first) == ["tokens:page:0:all", "tokens:page:1:all"]
    assert first.response is not None
    second = await world.operator.click(first.response, label="More ▶")
    assert "page 2 of 3" in said(second)
    assert buttons(second) == ["tokens:page:0:all", "tokens:page:1:all", "tokens:page:2:all"]
    assert second.response is not None
    assert "page 1 of 3" in said(await world.operator.click(second.response, label="◀ Back"))


async def test_the_fleet_can_be_narrowed_to_a_status_and_stays_so_over_pages(world: World) -> None:
    result = await world.operator.slash(world.channel, "tokens", status="BANNED")
    assert "Only BANNED: 1 of 3" in said(result)
    assert buttons(result) == ["tokens:page:0:BANNED"]
    world.desk.fleet = fleet(token(1, "BANNED"))
    assert result.response is not None
    assert "Only BANNED: 1 of 1" in said(await world.operator.click(result.response, label="Update"))


async def test_the_refresh_button_edits_the_card_and_survives_a_restart(world: World) -> None:
    shown = await world.operator.slash(world.channel, "token", id=1900, share=True)
    await world.restart(world.role)
    world.desk.upstream[1900] = FRESH
    assert shown.response is not None
    result = await world.operator.click(shown.response, label="Refresh")
    assert "**10 %**" in said(shown)
    assert not result.followups


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (TimedOutError("x"), "ImaginePro did not answer in time."),
        (NotFoundError("x"), "ImaginePro no longer lists token 1900."),
    ],
)
async def test_a_failed_refresh_keeps_the_card_and_tells_only_who_pressed(
    world: World, error: Exception, answer: str
) -> None:
    shown = await world.operator.slash(world.channel, "token", id=1900, share=True)
    world.desk.upstream[1900] = error
    assert shown.response is not None
    (followup,) = (await world.operator.click(shown.response, label="Refresh")).followups
    assert followup.content.startswith(answer)
    assert followup.ephemeral
    assert "**88 %**" in said(shown)


async def test_without_the_operator_role_nothing_is_answered_but_one_sentence(world: World) -> None:
    sentence = "Only members with the operator role can use this bot."
    shown = await world.operator.slash(world.channel, "token", id=1900, share=True)
    assert shown.response is not None
    for outsider in (world.guest, world.manager):
        results = [
            await outsider.slash(world.channel, "token", id=1900, share=True),
            await outsider.slash(world.channel, "tokens"),
            await outsider.click(shown.response, label="Refresh"),
        ]
        assert [said(result) for result in results] == [sentence] * 3
        assert all(result.ephemeral for result in results)
        assert await outsider.autocomplete(world.channel, "token", "id", "19") == []


async def test_without_an_operator_role_those_who_manage_the_server_may_ask(world: World) -> None:
    shown = await world.operator.slash(world.channel, "token", id=1900, share=True)
    await world.restart(operator_role_id=None)
    assert "Token 1900" in said(await world.manager.slash(world.channel, "token", id=1900))
    assert shown.response is not None
    refused = await world.operator.click(shown.response, label="Refresh")
    assert said(refused) == "Only members who may manage this server can use this bot."
    with pytest.raises(simcord.SetupError, match="not visible"):
        await world.guest.slash(world.channel, "token", id=1900)


async def test_in_another_server_and_in_private_the_bot_answers_nothing(world: World) -> None:
    shown = await world.operator.slash(world.channel, "token", id=1900, share=True)
    assert shown.response is not None
    elsewhere = world.env.create_guild()
    channel = elsewhere.create_text_channel("general")
    stranger = elsewhere.add_member(world.env.create_user("sam"))
    bot_channel = world.env.bot.get_channel(channel.id)
    assert isinstance(bot_channel, discord.TextChannel)
    copied = await bot_channel.send(view=discord.ui.View.from_message(shown.response.message))
    refused = await stranger.click(copied, label="Refresh")
    assert said(refused) == "This bot answers only in the server that it was set up for."


@pytest.mark.parametrize(
    "custom_id", ["token:ack:1900", "token:refresh:x", "tokens:page:-1:all", "tokens:page:0:LIMBO"]
)
async def test_a_button_of_another_version_does_nothing_and_says_so(world: World, custom_id: str) -> None:
    channel = world.env.bot.get_channel(world.channel.id)
    assert isinstance(channel, discord.TextChannel)
    view = discord.ui.View()
    view.add_item(discord.ui.Button(label="Old", custom_id=custom_id))
    message = await channel.send(view=view)
    await world.restart(world.role)
    result = await world.operator.click(message, label="Old")
    assert said(result) == "This button is from another version of the bot and does nothing any more."
    assert result.ephemeral


async def test_a_page_that_is_no_more_shows_the_last(world: World) -> None:
    world.desk.fleet = fleet(*(token(number) for number in range(100, 140)))
    first = await world.operator.slash(world.channel, "tokens")
    assert first.response is not None
    world.desk.fleet = fleet(token(100))
    result = await world.operator.click(first.response, label="More ▶")
    assert "The only token works" in said(result)


async def test_an_unexpected_failure_is_joined_to_the_log_by_a_reference(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.desk.upstream[1900] = ValueError("inner workings")
    with caplog.at_level(logging.ERROR):
        result = await world.operator.slash(world.channel, "token", id=1900, refresh=True)
    assert "inner workings" not in said(result)
    mark = said(result).split("`")[1]
    (line,) = [entry for entry in caplog.records if mark in entry.getMessage()]
    assert line.exc_info is not None
    assert isinstance(line.exc_info[1], ValueError)
    assert world.env.errors  # simcord asks whether the test knows of it


async def test_an_unexpected_failure_of_a_button_is_answered_too(world: World) -> None:
    shown = await world.operator.slash(world.channel, "token", id=1900, share=True)
    page = await world.operator.slash(world.channel, "tokens")
    assert shown.response is not None
    assert page.response is not None
    world.desk.upstream[1900] = ValueError("inner workings")
    (followup,) = (await world.operator.click(shown.response, label="Refresh")).followups
    assert followup.content.startswith("Something went wrong inside the bot.")
    world.desk.fleet = replace(world.desk.fleet, tokens={1: None})  # type: ignore[dict-item]  # broken on purpose
    assert said(await world.operator.click(page.response, label="Update")).startswith("Something went wrong")


async def test_a_command_that_discord_knows_and_we_do_not_is_answered(world: World) -> None:
    client = world.env.bot
    assert isinstance(client, ChatClient)
    client.tree.remove_command("tokens", guild=discord.Object(GUILD))
    assert said(await world.operator.slash(world.channel, "tokens")).startswith("This command has changed.")
    assert world.env.errors  # simcord asks whether the test knows of it


async def test_an_id_that_no_button_can_carry_has_none() -> None:
    views = [token_view(Access(GUILD), token(number)) for number in (-1, 0, 10**19 - 1, 10**19)]
    assert [len(view.children) for view in views] == [0, 3, 3, 0]


async def test_an_answer_that_discord_does_not_take_is_no_error(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.env.inject_error("POST", "/interactions/*", status=404, code=10062)
    await world.guest.slash(world.channel, "tokens")
    assert "could not answer an interaction" in caplog.text


async def test_the_commands_are_hidden_from_those_who_cannot_manage_the_server_unless_there_is_a_role(
    world: World,
) -> None:
    assert {"token", "tokens"} <= set(world.guest.available_commands(world.channel))
    await world.restart(operator_role_id=None)
    assert world.guest.available_commands(world.channel) == ()
    assert {"token", "tokens"} <= set(world.manager.available_commands(world.channel))


async def test_the_commands_are_registered_when_the_bot_is_invited_while_it_runs(world: World) -> None:
    client = world.env.bot
    assert isinstance(client, ChatClient)
    other = world.env.create_guild()
    for guild_id in (other.id, GUILD):
        guild = client.get_guild(guild_id)
        assert guild is not None
        await client.on_guild_join(guild)
    syncs = [each.path for each in world.env.http_requests if each.method == "PUT" and "/commands" in each.path]
    assert all(f"/guilds/{GUILD}/" in path for path in syncs)
    assert len(syncs) == 3  # at each start, and when invited to the server that is ours


@pytest.mark.parametrize(
    ("status", "words"), [(403, "does not let the bot in. Add it with https://"), (500, "earlier ones still")]
)
async def test_commands_that_cannot_be_registered_are_said_so_and_the_bot_goes_on(
    world: World, caplog: pytest.LogCaptureFixture, status: int, words: str
) -> None:
    world.env.inject_error(
        "PUT", "/applications/*/guilds/*/commands", status=status, code=50001 if status == 403 else 0
    )
    client = await world.restart(world.role)
    assert client.logged_in.is_set()
    assert words in caplog.text


async def test_a_gateway_that_goes_between_two_tries_to_reach_it_is_no_error(world: World) -> None:
    client = world.env.bot
    assert isinstance(client, ChatClient)
    for change in (client.on_connect, client.on_disconnect):
        await change()
    assert not client.online


async def test_the_age_of_a_card_is_that_of_its_reading(world: World) -> None:
    world.desk.now += timedelta(hours=1)
    assert f"read <t:{int(NOON.timestamp())}:R>" in said(await world.operator.slash(world.channel, "token", id=1900))
