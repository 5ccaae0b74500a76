"""The short form of `python -m tests.kill`: however the bot is killed, the channel tells each flip exactly once.

And whoever was told that they have an incident has it for good. Here bots are forks, which start sooner and poll more
often; that they are killed while they import is for the long form.
"""

from pathlib import Path

import pytest

from tests.kill import FEW, MANY, killed
from tests.report import table


@pytest.mark.long
@pytest.mark.parametrize(
    ("engine", "tokens", "kills"), [("sqlite", FEW, 7), ("postgresql", FEW, 7), ("postgresql", MANY, 4)]
)
async def test_a_bot_that_is_killed_at_random_tells_each_flip_exactly_once_and_forgets_nobody(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str, tokens: int, kills: int
) -> None:
    database_url: str = request.getfixturevalue(f"{engine}_url")
    report = await killed(
        database_url, tmp_path, kills=kills, seed=1, tokens=tokens, life=1, POLL_INTERVAL="10s", FAKE_POLL="0.2"
    )
    assert report.good, table(report)
    assert report.figures["kills"] == kills
    assert report.figures["flips"] >= tokens
    assert report.figures["acknowledgements confirmed"] > 0


@pytest.mark.long
async def test_a_bot_that_is_killed_at_random_keeps_a_forum_as_it_should_be(sqlite_url: str, tmp_path: Path) -> None:
    """Halfway Discord is away for a quarter of an hour, by the bot's clock."""
    report = await killed(
        sqlite_url, tmp_path, kills=6, seed=1, life=1, forum=True, POLL_INTERVAL="10s", FAKE_POLL="0.2"
    )
    assert report.good, table(report)
    assert report.figures["minutes of outage"] == 15
    assert report.figures["posts of the forum"] > FEW
    assert report.figures["acknowledgements confirmed"] > 0
