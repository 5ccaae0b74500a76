"""No secret leaves the process: canaries are put where secrets go in, and looked for in everything that comes out."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
import sqlalchemy as sa

from bot.sandbox.imaginepro import Fault, Shape, problem
from bot.sandbox.scenarios import MALFORMED_TEXT
from bot.storage.database import database_at
from tests.storage.servers import PostgreSQL
from tests.wire import faults
from tests.wire.discord import TOKEN
from tests.wire.process import BotProcess
from tests.wire.town import BASELINE, Town, town
from tests.wire.world import VISITOR

ACCOUNT = "CanaryOfTheAccounts0123456789"
KEY = "CanaryOfTheKey0123456789"
PASSWORD = "CanaryOfThePassword0123456789"
FIGURES = "CanaryOfTheFigures0123456789"
CANARIES = {
    "the accounts' tokens": ACCOUNT,
    "the API key": KEY,
    "the bot token": TOKEN,
    "the password": PASSWORD,
    "the token of the figures": FIGURES,
}

LIKE_A_TOKEN = f"MTA4NzY1NDMyMTA5ODc2NTQzMg.GxYz12.{ACCOUNT}"
"""An account's token as Discord makes them, for where it is not in its field."""

SAID = f"Authorization: Bearer {KEY} may not use {LIKE_A_TOKEN}"
REFUSAL = problem(401, SAID)
FAILURE = problem(500, ["no such thing", SAID])
ECHOES = (
    problem(403, SAID),
    problem(404, SAID),
    problem(429, SAID, headers=[("Retry-After", KEY)]),
    Fault(400, json.dumps({"message": {"token": LIKE_A_TOKEN, "key": KEY}}).encode()),
    Fault(502, f"<title>{SAID}</title>".encode(), content_type="text/html"),
    Fault(301, b"", headers=(("Location", f"https://www.example.com/?key={KEY}&token={LIKE_A_TOKEN}"),)),
    Fault(body=json.dumps([{"token": LIKE_A_TOKEN, "id": {"token": LIKE_A_TOKEN, "key": KEY}}]).encode()),
    Fault(body=f'[{{"id": 1900, "token": "{LIKE_A_TOKEN}", "{KEY}'.encode()),
    Fault(body=f"{SAID}\xff".encode("latin-1"), content_type=f"text/{KEY}"),
    Fault(body=b"not gzip: " + SAID.encode(), headers=(("Content-Encoding", "gzip"),)),
)
"""Answers that repeat what they were asked, and what they know."""


def forms(secret: str) -> Iterator[str]:
    """The secret as itself, and as what somebody might have made of it."""
    yield secret
    yield secret.encode().hex()
    for shift in range(3):
        # What stands before the secret shifts its base64; the letters at both ends depend on the neighbours.
        yield base64.b64encode(b"-" * shift + secret.encode()).decode()[4:-4]
    for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256):
        yield digest(secret.encode()).hexdigest()


def found(places: Mapping[str, str]) -> set[tuple[str, str]]:
    """Which canary is in which place."""
    return {
        (canary, place)
        for canary, secret in CANARIES.items()
        for place, text in places.items()
        if any(form in text for form in forms(secret))
    }


@pytest.mark.parametrize("canary", CANARIES)
def test_the_search_finds_a_canary_in_whatever_form_it_is(canary: str) -> None:
    for form in forms(CANARIES[canary]):
        assert found({"here": f"a log line with {form} in it", "there": "a clean one"}) == {(canary, "here")}
    quoted = json.dumps({"Authorization": base64.b64encode(f"user:{CANARIES[canary]}!".encode()).decode()})
    assert found({"here": quoted}) == {(canary, "here")}


@pytest.mark.long
async def test_no_secret_is_in_anything_that_leaves_the_process(
    sqlite_url: str, postgresql: PostgreSQL, postgresql_url: str, tmp_path: Path
) -> None:
    async with (
        postgresql.door() as door,
        town(sqlite_url, tmp_path) as first,
        town(door.url(postgresql_url).replace("hunter2", PASSWORD), tmp_path) as second,
    ):
        for home in (first, second):
            home.discord.rate = None
            home.upstream.canary = ACCOUNT
            home.upstream.api_key = home.environment["IMAGINEPRO_API_KEY"] = KEY
            home.environment.update(PORT="0", METRICS_TOKEN=FIGURES)
        lives = await asyncio.gather(
            _live(first, LOG_LEVEL="debug", LOG_FORMAT="text"),
            _live(second, LOG_LEVEL="info", LOG_FORMAT="json"),
        )
        places = {
            f"{engine}: {place}": text
            for engine, life in zip(("SQLite", "PostgreSQL"), lives, strict=True)
            for place, text in life.items()
        }
        went_in = {
            "what the upstream sends": await _sent_by_the_upstream(first),
            "what the upstream expects": f"Bearer {first.upstream.api_key}",
            "the environment": json.dumps(second.environment),
        }
    assert {canary for canary, _ in found(went_in)} == set(CANARIES)
    assert [place for place, text in places.items() if "1900" not in text] == []
    assert found(places) == set(), f"searched: {', '.join(places)}"
    assert len(places) == 13


