"""The retention of what was read over time: rows become packs, packs become thinner, and end.

1. rows from before today become one pack a token and day
2. those of whole weeks that are older than they are to be kept as they were read, become one pack a token and week, of
   one sample an hour
3. packs that are older than anything is to be kept are deleted

Each is done in small transactions, so that a poll never waits for long to store what it read; a crash between two of
them loses nothing, and the next run goes on. Days are those of UTC, and are counted from 1970.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.sample import Sample, hourly
from bot.storage import packs
from bot.storage.batches import upsert
from bot.storage.samples import DAY, sample_of
from bot.storage.schema import history, samples
from bot.telemetry import event

logger = logging.getLogger(__name__)

TOKENS, WEEKS = 10, 5
"""That are packed, and thinned, at once: some 10 ms of work, for which a poll may have to wait."""

ROWS: Final = 2_000
"""That are packed at once."""

Place = tuple[int, int]
"""A token, and the first day of a pack."""


def day_of(at: datetime) -> int:
    """The day of a time."""
    return int(at.timestamp()) // DAY


def week_of(day: int) -> int:
    """The first day of the week, in which all tokens agree: it is no week of the calendar."""
    return day // packs.WEEK * packs.WEEK


def unpacked(connection: sa.Connection, before: int) -> Sequence[int]:
    """The tokens that have rows from before that day."""
    old = samples.c.at < before * DAY
    return connection.scalars(sa.select(samples.c.token).where(old).distinct().order_by(samples.c.token)).all()


def pack(connection: sa.Connection, tokens: Sequence[int], before: int) -> bool:
    """Pack rows of these tokens from before that day; whether there may be more of them."""
    rows = connection.execute(
        sa.select(samples)
        .where(samples.c.token.in_(tokens), samples.c.at < before * DAY)
        .order_by(samples.c.token, samples.c.at)
        .limit(ROWS)
    ).all()
    of: dict[Place, list[Sample]] = defaultdict(list)
    for row in rows:
        of[row.token, row.at // DAY].append(sample_of(row))
    done = _merge(connection, packs.DAY, of)
    if done:
        connection.execute(
            sa.delete(samples).where(
                samples.c.token == sa.bindparam("of"), samples.c.at.between(sa.bindparam("first"), sa.bindparam("last"))
            ),
            [{"of": token, "first": day * DAY, "last": _last(of[token, day])} for token, day in done],
        )
    return len(rows) == ROWS and bool(done)


def thick(connection: sa.Connection, before: int) -> Sequence[Place]:
    """The weeks of tokens that are over before that day, and of which there are packs of single days."""
    places = connection.execute(
        sa.select(history.c.token, history.c.day)
        .where(history.c.span == packs.DAY, history.c.day < week_of(before))
        .order_by(history.c.token, history.c.day)
    )
    return list(dict.fromkeys((token, week_of(day)) for token, day in places))


def thin(connection: sa.Connection, weeks: Iterable[Place]) -> None:
    """Let one sample an hour be left of these weeks. What cannot be read stays as it is."""
    for token, week in weeks:
        of_them = (
            history.c.span == packs.DAY,
            history.c.token == token,
            history.c.day.between(week, week + packs.WEEK - 1),
        )
        days = connection.scalars(sa.select(history.c.data).where(*of_them).order_by(history.c.day)).all()
        try:
            found = [each for data in days for each in packs.unpack(token, data)]
        except ValueError as error:
            _say(token, error)
            continue
        if _merge(connection, packs.WEEK, {(token, week): found}):
            connection.execute(sa.delete(history).where(*of_them))


def over(connection: sa.Connection, before: int) -> Sequence[tuple[int, int, int]]:
    """The keys of the packs that are over before that day: span, token and day."""
    end = history.c.day + history.c.span
    keys = sa.select(history.c.span, history.c.token, history.c.day)
    return [(span, token, day) for span, token, day in connection.execute(keys.where(end <= before))]


def delete(connection: sa.Connection, keys: Sequence[tuple[int, int, int]]) -> None:
    """Delete these packs."""
    one = (history.c[name] == sa.bindparam(f"the_{name}") for name in ("span", "token", "day"))
    rows = [{"the_span": span, "the_token": token, "the_day": day} for span, token, day in keys]
    connection.execute(sa.delete(history).where(*one), rows)


def _merge(connection: sa.Connection, span: int, new: Mapping[Place, Sequence[Sample]]) -> list[Place]:
    """Let the packs of these places have these samples as well; returns those where that could be done.

    Mostly there is none yet: but a clock may be set back, and a run may end in the midst of a day's rows.
    """
    there = connection.execute(
        sa.select(history.c.token, history.c.day, history.c.data).where(
            history.c.span == span,
            history.c.token.in_({token for token, _ in new}),
            history.c.day.in_({day for _, day in new}),
        )
    )
    packed = {(token, day): data for token, day, data in there}
    rows: list[dict[str, Any]] = []
    for (token, day), found in new.items():
        try:
            before = packs.unpack(token, packed[token, day]) if (token, day) in packed else []
        except ValueError as error:
            _say(token, error)
            continue
        ordered = sorted({each.at: each for each in (*before, *found)}.values(), key=lambda each: each.at)
        data = packs.pack(ordered if span == packs.DAY else list(hourly(ordered)))
        rows.append({"span": span, "token": token, "day": day, "data": data})
    if rows:
        connection.execute(upsert(history, connection.dialect.name, whole=True), rows)
    return [(row["token"], row["day"]) for row in rows]


def _last(found: Sequence[Sample]) -> int:
    return int(found[-1].at.timestamp())


def _say(token: int, error: ValueError) -> None:
    event(logger, logging.WARNING, "part of the history cannot be read", token=token, error=str(error))
