"""Many rows, a batch at a time."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

import sqlalchemy as sa

BATCH: Final = 500
"""Rows written or read at once: turning more into JSON would hold up the event loop, where the driver is on it."""

Item = TypeVar("Item")


def partitions(connection: sa.Connection, statement: sa.Executable) -> Iterator[Sequence[sa.Row[*tuple[Any, ...]]]]:
    """The rows, `BATCH` at once, as they come from the database."""
    return connection.execute(statement, execution_options={"yield_per": BATCH}).partitions()


def batches(items: Sequence[Item], size: int = BATCH) -> Iterator[Sequence[Item]]:
    """The items in slices of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))
