"""A database is opened as hosts hand out its URL; what goes wrong is said in words that help, and loses nothing."""

import asyncio
import errno
import gc
import logging
import os
import re
import sqlite3
import ssl
import stat
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.util import await_only

from bot.domain.watch.known import Changes
from bot.storage import database as module
from bot.storage.core import Thread
from bot.storage.database import database_at, migrate, open_database
from bot.storage.errors import StoreDamagedError, StoreError, StoreSettingsError, StoreUnavailableError, file_error
from bot.storage.store import Store, open_store
from tests.storage.servers import CERTIFICATE, PostgreSQL
from tests.storage.values import LEASE, NOW, claim, incident, notified, record
from tests.waiting import until


def said(error: BaseException) -> str:
    """Everything that a log could show of an error."""
    return "".join(traceback.format_exception(error))


@contextmanager
def locked(url: str) -> Iterator[sqlite3.Connection]:
    """Another program that writes a SQLite file, and takes its time."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


async def test_a_relative_path_is_under_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_store("sqlite:///data/bot.db") as store:
        await store.waiting()
    assert (tmp_path / "data" / "bot.db").exists()


async def test_the_file_and_its_journal_are_readable_by_their_owner_alone(sqlite_url: str) -> None:
    async with open_store(sqlite_url) as store:
        await store.save(Changes(NOW), NOW)
        folder = Path(sqlite_url.removeprefix("sqlite:///")).parent
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {"bot.db": 0o600, "bot.db-wal": 0o600, "bot.db-shm": 0o600}


async def test_a_commit_on_sqlite_is_on_the_disk_and_its_references_hold(sqlite_url: str) -> None:
    def pragmas(connection: sa.Connection) -> list[object]:
        return [
            connection.scalar(sa.text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

    async with open_database(sqlite_url) as database:
        assert await database.read(pragmas) == ["wal", 2, 1]


async def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    path.write_text("dear diary\n" * 100)
    with pytest.raises(StoreDamagedError, match="not a database"):
        async with open_store(f"sqlite:///{path}"):
            pass
    assert path.read_text().startswith("dear diary")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:///data/bot.db", "a file in what is no folder ({here}/data: File exists)"),
        ("sqlite:///data/below/bot.db", "a file in what is no folder ({here}/data/below: Not a directory)"),
        ("sqlite:///folder", "a folder; write a file in it ({here}/folder: Is a directory)"),
        ("sqlite:///circle/bot.db", "a file in what is no folder ({here}/circle: File exists)"),
        ("sqlite:///circle", "a link that leads to itself ({here}/circle: Too many levels of symbolic links)"),
        (f"sqlite:///{'n' * 300}/bot.db", "too long a name ({here}/" + "n" * 300 + ": File name too long)"),
        ("sqlite:////proc/nowhere/bot.db", "cannot be made, or was deleted meanwhile (/proc/nowhere: No such file"),
    ],
)
async def test_where_there_can_be_no_file_is_to_be_mended_and_named_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(StoreSettingsError, match=re.escape(words.format(here=tmp_path))):
        async with open_store(url):
            pass


async def test_a_bot_whose_folder_was_deleted_is_to_be_started_in_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(StoreSettingsError, match=re.escape("was deleted meanwhile (data: No such file")):
        async with open_store("sqlite:///data/bot.db"):
            pass


def test_what_passes_by_itself_is_no_fault_of_a_setting() -> None:
    for number, words in ((errno.EMFILE, "cannot be opened"), (errno.ENOSPC, "the disk is full")):
        assert file_error(OSError(number, os.strerror(number), "/data")).passing
        assert words in str(file_error(OSError(number, os.strerror(number), "/data")))


@pytest.fixture
def sealed_folder(tmp_path: Path) -> Path:
    """A folder in which this user may make nothing."""
    tmp_path.chmod(0o500)
    return tmp_path


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_folder_that_may_not_be_written_is_named(sealed_folder: Path) -> None:
    words = rf"must be able to write .* which DATABASE_URL names \({sealed_folder}/data: Permission denied\)"
    with pytest.raises(StoreSettingsError, match=words):
        async with open_store(f"sqlite:///{sealed_folder}/data/bot.db"):
            pass


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What SQLite was asked to do, whether it could or not."""
    asked: list[object] = []
    run = Thread.run

    async def noted(thread: Thread, work: Callable[[], object]) -> object:
        asked.append(work)
        return await run(thread, work)

    monkeypatch.setattr(Thread, "run", noted)
    return asked


