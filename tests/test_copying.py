"""`python -m bot copy`, as the process that people start: a bot's life on one database goes on in another."""

import asyncio
import contextlib
import os
import pty
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg  # type: ignore[import-untyped] # it ships no types
import pytest

from bot.domain.watch.known import Changes
from bot.sandbox.imaginepro import token_record
from bot.storage.address import Server, parsed
from bot.storage.database import database_at
from bot.storage.driver import told
from bot.storage.store import open_store
from bot.storage.transfer import Seen, look
from tests.storage.values import NOW, incident, notified, record
from tests.wire.discord import PATIENCE
from tests.wire.process import BotProcess
from tests.wire.town import Town, town
from tests.wire.world import OPERATOR

EX_CONFIG = 78
EX_TEMPFAIL = 75
PASSWORD = "geheim-4711"


@pytest.fixture
async def home(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """A town whose bot remembers in a file."""
    async with town(sqlite_url, tmp_path) as home:
        yield home


async def copy(home: Town, *arguments: str, **settings: str) -> tuple[int, BotProcess]:
    """Copy, and give the exit code and what was said."""
    async with home.bot("copy", *arguments, **settings) as process:
        return (await process.wait()).code, process


async def seen(url: str) -> Seen:
    """What is in a database."""
    database = database_at(url)
    found = await database.read(look)
    await database.close()
    return found


# A bot that moves


@pytest.mark.long
async def test_a_bot_with_a_thousand_tokens_goes_on_in_the_other_database_and_back_as_if_nothing_had_been(
    sqlite_url: str, postgresql_url: str, tmp_path: Path
) -> None:
    """What was told is not told again, who has it still has it, a silence holds, and what happens next is told once."""
    fleet = [token_record(token) for token in range(1900, 2900)]
    async with town(sqlite_url, tmp_path, fleet) as home:
        home.environment["FAKE_GROUPING"] = "0.01"  # each by itself
        async with home.settled_bot():
            home.upstream.fleet[1900]["status"] = "BANNED"
            banned = await home.until_told("1900 is BANNED")
            await home.discord.press(banned, "Acknowledge")
            await home.discord.until(lambda: f"acknowledged by <@{OPERATOR.id}>" in banned.now.text)
            await home.discord.command("silence add", length="1d", token=1901, reason="we know")
            home.upstream.fleet[1901]["status"] = "BANNED"
            home.upstream.fleet[1902]["status"] = "BANNED"
            other = await home.until_told("1902 is BANNED")
            await home.quiet_polls()
            trail = (await home.discord.command("admin audit")).shown.text

        back = f"sqlite:///{tmp_path}/back.db"
        for old, new, token in ((sqlite_url, postgresql_url, 1903), (postgresql_url, back, 1904)):
            before = home.history(), home.notices
            code, said = await copy(home, "--to", new, DATABASE_URL=old)
            assert code == 0, said.output
            assert "ok    tokens: 1,000 rows, in both" in said.stdout
            async with home.bot(DATABASE_URL=new) as bot:
                await bot.wait_ready()
                await home.quiet_polls()
                assert (home.history(), home.notices) == before
                assert (await home.discord.command("admin audit")).shown.text == trail
                home.upstream.fleet[token]["status"] = "BANNED"
                await home.until_told(f"{token} is BANNED")
                await home.quiet_polls()
            assert len(home.told(f"{token} is BANNED")) == 1
            assert home.told("1901 is BANNED") == []

        async with home.bot(DATABASE_URL=back) as bot:
            await bot.wait_ready()
            home.upstream.fleet[1900]["status"] = home.upstream.fleet[1902]["status"] = "FAST"
            assert await home.until_told("1900 is FAST again") is banned
            assert await home.until_told("1902 is FAST again") is other
        assert f"acknowledged by <@{OPERATOR.id}>" in banned.now.text

        async with home.bot(DATABASE_URL=sqlite_url) as bot:
            assert (await bot.wait()).code == EX_CONFIG
        assert "copied to another database" in bot.stderr


async def test_a_bot_that_runs_is_to_be_stopped_first(home: Town, postgresql_url: str) -> None:
    async with home.settled_bot() as bot:
        code, said = await copy(home, "--to", postgresql_url)
        assert code == EX_CONFIG
        assert said.stderr.startswith("the old database: a bot runs on it: stop it first")
        assert bot.running
        await home.quiet_polls()
    code, said = await copy(home, "--to", postgresql_url)
    assert code == 0, "it was killed, so that it gave nothing back; but on this machine that can be seen"


@pytest.mark.long
async def test_a_bot_that_was_frozen_meanwhile_ends_when_it_wakes_up_and_says_nothing_any_more(
    home: Town, postgresql_url: str
) -> None:
    async with home.settled_bot(FAKE_LEASE="1") as bot:
        bot.stop()
        while (await copy(home, "--to", postgresql_url, FAKE_LEASE="1"))[0] != 0:
            bot.cont()  # it was frozen while it wrote, or was seen to live
            bot.stop()
        before = home.history()
        home.upstream.fleet[1900]["status"] = "BANNED"
        bot.cont()
        assert (await bot.wait()).code == EX_CONFIG
        assert "copied to another database" in bot.stderr
    assert home.history() == before


async def test_a_broken_env_file_is_no_reason_to_copy_some_other_database(home: Town, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"DATABASE_URL=\xff\n")
    code, said = await copy(home, "--to", f"sqlite:///{tmp_path}/new.db", DATABASE_URL="")
    assert code == EX_CONFIG
    assert ".env cannot be read" in said.stderr


async def test_a_second_copy_is_refused_and_the_first_may_be_undone(home: Town, postgresql_url: str) -> None:
    async with home.settled_bot():
        pass
    assert (await copy(home, "--to", postgresql_url))[0] == 0
    code, said = await copy(home, "--to", postgresql_url)
    assert code == EX_CONFIG
    assert "it was copied to another one" in said.stderr

    code, said = await copy(home, "--undo", DATABASE_URL=postgresql_url)  # as whoever has set the new one already
    assert code == 0
    assert said.stdout.startswith("undo  PostgreSQL")
    assert "It was not copied" in said.stdout
    assert "DATABASE_URL says which one is meant" in said.stdout
    code, said = await copy(home, "--undo")
    assert code == 0
    assert re.fullmatch(
        r"undo  /.*\.db\nA bot may start on it again\. It knows nothing of what happened since it was copied\.\n",
        said.stdout,
    )
    code, said = await copy(home, "--undo")
    assert code == 0
    assert "there is nothing to undo" in said.stdout
    async with home.bot() as bot:
        await bot.wait_ready()
    code, said = await copy(home, "--to", postgresql_url)
    assert code == EX_CONFIG
    assert "it holds this bot's data already" in said.stderr


async def test_copying_wants_no_setting_but_the_two_databases(home: Town, tmp_path: Path) -> None:
    async with home.settled_bot():
        pass
    (tmp_path / ".env").write_text(f"DATABASE_URL={home.environment['DATABASE_URL']}\n", encoding="utf-8")
    nothing = dict.fromkeys(("DISCORD_TOKEN", "IMAGINEPRO_API_KEY", "DATABASE_URL"), "")
    code, said = await copy(home, "--to", f"sqlite:///{tmp_path}/new.db", **nothing)
    assert code == 0, said.output


async def test_no_password_is_shown_whatever_is_wrong_with_a_url(home: Town, sqlite_url: str) -> None:
    async with home.settled_bot():
        pass
    wrong = f"postgresql://bot:{PASSWORD}@127.0.0.1:1/bot"
    for arguments, expected in (
        (("--to", wrong), EX_TEMPFAIL),
        (("--to", sqlite_url, "--from", wrong), EX_TEMPFAIL),
        (("--to", wrong.replace("@", "@x@")), EX_CONFIG),
        (("--to", f"{wrong}?nonsense={PASSWORD}"), EX_CONFIG),
        (("--to", f"{wrong}?sslrootcert=/nowhere/{PASSWORD}"), EX_CONFIG),
        (("--undo", "--from", wrong), EX_TEMPFAIL),
        (("--undo", wrong), 2),
        ((wrong,), 2),
    ):
        code, said = await copy(home, *arguments)
        assert code == expected, said.output
        assert PASSWORD not in said.output
        assert said.stderr


# A copy that is killed


async def fill(url: str) -> None:
    """A thousand tokens, each with an open incident."""
    told = [incident(token) for token in range(1_000)]
    async with open_store(url) as store:
        await store.save(Changes(NOW, records=tuple(record(token) for token in range(1_000))), NOW)
        await store.save(notified(*told), NOW)


@asynccontextmanager
async def held(url: str, mode: str) -> AsyncIterator[asyncpg.Connection]:
    """Let whoever copies come as far as the incidents, of a PostgreSQL database, and wait there."""
    address = parsed(url)
    assert isinstance(address, Server)
    connection = await asyncpg.connect(**told(address))
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE incidents IN {mode} MODE")
            yield connection
    finally:
        await connection.close()


_WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'incidents'::regclass"


@pytest.mark.parametrize("new", ["sqlite", "postgresql"])
async def test_a_copy_that_is_killed_in_the_middle_leaves_nothing_behind_and_the_next_one_works(
    home: Town, sqlite_url: str, postgresql_url: str, new: str
) -> None:
    old_url, new_url = (postgresql_url, sqlite_url) if new == "sqlite" else (sqlite_url, postgresql_url)
    await fill(old_url)
    async with open_store(new_url):
        pass  # as `check` leaves it: a table that is not there cannot be locked
    before, untouched = await seen(old_url), await seen(new_url)
    postgresql_side, mode = (old_url, "ACCESS EXCLUSIVE") if new == "sqlite" else (new_url, "SHARE")
    arguments = ("--from", old_url, "--to", new_url)

    async with held(postgresql_side, mode) as holder, home.bot("copy", *arguments) as process:
        async with asyncio.timeout(PATIENCE):
            while not await holder.fetchval(_WAITS):
                assert process.running, process.output
                await asyncio.sleep(0.02)
        await process.kill()
    assert await seen(old_url) == before
    assert await seen(new_url) == untouched

    code, said = await copy(home, *arguments)
    assert code == 0, said.output
    assert "ok    incidents: 1,000 rows, in both" in said.stdout
    async with open_store(new_url) as store:
        assert len((await store.load()).incidents) == 1_000


# What a person sees


async def test_a_terminal_shows_how_far_it_is_and_in_the_end_just_what_was_copied(
    home: Town, sqlite_url: str, postgresql_url: str
) -> None:
    await fill(sqlite_url)
    screen = await asyncio.to_thread(_on_a_terminal, ["--from", sqlite_url, "--to", postgresql_url], home.folder)
    assert re.search(r"tokens +\[#+\.+\] 500 of 1,000", screen)
    lines = [line.rpartition("\x1b[K")[2] for line in screen.replace("\r\n", "\n").split("\n")]
    assert "ok    tokens: 1,000 rows, in both" in lines
    assert not any("[" in line for line in lines), "what was on the way is wiped out"


def _on_a_terminal(arguments: list[str], folder: Path) -> str:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-P", "-m", "bot", "copy", *arguments]
    environment = {"PYTHONPATH": str(Path(__file__).parents[1]), "TERM": "xterm"}
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, cwd=folder, env=environment) as process:  # noqa: S603 - our own arguments
        os.close(theirs)
        screen = b""
        with contextlib.suppress(OSError):  # as Linux says that the other end is closed
            while chunk := os.read(ours, 2**16):
                screen += chunk
        os.close(ours)
        assert process.wait() == 0, screen.decode()
    return screen.decode()
