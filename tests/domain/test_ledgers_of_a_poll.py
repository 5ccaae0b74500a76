"""Each token's ledger follows what is read of it, is stored beside its record, and ends with it."""

from collections.abc import Mapping
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from bot.domain import info, ledger
from bot.domain.model import Record
from bot.domain.rules.policy import Policy
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known, Memory, restore
from tests.domain.fleets import at, record
from tests.domain.stories import BYSTANDER, Story

FULL, LESS = record(fast="10.00/15.0 hours"), record(fast="9.00/15.0 hours")


def stored(story: Story) -> list[int]:
    """The tokens whose record a poll stores together with the ledger."""
    assert story.changes.ledgers.keys() <= {each.id for each in story.changes.records}
    return sorted(story.changes.ledgers)


def test_a_ledger_begins_with_the_first_reading_and_moves_with_each_that_is_otherwise() -> None:
    story = Story()
    story.read(0, FULL)
    assert stored(story) == [7, 1900]
    story.read(1, FULL)
    assert stored(story) == []
    story.read(2, LESS)
    assert stored(story) == [1900]
    assert ledger.used(story.known.ledgers[1900], at(2).date()) == 60
    assert story.known.ledgers[1900] == ledger.apply(
        ledger.apply(None, info.read(FULL), at(0), UTC), info.read(LESS), at(2), UTC, at(1)
    )


def test_days_are_those_of_the_operator() -> None:
    auckland = Story(Policy(zone=ZoneInfo("Pacific/Auckland")))
    for minutes, other in ((0, FULL), (10 * 60, LESS)):  # which is the next day there
        auckland.read(minutes, other)
    at_home = [ledger.used(auckland.known.ledgers[1900], (at(0) + timedelta(days=days)).date()) for days in (0, 1)]
    assert at_home[1] is not None
    assert at_home[1] > 0


def test_a_token_that_is_gone_leaves_no_ledger() -> None:
    story = Story(Policy())
    story.read(0, FULL)
    for minutes in range(1, 6):
        story.read(minutes)
    assert story.known.ledgers.keys() == {7}
    assert story.known.remembered.keys() == {7}


def as_stored(known: Known, records: tuple[Record, ...], packed: Mapping[int, bytes] | None = None) -> Memory:
    """What a restart finds of it."""
    ledgers = {token: ledger.pack(each) for token, each in known.ledgers.items()}
    found = {each.id: each for each in (*records, BYSTANDER)}
    return Memory(found, known.fleet.read_at, ledgers={**ledgers, **(packed or {})})


def test_a_ledger_goes_on_after_a_restart_as_if_there_was_none() -> None:
    straight, restarted = Story(), Story()
    for minutes, other in ((0, FULL), (7, LESS)):
        straight.read(minutes, other)
        restarted.read(minutes, other)
        restarted.known = restore(as_stored(restarted.known, (other,)))
    for story in (straight, restarted):
        story.read(9, FULL)
    assert straight.known.ledgers == restarted.known.ledgers


def test_a_ledger_that_is_not_there_or_cannot_be_read_begins_anew_at_the_next_reading() -> None:
    for lost in ({}, {1900: b"\x07\x00"}):
        story = Story()
        story.read(0, FULL)
        memory = as_stored(story.known, (FULL,), lost)
        if not lost:
            memory = replace(memory, ledgers={7: memory.ledgers[7]})
        story.known = restore(memory)
        assert story.known.ledgers.keys() == {7}
        story.changes = Changes(None)
        story.read(60, FULL)
        assert stored(story) == [1900], "with its record, which is as it was"
        assert story.known.ledgers[1900] == ledger.apply(None, info.read(FULL), at(60), UTC)


def test_what_a_version_without_ledgers_stored_meanwhile_is_entered_at_the_first_reading() -> None:
    """Or else the token that it saw refilled would be empty for as long as nobody uses it."""
    empty = record(fast="0.00/15.0 hours")
    story = Story()
    story.read(0, LESS)
    story.read(60, empty)
    story.known = restore(as_stored(story.known, (FULL,)))
    story.read(120, FULL)
    assert stored(story) == [1900]
    assert story.known.ledgers[1900] == ledger.apply(
        ledger.apply(ledger.apply(None, info.read(LESS), at(0), UTC), info.read(empty), at(60), UTC, at(0)),
        *(info.read(FULL), at(120), UTC, at(60)),
    )
    story.read(121, FULL)
    assert stored(story) == []
