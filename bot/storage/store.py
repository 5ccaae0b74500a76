"""Named queries in the domain's words; each method of `Store` is one transaction.

A message *waits* while the version that the channel shows is smaller than its own, unless it is parked. It is *due*
when it waits, its time has come and nobody has a claim on it. Which messages there are: see `bot.storage.telling`.
"""

import secrets
import string
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from copy import copy
from datetime import datetime, timedelta
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeAlias, TypeVar

import msgspec
import sqlalchemy as sa

from bot.domain.incidents import Key, Message, Stage
from bot.domain.steering import Decision, Entry
from bot.domain.value import Value
from bot.domain.watch.known import Changes, Memory
from bot.storage.database import (
    Database,
    FencedError,
    StoreDamagedError,
    StoreError,
    StoreSettingsError,
    StoreUnavailableError,
    open_database,
)
from bot.storage.schema import (
    DECISION_KINDS,
    Instant,
    audit,
    decisions,
    incidents,
    installation,
    messages,
    notice_incidents,
    storable,
    tokens,
)
from bot.storage.telling import (
    Grouping,
    after_its_card,
    announce,
    answered,
    batches,
    fold,
    in_order,
    is_card,
    name_of,
    partitions,
    tell,
    text_of,
    unposted,
    waits,
)

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

__all__ = [
    "Backlog",
    "Claim",
    "FencedError",
    "Grouping",
    "Parked",
    "Store",
    "StoreDamagedError",
    "StoreError",
    "StoreSettingsError",
    "StoreUnavailableError",
    "open_store",
]


T = TypeVar("T")
P = ParamSpec("P")
_Work: TypeAlias = Callable[Concatenate["Store", sa.Connection, P], T]
_Method: TypeAlias = Callable[Concatenate["Store", P], Coroutine[Any, Any, T]]

_GIVEN_BACK: Final = {"claimed_until": None}
_CERTAIN: Final = {"uncertain_since": None, "uncertain_version": None}

GROUPING: Final = Grouping()
"""Incidents of one rule that fire within 20 s are one message."""

AUDIT_OUTLIVES: Final = timedelta(days=365)
"""How much longer than the incidents the audit trail is kept."""

_MESSAGES: Final = sa.select(messages, answered.c.discord_id.label("reply_to")).outerjoin(
    answered, answered.c.id == messages.c.answers
)
_can_come: Final = waits & after_its_card
"""Waits, and for nothing but its time."""

_now: Final = sa.bindparam("now", type_=Instant)
_turn: Final = sa.case((~is_card, 1), (messages.c.discord_id.is_(None), 0), else_=2)
"""First come cards that are not in the channel, then notices, then edits."""

_DUE: Final = (
    _MESSAGES.where(
        _can_come,
        messages.c.claimed_until.is_(None) | (messages.c.claimed_until <= _now),
        messages.c.due_at <= _now,
    )
    .order_by(_turn, messages.c.id)
    .limit(1)
)
_NEXT_DUE: Final = _MESSAGES.with_only_columns(
    sa.func.min(
        sa.case((messages.c.claimed_until > messages.c.due_at, messages.c.claimed_until), else_=messages.c.due_at)
    ),
    maintain_column_froms=True,
).where(_can_come)

_TERM: Final = sa.select(installation.c.term)
_CLAIM: Final = sa.select(installation.c.term, installation.c.renewals, installation.c.holder)

_FORGET: Final = sa.delete(tokens).where(tokens.c.id == sa.bindparam("token"))
_KIND_NAMES: Final = {kind: name for name, kind in DECISION_KINDS.items()}


class Parked(Value):
    """A message that Discord refused for good."""

    message: Message
    reason: str
    at: datetime


class Backlog(Value):
    """What the channel should show, and does not."""

    waiting: int = 0
    """Messages that nothing but their time keeps back."""
    since: datetime | None = None
    """When the first of them was made or, of those to be edited, is to be tried; None when none waits."""
    parked: int = 0


class Claim(Value):
    """Which copy of the bot leads."""

    term: int
    """Grows by one with each new holder."""
    renewals: int
    """Counts how often the lease was renewed, by whomever."""
    holder: str | None
    """Its name; None when the lease is free."""


