"""A board in a forum: a post that is edited, pinned by its flag, and found by its mark.

Each call belongs into `in_the_outbox_words`, as those of `bot.chat.forum.posts`.
"""

from collections.abc import Awaitable
from datetime import datetime
from typing import Any

import discord

from bot.chat.alerts import Alert
from bot.chat.answers import ARCHIVED
from bot.chat.attempt import AnsweredError
from bot.chat.forum import Posts
from bot.chat.forum.posts import PINNED, WEEK
from bot.delivery.outcome import VanishedError

TITLE = "Live board"
NO_CHANNEL = 10003
NOT_ALLOWED = 50013


class Corkboard:
    """One forum."""

    def __init__(self, client: discord.Client, guild_id: int, forum_id: int, shown: Any) -> None:  # noqa: ANN401 - as Discord sends it
        self._client = client
        self._guild_id = guild_id
        self._posts = Posts(client, guild_id, forum_id)
        self._posts.read(shown)

    async def post(self, embed: discord.Embed, view: discord.ui.View) -> int:
        """Make its post, without a sound; returns its id."""
        shown = Alert("", (embed,), discord.AllowedMentions.none(), view, silent=True)
        try:
            return await self._start(shown)
        except AnsweredError:
            before = self._posts.tags, self._posts.required
            await self._posts.look()
            if before == (self._posts.tags, self._posts.required):
                raise
            return await self._start(shown)

    async def _start(self, shown: Alert) -> int:
        tags = self._posts.with_labels((), frozenset())
        return (await self._posts.start(TITLE, shown, tags, WEEK)).id

    async def edit(self, post_id: int, embed: discord.Embed, view: discord.ui.View) -> None:
        """Let it show that, and open it before if it rests."""
        message = self._client.get_partial_messageable(post_id, guild_id=self._guild_id).get_partial_message(post_id)

        async def change() -> None:
            await message.edit(embed=embed, view=view, allowed_mentions=discord.AllowedMentions.none())

        try:
            await _there(change())
        except AnsweredError as error:
            if error.answer.code != ARCHIVED:
                raise
            await self._posts.change(post_id, archived=False)
            await _there(change())

    async def find(self, mark: str, since: datetime) -> int | None:
        """The post with that mark in its first message, made since then; None if there is none."""
        async for post in self._posts.since(since):
            first = await self._posts.first(post.id)
            if first is not None and mark in first.words:
                return post.id
        return None

    async def pin(self, post_id: int) -> None:
        """Let it stand before all others."""
        post = await self._posts.get(post_id)
        if not post.pinned:
            await self._posts.change(post_id, flags=post.flags | PINNED)

    async def delete(self, post_id: int) -> None:
        """Delete it; where that is not allowed, delete what it says, and let it rest."""
        try:
            await self._posts.delete(post_id)
        except discord.NotFound as error:
            raise VanishedError(str(error)) from error
        except discord.Forbidden:
            await self._posts.delete_first(post_id)
            await self._posts.change(post_id, archived=True)


async def _there(asking: Awaitable[None]) -> None:
    try:
        await asking
    except AnsweredError as error:
        if error.answer.code == NO_CHANNEL:
            raise VanishedError(str(error.answer)) from error
        raise
