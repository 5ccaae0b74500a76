"""The benchmarks run, and can find what they look for."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from bench import history, months
from bench.__main__ import growth
from bench.years import fleet
from bot.storage.store import open_store

DAYS = 30
ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("power", [0.5, 1, 1.2, 2])
def test_a_cost_that_grows_faster_than_the_fleet_misses_its_bar_however_much_the_bot_takes_for_none(
    power: float,
) -> None:
    small, medium, large = (500 + (size / 100) ** power for size in (100, 1_000, 10_000))
    lines = growth("something", small, medium, large, "{:.0f} ms")
    assert all(line.reached for line in lines) is (power <= 1)


async def test_the_benchmark_of_flips_runs_to_its_end() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.dwell", "--flips", "6", "--database", "sqlite"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(300):  # it takes some: a guard against hanging
        out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    (median,) = re.findall(r"^\| sqlite: median \| +([\d.]+) \|", out.decode(), re.MULTILINE)
    assert float(median) > 0


async def test_months_of_a_fleet_leave_packs_that_are_read_as_one_line(database_url: str) -> None:
    found = await months.lived(database_url, tokens=4, days=DAYS)
    assert 14 <= found.packs / 4 <= 21 + 3, "as many days as are kept as they were read, and the weeks before"
    assert months.LIVED <= len(found.prunes) < months.LIVED + 7
    assert found.samples > 4 * 24 * (DAYS - 1)
    assert found.size > 0


async def test_the_year_beside_prometheus_is_read_in_polls_and_kept_as_changes(sqlite_url: str) -> None:
    years, read = fleet(15, 2), history.seen(2)
    async with open_store(sqlite_url) as store:
        stored = await history.bot(years, read, store)
        tokens = [each.token for each in years]
        found = await store.history(tokens, history.BEGIN, history.BEGIN + history.MONTH)
    kept = [sample for each in found.values() for sample in each]
    assert len(kept) == stored
    polls = sum(read)
    assert 15 * 24 < stored < 15 * polls / 4, "fewer than there were polls, and one an hour at least"
    for year in years:
        of_it = {round((each.at - history.BEGIN).total_seconds()) // 60: each for each in found[year.token]}
        for minute, sample in of_it.items():
            said = year.at(minute)
            assert (sample.status, sample.queued, sample.images) == (said.status, said.queued, said.images)
            assert sample.fast_time == pytest.approx(said.left, abs=0.31)
        hours = {minute // 60 for minute in of_it}
        assert hours == set(range(2 * 24)), "none is left out"
