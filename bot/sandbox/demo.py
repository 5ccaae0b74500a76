"""`python -m bot demo`: the real bot, a simulated ImaginePro, and a page in place of Discord; no credentials.

The bot cannot tell the difference: it talks HTTP to the simulated upstream, and discord.py to simcord. Time is the wall
clock's everywhere; simcord's own is kept level with it.
"""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from zoneinfo import ZoneInfo

import discord
import simcord

from bot import app, settings, telemetry
from bot.chat.client import ChatClient
from bot.domain.incidents import Rule
from bot.domain.rules.policy import Policy
from bot.imaginepro.client import connected
from bot.monitor import Monitor
from bot.sandbox import imaginepro, page, past, scenarios

logger = logging.getLogger(__name__)

_WELCOME: Final = """
The bot runs, with a simulated ImaginePro and a page in place of Discord. Open

    {url}

{where}
 * Watch #ops: within half a minute a token must pass a check, one runs low on fast time, and one is banned, which
   mentions you. Press Acknowledge on that; it waits for you, for five minutes at most. Then other things happen.
 * Press Silence or Details under what is open; the effect is on the card, with your name. Press Switch off under the
   ban: it asks first, and takes the token out of rotation at the simulated ImaginePro.
 * A month lies behind it: above are the digest of today, and a token that will not last until its refill.
 * Type /token and pick an id; press Refresh on its card. Type /tokens for the whole fleet, /help for all commands.
 * Type /history and pick a token, for a chart of its last week and what is to come; /board here keeps a live board.
 * Type /job probe for a test job, /admin doctor for how the bot itself is, /runbook set for what it may do by itself.
 * The ban is the 3rd in 30 days: its card says what was noted of the last. Press Note to add what you found, Discuss
   to talk in a thread. /report week tells how the week went.
 * Type /name to call a token by a name, /group and /tokens group:studio for some of the fleet, /oncall set (with
   ana, say) and /oncall now for who is on call, whom pages mention then, /notify me for direct messages.
 * "Viewing as" shows what somebody gets who may look and decide nothing, and what a guest gets.

Ctrl-C ends it.

"""

_ONLY_HERE: Final = (
    "Only this machine can. For a phone in your own network, end this and start the demo with --host 0.0.0.0; after\n"
    "make demo that is .venv/bin/python -m bot demo --host 0.0.0.0\n"
)
_ALSO_ELSEWHERE: Final = "Whoever reaches this machine and has the whole address can, too, until you end it.\n"

_MONOTONIC: Final = time.monotonic
"""As it was before simcord took it."""

_PICTURES: Final = 60
"""Jobs of which the page can show what came of them: it loads nothing from elsewhere."""

_CHECK_EVERY: Final = timedelta(milliseconds=250)


