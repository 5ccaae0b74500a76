"""A bot that cannot run says so: in its log, as all else; and once to the fallback address, however often it starts."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.__main__ import EX_CONFIG, EX_TEMPFAIL
from bot.webhook import Event, Webhook, last_words
from tests.domain.fleets import START
from tests.storage.servers import refusing
from tests.test_webhook import events, pager
from tests.waiting import until
from tests.wire.process import LAUNCH, BotProcess
from tests.wire.town import BASELINE, Town, town


@pytest.fixture
async def home(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """A town in which temporary files outlive a restart."""
    (tmp_path / "tmp").mkdir()
    async with town(sqlite_url, tmp_path) as home:
        home.environment["TMPDIR"] = str(tmp_path / "tmp")
        yield home


async def ended(home: Town, *arguments: str, **settings: str) -> BotProcess:
    """The bot, once it has ended."""
    async with home.bot(*arguments, **settings) as bot:
        await bot.wait()
    return bot


def marks(folder: Path) -> list[Path]:
    """What is remembered there."""
    return list(folder.iterdir())


WRONG = [
    pytest.param({"POLL_INTERVAL": "often"}, "POLL_INTERVAL: ", id="a setting"),
    pytest.param({"DISCORD_GUILD_ID": "", "HTTPS_PROXY": "socks5://x"}, "DISCORD_GUILD_ID is missing", id="more"),
    pytest.param({"DISCORD_TOKEN": "not.the.one"}, "DISCORD_TOKEN", id="the token"),
    pytest.param({"HOST": "192.0.2.1", "PORT": "0"}, "PORT: ", id="PORT"),
    pytest.param({"DATABASE_URL": "sqlite:////proc/version"}, "", id="the database"),
]


@pytest.mark.parametrize(("settings", "says"), WRONG)
async def test_somebody_is_told_once_that_the_bot_cannot_run_and_again_after_it_did(
    home: Town, settings: dict[str, str], says: str
) -> None:
    async with pager([]) as (url, told):
        for _ in range(3):
            bot = await ended(home, FALLBACK_WEBHOOK_URL=url, **settings)
            assert (await bot.wait()).code == EX_CONFIG
        assert events(told) == ["bot_ended"]
        assert says in str(told[0])
        async with home.settled_bot(FALLBACK_WEBHOOK_URL=url) as bot:
            await until("all in place", lambda: bot.said("watching "))
            assert (await bot.terminate()).code == 0
        await ended(home, FALLBACK_WEBHOOK_URL=url, **settings)
        assert events(told) == ["bot_ended", "bot_ended"]
        assert "secret-path" not in bot.output


async def test_something_else_that_is_wrong_is_told_and_where_no_file_is_left_each_start_is(
    home: Town, tmp_path: Path
) -> None:
    async with pager([]) as (url, told):
        for settings in ({"POLL_INTERVAL": "often"}, {"TIMEZONE": "Mars"}, {"POLL_INTERVAL": "often"}):
            await ended(home, FALLBACK_WEBHOOK_URL=url, **settings)
        assert len(told) == 2
        for mark in marks(tmp_path / "tmp"):
            mark.unlink()
        await ended(home, FALLBACK_WEBHOOK_URL=url, POLL_INTERVAL="often")
        assert len(told) == 3


async def test_what_did_not_arrive_is_told_at_the_next_start(home: Town) -> None:
    async with pager([503]) as (url, told):
        for _ in range(3):
            await ended(home, FALLBACK_WEBHOOK_URL=url, POLL_INTERVAL="often")
        assert events(told) == ["bot_ended", "bot_ended"]


async def test_an_address_that_hangs_holds_up_no_end(home: Town, tmp_path: Path) -> None:
    async with pager([], takes=3600) as (url, _):
        bot = await ended(home, FALLBACK_WEBHOOK_URL=url, POLL_INTERVAL="often")
        assert (await bot.wait()).code == EX_CONFIG
    assert marks(tmp_path / "tmp") == []


async def test_whoever_asks_is_told_alone_and_what_passes_is_nobody_elses_business(home: Town) -> None:
    async with pager([]) as (url, told), refusing("57P03", "the database system is starting up") as database:
        bot = await ended(home, "check", FALLBACK_WEBHOOK_URL=url, POLL_INTERVAL="often")
        assert (await bot.wait()).code == EX_CONFIG
        assert bot.stderr.startswith("POLL_INTERVAL: "), "a person reads it"
        bot = await ended(home, DATABASE_URL=database, PORT="0")
        assert (await bot.wait()).code == EX_TEMPFAIL
    assert told == []


@pytest.mark.parametrize(("settings", "says"), WRONG)
async def test_why_it_ends_is_a_line_of_the_log_like_all_others(
    home: Town, settings: dict[str, str], says: str
) -> None:
    bot = await ended(home, LOG_FORMAT="json", **settings)
    lines = [json.loads(line) for line in bot.stderr.splitlines()]
    assert [line["message"] for line in (lines[0], lines[-1])] == ["starting", "ending"]
    assert lines[0]["version"]
    assert lines[0]["python"]
    assert lines[-1]["code"] == EX_CONFIG
    fatal = [line["message"] for line in lines if line["level"] == "CRITICAL"]
    assert fatal
    assert says in fatal[0]
    assert bot.stdout == ""


async def test_who_asked_it_to_end_is_in_the_log(home: Town) -> None:
    async with home.settled_bot() as bot:
        assert (await bot.terminate()).code == 0
    assert "by=SIGTERM" in bot.said("asked to end")[0]
    assert "code=0" in bot.said("ending")[0]


async def test_a_bot_without_standard_error_goes_on_without_a_log(home: Town) -> None:
    environment = dict(home.bot().environment)
    shell = await asyncio.create_subprocess_exec(
        *("sh", "-c", 'exec "$0" -P "$1" <&- >&- 2>&-', sys.executable, str(LAUNCH)),
        env=environment,
        cwd=home.folder,
    )
    try:
        await home.until_told(BASELINE)
        shell.terminate()
        assert await shell.wait() == 0
    finally:
        if shell.returncode is None:
            shell.kill()
    assert (home.folder / "data/bot.db").read_bytes().startswith(b"SQLite format 3")


async def test_whoever_ends_it_while_it_tells_leaves_no_mark_that_it_did(home: Town, tmp_path: Path) -> None:
    async with pager([], takes=3600) as (url, _), home.bot(FALLBACK_WEBHOOK_URL=url, POLL_INTERVAL="often") as bot:
        await until("the mark", lambda: marks(tmp_path / "tmp"))
        assert (await bot.terminate()).code == EX_CONFIG
    assert marks(tmp_path / "tmp") == []


async def test_two_copies_tell_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with pager([], takes=0.2) as (url, told):
        copies = [Webhook(url, lambda: START) for _ in range(2)]
        await asyncio.gather(*(last_words.tell(copy, Event.BOT_ENDED, "a reason") for copy in copies))
        assert len(told) == 1
        (mark,) = marks(tmp_path)
        assert mark.stat().st_size == 0
        for times, hours in ((2, -2), (3, 2)):
            then = mark.stat().st_mtime + hours * last_words.AGAIN.total_seconds()
            os.utime(mark, (then, then))
            await last_words.tell(copies[0], Event.BOT_ENDED, "a reason")
            assert len(told) == times, "it is still so after an hour, and the clock may be set back"


async def test_whoever_asks_it_to_end_meanwhile_does_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stop = asyncio.Event()
    stop.set()
    async with pager([], takes=3600) as (url, told):
        await last_words.tell(Webhook(url, lambda: START), Event.BOT_ENDED, "a reason", stop)
        assert told == []
    assert marks(tmp_path) == []


@pytest.mark.parametrize("named", [True, False])
async def test_a_folder_that_takes_no_file_is_no_reason_for_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, named: bool
) -> None:
    nowhere = str(tmp_path / "nowhere")
    monkeypatch.setattr("tempfile.tempdir", nowhere if named else None)
    monkeypatch.setattr("tempfile._candidate_tempdir_list", lambda: [nowhere])  # as where all is read-only
    async with pager([]) as (url, told):
        await last_words.tell(Webhook(url, lambda: START), Event.BOT_ENDED, "a reason")
        assert len(told) == 1
        last_words.forget(Webhook(url, lambda: START))
