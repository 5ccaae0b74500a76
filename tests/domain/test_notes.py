"""What people note of incidents, and what is said of those that were before."""

from datetime import timedelta

import pytest

from bot.domain.incidents import Incident, Note, Stage
from bot.domain.notes import LONGEST, MOST, Before, Past, past
from bot.domain.value import replace
from bot.domain.watch.known import Known
from bot.domain.watch.noting import EMPTY, FORGOTTEN, FULL, kept, note
from tests.storage.values import NOW, incident, minutes

DAY = timedelta(days=1)
OPEN = replace(incident(), notified_at=NOW)
OVER = replace(
    incident(1901, stage=Stage.RESOLVED, resolved_at=NOW + minutes(5)), notified_at=NOW, read_at=NOW + minutes(5)
)
KNOWN = Known(incidents={OPEN.key: OPEN})


def words(incident: Incident) -> list[str]:
    """What was noted of it."""
    return [each.words for each in incident.notes]


def test_a_note_is_kept_with_what_is_open_and_its_card_is_edited() -> None:
    changes, after = note(KNOWN, [OPEN, OVER], 41, "  passed the check by phone\n", NOW)
    assert changes.incidents == (replace(OPEN, notes=(Note(NOW, 41, "passed the check by phone"),)),)
    assert changes.notify == {OPEN.key}
    assert after.incidents[OPEN.key] == changes.incidents[0]
    (entry,) = changes.audit
    assert (entry.by, entry.act, entry.what) == (41, "note", "banned 1900")


def test_where_all_is_over_it_is_kept_with_all_and_nothing_opens_again() -> None:
    again = replace(OPEN, opened_at=NOW + minutes(9))
    known = Known(incidents={OPEN.key: again})
    before = replace(OPEN, stage=Stage.RESOLVED, resolved_at=NOW + minutes(5))
    changes, after = note(known, [before, OVER], 41, "the card was blocked", NOW)
    assert changes.incidents[-1] is again, "whose card says it too"
    assert [(each.key.token, words(each)) for each in kept(changes)] == [
        (1900, ["the card was blocked"]),
        (1901, ["the card was blocked"]),
    ]
    assert after is known


def test_what_is_open_is_taken_as_it_is_known_and_not_as_it_was() -> None:
    graver = replace(OPEN, reminders=2)
    changes, _ = note(Known(incidents={OPEN.key: graver}), [OPEN], 41, "x", NOW)
    assert changes.incidents[0].reminders == 2


def test_two_notes_are_both_kept_and_the_same_again_is_one() -> None:
    first, known = note(KNOWN, [OPEN], 41, "one", NOW)
    second, known = note(known, [OPEN], 42, "two", NOW)
    assert words(second.incidents[0]) == ["one", "two"]
    again, after = note(known, [OPEN], 42, " two ", NOW + minutes(1))
    assert again.nothing
    assert again.audit == ()
    assert after is known
    assert first.audit


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("", EMPTY),
        (" \n\0", EMPTY),
        ("x" * (LONGEST + 1), f"A note has {LONGEST} characters at most, and this one has {LONGEST + 1}."),
    ],
)
def test_what_cannot_be_noted_is_refused_with_a_sentence(said: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        note(KNOWN, [OPEN], 41, said, NOW)


def test_no_more_than_twenty_are_kept_and_of_several_those_with_room_take_it() -> None:
    full = replace(OPEN, notes=tuple(Note(NOW, 41, f"{each}") for each in range(MOST)))
    with pytest.raises(ValueError, match=f"^{FULL}$"):
        note(Known(incidents={full.key: full}), [full], 41, "one more", NOW)
    other = replace(incident(1902), notified_at=NOW)
    both = Known(incidents={full.key: full, other.key: other})
    changes, _ = note(both, [full, other], 41, "one more", NOW)
    assert [each.key.token for each in changes.incidents] == [1902]


def test_what_is_forgotten_takes_none() -> None:
    with pytest.raises(ValueError, match=f"^{FORGOTTEN}$"):
        note(KNOWN, [], 41, "x", NOW)


def test_what_has_no_card_of_its_own_takes_one_and_gets_none() -> None:
    unseen = replace(OPEN, notified_at=None)
    changes, _ = note(Known(incidents={unseen.key: unseen}), [unseen], 41, "x", NOW)
    assert changes.notify == frozenset()
    assert words(changes.incidents[0]) == ["x"]


def test_halves_of_a_character_become_question_marks() -> None:
    changes, _ = note(KNOWN, [OPEN], 41, "a\ud800b", NOW)
    assert words(changes.incidents[0]) == ["a?b"]


def before(days: float, lasted: float, noted: str = "") -> Before:
    """One that began so many days before, and lasted so many minutes."""
    began = NOW - days * DAY
    return Before(began, began + minutes(lasted), Note(began, 41, noted) if noted else None)


def test_of_the_first_time_nothing_is_said() -> None:
    assert past(OPEN, []) is None
    assert past(OPEN, [before(31, 40)]) is None


def test_it_is_said_how_often_it_happened_lately_how_long_it_took_and_what_was_noted_last() -> None:
    found = past(OPEN, [before(1, 90), before(2, 40, "by phone"), before(3, 10, "older"), before(40, 999)])
    assert found == Past(3, minutes(40), Note(NOW - 2 * DAY, 41, "by phone"), latest=False)


def test_a_note_is_remembered_for_longer_than_it_counts() -> None:
    assert past(OPEN, [before(60, 40, "by phone")]) == Past(0, None, Note(NOW - 60 * DAY, 41, "by phone"), latest=True)


def test_of_more_than_were_looked_at_it_is_said_that_there_are_more() -> None:
    assert past(OPEN, [before(1, 5), before(2, 5)], more=True) == Past(2, minutes(5), more=True)
    assert past(OPEN, [before(1, 5), before(40, 5)], more=True) == Past(1, minutes(5))
