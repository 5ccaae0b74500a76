"""Whether the history of a large fleet stays small and quick over thirteen months: `python -m bench.months`.

1,000 tokens of fifteen families, on each engine in turn. What is older than three weeks lies there as the retention
would have left it, which spares an hour; the last three weeks are stored day by day, and the retention runs each day.
Then months are read. What is said of the time is of a machine that does nothing else.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import sqlalchemy as sa

from bench import table
from bench.history import BEGIN, HOURLY, MONTH, RAW
from bench.looking import Looked, known, looked
from bench.poll import databases
from bench.years import DAY, Year, fleet
from bot.domain import info
from bot.domain.sample import Sample, hourly, sample_of
from bot.domain.value import replace
from bot.domain.watch.known import Changes
from bot.storage import packs, schema
from bot.storage.batches import batches
from bot.storage.retention import day_of, week_of
from bot.storage.store import Store, open_store

TOKENS: Final = 1_000
KINDS: Final = 15
"""Tokens that are made up; the others are as these are."""

LIVED: Final = 21
"""Days that are stored as they pass."""

FIRST: Final = 1900

AT_ONCE: Final = 50
"""Tokens that are stored, and read, at once."""


@dataclass(slots=True)
class Months:
    """What it took."""

    size: int = 0
    """Bytes, of tables and indexes, or of the file."""
    packs: int = 0
    prunes: list[float] = field(default_factory=list)
    """Seconds of each day's retention."""
    waits: list[float] = field(default_factory=list)
    """Seconds until a poll was stored meanwhile."""
    one_month: float = 0
    one_year: float = 0
    all_month: float = 0
    all_year: float = 0
    """Seconds to read: the medians of one token, and the sums of all."""
    looked: Looked = field(default_factory=Looked)
    samples: int = 0
    """Of all tokens, in all the time."""


def samples_of(year: Year, days: range) -> Iterator[Sample]:
    """What the bot keeps of these days: each change, and a sample an hour."""
    said = None
    for minute in range(days.start * DAY, days.stop * DAY):
        now = year.at(minute)
        if now != said or minute % 60 == year.token % 60:
            said = now
            yield sample_of(info.read(year.record(now)), BEGIN + timedelta(minutes=minute, seconds=1))


async def lived(url: str, tokens: int = TOKENS, days: int = HOURLY.days) -> Months:
    """Let the time pass, and read."""
    found = Months()
    years = fleet(min(tokens, KINDS), days)
    begin = day_of(BEGIN)
    live = week_of(begin + days - LIVED) - begin  # the first day that is stored as it passes
    async with open_store(url) as store:
        await _fill(store, years, tokens, live)
        for day in range(live, days):
            await _live(store, years, tokens, day, found)
        await store.database.read(lambda connection: _measure(connection, found))
        end = BEGIN + timedelta(days=days)
        await _read(store, tokens, end, end - BEGIN, found)
        found.looked = await looked(store, known(years, BEGIN, end, FIRST, tokens), end, FIRST)
    return found


async def _fill(store: Store, years: Sequence[Year], tokens: int, days: int) -> None:
    """Leave what the retention would have left of these days: a pack a token and week, of one sample an hour."""
    rows: list[dict[str, object]] = []
    begin = day_of(BEGIN)
    for number, year in enumerate(years):
        weeks: dict[int, list[Sample]] = {}
        for each in hourly(samples_of(year, range(days))):
            weeks.setdefault(week_of(day_of(each.at)), []).append(each)
        for week, samples in weeks.items():
            data = packs.pack(samples)
            rows += (
                {"span": packs.WEEK, "token": FIRST + token, "day": week, "data": data}
                for token in range(number, tokens, len(years))
            )
    assert all(row["day"] < begin + days for row in rows)  # type: ignore[operator] # noqa: S101 - a number
    for batch in batches(rows, 5_000):
        await store.database.write(partial(_insert, rows=batch))


def _insert(connection: sa.Connection, rows: Sequence[dict[str, object]]) -> None:
    connection.execute(sa.insert(schema.history), rows)


