"""What people decide, and what the channel hears of it: acknowledgements, reminders, silences, maintenance windows."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.decisions import Decision, Decisions
from bot.domain.incidents import KEPT_MOMENTS, Happening, Key, Rule
from bot.domain.model import Severity, Trouble
from bot.domain.naming import name_of
from bot.domain.steering import Covered, Entry, Scope, Setting, Silence, Window
from bot.domain.watch.known import Memory, restore
from bot.domain.watch.response import decide
from tests.domain.fleets import START, at, record
from tests.domain.stories import ANA, Story, watching

BANNED = Key(Rule.BANNED, 1900)
VERIFYING = Key(Rule.VERIFYING, 1900)
BEN = 42


def banned() -> Story:
    """A story in which token 1900 is BANNED since minute 1, and the channel knows."""
    story = watching()
    assert story.read(1, record(status="BANNED")) == ["banned 1900 critical BANNED"]
    return story


def timeline(story: Story, key: Key = BANNED) -> list[Happening]:
    """What an incident's card shows of its life."""
    found = story.known.incidents.get(key) or next(each for each in reversed(story.notified) if each.key == key)
    return [moment.what for moment in found.moments]


# Reminders and acknowledgements.


def test_a_critical_incident_is_reminded_of_after_15_min_then_hourly_and_escalates_from_the_second_on() -> None:
    story = banned()
    heard = {minutes: story.tick(minutes) for minutes in range(2, 200)}
    assert {minutes: said for minutes, said in heard.items() if said} == {
        16: ["reminder: banned 1900"],
        76: ["reminder!: banned 1900"],
        136: ["reminder!: banned 1900"],
        196: ["reminder!: banned 1900"],
    }


def test_a_reminder_is_put_off_and_not_counted_while_the_notification_before_it_is_undelivered() -> None:
    story = banned()
    heard = {minutes: story.tick(minutes, undelivered=[BANNED] if minutes < 40 else []) for minutes in range(2, 120)}
    assert {minutes: said for minutes, said in heard.items() if said} == {
        46: ["reminder: banned 1900"],
        106: ["reminder!: banned 1900"],
    }
    assert timeline(story) == [Happening.FIRED, Happening.REMINDED]


def test_however_often_it_is_reminded_of_its_card_still_shows_who_had_it() -> None:
    story = watching()
    story.read(1, record(status="VERIFYING"))
    story.read(16, record(status="VERIFYING"))
    for minutes in range(17, 60 * 60, 10):
        story.tick(minutes)
    assert timeline(story, VERIFYING) == [Happening.FIRED, Happening.RAISED, Happening.REMINDED]
    assert story.incident(Rule.VERIFYING).reminders > KEPT_MOMENTS
    story.acknowledge(60 * 60, VERIFYING)
    assert timeline(story, VERIFYING)[-2:] == [Happening.REMINDED, Happening.ACKNOWLEDGED]


def test_a_warning_is_not_reminded_of() -> None:
    story = watching()
    story.read(1, record(status="RELAX"))
    assert [story.tick(minutes) for minutes in (16, 76)] == [[], []]


def test_a_reminder_of_low_fast_time_shows_what_is_left_now() -> None:
    story = watching()
    story.read(1, record(fast="0.60/15.0 hours (4.00%)"))
    story.read(10, latest := record(fast="0.30/15.0 hours (2.00%)"))
    assert story.tick(16) == ["reminder: fast_time_low 1900"]
    reminded = story.incident(Rule.FAST_TIME_LOW)
    assert (reminded.now, reminded.read_at) == (latest, at(10))


def test_a_reminder_of_low_fast_time_that_cannot_be_read_any_more_shows_what_was_read_last() -> None:
    story = watching()
    story.read(1, low := record(fast="0.60/15.0 hours (4.00%)"))
    story.read(10, record(fast="soon"))
    assert story.tick(16) == ["reminder: fast_time_low 1900"]
    reminded = story.incident(Rule.FAST_TIME_LOW)
    assert (reminded.now, reminded.read_at) == (low, at(1))


def test_what_the_first_summary_named_is_reminded_of_until_somebody_has_it() -> None:
    story = watching(record(status="BANNED"))
    assert story.tick(16) == ["reminder: banned 1900"]
    story.acknowledge(17, BANNED)
    assert story.tick(76) == []


def test_acknowledging_stops_the_reminders_and_stands_on_the_card() -> None:
    story = banned()
    assert story.acknowledge(5, BANNED) == ["banned 1900 critical BANNED"]
    assert story.notices == []
    assert [story.tick(minutes) for minutes in (16, 76)] == [[], []]
    assert timeline(story) == [Happening.FIRED, Happening.ACKNOWLEDGED]


def test_of_two_people_who_acknowledge_at_once_the_first_has_it() -> None:
    story = banned()
    story.acknowledge(5, BANNED)
    assert [(entry.by, entry.act, entry.what) for entry in story.changes.audit] == [(ANA, "acknowledge", "banned 1900")]
    assert story.acknowledge(5, BANNED, by=BEN) == []
    assert (story.changes.incidents, story.changes.audit) == ((), ())
    assert (acknowledged := story.incident(Rule.BANNED).acknowledged)
    assert acknowledged.who == ANA


def test_one_press_is_one_entry_of_the_trail_however_many_it_covers() -> None:
    story = watching(*(record(number) for number in range(1900, 1912)))
    bad = [record(number, "BANNED" if number < 1910 else "VERIFYING") for number in range(1900, 1911)]
    story.read(1, *bad, record(1911, fast="0.00/15.0 hours (0.00%)"))
    gone = [Key(Rule.FAST_TIME_LOW, 1911)]
    keys = [Key(Rule.BANNED, each) for each in range(1900, 1910)] + [Key(Rule.VERIFYING, 1910), *gone]
    story.acknowledge(5, *keys)
    (entry,) = story.changes.audit
    assert entry.what == ("banned: 10 tokens: 1900, 1901, 1902, 1903, 1904, …; verifying 1910; fast_time_low 1911")


