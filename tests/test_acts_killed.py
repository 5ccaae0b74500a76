"""The short form of `python -m tests.acts`: two copies, killed in the midst of acts, and the truth told of each once.

Here bots are forks, which start sooner.
"""

from pathlib import Path

import pytest

from tests.acts import killed
from tests.report import table


@pytest.mark.long
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_however_the_bot_is_killed_each_act_happened_once_or_not_and_the_truth_is_told(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    database_url: str = request.getfixturevalue(f"{engine}_url")
    report = await killed(database_url, tmp_path, kills=4, seed=1)
    assert report.good, table(report)
    assert report.figures["kills"] == 4
    assert report.figures["acts"] > 0
