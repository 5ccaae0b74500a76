"""The ops channel: post, edit and find messages, without the parts of them that Discord does not take."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

import discord

from bot.chat.alerts import Alert
from bot.chat.answers import ARCHIVED, About, Answer, Part, about, named_buttons, parts
from bot.chat.attempt import ANSWER, AnsweredError, Asked, Patience, in_the_outbox_words
from bot.chat.form import Form, reads_like, without
from bot.chat.premises import UNNAMED
from bot.delivery.outcome import BlockedError, Posted
from bot.domain.messages import Message
from bot.telemetry import event

T = TypeVar("T")

logger = logging.getLogger(__name__)

CLOCK_SKEW = timedelta(days=1)
"""How far the host's clock may be ahead of Discord's, or have been, when a message is looked for by time."""

HISTORY = 1000
"""Messages of the channel that are searched at most; more than that since the attempt is not an ops channel."""


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
    ) -> None:
        """`render` makes of a message what shows it as of now; `answer` is how long Discord may take for one.

        A `channel_id` of 0 is none: it takes nothing before another one is named.
        """
        self._client = client
        self._logged_in = logged_in
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

        async def send(form: Form) -> Posted:
            shown = form.shown
            posted = await self._channel.send(
                shown.content,
                embeds=shown.embeds,
                allowed_mentions=shown.allowed_mentions,
                nonce=message.mark,
                silent=shown.silent,
                **self._extras(form),
            )
            return Posted(posted.id, reads_like(posted, shown))

        if not self._named:
            raise BlockedError(UNNAMED)
        async with in_the_outbox_words(self._answer, Asked.POST):
            return await self._taken(message, send, posting=True)

    async def edit(self, message: Message) -> None:
        """Make the posted message show the incidents as they are now.

        Raises:
            DeliveryError: It was not edited, or nobody knows.
        """
        if not self._named:
            raise BlockedError(UNNAMED)
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
                await self._taken(message, change, posting=False)
            except AnsweredError as error:
                if error.answer.code != ARCHIVED:
                    raise
                # A thread that rests is archived, and whoever is in it may open it again unless it is locked.
                await self._client.http.edit_channel(self._channel.id, archived=False)
                await self._taken(message, change, posting=False)

    def give_way(self) -> None:
        """Let something new go before an edit that waits for its turn by Discord's rate limit."""
        if self._edit is not None:
            self._edit.give_way()

    async def _taken(self, message: Message, send: Callable[[Form], Awaitable[T]], *, posting: bool) -> T:
        """Send it; without the parts of it that are refused, one after the other, as long as they are only parts."""
        form = Form(self._render(message), message.reply_to)
        while True:
            try:
                return await send(form)
            except AnsweredError as error:
                answer = error.answer
                part, form = _lesser(form, answer, posting=posting)
                if part is None:
                    raise
                event(
                    logger, logging.WARNING, "message goes without a part", mark=message.mark, part=part, error=answer
                )

    def _extras(self, form: Form) -> dict[str, Any]:
        """Buttons, and the card that it answers; discord.py tells "none" from "not given"."""
        extras: dict[str, Any] = {}
        if form.shown.view is not None:
            extras["view"] = form.shown.view
        if form.reply_to is not None:
            # The card may have been deleted by somebody; the answer must be read all the same.
            extras["reference"] = discord.MessageReference(
                message_id=form.reply_to, channel_id=self._channel.id, fail_if_not_exists=False
            )
        return extras

    async def knows_nonces(self, message: Message) -> bool:
        """It does, in a channel and in a thread."""
        del message
        return True

    async def find(self, message: Message, since: datetime, *, other_than: int | None = None) -> Posted | None:
        """Our message with its mark in its text or footer, posted since then; None if there is none.

        The message `other_than` is not meant.

        Raises:
            DeliveryError: The channel cannot be read now.
        """
        if not self._named:
            raise BlockedError(UNNAMED)
        oldest = discord.utils.time_snowflake(since - CLOCK_SKEW)
        async with in_the_outbox_words(self._answer, Asked.SEARCH):
            async for each in self._channel.history(limit=HISTORY):
                if each.id < oldest:
                    break
                words = " ".join([each.content, *(embed.footer.text or "" for embed in each.embeds)])
                ours = each.author == self._client.user and each.id != other_than
                if ours and message.mark in words.split():
                    return Posted(each.id, reads_like(each, self._render(message)))
        return None


def _lesser(form: Form, answer: Answer, *, posting: bool) -> tuple[Part | None, Form]:
    """What to leave out next, and the message without it; None and the same where that would not help."""
    if about(answer, posting=posting) is About.PART:
        for part in parts(answer):
            less = without(form, part, named_buttons(answer)) or without(form, part)
            if less is not None:
                return part, less
    return None, form
