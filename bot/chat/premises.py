"""What has to be so at Discord for the bot to be of use: what is wrong there, in sentences that say how to mend it.

Pure: what Discord showed is a value, which `bot.chat.survey` asks for.

Source: docs.discord.com, "Permissions", "Channels" and "Threads".
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import discord

from bot.chat.tags import WORDS, Label, Tag, fitting
from bot.chat.text import bare, span
from bot.domain.value import Value, field, replace

THREADS = {10: "announcement thread", 11: "thread", 12: "private thread"}
FORUM = 15
"""A channel of posts, each of which is a thread."""
SERVED = {0: "text channel", 5: "announcement channel", FORUM: "forum", **THREADS}
"""Types of channels in which alerts can be posted and edited."""

DISCUSSED = frozenset({discord.ChannelType.text, discord.ChannelType.news})
"""Types of channels in which a thread can be opened under a message."""

VOICE = {2: "voice channel", 13: "stage"}
"""They have a chat beside them, which takes messages. Nobody looks there for alerts, so they are not served."""

MUTE = {4: "category", 14: "directory", 16: "media channel"}
"""Types that never take a message."""

LONGEST_NAME = 60
"""Of a name that somebody gave at Discord, in the log and on the terminal."""


class Ids(Value):
    """What the settings name at Discord."""

    guild_id: int
    channel_id: int
    """0 as long as none is named."""
    operator_role_id: int | None = None
    alert_role_id: int | None = None
    escalation_role_id: int | None = None
    viewer_role_id: int | None = None


class Role(Value):
    """A role of the server."""

    name: str
    permissions: int = 0
    mentionable: bool = False
    of_bot: bool = False
    """Whether it belongs to a bot, so that no person can have it."""


class Server(Value):
    """A server that the bot is in."""

    id: int
    name: str
    roles: Mapping[int, Role] = field(default_factory=dict)
    """By id. The one with the server's own id is everyone's."""


class Overwrite(Value):
    """What a channel allows and denies to a role or member, whatever their roles say."""

    id: int
    allow: int = 0
    deny: int = 0


class Channel(Value):
    """A channel, or a thread."""

    id: int
    kind: int
    """Discord's number for its type."""
    name: str
    guild_id: int | None
    """None for a direct message."""
    overwrites: tuple[Overwrite, ...] = ()
    """For a thread those of the channel that it is in."""
    archived: bool = False
    locked: bool = False
    tags: tuple[Tag, ...] = ()
    """Of a forum."""
    tag_required: bool = False
    """Whether a post of the forum must have one."""


class Found(Value):
    """What Discord showed of what the settings name."""

    bot_id: int
    invitation: str
    """The link that adds the bot to the server."""
    server: Server | None = None
    """None if there is none of that id, or the bot is not in it."""
    own_roles: frozenset[int] = frozenset()
    """The bot's own, but for everyone's."""
    timed_out: bool = False
    """Whether somebody took all of the bot's permissions for a while."""
    channel: Channel | None = None
    """None if there is none of that id, or the bot may not see it."""
    hidden: bool = False
    """Whether there is such a channel, and the bot may not see it."""
    guild_id_is: Channel | None = None
    """The channel whose id stands where the server's belongs."""
    channel_id_is: Server | None = None
    """The server whose id stands where the channel's belongs."""


class Finding(Value):
    """Something that is wrong, and how to mend it."""

    words: str
    hopeless: bool = False
    """Whether the ops channel takes no message before a setting is changed, whatever anybody does at Discord."""
    unnamed: bool = False
    """Whether that is because nobody has named an ops channel yet."""


def findings(ids: Ids, found: Found) -> tuple[Finding, ...]:
    """All that is wrong with what the settings name, the gravest first."""
    if found.server is None and found.guild_id_is is not None and found.channel_id_is is not None:
        swapped = (
            f"DISCORD_GUILD_ID and OPS_CHANNEL_ID are swapped: {ids.guild_id} is the channel "
            f"{_channel(found.guild_id_is)}, and {ids.channel_id} is the server {_name(found.channel_id_is.name)}"
        )
        return (Finding(swapped, hopeless=True),)
    return (*_of_server(ids, found), *_of_channel(ids, found), *_of_roles(ids, found))


