"""Named queries in the domain's words: which functions of a connection there are, and how each is one transaction."""

import asyncio
import secrets
import string
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from copy import copy
from datetime import datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeAlias, TypeVar

import sqlalchemy as sa

from bot.domain.sample import Sample
from bot.storage import asides, claims, earlier, lease, memory, outbox, posts, proof, retention, samples
from bot.storage import boards as boards_
from bot.storage import setup as setup_
from bot.storage.batches import batches
from bot.storage.boards import Board
from bot.storage.claims import CLAIM_LASTS, SUMMARY_SIZE, Claimed
from bot.storage.database import Database, open_database
from bot.storage.errors import (
    FencedError,
    StoreDamagedError,
    StoreError,
    StoreMovedError,
    StoreSettingsError,
    StoreUnavailableError,
)
from bot.storage.grouping import Grouping
from bot.storage.lease import Claim
from bot.storage.outbox import Backlog, Parked
from bot.storage.posts import Card
from bot.storage.schema import installation

if TYPE_CHECKING:
    from bot.domain.sums import Fact

__all__ = [
    "CLAIM_LASTS",
    "SUMMARY_SIZE",
    "Backlog",
    "Board",
    "Card",
    "Claim",
    "Claimed",
    "FencedError",
    "Grouping",
    "Parked",
    "Refusals",
    "Store",
    "StoreDamagedError",
    "StoreError",
    "StoreMovedError",
    "StoreSettingsError",
    "StoreUnavailableError",
    "open_store",
]

T = TypeVar("T")
P = ParamSpec("P")
_Work: TypeAlias = Callable[Concatenate[sa.Connection, P], T]
_Method: TypeAlias = Callable[Concatenate["Store", P], Coroutine[Any, Any, T]]

_TERM: Final = sa.select(installation.c.term)


