"""A pooler between the bot and its server: transaction mode works, and what cannot work is refused with the reason."""

import asyncio
import re

import pytest
import sqlalchemy as sa

from bot.domain.watch.known import Changes
from bot.storage.database import open_database
from bot.storage.errors import StoreSettingsError, StoreUnavailableError
from bot.storage.store import open_store
from tests.storage.servers import PgBouncer, PostgreSQL, needs_pgbouncer
from tests.storage.values import NOW, incident, notified, record

pytestmark = needs_pgbouncer


async def test_copies_behind_a_pooler_run_no_statement_of_each_other_however_often_they_start(
    pgbouncer: PgBouncer,
) -> None:
    """With as few connections to the server as possible: whatever one copy leaves there, the other one meets."""
    known = Changes(NOW, tuple(map(record, range(1900, 1910))))
    for _ in range(3):
        async with open_store(pgbouncer.url()) as one, open_store(pgbouncer.url()) as other:
            for _ in range(5):
                reads = [work() for store in (one, other) for work in (store.load, store.leads, store.waiting)]
                writes = [store.save(known, NOW) for store in (one, other)]
                await asyncio.gather(*reads, *writes)
            assert len((await one.load()).records) == 10
            assert one.installation == other.installation


@pytest.mark.parametrize("direct", [False, True])
async def test_a_connection_to_the_server_keeps_no_statement(
    postgresql_url: str,
    pgbouncer: PgBouncer,
    direct: bool,  # noqa: FBT001 - both ways
) -> None:
    prepared = sa.text("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''")
    async with open_store(postgresql_url if direct else pgbouncer.url()) as store:
        await store.save(notified(incident()), NOW)
        await store.load()
        assert await store.database.read(lambda connection: connection.scalar(prepared)) == 0


@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_a_pooler_with_one_connection_to_the_server_is_enough(
    postgresql: PostgreSQL, postgresql_url: str, mode: str
) -> None:
    size = {"default_pool_size": "3" if mode == "session" else "1"}  # a session has one for as long as it lasts
    with PgBouncer.running(postgresql, postgresql_url, mode, **size) as pooler:
        async with open_store(pooler.url()) as store:
            await asyncio.gather(*(store.save(Changes(NOW), NOW) for _ in range(5)), *(store.load() for _ in range(5)))


async def test_statement_pooling_is_refused(postgresql: PostgreSQL, postgresql_url: str) -> None:
    with (
        PgBouncer.running(postgresql, postgresql_url, "statement") as pooler,
        pytest.raises(StoreSettingsError, match="take its transaction or session mode"),
    ):
        async with open_store(pooler.url()):
            pass


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"password": "wrong"}, "refuses the user or the password"),
        ({"user": "somebody"}, "refuses the user or the password"),
        ({"database": "nowhere"}, "no database of the name"),
        ({"options": "&options=-cenable_seqscan%3Doff"}, "leave out options="),
        ({"options": "&options=endpoint%3Dx"}, "leave out options="),
    ],
)
async def test_what_a_pooler_refuses_is_to_be_mended_also_at_the_next_start(
    pgbouncer: PgBouncer, wrong: dict[str, str], words: str
) -> None:
    for _ in range(2):
        with pytest.raises(StoreSettingsError, match=re.escape(words)):
            async with open_store(pgbouncer.url(**wrong)):
                pass


async def test_a_pooler_that_is_short_of_connections_is_to_be_tried_again(
    postgresql: PostgreSQL, postgresql_url: str
) -> None:
    with PgBouncer.running(postgresql, postgresql_url, max_client_conn="1") as pooler:
        async with open_database(pooler.url()) as database:
            async with open_store(postgresql_url), open_store(postgresql_url):
                pass
            with pytest.raises(StoreUnavailableError, match="short of connections"):
                async with open_store(pooler.url()):
                    pass
            await database.read(lambda connection: connection.execute(sa.text("SELECT 1")))
