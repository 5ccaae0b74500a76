"""One of two engines behind one face: opened from a URL, brought to the newest version, its errors in our words.

Write transactions follow one another on both engines, over all connections and processes: SQLite's begin IMMEDIATE,
PostgreSQL's take an advisory lock. So what a transaction reads stays true until it commits, and no query needs to guard
against another that runs beside it. Migrations are a write transaction too.
"""

import asyncio
import os
import sqlite3
import ssl
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.util import greenlet_spawn

from bot.storage.address import File, parsed
from bot.storage.core import Greenlets, Runner, Thread
from bot.storage.driver import told
from bot.storage.errors import OTHERS, StoreSettingsError, file_error, our_errors
from bot.storage.schema import VERSION, incidents, tokens

T = TypeVar("T")

CONNECTIONS: Final = 3
"""At most; small PostgreSQL plans give 20 to all programs together, and copies of the bot overlap in a deployment."""

CLOSE_DEADLINE: Final = 1.0
CONNECT_DEADLINE: Final = 10.0
STATEMENT_DEADLINE: Final = 30.0
LOCK_DEADLINE: Final = 30.0
"""Seconds, as the other three. How long to wait for another process that writes."""

IDLE_DEADLINE: Final = 4.0
"""Seconds after which a server ends a writer that says nothing: it was paused or its machine vanished, and another copy
of the bot must be able to take over within 15 s."""

CONNECTION_AGE: Final = 120
"""Seconds after which a connection is replaced before it is used. Networks forget those that are silent for some
minutes and tell nobody, and a ping over one would wait for its deadline."""

_READ_ONLY: Final = "25006"
"""What a server answers whose transactions only read, or that is a standby."""

_WRITER_LOCK: Final = 5_317_904_311
"""Any number that no other program of the same database uses for an advisory lock."""


class Database:
    """An open database: transactions that read, and transactions that write.

    A transaction is a function of a connection. It does nothing but what the connection does, because it may be called
    again when another process held the database up.
    """

    def __init__(self, engine: sa.Engine, runner: Runner, **reading: object) -> None:
        """`reading` are the execution options of transactions that only read."""
        self._engine = engine
        self._reading = engine.execution_options(**reading)
        self._runner = runner
        self.dialect = engine.dialect.name
        """`sqlite` or `postgresql`."""

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """A transaction that sees the database as of one moment, and holds up nobody.

        Raises:
            StoreError: For whatever the engine, its driver or the operating system raises.
        """
        return await self._transaction(self._reading, work)

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """A transaction that runs alone. What it wrote is on the disk when this returns.

        Raises:
            StoreError: As above. Nothing is stored then, unless the connection broke in the very commit.
        """
        return await self._transaction(self._engine, work)

    async def _transaction(self, engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
        def run() -> T:
            with engine.begin() as connection:
                return work(connection)

        return await _once_free(lambda: self._runner.run(run))

    async def into(self, other: "Database", work: Callable[[sa.Connection, sa.Connection], T], *, writing: bool) -> T:
        """A transaction of this database and one that writes into another, which is committed first.

        Both run on the event loop, and hold it up: nothing else should be there to do.

        Args:
            other: Not the same one.
            work: Of a connection of each. May be called again, as all transactions.
            writing: Whether the one of this database writes, too.

        Raises:
            StoreError: As above, of either. Nothing is stored in either then, unless one broke in the very commit.
        """

        def run() -> T:
            own = self._engine if writing else self._reading
            with own.begin() as source, other._engine.begin() as target:  # noqa: SLF001 - of the same class
                return work(source, target)

        return await _once_free(lambda: greenlet_spawn(run))

    async def close(self) -> None:
        """Close every connection; those that do not answer are left to themselves."""
        try:
            async with asyncio.timeout(CLOSE_DEADLINE):
                await self._runner.run(self._engine.dispose)
        except TimeoutError:
            pass
        finally:
            self._runner.close()


async def _once_free(attempt: Callable[[], Awaitable[T]]) -> T:
    """What comes of it, tried again while another process writes into a SQLite file."""
    deadline = asyncio.get_running_loop().time() + LOCK_DEADLINE
    with our_errors():
        while True:
            try:
                return await attempt()
            except (sa.exc.OperationalError, sqlite3.OperationalError) as error:
                if not _is_busy(error) or asyncio.get_running_loop().time() > deadline:
                    raise
            # SQLite's own wait is short, because it cannot be cancelled and holds up who only reads.
            await asyncio.sleep(0.05)


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Open the database of `DATABASE_URL`; make and migrate it as needed.

    Raises:
        StoreError: It cannot be opened. The error and what caused it never hold the password.
    """
    database = database_at(url)
    try:
        await database.write(migrate)
        yield database
    finally:
        await database.close()


def database_at(url: str) -> Database:
    """The database of `DATABASE_URL` as it is; nothing is connected yet.

    Raises:
        StoreSettingsError: The URL cannot be read, or its file cannot be made.
    """
    try:
        address = parsed(url)
    except ValueError as error:
        message = f"DATABASE_URL: {error}"
        raise StoreSettingsError(message) from None
    with our_errors():
        return _sqlite(Path(address.path)) if isinstance(address, File) else _postgresql(told(address))


def _sqlite(path: Path) -> Database:
    """A file, made with its folder and readable by its owner alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # SQLite gives its journal files the mode of the file itself.
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise file_error(error) from error
    is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
    os.close(descriptor)
    if not is_file:
        message = "DATABASE_URL names what is no file"
        raise StoreSettingsError(message)
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        # One thread uses it, for one thing at a time.
        pool_size=1,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"timeout": 0.1, "isolation_level": None},
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: sa.pool.ConnectionPoolEntry) -> None:
        record.info["file"] = _file_at(path)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        only_reads = connection.get_execution_options().get("only_reads")
        if not only_reads and connection.info["file"] != _file_at(path):
            raise StoreSettingsError(_MOVED, unwritable=True)
        connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")

    return Database(engine, Thread(), only_reads=True)


