"""`/board`: a message that always shows how the fleet stands, in any channel."""

import discord
from discord import app_commands

from bot.chat.board import MOST, Boards, Kept
from bot.chat.cards import BLUE, compose
from bot.chat.commands.options import group_named, group_of, picked, suggest_group
from bot.chat.desk import Asked, Need, UnclearError, answer, wait
from bot.chat.text import listed, plain
from bot.domain.groups import OneGroup, one_group_id

TEXT = (discord.ChannelType.text, discord.ChannelType.news)
"""The channels that may have one."""

LONGEST_ID = 20
"""Digits of Discord's ids, at most."""

_NEEDED = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "embed_links": "Embed Links",
    "read_message_history": "Read Message History",
}
"""Without one of these no board can be kept: what Discord calls it in its settings."""


def command() -> app_commands.Group:
    """A new instance, for one client."""
    return group_of(
        "board",
        "A message that always shows how the fleet stands",
        ("here", "Keep a board in this channel", Need.OPERATE, _here),
        ("remove", "Take a board down", Need.OPERATE, _remove),
        ("list", "Where there are boards, and what is wrong with one", Need.VIEW, _list),
    )


def _forum_of(interaction: Asked) -> int | None:
    """The forum in one of whose posts somebody asks, where commands are used in a forum."""
    channel = interaction.channel
    parent = channel.parent if isinstance(channel, discord.Thread) else None
    place = interaction.client.place
    if place.forum and isinstance(channel, discord.Thread) and channel.parent_id == place.channel_id:
        return place.channel_id  # also while the server has not arrived after a start
    return parent.id if isinstance(parent, discord.ForumChannel) and not parent.is_media() else None


def _here_is(interaction: Asked) -> int:
    """The channel that is meant by the one where somebody asks."""
    return _forum_of(interaction) or interaction.channel_id or 0


@app_commands.describe(group="Show this group alone; by default the whole fleet, or what the board shows already")
@app_commands.autocomplete(group=suggest_group)
async def _here(interaction: Asked, *, group: str | None = None) -> None:
    _refuse_bad_place(interaction)
    await wait(interaction)
    boards, channel_id = _boards(interaction), _here_is(interaction)
    before = next((each for each in boards.all if each.channel_id == channel_id), None)
    only = await _narrow(interaction, channel_id, group)
    kept = await boards.put(channel_id, interaction.user.id)
    if kept is None or (kept.discord_id is None and kept.blocked):
        await _widen(interaction, channel_id)
    if kept is None:
        sentence = f"There are {MOST} boards already, and no more can be kept true: `/board list` shows where."
        raise UnclearError(sentence)
    if kept.discord_id is None:
        sentence = (
            f"Discord does not let a board hang here: {plain(kept.trouble, 300)}. Mend that, and try again."
            if kept.blocked
            else f"The board is to hang here, and Discord did not take it yet: {plain(kept.trouble, 300)}. "
            "The bot tries again each minute."
        )
        raise UnclearError(sentence)
    where = _link(interaction, kept)
    if before is not None and before.discord_id == kept.discord_id:
        said = [f"There is a board here already: {where}."]
    else:
        said = [f"The board is here: {where}. It is always true, and edited once a minute at most."]
    if only is not None:
        said.append(f"It shows **{only.group}** alone. For the whole fleet use `/board remove`, and `/board here`.")
    if not kept.pinned:
        needed = "Manage Threads" if kept.forum else "Pin Messages"
        said.append(f"It is not pinned: that takes *{needed}* in this channel. With it, use `/board here` again.")
    await answer(interaction, "\n".join(said))


async def _narrow(interaction: Asked, channel_id: int, name: str | None) -> OneGroup | None:
    """Let the board of a channel show one group; without a name it stays as it is. Returns which one it shows."""
    desk = interaction.client.desk
    async with interaction.client.turn:
        group, before = group_named(interaction, name), desk.known.decisions.one_group.get(one_group_id(channel_id))
        if group is None or (before is not None and before.group == group.name):
            return before
        only = OneGroup(channel_id, group.name, interaction.user.id)
        await desk.decide(only, "board here", interaction.user.id)
        return only