def test_what_is_over_or_never_was_cannot_be_acknowledged() -> None:
    story = banned()
    story.read(2, record())
    assert story.acknowledge(3, BANNED, Key(Rule.GONE, 5)) == []
    assert story.changes.nothing


def test_what_reads_worse_notifies_anew_and_nobody_has_acknowledged_that() -> None:
    story = watching()
    story.read(1, record(status="RELAX"))
    story.acknowledge(2, degraded := Key(Rule.DEGRADED, 1900))
    story.read(16, record(status="RELAX", plan="Basic"))
    assert story.notices == ["raised: degraded 1900"]
    assert story.incident(Rule.DEGRADED).acknowledged is None
    assert [story.tick(minutes) for minutes in (30, 31)] == [[], ["reminder: degraded 1900"]]
    assert story.known.incidents[degraded].reminders == 1


def test_what_gets_better_is_an_edit_and_what_gets_worse_again_notifies_again() -> None:
    story = watching()
    story.read(1, record(status="RELAX", plan="Basic"))
    assert story.read(2, record(status="RELAX")) == ["degraded 1900 warning RELAX"]
    assert story.notices == []
    story.read(3, record(status="RELAX", plan="Basic"))
    assert "raised: degraded 1900" in story.notices
    assert timeline(story, Key(Rule.DEGRADED, 1900)) == [Happening.FIRED, Happening.LOWERED, Happening.RAISED]


def test_what_the_first_summary_named_notifies_when_it_gets_worse() -> None:
    story = watching(record(status="VERIFYING"))
    assert story.read(15, record(status="VERIFYING")) == ["verifying 1900 critical VERIFYING"]
    assert story.notices == ["raised: verifying 1900"]
    assert story.read(16, record()) == ["ended: verifying 1900 critical FAST"]
    assert story.notices == ["resolved: verifying 1900"]


def test_the_end_edits_the_card_and_answers_it() -> None:
    story = banned()
    assert story.read(50, record()) == ["ended: banned 1900 critical FAST"]
    assert story.notices == ["resolved: banned 1900"]
    assert timeline(story) == [Happening.FIRED, Happening.RESOLVED]


def test_what_somebody_released_is_reminded_of_when_the_time_of_a_reminder_is_over() -> None:
    story = banned()
    story.acknowledge(5, BANNED)
    assert story.release(120, BANNED, by=BEN) == ["banned 1900 critical BANNED"]
    assert story.notices == []
    assert [(entry.by, entry.act, entry.what) for entry in story.changes.audit] == [(BEN, "release", "banned 1900")]
    assert [story.tick(minutes) for minutes in (121, 134, 135)] == [[], [], ["reminder: banned 1900"]]
    released = story.incident(Rule.BANNED).moments[2]
    assert (released.what, released.who, released.by) == (Happening.ACKNOWLEDGED, None, BEN), "the card says who did it"


def test_what_nobody_has_or_is_over_cannot_be_released() -> None:
    story = banned()
    assert story.release(2, BANNED) == []
    assert story.changes.nothing
    story.acknowledge(3, BANNED)
    story.read(4, record())
    story.release(5, BANNED)
    assert story.changes.nothing


def test_what_is_handed_over_belongs_to_whoever_is_told_so() -> None:
    story = banned()
    story.acknowledge(5, BANNED)
    assert story.hand_over(6, BANNED, to=BEN) == ["handed_over: banned 1900"]
    (notice,) = story.changes.notices
    assert (notice.by, notice.to) == (ANA, (BEN,))
    assert (acknowledged := story.incident(Rule.BANNED).acknowledged)
    assert (acknowledged.who, acknowledged.by) == (BEN, ANA)
    assert [(entry.by, entry.act, entry.what) for entry in story.changes.audit] == [
        (ANA, "hand over", f"to {BEN}: banned 1900")
    ]
    assert [story.tick(minutes) for minutes in (16, 76)] == [[], []]
    assert story.hand_over(80, BANNED, to=BEN) == [], "it is his already"
    assert story.changes.nothing


def test_what_the_first_summary_named_can_be_acknowledged_handed_over_and_released() -> None:
    story = watching(record(status="BANNED"))
    story.acknowledge(1, BANNED)
    story.hand_over(2, BANNED, to=BEN)
    assert (taken := story.incident(Rule.BANNED).acknowledged)
    assert (taken.who, taken.by) == (BEN, ANA)
    story.release(3, BANNED)
    assert story.incident(Rule.BANNED).acknowledged is None


def test_after_the_clock_was_set_back_the_next_reminder_takes_its_time_and_no_day_more() -> None:
    story = watching()
    story.read(24 * 60, record(status="BANNED"))
    assert [story.tick(minutes) for minutes in (0, 14, 15)] == [[], [], ["reminder: banned 1900"]]
    assert [story.tick(minutes) for minutes in (74, 75)] == [[], ["reminder!: banned 1900"]]


def test_what_is_open_is_reminded_of_while_the_upstream_is_in_trouble() -> None:
    story = banned()
    story.fail(2, Trouble.REFUSED)
    assert story.tick(16) == ["reminder: banned 1900"]
    assert story.tick(17) == ["reminder: upstream_refused"]


