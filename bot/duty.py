"""Who of the rota has left the server: asked of Discord now and then, so that no page calls somebody who is gone."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import aiohttp
import discord

from bot.domain.watch.duty import note_absent
from bot.domain.watch.known import Changes, Known
from bot.telemetry import event

logger = logging.getLogger(__name__)

GONE = {10007, 10013}
"""No such member; no such user. Any other answer says nothing about a person."""


class Fleet(Protocol):
    """What is known, and its way into the database: the monitor."""

    @property
    def known(self) -> Known:
        """Everything that is known."""

    async def move(self, doing: Callable[[Known, datetime], tuple[Changes, Known]]) -> Changes:
        """Let it move as that says."""


async def look(fleet: Fleet, client: discord.Client, guild_id: int) -> None:
    """See who of the rota is in the server; a request for each, and what Discord does not say stays as it was.

    Raises:
        StoreError: It could not be stored; the next look repeats it.
    """
    rota = fleet.known.decisions.rota
    if rota is None:
        return
    gone: set[int] = set()
    back: set[int] = set()
    for each in rota.members:
        try:
            await client.http.get_member(guild_id, each)
        except discord.NotFound as error:
            if error.code in GONE:
                gone.add(each)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            event(logger, logging.INFO, "whether a member of the rota is in the server is not known", error=str(error))
            return
        else:
            back.add(each)
    await fleet.move(lambda known, now: note_absent(known, gone, back, now))
