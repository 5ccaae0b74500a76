"""Tokens of which there is nothing to say are not judged again, and nobody can tell."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.incidents import Rule
from bot.domain.model import Record
from bot.domain.rules.table import RULES
from bot.domain.steering import Setting
from bot.domain.value import replace
from bot.domain.watch.known import Known
from tests.domain.fleets import START, reading, record, taken
from tests.domain.stories import EVERY_MINUTE, Story, watching

SOON = int(START.timestamp()) + 60 * 60
"""When a plan renews, within the story."""

records = st.builds(
    record,
    token_id=st.integers(1, 3),
    status=st.sampled_from(["FAST", "FAST", "RELAX", "VERIFYING", "BANNED", "PONDERING", ""]),
    fast=st.sampled_from(["13.47/15.0 hours (89.78%)", "2.00/15.0 hours (13.33%)", "0.00/15.0 hours", "soon"]),
    active=st.sampled_from([True, True, False, None]),
    queued=st.sampled_from(["0", "0", "4"]),
    running=st.sampled_from(["None", "None", "2", ""]),
    terms=st.sampled_from(
        [
            "Active monthly, renews next on <t:1797000000>",
            f"Active, renews next on <t:{SOON}>",
            f"Active, ends on <t:{SOON}>",
            f"Cancelled, ends on <t:{SOON}>",
            "Active, renews next on <t:1709417882>",
            "?",
        ]
    ),
)
fleets = st.lists(records, max_size=4, unique_by=lambda each: each.id)
rulings = st.builds(
    Setting,
    rule=st.sampled_from([rule for rule in RULES if rule is not Rule.BASELINE]),
    token=st.none() | st.integers(1, 3),
    enabled=st.booleans(),
) | st.builds(
    Setting, st.just(Rule.FAST_TIME_LOW), st.none() | st.integers(1, 3), threshold=st.sampled_from(["95%", "10%"])
)
steps = st.tuples(
    st.none() | fleets,
    st.sampled_from([1, 1, 5, 40, 400]),
    st.booleans(),
    st.none() | rulings,
    st.sampled_from([False, False, False, True]),
)
"""What is read, or else the same as before; after how many minutes; whether the whole fleet is; what is set first; and
whether the process starts anew before."""


@settings(max_examples=max(200, settings().max_examples))
@given(st.lists(steps, min_size=2, max_size=12))
def test_what_is_judged_again_only_when_it_may_matter_is_judged_the_same(
    story: list[tuple[list[Record] | None, int, bool, Setting | None, bool]],
) -> None:
    known, minutes, fleet = Known(), 0, [record(1)]
    for read, later, whole, setting, starts in story:
        minutes += later
        fleet = fleet if read is None else read
        if setting is not None:
            known = replace(known, decisions=known.decisions.with_(setting))
        if starts:
            known = replace(known, calm=None)
        this_reading = reading(minutes, *fleet, whole=whole)
        changes, after = taken(known, this_reading, EVERY_MINUTE)
        anew, after_anew = taken(replace(known, calm=None), this_reading, EVERY_MINUTE)
        assert changes == anew
        assert replace(after, calm=None) == replace(after_anew, calm=None)
        known = after


def calm(story: Story) -> set[int]:
    """The tokens that would not be judged at the next look."""
    assert story.known.calm is not None
    return set(story.known.calm.until)


def test_a_token_of_which_there_is_nothing_to_say_is_not_judged_until_its_renewal_is_overdue() -> None:
    story = watching(record(terms=f"Active, renews next on <t:{SOON}>"))
    story.read(1, record(terms=f"Active, renews next on <t:{SOON}>"))
    assert calm(story) == {7, 1900}
    assert story.read(60 + 6 * 60 + 1, record(terms=f"Active, renews next on <t:{SOON}>")) == [
        "subscription 1900 warning FAST"
    ]
    assert calm(story) == {7}


@pytest.mark.parametrize("state", ["Active", "Cancelled"])
def test_a_token_of_which_there_is_nothing_to_say_is_not_judged_until_its_plan_ends(state: str) -> None:
    ending = record(terms=f"{state}, ends on <t:{SOON}>")
    story = watching(ending)
    assert [story.read(minutes, ending) for minutes in (1, 60)] == [[], []]
    assert calm(story) == {7, 1900}
    assert story.read(61, ending) == ["subscription 1900 warning FAST"]


def test_a_token_with_a_stamp_of_a_sample_is_calm() -> None:
    sample = record(terms="Active monthly, renews next on <t:1709417882>")
    story = watching(sample)
    assert story.read(1, sample) == []
    assert calm(story) == {7, 1900}


def test_a_token_that_reads_otherwise_is_judged() -> None:
    story: Story = watching()
    story.read(1, record())
    assert story.read(2, record(status="BANNED")) == ["banned 1900 critical BANNED"]
    assert story.read(3, record()) == ["ended: banned 1900 critical FAST"]


def test_a_rule_that_is_set_otherwise_judges_every_token_anew() -> None:
    story = watching()
    story.read(1, record())
    story.set(Rule.FAST_TIME_LOW, threshold="95%")
    heard = story.read(2, record())
    assert set(heard) == {"fast_time_low 1900 warning FAST", "fast_time_low 7 warning FAST"}
