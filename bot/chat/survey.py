"""What Discord shows of what the settings name: the server, the roles, the ops channel, and what the bot may do there.

Three requests: for the server, which has its roles with it, for the bot as a member of it, and for the ops channel;
one more for the channel that a thread is in, and for each id of which there is no such thing, to see what it is then.
"""

from collections.abc import Awaitable
from typing import Any, TypeVar

import aiohttp
import discord

from bot.chat.premises import THREADS, Channel, Found, Ids, Overwrite, Role, Server
from bot.chat.tags import Tag
from bot.chat.text import bare
from bot.domain.value import replace

T = TypeVar("T")

NEEDED = discord.Permissions(view_channel=True, send_messages=True, embed_links=True, read_message_history=True)
"""What the invitation asks for: all that the bot must be allowed to do in the ops channel, unless that is a thread."""

REQUIRE_TAG = 1 << 4
"""The flag of a forum in which a post must have a tag."""

ODD = (AttributeError, LookupError, TypeError, ValueError)
"""What reading an answer raises that is not what was asked for: a web page, say, that came with status 200."""

AWAY = (discord.HTTPException, aiohttp.ClientError, OSError, *ODD)
"""Discord does not answer, or not with what was asked for."""

MISSING = {10003, 10004, 50001, 50013}
"""No such channel, no such server; no access, no permission. Other codes say nothing about an id: 40333, say, is
Cloudflare's, with a 403."""

_UNREACHABLE: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientHttpProxyError, "the proxy of HTTPS_PROXY does not connect the bot to it"),
    (aiohttp.ClientProxyConnectionError, "no connection to the proxy of HTTPS_PROXY could be made"),
    (aiohttp.ClientConnectorCertificateError, "the certificate that comes is not trusted"),
    (aiohttp.ClientSSLError, "no TLS connection could be made"),
    (aiohttp.ClientConnectorDNSError, "the name {host} cannot be resolved; check this machine's network"),
    (aiohttp.ClientConnectorError, "no connection to {host} could be made; check this machine's network"),
)
"""Why nothing was heard of Discord: the first row that fits."""

LONGEST_REASON = 200
"""Of an error's text, which may hold a whole web page."""


class AwayError(Exception):
    """Discord does not answer, or cannot be reached; trying again later may help."""


def invite_url(client: discord.Client, guild_id: int) -> str:
    """The link that adds the bot to its server with all it needs."""
    return discord.utils.oauth_url(
        client.application_id or 0,
        permissions=NEEDED,
        guild=discord.Object(guild_id),
        scopes=("bot", "applications.commands"),
    )


async def survey(client: discord.Client, ids: Ids) -> Found:
    """Ask Discord for what the settings name; the client is logged in.

    Raises:
        AwayError: Nobody knows, since Discord does not answer, or not as it should.
    """
    try:
        return await _survey(client, ids)
    except AWAY as error:
        raise AwayError(unanswered(error)) from error


def unanswered(error: Exception) -> str:
    """How Discord did not answer; on one line, whatever page came in its place."""
    if isinstance(error, ODD):
        return f"Discord does not answer as it should ({type(error).__name__})"
    for kind, words in _UNREACHABLE:
        if isinstance(error, kind):
            return f"Discord cannot be reached: {words.format(host=getattr(error, 'host', ''))}"
    return f"Discord does not answer: {bare(str(error), LONGEST_REASON)}"


async def _survey(client: discord.Client, ids: Ids) -> Found:
    bot_id = _own_id(client)
    found = Found(bot_id, invite_url(client, ids.guild_id))
    guild = await _shown(client.http.get_guild(ids.guild_id, with_counts=False))
    if guild is not None:
        member = await _shown(client.http.get_member(ids.guild_id, bot_id))
        until = discord.utils.parse_time(member.get("communication_disabled_until")) if member else None
        found = replace(
            found,
            server=_server(guild),
            own_roles=frozenset(map(int, member["roles"])) if member else frozenset(),
            timed_out=until is not None and until > discord.utils.utcnow(),
        )
    if not ids.channel_id:
        return await _with_mix_ups(client, ids, found)
    try:
        found = replace(found, channel=await _placed(client, await client.http.get_channel(ids.channel_id)))
    except (discord.Forbidden, discord.NotFound) as error:
        _of_discord(error)
        found = replace(found, hidden=isinstance(error, discord.Forbidden))
    return await _with_mix_ups(client, ids, found)


async def _with_mix_ups(client: discord.Client, ids: Ids, found: Found) -> Found:
    """What was found, with what the ids are instead that are not what they should be."""
    if found.server is None:
        other = await _shown(client.http.get_channel(ids.guild_id))
        found = replace(found, guild_id_is=_channel_of(other) if other else None)
    if found.channel is None and ids.channel_id:
        server = await _shown(client.http.get_guild(ids.channel_id, with_counts=False))
        found = replace(found, channel_id_is=_server(server) if server else None)
    return found


async def _placed(client: discord.Client, data: Any) -> Channel:  # noqa: ANN401 - as Discord sends it
    """The channel; a thread with the overwrites of what it is in, or as hidden as that is."""
    channel = _channel_of(data)
    if channel.kind not in THREADS:
        return channel
    around = await _shown(client.http.get_channel(int(data["parent_id"])))
    hidden = Overwrite(_own_id(client), deny=discord.Permissions(view_channel=True).value)
    return replace(channel, overwrites=_channel_of(around).overwrites if around else (hidden,))


def _own_id(client: discord.Client) -> int:
    return client.user.id if client.user else 0


async def _shown(asking: Awaitable[T]) -> T | None:
    """What Discord shows; None where there is nothing, or nothing for this bot."""
    try:
        return await asking
    except (discord.Forbidden, discord.NotFound) as error:
        _of_discord(error)
        return None


def _of_discord(error: discord.HTTPException) -> None:
    """Raise it again unless it says that there is no such thing for this bot, as no proxy's page does."""
    if error.code not in MISSING:
        raise error


def _server(data: Any) -> Server:  # noqa: ANN401 - as Discord sends it
    return Server(
        int(data["id"]),
        data["name"],
        {
            int(role["id"]): Role(
                role["name"],
                int(role["permissions"]),
                bool(role.get("mentionable")),
                "bot_id" in (role.get("tags") or {}),
            )
            for role in data["roles"]
        },
    )


def _channel_of(data: Any) -> Channel:  # noqa: ANN401 - as Discord sends it
    state = data.get("thread_metadata") or {}
    guild_id = data.get("guild_id")
    return Channel(
        int(data["id"]),
        int(data["type"]),
        data.get("name") or "",
        int(guild_id) if guild_id else None,
        tuple(
            Overwrite(int(each["id"]), int(each["allow"]), int(each["deny"]))
            for each in data.get("permission_overwrites") or ()
        ),
        archived=bool(state.get("archived")),
        locked=bool(state.get("locked")),
        tags=tuple(
            Tag(int(each["id"]), each["name"], bool(each.get("moderated"))) for each in data.get("available_tags") or ()
        ),
        tag_required=bool((data.get("flags") or 0) & REQUIRE_TAG),
    )
