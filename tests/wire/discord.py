"""Discord on the loopback address, at the wire: the REST API and the gateway that the real discord.py talks to.

It holds one server with its channels, roles and members, keeps every request and every message for the test to look at,
keeps Discord's limits, and fails on demand. Source: docs.discord.com, API version 10, as of mid-2026.
"""

import asyncio
import contextlib
import email
import email.message
import json
import math
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from aiohttp import web

from tests.wire import interactions, limits, world
from tests.wire.changes import Changes
from tests.wire.directs import Directs
from tests.wire.faults import Fault, How, Outage
from tests.wire.forum import Forums
from tests.wire.gateway import CloseCode, Gateway
from tests.wire.interactions import Act, Interaction, Reply
from tests.wire.limits import Json
from tests.wire.messages import EPHEMERAL, LOADING, Board, Clock, Message, RefusalError, refuse_invalid
from tests.wire.moment import loop_time
from tests.wire.world import (
    ANNOUNCEMENTS,
    APPLICATION,
    APPLICATION_ID,
    BOT,
    CATEGORY,
    FORUM,
    MEDIA,
    TEXT,
    THREAD,
    Channel,
    Guild,
    Member,
)

BASE = "/api/v10"
TOKEN = "fake-discord-bot-token.that-must.not-leak"
ANSWER_WITHIN = 3.0
"""Seconds in which the first answer to an interaction counts, in life."""
PATIENCE = 60.0
"""Seconds that nothing takes on any machine that works: whoever waits so long waits for what never comes."""
HOUR = 3600.0
TOKEN_LIFE = 900.0
"""Seconds in which an interaction's answer can be edited and followed up."""

_NO_LINGERING = struct.pack("ii", 1, 0)
"""Makes the end of a connection a reset, instead of an orderly goodbye."""

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Rate:
    """So many posts, and as many edits, of one channel in so many seconds."""

    limit: int = 5
    per: float = 5.0


@dataclass(eq=False, slots=True)
class Call:
    """One request of the bot, and what became of it."""

    at: float
    """When it came, as `time.monotonic()`."""
    method: str
    path: str
    """Below `/api/v10`."""
    query: str
    host: str
    """The door by which it came, as `127.0.0.1:port`."""
    body: str = ""
    status: int | None = None
    """None when the bot got no answer."""
    seconds: float | None = None
    """How long it took; None while it goes on."""
    fault: Fault | None = None

    @property
    def accepted(self) -> bool:
        """Whether the bot was told yes."""
        return self.status is not None and self.status < 400

    @property
    def writes_message(self) -> bool:
        """Whether it posts or edits a message of a channel, or makes a post of a forum."""
        if not self.path.startswith("/channels/"):
            return False
        if self.path.endswith("/threads"):  # not one under a message
            return self.method == "POST" and "/messages/" not in self.path
        return self.method in {"POST", "PATCH"} and "/messages" in self.path


@dataclass(slots=True)
class _Bucket:
    """A rate limit's window, which opens with its first request."""

    rate: Rate
    opened: float = field(default_factory=loop_time)
    used: int = 0

    @property
    def reset_after(self) -> float:
        return max(0.0, self.opened + self.rate.per - loop_time())

    def take(self) -> bool:
        if self.reset_after <= 0:
            self.opened, self.used = loop_time(), 0
        self.used += 1
        return self.used <= self.rate.limit

    def headers(self, name: str) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.rate.limit),
            "X-RateLimit-Remaining": str(max(0, self.rate.limit - self.used)),
            "X-RateLimit-Reset": f"{_wall_clock().timestamp() + self.reset_after:.3f}",
            "X-RateLimit-Reset-After": f"{self.reset_after:.3f}",
            "X-RateLimit-Bucket": name,
        }


def _wall_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - this is the outside world, whose clock is the real one


