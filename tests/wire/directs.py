"""Whom the fake Discord lets the bot speak to beside the ops channel: people, in direct messages, and threads.

Sources: docs.discord.com, "Create DM", "Start Thread from Message" and "Opcodes and Status Codes": a person has one
channel of direct messages with a bot, however often it is opened; a thread under a message has the id of the message,
which can have one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.wire.limits import Json
from tests.wire.messages import Board, Message, RefusalError, refuse_invalid
from tests.wire.world import ANNOUNCEMENTS, TEXT, THREAD, Channel, Guild, Member

DIRECT = 1
NEWS_THREAD = 10
LONGEST_NAME = 100


@dataclass(eq=False, slots=True)
class Directs:
    """The channels of direct messages, and the threads under messages."""

    guild: Callable[[], Guild]
    board: Board
    refusing: set[int] = field(default_factory=set)
    """People who take no direct messages: 50007."""
    may_open_threads: bool = True
    """CREATE_PUBLIC_THREADS."""
    channels: dict[int, Channel] = field(default_factory=dict)
    """By id: those of direct messages have the type 1, and the person as `parent_id`."""

    def get(self, channel_id: int) -> Channel | None:
        """The channel of direct messages, or the thread, of that id."""
        return self.channels.get(channel_id)

    def open(self, person: int) -> Json:
        """The channel of direct messages with somebody, which is made when there is none."""
        member = self._member(person)
        found = self._of(person)
        if found is None:
            found = Channel(self.board.snowflake(), member.name, DIRECT, parent_id=person)
            self.channels[found.id] = found
        return {"id": str(found.id), "type": DIRECT, "last_message_id": None, "flags": 0, "recipients": [member.user()]}

    def messages(self, person: int) -> list[Message]:
        """What the bot and somebody wrote each other, oldest first."""
        found = self._of(person)
        return [] if found is None else self.board.channel(found.id)

    def check(self, channel_id: int) -> None:
        """Refuse a message to somebody who takes none."""
        found = self.channels.get(channel_id)
        if found is not None and found.type == DIRECT and found.parent_id in self.refusing:
            raise RefusalError(403, 50007, "Cannot send messages to this user")

    def start(self, under: Message, asked: Json) -> Channel:
        """A thread under a message."""
        if not self.may_open_threads:
            raise RefusalError(403, 50013, "Missing Permissions")
        parent = next((each for each in self.guild().channels if each.id == under.channel_id), None)
        if parent is None or parent.type not in {TEXT, ANNOUNCEMENTS}:
            raise RefusalError(400, 50024, "Cannot execute action on this channel type")
        if not 1 <= len(asked.get("name", "")) <= LONGEST_NAME:
            refuse_invalid({"name": {"_errors": [{"code": "BASE_TYPE_BAD_LENGTH", "message": "1 to 100 in length"}]}})
        if under.id in self.channels:
            raise RefusalError(400, 160004, "A thread has already been created for this message")
        kind = THREAD if parent.type == TEXT else NEWS_THREAD
        thread = self.channels[under.id] = Channel(under.id, asked["name"], kind, parent_id=parent.id)
        return thread

    @property
    def threads(self) -> list[Channel]:
        """The threads that there are, in the order in which they were opened."""
        return [each for each in self.channels.values() if each.type != DIRECT]

    def delete(self, channel_id: int) -> None:
        """Somebody deletes a thread."""
        del self.channels[channel_id]

    def _of(self, person: int) -> Channel | None:
        return next((each for each in self.channels.values() if each.type == DIRECT and each.parent_id == person), None)

    def _member(self, person: int) -> Member:
        found = next((each for each in self.guild().members if each.id == person and not each.bot), None)
        if found is None:
            raise RefusalError(400, 50033, "Invalid Recipient(s)")
        return found
