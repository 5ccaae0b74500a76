"""Reading JSON leniently: a field of another type says what it can, and what cannot be read at all is absent."""

import re
from functools import cache, lru_cache
from typing import Final, TypeAlias, TypeVar

import msgspec

from bot.imaginepro.errors import MalformedError


class Ignored(msgspec.Struct, gc=False):
    """An object where none was expected: its fields are skipped."""


_Scalar: TypeAlias = str | int | float | bool | Ignored | None
Loose: TypeAlias = _Scalar | list[msgspec.Raw]

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
Buffer: TypeAlias = bytes | bytearray | msgspec.Raw
"""JSON, before it is read."""


_FIELD: Final[msgspec.json.Decoder[Loose]] = msgspec.json.Decoder(Loose)
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""Some programs begin a text with it; JSON has none, and may be read as if it were not there (RFC 8259, 8.1)."""
NOT_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

INT64: Final = range(-(2**63), 2**63)
INT32: Final = range(-(2**31), 2**31)
_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")
_LONGEST_NUMBER: Final = 10**308
"""What is greater is written as a float nowhere either."""
_EXACT: Final = 2.0**53
"""Below this a float is the whole number that was written."""
_ESCAPE: Final = re.compile(
    r"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a surrogate pair
    r"|\\u(?![dD][89a-fA-F])|\\[^u])"  # any other escape
    r"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}",  # half a pair
)
_DEEP: Final = "the answer is JSON that is nested too deeply to be read"
_BEGINS: Final = 1000
"""Bytes of a body that say what it is."""


@cache
def _apart(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[msgspec.Struct]:
    """Reads the same object, but leaves its fields to be read later, one by one."""
    fields = [(name, msgspec.Raw, msgspec.Raw(b"null")) for name in kind.__struct_fields__]
    return msgspec.json.Decoder(msgspec.defstruct(kind.__name__, fields, rename="camel", gc=False))


def by_field(kind: type[S], text: Buffer, **inner: type[msgspec.Struct]) -> S | None:
    """The object, in which a field that cannot be read is absent: a number may be too large. None if it is no object.

    It takes ten times as long, so it is for the one that cannot be read otherwise. `inner` names fields that are
    objects, and their kinds.
    """
    fields = decoded(_apart(kind), text)
    if isinstance(fields, msgspec.ValidationError):
        return None
    found: dict[str, object] = {}
    for name in kind.__struct_fields__:
        raw = getattr(fields, name)
        value = loosely(raw)
        found[name] = by_field(inner[name], raw) if isinstance(value, Ignored) and name in inner else value
    return kind(**found)


def loosely(text: Buffer) -> Loose:
    """What a field says; None also where it cannot be read."""
    value = decoded(_FIELD, text)
    return None if isinstance(value, msgspec.ValidationError) else value


def decoded(decoder: msgspec.json.Decoder[T], text: Buffer) -> T | msgspec.ValidationError:
    """What the text is, or the error that says why it is other JSON; raised, that would hold a piece of the text."""
    deep = False
    for prepare in (_as_sent, _mended):
        try:
            return decoder.decode(prepare(text))
        except msgspec.ValidationError as error:
            return error
        except RecursionError:
            deep = True
        except NOT_JSON:
            continue
    raise MalformedError(_DEEP) if deep else no_json(text)


def _as_sent(text: Buffer) -> Buffer:
    return text


def _mended(text: Buffer) -> Buffer:
    """The same JSON with U+FFFD for what is not UTF-8 and for half surrogate pairs, on which the decoder gives up."""
    return _ESCAPE.sub(lambda found: found[1] or r"\ufffd", bytes(text).decode(errors="replace")).encode()


def kind_of(body: Buffer) -> str:
    """What a body is that is not JSON, by its first characters."""
    begins = bytes(memoryview(body)[:_BEGINS]).removeprefix(BYTE_ORDER_MARK).lstrip().lower()
    if not begins:
        return "empty"
    if begins.startswith(b"<"):
        return "a web page" if b"<html" in begins or b"<!doctype html" in begins else "XML or a web page"
    if begins.startswith((b"{", b"[")):
        return "JSON that is broken or cut off"
    return "plain text" if bytes(begins).isascii() else "no text"


def no_json(body: Buffer) -> MalformedError:
    """The error for what is no JSON at all."""
    return MalformedError(f"the answer is not JSON, it is {kind_of(body)}")


def text_of(value: Loose) -> str:
    """What it says as a text: a number its digits; empty where it says nothing."""
    match value:
        case str():
            return _shared(value)
        case bool():
            return ""  # says nothing where a text belongs
        case int() if abs(value) >= _LONGEST_NUMBER:
            return ""  # Python writes none of over 4,300 digits, and nobody means one of over 300
        case float() if value.is_integer() and abs(value) < _EXACT:
            return str(int(value))
        case int() | float():
            return str(value)
        case _:
            return ""


@lru_cache(maxsize=256)
def _shared(text: str) -> str:
    """The text without NUL. What many records say, as `FAST` or `0 images`, is one object in memory."""
    return text.replace("\0", "")


def integer(value: Loose, valid: range) -> int | None:
    """The whole number that it is, or that its text is, if it lies in the range; else None."""
    match value:
        case bool():
            return None
        case str() if _INTEGER.fullmatch(value):
            number = int(value)
        case int():
            number = value
        case float() if value.is_integer() and abs(value) < _EXACT:
            number = int(value)  # 1900.0 is a whole number, too
        case _:
            return None
    return number if number in valid else None
