"""Sets of tokens that people gave a name, by their ids and by ranges of them: `studio: 1900-1906, 1911`. Pure.

A silence or a setting that is about a group holds the group itself: whatever moves the group moves these with it, and
whoever asks whether a token is in it needs nothing else.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeVar

from bot.domain.value import Value

Ranges = tuple[tuple[int, int], ...]
"""The first and the last id of each, ascending; none touches another."""

Named = TypeVar("Named")

MOST: Final = 25
"""Groups that there may be: as many as Discord suggests at once."""

LONGEST_NAME: Final = 32
"""Characters of a name."""

LONGEST_TEXT: Final = 500
"""Characters in which tokens are written."""

MOST_RANGES: Final = 50
"""Of one group, joined."""

LAST_ID: Final = 2**63 - 1
"""The greatest id that a database stores."""

WRITE_TOKENS: Final = "Write which tokens: ids and ranges, such as 1900-1906, 1911."

NO_GROUP: Final = frozenset({"off", "none", "no"})
"""How people say that something shall be about no group."""

_DASH: Final = re.compile(r"\s*[-\u2010-\u2015\u2212]\s*")
"""As keyboards and phones make it, and as others write it."""

_RANGE: Final = re.compile(r"([0-9]{1,19})(?:-([0-9]{1,19}))?", re.ASCII)

_LIKE_TOKEN: Final = re.compile(r"\btokens?[ -]*\d", re.IGNORECASE)
"""As sentences say a token: `all alerts of token 1900` would be of the group, and nobody could know."""


class Group(Value):
    """A set of tokens, whether they are listed or not."""

    name: str
    """As it was written first: letters, digits, blanks and hyphens, so that no text that it is in needs escaping."""
    ranges: Ranges
    by: int = 0
    """Discord's id of the person who set it last."""

    @property
    def id(self) -> str:
        """There is one of each name, however that is written."""
        return group_id(self.name)

    @property
    def text(self) -> str:
        """`1900-1906, 1911`, which reads as the same ranges."""
        return text(self.ranges)

    @property
    def size(self) -> int:
        """How many ids are in it."""
        return sum(last - first + 1 for first, last in self.ranges)

    def holds(self, token_id: int | None) -> bool:
        """Whether a token is in it."""
        return token_id is not None and any(first <= token_id <= last for first, last in self.ranges)

    def meets(self, other: "Group") -> bool:
        """Whether any token is in both."""
        return any(first <= end and begin <= last for first, last in self.ranges for begin, end in other.ranges)

    def among(self, tokens: Mapping[int, Named]) -> dict[int, Named]:
        """Those of the tokens that are in it, by id; looked for from the smaller side."""
        if self.size < len(tokens):
            return {each: tokens[each] for each in self._ids() if each in tokens}
        return {each: token for each, token in tokens.items() if self.holds(each)}

    def _ids(self) -> Iterator[int]:
        for first, last in self.ranges:
            yield from range(first, last + 1)


class OneGroup(Value):
    """The board of a channel shows one group, and not the whole fleet."""

    channel_id: int
    group: str
    """Its name."""
    by: int
    """Discord's id of the person who asked for it."""

    @property
    def id(self) -> str:
        """There is one for each channel."""
        return one_group_id(self.channel_id)


def one_group_id(channel_id: int) -> str:
    """The id of the decision about the board of a channel."""
    return f"board-{channel_id}"


def group_id(name: str) -> str:
    """The id of the decision that a group of that name is."""
    return f"group-{name.strip().casefold()}"


def parse(written: str) -> Ranges:
    """Read `1900-1906, 1911`: ids and ranges, by whatever dash, with commas or blanks between them.

    Raises:
        ValueError: with a sentence that says what to write. It echoes no more than ids.
    """
    if len(written) > LONGEST_TEXT:
        message = (
            f"That is too long: {LONGEST_TEXT} characters at most. Write ranges, such as 1900-1906, where you can."
        )
        raise ValueError(message)
    parts = [part for part in re.split(r"[,;\s]+", _DASH.sub("-", written.strip())) if part]
    if not parts:
        raise ValueError(WRITE_TOKENS)
    ranges = joined(map(_range, parts))
    if len(ranges) > MOST_RANGES:
        message = f"Those are {len(ranges)} ranges, and a group has {MOST_RANGES} at most. Make two groups of it."
        raise ValueError(message)
    return ranges


def _range(part: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(part)
    if found is None:
        message = f"That is not only tokens. {WRITE_TOKENS}"
        raise ValueError(message)
    first, last = int(found[1]), int(found[2] or found[1])
    message = ""
    if last < first:
        message = f"The range {first}-{last} goes backwards: write {last}-{first}."
    elif last > LAST_ID:
        message = f"There is no token {last}: ids go up to {LAST_ID}."
    if message:
        raise ValueError(message)
    return first, last


def joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same ids in as few ranges as can be."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], last)
        else:
            found.append((first, last))
    return tuple(found)


def text(ranges: Ranges) -> str:
    """`1900-1906, 1911`, with the dash of ranges."""
    return ", ".join(f"{first}\u2013{last}" if last > first else str(first) for first, last in ranges)


def name_of(written: str) -> str:
    """A name as it is kept: in one line, with single blanks.

    Raises:
        ValueError: with a sentence that says what a name is like. It does not echo the text.
    """
    name = " ".join(written.split())
    message = ""
    if not name:
        message = "A group needs a name, such as studio."
    elif len(name) > LONGEST_NAME or len(name.casefold()) > 2 * LONGEST_NAME:
        message = f"That name is too long: {LONGEST_NAME} characters at most."
    elif not all(each.isalnum() or each in " -" for each in name) or not name[0].isalnum():
        message = "A group's name has letters, digits, blanks and hyphens, and begins with a letter or a digit."
    elif _LIKE_TOKEN.search(name) or not any(each.isalpha() for each in name):
        message = "That name reads like a token: write one with a word in it, such as studio."
    elif name.casefold() in NO_GROUP:
        message = f"A group cannot be called {name}: that is how people say that they want none."
    if message:
        raise ValueError(message)
    return name
