"""Where boards hang: posts, edits, finds, pins and deletes their messages, in any channel of the server."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import discord

from bot.chat.attempt import ANSWER, Asked, Patience, in_the_outbox_words
from bot.chat.board.sheet import Sheet
from bot.delivery.outcome import DeliveryError, Posted
from bot.saving import speaking_for_itself
from bot.telemetry import event

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

    async def ready(self) -> None:
        """Wait until requests to Discord can be made; the gateway may still be away."""
        await self._logged_in.wait()

    async def post(self, channel_id: int, sheet: Sheet, mark: str) -> Posted:
        """Post it with its mark as nonce, without a sound; returns what is there, which may be from before."""
        async with in_the_outbox_words(self._answer, Asked.POST):
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
        message = self._channel(channel_id).get_partial_message(discord_id)
        with speaking_for_itself():  # what it shows is known, stored or not
            async with in_the_outbox_words(self._answer, Asked.EDIT) as self._edit:
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
                await self._channel(channel_id).get_partial_message(discord_id).pin()
        except DeliveryError as error:
            event(logger, logging.INFO, "board is not pinned", channel=channel_id, error=str(error))
            return False
        return True

    async def delete(self, channel_id: int, discord_id: int) -> None:
        """Take it down."""
        async with in_the_outbox_words(self._answer, Asked.EDIT):
            await self._channel(channel_id).get_partial_message(discord_id).delete()

    def _channel(self, channel_id: int) -> discord.PartialMessageable:
        return self._client.get_partial_messageable(channel_id, guild_id=self._guild_id)
