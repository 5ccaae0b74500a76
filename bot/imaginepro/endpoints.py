"""Every endpoint that the bot may call: method, path, and what is known of it. A row is all that a path ever is here.

What ImaginePro does not publish has no path, and none is guessed: whoever has its documentation sets it. Sources of the
others: docs.imaginepro.ai (its generation of 2026), imaginepro.ai/docs (the one before, whose paths are in `other`).
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NoReturn
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
    def unset(self) -> str:
        """Why it cannot be called before the operator says where it is, in a sentence; empty where it can be."""
        if self.path is not None:
            return ""
        return f"ImaginePro does not publish this path. Copy it from your documentation into `{self.variable}`."

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


def named(values: object) -> set[str]:
    """What is in braces, in a text or in JSON."""
    match values:
        case dict():
            return named(list(values.values()))
        case list():
            return set().union(*map(named, values))
        case str():
            return set(_BRACES.findall(values))
    return set()


def naming(endpoint: Endpoint, field: str) -> Endpoint:
    """The endpoint of commands, with that name for the field that names the token."""
    return replace(endpoint, body=_COMMAND % field)


def placed(endpoint: Endpoint, text: str) -> Endpoint:
    """The endpoint where somebody says that it is: `POST /api/v1/…`, and behind it what is sent, if not what is here.

    Raises:
        ValueError: It cannot be there, or not so, with a sentence that says how to mend it.
    """
    method, _, rest = text.partition(" ")
    path, _, body = rest.strip().partition(" ")
    if method.upper() not in _METHODS or not path:
        _mend(f"write a method and a path, such as {endpoint.method} /api/v1/..., with a blank between them")
    if "://" in path:
        _mend("leave out the host: write the path alone, from /api/ on. The host is IMAGINEPRO_API_URL")
    if not re.fullmatch(r"/[!-~]+", path) or "#" in path or "/../" in f"{path}/":
        _mend("write a path that begins with / and has no blanks, .. or # in it")
    taken = named(path) | named(_json(method.upper(), body.strip() or endpoint.body, own=bool(body.strip())))
    if re.search(r"[{}]", _BRACES.sub("", path)) or not taken <= set(endpoint.takes):
        known = ", ".join(f"{{{each}}}" for each in endpoint.takes)
        _mend(f"only {known} can be filled in" if known else "nothing is filled in here: leave out what is in braces")
    for each in sorted(named(f"{endpoint.path or ''} {endpoint.body}") - _OPTIONAL - taken):
        _mend(f"write {{{each}}} where the {_NAMES.get(each, each)} goes")
    if "words" in endpoint.takes and not ({"add", "remove"} <= taken or "words" in taken):
        _mend(
            'write behind the path what is sent, as JSON, with "{add}" and "{remove}" where the lists of words go, or'
            ' "{words}" for the whole list'
        )
    body = body.strip() or ("" if method.upper() == "GET" else endpoint.body)
    return replace(endpoint, method=method.upper(), path=path, other=None, body=body, yours=True)


def _json(method: str, body: str, *, own: bool) -> object:
    if own and method == "GET":
        _mend("leave out what follows the path: a GET sends nothing")
    if not body or method == "GET":
        return None
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict):
        _mend('what follows the path is not JSON that can be sent, such as {"words": "{words}"}')
    return found


def _mend(sentence: str) -> NoReturn:
    raise ValueError(sentence)


_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_OPTIONAL: Final = {"page", "size"}
_NAMES: Final = {"token": "token's id", "job": "job's id", "active": "switch"}
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
    Endpoint("LINKED_ACCOUNTS", "GET", None, "list the linked accounts, as the newest documentation calls them", _N),
    Endpoint("BANWORDS", "GET", None, "list the ban words", _N),
    Endpoint(
        "BANWORDS_UPDATE", "POST", None, "change the ban words", _N, changes=True, takes=("add", "remove", "words")
    ),
)

ENDPOINTS: Final[Mapping[str, Endpoint]] = MappingProxyType({each.name: each for each in _ROWS})
"""By name, in the order of the list for people."""
