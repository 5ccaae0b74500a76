"""Every endpoint that the bot may call: method, path, and what is known of it. A row is all that a path ever is here.

What ImaginePro does not publish has no path, and none is guessed: whoever has its documentation sets it. Sources of the
others: docs.imaginepro.ai (its generation of 2026), imaginepro.ai/docs (the one before, whose paths are in `other`).
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

import msgspec

from bot.domain.value import Value, replace

PREFIX: Final = "IMAGINEPRO_ENDPOINT_"
"""What a variable's name begins with that says where an endpoint is."""


_BRACES: Final = re.compile(r"\{(\w+)\}")
_COMMAND: Final = '{"cmd": "{command}", "%s": "{token}"}'


class Confidence(StrEnum):
    """How sure it is that an endpoint is there, and as the row says."""

    DOCUMENTED = "documented"
    CONTRADICTED = "documented, in more than one way"
    NAMED = "named, its path not published"


class Endpoint(Value):
    """One call of the API."""

    name: str
    """As in `IMAGINEPRO_ENDPOINT_QUEUE_PAUSE`, less its beginning."""
    method: str
    path: str | None
    """With `{job}`, `{token}` and the like where they go; None where it is not published, and nobody set it."""
    what: str
    """What it is for, as a list for people has it."""
    confidence: Confidence = Confidence.DOCUMENTED
    other: str | None = None
    """Another documented path, tried where the first is not found."""
    changes: bool = False
    """Whether it changes or costs something, so that it is sent once."""
    takes: tuple[str, ...] = ()
    """What path and body may have in braces."""
    body: str = ""
    """What is sent: JSON in which a text such as `"{token}"` stands for the value itself; empty for nothing."""
    yours: bool = False
    """Whether the operator set it."""

    @property
    def variable(self) -> str:
        """The name of the variable that sets it."""
        return PREFIX + self.name

    @property
    def once(self) -> bool:
        """Whether it is sent once, and not again when it fails."""
        return self.changes or self.method != "GET"

    @property
    def paths(self) -> tuple[str, ...]:
        """Where it may be, the likelier first."""
        return tuple(filter(None, (self.path, self.other)))

    @property
    def state(self) -> str:
        """For people: where its path is from."""
        if self.yours:
            return "set by you"
        return "published" if self.path else "not set"


def filled(endpoint: Endpoint, values: Mapping[str, object]) -> tuple[tuple[str, ...], bytes]:
    """The paths of a call and its body, with these values in them; in a path encoded, so that none leads elsewhere.

    Raises:
        KeyError: One is missing; it is the name.
    """
    paths = tuple(_BRACES.sub(lambda found: quote(str(values[found[1]]), safe=""), each) for each in endpoint.paths)
    body = msgspec.json.encode(_put(msgspec.json.decode(endpoint.body), values)) if endpoint.body else b""
    return paths, body


def _put(body: object, values: Mapping[str, object]) -> object:
    match body:
        case dict():
            return {key: _put(each, values) for key, each in body.items()}
        case list():
            return [_put(each, values) for each in body]
        case str():
            found = _BRACES.fullmatch(body)
            return values[found[1]] if found else body
    return body


def naming(endpoint: Endpoint, field: str) -> Endpoint:
    """The endpoint of commands, where it is as documented, with that name for the field that names the token."""
    return endpoint if endpoint.yours and endpoint.body else replace(endpoint, body=_COMMAND % field)


_JOB: Final = ("job",)
_TOKEN: Final = ("token",)
_PROMPT: Final = '{"prompt": "{prompt}"}'
_D, _C, _N = Confidence.DOCUMENTED, Confidence.CONTRADICTED, Confidence.NAMED

_ROWS: Final = (
    Endpoint("LIST", "GET", "/api/v1/discord/tokens", "list the tokens", _D, other="/api/v1/discord/token/"),
    Endpoint("TOKEN", "GET", "/api/v1/discord/token/{token}", "read one token", _C, takes=_TOKEN),
    Endpoint(
        "TOGGLE",
        "PUT",
        "/api/v1/discord/token/{token}",
        "switch a token on or off",
        _C,
        changes=True,
        takes=("token", "active"),
        body='{"isActive": "{active}"}',
    ),
    Endpoint(
        "COMMANDS",
        "POST",
        "/api/v1/nova/commands",
        "set a token's mode, or refresh its info",
        _C,
        other="/api/v1/midjourney/commands",
        changes=True,
        takes=("token", "command"),
        body=_COMMAND % "tokenId",
    ),
    Endpoint("TRACE", "GET", "/api/v1/message/trace/{job}", "find the token that ran a job", _C, takes=_JOB),
    Endpoint(
        "PROGRESS",
        "GET",
        "/api/v1/message/fetch/{job}",
        "see how far a job is",
        _C,
        other="/api/v1/midjourney/message/{job}",
        takes=_JOB,
    ),
    Endpoint(
        "IMAGES",
        "GET",
        "/api/v1/nova/images?page={page}&size={size}",
        "list the jobs of the last 24 hours",
        _D,
        other="/api/v1/midjourney/images?page={page}&size={size}",
        takes=("page", "size"),
    ),
    Endpoint(
        "IMAGINE",
        "POST",
        "/api/v1/nova/imagine",
        "make an image, to see that jobs run",
        _D,
        other="/api/v1/midjourney/imagine",
        changes=True,
        takes=("prompt",),
        body=_PROMPT,
    ),
    Endpoint(
        "BUTTON",
        "POST",
        "/api/v1/nova/button",
        "cancel a job",
        _C,
        other="/api/v1/midjourney/button",
        changes=True,
        takes=_JOB,
        body='{"messageId": "{job}", "button": "Cancel Job"}',
    ),
    Endpoint("ACCOUNT", "GET", "/api/v1/subscription/account-info", "read plan, credits and expiry", _D),
    Endpoint(
        "PROMPT_CHECK", "POST", "/api/v1/nova/prompt-check", "check a prompt", _D, takes=("prompt",), body=_PROMPT
    ),
    Endpoint("QUEUE_COUNT", "GET", None, "count the jobs that wait in ImaginePro's queue", _N, takes=_TOKEN),
    Endpoint("QUEUE_PAUSE", "POST", None, "pause the queue", _N, changes=True, takes=_TOKEN),
    Endpoint("QUEUE_RESUME", "POST", None, "resume the queue", _N, changes=True, takes=_TOKEN),
    Endpoint("QUEUE_REBOOT", "POST", None, "reboot the queue", _N, changes=True, takes=_TOKEN),
    Endpoint("QUEUE_STATUS", "GET", None, "read the queue of a token", _N, takes=_TOKEN),
    Endpoint("BANWORDS", "GET", None, "list the ban words", _N),
    Endpoint(
        "BANWORDS_UPDATE", "POST", None, "change the ban words", _N, changes=True, takes=("add", "remove", "words")
    ),
)

ENDPOINTS: Final[Mapping[str, Endpoint]] = MappingProxyType({each.name: each for each in _ROWS})
"""By name, in the order of the list for people."""
