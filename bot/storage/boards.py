"""The live boards: in which channels there is one, and by which message."""

from datetime import datetime
from typing import Final

import sqlalchemy as sa

from bot.domain.steering import Entry
from bot.domain.value import Value
from bot.storage.schema import audit, boards, installation

_PLACES: Final = sa.select(boards, sa.select(installation.c.name).scalar_subquery().label("installation"))


class Board(Value):
    """A channel that has a board, or is to have one."""

    channel_id: int
    mark: str
    """Short, and like no other: the nonce of its post, and a word in its footer. At most 25 long."""
    discord_id: int | None
    """Of its message; None until Discord confirmed the post."""
    by: int
    """Discord's id of the person who asked for it."""
    created_at: datetime
    """Since when this message is called for."""


def boards_of(connection: sa.Connection) -> tuple[Board, ...]:
    """All of them, the first that somebody asked for first."""
    rows = connection.execute(_PLACES.order_by(boards.c.created_at, boards.c.channel_id))
    return tuple(Board(row.channel_id, _mark(row), row.discord_id, row.by, row.created_at) for row in rows)


def had_board(connection: sa.Connection, channel_id: int) -> bool:
    """Whether there ever was one in a channel, or somebody took one down: the audit trail is never cut."""
    of = audit.c.act.in_(["board here", "board remove"]) & (audit.c.what == f"in {channel_id}")
    return bool(connection.scalar(sa.select(sa.exists().where(of))))


def add_board(connection: sa.Connection, channel_id: int, entry: Entry) -> Board:
    """There is to be one in a channel that has none; `entry` says who asked for it, and when."""
    row = {"channel_id": channel_id, "by": entry.by, "created_at": entry.at}
    connection.execute(sa.insert(boards).values(row))
    _note(connection, entry)
    return _board(connection, channel_id)


def note_board(connection: sa.Connection, channel_id: int, discord_id: int) -> None:
    """Its message is there."""
    connection.execute(sa.update(boards).where(boards.c.channel_id == channel_id).values(discord_id=discord_id))


def board_anew(connection: sa.Connection, channel_id: int, now: datetime) -> Board:
    """Its message is gone: there is to be another, with a mark of its own."""
    gone = sa.update(boards).where(boards.c.channel_id == channel_id)
    connection.execute(gone.values(discord_id=None, created_at=now))
    return _board(connection, channel_id)


def remove_board(connection: sa.Connection, channel_id: int, entry: Entry | None) -> None:
    """There is to be none any more; `entry` says who asked for that, if somebody did."""
    connection.execute(sa.delete(boards).where(boards.c.channel_id == channel_id))
    if entry is not None:
        _note(connection, entry)


def _board(connection: sa.Connection, channel_id: int) -> Board:
    return next(each for each in boards_of(connection) if each.channel_id == channel_id)


def _note(connection: sa.Connection, entry: Entry) -> None:
    connection.execute(
        sa.insert(audit).values(at=entry.at, by=entry.by, act=entry.act, what=entry.what, reason=entry.reason)
    )


def _mark(row: sa.Row[tuple[object, ...]]) -> str:
    """Of the installation, the second in which it was called for, and the channel's last digits."""
    return f"{row.installation}-b{int(row.created_at.timestamp()):x}-{row.channel_id % 16**6:x}"