def _of_server(ids: Ids, found: Found) -> Iterator[Finding]:
    if found.server is not None:
        if found.timed_out:
            yield Finding("the bot is in a time-out, which takes away all that it may do: end that in the server")
    elif found.guild_id_is is not None:
        home = found.guild_id_is.guild_id
        whose = f", which is in server {home}" if home else ""
        channel = _channel(found.guild_id_is)
        yield Finding(f"DISCORD_GUILD_ID is the channel {channel}{whose}: right-click the server for Copy Server ID")
    elif ids.guild_id == found.bot_id:
        yield Finding("DISCORD_GUILD_ID is the bot's own id: right-click the server for Copy Server ID")
    else:
        home = found.channel.guild_id if found.channel else None
        other = (
            f". If DISCORD_GUILD_ID is to be the server of {_channel(found.channel)}, set it to {home}" if home else ""
        )
        yield Finding(
            f"the bot is not in server {ids.guild_id}, or there is none: add it with {found.invitation}{other}"
        )


UNNAMED = "no ops channel is set, so alerts wait: use /admin setup in Discord, or set OPS_CHANNEL_ID"


def _of_channel(ids: Ids, found: Found) -> Iterator[Finding]:
    channel, server = found.channel, found.server
    if not ids.channel_id:
        yield Finding(UNNAMED, unnamed=True)
    elif channel is None:
        yield from _no_channel(ids, found)
    elif channel.guild_id is None:
        yield Finding(f"OPS_CHANNEL_ID is a direct message: {_COPY_CHANNEL}")
    elif server is not None and channel.guild_id != server.id:
        yield Finding(
            f"OPS_CHANNEL_ID: {_channel(channel)} is in server {channel.guild_id}, and DISCORD_GUILD_ID is "
            f"{_name(server.name)}: one of the two is wrong"
        )
    elif channel.kind not in SERVED:
        kind = (VOICE | MUTE).get(channel.kind)
        what = f"a {kind}" if kind else f"of a type that this bot does not know ({channel.kind})"
        yield Finding(
            f"OPS_CHANNEL_ID: {_channel(channel)} is {what}; alerts need a text channel, an announcement channel, a "
            f"forum or a thread",
            hopeless=channel.kind in MUTE,
        )
    elif server is not None:
        yield from _of_place(channel, permissions(found.bot_id, found.own_roles, server, channel))


_COPY_CHANNEL = "right-click the channel for Copy Channel ID"


def _no_channel(ids: Ids, found: Found) -> Iterator[Finding]:
    server = found.server
    if found.channel_id_is is not None:
        yield Finding(f"OPS_CHANNEL_ID is the server {_name(found.channel_id_is.name)}: {_COPY_CHANNEL}", hopeless=True)
    elif ids.channel_id == found.bot_id:
        yield Finding(f"OPS_CHANNEL_ID is the bot's own id: {_COPY_CHANNEL}", hopeless=True)
    elif server is not None and ids.channel_id in server.roles:
        role = _name(server.roles[ids.channel_id].name)
        yield Finding(f"OPS_CHANNEL_ID is the role @{role}: {_COPY_CHANNEL}", hopeless=True)
    elif found.hidden and server is not None:
        yield Finding(
            f"OPS_CHANNEL_ID: the bot may not see channel {ids.channel_id}: add the bot, or its role, to the channel, "
            f"and allow it View Channel there"
        )
    elif not found.hidden:
        # In a server that the bot is not in yet, nobody knows.
        yield Finding(f"OPS_CHANNEL_ID: there is no channel {ids.channel_id}: {_COPY_CHANNEL}", server is not None)


def _of_place(channel: Channel, may: discord.Permissions) -> Iterator[Finding]:
    """What keeps the bot from posting and editing in a channel of a type that is served."""
    thread = channel.kind in THREADS
    if channel.locked and not may.manage_threads:
        yield Finding(f"OPS_CHANNEL_ID: the thread {_channel(channel)} is locked: unlock it")
    elif channel.archived:
        yield Finding(f"OPS_CHANNEL_ID: the thread {_channel(channel)} is closed: write in it, which opens it again")
    forum = channel.kind == FORUM
    if forum and channel.tag_required and not channel.tags:
        yield Finding(f"the forum {_channel(channel)} wants a tag on each post and has none: {_MAKE_TAGS}")
    needed = {
        "View Channel": may.view_channel,
        **({"Create Posts" if forum else "Send Messages": may.send_messages} if not thread else {}),
        **({"Send Messages in Threads": may.send_messages_in_threads} if thread or forum else {}),
        "Embed Links": may.embed_links,
        "Read Message History": may.read_message_history,
    }
    where = f"the channel that {_channel(channel)} is in" if thread else _channel(channel)
    for permission, granted in needed.items():
        if not granted:
            yield Finding(f"the bot may not {permission} in {where}: allow it in that channel's settings, Permissions")


