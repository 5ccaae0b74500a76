"""Who may use what: every command, context menu, button, menu and form there is, whoever adds the next one.

They are found in the tree, in `BUTTONS` and among the classes, and each has to declare what it needs.
"""

import importlib
import pkgutil
import re._parser as syntax  # type: ignore[import-not-found] # the only reader of a template's alternatives
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

import discord
import pytest
import simcord
from discord import app_commands
from discord.ui.view import BaseView

import bot.chat
from bot.chat.buttons import BUTTONS
from bot.chat.buttons.press import Guarded, GuardedForm, IncidentItem
from bot.chat.client import ChatClient
from bot.chat.desk import READS_ONLY, Access, Need, need_of
from bot.chat.tree import COMMANDS, leaves
from bot.domain.incidents import Rule
from bot.domain.model import Severity
from tests.chat.builders import incident
from tests.chat.conftest import GUILD, World

ELSEWHERE = "This bot answers only in the server that it was set up for."
OUTSIDER = "Only members with the viewer role, or with the operator role, can use this bot."
VIEWER = "You may look at everything. Only members with the operator role can do this."
REFUSALS = {ELSEWHERE, OUTSIDER, VIEWER, READS_ONLY, "Only members with the operator role can use this bot."}

for module in pkgutil.walk_packages(bot.chat.__path__, "bot.chat."):
    importlib.import_module(module.name)  # so that every class there is, is known


def ours(base: type) -> list[type[Any]]:
    """The classes of this bot below that one."""
    below: dict[type[Any], None] = {}
    each: type[Any]
    for each in base.__subclasses__():
        below |= {each: None, **dict.fromkeys(ours(each))}
    return [each for each in below if each.__module__.startswith("bot.")]


def texts(tree: Iterable[Any], act: int | None, *, every: bool = False) -> list[str]:
    """Texts that a template matches: one for each word of its group `act`, and of all else the first that fits."""
    found = [""]
    for what, detail in tree:
        parts: list[str]
        match str(what):
            case "LITERAL":
                parts = [chr(detail)]
            case "IN":
                parts = [chr(arg if str(kind) == "LITERAL" else arg[0]) for kind, arg in detail]
            case "BRANCH":
                parts = [text for branch in detail[1] for text in texts(branch, act, every=every)]
            case "MAX_REPEAT":
                parts = [text * detail[0] for text in texts(detail[2], act, every=every)]
            case "SUBPATTERN":
                parts = texts(detail[3], act, every=every or detail[0] == act)
            case other:
                raise AssertionError(other)
        found = [text + part for text in found for part in (parts if every or str(what) == "SUBPATTERN" else parts[:1])]
    return found


def pressed() -> Iterator[tuple[type[Guarded], str, str]]:
    """Every kind of button or menu: its class, its word, and a custom id of it."""
    for kind in BUTTONS:
        template = kind.__discord_ui_compiled_template__
        found = template.fullmatch
        for text in dict.fromkeys(texts(syntax.parse(template.pattern), template.groupindex.get("act"))):
            match = found(text)
            assert match is not None, text
            yield kind, match.groupdict().get("act") or "", text


PRESSED = list(pressed())
LEAVES = [leaf for make in COMMANDS for leaf in leaves(make())]


def test_the_templates_are_read_as_they_are_meant() -> None:
    words = {word for _, word, _ in PRESSED}
    assert {"ack", "details", "do-ack", "do-gone", "quiet", "tokens", "open", "page", "pick", ""} <= words
    assert len(PRESSED) == len({text for _, _, text in PRESSED}) > 20


def test_every_command_and_context_menu_declares_what_it_needs() -> None:
    assert [leaf.qualified_name for leaf in LEAVES if Need not in leaf.extras] == []


def test_every_word_of_every_button_and_menu_declares_what_it_needs() -> None:
    assert [text for kind, word, text in PRESSED if word not in kind.needs] == []
    assert {word for kind in BUTTONS for word in kind.needs} == {word for _, word, _ in PRESSED}


def test_whatever_can_be_pressed_or_sent_is_behind_the_one_check() -> None:
    """A view with buttons of its own would ask nobody; so there is none, and no dynamic item that is not registered."""
    bases = {Guarded, IncidentItem}
    assert set(ours(discord.ui.DynamicItem)) - bases == set(BUTTONS)
    assert set(ours(BaseView)) == {GuardedForm, *ours(GuardedForm)}
    checks = {Guarded, GuardedForm}
    assert {each for each in (*BUTTONS, *ours(GuardedForm)) if "interaction_check" in vars(each)} <= checks
    assert [each for each in ours(GuardedForm) if "need" not in vars(each)] == []


