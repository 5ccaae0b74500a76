"""What is kept over time: each change of a figure, and one sample an hour of every token, spread over the hour."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import info
from bot.domain.model import Status
from bot.domain.sample import Sample, Turns, sample_of
from bot.domain.value import replace
from bot.domain.watch.known import Memory, restore
from tests.domain.fleets import START, at, record
from tests.domain.stories import BYSTANDER, Story


def kept(story: Story) -> list[int]:
    """Of which tokens the last reading left a sample."""
    return sorted(each.token for each in story.changes.samples)


def test_a_sample_is_what_the_texts_say() -> None:
    token = info.read(record(fast="13.47/15.0 hours (89.78%)", queued="3"))
    assert sample_of(token, at(0.01)) == Sample(1900, at(0), Status.FAST, active=True, fast_time=808.2,
                                                allowance=900.0, queued=3, images=674)  # fmt: skip


def test_what_was_not_said_is_no_number() -> None:
    sample = sample_of(info.read(replace(record(active=None), info=type(record().info)(), status="asleep")), at(0))
    assert sample == Sample(1900, at(0), Status.UNKNOWN, None, None, None, None, None)


def test_queues_are_counted_together_as_far_as_they_were_read() -> None:
    assert sample_of(info.read(record(queued="many")), at(0)).queued == 0


def test_a_change_of_a_figure_is_kept_and_any_other_is_not() -> None:
    story = Story()
    story.read(0, record())
    assert kept(story) == [7, 1900], "the first time that they were seen"
    story.read(1, record())
    assert kept(story) == []
    story.read(2, replace(record(), server_id="moved"))
    assert (story.changes.records, kept(story)) != ((), [1900])
    for minutes, other in ((3, record(status="RELAX")), (4, record(fast="1/15 hours")), (5, record(queued="9"))):
        story.read(minutes, other)
        assert 1900 in kept(story)
        story.read(minutes + 0.5, other)
        assert 1900 not in kept(story)


def test_each_token_has_one_turn_an_hour() -> None:
    story = Story()
    story.read(0, record())
    turns = Counter(
        token for minutes in range(1, 24 * 60 + 1) for token in (story.read(minutes, record()), kept(story))[1]
    )
    assert turns == {7: 24, 1900: 24}


def test_whoever_missed_the_turn_in_an_outage_or_a_restart_has_it_then() -> None:
    story = Story()
    story.read(0, record())
    story.fail(30)
    story.known = restore(Memory({1900: record(), 7: BYSTANDER}, story.known.fleet.read_at))
    story.read(95, record())
    assert kept(story) == [7, 1900]
    story.read(96, record())
    assert len(kept(story)) < 2


def test_a_change_in_the_minute_of_the_turn_is_one_sample() -> None:
    story = Story()
    story.read(0, record())
    story.read(70, record(status="RELAX"))
    assert kept(story) == [7, 1900]


def test_a_token_that_is_read_alone_and_a_list_that_is_not_believed_are_nobodys_turn() -> None:
    story = Story()
    fleet = [record(token) for token in range(10)]
    story.read(0, *fleet)
    story.read(61, record(3, status="RELAX"), whole=False)
    assert kept(story) == [3]
    story.read(62, fleet[0])
    assert kept(story) == []
    story.read(63, *fleet)
    assert kept(story) == list(range(10)), "the hour of all passed since the last list that is believed"


def test_a_large_fleet_does_not_come_at_once() -> None:
    turns = Turns.of(range(40_000, 50_000))
    for minutes in range(60):
        since = START + timedelta(minutes=minutes)
        assert len(list(turns.due(since, since + timedelta(minutes=1)))) == pytest.approx(10_000 / 60, rel=0.1)


@given(
    ids=st.sets(st.integers(-(2**63), 2**63 - 1), max_size=9),
    pauses=st.lists(st.floats(0, 3000), min_size=1, max_size=9),
)
def test_readings_that_follow_each_other_leave_nobody_out_and_take_nobody_twice(
    ids: set[int], pauses: list[float]
) -> None:
    times = [START]
    while times[-1] < START + timedelta(hours=1):
        times.extend(times[-1] + timedelta(seconds=sum(pauses[: n + 1]) + 1) for n in range(len(pauses)))
    turns = [(each, end) for begin, end in pairwise(times) if end > begin for each in Turns.of(ids).due(begin, end)]
    for each in ids:
        mine = [end for token, end in turns if token == each]
        assert mine, "within the hour"
        assert all(second > first for first, second in pairwise(mine))


def test_a_clock_that_was_set_back_is_nobodys_turn() -> None:
    assert list(Turns.of(range(100)).due(at(60), at(0))) == []
    assert list(Turns.of(range(100)).due(at(0), at(0))) == []
    assert sorted(Turns.of(range(100)).due(None, at(0))) == list(range(100))