_MAKE_TAGS = "in the forum's settings make the tags critical, warning, info, firing, acknowledged and resolved"

MORE = {
    "attach_files": ("Attach Files", "charts and exports are refused there"),
    "pin_messages": ("Pin Messages", "no board is pinned there"),
    "create_public_threads": ("Create Public Threads", "Discuss opens no thread there"),
    "send_messages_in_threads": ("Send Messages in Threads", "nothing is said in the threads under its cards"),
}
"""What the bot can do without, as Discord's flags have it: what Discord calls it, and what comes of it."""

_THREADS = frozenset({"create_public_threads", "send_messages_in_threads"})
"""Of these what just concerns threads under cards, which only some channels can have."""

MORE_IN_A_FORUM = {
    "attach_files": MORE["attach_files"],
    "manage_threads": ("Manage Threads", "no board is pinned, and tags that only moderators may set are not used"),
}


def lacking(found: Found) -> tuple[str, ...]:
    """What the bot could do in the ops channel if it were allowed to, in sentences that say how."""
    server, channel = found.server, found.channel
    if server is None or channel is None or channel.guild_id != server.id:
        return ()
    may = permissions(found.bot_id, found.own_roles, server, channel)
    where, forum = _channel(channel), channel.kind == FORUM
    more = MORE_IN_A_FORUM if forum else MORE
    under_cards = channel.kind in {each.value for each in DISCUSSED}
    lacks = (words for flag, words in more.items() if not getattr(may, flag) and (under_cards or flag not in _THREADS))
    said = [f"the bot may not {each} in {where}, so {harm}: allow it there" for each, harm in lacks]
    if forum and channel.tags and channel.tag_required and not any(fitting(channel.tags, each) for each in Label):
        said.append(f"none of the tags of {where} fits, so each post has any: {_MAKE_TAGS}")
    elif forum and channel.tags and (untold := [each for each in Label if not fitting(channel.tags, each)]):
        words = " or ".join(filter(None, [", ".join(WORDS[each][0] for each in untold[:-1]), WORDS[untold[-1]][0]]))
        said.append(f"no tag of {where} says {words}, so no post shows that: make such tags in the forum's settings")
    return tuple(said)


def discussed(ids: Ids, found: Found | None) -> int | None:
    """The server in whose ops channel a thread can be opened under a card; None where it surely cannot."""
    channel = found.channel if found else None
    here = channel is None or channel.kind in {each.value for each in DISCUSSED}
    return ids.guild_id if here else None


def _of_roles(ids: Ids, found: Found) -> Iterator[Finding]:
    yield from _of_role("OPERATOR_ROLE_ID", ids.operator_role_id, found)
    yield from _of_role("VIEWER_ROLE_ID", ids.viewer_role_id, found)
    yield from _of_paged(ids, found)


def _of_paged(ids: Ids, found: Found) -> Iterator[Finding]:
    yield from _of_role("ALERT_ROLE_ID", ids.alert_role_id, found)
    yield from _of_role("ESCALATION_ROLE_ID", ids.escalation_role_id, found)


def unmentioned(ids: Ids, found: Found | None, *, on_call: bool = False) -> str:
    """Why a critical alert mentions nobody, or not all whom it should, and what to set; empty where it does.

    Args:
        ids: What the settings name.
        found: What Discord showed; None as long as that is not known.
        on_call: Whether a rota says who is called, so that the role of those on call is not.
    """
    if on_call:
        ids = replace(ids, alert_role_id=None)
    unset = (
        ()
        if on_call or ids.alert_role_id
        else ("Critical alerts mention nobody: set ALERT_ROLE_ID to the role of those on call",)
    )
    wrong = () if found is None else (each.words for each in _of_paged(ids, found))
    return "\n".join((*unset, *wrong))