async def run(
    stop: asyncio.Event,
    port: int = 0,
    host: str = page.HERE,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Serve the demo until `stop` is set, and print where.

    Args:
        stop: ends it.
        port: the page's, if it is free; else, and for 0, another.
        host: where the page is served; see `page.opened`.
        sleep: waits so many seconds between two things that happen.

    Raises:
        SettingsError: Nothing can be served at `host`.
    """
    telemetry.configure("error", "text", (), sys.stderr)
    async with AsyncExitStack() as stack:
        upstream = imaginepro.Upstream(scenarios.demo_fleet(_now()))
        api = await stack.enter_async_context(imaginepro.serving(upstream))
        server = await stack.enter_async_context(_server())
        folder = stack.enter_context(TemporaryDirectory(prefix="imaginepro-bot-"))
        environ = _environ(upstream, api, server, Path(folder) / "bot.db")
        setup = settings.load(environ, None)
        await _remember(setup, server.operator.id)
        # Opened on an empty channel, the page follows its end; later, it would stay at the message it began with.
        shown = imaginepro.pictures(api, _PICTURES)
        members = [server.operator, server.ana, server.viewer, server.guest]
        preview = server.env.preview(server.ops, viewers=members, layout="channel", assets=shown)
        await stack.enter_async_context(preview)
        bot = await stack.enter_async_context(app.opened(setup, _now))
        await server.invite(bot.client)
        await bot.monitor.tick()  # today's digest, before anybody looks
        place = await stack.enter_async_context(page.opened(preview.url, server.turn, port, host))
        where = _ONLY_HERE if host == page.HERE else _ALSO_ELSEWHERE
        sys.stdout.write(_WELCOME.format(url=place.url, where=where))
        sys.stdout.flush()
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(server.show(preview))
            playing = tasks.create_task(_play(upstream, bot.monitor, place.visited, sleep))
            await stop.wait()
            following.cancel()
            playing.cancel()


async def _remember(setup: settings.Settings, person: int) -> None:
    """Give the bot a month to look back on, in which that person was on call."""
    policy = Policy(setup.thresholds, setup.poll_interval, zone=ZoneInfo(setup.timezone))
    key, now = setup.api_key.reveal(), _now()
    async with connected(url=setup.api_url, api_key=key, rate=setup.rate_limit, budget=_CHECK_EVERY * 40) as api:
        fleet = await api.fleet()
    await past.remember(setup.database_url.reveal(), fleet, now, policy, person)


async def _play(
    upstream: imaginepro.Upstream,
    monitor: Monitor,
    visited: asyncio.Event,
    sleep: Callable[[float], Awaitable[object]],
) -> None:
    """Let things happen from the moment on that somebody looks."""

    def taken() -> bool:
        bans = (each for key, each in monitor.known.incidents.items() if key.rule is Rule.BANNED)
        return any(each.acknowledged is not None for each in bans)

    await visited.wait()
    await scenarios.play_demo(upstream, taken=taken, sleep=sleep)


@dataclass(frozen=True, slots=True)
class _Server:
    """A Discord server in simcord, with a channel for the bot and members to look at it."""

    env: simcord.Env
    guild: simcord.GuildHandle
    ops: simcord.ChannelHandle
    role: simcord.RoleHandle
    viewers: simcord.RoleHandle
    on_call: simcord.RoleHandle
    leads: simcord.RoleHandle
    operator: simcord.MemberActor
    ana: simcord.MemberActor
    """Another operator, to share a rota with."""
    viewer: simcord.MemberActor
    guest: simcord.MemberActor
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever acts: simcord refuses a second one at the same time."""

    async def invite(self, client: ChatClient) -> None:
        """Let the bot in; it is logged in and ready when this returns."""
        await self.env.restart_bot(client)
        # simcord takes whatever a command raises for a crash, and its page then tells the viewer to look into a log.
        # The bot answers for it: with what it refuses and why, or with the reference under which its log says more.
        del client.tree.on_error
        # simcord gives commands another monotonic clock than jobs have. A rate limit that both share would see time
        # jump back, and hold everything up.
        time.monotonic = _MONOTONIC

    async def show(self, preview: simcord.Preview) -> None:
        """Keep simcord's clock level with the wall clock, and the page with the channel, for ever."""
        shown = None
        while True:
            async with self.turn:
                try:
                    await _level(self.env)
                    messages = [(message.id, message.edited_at) for message in self.ops.history()]
                    if messages != shown:
                        await preview.refresh()
                        shown = messages
                except TimeoutError:
                    logger.warning("the bot is at work on a command; the page waits for it")
            await asyncio.sleep(_CHECK_EVERY.total_seconds())


@asynccontextmanager
async def _server() -> AsyncIterator[_Server]:
    """The server, before the bot is in it: the bot's settings name ids that only exist once there is a server."""
    nobody = discord.Client(intents=discord.Intents.none())
    async with simcord.run(nobody, check_errors=False) as env:
        await _level(env)
        await nobody.http.edit_profile({"username": "ImaginePro bot"})
        guild = env.create_guild("Demo")
        role = guild.create_role("operators")
        viewers = guild.create_role("viewers")
        on_call = guild.create_role("oncall", mentionable=True)
        yield _Server(
            env=env,
            guild=guild,
            ops=guild.create_text_channel("ops", topic="What the bot has to say"),
            role=role,
            viewers=viewers,
            on_call=on_call,
            leads=guild.create_role("leads", mentionable=True),
            operator=guild.add_member(env.create_user("operator"), roles=[role, on_call]),
            ana=guild.add_member(env.create_user("ana"), roles=[role, on_call]),
            viewer=guild.add_member(env.create_user("viewer"), roles=[viewers]),
            guest=guild.add_member(env.create_user("guest")),
        )


async def _level(env: simcord.Env) -> None:
    await env.advance_time(max(0.0, (_now() - env.now()).total_seconds()))


def _environ(upstream: imaginepro.Upstream, api: str, server: _Server, database: Path) -> Mapping[str, str]:
    return {
        "DISCORD_TOKEN": "of.the.demo",
        "DISCORD_GUILD_ID": str(server.guild.id),
        "OPS_CHANNEL_ID": str(server.ops.id),
        "OPERATOR_ROLE_ID": str(server.role.id),
        "VIEWER_ROLE_ID": str(server.viewers.id),
        "ALERT_ROLE_ID": str(server.on_call.id),
        "ESCALATION_ROLE_ID": str(server.leads.id),
        "IMAGINEPRO_API_KEY": upstream.api_key,
        "IMAGINEPRO_API_URL": api,
        "IMAGINEPRO_RATE_LIMIT": "20/1s",
        "POLL_INTERVAL": "1s",
        "DIGEST_AT": f"{_now():%H:%M}",
        "DATABASE_URL": f"sqlite:///{database}",
        **imaginepro.ENVIRONMENT,
    }


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  the demo lives by the wall clock
