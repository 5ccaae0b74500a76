"""Somebody else is told what the ops channel cannot hear of: once each time, and again when that did not arrive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise

import pytest
from aiohttp import web

from bot.delivery.outcome import BlockedError, LaterError, Posted, RefusedError, UncertainError
from bot.domain.incidents import Rule
from bot.domain.messages import Message, Notice, NoticeKind
from bot.domain.watch.known import Changes
from bot.outbox import Outbox
from bot.webhook import Event, Fallback, Webhook
from tests.domain.fleets import START
from tests.leap import leaping  # noqa: F401 - time leaps in all tests of this module
from tests.test_outbox import Post, Room, at_work, running
from tests.waiting import until


@asynccontextmanager
async def pager(
    statuses: list[int], *, unknown: Event | None = None, takes: float = 0
) -> AsyncIterator[tuple[str, list[object]]]:
    """A service that answers with these statuses, then with 200; gives its address and what it was told.

    It refuses the `unknown` event, and thinks about each for as long as it `takes`.
    """
    told: list[object] = []

    async def take(request: web.Request) -> web.Response:
        said = await request.json()
        await asyncio.sleep(takes)
        told.append(said)
        if said["event"] == unknown:
            return web.Response(status=400)
        return web.Response(status=statuses.pop(0) if statuses else 200)

    app = web.Application()
    app.router.add_post("/secret-path", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/secret-path", told
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("what", Event)
async def test_it_is_a_small_documented_object(what: Event) -> None:
    async with pager([]) as (url, told):
        assert await Webhook(url, lambda: START).notify(what, "Discord answered 403")
    (said,) = told
    assert isinstance(said, dict)
    assert said | {"event": what.value, "reason": "Discord answered 403", "at": START.isoformat()} == said


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_an_answer_that_is_no_yes_is_a_failure(status: int, caplog: pytest.LogCaptureFixture) -> None:
    async with pager([status]) as (url, _):
        assert not await Webhook(url, lambda: START).notify(Event.OPS_CHANNEL_BLOCKED, "blocked")
    assert "did not take it" in caplog.text


async def test_an_address_that_cannot_be_reached_is_logged_without_the_address(
    unused_tcp_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}/secret-path"
    assert not await Webhook(url, lambda: START).notify(Event.OPS_CHANNEL_BLOCKED, "blocked")
    assert "cannot be reached" in caplog.text
    assert "secret-path" not in caplog.text


@asynccontextmanager
async def telling(url: str, sqlite_url: str, room: Room | None = None) -> AsyncIterator[Post]:
    """An outbox at work that tells that address."""
    async with at_work(sqlite_url) as post:
        post.room = room or post.room
        outbox = Outbox(post.store, post.room, post.clock, post.handover, Webhook(url, post.clock).notify)
        async with running(outbox):
            yield post


def events(told: list[object]) -> list[object]:
    """What was told of."""
    return [each["event"] for each in told if isinstance(each, dict)]


async def test_somebody_is_told_once_each_time_the_channel_is_blocked_and_open_again(sqlite_url: str) -> None:
    async with pager([503]) as (url, told), telling(url, sqlite_url) as post:
        for number in (1, 2):
            post.room.answers = [BlockedError("Discord answered 403")] * 4
            await post.incident(number)
            await until("the message", lambda: len(post.room.shown) == number, within=1000)  # noqa: B023 - awaited here
            await asyncio.sleep(300)
        blocked = ["ops_channel_blocked", "ops_channel_open"]
        assert events(told) == ["ops_channel_blocked", *blocked, *blocked], "the first did not arrive"


@asynccontextmanager
async def fallback_at(url: str) -> AsyncIterator[Fallback]:
    """What tells that address, at work."""

    async def nothing(_told: object) -> None:
        """There is no other start."""

    fallback = Fallback(Webhook(url, lambda: START).notify, nothing)
    fallback.resume(told=False)
    task = asyncio.create_task(fallback.run())
    try:
        yield fallback
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_who_was_told_before_a_start_is_told_once_and_told_when_it_is_open(sqlite_url: str) -> None:
    async with pager([]) as (url, told):
        async with telling(url, sqlite_url) as post:
            post.room.answers = [BlockedError("Discord answered 403")]
            await post.incident(1)
            await asyncio.sleep(10)
        for _ in range(2):
            async with telling(url, sqlite_url) as post:
                post.room.answers = [BlockedError("Discord answered 403")]
                await asyncio.sleep(59)
        assert events(told) == ["ops_channel_blocked"]
        for _ in range(2):
            async with telling(url, sqlite_url) as post:
                await post.incident(2)
                await asyncio.sleep(600)
        assert events(told) == ["ops_channel_blocked", "ops_channel_open"]


async def test_somebody_is_told_when_discord_does_not_even_let_the_bot_in(sqlite_url: str) -> None:
    async with pager([]) as (url, told):
        for _ in range(2):
            async with telling(url, sqlite_url, Room(open=asyncio.Event())):
                await asyncio.sleep(3600)
        assert told == [], "nothing is open"
        async with telling(url, sqlite_url, Room(open=asyncio.Event())) as post:
            await post.incident(1)
            await asyncio.sleep(240)
            assert told == []
            await asyncio.sleep(3600)
            assert events(told) == ["ops_channel_blocked"]
            assert "has not let the bot in" in str(told)
        room = Room(open=asyncio.Event())
        async with telling(url, sqlite_url, room) as post:
            await asyncio.sleep(3600)
            assert events(told) == ["ops_channel_blocked"], "it was told before the start"
            assert room.open is not None
            room.open.set()
            await until("the message", lambda: room.shown)
            await asyncio.sleep(600)
        assert events(told) == ["ops_channel_blocked", "ops_channel_open"]


async def test_an_event_that_the_address_does_not_take_keeps_no_other_back() -> None:
    async with pager([], unknown=Event.MESSAGE_REFUSED) as (url, told), fallback_at(url) as fallback:
        fallback.tell(Event.MESSAGE_REFUSED, "banned 1900 cannot be posted")
        fallback.block("Discord answered 403")
        await asyncio.sleep(130)
        fallback.open()
        await asyncio.sleep(130)
    assert [each for each in events(told) if each != "message_refused"] == ["ops_channel_blocked", "ops_channel_open"]
    assert len(told) <= 7, "what is refused is told again once a minute"


@pytest.mark.parametrize("turns", range(1, 6))
async def test_whoever_is_told_late_knows_in_the_end_how_the_channel_is(turns: int) -> None:
    async with pager([], takes=8) as (url, told), fallback_at(url) as fallback:
        for turn in range(turns):
            if turn % 2:
                fallback.open()
            else:
                fallback.block("Discord answered 403")
            await asyncio.sleep(3)
        await asyncio.sleep(100)
    assert events(told)[-1] == ("ops_channel_blocked" if turns % 2 else "ops_channel_open")
    assert all(one != other for one, other in pairwise(events(told))), "nothing is told twice"


async def test_nobody_is_told_that_it_is_open_who_was_not_told_that_it_was_blocked(sqlite_url: str) -> None:
    async with pager([503] * 9) as (url, told), telling(url, sqlite_url) as post:
        post.room.answers = [BlockedError("Discord answered 403")]
        await post.incident(1)
        await asyncio.sleep(3600)
        assert post.room.shown
        assert set(events(told)) == {"ops_channel_blocked"}
        assert len(told) <= 3


async def test_what_is_open_and_refused_for_good_goes_to_somebody_else(sqlite_url: str) -> None:
    async with pager([]) as (url, told), telling(url, sqlite_url) as post:
        post.room.answers = [RefusedError("Discord answered 400, code 50006")]
        await post.incident(1900, Rule.BANNED)
        await asyncio.sleep(300)
        assert [(each["event"], each["reason"]) for each in told if isinstance(each, dict)] == [
            ("message_refused", "banned 1900 cannot be posted: Discord answered 400, code 50006")
        ]


async def test_what_discord_always_fails_at_is_told_of_though_others_are_posted(sqlite_url: str) -> None:
    failed = UncertainError("Discord answered 500", answered=True)

    class Poisoned(Room):
        async def post(self, message: Message) -> Posted:
            if message.id == 1:
                raise failed
            return await super().post(message)

    async with pager([]) as (url, told), telling(url, sqlite_url, Poisoned()) as post:
        await post.incident(1900, Rule.BANNED)
        for token in range(2, 16):
            await asyncio.sleep(120)
            await post.incident(token)
        await asyncio.sleep(120)
        assert post.tokens() == [[token] for token in range(2, 16)]
    assert [(each["event"], each["reason"]) for each in told if isinstance(each, dict)] == [
        ("message_refused", "banned 1900 cannot be posted: Discord answered 500")
    ]


@pytest.mark.parametrize("everywhere", [True, False])
async def test_somebody_is_told_of_what_begins_while_discord_wants_no_post_for_long(
    sqlite_url: str,
    everywhere: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    async with pager([]) as (url, told), telling(url, sqlite_url) as post:
        limit = LaterError("Discord answered 429", timedelta(hours=1), everywhere=everywhere, answered=True)
        over = await post.incident(1)
        await until("the first", lambda: post.room.shown)
        post.room.answers = [limit]
        notice = Notice(NoticeKind.SILENCE_ENDED, post.clock.now)
        await post.resolve(over)
        await post.store.save(Changes(post.clock.now, notices=(notice,)), post.clock.now)
        post.handover.wake()
        await asyncio.sleep(600)
        assert told == [], "nothing is open"
        await post.incident(2)
        await until("the fallback", lambda: told)
        assert events(told) == ["ops_channel_blocked"]
        assert "1:00:00" in str(told)
        await asyncio.sleep(3600)
        assert events(told) == ["ops_channel_blocked", "ops_channel_open"]


async def test_no_edit_is_anybody_elses_business(sqlite_url: str) -> None:
    async with pager([]) as (url, told), telling(url, sqlite_url) as post:
        incident = await post.incident(1)
        await until("the card", lambda: post.room.shown)
        post.room.answers = [BlockedError("Discord answered 403"), LaterError("429", timedelta(hours=1))]
        await post.resolve(incident)
        await asyncio.sleep(7200)
        assert post.room.calls == ["post", "edit", "edit", "edit"]
        assert told == []
