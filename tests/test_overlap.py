"""The short form of `python -m tests.overlap`: of several copies on one database one speaks, and another follows it.

Here a lease is over because its clock leaps, and not because a busy machine kept its holder from renewing it.
"""

import asyncio
from pathlib import Path

import pytest

from tests.overlap import Times, overlapped
from tests.report import table
from tests.wire.discord import ANSWER_WITHIN

SOON = Times(together=1, pause=ANSWER_WITHIN + 0.5, lease=60, watched=1, leaps=True)
"""What the one that is paused was about to answer is too late when it wakes up."""


@pytest.mark.long
async def test_copies_that_overlap_die_sleep_and_wake_speak_with_one_voice(
    sqlite_url: str, postgresql_url: str, tmp_path: Path
) -> None:
    reports = await asyncio.gather(
        *(
            overlapped(url, tmp_path, SOON, POLL_INTERVAL="10s", FAKE_POLL="1", FAKE_CHECK="0.1")
            for url in (sqlite_url, postgresql_url)
        )
    )
    for report in reports:
        assert report.good, table(report)
        assert report.figures["flips"] > 0
        assert report.figures["questions"] > report.figures["  while nobody was there"]
