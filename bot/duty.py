"""Who of the rota has left the server: asked of Discord every hour, and just before somebody's shift begins.

No intent says so to the bot, and a page to somebody who is gone wakes nobody. What Discord does not say for sure moves
nobody.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

import aiohttp
import discord

from bot.domain.value import Value
from bot.domain.watch.duty import note_absent, people
from bot.domain.watch.known import Changes, Known
from bot.telemetry import event

logger = logging.getLogger(__name__)

GONE: Final = {10007, 10013}
"""No such member; no such user. Any other answer says nothing about a person."""

EVERY: Final = timedelta(hours=1)
"""How soon it is seen that somebody left, or is back."""

AHEAD: Final = timedelta(minutes=5)
"""How long before a shift begins they are asked for once more."""


class Watching(Protocol):
    """What is known, and its way into the database: the monitor."""

    @property
    def known(self) -> Known:
        """Everything that is known."""

    @property
    def now(self) -> datetime:
        """The time."""

    async def move(self, doing: Callable[[Known, datetime], tuple[Changes, Known]]) -> Changes:
        """Let it move as that says."""


class Called(Value):
    """A roll call to which there was an answer for everybody."""

    at: datetime
    people: frozenset[int]


class RollCall:
    """Asks for those who can be on call. A restart forgets when it did so last; who was absent is stored."""

    def __init__(self, monitor: Watching, client: discord.Client, guild_id: int) -> None:
        """Nobody was asked for yet; the client is logged in."""
        self._monitor = monitor
        self._client = client
        self._guild_id = guild_id
        self._last: Called | None = None
        self._trouble = ""

    async def look(self) -> None:
        """Ask for them, if it is time to; a request each, and the log hears once of a Discord that does not answer.

        Raises:
            StoreError: What that changed could not be stored; the next one repeats it.
        """
        at = self._monitor.now
        asked = people(self._monitor.known, at)
        if not asked or not self._due(asked, at):
            return
        trouble, here = "", dict[int, bool]()
        for who in sorted(asked):
            try:
                here[who] = await self._is_member(who)
            except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
                trouble = f"{type(error).__name__}: {error}"
        if trouble and not self._trouble:
            event(logger, logging.INFO, "whether those of the rota are in the server is not known", error=trouble)
        self._trouble = trouble
        gone = frozenset(who for who, found in here.items() if not found)
        await self._monitor.move(lambda known, now: note_absent(known, gone, here.keys() - gone, now))
        if not trouble:
            self._last = Called(at, asked)

    def _due(self, asked: frozenset[int], now: datetime) -> bool:
        last = self._last
        if last is None or asked != last.people or not timedelta() <= now - last.at < EVERY:
            return True
        shift = self._monitor.known.decisions.on_call(now)
        return shift is not None and last.at < shift.until - AHEAD <= now

    async def _is_member(self, who: int) -> bool:
        try:
            await self._client.http.get_member(self._guild_id, who)
        except discord.NotFound as error:
            if error.code not in GONE:
                raise
            return False
        return True
