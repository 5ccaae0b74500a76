"""How long pictures hold up the event loop, and what they leave in memory: `python -m bench.charts`.

Fifty in turn, a week of one token and the twelve worst of a fleet by turns, each another. `--thread` draws them in a
thread of the bot instead, to see what that would do.
"""

import argparse
import asyncio
import os
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import table
from bench.footprint import memory
from bench.poll import measured
from bot.chat.charts import draw
from bot.chat.charts.fleet import MOST, Multiples, Small, fleet_chart
from bot.chat.charts.studio import WIDTH, Studio
from bot.chat.charts.token import Chart, token_chart
from bot.chat.charts.trace import traced
from bot.domain.forecast import Band
from bot.domain.model import Status, Threshold
from bot.domain.sample import Sample

PICTURES = 50
NOW = datetime(2026, 11, 30, 19, tzinfo=UTC)
DAYS = 7
ALLOWANCE = 900.0


@dataclass(slots=True)
class Charts:
    """What pictures took. Times are in milliseconds, memory in MiB."""

    before: float = 0
    after: float = 0
    blocked: list[float] = field(default_factory=list)
    text: list[float] = field(default_factory=list)
    """Until the SVG was there."""
    wall: list[float] = field(default_factory=list)
    """Until the PNG was."""


def week(token: int, dice: random.Random) -> list[Sample]:
    """A change every four minutes of work, and one sample an hour."""
    left, found = ALLOWANCE * dice.uniform(0.3, 1), []
    for minute in range(DAYS * 24 * 60, -1, -4):
        at = NOW - timedelta(minutes=minute)
        if at.hour in range(8, 20):
            left = max(0.0, left - dice.uniform(0, 0.6))
        status = Status.RELAX if not left else Status.FAST
        found.append(Sample(token, at, status, True, round(left, 2), ALLOWANCE, 0, 0))  # noqa: FBT003 - as it is switched on
    return found


def one(token: int, dice: random.Random) -> str:
    """The chart of a token, with a fan."""
    trace = traced(token, week(token, dice), NOW - timedelta(days=DAYS), NOW)
    left = (trace.last and trace.last.minutes) or 0.0
    fan = [
        Band(NOW + timedelta(hours=3 * each), left - 9.0 * each, left - 6.0 * each, left - 3.0 * each)
        for each in range(48)
    ]
    levels = (Threshold("20%", percent=20.0),)
    renews_at = fan[-1].at
    return token_chart(
        Chart(f"Token {token}, 7 days", trace, UTC, "UTC", NOW, renews_at, tuple(fan), renews_at, levels)
    )


def several(token: int, dice: random.Random) -> str:
    """Small charts of the tokens from that one on."""
    since = NOW - timedelta(days=DAYS)
    found = (traced(each, week(each, dice), since, NOW) for each in range(token, token + MOST))
    smalls = tuple(Small(f"{trace.token}", "12 % · 1.8 h", trace) for trace in found)
    return fleet_chart(Multiples(f"Worst {MOST} of 1,000, 7 days", smalls, UTC, "UTC", since, NOW))


def in_a_thread() -> Callable[[str], Awaitable[bytes]]:
    """Draws in this process, as nobody should."""
    from resvg_py import svg_to_bytes  # noqa: PLC0415 - it takes memory, which is what is measured

    fonts = sorted(map(str, (Path(draw.__file__).parent / "font").glob("*.ttf")))

    def drawn(svg: str) -> bytes:
        return svg_to_bytes(svg, width=WIDTH, skip_system_fonts=True, font_files=fonts, font_family=draw.FAMILY)

    return lambda svg: asyncio.to_thread(drawn, svg)


async def charts(count: int = PICTURES, *, thread: bool = False) -> Charts:
    """Draw so many, one after the other."""
    found, dice, me = Charts(), random.Random(0), os.getpid()
    room = Studio()
    await room.picture(one(1, dice))  # what the first leaves, as the modules of processes, stays with any program
    found.before = memory(me)
    picture = in_a_thread() if thread else room.picture
    for number in range(count):
        async with measured() as span:
            began = time.perf_counter()
            svg = await asyncio.to_thread(several if number % 2 else one, 1900 + number, dice)
            written = time.perf_counter()
            await picture(svg)
            found.text.append(1000 * (written - began))
            found.wall.append(1000 * (time.perf_counter() - began))
        found.blocked.append(span.blocked)
    found.after = memory(me)
    return found


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--thread", action="store_true", help="draw in the bot's own process")
    arguments = parser.parse_args()
    found = await charts(arguments.pictures, thread=arguments.thread)
    rows: list[table.Row] = [
        (what, f"{statistics.median(figures):.1f}", f"{max(figures):.1f}")
        for what, figures in (("blocked, ms", found.blocked), ("SVG, ms", found.text), ("in all, ms", found.wall))
    ]
    more = f"{found.after - found.before:+.1f}"
    table.show(("", "median", "most"), [*rows, (f"memory, {found.before:.1f} MiB before", "", more)])


if __name__ == "__main__":
    asyncio.run(main())
