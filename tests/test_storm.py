"""The short form of `python -m tests.storm`: few messages name all that flip in one poll, and nothing is refused.

It counts no seconds, and Discord takes ten times as much as in life, so that nobody waits for that.
"""

from pathlib import Path

import pytest

from tests.report import table
from tests.storm import STORMS, Weather, weathered
from tests.wire.discord import Rate


@pytest.mark.long
@pytest.mark.parametrize("weather", STORMS, ids=str)
async def test_a_storm_is_few_messages_that_name_everybody_and_its_end_changes_them_in_place(
    tmp_path: Path, weather: Weather
) -> None:
    report = await weathered(tmp_path, weather, Rate(5, 0.5), POLL_INTERVAL="60s", FAKE_POLL="1")
    assert report.good, table(report)
