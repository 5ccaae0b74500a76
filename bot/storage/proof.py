"""The proof that the database can be written: all that the bot ever does to it is allowed, and there is room.

A transaction that may only read, a table that somebody else owns or a disk that is full would else be found out by the
first thing that has to be told. What is tried changes nothing: it touches no row, is rolled back, or writes what is
there already.
"""

from secrets import token_hex
from typing import Final

import sqlalchemy as sa

from bot.storage.schema import (
    acts,
    asides,
    audit,
    boards,
    decisions,
    history,
    incidents,
    installation,
    messages,
    notice_incidents,
    samples,
    setup,
    tokens,
)

_USES: Final = {
    tokens: "SELECT INSERT UPDATE DELETE",
    messages: "SELECT INSERT UPDATE DELETE",
    incidents: "SELECT INSERT UPDATE DELETE",
    notice_incidents: "SELECT INSERT",
    decisions: "SELECT INSERT UPDATE DELETE",
    audit: "SELECT INSERT DELETE",
    samples: "SELECT INSERT UPDATE DELETE",
    history: "SELECT INSERT UPDATE DELETE",
    boards: "SELECT INSERT UPDATE DELETE",
    acts: "SELECT INSERT UPDATE DELETE",
    asides: "SELECT INSERT UPDATE DELETE",
    setup: "SELECT INSERT UPDATE DELETE",
    installation: "SELECT UPDATE",
}
"""What the bot does to each table."""

_COUNTED: Final = (messages, audit, asides)
"""The tables whose ids the database counts up."""

_ROOM: Final = 32 * 2**10
"""Bytes for which there must be room: as much as a poll stores in which much has changed."""

_TRIED: Final = {
    "SELECT": "SELECT 1 FROM {table} WHERE 1 = 0",
    "INSERT": "INSERT INTO {table} SELECT * FROM {table} WHERE 1 = 0",
    "UPDATE": "UPDATE {table} SET {key} = {key} WHERE 1 = 0",
    "DELETE": "DELETE FROM {table} WHERE 1 = 0",
}
"""What is refused like the real thing, and does nothing. The names are our own."""

_TOUCH: Final = sa.update(installation).values(read_at=installation.c.read_at)


def allowed(connection: sa.Connection) -> None:
    """Try whether everything that the bot does is allowed now. Leaves no trace."""
    if connection.dialect.name == "postgresql":
        for trial in connection.scalars(_missing()).all():
            # The server's own refusal says what is the matter, and it may have its reasons to allow it after all.
            connection.exec_driver_sql(trial)
    connection.exec_driver_sql(_trial(installation, "UPDATE"))


def room(connection: sa.Connection) -> None:
    """Try whether what the bot has to store would be stored: a row that is rolled back, and one written as it is.

    The second is what takes a file that the first may not have reached.
    """
    with connection.begin_nested() as attempt:
        connection.execute(
            sa.insert(decisions).values(id=f"room {token_hex(8)}", kind="room", decision=token_hex(_ROOM // 2))
        )
        attempt.rollback()
    connection.execute(_TOUCH)


def _trial(table: sa.Table, privilege: str) -> str:
    return _TRIED[privilege].format(table=table.name, key=next(iter(table.primary_key)).name)


def _missing() -> sa.TextClause:
    """Asks PostgreSQL what of all that is not granted, as statements that try it."""
    used = ", ".join(
        f"('{table.name}', '{each}', '{_trial(table, each)}')" for table, uses in _USES.items() for each in uses.split()
    )
    counted = ", ".join(f"(pg_get_serial_sequence('{table.name}', 'id'))" for table in _COUNTED)
    return sa.text(
        f"SELECT trial FROM (VALUES {used}) AS used (name, privilege, trial)"  # noqa: S608 - names of our own
        " WHERE NOT has_table_privilege(name, privilege)"
        f" UNION ALL SELECT format('SELECT nextval(%L)', name) FROM (VALUES {counted}) AS counted (name)"
        " WHERE NOT has_sequence_privilege(name, 'USAGE, UPDATE')"
    )
