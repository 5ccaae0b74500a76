"""What is left alone, and for how long: whatever is refused, and in which order."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.rests import EDITS_IN_VAIN, IN_VAIN, Rests, Subject

ONE = timedelta(seconds=1)
WHAT = st.sampled_from(Subject)


@pytest.mark.parametrize(
    ("refused", "posts", "edits"),
    [(Subject.EDITS, False, True), (Subject.POSTS, True, False), (Subject.ALL, True, True)],
)
def test_only_that_rests_which_was_refused(refused: Subject, posts: bool, edits: bool) -> None:  # noqa: FBT001 - parameters of the test
    rests = Rests()
    assert rests.open(0) is Subject.ALL
    assert rests.begin(refused, 0, timedelta(minutes=12)) == timedelta(minutes=12)
    for now in (0, 719):
        assert bool(rests.left(Subject.POSTS, now)) == posts
        assert bool(rests.left(Subject.EDITS, now)) == edits
    assert rests.open(720) is Subject.ALL


def test_what_rests_longer_goes_on_after_a_shorter_refusal_of_all() -> None:
    rests = Rests()
    rests.begin(Subject.EDITS, 0, timedelta(minutes=12))
    rests.begin(Subject.ALL, 1)
    assert rests.open(1.5) is None
    assert rests.left(Subject.ALL, 1.5) == timedelta(seconds=0.5)
    assert rests.open(3) is Subject.POSTS


def test_what_was_taken_begins_anew_and_says_nothing_about_the_other_kind() -> None:
    rests = Rests()
    for now in (0, 100, 200):
        rests.begin(Subject.POSTS, now)
        rests.begin(Subject.EDITS, now)
    rests.worked(Subject.POSTS)
    assert rests.begin(Subject.POSTS, 300) == ONE
    assert rests.begin(Subject.EDITS, 300) == timedelta(seconds=5.5)


@given(st.lists(st.tuples(WHAT, st.floats(0, 9), st.floats(0, 90)), max_size=80))
def test_however_it_is_refused_no_minute_has_more_than_twelve_tries_in_vain(
    refusals: list[tuple[Subject, float, float]],
) -> None:
    """Whoever asks does so whenever it may, or a little later; all is refused."""
    rests, now = Rests(), 0.0
    tries: list[tuple[float, Subject]] = []
    for wanted, late, asked in refusals:
        while (may := rests.open(now)) is None:
            now += rests.left(Subject.ALL, now).total_seconds() + 1e-6
        kind = Subject.POSTS if may is Subject.POSTS or wanted is not Subject.EDITS else Subject.EDITS
        kind = Subject.EDITS if may is Subject.EDITS else kind
        tries.append((now, kind))
        rests.begin(wanted if wanted is Subject.ALL else kind, now, timedelta(seconds=asked))
        now += late
    for start, _ in tries:
        minute = [kind for at, kind in tries if start <= at < start + 60]
        assert len(minute) <= IN_VAIN
        assert minute.count(Subject.EDITS) <= IN_VAIN


def test_edits_that_fail_for_ever_leave_room_for_what_is_new() -> None:
    rests, now, edits = Rests(), 0.0, 0
    while now < 600:
        if rests.open(now) in {Subject.ALL, Subject.EDITS}:
            rests.begin(Subject.EDITS, now)
            edits += 1
        assert not rests.left(Subject.POSTS, now), "a new page need not wait"
        now += 0.5
    assert edits <= 11 * EDITS_IN_VAIN


def test_edits_go_on_as_soon_as_a_post_shows_that_discord_is_back() -> None:
    rests = Rests()
    for number in range(12):
        rests.begin(Subject.ALL, 5.5 * number)
    assert rests.left(Subject.EDITS, 66) > timedelta(seconds=10)
    rests.worked(Subject.POSTS)
    assert rests.open(66) is Subject.ALL


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_a_database_that_fails_leaves_all_alone_and_shortens_no_pause(failures: list[tuple[bool, bool]]) -> None:
    rests = Rests()
    rests.begin(Subject.POSTS, 0, timedelta(hours=1))
    for number, (counted, edit) in enumerate(failures):
        rests.pause(number, counted=counted)
        if edit:
            rests.begin(Subject.EDITS, number)
        assert rests.open(number) is None
        assert rests.left(Subject.POSTS, number) >= timedelta(seconds=3600 - number)
    assert [*itertools.islice((rests.open(3700 + each) for each in range(60)), 59, 60)] == [Subject.ALL]
