"""What is kept of a token over time: a few figures of each reading in which one of them changed, and one an hour.

The one an hour shows that the token was watched: between two samples that are further apart, nobody knows.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import attrgetter
from typing import Final, Self

from bot.domain.model import Count, Status, Token
from bot.domain.value import Value, replace

HOUR: Final = 3600
"""Seconds between two samples of a token of which nothing changes."""

_STRIDE: Final = 1013
"""No divisor of an hour's seconds divides it: tokens whose ids follow each other have their turn far apart."""


class Sample(Value):
    """A few figures of a token, as they were read at one time."""

    token: int
    at: datetime
    """Of the reading, without the fraction of a second."""
    status: Status
    active: bool | None
    fast_time: float | None
    """Minutes left, to the hundredth; None when the text did not say."""
    allowance: float | None
    """Minutes of the period's allowance, to the hundredth."""
    queued: int | None
    """Jobs that wait, fast and relax; None when neither was said."""
    images: int | None
    """Made with it so far."""


def sample_of(token: Token, at: datetime) -> Sample:
    """What is kept of a reading of a token."""
    fast = token.fast_time
    return Sample(
        token.id,
        at.replace(microsecond=0),
        token.status,
        token.active,
        None if fast.remaining is None else round(fast.remaining, 2),
        None if fast.total is None else round(fast.total, 2),
        _together(token.queued_fast, token.queued_relax),
        token.lifetime.images,
    )


_figures: Final = attrgetter(
    "status",
    "active",
    "fast_time.remaining",
    "fast_time.total",
    "queued_fast.value",
    "queued_relax.value",
    "lifetime.images",
)
"""Of which a sample is made. To compare two samples takes three times as long."""


def changed(before: Token | None, token: Token, at: datetime) -> Sample | None:
    """The sample of a token that reads otherwise than before; None when no figure of it changed."""
    return None if before is not None and _figures(before) == _figures(token) else sample_of(token, at)


class Turns(Value):
    """When each token of a fleet has its turn: once an hour, at a second that follows from its id.

    To look at 10,000 ids at each poll takes 1 to 4 ms; this finds those whose turn it is, however many there are.
    """

    seconds: "array[int]"
    """Within the hour, in their order."""
    tokens: "array[int]"
    """The token of each."""

    @classmethod
    def of(cls, tokens: Iterable[int]) -> Self:
        """The turns of these."""
        ordered = sorted((token * _STRIDE % HOUR, token) for token in tokens)
        return cls(array("H", [second for second, _ in ordered]), array("q", [token for _, token in ordered]))

    def due(self, since: datetime | None, at: datetime) -> Iterator[int]:
        """The tokens whose turn was since the last reading, which was then; None when there was none."""
        end = int(at.timestamp())
        begin = end - HOUR if since is None else int(since.timestamp())
        if end - begin >= HOUR:
            yield from self.tokens
        elif begin < end:
            # Above the first second and up to the last, so that each is in one of two readings that meet.
            begin, end = begin % HOUR, end % HOUR
            first, last = bisect_right(self.seconds, begin), bisect_right(self.seconds, end)
            yield from self.tokens[first:last] if begin < end else (*self.tokens[first:], *self.tokens[:last])


def hourly(samples: Iterable[Sample]) -> Iterator[Sample]:
    """Of samples of one token that follow each other in time, the last of each hour; its time is to the minute."""
    of: dict[int, Sample] = {}
    for each in samples:
        of[int(each.at.timestamp()) // HOUR] = each
    return (replace(each, at=each.at.replace(second=0)) for each in of.values())


def _together(*counts: Count) -> int | None:
    known = [count.value for count in counts if count.value is not None]
    return sum(known) if known else None
