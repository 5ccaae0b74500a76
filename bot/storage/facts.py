"""What reports count: the incidents that were open from an instant on, a page at a time.

Their texts are read within a transaction, and what they say outside of it, in a thread: a page is some 10 ms of work,
in which the event loop would have to wait.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.incidents import Key, Rule, Stage
from bot.domain.sums import Fact, fact_of
from bot.storage.batches import BATCH
from bot.storage.names import text_of
from bot.storage.schema import Instant, incident_of, incidents

_COLUMNS: Final = (
    incidents.c.id,
    incidents.c.resolved_at,
    sa.type_coerce(incidents.c.incident, sa.Text).label("text"),
    incidents.c.message_id,
)
_LAST: Final = sa.bindparam("last", type_=sa.Text)
_AT: Final = sa.bindparam("at", type_=Instant)
_OPEN: Final = (
    sa.select(*_COLUMNS)
    .where(incidents.c.resolved_at.is_(None), incidents.c.stage == Stage.FIRING, incidents.c.id > _LAST)
    .order_by(incidents.c.id)
    .limit(BATCH)
)
_ENDED: Final = (
    sa.select(*_COLUMNS)
    .where(incidents.c.resolved_at >= _AT, sa.or_(incidents.c.resolved_at > _AT, incidents.c.id > _LAST))
    .order_by(incidents.c.resolved_at, incidents.c.id)
    .limit(BATCH)
)

Rows = Sequence[sa.Row[*tuple[Any, ...]]]


def open_(connection: sa.Connection, last: str) -> Rows:
    """The next of those that are open; `last` is the id of the last one before, or empty."""
    return connection.execute(_OPEN, {"last": last}).all()


def ended(connection: sa.Connection, at: datetime, last: str) -> Rows:
    """The next of those that ended from then on, by when they did: after the one of that time and id."""
    return connection.execute(_ENDED, {"at": at, "last": last}).all()


def facts_of(rows: Rows) -> list[Fact]:
    """What counts of them."""
    read = (fact_of(incident_of(row.text), row.message_id) for row in rows)
    return [each for each in read if each is not None]


def first_reading(connection: sa.Connection) -> datetime | None:
    """When the fleet was read for the first time; None where that is no longer kept."""
    first = sa.select(sa.func.min(incidents.c.id)).where(incidents.c.key == text_of(Key(Rule.BASELINE)))
    name = connection.scalar(first)
    return None if name is None else datetime.fromisoformat(name.rpartition("@")[2]).astimezone(UTC)


def whole(pages: Iterable[Sequence[Fact]]) -> list[Fact]:
    """All of them, each once: what ended between two pages is in both, and has ended."""
    found = {(each.key, each.opened): each for page in pages for each in page}
    return list(found.values())
