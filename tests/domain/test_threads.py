"""The threads under cards: opened, joined and gone."""

from bot.domain.asides import Aside, Place, What
from bot.domain.incidents import Happening, Incident, Moment, Stage
from bot.domain.steering import Entry
from bot.domain.value import replace
from bot.domain.watch.known import Known
from bot.domain.watch.threads import apart, discuss, gone, join
from tests.domain.test_beside import NOW, THREAD, opened


def known(*incidents: Incident) -> Known:
    """These are open, and have cards."""
    return Known(incidents={each.key: replace(each, notified_at=NOW) for each in incidents})


def test_a_thread_is_that_of_all_that_its_card_shows_and_is_entered_once() -> None:
    free, over = opened(1, thread=None), replace(opened(2, thread=None), stage=Stage.RESOLVED)
    keys = [free.key, over.key, opened(3).key]
    changes, after = discuss(known(free, opened(4, thread=None)), keys, THREAD, 7, NOW)
    assert {each.key.token: each.thread for each in after.incidents.values()} == {1: THREAD, 4: None}
    assert changes.notify == {free.key}
    assert changes.audit == (Entry(NOW, 7, "discuss", "banned 1"),)
    assert discuss(after, keys, 5, 8, NOW)[0].nothing


def test_what_joins_a_card_later_joins_its_thread_and_is_said_there() -> None:
    there, late = opened(1), opened(2, thread=None)
    assert apart(known(there, late)) == (frozenset({THREAD}), (late.key,))
    assert apart(known(late)) == (frozenset(), ())
    changes, after = join(known(there, late), {late.key: THREAD}, NOW)
    assert after.incidents[late.key].thread == THREAD
    moments = (Moment(NOW, Happening.FIRED),)
    assert changes.asides == (Aside(THREAD, Place.THREAD, NOW, What.CHANGED, (late.key,), moments),)
    assert join(after, {late.key: THREAD}, NOW)[0].nothing


def test_a_thread_that_is_gone_is_no_longer_that_of_anything() -> None:
    changes, after = gone(known(opened(1), opened(2, thread=5)), THREAD)
    assert {each.key.token: each.thread for each in after.incidents.values()} == {1: None, 2: 5}
    assert not changes.audit
    assert gone(after, THREAD)[0].nothing
