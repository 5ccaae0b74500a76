"""The board of a forum, over real sockets: a pinned post, made by itself once, and never against anybody's will."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace as rebuilt

import pytest
from discord.http import Route

from bot.chat.attempt import one_try
from bot.chat.client import ChatClient
from bot.chat.premises import Ids
from bot.delivery.handover import Handover
from bot.storage.store import Store, open_store
from tests.chat.test_boards import HALL, HOUR, MINUTE, OLIVE, Copy, Desk
from tests.leap import leaping, time_of_day  # noqa: F401 - time leaps in all tests of this module
from tests.wire.discord import Discord
from tests.wire.faults import HANG, error
from tests.wire.forum import Post
from tests.wire.world import APPLICATION_ID, FORUM, OPS, REQUIRE_TAG, Channel, Guild, Tag

BOARDS = Channel(OPS.id, "ops", FORUM)


@asynccontextmanager
async def led(monkeypatch: pytest.MonkeyPatch, fake: Discord, store: Store) -> AsyncIterator[Copy]:
    """A copy of the bot, which knows what the ops channel is."""
    monkeypatch.setattr(Route, "BASE", fake.api_base)
    desk, handover, busy = Desk(), Handover(), set[int]()
    async with ChatClient(desk, guild_id=fake.guild_id, channel_id=OPS.id, http_trace=one_try()) as client:
        await client.login(fake.token)
        client.ids = Ids(fake.guild_id, OPS.id)
        boards = client.keep_boards(store, handover, busy.__contains__)
        running = asyncio.create_task(boards.run())
        try:
            await client.look_around()
            assert client.place.link(7) == f"https://discord.com/channels/{fake.guild_id}/7"
            yield Copy(boards, desk, fake, store, handover, busy)
        finally:
            running.cancel()
            await asyncio.wait({running})


@pytest.fixture
async def fake() -> AsyncIterator[Discord]:
    async with Discord(Guild(channels=[BOARDS, HALL]), rate=None, clock=time_of_day).serving() as fake:
        fake.forums.may_manage = True
        yield fake


@pytest.fixture
async def store(sqlite_url: str) -> AsyncIterator[Store]:
    async with open_store(sqlite_url) as store:
        yield store


def posts(fake: Discord) -> list[Post]:
    """What is in the forum."""
    return fake.forums.of(OPS.id)


async def test_a_forum_gets_a_pinned_board_by_itself_and_none_again_once_it_was_taken_down(
    monkeypatch: pytest.MonkeyPatch, fake: Discord, store: Store
) -> None:
    async with led(monkeypatch, fake, store) as one:
        await one.poll(4 * MINUTE)
        (post,) = posts(fake)
        assert post.name == "Live board"
        assert post.pinned
        assert len(fake.messages()) == 1
        assert len(fake.messages()[0].versions) > 1
        (kept,) = one.boards.all
        assert (kept.discord_id, kept.pinned, kept.forum, kept.by) == (post.id, True, True, APPLICATION_ID)
        (entry,) = await store.audit(5)
        assert (entry.by, entry.act) == (APPLICATION_ID, "board here")
    async with led(monkeypatch, fake, store) as one:
        await one.poll(2 * MINUTE)
        assert len(posts(fake)) == 1
        await one.boards.remove(OPS.id, OLIVE)
        assert posts(fake) == []
    async with led(monkeypatch, fake, store) as one:
        await one.poll(2 * MINUTE)
        assert posts(fake) == []


async def test_who_unpins_it_or_lets_it_rest_is_respected_and_it_stays_true(
    monkeypatch: pytest.MonkeyPatch, fake: Discord, store: Store
) -> None:
    async with led(monkeypatch, fake, store) as one:
        await one.poll(2 * MINUTE)
        (post,) = posts(fake)
        fake.forums.archive(post)
        before = len(fake.messages()[0].versions)
        await one.poll(2 * MINUTE)
        assert len(fake.messages()[0].versions) > before
        assert not post.archived
        assert not post.pinned


@pytest.mark.parametrize("what", ["post", "message"])
async def test_one_that_is_deleted_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, fake: Discord, store: Store, what: str
) -> None:
    async with led(monkeypatch, fake, store) as one:
        await one.poll(2 * MINUTE)
        await asyncio.sleep(HOUR)
        (post,) = posts(fake)
        if what == "post":
            fake.forums.remove(post)
        else:
            fake.messages()[0].deleted = True
        await one.poll(7 * MINUTE)
        assert posts(fake)[-1].id != post.id
        assert posts(fake)[-1].pinned


@pytest.mark.parametrize("closed", [False, True])
async def test_one_of_which_nobody_heard_is_found_by_its_mark(
    monkeypatch: pytest.MonkeyPatch, fake: Discord, store: Store, *, closed: bool
) -> None:
    with fake.outage(HANG.after_accepting(), "POST", "*/threads", times=1):
        async with led(monkeypatch, fake, store) as one:
            await one.poll(1.5 * MINUTE, every=MINUTE / 2)
    (post,) = posts(fake)
    fake.forums.start(OPS.id, {"name": "mine", "message": {"content": "hello"}})
    fake.forums.archive(post, archived=closed)
    async with led(monkeypatch, fake, store) as one:
        await one.poll(2 * MINUTE)
        assert one.boards.all[0].discord_id == post.id
        assert len(posts(fake)) == 2


async def test_without_manage_threads_it_is_not_pinned_and_what_it_says_is_taken_away(
    monkeypatch: pytest.MonkeyPatch, fake: Discord, store: Store
) -> None:
    fake.forums.may_manage = False
    async with led(monkeypatch, fake, store) as one:
        await one.poll(2 * MINUTE)
        (post,) = posts(fake)
        assert one.boards.all[0].pinned is False
        kept = await one.boards.remove(OPS.id, OLIVE)
        assert kept
        assert kept.trouble == ""
        assert fake.messages() == []
        assert post.archived
        await one.boards.put(OPS.id, OLIVE)
        fake.forums.remove(posts(fake)[-1])
        kept = await one.boards.remove(OPS.id, OLIVE)
        assert kept
        assert kept.trouble == ""


async def test_a_forum_that_wants_a_tag_has_it_on_its_board(
    monkeypatch: pytest.MonkeyPatch, fake: Discord, store: Store
) -> None:
    with fake.outage(error(503), "POST", "*/threads", times=1):
        async with led(monkeypatch, fake, store) as one:
            await one.poll(MINUTE)
            wanting = rebuilt(BOARDS, flags=REQUIRE_TAG, tags=(Tag(9, "art"),))
            fake.guild = Guild(channels=[wanting, HALL])
            await one.poll(3 * MINUTE)
            assert fake.forums.tags(posts(fake)[0]) == ["art"]
