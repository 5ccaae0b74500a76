"""The figures that the bot is held to, in one table: `python -m bench`; three to seven minutes.

Every ratio is between two things that were measured in the same run, most of them in turns. Nothing fails when a bar is
missed, unless `--strict` asks for that: a machine that has other work to do is no reason to fail. `--beside` adds a
column with another checkout's figures, of which `bench/beside.py` says more.
"""

import argparse
import asyncio
import statistics
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from bench import answer, beside, charts, day, dwell, footprint, poll, table

SMALL: Final = 100
MEDIUM: Final = 1_000
LARGE: Final = 10_000
"""Tokens."""

ROUNDS: Final = 3
FLIPS: Final = 100
"""In each round and checkout, by which it is measured how long a reading takes to become a message."""

ENGINES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

MEDIANS: Final = {"sqlite": 6, "postgresql": 11}
"""Milliseconds from a reading to its message, beyond a bare post. 4 was aimed for: docs/performance.md."""


@dataclass(frozen=True, slots=True)
class Line:
    """A figure beside its bar."""

    figure: str
    measured: float
    against: str
    """What it is compared with."""
    beside: float | None
    """How much that is, in the unit of `measured`; None where nothing is beside it."""
    result: float
    bar: float
    form: str
    """How `measured`, `beside` are written."""
    unit: str
    """Of `result` and `bar`."""
    before: str = ""
    """What the other checkout shows in place of `result`."""

    @property
    def reached(self) -> bool:
        """Whether it is as good as it should be."""
        return self.result <= self.bar

    @property
    def cells(self) -> table.Row:
        """Its row of the table."""
        beside = "" if self.beside is None else self.form.format(self.beside)
        return (
            self.figure,
            self.form.format(self.measured),
            f"{self.against}{': ' if beside else ''}{beside}",
            f"{self.result:.2f}{self.unit}",
            f"≤ {self.bar:g}{self.unit}",
            "yes" if self.reached else "no",
            self.before,
        )


def ratio(figure: str, measured: float, against: str, beside: float, bar: float, form: str) -> Line:
    """A line about how many times as much one thing is as another."""
    return Line(figure, measured, against, beside, measured / beside, bar, form, " ×")  # noqa: RUF001 - that is the sign


def growth(what: str, small: float, medium: float, large: float, form: str) -> tuple[Line, Line]:
    """Whether a large fleet takes no more than a small one for each token, nor much more than a medium one lets expect.

    The second line leaves out what no fleet at all takes, beside which anything grows slowly. Its quarter is for the
    processor's caches, which a large fleet does not fit into.
    """
    linear = small * LARGE / SMALL
    expected = (medium - small) * (LARGE - SMALL) / (MEDIUM - SMALL)
    figure = f"growth of {what}, {SMALL} to {LARGE:,} tokens"
    return (
        ratio(figure, large, "linear", linear, 1, form),
        ratio(f"{figure}, the part that grows", large - small, f"as from {SMALL} to {MEDIUM:,}", expected, 1.25, form),
    )


async def footprints(other: Path | None) -> AsyncIterator[Line]:
    """Memory, and the time to ready."""
    plain, ours = await footprint.in_turns([SMALL, MEDIUM, LARGE], seconds=3, times=3)
    bare, small, medium, large = map(footprint.median, (plain, ours[SMALL], ours[MEDIUM], ours[LARGE]))
    client = "a bare client"
    yield ratio(f"resident memory, {SMALL} tokens", small.resident, client, bare.resident, 1.6, "{:.1f} MiB")
    yield ratio(f"resident memory, {LARGE:,} tokens", large.resident, client, bare.resident, 2.2, "{:.1f} MiB")
    peak = max(each.peak for each in ours[LARGE])
    yield Line("the same at its peak", peak, "", None, peak, 128, "{:.1f} MiB", " MiB")
    above = [each.resident - bare.resident for each in (small, medium, large)]
    for line in growth("memory", above[0], above[1], above[2], "{:.0f} MiB"):
        yield line
    plain, ours = await footprint.in_turns([SMALL], seconds=0, times=11)
    ready, first = footprint.median(ours[SMALL]).ready, footprint.median(plain).ready
    line = ratio(f"time to ready, {SMALL} tokens", ready, client, first, 1.8, "{:.2f} s")
    if other:
        rows = await beside.figures(other, "bench.footprint", "--tokens", str(SMALL), "--seconds", "0", "--times", "11")
        line = replace(line, before=f"{rows[f'the bot, {SMALL} tokens'][1]:.2f} ×")  # noqa: RUF001 - that is the sign
    yield line