def test_the_usual_need_is_to_operate() -> None:
    @app_commands.command(name="later", description="Says nothing of what it needs")
    async def later(_: discord.Interaction) -> None: ...

    assert need_of(later) is need_of(None) is Need.OPERATE


Result = simcord.InteractionResult
Who = Any
"""A member of a server, or a user in a direct message: simcord has no name for what both can do."""


class Press(NamedTuple):
    """Something that can be used."""

    name: str
    need: Need
    use: Callable[[Who], Awaitable[Result]]
    """By somebody; gives what comes of it."""


SENDER = object()
"""In place of a member: whoever sends it."""


def _value(parameter: app_commands.Parameter) -> object:
    """Something that can be written there."""
    if parameter.choices:
        return parameter.choices[0].value
    if parameter.type is discord.AppCommandOptionType.integer:
        return 1900
    if parameter.type is discord.AppCommandOptionType.user:
        return SENDER
    return parameter.type is discord.AppCommandOptionType.boolean or "1h"


def options(leaf: app_commands.Command[Any, ..., Any]) -> dict[str, Any]:
    """What has to be written."""
    return {each.display_name: _value(each) for each in leaf.parameters if each.required}


async def slash(place: tuple[Any, ...], name: str, given: dict[str, Any], who: Who) -> Result:
    """Send a command."""
    result: Result = await who.slash(
        *place, name, **{key: who if each is SENDER else each for key, each in given.items()}
    )
    return result


async def menu(
    channel: simcord.ChannelHandle, name: str, target: discord.Message, who: Who
) -> simcord.InteractionResult:
    """Choose from the menu of a message."""
    result: Result = await who.context_menu(channel, name, target)
    return result


async def click(message: discord.Message, custom_id: str, who: Who) -> Result:
    """Press a button."""
    result: Result = await who.click(message, custom_id=custom_id)
    return result


async def presses(world: World, channel: Any, target: discord.Message, *, private: bool = False) -> list[Press]:  # noqa: ANN401 - of a server, or a user's
    """All that can be used there."""
    place = () if private else (channel,)
    found = []
    for leaf in LEAVES:
        if isinstance(leaf, app_commands.ContextMenu):
            if not private:
                found.append(Press(leaf.name, need_of(leaf), partial(menu, channel, leaf.name, target)))
            continue
        name, given = leaf.qualified_name, options(leaf)
        found.append(Press(f"/{name}", need_of(leaf), partial(slash, place, name, given)))
    for kind, word, text in PRESSED:
        message = await posted(world, channel, text)
        found.append(Press(text, kind.needs.get(word, Need.OPERATE), partial(click, message, text)))
    return found


async def posted(world: World, channel: Any, custom_id: str) -> discord.Message:  # noqa: ANN401 - as above
    """A message with such a button, as if somebody had kept or forged it."""
    place = world.env.bot.get_channel(channel.id) or await world.env.bot.fetch_channel(channel.id)
    assert isinstance(place, discord.abc.Messageable)
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="press", custom_id=custom_id))
    message = await place.send(view=view)
    view.stop()
    return message


def heard(result: simcord.InteractionResult) -> str:
    """What somebody was told, but for cards."""
    said = [result.response] if result.response is not None else []
    return "\n".join(each.content for each in (*said, *result.followups) if each.content)


async def refused(found: Iterable[Press], who: Any) -> dict[str, str]:  # noqa: ANN401 - as above
    """What somebody may not use, and what they are told; all that was refused is told to them alone."""
    told: dict[str, str] = {}
    for each in found:
        result = await each.use(who)
        if heard(result) in REFUSALS:
            told[each.name] = heard(result)
            assert result.ephemeral or (not result.response and all(one.flags.ephemeral for one in result.followups))
    return told


@pytest.fixture
async def viewer(world: World) -> simcord.MemberActor:
    """Somebody with the viewer role alone."""
    role = world.operator.guild.create_role("viewers")
    await world.restart(world.role, viewer_role_id=role.id)
    return world.operator.guild.add_member(world.env.create_user("vic"), roles=[role])


async def card(world: World) -> discord.Message:
    """An alert in the ops channel."""
    return await world.post(incident(Rule.BANNED, 1901, severity=Severity.CRITICAL))


