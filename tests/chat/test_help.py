"""What `/help` says: just what whoever asks may use, from the tree itself."""

from typing import Any

import discord
from discord import app_commands

from bot.chat.commands.helping import ACTS_SAY, LOOKS_ONLY, READS_ONLY
from bot.chat.commands.options import group_of
from bot.chat.desk import Need, need_of
from bot.chat.tree import COMMANDS, leaves
from tests.chat.conftest import GUILD, World
from tests.chat.test_commands import said

LEAVES = [leaf for make in COMMANDS for leaf in leaves(make())]


def calls(told: str) -> set[str]:
    """The commands of an overview, by their whole names."""
    found = set()
    for line in told.splitlines():
        if line.startswith("**/"):
            name, _, rest = line.removeprefix("**/").partition("**")
            below = rest.split(" · ")[0].replace("⚡", "").strip()
            found |= {f"{name} {each.strip()}" for each in below.split(",")} if below else {name.split()[0]}
        elif line.startswith("**"):
            found.add(line.split("**")[1])
    return found


def names(*needs: Need) -> set[str]:
    """Everything that can be called, of these needs."""
    return {leaf.qualified_name for leaf in LEAVES if need_of(leaf) in needs}


async def test_an_operator_sees_all_there_is_and_which_of_it_acts(world: World) -> None:
    result = await world.operator.slash(world.channel, "help")
    assert result.ephemeral
    told = said(result)
    assert calls(told) == names(*Need)
    assert "more lines" not in told
    slashed = [leaf for leaf in LEAVES if isinstance(leaf, app_commands.Command)]
    assert told.splitlines()[1] == f"{len(slashed)} commands that you can use"
    assert (ACTS_SAY in told) is bool(names(Need.ACT))


async def test_a_viewer_sees_what_looks_and_why_that_is_not_all(world: World) -> None:
    role = world.operator.guild.create_role("viewers")
    viewer = world.operator.guild.add_member(world.env.create_user("vic"), roles=[role])
    await world.restart(world.role, viewer_role_id=role.id)
    told = said(await viewer.slash(world.channel, "help"))
    assert calls(told) == names(Need.VIEW)
    assert told.endswith(LOOKS_ONLY)
    choices = await viewer.autocomplete(world.channel, "help", "command", "")
    assert {each["value"] for each in choices} <= names(Need.VIEW)


async def test_where_nothing_may_be_changed_upstream_no_act_is_listed_and_that_is_said(world: World) -> None:
    await world.restart(world.role, read_only=True)
    told = said(await world.operator.slash(world.channel, "help"))
    assert calls(told) == names(Need.VIEW, Need.OPERATE)
    assert told.endswith(READS_ONLY)


async def test_what_every_command_means_fits_discord_and_names_all_that_it_takes(world: World) -> None:
    for leaf in LEAVES:
        if isinstance(leaf, app_commands.Command):
            told = said(await world.operator.slash(world.channel, "help", command=leaf.qualified_name))
            lines = told.splitlines()
            assert lines[1].startswith(f"/{leaf.qualified_name}")
            assert lines[2] == leaf.description
            assert [line.split("**")[1] for line in lines[3:] if line.startswith("**")] == [
                each.display_name for each in leaf.parameters
            ]


async def test_many_more_commands_fit_too(world: World) -> None:
    async def nothing(_: discord.Interaction) -> None: ...

    def family(number: int) -> app_commands.Group:
        words = ("alpha", "beta", "gamma", "delta")
        acts = [(word, "Something " * 9, Need.ACT, nothing) for word in words]
        return group_of(f"family{number}", "What " * 19, *acts)

    client = await world.restart(world.role)
    for number in range(8):
        client.tree.add_command(family(number), guild=discord.Object(GUILD))
    told = said(await world.operator.slash(world.channel, "help"))
    assert "more lines" not in told
    assert "**/family7** alpha ⚡, beta ⚡, gamma ⚡, delta ⚡ · What" in told


async def test_a_menu_of_messages_is_listed_too(world: World) -> None:
    async def look(_: discord.Interaction, message: discord.Message) -> None: ...

    client = await world.restart(world.role)
    menu = app_commands.ContextMenu(name="Look at it", callback=look, extras=Need.VIEW.extras)
    client.tree.add_command(menu, guild=discord.Object(GUILD))
    assert "**Look at it** · in the menu of any message, below *Apps*" in said(
        await world.operator.slash(world.channel, "help")
    )


async def test_help_knows_a_command_that_came_later_and_leaves_out_what_this_member_may_not_use(world: World) -> None:
    @app_commands.command(name="later", description="Came later")
    @app_commands.describe(why="For what", how="In which way")
    @app_commands.choices(how=[app_commands.Choice(name=each, value=each) for each in ("well", "badly")])
    async def later(_: discord.Interaction, *, why: str, how: str = "") -> None: ...

    @app_commands.command(name="never", description="Changes something", extras=Need.ACT.extras)
    async def never(_: discord.Interaction) -> None: ...

    client = await world.restart(world.role, read_only=True)
    commands: list[app_commands.Command[Any, ..., Any]] = [later, never]
    for each in commands:
        client.tree.add_command(each, guild=discord.Object(GUILD))
    told = said(await world.operator.slash(world.channel, "help"))
    assert "**/later why** · Came later" in told
    assert "never" not in told
    assert said(await world.operator.slash(world.channel, "help", command="/Later")).splitlines() == [
        "",
        "/later why [how]",
        "Came later",
        "**why** · For what",
        "**how** (optional) · In which way: well, badly",
    ]


async def test_without_an_operator_role_help_is_for_those_who_may_manage_the_server(world: World) -> None:
    await world.restart(None)
    assert "**/admin** audit, " in said(await world.manager.slash(world.channel, "help"))


async def test_help_of_one_command_or_of_a_family_of_them(world: World) -> None:
    assert "**threshold** (optional) · Fast time low: 20%,30m." in said(
        await world.operator.slash(world.channel, "help", command="rules set")
    )
    family = said(await world.operator.slash(world.channel, "help", command="rules"))
    assert [line.split("**")[1] for line in family.splitlines() if "**" in line] == [
        "/rules list [token] [group]",
        "/rules set rule [token] [group] [threshold] [severity] [readings] [enabled]",
        "/rules try rule [token] [group] [threshold] [severity] [readings] [enabled]",
        "/rules reset rule [token] [group]",
    ]
    unknown = said(await world.operator.slash(world.channel, "help", command="*rule*"))
    assert unknown.strip() == "You can use no command “\\*rule\\*”. `/help` lists those that you can."
    assert world.env.errors
    choices = await world.operator.autocomplete(world.channel, "help", "command", "maint")
    assert [each["value"] for each in choices] == ["maintenance add", "maintenance list", "maintenance end"]
