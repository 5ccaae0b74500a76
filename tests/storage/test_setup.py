"""What `/admin setup` keeps, on both engines."""

import pytest

from bot.domain.steering import Entry
from bot.storage.setup import TEST
from bot.storage.store import FencedError, Store
from tests.storage.values import NOW

FIRST = Entry(NOW, 7, "setup", "TIMEZONE: Europe/Berlin")
SECOND = Entry(NOW, 8, "setup", "TIMEZONE: none")


async def test_what_is_kept_replaces_what_was_and_an_empty_text_takes_it_back(store: Store) -> None:
    assert await store.setup() == {}
    await store.write_setup({"TIMEZONE": "Europe/Berlin", "DIGEST_AT": "9:00"}, (FIRST,))
    await store.write_setup({"TIMEZONE": "UTC"}, (FIRST,))
    assert await store.setup() == {"TIMEZONE": "UTC", "DIGEST_AT": "9:00"}
    await store.write_setup({"TIMEZONE": ""}, (SECOND,))
    assert await store.setup() == {"DIGEST_AT": "9:00"}
    assert [(each.by, each.what) for each in await store.audit(3)] == [
        (8, "TIMEZONE: none"),
        (7, "TIMEZONE: Europe/Berlin"),
        (7, "TIMEZONE: Europe/Berlin"),
    ]


async def test_a_test_that_the_next_term_begins_with_is_no_setting_and_is_forgotten_once(store: Store) -> None:
    assert await store.test_asked() is None
    await store.write_setup({TEST: "asked for"}, (FIRST,))
    assert await store.setup() == {}
    assert await store.test_asked() == (7, FIRST.at)
    await store.forget_test()
    assert await store.test_asked() is None


async def test_a_copy_that_was_replaced_keeps_nothing(store: Store) -> None:
    with pytest.raises(FencedError):
        await store.in_term(41).write_setup({"TIMEZONE": "UTC"}, (FIRST,))
    assert await store.setup() == {}
    assert await store.audit(1) == ()
