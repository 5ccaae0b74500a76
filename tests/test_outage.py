"""What `python -m tests.outage` does: Discord may be away in any way; nothing is lost, doubled or hurried."""

from pathlib import Path

import pytest

from tests.outage import AWAY, POLL, TROUBLES, lived_through
from tests.report import table


@pytest.mark.long
def test_whatever_discord_does_for_half_an_hour_everything_is_told_once_and_soon_and_in_few_messages(
    tmp_path: Path,
) -> None:
    reports = lived_through(tmp_path)
    assert len(reports) == len(TROUBLES)
    assert all(report.good for report in reports), table(*reports)
    assert all(report.figures["requests not told yes"] > 0 for report in reports)
    assert all(report.figures["polls while away"] == AWAY / POLL for report in reports)
