"""A test of the way to a person as it is stored: a message of its own, over restarts, that older versions can read."""

import re
from datetime import datetime

import sqlalchemy as sa

from bot.domain.incidents import TEST, Rule
from bot.domain.rules.policy import Policy
from bot.domain.steering import TEST_LASTS
from bot.domain.watch.known import Known, restore
from bot.domain.watch.response import acknowledge
from bot.domain.watch.schedule import tick
from bot.domain.watch.testing import begin
from bot.storage.schema import incidents, messages
from bot.storage.store import Store, open_store
from tests.storage.test_notifying import deliver
from tests.storage.values import LEASE, NOW, claim, fold, incident, minutes, notified

ANA, BEN = 41, 42


async def ask(store: Store, at: datetime = NOW) -> Known:
    """Ana asks for a test."""
    changes, known = begin(restore(await store.load()), ANA, at, "nobody is mentioned")
    await store.save(changes, at)
    return known


async def test_it_is_open_after_a_restart_and_ends_when_its_time_is_over(database_url: str) -> None:
    async with open_store(database_url) as store:
        asked = await ask(store)
        (card,) = await deliver(store, NOW)
        assert card.incidents == (asked.incidents[TEST],)
    async with open_store(database_url) as store:
        known = restore(await store.load())
        assert known.incidents == asked.incidents
        assert await store.shown_at([TEST]) == {TEST: card.discord_id or 1000 + card.id}
        changes, _ = tick(known, NOW + TEST_LASTS, Policy(), await store.undelivered([TEST]))
        await store.save(changes, NOW + TEST_LASTS)
        (edit,) = await deliver(store, NOW + TEST_LASTS)
        assert (edit.id, edit.version, edit.incidents) == (card.id, 2, changes.incidents)
        assert not restore(await store.load()).incidents


async def test_whether_the_channel_has_it_is_known(store: Store) -> None:
    await ask(store)
    assert await store.undelivered([TEST]) == {TEST}
    await deliver(store, NOW)
    assert not await store.undelivered([TEST])


async def test_one_after_the_other_are_two_messages(store: Store) -> None:
    """The second comes while the first would still take in others of its rule, and is not posted."""
    known = await ask(store)
    changes, _ = acknowledge(known, [TEST], BEN, NOW + minutes(0.1))
    await store.save(changes, NOW + minutes(0.1))
    await ask(store, NOW + minutes(0.2))
    shown = await deliver(store, NOW + minutes(0.2))
    assert [(len(each.incidents), each.summary) for each in shown] == [(1, False), (1, False)]


async def test_a_notice_of_its_end_names_it_where_its_card_is_out_of_sight(store: Store) -> None:
    known = await ask(store)
    await deliver(store, NOW)
    for number, rule in enumerate(sorted(set(Rule) - {Rule.TEST})[:7]):
        await store.save(notified(incident(number, rule)), NOW + minutes(1))
        await deliver(store, NOW + minutes(1))
    changes, _ = acknowledge(known, [TEST], BEN, NOW + minutes(2))
    await store.save(changes, NOW + minutes(2))
    said = [each for each in await deliver(store, NOW + minutes(2)) if each.notice]
    assert [(each.notice and each.notice.keys, each.incidents[0].key) for each in said] == [((TEST,), TEST)]


async def test_a_summary_of_all_that_waits_leaves_it_out(store: Store) -> None:
    await ask(store)
    others = [incident(number, rule) for number, rule in enumerate(sorted(set(Rule) - {Rule.TEST})[:7])]
    for each in others:
        await store.save(notified(each), NOW)
    assert await fold(store, 5, 112, NOW) == len(others)
    first, second = [await claim(store, NOW, LEASE) for _ in range(2)]
    assert first is not None
    assert second is not None
    assert {len(first.incidents), len(second.incidents)} == {1, len(others)}


BEFORE = [
    "baseline",
    "upstream_down",
    "upstream_refused",
    "banned",
    "verifying",
    "degraded",
    "unknown_status",
    "restored",
    "fast_time_low",
    "fast_time_gone",
    "inactive",
    "gone",
    "new",
    "subscription",
    "queue_stuck",
    "frozen",
    "pool",
    "list_short",
    "upstream_stale",
    "flapping",
]
"""The rules that versions before the first with tests can read."""


async def test_a_version_from_before_there_were_tests_can_read_all_of_it(store: Store) -> None:
    known = await ask(store)
    await deliver(store, NOW)
    changes, known = tick(known, NOW + TEST_LASTS / 2, Policy())
    await store.save(changes, NOW + TEST_LASTS / 2)
    await deliver(store, NOW + TEST_LASTS / 2)
    changes, _ = tick(known, NOW + TEST_LASTS, Policy())
    await store.save(changes, NOW + TEST_LASTS)

    def written(connection: sa.Connection) -> str:
        columns = (incidents.c.id, sa.type_coerce(incidents.c.incident, sa.Text))
        rows = [
            *connection.execute(sa.select(*columns)),
            *connection.scalars(sa.select(sa.type_coerce(messages.c.notice, sa.Text))),
        ]
        return str(rows)

    text = await store.database.read(written)
    rules = re.findall(r'"rule":"(\w+)"', text) + re.findall(r"'(\w+):[0-9]*:\w*@", text)
    assert len(rules) >= 3
    assert set(rules) <= set(BEFORE)
    assert re.findall(r'"kind":"(\w+)"', text), "a reminder is stored"
