"""What people call tokens: a label beside the id. Pure."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping

from bot.domain.value import Value

LONGEST = 32
"""How long a label is at most, in the units in which Discord counts."""


_OTHER = re.compile(r"\btokens?\W*\d", re.IGNORECASE)
_SAID = re.compile(r"\b([Tt]okens?) (\d+(?:(?:\\?, | and )\d+)*)\b", re.ASCII)
_IN_TRAIL = re.compile(r"(?<![^\s])\d+(?=$|\s|\\?[,;]|\\?: )", re.ASCII)


class Name(Value):
    """What people call a token."""

    token: int
    label: str
    by: int
    """Discord's id of the person who chose it."""

    @property
    def id(self) -> str:
        """There is one for each token."""
        return f"name-{self.token}"


def token_name(token_id: int, names: Mapping[int, str]) -> str:
    """`ana's Pro (1900)`, or `1900` for one without a name. Not escaped: whoever shows it does that."""
    label = names.get(token_id)
    return f"{label} ({token_id})" if label else f"{token_id}"


def folded(label: str) -> str:
    """The label as it is compared: two that look alike but for capitals, blanks or width are the same."""
    return " ".join(unicodedata.normalize("NFKC", label).casefold().split())


def token_called(label: str, names: Mapping[int, str]) -> int | None:
    """The id of the token with that label, or None."""
    wanted = folded(label)
    return next((token_id for token_id, each in names.items() if folded(each) == wanted), None)


def reads_as_number(label: str) -> bool:
    """Whether it could be taken for an id, a range of them, or for another token's `token 1900`."""
    return _OTHER.search(label) is not None or (
        any(map(str.isnumeric, label)) and not any(each.isalpha() for each in label)
    )


def by_name(sentence: str, names: Mapping[int, str], say: Callable[[int], str]) -> str:
    """A sentence that says tokens by their ids, with their names: `tokens 1901 and 1902`, `the ban of token 1900`.

    What is stored has the ids, as names come and go; and no name reads as another token.

    Args:
        sentence: As it is stored, or as the domain words it.
        names: What people call tokens.
        say: Says a token that has a name, as the place takes it.
    """
    return _named(_SAID, sentence, names, say) if names else sentence


def trail_by_name(what: str, names: Mapping[int, str], say: Callable[[int], str], others: Iterable[str] = ()) -> str:
    """The same of a line of the audit trail, in which ids stand by themselves: `banned 1900`.

    Args:
        what: As above.
        names: As above.
        say: As above.
        others: What groups are called, as it stands there: a number in such a name is no token.
    """
    if not names:
        return what
    # In one go, since a number in what a token is called is no token either.
    found = re.compile(f"{_SAID.pattern}|{_IN_TRAIL.pattern}", re.ASCII)
    kept = [re.escape(each) for each in sorted(others, key=len, reverse=True) if any(map(str.isdigit, each))]
    parts = re.split(rf"((?<!\w)(?:{'|'.join(kept)})(?!\w))", what) if kept else [what]
    return "".join(each if at % 2 else _named(found, each, names, say) for at, each in enumerate(parts))


def _named(which: re.Pattern[str], sentence: str, names: Mapping[int, str], say: Callable[[int], str]) -> str:
    def named(found: re.Match[str]) -> str:
        word, ids = found[1], found[2] or found[0]
        said = re.sub(r"\d+", lambda each: say(int(each[0])) if int(each[0]) in names else each[0], ids)
        return said if not word or (said != ids and ids.isdigit()) else f"{word} {said}"

    return which.sub(named, sentence)
