"""Where live boards are is remembered, and each message that is called for has a mark of its own."""

import pytest

from bot.domain.steering import Entry
from bot.storage.store import FencedError, Store, StoreError
from tests.storage.values import NOW, minutes

CHANNEL = 2**63 - 1
OTHER = 1_100_000_000_000_000_201


def entry(act: str, minute: float = 0) -> Entry:
    """Who asks for it."""
    return Entry(NOW + minutes(minute), 42, act, "in it")


async def test_a_board_is_remembered_until_it_is_taken_down(store: Store) -> None:
    assert await store.boards() == ()
    first = await store.add_board(CHANNEL, entry("board here"))
    second = await store.add_board(OTHER, entry("board here", 1))
    assert (first.channel_id, first.discord_id, first.by, first.created_at) == (CHANNEL, None, 42, NOW)
    assert await store.boards() == (first, second)
    await store.note_board(CHANNEL, 2**62)
    assert [each.discord_id for each in await store.boards()] == [2**62, None]
    await store.remove_board(CHANNEL, entry("board remove", 2))
    await store.remove_board(OTHER, None)
    assert await store.boards() == ()
    assert [each.act for each in await store.audit(9)] == ["board remove", "board here", "board here"]


async def test_a_channel_has_one_board(store: Store) -> None:
    await store.add_board(CHANNEL, entry("board here"))
    with pytest.raises(StoreError):
        await store.add_board(CHANNEL, entry("board here"))
    assert len(await store.boards()) == len(await store.audit(9)) == 1


async def test_marks_fit_a_nonce_and_differ_by_channel_and_by_message(store: Store) -> None:
    first = await store.add_board(CHANNEL, entry("board here"))
    second = await store.add_board(OTHER, entry("board here"))
    await store.note_board(CHANNEL, 5)
    anew = await store.board_anew(CHANNEL, NOW + minutes(1))
    assert anew.discord_id is None
    assert len({first.mark, second.mark, anew.mark}) == 3
    assert all(len(each.mark) <= 25 and each.mark.startswith(store.installation) for each in (first, second, anew))
    assert {each.mark for each in await store.boards()} == {anew.mark, second.mark}


async def test_only_the_copy_that_leads_changes_a_board(store: Store) -> None:
    board = await store.add_board(CHANNEL, entry("board here"))
    term = await store.lead(await store.leads(), "me")
    assert term is not None
    late = store.in_term(term - 1)
    for change in (
        late.add_board(OTHER, entry("board here")),
        late.note_board(CHANNEL, 5),
        late.board_anew(CHANNEL, NOW + minutes(1)),
        late.remove_board(CHANNEL, entry("board remove")),
    ):
        with pytest.raises(FencedError):
            await change
    assert await store.boards() == (board,)
