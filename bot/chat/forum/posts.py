"""The posts of one forum, by REST alone: made, listed, opened and closed, tagged and pinned.

Each call belongs into `in_the_outbox_words`, and raises `AnsweredError` where Discord says no. Sources:
docs.discord.com, "Start Thread in Forum or Media Channel", "Modify Channel", "List Active Guild Threads", "List Public
Archived Threads", and "Threads": whoever made a thread may archive it, and a change of an archived one must open it.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import discord
from discord.http import handle_message_parameters

from bot.chat.alerts import Alert
from bot.chat.tags import Label, Tag, merged
from bot.domain.value import Value

PINNED: Final = 1 << 1
REQUIRE_TAG: Final = 1 << 4
WEEK: Final = 10_080
HOUR: Final = 60
"""Minutes of silence after which Discord archives a post by itself; there are four such spans, and these are two."""

CLOCK_SKEW: Final = timedelta(days=1)
"""How far the host's clock may be ahead of Discord's, or have been, when a post is looked for by time."""

PAGE: Final = 100


class Post(Value):
    """A post, as Discord has it."""

    id: int
    """Also of its first message."""
    tags: tuple[int, ...] = ()
    archived: bool = False
    locked: bool = False
    flags: int = 0

    @property
    def pinned(self) -> bool:
        """Whether it stands before all others."""
        return bool(self.flags & PINNED)


class First(Value):
    """The first message of a post, as it reads."""

    content: str
    embeds: tuple[discord.Embed, ...]

    @property
    def words(self) -> list[str]:
        """Those of its text and its footers, where its mark is."""
        return " ".join([self.content, *(each.footer.text or "" for each in self.embeds)]).split()


class Posts:
    """What can be done with the posts of one forum."""

    def __init__(self, client: discord.Client, guild_id: int, forum_id: int) -> None:
        self._client = client
        self._guild_id = guild_id
        self.forum_id = forum_id
        self.tags: tuple[Tag, ...] = ()
        """Those that there are; as of the last `look`."""
        self.required = False
        """Whether a post must have one."""
        self.moderated = True
        """Whether the bot may set those for which Manage Threads is needed, as far as it knows."""

    async def look(self) -> None:
        """Look at the tags that there are."""
        self.read(await self._client.http.get_channel(self.forum_id))

    def read(self, forum: Any) -> None:  # noqa: ANN401 - as Discord sends it
        """Learn of the tags that there are, and try all of them anew."""
        self.moderated = True
        self.tags = tuple(
            Tag(int(each["id"]), each["name"], bool(each.get("moderated")))
            for each in forum.get("available_tags") or ()
        )
        self.required = bool(forum.get("flags", 0) & REQUIRE_TAG)

    def with_labels(self, present: Sequence[int], labels: frozenset[Label]) -> tuple[int, ...]:
        """The tags that a post is to have that has these, and of which that is true."""
        return merged(self.tags, present, labels, required=self.required, moderated=self.moderated)

    async def start(self, title: str, shown: Alert, tags: Sequence[int], minutes: int) -> Post:
        """Make a post, which Discord archives after so many minutes in which nobody wrote."""
        with handle_message_parameters(
            content=shown.content,
            embeds=shown.embeds,
            allowed_mentions=shown.allowed_mentions,
            flags=discord.MessageFlags(suppress_notifications=True) if shown.silent else discord.utils.MISSING,
            view=shown.view or discord.utils.MISSING,
            channel_payload={"name": title, "auto_archive_duration": minutes, "applied_tags": [*map(str, tags)]},
        ) as params:
            return _post(await self._client.http.start_thread_in_forum(self.forum_id, params=params))

    async def get(self, post_id: int) -> Post:
        """A post as it is now."""
        return _post(await self._client.http.get_channel(post_id))

    async def change(self, post_id: int, **what: Any) -> Post:  # noqa: ANN401 - as Discord takes it
        """Change a post: `archived`, `applied_tags`, `flags`."""
        return _post(await self._client.http.edit_channel(post_id, **what))

    async def delete(self, post_id: int) -> None:
        """Delete a post with all that is written in it."""
        await self._client.http.delete_channel(post_id)

    async def delete_first(self, post_id: int) -> None:
        """Delete the first message of a post, which stays."""
        await self._client.http.delete_message(post_id, post_id)

    async def first(self, post_id: int) -> First | None:
        """The first message of a post; None where it was deleted."""
        found = await self._client.http.logs_from(post_id, 1, after=post_id - 1)
        if not found or int(found[0]["id"]) != post_id:
            return None
        embeds = tuple(map(discord.Embed.from_dict, found[0]["embeds"]))
        return First(found[0]["content"], embeds)

    async def active(self) -> list[Post]:
        """The bot's own posts that are open."""
        said = await self._client.http.get_active_threads(self._guild_id)
        return [_post(each) for each in said["threads"] if self._is_own(each)]

    async def since(self, since: datetime) -> AsyncIterator[Post]:
        """The bot's own posts made since then, open ones first."""
        oldest = since - CLOCK_SKEW
        first_id = discord.utils.time_snowflake(oldest)
        for post in sorted(await self.active(), key=lambda each: each.id, reverse=True):
            if post.id >= first_id:
                yield post
        before, more = None, True
        while more:
            # By its documentation `before` is a time, of which discord.py knows nothing here.
            said: Any = await self._client.http.get_public_archived_threads(self.forum_id, before, PAGE)
            times = [each["thread_metadata"]["archive_timestamp"] for each in said["threads"]]
            for each in said["threads"]:
                if self._is_own(each) and int(each["id"]) >= first_id:
                    yield _post(each)
            # What was archived before then was made before then.
            more = bool(said.get("has_more") and times) and discord.utils.parse_time(times[-1]) >= oldest
            before = times[-1] if times else None

    def _is_own(self, thread: Any) -> bool:  # noqa: ANN401 - as Discord sends it
        own = self._client.user.id if self._client.user else 0
        return int(thread.get("parent_id") or 0) == self.forum_id and int(thread.get("owner_id") or 0) == own


def _post(thread: Any) -> Post:  # noqa: ANN401 - as Discord sends it
    state = thread.get("thread_metadata") or {}
    return Post(
        int(thread["id"]),
        tuple(map(int, thread.get("applied_tags") or ())),
        bool(state.get("archived")),
        bool(state.get("locked")),
        int(thread.get("flags") or 0),
    )