async def test_without_a_role_each_refuses_and_does_nothing(world: World, viewer: simcord.MemberActor) -> None:
    found = await presses(world, world.channel, await card(world))
    before = world.desk.known
    assert await refused(found, world.manager) == {each.name: OUTSIDER for each in found}
    assert world.desk.known is before
    assert world.desk.trail == []
    assert viewer.id


async def test_a_viewer_is_answered_whatever_only_asks_and_refused_all_else(
    world: World, viewer: simcord.MemberActor
) -> None:
    found = await presses(world, world.channel, await card(world))
    before = world.desk.known.decisions
    assert await refused(found, viewer) == {each.name: VIEWER for each in found if each.need is not Need.VIEW}
    assert world.desk.known.decisions == before
    assert {each.act for each in world.desk.trail} <= {"notify me", "notify off"}, "which is for themselves alone"
    assert world.env.errors, "what is not there was asked for, too"


async def test_where_nothing_may_be_changed_upstream_the_acts_alone_are_refused(world: World) -> None:
    await world.restart(world.role, read_only=True)
    found = await presses(world, world.channel, await card(world))
    acts = [each for each in found if each.need is Need.ACT]
    assert await refused(acts, world.operator) == {each.name: READS_ONLY for each in acts}
    asked = next(each for each in found if each.name == "/token")
    assert await refused([asked], world.operator) == {}


async def test_in_another_server_each_refuses_an_operator(world: World) -> None:
    other = world.env.create_guild()
    channel = other.create_text_channel("general")
    again = other.add_member(world.env.create_user("sam"))
    client = world.env.bot
    assert isinstance(client, ChatClient)
    for make in COMMANDS:
        client.tree.add_command(make(), guild=discord.Object(other.id))
    await client.tree.sync(guild=discord.Object(other.id))
    found = await presses(world, channel, await posted(world, channel, "x"))
    assert await refused(found, again) == {each.name: ELSEWHERE for each in found}


async def test_in_a_direct_message_each_refuses_an_operator(world: World) -> None:
    client = world.env.bot
    assert isinstance(client, ChatClient)
    for make in COMMANDS:
        client.tree.add_command(make())
    await client.tree.sync()
    user = world.operator.user
    found = await presses(world, user.dm_channel, await card(world), private=True)
    assert await refused(found, user) == {each.name: ELSEWHERE for each in found}


@pytest.mark.parametrize("kind", [GuardedForm, *ours(GuardedForm)], ids=lambda kind: kind.__name__)
async def test_a_form_that_is_open_refuses_whoever_lost_the_role_since(world: World, kind: type[GuardedForm]) -> None:
    @app_commands.command(name="form", description="Opens one")
    async def form(interaction: discord.Interaction) -> None:
        shown = kind.__new__(kind)  # what it asks for is of no matter here
        discord.ui.Modal.__init__(shown, title="A form")
        shown.clear_items()
        shown.add_item(discord.ui.TextInput(label="What", custom_id="what"))
        await interaction.response.send_modal(shown)

    client = world.env.bot
    assert isinstance(client, ChatClient)
    client.tree.add_command(form, guild=discord.Object(GUILD))
    await client.tree.sync(guild=discord.Object(GUILD))
    opened = await world.operator.slash(world.channel, "form")
    client.access = Access(GUILD, operator_role_id=1)
    sent = await world.operator.submit_modal(opened, {"what": "x"})
    assert heard(sent) == "Only members with the operator role can use this bot."


async def test_suggestions_are_made_only_to_those_who_may_use_the_command(
    world: World, viewer: simcord.MemberActor
) -> None:
    assert await world.operator.autocomplete(world.channel, "silence add", "length", "") != []
    assert await viewer.autocomplete(world.channel, "token", "id", "19") != []
    for who, command, option in (
        (viewer, "silence add", "length"),
        (viewer, "silence end", "id"),
        (world.guest, "token", "id"),
        (world.guest, "silence add", "length"),
    ):
        assert await who.autocomplete(world.channel, command, option, "") == []


async def test_the_picker_hides_what_a_viewer_has_no_use_for_while_there_is_no_operator_role(world: World) -> None:
    role = world.operator.guild.create_role("viewers")
    await world.restart(None, viewer_role_id=role.id)
    seen = set(world.guest.available_commands(world.channel))
    assert {"token", "silence list"} <= seen
    assert "admin audit" not in seen
    assert "admin audit" in world.manager.available_commands(world.channel)
