"""The same year of tokens, as Prometheus's blocks keep it and as the bot does: `python -m bench.history`.

Tokens of fifteen families, a poll a minute, five figures each (the status, fast time, allowance, queue, images):

* Prometheus: each poll is a sample, and promtool makes blocks of it, as long as the server itself makes them when it
  compacts (20 days). Then a server reads a month of one token over its API.
* The bot: each poll is a reading that `advance` lays over the one before; what it wants kept is stored in SQLite,
  and the retention runs each day. Then `Store.history` reads the same month.

Both take turns at reading. Debian's packages `prometheus` and, from Debian 13 on, `promtool` have the programs.
"""

import argparse
import asyncio
import contextlib
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final, TypeAlias

import aiohttp

from bench import table
from bench.years import DAY, Figures, Year, fleet
from bot.domain import info
from bot.domain.model import Reading, Token
from bot.domain.rules.policy import Policy
from bot.domain.sample import Sample, Turns
from bot.domain.watch.known import Changes, Known
from bot.domain.watch.poll import advance, compare
from bot.storage.store import Store, open_store

BEGIN: Final = datetime(2025, 11, 30, tzinfo=UTC)
RAW, HOURLY = timedelta(days=14), timedelta(days=395)
MONTH: Final = timedelta(days=30)

BLOCK: Final = 486 * 3600
"""Seconds of the longest block that a server makes of two hours, by threes, which is not above a tenth of a year."""

POINTS: Final = 10_080
"""That are asked for at once, a week of minutes: the API gives no more than 11,000 of a series."""

BYTES, TIME = 1 / 5, 1 / 2
"""The bars: the bot's share of what Prometheus takes."""

STATES: Final = ("FAST", "RELAX")

SERIES: Final[dict[str, Callable[[Year, Figures], float]]] = {
    "state": lambda _, said: STATES.index(said.status),
    "fast_time_minutes": lambda _, said: said.left,
    "allowance_minutes": lambda year, _: year.allowance,
    "queued_jobs": lambda _, said: said.queued,
    "images_total": lambda _, said: said.images,
}
"""Of each token, as Prometheus has them."""
Span: TypeAlias = tuple[int, int, int]
"""From, to, and the step; seconds."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one of the two takes."""

    size: int
    """Bytes."""
    made: float
    """Seconds until everything was there."""


def seen(days: int) -> list[bool]:
    """In which minutes there was a reading: 1 % are lost, and there is an outage a week, of an hour or two."""
    chance = Random(15)
    found = [chance.random() > 0.01 for _ in range(days * DAY)]  # noqa: PLR2004 - see above
    for week in range(0, days * DAY, 7 * DAY):
        begin = week + chance.randrange(7 * DAY)
        for minute in range(begin, min(begin + chance.randrange(30, 150), days * DAY)):
            found[minute] = False
    return found


