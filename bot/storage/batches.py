"""Many rows, a batch at a time."""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeVar

import sqlalchemy as sa

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

BATCH: Final = 500
"""Rows written or read at once: turning more into JSON would hold up the event loop, where the driver is on it."""

Item = TypeVar("Item")


def partitions(connection: sa.Connection, statement: sa.Executable) -> Iterator[Sequence[sa.Row[*tuple[Any, ...]]]]:
    """The rows, `BATCH` at once, as they come from the database."""
    return connection.execute(statement, execution_options={"yield_per": BATCH}).partitions()


def batches(items: Sequence[Item], size: int = BATCH) -> Iterator[Sequence[Item]]:
    """The items in slices of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


@cache
def upsert(table: sa.Table, dialect: str, *, whole: bool = False) -> sa.Executable:
    """Insert rows, or change those that are there; a null leaves what is there, unless they are replaced as a whole."""
    # Both engines have upserts, of the same text; only SQLAlchemy has two constructors. The one not used takes 2 MB.
    insert: sqlite.Insert | postgresql.Insert = import_module(f"sqlalchemy.dialects.{dialect}").insert(table)
    changed = {
        column.name: insert.excluded[column.name] if whole else sa.func.coalesce(insert.excluded[column.name], column)
        for column in table.columns
        if not column.primary_key
    }
    return insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)
