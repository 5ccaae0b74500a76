"""People and threads, spoken to by REST alone: in direct messages, and in the threads under cards."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import discord

from bot.chat.alerts import Alert
from bot.chat.answers import Answer
from bot.chat.attempt import ANSWER, AnsweredError, Asked, in_the_outbox_words
from bot.chat.channel import CLOCK_SKEW
from bot.delivery.outcome import ClosedError, LaterError
from bot.domain.asides import Bundle, Place

HISTORY: Final = 1000
"""Messages that are searched at most, as in the ops channel; a day of talk among people, after which all is stale."""

CLOSED: Final[Mapping[Place, frozenset[int]]] = {
    # Of a person: takes no messages, no server in common, no such user.
    Place.PERSON: frozenset({50007, 50278, 10013, 50033, 10007}),
    # Of a thread: it was deleted, or the channel that it was in.
    Place.THREAD: frozenset({10003}),
}
"""Discord's codes by which nobody hears there any more. Any other refusal may end, as when a thread is unlocked."""

TOO_FAST: Final = 40003
"""Direct messages are opened too fast."""

PAUSE: Final = timedelta(seconds=30)
"""After that, where Discord does not say how long."""

REMEMBERED: Final = 1000
"""People whose channels are remembered."""


class Beside:
    """Whoever is spoken to beside the ops channel."""

    def __init__(
        self,
        client: discord.Client,
        logged_in: asyncio.Event,
        render: Callable[[Bundle], Awaitable[Alert]],
        answer: timedelta = ANSWER,
        guild_id: int = 0,
        may_hear: Callable[[discord.Member], bool] = lambda _: True,
    ) -> None:
        """Wire it.

        Args:
            client: Who speaks.
            logged_in: Set once requests to Discord can be made.
            render: Makes of a bundle what shows it as of now.
            answer: How long Discord may take for one.
            guild_id: The server of the people.
            may_hear: Whether one of its members may use the bot.
        """
        self._client = client
        self._logged_in = logged_in
        self._render = render
        self._answer = answer
        self._guild_id = guild_id
        self._may_hear = may_hear
        self.lost: set[int] = set()
        """Who is told nothing since they may not use the bot any more."""
        self._channels: dict[int, int] = {}
        """Discord's id of the channel of direct messages, by person."""

    async def ready(self) -> None:
        """Wait until requests to Discord can be made; the gateway may still be away."""
        await self._logged_in.wait()

    async def say(self, bundle: Bundle) -> None:
        """Send it with its mark as nonce: what an earlier attempt sent is not sent again while Discord remembers that.

        Raises:
            DeliveryError: It was not sent, or nobody knows.
        """
        shown = await self._render(bundle)
        # discord.py tells "none" from "not given".
        extras: dict[str, Any] = {} if shown.view is None else {"view": shown.view}
        async with self._spoken_to(bundle, Asked.POST) as channel:
            if bundle.place is Place.PERSON:
                await self._check(bundle.to)
            await channel.send(
                shown.content,
                embeds=shown.embeds,
                allowed_mentions=shown.allowed_mentions,
                nonce=bundle.mark,
                silent=shown.silent,
                **extras,
            )

    async def said(self, bundle: Bundle, since: datetime) -> bool:
        """Whether our message with its mark is there, sent since then.

        Raises:
            DeliveryError: Nobody can tell now.
        """
        oldest = discord.utils.time_snowflake(since - CLOCK_SKEW)
        async with self._spoken_to(bundle, Asked.SEARCH) as channel:
            async for each in channel.history(limit=HISTORY):
                if each.id < oldest:
                    break
                words = " ".join([each.content, *(embed.footer.text or "" for embed in each.embeds)])
                if each.author == self._client.user and bundle.mark in words.split():
                    return True
        return False

    async def _check(self, person: int) -> None:
        """Say nothing to somebody who has left, or has lost the role by which they might look."""
        self.lost.discard(person)
        guild = self._client.get_guild(self._guild_id)
        if guild is not None and not self._may_hear(await guild.fetch_member(person)):
            self.lost.add(person)
            reason = "may not use the bot any more"
            raise ClosedError(reason)

    @contextlib.asynccontextmanager
    async def _spoken_to(self, bundle: Bundle, asked: Asked) -> AsyncIterator[discord.PartialMessageable]:
        """Whoever a bundle is for, with every error in the words of the outbox."""
        async with in_the_outbox_words(self._answer, asked):
            try:
                yield self._client.get_partial_messageable(await self._channel_of(bundle))
            except AnsweredError as error:
                _say_why(bundle.place, error.answer)
                raise
            except discord.HTTPException as error:  # of a client without the trace, as the demo's is
                _say_why(bundle.place, Answer(error.status, error.code, error.text))
                raise

    async def _channel_of(self, bundle: Bundle) -> int:
        if bundle.place is Place.THREAD:
            return bundle.to
        known = self._channels.get(bundle.to)
        if known is None:
            if len(self._channels) >= REMEMBERED:
                self._channels.clear()
            opened = await self._client.http.start_private_message(bundle.to)
            known = self._channels[bundle.to] = int(opened["id"])
        return known


def _say_why(place: Place, answer: Answer) -> None:
    """Raise what says more of an answer than that of a channel would."""
    if answer.code in CLOSED[place]:
        raise ClosedError(str(answer))
    if answer.code == TOO_FAST:
        raise LaterError(str(answer), max(answer.after, PAUSE), everywhere=True, answered=True)
