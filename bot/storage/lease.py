"""The lease: which copy of the bot leads, and alone may write."""

from typing import Final

import sqlalchemy as sa

from bot.domain.value import Value
from bot.storage.errors import StoreMovedError
from bot.storage.schema import installation

_CLAIM: Final = sa.select(installation.c.term, installation.c.renewals, installation.c.holder)


class Claim(Value):
    """Which copy of the bot leads."""

    term: int
    """Grows by one with each new holder."""
    renewals: int
    """Counts how often the lease was renewed, by whomever."""
    holder: str | None
    """Its name; None when the lease is free."""


def leads(connection: sa.Connection) -> Claim:
    """Who leads."""
    row = connection.execute(_CLAIM).one()
    return Claim(row.term, row.renewals, row.holder)


_MOVED: Final = (
    "everything in it was copied to another database at {:%F %H:%M} UTC, and a bot on each would say everything twice:"
    " name the new one in DATABASE_URL. To use this one again, without what happened since: `python -m bot copy --undo`"
)


def refuse_if_moved(connection: sa.Connection) -> None:
    """See that the bot has not moved to another database.

    Raises:
        StoreMovedError: It has.
    """
    moved_at = connection.scalar(sa.select(installation.c.moved_at))
    if moved_at is not None:
        raise StoreMovedError(_MOVED.format(moved_at))


def lead(connection: sa.Connection, seen: Claim, holder: str) -> int | None:
    """Take the lease if it is as seen; returns the new term, or None.

    Raises:
        StoreMovedError: The bot has moved to another database, as it may while a copy is frozen that led before.
    """
    refuse_if_moved(connection)
    if leads(connection) != seen:
        return None
    term = seen.term + 1
    connection.execute(sa.update(installation).values(term=term, holder=holder))
    return term


def renew(connection: sa.Connection, term: int) -> bool:
    """Show that the holder of that term lives; whether it still is the holder."""
    renewed = sa.update(installation).where(installation.c.term == term, installation.c.holder.is_not(None))
    return connection.execute(renewed.values(renewals=installation.c.renewals + 1)).rowcount == 1


def release(connection: sa.Connection, term: int) -> None:
    """Give back the lease of that term, if it is still held."""
    connection.execute(sa.update(installation).where(installation.c.term == term).values(holder=None))
