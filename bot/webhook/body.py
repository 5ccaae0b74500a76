"""What the fallback address is sent: one object for everybody, in which each service finds the field that it reads.

Most ignore what they do not know. Where one refuses it, or reads something else into a field, that is said here:

* `priority` is left out: an integer for Gotify and Pushover, an object for Mattermost, which takes nothing else
* `allowed_mentions` is Discord's: nobody is mentioned, whatever the text says. Mattermost and Slack know no such word,
  so that what they take for a mention is broken up in the text itself
* Google Chat refuses any field but its own
* ntfy shows the body as it is, and takes from headers what to make of it: see `headers`
"""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

LONGEST = 500
"""Bytes of a reason in JSON, which is in five fields: ntfy makes a file of a body that has more than 4,096. Of the
services that set a limit Discord has the lowest, 2,000 characters."""


class Event(StrEnum):
    """What the address is told of. The words are documented in docs/incidents.md: somebody's rules wait for them."""

    OPS_CHANNEL_BLOCKED = "ops_channel_blocked"
    """The bot may not post in the ops channel, or could not for minutes."""
    OPS_CHANNEL_OPEN = "ops_channel_open"
    """It may again."""
    MESSAGE_REFUSED = "message_refused"
    """Discord will not take the message about something that is open."""
    DATABASE_UNWRITABLE = "database_unwritable"
    """The bot cannot save: it sees, and posts nothing about incidents."""
    DATABASE_WRITABLE = "database_writable"
    """It can again."""
    DATABASE_AWAY = "database_away"
    """It has not answered for minutes: nothing is seen, and nothing posted."""
    DATABASE_BACK = "database_back"
    """It answers again."""
    BOT_ENDED = "bot_ended"
    """The bot cannot run, and starting it again does not help."""
    TEST = "test"
    """Somebody wants to know whether the address is the right one."""


TITLES: Mapping[Event, str] = {
    Event.OPS_CHANNEL_BLOCKED: "ImaginePro bot cannot post alerts",
    Event.OPS_CHANNEL_OPEN: "ImaginePro bot can post alerts again",
    Event.MESSAGE_REFUSED: "ImaginePro bot: Discord refused an alert",
    Event.DATABASE_UNWRITABLE: "ImaginePro bot cannot save, so it posts no alerts",
    Event.DATABASE_WRITABLE: "ImaginePro bot can save again",
    Event.DATABASE_AWAY: "ImaginePro bot cannot reach its database",
    Event.DATABASE_BACK: "ImaginePro bot reaches its database again",
    Event.BOT_ENDED: "ImaginePro bot has stopped, and somebody has to fix it",
    Event.TEST: "ImaginePro bot: this is a test",
}
"""What a phone shows first; ASCII, as it is also sent in a header."""

GOOD = frozenset({Event.OPS_CHANNEL_OPEN, Event.DATABASE_WRITABLE, Event.DATABASE_BACK})
"""Of what nobody has to be woken."""

_FIELDS = {"chat.googleapis.com": ("text",)}
"""The only fields that a host takes."""

_BROKEN = str.maketrans({"@": "@\u200b", "<": "\u2039", ">": "\u203a"})
"""`@channel` of Mattermost and Discord, `<!channel>` of Slack and `<users/all>` of Google Chat mention people."""


def body(what: Event, reason: str, at: datetime, url: str) -> dict[str, object]:
    """What is sent as JSON to that address."""
    title = TITLES[what]
    reason = _cut(reason) or title
    line = f"{title}: {reason}".translate(_BROKEN)
    fields: dict[str, object] = {
        "event": what,
        "reason": reason,
        "at": at.isoformat(),
        "title": title,
        "text": line,
        "content": line,
        "message": reason,
        "body": reason,
        "allowed_mentions": {"parse": []},
    }
    only = _FIELDS.get(urlsplit(url).hostname or "")
    return fields if only is None else {name: fields[name] for name in only}


def _cut(reason: str) -> str:
    left = LONGEST
    for place, char in enumerate(reason):
        left -= len(json.dumps(char.translate(_BROKEN))) - len('""')
        if left < 0:
            return f"{reason[:place]}…"
    return reason


def headers(what: Event, url: str) -> dict[str, str]:
    """What ntfy is told about the body, but for what the address says itself: a header would win over its query."""
    said = {name.lower().removeprefix("x-") for name, _ in parse_qsl(urlsplit(url).query)}
    shown = {
        "Template": "yes",
        "Title": TITLES[what],
        "Message": "{{.message}}",
        "Priority": "default" if what in GOOD else "max",
    }
    if said & {*_NTFY["Template"], *_NTFY["Message"]}:  # whoever words it, words all of it
        shown = {"Priority": shown["Priority"]}
    return {f"X-{name}": text for name, text in shown.items() if not said & _NTFY[name]}


_NTFY: Mapping[str, frozenset[str]] = {
    "Template": frozenset({"template", "tpl"}),
    "Title": frozenset({"title", "t"}),
    "Message": frozenset({"message", "m"}),
    "Priority": frozenset({"priority", "prio", "p"}),
}
"""What each is called in an address. Another name there, such as `auth` or `tags`, says nothing of how it is shown."""
