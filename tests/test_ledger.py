"""The ledger reads the bot's real messages and finds what is lost, doubled or taken back: else it proves nothing."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from bot.chat.alerts import Roles, alert
from bot.domain.incidents import Incident, Rule
from bot.domain.messages import Message, Notice, NoticeKind
from bot.domain.value import replace
from tests.chat.builders import NOON, fleet, incident, message, record, token
from tests.ledger import Ledger, Story, Told
from tests.wire import messages, world
from tests.wire.discord import Discord
from tests.wire.town import BASELINE

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
    made = alert(shown, fleet(token(1900), token(1901), token(1902)), Roles(world.ON_CALL.id), None)
    answered = {"message_reference": {"message_id": str(shown.reply_to)}} if shown.reply_to else {}
    return {
        "content": made.content,
        "embeds": [embed.to_dict() for embed in made.embeds],
        "flags": made.silent << 12,
        **answered,
    }


def notice(kind: NoticeKind, card: messages.Message, mark: str, *incidents: Incident) -> Message:
    """A word beside that card."""
    said = Notice(kind, NOON, tuple(each.key for each in incidents))
    return replace(message(*incidents), mark=mark, summary=False, notice=said, reply_to=card.id)


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

    def post_first_summary(self) -> None:
        """Post what the bot says on its first day."""
        self.discord.board.post(world.OPS.id, {"embeds": [{"title": f"{BASELINE} 9 tokens"}]}, world.BOT)

    def say(self, said: Message) -> None:
        """Post a notice."""
        self.discord.board.post(world.OPS.id, payload(said), world.BOT)

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


def test_it_reads_a_group_and_who_joined_it() -> None:
    room = Room(t1900=["VERIFYING", "FAST"], t1901=["VERIFYING"], t1902=["VERIFYING"])
    posted = room.post(begun(1900, "VERIFYING"))
    room.edit(posted, begun(1900, "VERIFYING"), begun(1901, "VERIFYING"))
    room.edit(posted, ended(1900, "VERIFYING"), begun(1901, "VERIFYING"), begun(1902, "VERIFYING"))
    assert "3 tokens were VERIFYING: 1 resolved and 2 still open" in posted.now.text
    assert room.ledger.shown == room.ledger.expected
    assert room.ledger.summaries == [posted]
    assert not room.ledger.muddled


def test_one_who_leaves_a_group_is_noticed() -> None:
    room = Room(t1900=["BANNED"], t1901=["BANNED"])
    room.edit(room.post(begun(1900, "BANNED"), begun(1901, "BANNED")), begun(1900, "BANNED"))
    assert len(room.ledger.muddled) == 1


@pytest.mark.parametrize("kind", [NoticeKind.RAISED, NoticeKind.REMINDER, NoticeKind.RESOLVED])
def test_a_notice_tells_of_no_flip(kind: NoticeKind) -> None:
    room = Room(t1900=["BANNED", "FAST"])
    over = ended(1900, "BANNED")
    room.say(notice(kind, room.post(over), "k3f9-58", over))
    room.say(notice(kind, room.discord.messages()[0], "k3f9-59", over, ended(1901, "BANNED")))
    assert room.ledger.shown == room.ledger.expected
    assert len(room.ledger.notices) == 2
    assert (room.ledger.repeated, room.ledger.chatter) == (0, kind is NoticeKind.RESOLVED)


def test_an_end_that_is_said_twice_is_chatter_unless_somebody_joined_in_between() -> None:
    room = Room()
    one, two = ended(1900, "BANNED"), ended(1901, "BANNED")
    posted = room.post(one)
    room.say(notice(NoticeKind.RESOLVED, posted, "k3f9-58", one))
    assert room.ledger.chatter == 0
    room.say(notice(NoticeKind.RESOLVED, posted, "k3f9-59", one, two))
    assert room.ledger.chatter == 1
    room.edit(posted, one, two)
    assert room.ledger.chatter == 0


def test_a_mark_that_is_there_twice_is_noticed() -> None:
    room = Room()
    over = ended(1900, "BANNED")
    posted = room.post(over)
    for mark in ("k3f9-58", "k3f9-58"):
        room.say(notice(NoticeKind.RAISED, posted, mark, over))
    assert room.ledger.repeated == 1


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


def test_each_broken_promise_is_called_by_its_name() -> None:
    room = Room(t1900=["BANNED"], t1901=["BANNED"])
    _, posted = room.post(begun(1901, "BANNED")), room.post(begun(1901, "BANNED"))
    for each in (ended(1901, "BANNED"), begun(1901, "BANNED")):
        room.edit(posted, each)
    room.post_first_summary()
    broken = {promise: len(times) for promise, times in room.ledger.broken.items()}
    assert broken == {"lost": 1, "doubled": 1, "taken back": 1, "notices doubled": 1}


def test_the_first_summary_is_told_once_too() -> None:
    room = Room()
    assert room.ledger.broken["lost"] == ["the first summary"]
    room.post_first_summary()
    assert not any(room.ledger.broken.values())
    room.post_first_summary()
    assert room.ledger.broken["doubled"] == ["the first summary"]


def test_an_edit_that_changes_nothing_is_counted() -> None:
    room = Room(t1900=["BANNED"])
    room.edit(room.post(begun(1900, "BANNED")), begun(1900, "BANNED"))
    assert (room.ledger.edits, room.ledger.repeats) == (1, 1)
