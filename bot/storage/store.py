"""Named queries in the domain's words; each method of `Store` is one transaction.

A message *waits* while the version that the channel shows is smaller than its own, unless it is parked. It is *due*
when it waits, its time has come and nobody has a claim on it.
"""

import secrets
import string
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.incidents import Changes, Incident, Memory, Message, Stage
from bot.storage.database import (
    Database,
    StoreDamagedError,
    StoreError,
    StoreSettingsError,
    StoreUnavailableError,
    open_database,
)
from bot.storage.schema import Instant, incidents, installation, messages, storable, tokens

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

__all__ = [
    "Parked",
    "Store",
    "StoreDamagedError",
    "StoreError",
    "StoreSettingsError",
    "StoreUnavailableError",
    "open_store",
]

_BATCH: Final = 500
"""Rows written or read at once: turning more of them into JSON and back would hold up the event loop."""

Item = TypeVar("Item")

_waits: Final = (messages.c.version > messages.c.shown_version) & messages.c.parked_at.is_(None)

_unposted: Final = (
    _waits
    & (messages.c.shown_version == 0)
    & messages.c.discord_id.is_(None)
    & messages.c.uncertain_since.is_(None)
    & messages.c.claimed_until.is_(None)
)
"""Nothing of these can be in the channel, so they may still become part of another message."""

_GIVEN_BACK: Final = {"claimed_until": None}
_CERTAIN: Final = {"uncertain_since": None, "uncertain_version": None}

