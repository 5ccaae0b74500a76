"""The forums of the fake Discord: channels whose messages are all in posts, which are threads with tags.

A post and its first message have one id. Sources: docs.discord.com, "Threads" (forum channels, editing, permissions),
"Start Thread in Forum or Media Channel", "Modify Channel" (thread), "List Active Guild Threads" and "List Public
Archived Threads"; that a forum may ask for a tag and have none: https://github.com/RooCodeInc/Roomote/pull/531.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from tests.wire.limits import Json
from tests.wire.messages import Board, Message, RefusalError, refuse_invalid
from tests.wire.world import BOT, FORUM, MEDIA, REQUIRE_TAG, THREAD, Channel, Guild, Member

PINNED = 1 << 1
MOST_TAGS = 5
MOST_ACTIVE = 1000
"""Threads of a server that are open at once, at most: 160006."""
LONGEST_NAME = 100


@dataclass(eq=False, slots=True)
class Post:
    """A post of a forum."""

    id: int
    forum_id: int
    name: str
    owner: Member
    tags: list[int]
    auto_archive: int
    archived_at: datetime
    """When it was archived or opened last, or made."""
    archived: bool = False
    locked: bool = False
    flags: int = 0
    deleted: bool = False
    changes: int = 0
    """How often it was changed: its tags, its flags, or whether it is archived."""
    log: list[Json] = field(default_factory=list)
    """What was asked for each time."""

    @property
    def pinned(self) -> bool:
        """Whether it stands before all others."""
        return bool(self.flags & PINNED)

    def payload(self, guild_id: int) -> Json:
        """As Discord sends it."""
        return {
            "id": str(self.id),
            "type": THREAD,
            "guild_id": str(guild_id),
            "parent_id": str(self.forum_id),
            "owner_id": str(self.owner.id),
            "name": self.name,
            "last_message_id": str(self.id),
            "rate_limit_per_user": 0,
            "message_count": 1,
            "member_count": 1,
            "total_message_sent": 1,
            "flags": self.flags,
            "applied_tags": [str(tag) for tag in self.tags],
            "thread_metadata": {
                "archived": self.archived,
                "auto_archive_duration": self.auto_archive,
                "archive_timestamp": self.archived_at.isoformat(),
                "locked": self.locked,
            },
        }


class Forums:
    """All posts of a server.

    Args:
        guild: gives the server, with its forums and their tags, as they are now.
        board: has the messages.
        clock: the wall clock.
    """

    def __init__(self, guild: Callable[[], Guild], board: Board, clock: Callable[[], datetime]) -> None:
        self._guild = guild
        self._board = board
        self._clock = clock
        self.posts: dict[int, Post] = {}
        """Every post that ever was, by id."""
        self.may_manage = False
        """Whether the bot may manage threads: MANAGE_THREADS, for pins, locks and moderated tags."""
        self.most_active = MOST_ACTIVE

    def is_forum(self, channel_id: int) -> bool:
        """Whether that channel is one."""
        return any(each.id == channel_id and each.type in {FORUM, MEDIA} for each in self._guild().channels)

    def get(self, post_id: int) -> Post | None:
        """A post that is there."""
        post = self.posts.get(post_id)
        return None if post is None or post.deleted else post

    def of(self, forum_id: int) -> list[Post]:
        """Those of a forum that are there, oldest first."""
        return [post for post in self.posts.values() if post.forum_id == forum_id and not post.deleted]

    def tags(self, post: Post) -> list[str]:
        """What the tags of a post are called."""
        names = {tag.id: tag.name for tag in self._forum(post.forum_id).tags}
        return sorted(names[tag] for tag in post.tags)

    def messages(self, forum_id: int) -> list[Message]:
        """All messages of all posts that are there, oldest first."""
        found = [message for post in self.of(forum_id) for message in self._board.channel(post.id)]
        return sorted(found, key=lambda message: message.id)

    def start(self, forum_id: int, form: Json, by: Member = BOT) -> tuple[Post, Message]:
        """Make a post.

        Raises:
            RefusalError: its form, its tags, or how many there are.
        """
        forum = self._forum(forum_id)
        name = form.get("name") or ""
        if not 1 <= len(name) <= LONGEST_NAME:
            error = {"code": "BASE_TYPE_BAD_LENGTH", "message": "Must be between 1 and 100 in length."}
            refuse_invalid({"name": {"_errors": [error]}})
        tags = [int(tag) for tag in form.get("applied_tags") or []]
        self._check_tags(forum, tags, set())
        self._check_room()
        # Discord knows a nonce of messages alone.
        message = self._board.post(0, {key: each for key, each in form["message"].items() if key != "nonce"}, by)
        message.channel_id = message.id
        message.now.body["channel_id"] = str(message.id)
        duration = form.get("auto_archive_duration", 4320)
        post = Post(message.id, forum_id, name, by, tags, duration, self._clock())
        self.posts[post.id] = post
        return post, message

    def change(self, post: Post, form: Json) -> None:
        """Change a post, as the bot.

        Raises:
            RefusalError: it is archived or locked, or that is not for this bot.
        """
        if post.archived and form.get("archived", True) and set(form) != {"archived"}:
            raise RefusalError(400, 50083, "Thread is archived")
        opens = post.archived and form.get("archived") is False
        pins = "flags" in form and (form["flags"] ^ post.flags) & PINNED
        others = post.owner != BOT and not opens
        if not self.may_manage and ("locked" in form or pins or others or (post.locked and "archived" in form)):
            raise RefusalError(403, 50013, "Missing Permissions")
        if opens:
            self._check_room()
        tags = post.tags
        if "applied_tags" in form:
            tags = [int(tag) for tag in form["applied_tags"]]
            self._check_tags(self._forum(post.forum_id), tags, set(post.tags))
        post.tags = tags
        post.changes += 1
        post.log.append(form)
        post.flags = form.get("flags", post.flags)
        post.locked = form.get("locked", post.locked)
        post.name = form.get("name", post.name)
        post.auto_archive = form.get("auto_archive_duration", post.auto_archive)
        if "archived" in form and form["archived"] != post.archived:
            self.archive(post, archived=form["archived"])

    def archive(self, post: Post, *, archived: bool = True) -> None:
        """Let it rest, or open it: by Discord itself, or by anybody."""
        post.archived, post.archived_at = archived, self._clock()
        if archived:
            post.flags &= ~PINNED

    def write_in(self, post: Post) -> None:
        """Somebody writes in it, which opens it.

        Raises:
            RefusalError: it is locked, or too many are open.
        """
        if post.locked and not self.may_manage:
            raise RefusalError(400, 160005, "Thread is locked")
        if post.archived:
            self._check_room()
            self.archive(post, archived=False)

    def delete(self, post: Post) -> None:
        """Delete it, as the bot.

        Raises:
            RefusalError: that is not for this bot.
        """
        if not self.may_manage:
            raise RefusalError(403, 50013, "Missing Permissions")
        self.remove(post)

    def remove(self, post: Post) -> None:
        """Delete it, as somebody who may."""
        post.deleted = True

    def active(self, guild_id: int) -> Json:
        """All that are open, of all forums."""
        posts = [post.payload(guild_id) for post in self.posts.values() if not post.archived and not post.deleted]
        return {"threads": posts, "members": []}

    def archived(self, forum_id: int, guild_id: int, before: str, limit: int) -> Json:
        """A page of those that rest, the one first that was archived last."""
        if not 1 <= limit <= 100:
            refuse_invalid(
                {"limit": {"_errors": [{"code": "NUMBER_TYPE_MAX", "message": "int value should be 1..100"}]}}
            )
        resting = [post for post in self.of(forum_id) if post.archived]
        if before:
            resting = [post for post in resting if post.archived_at < datetime.fromisoformat(before)]
        resting.sort(key=lambda post: post.archived_at, reverse=True)
        page = [post.payload(guild_id) for post in resting[:limit]]
        return {"threads": page, "members": [], "has_more": len(resting) > limit}

    def _forum(self, forum_id: int) -> Channel:
        return next(each for each in self._guild().channels if each.id == forum_id)

    def _check_tags(self, forum: Channel, tags: list[int], before: set[int]) -> None:
        known = {tag.id: tag for tag in forum.tags}
        if len(tags) > MOST_TAGS:
            error = {"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 5 or fewer in length."}
            refuse_invalid({"applied_tags": {"_errors": [error]}})
        if unknown := set(tags) - known.keys():
            raise RefusalError(404, 10087, f"Unknown tag {unknown}")
        if forum.flags & REQUIRE_TAG and not tags:
            raise RefusalError(400, 40067, "A tag is required to create a forum post in this channel")
        if any(known[tag].moderated for tag in set(tags) ^ before if tag in known) and not self.may_manage:
            raise RefusalError(403, 50013, "Missing Permissions")

    def _check_room(self) -> None:
        if sum(not post.archived and not post.deleted for post in self.posts.values()) >= self.most_active:
            raise RefusalError(400, 160006, "Maximum number of active threads reached")
