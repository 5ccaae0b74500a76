"""Each cause turns the health red when its bound has passed, and not before; then it is green again."""

from datetime import timedelta

import pytest

from bot.domain.value import replace
from bot.observe.health import CAUSES, Facts, Role, Work, wrong

LEADS = Facts(role=Role.LEADING, interval=timedelta(minutes=1))


def seconds(number: float) -> timedelta:
    """So many."""
    return timedelta(seconds=number)


BOUNDS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "database": ({"database_away": seconds(30)}, {"database_away": seconds(31)}),
    "database that cannot be written": ({"unwritable": False}, {"unwritable": True}),
    "poll": ({"unread": seconds(180)}, {"unread": seconds(181)}),
    "left_alone": ({"unread": seconds(180), "left_alone": True}, {"unread": seconds(181), "left_alone": True}),
    "gateway": ({"gateway_away": seconds(120)}, {"gateway_away": seconds(121)}),
    "blocked": ({"blocked": False}, {"blocked": True}),
    "outbox": ({"undelivered": seconds(120)}, {"undelivered": seconds(121)}),
    "parked": ({"parked": 0}, {"parked": 1}),
    "job": (
        {"jobs": {"tick": Work(seconds(5), seconds(300)), "forget": Work(seconds(21600), seconds(64800))}},
        {"jobs": {"tick": Work(seconds(5), seconds(5)), "forget": Work(seconds(21600), seconds(64801))}},
    ),
    "loop": ({"lagging": seconds(10)}, {"lagging": seconds(11)}),
}
"""Facts at the bound of each cause, and beyond it."""
WORDS = [name.partition(" ")[0] for name in BOUNDS]


def words(facts: Facts) -> list[str]:
    """The reasons."""
    return [cause.word for cause in wrong(facts)]


def test_a_bot_that_is_well_has_no_reasons() -> None:
    assert words(LEADS) == words(Facts()) == []


@pytest.mark.parametrize("name", BOUNDS)
def test_a_cause_counts_beyond_its_bound_and_alone(name: str) -> None:
    at_the_bound, beyond = BOUNDS[name]
    assert words(replace(LEADS, **at_the_bound)) == []  # type: ignore[arg-type] # the fields are those of Facts
    assert words(replace(LEADS, **beyond)) == [name.partition(" ")[0]]  # type: ignore[arg-type] # the same


def test_every_cause_is_tried_here_and_says_what_to_do() -> None:
    assert [cause.word for cause in CAUSES] == WORDS
    assert all(cause.text.endswith(".") and len(cause.text.split(". ")) > 1 for cause in CAUSES)


def test_a_copy_that_waits_minds_the_database_and_what_the_watchdog_bites() -> None:
    every: dict[str, object] = {name: value for _, beyond in BOUNDS.values() for name, value in beyond.items()}
    assert words(replace(LEADS, **every)) == [word for word in WORDS if word != "poll"]  # type: ignore[arg-type] # the fields are those of Facts
    assert words(replace(Facts(), **every)) == ["database", "database", "job"]  # type: ignore[arg-type] # the same


def test_a_new_start_mends_what_stands_still_and_nothing_that_is_outside() -> None:
    assert [cause.word for cause in CAUSES if cause.restart] == ["job", "loop"]


def test_polls_are_late_after_three_intervals_however_long_those_are() -> None:
    hourly = replace(LEADS, interval=timedelta(hours=1), unread=timedelta(hours=3))
    assert words(hourly) == []
    assert words(replace(hourly, unread=timedelta(hours=3, seconds=1))) == ["poll"]
