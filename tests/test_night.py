"""The audit trail after a night of acts reads as a story: who wanted what, what became of it, and what nobody knows."""

import re
from pathlib import Path

from tests.leap import leaping  # noqa: F401 - time leaps in all tests of this module
from tests.night import played

REVIEWED = Path(__file__).with_name("night.txt")


async def test_the_night_reads_as_it_was_reviewed(sqlite_url: str) -> None:
    assert await played(sqlite_url) == REVIEWED.read_text("utf-8").splitlines()


def test_in_it_each_act_has_one_outcome_after_it_was_about_to_be_done() -> None:
    audit, _, _ = REVIEWED.read_text("utf-8").partition("\nThe channel")
    about_to = re.findall(r"^\d\d:\d\d (@\w+|the bot) about to: (.+?)(?: · .*)?$", audit, re.MULTILINE)
    outcomes = re.findall(
        r"^\d\d:\d\d (@\w+|the bot) (?:done|not done|not known): (.+?)(?: · .*)?$", audit, re.MULTILINE
    )
    refused = [("@ben", "switch 1903 off")]  # it may not begin, so it never was about to
    assert sorted(outcomes) == sorted([*about_to, *refused])
    assert {"done", "not done", "not known", "after all"} <= set(re.findall(r" (\w+(?: \w+)?): ", audit))