class Discord:
    """A Discord that listens while `serving()`.

    Args:
        guild: the server in it.
        rate: the rate limit of each channel; None for no limit. Can be changed at any time.
        nonce_memory: for how many seconds a nonce is remembered.
        clock: the wall clock of ids and timestamps.
    """

    application_id = APPLICATION_ID
    guild_id = world.GUILD_ID
    channel_id = world.OPS.id
    """The channel that alerts go to."""
    operator_role_id = world.OPERATORS.id
    alert_role_id = world.ON_CALL.id
    token = TOKEN

    def __init__(
        self,
        guild: Guild | None = None,
        *,
        rate: Rate | None = Rate(),
        nonce_memory: float = 120.0,
        clock: Clock = _wall_clock,
    ) -> None:
        self.guild = guild or Guild()
        self.rate = rate
        self.old_edits = Rate(3, 6.0)
        """Edits of messages that are older than an hour, all those of a channel together: 30046."""
        self.pinnable = True
        """Whether the bot may pin messages: PIN_MESSAGES."""
        self.pinned: list[int] = []
        """The messages that are pinned, the first first."""
        self.announcement_edits: Rate | None = None
        """Edits in a channel for announcements: 20028. How many Discord takes is not published."""
        self.archived: set[int] = set()
        """Threads that rest: a post opens one again, unless it is locked."""
        self.locked: set[int] = set()
        self.answer_within = ANSWER_WITHIN
        """Seconds; may be longer than in life, where a machine may be busy."""
        self.guild_listed = True
        """Whether READY names the server, as it does while the bot is in it."""
        self.guild_arrives = True
        """Whether the gateway tells new sessions of the server after READY, as it does but for its bad days."""
        self.changes = Changes()
        self.gateway = Gateway(TOKEN, self._greeting, self.changes)
        self.board = Board(self.guild, clock, nonce_memory)
        self.directs = Directs(lambda: self.guild, self.board)
        """Whom the bot speaks to beside the channels of the server."""
        self.forums = Forums(lambda: self.guild, self.board, clock)
        self.calls: list[Call] = []
        """Every request, in the order in which they came."""
        self.commands: dict[int, list[Json]] = {}
        """The registered commands by server; those for all servers under 0."""
        self.api_base = ""
        self._runner: web.AppRunner
        self._outages: list[Outage] = []
        self._buckets: dict[tuple[str, int], _Bucket] = {}
        self._interactions: dict[str, Interaction] = {}

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["Discord"]:
        """Listen on a free port of the loopback address."""
        app = web.Application(middlewares=[self._edge], client_max_size=32 * 2**20)
        app.add_routes([web.route(method, BASE + path, handler) for method, path, handler in self._routes()])
        app.router.add_get("/gateway", self.gateway.serve)
        app.router.add_get("/gateway/", self.gateway.serve)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        try:
            self._runner = runner
            host = await self.door()
            self.api_base = f"http://{host}{BASE}"
            self.gateway.url = f"ws://{host}/gateway"
            yield self
        finally:
            await self.gateway.close(CloseCode.GOING_AWAY)
            await runner.cleanup()

    async def door(self) -> str:
        """Open one more way in, so that each call by it can be told from others; returns its host and port."""
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[-1][:2]
        return f"{host}:{port}"

    @property
    def gateway_url(self) -> str:
        """Where the websocket is."""
        return self.gateway.url

    @property
    def environment(self) -> dict[str, str]:
        """The bot's settings that belong to Discord."""
        return {
            "DISCORD_TOKEN": TOKEN,
            "DISCORD_GUILD_ID": str(self.guild.id),
            "OPS_CHANNEL_ID": str(self.channel_id),
            "OPERATOR_ROLE_ID": str(self.operator_role_id),
            "ALERT_ROLE_ID": str(self.alert_role_id),
        }

    # What the test sees

    def messages(self, channel_id: int | None = None) -> list[Message]:
        """What a channel shows (the ops channel, unless told otherwise), oldest first, each with its versions.

        A forum shows what all its posts do.
        """
        where = channel_id or self.channel_id
        return self.forums.messages(where) if self.forums.is_forum(where) else self.board.channel(where)

    @property
    def posts(self) -> list[Call]:
        """The requests that wanted to post to a channel, whatever became of them."""
        return [call for call in self.calls if call.method == "POST" and call.writes_message]

    @property
    def refused(self) -> list[Call]:
        """The posts and edits in channels that were not told yes: an error, a hang or a reset."""
        return [call for call in self.calls if call.writes_message and not call.accepted]

    def sent(self) -> str:
        """Everything that ever came from the bot, for a search of what must not be in it.

        Left out are the two places where the protocol asks for the bot's own token.
        """
        rest = (f"{call.method} {call.path}?{call.query} {call.body}" for call in self.calls)
        return "\n".join([*rest, *self.gateway.frames])

    async def until(self, holds: Callable[[], bool], within: float = PATIENCE) -> None:
        """Wait until a claim about this Discord holds: looks whenever the bot asked, said or was told something.

        Raises:
            TimeoutError: it did not, within so many seconds.
        """
        await self.changes.until(holds, within)

    # What the test does

    def outage(
        self,
        fault: Fault,
        method: str = "*",
        path: str = "*",
        *,
        times: int | None = None,
        seconds: float | None = None,
    ) -> Outage:
        """Let requests go wrong from now on. Of several outages that meet a request, the last one counts."""
        outage = Outage(fault, method, path, times, seconds)
        self._outages.insert(0, outage)
        return outage

    def say(self, content: str, by: Member = world.VISITOR, channel_id: int | None = None) -> Message:
        """Let somebody else than the bot write into a channel."""
        return self.board.post(channel_id or self.channel_id, {"content": content}, by)

    async def command(
        self, path: str, by: Member = world.OPERATOR, *, patience: float = PATIENCE, **options: object
    ) -> Interaction:
        """Let a member send a slash command (`"token"`, or `"incident ack"`), and await the bot's answer."""
        data = interactions.command_data(self._guild_commands, path, options)
        return await self.interact(Act.COMMAND, data, by, patience=patience)

    async def suggest(self, path: str, focused: str, by: Member = world.OPERATOR, **options: object) -> list[Json]:
        """Let a member type into the option `focused` of a slash command, and return what the bot suggests."""
        data = interactions.command_data(self._guild_commands, path, options, focused)
        return (await self.interact(Act.AUTOCOMPLETE, data, by)).choices

    async def press(
        self,
        message: Message,
        button: str,
        by: Member = world.OPERATOR,
        *,
        values: Sequence[str] | None = None,
        patience: float = PATIENCE,
    ) -> Interaction:
        """Let a member press a button by its label, or pick `values` of a menu by its placeholder.

        Raises:
            KeyError: the message shows no such button or menu.
        """
        data: Json = {"custom_id": message.now.buttons[button], "component_type": 2}
        if values is not None:
            data |= {"component_type": 3, "values": list(values)}
        return await self.interact(Act.PRESS, data, by, on=message, patience=patience)

    async def interact(
        self,
        act: Act,
        data: Json,
        by: Member = world.OPERATOR,
        *,
        on: Message | None = None,
        patience: float = PATIENCE,
    ) -> Interaction:
        """Send an interaction and await what the bot makes of it.

        Returns after the first answer, or after the time for it ran out (`reply` is then None). A deferred answer is
        awaited for `patience` more seconds, until it is edited or followed up; what comes later changes the
        interaction, too.
        """
        interaction = Interaction(self.board.snowflake(), act, by, on.channel_id if on else self.channel_id, on)
        self._interactions[interaction.token] = interaction
        await self.gateway.dispatch("INTERACTION_CREATE", self._interaction_payload(interaction, data))
        with contextlib.suppress(TimeoutError):
            await self.until(lambda: interaction.reply is not None, self.answer_within)
            await self.until(lambda: interaction.settled, patience)
        return interaction

    # The REST API

    def _routes(self) -> list[tuple[str, str, Handler]]:
        messages = "/channels/{channel}/messages"
        original = "/webhooks/{application}/{token}/messages/@original"
        commands = "/applications/{application}/guilds/{guild}/commands"
        return [
            ("GET", "/users/@me", self._me),
            ("GET", "/oauth2/applications/@me", self._application),
            ("GET", "/applications/@me", self._application),
            ("GET", "/gateway", self._where),
            ("GET", "/gateway/bot", self._where),
            ("GET", "/guilds/{guild}", self._show_guild),
            ("GET", "/guilds/{guild}/members/{member}", self._show_member),
            ("GET", commands, self._show_commands),
            ("PUT", commands, self._register_commands),
            ("GET", "/applications/{application}/commands", self._show_commands),
            ("PUT", "/applications/{application}/commands", self._register_commands),
            ("GET", "/channels/{channel}", self._show_channel),
            ("PATCH", "/channels/{channel}", self._change_channel),
            ("DELETE", "/channels/{channel}", self._delete_channel),
            ("POST", "/channels/{channel}/threads", self._start_post),
            ("GET", "/channels/{channel}/threads/archived/public", self._archived),
            ("GET", "/guilds/{guild}/threads/active", self._active),
            ("GET", messages, self._history),
            ("POST", messages, self._post),
            ("GET", messages + "/{message}", self._show_message),
            ("PATCH", messages + "/{message}", self._edit),
            ("DELETE", messages + "/{message}", self._delete),
            ("POST", messages + "/{message}/threads", self._start_thread),
            ("POST", "/users/@me/channels", self._open_direct),
            ("PUT", messages + "/pins/{message}", self._pin),
            ("POST", "/interactions/{interaction}/{token}/callback", self._answer),
            ("POST", "/webhooks/{application}/{token}", self._follow_up),
            ("GET", original, self._show_original),
            ("PATCH", original, self._edit_original),
            ("DELETE", original, self._delete_original),
        ]

    @web.middleware
    async def _edge(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Log each request, and let it go wrong where an outage meets it."""
        if not request.path.startswith(BASE):
            return await handler(request)
        path = request.path.removeprefix(BASE)
        call = Call(loop_time(), request.method, path, request.query_string, request.host)
        self.calls.append(call)
        try:
            call.body = (await request.read()).decode(errors="replace")
            call.fault = self._fault(call)
            await self.changes.tell()
            if call.fault is None:
                response = await self._respond(request, call, handler)
            else:
                if call.fault.accepted:
                    await self._respond(request, call, handler)
                response = await _break(request, call.fault)
            call.status = None if call.fault and call.fault.how is How.RESET else response.status
            return response
        finally:
            call.seconds = loop_time() - call.at
            await self.changes.tell()

    def _fault(self, call: Call) -> Fault | None:
        self._outages = [outage for outage in self._outages if not outage.over]
        return next((outage.fault for outage in self._outages if outage.meets(call.method, call.path)), None)

    async def _respond(self, request: web.Request, call: Call, handler: Handler) -> web.StreamResponse:
        limited = self._limit_of_edits(call, request)
        if limited is not None:
            return limited
        bucket = self._bucket(call, request)
        if bucket is not None and not bucket.take():
            response: web.StreamResponse = _too_many(bucket.reset_after)
        else:
            response = await self._refuse_or(request, handler)
        if bucket is not None:
            response.headers.update(bucket.headers(f"fake-{call.method.lower()}-messages"))
        return response

    def _limit_of_edits(self, call: Call, request: web.Request) -> web.Response | None:
        """Of old messages and of announcements; no header tells of these limits before they are met."""
        if not call.writes_message or call.method != "PATCH":
            return None
        channel_id, message = int(request.match_info["channel"]), self.board.all.get(int(request.match_info["message"]))
        type_ = next((known.type for known in self.guild.channels if known.id == channel_id), TEXT)
        if message is not None and loop_time() - message.at > HOUR:
            bucket = self._buckets.setdefault(("old", channel_id), _Bucket(self.old_edits))
            if not bucket.take():
                return _too_many(bucket.reset_after, code=30046)
        if self.announcement_edits is not None and type_ == ANNOUNCEMENTS:
            bucket = self._buckets.setdefault(("announcements", channel_id), _Bucket(self.announcement_edits))
            if not bucket.take():
                return _too_many(bucket.reset_after, code=20028)
        return None

    def _bucket(self, call: Call, request: web.Request) -> _Bucket | None:
        if self.rate is None or not call.writes_message:
            return None
        key = call.method, int(request.match_info.get("channel", 0))
        bucket = self._buckets.setdefault(key, _Bucket(self.rate))
        bucket.rate = self.rate
        return bucket

    async def _refuse_or(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        by_bot = "/webhooks/" not in request.path and "/interactions/" not in request.path
        try:
            if by_bot:
                _check_token(request)
            return await handler(request)
        except RefusalError as refusal:
            return _json(refusal.body, refusal.status)
        except json.JSONDecodeError:
            return _json({"message": "The request body contains invalid JSON.", "code": 50109}, 400)
        except web.HTTPException as missing:
            return _json({"message": f"{missing.status}: {missing.reason}", "code": 0}, missing.status)

    async def _me(self, _: web.Request) -> web.Response:
        return _json(BOT.user())

    async def _application(self, _: web.Request) -> web.Response:
        return _json(APPLICATION)

    async def _where(self, _: web.Request) -> web.Response:
        starts = {"total": 1000, "remaining": 1000 - len(self.gateway.identifies), "reset_after": 0}
        return _json({"url": self.gateway_url, "shards": 1, "session_start_limit": starts | {"max_concurrency": 1}})

    async def _show_guild(self, request: web.Request) -> web.Response:
        self._known_guild(request)
        return _json(self.guild.payload())

    async def _show_member(self, request: web.Request) -> web.Response:
        self._known_guild(request)
        wanted = int(request.match_info["member"])
        member = next((each for each in self.guild.members if each.id == wanted), None)
        if member is None:
            raise RefusalError(404, 10007, "Unknown Member")
        return _json(member.payload())

    async def _show_commands(self, request: web.Request) -> web.Response:
        return _json(self.commands.get(self._known_guild(request), []))

    async def _register_commands(self, request: web.Request) -> web.Response:
        guild = self._known_guild(request)
        commands = await request.json()
        refuse_invalid(limits.command_errors(commands))
        identity = {"application_id": str(APPLICATION_ID), "version": "1"} | ({"guild_id": str(guild)} if guild else {})
        # A menu of a message is registered without a description, and has an empty one then.
        self.commands[guild] = [
            {"description": "", **command, **identity, "id": str(self.board.snowflake())} for command in commands
        ]
        return _json(self.commands[guild])

    def _known_guild(self, request: web.Request) -> int:
        guild = int(request.match_info.get("guild", 0))
        if guild not in {0, self.guild.id}:
            raise RefusalError(403, 50001, "Missing Access")
        return guild

    def _known_channel(self, request: web.Request) -> int:
        channel = int(request.match_info["channel"])
        known = channel in {known.id for known in self.guild.channels}
        if not known and self.directs.get(channel) is None and self.forums.get(channel) is None:
            raise RefusalError(404, 10003, "Unknown Channel")
        return channel

    def _known_message(self, request: web.Request) -> Message:
        return self.board.get(self._known_channel(request), int(request.match_info["message"]))

    async def _show_channel(self, request: web.Request) -> web.Response:
        channel_id = self._known_channel(request)
        if not self._channel(channel_id).visible:
            raise RefusalError(403, 50001, "Missing Access")
        return _json(self._payload(channel_id))

    async def _change_channel(self, request: web.Request) -> web.Response:
        """Changing a post of a forum; archiving and opening another thread, which the bot is in."""
        channel_id = self._known_channel(request)
        if post := self.forums.get(channel_id):
            self.forums.change(post, await request.json())
            return _json(self._payload(channel_id))
        if not self._channel(channel_id).is_thread or channel_id in self.locked:
            raise RefusalError(403, 50013, "Missing Permissions")
        if (await request.json())["archived"]:
            self.archived.add(channel_id)
        else:
            self.archived.discard(channel_id)
        return _json(self._payload(channel_id))

    async def _delete_channel(self, request: web.Request) -> web.Response:
        post = self.forums.get(self._known_channel(request))
        if post is None:
            raise RefusalError(403, 50013, "Missing Permissions")
        self.forums.delete(post)
        return _json(post.payload(self.guild.id))

    async def _start_post(self, request: web.Request) -> web.Response:
        channel_id = self._known_channel(request)
        if not self.forums.is_forum(channel_id):
            raise RefusalError(400, 50024, "Cannot execute action on this channel type")
        post, message = self.forums.start(channel_id, await _form(request))
        return _json(post.payload(self.guild.id) | {"message": message.now.body}, 201)

    async def _active(self, request: web.Request) -> web.Response:
        return _json(self.forums.active(self._known_guild(request)))

    async def _archived(self, request: web.Request) -> web.Response:
        page = request.query.get("before", ""), int(request.query.get("limit", 50))
        return _json(self.forums.archived(self._known_channel(request), self.guild.id, *page))

    def _channel(self, channel_id: int) -> Channel:
        """A channel, or a post of a forum as one."""
        if post := self.forums.get(channel_id):
            return Channel(post.id, post.name, THREAD, parent_id=post.forum_id)
        beside = self.directs.get(channel_id)
        return beside or next(known for known in self.guild.channels if known.id == channel_id)

    def _payload(self, channel_id: int) -> Json:
        if post := self.forums.get(channel_id):
            return post.payload(self.guild.id)
        channel = self._channel(channel_id)
        return channel.payload(self.guild.id, archived=channel_id in self.archived, locked=channel_id in self.locked)

    async def _history(self, request: web.Request) -> web.Response:
        """Newest first, and of the messages after one the oldest ones, as Discord has it."""
        limit = int(request.query.get("limit", 50))
        if not 1 <= limit <= 100:
            refuse_invalid(
                {"limit": {"_errors": [{"code": "NUMBER_TYPE_MAX", "message": "int value should be 1..100"}]}}
            )
        before, after = (int(request.query.get(bound, 0)) for bound in ("before", "after"))
        found = [
            message
            for message in self.board.channel(self._known_channel(request))
            if message.id > after and (not before or message.id < before)
        ]
        part = found[:limit] if after else found[-limit:]
        return _json([message.now.body for message in reversed(part)])

    async def _post(self, request: web.Request) -> web.Response:
        channel_id = self._known_channel(request)
        if self._channel(channel_id).type in {CATEGORY, FORUM, MEDIA}:
            raise RefusalError(400, 50008, "Cannot send messages in a non-text channel")
        if channel_id in self.locked:
            raise RefusalError(400, 160005, "Thread is locked")
        self.directs.check(channel_id)
        if post := self.forums.get(channel_id):
            self.forums.write_in(post)
        self.archived.discard(channel_id)
        return _json(self.board.post(channel_id, await _form(request), BOT).now.body)

    async def _start_thread(self, request: web.Request) -> web.Response:
        thread = self.directs.start(self._known_message(request), await request.json())
        return _json(thread.payload(self.guild.id), 201)

    async def _open_direct(self, request: web.Request) -> web.Response:
        return _json(self.directs.open(int((await request.json())["recipient_id"])))

    async def _show_message(self, request: web.Request) -> web.Response:
        return _json(self._known_message(request).now.body)

    async def _edit(self, request: web.Request) -> web.Response:
        message = self._known_message(request)
        if message.author != BOT:
            raise RefusalError(403, 50005, "Cannot edit a message authored by another user")
        post = self.forums.get(message.channel_id)
        if message.channel_id in self.archived or (post is not None and post.archived):
            raise RefusalError(400, 50083, "Thread is archived")
        self.board.edit(message, await _form(request))
        return _json(message.now.body)

    async def _delete(self, request: web.Request) -> web.Response:
        self._known_message(request).deleted = True
        return web.Response(status=204)

    async def _pin(self, request: web.Request) -> web.Response:
        message = self._known_message(request)
        if not self.pinnable:
            raise RefusalError(403, 50013, "Missing Permissions")
        self.pinned.append(message.id)
        return web.Response(status=204)

    # Interactions

    @property
    def _guild_commands(self) -> list[Json]:
        return self.commands.get(self.guild.id, [])

    def _interaction_payload(self, interaction: Interaction, data: Json) -> Json:
        channel = self._channel(interaction.channel_id)
        payload: Json = {
            "id": str(interaction.id),
            "application_id": str(APPLICATION_ID),
            "type": interaction.act,
            "token": interaction.token,
            "version": 1,
            "data": data,
            "guild_id": str(self.guild.id),
            "guild": {"id": str(self.guild.id), "locale": "en-US", "features": []},
            "guild_locale": "en-US",
            "locale": "en-US",
            "channel_id": str(channel.id),
            "channel": self._payload(channel.id),
            "member": interaction.by.payload() | {"permissions": str(self.guild.permissions(interaction.by))},
            "app_permissions": str(self.guild.permissions(BOT)),
            "entitlements": [],
            "authorizing_integration_owners": {"0": str(self.guild.id)},
            "context": 0,
            "attachment_size_limit": 10 * 2**20,
        }
        return payload | ({"message": interaction.on.now.body} if interaction.on else {})

    async def _answer(self, request: web.Request) -> web.Response:
        arrived = loop_time()
        interaction = self._interactions.get(request.match_info["token"])
        if interaction is None or arrived - interaction.at > self.answer_within:
            raise RefusalError(404, 10062, "Unknown interaction")
        if interaction.reply is not None:
            raise RefusalError(400, 40060, "Interaction has already been acknowledged.")
        answer = await request.json()
        reply, data = Reply(answer["type"]), answer.get("data") or {}
        self._replies[reply](interaction, data)
        interaction.reply, interaction.data = reply, data
        interaction.seconds = arrived - interaction.at
        interaction.settled = reply not in {Reply.DEFERRED_MESSAGE, Reply.DEFERRED_UPDATE}
        return _json(_callback(interaction)) if request.query.get("with_response") else web.Response(status=204)

    @property
    def _replies(self) -> Mapping[Reply, Callable[[Interaction, Json], None]]:
        return {
            Reply.MESSAGE: self._reply_message,
            Reply.DEFERRED_MESSAGE: self._reply_deferred,
            Reply.DEFERRED_UPDATE: _reply_on_message,
            Reply.UPDATE: self._reply_update,
            Reply.CHOICES: _reply_choices,
            Reply.MODAL: _reply_modal,
        }

    def _reply_message(self, interaction: Interaction, data: Json) -> None:
        interaction.message = self.board.post(interaction.channel_id, data, BOT)

    def _reply_deferred(self, interaction: Interaction, data: Json) -> None:
        flags = LOADING | data.get("flags", 0) & EPHEMERAL
        interaction.message = self.board.post(interaction.channel_id, {"flags": flags}, BOT)

    def _reply_update(self, interaction: Interaction, data: Json) -> None:
        _reply_on_message(interaction, data)
        if interaction.message is not None:
            self.board.edit(interaction.message, data)

    def _living(self, request: web.Request) -> Interaction:
        interaction = self._interactions.get(request.match_info["token"])
        if interaction is None or interaction.reply is None:
            raise RefusalError(404, 10015, "Unknown Webhook")
        if loop_time() - interaction.at > TOKEN_LIFE:
            raise RefusalError(401, 50027, "Invalid Webhook Token")
        return interaction

    def _original(self, request: web.Request) -> Message:
        message = self._living(request).message
        if message is None or message.deleted:
            raise RefusalError(404, 10008, "Unknown Message")
        return message

    async def _follow_up(self, request: web.Request) -> web.Response:
        """The first follow-up of a deferred answer takes its place, as Discord has it."""
        interaction, payload = self._living(request), await _form(request)
        if interaction.message is not None and interaction.message.loading:
            message = interaction.message
            self.board.edit(message, payload)
        else:
            message = self.board.post(interaction.channel_id, payload, BOT)
            interaction.followups.append(message)
        interaction.settled = True
        return _json(message.now.body)

    async def _show_original(self, request: web.Request) -> web.Response:
        return _json(self._original(request).now.body)

    async def _edit_original(self, request: web.Request) -> web.Response:
        message = self._original(request)
        self.board.edit(message, await _form(request))
        self._living(request).settled = True
        return _json(message.now.body)

    async def _delete_original(self, request: web.Request) -> web.Response:
        self._original(request).deleted = True
        self._living(request).settled = True
        return web.Response(status=204)

    def _greeting(self) -> tuple[Json, list[Json]]:
        ready: Json = {
            "v": 10,
            "user": BOT.user(),
            "guilds": [{"id": str(self.guild.id), "unavailable": True}] if self.guild_listed else [],
            "application": {"id": str(APPLICATION_ID), "flags": 0},
        }
        return ready, [self.guild.create_event()] if self.guild_arrives else []


def _check_token(request: web.Request) -> None:
    if request.headers.get("Authorization") != f"Bot {TOKEN}":
        raise RefusalError(401, 0, "401: Unauthorized")


def _reply_on_message(interaction: Interaction, _: Json) -> None:
    interaction.message = interaction.on


def _reply_choices(_: Interaction, data: Json) -> None:
    refuse_invalid(limits.choice_errors(data))


def _reply_modal(_: Interaction, data: Json) -> None:
    if not data.get("custom_id"):
        raise RefusalError(400, 50035, "Invalid Form Body")


def _callback(interaction: Interaction) -> Json:
    message = interaction.message
    of: Json = {"id": str(interaction.id), "type": interaction.act}
    resource: Json = {"type": interaction.reply}
    if message is not None and interaction.reply is not Reply.DEFERRED_UPDATE:
        resource["message"] = message.now.body
        of |= {
            "response_message_id": str(message.id),
            "response_message_loading": message.loading,
            "response_message_ephemeral": message.ephemeral,
        }
    return {"interaction": of, "resource": resource}


async def _form(request: web.Request) -> Json:
    """What is sent of a message; the files beside it are among its attachments, by their names and sizes."""
    if request.content_type != "multipart/form-data":
        sent: Json = await request.json()
        return sent
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    parts = {
        str(part.get_param("name", header="content-disposition")): part
        for part in email.message_from_bytes(head + await request.read()).walk()
        if not part.is_multipart()
    }
    form: Json = json.loads(_bytes_of(parts.pop("payload_json")))
    for each in form.get("attachments", []):
        each["size"] = len(_bytes_of(parts[f"files[{each['id']}]"]))
    return form


def _bytes_of(part: email.message.Message) -> bytes:
    data = part.get_payload(decode=True)
    assert isinstance(data, bytes), "a part that is not one of several has bytes"
    return data


def _json(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A JSON answer; discord.py wants the content type exactly so, without a charset."""
    return web.Response(body=json.dumps(body).encode(), status=status, headers=headers, content_type="application/json")


def _too_many(retry_after: float, *, code: int = 0, everywhere: bool = False, via: bool = True) -> web.Response:
    headers = {"Retry-After": str(math.ceil(retry_after)), "X-RateLimit-Scope": "user"} | _via(via=via)
    if everywhere:
        headers["X-RateLimit-Global"] = "true"
    body: Json = {"message": "You are being rate limited.", "retry_after": round(retry_after, 3), "global": everywhere}
    return _json(body | ({"code": code} if code else {}), 429, headers)


def _via(*, via: bool) -> dict[str, str]:
    return {"Via": "1.1 google"} if via else {}


async def _break(request: web.Request, fault: Fault) -> web.Response:
    """Do to a request what the fault says."""
    if fault.how is How.HANG:
        await asyncio.Event().wait()  # until the other side hangs up, which cancels this
    if fault.how is How.RESET and request.transport is not None:
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
        request.transport.abort()
    headers = _via(via=fault.via) | dict(fault.headers)
    if fault.body is not None:
        return web.Response(body=fault.body, status=fault.status, headers=headers)
    if fault.html:
        if fault.retry_after is not None:
            headers["Retry-After"] = str(math.ceil(fault.retry_after))
        page = f"<html><body><h1>{fault.status}</h1>{fault.message}</body></html>"
        return web.Response(text=page, status=fault.status, headers=headers, content_type="text/html")
    if fault.retry_after is not None:
        return _too_many(fault.retry_after, code=fault.code, everywhere=fault.everywhere, via=fault.via)
    errors = {} if fault.errors is None else {"errors": fault.errors}
    return _json({"message": fault.message, "code": fault.code} | errors, fault.status or 500, headers)
