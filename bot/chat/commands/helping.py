"""What `/help` says: what whoever asks may use. It is read from the command tree, so nothing has to be kept in step."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import discord
from discord import app_commands

from bot.chat.cards import BLUE, GAP, compose
from bot.chat.desk import Asked, Need, UnclearError, need_of
from bot.chat.text import quoted

Leaf = app_commands.Command[Any, ..., Any]
"""Something that can be called: no group."""

ACTS = "⚡"
"""Beside what changes something at ImaginePro, or spends something there."""

HINT = "`/help` with a command says what it takes, and what its options mean."
HINT_OF_ONE = "What is in brackets may be left out."
ACTS_SAY = f"{ACTS} changes or spends something at ImaginePro, and asks first."
READS_ONLY = "The bot only watches (`READ_ONLY=true`): what would change something at ImaginePro is left out."
LOOKS_ONLY = "You may look at everything. What decides something is left out: that is for operators."


def usable(interaction: Asked) -> list[Leaf]:
    """The commands that this member may use, in the order in which they are registered."""
    client = interaction.client
    commands = client.tree.walk_commands(guild=discord.Object(client.access.guild_id))
    return [each for each in commands if isinstance(each, app_commands.Command) and _may(interaction, need_of(each))]


def _menus(interaction: Asked) -> list[app_commands.ContextMenu]:
    """What this member may use of the menu of a message."""
    client = interaction.client
    menus = client.tree.get_commands(guild=discord.Object(client.access.guild_id), type=discord.AppCommandType.message)
    return [each for each in menus if _may(interaction, need_of(each))]


def _may(interaction: Asked, need: Need) -> bool:
    return interaction.client.access.refusal(interaction, need) is None


async def answer(interaction: Asked, name: str | None) -> None:
    """What they may use, or how they use what they name."""
    leaves = usable(interaction)
    if name is not None:
        wanted = " ".join(name.casefold().removeprefix("/").split())
        leaves = [each for each in leaves if f"{each.qualified_name} ".startswith(f"{wanted} ")]
    if not leaves:
        sentence = f"You can use no command {quoted(name or '', 60)}. `/help` lists those that you can."
        raise UnclearError(sentence)
    if name is None:
        embed = compose(f"{len(leaves)} commands that you can use", _overview(interaction, leaves), BLUE)
    elif len(leaves) == 1:
        (leaf,) = leaves
        embed = compose(_call(leaf), [leaf.description, *_options(leaf), *_about(leaves)], BLUE)
    else:
        lines = [f"**{_call(each)}**{_mark(each)} · {each.description}" for each in leaves]
        embed = compose(f"{len(leaves)} commands", [*lines, GAP, HINT_OF_ONE, *_about(leaves)], BLUE)
    await interaction.response.send_message(embed=embed, ephemeral=True)


def _overview(interaction: Asked, leaves: Iterable[Leaf]) -> Iterator[str]:
    """A line a family, and what is to be known of all; as long as there are fewer than 50 families it fits."""
    shown = tuple(leaves)
    families = groupby(shown, key=lambda leaf: leaf.root_parent or leaf)
    yield from (_family(root, tuple(members)) for root, members in families)
    for menu in _menus(interaction):
        yield f"**{menu.name}**{_mark(menu)} · in the menu of any message, below *Apps*"
    yield GAP
    yield HINT
    yield from _about(shown)
    if not _may(interaction, Need.OPERATE):
        yield LOOKS_ONLY
    elif interaction.client.access.read_only:
        yield READS_ONLY


def _family(root: Leaf | app_commands.Group, members: Iterable[Leaf]) -> str:
    """`**/silence** add, list, end · Keep incidents from notifying anybody for a while`."""
    if isinstance(root, app_commands.Command):
        needed = " ".join([f"/{root.name}", *(each.display_name for each in root.parameters if each.required)])
        return f"**{needed}**{_mark(root)} · {root.description}"
    below = (f"{each.qualified_name.removeprefix(f'{root.name} ')}{_mark(each)}" for each in members)
    return f"**/{root.name}** {', '.join(below)} · {root.description}"


def _mark(leaf: Leaf | app_commands.ContextMenu) -> str:
    return f" {ACTS}" if need_of(leaf) is Need.ACT else ""


def _about(leaves: Iterable[Leaf]) -> Iterator[str]:
    """What the mark means, where there is one."""
    if any(need_of(each) is Need.ACT for each in leaves):
        yield ACTS_SAY


def _call(leaf: Leaf) -> str:
    """`/silence add length [token]`: what may be left out is in brackets."""
    options = [each.display_name if each.required else f"[{each.display_name}]" for each in leaf.parameters]
    return " ".join([f"/{leaf.qualified_name}", *options])


def _options(leaf: Leaf) -> Iterator[str]:
    """What each option means, and what it may be."""
    for each in leaf.parameters:
        choices = f": {', '.join(choice.name for choice in each.choices)}" if each.choices else ""
        yield f"**{each.display_name}**{'' if each.required else ' (optional)'} · {each.description}{choices}"