async def _live(home: Town, **settings: str) -> dict[str, str]:
    """Live through everything that may go wrong with secrets about; returns all that came out, by where."""
    async with home.bot(**settings, POLL_INTERVAL="1s", FAKE_PATIENCE="0.8", FAKE_PAUSE="0.5") as bot:
        await bot.wait_ready()
        await home.until_told(BASELINE)
        await _ask(home)
        served = await _served(bot)
        await _go_wrong(home)
        stored = {"rows of the database": await _rows(home)}
        if "sqlite" in home.environment["DATABASE_URL"]:
            files = sorted((home.folder / "data").iterdir())  # while it is open: with its log of changes
            assert [file.name for file in files] == ["bot.db", "bot.db-shm", "bot.db-wal"]
            stored["its files"] = "".join(file.read_bytes().decode("latin-1") for file in files)
        refuses = home.discord.outage(faults.error(403, 50013, f"Bot {TOKEN} may not"), "POST", "/channels/*")
        home.upstream.fleet[1900]["status"] = "VERIFYING"
        await home.discord.until(lambda: refuses.hits > 0)
        await home.quiet_polls()
        served += await _served(bot)
        await bot.terminate()
    assert "may not" in bot.stderr
    return {
        "requests and frames to Discord": home.discord.sent(),
        "messages": json.dumps([v.body for message in home.discord.board.all.values() for v in message.versions]),
        "paths at the upstream": "\n".join(call.path for call in home.upstream.calls),
        f"log as {settings['LOG_FORMAT']}": bot.output,
        "health and figures": served,
        **stored,
    }


async def _served(bot: BotProcess) -> str:
    """What the bot says of itself over HTTP, to those who know the token and to those who do not."""
    answers = []
    async with aiohttp.ClientSession(await bot.served_at()) as session:
        for path, token in (("/health", ""), ("/live", ""), ("/metrics", ""), ("/metrics", FIGURES), ("/x", "")):
            async with session.get(path, headers={"Authorization": f"Bearer {token}"}) as response:
                answers.append(f"{response.status} {response.headers} {await response.text()}")
    return "\n".join(answers)


async def _ask(home: Town) -> None:
    """Every command and button, of every shape of answer, by those who may and those who may not."""
    for home.upstream.shape in Shape:
        card = (await home.discord.command("token", id=1900, refresh=True)).message
        assert card is not None
        await home.discord.press(card, "Refresh")
    await home.discord.command("token", id=1901, share=True)
    await home.discord.command("token", id=77, refresh=True)
    await home.discord.command("token", id=1900, by=VISITOR)
    await home.discord.command("tokens")
    await home.discord.command("account")
    await home.discord.command("promptcheck", text="much gore")
    await home.discord.command("admin endpoints")
    await home.discord.until(lambda: "**Owner**" in home.discord.sent())
    await home.discord.command("board here")
    await home.discord.command("export")
    await home.discord.command("history")
    await home.discord.command("history", token=1900)
    await home.discord.until(lambda: home.discord.sent().count("chart.png") > 1)
    assert "token,utc,local,status" in home.discord.sent(), "the file of an export is among what is searched"
    await home.discord.suggest("token", "id", id="19")


async def _go_wrong(home: Town) -> None:
    """Everything that the upstream, Discord and the database may do wrong."""
    home.upstream.fail(REFUSAL)
    await home.until_told("refuses the API key")
    home.upstream.fail(FAILURE)
    await home.until_told("ImaginePro cannot be read")
    for echo in ECHOES:
        home.upstream.fail(echo)
        await home.discord.command("token", id=1900, refresh=True)
        await home.discord.command("promptcheck", text="a lighthouse")
    home.upstream.heal()
    await home.until_told("lets the bot in again")  # a poll may have met a refusal among them, instead of a failure
    home.upstream.has_list = False
    for step in MALFORMED_TEXT.steps:
        step.change(home.upstream)
    await home.until_told("1902 has an unknown status")
    home.upstream.fleet[1901].update(status="BANNED", secret=LIKE_A_TOKEN, token_=LIKE_A_TOKEN)
    with home.discord.outage(faults.RESET, "POST", "/channels/*", times=1):
        await home.until_told("1901 is BANNED")
    del home.upstream.fleet[1902]
    await home.until_told("1902 is gone")


async def _rows(home: Town) -> str:
    database = database_at(home.environment["DATABASE_URL"])
    try:
        return await database.read(_written)
    finally:
        await database.close()