async def _widen(interaction: Asked, channel_id: int) -> None:
    """There is no board that shows one group, there."""
    only = interaction.client.desk.known.decisions.one_group.get(one_group_id(channel_id))
    if only is not None:
        await interaction.client.desk.undo(only, "board remove", interaction.user.id)


def _refuse_bad_place(interaction: Asked) -> None:
    """Where no board can hang.

    Raises:
        UnclearError: It says what would be a good place, or what is missing.
    """
    channel = interaction.channel
    if channel is None or (channel.type not in TEXT and _forum_of(interaction) is None):
        sentence = (
            "A board cannot hang here: a thread goes to sleep, and elsewhere nobody looks. "
            "Use a text channel. In a forum, ask in one of its posts."
        )
        raise UnclearError(sentence)
    missing = [words for flag, words in _NEEDED.items() if not getattr(interaction.app_permissions, flag)]
    if missing:
        words = listed([f"*{each}*" for each in missing], len(missing))
        sentence = f"The bot may not keep a board here. Give it {words} in <#{interaction.channel_id}>, and try again."
        raise UnclearError(sentence)


async def _suggest(interaction: Asked, typed: str) -> list[app_commands.Choice[str]]:
    boards = interaction.client.boards
    places = [each.channel_id for each in boards.all] if boards else []
    return picked(typed, [(_name(interaction, each), str(each)) for each in places])


def _name(interaction: Asked, channel_id: int) -> str:
    channel = interaction.guild.get_channel(channel_id) if interaction.guild else None
    return f"#{channel.name}" if channel else f"channel {channel_id}, which is gone or hidden"


@app_commands.describe(channel="Where it hangs; this channel by default")
@app_commands.autocomplete(channel=_suggest)
async def _remove(interaction: Asked, *, channel: str = "") -> None:
    await wait(interaction)
    channel_id = _channel(channel, _here_is(interaction))
    kept = await _boards(interaction).remove(channel_id, interaction.user.id)
    await _widen(interaction, channel_id)
    if kept is None:
        sentence = f"There is no board in <#{channel_id}>. `/board list` shows where there are."
        raise UnclearError(sentence)
    left = f" Its message is still there: {plain(kept.trouble, 300)}. Delete it by hand." if kept.trouble else ""
    await answer(interaction, f"The board in <#{channel_id}> is taken down.{left}")


def _channel(text: str, here: int) -> int:
    """Which one is meant: its id, or a mention of it.

    Raises:
        UnclearError: It is none.
    """
    bare = text.strip().removeprefix("<#").removesuffix(">")
    if not bare:
        return here
    if not bare.isdecimal() or len(bare) > LONGEST_ID:
        sentence = "Pick one of the channels that are suggested; `/board list` shows them all."
        raise UnclearError(sentence)
    return int(bare)


async def _list(interaction: Asked) -> None:
    lines = [_line(interaction, each) for each in _boards(interaction).all]
    title = f"{len(lines)} board{'s' * (len(lines) > 1)}" if lines else "There is no board"
    hint = [] if lines else ["`/board here` keeps one in the channel where you are."]
    await interaction.response.send_message(embed=compose(title, [*lines, *hint], BLUE), ephemeral=True)


def _line(interaction: Asked, kept: Kept) -> str:
    only = interaction.client.desk.known.decisions.one_group.get(one_group_id(kept.channel_id))
    parts = [
        f"<#{kept.channel_id}>",
        f"**{only.group}** alone" if only else "",
        f"[jump]({_link(interaction, kept)})" if kept.discord_id else "not posted yet",
        f"by <@{kept.by}>",
        f"⚠️ {plain(kept.trouble, 200)}" if kept.trouble else "",
    ]
    return " · ".join(filter(None, parts))


def _link(interaction: Asked, kept: Kept) -> str:
    if kept.forum:
        return f"https://discord.com/channels/{interaction.guild_id}/{kept.discord_id}"
    return f"https://discord.com/channels/{interaction.guild_id}/{kept.channel_id}/{kept.discord_id}"


def _boards(interaction: Asked) -> Boards:
    boards = interaction.client.boards
    if boards is None:
        sentence = "The bot is only just starting. Try again in a moment."
        raise UnclearError(sentence)
    return boards
