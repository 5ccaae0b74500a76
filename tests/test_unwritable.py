"""The whole bot with a database that can be read and not be written: it does not start; while it leads, it tells.

What happens meanwhile is seen, and told once it can be stored.
"""

import asyncio
import contextlib
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.sandbox.imaginepro import token_record
from bot.storage.store import open_store
from tests.observe.test_process import health, until_well, until_wrong
from tests.storage.servers import PostgreSQL
from tests.test_webhook import events, pager
from tests.wire.messages import Message
from tests.wire.process import BotProcess
from tests.wire.town import Town, town

PATIENCE = 120.0
"""Seconds: a guard against hanging."""
QUICK = {"PORT": "0", "FAKE_WORRY": "1", "FAKE_PAUSE": "0.5", "FAKE_LEASE": "5"}
"""A lease of 5 s is in doubt after 3.5 s, which these tests outlast."""


@dataclass(frozen=True)
class Refusal:
    """A way in which a database comes to refuse what is written, and to take it again."""

    url: str
    says: str
    """A part of what the database says."""
    begin: Callable[[BotProcess | None], None]
    """Of a bot that runs, or of the next one."""
    end: Callable[[BotProcess | None], None]


def _full_file(url: str) -> Refusal:
    """The kernel refuses whatever the process writes into files, as on a full disk."""

    def limit(bot: BotProcess | None, size: int) -> None:
        assert bot is not None
        resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    return Refusal(url, "disk", lambda bot: limit(bot, 0), lambda bot: limit(bot, resource.RLIM_INFINITY))


def _read_only(postgresql: PostgreSQL, url: str, whom: str) -> Refusal:
    """Transactions only read. What is connected already is disconnected, as by a failover; but not in the end."""

    def turn(value: str) -> None:
        postgresql.run(f"ALTER {whom} SET default_transaction_read_only = {value}")

    def begin(bot: BotProcess | None) -> None:
        # Between the two a new connection is refused while an old one still writes, and the bot would tell of each.
        with contextlib.ExitStack() as frozen:
            if bot is not None:
                bot.stop()
                frozen.callback(bot.cont)
            turn("on")
            postgresql.disconnect(url)

    return Refusal(url, "25006", begin, lambda _: turn("off"))


def _own_database(postgresql: PostgreSQL, tablespace: str = "pg_default") -> tuple[str, str]:
    """A database that is no schema of another one: its name and its URL."""
    url = postgresql.new_database()
    schema = url.rpartition("application_name=")[2]
    name = f"own_{schema}"
    postgresql.run(f"CREATE DATABASE {name} TABLESPACE {tablespace}")
    return name, url.replace("/postgres?", f"/{name}?").replace(f"search_path%3D{schema}", "search_path%3Dpublic")


async def _owned_by_another(postgresql: PostgreSQL) -> tuple[str, str, str]:
    """A database of which the bot may use the tables, and no more: the schema, the user and the URL."""
    url = postgresql.new_database()
    async with open_store(url):
        pass
    schema = url.rpartition("application_name=")[2]
    user, own = postgresql.new_user(url)
    postgresql.run(
        f"GRANT USAGE ON SCHEMA {schema} TO {user}; GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {user};"
        f"GRANT ALL ON ALL SEQUENCES IN SCHEMA {schema} TO {user}"
    )
    return schema, user, own