async def polls(url: dict[str, str]) -> AsyncIterator[Line]:
    """What a poll costs, and for how long it blocks. The first bot here is the first that starts in this process."""
    costs = await poll.costs(url["poll"], LARGE, 20)
    yield ratio(
        f"CPU of a poll, {LARGE:,} tokens, 1 % changed", costs.poll, "json.loads", costs.plain, 1.5, "{:.0f} ms"
    )
    scraped = await poll.scrapes(url["scraped"], LARGE, 20)
    worst = {
        "polls": max(span.blocked for span in costs.polls),
        "every status changes": costs.storm.blocked,
        f"{LARGE:,} messages into summaries": costs.notifying.blocked,
        "the first start": max(costs.first_start.blocked, costs.first_poll.blocked),
        "scrapes": max(span.blocked for span in scraped.spans),
    }
    for what, blocked in worst.items():
        yield Line(f"event loop blocked at most, {what}", blocked, "", None, blocked, 50, "{:.0f} ms", " ms")

    cpu = await poll.in_turns({size: url[str(size)] for size in (SMALL, MEDIUM, LARGE)}, 20)
    for line in growth("a poll's CPU", cpu[SMALL], cpu[MEDIUM], cpu[LARGE], "{:.0f} ms"):
        yield line


async def pictures() -> AsyncIterator[Line]:
    """What fifty pictures do to those who did not ask for them."""
    drawn = await charts.charts()
    blocked = max(drawn.blocked)
    yield Line("event loop blocked at most, a picture", blocked, "", None, blocked, 50, "{:.0f} ms", " ms")
    more = drawn.after - drawn.before
    figure = f"resident memory after {charts.PICTURES} pictures"
    yield Line(figure, drawn.after, "before them", drawn.before, more, 6, "{:.1f} MiB", " MiB more")


async def messages(other: Path | None) -> AsyncIterator[Line]:
    """How long a reading takes to become a message, on each engine; in turns with the other checkout."""
    found: dict[Path, dict[str, list[list[float]]]] = {}
    for _ in range(ROUNDS):
        for checkout in filter(None, (beside.HERE, other)):
            rows = await beside.figures(checkout, "bench.dwell", "--flips", str(FLIPS))
            for name, row in rows.items():
                found.setdefault(checkout, {}).setdefault(name, []).append(row)
    usual = {checkout: {name: _medians(rows) for name, rows in each.items()} for checkout, each in found.items()}
    for engine, name in ENGINES.items():
        for what, bar in (("median", MEDIANS[engine]), ("p99", 50)):
            told, trip, more = usual[beside.HERE][f"{engine}: {what}"]
            trip = usual[beside.HERE][f"{engine}: median"][1]
            figure = f"reading to message, {what}, {dwell.SIZE} tokens, {name}"
            before = f"{usual[other][f'{engine}: {what}'][2]:.2f} ms more" if other else ""
            yield Line(figure, told, "a bare post", trip, more, bar, "{:.1f} ms", " ms more", before)
            if other and what == "median":
                more_there = usual[other][f"{engine}: {what}"][2]
                yield ratio(
                    f"the same beside {beside.name_of(other)}, {name}", more, "there", more_there, 0.7, "{:.1f} ms"
                )


def _medians(rows: list[list[float]]) -> list[float]:
    """Of each column."""
    return [statistics.median(column) for column in zip(*rows, strict=True)]


async def others(url: dict[str, str]) -> AsyncIterator[Line]:
    """How long people wait, and what a day leaves behind."""
    waited = await answer.answers(LARGE, 2500)
    token, ping = dwell.percentile(waited.token, 99), dwell.percentile(waited.ping, 99)
    yield ratio(
        f"/token, p99, {LARGE:,} tokens polled each second", token, "/ping of a bare client", ping, 1.5, "{:.1f} ms"
    )

    passed = await day.apart(url["day"])
    first, last = passed.hours[0], passed.hours[-1]
    figure = f"memory after 24 simulated hours, {day.SIZE} tokens"
    yield ratio(figure, last, "after the first", first, 1.05, "{:.1f} MiB")


async def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--beside", type=Path, metavar="FOLDER", help="another checkout, with its .venv")
    arguments = parser.parse_args()
    other = arguments.beside and arguments.beside.resolve()
    with poll.files("poll", "scraped", "day", *map(str, (SMALL, MEDIUM, LARGE))) as urls:
        parts = (footprints(other), polls(urls), pictures(), messages(other), others(urls))
        found = [each for part in parts async for each in part]
    head = ["figure", "measured", "against", "result", "bar", "reached", *([beside.name_of(other)] if other else [])]
    table.show(head, [each.cells[: len(head)] for each in found])
    return int(arguments.strict and not all(each.reached for each in found))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
