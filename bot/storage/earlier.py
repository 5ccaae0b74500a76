"""What was before the one incident of a card, read together with it: one statement, along the index of keys."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.incidents import Incident, Key, Note, Rule, Stage
from bot.domain.notes import Before, Past, past
from bot.storage.names import name_of, text_of
from bot.storage.schema import incidents

LOOKED_AT: Final = 100
"""Of those that were before."""

_shown: Final = incidents.alias("shown")
_of_key: Final = incidents.alias("of_key")

_itself: Final = _of_key.c.id == _shown.c.id

_near: Final = (
    sa.select(_of_key.c.id, _itself.label("shown"))
    .join_from(_shown, _of_key, _of_key.c.key == _shown.c.key)
    .where(
        _shown.c.message_id == sa.bindparam("name"),
        _itself
        | (
            (_of_key.c.id < _shown.c.id)
            & (_of_key.c.stage == Stage.RESOLVED)
            & (_shown.c.stage == Stage.FIRING)
            & _of_key.c.resolved_at.is_not(None)
        ),
    )
    .order_by(_itself.desc(), _of_key.c.id.desc())
    .limit(1 + LOOKED_AT)
    .subquery("near")
)
"""Chosen before any value is looked at: one that comes and goes has thousands."""

_has_notes: Final = sa.type_coerce(incidents.c.incident, sa.Text).contains('"notes":[{')

WITH_EARLIER: Final = (
    sa.select(
        incidents.c.id,
        incidents.c.resolved_at,
        sa.case((_near.c.shown | _has_notes, incidents.c.incident)).label("incident"),
        _near.c.shown,
    )
    .join_from(_near, incidents, incidents.c.id == _near.c.id)
    .order_by(_near.c.shown.desc(), incidents.c.id.desc())
)
"""The incident of a card, and while it is open those of its key that were before it, the newest first: of these the
value only where somebody noted something."""


def parted(rows: Sequence[sa.Row[*tuple[Any, ...]]]) -> tuple[list[Incident], Past | None]:
    """The incident of a card, and what is to be said of those before."""
    shown: list[Incident] = [row.incident for row in rows if row.shown]
    if len(shown) != 1 or not shown[0].open or shown[0].key.rule is Rule.TEST:
        return shown, None
    return shown, past(shown[0], [_before(row) for row in rows[1:]], more=len(rows) > LOOKED_AT)


def _before(row: sa.Row[Any]) -> Before:
    opened_at = datetime.fromisoformat(row.id.rpartition("@")[2])
    noted: Incident | None = row.incident
    return Before(opened_at, row.resolved_at, noted.notes[-1] if noted is not None and noted.notes else None)


def as_stored(connection: sa.Connection, about: Iterable[Incident]) -> tuple[Incident, ...]:
    """These incidents as they are stored now, in their order; those that are gone are left out. 112 at most."""
    names = [name_of(each) for each in about]
    found = connection.execute(sa.select(incidents.c.id, incidents.c.incident).where(incidents.c.id.in_(names)))
    known = {row.id: row.incident for row in found}
    return tuple([known[name] for name in names if name in known])


def last_notes(connection: sa.Connection, keys: Collection[Key]) -> dict[Key, Note]:
    """What somebody noted last of an incident of each of these keys that is over; at most some dozens."""
    texts = {text_of(key): key for key in keys}
    found = sa.select(incidents.c.key, incidents.c.incident).where(
        incidents.c.key.in_(list(texts)), incidents.c.stage == Stage.RESOLVED, _has_notes
    )
    noted: dict[Key, Note] = {}
    for row in connection.execute(found.order_by(incidents.c.id)):
        if row.incident.notes:
            noted[texts[row.key]] = row.incident.notes[-1]
    return noted
