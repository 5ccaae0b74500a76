"""Reading an answer of the upstream that is there as bytes."""

from collections.abc import Mapping

from bot.domain.model import Token
from bot.imaginepro.wire import NOTHING, Reader

TOO_DEEP = b'[{"id": 1, "more": ' + b"[" * 5_000_000 + b"]" * 5_000_000 + b"}]"
"""A list that no Python reads: 3.11 stops at some 1,000 levels, 3.14 at some 250,000, as its stack is large."""


def tokens(
    body: bytes, reader: Reader | None = None, known: Mapping[int, Token] = NOTHING, *, chunk: int = 2**16
) -> dict[int, Token]:
    """The tokens of an answer that arrives in chunks of that size.

    Raises:
        MalformedError: As the reader does.
    """
    answer = (reader or Reader()).answer(known)
    for start in range(0, len(body), chunk):
        for _ in answer.feed(body[start : start + chunk]):
            pass
    for _ in answer.end():
        pass
    return answer.value()
