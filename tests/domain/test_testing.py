"""A test of the way to a person: it goes the way of a page, for five minutes at most, and is nobody's trouble."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.incidents import TEST, Happening, Incident, Key, Reason, Rule, Stage
from bot.domain.messages import Notice, NoticeKind
from bot.domain.model import Reading, Severity
from bot.domain.rules.policy import Policy
from bot.domain.steering import TEST_LASTS, Entry, Scope, Silence, Window
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known
from bot.domain.watch.response import acknowledge, decide, hand_over
from bot.domain.watch.schedule import overdue, tick
from bot.domain.watch.testing import begin
from tests.domain.day import MIDNIGHT as NOW
from tests.domain.fleets import record, taken, tokens

ANA, BEN = 41, 42
POLICY = Policy()
SECOND = timedelta(seconds=1)
FLEET = Reading(tokens([record(1900, "FAST"), record(1901, "BANNED")]), NOW)


def asked(known: Known | None = None, trouble: str = "") -> Known:
    """A test that Ana asked for at `NOW`."""
    return begin(known or Known(), ANA, NOW, trouble)[1]


def ended(changes: Changes) -> Incident:
    """The test, which ended by these changes: its card shows it, and a notice, where that is out of sight."""
    (test,) = (each for each in changes.incidents if each.key == TEST)
    assert test.stage is Stage.RESOLVED
    assert TEST in changes.notify
    assert [(each.kind, each.keys) for each in changes.notices if TEST in each.keys] == [(NoticeKind.RESOLVED, (TEST,))]
    return test


def test_it_is_posted_calls_people_and_says_in_the_audit_trail_who_asked() -> None:
    changes, after = begin(Known(), ANA, NOW, "ALERT_ROLE_ID: no such role")
    (test,) = changes.incidents
    assert changes.notify == {TEST}
    assert test.pages
    assert test.detail == "ALERT_ROLE_ID: no such role"
    assert [(each.by, each.act) for each in changes.audit] == [(ANA, "test")]
    assert after.incidents[TEST] is test


def test_asked_for_twice_it_is_one() -> None:
    changes, after = begin(asked(), BEN, NOW + SECOND)
    assert changes.nothing
    assert not changes.audit
    assert after.incidents[TEST].moments[0].who == ANA


def test_whoever_acknowledges_it_ends_it_and_it_knows_who_and_when() -> None:
    changes, after = acknowledge(asked(), [TEST], BEN, NOW + 42 * SECOND)
    test = ended(changes)
    assert TEST not in after.incidents
    assert test.well
    assert test.acknowledged is not None
    assert (test.acknowledged.who, test.resolved_at) == (BEN, NOW + 42 * SECOND)
    assert [each.what for each in test.moments] == [Happening.FIRED, Happening.ACKNOWLEDGED, Happening.RESOLVED]
    assert not acknowledge(after, [TEST], ANA, NOW + 43 * SECOND)[0].incidents, "the second finds nothing"
    assert begin(after, ANA, NOW + 50 * SECOND)[0].incidents, "and the next may be asked for"


def test_it_ends_by_itself_once_its_time_is_over_and_no_sooner() -> None:
    known = asked()
    _, known = tick(known, NOW + TEST_LASTS - SECOND, POLICY)
    assert known.incidents[TEST].pages
    changes, known = tick(known, NOW + TEST_LASTS, POLICY)
    test = ended(changes)
    assert not test.well
    assert test.end is not None
    assert test.end.reason is Reason.UNTOLD
    assert test.first_notified_at == NOW
    assert not known.incidents


def test_it_reminds_once_at_half_time_and_calls_the_second_line_too() -> None:
    known, said = asked(), list[tuple[timedelta, Notice]]()
    for seconds in range(0, 600, 5):
        changes, known = tick(known, NOW + seconds * SECOND, POLICY)
        said += [(seconds * SECOND, each) for each in changes.notices]
    assert [(after, notice.kind, notice.escalated) for after, notice in said] == [
        (TEST_LASTS / 2, NoticeKind.REMINDER, True),
        (TEST_LASTS, NoticeKind.RESOLVED, False),
    ]


def test_what_the_channel_did_not_get_in_time_ends_as_such_and_not_as_unanswered() -> None:
    known = asked()
    assert overdue(known, NOW + TEST_LASTS / 2) == {TEST}
    changes, known = tick(known, NOW + TEST_LASTS / 2, POLICY, {TEST})
    assert not changes.notices, "nobody is reminded of what nobody saw"
    assert overdue(known, NOW + TEST_LASTS) == {TEST}, "so that it is asked whether the channel has it"
    changes, known = tick(known, NOW + TEST_LASTS, POLICY, {TEST})
    assert ended(changes).first_notified_at is None


def test_what_came_and_whose_reminder_did_not_is_unanswered() -> None:
    _, known = tick(asked(), NOW + TEST_LASTS / 2, POLICY)
    changes, _ = tick(known, NOW + TEST_LASTS, POLICY, {TEST})
    assert ended(changes).first_notified_at == NOW


@pytest.mark.parametrize("back", [TEST_LASTS, timedelta(hours=2)])
def test_a_clock_that_is_set_back_does_not_keep_it_open(back: timedelta) -> None:
    changes, known = tick(asked(), NOW - back, POLICY)
    ended(changes)
    assert TEST not in known.incidents


def test_nothing_silences_it_and_no_silence_names_it() -> None:
    known = asked()
    everything = Silence("s1", Scope(), NOW, None, BEN)
    window = Window("w1", NOW, timedelta(hours=1), weekly=False, zone="UTC", by=BEN)
    for decision in (everything, replace(everything, id="s2", until=NOW + timedelta(hours=1)), window):
        changes, known = decide(known, decision, Entry(NOW, BEN, "by command", "all"))
        assert not any(TEST in each.keys for each in changes.notices)
        assert not changes.incidents
        assert not known.suppressed()(TEST)
    assert known.incidents[TEST].silenced is None
    changes, _ = tick(known, NOW + TEST_LASTS / 2, POLICY)
    assert [each.kind for each in changes.notices if TEST in each.keys] == [NoticeKind.REMINDER]


def test_it_is_nobodys_to_hand_over() -> None:
    changes, known = hand_over(asked(), [TEST], BEN, ANA, NOW + SECOND)
    assert not changes.incidents
    assert known.incidents[TEST].pages


def test_it_is_no_tokens_trouble_and_no_reading_moves_it() -> None:
    _, plain = taken(Known(), FLEET, POLICY)
    changes, known = taken(asked(), FLEET, POLICY)
    assert TEST not in {each.key for each in changes.incidents}
    assert {key: each for key, each in known.incidents.items() if key != TEST} == plain.incidents
    assert known.incidents[TEST].severity is Severity.INFO, "so that no count of what is wrong has it"
    assert TEST.token is None


steps = st.lists(
    st.tuples(
        st.sampled_from(["tick", "lost", "read", "ask", "silence", "acknowledge another"]),
        st.integers(1, 120),
    ),
    max_size=12,
)


@given(steps)
def test_whatever_happens_it_is_open_for_its_time_and_not_a_tick_longer(happens: list[tuple[str, int]]) -> None:
    """A tick comes every 5 s at the latest."""
    known, now = asked(), NOW
    for what, seconds in happens:
        for _ in range(seconds // 5 + 1):
            now += 5 * SECOND
            _, known = tick(known, now, POLICY, {TEST} if what == "lost" else ())
            test = known.incidents.get(TEST)
            assert test is None or now - test.opened_at < TEST_LASTS
        if what == "read":
            _, known = taken(known, replace(FLEET, at=now), POLICY)
        elif what == "ask":
            before = known.incidents.get(TEST)
            _, known = begin(known, BEN, now)
            assert before is None or known.incidents[TEST] is before
        elif what == "silence":
            _, known = decide(known, Silence("s1", Scope(), now, None, BEN), Entry(now, BEN, "silence add", "all"))
        elif what == "acknowledge another":
            _, known = acknowledge(known, [Key(Rule.BANNED, 1901)], BEN, now)
        assert [key for key in known.incidents if key.rule is Rule.TEST] in ([], [TEST])