async def test_a_file_that_another_program_holds_for_a_while_is_waited_for(
    sqlite_url: str, attempts: list[object]
) -> None:
    async with open_store(sqlite_url) as store:
        with locked(sqlite_url):
            attempts.clear()
            saving = asyncio.create_task(store.save(Changes(NOW, (record(),)), NOW))
            await until("five attempts", lambda: len(attempts) >= 5)
            assert not saving.done()
        await saving
        assert (await store.load()).records == {1900: record()}


async def test_a_file_that_another_program_holds_for_long_is_unavailable_and_then_works(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOCK_DEADLINE", 0.2)
    async with open_store(sqlite_url) as store:
        with locked(sqlite_url), pytest.raises(StoreUnavailableError, match="another process holds"):
            await store.save(notified(incident()), NOW)
        assert await store.waiting() == 0
        await store.save(notified(incident()), NOW)
        assert await store.waiting() == 1


async def test_the_bot_can_stop_while_another_program_holds_the_file(sqlite_url: str, attempts: list[object]) -> None:
    async with open_store(sqlite_url) as store:
        with locked(sqlite_url):
            attempts.clear()
            saving = asyncio.create_task(store.save(notified(incident()), NOW))
            await until("three attempts", lambda: len(attempts) >= 3)
            made = len(attempts)
            saving.cancel()
            await asyncio.wait([saving])
            assert saving.cancelled()
            assert len(attempts) == made, "the one that it makes ends by itself, and no other follows"
        assert await store.waiting() == 0


async def test_the_last_answer_can_be_read_while_another_program_writes(sqlite_url: str) -> None:
    async with open_store(sqlite_url) as store:
        await store.save(Changes(NOW, (record(),)), NOW)
        with locked(sqlite_url):
            assert (await store.load()).records == {1900: record()}


OPEN = """
import asyncio, sys
from bot.storage.store import open_store

async def main():
    async with open_store(sys.argv[1]) as store:
        print(store.installation)

asyncio.run(main())
"""


async def test_processes_that_start_at_once_make_one_database(database_url: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", OPEN, database_url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(3)
    ]
    outcomes = [await process.communicate() for process in processes]
    assert [errors.decode() for _, errors in outcomes] == [""] * 3
    assert len({name for name, _ in outcomes}) == 1


async def test_opening_twice_at_once_makes_one_database(database_url: str) -> None:
    async def name() -> str:
        async with open_store(database_url) as store:
            return store.installation

    assert len(set(await asyncio.gather(*(name() for _ in range(4))))) == 1


@pytest.mark.parametrize("setting", ["statement_timeout", "lock_timeout"])
async def test_whoever_writes_is_waited_for_longer_than_the_users_own_settings_allow(
    postgresql_url: str, setting: str
) -> None:
    held = asyncio.Event()

    def write(connection: sa.Connection) -> None:
        connection.execute(sa.text("SELECT 1"))
        held.set()
        await_only(asyncio.sleep(0.5))

    hasty = postgresql_url.replace("options=", f"options=-c{setting}%3D100ms%20")
    async with open_database(postgresql_url) as slow, open_store(hasty) as store:
        writing = asyncio.create_task(slow.write(write))
        await held.wait()
        await store.save(notified(incident()), NOW)
        await writing
        assert await store.waiting() == 1


async def test_at_most_three_connections_are_used(postgresql_url: str) -> None:
    async with open_store(postgresql_url) as store, open_database(postgresql_url) as observer:
        await asyncio.gather(*(action() for _ in range(10) for action in (store.parked, store.load, store.waiting)))
        connections = sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = current_setting('application_name')"
        )
        count = await observer.read(lambda connection: connection.scalar(connections))
    assert 1 < count <= 3 + 1