def _reads(work: "_Work[P, T]") -> "_Method[P, T]":
    """Make a method one transaction that only reads."""

    @wraps(work)
    async def method(store: "Store", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await store.database.read(lambda connection: work(store, connection, *args, **kwargs))

    return method


def _writes(work: "_Work[P, T]") -> "_Method[P, T]":
    """Make a method one write transaction, whoever leads."""

    @wraps(work)
    async def method(store: "Store", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await store.database.write(lambda connection: work(store, connection, *args, **kwargs))

    return method


def _writes_leading(work: "_Work[P, T]") -> "_Method[P, T]":
    """Make a method one write transaction that raises `FencedError` once another copy of the bot leads."""

    @wraps(work)
    def fenced(store: "Store", connection: sa.Connection, /, *args: P.args, **kwargs: P.kwargs) -> T:
        if store.term is not None and connection.scalar(_TERM) != store.term:
            message = "another copy of the bot has taken over"
            raise FencedError(message)
        return work(store, connection, *args, **kwargs)

    return _writes(fenced)


class Store:
    """The database, once it is open. Every method is whole or not at all, and may be called again after an error.

    Each raises `StoreError`; `StoreUnavailableError` when the same call may succeed later.
    """

    def __init__(self, database: Database, name: str) -> None:
        """`name` is this installation's."""
        self.database = database
        self._upsert_record = _upsert(tokens, database.dialect)
        self._upsert_incident = _upsert(incidents, database.dialect)
        self._upsert_decision = _upsert(decisions, database.dialect)
        self.installation = name
        """Four letters or digits, made once, by which messages of this database are told from those of another."""
        self.term: int | None = None
        """Of the lease, in which alone it may be written; None for any, as tools and tests may."""

    def in_term(self, term: int) -> "Store":
        """The same, but every write that is not about the lease is refused once the term is another one."""
        view = copy(self)
        view.term = term
        return view

    @_reads
    def leads(self, connection: sa.Connection) -> Claim:
        """Who leads."""
        return _claim(connection)

    @_writes
    def lead(self, connection: sa.Connection, seen: Claim, holder: str) -> int | None:
        """Take the lease if it is as seen; returns the new term, or None."""
        if _claim(connection) != seen:
            return None
        term = seen.term + 1
        connection.execute(sa.update(installation).values(term=term, holder=holder))
        return term

    @_writes
    def renew(self, connection: sa.Connection, term: int) -> bool:
        """Show that the holder of that term lives; whether it still is the holder."""
        renewed = sa.update(installation).where(installation.c.term == term, installation.c.holder.is_not(None))
        return connection.execute(renewed.values(renewals=installation.c.renewals + 1)).rowcount == 1

    @_writes
    def release(self, connection: sa.Connection, term: int) -> None:
        """Give back the lease of that term, if it is still held."""
        connection.execute(sa.update(installation).where(installation.c.term == term).values(holder=None))

    @_reads
    def load(self, connection: sa.Connection) -> Memory:
        """What was known when the last look was stored."""
        read_at = connection.scalar(sa.select(installation.c.read_at))
        records = connection.scalars(sa.select(tokens.c.record).order_by(tokens.c.id))
        opened = connection.scalars(
            sa.select(incidents.c.incident).where(incidents.c.stage != Stage.RESOLVED).order_by(incidents.c.id),
        )
        return Memory(
            records={record.id: record for record in records},
            read_at=read_at,
            incidents={incident.key: incident for incident in opened},
            decisions=_decisions(connection),
        )

    @_writes_leading
    def save(self, connection: sa.Connection, changes: Changes, now: datetime, grouping: Grouping = GROUPING) -> None:
        """Store what changed, with the messages that it calls for.

        An incident that is to be told and has no message joins a young one of its rule, or gets one, due at once. A
        message that is there gets one more version, and is due at once too unless it waits for its next attempt
        already. A parked one is tried again. Notices become messages as `bot.storage.telling.announce` has it.

        What is stored twice, because the connection broke in the very commit, is told once; but notices are repeated.
        """
        connection.execute(sa.update(installation).values(read_at=changes.read_at))
        self._save_decisions(connection, changes)
        if changes.removed:
            connection.execute(_FORGET, [{"token": token} for token in changes.removed])
        for records in batches(changes.records):
            connection.execute(self._upsert_record, [{"id": record.id, "record": record} for record in records])
        for moved in batches(in_order(changes.incidents)):
            told = [incident for incident in moved if incident.key in changes.tell]
            new = tell(connection, told, now, grouping)
            connection.execute(
                self._upsert_incident,
                [
                    {
                        "id": (name := name_of(incident)),
                        "key": text_of(incident.key),
                        "stage": incident.stage,
                        "resolved_at": incident.resolved_at,
                        "incident": incident,
                        "message_id": new.get(name),
                    }
                    for incident in moved
                ],
            )
        if changes.notices:
            announce(connection, changes, now)

    def _save_decisions(self, connection: sa.Connection, changes: Changes) -> None:
        if changes.undone:
            connection.execute(sa.delete(decisions).where(decisions.c.id.in_(changes.undone)))
        if changes.decided:
            connection.execute(
                self._upsert_decision,
                [{"id": each.id, "kind": _KIND_NAMES[type(each)], "decision": each} for each in changes.decided],
            )
        if changes.audit:
            connection.execute(
                sa.insert(audit),
                [
                    {
                        "at": entry.at,
                        "by": entry.by,
                        "act": entry.act,
                        "what": storable(entry.what),
                        "reason": storable(entry.reason),
                    }
                    for entry in changes.audit
                ],
            )

    @_reads
    def message(self, connection: sa.Connection, message_id: int) -> Message | None:
        """A message with all its incidents as they are now, those that are over among them; None when it is not there.

        `message_id` may be any number: it comes from a button, and anybody may make one up.
        """
        if not 0 < message_id < 2**63:
            return None
        row = connection.execute(_MESSAGES.where(messages.c.id == message_id)).one_or_none()
        return None if row is None else self._message(connection, row)

    @_reads
    def shown_at(self, connection: sa.Connection, keys: Collection[Key]) -> dict[Key, int]:
        """Discord's id of the message that shows the open incident of each key, of those that are shown."""
        texts = {text_of(key): key for key in keys}
        shown: dict[Key, int] = {}
        for batch in batches(list(texts)):
            rows = connection.execute(
                sa.select(incidents.c.key, messages.c.discord_id)
                .join(messages)
                .where(
                    incidents.c.key.in_(batch),
                    incidents.c.stage == Stage.FIRING,
                    messages.c.discord_id.is_not(None),
                )
            )
            shown.update({texts[row.key]: row.discord_id for row in rows})
        return shown

    @_reads
    def unheard(self, connection: sa.Connection, keys: Collection[Key]) -> frozenset[Key]:
        """The keys of open incidents of which a card, or a word, still waits to be posted."""
        texts = {text_of(key): key for key in keys}
        card = sa.select(messages.c.id).where(waits, messages.c.discord_id.is_(None))
        word = sa.select(notice_incidents.c.incident_id).join(messages).where(waits)
        found: set[Key] = set()
        for batch in batches(list(texts)):
            rows = connection.scalars(
                sa.select(incidents.c.key).where(
                    incidents.c.key.in_(batch),
                    incidents.c.stage == Stage.FIRING,
                    incidents.c.message_id.in_(card) | incidents.c.id.in_(word),
                )
            )
            found.update(texts[text] for text in rows)
        return frozenset(found)

    @_reads
    def audit(self, connection: sa.Connection, limit: int) -> tuple[Entry, ...]:
        """The last entries of the audit trail, newest first."""
        rows = connection.execute(sa.select(audit).order_by(audit.c.id.desc()).limit(limit))
        return tuple(Entry(row.at, row.by, row.act, row.what, row.reason) for row in rows)

    @_writes_leading
    def reopen(self, connection: sa.Connection, now: datetime, within: timedelta) -> None:
        """Give back what a dead process had claimed; what it may have posted stays uncertain.

        What would not be due `within` that time, as after the clock was set back, is due now.
        """
        connection.execute(
            sa.update(messages)
            .where(messages.c.claimed_until.is_not(None) | (waits & (messages.c.due_at > now + within)))
            .values(claimed_until=None, due_at=now)
        )

    @_writes_leading
    def fold(self, connection: sa.Connection, limit: int, size: int, now: datetime) -> int:
        """Make few messages of many, when more than `limit` wait that were never posted.

        Notices become one a kind, which says all that they say and answers nothing. Cards and groups become summaries
        of at most `size` incidents, the gravest first, when that makes them fewer, and they alone are more than `limit`
        or a few that hold a crowd. What is folded is due when the first of what it replaces was.

        Returns:
            How many incidents the folded messages are about; 0 when there was nothing to fold.
        """
        return fold(connection, limit, size, now)

    @_writes_leading
    def claim(self, connection: sa.Connection, now: datetime, lease: timedelta) -> Message | None:
        """Take the next due message; nobody else gets it until it is given back or `lease` is over.

        First come cards that are not in the channel, then notices, then edits; an answer waits for its card.

        A post is marked as uncertain from here on, since the process may die before it learns how the post went. The
        message says what was so before: its `uncertain_since` is None unless an earlier attempt is open.
        """
        row = connection.execute(_DUE, {"now": now}).one_or_none()
        if row is None:
            return None
        begun = (
            {"uncertain_since": now, "uncertain_version": row.version}
            if row.discord_id is None and row.uncertain_since is None
            else {}
        )
        _change(connection, row.id, claimed_until=now + lease, **begun)
        return self._message(connection, row)

    @_writes_leading
    def confirm(self, connection: sa.Connection, message_id: int, discord_id: int, version: int) -> None:
        """The channel shows `version` as the message `discord_id`. A newer version stays due.

        A post that shows a card as it is now has told what waited to be said in answer to it.
        """
        told = sa.exists().where(
            answered.c.id == message_id, answered.c.discord_id.is_(None), answered.c.version <= version
        )
        connection.execute(sa.delete(messages).where(unposted, messages.c.answers == message_id, told))
        _change(
            connection, message_id, **_GIVEN_BACK, **_CERTAIN, discord_id=discord_id, shown_version=version, tries=0
        )

    @_writes_leading
    def retry(
        self,
        connection: sa.Connection,
        message_id: int,
        at: datetime,
        uncertain_since: datetime | None,
        uncertain_version: int | None,
    ) -> None:
        """Give a claimed message back after an attempt that failed; it is due at `at`.

        The last two are about the earliest attempt to post it whose outcome is not known, None when there is none.
        """
        _change(
            connection,
            message_id,
            **_GIVEN_BACK,
            due_at=at,
            tries=messages.c.tries + 1,
            uncertain_since=uncertain_since,
            uncertain_version=uncertain_version,
        )

    @_writes_leading
    def anew(self, connection: sa.Connection, message_id: int, now: datetime) -> None:
        """The message is gone from the channel: it is to be posted once more, as one that was made now."""
        values = {"discord_id": None, "shown_version": 0, "tries": 0, "due_at": now, "created_at": now}
        _change(connection, message_id, **_GIVEN_BACK, **_CERTAIN, **values)

    @_writes_leading
    def park(
        self, connection: sa.Connection, message_id: int, reason: str, now: datetime, *, certain: bool = True
    ) -> None:
        """Keep a message that Discord refuses for good; it is tried again when one of its incidents changes.

        `certain` says that no earlier attempt may have posted it: then nobody needs to look for it in the channel.
        """
        known = _CERTAIN if certain else {}
        _change(connection, message_id, **_GIVEN_BACK, **known, parked_at=now, parked_reason=storable(reason))

    @_reads
    def parked(self, connection: sa.Connection) -> tuple[Parked, ...]:
        """What is parked, oldest first."""
        rows = connection.execute(_MESSAGES.where(messages.c.parked_at.is_not(None)).order_by(messages.c.parked_at))
        return tuple([Parked(self._message(connection, row), row.parked_reason, row.parked_at) for row in rows.all()])

    @_reads
    def waiting(self, connection: sa.Connection) -> int:
        """How many messages the channel does not show as they are."""
        return connection.scalar(sa.select(sa.func.count()).select_from(messages).where(waits)) or 0

    @_reads
    def backlog(self, connection: sa.Connection, parked_since: datetime) -> Backlog:
        """What the channel should show and does not; of what is parked, that which was since then."""
        since = sa.case((messages.c.shown_version == 0, messages.c.created_at), else_=messages.c.due_at)
        figures = _MESSAGES.with_only_columns(
            sa.func.count().filter(_can_come),
            sa.func.min(since).filter(_can_come),
            sa.func.count().filter(messages.c.parked_at >= parked_since),
            maintain_column_froms=True,
        )
        return Backlog(*connection.execute(figures).one())

    @_reads
    def next_due(self, connection: sa.Connection) -> datetime | None:
        """When the next message that waits is due, or its claim is over; None when none waits."""
        due: datetime | None = connection.scalar(_NEXT_DUE)
        return due

    @_writes_leading
    def prune(self, connection: sa.Connection, before: datetime) -> int:
        """Forget the incidents that were resolved before then, with their messages, and notices made before then.

        A message that waits is kept, and so is one of whose incidents another is younger, with all that it shows. The
        audit trail is kept for another year.

        Returns:
            How many incidents were forgotten.
        """
        old = incidents.c.resolved_at < before
        young = sa.exists().where(
            incidents.c.message_id == messages.c.id, sa.or_(incidents.c.resolved_at.is_(None), ~old)
        )
        over = sa.select(messages.c.id).where(~waits, ~young, is_card | (messages.c.created_at < before))
        forgotten = connection.execute(
            sa.delete(incidents).where(old, incidents.c.message_id.is_(None) | incidents.c.message_id.in_(over))
        )
        connection.execute(sa.delete(messages).where(messages.c.id.in_(over) | messages.c.answers.in_(over)))
        connection.execute(sa.delete(audit).where(audit.c.at < before - AUDIT_OUTLIVES))
        return forgotten.rowcount

    def _message(self, connection: sa.Connection, row: sa.Row[Any]) -> Message:
        """The message of a row of `_MESSAGES`, with its incidents."""
        shown = sa.select(incidents.c.incident)
        if row.notice is None:
            shown = shown.where(incidents.c.message_id == row.id)
        else:
            shown = shown.join(notice_incidents).where(notice_incidents.c.message_id == row.id)
        return Message(
            id=row.id,
            mark=f"{self.installation}-{row.id}",
            incidents=tuple(in_order([row.incident for rows in partitions(connection, shown) for row in rows])),
            version=row.version,
            summary=row.summary,
            discord_id=row.discord_id,
            tries=row.tries,
            uncertain_since=row.uncertain_since,
            uncertain_version=row.uncertain_version,
            notice=row.notice,
            reply_to=row.reply_to,
            made_at=row.created_at,
        )


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Store]:
    """Open the database of `DATABASE_URL`; make and migrate it as needed.

    Raises:
        StoreError: It cannot be opened. The error and what caused it never hold the password.
    """
    async with open_database(url) as database:
        yield Store(database, await database.write(_name))


def _name(connection: sa.Connection) -> str:
    """The name of the installation; it gets one when it has none."""
    name = connection.scalar(sa.select(installation.c.name))
    if name is None:
        name = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(4))
        connection.execute(sa.insert(installation).values(name=name))
    return name


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


def _claim(connection: sa.Connection) -> Claim:
    """Who leads."""
    row = connection.execute(_CLAIM).one()
    return Claim(row.term, row.renewals, row.holder)


def _decisions(connection: sa.Connection) -> tuple[Decision, ...]:
    """What people decided and still holds."""
    written = sa.select(decisions.c.kind, sa.type_coerce(decisions.c.decision, sa.Text)).order_by(decisions.c.id)
    rows = connection.execute(written.where(decisions.c.kind.in_(DECISION_KINDS)))
    return tuple([msgspec.json.decode(text, type=DECISION_KINDS[kind]) for kind, text in rows])


def _change(connection: sa.Connection, message_id: int, **values: object) -> None:
    connection.execute(sa.update(messages).where(messages.c.id == message_id).values(values))
