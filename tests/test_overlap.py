"""The short form of `python -m tests.overlap`: of several copies on one database one speaks, and another follows it.

Here a lease is over because its clock leaps, and not because a busy machine kept its holder from renewing it.
"""

import asyncio
from pathlib import Path

import pytest

from tests.overlap import Times, overlapped
from tests.report import table
from tests.storage.servers import PgBouncer, needs_pgbouncer
from tests.wire.discord import ANSWER_WITHIN

SOON = Times(together=1, pause=ANSWER_WITHIN + 0.5, lease=60, watched=1, leaps=True)
"""What the one that is paused was about to answer is too late when it wakes up."""


@pytest.mark.long
async def test_copies_that_overlap_die_sleep_and_wake_speak_with_one_voice(
    sqlite_url: str, postgresql_url: str, tmp_path: Path
) -> None:
    await _one_voice(sqlite_url, postgresql_url, folder=tmp_path)


@needs_pgbouncer
@pytest.mark.long
async def test_so_do_those_behind_a_pooler_that_gives_each_transaction_another_connection(
    pgbouncer: PgBouncer, tmp_path: Path
) -> None:
    await _one_voice(pgbouncer.url(), folder=tmp_path)


async def _one_voice(*urls: str, folder: Path) -> None:
    runs = (overlapped(url, folder, SOON, POLL_INTERVAL="10s", FAKE_POLL="1", FAKE_CHECK="0.1") for url in urls)
    for report in await asyncio.gather(*runs):
        assert report.good, table(report)
        assert report.figures["flips"] > 0
        assert report.figures["questions"] > report.figures["  while nobody was there"]