async def test_a_server_that_restarts_between_two_polls_is_not_noticed(
    postgresql: PostgreSQL, postgresql_url: str
) -> None:
    async with open_store(postgresql_url) as store:
        await store.save(notified(incident()), NOW)
        postgresql.disconnect(postgresql_url)
        assert await store.waiting() == 1


async def test_a_server_that_takes_writes_again_is_written_over_a_new_connection(
    postgresql: PostgreSQL, postgresql_url: str
) -> None:
    async with open_store(postgresql_url) as first:
        pass
    schema = postgresql_url.rpartition("application_name=")[2]
    user, url = postgresql.new_user(postgresql_url)
    rights = f"ALL ON ALL TABLES IN SCHEMA {schema} TO {user}; GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO {user}"
    postgresql.run(f"GRANT USAGE ON SCHEMA {schema} TO {user}; GRANT {rights}")
    async with open_store(url) as store:
        assert store.installation == first.installation
        postgresql.run(f"ALTER ROLE {user} SET default_transaction_read_only = on")
        postgresql.disconnect(url)
        for _ in range(5):
            with pytest.raises(StoreUnavailableError, match="25006"):
                await store.save(Changes(NOW), NOW)
            assert (await store.load()).read_at is None, "it can be read all the while"
        postgresql.run(f"ALTER ROLE {user} RESET ALL")
        with suppress(StoreUnavailableError):
            await store.save(Changes(NOW), NOW)  # the last reading connected before that
        await store.save(Changes(NOW), NOW)


async def test_a_connection_that_is_killed_leaves_nothing_of_its_transaction(
    postgresql: PostgreSQL, postgresql_url: str
) -> None:
    def write(connection: sa.Connection) -> None:
        connection.execute(sa.text("UPDATE installation SET name = 'lost'"))
        postgresql.disconnect(postgresql_url)

    async with open_store(postgresql_url) as store, open_database(postgresql_url) as database:
        with pytest.raises(StoreUnavailableError):
            await database.write(write)
        assert await database.read(_name) == store.installation


def _name(connection: sa.Connection) -> str | None:
    """What this installation is called."""
    name: str | None = connection.scalar(sa.text("SELECT name FROM installation"))
    return name


@pytest.mark.parametrize("mode", ["", "&sslmode=disable", "&sslmode=prefer"])
async def test_a_server_without_tls_is_used_when_that_is_allowed(
    postgresql: PostgreSQL, postgresql_url: str, mode: str
) -> None:
    async with postgresql.door() as door, open_store(door.url(postgresql_url, mode)) as store:
        await store.waiting()
        assert door.encrypted == 0


@pytest.mark.parametrize(
    "mode",
    [
        "",
        "&sslmode=prefer",
        "&sslmode=require",
        "&sslmode=require&channel_binding=require&connect_timeout=10",
        f"&sslmode=verify-full&sslrootcert={CERTIFICATE}",
    ],
)
async def test_tls_is_used_where_the_server_has_it(postgresql: PostgreSQL, postgresql_url: str, mode: str) -> None:
    async with postgresql.door() as door:
        door.tls = True
        async with open_store(door.url(postgresql_url, mode)) as store:
            await store.waiting()
        assert door.encrypted > 0


