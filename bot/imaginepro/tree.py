"""An answer of unknown shape, as a tree that people can read: bounded, and without secrets from the first moment on.

What is a secret is told by its looks, and by its name: nobody knows what is in answers that are not documented, and
the documented ones have an account's Discord token and its owner's address in them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from http import HTTPStatus
from typing import Final, TypeVar

import msgspec

from bot.domain.redaction import REDACTED
from bot.domain.value import Value, replace
from bot.imaginepro.errors import MalformedError
from bot.imaginepro.loose import BYTE_ORDER_MARK, Buffer, decoded, loosely, no_json, text_of

KEPT: Final = 2**18
"""Bytes of an answer that are looked at; what follows is counted, and not kept."""
DEPTH: Final = 8
ITEMS: Final = 20_000
LONGEST: Final = 300
"""Characters of a text."""

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str)
_PLACES: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},"]', re.DOTALL)
"""Texts, and what of JSON says where it may be cut off. A mark by itself begins a text that is not whole."""
_SECRET_NAME: Final = re.compile(
    r"token|secret|passw|pwd|passphrase|authori[sz]|oauth|credential|cookie|session|signature|bearer|jwt|mail|phone|hook"
    r"|keys?$|auth$|^pass$|^pwd$|^pin$"
)
"""In the name of a field, of which only the letters are looked at, as small ones."""
_HARMLESS_NAME: Final = re.compile(r"tokens?(ids?|status|info|counts?|numbers?)$")

_SHORT: Final = 15
_NO_ERROR: Final = {"", "null", "false", "none", "0", "(nothing)"}
_NEXT: Final = re.compile(r"next(page|cursor|token|url|link)?|has(next|more)[a-z]*")
_TOTAL: Final = re.compile(r"total|count")
"""Names of what a list in pages has beside it."""

T = TypeVar("T")


class Tree(Value):
    """A part of an answer, or all of it."""

    label: str = ""
    """The field's name; empty in an array."""
    text: str = ""
    """What it says, where it has no parts; `null` and the like as JSON has them."""
    parts: tuple["Tree", ...] = ()
    listed: bool = False
    """Whether it is an array, and its parts have no names."""
    more: int = 0
    """Parts that were left out."""
    cut: bool = False
    """Of the whole: whether the answer went on."""
    struck: bool = False
    """Whether something was taken out of its own text, or of its label."""

    def lines(self, most: int = 40, each: int = 12) -> tuple[str, ...]:
        """The tree for people, indented by two blanks a level: at most so many lines, and so many parts of an array."""
        found: list[str] = []
        for line in self._lines("", each):
            if len(found) == most:
                return (*found[: most - 1], "… and more")
            found.append(line)
        return (*found, "… the answer goes on") if self.cut and len(found) < most else tuple(found)

    def words(self) -> tuple[str, ...] | None:
        """The texts of the one list of texts that is in it; None when there is none, or several, or not all of it."""
        lists = [
            part for part in self._walk() if part.listed and not any(each.parts or each.listed for each in part.parts)
        ]
        if len(lists) != 1 or self.cut or lists[0].more or any(each.struck for each in lists[0].parts):
            return None
        if any(each.tells_of_more(len(lists[0].parts)) for each in self._walk()):
            return None
        return tuple(each.text for each in lists[0].parts)

    def refusal(self) -> str | None:
        """What it says where it says that something was not done, maybe nothing; None where it does not say so."""
        said = {_plain(each.label): each.text for each in self.parts if not each.parts and not self.listed}
        status = said.get("statuscode", "")
        if (
            said.get("success", "").lower() == "false"
            or said.get("status", "").lower() in {"fail", "failed", "error"}
            or said.get("error", "").lower() not in _NO_ERROR
            or (status.isdecimal() and int(status) >= HTTPStatus.BAD_REQUEST)
        ):
            return said.get("message") or said.get("error", "")
        return None

    @property
    def denied(self) -> bool:
        """Whether it has a `success` that says no: by the API's own word, nothing was done."""
        return any(_plain(each.label) == "success" and each.text.lower() == "false" for each in self.parts)

    def tells_of_more(self, count: int) -> bool:
        """Whether it says, beside a list of so many, that there is more of it, as where it comes in pages."""
        name = _plain(self.label)
        if not name or self.parts or self.listed:
            return False
        if _NEXT.fullmatch(name):
            return self.text.lower() not in _NO_ERROR
        number = int(self.text) if re.fullmatch(r"[0-9]{1,15}", self.text) else 0
        return (name.endswith("pages") and number > 1) or (bool(_TOTAL.search(name)) and number > count)

    def _walk(self) -> Iterator["Tree"]:
        level: list[Tree] = [self]
        while level:
            yield from level
            level = [part for each in level for part in each.parts]

    def _lines(self, indent: str, each: int) -> Iterator[str]:
        if not self.parts and not self.more:
            yield f"{indent}{self.label}: {self.text}" if self.label else f"{indent}{self.text}"
            return
        inner = indent
        if self.label:
            yield f"{indent}{self.label}:"
            inner += "  "
        for part in self.parts[: each if self.listed else None]:
            first = True
            for line in part._lines("", each):  # noqa: SLF001 - of the same class
                yield f"{inner}{('- ' if first else '  ') if self.listed else ''}{line}"
                first = False
        left = self.more + (max(len(self.parts) - each, 0) if self.listed else 0)
        if left:
            yield f"{inner}… and {left:,} more"