def barred(ids: Ids, found: Found | None) -> tuple[str, ...]:
    """Why nothing can be posted in the ops channel, or not as it should be, as far as that is known."""
    if found is None:
        return ()
    of_roles = {each.words for each in _of_roles(ids, found)}
    return tuple(each.words for each in findings(ids, found) if each.words not in of_roles)


HARM = {"OPERATOR_ROLE_ID": "nobody may use the bot", "VIEWER_ROLE_ID": "nobody may look beside the operators"}
"""What comes of a role that is none; of any other nobody is mentioned."""


def _of_role(setting: str, role_id: int | None, found: Found) -> Iterator[Finding]:
    """What is wrong with a role; that is known only where the server is."""
    server, channel = found.server, found.channel
    if server is None or role_id is None:
        return
    known = channel is not None and channel.guild_id == server.id
    may = permissions(found.bot_id, found.own_roles, server, channel if known else None)
    role = server.roles.get(role_id)
    harm = HARM.get(setting, "nobody is mentioned")
    pages = setting not in HARM
    if role is None:
        yield Finding(
            f"{setting}: {_name(server.name)} has no role {role_id}, so {harm}: right-click a role in the server's "
            f"settings for Copy Role ID"
        )
    elif role.of_bot:
        yield Finding(f"{setting}: @{_name(role.name)} is the role of a bot, so {harm}: take a role that people have")
    elif pages and not role.mentionable and not may.mention_everyone:
        yield Finding(
            f"{setting}: the bot may not mention @{_name(role.name)}: in that role's settings allow anyone to "
            f"mention it, or allow the bot Mention @everyone, @here, and All Roles"
        )


def permissions(bot_id: int, own_roles: frozenset[int], server: Server, channel: Channel | None) -> discord.Permissions:
    """What the bot may do in a channel, or in the whole server, before what one permission takes from another.

    discord.py does the same of its cache, which neither `check` nor a start has.
    """
    may = discord.Permissions.none()
    for role_id in {server.id, *own_roles} & server.roles.keys():
        may.value |= server.roles[role_id].permissions
    if may.administrator:
        return discord.Permissions.all()
    if channel is None:
        return may
    for whose in ({server.id}, own_roles, {bot_id}):
        step = [each for each in channel.overwrites if each.id in whose]
        for each in step:
            may.value &= ~each.deny
        for each in step:  # of several roles, what one allows no other denies
            may.value |= each.allow
    return may


def told(ids: Ids, found: Found, *, on_call: bool = False) -> str:
    """`telling #ops, paging @oncall`: who hears of it, by name; `on_call` where a rota says who is paged first."""
    roles = found.server.roles if found.server else {}

    def role(role_id: int) -> str:
        return f"@{_name(roles[role_id].name)}" if role_id in roles else f"role {role_id}"

    where = "nobody yet" if not ids.channel_id else f"channel {ids.channel_id}"
    where = _channel(found.channel) if found.channel else where
    first, later = ids.alert_role_id, ids.escalation_role_id
    second = f"{role(later)} from the second reminder on" if later and later != first else ""
    if on_call:
        third = f", and {role(later)} if nobody answers" if later else ""
        paged = f"paging whoever is on call{third}"
    elif first:
        paged = f"paging {role(first)}" + f", and {second}" * bool(second)
    else:
        paged = f"paging {second or 'nobody'}{', and nobody before' * bool(second)}: set ALERT_ROLE_ID"
    return f"telling {where}, {paged}"


def announcement(tokens: int | None, interval: timedelta, ids: Ids, found: Found, *, on_call: bool = False) -> str:
    """`watching 9 tokens every 60 s, telling #ops, paging @oncall`; `tokens` is None while they cannot be read."""
    every = f"{interval.total_seconds():g} s" if interval < timedelta(minutes=2) else span(interval)
    what = f"{tokens} token{'s' * (tokens != 1)}" if tokens is not None else "ImaginePro, which cannot be read yet,"
    wrong = len(findings(ids, found))
    but = f"; but see above for what is wrong there ({wrong})" if wrong else ""
    return f"watching {what} every {every}, {told(ids, found, on_call=on_call)}{but}"


def _name(name: str) -> str:
    """What somebody called it, on one line and not too long."""
    return bare(name, LONGEST_NAME) or "(no name)"


def _channel(channel: Channel | None) -> str:
    return f"#{_name(channel.name)}" if channel else "no channel"