def _written(connection: sa.Connection) -> str:
    """All that lies in all tables."""
    tables = sa.inspect(connection).get_table_names()
    assert {"tokens", "messages", "incidents"} <= set(tables)
    rows = [connection.execute(sa.select(sa.text("*")).select_from(sa.table(name))) for name in tables]
    return "\n".join(str(tuple(row)) for result in rows for row in result)


async def _sent_by_the_upstream(home: Town) -> str:
    headers = {"Authorization": f"Bearer {home.upstream.api_key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(home.environment["IMAGINEPRO_API_URL"] + "/api/v1/discord/token/1900") as response,
    ):
        return await response.text()


async def test_what_is_said_of_wrong_settings_holds_none_of_them(sqlite_url: str, tmp_path: Path) -> None:
    wrong = {
        "DISCORD_TOKEN": f"'{TOKEN}'",
        "IMAGINEPRO_API_KEY": f"Bearer {KEY}",
        "IMAGINEPRO_API_URL": f"https://{KEY}@api.imaginepro.ai",
        "DATABASE_URL": f"postgres://bot:{PASSWORD}@[::1/bot",
        "LOG_LEVEL": LIKE_A_TOKEN,
    }
    async with town(sqlite_url, tmp_path) as home, home.bot(**wrong) as bot:
        assert (await bot.wait()).code == 78
    assert all(name in bot.stderr for name in wrong)
    assert found({"its outputs": bot.output}) == set()


HALVES = ("CanaryOfTheLeft", "CanaryOfTheRight")
RESERVED = ":/?#[]@!$&'()*+,;=%" + '"<>\\^`{|}~'
"""Of URLs, and what else people do not know whether to encode."""


def _passwords() -> dict[str, str]:
    """Passwords of every reserved character, as they stand in a URL, by what they are."""
    left, right = HALVES
    raw = {f"raw {each}": f"{left}{each}{right}" for each in RESERVED}
    encoded = quote(RESERVED.join(HALVES), safe="")
    return raw | {
        "encoded": encoded,
        "a port": f"{left}@x:{right}",
        "a path": f"{left}@x/{right}",
        "two": f"{left}:@{right}:",
    }


@pytest.mark.long
async def test_no_piece_of_a_password_is_said_or_looked_up_whatever_is_in_it(
    sqlite_url: str, tmp_path: Path, unused_tcp_port: int
) -> None:
    asked, room = tmp_path / "asked", asyncio.Semaphore(4)

    async def said(home: Town, command: str, url: str, form: str) -> str:
        settings = {"DATABASE_URL": url, "LOG_LEVEL": "debug", "LOG_FORMAT": form, "FAKE_LOOKUPS": f"{asked}"}
        async with room, home.bot(command, **settings) as bot:
            assert (await bot.wait(within=60)).code in {75, 78}, bot.output
        return bot.output

    place = f"@localhost:{unused_tcp_port}/bot"
    urls = [f"postgres://bot:{password}{place}" for password in _passwords().values()]
    urls += [f"postgres://{place.removeprefix('@')}?user=bot&password={password}" for password in _passwords().values()]
    several = place.replace("/bot", f",localhost:{unused_tcp_port}/bot?application_name=bot")
    urls += [f"postgres://bot:{quote(RESERVED.join(HALVES), safe='')}{several}"]
    async with town(sqlite_url, tmp_path) as home:
        runs = [("check", url) for url in urls] + [("run", url) for url in urls[::4]]
        outputs = await asyncio.gather(
            *(said(home, command, url, ("text", "json")[number % 2]) for number, (command, url) in enumerate(runs))
        )
    assert set(asked.read_text().split()) <= {"localhost", "127.0.0.1"}
    told = [(url, half) for (_, url), output in zip(runs, outputs, strict=True) for half in HALVES if half in output]
    assert told == []


@pytest.mark.parametrize("form", ["text", "json"])
async def test_what_check_says_of_services_that_refuse_the_bot_holds_no_secret(
    sqlite_url: str, tmp_path: Path, form: str
) -> None:
    settings = {
        "IMAGINEPRO_API_KEY": KEY,
        "DATABASE_URL": f"postgres://bot:{PASSWORD}@127.0.0.1:9/bot",
        "LOG_FORMAT": form,
        "LOG_LEVEL": "debug",
    }
    async with town(sqlite_url, tmp_path) as home:
        home.upstream.fail(REFUSAL)
        home.discord.outage(faults.error(503, message=f"Bot {TOKEN}"), "GET", "/channels/*")
        async with home.bot("check", **settings) as bot:
            assert (await bot.wait(within=30)).code == 78
    assert bot.stdout.count("FAIL") == 3, bot.output
    assert found({"its outputs": bot.output}) == set()