def test_a_timeline_keeps_its_beginning_and_its_latest_entries() -> None:
    story = banned()
    for number in range(60):
        story.silence(2 + number, 100, Scope(token=1900), f"s{number}")
    moments = story.incident(Rule.BANNED).moments
    assert len(moments) == KEPT_MOMENTS
    assert (moments[0].what, moments[-1].at) == (Happening.FIRED, at(61))


# Silences.


def test_a_silence_is_announced_and_stands_on_the_card_of_what_it_suppresses() -> None:
    story = banned()
    story.silence(5, until=65, scope=Scope(Rule.BANNED, 1900))
    assert story.notices == ["silence_started (any ban of token 1900): banned 1900"]
    (notice,) = story.changes.notices
    assert (notice.by, notice.until, notice.words) == (ANA, at(65), "for a test")
    assert timeline(story) == [Happening.FIRED, Happening.SILENCED]


def test_a_silence_keeps_reminders_back_and_its_end_counts_as_one() -> None:
    story = banned()
    silence = story.silence(5, until=65)
    assert story.tick(64) == []
    assert story.tick(65) == ["silence_ended (all alerts): before banned 1900"]
    assert silence.id in story.changes.undone
    assert story.tick(79) == []
    assert story.tick(80) == ["reminder: banned 1900"]


def test_what_fires_in_a_silence_notifies_at_its_end_if_it_is_still_open() -> None:
    story = watching(record(1), record(2))
    story.silence(1, until=60)
    assert story.read(2, record(1, "BANNED"), record(2, "BANNED")) == []
    assert story.read(3, record(1), record(2, "BANNED")) == []
    story.tick(60)
    assert story.changes.notify == {Key(Rule.BANNED, 2)}
    assert story.notices == ["silence_ended (all alerts): banned 2, banned 1"]
    story.tick(61)
    assert story.changes.nothing


def test_what_gets_worse_in_a_silence_is_an_edit_then_and_notifies_at_its_end() -> None:
    story = watching()
    story.read(1, record(status="VERIFYING"))
    story.silence(2, until=60)
    assert story.read(16, record(status="VERIFYING")) == ["verifying 1900 critical VERIFYING"]
    assert story.notices == []
    assert story.tick(60) == ["silence_ended (all alerts): verifying 1900", "raised: verifying 1900"]


@pytest.mark.parametrize("handed", [False, True])
def test_what_gets_worse_in_a_silence_and_is_taken_in_it_pages_nobody_at_its_end(*, handed: bool) -> None:
    story, low = watching(), Key(Rule.FAST_TIME_LOW, 1900)
    story.read(1, record(fast="2.70/15.0 hours (18.00%)"))
    story.silence(2, 20, Scope(token=1900))
    story.read(3, record(fast="0.40/15.0 hours (2.67%)"))
    if handed:
        story.hand_over(4, low, to=BEN)
    else:
        story.acknowledge(4, low)
    assert story.tick(20) == ["silence_ended (all alerts of token 1900): before fast_time_low 1900"]


def test_what_gets_worse_and_better_in_a_silence_is_no_news_at_its_end() -> None:
    story = watching()
    story.read(1, record(status="RELAX"))
    story.silence(2, until=60, scope=Scope(Rule.DEGRADED))
    story.read(3, record(status="RELAX", plan="Basic"))
    assert story.incident(Rule.DEGRADED).unnotified
    story.read(4, record(status="RELAX"))
    assert story.tick(60) == ["silence_ended (any RELAX status of any token): before degraded 1900"]


def test_what_got_better_before_a_silence_and_worse_in_it_notifies_at_its_end() -> None:
    story = watching()
    story.read(1, record(status="RELAX", plan="Basic"))
    story.read(2, record(status="RELAX"))
    story.silence(3, until=60, scope=Scope(Rule.DEGRADED))
    story.read(4, record(status="RELAX", plan="Basic"))
    assert story.tick(60) == ["silence_ended (any RELAX status of any token): degraded 1900", "raised: degraded 1900"]


def test_a_level_that_was_crossed_in_a_silence_notifies_at_its_end_though_it_is_as_severe() -> None:
    story = watching()
    story.read(1, record(fast="0.60/15.0 hours (4.00%)"))
    story.acknowledge(2, Key(Rule.FAST_TIME_LOW, 1900))
    story.silence(3, until=60)
    story.read(4, record(fast="0.00/15.0 hours (0.00%)"))
    assert story.tick(60)[-1] == "raised: fast_time_low 1900"


def test_what_ends_in_a_silence_is_edited_then_and_named_at_the_end() -> None:
    story = banned()
    story.silence(2, until=60)
    assert story.read(3, record()) == ["ended: banned 1900 critical FAST"]
    assert story.notices == []
    assert story.tick(60) == ["silence_ended (all alerts): banned 1900"]


def test_what_came_and_went_in_a_silence_is_named_at_its_end() -> None:
    story = watching()
    story.silence(0, until=60, scope=Scope(token=1900))
    assert story.read(2, record(status="BANNED")) == []
    assert story.read(20, record()) == []
    assert story.tick(60) == ["silence_ended (all alerts of token 1900): banned 1900"]
    assert story.changes.notify == frozenset()


def test_what_came_and_went_under_a_window_and_a_silence_is_named_by_the_silence() -> None:
    story = watching()
    story.window(0, start=0, length=30)
    story.silence(1, until=60, scope=Scope(token=1900))
    story.read(2, record(status="BANNED"))
    story.read(20, record())
    assert story.tick(30) == ["maintenance_ended (all alerts)"]
    assert story.tick(60) == ["silence_ended (all alerts of token 1900): banned 1900"]


