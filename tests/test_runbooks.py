"""Runbooks over HTTP: what the bot does by itself is stored before, sent once, told, and taken back after a restart."""

import asyncio
from datetime import timedelta

import pytest

from bot.domain.acts import Kind, State
from bot.domain.incidents import Key, Rule
from bot.domain.runbooks import Book, Does, Runbook, Trail
from bot.domain.watch.running import RETRY
from bot.runbooks import work
from bot.sandbox import imaginepro as sandbox
from bot.sandbox.imaginepro import Upstream, token_record
from bot.storage.store import StoreError
from tests.leap import leaping, time_of_day  # noqa: F401 - time leaps in all tests of this module
from tests.test_acts import ANA, BANNED, Ward, off, ward

BOTH = (Book.SWITCH_OFF, Book.SWITCH_ON)


async def let(bot: Ward, *books: Book) -> None:
    """Somebody sets these."""
    for book in books:
        setting = Runbook(book, time_of_day(), ANA, Does.ON, timedelta(minutes=10))
        await bot.monitor.decide(setting, "runbook set", ANA)


async def passing(bot: Ward, minutes: float) -> None:
    """The bot polls each minute, and its runbooks work."""
    for _ in range(int(minutes)):
        await asyncio.sleep(60)
        await bot.monitor.poll()
        await once(bot)


async def once(bot: Ward) -> None:
    """They work once, and what they begin is over."""
    await bot.acts.settle()
    await work(bot.monitor, bot.acts)
    while any(not each.settled for each in bot.monitor.known.acts.values()) or bot.acts._tasks:
        await asyncio.sleep(1)


def ban(bot: Ward, *tokens: int, status: str = "BANNED") -> None:
    """ImaginePro lists them so from now on."""
    for token in tokens:
        bot.upstream.fleet[token]["status"] = status


async def test_what_is_banned_is_switched_off_told_and_switched_on_again(database_url: str) -> None:
    async with ward(database_url) as bot:
        await let(bot, *BOTH)
        ban(bot, 1900)
        await passing(bot, 3)
        assert (bot.on(), bot.sent) == (False, 1)
        assert await bot.told() == ["🔧 1900 was switched off by the bot: runbook switch off when banned"]
        ban(bot, 1900, status="FAST")
        await passing(bot, 20)
        assert (bot.on(), bot.sent) == (True, 2)
        assert (await bot.told())[1] == "🔧 1900 was switched on by the bot: runbook switch on again"
        assert [line.partition(" · ")[0] for line in await bot.audit() if line[0] == "0"] == [
            "0 about to: switch 1900 off",
            "0 done: switch 1900 off",
            "0 about to: switch 1900 on",
            "0 done: switch 1900 on",
        ]


async def test_what_a_copy_before_switched_off_is_switched_on_by_the_next(database_url: str) -> None:
    upstream = Upstream((token_record(1900), token_record(1901)))
    async with ward(database_url, upstream) as bot:
        await let(bot, *BOTH)
        ban(bot, 1900)
        await passing(bot, 2)
    async with ward(database_url, upstream) as bot:
        assert not bot.on()
        ban(bot, 1900, status="FAST")
        await passing(bot, 15)
        assert bot.on()
        assert upstream.fleet[1901]["isActive"]


async def test_the_card_tells_it(database_url: str) -> None:
    async with ward(database_url) as bot:
        await let(bot, Book.SWITCH_OFF)
        ban(bot, 1900)
        await bot.monitor.poll()
        message = await bot.monitor.message(1)
        await once(bot)
        assert message is not None
        found = [await bot.monitor.message(place) for place in range(1, 5)]
        moments = [
            moment.act
            for each in found
            if each is not None and each.notice is None
            for incident in each.incidents
            if incident.key == BANNED
            for moment in incident.moments
        ]
        assert "switched off" in moments


async def test_an_act_whose_answer_is_lost_happens_once(database_url: str) -> None:
    async with ward(database_url) as bot:
        await let(bot, Book.SWITCH_OFF)
        ban(bot, 1900)
        bot.upstream.fail(sandbox.RESET_AFTER, times=1, at="TOGGLE")
        await passing(bot, 30)
        assert (bot.on(), bot.sent) == (False, 1)


async def test_what_is_refused_is_tried_once_more_after_a_pause_and_then_left_to_people(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        await let(bot, Book.SWITCH_OFF)
        ban(bot, 1900)
        bot.upstream.fail(sandbox.FORBIDDEN, at="TOGGLE")
        await passing(bot, RETRY / timedelta(minutes=1) * 4)
        assert (bot.on(), bot.sent) == (True, 2)


async def test_a_person_wins_for_an_hour(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        await let(bot, Book.SWITCH_OFF)
        await bot.do(off())
        bot.upstream.fleet[1900]["isActive"] = True  # and on again at ImaginePro itself
        ban(bot, 1900)
        await passing(bot, 50)
        assert bot.on()
        trail = bot.monitor.known.decisions.trails["trail-toggle-1900"]
        assert trail.hand_at is not None


async def test_read_only_does_nothing_though_it_is_on(sqlite_url: str) -> None:
    async with ward(sqlite_url, read_only=True) as bot:
        await let(bot, *BOTH)
        ban(bot, 1900)
        await passing(bot, 3)
        assert (bot.on(), bot.sent) == (True, 0)


async def test_several_are_one_line(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        await let(bot, Book.SWITCH_OFF)
        ban(bot, 1900, 1901)
        await passing(bot, 1)
        assert await bot.told() == ["🔧 1900 and 1901 were switched off by the bot: runbook switch off when banned"]
        assert await bot.stored() == [State.DONE, State.DONE]


async def test_what_cannot_be_stored_is_not_done(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        await let(bot, Book.SWITCH_OFF)
        ban(bot, 1900)
        await bot.monitor.poll()
        bot.store.refuses = lambda changes: any(isinstance(each, Trail) for each in changes.decided)
        with pytest.raises(StoreError, match="the disk is full"):
            await work(bot.monitor, bot.acts)
        assert (bot.on(), bot.sent) == (True, 0)
        assert not bot.monitor.known.decisions.trails
        bot.store.refuses = lambda _: False
        await once(bot)
        assert not bot.on()


async def test_the_queue_is_paused_and_resumed(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        await let(bot, Book.QUEUE)
        ban(bot, 1900, 1901, 1902, status="VERIFYING")
        await passing(bot, 5)
        assert Key(Rule.POOL, step="usable") in bot.monitor.known.incidents
        assert [each.wanted for each in bot.monitor.known.acts.values() if each.kind is Kind.QUEUE] == ["pause"]
        ban(bot, 1900, status="FAST")
        await passing(bot, 15)
        assert [each.wanted for each in bot.monitor.known.acts.values() if each.kind is Kind.QUEUE][-1] == "resume"
