"""Notes are stored with their incidents, over or not; and a card knows what was before its incident."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from bot.delivery.handover import Handover
from bot.domain.incidents import Incident, Note, Rule, Stage
from bot.domain.info import threshold
from bot.domain.messages import Message
from bot.domain.notes import Past
from bot.domain.rules.policy import Policy
from bot.domain.value import replace
from bot.domain.watch.known import Changes
from bot.domain.watch.noting import FORGOTTEN
from bot.monitor import Monitor
from bot.storage import earlier
from bot.storage.schema import incidents
from bot.storage.store import Store
from tests.storage.values import NOW, claim, confirm, incident, minutes, notified, record

DAY = timedelta(days=1)
LITERAL: Any = {"compile_kwargs": {"literal_binds": True}}
SAID = Note(NOW, 41, "passed the check by phone")


def over(days: float, lasted: float = 40, *, notes: tuple[Note, ...] = (), rule: Rule = Rule.BANNED) -> Incident:
    """One that began so many days ago, and lasted so many minutes."""
    began = NOW - days * DAY
    made = incident(rule=rule, stage=Stage.RESOLVED, opened_at=began, resolved_at=began + minutes(lasted))
    return replace(made, notes=notes, notified_at=began)


def fresh(token: int = 1900, rule: Rule = Rule.BANNED) -> Incident:
    """One that fired now."""
    return replace(incident(token, rule), notified_at=NOW)


async def kept(store: Store, *before: Incident) -> None:
    """These were."""
    await store.save(Changes(NOW, incidents=before), NOW)


async def card(store: Store, *fired: Incident) -> Message:
    """The card of what fires now, as it is handed over in the very transaction."""
    claimed = await store.save(notified(*fired), NOW, claiming=True)
    assert claimed.message is not None
    return claimed.message


async def watching(store: Store, now: datetime = NOW) -> Monitor:
    """A monitor that has taken up what the database knows."""
    monitor = Monitor(None, store, Policy((threshold("20%"),)), lambda: now, Handover())  # type: ignore[arg-type] # nothing is read
    await monitor.restore()
    return monitor


async def test_of_the_first_time_a_card_knows_nothing(store: Store) -> None:
    assert (await card(store, fresh())).past is None


async def test_a_card_knows_how_often_it_was_how_long_it_took_and_what_was_noted(store: Store) -> None:
    noted = replace(SAID, at=NOW - 9 * DAY)
    await kept(store, over(40, 1), over(10, 60, notes=(replace(SAID, words="older"), noted)), over(5, 20), over(2, 30))
    await kept(store, over(1, rule=Rule.VERIFYING))
    message = await card(store, fresh())
    assert message.past == Past(3, minutes(30), noted, latest=False)
    await confirm(store, message, 77)
    again = await store.message(message.id)
    assert again is not None
    assert again.past == message.past


async def test_only_the_card_of_one_that_is_open_says_so(store: Store) -> None:
    await kept(store, over(1, notes=(SAID,)), replace(over(1), key=fresh(1901).key))
    both = await card(store, fresh(), fresh(1901))
    assert both.summary
    assert both.past is None
    ended = replace(fresh(1902), stage=Stage.RESOLVED, resolved_at=NOW)
    await kept(store, replace(over(1), key=ended.key))
    await confirm(store, both, 77)
    assert (await card(store, ended)).past is None


async def test_a_card_looks_back_no_further_than_it_must(store: Store) -> None:
    many = [over(days / 10) for days in range(1, earlier.LOOKED_AT + 21)]
    await kept(store, *many)
    assert (await card(store, fresh())).past == Past(earlier.LOOKED_AT, minutes(40), more=True)


async def test_what_was_before_is_found_along_the_index_of_keys(store: Store) -> None:
    """Neither engine reads all incidents for it."""
    await kept(store, *(replace(over(1), key=incident(token).key) for token in range(1, 400)))
    message = await card(store, fresh())

    def plan(connection: sa.Connection) -> str:
        connection.execute(sa.text("ANALYZE"))
        statement = str(earlier.WITH_EARLIER.params(name=message.id).compile(connection.engine, **LITERAL))
        explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        rows = connection.execute(sa.text(f"{explain} {statement}".replace(":", r"\:")))
        return "\n".join(str(tuple(row)) for row in rows)

    assert "ix_incidents_key" in await store.database.write(plan)


async def test_a_note_is_kept_with_what_is_open_in_one_move_with_its_audit_entry_and_the_edit(store: Store) -> None:
    message = await card(store, fresh())
    await confirm(store, message, 77)
    monitor = await watching(store)
    (noted,) = await monitor.note([fresh()], 41, SAID.words)
    assert noted.notes == (SAID,)
    assert monitor.known.incidents[noted.key] == noted
    edit = await claim(store, NOW)
    assert edit is not None
    assert (edit.id, edit.version, edit.incidents) == (message.id, 2, (noted,))
    (entry,) = await store.audit(5)
    assert (entry.by, entry.act, entry.what, entry.reason) == (41, "note", "banned 1900", "")
    assert (await watching(store)).known.incidents[noted.key] == noted


async def test_one_that_ended_takes_a_note_too_and_stays_over_though_it_fires_again(store: Store) -> None:
    ended = replace(fresh(), stage=Stage.RESOLVED, resolved_at=NOW + minutes(5))
    message = await card(store, fresh())
    await confirm(store, message, 77)
    await store.save(notified(ended), NOW)
    edited = await claim(store, NOW)
    assert edited is not None
    await confirm(store, edited, 77)
    again = replace(fresh(), opened_at=NOW + minutes(9), notified_at=None)
    await kept(store, again)
    monitor = await watching(store, NOW + minutes(10))
    (noted,) = await monitor.note([fresh()], 41, SAID.words)
    assert noted == replace(ended, notes=(replace(SAID, at=NOW + minutes(10)),))
    assert monitor.known.incidents == {again.key: again}
    edit = await claim(store, NOW + minutes(10))
    assert edit is not None
    assert (edit.id, edit.incidents) == (message.id, (noted,))
    assert await claim(store, NOW + minutes(10)) is None, "one that is suppressed gets no card by it"


async def test_the_card_of_one_that_is_open_again_says_what_is_noted_of_the_one_before(store: Store) -> None:
    before = over(1)
    await kept(store, before)
    message = await card(store, fresh())
    await confirm(store, message, 77)
    monitor = await watching(store)
    (noted,) = await monitor.note([before], 41, SAID.words)
    assert noted.opened_at == before.opened_at
    seen = [await claim(store, NOW), await claim(store, NOW)]
    (edit,) = [each for each in seen if each is not None and each.id == message.id]
    assert edit.past == Past(1, minutes(40), SAID, latest=True)


async def test_two_at_once_are_both_kept(store: Store) -> None:
    await card(store, fresh())
    monitor = await watching(store)
    await asyncio.gather(*(monitor.note([fresh()], by, f"by {by}") for by in (41, 42)))
    stored = await store.as_stored([fresh()])
    assert sorted(each.words for each in stored[0].notes) == ["by 41", "by 42"]
    assert len(await store.audit(5)) == 2


async def test_what_is_pruned_takes_no_note_and_its_notes_go_with_it(store: Store) -> None:
    old = over(91, notes=(SAID,))
    await kept(store, old)
    await store.prune(NOW - 90 * DAY)
    monitor = await watching(store)
    with pytest.raises(ValueError, match=FORGOTTEN):
        await monitor.note([old], 41, "x")
    assert await store.as_stored([old]) == ()
    assert (await card(store, fresh())).past is None


async def test_an_older_version_passes_over_the_notes_and_drops_them_from_what_it_moves(store: Store) -> None:
    """It has no such field, and ignores those that it does not know; what it writes again is read all the same."""
    noted = replace(fresh(), notes=(SAID,), now=record(1900, "BANNED"))
    await kept(store, noted)
    rows = sa.select(sa.type_coerce(incidents.c.incident, sa.Text))
    text = await store.database.read(lambda connection: connection.scalars(rows).one())
    later = {**json.loads(text), "later": [1]}
    assert msgspec.json.decode(json.dumps(later), type=Incident) == noted
    again = {name: value for name, value in later.items() if name not in {"notes", "called", "thread", "later"}}
    written = sa.text("UPDATE incidents SET incident = :text").bindparams(text=json.dumps(again))
    await store.database.write(lambda connection: connection.execute(written))
    assert (await store.load()).incidents == {noted.key: replace(noted, notes=())}
