"""The messages of the fake Discord: posted, edited, deleted, remembered by nonce, and never forgotten by the test."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from tests.wire.limits import Json, message_errors, values
from tests.wire.moment import loop_time
from tests.wire.world import Guild, Member

EPOCH_MS = 1_420_070_400_000
"""Discord's first second, 2015-01-01, from which its ids count."""

EPHEMERAL = 1 << 6
LOADING = 1 << 7

_SHOWN = ("content", "embeds", "components")
_REFERENCE = ("message_id", "channel_id", "guild_id")
_MENTION = re.compile(r"<@(\d+)>")
_ROLE_MENTION = re.compile(r"<@&(\d+)>")


class RefusalError(Exception):
    """Discord says no: an HTTP status, its own code, its sentence, and for a 50035 the tree of errors."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"message": message, "code": code} | ({"errors": errors} if errors else {})


def refuse_invalid(errors: Json) -> None:
    """Refuse a form with these errors, if there are any."""
    if errors:
        raise RefusalError(400, 50035, "Invalid Form Body", errors)


@dataclass(frozen=True, slots=True)
class Version:
    """A message as it stood from `at` (`time.monotonic()`, seconds) on."""

    at: float
    body: Json

    @property
    def content(self) -> str:
        """The text above the embeds."""
        return str(self.body["content"])

    @property
    def embeds(self) -> list[Json]:
        """The embeds, as sent."""
        return list(self.body["embeds"])

    @property
    def text(self) -> str:
        """Everything a reader sees, a line a piece; links and colours are left out."""
        return "\n".join([self.content, *(line for embed in self.embeds for line in _lines(embed))])

    @property
    def mentioned_roles(self) -> list[int]:
        """The roles that the content mentions and its allowed mentions let through."""
        return [int(role) for role in self.body["mention_roles"]]

    @property
    def mentioned_people(self) -> list[int]:
        """The people, likewise."""
        return [int(person["id"]) for person in self.body["mentions"]]

    @property
    def buttons(self) -> dict[str, str]:
        """What the buttons and menus are called (a menu by its placeholder), to their custom ids."""
        parts = [part for _, part in values(self.body, "components.*.components.*") if isinstance(part, dict)]
        return {
            part.get("label") or part.get("placeholder") or "": part["custom_id"]
            for part in parts
            if "custom_id" in part
        }


def _lines(embed: Json) -> Iterator[str]:
    for path in ("author.name", "title", "description", "fields.*.name", "fields.*.value", "footer.text"):
        yield from (str(text) for _, text in values(embed, path))


@dataclass(eq=False, slots=True)
class Message:
    """A message and all its versions, the first as it was posted, the last as it is shown now."""

    id: int
    channel_id: int
    author: Member
    nonce: str = ""
    versions: list[Version] = field(default_factory=list)
    deleted: bool = False

    @property
    def now(self) -> Version:
        """As shown now."""
        return self.versions[-1]

    @property
    def at(self) -> float:
        """When it was posted, as `time.monotonic()`."""
        return self.versions[0].at

    @property
    def ephemeral(self) -> bool:
        """Whether only one person sees it."""
        return bool(self.now.body["flags"] & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Whether it still says that the bot is thinking."""
        return bool(self.now.body["flags"] & LOADING)


Clock: TypeAlias = Callable[[], datetime]