def test_what_is_switched_off_in_a_silence_has_not_come_and_gone() -> None:
    story = watching()
    story.silence(0, until=60)
    story.read(2, record(status="BANNED"))
    story.set(Rule.BANNED, on=False)
    story.read(3, record(status="BANNED"))
    assert story.tick(60) == ["silence_ended (all alerts)"]


def test_what_is_momentary_is_named_at_the_end_of_the_silence() -> None:
    story = watching(record(1))
    story.silence(1, until=60)
    assert story.read(2, record(1), record(2)) == []
    assert story.tick(60) == ["silence_ended (all alerts): new 2"]


def test_what_the_first_summary_named_ends_on_it_in_a_silence() -> None:
    story = watching(record(status="BANNED"))
    story.silence(1, until=60)
    assert story.read(2, record()) == ["ended: banned 1900 critical FAST"]
    assert story.notices == []
    assert story.tick(60) == ["silence_ended (all alerts): banned 1900"]


def test_a_silence_until_it_is_over_ends_with_the_last_that_it_covers() -> None:
    story = banned()
    story.silence(2, until=None, scope=Scope(token=1900))
    assert story.tick(60 * 24) == []
    story.read(60 * 24 + 1, record())
    assert story.tick(60 * 24 + 1) == ["silence_ended (the ban of token 1900): banned 1900"]


def test_a_silence_that_somebody_ends_names_what_is_open_at_once() -> None:
    story = watching()
    silence = story.silence(1, until=60)
    story.read(2, record(status="BANNED"))
    assert story.undo(3, silence) == ["silence_ended (all alerts): banned 1900"]
    assert story.changes.notify == {BANNED}
    assert story.changes.undone == {"s1"}
    assert story.undo(4, silence) == []


def test_what_two_silences_suppress_notifies_when_the_last_ends_and_the_first_says_that_it_is_still_quiet() -> None:
    story = watching()
    story.silence(1, until=30, name="s1")
    story.silence(1, until=60, name="s2", scope=Scope(Rule.BANNED))
    story.read(2, record(status="BANNED"))
    assert story.tick(30) == ["silence_ended (all alerts): quiet banned 1900"]
    assert story.tick(60) == ["silence_ended (any ban of any token): banned 1900"]
    assert story.changes.notify == {BANNED}


# Silences of just what is open.


RELAX = Key(Rule.DEGRADED, 1900)
CHECKS = tuple(Key(Rule.VERIFYING, number) for number in (1, 2, 3))


def test_a_silence_of_a_token_until_resolved_does_not_swallow_its_next_ban() -> None:
    story = watching()
    story.read(1, record(status="RELAX"))
    story.silence(2, until=None, scope=Scope(token=1900))
    assert "banned 1900 critical BANNED" in story.read(3, record(status="BANNED"))
    assert story.tick(4) == ["silence_ended (the RELAX status of token 1900): degraded 1900"]
    assert story.tick(18) == ["reminder: banned 1900"]


def test_what_is_silenced_and_becomes_graver_is_told() -> None:
    story = watching()
    story.read(1, record(status="VERIFYING"))
    story.silence_these(2, None, VERIFYING)
    story.read(16, record(status="VERIFYING"))
    assert story.notices == ["raised: verifying 1900"]
    assert story.tick(31) == ["reminder: verifying 1900"]


def test_the_end_of_a_silence_names_what_became_graver_than_it_covered() -> None:
    story = watching()
    story.read(1, record(status="VERIFYING"))
    story.silence_these(2, 20, VERIFYING)
    story.read(16, record(status="VERIFYING"))
    assert story.tick(20) == ["silence_ended (the check of token 1900): before verifying 1900"]


def test_what_comes_again_after_it_resolved_is_not_covered_by_the_silence_of_what_it_was() -> None:
    story = watching(*(record(number) for number in (1, 2, 3)))
    slow = [record(number, "RELAX") for number in (1, 2, 3)]
    story.read(1, *slow)
    story.silence_these(2, 600, *(Key(Rule.DEGRADED, number) for number in (1, 2, 3)))
    story.read(100, record(1), *slow[1:])
    assert story.notices == []
    assert story.read(200, *slow) == ["degraded 1 warning RELAX"]


def test_a_silence_of_these_leaves_the_next_token_with_the_same_trouble_to_be_told() -> None:
    story = watching(*(record(number) for number in (1, 2, 3, 4)))
    story.read(1, *(record(number, "VERIFYING") for number in (1, 2, 3)), record(4))
    story.silence_these(2, 24 * 60, *CHECKS)
    assert story.notices == ["silence_started (the check of tokens 1, 2 and 3): verifying 1, verifying 2, verifying 3"]
    heard = story.read(3, *(record(number, "VERIFYING") for number in (1, 2, 3, 4)))
    assert heard == ["verifying 4 warning VERIFYING"]


def test_a_silence_of_these_is_over_before_its_time_when_none_is_open() -> None:
    story = watching(record(1), record(2), record(3))
    story.read(1, *(record(number, "VERIFYING") for number in (1, 2, 3)))
    story.silence_these(2, 60, *CHECKS)
    story.read(3, record(1), record(2), record(3, "VERIFYING"))
    assert story.tick(4) == []
    story.read(5, record(1), record(2), record(3))
    ended = "silence_ended (the check of tokens 1, 2 and 3): verifying 1, verifying 2, verifying 3"
    assert story.tick(6) == [ended]


def test_a_silence_until_resolved_where_nothing_is_open_is_over_at_once() -> None:
    story = watching()
    story.silence(1, until=None)
    assert story.tick(1) == ["silence_ended (all alerts)"]


def restarted(story: Story, *decisions: Decision) -> Story:
    """The same after a restart, with these decisions as an earlier version stored them."""
    records = {token_id: token.record for token_id, token in story.known.fleet.tokens.items()}
    story.known = restore(Memory(records, story.known.fleet.read_at, story.known.incidents, decisions))
    return story


