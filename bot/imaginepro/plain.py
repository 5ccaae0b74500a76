"""Answers that are small: read once they are whole, and only what is wanted of them."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, TypeVar

import msgspec

from bot.imaginepro.errors import MalformedError
from bot.imaginepro.loose import NOT_JSON, Buffer, Loose, by_field, decoded, no_json, text_of

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

_LARGEST: Final = 2**20
_LONG: Final = 2**12
"""Bytes that are read in a few milliseconds, whatever they say. 1 MiB of empty objects takes seconds."""
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
"""What a time begins with: without it, the digits of Unix's milliseconds would be one of the year 1712."""
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])


class Plain(Generic[T]):
    """An answer of at most 1 MiB."""

    retry_after: timedelta | None = None

    def __init__(self, read: Callable[[bytearray], T]) -> None:
        """`read` gives what the body says, or raises a `MalformedError` that quotes nothing."""
        self.body = bytearray()
        self._read = read

    def feed(self, chunk: bytes) -> Iterable[None]:
        """Take what arrived."""
        self.body += chunk
        if self.body.startswith(b"<"):
            raise no_json(self.body)
        if len(self.body) > _LARGEST:
            message = f"the answer is larger than {_LARGEST // 2**20} MiB"
            raise MalformedError(message)
        return ()

    def end(self) -> Iterable[None]:
        """All has arrived."""
        return ()

    @property
    def slow(self) -> bool:
        """Whether nobody should have to wait until it is read."""
        return len(self.body) > _LONG

    def value(self) -> T:
        """What it says."""
        return self._read(self.body)


def objects(kind: type[S], text: Buffer, **inner: type[msgspec.Struct]) -> tuple[S, ...]:
    """The objects of an array, or the one that stands alone, since the documentation has both for the same call.

    `inner` names fields that are objects themselves, and their kinds.

    Raises:
        MalformedError: There is none.
    """
    found = decoded(_ARRAY, text)
    texts = [text] if isinstance(found, msgspec.ValidationError) else found
    return tuple(_object(kind, each, inner) for each in texts)


def _object(kind: type[S], text: Buffer, inner: dict[str, type[msgspec.Struct]]) -> S:
    found: object
    try:
        found = msgspec.json.decode(text, type=kind)
    except NOT_JSON:
        found = by_field(kind, text, **inner)
    if isinstance(found, kind):
        return found
    message = "the answer is JSON of another form than the API documents"
    raise MalformedError(message)


def instant(value: Loose) -> datetime | None:
    """The time that a text in ISO 8601 says, in UTC, as which one without a zone is taken; else None."""
    text = text_of(value).strip()
    try:
        found = datetime.fromisoformat(text if _DAY.match(text) else "")
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