async def test_a_certificate_of_another_host_is_refused_when_it_is_to_be_verified(
    postgresql: PostgreSQL, postgresql_url: str
) -> None:
    async with postgresql.door() as door:
        door.tls = True
        url = door.url(postgresql_url, f"&sslmode=verify-full&sslrootcert={CERTIFICATE}", host="127.0.0.1")
        with pytest.raises(StoreSettingsError, match="certificate is not trusted") as caught:
            async with open_store(url):
                pass
        assert "hunter2" not in said(caught.value)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ("?sslmode=require", StoreUnavailableError, "rejected SSL upgrade"),
        ("?sslmode=sometimes", StoreSettingsError, "sslmode"),
        ("?sslmode=verify-full", StoreSettingsError, "root certificate file"),
        ("?options=-cnonsense%3Dx", StoreSettingsError, "options="),
        ("?options=endpoint%3Dx", StoreSettingsError, "options="),
        ("?options=-csearch_path%3Dnowhere", StoreSettingsError, "no schema"),
        ("?options=-cdefault_transaction_read_only%3Don", StoreUnavailableError, "takes no writes"),
        ("?dbname=nowhere", StoreSettingsError, "no database"),
        ("?user=nobody", StoreSettingsError, "has no such user"),
    ],
)
async def test_what_keeps_a_server_from_being_used_is_named(
    postgresql: PostgreSQL, options: str, kind: type[StoreError], words: str
) -> None:
    async with postgresql.door() as door:
        url = f"postgres://:hunter2@localhost:{door.port}{options}"
        with pytest.raises(kind, match=words) as caught:
            async with open_store(url + ("" if "user" in options else "&user=postgres")):
                pass
        assert "hunter2" not in said(caught.value)


@pytest.mark.parametrize("option", ["sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile"])
def test_a_file_that_an_option_names_is_tried_before_the_server(option: str, tmp_path: Path) -> None:
    (tmp_path / "diary.pem").write_text("dear diary")
    url = f"postgres://u:hunter2@localhost/d?sslmode=require&{option}={tmp_path}"
    for path, words in (("/nowhere.pem", "No such file"), ("", "Is a directory")):
        with pytest.raises(StoreSettingsError, match=f"{option} names a file that cannot be read: {words}"):
            database_at(url + path)
    if option in {"sslrootcert", "sslcrl", "sslcert"}:
        with pytest.raises(StoreSettingsError, match=f"the option {option} names a file .*PEM"):
            database_at(f"{url}/diary.pem")


