"""What a database says is understood by what it means: what to mend, whether to try again, whether it can be read."""

import re
import traceback

import pytest
import sqlalchemy as sa
from asyncpg.exceptions import InternalClientError  # type: ignore[import-untyped] # it has no types

from bot.domain.watch.known import Changes
from bot.storage.database import open_database
from bot.storage.errors import StoreDamagedError, StoreError, StoreSettingsError, StoreUnavailableError, our_errors
from bot.storage.store import open_store
from tests.storage.servers import PostgreSQL, refusing
from tests.storage.values import NOW

MEND, AGAIN = False, True
"""Whether starting again may help: exit code 78, or 75."""

REFUSALS = [
    # PgBouncer 1.18 to 1.26
    ("08P01", "SASL authentication failed", MEND, "refuses the user or the password"),
    ("08P01", "password authentication failed", MEND, "refuses the user or the password"),
    ("08P01", '"trust" authentication failed', MEND, "refuses the user or the password"),
    ("08P01", "no such user", MEND, "refuses the user or the password"),
    ("08P01", 'no such user: "postgres"', MEND, "refuses the user or the password"),
    ("08P01", "no such database: nowhere", MEND, "no database of the name"),
    ("08P01", 'database "nowhere" does not exist', MEND, "no database of the name"),
    ("08P01", "unsupported startup parameter: options", MEND, "leave out options="),
    ("08P01", "unsupported startup parameter in options: statement_timeout", MEND, "leave out options="),
    ("08P01", "transaction blocks not allowed in statement pooling mode", MEND, "statement mode"),
    ("08P01", "SSL required", MEND, "sslmode=require"),
    ("08003", "connection was closed in the middle of operation: PQexec disallowed", MEND, "disable_pqexec"),
    ("08P01", "login rejected", MEND, "refuses the user or the password"),
    ("08P01", "no more connections allowed (max_client_conn)", AGAIN, "short of connections"),
    ("08P01", "query_wait_timeout", AGAIN, "short of connections"),
    ("08P01", "pgbouncer cannot connect to server", AGAIN, "turned the connection away"),
    ("08P01", "the database is shutting down", AGAIN, "turned the connection away"),
    ("08P01", "bouncer config error", AGAIN, "turned the connection away"),
    # Supavisor
    ("XX000", "Max client connections reached", AGAIN, "short of connections"),
    ("XX000", "(EMAXCONN) max client connections reached, limit: 200", AGAIN, "short of connections"),
    ("XX000", "MaxClientsInSessionMode: max clients reached - in Session mode max clients are limited to pool_size",
     AGAIN, "short of connections"),
    ("XX000", "(ECHECKOUTTIMEOUT) unable to check out connection from the pool", AGAIN, "short of connections"),
    ("XX000", "Tenant or user not found", MEND, "does not know the user"),
    ("XX000", "(ENOTFOUND) tenant/user postgres.abc not found", MEND, "does not know the user"),
    ("XX000", "(ENOIDENTIFIER) no tenant identifier provided (external_id or sni_hostname required)", MEND, "PROJECT"),
    ("XX000", "(EADDRNOTALLOWED) address not in tenant allow_list: {1, 2, 3, 4}", MEND, "address of this machine"),
    ("XX000", "SSL connection is required for user: postgres", MEND, "sslmode=require"),
    ("XX000", "(EAUTHQUERY) user not found in the database", MEND, "refuses the user"),
    ("XX000", "DbHandler exited", AGAIN, "a pooler before it, failed"),
    ("XX000", "Control plane request failed", AGAIN, "a pooler before it, failed"),
    ("XX000", "Internal Error", AGAIN, "a pooler before it, failed"),
    ("08P01", "Endpoint ID is not specified. Either please upgrade the postgres client library", MEND, "PROJECT"),
    ("XX000", "The requested endpoint could not be found, or you don't have access to it.", MEND, "PROJECT"),
    # servers themselves
    ("28P01", 'password authentication failed for user "bot"', MEND, "refuses the user or the password"),
    ("28000", 'role "bot" does not exist', MEND, "has no such user"),
    ("28000", "This RDS proxy has no credentials for the role bot.", MEND, "has no such user"),
    ("28000", 'role "bot" is not permitted to log in', MEND, "log in"),
    ("28000", 'no pg_hba.conf entry for host "1.2.3.4", user "bot", database "bot", no encryption', MEND, "wants TLS"),
    ("28000", "SSL connection is required. Please specify SSL options and retry.", MEND, "wants TLS"),
    ("3D000", 'database "nowhere" does not exist', MEND, "no database of the name"),
    ("42501", 'permission denied for database "bot"', MEND, "GRANT CONNECT"),
    ("42501", "permission denied for schema public", MEND, "GRANT USAGE, CREATE ON SCHEMA public TO"),
    ("42501", "permission denied for table tokens", MEND, "GRANT ALL ON ALL TABLES IN SCHEMA public TO"),
    ("42501", "must be owner of table tokens", MEND, "make it their owner"),
    ("0A000", "this is not implemented", MEND, "PostgreSQL 12 or later"),
    ("42883", "function pg_advisory_xact_lock(bigint) does not exist", MEND, "PostgreSQL 12 or later"),
    ("3F000", "no schema has been selected to create in", MEND, "no schema to make tables in"),
    ("42P07", 'relation "tokens" already exists', MEND, "no other program uses"),
    ("42P01", 'relation "installation" does not exist', MEND, "no other program uses"),
    ("22P05", 'character has no equivalent in encoding "LATIN1"', MEND, "UTF8"),
    ("42601", "invalid command-line argument for server process: endpoint=x", MEND, "options="),
    ("42704", 'unrecognized configuration parameter "nonsense"', MEND, "options="),
    ("22023", 'invalid value for parameter "statement_timeout": "x"', MEND, "options="),
    ("53300", "sorry, too many clients already", AGAIN, "short of connections"),
    ("53300", "remaining connection slots are reserved for roles with the SUPERUSER attribute", AGAIN, "short of"),
    ("55000", 'database "bot" is not currently accepting connections', AGAIN, "does not take this now"),
    ("57P03", "the database system is starting up", AGAIN, "starting"),
    ("57P01", "terminating connection due to administrator command", AGAIN, "stopping"),
    ("58030", "could not read block 1", AGAIN, "disk failed"),
    ("XX001", "invalid page in block 1", MEND, "reports damage"),
    ("XX002", "index is corrupted", MEND, "reports damage"),
    ("99999", "a code that nobody knows", AGAIN, "99999: a code that nobody knows"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "said", "passing", "words"), REFUSALS)
