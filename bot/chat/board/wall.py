"""Where boards hang: posts, edits, finds, pins and deletes their messages, in any channel of the server.

In a forum a board is a post, pinned by a flag of its thread. What each channel is, Discord is asked once.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import discord

from bot.chat.attempt import ANSWER, Asked, Patience, in_the_outbox_words
from bot.chat.board.sheet import Sheet
from bot.chat.premises import FORUM
from bot.delivery.outcome import DeliveryError, Posted
from bot.saving import speaking_for_itself
from bot.telemetry import event

if TYPE_CHECKING:
    from bot.chat.board.corkboard import Corkboard

logger = logging.getLogger(__name__)

CLOCK_SKEW = timedelta(days=1)
"""How far the host's clock may be ahead of Discord's when a message is looked for by time."""

SEARCHED = 500
"""Messages of a channel that are searched at most: as many as come between a crash and the next start, and more."""


class Wall:
    """All channels of one client, spoken to by REST alone. Each call but the first and `pin` raises `DeliveryError`."""

    def __init__(
        self,
        client: discord.Client,
        logged_in: asyncio.Event,
        guild_id: int,
        view: Callable[[], discord.ui.View],
        answer: timedelta = ANSWER,
    ) -> None:
        """`view` makes the buttons under a board; `answer` is how long Discord may take for one."""
        self._client = client
        self._logged_in = logged_in
        self._guild_id = guild_id
        self._view = view
        self._answer = answer
        self._edit: Patience | None = None
        """Of the edit that is under way."""
        self.forums: dict[int, Corkboard | None] = {}
        """Of the channels of which it is known what they are, those that are forums."""

    async def ready(self) -> None:
        """Wait until requests to Discord can be made; the gateway may still be away."""
        await self._logged_in.wait()

    async def post(self, channel_id: int, sheet: Sheet, mark: str) -> Posted:
        """Post it with its mark as nonce, without a sound; returns what is there, which may be from before."""
        async with in_the_outbox_words(self._answer, Asked.POST):
            if forum := await self._as_forum(channel_id):
                return Posted(await forum.post(sheet.embed(mark), self._view()), up_to_date=True)
            posted = await self._channel(channel_id).send(
                embed=sheet.embed(mark),
                view=self._view(),
                nonce=mark,
                silent=True,
                allowed_mentions=discord.AllowedMentions.none(),
            )
        shown = posted.embeds[0].description if posted.embeds else ""
        return Posted(posted.id, (shown or "").split() == (sheet.embed(mark).description or "").split())

    async def edit(self, channel_id: int, discord_id: int, sheet: Sheet, mark: str) -> None:
        """Let it show that. Ends with `GaveWayError` where `give_way` was called before Discord took it."""
        with speaking_for_itself():  # what it shows is known, stored or not
            async with in_the_outbox_words(self._answer, Asked.EDIT) as self._edit:
                forum = await self._as_forum(channel_id)
                if forum is not None:
                    await forum.edit(discord_id, sheet.embed(mark), self._view())
                    return
                message = self._channel(channel_id).get_partial_message(discord_id)
                await message.edit(
                    embed=sheet.embed(mark), view=self._view(), allowed_mentions=discord.AllowedMentions.none()
                )

    def give_way(self) -> None:
        """Let an alert go before an edit that waits for its turn by Discord's rate limit."""
        if self._edit is not None:
            self._edit.give_way()

    async def find(self, channel_id: int, mark: str, since: datetime) -> int | None:
        """Our message with that mark in its footer, posted since then; None if there is none."""
        oldest = discord.utils.time_snowflake(since - CLOCK_SKEW)
        async with in_the_outbox_words(self._answer, Asked.SEARCH):
            if forum := await self._as_forum(channel_id):
                return await forum.find(mark, since)
            async for each in self._channel(channel_id).history(limit=SEARCHED):
                if each.id < oldest:
                    break
                if each.author == self._client.user and any(mark == embed.footer.text for embed in each.embeds):
                    return each.id
        return None

    async def pin(self, channel_id: int, discord_id: int) -> bool:
        """Pin it, if that is allowed; whether it was."""
        try:
            async with in_the_outbox_words(self._answer, Asked.EDIT):
                if forum := await self._as_forum(channel_id):
                    await forum.pin(discord_id)
                else:
                    await self._channel(channel_id).get_partial_message(discord_id).pin()
        except DeliveryError as error:
            event(logger, logging.INFO, "board is not pinned", channel=channel_id, error=str(error))
            return False
        return True

    async def delete(self, channel_id: int, discord_id: int) -> None:
        """Take it down."""
        async with in_the_outbox_words(self._answer, Asked.EDIT):
            if forum := await self._as_forum(channel_id):
                await forum.delete(discord_id)
            else:
                await self._channel(channel_id).get_partial_message(discord_id).delete()

    async def _as_forum(self, channel_id: int) -> "Corkboard | None":
        """The channel as a forum, where it is one."""
        if channel_id not in self.forums:
            shown: Any = await self._client.http.get_channel(channel_id)
            self.forums[channel_id] = None
            if shown.get("type") == FORUM:
                from bot.chat.board import corkboard  # noqa: PLC0415 - no start needs it

                self.forums[channel_id] = corkboard.Corkboard(self._client, self._guild_id, channel_id, shown)
        return self.forums[channel_id]

    def _channel(self, channel_id: int) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(channel_id, guild_id=self._guild_id)