_FORGET: Final = sa.delete(tokens).where(tokens.c.id == sa.bindparam("token"))
_MOVE: Final = (
    sa.update(incidents).where(incidents.c.id == sa.bindparam("name")).values(message_id=sa.bindparam("message"))
)
_UNPOSTED: Final = sa.select(
    sa.func.count().label("total"),
    sa.func.count().filter(messages.c.summary).label("summaries"),
    sa.func.min(messages.c.due_at).label("due_at"),
    sa.func.max(messages.c.tries).label("tries"),
).where(_unposted)
_RENEW: Final = (
    sa.update(messages)
    .where(messages.c.id == sa.bindparam("message"))
    .values(
        version=messages.c.version + 1,
        due_at=sa.case((_waits, messages.c.due_at), else_=sa.bindparam("now", type_=Instant)),
        tries=sa.case((_waits, messages.c.tries), else_=0),
        parked_at=None,
        parked_reason=None,
    )
)


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that Discord refused for good."""

    message: Message
    reason: str
    at: datetime


class Store:
    """The database, once it is open. Every method is whole or not at all, and may be called again after an error.

    Each raises `StoreError`; `StoreUnavailableError` when the same call may succeed later.
    """

    def __init__(self, database: Database, name: str) -> None:
        """`name` is this installation's."""
        self._database = database
        self._upsert_record = _upsert(tokens, database.dialect)
        self._upsert_incident = _upsert(incidents, database.dialect)
        self.installation = name
        """Four letters or digits, made once, by which messages of this database are told from those of another."""

    async def check(self) -> None:
        """Whether the database answers: a cheap query that changes nothing."""
        async with self._database.reading() as connection:
            await connection.execute(sa.select(installation.c.name))

    async def load(self) -> Memory:
        """What was known when the last look was stored."""
        async with self._database.reading() as connection:
            read_at = await connection.scalar(sa.select(installation.c.read_at))
            records = await connection.scalars(sa.select(tokens.c.record).order_by(tokens.c.id))
            opened = await connection.scalars(
                sa.select(incidents.c.incident).where(incidents.c.stage != Stage.RESOLVED).order_by(incidents.c.id),
            )
            return Memory(
                records={record.id: record for record in records},
                read_at=read_at,
                incidents={incident.key: incident for incident in opened},
            )

    async def save(self, changes: Changes, now: datetime) -> None:
        """Store one look, with the messages that it calls for.

        An incident that is to be told and has no message gets one, due at once. A message that is there gets one more
        version, and is due at once too unless it waits for its next attempt already. A parked one is tried again.
        """
        async with self._database.writing() as connection:
            await connection.execute(sa.update(installation).values(read_at=changes.read_at))
            if changes.removed:
                await connection.execute(_FORGET, [{"token": token} for token in changes.removed])
            for records in _batches(changes.records):
                await connection.execute(
                    self._upsert_record, [{"id": record.id, "record": record} for record in records]
                )
            for moved in _batches(_sorted(changes.incidents)):
                new = await _tell(connection, [incident for incident in moved if incident.key in changes.tell], now)
                await connection.execute(
                    self._upsert_incident,
                    [
                        {
                            "id": (name := _name(incident)),
                            "stage": incident.stage,
                            "resolved_at": incident.resolved_at,
                            "incident": incident,
                            "message_id": new.get(name),
                        }
                        for incident in moved
                    ],
                )

    async def reopen(self, now: datetime) -> None:
        """Give back what a dead process had claimed; what it may have posted stays uncertain."""
        async with self._database.writing() as connection:
            await connection.execute(
                sa.update(messages).where(messages.c.claimed_until.is_not(None)).values(claimed_until=None, due_at=now)
            )

    async def fold(self, limit: int, size: int, now: datetime) -> int:
        """Fold the unposted messages into summaries of at most `size` incidents, when more than `limit` wait.

        The gravest incidents come first. A summary is due when the first of what it replaces was.

        Returns:
            How many incidents were folded; 0 when there is nothing to fold, or nothing but summaries.
        """
        async with self._database.writing() as connection:
            old = (await connection.execute(_UNPOSTED)).one()
            if old.total <= limit or old.summaries == old.total:
                return 0
            found = await connection.stream_scalars(sa.select(incidents.c.incident).join(messages).where(_unposted))
            folded = _sorted([incident async for batch in found.partitions(_BATCH) for incident in batch])
            chunks = list(_batches(folded, size))
            summary = {"summary": True, "due_at": max(now, old.due_at), "tries": old.tries}
            new = await _new_messages(connection, [summary] * len(chunks))
            for message_id, chunk in zip(new, chunks, strict=True):
                await connection.execute(
                    _MOVE, [{"name": _name(incident), "message": message_id} for incident in chunk]
                )
            await connection.execute(sa.delete(messages).where(_unposted, messages.c.id < new[0]))
            return len(folded)

    async def claim(self, now: datetime, lease: timedelta) -> Message | None:
        """Take the next due message, posts before edits; nobody else gets it until it is given back or `lease` is over.

        A post is marked as uncertain from here on, since the process may die before it learns how the post went. The
        message says what was so before: its `uncertain_since` is None unless an earlier attempt is open.
        """
        free = messages.c.claimed_until.is_(None) | (messages.c.claimed_until <= now)
        due = (
            sa.select(messages)
            .where(_waits, free, messages.c.due_at <= now)
            .order_by(messages.c.discord_id.is_not(None), messages.c.id)
            .limit(1)
        )
        async with self._database.writing() as connection:
            row = (await connection.execute(due)).one_or_none()
            if row is None:
                return None
            begun = (
                {"uncertain_since": now, "uncertain_version": row.version}
                if row.discord_id is None and row.uncertain_since is None
                else {}
            )
            await _change(connection, row.id, claimed_until=now + lease, **begun)
            return await self._message(connection, row)

    async def confirm(self, message_id: int, discord_id: int, version: int) -> None:
        """The channel shows `version` as the message `discord_id`. A newer version stays due."""
        async with self._database.writing() as connection:
            await _change(
                connection, message_id, **_GIVEN_BACK, **_CERTAIN, discord_id=discord_id, shown_version=version, tries=0
            )

    async def retry(
        self, message_id: int, at: datetime, uncertain_since: datetime | None, uncertain_version: int | None
    ) -> None:
        """Give a claimed message back after an attempt that failed; it is due at `at`.

        The last two are about the earliest attempt to post it whose outcome is not known, None when there is none.
        """
        async with self._database.writing() as connection:
            await _change(
                connection,
                message_id,
                **_GIVEN_BACK,
                due_at=at,
                tries=messages.c.tries + 1,
                uncertain_since=uncertain_since,
                uncertain_version=uncertain_version,
            )

    async def anew(self, message_id: int, now: datetime) -> None:
        """The message is gone from the channel: it is to be posted once more."""
        async with self._database.writing() as connection:
            await _change(
                connection, message_id, **_GIVEN_BACK, **_CERTAIN, discord_id=None, shown_version=0, tries=0, due_at=now
            )

    async def park(self, message_id: int, reason: str, now: datetime, *, certain: bool = True) -> None:
        """Keep a message that Discord refuses for good; it is tried again when one of its incidents changes.

        `certain` says that no earlier attempt may have posted it: then nobody needs to look for it in the channel.
        """
        async with self._database.writing() as connection:
            known = _CERTAIN if certain else {}
            await _change(connection, message_id, **_GIVEN_BACK, **known, parked_at=now, parked_reason=storable(reason))

    async def parked(self) -> tuple[Parked, ...]:
        """What is parked, oldest first."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                sa.select(messages).where(messages.c.parked_at.is_not(None)).order_by(messages.c.parked_at)
            )
            return tuple(
                [Parked(await self._message(connection, row), row.parked_reason, row.parked_at) for row in rows.all()]
            )

    async def waiting(self) -> int:
        """How many messages the channel does not show as they are."""
        async with self._database.reading() as connection:
            return await connection.scalar(sa.select(sa.func.count()).select_from(messages).where(_waits)) or 0

    async def next_due(self) -> datetime | None:
        """When the next message that waits is due, or its claim is over; None when none waits."""
        claimed = messages.c.claimed_until > messages.c.due_at
        when = sa.case((claimed, messages.c.claimed_until), else_=messages.c.due_at)
        async with self._database.reading() as connection:
            due: datetime | None = await connection.scalar(sa.select(sa.func.min(when)).where(_waits))
            return due

    async def prune(self, before: datetime) -> int:
        """Forget the incidents that were resolved before then, with their messages.

        A message that waits is kept, and so is one of whose incidents another is younger, with all that it shows.

        Returns:
            How many incidents were forgotten.
        """
        old = incidents.c.resolved_at < before
        young = sa.exists().where(
            incidents.c.message_id == messages.c.id, sa.or_(incidents.c.resolved_at.is_(None), ~old)
        )
        over = sa.select(messages.c.id).where(~_waits, ~young)
        async with self._database.writing() as connection:
            forgotten = await connection.execute(
                sa.delete(incidents).where(old, incidents.c.message_id.is_(None) | incidents.c.message_id.in_(over))
            )
            await connection.execute(sa.delete(messages).where(messages.c.id.in_(over)))
            return forgotten.rowcount

    async def _message(self, connection: AsyncConnection, row: sa.Row[Any]) -> Message:
        """The message of a row, with its incidents."""
        shown = await connection.scalars(sa.select(incidents.c.incident).where(incidents.c.message_id == row.id))
        return Message(
            id=row.id,
            mark=f"{self.installation}-{row.id}",
            incidents=tuple(_sorted(shown)),
            version=row.version,
            summary=row.summary,
            discord_id=row.discord_id,
            tries=row.tries,
            uncertain_since=row.uncertain_since,
            uncertain_version=row.uncertain_version,
        )


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Store]:
    """Open the database of `DATABASE_URL`; make and migrate it as needed.

    Raises:
        StoreError: It cannot be opened. The error and what caused it never hold the password.
    """
    async with open_database(url) as database:
        async with database.writing() as connection:
            name = await connection.scalar(sa.select(installation.c.name))
            if name is None:
                name = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(4))
                await connection.execute(sa.insert(installation).values(name=name))
        yield Store(database, name)


def _upsert(table: sa.Table, dialect: str) -> sa.Executable:
    """Insert rows, or change those that are there; a null leaves what is there."""
    # Both engines have upserts, of the same text; only SQLAlchemy has two constructors. The one not used takes 2 MB.
    insert: sqlite.Insert | postgresql.Insert = import_module(f"sqlalchemy.dialects.{dialect}").insert(table)
    changed = {
        column.name: sa.func.coalesce(insert.excluded[column.name], column)
        for column in table.columns
        if not column.primary_key
    }
    return insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)


async def _tell(connection: AsyncConnection, told: Sequence[Incident], now: datetime) -> dict[str, int]:
    """Give each incident's message one more version; returns new messages, by name, of the incidents that had none."""
    names = [_name(incident) for incident in told]
    rows = await connection.execute(
        sa.select(incidents.c.id, incidents.c.message_id).where(
            incidents.c.id.in_(names), incidents.c.message_id.is_not(None)
        )
    )
    known = {row.id: row.message_id for row in rows}
    if known:
        await connection.execute(_RENEW, [{"message": message_id, "now": now} for message_id in set(known.values())])
    unknown = [name for name in names if name not in known]
    new = await _new_messages(connection, [{"summary": False, "due_at": now}] * len(unknown))
    return dict(zip(unknown, new, strict=True))


async def _new_messages(connection: AsyncConnection, rows: list[dict[str, Any]]) -> list[int]:
    """Make messages, all alike; returns their ids, in the order in which they will be posted."""
    if not rows:
        return []
    return sorted(await connection.scalars(sa.insert(messages).returning(messages.c.id), rows))


async def _change(connection: AsyncConnection, message_id: int, **values: object) -> None:
    await connection.execute(sa.update(messages).where(messages.c.id == message_id).values(values))


def _name(incident: Incident) -> str:
    """The same for the same incident however often it is stored, and for no other."""
    key = incident.key
    return (
        f"{key.rule}:{'' if key.token is None else key.token}:{key.step}@{incident.opened_at.astimezone(UTC):%FT%T.%fZ}"
    )


def _sorted(unsorted: Iterable[Incident]) -> list[Incident]:
    """The gravest first, then by rule and token."""
    return sorted(
        unsorted,
        key=lambda incident: (
            -incident.severity.rank,
            incident.key.rule,
            incident.key.token or 0,
            incident.key.step,
            incident.opened_at,
        ),
    )


def _batches(items: Sequence[Item], size: int = _BATCH) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
