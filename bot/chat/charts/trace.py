"""What samples say about a stretch of time: what held when, what was used, and what nobody saw."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise, zip_longest

from bot.domain.sample import Sample
from bot.domain.value import Value

SEEN_FOR = timedelta(hours=2, minutes=15)
"""How long what was read is taken to hold at most. There is a sample at each change, and one an hour at least, of which
one an hour is kept; where two lie further apart, the bot or ImaginePro was away in between."""

OFF = "OFF"
"""In place of a status, for the time in which a token was switched off."""

_DUST = 1.2
"""Minutes that a reading may rise without anything having been added: twice the step to which it is rounded."""

_FULL = 0.9
"""The share of the allowance from which on what was added is a refill, and not time that was bought."""


class Held(Value):
    """A stretch of time in which a token read the same."""

    begin: datetime
    end: datetime
    state: str
    """Its status, or `OFF`."""
    minutes: float | None
    """Of fast time."""
    allowance: float | None


class Rise(Value):
    """Fast time that came."""

    at: datetime
    minutes: float
    """How much was added at least."""
    refill: bool
    """Whether it is about full since; else time was bought."""


class Trace(Value):
    """A token over a stretch of time."""

    token: int
    since: datetime
    until: datetime
    held: tuple[Held, ...] = ()
    rises: tuple[Rise, ...] = ()
    used: float | None = None
    """Minutes of fast time, as far as they were seen; None when no two readings said how much was left."""
    watched_since: datetime | None = None
    """When it was first read, where that was after `since`."""

    @property
    def spans(self) -> Mapping[str, timedelta]:
        """For how long it was seen in each state, the longest first."""
        found: defaultdict[str, timedelta] = defaultdict(timedelta)
        for each in self.held:
            found[each.state] += each.end - each.begin
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    @property
    def gaps(self) -> tuple[tuple[datetime, datetime], ...]:
        """What was not seen, from its first reading on."""
        begins = [self.watched_since or self.since, *(each.end for each in self.held)]
        ends = [*(each.begin for each in self.held), self.until]
        return tuple((begin, end) for begin, end in zip(begins, ends, strict=True) if end > begin)

    @property
    def unknown(self) -> timedelta:
        """For how long it was read and its fast time was not."""
        return sum((each.end - each.begin for each in self.held if each.minutes is None), timedelta())

    @property
    def last(self) -> Held | None:
        """The latest that is known."""
        return self.held[-1] if self.held else None

    @property
    def top(self) -> float:
        """The most minutes that it had or was allowed; 0 where neither is known."""
        return max((max(each.minutes or 0, each.allowance or 0) for each in self.held), default=0)

    @property
    def allowances(self) -> tuple[tuple[datetime, float], ...]:
        """What it was allowed, and from when on; the first from the beginning."""
        found: list[tuple[datetime, float]] = []
        for each in self.held:
            if each.allowance is not None and (not found or found[-1][1] != each.allowance):
                found.append((each.begin, each.allowance))
        return tuple(found)


def traced(token: int, samples: Sequence[Sample], since: datetime, until: datetime) -> Trace:
    """What samples of one token say, ascending; one from before `since` tells what held then.

    A sample holds until the next, or for as long as it is believed; the last of all holds until then, too.
    """
    samples = [each for each in samples if each.at <= until]
    held: list[Held] = []
    for sample, after in zip_longest(samples, samples[1:]):
        end = min(until, sample.at + SEEN_FOR) if after is None else after.at
        if end - sample.at > SEEN_FOR:
            end = sample.at
        begin = max(sample.at, since)
        if end >= begin and end >= since:
            state = OFF if sample.active is False else sample.status.value
            _add(held, Held(begin, end, state, sample.fast_time, sample.allowance))
    first = samples[0].at if samples else None
    return Trace(
        token,
        since,
        until,
        tuple(held),
        tuple(each for each in _rises(samples) if each.at >= since),
        _used(samples, since),
        first if first is not None and first > since else None,
    )


def _add(held: list[Held], new: Held) -> None:
    """One that goes on as the one before becomes part of it."""
    before = held[-1] if held else None
    same = before is not None and before.end == new.begin and _reading(before) == _reading(new)
    if before is not None and same:
        held[-1] = Held(before.begin, new.end, before.state, before.minutes, before.allowance)
    else:
        held.append(new)


def _reading(held: Held) -> tuple[object, ...]:
    return held.state, held.minutes, held.allowance


def _known(samples: Iterable[Sample]) -> list[tuple[datetime, float, float | None]]:
    return [(each.at, each.fast_time, each.allowance) for each in samples if each.fast_time is not None]


def _rises(samples: Iterable[Sample]) -> Iterable[Rise]:
    for (_, before, _), (at, after, allowance) in pairwise(_known(samples)):
        if after - before > _DUST:
            yield Rise(at, after - before, refill=allowance is not None and after >= _FULL * allowance)


def _used(samples: Sequence[Sample], since: datetime) -> float | None:
    """What fell; and after a refill, what is no longer there of the allowance."""
    known = _known(samples)
    seen = [pair for pair in pairwise(known) if pair[1][0] >= since]
    if not seen:
        return None
    total = 0.0
    for (_, before, _), (_, after, allowance) in seen:
        if after < before:
            total += before - after
        elif after - before > _DUST and allowance is not None and after >= _FULL * allowance:
            total += max(0.0, allowance - after)
    return total
