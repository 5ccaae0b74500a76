"""What is drawn and told of a stretch of time is what was seen of it."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.charts.trace import SEEN_FOR
from bot.domain.model import Status
from bot.domain.sample import Sample
from tests.chat.charts.pictures import DAY, HOUR, NOON, hourly, sample, week


def test_what_was_read_holds_until_it_was_read_otherwise() -> None:
    trace = week([sample(2, 60), sample(1, 50), sample(0, 40)])
    assert [(each.begin, each.end, each.minutes) for each in trace.held] == [
        (NOON - 2 * HOUR, NOON - HOUR, 60),
        (NOON - HOUR, NOON, 50),
        (NOON, NOON, 40),
    ]
    assert trace.used == 20


def test_samples_that_lie_too_far_apart_leave_a_gap_and_nothing_is_made_up_in_it() -> None:
    trace = week([*hourly(200, 100, 600), *hourly(90, 0, 500)])
    assert trace.gaps == ((NOON - 100 * HOUR, NOON - 90 * HOUR),)
    assert trace.used == 100, "what went meanwhile is gone, whoever saw it"
    assert trace.spans == {"FAST": 7 * DAY - 10 * HOUR}


def test_what_held_before_the_first_day_holds_from_its_first_moment() -> None:
    trace = week([sample(7 * 24 + 1, 60), sample(7 * 24 - 1, 50), sample(7 * 24 - 2, 50)])
    assert trace.held[0].begin == NOON - 7 * DAY
    assert trace.watched_since is None


def test_a_token_that_is_new_was_not_watched_before_and_that_is_no_gap() -> None:
    trace = week(hourly(30, 0, 600, 1))
    assert (trace.watched_since, trace.gaps) == (NOON - 30 * HOUR, ())


def test_time_that_was_switched_off_is_no_status() -> None:
    trace = week([*hourly(10, 6, 60), *hourly(5, 0, 60, active=False)])
    assert trace.spans == {"FAST": 5 * HOUR, "OFF": 5 * HOUR}


def test_a_refill_and_time_that_was_bought_are_told_apart_and_dust_is_neither() -> None:
    trace = week([sample(5, 10), sample(4, 900), sample(3, 100), sample(2, 400), sample(1, 400.6), sample(0, 390)])
    assert [(each.refill, each.minutes) for each in trace.rises] == [(True, 890), (False, 300)]
    assert trace.used == pytest.approx(800 + 10.6)


def test_what_is_no_longer_there_after_a_refill_was_used_too() -> None:
    assert week([sample(1, 10), sample(0, 850)]).used == 50


def test_an_allowance_that_changed_is_known_with_when() -> None:
    trace = week([*hourly(10, 6, 60), *hourly(5, 0, 60, allowance=1800)])
    assert trace.allowances == ((NOON - 10 * HOUR, 900), (NOON - 5 * HOUR, 1800))


def test_fast_time_that_was_not_reported_is_unknown_and_never_nothing() -> None:
    trace = week([sample(3, None), sample(2, None), sample(1, None), sample(0, None)])
    assert (trace.used, trace.unknown, trace.top, trace.gaps) == (None, 3 * HOUR, 900, ())


def test_nothing_at_all_is_one_long_gap() -> None:
    trace = week([])
    assert (trace.held, trace.used, trace.last) == ((), None, None)
    assert trace.gaps == ((NOON - 7 * DAY, NOON),)


def test_one_reading_is_one_moment() -> None:
    trace = week([sample(0, 40)])
    assert [(each.begin, each.end) for each in trace.held] == [(NOON, NOON)]
    assert trace.used is None


readings = st.lists(
    st.builds(
        lambda hours, minutes, status: sample(hours, minutes, status=status),
        st.floats(0, 240).map(lambda each: round(each, 2)),
        st.none() | st.floats(0, 900),
        st.sampled_from(Status),
    ),
    max_size=40,
).map(lambda found: sorted(found, key=lambda each: each.at))


@given(readings)
def test_what_was_seen_and_what_was_not_make_up_the_whole_whatever_was_read(samples: list[Sample]) -> None:
    trace = week(samples)
    parts = sorted([(each.begin, each.end) for each in trace.held] + list(trace.gaps))
    begin = trace.watched_since or trace.since
    assert sum((end - begin for begin, end in parts), timedelta()) == trace.until - begin
    assert all(end - begin <= SEEN_FOR * len(samples) for begin, end in ((e.begin, e.end) for e in trace.held))
    assert all(before[1] <= after[0] for before, after in pairwise(parts))
    assert trace.used is None or trace.used >= 0
