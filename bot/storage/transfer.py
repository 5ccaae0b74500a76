"""Everything of one database into another: row by row as it is stored, and compared there.

What a row holds is not read, so it arrives as it was, whichever version wrote it. Ids stay, and with them the marks by
which messages are found in the channel, and so does the name of the installation. The next id is above all that were
ever used. Of the lease only the term is left, one more than it was: whoever led may not write any more.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from bot.domain.value import Value
from bot.storage import proof
from bot.storage.batches import partitions
from bot.storage.database import identity, migrate, version_of
from bot.storage.errors import StoreDamagedError, StoreSettingsError
from bot.storage.lease import Claim, leads
from bot.storage.schema import VERSION, Json, asides, audit, installation, messages

TABLES: Final = tuple(messages.metadata.sorted_tables)
"""All of them, each after those to which its rows refer."""

_COUNTED: Final = (messages, audit, asides)
"""Those whose ids the database counts up."""

_PATIENT: Final = "SELECT set_config('idle_in_transaction_session_timeout', '5min', true)"
"""A writer may else say nothing for a few seconds only, and one of these waits for the other."""

Note: TypeAlias = Callable[[str, int, int], None]
"""Is told how far it is: the table, how many of its rows are copied, and how many it has."""


class Seen(Value):
    """What a database is found to be, before anything is copied."""

    identity: object
    """Of the database, by whatever address it is reached."""
    made: bool = False
    """Whether it has the bot's tables."""
    installation: str | None = None
    """Its name."""
    claim: Claim | None = None
    """Who leads."""
    moved_at: datetime | None = None
    counts: tuple[tuple[str, int], ...] = ()
    """The tables that have rows, but for the installation's own; none where they were not counted."""


def look(connection: sa.Connection, *, counting: bool = False) -> Seen:
    """See what a database is, and if asked for, how much is in it.

    Raises:
        StoreSettingsError: It is another program's, or of another version of the bot.
    """
    version = version_of(connection)
    if version is None:
        return Seen(identity(connection))
    if version != VERSION:
        message = (
            "it was last used by an older version of the bot: start this version on it once, and stop it again"
            if version < VERSION
            else "it was last used by a newer version of the bot: copy it with that one"
        )
        raise StoreSettingsError(message)
    row = connection.execute(sa.select(installation.c.name, installation.c.moved_at)).one_or_none()
    counted = (table for table in TABLES if counting and table is not installation)
    counts = ((table.name, _count(connection, table)) for table in counted)
    return Seen(
        identity(connection),
        made=True,
        installation=row and row.name,
        claim=row and leads(connection),
        moved_at=row and row.moved_at,
        counts=tuple((name, count) for name, count in counts if count),
    )


def mark(connection: sa.Connection, seen: Claim, now: datetime) -> None:
    """Note that the bot has moved to another database; a bot that starts on this one refuses to.

    Raises:
        StoreSettingsError: Somebody has taken the lease since it was seen.
    """
    if leads(connection) != seen:
        message = "a bot has started on it meanwhile: stop it, and try again"
        raise StoreSettingsError(message)
    connection.execute(sa.update(installation).values(moved_at=now, term=installation.c.term + 1, holder=None))


def unmark(connection: sa.Connection) -> bool:
    """Let a bot start on it again; whether it had moved."""
    moved = sa.update(installation).where(installation.c.moved_at.is_not(None))
    return connection.execute(moved.values(moved_at=None)).rowcount > 0


def transfer(source: sa.Connection, target: sa.Connection, note: Note) -> dict[str, int]:
    """Copy everything into a database that has nothing in it, each in the caller's transaction.

    Returns:
        How many rows of each table there are, in both.

    Raises:
        StoreDamagedError: Something did not arrive as it was sent.
    """
    for connection in (source, target):
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(_PATIENT)
    migrate(target)
    target.execute(sa.delete(installation))
    copied = {table.name: _copy(source, target, table, note) for table in TABLES}
    for table in _COUNTED:
        _continue(target, table, _last_id(source, table))
    target.execute(sa.update(installation).values(moved_at=None, term=installation.c.term + 1, holder=None))
    proof.allowed(target)
    return copied


def _copy(source: sa.Connection, target: sa.Connection, table: sa.Table, note: Note) -> int:
    stored, total, done, sent = _as_stored(table), _count(source, table), 0, 0
    names = [column.name for column in stored.columns]
    # Rows of a table may refer to others of it that come later.
    inward = [column.name for column in table.columns for key in column.foreign_keys if key.column.table is table]
    note(table.name, done, total)
    for rows in partitions(source, sa.select(stored)):
        named = [dict(zip(names, row, strict=True)) for row in rows]
        target.execute(sa.insert(stored), [row | dict.fromkeys(inward) for row in named])
        sent += _digest(rows)
        done += len(rows)
        note(table.name, done, total)
    for name in inward:
        referring = sa.select(stored.c.id, stored.c[name]).where(stored.c[name].is_not(None))
        for rows in partitions(source, referring):
            refers = sa.update(stored).where(stored.c.id == sa.bindparam("own")).values({name: sa.bindparam("other")})
            target.execute(refers, [{"own": own, "other": other} for own, other in rows])
    arrived = sum(map(_digest, partitions(target, sa.select(stored))))
    if done != total or _count(target, table) != total or arrived != sent:
        message = f"what arrived of the table {table.name} is not what was sent; nothing was kept of it"
        raise StoreDamagedError(message)
    return total


def _as_stored(table: sa.Table) -> sa.TableClause:
    """The table with JSON as the text that it is."""
    return sa.table(
        table.name,
        *(sa.column(each.name, sa.Text() if isinstance(each.type, Json) else each.type) for each in table.columns),
    )


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def _digest(rows: Sequence[sa.Row[*tuple[Any, ...]]]) -> int:
    """The same for the same rows in any order: engines sort texts differently."""
    return sum(int.from_bytes(blake2b(repr(tuple(row)).encode(), digest_size=16).digest()) for row in rows)


def _last_id(connection: sa.Connection, table: sa.Table) -> int:
    """The greatest id that was ever used, of a row that may be deleted by now."""
    greatest = connection.scalar(sa.select(sa.func.max(table.c.id))) or 0
    if connection.dialect.name == "sqlite":
        counted = connection.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
    else:
        counter = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, "id")))
        counted = counter and connection.scalar(
            sa.text(f"SELECT CASE WHEN is_called THEN last_value END FROM {counter}")  # noqa: S608 - the server's name
        )
    return max(greatest, counted or 0)


def _continue(connection: sa.Connection, table: sa.Table, last: int) -> None:
    """Let the next id be above that one."""
    if not last:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.setval(sa.func.pg_get_serial_sequence(table.name, "id"), last)))
    elif table.dialect_options["sqlite"]["autoincrement"]:
        where = {"name": table.name, "last": last}
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), where)
        connection.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), where)
