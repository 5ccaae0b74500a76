"""The figures that the bot is held to, in one table: `python -m bench`; two to six minutes.

Every ratio is between two things that were measured in the same run, most of them in turns. Nothing fails when a bar is
missed, unless `--strict` asks for that: a machine that has other work to do is no reason to fail.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from bench import answer, day, dwell, footprint, poll, table

SMALL: Final = 100
MEDIUM: Final = 1_000
LARGE: Final = 10_000
"""Tokens."""


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


async def lines(url: dict[str, str]) -> AsyncIterator[Line]:
    """Measure everything, one after another. The bot of `poll.costs` is the first that starts in this process."""
    plain, ours = await footprint.in_turns([SMALL, MEDIUM, LARGE], seconds=3, times=3)
    bare, small, medium, large = map(footprint.median, (plain, ours[SMALL], ours[MEDIUM], ours[LARGE]))
    client = "a bare client"
    yield ratio(f"resident memory, {SMALL} tokens", small.resident, client, bare.resident, 1.6, "{:.1f} MiB")
    yield ratio(f"resident memory, {LARGE:,} tokens", large.resident, client, bare.resident, 2.2, "{:.1f} MiB")
    peak = max(each.peak for each in ours[LARGE])
    yield Line("the same at its peak", peak, "", None, peak, 128, "{:.1f} MiB", " MiB")
    plain, ours = await footprint.in_turns([SMALL], seconds=0, times=11)
    ready, first = footprint.median(ours[SMALL]).ready, footprint.median(plain).ready
    yield ratio(f"time to ready, {SMALL} tokens", ready, client, first, 1.8, "{:.2f} s")

    costs = await poll.costs(url["poll"], LARGE, 20)
    yield ratio(f"CPU of a poll, {LARGE:,} tokens, 1 % changed", costs.poll, "json.loads", costs.plain, 3, "{:.0f} ms")
    worst = {
        "polls": max(span.blocked for span in costs.polls),
        "every status changes": costs.storm.blocked,
        f"{LARGE:,} messages into summaries": costs.telling.blocked,
        "the first start": max(costs.first_start.blocked, costs.first_poll.blocked),
    }
    for what, blocked in worst.items():
        yield Line(f"event loop blocked at most, {what}", blocked, "", None, blocked, 50, "{:.0f} ms", " ms")

    cpu = await poll.in_turns({size: url[str(size)] for size in (SMALL, MEDIUM, LARGE)}, 20)
    above = [each.resident - bare.resident for each in (small, medium, large)]
    for line in (
        *growth("a poll's CPU", cpu[SMALL], cpu[MEDIUM], cpu[LARGE], "{:.0f} ms"),
        *growth("memory", above[0], above[1], above[2], "{:.0f} MiB"),
    ):
        yield line

    waited = await answer.answers(LARGE, 2500)
    token, ping = dwell.percentile(waited.token, 99), dwell.percentile(waited.ping, 99)
    yield ratio(
        f"/token, p99, {LARGE:,} tokens polled each second", token, "/ping of a bare client", ping, 1.5, "{:.1f} ms"
    )

    told, trips = await dwell.dwells(url["dwell"], 100)
    for name, percent, bar in (("median", 50, 10), ("p99", 99, 100)):
        took, trip = dwell.percentile(told, percent), dwell.percentile(trips, 50)
        figure = f"reading to message, {name}, {dwell.SIZE} tokens"
        yield Line(figure, took, "a bare post", trip, took - trip, bar, "{:.1f} ms", " ms more")

    passed = await day.apart(url["day"])
    first, last = passed.hours[0], passed.hours[-1]
    figure = f"memory after 24 simulated hours, {day.SIZE} tokens"
    yield ratio(figure, last, "after the first", first, 1.05, "{:.1f} MiB")


async def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a bar is missed")
    arguments = parser.parse_args()
    with poll.files("poll", "dwell", "day", *map(str, (SMALL, MEDIUM, LARGE))) as urls:
        found = [each async for each in lines(urls)]
    table.show(("figure", "measured", "against", "result", "bar", "reached"), [each.cells for each in found])
    return int(arguments.strict and not all(each.reached for each in found))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
