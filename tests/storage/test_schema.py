"""The tables agree with the migrations, and the columns with the values of the domain."""

import json
import logging
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import bot.storage
from bot.domain.acts import Act
from bot.domain.asides import Aside
from bot.domain.digest import Ahead, Digest, Gap, Last, Tally
from bot.domain.forecast import Burning, Forecast
from bot.domain.groups import Group, OneGroup
from bot.domain.incidents import End, Happening, Incident, Key, Moment, Note, Rule, Stage
from bot.domain.labels import Name
from bot.domain.messages import Notice, NoticeKind
from bot.domain.model import History, InfoText, Record, Severity, Status
from bot.domain.report import Noise, Period, Person, Report, Schedule, Times, Totals
from bot.domain.report import Token as Worst
from bot.domain.rota import Announced, Handover, Rota, Swap
from bot.domain.runbooks import Move, Remark, Runbook, Trail
from bot.domain.sample import Sample
from bot.domain.steering import Covered, Scope, Setting, Silence, Window
from bot.domain.value import Value, replace
from bot.domain.watch.known import Changes, Memory
from bot.domain.wishes import Quiet, Wish
from bot.storage import schema
from bot.storage.database import database_at, migrate, open_database
from bot.storage.errors import StoreDamagedError, StoreSettingsError
from bot.storage.store import open_store
from tests.storage.values import LEASE, NOW, claim, confirm, incident, record

MIGRATIONS = Path(bot.storage.__path__[0]) / "migrations"


async def test_the_migrations_make_the_tables_that_the_queries_use(database_url: str) -> None:
    def migrated(connection: sa.Connection) -> list[object]:
        migrate(connection, "0001")
        migrate(connection)
        return differing(connection)

    database = database_at(database_url)
    assert await database.write(migrated) == []
    await database.close()


