"""The short form of `python -m tests.overlap`: of several copies on one database one speaks, and another follows it."""

import asyncio
from pathlib import Path

import pytest

from tests.overlap import overlapped
from tests.report import table


@pytest.mark.long
async def test_copies_that_overlap_die_sleep_and_wake_speak_with_one_voice(
    sqlite_url: str, postgresql_url: str, tmp_path: Path
) -> None:
    reports = await asyncio.gather(
        *(overlapped(url, tmp_path, together=2, pause=4, lease=2) for url in (sqlite_url, postgresql_url))
    )
    for report in reports:
        assert report.good, table(report)
        assert report.figures["flips"] > 0
        assert report.figures["questions"] > report.figures["  while nobody was there"]
