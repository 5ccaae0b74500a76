"""A database that is copied: nothing is lost on the way, and the bot goes on in the new one where it stopped."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.copying import copied, undo
from bot.domain.acts import Act, Kind, State
from bot.domain.asides import Aside, Place, What
from bot.domain.incidents import Rule, Stage
from bot.domain.messages import Notice, NoticeKind
from bot.domain.model import History, Severity, Status
from bot.domain.sample import Sample
from bot.domain.steering import Entry, Scope, Setting, Silence, Window
from bot.domain.value import replace
from bot.domain.watch.known import Changes
from bot.leader import Pace, somebody_leads
from bot.storage import schema
from bot.storage.database import database_at, open_database
from bot.storage.errors import StoreDamagedError, StoreError, StoreSettingsError, StoreUnavailableError
from bot.storage.store import Claim, open_store
from bot.storage.transfer import TABLES, mark
from tests.storage.servers import PostgreSQL
from tests.storage.values import NOW, claim, confirm, incident, minutes, notified, record

LATER = datetime(2026, 11, 30, 16, 20, tzinfo=UTC)
NEW_ID = 2**62 + 1
"""As large as Discord's ids may get."""


@pytest.fixture(params=["sqlite to postgresql", "postgresql to sqlite", "sqlite to sqlite", "postgresql to postgresql"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The URLs of an old and a new database, both empty, of each pair of engines."""

    def url(engine: str, which: str) -> str:
        if engine == "sqlite":
            return f"sqlite:///{tmp_path}/{which}.db"
        server: PostgreSQL = request.getfixturevalue("postgresql")
        return server.new_encoded("UTF8")

    old, _, new = request.param.partition(" to ")
    return url(old, "old"), url(new, "new")


async def copy(old: str, new: str) -> dict[str, int]:
    """Copy, and look at nothing meanwhile."""
    return (await copied(old, new, lambda: LATER, lambda *_: None, lambda _: None)).counts


async def fill(url: str, tokens: int = 3) -> None:
    """Everything that a bot may leave behind, more tokens of it than fit in one batch if asked for."""
    told = [incident(token, severity=list(Severity)[token % 3]) for token in range(tokens)]
    over = incident(2000, Rule.FLAPPING, stage=Stage.RESOLVED, resolved_at=NOW + minutes(1))
    silence = Silence("s1", Scope(Rule.BANNED, 1), NOW, until=None, by=NEW_ID, reason="näh\u2028'; --\\ \U0001f7e2")
    window = Window("w1", NOW, timedelta(hours=1.5), weekly=True, zone="Europe/Berlin", by=7)
    setting = Setting(Rule.POOL, enabled=False, severity=Severity.WARNING)
    sample = Sample(NEW_ID, NOW, Status.FAST, None, 0.1, 900, None, 10**12)
    samples = (sample, replace(sample, token=1, active=False, fast_time=None, allowance=None, queued=3, images=None))
    async with open_store(url) as store:
        await store.move_to(NEW_ID)
        await store.note_told_blocked(told=True)
        changes = Changes(
            NOW,
            records=tuple(record(token) for token in range(tokens)),
            histories={1: History(NOW, "VERIFYING", "FAST")},
            incidents=(*told, over),
            notify=frozenset(each.key for each in told),
            decided=(silence, window, setting),
            audit=tuple(Entry(NOW, NEW_ID, "silence", f"token {each}", "") for each in range(3)),
            samples=samples,
            asides=(Aside(NEW_ID, Place.PERSON, NOW, What.PAGE, (told[0].key,)),),
            acts=(Act("a1", Kind.TOGGLE, "off", NOW, NEW_ID, by=7, state=State.DONE, why="näh"),),
        )
        await store.save(changes, NOW)
        await store.database.write(_leave_more)
        card = await claim(store, NOW)
        assert card is not None
        await confirm(store, card, NEW_ID)
        await store.save(Changes(NOW, notices=(Notice(NoticeKind.REMINDER, NOW, (card.incidents[0].key,)),)), NOW)
        await claim(store, NOW)


def _leave_more(connection: sa.Connection) -> None:
    connection.execute(sa.insert(schema.history).values(span=1, day=20_000, token=1, data=bytes(range(256))))
    connection.execute(sa.insert(schema.boards).values(channel_id=NEW_ID, discord_id=None, by=7, created_at=NOW))
    connection.execute(sa.insert(schema.setup).values(name="TIMEZONE", value="Europe/Berlin", by=NEW_ID, at=NOW))
    connection.execute(sa.update(schema.tokens).where(schema.tokens.c.id == 1).values(ledger=b"\0\xff"))
    connection.execute(sa.update(schema.installation).values(digested="2026-11-30"))


def stored(connection: sa.Connection) -> dict[str, list[Any]]:
    """All that is in a database, by tables, in an order of its own."""
    return {
        table.name: sorted(
            repr(row)
            for row in connection.execute(
                sa.select(
                    *(sa.type_coerce(each, sa.Text) if isinstance(each.type, schema.Json) else each for each in table.c)
                )
            )
        )
        for table in TABLES
    }


async def content(url: str) -> dict[str, list[Any]]:
    """All that is in a database, but for who leads."""
    database = database_at(url)
    found = await database.read(stored)
    await database.close()
    return found


async def change(url: str, *statements: str) -> None:
    """Do what no bot does."""

    def work(connection: sa.Connection) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    database = database_at(url)
    await database.write(work)
    await database.close()


async def test_all_that_a_bot_leaves_behind_arrives_as_it_was(urls: tuple[str, str]) -> None:
    old, new = urls
    await fill(old, tokens=1_100)
    before = await content(old)
    async with open_store(old) as store:
        known, name, told = await store.load(), store.installation, await store.told_blocked()
        entries = await store.audit(10)

    counts = await copy(old, new)

    assert counts == {name: len(rows) for name, rows in before.items()}
    assert all(counts.values()), "a table in which nothing was proves nothing"
    after = await content(new)
    del before["installation"], after["installation"]
    assert after == before
    async with open_store(new) as store:
        assert await store.load() == known
        assert (store.installation, await store.told_blocked()) == (name, told)
        assert await store.audit(10) == entries


async def test_there_and_back_again_is_nothing_lost(postgresql_url: str, tmp_path: Path) -> None:
    first, last = (f"sqlite:///{tmp_path}/{name}.db" for name in ("first", "last"))
    await fill(first)
    before = await content(first)
    await copy(first, postgresql_url)
    await copy(postgresql_url, last)
    after = await content(last)
    assert {**after, "installation": None} == {**before, "installation": None}


async def test_no_id_is_used_again_in_the_new_database_not_even_one_of_a_row_that_is_gone(
    urls: tuple[str, str],
) -> None:
    """Such an id may be part of the mark of a message that is in the channel."""
    old, new = urls
    await fill(old)
    extra = (
        "INSERT INTO messages (id, summary, version, shown_version, due_at, tries) "
        "VALUES (4711, 1 = 1, 1, 1, '2026-08-01 03:12:07', 0)"
    )
    last = "SELECT setval(pg_get_serial_sequence('messages', 'id'), 4711)"
    await change(old, extra, *([last] if old.startswith("postgresql") else []), "DELETE FROM messages WHERE id = 4711")

    await copy(old, new)

    async with open_store(new) as store:
        await store.save(notified(incident(77, Rule.QUEUE_STUCK)), NOW + minutes(60))
        await store.save(Changes(NOW, audit=(Entry(NOW, 7, "end", "s1", ""),)), NOW)
    database = database_at(new)
    for table, newest in ((schema.messages, 4712), (schema.audit, 4)):
        query = sa.select(sa.func.max(table.c.id))
        assert await database.read(lambda connection, query=query: connection.scalar(query)) == newest  # type: ignore[misc]
    await database.close()


async def test_rows_that_refer_to_later_ones_arrive_too(urls: tuple[str, str]) -> None:
    old, new = urls
    await fill(old)
    await change(old, "UPDATE messages SET answers = (SELECT max(id) FROM messages) WHERE id = 1")
    await copy(old, new)
    before, after = await content(old), await content(new)
    assert after["messages"] == before["messages"]


async def test_what_this_version_cannot_read_arrives_as_it_was(urls: tuple[str, str]) -> None:
    old, new = urls
    await fill(old)
    await change(old, """UPDATE incidents SET incident = '{"of": "a version to come"}' WHERE id LIKE 'flapping%%'""")
    await copy(old, new)
    unread = sa.text("SELECT incident FROM incidents WHERE id LIKE 'flapping%'")
    database = database_at(new)
    assert await database.read(lambda connection: connection.scalar(unread)) == '{"of": "a version to come"}'
    await database.close()


async def test_a_bot_refuses_to_start_on_what_was_copied_until_somebody_wants_it_back(urls: tuple[str, str]) -> None:
    old, new = urls
    await fill(old)
    await copy(old, new)
    with pytest.raises(StoreSettingsError, match=r"copied to another database at 2026-11-30 16:20 UTC.*copy --undo"):
        async with open_store(old):
            pass
    with pytest.raises(StoreSettingsError, match="old database: it was copied to another one at 2026-11-30 16:20"):
        await copy(old, new)
    await undo(old)
    async with open_store(old):
        pass
    async with open_store(new):
        pass


async def test_whoever_led_before_may_write_into_neither(urls: tuple[str, str]) -> None:
    old, new = urls
    await fill(old)
    async with open_store(old) as frozen:
        term = await frozen.lead(await frozen.leads(), "a process that is frozen")
        assert term is not None
        await frozen.release(term)
        await copy(old, new)
        with pytest.raises(StoreError, match="another copy"):
            await frozen.in_term(term).save(Changes(NOW), NOW)
    async with open_store(new) as store:
        assert (await store.leads()).holder is None
        with pytest.raises(StoreError, match="another copy"):
            await store.in_term(term).save(Changes(NOW), NOW)


# What is refused


async def test_what_was_copied_is_not_copied_over(urls: tuple[str, str]) -> None:
    old, new = urls
    await fill(old)
    await copy(old, new)
    await change(old, "UPDATE installation SET moved_at = NULL")
    before = await content(new)
    with pytest.raises(StoreSettingsError, match="new database: it holds this bot's data already"):
        await copy(old, new)
    assert await content(new) == before


async def test_the_database_that_a_bot_came_from_is_not_taken_for_a_new_one(urls: tuple[str, str]) -> None:
    old, new = urls
    await fill(old)
    await copy(old, new)
    with pytest.raises(StoreSettingsError, match="new database: the bot was copied from it"):
        await copy(new, old)


async def test_a_database_on_which_another_bot_has_run_is_refused_with_what_is_in_it(urls: tuple[str, str]) -> None:
    old, new = urls
    await fill(old)
    async with open_store(new) as store:
        await store.save(Changes(NOW, records=(record(), record(1901))), NOW)
    with pytest.raises(StoreSettingsError, match=r"new database: a bot has run on it.*\(2 in tokens\): empty it"):
        await copy(old, new)


async def test_a_database_that_was_only_tried_is_as_good_as_a_new_one(urls: tuple[str, str]) -> None:
    """As `check` leaves it, which is what a careful person does first."""
    old, new = urls
    await fill(old)
    async with open_store(old) as store, open_store(new) as tried:
        name = store.installation
        assert tried.installation != name
    await copy(old, new)
    async with open_store(new) as store:
        assert store.installation == name


@pytest.mark.parametrize("which", ["old", "new"])
async def test_another_program_s_tables_are_refused(urls: tuple[str, str], which: str) -> None:
    old, new = urls
    if which == "new":
        await fill(old)
    await change(old if which == "old" else new, "CREATE TABLE messages (words TEXT)")
    with pytest.raises(StoreSettingsError, match=f"{which} database: the tables in it are not all the bot's own"):
        await copy(old, new)


@pytest.mark.parametrize(("version", "advice"), [("0005", "start this version on it once"), ("9999", "with that one")])
@pytest.mark.parametrize("which", ["old", "new"])
async def test_another_version_s_tables_are_refused(
    sqlite_url: str, postgresql_url: str, which: str, version: str, advice: str
) -> None:
    await fill(sqlite_url)
    async with open_store(postgresql_url):
        pass
    url = sqlite_url if which == "old" else postgresql_url
    await change(url, f"UPDATE alembic_version SET version_num = '{version}'")  # noqa: S608 - our own words
    with pytest.raises(StoreSettingsError, match=f"{which} database: .*{advice}"):
        await copy(sqlite_url, postgresql_url)


async def test_the_same_database_is_refused_by_whatever_address(postgresql_url: str, tmp_path: Path) -> None:
    old = f"sqlite:///{tmp_path}/old.db"
    await fill(old)
    (tmp_path / "link.db").symlink_to(tmp_path / "old.db")
    await fill(postgresql_url)
    for one, other in (
        (old, f"sqlite:///{tmp_path}/link.db"),
        (postgresql_url, postgresql_url + "&connect_timeout=3"),
    ):
        with pytest.raises(StoreSettingsError, match="new database: it is the same one"):
            await copy(one, other)


async def test_two_schemas_of_one_database_are_refused_since_their_writers_would_wait_for_each_other(
    postgresql: PostgreSQL,
) -> None:
    old, new = postgresql.new_database(), postgresql.new_database()
    await fill(old)
    with pytest.raises(StoreSettingsError, match="by way of a SQLite file"):
        await copy(old, new)


async def test_nothing_to_copy_is_said_and_no_file_is_made_of_a_slip_of_the_pen(tmp_path: Path) -> None:
    new = f"sqlite:///{tmp_path}/new.db"
    with pytest.raises(StoreSettingsError, match=r"old database: there is no file .*/slip\.db"):
        await copy(f"sqlite:///{tmp_path}/slip.db", new)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a Path would be asked to be async
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreSettingsError, match="old database: no bot has run on it"):
        await copy(f"sqlite:///{tmp_path}/empty.db", new)


async def test_a_database_that_is_away_or_wrong_is_called_by_what_it_was_named_by(tmp_path: Path) -> None:
    old = f"sqlite:///{tmp_path}/old.db"
    await fill(old)
    with pytest.raises(StoreUnavailableError, match=r"new database: .*the host and port of --to"):
        await copy(old, "postgresql://bot:geheim@127.0.0.1:1/bot")
    with pytest.raises(StoreSettingsError, match="new database: --to: "):
        await copy(old, "mysql://bot@127.0.0.1/bot")
    with pytest.raises(StoreUnavailableError, match=r"old database: .*of --from or DATABASE_URL"):
        await copy("postgresql://bot:geheim@127.0.0.1:1/bot", f"sqlite:///{tmp_path}/new.db")
    async with open_store(old):
        pass


@pytest.mark.parametrize("which", ["old", "new"])
async def test_a_bot_that_leads_on_either_is_to_be_stopped_first(
    sqlite_url: str, postgresql_url: str, which: str
) -> None:
    """One that renews its lease while it is looked at, wherever it runs."""
    await fill(sqlite_url)
    async with open_store(sqlite_url if which == "old" else postgresql_url) as store:
        term = await store.lead(await store.leads(), "another machine")
        assert term is not None

        async def renewing() -> None:
            while True:
                await store.renew(term)
                await asyncio.sleep(0.05)

        waits: list[str] = []
        task = asyncio.create_task(renewing())
        with pytest.raises(StoreSettingsError, match=f"{which} database: a bot runs on it: stop it first"):
            await copied(sqlite_url, postgresql_url, lambda: LATER, lambda *_: None, waits.append)
        task.cancel()
    assert len(waits) == 1


async def test_a_holder_that_renews_nothing_any_more_leads_nobody() -> None:
    async def read() -> Claim:
        return Claim(3, 7, "another machine")

    pace = Pace(expiry=timedelta(milliseconds=20), check=timedelta(milliseconds=1))
    assert not await somebody_leads(read, pace)


# What goes wrong on the way


async def test_what_does_not_arrive_as_it_was_sent_is_not_kept(sqlite_url: str, postgresql_url: str) -> None:
    """As by a trigger that somebody made."""
    await fill(sqlite_url)
    async with open_store(postgresql_url):
        pass
    await change(
        postgresql_url,
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.what = 'x'; RETURN NEW; END $$",
        "CREATE TRIGGER spoil BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION spoil()",
    )
    with pytest.raises(StoreDamagedError, match="what arrived of the table audit is not what was sent"):
        await copy(sqlite_url, postgresql_url)
    assert not (await content(postgresql_url))["tokens"]

    await change(postgresql_url, "DROP TRIGGER spoil ON audit")
    await copy(sqlite_url, postgresql_url)


async def test_a_lease_that_is_taken_in_the_last_moment_is_found(sqlite_url: str) -> None:
    await fill(sqlite_url)
    async with open_store(sqlite_url) as store:
        seen = await store.leads()
        await store.lead(seen, "a bot that has just started")
        with pytest.raises(StoreSettingsError, match="started on it meanwhile"):
            await store.database.write(lambda connection: mark(connection, seen, LATER))


async def test_an_old_database_that_takes_no_writes_is_copied_and_left_as_it_is(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    """A disk or a plan that is full is a good reason to move."""
    old, new = postgresql.new_encoded("UTF8"), f"sqlite:///{tmp_path}/new.db"
    await fill(old)
    name = old.partition("?")[0].rpartition("/")[2]
    await change(old, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    end = await copied(old, new, lambda: LATER, lambda *_: None, lambda _: None)
    assert not end.marked
    before, after = await content(old), await content(new)
    assert after["messages"] == before["messages"]


# The version before


@pytest.mark.parametrize("oldest", [schema.VERSION, "0001"])
async def test_a_newer_database_that_says_so_is_opened_as_it_is(database_url: str, oldest: str) -> None:
    """So the version before can be started again, where the newer one only added to the tables."""
    await fill(database_url)
    newer = f"9999_from_{oldest}"
    await change(
        database_url,
        "ALTER TABLE installation ADD COLUMN of_the_newer INTEGER NOT NULL DEFAULT 7",
        f"UPDATE alembic_version SET version_num = '{newer}'",  # noqa: S608 - our own words
    )
    async with open_store(database_url) as store:
        await store.save(notified(incident(77)), NOW + minutes(60))
    found = sa.text("SELECT version_num FROM alembic_version")
    async with open_database(database_url) as database:
        assert await database.read(lambda connection: connection.scalar(found)) == newer


async def test_a_newer_database_that_asks_for_more_is_refused(database_url: str) -> None:
    await fill(database_url)
    await change(database_url, "UPDATE alembic_version SET version_num = '9999_from_9998'")
    with pytest.raises(StoreSettingsError, match="newer version"):
        async with open_store(database_url):
            pass
