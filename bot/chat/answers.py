"""What an answer of Discord to a post or an edit is about, as one table: by its own code, and else by the status.

    NOTHING   nothing of ours: Discord, or what lies before it, has trouble or a limit; again later
    CHANNEL   every message alike, until a person acts: a permission, a deleted channel, a locked thread, the token
    PART      a part of this message: once more without it
    MESSAGE   this message, which is never taken as it is
    GONE      the message to edit: it is deleted, or nobody can edit it; posted anew

Only Discord's own JSON says anything about us: an object with a `message` and a `code` that is 0 or one of Discord's
(five digits or more), which no proxy's page has. Sources: the list of codes is "JSON Error Codes" of
https://docs.discord.com/developers/topics/opcodes-and-status-codes (2026); what its words leave open is at the row.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, Final

from bot.delivery.retry_after import asked_for
from bot.domain.redaction import redact
from bot.domain.value import Value, field

OLD_EDITS: Final = timedelta(seconds=6)
"""The window of 30046 (https://github.com/discord-userdoccers/discord-userdoccers/pull/551): messages that are older
than an hour may be edited three times in it, all those of a channel together."""

OWN_CODES: Final = 10_000
"""Discord's codes are greater; a proxy's are the numbers of HTTP."""

RATE_LIMITED: Final = 429


class About(Enum):
    """What an answer is about."""

    NOTHING = auto()
    CHANNEL = auto()
    PART = auto()
    MESSAGE = auto()
    GONE = auto()


class Part(Enum):
    """What a message can do without, the value being its name in the log. The simplest come first."""

    LINK = "the link button"
    REPLY = "the card that it answers"
    SILENCE = "the wish to make no sound"
    MENTIONS = "the mentions"
    FILE = "the file"
    BUTTONS = "the buttons"
    EMBED = "the embed, which is said as text"
    URLS = "the links in its text"


class Answer(Value):
    """An error that came instead of what was asked for."""

    status: int
    code: int | None = None
    """Discord's own; 0 where it names none, None where the answer is not Discord's JSON."""
    text: str = ""
    errors: Mapping[str, Any] = field(default_factory=dict)
    """Discord's tree of what is wrong in the form: https://docs.discord.com/developers/reference#error-messages."""
    after: timedelta = timedelta()
    """How long it asks to wait, an hour at most."""
    everywhere: bool = False
    """Whether a limit is on all that the bot does."""

    def __str__(self) -> str:
        """For people, in one line of the log; tokens are taken out."""
        code = f", code {self.code}" if self.code else ""
        return redact(f"Discord answered {self.status}{code}{': ' if self.text else ''}{self.text}")


_FORM: Final = 50035
_BLOCKED_LINK: Final = 240000
_OLD_MESSAGE: Final = 30046
ARCHIVED: Final = 50083
"""Editing does not open an archived thread again, posting does: https://docs.discord.com/developers/topics/threads."""

_LATER: Final = {
    20016: "slow mode",
    20022: "edits in an announcement channel",  # minutes: https://github.com/Javacord/Javacord/issues/783
    20028: "writes in this channel",
    20029: "writes in this server",
    _OLD_MESSAGE: "edits of messages older than an hour",
    40003: "too fast",
    40004: "sending is switched off for a time",
    40006: "the feature is switched off for a time",
    40062: "a service behind it has a limit",
    40333: "Cloudflare blocks the request",  # by address or User-Agent, before Discord saw it
    110000: "not yet there",
    110001: "not yet there",
    130000: "overloaded",
    530006: "resolves by itself",
}
_A_PERSON: Final = {
    10002: "no such application",
    10003: "no such channel",
    10004: "no such server",
    10013: "no such user: the bot's account",
    20001: "not for bots",
    20002: "for bots alone",
    20012: "not for this application",
    20015: "needs a subscription",
    20018: "for the owner alone",
    20024: "under age",
    20035: "the server's level is too low",
    40001: "the token is not valid",
    40002: "the account is to be verified",
    40007: "banned from the server",
    40012: "the connection was revoked",
    40058: "a forum takes posts, no messages",
    40067: "a forum wants a tag",
    50001: "no access",
    50002: "wrong kind of account",
    50003: "not in a direct message",
    50007: "this user takes no messages",
    50008: "no text channel",  # so is a forum told: https://github.com/appwrite/grafana-oncall/pull/26
    50009: "the server's verification level",
    50010: "the application has no bot",
    50013: "a permission is missing",
    50014: "the token is not valid",
    50024: "not in this type of channel",
    50025: "the OAuth2 token is not valid",
    50026: "a scope is missing",
    50041: "this version of the API is gone",
    50055: "not a server",
    ARCHIVED: "the thread is archived",
    50095: "the server is closed here",
    50097: "the server needs monetization",
    50101: "the server needs boosts",
    50178: "the account is to be verified",
    50278: "no server in common",
    60003: "two-factor authentication is needed",
    160005: "the thread is locked",
    160006: "too many open threads, so none is opened again",
    160007: "too many open announcement threads",
    220001: "a forum wants the name of a post",
    220002: "a forum wants one name",
    220003: "threads only in a forum",
    220004: "not in a forum",
}
_GONE: Final = {
    10008: "deleted",
    50005: "another user's: the bot was replaced",
    50021: "a message of the system",
    50080: "stickers cannot be edited",
    50162: "a voice message cannot be edited",
    520003: "a poll cannot be edited",
}
_WITHOUT: Final[Mapping[int, tuple[Part, ...]]] = {
    _BLOCKED_LINK: (Part.LINK, Part.URLS),  # https://github.com/Dragory/modmailbot/pull/730
    200000: (Part.LINK, Part.URLS),  # the server's own rules for texts, which are mostly about links
    160002: (Part.REPLY,),  # replying takes the permission to read the history; the word itself does not
    10011: (Part.MENTIONS,),
    50028: (Part.MENTIONS,),
    50033: (Part.MENTIONS,),
    10014: (Part.BUTTONS,),
    50151: (Part.BUTTONS,),
    30015: (Part.FILE,),
    40005: (Part.FILE,),
    50045: (Part.FILE,),
    50046: (Part.FILE,),
    50110: (Part.FILE,),
    50123: (Part.FILE,),
    50124: (Part.FILE,),
    50138: (Part.FILE,),
    50146: (Part.FILE,),
    50192: (Part.FILE,),
    400001: (Part.FILE,),
}
_NEVER: Final = {
    20009: "explicit content",
    50006: "an empty message",
    50068: "wrong type of message",
    50081: "a sticker that is not valid",
    50109: "no JSON",
    50159: "a voice message with more",
    50160: "a voice message without a sound",
    50161: "a voice message without its data",
    50173: "no voice messages here",
    50600: "a sticker that is not allowed",
    200001: "its title is blocked by the server's rules",
    520002: "no polls here",
    520004: "an emoji of a poll",
}

CODES: Final[Mapping[int, About]] = MappingProxyType(
    dict.fromkeys(_LATER, About.NOTHING)
    | dict.fromkeys(_A_PERSON, About.CHANNEL)
    | dict.fromkeys(_GONE, About.GONE)
    | dict.fromkeys(_WITHOUT, About.PART)
    | dict.fromkeys(_NEVER, About.MESSAGE)
    | {_FORM: About.PART}
)
"""What Discord's codes are about that can come for a message. Any other is about things that the bot does not do; if
one comes all the same, its status speaks."""

STATUSES: Final[Mapping[int, About]] = MappingProxyType(
    dict.fromkeys((401, 402, 403, 404, 410, 451), About.CHANNEL)
    | dict.fromkeys((400, 405, 406, 411, 413, 414, 415, 417, 422, 431), About.MESSAGE)
)
"""What Discord's JSON is about by its status, where the code does not say. Any other status is of the moment."""

FORM: Final[Mapping[str, Part]] = MappingProxyType(
    {
        "message_reference": Part.REPLY,
        "flags": Part.SILENCE,
        "allowed_mentions": Part.MENTIONS,
        "files": Part.FILE,
        "attachments": Part.FILE,
        "components": Part.BUTTONS,
        "embeds": Part.EMBED,
        "embed": Part.EMBED,
    }
)
"""The part of a message behind each field of Discord's form, as its tree of errors names them; `components` with a
`url` is the link. The rest (`content`, `nonce`) is the message itself."""


def about(answer: Answer, *, posting: bool) -> About:
    """What it is about: a post, or the edit of a message that is there."""
    if answer.code is None or answer.status == RATE_LIMITED or not 400 <= answer.status < 500:  # noqa: PLR2004 - HTTP
        return About.NOTHING
    known = CODES.get(answer.code) or STATUSES.get(answer.status, About.NOTHING)
    if known is About.GONE and posting:
        return About.PART if answer.code == 10008 else About.MESSAGE  # noqa: PLR2004 - what it answers is deleted
    return known


def parts(answer: Answer) -> tuple[Part, ...]:
    """What to leave out of a message, one after the other, until it is taken: what is named, or else the simplest."""
    if answer.code == 10008:  # noqa: PLR2004 - see above
        return (Part.REPLY,)
    if (known := _WITHOUT.get(answer.code or 0)) is not None:
        return known
    named = {path[0]: path for path in _paths(answer.errors)}
    if not named:
        return tuple(part for part in Part if part not in {Part.MENTIONS, Part.URLS})
    found = {
        Part.LINK if top == "components" and path[-1] == "url" else FORM[top]
        for top, path in named.items()
        if top in FORM
    }
    return tuple(part for part in Part if part in found) if named.keys() <= FORM.keys() else ()


def named_buttons(answer: Answer) -> frozenset[int]:
    """Which components are refused, counted through all rows of five; empty where none is named."""
    found = set()
    for path in _paths(answer.errors):
        match path:
            case ("components", row, "components", column, *_) if row.isdecimal() and column.isdecimal():
                found.add(5 * int(row) + int(column))
    return frozenset(found)


def _paths(tree: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where Discord's tree of errors has one: `_errors`, or a plain text, at the end of the path."""
    if isinstance(tree, Mapping) and "_errors" not in tree:
        for step, below in tree.items():
            yield from _paths(below, (*path, str(step)))
    elif path:
        yield path


def read(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """What came, whatever it is: Discord's JSON, a proxy's, a page, or nothing; told by the body, not by its label."""
    said = _object(body)
    code, message = said.get("code", 0), said.get("message")
    limited = status == RATE_LIMITED and "retry_after" in said  # a limit has a code now and then
    own = isinstance(message, str) and ("code" in said or limited) and _is_own(code)
    text = message if own and isinstance(message, str) else ""
    errors = said.get("errors")
    scope = headers.get("X-RateLimit-Scope", ""), headers.get("X-RateLimit-Global", "")
    return Answer(
        status,
        code if own else None,
        text,
        errors if own and isinstance(errors, dict) else {},
        asked_wait(headers, said, OLD_EDITS if own and code == _OLD_MESSAGE else timedelta()),
        everywhere=said.get("global") is True or scope[0] == "global" or scope[1].lower() == "true",
    )


def _is_own(code: object) -> bool:
    return isinstance(code, int) and not isinstance(code, bool) and (code == 0 or code >= OWN_CODES)


def is_yes(body: bytes, *, several: bool) -> bool:
    """Whether it is what Discord says of a message, or of `several`: each has an id."""
    said = _json(body)
    if several:
        return isinstance(said, list) and all(isinstance(each, dict) and "id" in each for each in said)
    return isinstance(said, dict) and "id" in said


def lists_threads(body: bytes) -> bool:
    """Whether it is what Discord says of threads: a list of them, each with an id."""
    said = _object(body).get("threads")
    return isinstance(said, list) and all(isinstance(each, dict) and "id" in each for each in said)


def _object(body: bytes) -> dict[str, Any]:
    said = _json(body)
    return said if isinstance(said, dict) else {}


def _json(body: bytes) -> object:
    """None where it is none, or one that nobody writes."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def asked_wait(
    headers: Mapping[str, str],
    body: Mapping[str, object] = MappingProxyType({}),
    otherwise: timedelta = timedelta(),
) -> timedelta:
    """How long an answer asks to wait, an hour at most; `otherwise` where it does not say.

    The body says it exactly, `Retry-After` in whole seconds or as a date, which counts from the answer's own `Date`.
    """
    for asked in (body.get("retry_after"), headers.get("Retry-After"), headers.get("X-RateLimit-Reset-After")):
        if (wait := asked_for(asked, headers.get("Date", ""))) is not None:
            return wait
    return otherwise
