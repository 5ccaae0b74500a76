"""What waits to be said beside the ops channel, as rows."""

from collections.abc import AsyncIterator

import pytest

from bot.domain.asides import Aside, Place, What
from bot.domain.incidents import Key, Rule, Stage
from bot.domain.value import replace
from bot.domain.watch.known import Changes
from bot.storage.asides import LONGEST, TOGETHER, Next
from bot.storage.store import Store, open_store
from tests.storage.values import NOW, incident, minutes, notified

ANA, BEN, THREAD = 7, 8, 2**62 + 1
KEY = Key(Rule.BANNED, 1900)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An open database, of each engine."""
    async with open_store(database_url) as opened:
        yield opened


def aside(to: int = ANA, what: What = What.CHANGED, at: float = 0) -> Aside:
    """Something to say to somebody, of so many minutes later."""
    return Aside(to, Place.THREAD if to == THREAD else Place.PERSON, NOW + minutes(at), what, (KEY,))


async def keep(store: Store, *asides: Aside) -> None:
    """Store them."""
    await store.save(Changes(NOW, asides=asides), NOW)


async def test_what_waits_for_one_target_is_said_in_one_message_with_its_incidents_as_they_are(store: Store) -> None:
    over = replace(incident(), stage=Stage.RESOLVED, resolved_at=NOW)
    await store.save(replace(notified(incident()), asides=(aside(), aside(BEN))), NOW)
    await store.save(Changes(NOW, incidents=(over,), asides=(aside(what=What.ENDED),)), NOW)
    found = (await store.claim_aside(NOW, [])).bundle
    assert found is not None
    assert (found.to, found.mark) == (ANA, f"{store.installation}-a{found.id}")
    assert [each.what for each in found.asides] == [What.CHANGED, What.ENDED]
    assert (found.incidents, found.uncertain_since) == ((over,), None)
    other = (await store.claim_aside(NOW, [ANA])).bundle
    assert other is not None
    assert other.to == BEN
    for each in (found, other):
        await store.aside_done(each.id)
    assert await store.asides_waiting() == 0
    assert await store.claim_aside(NOW, []) == Next()


async def test_what_may_have_been_said_is_said_again_as_it_was_and_later_ones_after_it(store: Store) -> None:
    await keep(store, aside(THREAD))
    first = (await store.claim_aside(NOW, [])).bundle
    await keep(store, aside(THREAD, What.ENDED))
    again = (await store.claim_aside(NOW + minutes(1), [])).bundle
    assert first is not None
    assert again == replace(first, uncertain_since=NOW)
    await store.put_aside_off(first.id, NOW + minutes(5), NOW)
    waits = await store.claim_aside(NOW + minutes(2), [])
    assert (waits.bundle, waits.due) == (None, NOW + minutes(5)), "later ones of a target do not overtake"
    await store.put_aside_off(first.id, NOW + minutes(5), None)
    both = (await store.claim_aside(NOW + minutes(5), [])).bundle
    assert both is not None
    assert [each.what for each in both.asides] == [What.CHANGED, What.ENDED]
    assert (both.uncertain_since, both.tries) == (None, 2)


async def test_what_is_too_old_is_dropped_and_counted(store: Store) -> None:
    await keep(store, aside(what=What.PAGE), aside(), aside(BEN, What.PAGE, at=30))
    found = await store.claim_aside(NOW + minutes(60), [])
    assert found.dropped == 1
    assert found.bundle is not None
    assert [each.what for each in found.bundle.asides] == [What.CHANGED]


async def test_what_waits_for_somebody_who_cannot_be_reached_is_dropped_and_no_other(store: Store) -> None:
    await keep(store, aside(), aside(), aside(BEN))
    assert await store.drop_asides(ANA) == 2
    assert await store.asides_waiting() == 1


async def test_who_failed_less_often_comes_first_and_a_clock_that_was_set_back_keeps_nothing(store: Store) -> None:
    await keep(store, aside(), aside(BEN))
    first = (await store.claim_aside(NOW, [])).bundle
    assert first is not None
    await store.put_aside_off(first.id, NOW, None)
    second = (await store.claim_aside(NOW, [])).bundle
    assert second is not None
    assert second.to == BEN
    await store.put_aside_off(second.id, NOW + 2 * LONGEST, None)
    assert (await store.claim_aside(NOW, [ANA])).bundle is not None


async def test_a_message_has_so_many_asides_and_the_rest_come_next(store: Store) -> None:
    await keep(store, *[aside()] * (TOGETHER + 1))
    found = (await store.claim_aside(NOW, [])).bundle
    assert found is not None
    assert len(found.asides) == TOGETHER
    await store.aside_done(found.id)
    rest = (await store.claim_aside(NOW, [])).bundle
    assert rest is not None
    assert len(rest.asides) == 1
