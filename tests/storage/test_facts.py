"""What reports count is read a page at a time, each incident once, by way of an index."""

from datetime import timedelta

import sqlalchemy as sa

from bot.domain.incidents import Happening, Incident, Key, Moment, Rule, Stage
from bot.domain.model import Severity
from bot.domain.sums import fact_of
from bot.domain.value import replace
from bot.domain.watch.known import Changes
from bot.storage import facts
from bot.storage.batches import BATCH
from bot.storage.store import Store
from tests.storage.values import NOW, incident, minutes, notified

HOUR = timedelta(hours=1)


def fired(token: int | None = 1900, rule: Rule = Rule.BANNED, *, ended: float | None = None) -> Incident:
    """What was notified of an hour ago or more, and ended so many hours after `NOW`."""
    opened_at = NOW - HOUR
    found = replace(
        incident(token, rule, opened_at=opened_at),
        moments=(Moment(opened_at, Happening.FIRED, severity=Severity.CRITICAL),),
        notified_at=opened_at,
        first_notified_at=opened_at,
        notified_as=Severity.CRITICAL,
        sounds=(int(opened_at.timestamp()),),
    )
    if ended is None:
        return found
    return replace(found, stage=Stage.RESOLVED, resolved_at=NOW + ended * HOUR)


async def test_what_was_open_from_then_on_is_found_with_the_card_that_it_shares(store: Store) -> None:
    await store.save(notified(fired(1), fired(2, ended=1), fired(3, ended=2), fired(None, Rule.POOL, ended=3)), NOW)
    pending = replace(fired(5), stage=Stage.PENDING)
    await store.save(Changes(NOW, incidents=(pending,)), NOW)
    found, first = await store.facts(NOW + 2 * HOUR)
    assert {(each.key.rule, each.key.token) for each in found} == {
        (Rule.BANNED, 1),
        (Rule.BANNED, 3),
        (Rule.POOL, None),
    }
    assert len({each.message for each in found if each.key.rule is Rule.BANNED}) == 1, "they fired together"
    assert first is None


async def test_many_that_ended_at_once_come_in_pages_and_each_once(store: Store) -> None:
    """Of the same instant are more than a page has."""
    together = [fired(token, ended=1) for token in range(BATCH + 40)]
    others = [fired(token, ended=token / 1000) for token in range(2000, 2000 + BATCH)]
    still = [fired(token) for token in range(5000, 5000 + BATCH + 1)]
    await store.save(Changes(NOW, incidents=(*together, *others, *still)), NOW)
    found, _ = await store.facts(NOW)
    assert sorted(each.key.token or 0 for each in found) == sorted(
        each.key.token or 0 for each in (*together, *others, *still)
    )


async def test_the_first_reading_says_since_when_anything_is_known(store: Store) -> None:
    first = replace(
        incident(None, Rule.BASELINE, opened_at=NOW - minutes(5)), stage=Stage.RESOLVED, resolved_at=NOW - minutes(5)
    )
    await store.save(notified(first), NOW)
    assert (await store.facts(NOW))[1] == NOW - minutes(5)


async def test_what_ended_between_two_pages_has_ended_and_is_there_once() -> None:
    open_, over = fired(1), fired(1, ended=1)
    read = [[found for each in page if (found := fact_of(each, 7))] for page in ([open_], [over])]
    (found,) = facts.whole(read)
    assert found.ended == NOW + HOUR
    assert found.key == Key(Rule.BANNED, 1)


async def test_what_ended_is_found_by_the_index(store: Store) -> None:
    def plan(connection: sa.Connection) -> str:
        sqlite = connection.dialect.name == "sqlite"
        if not sqlite:
            connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        asked = "SELECT id FROM incidents WHERE resolved_at >= '2026-08-01' ORDER BY resolved_at, id LIMIT 500"
        rows = connection.execute(sa.text(f"EXPLAIN {'QUERY PLAN ' * sqlite}{asked}")).all()
        return "\n".join(str(row) for row in rows)

    assert "ix_incidents_resolved_at" in await store.database.read(plan)