def _reads(work: "_Work[P, T]") -> "_Method[P, T]":
    """Make a method one transaction that only reads."""

    @wraps(work)
    async def method(store: "Store", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await store.database.read(lambda connection: work(connection, *args, **kwargs))

    return method


def _writes(work: "_Work[P, T]") -> "_Method[P, T]":
    """Make a method one write transaction, whoever leads."""

    @wraps(work)
    async def method(store: "Store", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await store.database.write(lambda connection: work(connection, *args, **kwargs))

    return method


def _writes_noted(work: "_Work[P, T]") -> "_Method[P, T]":
    """Make a method one write transaction, of whose refusal `Store.refusals` knows."""

    @wraps(work)
    async def method(store: "Store", /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await store.database.write(lambda connection: work(connection, *args, **kwargs))
        except StoreError as error:
            if error.unwritable:
                store.refusals.note(error)
            raise

    return method


def _writes_leading(work: "_Work[P, T]") -> "_Method[P, T]":
    """Make a method such a transaction, which raises `FencedError` once another copy of the bot leads."""

    @wraps(work)
    async def method(store: "Store", /, *args: P.args, **kwargs: P.kwargs) -> T:
        def fenced(connection: sa.Connection) -> T:
            if store.term is not None and connection.scalar(_TERM) != store.term:
                message = "another copy of the bot has taken over"
                raise FencedError(message)
            return work(connection, *args, **kwargs)

        return await _writes_noted(fenced)(store)

    return method


def _stores(work: "_Work[P, T]") -> "_Method[P, T]":
    """Make a method such a transaction, whose success `Store.refusals` counts."""
    write = _writes_leading(work)

    @wraps(work)
    async def method(store: "Store", /, *args: P.args, **kwargs: P.kwargs) -> T:
        done = await write(store, *args, **kwargs)
        store.refusals.stored += 1
        return done

    return method


class Refusals:
    """Whether the database can be read and not be written, as the copy that leads has found, or one that could."""

    def __init__(self) -> None:
        self.last: StoreError | None = None
        """What was said last; None while everything is stored."""
        self.count = 0
        """How many there have been."""
        self.stored = 0
        """How often a poll was stored, or it was proven that everything may be."""
        self.begun = asyncio.Event()
        """Set while there is one."""

    def note(self, error: StoreError) -> None:
        """Something was not stored."""
        self.last = error
        self.count += 1
        self.begun.set()

    def over(self) -> None:
        """Everything is stored again."""
        self.last = None
        self.begun.clear()


class Store:
    """The database, once it is open. Every method is whole or not at all, and may be called again after an error.

    Each raises `StoreError`; `StoreUnavailableError` when the same call may succeed later. What it does, and returns,
    says the function that it is made of.
    """

    def __init__(self, database: Database, name: str) -> None:
        """`name` is this installation's."""
        self.database = database
        self.installation = name
        """Four letters or digits, made once, by which messages of this database differ from those of another."""
        self.refusals = Refusals()
        """The same for all views of it."""
        self.term: int | None = None
        """Of the lease, in which alone it may be written; None for any, as tools and tests may."""

    def in_term(self, term: int) -> "Store":
        """The same, but every write that is not about the lease is refused once the term is another one."""
        view = copy(self)
        view.term = term
        return view

    leads = _reads(lease.leads)
    lead = _writes_noted(lease.lead)
    renew = _writes_noted(lease.renew)
    release = _writes(lease.release)
    prove = _stores(proof.allowed)
    prove_room = _writes_leading(proof.room)

    load = _reads(memory.load)
    save = _stores(claims.save)
    audit = _reads(memory.last_entries)

    async def history(
        self, tokens: Collection[int], since: datetime, until: datetime
    ) -> Mapping[int, tuple[Sample, ...]]:
        """What was read of each of these tokens in that time, in its order: a sample at each change, and one an hour.

        What is older than HISTORY_RAW is one sample an hour, to the minute. The last sample before the time is the
        first one, so that a line begins at the edge; it is at most a day older. It takes some 5 ms a token and month,
        of which the event loop has the time that the database takes.
        """
        of_interest = frozenset(tokens)
        found = await self.database.read(lambda connection: samples.stored(connection, of_interest, since, until))
        return await asyncio.to_thread(samples.in_order, found, of_interest, since, until)

    async def seen(self, tokens: Iterable[int], since: datetime, until: datetime) -> Collection[datetime]:
        """When any of these tokens was read in that time, and on the day before, by what is kept of it."""
        found: set[datetime] = set()
        for token in tokens:  # one after the other: a busy one has a sample of each poll
            for kept in (await self.history([token], since, until)).values():
                found.update(each.at for each in kept)
        return found

    ended = _reads(memory.ended)
    as_stored = _reads(earlier.as_stored)
    last_notes = _reads(earlier.last_notes)

    async def facts(self, since: datetime) -> tuple[list["Fact"], datetime | None]:
        """What reports count, of the incidents that were open from then on; and since when there was a reading.

        The latter is None where that is no longer kept. It takes some 25 ms for each 500 incidents.
        """
        from bot.storage import facts  # noqa: PLC0415 - no start needs it

        pages: list[list[Fact]] = []
        last, at = "", since
        while rows := await self.database.read(lambda connection: facts.open_(connection, last)):  # noqa: B023 - at once
            pages.append(await asyncio.to_thread(facts.facts_of, rows))
            last = rows[-1].id
        last = ""
        while rows := await self.database.read(lambda connection: facts.ended(connection, at, last)):  # noqa: B023 - at once
            pages.append(await asyncio.to_thread(facts.facts_of, rows))
            last, at = rows[-1].id, rows[-1].resolved_at
        return await asyncio.to_thread(facts.whole, pages), await self.database.read(facts.first_reading)

    prune = _writes_leading(memory.prune)
    pack = _writes_leading(retention.pack)
    thin = _writes_leading(retention.thin)
    delete = _writes_leading(retention.delete)

    async def prune_history(self, now: datetime, raw: timedelta, hourly: timedelta) -> None:
        """Pack what was read before today, thin what is older than `raw`, and delete what is older than `hourly`.

        In transactions of some 10 ms; each may be the last before a crash, or before another copy leads.
        """
        today = retention.day_of(now)
        unpacked = await self.database.read(lambda connection: retention.unpacked(connection, today))
        for tokens in batches(unpacked, retention.TOKENS):
            while await self.pack(tokens, today):
                pass
        thick = await self.database.read(lambda connection: retention.thick(connection, retention.day_of(now - raw)))
        for weeks in batches(thick, retention.WEEKS):
            await self.thin(weeks)
        over = await self.database.read(lambda connection: retention.over(connection, retention.day_of(now - hourly)))
        for keys in batches(over):
            await self.delete(keys)

    setup = _reads(setup_.setup_of)
    write_setup = _writes_leading(setup_.write_setup)
    test_asked = _reads(setup_.test_asked)
    forget_test = _writes_leading(setup_.forget_test)

    boards = _reads(boards_.boards_of)
    add_board = _writes_leading(boards_.add_board)
    note_board = _writes_leading(boards_.note_board)
    board_anew = _writes_leading(boards_.board_anew)
    remove_board = _writes_leading(boards_.remove_board)

    had_board = _reads(boards_.had_board)
    posted_since = _reads(posts.posted_since)
    card_at = _reads(posts.card_at)
    open_posts = _reads(posts.open_posts)

    message = _reads(outbox.message)
    move_to = _writes_leading(outbox.move_to)
    shown_at = _reads(outbox.shown_at)
    undelivered = _reads(outbox.undelivered)
    parked = _reads(outbox.parked)
    waiting = _reads(outbox.waiting)
    unheard = _reads(outbox.unheard)
    told_blocked = _reads(outbox.told_blocked)
    backlog = _reads(outbox.backlog)
    reopen = _writes_leading(outbox.reopen)
    claim = _writes_leading(claims.claim)
    confirm = _writes_leading(outbox.confirm)
    retry = _writes_leading(outbox.retry)
    anew = _writes_leading(outbox.anew)
    park = _writes_leading(outbox.park)
    unpark = _writes_leading(outbox.unpark)
    claim_aside = _writes_leading(asides.claim)
    aside_done = _writes_leading(asides.done)
    put_aside_off = _writes_leading(asides.put_off)
    drop_asides = _writes_leading(asides.drop)
    asides_waiting = _reads(asides.waiting)
    note_told_blocked = _writes_leading(outbox.note_told_blocked)


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Store]:
    """Open the database of `DATABASE_URL`; make and migrate it as needed, and prove that it can be written.

    Raises:
        StoreError: It cannot be opened, or not be written. The error and what caused it never hold the password.
    """
    async with open_database(url) as database:
        yield Store(database, await database.write(_opened))


def _opened(connection: sa.Connection) -> str:
    """The name of the installation, once all that the bot will do is known to be possible."""
    name = _name(connection)
    lease.refuse_if_moved(connection)
    proof.allowed(connection)
    proof.room(connection)
    return name


def _name(connection: sa.Connection) -> str:
    """The name of the installation; it gets one when it has none."""
    name = connection.scalar(sa.select(installation.c.name))
    if name is None:
        name = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(4))
        connection.execute(sa.insert(installation).values(name=name))
    return name
