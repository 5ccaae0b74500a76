"""What waits to be said beside the ops channel: rows that are deleted once they are said, or too old to be.

One *target* is a person or a thread. What waits for one comes in its order, all of it in one message: rows that were
sent together stay together, under the first one's id, until it is known what became of that.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.asides import Aside, Bundle, Place
from bot.domain.incidents import Incident
from bot.domain.value import Value
from bot.storage.batches import batches
from bot.storage.messages import in_order
from bot.storage.names import text_of
from bot.storage.schema import asides, incidents, installation

TOGETHER: Final = 25
"""Asides in one message at most."""

LONGEST: Final = timedelta(hours=1)
"""Nothing rests longer: what would be due later still is due now, as after the clock was set back."""

_ALONE: Final[dict[str, Any]] = {"said_by": None, "uncertain_since": None}


class Next(Value):
    """What is said next."""

    bundle: Bundle | None = None
    """None when nothing is due."""
    due: datetime | None = None
    """When something will be, where nothing is; None when nothing waits."""
    dropped: int = 0
    """How many asides had become too old to be said, and are gone."""


def keep(connection: sa.Connection, said: Iterable[Aside], now: datetime) -> None:
    """Store them, due at once."""
    rows = [
        {
            "target": each.to,
            "place": each.place,
            "due_at": now,
            "stale_at": each.stale_at,
            "tries": 0,
            "aside": each,
        }
        for each in said
    ]
    for batch in batches(rows):
        connection.execute(sa.insert(asides), batch)


def claim(connection: sa.Connection, now: datetime, busy: Collection[int]) -> Next:
    """Drop what is too old, and take all that waits for the next target that is due and not `busy`.

    It counts as an attempt whose outcome is not known from here on, since the process may die before it learns that.
    The bundle says what was so before.
    """
    dropped = connection.execute(sa.delete(asides).where(asides.c.stale_at <= now)).rowcount
    first = sa.select(sa.func.min(asides.c.id)).where(asides.c.target.not_in(busy)).group_by(asides.c.target)
    head = asides.c.id.in_(first)
    is_due = (asides.c.due_at <= now) | (asides.c.due_at > now + LONGEST)
    row = connection.execute(
        sa.select(asides).where(head, is_due).order_by(asides.c.tries, asides.c.id).limit(1)
    ).one_or_none()
    if row is None:
        return Next(due=connection.scalar(sa.select(sa.func.min(asides.c.due_at)).where(head)), dropped=dropped)
    together = sa.select(asides.c.id, asides.c.aside).where(asides.c.target == row.target).order_by(asides.c.id)
    if row.said_by is not None:
        together = together.where(asides.c.said_by == row.said_by)
    rows = connection.execute(together.limit(TOGETHER)).all()
    name = row.said_by or row.id
    connection.execute(
        sa.update(asides)
        .where(asides.c.id.in_([each.id for each in rows]))
        .values(said_by=name, uncertain_since=row.uncertain_since or now)
    )
    said = tuple([each.aside for each in rows])
    return Next(
        Bundle(
            id=name,
            mark=f"{connection.scalar(sa.select(installation.c.name))}-a{name}",
            to=row.target,
            place=Place(row.place),
            asides=said,
            incidents=_incidents(connection, said),
            uncertain_since=row.uncertain_since,
            tries=row.tries,
        ),
        dropped=dropped,
    )


def _incidents(connection: sa.Connection, said: Sequence[Aside]) -> tuple[Incident, ...]:
    found: list[Incident] = []
    for batch in batches(list(dict.fromkeys(text_of(key) for each in said for key in each.keys))):
        newest = sa.select(sa.func.max(incidents.c.id)).where(incidents.c.key.in_(batch)).group_by(incidents.c.key)
        found += connection.scalars(sa.select(incidents.c.incident).where(incidents.c.id.in_(newest)))
    return tuple(in_order(found))


def done(connection: sa.Connection, bundle_id: int) -> None:
    """It is said, or never will be."""
    connection.execute(sa.delete(asides).where(asides.c.said_by == bundle_id))


def put_off(connection: sa.Connection, bundle_id: int, until: datetime, uncertain_since: datetime | None) -> None:
    """It is due again then; as it was, if it may have been said, and else with all that waits by then."""
    known = _ALONE if uncertain_since is None else {"uncertain_since": uncertain_since}
    connection.execute(
        sa.update(asides).where(asides.c.said_by == bundle_id).values(**known, due_at=until, tries=asides.c.tries + 1)
    )


def drop(connection: sa.Connection, target: int) -> int:
    """Nothing can be said there any more; how much of it waited."""
    return connection.execute(sa.delete(asides).where(asides.c.target == target)).rowcount


def waiting(connection: sa.Connection) -> int:
    """How many asides wait."""
    return connection.scalar(sa.select(sa.func.count()).select_from(asides)) or 0
