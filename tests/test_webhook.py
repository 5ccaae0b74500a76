"""Somebody else is told what the ops channel cannot hear of: once each time, and again when that did not arrive."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from bot.handover import Handover
from bot.outbox import BlockedError, Outbox
from bot.webhook import Event, Webhook
from tests.domain.fleets import START
from tests.leap import leaping  # noqa: F401 - time leaps in all tests of this module
from tests.test_outbox import Post, at_work


@asynccontextmanager
async def pager(statuses: list[int]) -> AsyncIterator[tuple[str, list[object]]]:
    """A service that answers with these statuses, then with 200; gives its address and what it was told."""
    told: list[object] = []

    async def take(request: web.Request) -> web.Response:
        told.append(await request.json())
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
    assert told == [{"event": what.value, "reason": "Discord answered 403", "at": START.isoformat()}]


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


async def test_the_outbox_tells_it_once_each_time_it_is_blocked_and_until_it_arrives(sqlite_url: str) -> None:
    async with pager([503]) as (url, told), at_work(sqlite_url) as post:
        watched = Post(post.store, post.room, post.clock, _telling(post, url))
        post.room.answers = [BlockedError("403")] * 4
        await watched.incident(1)
        await watched.deliver_all()
        assert len(told) == 2, "the first did not arrive, the second did, and then it was told"
        post.room.answers = [BlockedError("403")]
        await watched.incident(2)
        await watched.deliver_all()
        assert len(told) == 3


def _telling(post: Post, url: str) -> Outbox:
    return Outbox(post.store, post.room, post.clock, Handover(), notify=Webhook(url, post.clock).notify)
