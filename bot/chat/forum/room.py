"""A forum as the outbox speaks in it: a card is a post, and what is said about a card goes into its post.

Discord knows no nonce of a post. So an attempt whose outcome is not known is always looked for among the forum's posts,
by the mark in the first message, before it is made again. What goes with a message, its tags and whether it is closed,
belongs to its delivery: until that is done, too, it is not delivered. Who is killed in between does it after a start.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import discord

from bot.chat.alerts import Alert
from bot.chat.answers import ARCHIVED, CODES, About
from bot.chat.attempt import AnsweredError, Asked, Patience, in_the_outbox_words
from bot.chat.form import Form, reads_like
from bot.chat.forum.posts import CLOCK_SKEW, HOUR, WEEK, Post, Posts
from bot.chat.forum.titles import State, state, title
from bot.chat.sending import deliver, taken
from bot.delivery.outcome import (
    BlockedError,
    DeliveryError,
    LaterError,
    Posted,
    RefusedError,
    UnfinishedError,
    VanishedError,
)
from bot.domain.messages import Message
from bot.domain.value import replace
from bot.storage.store import Card
from bot.telemetry import event

T = TypeVar("T")

logger = logging.getLogger(__name__)

NO_CHANNEL = 10003
LOCKED = 160005
TOO_MANY = 160006
WANTS_TAG = 40067
REFUSED = frozenset({50001, 50013, LOCKED})
"""Of a post that is locked: what Discord says to whoever may not manage threads."""
TAGS_REFUSED = frozenset({10087, WANTS_TAG, 50013, 50035})
"""What Discord says of tags: that there is no such one, that there must be one, that it is for moderators alone."""

HISTORY = 1000
"""Messages of a post that are searched at most, as in a text channel: people talk there."""

AT_ONCE = 5
"""Posts that are closed at once where too many are open."""

REMEMBERED = 2000
"""Posts of which it is remembered what they were brought to."""


class Rows(Protocol):
    """What is stored of the posts. Each call raises `StoreError`."""

    async def posted_since(self, discord_id: int) -> frozenset[int]:
        """Discord's ids of what is known to be posted, from this one on."""

    async def card_at(self, discord_id: int) -> Card | None:
        """The card or summary that is this post."""

    async def open_posts(self) -> frozenset[int]:
        """The posts of all that is open."""