_MOVED: Final = "the database file was moved, deleted or replaced: put the same one back, or start the bot again"


def _file_at(path: Path) -> int | None:
    """Which file is there now. SQLite goes on with one that is not, and says so only where it keeps no WAL."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _is_busy(error: Exception) -> bool:
    """Whether another process holds the SQLite file."""
    original = getattr(error, "orig", error)
    return getattr(original, "sqlite_errorname", "").startswith("SQLITE_BUSY")


def _postgresql(arguments: dict[str, Any]) -> Database:
    """A server, from what asyncpg is told of it."""
    engine = sa.create_engine(
        "postgresql+asyncpg://",
        connect_args={
            **arguments,
            "timeout": CONNECT_DEADLINE,
            "command_timeout": STATEMENT_DEADLINE,
            # Statements have no name on the server, and each is sent whole, together with its values. A pooler in
            # transaction mode gives every transaction another connection: a name would be somebody else's there.
            "statement_cache_size": 0,
        },
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_recycle=CONNECTION_AGE,
        pool_use_lifo=True,
        hide_parameters=True,
    )

    sa.event.listen(engine, "do_connect", _connect)
    sa.event.listen(engine, "handle_error", _leave_what_takes_no_writes)
    sa.event.listen(engine, "checkout", _try)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if not connection.get_execution_options().get("postgresql_readonly"):
            connection.exec_driver_sql(_BEGIN_WRITING)
            connection.exec_driver_sql(_LOCK)

    return Database(engine, Greenlets(engine), isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _connect(dialect: sa.Dialect, _: object, __: object, options: dict[str, Any]) -> object:
    by_name = options["host"] is not None and not any(host.startswith("/") for host in options["host"])
    try:
        return dialect.connect(**options)
    except ssl.SSLError as error:  # which is a ValueError, too, where a certificate is not trusted
        if error.library not in {"PEM", "X509"} and "PEM lib" not in str(error):
            raise
        raise StoreSettingsError(_BAD_FILE) from None
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        if by_name:  # else it is a socket that is not there yet
            raise StoreSettingsError(_BAD_FILE) from None
        raise
    except (ValueError, KeyError):
        # Of PGHOST and the like, a line of ~/.pgpass, or a user that has no name. What it says may quote anything.
        message = (
            "DATABASE_URL, a variable PG... beside it or the password file cannot be used: write user, password, host "
            "and port in the URL"
        )
        raise StoreSettingsError(message) from None


_BAD_FILE: Final = (
    "a file of certificates is not there, or is no PEM: see sslrootcert, sslcert, sslkey and sslcrl in DATABASE_URL, "
    "PGSSLROOTCERT and the like, and ~/.postgresql"
)


def _leave_what_takes_no_writes(context: sa.ExceptionContext) -> None:
    """Connect anew after a refusal: a session keeps what it began with, be it the default or a server that is replaced.

    Whatever is open now would go on to be refused for `CONNECTION_AGE`, though a new connection is not.
    """
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
        context.is_disconnect = True


def _try(connection: Any, *_: object) -> None:  # noqa: ANN401 - SQLAlchemy's face of asyncpg's
    """See whether a connection still is one, in a single round trip; SQLAlchemy's own way takes four."""
    try:
        connection.run_async(lambda driver: driver.execute("SELECT"))
    except TimeoutError:
        raise
    except Exception as error:
        message = "the connection is gone, and so are the others of its time"
        raise sa.exc.InvalidatePoolError(message) from error


