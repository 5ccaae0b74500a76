"""What `/admin setup` keeps: by the name of a variable of the environment, the text that would stand there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from bot.domain.steering import Entry
from bot.storage.schema import audit, setup

TEST: Final = "/test"
"""In place of a name, no variable's: that the next term is to begin with a test page, for whoever asked for it."""


def setup_of(connection: sa.Connection) -> Mapping[str, str]:
    """All of it, by name."""
    return {row.name: row.value for row in connection.execute(sa.select(setup).where(setup.c.name != TEST))}


def write_setup(connection: sa.Connection, values: Mapping[str, str], entries: tuple[Entry, ...]) -> None:
    """Keep these texts, an empty one meaning none; each entry is told by the audit trail, and all have one author."""
    connection.execute(sa.delete(setup).where(setup.c.name.in_(list(values))))
    rows = [
        {"name": name, "value": value, "by": entries[0].by, "at": entries[0].at}
        for name, value in values.items()
        if value
    ]
    if rows:
        connection.execute(sa.insert(setup), rows)
    for each in entries:
        connection.execute(
            sa.insert(audit).values(at=each.at, by=each.by, act=each.act, what=each.what, reason=each.reason)
        )


def test_asked(connection: sa.Connection) -> tuple[int, datetime] | None:
    """Who asked that this term begin with a test page, and when."""
    row = connection.execute(sa.select(setup.c.by, setup.c.at).where(setup.c.name == TEST)).one_or_none()
    return None if row is None else (row.by, row.at)


def forget_test(connection: sa.Connection) -> None:
    """It began."""
    connection.execute(sa.delete(setup).where(setup.c.name == TEST))
