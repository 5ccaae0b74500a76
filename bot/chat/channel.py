"""The ops channel: post, edit and find messages, without the parts of them that Discord does not take.

Whether it is a forum is asked of Discord once, before the first of these; see `bot.chat.forum`.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import discord

from bot.chat.alerts import Alert
from bot.chat.answers import ARCHIVED
from bot.chat.attempt import ANSWER, AnsweredError, Asked, Patience, in_the_outbox_words
from bot.chat.form import Form, reads_like
from bot.chat.premises import FORUM, UNNAMED
from bot.chat.sending import deliver, taken
from bot.delivery.outcome import BlockedError, Posted
from bot.domain.messages import Message

if TYPE_CHECKING:
    from bot.chat.forum import Forum, Rows

CLOCK_SKEW = timedelta(days=1)
"""How far the host's clock may be ahead of Discord's, or have been, when a message is looked for by time."""

HISTORY = 1000
"""Messages of the channel that are searched at most; more than that since the attempt is not an ops channel."""


def _nothing() -> None:
    pass


class OpsChannel:
    """One channel of Discord, spoken to by REST alone: it works while the gateway is away."""

    def __init__(
        self,
        client: discord.Client,
        logged_in: asyncio.Event,
        *,
        channel_id: int,
        guild_id: int,
        render: Callable[[Message], Alert],
        answer: timedelta = ANSWER,
        rows: "Rows | None" = None,
        on_forum: Callable[[], None] = _nothing,
    ) -> None:
        """
        Args:
            client: By which it is spoken to.
            logged_in: Set once that can make requests.
            channel_id: Discord's; 0 is none: it takes nothing before another one is named.
            guild_id: The server that it is in.
            render: Makes of a message what shows it as of now.
            answer: How long Discord may take for one.
            rows: What a forum has to know of its posts.
            on_forum: Called once it is known to be one.
        """  # noqa: D205, D212 - the class says what it is for
        self._client = client
        self._logged_in = logged_in
        self._guild_id = guild_id
        self._rows = rows
        self._on_forum = on_forum
        self._asked = False
        """Whether it is known what it is."""
        self._forum: Forum | None = None
        self._channel = client.get_partial_messageable(channel_id, guild_id=guild_id)
        self._named = bool(channel_id)
        self._render = render
        self._answer = answer
        self._edit: Patience | None = None
        """Of the edit that is under way."""

    async def ready(self) -> None:
        """Wait until requests to Discord can be made; the gateway may still be away."""
        await self._logged_in.wait()

    async def post(self, message: Message) -> Posted:
        """Post it with its mark as nonce; returns what Discord answers, which an earlier attempt may have posted.

        Raises:
            DeliveryError: It was not posted, or nobody knows.
        """
        if forum := await self._as_forum():
            return await forum.post(message)
        async with in_the_outbox_words(self._answer, Asked.POST):
            return await taken(
                self._form(message), message.mark, lambda form: deliver(self._channel, form, message.mark), posting=True
            )

    async def edit(self, message: Message) -> None:
        """Make the posted message show the incidents as they are now.

        Raises:
            DeliveryError: It was not edited, or nobody knows.
        """
        if forum := await self._as_forum():
            await forum.edit(message)
            return
        assert message.discord_id is not None  # noqa: S101 - only a posted message is edited
        posted = self._channel.get_partial_message(message.discord_id)

        async def change(form: Form) -> None:
            shown = form.shown
            await posted.edit(
                content=shown.content,
                embeds=shown.embeds,
                allowed_mentions=shown.allowed_mentions,
                view=shown.view,
            )

        async with in_the_outbox_words(self._answer, Asked.EDIT) as self._edit:
            try:
                await taken(self._form(message), message.mark, change, posting=False)
            except AnsweredError as error:
                if error.answer.code != ARCHIVED:
                    raise
                # A thread that rests is archived, and whoever is in it may open it again unless it is locked.
                await self._client.http.edit_channel(self._channel.id, archived=False)
                await taken(self._form(message), message.mark, change, posting=False)

    def give_way(self) -> None:
        """Let something new go before an edit that waits for its turn by Discord's rate limit."""
        if self._forum is not None:
            self._forum.give_way()
        if self._edit is not None:
            self._edit.give_way()

    def _form(self, message: Message) -> Form:
        return Form(self._render(message), message.reply_to)

    async def knows_nonces(self, message: Message) -> bool:
        """Whether an earlier post of it is known by its nonce, as no post of a forum is.

        Raises:
            DeliveryError: Discord does not say what the channel is.
        """
        return await self._as_forum() is None or message.reply_to is not None

    async def _as_forum(self) -> "Forum | None":
        """The channel as a forum, where it is one."""
        if not self._named:
            raise BlockedError(UNNAMED)
        if not self._asked:
            async with in_the_outbox_words(self._answer, Asked.SEARCH):
                shown: Any = await self._client.http.get_channel(self._channel.id)
            if shown.get("type") == FORUM:
                from bot.chat.forum import Forum, Posts  # noqa: PLC0415 - no start needs it

                posts = Posts(self._client, self._guild_id, self._channel.id)
                posts.read(shown)
                self._forum = Forum(self._client, posts, self._rows, self._guild_id, self._render, self._answer)
                self._on_forum()
            self._asked = True
        return self._forum

    async def find(self, message: Message, since: datetime, *, other_than: int | None = None) -> Posted | None:
        """Our message with its mark in its text or footer, posted since then; None if there is none.

        The message `other_than` is not meant.

        Raises:
            DeliveryError: The channel cannot be read now.
        """
        if forum := await self._as_forum():
            return await forum.find(message, since, other_than=other_than)
        oldest = discord.utils.time_snowflake(since - CLOCK_SKEW)
        async with in_the_outbox_words(self._answer, Asked.SEARCH):
            async for each in self._channel.history(limit=HISTORY):
                if each.id < oldest:
                    break
                words = " ".join([each.content, *(embed.footer.text or "" for embed in each.embeds)])
                ours = each.author == self._client.user and each.id != other_than
                if ours and message.mark in words.split():
                    return Posted(each.id, reads_like(each.content, each.embeds, self._render(message)))
        return None
