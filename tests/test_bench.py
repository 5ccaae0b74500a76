"""The benchmarks run, and can find what they look for."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from bench import forecast as forecasts
from bench import history, months
from bench.__main__ import growth
from bench.accounts import DAY, HOUR, live
from bench.forecast import OURS, RULE, Fast, Said, Score, report, score
from bench.rivals import DESIGNS, Answer
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


def test_the_benchmark_of_forecasts_runs_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    families = ("steady", "idle", "sprint")
    arguments = ("--accounts", "1", "--plans", "Standard", "--families", *families, "--processes", "1")
    assert forecasts.main(arguments) == 0
    shown = capsys.readouterr().out
    assert all(f"| {name} " in shown for name in (*DESIGNS, OURS, RULE, "steady", "idle"))
    assert re.search(r"^empty within a day. Of [12] sprints it warns", shown, re.MULTILINE)


def test_who_knows_what_becomes_of_an_account_has_no_false_call_and_misses_nothing() -> None:
    life = live("weekdays only", "Basic", "another")
    steps = range(life.watched, len(life.left), HOUR)
    ends = [next(cycle.renewal for cycle in life.cycles if step < cycle.end) for step in steps]
    truths = [life.dry(step, end) for step, end in zip(steps, ends, strict=True)]
    known = [
        Said(step, Answer(dry, dry, dry, ranged=True), dry is not None) for step, dry in zip(steps, truths, strict=True)
    ]
    scored = score(life, known, 0.0)
    assert (scored.lasting, scored.ran_out) == (1, 1)
    assert (scored.false, scored.hit, scored.missed) == (0, 0, 0)
    assert scored.errors == [0.0] * len(scored.errors)
    assert scored.covered == scored.ranged
    silent = score(life, [Said(step, None, short=False) for step in steps], 0.0)
    assert (silent.false, silent.missed, silent.flips, silent.answered) == (0, silent.ran_out, 0, 0)
    crying = score(life, [Said(step, None, short=not step % DAY) for step in steps], 0.0)
    assert crying.hit == crying.lasting
    assert crying.false > 10


GOOD = {
    "cycles": 100,
    "lasting": 50,
    "ran_out": 50,
    "false": 4,
    "hit": 4,
    "missed": 2,
    "asked": 100,
    "answered": 99,
    "ranged": 100,
    "covered": 82,
}
"""The score of a design that reaches every target, of which others make a hundred false calls."""


@pytest.mark.parametrize(
    ("worse", "leads", "others"),
    [
        ({}, 170, 100),
        ({"false": 9}, 170, 100),
        ({"hit": 7}, 170, 100),
        ({"missed": 4}, 170, 100),
        ({"covered": 70}, 170, 100),
        ({"covered": 95}, 170, 100),
        ({}, 150, 100),
        ({}, 170, 30),
    ],
)
def test_a_target_that_is_missed_fails_a_strict_run(worse: dict[str, int], leads: int, others: int) -> None:
    ours = Score(**{**GOOD, **worse}, leads=[leads] * 50, errors=[0.2], widths=[0.5])  # type: ignore[arg-type] # whole
    scores = {name: Score(cycles=100, false=others, asked=1) for name in DESIGNS} | {OURS: ours, RULE: ours}
    reached = not worse and leads == 170 and others == 100
    assert report(scores, {"steady": ours}, Fast(), 1e-5, strict=True) == (0 if reached else 1)
    assert report(scores, {"steady": ours}, Fast(), 1e-5, strict=False) == 0
