"""What answers say that are none: whether the API itself speaks, and what of its words people may read."""

import re
from typing import Final

import msgspec

from bot.domain.redaction import REDACTED, redact
from bot.imaginepro.errors import MalformedError
from bot.imaginepro.loose import (
    BYTE_ORDER_MARK,
    INT32,
    Buffer,
    Loose,
    by_field,
    decoded,
    integer,
    kind_of,
    loosely,
    text_of,
)


class _Problem(msgspec.Struct, gc=False, rename="camel"):
    message: Loose = None
    error: Loose = None
    status_code: Loose = None


_PROBLEM: Final = msgspec.json.Decoder(_Problem)

_SECRETS: Final = re.compile(
    r"\bsk-[\w-]+"
    r"|\bmfa\.[\w-]{15,}"
    r"|[\w-]{15,}\.[\w-]{2,}\.[\w-]{15,}"  # a JWT, or a Discord token
    r"|\S+@\S+\.\S+",
    re.IGNORECASE,
)
"""Beside what is taken out of the log, what only resembles that: others wrote it, and a whole channel reads it."""
_LONGEST_COMPLAINT: Final = 200
_SEARCHED: Final = 1800
"""Characters beyond those that are shown. To search 64 KB without a blank in them takes seconds: a text of n characters
takes n² steps."""


def complaint(body: Buffer, *, api_key: str) -> str:
    """What an error answer says to people, fit to be shown: a line of at most 200 characters; empty if it says nothing.

    Anything in it that looks like a secret or an e-mail address is taken out before it is cut to length.
    """
    problem = _problem(body)
    text = (_sentence(problem.message) or _sentence(problem.error)) if problem else ""
    return harmless(text, api_key=api_key, longest=_LONGEST_COMPLAINT)


def harmless(text: str, *, api_key: str, longest: int) -> str:
    """The upstream's text as a line for people, of at most so many characters.

    Anything in it that looks like a secret or an e-mail address is taken out before it is cut to length. Of a long text
    only the beginning is searched, up to the end of a word, since a piece of a secret does not look like one.
    """
    line = "".join(character for character in " ".join(text.split()) if character.isprintable())
    looked_at = line
    if len(line) > _SEARCHED + longest:
        looked_at = line[: _SEARCHED + longest].rpartition(" ")[0] + "…"
    looked_at = _SECRETS.sub(REDACTED, redact(looked_at, (api_key,)))
    return looked_at if len(looked_at) <= longest else looked_at[: longest - 1] + "…"


def in_its_own_words(body: Buffer, status: int) -> bool:
    """Whether an error answer is the API's own, and not that of a proxy, firewall or web server in its place.

    The rule: a JSON object that repeats the answer's status as `statusCode`, and says why in `message` (a text, or
    several) or else in `error`. That is NestJS's form, and the only one that is documented for this API: its vendor's
    agent-skill text, and the types of its JavaScript SDK (github.com/imaginpro/imaginepro-js-sdk, src/index.ts). What
    the answer calls itself in its headers does not count.
    """
    problem = _problem(body)
    if problem is None or integer(problem.status_code, INT32) != status:
        return False
    return bool(_sentence(problem.message) or _sentence(problem.error))


def stranger(body: Buffer) -> str:
    """What an answer is that is not in the API's own words."""
    return kind_of(body) if _problem(body) is None else "JSON of another form"


def _problem(body: Buffer) -> _Problem | None:
    text = bytes(body).removeprefix(BYTE_ORDER_MARK)
    try:
        found = decoded(_PROBLEM, text)
    except MalformedError:
        return None
    return by_field(_Problem, text) if isinstance(found, msgspec.ValidationError) else found


def _sentence(value: Loose) -> str:
    said = map(loosely, value) if isinstance(value, list) else [value]
    return "; ".join(filter(None, map(text_of, said)))
