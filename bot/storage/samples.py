"""What was read over time: how it is stored, and read.

What was read today lies in rows of its own, which a poll adds to; what is older, in packs, which the retention makes.
"""

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from operator import attrgetter
from typing import Final

import sqlalchemy as sa

from bot.domain.model import Status
from bot.domain.sample import Sample
from bot.domain.value import Value
from bot.storage import packs
from bot.storage.batches import batches, upsert
from bot.storage.schema import history, samples
from bot.telemetry import event

logger = logging.getLogger(__name__)

DAY: Final = 86_400
"""Seconds."""


class Stored(Value):
    """The history of some tokens as it lies in the database."""

    packs: Sequence[tuple[int, bytes]]
    """A token, and some of its samples, packed."""
    samples: Sequence[Sample]


def keep(connection: sa.Connection, read: Sequence[Sample]) -> None:
    """Store what was read. What is stored twice, because the connection broke in the very commit, is there once."""
    for batch in batches(read):
        connection.execute(
            upsert(samples, connection.dialect.name, whole=True),
            [
                {
                    "token": each.token,
                    "at": int(each.at.timestamp()),
                    "status": each.status,
                    "active": each.active,
                    "fast_time": each.fast_time,
                    "allowance": each.allowance,
                    "queued": each.queued,
                    "images": each.images,
                }
                for each in batch
            ],
        )


def stored(connection: sa.Connection, tokens: Collection[int], since: datetime, until: datetime) -> Stored:
    """What there is of these tokens in that time and on the day before, as it lies in the database."""
    first, last = int(since.timestamp()) - DAY, int(until.timestamp())
    found: list[tuple[int, bytes]] = []
    read: list[Sample] = []
    for batch in batches(list(tokens)):
        for span in (packs.WEEK, packs.DAY):
            of_the_time = history.c.day.between(first // DAY - (span - 1), last // DAY)
            rows = connection.execute(
                sa.select(history.c.token, history.c.data)
                .where(history.c.span == span, history.c.token.in_(batch), of_the_time)
                .order_by(history.c.token, history.c.day)
            )
            found.extend((token, data) for token, data in rows)
        rows = connection.execute(
            sa.select(samples)
            .where(samples.c.token.in_(batch), samples.c.at.between(first, last))
            .order_by(samples.c.token, samples.c.at)
        )
        read.extend(map(sample_of, rows))
    return Stored(found, read)


def sample_of(row: sa.Row[*tuple[object, ...]]) -> Sample:
    """The sample of a row."""
    return Sample(
        row.token,
        datetime.fromtimestamp(row.at, UTC),
        _STATUSES.get(row.status, Status.UNKNOWN),
        row.active,
        row.fast_time,
        row.allowance,
        row.queued,
        row.images,
    )


_STATUSES: Final = {str(status): status for status in Status}


def in_order(found: Stored, tokens: Collection[int], since: datetime, until: datetime) -> dict[int, tuple[Sample, ...]]:
    """The samples of each token in their order, with the last one before that time. A pack that is damaged is a gap."""
    of: dict[int, list[Sample]] = {token: [] for token in tokens}
    first, last = int(since.timestamp()), int(until.timestamp())
    for token, data in found.packs:
        try:
            of[token] += packs.unpack(token, data, first, last)
        except ValueError as error:
            event(logger, logging.WARNING, "part of the history cannot be read", token=token, error=str(error))
    for each in found.samples:
        of[each.token].append(each)
    return {token: _cut(_sorted(each), since, until) for token, each in of.items()}


def _sorted(samples: list[Sample]) -> list[Sample]:
    """As they are, mostly: a week follows another, then days, then rows. A clock that was set back mixes them."""
    if all(before.at < after.at for before, after in pairwise(samples)):
        return samples
    return sorted({each.at: each for each in samples}.values(), key=_at)


_at: Final = attrgetter("at")


def _cut(ordered: Sequence[Sample], since: datetime, until: datetime) -> tuple[Sample, ...]:
    begin = max(0, bisect_left(ordered, since, key=_at) - 1)
    return tuple(ordered[begin : bisect_right(ordered, until, key=_at)])