async def test_a_new_database_is_made_as_the_migrations_make_one(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    def migrated_and_dropped(connection: sa.Connection) -> object:
        migrate(connection, "0001")
        migrate(connection)
        found = _anatomy(connection)
        schema.tokens.metadata.drop_all(connection)
        connection.execute(sa.text("DROP TABLE alembic_version"))
        return found

    database = database_at(database_url)
    migrated = await database.write(migrated_and_dropped)
    await database.close()
    assert _said_by_alembic(caplog)
    caplog.clear()

    async with open_database(database_url) as database:
        assert await database.read(_anatomy) == migrated
    assert not _said_by_alembic(caplog)


def _said_by_alembic(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Its lines of the log; the engine names the table of the version in lines of its own, where it is heard."""
    return [each.message for each in caplog.records if each.name.startswith("alembic")]


def _anatomy(connection: sa.Connection) -> object:
    """All that a database says of its tables, less the defaults by which the migrations filled new columns."""
    found = sa.inspect(connection)
    return {
        table: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], column.get("autoincrement"))
                for column in found.get_columns(table)
            },
            "key": found.get_pk_constraint(table)["constrained_columns"],
            "references": sorted(
                (each["constrained_columns"], each["referred_table"], each["referred_columns"], each["options"])
                for each in found.get_foreign_keys(table)
            ),
            "indexes": sorted(
                (each["name"], each["column_names"], each["unique"]) for each in found.get_indexes(table)
            ),
            "unique": found.get_unique_constraints(table),
        }
        for table in found.get_table_names()
    }


def test_the_version_is_that_of_the_newest_migration() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == schema.VERSION


_FIRST_VERSION: dict[str, dict[str, object]] = {
    "messages": {
        "id": 7,
        "summary": False,
        "version": 2,
        "shown_version": 1,
        "discord_id": 77,
        "due_at": NOW,
        "tries": 0,
    },
    "installation": {"name": "k3f9", "read_at": NOW},
    "tokens": {
        "id": 1900,
        "record": json.dumps(
            {
                "id": 1900,
                "status": "FAST",
                "active": True,
                "channel_id": "42",
                "server_id": "",
                "concurrency": None,
                "info": {"subscription": "Basic (Active)"},
            }
        ),
    },
    "incidents": {
        "id": f"banned:1900:@{NOW:%FT%T.%fZ}",
        "stage": "firing",
        "message_id": 7,
        "incident": json.dumps(
            {
                "key": {"rule": "banned", "token": 1900, "step": ""},
                "severity": "critical",
                "stage": "firing",
                "opened_at": NOW.isoformat(),
                "read_at": NOW.isoformat(),
                "was": {"id": 1900, "status": "FAST", "active": True, "channel_id": "42",
                        "info": {"subscription": "Basic (Active)"}},
                "was_at": (NOW - timedelta(minutes=1)).isoformat(),
                "now": {"id": 1900, "status": "BANNED", "active": True, "channel_id": "42",
                        "info": {"subscription": "Basic (Active)"}},
                "detail": "as seen",
            }
        ),
    },
}  # fmt: skip
"""Rows as the first version wrote them. They do not change when the bot does."""


async def test_a_database_of_the_first_version_keeps_its_data(database_url: str) -> None:
    def make(connection: sa.Connection) -> None:
        migrate(connection, "0001")
        for name, row in _FIRST_VERSION.items():
            columns = [
                sa.column(column, schema.Instant() if isinstance(row[column], datetime) else None) for column in row
            ]
            connection.execute(sa.insert(sa.table(name, *columns)).values(row))

    database = database_at(database_url)
    await database.write(make)
    await database.close()

    clock = partial(datetime.now, UTC)  # noqa: TID251 - the database's clock is the one that it is compared with
    begun = clock().replace(microsecond=0)
    async with open_store(database_url) as store:
        memory = await store.load()
        migrated = memory.incidents[incident().key].notified_at
        assert migrated is not None
        # Reminders count from the migration, or else all that is critical would ping at once.
        assert begun <= migrated <= clock()
        assert migrated.utcoffset() == timedelta()
        notified = replace(
            incident(),
            origin="FAST",
            notified_as=Severity.CRITICAL,
            notified_at=migrated,
            moments=(Moment(NOW, Happening.FIRED),),
        )  # or else the channel would be told again of what it knows
        assert memory == Memory({1900: record()}, NOW, {notified.key: notified})
        message = await claim(store, NOW, LEASE)
        assert message is not None
        assert (message.mark, message.discord_id, message.version) == ("k3f9-7", 77, 2)
        assert message.incidents == (notified,)
        assert await store.shown_at([incident().key]) == {incident().key: 77}
        await confirm(store, message, 77)
        await store.save(Changes(NOW, notices=(Notice(NoticeKind.REMINDER, NOW, (incident().key,)),)), NOW)
        answer = await claim(store, NOW, LEASE)
        assert answer is not None
        assert (answer.reply_to, answer.incidents) == (77, (notified,))


_BEFORE: dict[str, dict[str, object]] = {
    "messages": {
        **_FIRST_VERSION["messages"],
        "created_at": NOW,
        "rule": "banned",
        "claimed_until": NOW,
        "uncertain_since": NOW,
        "uncertain_version": 2,
    },
    "installation": {
        **_FIRST_VERSION["installation"],
        "term": 7,
        "renewals": 41,
        "holder": "somebody",
        "channel_id": 2**62 + 1,
        "elsewhere": 2**61 + 1,
        "told_blocked": True,
        "moved_at": None,
    },
    "tokens": _FIRST_VERSION["tokens"],
    "incidents": {**_FIRST_VERSION["incidents"], "key": "banned:1900:"},
    "decisions": {
        "id": "s1",
        "kind": "silence",
        "decision": json.dumps(
            {"id": "s1", "since": NOW.isoformat(), "until": None, "by": 7, "scope": {"token": 1900}}
        ),
    },
    "audit": {"id": 3, "at": NOW, "by": 2**62 + 1, "act": "silence", "what": "token 1900", "reason": "näh"},
    "notice_incidents": {"message_id": 7, "incident_id": _FIRST_VERSION["incidents"]["id"]},
}
"""Rows as the version before this one could write them. An older one has no more than part of these columns."""

VERSIONS = [each.revision for each in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]


@pytest.mark.parametrize("version", sorted(VERSIONS)[:-1])
async def test_an_upgrade_from_any_version_loses_nothing(database_url: str, version: str) -> None:
    def make(connection: sa.Connection) -> dict[str, dict[str, object]]:
        migrate(connection, version)
        there = sa.inspect(connection)
        written: dict[str, dict[str, object]] = {}
        for name, row in _BEFORE.items():
            if not there.has_table(name):
                continue
            known = {column["name"] for column in there.get_columns(name)}
            written[name] = {column: value for column, value in row.items() if column in known}
            connection.execute(sa.insert(_table(name, written[name])).values(written[name]))
        return written

    def read(connection: sa.Connection) -> dict[str, dict[str, object]]:
        found = {}
        for name, row in written.items():
            (only,) = connection.execute(sa.select(_table(name, row))).mappings()
            found[name] = dict(only)
        return found

    def _table(name: str, row: dict[str, object]) -> sa.TableClause:
        times = {"at"} | {column for column in row if column.endswith(("_at", "_until", "_since"))}
        return sa.table(name, *(sa.column(column, schema.Instant() if column in times else None) for column in row))

    database = database_at(database_url)
    written = await database.write(make)
    await database.close()
    assert ("decisions" in written) == (version >= "0002")

    async with open_store(database_url) as store:
        found = await store.database.read(read)
        before, after = (json.loads(str(each["incidents"].pop("incident"))) for each in (written, found))
        assert before.items() <= after.items(), "a migration may add to it"
        assert found == written
        memory = await store.load()
        assert (memory.records, memory.read_at) == ({1900: record()}, NOW)
        assert (memory.ledgers, len(memory.decisions)) == ({}, version >= "0002")
        assert memory.incidents.keys() == {incident().key}
        await store.save(Changes(NOW + timedelta(minutes=1), (record(),), samples=(_SAMPLE,)), NOW)
        assert (await store.history([1900], NOW, NOW + timedelta(minutes=1)))[1900] == (_SAMPLE,)
        assert await store.database.read(differing) == []


_SAMPLE = Sample(1900, NOW.replace(microsecond=0) + timedelta(seconds=1), Status.FAST, None, None, None, None, None)


def differing(connection: sa.Connection) -> list[object]:
    """What of the tables is otherwise than the queries take them to be."""
    return list(compare_metadata(MigrationContext.configure(connection), schema.tokens.metadata))


_STORED: dict[type[Value], str] = {
    Incident: "about acknowledged believed burning called clear detail end first_notified_at flips forecast heard "
    "holds key loud_at missed missed_at moments natural notes now opened_at origin read_at reminders resolved_at seen "
    "severity silenced sounds stage thread told unbroken_since until was was_at",
    Note: "at by words",
    Forecast: "at chance dry_at earliest idle_since latest left pace renews_at short spare unchanged_since verdict "
    "watched",
    Burning: "dry_at hour left share",
    End: "became reason",
    Key: "rule step token",
    Moment: "act at by severity until what who",
    Act: "at batch begun_at by denied followed id job keys kind reason runbook seen_at settled_at state token wanted "
    "was why",
    Notice: "about acts at before by digest escalated keys kind quiet remarks reminders report shift to until words",
    Rota: "absent announced at by first members weekday zone",
    Announced: "at since who",
    Swap: "by id since until who",
    Handover: "left swap who",
    Schedule: "by every id told",
    Report: "before group kept_since least left_out made_at pairs people period rules tokens totals zone",
    Period: "end every first since so_far until",
    Totals: "acknowledged critical incidents momentary open resolved shared sounds suppressed unanswered "
    "unanswered_pages warnings",
    Times: "count middle slowest",
    Person: "acknowledged answered critical incidents who",
    Worst: "critical incidents lasted token",
    Noise: "incidents rule sounds token",
    Runbook: "an_hour at book by does quiet stopped_at",
    Trail: "hand_at kind left moves token well_since",
    Move: "act at book wanted",
    Remark: "book dry times token wanted why",
    Digest: "blind day days ended failing gaps lapse lapses last lasting left linked made_at most off open read_at "
    "refilling refills short shorts since stands unsure unsures until usable used users zone",
    Ahead: "said token who",
    Last: "note token",
    Tally: "answered count to_answer to_end worst",
    Gap: "first since until",
    Record: "active channel_id concurrency id info kept server_id status",
    History: "before origin since",
    InfoText: "fast_time_remaining job_mode lifetime_usage queued_jobs_fast queued_jobs_relax relaxed_usage "
    "running_jobs subscription visibility_mode",
    Silence: "by covered id missed reason scope since until",
    Covered: "key level opened_at severity",
    Scope: "group rule step token",
    Window: "announced by id length missed reason start weekly zone",
    Name: "by label token",
    Wish: "at by group mine pages quiet refused_at woken_at",
    Quiet: "begin end zone",
    Aside: "at keys moments notes place to what",
    Group: "by name ranges",
    OneGroup: "by channel_id group",
    Setting: "enabled group readings rule severity threshold token",
}
"""The names that stored values have in their JSON. One may come, none may go or change: another copy of the bot, an
older one, may read and write the same rows."""


@pytest.mark.parametrize("kind", _STORED)
def test_what_is_stored_keeps_its_names_whatever_the_fields_are_called(kind: type[Value]) -> None:
    assert sorted(each.encode_name for each in msgspec.structs.fields(kind)) == _STORED[kind].split()


_NOW = NOW.isoformat().replace("+00:00", "Z")
_OPEN: dict[str, object] = {
    "key": {"rule": "banned", "token": 1900, "step": ""},
    "severity": "critical",
    "stage": "firing",
    "opened_at": _NOW,
    "read_at": _NOW,
    "told": False,
    "clear": 3,
    "heard": "warning",
    "loud_at": _NOW,
}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (
            _OPEN,
            Incident(
                key=Key(Rule.BANNED, 1900),
                severity=Severity.CRITICAL,
                stage=Stage.FIRING,
                opened_at=NOW,
                read_at=NOW,
                notifiable=False,
                keep_firing_for=3,
                notified_as=Severity.WARNING,
                notified_at=NOW,
            ),
        ),
        (
            {
                "id": "s1",
                "since": _NOW,
                "until": None,
                "by": 7,
                "scope": {"rule": None, "token": 1900, "step": ""},
                "missed": [_OPEN["key"]],
            },
            Silence("s1", Scope(token=1900), NOW, until=None, by=7, suppressed=(Key(Rule.BANNED, 1900),)),
        ),
        (
            {
                "id": "w1",
                "start": _NOW,
                "length": "PT3600S",
                "weekly": False,
                "zone": "UTC",
                "by": 7,
                "missed": [_OPEN["key"]],
            },
            Window("w1", NOW, timedelta(hours=1), weekly=False, zone="UTC", by=7, suppressed=(Key(Rule.BANNED, 1900),)),
        ),
    ],
    ids=["incident", "silence", "window"],
)
def test_a_value_that_the_version_before_wrote_is_read_and_written_alike(
    written: dict[str, object], value: Value
) -> None:
    """That of 29 November 2026, whose fields had the names that are stored."""
    assert msgspec.json.decode(json.dumps(written), type=type(value)) == value
    now = json.loads(msgspec.json.encode(value))
    if "scope" in now:
        assert now["scope"].pop("group") is None, "what came since"
    assert written.items() <= now.items()


async def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    newer = sa.text("UPDATE alembic_version SET version_num = '9999'")
    async with open_database(database_url) as database:
        await database.write(lambda connection: connection.execute(newer))
    with pytest.raises(StoreSettingsError, match="newer version"):
        async with open_store(database_url):
            pass


async def test_a_row_that_cannot_be_read_is_called_damage(database_url: str) -> None:
    damage = sa.text('INSERT INTO tokens (id, record) VALUES (1, \'{"id": "x"}\')')
    async with open_database(database_url) as database:
        await database.write(lambda connection: connection.execute(damage))
    async with open_store(database_url) as store:
        with pytest.raises(StoreDamagedError, match=r"\$\.id"):
            await store.load()


@pytest.mark.parametrize(
    "time",
    [
        NOW,
        NOW.astimezone(timezone(timedelta(hours=5, minutes=30))),
        NOW.replace(microsecond=0),
        datetime.max.replace(tzinfo=UTC),
    ],
)
async def test_a_time_comes_back_as_the_same_moment_in_utc(database_url: str, time: datetime) -> None:
    def keep(connection: sa.Connection) -> None:
        connection.execute(sa.insert(schema.installation).values(name="k3f9", read_at=time))
        read = connection.scalar(sa.select(schema.installation.c.read_at))
        assert read is not None
        assert (read, read.tzinfo) == (time, UTC)
        found = sa.select(schema.installation.c.name).where(schema.installation.c.read_at <= time)
        assert connection.scalar(found) == "k3f9"

    async with open_database(database_url) as database:
        await database.write(keep)