async def test_a_refusal_is_told_by_what_it_means(code: str, said: str, passing: bool, words: str) -> None:  # noqa: FBT001 - a column of the table
    async with refusing(code, said) as url:
        with pytest.raises(StoreError, match=re.escape(words)) as caught:
            async with open_store(url):
                pass
    assert caught.value.passing is passing, caught.value
    assert f"({code}: {said})" in str(caught.value)
    assert not caught.value.unwritable or code == "42501"
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_connection_that_the_server_is_ending_is_lost() -> None:
    said = InternalClientError("cannot switch to state 15; another operation (2) is in progress")
    with pytest.raises(StoreUnavailableError, match="the connection was lost"), our_errors():
        raise sa.exc.DBAPIError(None, None, said)


def test_who_may_start_again_is_known_by_the_kind_of_the_error() -> None:
    assert StoreUnavailableError("").passing
    assert not StoreSettingsError("").passing
    assert not StoreDamagedError("").passing


@pytest.mark.parametrize(
    ("code", "unwritable"),
    [("53100", True), ("25006", True), ("42501", True), ("53300", False), ("55P03", False), ("40001", False)],
)
async def test_a_server_that_can_be_read_and_not_written_is_told_from_one_that_is_away(
    postgresql: PostgreSQL,
    postgresql_url: str,
    code: str,
    unwritable: bool,  # noqa: FBT001 - a column of the table
) -> None:
    async with open_store(postgresql_url) as store:
        postgresql.fill(postgresql_url, code)
        with pytest.raises(StoreError) as caught:
            await store.save(Changes(NOW), NOW)
        assert caught.value.unwritable is unwritable
        await store.load()


async def test_a_server_that_takes_no_writes_is_one_that_can_be_read(postgresql_url: str) -> None:
    async with open_store(postgresql_url):
        pass
    read_only = postgresql_url.replace("options=", "options=-cdefault_transaction_read_only%3Don%20")
    async with open_database(read_only) as database:
        await database.read(lambda connection: connection.execute(sa.text("SELECT name FROM installation")))
        with pytest.raises(StoreUnavailableError, match="takes no writes") as caught:
            await database.write(lambda connection: connection.execute(sa.text("UPDATE installation SET name = 'x'")))
        assert caught.value.unwritable


@pytest.mark.parametrize(
    ("pragma", "kind", "words"),
    [
        ("max_page_count = 1", StoreUnavailableError, "the disk is full"),
        ("query_only = ON", StoreSettingsError, "must be able to write"),
    ],
)
async def test_a_file_that_takes_no_more_is_one_that_can_be_read(
    sqlite_url: str, pragma: str, kind: type[StoreError], words: str
) -> None:
    write = sa.text("INSERT INTO tokens (id, record) VALUES (1, zeroblob(99999))")
    async with open_store(sqlite_url) as store:
        await store.database.read(lambda connection: connection.execute(sa.text(f"PRAGMA {pragma}")))
        with pytest.raises(kind, match=words) as caught:
            await store.database.write(lambda connection: connection.execute(write))
        assert caught.value.unwritable
        await store.load()
