"""The bot's life at Discord: logging in, registering commands, and answering those who may ask."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import aiohttp
import discord
from discord.http import Route

from bot.chat import login
from bot.chat.board import Boards, BoardStore, Restart, Sheet, Wall
from bot.chat.buttons import BUTTONS, answer_stale, board_sheet, board_view
from bot.chat.charts.studio import Studio
from bot.chat.desk import Access, Asked, Desk, DeskClient, Place, UnclearError
from bot.chat.following import Following
from bot.chat.premises import FORUM, Found, Ids, unmentioned
from bot.chat.questions import Questions
from bot.chat.survey import AWAY, MISSING, AwayError, invite_url, survey, unanswered
from bot.chat.tree import Commands
from bot.delivery.handover import Handover
from bot.domain.value import replace

if TYPE_CHECKING:
    from bot.chat.settable import Setup

logger = logging.getLogger(__name__)

# discord.py warns at each start that it cannot speak; nobody asks this bot to.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False

LAST_WORDS = timedelta(milliseconds=500)
"""How long answers under way may take when the bot stops; hosts kill 3 s after they ask."""

PATIENCE = timedelta(seconds=3)
"""How long a test, or the very first message, waits for what Discord says about the roles."""

ANSWERING = ("CommandTree-invoker", "discord-ui-")
"""How discord.py 2.7 begins the names of the tasks in which commands, buttons, menus and forms are answered."""

NOT_AUTHENTICATED = 4004
"""The gateway's close code for a token that is not, or no longer, valid."""


async def _alone() -> bool:
    return True


def _nothing() -> None:
    pass


def _not_yet() -> "Setup":
    """Before this copy of the bot leads."""
    sentence = "The bot is only just starting. Try again in a moment."
    raise UnclearError(sentence)