@pytest.mark.parametrize("first", ["a reading", "a tick"])
def test_a_silence_until_resolved_of_an_earlier_version_covers_what_is_open_when_it_is_loaded(first: str) -> None:
    story = watching()
    story.read(1, record(status="RELAX"))
    restarted(story, Silence("s1", Scope(token=1900), at(0), None, ANA))
    if first == "a tick":
        assert story.tick(2) == []
        assert [type(each) for each in story.changes.decided] == [Silence], "it is stored as what it means"
    assert "banned 1900 critical BANNED" in story.read(3, record(status="BANNED"))
    assert story.tick(4) == ["silence_ended (the RELAX status of token 1900): degraded 1900"]


@pytest.mark.parametrize("until", [None, 600])
def test_a_silence_of_one_threshold_from_an_earlier_version_ends_and_says_what_is_open(until: int | None) -> None:
    story = watching()
    story.read(1, record(fast="0.60/15.0 hours (4.00%)"))
    scope = Scope(Rule.FAST_TIME_LOW, 1900, "20%")
    restarted(story, Silence("s1", scope, at(0), None if until is None else at(until), ANA))
    (ended,) = story.tick(2)
    assert ended.startswith("silence_ended (any low fast time (under 20 %) of token 1900)")
    assert story.tick(16) == ["reminder: fast_time_low 1900"]
    assert not story.known.decisions.silences


def test_a_timed_silence_of_an_earlier_version_goes_on_as_it_was() -> None:
    story = restarted(watching(), Silence("s1", Scope(token=1900), at(0), at(60), ANA))
    assert story.tick(1) == []
    assert story.read(2, record(status="BANNED")) == []
    assert story.tick(60) == ["silence_ended (all alerts of token 1900): banned 1900"]


def test_a_card_is_silenced_as_long_as_somebody_means_just_it_and_as_severe_as_it_was() -> None:
    story = watching()
    story.read(1, record(status="VERIFYING"))
    silence = story.silence_these(2, None, VERIFYING)
    assert story.incident(Rule.VERIFYING).is_silenced
    story.read(16, record(status="VERIFYING"))
    assert not story.incident(Rule.VERIFYING).is_silenced, "it is graver than what was silenced"
    story.undo(17, silence)
    assert story.incident(Rule.VERIFYING).silenced is None
    assert story.changes.notify == {VERIFYING}, "its card says so"


def test_a_silence_of_a_rule_is_not_taken_back_under_one_card() -> None:
    story = banned()
    story.silence(2, 60, Scope(Rule.BANNED))
    assert not story.incident(Rule.BANNED).is_silenced


@pytest.mark.parametrize(
    ("silence", "name"),
    [
        (Silence("s", Scope(), START, None, ANA), "all alerts"),
        (Silence("s", Scope(token=7), START, None, ANA), "all alerts of token 7"),
        (Silence("s", Scope(Rule.QUEUE_STUCK), START, None, ANA), "any stuck queue of any token"),
        (Silence("s", Scope(Rule.QUEUE_STUCK, 7), START, None, ANA), "any stuck queue of token 7"),
        (Silence("s", Scope(Rule.POOL), START, None, ANA), "any alert that the fleet is short"),
        (
            Silence("s", Scope(Rule.FAST_TIME_LOW, 7, "20%"), START, None, ANA),
            "any low fast time (under 20 %) of token 7",
        ),
    ],
)
def test_the_name_of_a_silence_begins_with_what_it_means(silence: Silence, name: str) -> None:
    assert name_of(silence) == name


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ([Key(Rule.BANNED, 7)], "the ban of token 7"),
        ([Key(Rule.UPSTREAM_DOWN)], "the alert that ImaginePro cannot be read"),
        ([Key(Rule.BANNED, number) for number in (3, 1)], "the ban of tokens 1 and 3"),
        ([Key(Rule.BANNED, number) for number in range(12)], "the ban of 12 tokens"),
        ([Key(Rule.BANNED, 7), Key(Rule.FROZEN, 7)], "2 open alerts of token 7"),
    ],
)
def test_the_name_of_a_silence_of_incidents_counts_them(keys: list[Key], name: str) -> None:
    covered = tuple(Covered(key, START, Severity.WARNING) for key in keys)
    assert name_of(Silence("s", Scope(), START, None, ANA, covered=covered)) == name


EVERYTHING, TOKEN, RULE = Scope(), Scope(token=7), Scope(Rule.BANNED)


def quiet(scope: Scope, *keys: Key, severity: Severity = Severity.CRITICAL) -> Silence:
    """A silence of a scope, or of just some incidents."""
    return Silence("s", scope, START, None, ANA, covered=tuple(Covered(key, START, severity) for key in keys))


@pytest.mark.parametrize(
    ("outer", "inner", "included"),
    [
        (quiet(EVERYTHING), quiet(TOKEN), True),
        (quiet(TOKEN), quiet(EVERYTHING), False),
        (quiet(TOKEN), quiet(RULE), False),
        (quiet(TOKEN), quiet(Scope(Rule.BANNED, 7)), True),
        (quiet(TOKEN), quiet(EVERYTHING, Key(Rule.BANNED, 7)), True),
        (quiet(TOKEN), quiet(EVERYTHING, Key(Rule.BANNED, 7), Key(Rule.BANNED, 8)), False),
        (quiet(EVERYTHING, Key(Rule.BANNED, 7)), quiet(Scope(Rule.BANNED, 7)), False),
        (quiet(TOKEN, Key(Rule.BANNED, 7), Key(Rule.FROZEN, 7)), quiet(TOKEN, Key(Rule.FROZEN, 7)), True),
        (
            quiet(TOKEN, Key(Rule.FROZEN, 7), severity=Severity.INFO),
            quiet(TOKEN, Key(Rule.FROZEN, 7), severity=Severity.WARNING),
            False,
        ),
    ],
)
def test_one_silence_includes_another_if_it_suppresses_all_that_the_other_does(
    outer: Silence, inner: Silence, *, included: bool
) -> None:
    assert outer.includes(inner) is included


