"""A test of the way to a person, in the real process: it goes that way, whatever happens on it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.steering import TEST_LASTS
from tests.wire.faults import HANG
from tests.wire.messages import Message
from tests.wire.town import BASELINE, Town, town
from tests.wire.world import COLLEAGUE, MANAGERS, OPERATOR, VISITOR

PAGE = "🧪 Test page: acknowledge it within 5 min"
MESSAGES = "/channels/*/messages"
SECOND = timedelta(seconds=1)


@pytest.fixture
async def home(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """A town whose bot lives by a clock that leaps."""
    async with town(sqlite_url, tmp_path) as place:
        place.environment["FAKE_CLOCK"] = f"{tmp_path}/clock"
        yield place


def leap(home: Town, by: timedelta) -> None:
    """Let so much time go by."""
    (home.folder / "clock").write_text(f"{by.total_seconds()}")


def pages(home: Town) -> list[Message]:
    """The messages of tests."""
    return [each for each in home.cards if PAGE in each.versions[0].text]


async def asked(home: Town) -> Message:
    """The page of a test that the operator asks for."""
    answer = await home.discord.command("admin test")
    assert "A test page is on its way to <#" in answer.shown.text
    return await home.until_told(PAGE)


async def until_linked(home: Town) -> None:
    """Wait until the bot knows where its page is."""
    while "[jump]" not in (await home.discord.command("incidents")).shown.text:
        await asyncio.sleep(0.1)


async def test_it_calls_whom_a_page_calls_and_says_who_answered(home: Town) -> None:
    async with home.settled_bot():
        page = await asked(home)
        assert page.now.mentioned_roles == [home.discord.alert_role_id]
        assert list(page.now.buttons) == ["Acknowledge"]
        refused = await home.discord.press(page, "Acknowledge", VISITOR)
        assert "operator role" in refused.shown.text
        answer = await home.discord.press(page, "Acknowledge", COLLEAGUE)
        assert "The page reached you" in answer.shown.text
        assert await home.until_told(f"✅ Test: <@{COLLEAGUE.id}> answered after") is page
        assert not page.now.mentioned_roles
        assert not page.now.buttons
        assert "No incident is open" in (await home.discord.command("incidents")).shown.text
        trail = (await home.discord.command("admin audit")).shown.text
        assert f"<@{OPERATOR.id}> **test**" in trail
        assert f"<@{COLLEAGUE.id}> **acknowledge** test" in trail
        assert home.notices == []


async def test_asked_for_twice_at_once_it_is_one(home: Town) -> None:
    async with home.settled_bot():
        answers = await asyncio.gather(*(home.discord.command("admin test", who) for who in (OPERATOR, COLLEAGUE)))
        said = sorted(each.shown.text for each in answers)
        assert "A test is open already" in said[0]
        assert "A test page is on its way" in said[1]
        await home.until_told(PAGE)
        await home.quiet_polls(2)
        assert len(pages(home)) == 1


@pytest.mark.long
async def test_killed_while_it_is_posted_it_is_posted_once_and_ends_when_its_time_is_over(home: Town) -> None:
    """Discord takes the page, and the bot never hears of it; the next one finds it, reminds, and is killed as well."""
    async with home.settled_bot() as bot:
        with home.discord.outage(HANG.after_accepting(), "POST", MESSAGES, times=1) as outage:
            await home.discord.command("admin test")
            await home.discord.until(lambda: outage.hits == 1)
            await home.until_told(PAGE)
            await bot.kill()
    async with home.bot() as bot:
        await bot.wait_ready()
        await until_linked(home)
        leap(home, TEST_LASTS / 2)
        await home.discord.until(lambda: any("still not acknowledged" in each for each in home.notices))
        await bot.kill()
    leap(home, TEST_LASTS + SECOND)
    async with home.bot() as bot:
        page = await home.until_told("❌ Test: nobody answered within 5 min")
        assert "docs/phone.md" in page.now.text
        assert not page.now.buttons
        await home.quiet_polls(2)
    assert pages(home) == [page]
    assert len(home.notices) == 1, "the reminder, and no word of an end that stands in sight"


@pytest.mark.long
async def test_what_discord_did_not_take_in_time_blames_nobody(home: Town) -> None:
    async with home.settled_bot():
        down = home.discord.outage(HANG, "POST", MESSAGES)
        await home.discord.command("admin test")
        await home.discord.until(lambda: down.hits >= 1)
    leap(home, TEST_LASTS + SECOND)
    down.stop()
    async with home.bot():
        page = await home.until_told("Test: it could not be posted within 5 min")
        await home.quiet_polls(2)
    assert not page.now.mentioned_roles
    assert len([each for each in home.cards if "Test" in each.versions[0].text]) == 1


@pytest.mark.parametrize(
    ("role", "sentence"),
    [
        ("", "Critical alerts mention nobody: set ALERT_ROLE_ID"),
        (f"{MANAGERS.id}", "ALERT_ROLE_ID: the bot may not mention @managers: in that role's settings allow"),
        ("1100000000000000999", "ALERT_ROLE_ID: studio has no role 1100000000000000999"),
    ],
)
async def test_that_nobody_is_mentioned_is_said_first_and_by_each_test(home: Town, role: str, sentence: str) -> None:
    async with home.settled_bot(ALERT_ROLE_ID=role):
        assert sentence in home.told(BASELINE)[0].versions[0].text.replace("\\", "")
        answer = await home.discord.command("admin test")
        assert sentence in answer.shown.text.replace("\\", "")
        page = await home.until_told(PAGE)
        assert sentence in page.now.text.replace("\\", "")
        await home.discord.press(page, "Acknowledge")
        await home.until_told("✅ Test: ")


async def test_where_somebody_is_mentioned_the_first_message_says_nothing_of_it(home: Town) -> None:
    async with home.settled_bot():
        assert "ROLE" not in home.told(BASELINE)[0].versions[0].text
