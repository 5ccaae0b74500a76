"""Logging in at Discord: whom it admits, how long to wait between two tries, and a look around without a session."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TypeAlias

import aiohttp
import discord
from discord.http import Route

from bot.chat.answers import asked_wait
from bot.chat.premises import Found, Ids
from bot.chat.survey import AWAY, AwayError, survey, unanswered

INTENTS = discord.Intents(guilds=True)

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=2)
"""Between two logins, doubling, unless Discord asks for longer: it blocks an address for a while after too many refused
requests, and a host may share its address with others. Ending the process instead would log in again at once, and
prolong the block. The same between two registrations of the commands, and no longer either between two tries to reach
the gateway: people wait for answers."""

NOT_ADMITTED = "Discord refuses DISCORD_TOKEN: copy it anew from the application's page, under Bot"


class LoginError(Exception):
    """Discord will not have the bot like this; trying again does not help."""


ProxyFor: TypeAlias = Callable[[str], str | None]
"""Gives the proxy by which an address is reached; None for the direct way."""


def direct(_: str) -> None:
    """By no proxy."""


def pauses() -> Iterator[timedelta]:
    """How long to wait after each try in vain."""
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE)


async def admit(client: discord.Client, token: str) -> None:
    """Log in.

    Raises:
        LoginError: Discord refuses the token. discord.py takes any 401 for that, be it a proxy's page.
    """
    try:
        await client.login(token)
    except discord.LoginFailure as error:
        answer = error.__cause__
        if isinstance(answer, discord.HTTPException) and not _in_its_own_words(answer):
            raise answer from None
        raise LoginError(NOT_ADMITTED) from None


def _in_its_own_words(answer: discord.HTTPException) -> bool:
    """Whether it is JSON with a message. Its body cannot be had any more, from which `bot.chat.answers` would tell."""
    return answer.response.headers.get("Content-Type", "").startswith("application/json") and bool(answer.text)


def asked_to_wait(error: Exception) -> timedelta:
    """How long Discord asks to be left alone, as far as its answer says."""
    return asked_wait(error.response.headers) if isinstance(error, discord.HTTPException) else timedelta()


async def try_login(
    token: str, ids: Ids, http_trace: aiohttp.TraceConfig, proxy_for: ProxyFor = direct
) -> tuple[str, Found]:
    """Log in without opening a session, and look around; returns who the bot is, and what was found.

    Raises:
        LoginError: Discord refuses the token.
        AwayError: Nobody knows, since Discord does not answer.
    """
    async with discord.Client(intents=INTENTS, http_trace=http_trace, proxy=proxy_for(Route.BASE)) as client:
        try:
            await admit(client, token)
        except AWAY as error:
            raise AwayError(unanswered(error)) from error
        return str(client.user), await survey(client, ids)