def test_who_silences_the_ban_of_the_only_token_is_not_paged_for_the_fleet_in_its_place() -> None:
    story = Story(bystanders=())
    story.read(0, record())
    for minutes in range(1, 6):
        story.read(minutes, record(status="BANNED"))
    story.silence_these(6, None, BANNED)
    assert story.changes.notify == {BANNED}
    for minutes in range(7, 12):
        assert story.read(minutes, record(status="BANNED")) == []


def test_a_ban_that_nobody_was_told_of_does_not_keep_the_fleet_quiet() -> None:
    story = Story(bystanders=())
    story.read(0, record())
    story.silence(1, until=600, scope=Scope(token=1900))
    heard = [story.read(minutes, record(status="BANNED")) for minutes in range(2, 8)]
    assert [each for each in heard if each] == [["pool usable critical"]]


# Silences of what there is and will be.


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (Scope(), {"banned 1", "banned 2", "low 20% 1", "low 5% 1"}),
        (Scope(Rule.BANNED), {"banned 1", "banned 2"}),
        (Scope(token=1), {"banned 1", "low 20% 1", "low 5% 1"}),
        (Scope(Rule.BANNED, 1), {"banned 1"}),
        (Scope(Rule.FAST_TIME_LOW, 1, "5%"), {"low 5% 1"}),
    ],
)
def test_a_scope_covers_a_rule_a_token_both_or_everything(scope: Scope, covered: set[str]) -> None:
    keys = {
        "banned 1": Key(Rule.BANNED, 1),
        "banned 2": Key(Rule.BANNED, 2),
        "low 20% 1": Key(Rule.FAST_TIME_LOW, 1, "20%"),
        "low 5% 1": Key(Rule.FAST_TIME_LOW, 1, "5%"),
    }
    assert {name for name, key in keys.items() if scope.matches(key)} == covered


def test_what_flaps_in_a_silence_notifies_by_its_flapping_when_that_ends() -> None:
    story = watching()
    story.silence(0, until=20)
    for minutes, status in enumerate(["VERIFYING", "FAST", "VERIFYING"], start=1):
        assert story.read(minutes, record(status=status)) == []
    assert story.tick(20) == ["silence_ended (all alerts): flapping 1900; quiet verifying 1900"]
    assert story.changes.notify == {Key(Rule.FLAPPING, 1900)}


# Maintenance windows.


def test_a_window_is_announced_when_it_begins_and_the_net_difference_when_it_ends() -> None:
    story = watching(record(1), record(2), record(3, "RELAX"), record(4))
    story.read(5, record(1, "BANNED"), record(2), record(3, "RELAX"), record(4))
    story.window(6, start=10, length=60)
    assert story.tick(9) == []
    assert story.tick(10) == ["maintenance_started (all alerts)"]
    assert story.changes.notices[0].until == at(70)
    story.read(11, record(1), record(2, "BANNED"), record(3, "RELAX"), record(4, "BANNED"), record(5))
    story.read(12, record(1), record(2, "BANNED"), record(3), record(4), record(5))
    assert story.notices == []
    assert story.tick(70) == ["maintenance_ended (all alerts): banned 2, new 5, banned 1, restored 3"]
    assert story.changes.notify == {Key(Rule.BANNED, 2)}
    assert story.changes.undone == {"w1"}
    story.tick(71)
    assert story.changes.nothing


def test_in_a_window_an_open_card_says_the_truth_without_a_sound() -> None:
    story = banned()
    story.window(2, start=2, length=60)
    assert story.notices == ["maintenance_started (all alerts)"]
    assert story.read(31, record()) == ["ended: banned 1900 critical FAST"]
    assert story.notices == []


def test_what_was_open_all_the_time_is_named_as_such_which_counts_as_a_reminder() -> None:
    story = banned()
    story.window(2, start=2, length=60)
    story.tick(2)
    assert story.tick(62) == ["maintenance_ended (all alerts): before banned 1900"]
    assert [story.tick(minutes) for minutes in (76, 77)] == [[], ["reminder: banned 1900"]]


def test_a_window_over_what_somebody_has_does_not_say_that_nothing_is_left_open() -> None:
    story = banned()
    story.acknowledge(2, BANNED)
    story.window(3, start=5, length=60)
    assert story.tick(5) == ["maintenance_started (all alerts)"]
    assert story.tick(65) == ["maintenance_ended (all alerts): before banned 1900"]
    assert story.tick(200) == []


def test_a_window_that_somebody_takes_back_before_it_begins_was_never_there() -> None:
    story = watching()
    window = story.window(1, start=10, length=60)
    assert story.undo(2, window) == []
    assert story.tick(10) == []


def test_a_window_that_somebody_ends_names_the_difference_at_once() -> None:
    story = watching()
    window = story.window(1, start=1, length=60)
    story.tick(1)
    story.read(2, record(status="BANNED"))
    assert story.undo(3, window) == ["maintenance_ended (all alerts): banned 1900"]
    assert story.changes.notify == {BANNED}


def test_a_window_that_passed_while_the_bot_was_away_is_forgotten() -> None:
    story = watching()
    story.window(1, start=10, length=60)
    assert story.tick(100) == []
    assert story.changes.undone == {"w1"}