async def test_whom_the_system_trusts_is_trusted_where_the_url_says_so(
    postgresql: PostgreSQL, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with postgresql.door() as door:
        door.tls = True
        url = door.url(postgresql_url, "&sslmode=verify-full&sslrootcert=system")
        with pytest.raises(StoreSettingsError, match="certificate is not trusted"):
            async with open_store(url):
                pass
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        async with open_store(url) as store:
            await store.waiting()
        own = f"&sslcert={CERTIFICATE}&ssl_min_protocol_version=TLSv1.2&ssl_max_protocol_version=TLSv1.3"
        async with open_store(url + own) as store:
            await store.waiting()
        if ssl.OPENSSL_VERSION_INFO < (3, 6):  # which asks for none of a certificate that is trusted by itself
            with pytest.raises(StoreSettingsError, match="CRL"):  # of which there is none in that file
                async with open_store(f"{url}&sslcrl={CERTIFICATE}"):
                    pass
        other = door.url(postgresql_url, "&sslrootcert=system", host="127.0.0.1")
        with pytest.raises(StoreSettingsError, match="certificate is not trusted"):
            async with open_store(other):
                pass


async def test_of_several_servers_the_one_that_takes_writes_is_used(
    postgresql: PostgreSQL, postgresql_url: str, unused_tcp_port: int
) -> None:
    async with postgresql.door() as door:
        url = door.url(postgresql_url, "&target_session_attrs=read-write")
        several = url.replace(f"@localhost:{door.port}/", f"@localhost:{unused_tcp_port},localhost:{door.port}/")
        assert several != url
        async with open_store(several) as store:
            await store.save(notified(incident()), NOW)
            assert await store.waiting() == 1


async def test_servers_of_which_none_takes_writes_are_to_be_tried_again(
    postgresql: PostgreSQL, postgresql_url: str
) -> None:
    user, url = postgresql.new_user(postgresql_url)
    postgresql.run(f"ALTER ROLE {user} SET default_transaction_read_only = on")
    with pytest.raises(StoreUnavailableError, match="target_session_attrs"):
        async with open_store(f"{url}&target_session_attrs=read-write"):
            pass


@pytest.mark.parametrize("variables", [{"PGPORT": "hunter2"}, {"PGHOST": "h" * 300}])
async def test_a_variable_of_libpq_that_cannot_be_used_is_said_to_be_one(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreSettingsError, match=re.escape("PG...")) as caught:
        async with open_store("postgres:///d"):
            pass
    assert "hunter2" not in said(caught.value)


@pytest.mark.parametrize("name", ["PGSSLROOTCERT", "PGSSLCERT", "PGSSLCRL", "root.crt", "root.crl", "postgresql.crt"])
async def test_certificates_that_no_option_names_are_to_be_mended_too(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    url = f"postgres://u:hunter2@localhost:{unused_tcp_port}/d?sslmode=require"
    with pytest.raises(StoreUnavailableError):
        async with open_store(url):
            pass
    (tmp_path / ".postgresql").mkdir()
    diary = tmp_path / ".postgresql" / name
    if name.startswith("PG"):
        monkeypatch.setenv(name, str(diary))
        with pytest.raises(StoreSettingsError, match=name[:5]):
            async with open_store(url):
                pass
    diary.write_text("dear diary")
    with pytest.raises(StoreSettingsError, match="PEM"):
        async with open_store(url):
            pass


async def test_a_password_file_that_cannot_be_read_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / ".pgpass"
    file.write_text("localhost:hunter2\n")
    file.chmod(0o600)
    with pytest.raises(StoreSettingsError, match="password file") as caught:
        async with open_store("postgres://u@localhost/d"):
            pass
    assert "hunter2" not in said(caught.value)


@pytest.mark.parametrize("name", ["folder", "loop", "diary.txt/bot.db", "fifo", "n" * 300])
async def test_a_path_at_which_no_file_can_be_is_to_be_mended(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "diary.txt").touch()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(StoreSettingsError, match="DATABASE_URL names"):
        async with open_store(f"sqlite:///{tmp_path}/{name}"):
            pass


OTHER_PROGRAMS = [
    "CREATE TABLE alembic_version (version_num VARCHAR(32)); INSERT INTO alembic_version VALUES ('a1b2c3')",
    "CREATE TABLE alembic_version (version_num VARCHAR(32)); INSERT INTO alembic_version VALUES ('0001')",
    "CREATE TABLE alembic_version (version_num VARCHAR(32)); INSERT INTO alembic_version VALUES ('0003')",
    "CREATE TABLE alembic_version (version_num VARCHAR(32)); CREATE TABLE incidents (id INT)",
    "CREATE TABLE alembic_version (something INT)",
    "CREATE TABLE tokens (id INT)",
    "CREATE TABLE messages (id INT)",
    "CREATE TABLE audit (id INT)",
    "CREATE VIEW decisions AS SELECT 1 AS id",
]


@pytest.mark.parametrize("made", OTHER_PROGRAMS)
async def test_a_database_that_another_program_uses_is_left_alone(database_url: str, made: str) -> None:
    def make(connection: sa.Connection) -> None:
        for statement in made.split("; "):
            connection.exec_driver_sql(statement)

    database = database_at(database_url)
    await database.write(make)
    await database.close()
    for _ in range(2):
        with pytest.raises(StoreSettingsError, match="no other program uses"):
            async with open_store(database_url):
                pass


async def test_a_server_that_is_away_is_unavailable_and_then_works(
    postgresql: PostgreSQL, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CONNECT_DEADLINE", 2)
    async with postgresql.door() as door, open_store(door.url(postgresql_url)) as store:
        await store.save(notified(incident()), NOW)
        door.hangs = True
        door.shut()
        with pytest.raises(StoreUnavailableError):
            await claim(store, NOW, LEASE)
        door.hangs = False
        assert await claim(store, NOW, LEASE) is not None


HUNG = 60.0
"""Seconds after which somebody is held up: a guard, since nobody who gives up waits for more than one or two."""


@pytest.fixture
def _slow_to_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement may take ten minutes: whoever waits for its end hangs."""
    monkeypatch.setattr(module, "STATEMENT_DEADLINE", 600)


@pytest.mark.parametrize("after", [0, 0.01, 0.03])
@pytest.mark.usefixtures("_slow_to_give_up")
async def test_a_server_that_falls_silent_holds_up_nobody_who_gives_up(
    postgresql: PostgreSQL, postgresql_url: str, after: float
) -> None:
    everything = Changes(NOW, tuple(map(record, range(1, 30_000))))  # takes some tenths of a second
    async with postgresql.door() as door, AsyncExitStack() as silence:
        async with open_store(door.url(postgresql_url)) as store:
            await asyncio.gather(store.waiting(), store.waiting())
            saving = asyncio.create_task(store.save(everything, NOW))
            await asyncio.sleep(after)
            silence.enter_context(door.stalled())
            await asyncio.sleep(0.3)
            saving.cancel()
            async with asyncio.timeout(HUNG):
                await asyncio.wait({saving})
        assert saving.cancelled()


@pytest.mark.usefixtures("_slow_to_give_up")
async def test_a_server_that_falls_silent_while_a_connection_is_tried_holds_up_nobody_who_gives_up(
    postgresql: PostgreSQL, postgresql_url: str
) -> None:
    async with postgresql.door() as door, open_store(door.url(postgresql_url)) as store:
        door.stalls_at = b"SELECT\0"  # by which a connection is tried
        saving = asyncio.create_task(store.save(Changes(NOW), NOW))
        await until("silence", lambda: not door.flows)
        saving.cancel()
        async with asyncio.timeout(HUNG):
            await asyncio.wait({saving})
    assert saving.cancelled()


@pytest.mark.parametrize("noticed_after", [0, 0.2])
async def test_a_connection_that_breaks_in_a_transaction_is_said_to_be_lost(
    postgresql: PostgreSQL, postgresql_url: str, noticed_after: float
) -> None:
    def write(connection: sa.Connection) -> None:
        door.shut()
        await_only(asyncio.sleep(noticed_after))
        connection.execute(sa.text("SELECT 1"))

    async with postgresql.door() as door, open_database(door.url(postgresql_url)) as database:
        with pytest.raises(StoreUnavailableError, match="connection was lost"):
            await database.write(write)


@pytest.mark.parametrize(
    ("encoding", "works"), [("UTF8", True), ("SQL_ASCII", True), ("LATIN1", False), ("WIN1252", False)]
)
async def test_a_database_holds_every_character_or_is_refused(
    postgresql: PostgreSQL,
    encoding: str,
    works: bool,  # noqa: FBT001 - a column of the table
) -> None:
    url = postgresql.new_encoded(encoding)
    if not works:
        with pytest.raises(StoreSettingsError, match=f"encoding {encoding}.*UTF8"):
            async with open_store(url):
                pass
        return
    written = record(status="é 🟢 日本 \u0301")
    async with open_store(url) as store:
        await store.save(Changes(NOW, (written,)), NOW)
    async with open_store(url) as store:
        assert (await store.load()).records == {1900: written}


async def test_no_log_line_holds_the_password(
    postgresql: PostgreSQL, postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with postgresql.door() as door:
        database = database_at(door.url(postgresql_url))
        await database.write(partial(migrate, version="0001"))
        await database.close()
        async with open_store(door.url(postgresql_url)) as store:
            await store.waiting()
        assert "hunter2" in door.url(postgresql_url)
    assert "alembic" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_port_where_nobody_listens_is_unavailable() -> None:
    url = "postgres://user:{}@127.0.0.1:1/db".format("hunter2")
    with pytest.raises(StoreUnavailableError, match="nothing answers at the host and port of DATABASE_URL") as caught:
        async with open_store(url):
            pass
    assert "hunter2" not in said(caught.value)


async def test_writers_follow_one_another(database_url: str) -> None:
    """What a write transaction reads is still so when it writes, over all connections."""

    def rename(connection: sa.Connection) -> None:
        name = _name(connection)
        time.sleep(0.005)
        connection.execute(sa.text("UPDATE installation SET name = :name"), {"name": f"{name}."})

    async with open_database(database_url) as one, open_database(database_url) as other:
        await one.write(lambda connection: connection.execute(sa.text("INSERT INTO installation (name) VALUES ('k3')")))
        await asyncio.gather(*(database.write(rename) for database in (one, other) for _ in range(5)))
        assert await one.read(_name) == "k3" + "." * 10


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Nothing is forgotten that is still referred to, be it by itself."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_whoever_is_cancelled_in_a_transaction_holds_up_nobody(database_url: str) -> None:
    everything, cancelled = Changes(NOW, tuple(map(record, range(1, 600)))), list[asyncio.Task[object]]()
    async with open_store(database_url) as store, open_store(database_url) as other:
        for each in range(40):
            task = asyncio.create_task(store.save(everything, NOW))
            await asyncio.sleep(each / 2000)
            task.cancel()
            cancelled.append(task)
            async with asyncio.timeout(HUNG):
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait({task})
                await other.save(Changes(NOW), NOW)


async def test_what_is_cancelled_before_its_turn_never_happens(sqlite_url: str) -> None:
    begun, gate = threading.Event(), threading.Event()

    def work(_: sa.Connection) -> None:
        begun.set()
        assert gate.wait(HUNG)

    async with open_store(sqlite_url) as store:
        slow = asyncio.create_task(store.database.write(work))
        await until("its turn", begun.is_set)
        saving = asyncio.create_task(store.save(notified(incident()), NOW))
        await asyncio.sleep(0.05)
        saving.cancel()
        await asyncio.wait({saving})
        assert not slow.done()
        gate.set()
        await slow
        assert await store.waiting() == 0


async def test_what_is_cancelled_in_its_turn_has_ended_before_anybody_goes_on(sqlite_url: str) -> None:
    ended: list[str] = []
    begun, gate = threading.Event(), threading.Event()

    def work(_: sa.Connection) -> None:
        begun.set()
        assert gate.wait(HUNG)
        ended.append("the transaction")

    async with open_store(sqlite_url) as store:
        slow = asyncio.create_task(store.database.write(work))
        await until("its turn", begun.is_set)
        slow.cancel()
        await asyncio.sleep(0.05)
        assert not slow.done()
        gate.set()
        await asyncio.wait({slow})
        assert slow.cancelled()
        assert ended == ["the transaction"]


async def test_a_statement_that_the_database_refuses_is_an_error_of_ours(store: Store, database_url: str) -> None:
    """Without the rows in its text: they may hold whatever the upstream says."""
    await store.save(Changes(NOW, (record(),)), NOW)
    database = database_at(database_url)
    with pytest.raises(StoreError, match="refused a statement") as caught:
        await database.write(
            lambda connection: connection.execute(
                sa.text("INSERT INTO tokens VALUES (:id, :record)"), {"id": 1900, "record": "a canary sings"}
            )
        )
    await database.close()
    assert "canary" not in str(caught.value)


async def test_what_is_committed_survives_the_death_of_the_process(database_url: str) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, database_url, NOW.isoformat())
    assert await process.wait() == -9
    async with open_store(database_url) as store:
        assert (await store.load()).read_at == NOW


KILLED = """
import asyncio, datetime, os, signal, sys
from bot.domain.watch.known import Changes
from bot.storage.store import open_store

async def main():
    async with open_store(sys.argv[1]) as store:
        now = datetime.datetime.fromisoformat(sys.argv[2])
        await store.save(Changes(now), now)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