class Board:
    """Every message that was ever made, by id, in order.

    Args:
        guild: says which roles can be mentioned.
        clock: the wall clock of ids and timestamps.
        nonce_memory: for how many seconds a nonce is remembered. Discord says "the past few minutes".
    """

    def __init__(self, guild: Guild, clock: Clock, nonce_memory: float) -> None:
        self.nonce_memory = nonce_memory
        self.harmful: set[str] = set()
        """Hosts to which no message may link."""
        self.all: dict[int, Message] = {}
        self._guild = guild
        self._clock = clock
        self._serial = 0

    def snowflake(self) -> int:
        """A new id that says when it was made, as Discord's do."""
        self._serial += 1
        return (int(self._clock().timestamp() * 1000) - EPOCH_MS) << 22 | self._serial % (1 << 22)

    def post(self, channel_id: int, payload: Json, author: Member) -> Message:
        """Make a message, or find the one that was made with the same nonce a moment ago.

        Raises:
            RefusalError: it is too long, or says nothing.
        """
        self._refuse(payload)
        if not any(payload.get(part) for part in _SHOWN) and not payload.get("flags", 0) & LOADING:
            raise RefusalError(400, 50006, "Cannot send an empty message")
        nonce = str(payload.get("nonce") or "")
        return (payload.get("enforce_nonce") and self._remembered(channel_id, nonce)) or self._make(
            channel_id, nonce, payload, author
        )

    def edit(self, message: Message, payload: Json) -> None:
        """Change what a message shows; what the payload leaves out stays.

        Raises:
            RefusalError: it is too long.
        """
        self._refuse(payload)
        kept = {part: message.now.body[part] for part in _SHOWN}
        changed = {part: payload[part] for part in (*_SHOWN, "allowed_mentions") if part in payload}
        edited: Json = {"edited_timestamp": self._clock().isoformat(), "flags": message.now.body["flags"] & ~LOADING}
        body = message.now.body | self._shown(kept | changed) | edited
        message.versions.append(Version(loop_time(), body))

    def _refuse(self, payload: Json) -> None:
        refuse_invalid(message_errors(payload))
        if any(f"//{host}" in json.dumps(payload).replace("\\", "") for host in self.harmful):
            raise RefusalError(400, 240000, "Message blocked by harmful links filter")

    def get(self, channel_id: int, message_id: int) -> Message:
        """A message of a channel.

        Raises:
            RefusalError: there is none, or no longer.
        """
        message = self.all.get(message_id)
        if message is None or message.channel_id != channel_id or message.deleted:
            raise RefusalError(404, 10008, "Unknown Message")
        return message

    def channel(self, channel_id: int) -> list[Message]:
        """What everybody sees in a channel, oldest first."""
        return [
            message
            for message in self.all.values()
            if message.channel_id == channel_id and not message.ephemeral and not message.deleted
        ]

    def forget_nonces(self) -> None:
        """Remember none of those that there were."""
        for message in self.all.values():
            message.nonce = ""

    def _remembered(self, channel_id: int, nonce: str) -> Message | None:
        since = loop_time() - self.nonce_memory
        same = (message for message in self.channel(channel_id) if message.nonce == nonce and message.at >= since)
        return next(same, None) if nonce else None

    def _make(self, channel_id: int, nonce: str, payload: Json, author: Member) -> Message:
        message = Message(self.snowflake(), channel_id, author, nonce)
        body: Json = {
            "id": str(message.id),
            "channel_id": str(channel_id),
            "type": 0,
            "author": author.user(),
            "timestamp": self._clock().isoformat(),
            "edited_timestamp": None,
            "tts": False,
            "attachments": [],
            "pinned": False,
            "flags": payload.get("flags", 0),
        }
        body |= self._shown(payload) | ({"nonce": nonce} if nonce else {})
        if answered := payload.get("message_reference"):
            body["message_reference"] = {name: answered[name] for name in _REFERENCE if name in answered}
        message.versions.append(Version(loop_time(), body))
        self.all[message.id] = message
        return message

    def _shown(self, payload: Json) -> Json:
        content = payload.get("content") or ""
        allowed = payload.get("allowed_mentions") or {"parse": ["roles", "users", "everyone"]}
        permitted = {int(role) for role in allowed.get("roles", [])}
        mentionable = {role.id for role in self._guild.roles if role.mentionable}
        mentioned = [int(role) for role in _ROLE_MENTION.findall(content) if int(role) in mentionable]
        every = "roles" in allowed.get("parse", [])
        people, anybody = {int(each) for each in allowed.get("users", [])}, "users" in allowed.get("parse", [])
        called = dict.fromkeys(int(each) for each in _MENTION.findall(content))
        return {
            "content": content,
            "embeds": [{"type": "rich", **embed} for embed in payload.get("embeds") or []],
            "components": payload.get("components") or [],
            "mention_roles": [str(role) for role in mentioned if every or role in permitted],
            "mentions": [
                each.user() for each in self._guild.members if each.id in called and (anybody or each.id in people)
            ],
            "mention_everyone": "everyone" in allowed.get("parse", []) and "@everyone" in content,
        }
