"""The short form of `python -m tests.chaos`: whatever goes wrong at once, the channel tells each flip exactly once."""

import pytest

from tests.chaos import ENGINES, chaos, table


@pytest.mark.long
async def test_whatever_goes_wrong_at_once_everything_is_told_once_and_nobody_is_forgotten() -> None:
    reports = await chaos(ENGINES, copies=2, seeds=range(1, 21), episodes=5)
    assert not any(report.broken for report in reports), table(reports)
    assert all(report.seeds == 20 for report in reports)
    assert all(report.counts["flips"] > 10 for report in reports)
