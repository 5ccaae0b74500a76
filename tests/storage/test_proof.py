"""What is opened can be written: what keeps it from being so is said at once, and nothing is changed to find out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.watch.known import Changes
from bot.storage.schema import tokens
from bot.storage.store import Store, StoreError, StoreSettingsError, StoreUnavailableError, open_store
from tests.storage.servers import PostgreSQL, no_room
from tests.storage.values import NOW, incident, minutes, notified, record

TABLES = [table.name for table in tokens.metadata.sorted_tables]
WRITES = {
    "tokens": "INSERT UPDATE DELETE",
    "messages": "INSERT UPDATE DELETE",
    "incidents": "INSERT UPDATE DELETE",
    "notice_incidents": "INSERT",
    "decisions": "INSERT UPDATE DELETE",
    "audit": "INSERT DELETE",
    "samples": "INSERT UPDATE DELETE",
    "history": "INSERT UPDATE DELETE",
    "boards": "INSERT UPDATE DELETE",
    "acts": "INSERT UPDATE DELETE",
    "asides": "INSERT UPDATE DELETE",
    "setup": "INSERT UPDATE DELETE",
    "installation": "UPDATE",
}


@asynccontextmanager
async def borrowed(postgresql: PostgreSQL, url: str) -> AsyncIterator[tuple[str, str, str]]:
    """A database whose tables somebody else owns: its schema, the bot's user, who may use them, and their URL."""
    async with open_store(url) as store:
        await store.save(Changes(NOW, (record(1900),)), NOW)
    schema = url.rpartition("application_name=")[2]
    user, own_url = postgresql.new_user(url)
    postgresql.run(
        f"GRANT USAGE ON SCHEMA {schema} TO {user}; GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {user};"
        f"GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO {user}"
    )
    yield schema, user, own_url


async def refusal(url: str) -> StoreError:
    """What is said to whoever opens it."""
    with pytest.raises(StoreError) as refused:
        async with open_store(url):
            pass
    assert refused.value.unwritable
    return refused.value


def test_each_table_is_proven() -> None:
    assert WRITES.keys() == set(TABLES)


async def test_a_database_that_may_only_be_read_is_not_opened(postgresql: PostgreSQL, postgresql_url: str) -> None:
    async with borrowed(postgresql, postgresql_url) as (_, user, url):
        postgresql.run(f"ALTER ROLE {user} SET default_transaction_read_only = on")
        error = await refusal(url)
        assert isinstance(error, StoreUnavailableError)
        assert "25006" in str(error)
        postgresql.run(f"ALTER ROLE {user} RESET ALL")
        async with open_store(url) as store:
            await store.save(Changes(NOW), NOW)


@pytest.mark.parametrize(("table", "privilege"), [(table, each) for table in WRITES for each in WRITES[table].split()])
async def test_each_privilege_that_is_missing_is_named_at_once(
    postgresql: PostgreSQL, postgresql_url: str, table: str, privilege: str
) -> None:
    async with borrowed(postgresql, postgresql_url) as (schema, user, url), open_store(url) as store:
        postgresql.run(f"REVOKE {privilege} ON {schema}.{table} FROM {user}")
        error = await refusal(url)
        assert isinstance(error, StoreSettingsError)
        assert f"permission denied for table {table}" in str(error)
        with pytest.raises(StoreSettingsError, match=table):
            await store.prove()
        assert store.refusals.count == 1
        postgresql.run(f"GRANT {privilege} ON {schema}.{table} TO {user}")
        await store.prove()


@pytest.mark.parametrize("sequence", ["messages_id_seq", "audit_id_seq", "asides_id_seq"])
async def test_a_sequence_that_may_not_be_used_is_named(
    postgresql: PostgreSQL, postgresql_url: str, sequence: str
) -> None:
    async with borrowed(postgresql, postgresql_url) as (schema, user, url):
        postgresql.run(f"REVOKE ALL ON SEQUENCE {schema}.{sequence} FROM {user}")
        assert f"permission denied for sequence {sequence}" in str(await refusal(url))


async def test_what_the_bot_never_does_need_not_be_granted(postgresql: PostgreSQL, postgresql_url: str) -> None:
    async with borrowed(postgresql, postgresql_url) as (schema, user, url):
        for table, used in WRITES.items():
            unused = {"INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"} - set(used.split())
            postgresql.run(f"REVOKE {', '.join(unused)} ON {schema}.{table} FROM {user}")
        async with open_store(url) as store:
            ended = incident(1900)
            await store.save(notified(ended), NOW)
            await store.prune(NOW)


async def test_a_server_whose_disk_is_full_is_not_opened(postgresql: PostgreSQL, postgresql_url: str) -> None:
    async with open_store(postgresql_url):
        pass
    postgresql.fill(postgresql_url)
    error = await refusal(postgresql_url)
    assert isinstance(error, StoreUnavailableError)
    postgresql.make_room(postgresql_url)
    async with open_store(postgresql_url):
        pass


async def test_a_file_on_a_full_disk_is_not_opened(sqlite_url: str) -> None:
    async with open_store(sqlite_url):
        pass
    with no_room():
        assert isinstance(await refusal(sqlite_url), StoreUnavailableError)
    async with open_store(sqlite_url):
        pass


async def test_a_file_that_runs_full_refuses_and_then_takes_what_is_stored(sqlite_url: str) -> None:
    async with open_store(sqlite_url) as store:
        with no_room(), pytest.raises(StoreError):
            await store.save(Changes(NOW, (record(1900),)), NOW)
        assert store.refusals.last is not None
        assert (await store.load()).records == {}
        await store.save(Changes(NOW, (record(1900),)), NOW)
        assert (await store.load()).records.keys() == {1900}


def move(file: Path, to: Path) -> None:
    """Move it there, in place of whatever is there."""
    file.rename(to)


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_is_moved_away_takes_nothing_until_it_is_back(sqlite_url: str, *, replaced: bool) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    aside, other = file.with_suffix(".aside"), file.with_name("other.db")
    async with open_store(f"sqlite:///{other}"):
        pass
    async with open_store(sqlite_url) as store:
        await store.save(Changes(NOW, (record(1900),)), NOW)
        move(file, aside)
        if replaced:
            move(other, file)
        with pytest.raises(StoreSettingsError, match="moved, deleted or replaced") as refused:
            await store.save(Changes(NOW, (record(1901),)), NOW)
        assert refused.value.unwritable
        assert store.refusals.last is refused.value
        assert (await store.load()).records.keys() == {1900}
        move(aside, file)
        await store.save(Changes(NOW, (record(1901),)), NOW)
    async with open_store(sqlite_url) as store:
        assert (await store.load()).records.keys() == {1900, 1901}


async def test_to_prove_it_changes_nothing(store: Store, database_url: str) -> None:
    await store.save(notified(incident(1900)), NOW)

    def contents(connection: sa.Connection) -> list[object]:
        return [sorted(map(repr, connection.execute(sa.select(t)).all())) for t in tokens.metadata.sorted_tables]

    before = await store.database.read(contents)
    for _ in range(3):
        await store.prove()
        async with open_store(database_url) as other:
            await other.prove()
    assert await store.database.read(contents) == before
    (only,) = (await store.load()).incidents
    await store.save(notified(incident(1901)), NOW + minutes(5))
    marks = await store.database.read(lambda connection: connection.scalars(sa.text("SELECT id FROM messages")).all())
    assert sorted(marks) == [1, 2], "no number of a message was used up"
    assert only.token == 1900
