"""The ledger reads the bot's real messages and finds what is lost, doubled or taken back: else it proves nothing."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from bot.chat.alerts import alert
from bot.domain.incidents import Incident, Message, Rule
from tests.chat.builders import fleet, incident, message, record, token
from tests.ledger import Ledger, Story, Told
from tests.wire import messages, world
from tests.wire.discord import Discord

RULES = {"BANNED": Rule.BANNED, "VERIFYING": Rule.VERIFYING, "RELAX": Rule.DEGRADED}
AFTER = timedelta(minutes=5)


def begun(number: int, status: str) -> Incident:
    """A token is in a bad status."""
    return incident(RULES[status], number, was=record(number), now=record(number, status))


def ended(number: int, status: str, now: str = "FAST") -> Incident:
    """It was, and is in another one now."""
    return incident(RULES[status], number, was=record(number), now=record(number, now), after=AFTER)


def payload(shown: Message) -> dict[str, Any]:
    """What the bot sends to Discord for it."""
    made = alert(shown, fleet(token(1900), token(1901), token(1902)), world.ON_CALL.id)
    return {"content": made.content, "embeds": [embed.to_dict() for embed in made.embeds]}


class Room:
    """A channel into which a test writes in the bot's name, and its ledger."""

    def __init__(self, **statuses: list[str]) -> None:
        self.discord = Discord()
        stories = [Story(int(name.removeprefix("t"))) for name in statuses]
        for story, after in zip(stories, statuses.values(), strict=True):
            story.statuses += after
        self.ledger = Ledger(self.discord, stories)

    def post(self, *incidents: Incident) -> messages.Message:
        """Post a card, or a summary of several."""
        return self.discord.board.post(world.OPS.id, payload(message(*incidents)), world.BOT)

    def edit(self, posted: messages.Message, *incidents: Incident) -> None:
        """Edit it."""
        self.discord.board.edit(posted, payload(message(*incidents)))


@pytest.mark.parametrize("status", RULES)
@pytest.mark.parametrize("after", ["FAST", "RELAX", "VERIFYING", "BANNED"])
def test_it_reads_a_card_in_each_stage(status: str, after: str) -> None:
    room = Room(t1900=[status, after])
    posted = room.post(begun(1900, status))
    assert room.ledger.shown == Counter([Told(1900, status, over=False)])
    room.edit(posted, ended(1900, status, after))
    assert room.ledger.shown == Counter([Told(1900, status, over=True)])
    assert not room.ledger.muddled
    assert (room.ledger.edits, room.ledger.repeats) == (1, 0)


def test_it_reads_a_summary() -> None:
    room = Room()
    room.post(
        begun(1900, "BANNED"),
        begun(1901, "BANNED"),
        begun(1902, "RELAX"),
        ended(1900, "RELAX", "BANNED"),
        ended(1902, "VERIFYING"),
    )
    assert room.ledger.shown == Counter(
        [
            Told(1900, "BANNED", over=False),
            Told(1901, "BANNED", over=False),
            Told(1902, "RELAX", over=False),
            Told(1900, "RELAX", over=True),
            Told(1902, "VERIFYING", over=True),
        ]
    )
    assert len(room.ledger.summaries) == 1


def test_what_is_told_once_is_neither_lost_nor_doubled() -> None:
    room = Room(t1900=["BANNED", "FAST"], t1901=["VERIFYING"])
    room.post(ended(1900, "BANNED"))
    room.post(begun(1901, "VERIFYING"))
    assert not room.ledger.lost
    assert not room.ledger.doubled
    assert all(map(room.ledger.tells, room.ledger.stories))


def test_what_is_not_told_is_lost() -> None:
    room = Room(t1900=["BANNED"])
    assert room.ledger.lost == Counter([Told(1900, "BANNED", over=False)])
    assert not any(map(room.ledger.tells, room.ledger.stories))


def test_an_end_that_is_not_told_is_lost() -> None:
    room = Room(t1900=["BANNED", "FAST"])
    room.post(begun(1900, "BANNED"))
    assert room.ledger.lost == Counter([Told(1900, "BANNED", over=True)])


def test_what_is_told_twice_is_doubled_in_a_summary_too() -> None:
    room = Room(t1900=["BANNED"])
    room.post(begun(1900, "BANNED"))
    room.post(begun(1900, "BANNED"), begun(1901, "RELAX"))
    assert room.ledger.doubled == Counter([Told(1900, "BANNED", over=False), Told(1901, "RELAX", over=False)])
    assert not any(map(room.ledger.tells, room.ledger.stories))


def test_an_end_that_is_taken_back_is_noticed() -> None:
    room = Room(t1900=["BANNED"])
    posted = room.post(begun(1900, "BANNED"))
    for each in (ended(1900, "BANNED"), begun(1900, "BANNED")):
        room.edit(posted, each)
    assert len(room.ledger.muddled) == 1


def test_an_edit_that_changes_the_subject_is_noticed() -> None:
    room = Room(t1900=["BANNED"])
    room.edit(room.post(begun(1900, "BANNED")), begun(1901, "BANNED"))
    assert len(room.ledger.muddled) == 1


def test_an_edit_that_changes_nothing_is_counted() -> None:
    room = Room(t1900=["BANNED"])
    room.edit(room.post(begun(1900, "BANNED")), begun(1900, "BANNED"))
    assert (room.ledger.edits, room.ledger.repeats) == (1, 1)
