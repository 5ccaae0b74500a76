"""The short form of `python -m tests.machine`: whatever happens, the channel agrees with the state in the end."""

import itertools
from pathlib import Path

import pytest

from tests.machine import explore


@pytest.mark.long
@pytest.mark.parametrize(("engine", "examples"), [("sqlite", 18), ("postgresql", 3)])
def test_whatever_happens_the_channel_tells_each_thing_once_and_agrees_with_the_state(
    engine: str, examples: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    numbers = itertools.count()

    def database() -> str:
        if engine == "sqlite":
            return f"sqlite:///{tmp_path}/{next(numbers)}.db"
        url: str = request.getfixturevalue("postgresql").new_database()
        return url

    explore(database, examples=examples, steps=40, shrink=False)
