"""What a person does with the bot's commands and buttons, and what the bot answered.

Source: docs.discord.com, "Receiving and responding to interactions".
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from tests.wire.limits import Json
from tests.wire.messages import Message, Version
from tests.wire.moment import loop_time
from tests.wire.world import Member

_SUBCOMMANDS = {1, 2}
"""The option types of a subcommand and of a group of them."""


class Act(IntEnum):
    """What a person did."""

    COMMAND = 2
    PRESS = 3
    AUTOCOMPLETE = 4
    SUBMIT = 5
    """Sent a form."""


class Reply(IntEnum):
    """What the bot answered with."""

    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


@dataclass(eq=False, slots=True)
class Interaction:
    """One act of a person, and what came of it. Goes on changing while the bot edits its answer."""

    id: int
    act: Act
    by: Member
    channel_id: int
    on: Message | None = None
    """The message that a button was pressed on."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    at: float = field(default_factory=loop_time)
    """When it was sent to the bot, as `time.monotonic()`."""
    reply: Reply | None = None
    """None while the bot has said nothing: Discord then shows that the application did not respond."""
    data: Json = field(default_factory=dict)
    """What the answer carried, as sent."""
    seconds: float | None = None
    """How long the first answer took to arrive."""
    message: Message | None = None
    """The answer as a message (`@original`): a new one, or for an update the one that was pressed on."""
    followups: list[Message] = field(default_factory=list)
    settled: bool = False
    """Whether the answer shows what it is about: at once, or since a deferred one was edited or followed up."""

    @property
    def shown(self) -> Version:
        """What the person sees now.

        Raises:
            LookupError: there is nothing to see.
        """
        if self.message is None:
            message = f"the bot showed nothing: its answer was {self.reply!r}"
            raise LookupError(message)
        return self.message.now

    @property
    def choices(self) -> list[Json]:
        """What the bot suggested."""
        return list(self.data.get("choices", []))


def command_data(commands: Sequence[Json], path: str, options: Mapping[str, object], focused: str = "") -> Json:
    """The `data` of a command as Discord would send it, for `"token"` or, in a group, `"incident ack"`.

    People among the options are sent by their ids, and resolved.

    Raises:
        LookupError: the bot registered no such command or option, so nobody could pick it.
    """
    first, *rest = path.split()
    command = _named(commands, first)
    data: Json = {"id": command["id"], "name": first, "type": 1, "guild_id": command["guild_id"]}
    below = data
    for step in rest:
        command = _named(command.get("options", []), step)
        nested: Json = {"name": step, "type": command["type"]}
        below["options"] = [nested]
        below = nested
    known = [option for option in command.get("options", []) if option["type"] not in _SUBCOMMANDS]
    people = [value for value in options.values() if isinstance(value, Member)]
    if people:
        data["resolved"] = resolved(*people)
    below["options"] = [
        {
            "name": name,
            "type": _named(known, name)["type"],
            "value": str(value.id) if isinstance(value, Member) else value,
        }
        | ({"focused": True} if name == focused else {})
        for name, value in options.items()
    ]
    return data


def _named(items: Sequence[Json], name: str) -> Json:
    for item in items:
        if item["name"] == name:
            return item
    message = f"{name!r} is not among {[item['name'] for item in items]}"
    raise LookupError(message)


def resolved(*people: Member) -> Json:
    """What Discord sends of people whom somebody chose from a menu; their permissions are those of everyone."""
    members = {}
    for each in people:
        member = each.payload()
        del member["user"]
        members[str(each.id)] = member | {"permissions": "0"}
    return {"users": {str(each.id): each.user() for each in people}, "members": members}