class ChatClient(DeskClient):
    """The bot at Discord. It keeps no messages and no members: it needs neither, and memory is scarce."""

    def __init__(  # noqa: PLR0913 - each is one thing that another part of the bot knows
        self,
        desk: Desk,
        *,
        guild_id: int,
        channel_id: int,
        timezone: str = "UTC",
        operator_role_id: int | None = None,
        viewer_role_id: int | None = None,
        alert_role_id: int | None = None,
        escalation_role_id: int | None = None,
        read_only: bool = False,
        refresh_cooldown: timedelta = timedelta(hours=6),
        stands: Callable[[], Awaitable[bool]] = _alone,
        on_asked: Callable[[], None] = _nothing,
        http_trace: aiohttp.TraceConfig | None = None,
        proxy_for: login.ProxyFor = login.direct,
    ) -> None:
        """
        Args:
            desk: Answers what is asked.
            guild_id: The server in which the commands are registered and accepted.
            channel_id: The ops channel, to which links lead.
            timezone: IANA name of the zone in which people write times.
            operator_role_id: The role that may use the bot; None for everyone who may manage the server.
            viewer_role_id: The role that may ask, too; None for nobody else.
            alert_role_id: The role that critical alerts mention; None for nobody.
            escalation_role_id: The role that is mentioned as well when nobody answers.
            read_only: Whether nobody may change anything at ImaginePro.
            refresh_cooldown: How long nobody can refresh a token again.
            stands: Whether this copy of the bot is the one that answers.
            on_asked: Called whenever somebody used a command or a button.
            http_trace: Sees every request to Discord.
            proxy_for: Gives the proxy for an address. What it says of Discord's API holds for its gateway as well,
                since discord.py takes one for both.
        """  # noqa: D205, D212 - the class says what it is for
        super().__init__(
            intents=login.INTENTS,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            allowed_mentions=discord.AllowedMentions.none(),
            http_trace=http_trace,  # type: ignore[arg-type]  # None is its default, which its type leaves out
            proxy=proxy_for(Route.BASE),
        )
        self.desk = desk
        self.ids = Ids(guild_id, channel_id, operator_role_id, alert_role_id, escalation_role_id, viewer_role_id)
        """What the settings name."""
        self.found: Found | None = None
        """What Discord showed of that last; None before the first time."""
        self._survey: asyncio.Task[bool] | None = None
        self.access = Access(guild_id, operator_role_id, viewer_role_id, read_only)
        self.place = Place(guild_id, channel_id, timezone)
        self.stands = stands
        self._on_asked = on_asked
        self.studio = Studio()
        self.setup = _not_yet
        self.questions = Questions(lambda: desk.now)
        self.refresh_cooldown = refresh_cooldown
        self.turn = asyncio.Lock()
        self.following = Following()
        self.logged_in = asyncio.Event()
        """Set once requests to Discord can be made; the gateway may still be away."""
        self.online = False
        """Whether there is a session at the gateway, so that people are heard."""
        self._patience: asyncio.Timeout | None = None
        """While it is connected, or tries to be."""
        self._registered = False
        self._registration: asyncio.Task[None] | None = None
        self._home = discord.Object(guild_id)
        self.tree = Commands(self, fallback_to_global=False)
        self.tree.grow(self._home, self.access)

    def keep_boards(self, store: BoardStore, handover: Handover, busy: Callable[[int], bool]) -> Boards:
        """Keep the live boards, as `Boards` has it, from now on."""
        restart = Restart(self.desk.known, self.desk.policy.interval)

        async def sheet(group: str) -> Sheet:
            return await board_sheet(self.desk, restart.blind, group)

        wall = Wall(self, self.logged_in, self.place.guild_id, board_view)
        self.boards = Boards(store, wall, self.desk, sheet, restart, busy, handover)
        return self.boards

    async def talk(self, token: str) -> None:
        """Log in and stay connected until cancelled, whatever Discord does meanwhile.

        Raises:
            login.LoginError: Discord refuses the token, or ended the connection for good.
        """
        await self._log_in(token)
        pauses = login.pauses()
        while not self.is_closed():
            try:
                async with asyncio.timeout(None) as patience:
                    self._patience = patience
                    try:
                        await self.connect()
                    finally:
                        self._patience = None
            except TimeoutError:
                logger.info("starting anew to look for the gateway")
            except discord.ConnectionClosed as error:
                message = f"Discord closed the connection for good, with code {error.code}"
                raise login.LoginError(login.NOT_ADMITTED if error.code == NOT_AUTHENTICATED else message) from error
            except AttributeError:
                # discord.py 2.7 wants to resume when its very first connection fails, and trips over having none.
                if self.ws is not None:
                    raise
                pause = next(pauses)
                logger.warning("the gateway is away, next try in %s", pause)
                await asyncio.sleep(pause.total_seconds())

    async def close(self) -> None:
        """Go offline, once the people have their answers who asked before.

        discord.py 2.7 leaves behind what answers them, and what waits for its servers, and both trip over a closed
        client.
        """
        answering = {task for task in asyncio.all_tasks() if task.get_name().startswith(ANSWERING)}
        if answering:
            await asyncio.wait(answering, timeout=LAST_WORDS.total_seconds())
        waiting = self._connection._ready_task  # noqa: SLF001 - see above
        if waiting is not None:
            waiting.cancel()
        for task in (self._registration, self._survey):
            if task is not None:
                task.cancel()
        self.questions.close()
        await self.following.close()
        await self.studio.close()
        await super().close()

    async def _log_in(self, token: str) -> None:
        for pause in login.pauses():
            try:
                await login.admit(self, token)
            except AWAY as error:
                wait = max(pause, login.asked_to_wait(error))
                logger.warning("login failed, next try in %s: %s", wait, unanswered(error))
            else:
                return
            # discord.py leaves the session of a failed login open, and would not make another.
            await self.http.close()
            self.http.connector = discord.utils.MISSING
            await asyncio.sleep(wait.total_seconds())

    async def on_disconnect(self) -> None:
        """The gateway is away. discord.py's pauses grow to 17 minutes; before they do, it starts anew."""
        self.online = False
        if self._patience is not None and self._patience.when() is None:
            self._patience.reschedule(asyncio.get_running_loop().time() + login.LONGEST_PAUSE.total_seconds())

    async def on_connect(self) -> None:
        """The gateway is there. Only now is there somebody to answer, so the commands are registered now."""
        if self._patience is not None and self._patience.when() is not None:
            self._patience.reschedule(None)
        if not self._registered:
            await self._register_commands()

    async def on_resumed(self) -> None:
        """The gateway is there, and goes on where it was."""
        self.online = True
        await self.on_connect()

    async def look_around(self) -> Found:
        """What Discord shows of what the settings name, once it answers; beside the gateway, which may be away."""
        await self.logged_in.wait()
        pauses = login.pauses()
        while self.found is None:
            try:
                self._see(await survey(self, self.ids))
            except AwayError as error:
                pause = next(pauses)
                logger.warning("the server and the ops channel cannot be looked at, next try in %s: %s", pause, error)
                await asyncio.sleep(pause.total_seconds())
        return self.found

    async def unmentioned(self) -> str:
        """Why a critical alert would mention nobody; as of before, where Discord does not answer while people wait."""
        await self.look_again()
        return self.unmentioned_now()

    def unmentioned_now(self) -> str:
        """The same, as of what was last seen."""
        on_call = self.desk.known.decisions.on_call(self.desk.now) is not None
        return unmentioned(self.ids, self.found, on_call=on_call)

    async def look_again(self) -> bool:
        """Look at what the settings name; False where Discord does not answer that while people wait.

        A request that takes longer goes on: see `_register` for what a cancelled one may do.
        """
        if self._survey is None or self._survey.done():
            self._survey = asyncio.create_task(self._look(), name="look at the roles")
        await asyncio.wait({self._survey}, timeout=PATIENCE.total_seconds())
        return self._survey.done() and self._survey.result()

    async def _look(self) -> bool:
        try:
            self._see(await survey(self, self.ids))
        except AwayError as error:
            logger.warning("the roles cannot be looked at: %s", error)
            return False
        return True

    def _see(self, found: Found) -> None:
        self.found = found
        if found.channel is not None and found.channel.kind == FORUM:
            self.in_forum()

    def in_forum(self) -> None:
        """The ops channel is a forum: cards are linked as its posts, and it has a board, unless it had one before."""
        self.place = replace(self.place, forum=True)
        if self.boards is not None and self.user is not None:
            self.boards.adopt(self.place.channel_id, self.user.id)

    async def setup_hook(self) -> None:
        """Run by discord.py after the login and before the gateway. The very first message says whom pages mention."""
        if self.desk.fleet.read_at is None and self.ids.alert_role_id is not None:
            await self.unmentioned()
        self.logged_in.set()
        self.add_dynamic_items(*BUTTONS)

    async def on_ready(self) -> None:
        """People are heard from here on."""
        self.online = True
        logger.info("online as %s", self.user)
        if self._registered and self.get_guild(self._home.id) is None:
            self._say_removed()

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Tell the operator that somebody took the bot out of its server."""
        if guild.id == self._home.id:
            self._say_removed()

    def _say_removed(self) -> None:
        url = invite_url(self, self._home.id)
        logger.error("the bot was removed from server %s: add it again with %s", self._home.id, url)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Invited while running: the commands can be registered only now."""
        if guild.id == self._home.id:
            if self._registration is not None:
                await asyncio.wait({self._registration})  # it may be refused yet
            await self._register_commands()

    async def on_interaction(self, interaction: Asked) -> None:
        """Run by discord.py for every interaction, beside the commands and buttons."""
        self._on_asked()
        await answer_stale(interaction)

    async def _register_commands(self) -> None:
        """Wait until they are registered in the one server, or it turned out that the bot is not let in."""
        if self._registration is None or self._registration.done():
            self._registration = asyncio.create_task(self._register(), name="registration of the commands")
        await asyncio.shield(self._registration)

    async def _register(self) -> None:
        """Try until Discord takes them.

        Without a deadline: while Discord limits all that the bot asks, discord.py 2.7 holds back every request, and if
        the one that met the limit is cancelled, for as long as the client lives.
        """
        for pause in login.pauses():
            try:
                await self.tree.sync(guild=self._home)
            except AWAY as error:
                if isinstance(error, discord.HTTPException) and error.code in MISSING:
                    url = invite_url(self, self._home.id)
                    logger.error(  # noqa: TRY400 - the cause is known, and a traceback would bury what to do
                        "commands are not registered: server %s does not let the bot in. Add it with %s",
                        self._home.id,
                        url,
                    )
                    return
                wait = max(pause, login.asked_to_wait(error))
                logger.warning(
                    "commands could not be registered, earlier ones still stand, next try in %s: %s",
                    wait,
                    unanswered(error),
                )
            else:
                self._registered = True
                return
            await asyncio.sleep(wait.total_seconds())