_BEGIN_WRITING: Final = f"""
SELECT set_config('statement_timeout', '{STATEMENT_DEADLINE:.0f}s', true),
       set_config('lock_timeout', '{LOCK_DEADLINE:.0f}s', true),
       set_config('idle_in_transaction_session_timeout', '{IDLE_DEADLINE:.0f}s', true)
"""
"""Also makes the server end a writer whose machine vanished, so that it cannot hold the lock for ever."""

_LOCK: Final = f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})"
"""By itself, since a deadline does not hold for the statement that sets it."""


def migrate(connection: sa.Connection, version: str = VERSION) -> None:
    """Bring the tables to a version, all in the caller's transaction.

    Raises:
        StoreSettingsError: They are at a version that is not known here, or another program's; or the database cannot
            hold every character.
    """
    _try_encoding(connection)
    found = version_of(connection)
    if found == version or (found is not None and _may_open(found)):
        return
    if found is None and version == VERSION:
        _make(connection)
        return
    # Alembic takes 12 MB and holds up the event loop for 100 ms, and most starts find nothing to do.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, version)
    except CommandError as error:
        message = (
            "the database was used by a newer version of the bot: run that one, or restore the backup from before it"
        )
        raise StoreSettingsError(message) from error


def _may_open(newer: str) -> bool:
    """Whether the tables are of a version that says, in its own name, that this one may open them as they are."""
    oldest = newer.partition(_FROM)[2]
    return bool(oldest) and oldest <= VERSION < newer


_FROM: Final = "_from_"
"""In the name of a migration's version, before the oldest one whose code may go on with the tables that it makes."""


def _make(connection: sa.Connection) -> None:
    """Make the tables as all migrations together make them, and note that they did."""
    tokens.metadata.create_all(connection, checkfirst=False)
    connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(sa.text("INSERT INTO alembic_version VALUES (:version)"), {"version": VERSION})


def version_of(connection: sa.Connection) -> str | None:
    """The version of the tables; None when there are none yet."""
    inspector = sa.inspect(connection)
    if not inspector.has_table("alembic_version"):
        if any(map(inspector.has_table, tokens.metadata.tables)):
            raise StoreSettingsError(OTHERS)
        return None
    versions: list[str] = list(connection.scalars(sa.text("SELECT version_num FROM alembic_version")))
    if len(versions) != 1 or not inspector.has_table(incidents.name):
        raise StoreSettingsError(OTHERS)
    return versions[0]


def identity(connection: sa.Connection) -> object:
    """Which database it is: equal for one that is reached by two addresses, also in two schemas of it."""
    if connection.dialect.name == "sqlite":
        file = Path(connection.engine.url.database or "").stat()
        return (file.st_dev, file.st_ino)
    which = "SELECT pg_postmaster_start_time(), oid FROM pg_database WHERE datname = current_database()"
    return tuple(connection.execute(sa.text(which)).one())


ENCODINGS: Final = frozenset({"UTF8", "SQL_ASCII"})
"""Of PostgreSQL databases that hold every character; the second keeps the bytes as they come, which are UTF-8."""


def _try_encoding(connection: sa.Connection) -> None:
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.scalar(sa.text("SELECT current_setting('server_encoding')"))
    if encoding not in ENCODINGS:
        message = f"the database has the encoding {encoding}, which lacks characters: make one with ENCODING 'UTF8'"
        raise StoreSettingsError(message)
