"""`/help`: what whoever asks may use. It is read from the command tree, so nothing has to be kept in step with that."""

from collections.abc import Iterator
from typing import Any

import discord
from discord import app_commands

from bot.chat.cards import BLUE, GAP, compose
from bot.chat.commands.options import command_of, picked
from bot.chat.desk import Asked, Need, UnclearError, need_of
from bot.chat.text import quoted

Leaf = app_commands.Command[Any, ..., Any]
"""Something that can be called: no group."""


HINT = "What is in brackets may be left out. `/help` with a command says what its options mean."


def command() -> app_commands.Command[Any, ..., None]:
    """A new instance, for one client."""
    return command_of("help", "What you can ask this bot, and how", Need.VIEW, _help)


def _usable(interaction: Asked) -> list[Leaf]:
    """The commands that this member may use, in the order in which they are registered."""
    client = interaction.client
    commands = client.tree.walk_commands(guild=discord.Object(client.access.guild_id))
    return [each for each in commands if isinstance(each, app_commands.Command) and _may_use(interaction, each)]


def _may_use(interaction: Asked, leaf: Leaf) -> bool:
    return interaction.client.access.refusal(interaction, need_of(leaf)) is None


async def _suggest(interaction: Asked, typed: str) -> list[app_commands.Choice[str]]:
    return picked(typed, [(f"/{each.qualified_name}", each.qualified_name) for each in _usable(interaction)])


@app_commands.rename(name="command")
@app_commands.describe(name="Only this one, with what its options mean")
@app_commands.autocomplete(name=_suggest)
async def _help(interaction: Asked, *, name: str | None = None) -> None:
    leaves = _usable(interaction)
    if name is not None:
        wanted = " ".join(name.casefold().removeprefix("/").split())
        leaves = [each for each in leaves if f"{each.qualified_name} ".startswith(f"{wanted} ")]
    if not leaves:
        sentence = f"You can use no command {quoted(name or '', 60)}. `/help` lists those that you can."
        raise UnclearError(sentence)
    if len(leaves) == 1:
        (leaf,) = leaves
        embed = compose(_call(leaf), [leaf.description, *_options(leaf)], BLUE)
    else:
        lines = [f"**{_call(each)}** · {each.description}" for each in leaves]
        embed = compose("What you can use", [*lines, GAP, HINT], BLUE)
    await interaction.response.send_message(embed=embed, ephemeral=True)


def _call(leaf: Leaf) -> str:
    """`/silence add length [token]`: what may be left out is in brackets."""
    options = [each.display_name if each.required else f"[{each.display_name}]" for each in leaf.parameters]
    return " ".join([f"/{leaf.qualified_name}", *options])


def _options(leaf: Leaf) -> Iterator[str]:
    """What each option means, and what it may be."""
    for each in leaf.parameters:
        choices = f": {', '.join(choice.name for choice in each.choices)}" if each.choices else ""
        yield f"**{each.display_name}**{'' if each.required else ' (optional)'} · {each.description}{choices}"