class Grown:
    """An answer of any shape that arrives; see `bot.imaginepro.http.Answer`."""

    retry_after: timedelta | None = None
    slow = True

    def __init__(self, clean: Callable[[str, int], str]) -> None:
        """`clean` gives a text without secrets, of at most so many characters."""
        self.body = bytearray()
        self._clean = clean
        self._cut = False

    def feed(self, chunk: bytes) -> Iterable[None]:
        """Take what arrived, as far as it is looked at."""
        room = KEPT - len(self.body)
        self._cut = self._cut or len(chunk) > room
        self.body += chunk[: max(room, 0)]
        if self.body.startswith(b"<"):
            raise no_json(self.body)
        return ()

    def end(self) -> Iterable[None]:
        """All has arrived."""
        return ()

    def value(self) -> Tree:
        """The tree.

        Raises:
            MalformedError: It is no JSON. Nothing at all, and a line of text, are taken for what they are.
        """
        return grown(self.body, self._clean, cut=self._cut)


def grown(body: Buffer, clean: Callable[[str, int], str], *, cut: bool = False) -> Tree:
    """The tree of an answer, of which this may be only the beginning. See `Grown`."""
    text = bytes(body).removeprefix(BYTE_ORDER_MARK).strip()
    if not text:
        return Tree(text="(an empty answer)")
    try:
        found = _Growth(clean).tree("", closed(text) if cut else text, DEPTH)
    except MalformedError:
        if cut or not _is_line(text):
            raise
        said = clean(text.decode(), LONGEST)
        return Tree(text=said, struck=said != text.decode())
    return replace(found, cut=cut)


def closed(text: bytes) -> bytes:
    """JSON that breaks off somewhere, without what is not whole, and with what it lacks at its end."""
    ends: list[bytes] = []
    best = 0
    for found in _PLACES.finditer(text):
        sign = found[0]
        if sign == b'"' or (sign in {b"]", b"}"} and (not ends or ends.pop() != sign)):
            break
        if sign in {b"[", b"{"}:
            ends.append(b"]" if sign == b"[" else b"}")
        if not sign.startswith(b'"'):
            best = found.start() if sign == b"," else found.end()
    return text[:best] + b"".join(reversed(ends))


class _Growth:
    """One tree that grows, until it has as many parts as one may have."""

    def __init__(self, clean: Callable[[str, int], str]) -> None:
        self._clean = clean
        self._left = ITEMS

    def tree(self, name: str, text: Buffer, depth: int, *, of: str = "") -> Tree:
        """The tree of this JSON, which is in a field of that name, or else in an array that is `of` that one."""
        label, struck = self._cleaned(name)
        name = name or of
        begins = bytes(memoryview(text)[:1])
        if begins not in {b"[", b"{"}:
            said, struck_too = self._said(name, text)
            return Tree(label=label, text=said, struck=struck or struck_too)
        if _is_secret(name) and "token" not in _plain(name):
            return Tree(label=label, text=REDACTED, struck=True)
        if not depth:
            return Tree(label=label, text="(more below)", struck=struck)
        listed = begins == b"["
        fields: Iterable[tuple[str, Buffer]]
        if listed:
            items = _read(_ARRAY, text)
            fields, count = (("", each) for each in items), len(items)
        else:
            named = _read(_OBJECT, text)
            fields, count = named.items(), len(named)
        parts: list[Tree] = []
        for key, each in fields:
            if self._left <= 0:
                break
            self._left -= 1
            parts.append(self.tree(key, each, depth - 1, of=name if listed else ""))
        return Tree(label, "(nothing)", tuple(parts), listed, count - len(parts), struck=struck)

    def _said(self, name: str, text: Buffer) -> tuple[str, bool]:
        """What a scalar says, and whether something was taken out of it."""
        raw = bytes(text)
        if raw in {b"null", b"true", b"false"}:
            return raw.decode(), False
        if _is_secret(name):
            counted = not raw.startswith(b'"') and _plain(name).endswith("tokens")
            return (raw[:LONGEST].decode(), False) if counted else (REDACTED, True)
        if raw.startswith(b'"'):
            return self._cleaned(text_of(_read(_TEXT, text)))
        loosely(text)  # raises where it is no JSON
        return raw[:LONGEST].decode(), len(raw) > LONGEST

    def _cleaned(self, text: str) -> tuple[str, bool]:
        if len(text) < _SHORT and text.isascii() and text.isalpha():
            return text, False  # a word, as most are: to look for secrets in it would take most of the time
        said = self._clean(text, LONGEST)
        return said, said != text


def _read(decoder: msgspec.json.Decoder[T], text: Buffer) -> T:
    """What begins as what it is decoded as, so that it is that, or no JSON at all."""
    found = decoded(decoder, text)
    if isinstance(found, msgspec.ValidationError):
        message = "the answer is JSON that cannot be read"
        raise MalformedError(message)
    return found


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _is_secret(name: str) -> bool:
    """Whether a field of that name may hold a secret."""
    plain = _plain(name)
    return bool(_SECRET_NAME.search(plain)) and not _HARMLESS_NAME.search(plain)


def _is_line(text: bytes) -> bool:
    """Whether it is what some servers answer in place of JSON, as `OK`."""
    if len(text) > LONGEST or text[:1] in {b"<", b"{", b"[", b'"'}:
        return False
    try:
        return text.decode().isprintable()
    except UnicodeDecodeError:
        return False
