"""The JSON of the upstream, read into records.

Each record comes with the account's own Discord token in clear text, in a field called `token`. The structs below do
not declare it: the decoder skips over it and it never becomes a value.

What is read leniently, since the documentation contradicts itself: an array or one bare object; any JSON type in any
field but `id`; `relaxedUsage` or the schema's `relaxedUsuage`; `info` absent, null, empty or something else.
Sources: imaginepro.ai/docs/list-tokens, imaginepro.ai/docs/toggle-tokens, docs.imaginepro.ai/api-216008264.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeAlias

import msgspec

from bot.domain.model import InfoText, Record
from bot.imaginepro.errors import MalformedError


class _Ignored(msgspec.Struct, gc=False):
    """An object where none was expected: its fields are skipped."""


_Scalar: TypeAlias = str | int | float | bool | _Ignored | None
_Loose: TypeAlias = _Scalar | list[msgspec.Raw]


class _Info(msgspec.Struct, gc=False, rename="camel"):
    subscription: _Loose = None
    job_mode: _Loose = None
    visibility_mode: _Loose = None
    fast_time_remaining: _Loose = None
    lifetime_usage: _Loose = None
    relaxed_usage: _Loose = None
    relaxed_usuage: _Loose = None
    queued_jobs_fast: _Loose = None
    queued_jobs_relax: _Loose = None
    running_jobs: _Loose = None


class _Row(msgspec.Struct, gc=False, rename="camel"):
    id: _Loose = None
    status: _Loose = None
    is_active: _Loose = None
    channel_id: _Loose = None
    server_id: _Loose = None
    concurrency: _Loose = None
    info: _Info | str | int | float | bool | list[msgspec.Raw] | None = None


class _Problem(msgspec.Struct, gc=False):
    message: _Scalar | list[_Scalar] = None
    error: _Scalar | list[_Scalar] = None


_ROWS: Final[msgspec.json.Decoder[list[_Row] | _Row]] = msgspec.json.Decoder(list[_Row] | _Row)
_PROBLEM: Final = msgspec.json.Decoder(_Problem)
_NOT_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_INT64: Final = range(-(2**63), 2**63)
_INT32: Final = range(-(2**31), 2**31)
_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")
_PATH: Final = re.compile(r"at `(\$[^`]*)`$")
_ESCAPE: Final = re.compile(
    r"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a surrogate pair
    r"|\\u(?![dD][89a-fA-F])|\\[^u])"  # any other escape
    r"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}",  # half a pair
)
_SECRETS: Final = re.compile(
    r"bearer\s+\S+"
    r"|\bsk-[\w-]+"
    r"|\bmfa\.[\w-]{15,}"
    r"|[\w-]{15,}\.[\w-]{2,}\.[\w-]{15,}"  # a JWT, or a Discord token
    r"|\S+@\S+\.\S+",
    re.IGNORECASE,
)
_LONGEST_COMPLAINT: Final = 200

NOTHING: Final[Mapping[int, Record]] = MappingProxyType({})


def records(body: bytes, known: Mapping[int, Record] = NOTHING) -> tuple[Record, ...]:
    """The records of an answer, in its order; of two with one id the later is kept.

    A record that reads as the one in `known` is that one. So a large fleet in which little changed leaves few new
    objects behind, and the garbage collector has no reason to walk through all of it.

    Every text is as sent, less what a database refuses: NUL, half surrogate pairs and bytes that are not UTF-8. A
    number in the place of a text is read as its digits. Takes tens of milliseconds for 10,000 records.

    Raises:
        MalformedError: It is not JSON, not an object or an array of objects, or has an `id` that is no 64-bit integer.
            Neither the error nor anything it is chained to holds a piece of the body.
    """
    found = _rows(body)
    rows = found if isinstance(found, list) else [found]
    read = map(_record, rows, _paths(found))
    return tuple({new.id: old if (old := known.get(new.id)) == new else new for new in read}.values())


def complaint(body: bytes, *, api_key: str) -> str:
    """What an error answer says to people, fit to be shown: a line of at most 200 characters; empty if it says nothing.

    NestJS sends `{"message": text or array of texts, "error": reason phrase, "statusCode": …}`. Anything in it that
    looks like a secret or an e-mail address is taken out before it is cut to length.
    """
    try:
        problem = _PROBLEM.decode(body)
    except _NOT_JSON:
        return ""
    text = _sentence(problem.message) or _sentence(problem.error)
    line = "".join(character for character in " ".join(text.split()) if character.isprintable())
    if api_key:
        line = line.replace(api_key, "[redacted]")
    line = _SECRETS.sub("[redacted]", line)
    return line if len(line) <= _LONGEST_COMPLAINT else line[: _LONGEST_COMPLAINT - 1] + "…"


def _rows(body: bytes) -> list[_Row] | _Row:
    wrong = MalformedError("the answer is not JSON")
    for prepare in (bytes, _mended):
        try:
            return _ROWS.decode(prepare(body))
        except msgspec.ValidationError as error:
            wrong = _misfit(error)
            break
        except _NOT_JSON:
            continue
    raise wrong  # out here, since raised in a handler it would stay linked to the foreign error and the body in it


def _mended(body: bytes) -> bytes:
    """The same JSON with U+FFFD for what is not UTF-8 and for half surrogate pairs, on which the decoder gives up."""
    return _ESCAPE.sub(lambda found: found[1] or r"\ufffd", body.decode(errors="replace")).encode()


def _misfit(error: msgspec.ValidationError) -> MalformedError:
    """The error for JSON of a wrong shape; msgspec names types and our own field names, never a value."""
    found = _PATH.search(str(error))
    path = found[1] if found else "$"
    return MalformedError(f"the answer cannot be read at {path}", path=path)


def _paths(found: list[_Row] | _Row) -> list[str]:
    return [f"$[{index}].id" for index in range(len(found))] if isinstance(found, list) else ["$.id"]


def _record(row: _Row, path: str) -> Record:
    identity = _integer(row.id, _INT64)
    if identity is None:
        message = f"the answer's {path} is not an id"
        raise MalformedError(message, path=path)
    return Record(
        id=identity,
        status=_text(row.status),
        active=row.is_active if isinstance(row.is_active, bool) else None,
        channel_id=_text(row.channel_id),
        server_id=_text(row.server_id),
        concurrency=_integer(row.concurrency, _INT32),
        info=_info(row.info) if isinstance(row.info, _Info) else InfoText(),
    )


def _info(info: _Info) -> InfoText:
    return InfoText(
        subscription=_text(info.subscription),
        job_mode=_text(info.job_mode),
        visibility_mode=_text(info.visibility_mode),
        fast_time_remaining=_text(info.fast_time_remaining),
        lifetime_usage=_text(info.lifetime_usage),
        relaxed_usage=_text(info.relaxed_usage) or _text(info.relaxed_usuage),
        queued_jobs_fast=_text(info.queued_jobs_fast),
        queued_jobs_relax=_text(info.queued_jobs_relax),
        running_jobs=_text(info.running_jobs),
    )


def _text(value: _Loose) -> str:
    match value:
        case str():
            return _shared(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return ""


@lru_cache(maxsize=256)
def _shared(text: str) -> str:
    """The text without NUL. What many records say, as `FAST` or `0 images`, is one object in memory."""
    return text.replace("\0", "")


def _integer(value: _Loose, valid: range) -> int | None:
    match value:
        case bool():
            return None
        case str() if _INTEGER.fullmatch(value):
            number = int(value)
        case int():
            number = value
        case _:
            return None
    return number if number in valid else None


def _sentence(value: _Scalar | list[_Scalar]) -> str:
    return "; ".join(filter(None, map(_text, value))) if isinstance(value, list) else _text(value)