def test_the_end_of_a_window_is_announced_after_a_restart() -> None:
    story = watching()
    story.window(1, start=1, length=60)
    story.tick(1)
    story.read(2, record(status="BANNED"))
    decisions = story.known.decisions
    story.known = restore(
        Memory({1900: record(status="BANNED")}, at(2), story.known.incidents, tuple(decisions.windows.values()))
    )
    assert story.tick(61) == ["maintenance_ended (all alerts): banned 1900"]


@pytest.mark.parametrize("begins", [10, 30])
def test_a_silence_that_ends_in_a_window_leaves_all_to_the_window(begins: int) -> None:
    story = watching()
    story.silence(1, until=30, scope=Scope(token=1900))
    story.window(1, start=begins, length=60)
    story.read(2, record(status="BANNED"))
    assert story.tick(begins) == ["maintenance_started (all alerts)"]
    story.read(begins + 1, record(status="BANNED"))
    assert story.tick(30.5) == []
    assert story.tick(begins + 60) == ["maintenance_ended (all alerts): banned 1900"]
    assert story.changes.notify == {BANNED}


@pytest.mark.parametrize("second", [30, 60], ids=["they overlap", "they touch"])
def test_windows_without_a_gap_are_one_quiet_of_which_only_the_last_end_is_told(second: int) -> None:
    story = watching(record(1), record(2))
    story.window(0, start=second, length=60, name="w2")
    story.window(0, start=10, length=50, name="w1")
    assert story.tick(10) == ["maintenance_started (all alerts)"]
    assert story.changes.notices[0].until == at(second + 60), "its end is that of the last one"
    story.read(11, record(1, "BANNED"), record(2, "BANNED"))
    story.read(12, record(1), record(2, "BANNED"))
    assert [story.tick(minutes) for minutes in (30, 60, 61)] == [[], [], []]
    assert story.tick(second + 60) == ["maintenance_ended (all alerts): banned 2"]
    assert story.changes.notify == {Key(Rule.BANNED, 2)}


def test_windows_with_a_gap_end_and_begin() -> None:
    story = watching()
    story.window(0, start=10, length=50, name="w1")
    story.window(0, start=61, length=50, name="w2")
    heard = {minutes: story.tick(minutes) for minutes in (10, 60, 61)}
    assert heard == {
        10: ["maintenance_started (all alerts)"],
        60: ["maintenance_ended (all alerts)"],
        61: ["maintenance_started (all alerts)"],
    }


def test_weekly_windows_that_follow_each_other_for_good_name_no_end() -> None:
    story = watching()
    for day, name in enumerate(("w1", "w2", "w3")):
        start = at(60) + timedelta(days=2 * day)
        story.decide(0, Window(name, start, timedelta(days=3), weekly=True, zone="UTC", by=ANA))
    assert story.tick(60) == ["maintenance_started (all alerts)"]
    assert story.changes.notices[0].until is None
    heard = [story.tick(60 * hours) for hours in range(2, 24 * 30, 7)]
    assert heard == [[]] * len(heard)


def test_a_window_that_begins_in_a_silence_of_everything_adds_nothing_and_takes_over_at_its_end() -> None:
    story = watching()
    story.silence(0, until=60)
    story.window(0, start=60, length=60)
    story.read(1, record(status="BANNED"))
    assert story.tick(60) == []
    assert story.changes.notify == frozenset()
    assert story.tick(120) == ["maintenance_ended (all alerts): banned 1900"]


def test_two_silences_of_one_token_are_one_quiet() -> None:
    story = watching()
    story.silence(0, until=60, scope=Scope(token=1900), name="s1")
    story.silence(1, until=90, scope=Scope(token=1900), name="s2")
    story.read(2, record(status="BANNED"))
    story.read(3, record())
    assert story.tick(60) == []
    assert story.tick(90) == ["silence_ended (all alerts of token 1900): banned 1900"]


def test_what_ends_together_and_suppressed_the_same_is_told_once() -> None:
    story = banned()
    story.silence(2, until=60, scope=Scope(Rule.BANNED), name="s1")
    story.silence(3, until=60, name="s2")
    assert story.tick(60) == ["silence_ended (all alerts): before banned 1900"]


def test_the_end_of_a_silence_names_what_is_new_what_was_open_and_what_is_still_quiet_apart() -> None:
    story = watching(record(1), record(2), record(3))
    story.read(1, record(1, "BANNED"), record(2), record(3))
    story.silence(2, until=60, name="s1")
    story.silence(2, until=90, scope=Scope(token=3), name="s2")
    story.read(3, *(record(number, "BANNED") for number in (1, 2, 3)))
    assert story.tick(60) == ["silence_ended (all alerts): banned 2; before banned 1; quiet banned 3"]
    assert story.tick(90)[0] == "silence_ended (all alerts of token 3): banned 3"


def test_what_happened_under_a_silence_and_again_in_a_window_is_named_once() -> None:
    story = watching(record(1))
    story.silence(1, until=60, scope=Scope(token=2))
    story.read(2, record(1), record(2))
    story.read(3, record(1))
    story.read(4, record(1))
    window = story.window(5, start=5, length=20)
    story.read(6, record(1), record(2))
    assert story.undo(7, window) == ["maintenance_ended (all alerts): new 2"]
    assert story.tick(60) == ["silence_ended (all alerts of token 2): gone 2"]


BERLIN = ZoneInfo("Europe/Berlin")


def weekly(start: datetime, hours: float = 2) -> Window:
    """A window of every week, on the clock of Berlin."""
    return Window("w", start, timedelta(hours=hours), weekly=True, zone="Europe/Berlin", by=ANA)


