"""The short form of `python -m tests.beside`: however the bot is killed, each hears each word once, in their order.

Here bots are forks, which start sooner.
"""

from pathlib import Path

import pytest

from tests.beside import killed
from tests.report import table


@pytest.mark.long
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_however_the_bot_is_killed_people_and_threads_hear_everything_once(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    database_url: str = request.getfixturevalue(f"{engine}_url")
    report = await killed(database_url, tmp_path, kills=6, seed=2, life=2)
    assert report.good, table(report)
    assert report.figures["kills"] == 6
    assert report.figures["asides"] > 6
