"""The benchmarks run, and can find what they look for."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from bench.__main__ import growth

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