def utc(text: str) -> datetime:
    """`2026-10-25 01:00`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "on", "off"),
    [
        pytest.param(
            "2026-10-17 22:00+02:00", ["2026-10-24 20:00", "2026-10-31 21:00"], ["2026-10-31 20:59"], id="into winter"
        ),
        pytest.param(
            "2026-03-21 22:00+01:00", ["2026-03-28 21:00", "2026-04-04 20:00"], ["2026-04-04 22:00"], id="into summer"
        ),
        pytest.param(
            "2026-10-18 02:30+02:00",
            ["2026-10-25 00:30", "2026-10-25 02:29"],
            ["2026-10-25 00:29", "2026-10-25 02:30"],
            id="in the hour that comes twice: from its first coming, for as long as ever",
        ),
        pytest.param(
            "2026-03-22 02:30+01:00",
            ["2026-03-29 01:30", "2026-03-29 03:29", "2026-04-05 00:30"],
            ["2026-03-29 01:29", "2026-03-29 03:30"],
            id="in the hour that is left out: an hour later",
        ),
        pytest.param(
            "2026-10-25 02:30+01:00",
            ["2026-10-25 01:30", "2026-10-25 03:29", "2026-11-01 01:30", "2027-10-31 00:30"],
            ["2026-10-25 01:29", "2026-10-25 03:30", "2026-11-01 01:29", "2027-10-31 02:30"],
            id="set in the hour that came twice, when it came again",
        ),
        pytest.param(
            "2026-03-22 01:00+01:00",
            ["2026-03-29 00:00", "2026-03-29 01:59"],
            ["2026-03-29 02:00"],
            id="over the change",
        ),
    ],
)
def test_a_weekly_window_keeps_its_hour_on_the_clock_of_its_zone(first: str, on: list[str], off: list[str]) -> None:
    window = weekly(datetime.fromisoformat(first).astimezone(UTC))
    assert [window.active(utc(each)) for each in on] == [True] * len(on)
    assert [window.active(utc(each)) for each in off] == [False] * len(off)


def test_a_weekly_window_begins_again_and_is_announced_each_time() -> None:
    story = watching()
    window = weekly(START + timedelta(hours=1))
    story.decide(0, window)
    heard = {hours: story.tick(60 * hours) for hours in (0, 1, 2, 3, 168, 169, 171)}
    assert {hours: said for hours, said in heard.items() if said} == {
        1: ["maintenance_started (all alerts)"],
        3: ["maintenance_ended (all alerts)"],
        169: ["maintenance_started (all alerts)"],
        171: ["maintenance_ended (all alerts)"],
    }
    assert "w" in story.known.decisions.windows


def test_a_weekly_window_names_each_time_only_what_was_missed_in_it() -> None:
    story = watching(record(1))
    story.decide(0, weekly(START))
    story.tick(0)
    story.read(1, record(1), record(2))
    assert story.tick(120) == ["maintenance_ended (all alerts): new 2"]
    week = 7 * 24 * 60
    story.tick(week)
    assert story.tick(week + 120) == ["maintenance_ended (all alerts)"]


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 - local times of the zone
    st.timedeltas(timedelta(), timedelta(days=800)),
)
def test_a_weekly_window_is_always_about_to_begin_at_its_hour(local: datetime, later: timedelta) -> None:
    start = local.replace(microsecond=0, tzinfo=BERLIN).astimezone(UTC)
    window = weekly(start)
    upcoming = window.next_start(now := start + later)
    assert upcoming is not None
    # A start that the clock leaves out is an hour late, and the clock may go forward or back in between.
    assert timedelta() < upcoming - now <= timedelta(days=7, hours=1)
    assert window.active(upcoming)
    assert not window.active(start - timedelta(seconds=1))


def test_a_window_that_comes_once_begins_once() -> None:
    window = Window("w", at(10), timedelta(minutes=5), weekly=False, zone="UTC", by=ANA)
    assert window.next_start(at(0)) == at(10)
    assert window.next_start(at(10)) is None
    assert [window.active(at(minutes)) for minutes in (9.9, 10, 14.9, 15)] == [False, True, True, False]
    assert (window.ends(at(12)), window.over(at(14.9)), window.over(at(15))) == (at(15), False, True)


# Settings, and what is kept.


def test_a_setting_that_is_taken_back_leaves_the_default() -> None:
    story = watching()
    setting = story.set(Rule.BANNED, severity=Severity.INFO)
    assert story.undo(1, setting) == []
    assert story.changes.undone == {setting.id}
    assert len(story.changes.audit) == 1
    assert story.read(2, record(status="BANNED")) == ["banned 1900 critical BANNED"]


def test_everything_decided_is_kept_until_it_is_taken_back() -> None:
    story = watching()
    kept: list[Decision] = [story.silence(0, 60), story.window(0, 60, 60), story.set(Rule.BANNED, 7, on=False)]
    decisions = Decisions.of(kept)
    assert decisions == story.known.decisions
    assert all(decisions.holds(each.id) for each in kept)
    assert not any(decisions.with_(without=[each.id for each in kept]).holds(each.id) for each in kept)
    assert [name_of(each) for each in kept] == ["all alerts", "2026-11-22 04:00 (UTC)", "banned 7"]
    assert name_of(Setting(Rule.POOL)) == "pool"


def test_a_decision_and_its_entry_in_the_audit_trail_are_stored_together() -> None:
    setting, entry = Setting(Rule.BANNED, enabled=False), Entry(START, ANA, "rules set", "banned", "quiet please")
    changes, _ = decide(Story().known, setting, entry)
    assert (changes.decided, changes.audit, changes.nothing) == ((setting,), (entry,), False)
