"""The short form of `python -m tests.machine`: whatever happens, the channel agrees with the state in the end."""

import pytest

from tests.machine import databases, explore


@pytest.mark.long
@pytest.mark.parametrize(("engine", "examples"), [("sqlite", 18), ("postgresql", 3)])
def test_whatever_happens_the_channel_tells_each_thing_once_and_agrees_with_the_state(
    engine: str, examples: int
) -> None:
    with databases(engine) as database:
        explore(database, examples=examples, steps=40, shrink=False)
