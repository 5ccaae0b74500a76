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
from functools import lru_cache
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar

import msgspec

from bot.domain import info
from bot.domain.model import InfoText, Record, Token
from bot.imaginepro.errors import MalformedError


class _Ignored(msgspec.Struct, gc=False):
    """An object where none was expected: its fields are skipped."""


_Scalar: TypeAlias = str | int | float | bool | _Ignored | None
_Loose: TypeAlias = _Scalar | list[msgspec.Raw]

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
Buffer: TypeAlias = bytes | bytearray | msgspec.Raw
"""JSON, before it is read."""


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


_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ROW: Final = msgspec.json.Decoder(_Row)
_FIELD: Final[msgspec.json.Decoder[_Loose]] = msgspec.json.Decoder(_Loose)
_FIELDS: Final[Mapping[type[msgspec.Struct], msgspec.json.Decoder[msgspec.Struct]]] = {
    kind: msgspec.json.Decoder(
        msgspec.defstruct(
            kind.__name__,
            [(name, msgspec.Raw, msgspec.Raw(b"null")) for name in kind.__struct_fields__],
            rename="camel",
            gc=False,
        )
    )
    for kind in (_Row, _Info)
}
"""The same objects, whose fields are read later, one by one."""
_PROBLEM: Final = msgspec.json.Decoder(_Problem)
_BETWEEN: Final = re.compile(rb"\}\s{0,99},\s{0,99}\{")
"""Where one object ends and the next begins, or a text says so."""
_LONGEST_BETWEEN: Final = 201

PIECE: Final = 2**16
"""Bytes that are cut into records in a tenth of a millisecond."""

_FEW: Final = 32
"""Records that are decoded in a third of a millisecond; with cold memory on a busy machine, in some ten times that."""

_NOT_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_INT64: Final = range(-(2**63), 2**63)
_INT32: Final = range(-(2**31), 2**31)
_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")
_LONGEST_NUMBER: Final = 10**308
"""What is greater is written as a float nowhere either."""
_EXACT: Final = 2.0**53
"""Below this a float is the whole number that was written."""
_PATH: Final = re.compile(r"at `\$([^`]*)`$")
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
        self.whole = False
        """Whether it cannot be read in pieces. Then `tokens` takes 0.1 s for 5 MB, which nobody should have to wait."""
        self._places = 0
        """How many records were read."""
        self._read: dict[int, Token] = {}
        """Their tokens, by the hash of their texts."""
        self._tokens: dict[int, Token] = {}

    def feed(self, chunk: bytes) -> Iterator[None]:
        """Take what arrived, as far as the iterator is asked: it pauses after each few records of which many are new.

        100 KB take 0.1 to 0.4 ms, or seven times as long if all in them is new.

        Raises:
            MalformedError: As in `tokens`.
        """
        self.body += chunk
        while not self.whole and (between := self._between()):
            yield from self._take(between.start() + 1, b"]")
            self._cut = between.end() - 1

    def end(self) -> Iterator[None]:
        """Take what is left, in the same way; all has arrived.

        Raises:
            MalformedError: As in `tokens`.
        """
        if not self.whole:
            yield from self._take(len(self.body))

    def tokens(self) -> dict[int, Token]:
        """The tokens by id, in the answer's order, after the end; of two with one id the later is kept.

        Every text is as sent, less what a database refuses: NUL, half surrogate pairs and bytes that are not UTF-8. A
        number in the place of a text is read as its digits.

        Raises:
            MalformedError: It is not JSON, not an object or an array of objects, or has an `id` that is no 64-bit
                integer. Neither the error nor anything it is chained to holds a piece of the body.
        """
        if self.whole:
            self._places, self._read, self._tokens = 0, {}, {}
            found = _decoded(_ARRAY, self.body)
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
        except _NOT_JSON:
            self.whole = True
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


def complaint(body: Buffer, *, api_key: str) -> str:
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


def _row(text: Buffer, path: str) -> _Row:
    found = _decoded(_ROW, text)
    if not isinstance(found, msgspec.ValidationError):
        return found
    row = _by_field(_Row, text)
    if row is None:
        raise _misfit(found, path)
    return row


def _by_field(kind: type[S], text: Buffer) -> S | None:
    """The object, in which a field that cannot be read is absent: a number may be too large. None if it is no object.

    It takes ten times as long, so it is for the record that cannot be read otherwise.
    """
    fields = _decoded(_FIELDS[kind], text)
    if isinstance(fields, msgspec.ValidationError):
        return None
    found: dict[str, object] = {}
    for name in kind.__struct_fields__:
        raw = getattr(fields, name)
        value = _decoded(_FIELD, raw)
        if isinstance(value, _Ignored) and name == "info":
            found[name] = _by_field(_Info, raw)
        else:
            found[name] = None if isinstance(value, msgspec.ValidationError) else value
    return kind(**found)


def _decoded(decoder: msgspec.json.Decoder[T], text: Buffer) -> T | msgspec.ValidationError:
    """What the text is, or the error that says why it is other JSON; raised, that would hold a piece of the text."""
    for prepare in (_as_sent, _mended):
        try:
            return decoder.decode(prepare(text))
        except msgspec.ValidationError as error:
            return error
        except _NOT_JSON:
            continue
    message = "the answer is not JSON"
    raise MalformedError(message)


def _as_sent(text: Buffer) -> Buffer:
    return text


def _mended(text: Buffer) -> Buffer:
    """The same JSON with U+FFFD for what is not UTF-8 and for half surrogate pairs, on which the decoder gives up."""
    return _ESCAPE.sub(lambda found: found[1] or r"\ufffd", bytes(text).decode(errors="replace")).encode()


def _misfit(error: msgspec.ValidationError, path: str) -> MalformedError:
    """The error for JSON of a wrong shape; msgspec names types and our own field names, never a value."""
    found = _PATH.search(str(error))
    path += found[1] if found else ""
    return MalformedError(f"the answer cannot be read at {path}", path=path)


def _record(text: Buffer, path: str) -> Record:
    row = _row(text, path)
    identity = _integer(row.id, _INT64)
    if identity is None:
        path += ".id"
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
            return ""  # says nothing where a text belongs
        case int() if abs(value) >= _LONGEST_NUMBER:
            return ""  # Python writes none of over 4,300 digits, and nobody means one of over 300
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
        case float() if value.is_integer() and abs(value) < _EXACT:
            number = int(value)  # 1900.0 is a whole number, too
        case _:
            return None
    return number if number in valid else None


def _sentence(value: _Scalar | list[_Scalar]) -> str:
    return "; ".join(filter(None, map(_text, value))) if isinstance(value, list) else _text(value)
