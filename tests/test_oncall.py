"""Who is on call, in the real process: whom a page and its reminders mention, and how a shift begins."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.steering import REMIND_AGAIN, REMIND_FIRST
from tests.wire.messages import Message
from tests.wire.town import Town, town
from tests.wire.world import COLLEAGUE, MANAGERS, ON_CALL, OPERATOR

WEEK = timedelta(days=7)
SILENT = 1 << 12
"""Discord's flag of a message that notifies nobody."""


@pytest.fixture
async def home(database_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """A town whose bot lives by a clock that leaps."""
    async with town(database_url, tmp_path) as place:
        place.environment["FAKE_CLOCK"] = f"{tmp_path}/clock"
        yield place


def leap(home: Town, to: timedelta) -> None:
    """Let the bot's clock be ahead by so much."""
    (home.folder / "clock").write_text(f"{to.total_seconds()}")


def shifts(home: Town) -> list[Message]:
    """What the channel was told of who is on call."""
    return [each for each in home.discord.messages() if "is on call until" in each.now.content]


async def until(home: Town, words: str, times: int = 1) -> Message:
    """The newest message that says so, once there are so many."""

    def found() -> list[Message]:
        return [each for each in home.discord.messages() if words in each.now.text]

    await home.discord.until(lambda: len(found()) >= times)
    return found()[-1]


async def set_rota(home: Town) -> None:
    """The operator is on call this week, and the colleague next."""
    answer = await home.discord.command("oncall set", first=OPERATOR, second=COLLEAGUE)
    assert "Set: " in answer.shown.text


@pytest.mark.long
async def test_a_page_mentions_the_person_then_the_next_and_then_the_second_role(home: Town) -> None:
    async with home.settled_bot(ALERT_ROLE_ID=str(MANAGERS.id), ESCALATION_ROLE_ID=str(ON_CALL.id)):
        await set_rota(home)
        told = await until(home, f"<@{OPERATOR.id}> is on call until")
        assert told.now.body["flags"] & SILENT
        assert (told.now.mentioned_people, told.now.mentioned_roles) == ([], [])
        home.upstream.fleet[1900]["status"] = "BANNED"
        card = await home.until_told("1900 is BANNED")
        assert (card.now.mentioned_people, card.now.mentioned_roles) == ([OPERATOR.id], [])
        assert card.now.content.startswith(f"<@{OPERATOR.id}> **🔴")
        ladder = []
        for number in range(3):
            leap(home, REMIND_FIRST + number * REMIND_AGAIN + timedelta(seconds=number + 1))
            reminder = await until(home, "Still open: Token 1900", number + 1)
            ladder.append((sorted(reminder.now.mentioned_people), reminder.now.mentioned_roles))
        both = sorted([OPERATOR.id, COLLEAGUE.id])
        assert ladder == [([OPERATOR.id], []), (both, []), (both, [ON_CALL.id])]
        await home.discord.press(card, "Acknowledge", COLLEAGUE)
        await home.discord.until(lambda: not card.now.mentioned_people)
        assert len(shifts(home)) == 1


@pytest.mark.long
async def test_a_handover_while_it_is_down_is_told_once_with_what_is_open_and_pages_call_the_next(home: Town) -> None:
    async with home.settled_bot() as bot:
        await set_rota(home)
        await until(home, f"<@{OPERATOR.id}> is on call until")
        home.upstream.fleet[1900]["status"] = "BANNED"
        card = await home.until_told("1900 is BANNED")
        while "Press again" in (await home.discord.press(card, "Acknowledge")).shown.text:
            pass  # Discord shows it before the bot knows that it does
        await home.discord.until(lambda: not card.now.mentioned_people)
        await bot.kill()
    leap(home, 3 * WEEK)
    async with home.bot() as bot:
        await bot.wait_ready()
        told = await until(home, f"<@{COLLEAGUE.id}> is on call until")
        assert "1900" in told.now.content
        assert told.now.body["flags"] & SILENT
        assert (told.now.mentioned_people, told.now.mentioned_roles) == ([], [])
        await bot.kill()
    async with home.bot() as bot:
        await bot.wait_ready()
        home.upstream.fleet[1901]["status"] = "BANNED"
        page = await home.until_told("1901 is BANNED")
        assert (page.now.mentioned_people, page.now.mentioned_roles) == ([COLLEAGUE.id], [])
        await home.quiet_polls(2)
    assert len(shifts(home)) == 2, "of two shifts that began while it was down, and ended, nobody needs to know"


async def test_set_twice_at_once_there_is_one_rota_and_one_word_of_it(home: Town) -> None:
    async with home.settled_bot():
        await asyncio.gather(*(set_rota(home) for _ in range(2)))
        await until(home, f"<@{OPERATOR.id}> is on call until")
        leap(home, timedelta(seconds=30))
        await home.quiet_polls(2)
        assert len(shifts(home)) == 1
        off = await home.discord.command("oncall off")
        assert "rota" in off.shown.text
        home.upstream.fleet[1900]["status"] = "BANNED"
        page = await home.until_told("1900 is BANNED")
        assert (page.now.mentioned_people, page.now.mentioned_roles) == ([], [home.discord.alert_role_id])