async def _live(store: Store, years: Sequence[Year], tokens: int, day: int, found: Months) -> None:
    now = BEGIN + timedelta(days=day + 1, minutes=1)
    of_kinds = [list(samples_of(year, range(day, day + 1))) for year in years]
    for several in batches(range(tokens), AT_ONCE):
        read = (replace(each, token=FIRST + token) for token in several for each in of_kinds[token % len(years)])
        await store.save(Changes(now, samples=tuple(read)), now)
    saving = asyncio.create_task(_saving(store, now, found.waits))
    began = time.perf_counter()
    await store.prune_history(now, RAW, HOURLY)
    found.prunes.append(time.perf_counter() - began)
    saving.cancel()
    await asyncio.wait({saving})


async def _saving(store: Store, now: datetime, waits: list[float]) -> None:
    """Store polls that bring nothing, one after the other."""
    while True:
        began = time.perf_counter()
        await store.save(Changes(now), now)
        waits.append(time.perf_counter() - began)
        await asyncio.sleep(0.01)


def _measure(connection: sa.Connection, found: Months) -> None:
    found.packs = connection.scalar(sa.select(sa.func.count()).select_from(schema.history)) or 0
    if connection.dialect.name == "sqlite":
        pages, size = (connection.scalar(sa.text(f"PRAGMA {name}")) for name in ("page_count", "page_size"))
        found.size = (pages or 0) * (size or 0)
    else:
        total = "SELECT sum(pg_total_relation_size(name::regclass)) FROM (VALUES ('history'), ('samples')) AS t (name)"
        found.size = int(connection.scalar(sa.text(total)) or 0)


async def _read(store: Store, tokens: int, end: datetime, whole: timedelta, found: Months) -> None:
    some = [FIRST + number for number in range(0, tokens, max(1, tokens // 20))]
    month, year = list[float](), list[float]()
    for token in some:
        for times, span in ((month, MONTH), (year, whole)):
            began = time.perf_counter()
            await store.history([token], end - span, end)
            times.append(time.perf_counter() - began)
    found.one_month, found.one_year = statistics.median(month), statistics.median(year)
    everyone = list(range(FIRST, FIRST + tokens))
    began = time.perf_counter()
    for several in batches(everyone, AT_ONCE):
        await store.history(several, end - MONTH, end)
    found.all_month = time.perf_counter() - began
    began = time.perf_counter()
    for token in everyone:
        found.samples += len((await store.history([token], end - whole, end))[token])
    found.all_year = time.perf_counter() - began


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=TOKENS)
    parser.add_argument("--days", type=int, default=HOURLY.days)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    arguments = parser.parse_args()
    found: dict[str, Months] = {}
    with databases(arguments.database or ["sqlite", "postgresql"]) as urls:
        for name, url in urls.items():
            if name in (arguments.database or urls):
                found[name] = await lived(url, arguments.tokens, arguments.days)
    every = list(found.values())
    print(f"{arguments.tokens:,} tokens over {arguments.days} days: {every[0].samples:,} samples")
    rows: list[table.Row] = [
        ("size, MB", *(each.size / 1e6 for each in every)),
        ("retention of a day, s: the median", *(statistics.median(each.prunes) for each in every)),
        ("the longest: weeks are thinned, and some end", *(max(each.prunes) for each in every)),
        ("a poll is stored meanwhile in, ms: the median", *(1e3 * statistics.median(each.waits) for each in every)),
        ("the longest", *(1e3 * max(each.waits) for each in every)),
        ("30 days of one token, ms", *(1e3 * each.one_month for each in every)),
        ("all the time of one token, ms", *(1e3 * each.one_year for each in every)),
        ("the text of /history of one token, ms, at most", *(each.looked.one_text for each in every)),
        ("with its picture", *(each.looked.one for each in every)),
        ("the text of /history of all, ms, at most", *(each.looked.all_text for each in every)),
        ("with its pictures", *(each.looked.all for each in every)),
        (f"30 days of all, {AT_ONCE} at once, s", *(each.all_month for each in every)),
        ("all the time of all, one by one, s", *(each.all_year for each in every)),
    ]
    table.show(("figure", *found), rows)


if __name__ == "__main__":
    asyncio.run(main())