async def bot(years: Sequence[Year], read: Sequence[bool], store: Store) -> int:
    """Let the bot live through it; returns how many samples it stored in all."""
    policy, known = Policy(), Known()
    tokens: dict[int, Token] = {}
    said: dict[int, Figures] = {}
    stored = 0
    turns = {_turn(each.token) for each in years}
    for day in range(len(read) // DAY):
        samples: list[Sample] = []
        for minute in range(day * DAY, (day + 1) * DAY):
            if not read[minute]:
                continue
            new = {each.token: said_now for each in years if (said_now := each.at(minute)) is not said.get(each.token)}
            changed = {token: said_now for token, said_now in new.items() if said_now != said.get(token)}
            said |= new
            late = known.fleet.read_at is not None and not read[minute - 1]
            if changed or late or minute % 60 in turns:  # else nothing of it would be kept: see `advance`
                tokens |= {
                    each.token: info.read(each.record(said[each.token])) for each in years if each.token in changed
                }
                reading = Reading(dict(tokens), BEGIN + timedelta(minutes=minute, seconds=1))
                changes, known = advance(known, compare(known, reading, policy))
                samples += changes.samples
        stored += len(samples)
        now = BEGIN + timedelta(days=day + 1, minutes=1)
        await store.save(Changes(now, samples=tuple(samples)), now)
        await store.prune_history(now, RAW, HOURLY)
    return stored


def _turn(token: int) -> int:
    """In which minute of the hour the bot stores a sample of a token that does not change."""
    turns = Turns.of([token])
    minutes = (BEGIN + timedelta(minutes=minute, seconds=1) for minute in range(61))
    return next(minute % 60 for minute, (before, at) in enumerate(pairwise(minutes), 1) if list(turns.due(before, at)))


async def prometheus(years: Sequence[Year], read: Sequence[bool], folder: Path) -> Side:
    """Let promtool make the blocks: of one text after the other, since each is read again for each of its blocks."""
    began = time.monotonic()
    begin, end = int(BEGIN.timestamp()), int(BEGIN.timestamp()) + 60 * len(read)
    made: asyncio.subprocess.Process | None = None
    for number, first in enumerate(range(begin // BLOCK * BLOCK, end, BLOCK)):
        minutes = range(max(first - begin, 0) // 60, min(first + BLOCK - begin, end - begin) // 60)
        path = folder / f"{number}.txt"
        await asyncio.to_thread(_write, path, years, read, minutes)
        if made is not None:
            await _ended(made)
            (folder / f"{number - 1}.txt").unlink()
        made = await asyncio.create_subprocess_exec(
            *("promtool", "tsdb", "create-blocks-from", "openmetrics", "--quiet", f"--max-block-duration={BLOCK}s"),
            *(str(path), str(folder / "blocks")),
        )
    assert made is not None  # noqa: S101 - a year has blocks
    await _ended(made)
    return Side(size_of(folder / "blocks"), time.monotonic() - began)


async def _ended(process: asyncio.subprocess.Process) -> None:
    if await process.wait():
        message = f"promtool ended with {process.returncode}"
        raise RuntimeError(message)


def _write(path: Path, years: Sequence[Year], read: Sequence[bool], minutes: range) -> None:
    """What Prometheus would have scraped in these minutes, as text."""
    begin = int(BEGIN.timestamp())
    times = [(minute, f" {begin + 60 * minute + 1}\n") for minute in minutes if read[minute]]
    with path.open("w") as file:
        for name, figure in SERIES.items():
            file.write(f"# TYPE token_{name} gauge\n")
            for year in years:
                head, said, text = f'token_{name}{{token="{year.token}"}} ', None, ""
                lines = []
                for minute, at in times:
                    now = year.at(minute)
                    if now is not said:
                        said, text = now, f"{head}{figure(year, now):.12g}"
                    lines.append(text + at)
                file.writelines(lines)
        file.write("# EOF\n")


def size_of(folder: Path) -> int:
    """The bytes of all files in it."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[str]:
    """A Prometheus that has these blocks and nothing to do; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    (folder / "prometheus.yml").write_text("global: {}\n")
    process = await asyncio.create_subprocess_exec(
        *("prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--web.listen-address={address}"),
        *(f"--storage.tsdb.path={folder / 'blocks'}", "--storage.tsdb.retention.time=10y", "--log.level=error"),
    )
    try:
        async with aiohttp.ClientSession() as session, asyncio.timeout(60):
            while not await _is_ready(session, f"http://{address}/-/ready"):  # noqa: ASYNC110 - it happens elsewhere
                await asyncio.sleep(0.1)
        yield f"http://{address}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200  # noqa: PLR2004 - it is
    except aiohttp.ClientError:
        return False


async def asked(session: aiohttp.ClientSession, url: str, token: int, spans: Sequence[Span]) -> int:
    """Read a month of all figures of one token, a span after the other; returns how many points came."""
    points = 0
    for begin, end, step in spans:
        query = {"query": f'{{token="{token}"}}', "start": str(begin), "end": str(end), "step": str(step)}
        async with session.get(f"{url}/api/v1/query_range", params=query) as response:
            text = await response.read()
            response.raise_for_status()
        points += text.count(b"],[")
    return points


@dataclass(frozen=True, slots=True)
class Reads:
    """How long it took to read a month of one token: seconds, the medians; and how much of it there was."""

    bot: float
    samples: int
    alike: float
    """Of Prometheus, as fine as the bot has it."""
    points: int
    hourly: float
    """Of Prometheus, an hour throughout."""


async def reads(years: Sequence[Year], store: Store, url: str, end: datetime, times: int) -> Reads:
    """Read in turns: each token so many times, each time by one and by the other."""
    last = int(end.timestamp())
    begin, fine = last - int(MONTH.total_seconds()), last - int(RAW.total_seconds())
    minutes = [(at, min(at + 60 * POINTS, last), 60) for at in range(fine, last, 60 * POINTS)]
    alike, hourly = [(begin, fine, 3600), *minutes], [(begin, last, 3600)]
    took: dict[str, list[float]] = {"bot": [], "alike": [], "hourly": []}
    samples = points = 0
    async with aiohttp.ClientSession() as session:
        for turn in range(1 + times):
            for year in years:
                marks = [time.perf_counter()]
                found = (await store.history([year.token], end - MONTH, end))[year.token]
                marks.append(time.perf_counter())
                came = await asked(session, url, year.token, alike)
                marks.append(time.perf_counter())
                await asked(session, url, year.token, hourly)
                marks.append(time.perf_counter())
                if turn:  # the first time, both look their files up
                    samples, points = samples + len(found), points + came
                    for name, (before, after) in zip(took, pairwise(marks), strict=True):
                        took[name].append(after - before)
    each = times * len(years)
    middle = {name: statistics.median(every) for name, every in took.items()}
    return Reads(middle["bot"], samples // each, middle["alike"], points // each, middle["hourly"])


async def main() -> int:
    """Make both, measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--tokens", type=int, default=15, help="of the families in turn; there are 15")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--times", type=int, default=5, help="that a month of each token is read by each")
    arguments = parser.parse_args()
    missing = [name for name in ("promtool", "prometheus") if shutil.which(name) is None]
    if missing:
        print(f"{' and '.join(missing)} cannot be found: install Debian's package prometheus", file=sys.stderr)
        return 1
    years, read = fleet(arguments.tokens, arguments.days), seen(arguments.days)
    scraped = len(SERIES) * len(years) * sum(read)
    end = BEGIN + timedelta(days=arguments.days)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        theirs = await prometheus(years, read, folder)
        began = time.monotonic()
        async with open_store(f"sqlite:///{folder / 'bot' / 'bot.db'}") as store:
            stored = await bot(years, read, store)
        ours = Side(size_of(folder / "bot"), time.monotonic() - began)
        async with open_store(f"sqlite:///{folder / 'bot' / 'bot.db'}") as store, serving(folder) as url:
            found = await reads(years, store, url, end, arguments.times)
    scale = 365 / arguments.days / len(years)
    lines = [
        _line("bytes of a token and year, kB", ours.size * scale / 1e3, theirs.size * scale / 1e3, BYTES),
        _line("30 days of one token, ms", 1e3 * found.bot, 1e3 * found.alike, TIME),
        _line("the same beside one point an hour, ms", 1e3 * found.bot, 1e3 * found.hourly, None),
    ]
    megabytes = [round(each.size * scale / 1e3) for each in (ours, theirs)]
    print(
        f"{len(years)} tokens over {arguments.days} days, {len(SERIES)} figures each: {scraped:,} samples of "
        f"Prometheus, made in {theirs.made:.0f} s; {stored:,} of the bot, in {ours.made:.0f} s.\n"
        f"A month of one token: {found.samples:,} samples of the bot, {found.points:,} points of Prometheus.\n"
        f"1,000 such tokens and a year: {megabytes[0]:,} MB of the bot, {megabytes[1]:,} MB of Prometheus."
    )
    table.show(("figure", "the bot", "Prometheus", "share", "bar", "reached"), [cells for cells, _ in lines])
    return int(arguments.strict and not all(reached for _, reached in lines))


def _line(figure: str, ours: float, theirs: float, bar: float | None) -> tuple[table.Row, bool]:
    share = ours / theirs
    reached = bar is None or share <= bar
    said = "" if bar is None else "yes" if reached else "no"
    return (figure, ours, theirs, f"1/{theirs / ours:.1f}", "" if bar is None else f"1/{1 / bar:.0f}", said), reached


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
