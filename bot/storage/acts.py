"""Acts as rows; in the caller's transaction."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from bot.domain.acts import REMEMBERED, Act, State
from bot.storage.batches import batches, upsert
from bot.storage.schema import acts, storable

_OPEN = (State.PLANNED, State.BEGUN)


def keep(connection: sa.Connection, changed: Iterable[Act]) -> None:
    """Store them as they are now."""
    rows = [
        {
            "id": each.id,
            "state": each.state,
            "at": each.at,
            "subject": storable(each.subject),
            "batch": each.batch,
            "act": each,
        }
        for each in changed
    ]
    for batch in batches(rows):
        connection.execute(upsert(acts, connection.dialect.name), batch)


def remembered(connection: sa.Connection) -> tuple[Act, ...]:
    """Those that are not settled, with what was confirmed with them; those of late; the last of each subject."""
    is_open = acts.c.state.in_(_OPEN)
    together = sa.select(acts.c.batch).where(is_open, acts.c.batch != "")
    last = sa.select(acts.c.subject, sa.func.max(acts.c.at).label("at")).group_by(acts.c.subject).subquery()
    is_last = sa.exists().where(last.c.subject == acts.c.subject, last.c.at == acts.c.at)
    newest = connection.scalar(sa.select(sa.func.max(acts.c.at)))
    if newest is None:
        return ()
    wanted = is_open | acts.c.batch.in_(together) | is_last | (acts.c.at > newest - REMEMBERED)
    found = sa.select(acts.c.act).where(wanted).order_by(acts.c.at, acts.c.id)
    return tuple(connection.scalars(found))


def prune(connection: sa.Connection, before: datetime) -> None:
    """Delete those that were confirmed before then, and are settled."""
    connection.execute(sa.delete(acts).where(acts.c.at < before, acts.c.state.not_in(_OPEN)))
