"""The JSON of the upstream, read into tokens.

Each record comes with the account's own Discord token in clear text, in a field called `token`. The structs below do
not declare it: the decoder skips over it and it never becomes a value, nor is its text kept.

What is read leniently, since the documentation contradicts itself: an array or one bare object; any JSON in any field
but `id`, numbers too large for any computer among them; `relaxedUsage` or `relaxedUsuage`, as the schema has it; `info`
absent, null, empty or something else.
Sources: imaginepro.ai/docs/list-tokens, imaginepro.ai/docs/toggle-tokens, docs.imaginepro.ai/api-216008264.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import msgspec

from bot.domain import info
from bot.domain.model import InfoText, Record, Token
from bot.imaginepro.errors import MalformedError
from bot.imaginepro.loose import (
    BYTE_ORDER_MARK,
    INT32,
    INT64,
    NOT_JSON,
    Buffer,
    Loose,
    by_field,
    decoded,
    integer,
    no_json,
    text_of,
)


class Info(msgspec.Struct, gc=False, rename="camel"):
    """The free texts of a token, as sent."""

    subscription: Loose = None
    job_mode: Loose = None
    visibility_mode: Loose = None
    fast_time_remaining: Loose = None
    lifetime_usage: Loose = None
    relaxed_usage: Loose = None
    relaxed_usuage: Loose = None
    queued_jobs_fast: Loose = None
    queued_jobs_relax: Loose = None
    running_jobs: Loose = None


class _Row(msgspec.Struct, gc=False, rename="camel"):
    id: Loose = None
    status: Loose = None
    is_active: Loose = None
    channel_id: Loose = None
    server_id: Loose = None
    concurrency: Loose = None
    info: Info | str | int | float | bool | list[msgspec.Raw] | None = None


_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ROW: Final = msgspec.json.Decoder(_Row)
_BETWEEN: Final = re.compile(rb"\}\s{0,99},\s{0,99}\{")
"""Where one object ends and the next begins, or a text says so."""
_LONGEST_BETWEEN: Final = 201

PIECE: Final = 2**16
"""Bytes that are cut into records in a tenth of a millisecond."""

_FEW: Final = 32
"""Records that are decoded in a third of a millisecond; with cold memory on a busy machine, in some ten times that."""

_PATH: Final = re.compile(r"at `\$([^`]*)`$")
NOTHING: Final[Mapping[int, Token]] = MappingProxyType({})


class Reader:
    """Reads one answer after another. What is in it as it was in the one before, byte by byte, is not decoded again."""

    def __init__(self, piece: int = PIECE) -> None:
        """`piece` is how many bytes are cut into records at once."""
        self.piece = piece
        self.read: Mapping[int, Token] = {}
        """The tokens of the last answer, by the hash of their text. The text itself is not kept: it holds the secret.

        Python's hash of bytes is 64 bits of SipHash under a key that each process makes for itself. That a changed
        record has the hash of one of 10,000 others happens once in 10^15 changes, and nobody can bring it about.
        """

    def answer(self, known: Mapping[int, Token] = NOTHING) -> "Answer":
        """An answer that begins to arrive. What is decoded of it and reads as in `known` will be that token."""
        return Answer(self, known)


class Answer:
    """One answer, read while it arrives: whoever reads JSON keeps the interpreter to itself, 5 to 9 ms for 5 MB.

    So an array of objects is cut into several shorter ones, where one object ends and another begins. Such a place
    within a text or an inner array makes a piece that is no JSON, since that text or array does not end in it; then the
    answer is read anew as a whole.
    """

    retry_after: timedelta | None = None
    """How long it asks for no other call, which is heeded where it turns out to be no good answer."""

    def __init__(self, reader: Reader, known: Mapping[int, Token]) -> None:
        """See `Reader.answer`."""
        self.body = bytearray()
        """What has arrived."""
        self._reader = reader
        self._known = known
        self._cut = 0
        """How much of the body was cut off."""
        self._searched = 0
        """How much of it has no place to cut at that was not used."""
        self.slow = False
        """Whether it cannot be read in pieces. Then `value` takes 0.1 s for 5 MB, which nobody should have to wait."""
        self._places = 0
        """How many records were read."""
        self._read: dict[int, Token] = {}
        """Their tokens, by the hash of their texts."""
        self._tokens: dict[int, Token] = {}

    def feed(self, chunk: bytes) -> Iterator[None]:
        """Take what arrived, as far as the iterator is asked: it pauses after each few records of which many are new.

        100 KB take 0.1 to 0.4 ms, or seven times as long if all in them is new.

        Raises:
            MalformedError: As in `value`.
        """
        self.body += chunk
        if not self._cut and self.body.startswith(BYTE_ORDER_MARK):
            del self.body[: len(BYTE_ORDER_MARK)]
        if self.body.startswith(b"<"):
            raise no_json(self.body)
        while not self.slow and (between := self._between()):
            yield from self._take(between.start() + 1, b"]")
            self._cut = between.end() - 1

    def end(self) -> Iterator[None]:
        """Take what is left, in the same way; all has arrived.

        Raises:
            MalformedError: As in `value`.
        """
        if not self.slow:
            yield from self._take(len(self.body))

    def value(self) -> dict[int, Token]:
        """The tokens by id, in the answer's order, after the end; of two with one id the later is kept.

        Every text is as sent, less what a database refuses: NUL, half surrogate pairs and bytes that are not UTF-8. A
        number in the place of a text is read as its digits.

        Raises:
            MalformedError: It is not JSON, not an object or an array of objects, or has an `id` that is no 64-bit
                integer. Neither the error nor anything it is chained to holds a piece of the body.
        """
        if self.slow:
            self._places, self._read, self._tokens = 0, {}, {}
            found = decoded(_ARRAY, self.body)
            for _ in self._add(*(([self.body], None) if isinstance(found, msgspec.ValidationError) else (found, 0))):
                pass
        self._reader.read = self._read
        return self._tokens

    def _between(self) -> re.Match[bytes] | None:
        """The next place to cut at, where that leaves a piece that is not too short."""
        found = _BETWEEN.search(self.body, max(self._cut + self._reader.piece, self._searched))
        if found is None:
            self._searched = len(self.body) - _LONGEST_BETWEEN
        return found

    def _take(self, end: int, closing: bytes = b"") -> Iterator[None]:
        """Read the next piece of the array, up to there."""
        piece = b"".join((b"[" if self._cut else b"", memoryview(self.body)[self._cut : end], closing))
        try:
            texts = _ARRAY.decode(piece)
        except NOT_JSON:
            self.slow = True
        else:
            yield from self._add(texts, self._places)

    def _add(self, texts: Sequence[Buffer], first: int | None) -> Iterator[None]:
        """Add the records of these texts, of which the first has that place in the array, or is in none."""
        for start in range(0, len(texts), _FEW):
            few = texts[start : start + _FEW]
            marks = [hash(text) for text in map(bytes, few)]
            known = [self._reader.read.get(mark) for mark in marks]
            tokens = [
                token or self._new(few[place], "$" if first is None else f"$[{first + start + place}]")
                for place, token in enumerate(known)
            ]
            self._read.update(zip(marks, tokens, strict=True))
            self._tokens.update({token.id: token for token in tokens})
            if known.count(None) > _FEW // 4:
                yield
        self._places += len(texts)

    def _new(self, text: Buffer, path: str) -> Token:
        record = _record(text, path)
        before = self._known.get(record.id)
        return before if before is not None and before.record == record else info.read(record)


def _row(text: Buffer, path: str) -> _Row:
    found = decoded(_ROW, text)
    if not isinstance(found, msgspec.ValidationError):
        return found
    row = by_field(_Row, text, info=Info)
    if row is None:
        raise _misfit(found, path)
    return row


def _misfit(error: msgspec.ValidationError, path: str) -> MalformedError:
    """The error for JSON of a wrong shape; msgspec names types and our own field names, never a value."""
    found = _PATH.search(str(error))
    path += found[1] if found else ""
    return MalformedError(f"the answer cannot be read at {path}", path=path)


def _record(text: Buffer, path: str) -> Record:
    row = _row(text, path)
    identity = integer(row.id, INT64)
    if identity is None:
        path += ".id"
        message = f"the answer's {path} is not an id"
        raise MalformedError(message, path=path)
    return Record(
        id=identity,
        status=text_of(row.status),
        active=row.is_active if isinstance(row.is_active, bool) else None,
        channel_id=text_of(row.channel_id),
        server_id=text_of(row.server_id),
        concurrency=integer(row.concurrency, INT32),
        info=info_text(row.info) if isinstance(row.info, Info) else InfoText(),
    )


def info_text(info: Info) -> InfoText:
    """The same as a value."""
    return InfoText(
        subscription=text_of(info.subscription),
        job_mode=text_of(info.job_mode),
        visibility_mode=text_of(info.visibility_mode),
        fast_time_remaining=text_of(info.fast_time_remaining),
        lifetime_usage=text_of(info.lifetime_usage),
        relaxed_usage=text_of(info.relaxed_usage) or text_of(info.relaxed_usuage),
        queued_jobs_fast=text_of(info.queued_jobs_fast),
        queued_jobs_relax=text_of(info.queued_jobs_relax),
        running_jobs=text_of(info.running_jobs),
    )
