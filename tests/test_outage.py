"""The short form of `python -m tests.outage`: Discord may be away in any way; nothing is lost, doubled or hurried."""

from pathlib import Path

import pytest

from tests.outage import AWAY, POLL, TROUBLES, lived_through, table

SCALE = 60
"""Half an hour is half a minute."""


@pytest.mark.long
def test_whatever_discord_does_for_half_an_hour_everything_is_told_once_and_soon_and_in_few_messages(
    tmp_path: Path,
) -> None:
    figures = lived_through(SCALE, tmp_path)
    assert [each.broken for each in figures] == [[]] * len(TROUBLES), table(figures)
    assert all(each.refused > 0 for each in figures)
    assert all(each.polls >= AWAY / POLL / 2 for each in figures)