class Forum:
    """One forum, spoken to by REST alone."""

    def __init__(
        self,
        client: discord.Client,
        posts: Posts,
        rows: Rows | None,
        guild_id: int,
        render: Callable[[Message], Alert],
        answer: timedelta,
    ) -> None:
        """`render` makes of a message what shows it as of now; `answer` is how long Discord may take for one."""
        self._client = client
        self._posts = posts
        self._rows = rows
        self._guild_id = guild_id
        self._render = render
        self._answer = answer
        self._edit: Patience | None = None
        """Of the edit that is under way."""
        self._brought: dict[int, State] = {}
        """What posts were brought to since the start."""
        self._marks: dict[int, str] = {}
        """Of posts that were looked at: one search may not have the time for all."""

    def give_way(self) -> None:
        """Let something new go before an edit that waits for its turn by Discord's rate limit."""
        if self._edit is not None:
            self._edit.give_way()

    # Posts

    async def post(self, message: Message) -> Posted:
        """Post it, in the post of the card that it answers if that takes messages, and bring about what goes with it.

        Raises:
            DeliveryError: It was not posted, or nobody knows.
        """
        if message.reply_to is not None:
            async with in_the_outbox_words(self._answer, Asked.POST):
                posted = await self._reply(message)
            if posted is not None:
                await self._finished(self._closed_again(message.reply_to))
                return posted
            # Its card is deleted or locked. An earlier attempt may have come so far, too.
            if message.uncertain_since is not None and (found := await self._found(message, message.uncertain_since)):
                return found
        wanted = state(message)
        async with in_the_outbox_words(self._answer, Asked.POST):
            post = await self._started(message, wanted)
        await self._finished(self._bring(post.id, wanted, post))
        return Posted(post.id, up_to_date=True)

    async def _reply(self, message: Message) -> Posted | None:
        """Say it in the post of its card; None where that takes none."""
        thread = self._client.get_partial_messageable(message.reply_to or 0, guild_id=self._guild_id)
        try:
            form = Form(self._render(message))
            return await taken(form, message.mark, lambda form: deliver(thread, form, message.mark), posting=True)
        except AnsweredError as error:
            if error.answer.code == TOO_MANY:
                await self._make_room()
            if error.answer.code not in {NO_CHANNEL, ARCHIVED, *REFUSED}:
                raise
            event(logger, logging.INFO, "the post of a card takes no messages", mark=message.mark, error=error.answer)
            return None

    async def _started(self, message: Message, wanted: State) -> Post:
        minutes = HOUR if wanted.brief else WEEK

        async def send(form: Form) -> Post:
            tags = self._posts.with_labels((), wanted.labels)
            return await self._posts.start(title(message, form.shown.names), form.shown, tags, minutes)

        for again in (True, True, False):
            try:
                return await taken(Form(self._render(message)), message.mark, send, posting=True)
            except AnsweredError as error:
                if error.answer.code == TOO_MANY:
                    await self._make_room()
                if not again or not await self._other_tags(error):
                    raise
        raise AssertionError  # pragma: no cover - the last time is the last

    async def _other_tags(self, error: AnsweredError) -> bool:
        """Whether a refusal may have been about tags, and there are others to be tried."""
        code = error.answer.code
        if code not in TAGS_REFUSED or (code == 50035 and "applied_tags" not in error.answer.errors):  # noqa: PLR2004 - see above
            return False
        if code == 50013:  # noqa: PLR2004 - as above
            if not self._posts.moderated or not any(tag.moderated for tag in self._posts.tags):
                return False
            self._posts.moderated = False
            return True
        before = self._posts.tags, self._posts.required
        await self._posts.look()
        return before != (self._posts.tags, self._posts.required)

    async def _make_room(self) -> None:
        """Close some of the posts whose incidents are over, since there may be no more open ones in the server.

        Raises:
            DeliveryError: There was something to be closed, so it is tried again; or there was nothing.
        """
        over: list[Post] = []
        if self._rows is not None:
            still = await self._rows.open_posts()
            over = [each for each in await self._posts.active() if each.id not in still and not each.pinned]
        if not over:
            reason = (
                "Discord lets no more threads be open in this server, and none of the bot's can be closed: close some"
            )
            raise BlockedError(reason)
        for each in sorted(over, key=lambda post: post.id)[:AT_ONCE]:
            await self._posts.change(each.id, archived=True)
        reason = "too many threads are open in this server: some whose incidents are over were closed"
        raise LaterError(reason, answered=True)

    # Finding

    async def find(self, message: Message, since: datetime, *, other_than: int | None = None) -> Posted | None:
        """Our message with its mark, posted since then; None if there is none.

        Raises:
            DeliveryError: The forum cannot be read now.
        """
        if message.reply_to is not None and (said := await self._said(message, message.reply_to)):
            await self._finished(self._closed_again(message.reply_to))
            return said
        return await self._found(message, since, other_than)

    async def _said(self, message: Message, post_id: int) -> Posted | None:
        """What was said in the post of a card."""
        thread = self._client.get_partial_messageable(post_id, guild_id=self._guild_id)
        async with in_the_outbox_words(self._answer, Asked.SEARCH):
            try:
                async for each in thread.history(limit=HISTORY):
                    if each.author == self._client.user and message.mark in each.content.split():
                        return Posted(each.id, reads_like(each.content, each.embeds, self._render(message)))
            except AnsweredError as error:
                if error.answer.code != NO_CHANNEL:
                    raise
        return None

    async def _found(self, message: Message, since: datetime, other_than: int | None = None) -> Posted | None:
        """The post that it is."""
        async with in_the_outbox_words(self._answer, Asked.SEARCH):
            found = await self._post_of(message, since, other_than)
        if found is not None:
            await self._finished(self._bring(found.id, state(message)))
        return found

    async def _post_of(self, message: Message, since: datetime, other_than: int | None) -> Posted | None:
        oldest = discord.utils.time_snowflake(since - CLOCK_SKEW)
        known = await self._rows.posted_since(oldest) if self._rows else frozenset()
        async for post in self._posts.since(since):
            if post.id == other_than or post.id in known:
                continue
            if self._marks.get(post.id, message.mark) != message.mark:
                continue
            first = await self._posts.first(post.id)
            if first is not None and first.words:
                _remember(self._marks, post.id, first.words[-1])
            if first is not None and message.mark in first.words:
                return Posted(post.id, reads_like(first.content, first.embeds, self._render(message)))
        return None

    # Edits

    async def edit(self, message: Message) -> None:
        """Make the post show the incidents as they are now, with its tags, and closed once they are over.

        Raises:
            DeliveryError: It was not edited, or nobody knows.
        """
        post_id = message.discord_id or 0
        wanted = state(message)
        try:
            async with in_the_outbox_words(self._answer, Asked.EDIT) as self._edit:
                await self._edited(message, post_id)
            async with in_the_outbox_words(self._answer, Asked.EDIT) as self._edit:
                await self._bring(post_id, wanted)
        except _LockedError as error:
            if not wanted.closed:
                reason = f"its post is locked: {error}"
                raise RefusedError(reason) from error
            event(logger, logging.INFO, "a locked post is left as it is", mark=message.mark, error=str(error))

    async def _edited(self, message: Message, post_id: int) -> None:
        posted = self._client.get_partial_messageable(post_id, guild_id=self._guild_id).get_partial_message(post_id)

        async def change(form: Form) -> None:
            shown = form.shown
            await posted.edit(
                content=shown.content,
                embeds=shown.embeds,
                allowed_mentions=shown.allowed_mentions,
                view=shown.view,
            )

        form = Form(self._render(message))
        try:
            await self._there(taken(form, message.mark, change, posting=False))
        except AnsweredError as error:
            if error.answer.code != ARCHIVED:
                raise
            await self._open(post_id)
            await self._there(taken(form, message.mark, change, posting=False))

    async def _there(self, asking: Awaitable[None]) -> None:
        try:
            await asking
        except AnsweredError as error:
            if error.answer.code == NO_CHANNEL:
                raise VanishedError(str(error.answer)) from error
            raise

    async def _open(self, post_id: int) -> None:
        """Open a post that rests."""
        self._brought.pop(post_id, None)
        try:
            await self._posts.change(post_id, archived=False)
        except AnsweredError as error:
            if error.answer.code == TOO_MANY:
                await self._make_room()
            if error.answer.code in REFUSED:
                raise _LockedError(str(error.answer)) from error
            raise

    # What goes with a message

    async def _closed_again(self, post_id: int) -> None:
        """Close the post of a card that is over, since what was said in it has opened it."""
        card = await self._rows.card_at(post_id) if self._rows else None
        if card is None or card.due:  # it is about to be brought to what it is to be
            return
        if (wanted := state(card.message)).closed:
            self._brought.pop(post_id, None)
            await self._bring(post_id, wanted)

    async def _finished(self, bringing: Awaitable[None]) -> None:
        """Bring about what goes with a message that is there.

        Raises:
            UnfinishedError: That has to be tried again.
        """
        try:
            async with in_the_outbox_words(self._answer, Asked.EDIT):
                await bringing
        except (_LockedError, RefusedError, VanishedError, BlockedError) as error:
            event(logger, logging.INFO, "a post is left as it is", error=str(error))
        except DeliveryError as error:
            raise UnfinishedError(str(error), error.after, everywhere=error.everywhere) from error

    async def _bring(self, post_id: int, wanted: State, now: Post | None = None) -> None:
        """Tag the post, and close it, as it is to be; nothing where it was brought to that before."""
        if now is None and self._brought.get(post_id) == wanted:
            return
        post = now or await self._posts.get(post_id)
        tags = self._posts.with_labels(post.tags, wanted.labels)
        if set(tags) != set(post.tags):
            post = await self._tagged(post, wanted)
        if wanted.closed and not post.archived:
            await self._posts.change(post_id, archived=True)
        _remember(self._brought, post_id, wanted)

    async def _tagged(self, post: Post, wanted: State) -> Post:
        """Give it its tags; as it was, where it takes none."""
        for again in (True, True, False):
            tags = self._posts.with_labels(post.tags, wanted.labels)
            opening = {"archived": False} if post.archived else {}
            try:
                return await self._posts.change(post.id, applied_tags=[*map(str, tags)], **opening)
            except AnsweredError as error:
                if error.answer.code == TOO_MANY:
                    return post
                if error.answer.code == ARCHIVED:
                    post = replace(post, archived=True)
                elif not again or not await self._other_tags(error):
                    if CODES.get(error.answer.code or 0) is About.NOTHING or error.answer.code is None:
                        raise
                    event(logger, logging.WARNING, "a post goes without tags", error=error.answer)
                    return post
        return post


def _remember(known: dict[int, T], post_id: int, what: T) -> None:
    known[post_id] = what
    if len(known) > REMEMBERED:
        del known[next(iter(known))]


class _LockedError(Exception):
    """Somebody locked the post, and the bot may not manage threads."""
