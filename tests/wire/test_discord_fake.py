"""The fake Discord, held against the real discord.py: what one says the other understands."""

import asyncio
import contextlib
import random
import string
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any, TypeAlias

import aiohttp
import discord
import pytest
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.leap import leaping  # noqa: F401 - time leaps in all tests of this module
from tests.wire import world
from tests.wire.discord import ANSWER_WITHIN, BASE, TOKEN, Discord, Rate
from tests.wire.faults import HANG, RESET, Fault, error, rate_limited
from tests.wire.gateway import CloseCode, Mood
from tests.wire.interactions import Act, Reply
from tests.wire.moment import loop_time

Interaction: TypeAlias = discord.Interaction[discord.Client]

RATE = Rate()
HEARTBEAT_TIMEOUT = 1.0
"""Seconds without any word from the gateway after which the bot leaves it."""


class Panel(discord.ui.View):
    """Two buttons and a menu that outlive a restart."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Refresh", custom_id="refresh")
    async def refresh(self, interaction: Interaction, _: discord.ui.Button["Panel"]) -> None:
        """Change the message at once."""
        await interaction.response.edit_message(content=f"refreshed by {interaction.user.name}")

    @discord.ui.button(label="Reread", custom_id="reread")
    async def reread(self, interaction: Interaction, _: discord.ui.Button["Panel"]) -> None:
        """Change the message after a while."""
        await interaction.response.defer()
        await interaction.edit_original_response(content="read again")

    @discord.ui.select(placeholder="Silence for", custom_id="silence", options=[discord.SelectOption(label="1 h")])
    async def silence(self, interaction: Interaction, menu: discord.ui.Select["Panel"]) -> None:
        """Say what was picked."""
        await interaction.response.edit_message(content=f"silent for {menu.values[0]}")


class Bot(discord.Client):
    """The smallest bot that does each thing the project's bot does."""

    def __init__(self) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=0.05,
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
        )
        self.tree = app_commands.CommandTree(self)
        self.home = discord.Object(world.GUILD_ID)
        commands: tuple[app_commands.Command[Any, ..., None], ...] = (token, slow, silent)
        for command in commands:
            self.tree.add_command(command, guild=self.home)

    async def setup_hook(self) -> None:
        """Register commands and buttons."""
        self.add_view(Panel())
        await self.tree.sync(guild=self.home)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Do not wait five seconds before a second session, as discord.py would."""

    @property
    def ops(self) -> discord.TextChannel:
        """The channel that alerts go to."""
        channel = self.get_channel(world.OPS.id)
        assert isinstance(channel, discord.TextChannel)
        return channel


async def _suggest(_: Interaction, current: str) -> list[app_commands.Choice[int]]:
    return [
        app_commands.Choice(name=f"token {number}", value=number)
        for number in (1900, 1901, 2000)
        if current in str(number)
    ]


@app_commands.command()
@app_commands.autocomplete(id=_suggest)
async def token(interaction: Interaction, id: int, share: bool = False) -> None:  # noqa: A002, FBT001, FBT002 - options
    """Show a token."""
    assert isinstance(interaction.user, discord.Member)
    operator = interaction.user.get_role(world.OPERATORS.id) is not None
    manager = interaction.user.guild_permissions.manage_guild or interaction.permissions.manage_guild
    text = f"token {id}" if operator or manager else "Only operators may ask."
    await interaction.response.send_message(text, ephemeral=not share)


@app_commands.command()
async def slow(interaction: Interaction) -> None:
    """Answer after a while."""
    await interaction.response.defer(ephemeral=True)
    await asyncio.sleep(0.05)
    await interaction.edit_original_response(content="done")
    await interaction.followup.send("and more", ephemeral=True)


@app_commands.command()
async def silent(_: Interaction) -> None:
    """Say nothing."""


@pytest.fixture
async def fake(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Discord]:
    """A Discord which discord.py talks to."""
    async with Discord(rate=RATE).serving() as serving:
        monkeypatch.setattr(Route, "BASE", serving.api_base)
        monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(serving.gateway_url))
        yield serving


@contextlib.asynccontextmanager
async def online() -> AsyncIterator[Bot]:
    """A bot that is logged in, connected and ready."""
    bot = Bot()
    async with bot:
        await bot.login(TOKEN)
        running = asyncio.create_task(bot.connect())
        try:
            await asyncio.wait_for(bot.wait_until_ready(), 5)
            yield bot
        finally:
            await bot.close()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def bot(fake: Discord) -> AsyncIterator[Bot]:
    """A bot that is online in the fake."""
    async with online() as client:
        assert fake.gateway.connected == 1
        yield client


async def test_a_bot_logs_in_and_is_ready_at_once(fake: Discord) -> None:
    started = loop_time()
    async with online() as bot:
        assert loop_time() - started < 0.1, "for two seconds discord.py waits for more servers by default"
        guild = bot.get_guild(fake.guild_id)
        assert guild is not None
        assert [channel.name for channel in guild.text_channels] == ["ops", "lounge"]
        assert {role.name for role in guild.roles} == {"@everyone", "operators", "on call", "managers"}
        assert bot.ops.permissions_for(guild.me).send_messages
    assert fake.gateway.connected == 0


async def test_a_wrong_token_is_refused(fake: Discord) -> None:
    async with Bot() as bot:
        with pytest.raises(discord.LoginFailure):
            await bot.login("wrong")
    assert [call.status for call in fake.calls] == [401]


async def test_the_gateway_closes_on_a_wrong_token_and_on_intents_that_were_not_granted(fake: Discord) -> None:
    codes = []
    async with aiohttp.ClientSession() as session:
        for identity in ({"token": "wrong", "intents": 1}, {"token": TOKEN, "intents": 1 << 15}):
            async with session.ws_connect(fake.gateway_url) as socket:
                await socket.receive_json()
                await socket.send_json({"op": 2, "d": identity})
                await socket.receive()
                codes.append(socket.close_code)
    assert codes == [CloseCode.AUTHENTICATION_FAILED, CloseCode.DISALLOWED_INTENTS]
    assert "wrong" not in fake.sent()


async def test_a_login_that_is_blocked_without_via_fails_at_once_and_works_when_the_block_is_over(
    fake: Discord,
) -> None:
    fake.outage(rate_limited(30, via=False), "GET", "/users/@me", times=2)
    for _ in range(2):
        async with Bot() as bot:
            with pytest.raises(discord.HTTPException) as refused:
                await bot.login(TOKEN)
            assert refused.value.status == 429
            assert refused.value.response.headers["Retry-After"] == "30"
    async with Bot() as bot:
        await bot.login(TOKEN)


async def test_the_application_the_gateway_and_the_server_can_be_asked_for(fake: Discord, bot: Bot) -> None:
    assert (await bot.application_info()).id == fake.application_id
    assert (await bot.fetch_guild(fake.guild_id)).name == "studio"
    assert (await bot.fetch_channel(fake.channel_id)).id == fake.channel_id
    commands = await bot.tree.fetch_commands(guild=bot.home)
    assert [command.name for command in commands] == ["token", "slow", "silent"]
    shards, url, _ = await bot.http.get_bot_gateway()
    assert (shards, url.startswith(fake.gateway_url)) == (1, True)


async def test_registering_commands_replaces_them(fake: Discord, bot: Bot) -> None:
    bot.tree.remove_command("silent", guild=bot.home)
    await bot.tree.sync(guild=bot.home)
    assert [command["name"] for command in fake.commands[fake.guild_id]] == ["token", "slow"]


async def test_commands_of_another_server_are_refused(bot: Bot) -> None:
    with pytest.raises(discord.Forbidden) as refused:
        await bot.tree.sync(guild=discord.Object(1))
    assert refused.value.code == 50001


async def test_commands_that_are_too_long_are_refused(fake: Discord) -> None:
    headers = {"Authorization": f"Bot {TOKEN}"}
    path = f"{fake.api_base}/applications/1/guilds/{fake.guild_id}/commands"
    commands = [{"name": "n" * 33, "description": "d", "options": [{"name": "o" * 33, "description": "d"}]}]
    async with aiohttp.ClientSession(headers=headers) as session, session.put(path, json=commands) as answer:
        body = await answer.json()
    assert answer.status == 400
    assert body["code"] == 50035
    assert "_errors" in body["errors"]["0"]["name"]
    assert "_errors" in body["errors"]["0"]["options"]["0"]["name"]


async def test_a_message_is_posted_edited_read_and_deleted(fake: Discord, bot: Bot) -> None:
    embed = discord.Embed(title="Token 1900", description="works").set_footer(text="k3f9-57")
    sent = await bot.ops.send("first", embed=embed, view=Panel())
    edited = await sent.edit(content="second")
    assert edited.embeds[0].title == "Token 1900"
    assert (await bot.ops.fetch_message(sent.id)).content == "second"
    (message,) = fake.messages()
    assert [version.content for version in message.versions] == ["first", "second"]
    assert message.now.text == "second\nToken 1900\nworks\nk3f9-57"
    assert message.now.buttons == {"Refresh": "refresh", "Reread": "reread", "Silence for": "silence"}
    await sent.delete()
    assert fake.messages() == []
    with pytest.raises(discord.NotFound) as gone:
        await sent.edit(content="third")
    assert gone.value.code == 10008


async def test_a_repeated_nonce_makes_no_second_message(fake: Discord, bot: Bot) -> None:
    first = await bot.ops.send("one", nonce="k3f9-57")
    second = await bot.ops.send("two", nonce="k3f9-57")
    await bot.ops.send("two", nonce="k3f9-58")
    assert first.id == second.id
    assert second.content == "one"
    assert len(fake.messages()) == 2


async def test_a_nonce_is_forgotten_after_a_while(fake: Discord, bot: Bot) -> None:
    fake.board.nonce_memory = 0.05
    await bot.ops.send("one", nonce="k3f9-57")
    await asyncio.sleep(0.06)
    await bot.ops.send("two", nonce="k3f9-57")
    assert [message.now.content for message in fake.messages()] == ["one", "two"]


async def test_history_comes_newest_first_and_can_be_cut(fake: Discord, bot: Bot) -> None:
    ids = [fake.say(text).id for text in "abcde"]
    fake.say("elsewhere", channel_id=world.LOUNGE.id)

    async def read(**bounds: Any) -> str:  # noqa: ANN401 - discord.py's own options
        return "".join([message.content async for message in bot.ops.history(**bounds)])

    assert await read() == "edcba"
    assert await read(limit=2) == "ed"
    assert await read(limit=2, before=discord.Object(ids[3])) == "cb"
    assert await read(limit=2, after=discord.Object(ids[1])) == "cd"
    assert await read(after=discord.utils.utcnow()) == ""


async def test_a_message_of_somebody_else_cannot_be_edited(fake: Discord, bot: Bot) -> None:
    with pytest.raises(discord.Forbidden) as refused:
        await bot.ops.get_partial_message(fake.say("hello").id).edit(content="mine")
    assert refused.value.code == 50005


async def test_an_unknown_channel_is_refused(bot: Bot) -> None:
    with pytest.raises(discord.NotFound) as refused:
        await bot.fetch_channel(1)
    assert refused.value.code == 10003


async def test_a_route_that_the_fake_does_not_have_answers_404(bot: Bot) -> None:
    with pytest.raises(discord.NotFound):
        await bot.http.request(Route("GET", "/nothing"))


def _embed(**parts: Any) -> dict[str, Any]:  # noqa: ANN401 - discord.py's own options
    return {"embeds": [discord.Embed.from_dict(parts)]}


LONG = string.ascii_letters * 100


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ({"content": LONG[:2001]}, "content"),
        ({"content": "a", "nonce": LONG[:26]}, "nonce"),
        ({"embeds": [discord.Embed(title=LONG[:257])]}, "embeds.0.title"),
        ({"embeds": [discord.Embed(description=LONG[:4097])]}, "embeds.0.description"),
        (_embed(fields=[{"name": LONG[:257], "value": "a"}]), "embeds.0.fields.0.name"),
        (_embed(fields=[{"name": "a", "value": LONG[:1025]}]), "embeds.0.fields.0.value"),
        (_embed(fields=[{"name": "a", "value": ""}]), "embeds.0.fields.0.value"),
        (_embed(fields=[{"name": "a", "value": "b"}] * 26), "embeds.0.fields"),
        (_embed(footer={"text": LONG[:2049]}), "embeds.0.footer.text"),
        (_embed(author={"name": LONG[:257]}), "embeds.0.author.name"),
        ({"embeds": [discord.Embed(description=LONG[:3001])] * 2}, "embeds"),
    ],
)
async def test_a_message_over_a_limit_is_refused_with_its_place(
    fake: Discord, bot: Bot, message: dict[str, Any], place: str
) -> None:
    with pytest.raises(discord.HTTPException) as refused:
        await bot.ops.send(**message)
    assert refused.value.code == 50035
    assert f"In {place}:" in refused.value.text
    assert fake.messages() == []


async def test_a_message_at_its_limits_is_taken(fake: Discord, bot: Bot) -> None:
    embeds = [discord.Embed(title=LONG[:256], description=LONG[:4096]), discord.Embed(description=LONG[:1648])]
    await bot.ops.send(LONG[:2000], embeds=embeds, nonce=LONG[:25])
    assert len(fake.messages()) == 1


async def test_an_empty_message_is_refused(bot: Bot) -> None:
    with pytest.raises(discord.HTTPException) as refused:
        await bot.ops.send("")
    assert refused.value.code == 50006


async def test_two_buttons_with_one_id_are_refused(bot: Bot) -> None:
    view = discord.ui.View(timeout=None)
    for label in "ab":
        view.add_item(discord.ui.Button(label=label, custom_id="same"))
    with pytest.raises(discord.HTTPException) as refused:
        await bot.ops.send("a", view=view)
    assert "COMPONENT_CUSTOM_ID_DUPLICATED" in str(refused.value) or "duplicated" in refused.value.text


@pytest.mark.parametrize(
    ("content", "allowed", "mentioned"),
    [
        (
            f"<@&{world.ON_CALL.id}>",
            discord.AllowedMentions(roles=[discord.Object(world.ON_CALL.id)]),
            [world.ON_CALL.id],
        ),
        (f"<@&{world.ON_CALL.id}>", None, [world.ON_CALL.id]),
        (f"<@&{world.ON_CALL.id}>", discord.AllowedMentions.none(), []),
        (f"<@&{world.OPERATORS.id}>", discord.AllowedMentions.all(), []),
    ],
    ids=["named", "by default", "forbidden", "not mentionable"],
)
async def test_a_role_is_mentioned_when_it_may_be(
    fake: Discord, bot: Bot, content: str, allowed: discord.AllowedMentions | None, mentioned: list[int]
) -> None:
    await bot.ops.send(content, allowed_mentions=allowed or discord.utils.MISSING)
    assert fake.messages()[0].now.mentioned_roles == mentioned


async def test_the_rate_limit_is_told_before_it_is_met(fake: Discord, bot: Bot) -> None:
    """discord.py reads the headers and waits by itself: no post is refused."""
    for number in range(7):
        await bot.ops.send(str(number))
    assert fake.refused == []
    assert fake.messages()[5].at - fake.messages()[0].at >= RATE.per


async def test_who_does_not_wait_for_the_rate_limit_is_refused(fake: Discord) -> None:
    headers = {"Authorization": f"Bot {TOKEN}"}
    path = f"{fake.api_base}/channels/{fake.channel_id}/messages"
    async with aiohttp.ClientSession(headers=headers) as session:
        answers = [await session.post(path, json={"content": str(number)}) for number in range(7)]
        assert [answer.status for answer in answers] == [200] * 5 + [429] * 2
        body = await answers[-1].json()
        remaining = [answer.headers["X-RateLimit-Remaining"] for answer in answers]
    assert remaining == ["4", "3", "2", "1", "0", "0", "0"]
    assert 0 < body["retry_after"] <= RATE.per
    assert answers[-1].headers["Via"]
    assert [call.status for call in fake.refused] == [429, 429]


async def test_the_rate_limit_can_be_switched_off(fake: Discord, bot: Bot) -> None:
    fake.rate = None
    started = loop_time()
    for number in range(8):
        await bot.ops.send(str(number))
    assert loop_time() - started < 0.001


async def test_a_429_is_waited_out(fake: Discord, bot: Bot) -> None:
    outage = fake.outage(rate_limited(0.3), "POST", "/channels/*/messages", times=1)
    await bot.ops.send("late", nonce="n")
    refused, taken = fake.posts
    assert (refused.status, taken.status, outage.hits) == (429, 200, 1)
    assert taken.at - refused.at >= 0.3


@pytest.mark.parametrize(
    ("fault", "raised", "code"),
    [
        (error(503), discord.DiscordServerError, 0),
        (error(503, html=True), discord.DiscordServerError, 0),
        (error(403, 50013, "Missing Permissions"), discord.Forbidden, 50013),
        (
            error(400, 30046, "Maximum number of edits to messages older than 1 hour reached"),
            discord.HTTPException,
            30046,
        ),
        (RESET, aiohttp.ClientOSError, None),
    ],
    ids=["503", "503 as a web page", "50013", "30046", "reset"],
)
@pytest.mark.parametrize("accepted", [False, True])
async def test_a_post_goes_wrong_before_or_after_discord_took_it(
    fake: Discord, bot: Bot, fault: Fault, raised: type[Exception], code: int | None, *, accepted: bool
) -> None:
    fault = fault.after_accepting() if accepted else fault
    with fake.outage(fault, "POST", "/channels/*/messages"), pytest.raises(raised) as failure:
        await bot.ops.send("once", nonce="n")
    assert getattr(failure.value, "code", None) == code
    assert len(fake.messages()) == int(accepted)
    assert len(fake.refused) == len(fake.posts) >= 1
    await bot.ops.send("once", nonce="n")
    assert len(fake.messages()) == 1


@pytest.mark.parametrize("accepted", [False, True])
async def test_a_post_hangs_before_or_after_discord_took_it(fake: Discord, bot: Bot, *, accepted: bool) -> None:
    outage = fake.outage(HANG.after_accepting() if accepted else HANG, "POST", times=1)
    posting = asyncio.create_task(bot.ops.send("once", nonce="n"))
    await fake.until(lambda: outage.hits == 1 and len(fake.messages()) == int(accepted))
    await asyncio.wait({posting}, timeout=30)
    assert posting.cancel(), "it hangs"
    await asyncio.wait({posting})
    assert [call.status for call in fake.refused] == [None]
    await bot.ops.send("once", nonce="n")
    assert len(fake.messages()) == 1


async def test_an_outage_ends_after_its_time_and_leaves_other_routes_alone(fake: Discord, bot: Bot) -> None:
    fake.outage(error(503), "POST", seconds=0.2)
    with pytest.raises(discord.DiscordServerError):
        await bot.ops.send("early")
    await bot.fetch_channel(fake.channel_id)
    await asyncio.sleep(0.2)
    await bot.ops.send("late")
    assert [message.now.content for message in fake.messages()] == ["late"]


async def test_a_command_is_answered(fake: Discord, bot: Bot) -> None:
    assert bot.is_ready()
    asked = await fake.command("token", id=1900)
    assert asked.reply is Reply.MESSAGE
    assert asked.shown.content == "token 1900"
    assert asked.seconds is not None
    assert 0 < asked.seconds <= ANSWER_WITHIN
    assert asked.message is not None
    assert asked.message.ephemeral
    assert fake.messages() == []
    await fake.command("token", id=1901, share=True)
    assert [message.now.content for message in fake.messages()] == ["token 1901"]


@pytest.mark.parametrize(
    ("by", "allowed"),
    [(world.OPERATOR, True), (world.MANAGER, True), (world.VISITOR, False)],
    ids=["operator", "manager", "visitor"],
)
async def test_a_member_comes_with_roles_and_permissions(
    fake: Discord, bot: Bot, by: world.Member, *, allowed: bool
) -> None:
    assert bot.is_ready()
    asked = await fake.command("token", by, id=1900)
    assert (asked.shown.content == "token 1900") is allowed


async def test_a_command_that_was_not_registered_cannot_be_sent(fake: Discord, bot: Bot) -> None:
    assert bot.is_ready()
    with pytest.raises(LookupError, match="nothing"):
        await fake.command("nothing")
    with pytest.raises(LookupError, match="colour"):
        await fake.command("token", colour="red")


async def test_an_option_is_completed(fake: Discord, bot: Bot) -> None:
    assert bot.is_ready()
    assert await fake.suggest("token", "id", id="19") == [
        {"name": "token 1900", "value": 1900},
        {"name": "token 1901", "value": 1901},
    ]


async def test_a_deferred_answer_is_awaited_and_followed(fake: Discord, bot: Bot) -> None:
    assert bot.is_ready()
    asked = await fake.command("slow")
    assert asked.reply is Reply.DEFERRED_MESSAGE
    assert asked.shown.content == "done"
    await fake.until(lambda: bool(asked.followups), 2)
    assert asked.followups[0].now.content == "and more"
    assert asked.followups[0].ephemeral
    assert fake.messages() == []


async def test_a_button_changes_its_message_at_once_or_later(fake: Discord, bot: Bot) -> None:
    await bot.ops.send("old", view=Panel())
    (message,) = fake.messages()
    pressed = await fake.press(message, "Refresh")
    assert pressed.reply is Reply.UPDATE
    assert message.now.content == "refreshed by olga"
    pressed = await fake.press(message, "Reread")
    assert pressed.reply is Reply.DEFERRED_UPDATE
    assert pressed.shown.content == "read again"
    assert len(message.versions) == 3


async def test_a_menu_is_picked_from(fake: Discord, bot: Bot) -> None:
    await bot.ops.send("old", view=Panel())
    (message,) = fake.messages()
    await fake.press(message, "Silence for", values=["1 h"])
    assert message.now.content == "silent for 1 h"


@app_commands.command()
async def ack(interaction: Interaction, number: int) -> None:
    """Acknowledge an incident."""
    await interaction.response.send_message(f"incident {number} acknowledged")


async def test_a_command_of_a_group_is_answered(fake: Discord, bot: Bot) -> None:
    group = app_commands.Group(name="incident", description="Incidents")
    group.add_command(ack)
    bot.tree.add_command(group, guild=bot.home)
    await bot.tree.sync(guild=bot.home)
    assert (await fake.command("incident ack", number=7)).shown.content == "incident 7 acknowledged"


async def test_a_bot_that_says_nothing_is_seen_to_say_nothing(fake: Discord, bot: Bot) -> None:
    assert bot.is_ready()
    fake.answer_within = 0.1
    asked = await fake.command("silent")
    assert asked.reply is None
    with pytest.raises(LookupError):
        _ = asked.shown


async def _callback(fake: Discord, token: str, body: Any) -> int:  # noqa: ANN401 - any JSON
    path = f"{fake.api_base}/interactions/1/{token}/callback"
    async with aiohttp.ClientSession() as session, session.post(path, json=body) as answer:
        return int((await answer.json())["code"]) if answer.content_type == "application/json" else 0


async def test_a_second_answer_is_refused(fake: Discord, bot: Bot) -> None:
    assert bot.is_ready()
    asked = await fake.command("token", id=1900)
    assert await _callback(fake, asked.token, {"type": 4, "data": {"content": "again"}}) == 40060
    assert asked.shown.content == "token 1900"


async def test_an_answer_that_comes_too_late_is_refused(fake: Discord) -> None:
    fake.answer_within = 0.05
    asked = await fake.interact(Act.PRESS, {"custom_id": "x", "component_type": 2})
    await asyncio.sleep(0.05)
    assert await _callback(fake, asked.token, {"type": 4, "data": {"content": "late"}}) == 10062


async def test_answers_are_checked_like_messages(fake: Discord) -> None:
    pending = asyncio.create_task(fake.interact(Act.AUTOCOMPLETE, {}))
    await asyncio.sleep(0)
    (token,) = fake._interactions
    too_many = {"type": 8, "data": {"choices": [{"name": "a", "value": "a"}] * 26}}
    assert await _callback(fake, token, too_many) == 50035
    assert await _callback(fake, token, {"type": 9, "data": {}}) == 50035
    assert await _callback(fake, token, {"type": 4, "data": {}}) == 50006
    assert await _callback(fake, token, {"type": 8, "data": {"choices": []}}) == 0
    assert (await pending).choices == []


async def test_an_interaction_can_be_shown_and_deleted_until_its_token_ends(
    fake: Discord, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bot.is_ready()
    asked = await fake.command("token", id=1900, share=True)
    path = f"{fake.api_base}/webhooks/{fake.application_id}/{asked.token}/messages/@original"
    async with aiohttp.ClientSession() as session:
        assert (await (await session.get(path)).json())["content"] == "token 1900"
        assert (await session.delete(path)).status == 204
        assert (await (await session.get(path)).json())["code"] == 10008
        monkeypatch.setattr("tests.wire.discord.TOKEN_LIFE", 0)
        assert (await (await session.get(path)).json())["code"] == 50027
        assert (await (await session.get(path.replace(asked.token, "unknown"))).json())["code"] == 10015


async def test_the_first_follow_up_of_a_deferred_answer_takes_its_place(fake: Discord) -> None:
    pending = asyncio.create_task(fake.interact(Act.COMMAND, {}))
    await asyncio.sleep(0)
    (token,) = fake._interactions
    assert await _callback(fake, token, {"type": 5}) == 0
    path = f"{fake.api_base}/webhooks/{fake.application_id}/{token}"
    async with aiohttp.ClientSession() as session:
        await session.post(path, json={"content": "here"})
    asked = await pending
    assert (asked.shown.content, asked.followups) == ("here", [])


async def test_a_body_that_is_no_json_is_refused(fake: Discord) -> None:
    headers = {"Authorization": f"Bot {TOKEN}"}
    path = f"{fake.api_base}/channels/{fake.channel_id}/messages"
    async with aiohttp.ClientSession(headers=headers) as session:
        answer = await session.post(path, data="{")
        assert (await answer.json())["code"] == 50109
        answer = await session.get(path, params={"limit": 101})
        assert (await answer.json())["code"] == 50035


@pytest.mark.parametrize("code", [CloseCode.UNKNOWN_ERROR, CloseCode.GOING_AWAY])
async def test_a_closed_session_is_resumed_and_misses_nothing(fake: Discord, bot: Bot, code: CloseCode) -> None:
    assert bot.is_ready()
    await fake.gateway.close(code)
    asked = await fake.command("token", id=1900)
    assert asked.shown.content == "token 1900"
    assert (len(fake.gateway.identifies), len(fake.gateway.resumes)) == (1, 1)


async def test_a_session_that_ended_is_replaced(fake: Discord, bot: Bot) -> None:
    assert bot.is_ready()
    await fake.gateway.close(resumable=False)
    await fake.until(lambda: len(fake.gateway.identifies) == 2, 5)
    asked = await fake.command("token", id=1900)
    assert asked.shown.content == "token 1900"
    assert fake.gateway.resumes == []


async def test_a_bot_comes_back_when_it_is_asked_to(fake: Discord, bot: Bot) -> None:
    assert bot.is_ready()
    await fake.gateway.ask_to_reconnect()
    await fake.until(lambda: len(fake.gateway.resumes) == 1, 5)
    assert fake.gateway.connected == 1


async def test_a_gateway_that_refuses_for_a_while_is_tried_again(fake: Discord, bot: Bot) -> None:
    assert bot.is_ready()
    fake.gateway.mood = Mood.REFUSING
    await fake.gateway.close()
    await fake.until(lambda: len(fake.gateway.connects) == 2, 5)
    fake.gateway.mood = Mood.WELL
    await fake.until(lambda: len(fake.gateway.resumes) == 1, 5)


async def test_a_gateway_that_says_nothing_is_left(fake: Discord, bot: Bot) -> None:
    assert bot.is_ready()
    fake.gateway.mood = Mood.SILENT
    await fake.gateway.close()
    await fake.until(lambda: len(fake.gateway.connects) == 2, 5)
    fake.gateway.mood = Mood.WELL
    await fake.until(lambda: len(fake.gateway.resumes) == 1, 5)


@pytest.mark.parametrize("mood", [Mood.REFUSING, Mood.SILENT])
async def test_discord_py_gives_up_with_a_foreign_error_when_its_first_connection_fails(
    fake: Discord, mood: Mood
) -> None:
    """It asks the connection that it never had for its sequence; whoever runs it must start it again."""
    fake.gateway.mood = mood
    async with Bot() as bot:
        await bot.login(TOKEN)
        with pytest.raises(AttributeError):
            await bot.connect()


async def test_everything_that_was_sent_can_be_searched(fake: Discord, bot: Bot) -> None:
    canary = "".join(random.choices(string.ascii_letters, k=20))
    await bot.ops.send(embed=discord.Embed(description=canary))
    assert canary in fake.sent()
    assert TOKEN not in fake.sent()


async def test_calls_by_another_door_can_be_told_from_the_others(fake: Discord) -> None:
    door = await fake.door()
    async with aiohttp.ClientSession() as session:
        for api in (fake.api_base, f"http://{door}{BASE}"):
            async with session.get(f"{api}/users/@me", headers={"Authorization": f"Bot {TOKEN}"}) as answer:
                assert answer.status == 200
    assert [call.host == door for call in fake.calls] == [False, True]


async def test_ids_grow_and_tell_when_they_were_made(fake: Discord) -> None:
    ids = [fake.say(text).id for text in "abc"]
    assert all(before < after for before, after in pairwise(ids))
    age = discord.utils.utcnow() - discord.utils.snowflake_time(ids[0])
    assert abs(age.total_seconds()) < 5
