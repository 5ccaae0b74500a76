"""What a forum asks of the rows: what is posted, which card a post is, and what is still open."""

from bot.domain.incidents import Stage
from bot.domain.steering import Entry
from bot.domain.value import replace
from bot.storage.store import Store
from tests.storage.test_outbox_rows import posted
from tests.storage.values import NOW, lone, minutes, notified


async def test_posts_are_known_by_their_ids_and_a_card_is_due_until_its_change_is_shown(store: Store) -> None:
    await store.save(notified(lone(1)), NOW)
    await store.save(notified(lone(2)), NOW)
    for number in (77, 78):
        await posted(store, number)
    assert await store.posted_since(0) == {77, 78}
    assert await store.posted_since(78) == {78}
    assert await store.open_posts() == {77, 78}
    over = replace(lone(1), stage=Stage.RESOLVED, resolved_at=NOW + minutes(5))
    await store.save(notified(over), NOW + minutes(5))
    assert await store.open_posts() == {78}
    card = await store.card_at(77)
    assert card
    assert card.due
    assert card.message.incidents == (over,)
    await posted(store, 77, NOW + minutes(5))
    card = await store.card_at(77)
    assert card
    assert not card.due
    assert await store.card_at(79) is None


async def test_a_channel_had_a_board_even_when_it_was_taken_down(store: Store) -> None:
    assert not await store.had_board(5)
    await store.add_board(5, Entry(NOW, 1, "board here", "in 5"))
    assert await store.had_board(5)
    assert not await store.had_board(55)
    await store.remove_board(5, Entry(NOW, 1, "board remove", "in 5"))
    assert await store.had_board(5)