@contextlib.contextmanager
def small_disk(mebibytes: int, owner: os.stat_result | None = None) -> Iterator[Path]:
    """A file system of that size, of that owner or of whoever runs the tests; skips where none may be mounted."""
    # Not pytest's own folder, which other users may not enter.
    folder = Path(tempfile.mkdtemp(prefix="disk-"))
    options = f"size={mebibytes}m" + (f",uid={owner.st_uid},gid={owner.st_gid}" if owner else "")
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:  # noqa: S603 - our own words
        folder.rmdir()
        pytest.skip("no file system may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607 - as above
        folder.rmdir()


def fill(folder: Path) -> None:
    """Write into it until nothing more fits."""
    with contextlib.suppress(OSError), (folder / "filler").open("ab", buffering=0) as filler:
        for size in (2**20, 2**12, 1):
            with contextlib.suppress(OSError):
                while True:
                    filler.write(bytes(size))


def make_room(folder: Path) -> None:
    """Let there be room again."""
    (folder / "filler").unlink()


WHILE_IT_LEADS = ("full file", "full disk", "read-only database", "read-only user", "revoked", "full server")
UNWRITABLE = "database_unwritable"
AT_A_START = ("read-only disk", "full disk", "read-only database", "read-only user", "revoked", "full server")


@pytest.fixture
async def refusal(request: pytest.FixtureRequest, sqlite_url: str, postgresql: PostgreSQL) -> AsyncIterator[Refusal]:
    if request.param == "full file":
        yield _full_file(sqlite_url)
    elif request.param == "full disk":
        with small_disk(2) as disk:
            url = f"sqlite:///{disk}/bot.db"
            yield Refusal(url, "the disk", lambda _: fill(disk), lambda _: make_room(disk))
    elif request.param == "read-only disk":
        with small_disk(2) as disk:

            def turn(mode: str) -> None:
                subprocess.run(["mount", "-o", f"remount,{mode}", str(disk)], check=True)  # noqa: S603, S607 - as above

            yield Refusal(f"sqlite:///{disk}/bot.db", "mount a volume", lambda _: turn("ro"), lambda _: turn("rw"))
    elif request.param == "read-only database":
        name, url = _own_database(postgresql)
        yield _read_only(postgresql, url, f"DATABASE {name}")
    elif request.param == "read-only user":
        _, user, url = await _owned_by_another(postgresql)
        yield _read_only(postgresql, url, f"ROLE {user}")
    elif request.param == "revoked":
        schema, user, url = await _owned_by_another(postgresql)
        right = f"INSERT ON {schema}.messages"
        # The connections stay as they are: privileges are asked at each statement.
        yield Refusal(
            url,
            "permission denied for table messages",
            lambda _: postgresql.run(f"REVOKE {right} FROM {user}"),
            lambda _: postgresql.run(f"GRANT {right} TO {user}"),
        )
    else:
        url = postgresql.new_database()
        yield Refusal(url, "53100", lambda _: postgresql.fill(url), lambda _: postgresql.make_room(url))


def notice_of(home: Town) -> list[Message]:
    """The messages that say that the bot cannot save, or said so."""
    return [m for m in home.discord.messages() if any("cannot save" in v.content for v in m.versions)]


@pytest.mark.long
@pytest.mark.parametrize("refusal", WHILE_IT_LEADS, indirect=True)
async def test_while_it_leads_it_is_told_red_and_over_and_nothing_is_lost(refusal: Refusal, tmp_path: Path) -> None:
    async with (
        pager([]) as (fallback, told),
        town(refusal.url, tmp_path) as home,
        home.settled_bot(**QUICK, ALERT_ROLE_ID=str(home.discord.alert_role_id), FALLBACK_WEBHOOK_URL=fallback) as bot,
        asyncio.timeout(PATIENCE),
    ):
        url = await bot.served_at()
        await until_well(url)
        cards = home.history()
        refusal.begin(bot)
        home.upstream.fleet[1900]["status"] = "BANNED"

        await until_wrong(url, "database")
        await home.discord.until(lambda: len(notice_of(home)) == 1)
        (notice,) = notice_of(home)
        assert notice.now.mentioned_roles == [home.discord.alert_role_id]
        while len(told) < 1:
            await asyncio.sleep(0.02)
        await home.until_called(25)  # 5 s, after which a lease that is not renewed is another's
        assert {each["reason"] for each in (await health(url))[1]["reasons"]} == {"database"}
        shown = await home.discord.command("token", id=1900)
        assert "BANNED" in shown.shown.text
        refused = await home.discord.command("silence add", length="1h", token=1900)
        assert "could not be saved, so it was not done" in refused.shown.text
        assert home.history() == cards
        assert notice_of(home) == [notice]
        assert len(notice.versions) == 1

        refusal.end(bot)
        await home.until_told("1900 is BANNED")
        await home.discord.until(lambda: "saves again" in notice.now.content)
        assert notice.now.mentioned_roles == []
        await until_well(url)
        while len(told) < 2:
            await asyncio.sleep(0.02)
        await home.quiet_polls(2)
        assert len(home.told("1900 is BANNED")) == 1
        assert events(told) == [UNWRITABLE, "database_writable"]
        assert (await bot.terminate()).code == 0
    assert "Traceback" not in bot.output
    # A busy machine may keep the channel waiting as well: "nobody is told that the database …" is another line.
    (line,) = bot.said(" bot.saving the database takes no writes")
    assert bot.said(refusal.says) == [line], "it is said once"
    assert len(bot.said(" bot.saving the database takes writes again")) == 1
    assert bot.said("job failed", "interaction failed") == []


@pytest.mark.long
@pytest.mark.parametrize("refusal", AT_A_START, indirect=True)
async def test_a_start_is_refused_as_the_check_says_and_told_once_and_the_next_one_works(
    refusal: Refusal, tmp_path: Path
) -> None:
    code, event = (78, "bot_ended") if "permission" in refusal.says or "volume" in refusal.says else (75, UNWRITABLE)
    (tmp_path / "tmp").mkdir()
    async with pager([]) as (fallback, told), town(refusal.url, tmp_path) as home, asyncio.timeout(PATIENCE):
        async with home.settled_bot(**QUICK) as bot:
            await bot.terminate()
        refusal.begin(None)
        somebody = {"FALLBACK_WEBHOOK_URL": fallback, "TMPDIR": str(tmp_path / "tmp")}
        for arguments, settings in (((), somebody), ((), somebody), (("check",), {})):
            async with home.bot(*arguments, **QUICK, **settings) as bot:
                assert (await bot.wait()).code == code
            assert refusal.says in bot.output
            assert "Traceback" not in bot.output
        assert events(told) == [event], "and not at each start"
        assert refusal.says in str(told[0])
        refusal.end(None)
        async with home.bot(**QUICK) as bot:
            await bot.wait_ready()
            await home.quiet_polls(1)


@pytest.mark.long
async def test_a_server_whose_disk_is_full_takes_what_fits_and_the_rest_once_there_is_room(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    accounts = [token_record(1000 + number) for number in range(400)]
    with small_disk(24, postgresql.socket.parent.stat()) as disk:
        postgresql.run(f"CREATE TABLESPACE small LOCATION '{disk}'")
        name, url = _own_database(postgresql, "small")
        async with (
            town(url, tmp_path, accounts) as home,
            home.settled_bot(**QUICK) as bot,
            asyncio.timeout(PATIENCE),
        ):
            said = await bot.served_at()
            before = len(home.cards)
            fill(disk)
            for account in home.upstream.fleet.values():
                account["status"] = "BANNED"
            await until_wrong(said, "database")
            await home.discord.until(lambda: len(notice_of(home)) == 1)
            assert len(home.cards) == before
            assert "53100" in notice_of(home)[0].now.content
            shown = await home.discord.command("token", id=1000)
            assert "BANNED" in shown.shown.text

            make_room(disk)
            await home.discord.until(lambda: "saves again" in notice_of(home)[0].now.content)
            await home.discord.until(lambda: len(home.cards) > before)
            await until_well(said)
            assert (await bot.terminate()).code == 0
        async with open_store(url) as store:
            assert len((await store.load()).incidents) >= len(accounts)
        assert "Traceback" not in bot.output
        postgresql.run(f"DROP DATABASE {name} WITH (FORCE)")
        postgresql.run("DROP TABLESPACE small")


@pytest.mark.long
async def test_a_copy_that_alone_cannot_write_is_replaced_before_it_tells_anybody(
    sqlite_url: str, tmp_path: Path
) -> None:
    patient = QUICK | {"FAKE_WORRY": "60"}
    async with (
        town(sqlite_url, tmp_path) as home,
        home.settled_bot(**patient) as first,
        home.bot(**patient) as second,
        asyncio.timeout(PATIENCE),
    ):
        url = await second.served_at()
        refusal = _full_file(sqlite_url)
        refusal.begin(first)
        home.upstream.fleet[1900]["status"] = "BANNED"
        await home.until_told("1900 is BANNED")
        assert (await health(url))[1]["role"] == "leading"
        first_url = await first.served_at()
        while (await health(first_url))[1]["role"] != "standby":
            await asyncio.sleep(0.05)
        await home.quiet_polls(10)
        assert len(home.told("1900 is BANNED")) == 1
        assert notice_of(home) == []
        refusal.end(first)
        assert (await second.terminate()).code == 0
        while (await health(first_url))[1]["role"] != "leading":
            await asyncio.sleep(0.05)
        home.upstream.fleet[1900]["status"] = "FAST"
        await home.until_told("1900 is FAST again")
        await until_well(first_url)
        assert notice_of(home) == []


@pytest.mark.long
async def test_a_user_who_may_not_log_in_any_more_is_trouble_of_the_database_and_no_line_a_poll(
    postgresql: PostgreSQL, tmp_path: Path
) -> None:
    _, user, url = await _owned_by_another(postgresql)
    async with (
        town(url, tmp_path) as home,
        home.settled_bot(**QUICK) as bot,
        asyncio.timeout(PATIENCE),
    ):
        said = await bot.served_at()
        await until_well(said)
        postgresql.run(f"ALTER ROLE {user} NOLOGIN")
        postgresql.disconnect(url)
        home.upstream.fleet[1900]["status"] = "BANNED"
        await until_wrong(said, "database")
        postgresql.run(f"ALTER ROLE {user} LOGIN")
        await home.until_told("1900 is BANNED")
        await until_well(said)
        assert (await bot.terminate()).code == 0
        assert notice_of(home) == [], "it is away, and not just refused"
    assert "Traceback" not in bot.output
    lines = [line for line in bot.said("job cannot use the database") if "job=poll" in line]
    assert 1 <= len(lines) <= 2, "that the connection was lost, and that there is no other"
    assert "28000" in bot.output
