"""What is about a group of tokens: which setting wins, what a silence suppresses, and what a group must have."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.decisions import Decisions
from bot.domain.groups import Group, OneGroup, joined, parse
from bot.domain.incidents import ANYBODY, FAST_HOURS, Key, Rule
from bot.domain.model import Severity
from bot.domain.rules.policy import Policy, ranked
from bot.domain.rules.settable import check, check_against
from bot.domain.steering import Scope, Setting, Silence
from bot.domain.value import replace
from bot.domain.watch.following import uses
from bot.domain.watch.known import Known
from tests.domain.fleets import at, record, tokens
from tests.domain.stories import ANA, EVERY_MINUTE, Story, watching

STUDIO = Group("studio", ((1900, 1902),), ANA)
NIGHT = Group("Night shift", ((1902, 1910),), ANA)
OTHER = record(1950)
POOL = Key(Rule.POOL, step=ANYBODY).of_group("studio")


def of(rule: Rule, group: Group, **set_: object) -> Setting:
    """A setting of a group."""
    return replace(Setting(rule, group=group), **set_)  # type: ignore[arg-type]


# Which setting wins.


def test_a_tokens_own_setting_wins_over_its_groups_and_that_over_the_fleets() -> None:
    """What one leaves out, the next one says."""
    policy = Policy().with_(
        Setting(Rule.BANNED, severity=Severity.INFO, readings=5),
        of(Rule.BANNED, STUDIO, severity=Severity.WARNING),
        Setting(Rule.BANNED, 1901, readings=2),
    )
    rows = {each: policy.row(Rule.BANNED, each) for each in (None, 1900, 1901, 1950)}
    assert {each: (row.chosen, row.readings) for each, row in rows.items()} == {
        None: (Severity.INFO, 5),
        1900: (Severity.WARNING, 5),
        1901: (Severity.WARNING, 2),
        1950: (Severity.INFO, 5),
    }


def test_of_two_groups_that_hold_a_token_the_one_of_fewer_ids_wins() -> None:
    """And of as many the one whose name comes first, however they came to be."""
    for order in itertools.permutations([STUDIO, NIGHT, Group("all", ((0, 9999),)), Group("alike", ((1902, 1904),))]):
        policy = Policy().with_(*(of(Rule.FAST_TIME_LOW, each, threshold=f"{each.size % 90}%") for each in order))
        assert policy.threshold(Rule.FAST_TIME_LOW, 1902) == "3%"
        (*_, first) = ranked(of(Rule.BANNED, each) for each in order)
        assert first.group is not None
        assert first.group.name == "alike"


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6)), min_size=1, max_size=5),
    st.integers(0, 30),
    st.just([]) | st.just([9]),
)
def test_a_setting_of_a_group_is_heeded_for_its_tokens_and_for_no_other(
    ranges: list[tuple[int, int]], token_id: int, own: list[int]
) -> None:
    """Whatever the group, and whatever else is set."""
    group = Group("g", joined((first, first + more) for first, more in ranges))
    settings = [of(Rule.BANNED, group, readings=7), *(Setting(Rule.BANNED, token_id, readings=each) for each in own)]
    expected = 9 if own else 7 if group.holds(token_id) else 1
    assert Policy().with_(*settings).row(Rule.BANNED, token_id).readings == expected


def test_without_groups_a_policy_is_as_it_was() -> None:
    """No poll pays for what nobody uses."""
    policy = Policy()
    assert policy.with_() is policy
    assert Known().policy(policy) is policy


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        (Setting(Rule.BANNED, 1900, enabled=False, group=STUDIO), "leave one of them out"),
        (Setting(Rule.UPSTREAM_DOWN, enabled=False, group=STUDIO), "leave out the group"),
        (Setting(Rule.POOL, 1900, enabled=False), "leave out the token"),
        (Setting(Rule.POOL, threshold="x", group=STUDIO), "how many tokens must work"),
    ],
)
def test_what_no_group_can_have_is_refused(setting: Setting, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check(setting)


@pytest.mark.parametrize(
    ("rule", "threshold", "says"),
    [
        (Rule.POOL, "3", "only 2 tokens of studio are linked"),
        (Rule.POOL, "90h", "all tokens of studio together have at most 30h"),
        (Rule.FAST_TIME_LOW, "20h", "no token of studio ever has more than 15h"),
    ],
)
def test_a_level_that_a_group_never_reaches_is_refused(rule: Rule, threshold: str, says: str) -> None:
    """Though the fleet would; and of a group of which nothing is listed nobody can tell."""
    fleet = tokens(map(record, (1900, 1901, 1950, 1951, 1952)))
    with pytest.raises(ValueError, match=says):
        check_against(of(rule, STUDIO, threshold=threshold), fleet)
    check_against(of(rule, Group("later", ((1, 2),)), threshold=threshold), fleet)


# Calm tokens, and rules.


def test_calm_tokens_are_judged_anew_when_their_group_changes() -> None:
    """One that fell under a level that it has since the group took it in is told at the next poll."""
    story = watching(record(1900, fast="30/200 minutes"), OTHER, policy=replace(EVERY_MINUTE, thresholds=()))
    group = Group("studio", ((1901, 1902),), ANA)
    story.decide(0, group)
    story.decide(0, of(Rule.FAST_TIME_LOW, group, threshold="20%"))
    assert story.read(1, record(1900, fast="30/200 minutes"), OTHER) == []
    story.decide(1, STUDIO)
    assert story.known.decisions.settings["fast_time_low:group-studio"].group == STUDIO
    assert story.read(2, record(1900, fast="30/200 minutes"), OTHER) == ["fast_time_low 1900 warning FAST"]


# Silences.


def test_a_silence_of_a_group_suppresses_what_is_about_its_tokens() -> None:
    """And about no other."""
    story = watching(record(1900), OTHER)
    story.decide(1, STUDIO)
    story.silence(1, 60, Scope(group=STUDIO))
    assert story.notices == ["silence_started (all alerts of studio)"]
    assert story.read(2, record(1900, status="BANNED"), record(1950, status="BANNED")) == [
        "banned 1950 critical BANNED"
    ]


def test_a_silence_follows_its_group_as_that_changes() -> None:
    """Who comes into it is silenced, and who leaves it is notified of then."""
    story = watching(record(1900), OTHER)
    story.decide(1, STUDIO)
    story.silence(1, 60, Scope(group=STUDIO))
    story.read(2, record(1900, status="BANNED"), OTHER)
    story.decide(3, Group("studio", ((1950, 1950),), ANA))
    assert [each.key for each in story.notified[-1:]] == [Key(Rule.BANNED, 1900)]
    silence = story.known.decisions.silences["s1"]
    assert (silence.scope.group, silence.until) == (Group("studio", ((1950, 1950),), ANA), at(60))
    assert silence in story.changes.decided
    assert story.read(4, record(1900, status="BANNED"), record(1950, status="BANNED")) == []


def test_a_silence_until_resolved_covers_what_is_open_of_the_group_and_follows_it_no_more() -> None:
    """So an older version, which knows no groups, reads it as it is meant."""
    story = watching(record(1900), OTHER)
    story.decide(1, STUDIO)
    story.read(2, record(1900, status="BANNED"), record(1950, status="BANNED"))
    silence = story.silence(3, None, Scope(group=STUDIO))
    kept = story.known.decisions.silences[silence.id]
    assert (kept.scope, [each.key for each in kept.covered]) == (Scope(), [Key(Rule.BANNED, 1900)])
    assert uses(story.known.decisions, STUDIO) == ()


def test_of_silences_that_of_a_group_includes_those_of_its_tokens() -> None:
    """And one of everything includes it."""
    group, fleet = Scope(group=STUDIO), Scope()
    assert fleet.includes(group)
    assert not group.includes(fleet)
    assert group.includes(Scope(token=1901))
    assert group.includes(Scope(Rule.BANNED, group=STUDIO))
    assert not Scope(Rule.BANNED, group=STUDIO).includes(group)
    assert not group.includes(Scope(group=NIGHT))
    assert not Scope(token=1901).includes(group)


# What a group must have.


def short() -> Story:
    """A story in which studio must have two tokens that work, and has one."""
    story = watching(record(1900), record(1901), OTHER)
    story.decide(0, STUDIO)
    story.decide(0, of(Rule.POOL, STUDIO, threshold="2", readings=1, severity=Severity.WARNING))
    assert story.read(1, record(1900), record(1901), OTHER) == []
    assert "pool usable of studio warning" in story.read(2, record(1900), record(1901, status="VERIFYING"), OTHER)
    return story


def test_a_group_has_an_incident_of_its_own_when_too_few_of_its_tokens_work() -> None:
    """The fleet as a whole may have enough; it ends when enough work again."""
    story = short()
    found = story.incident(Rule.POOL, None, POOL.step)
    assert (found.detail, found.about, found.key.group, found.key.part) == ("1 of 2, 2", (1901,), "studio", ANYBODY)
    said = [story.read(minute, record(1900), record(1901), OTHER) for minute in (3, 4, 5)]
    assert "ended: pool usable of studio warning" in said[-1]
    assert POOL not in story.known.incidents


def test_a_group_has_an_incident_when_it_has_too_little_fast_time() -> None:
    """Of the tokens that are in it."""
    story = watching(record(1900, fast="100/900 minutes"), record(1950, fast="900/900 minutes"))
    story.decide(0, STUDIO)
    story.decide(0, of(Rule.POOL, STUDIO, threshold="0,10h", readings=1))
    assert story.read(1, record(1900, fast="90/900 minutes"), record(1950, fast="900/900 minutes")) == [
        "pool fast time of studio critical"
    ]
    assert story.incident(Rule.POOL, None, f"{FAST_HOURS} of studio").detail == "1 h, 10 h"


@pytest.mark.parametrize("how", ["reset", "off"])
def test_it_ends_as_unwatched_when_nobody_wants_it_any_more(how: str) -> None:
    """Whether the group has enough then is not said."""
    story = short()
    setting = story.known.decisions.settings["pool:group-studio"]
    if how == "reset":
        story.undo(3, setting)
    else:
        story.decide(3, replace(setting, enabled=False))
    assert story.read(4, record(1900), record(1901, status="VERIFYING"), OTHER) == [
        "unwatched: pool usable of studio warning"
    ]


def test_it_ends_when_none_of_its_tokens_is_listed_any_more() -> None:
    """Or all are switched off: nobody waits for these."""
    story = short()
    said = [story.read(each, record(1900, active=False), record(1901, active=False), OTHER) for each in (3, 4, 5, 6)]
    assert "ended: pool usable of studio warning" in itertools.chain.from_iterable(said)


def test_a_silence_of_the_group_suppresses_that_incident_too() -> None:
    """And one of another group does not."""
    scope = Scope(group=STUDIO)
    assert scope.matches(POOL)
    assert not scope.matches(Key(Rule.POOL, step=ANYBODY))
    assert not Scope(group=NIGHT).matches(POOL)


# What keeps a group from being removed.


def test_what_is_about_a_group_is_named_with_what_ends_it() -> None:
    decisions = Decisions.of(
        [
            STUDIO,
            NIGHT,
            Silence("s1", Scope(Rule.BANNED, group=STUDIO), at(0), at(60), ANA),
            of(Rule.QUEUE_STUCK, STUDIO, threshold="30m"),
            OneGroup(555, "Studio", ANA),
        ]
    )
    assert uses(decisions, STUDIO) == (
        "the silence of any ban of studio (`/silence end`, s1)",
        "the rule queue stuck (`/rules reset`)",
        "the board in <#555> (`/board remove`)",
    )
    assert uses(decisions, NIGHT) == ()
    assert decisions.group(" STUDIO ") == STUDIO
    assert parse(STUDIO.text) == STUDIO.ranges
