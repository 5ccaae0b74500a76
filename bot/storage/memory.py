"""What is known between two polls: how it is loaded, stored, and deleted when its retention is over."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from msgspec.structs import astuple

from bot.domain.decisions import Decision
from bot.domain.digest import Tally, Told, tally
from bot.domain.incidents import Stage
from bot.domain.ledger import pack
from bot.domain.model import Record
from bot.domain.steering import Entry
from bot.domain.watch.known import Changes, Memory
from bot.storage import acts, asides
from bot.storage.batches import batches, partitions, upsert
from bot.storage.grouping import Grouping, notify
from bot.storage.messages import in_order, is_card, waits
from bot.storage.names import name_of, text_of
from bot.storage.notices import announce
from bot.storage.samples import keep
from bot.storage.schema import (
    DECISION_KINDS,
    Instant,
    Remembered,
    audit,
    decision_of,
    decisions,
    incidents,
    installation,
    kind_of,
    messages,
    storable,
    tokens,
)

GROUPING: Final = Grouping()
"""Incidents of one rule that fire within 20 s are one message."""

EXTRA_AUDIT_RETENTION: Final = timedelta(days=365)
"""How much longer than the incidents the audit trail is kept."""

_DIGESTED: Final = sa.update(installation).values(digested=sa.bindparam("told"))
_READ: Final = sa.update(installation).values(read_at=sa.bindparam("at", type_=Instant))
_FORGET: Final = sa.delete(tokens).where(tokens.c.id == sa.bindparam("token"))


def load(connection: sa.Connection) -> Memory:
    """What was known when the last poll was stored."""
    read_at, digested = connection.execute(sa.select(installation.c.read_at, installation.c.digested)).one()
    stored = connection.execute(sa.select(tokens.c.record, tokens.c.ledger).order_by(tokens.c.id)).all()
    rows = [record for record, _ in stored]
    opened = connection.scalars(
        sa.select(incidents.c.incident).where(incidents.c.stage != Stage.RESOLVED).order_by(incidents.c.id),
    )
    return Memory(
        records={row.id: Record(*astuple(row)[:-1]) for row in rows},
        histories={row.id: row.history for row in rows if row.history is not None},
        read_at=read_at,
        incidents={incident.key: incident for incident in opened},
        decisions=_decisions(connection),
        ledgers={record.id: packed for record, packed in stored if packed is not None},
        digested=_told(digested),
        acts=acts.remembered(connection),
    )


def _told(text: str | None) -> Told | None:
    """The digest that was stored; None for what is none, as for none at all: then the next one is told in its time."""
    day, _, until = (text or "").partition(" ")
    with suppress(ValueError):
        return Told(date.fromisoformat(day), datetime.fromisoformat(until).astimezone(UTC) if until else None)
    return None


def ended(connection: sa.Connection, since: datetime, until: datetime) -> Tally:
    """What the daily digest says of the incidents that ended from one instant on, and before another."""
    found = sa.select(incidents.c.incident).where(
        incidents.c.stage == Stage.RESOLVED, incidents.c.resolved_at >= since, incidents.c.resolved_at < until
    )
    return tally(row.incident for rows in partitions(connection, found) for row in rows)


def save(connection: sa.Connection, changes: Changes, now: datetime, grouping: Grouping) -> None:
    """Store what changed, with the messages that it calls for.

    An incident that notifies and has no message joins a young one of its rule, or gets one, due at once. A
    message that is there gets one more version, and is due at once too unless it waits for its next attempt
    already. A parked one is tried again. Notices become messages as `bot.storage.notices.announce` has it.

    What is stored twice, because the connection broke in the very commit, notifies once; but notices are repeated.
    """
    connection.execute(_READ, {"at": changes.read_at})
    if changes.digested is not None:
        told = (changes.digested.day, changes.digested.until)
        connection.execute(_DIGESTED, {"told": " ".join(each.isoformat() for each in told if each)})
    _save_decisions(connection, changes)
    if changes.removed:
        connection.execute(_FORGET, [{"token": token} for token in changes.removed])
    for records in batches(changes.records):
        connection.execute(
            upsert(tokens, connection.dialect.name),
            [
                {
                    "id": record.id,
                    "record": Remembered(*(*astuple(record), changes.histories.get(record.id))),
                    "ledger": pack(changes.ledgers[record.id]) if record.id in changes.ledgers else None,
                }
                for record in records
            ],
        )
    for moved in batches(in_order(changes.incidents)):
        notified = [incident for incident in moved if incident.key in changes.notify]
        new = notify(connection, notified, now, grouping)
        connection.execute(
            upsert(incidents, connection.dialect.name),
            [
                {
                    "id": (name := name_of(incident)),
                    "key": text_of(incident.key),
                    "stage": incident.stage,
                    "resolved_at": incident.resolved_at,
                    "incident": incident,
                    "message_id": new.get(name),
                }
                for incident in moved
            ],
        )
    if changes.acts:
        acts.keep(connection, changes.acts)
    if changes.notices:
        announce(connection, changes, now)
    if changes.asides:
        asides.keep(connection, changes.asides, now)
    keep(connection, changes.samples)


def _save_decisions(connection: sa.Connection, changes: Changes) -> None:
    if changes.undone:
        connection.execute(sa.delete(decisions).where(decisions.c.id.in_(changes.undone)))
    if changes.decided:
        connection.execute(
            upsert(decisions, connection.dialect.name),
            [{"id": each.id, "kind": kind_of(each), "decision": each} for each in changes.decided],
        )
    if changes.audit:
        connection.execute(
            sa.insert(audit),
            [
                {
                    "at": entry.at,
                    "by": entry.by,
                    "act": entry.act,
                    "what": storable(entry.what),
                    "reason": storable(entry.reason),
                }
                for entry in changes.audit
            ],
        )


def last_entries(connection: sa.Connection, limit: int) -> tuple[Entry, ...]:
    """The last entries of the audit trail, newest first."""
    rows = connection.execute(sa.select(audit).order_by(audit.c.id.desc()).limit(limit))
    return tuple(Entry(row.at, row.by, row.act, row.what, row.reason) for row in rows)


def prune(connection: sa.Connection, before: datetime) -> int:
    """Delete the incidents that were resolved before then, with their messages, and notices made before then.

    A message that waits is kept, and so is one of whose incidents another is younger, with all that it shows. The
    audit trail and the acts are kept for another year.

    Returns:
        How many incidents were deleted.
    """
    old = incidents.c.resolved_at < before
    young = sa.exists().where(incidents.c.message_id == messages.c.id, sa.or_(incidents.c.resolved_at.is_(None), ~old))
    over = sa.select(messages.c.id).where(~waits, ~young, is_card | (messages.c.created_at < before))
    deleted = connection.execute(
        sa.delete(incidents).where(old, incidents.c.message_id.is_(None) | incidents.c.message_id.in_(over))
    )
    connection.execute(sa.delete(messages).where(messages.c.id.in_(over) | messages.c.answers.in_(over)))
    connection.execute(sa.delete(audit).where(audit.c.at < before - EXTRA_AUDIT_RETENTION))
    acts.prune(connection, before - EXTRA_AUDIT_RETENTION)
    return deleted.rowcount


def _decisions(connection: sa.Connection) -> tuple[Decision, ...]:
    """What people decided and still holds."""
    written = sa.select(decisions.c.kind, sa.type_coerce(decisions.c.decision, sa.Text)).order_by(decisions.c.id)
    rows = connection.execute(written.where(decisions.c.kind.in_(DECISION_KINDS)))
    return tuple([decision_of(kind, text) for kind, text in rows])
