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

from bot.domain.redaction import redact
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
    blind: bool = False
    """Whether nothing says that the other path heeds what the call is about, so that it may do it to something else."""
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
    def about_one(self) -> bool:
        """Whether it names a token, so that it is about that one and not about all."""
        return "token" in named([*self.paths, self.body])

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
    if text.startswith(('"', "'")):
        _mend("leave out the quotes (docker --env-file keeps them)")
    method, path, body = (*text.split(maxsplit=2), "", "", "")[:3]
    if method.upper() not in _METHODS or not path:
        _mend(f"write a method and a path, such as {endpoint.method} /api/v1/..., with a blank between them")
    _check_path(path)
    taken = named(path) | named(_json(endpoint, method.upper(), body.strip()))
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


def _check_path(path: str) -> None:
    """Refuse what is no path, or none that could be meant."""
    if "://" in path:
        _mend("leave out the host: write the path alone, from /api/ on. The host is IMAGINEPRO_API_URL")
    if not re.fullmatch(r"/[!-~]+", path) or "#" in path or ".." in path:
        _mend("write the whole path: it begins with / and has no blanks, .. or # in it")
    if redact(path) != path:
        _mend("leave out the key, and whatever else is secret: the bot sends the key by itself, and shows this path")
    if re.search(r"/:\w|[<>]", path):
        _mend("write what is filled in in braces, such as {token} for a token's id")
    for each in sorted(named(path) & _NOT_IN_A_PATH):
        _mend(f'write "{{{each}}}" in the JSON behind the path: it is no text that a path could hold')


def _json(endpoint: Endpoint, method: str, own: str) -> object:
    """What is sent, `own` if it is not empty."""
    if method == "GET":
        if not _NOT_IN_A_PATH.isdisjoint(endpoint.takes):
            _mend(f"a GET sends nothing, and this call has to: write {endpoint.method}, or what your documentation has")
        if own:
            _mend("leave out what follows the path: a GET sends nothing")
        return None
    body = own or endpoint.body
    if not body:
        return None
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        name = (*reversed(endpoint.takes), "all")[0]
        value = f'"{{{name}}}"' if endpoint.takes else "true"
        _mend(f'what follows the path is not JSON that can be sent, such as {{"{name}": {value}}}')
    if _mixed(found):
        _mend('what is filled in is a text of its own, such as "{token}", with nothing else in its quotes')
    return found


def _mixed(body: object) -> bool:
    """Whether JSON has braces where nothing is filled in: in the name of a field, or among other text."""
    match body:
        case dict():
            return any(_BRACES.search(key) or _mixed(each) for key, each in body.items())
        case list():
            return any(map(_mixed, body))
        case str():
            return bool(_BRACES.search(body)) and not _BRACES.fullmatch(body)
    return False


def _mend(sentence: str) -> NoReturn:
    raise ValueError(sentence)


_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_NOT_IN_A_PATH: Final = {"active", "add", "remove", "words"}
_OPTIONAL: Final = {"page", "size"}
_NAMES: Final = {"token": "token's id", "job": "job's id", "active": "choice of true or false"}
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
        blind=True,
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
