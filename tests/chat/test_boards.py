"""Boards over real sockets: when they are edited, and what becomes of them whatever Discord answers."""

import asyncio
import itertools
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import discord as discord_py
import pytest
import sqlalchemy as sa
from discord.http import Route

from bot.chat.alerts import Roles, alert
from bot.chat.attempt import one_try
from bot.chat.board import MOST, Boards, first_come
from bot.chat.channel import OpsChannel
from bot.chat.client import ChatClient
from bot.delivery.handover import Handover
from bot.delivery.rests import Subject
from bot.domain.model import Fleet
from bot.domain.rules.policy import Policy
from bot.outbox import Outbox
from bot.saving import speaks_for_itself
from bot.storage.schema import boards
from bot.storage.store import FencedError, Store, open_store
from tests.chat.builders import fleet, summary, token
from tests.chat.conftest import FakeDesk
from tests.leap import leaping, time_of_day  # noqa: F401 - time leaps in all tests of this module
from tests.wire.discord import Call, Discord, Rate
from tests.wire.faults import HANG, RESET, Fault, error, rate_limited
from tests.wire.messages import Message
from tests.wire.world import OPS, Channel, Guild

HALL = Channel(OPS.id + 1, "hall")
OLIVE = 42
MINUTE = 60.0
FIVE = 5 * MINUTE
HOUR = 60 * MINUTE


class Desk(FakeDesk):
    """One that lives by the loop's clock, and whose fleet was just read."""

    def __init__(self) -> None:
        super().__init__()
        self.rendered = 0
        """How often it was asked for what a board shows."""
        self.ahead = timedelta()
        """By how much its clock is wrong."""
        self.read()

    @property
    def policy(self) -> Policy:
        """How the rules are set: asked for once a rendering."""
        self.rendered += 1
        return super().policy

    @property
    def now(self) -> datetime:
        """The time."""
        return time_of_day() + self.ahead

    @now.setter
    def now(self, _: datetime) -> None:
        """It is not for us to say."""

    def read(self, percent: float = 80) -> None:
        """A poll ends: the one token has so much fast time left."""
        left = f"{percent * 0.15:.2f}/15.0 hours ({percent:.2f}%)"
        self.fleet = fleet(token(1900, fast_time_remaining=left), read_at=self.now)


@dataclass
class Copy:
    """A copy of the bot that leads: its boards, and what keeps them from being edited."""

    boards: Boards
    desk: Desk
    fake: Discord
    store: Store
    handover: Handover = field(default_factory=Handover)
    busy: set[int] = field(default_factory=set)
    """Channels in which an alert waits."""

    async def poll(self, seconds: float, *, every: float = MINUTE, changing: bool = True) -> None:
        """Let so much time go by, with a reading now and then."""
        percents = itertools.cycle(range(20, 95)) if changing else itertools.repeat(80)
        for _ in range(int(seconds // every)):
            await asyncio.sleep(every)
            self.desk.read(next(percents))
            self.boards.polled()

    def shown(self, channel: Channel = HALL) -> list[Message]:
        """The messages of a channel."""
        return self.fake.messages(channel.id)

    def edits(self) -> list[Call]:
        """What was edited, or was to be."""
        return [call for call in self.fake.calls if call.method == "PATCH" and call.writes_message]


@asynccontextmanager
async def copy(
    monkeypatch: pytest.MonkeyPatch, fake: Discord, store: Store, may_speak: Callable[[], bool] = lambda: True
) -> AsyncIterator[Copy]:
    """Start one."""
    monkeypatch.setattr(Route, "BASE", fake.api_base)
    desk, handover, busy = Desk(), Handover(), set[int]()
    async with ChatClient(
        desk, guild_id=fake.guild_id, channel_id=OPS.id, http_trace=one_try(None, may_speak)
    ) as client:
        await client.login(fake.token)
        boards = client.keep_boards(store, handover, busy.__contains__)
        running = asyncio.create_task(boards.run())
        try:
            yield Copy(boards, desk, fake, store, handover, busy)
        finally:
            running.cancel()
            await asyncio.wait({running})


@asynccontextmanager
async def discord(rate: Rate | None = None) -> AsyncIterator[Discord]:
    """A server with two channels."""
    async with Discord(Guild(channels=[OPS, HALL]), rate=rate, clock=time_of_day).serving() as fake:
        yield fake


@pytest.fixture
async def one(monkeypatch: pytest.MonkeyPatch, sqlite_url: str) -> AsyncIterator[Copy]:
    async with discord() as fake, open_store(sqlite_url) as store, copy(monkeypatch, fake, store) as one:
        yield one


@contextmanager
def nothing_stored(sqlite_url: str) -> Iterator[None]:
    """Let the database fail at all that is about boards."""
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as database:
        database.execute("ALTER TABLE boards RENAME TO elsewhere")
        yield
        database.execute("ALTER TABLE elsewhere RENAME TO boards")


def gaps(calls: list[Call]) -> list[float]:
    """The seconds between them."""
    return [round(later.at - before.at, 3) for before, later in itertools.pairwise(calls)]


async def test_a_board_is_one_message_without_a_sound_pinned_and_with_its_mark(one: Copy) -> None:
    kept = await one.boards.put(HALL.id, OLIVE)
    (message,) = one.shown()
    assert kept is not None
    assert (kept.discord_id, kept.pinned, kept.trouble) == (message.id, True, "")
    assert one.fake.pinned == [message.id]
    assert message.now.body["flags"] == 1 << 12
    (row,) = await one.store.boards()
    assert row.discord_id == message.id
    assert row.mark == message.nonce == message.now.embeds[0]["footer"]["text"]
    assert len(row.mark) <= 25


async def test_read_every_second_it_is_edited_once_a_minute(one: Copy) -> None:
    await one.boards.put(HALL.id, OLIVE)
    await one.poll(10 * MINUTE, every=1)
    assert 9 <= len(one.edits()) <= 10
    assert min(gaps(one.edits())) >= MINUTE


async def test_while_nothing_changes_only_its_age_is_renewed(one: Copy) -> None:
    await one.boards.put(HALL.id, OLIVE)
    await one.poll(30 * MINUTE, changing=False)
    assert 4 <= len(one.edits()) <= 6
    assert min(gaps(one.edits())) >= FIVE


async def test_an_age_that_is_to_come_is_corrected_when_the_clock_is(one: Copy) -> None:
    """It was ahead by a year as the board was edited last: an age says that the bot lives."""
    one.desk.ahead = timedelta(days=365)
    one.desk.read()
    await one.boards.put(HALL.id, OLIVE)
    one.desk.ahead = timedelta()
    await one.poll(2 * FIVE, changing=False)
    assert 1 <= len(one.edits()) <= 2


async def test_over_an_hour_old_it_is_edited_every_five_minutes_and_meets_no_limit(one: Copy) -> None:
    await one.boards.put(HALL.id, OLIVE)
    await one.poll(HOUR + FIVE, every=30)
    since = len(one.edits())
    await one.poll(HOUR, every=30)
    assert len(one.edits()) - since in {11, 12, 13}
    assert min(gaps(one.edits()[since:])) >= FIVE
    assert one.fake.refused == []
    assert len(one.shown()) == 1


async def test_a_limit_of_old_edits_is_waited_out_and_the_same_message_edited(one: Copy) -> None:
    await one.boards.put(HALL.id, OLIVE)
    with one.fake.outage(rate_limited(200, code=30046), "PATCH") as outage:
        await one.poll(4 * MINUTE, every=10)
        assert outage.hits == 1
    await one.poll(4 * MINUTE, every=10)
    assert gaps(one.edits())[0] >= 200
    assert len(one.shown()) == 1
    assert len(one.shown()[0].versions) > 1


async def test_of_a_limit_on_all_that_the_bot_asks_one_request_learns_for_all_boards(one: Copy) -> None:
    await one.boards.put(HALL.id, OLIVE)
    await one.boards.put(OPS.id, OLIVE)
    with one.fake.outage(rate_limited(600, everywhere=True), "PATCH") as outage:
        await one.poll(9 * MINUTE, every=10)
        assert outage.hits == 1


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_a_limit_on_all_that_the_bot_asks_silences_it_for_no_longer(one: Copy, method: str) -> None:
    with one.fake.outage(rate_limited(600, everywhere=True), method, times=1) as outage:
        await one.boards.put(HALL.id, OLIVE)
        await one.boards.remove(HALL.id, OLIVE)
        assert outage.hits == 1
    await asyncio.sleep(10 * MINUTE)
    kept = await one.boards.put(OPS.id, OLIVE)
    assert kept is not None
    assert kept.trouble == ""


@pytest.mark.parametrize("fault", [error(503, html=True), error(500), RESET])
async def test_what_fails_is_tried_once_a_minute_and_logged_once(
    one: Copy, fault: object, caplog: pytest.LogCaptureFixture
) -> None:
    await one.boards.put(HALL.id, OLIVE)
    with one.fake.outage(fault, "PATCH") as outage, caplog.at_level(logging.WARNING):  # type: ignore[arg-type]
        await one.poll(10 * MINUTE, every=10)
        assert 8 <= outage.hits <= 10
    assert [record.message for record in caplog.records].count("board cannot be shown") == 1
    await one.poll(2 * MINUTE)
    assert one.boards.all[0].trouble == ""
    assert len(one.shown()) == 1


async def test_a_board_that_somebody_deleted_is_made_anew_and_one_that_always_goes_comes_later_each_time(
    one: Copy,
) -> None:
    await one.boards.put(HALL.id, OLIVE)
    (first,) = one.shown()
    await asyncio.sleep(HOUR + FIVE)
    first.deleted = True
    await one.poll(6 * MINUTE)
    (second,) = one.shown()
    assert second.id != first.id
    assert one.fake.pinned == [first.id, second.id]
    assert (await one.store.boards())[0].discord_id == second.id

    async def clean() -> None:
        while True:
            await asyncio.sleep(10)
            for message in one.shown():
                message.deleted = True

    cleaning = asyncio.create_task(clean())
    before = len(one.fake.posts)
    await one.poll(12 * HOUR)
    cleaning.cancel()
    assert len(one.fake.posts) - before < 22
    await one.poll(2 * HOUR)
    assert len(one.shown()) == 1


async def test_a_channel_that_is_closed_waits_for_a_person_and_that_is_said_once(
    one: Copy, caplog: pytest.LogCaptureFixture
) -> None:
    await one.boards.put(HALL.id, OLIVE)
    with one.fake.outage(error(403, 50001, "Missing Access"), "*", f"/channels/{HALL.id}/*") as outage:
        await one.poll(HOUR)
        assert 11 <= outage.hits <= 12
        (kept,) = one.boards.all
        assert kept.blocked
        assert "Missing Access" in kept.trouble
    assert [record.message for record in caplog.records].count("board cannot be shown") == 1
    await one.poll(2 * FIVE)
    assert one.boards.all[0].trouble == ""
    assert len(one.shown()) == 1


async def test_a_channel_that_takes_no_post_gets_no_board(one: Copy) -> None:
    with one.fake.outage(error(403, 50013, "Missing Permissions"), "POST", "*/messages"):
        kept = await one.boards.put(HALL.id, OLIVE)
    assert kept is not None
    assert kept.blocked
    assert one.boards.all == ()
    assert await one.store.boards() == ()


async def test_what_cannot_be_pinned_is_a_board_all_the_same_and_is_pinned_when_asked_again(one: Copy) -> None:
    one.fake.pinnable = False
    kept = await one.boards.put(HALL.id, OLIVE)
    assert kept is not None
    assert kept.pinned is False
    one.fake.pinnable = True
    again = await one.boards.put(HALL.id, OLIVE)
    assert again is not None
    assert again.pinned
    assert again.discord_id == kept.discord_id
    assert len(one.shown()) == 1


@pytest.mark.parametrize("remembered", [True, False])
async def test_killed_between_the_post_and_the_note_it_is_found_again(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, *, remembered: bool
) -> None:
    """Whether or not Discord still knows the nonce."""
    async with discord() as fake, open_store(sqlite_url) as store:
        async with copy(monkeypatch, fake, store) as first:
            with fake.outage(RESET.after_accepting(), "POST", times=1):
                kept = await first.boards.put(HALL.id, OLIVE)
            assert kept is not None
            assert kept.discord_id is None
        (row,) = await store.boards()
        assert row.discord_id is None
        if not remembered:
            fake.board.forget_nonces()
        async with copy(monkeypatch, fake, store) as second:
            await second.poll(2 * MINUTE, every=10)
            (message,) = second.shown()
            assert len(fake.posts) == 1
            assert [each.discord_id for each in await store.boards()] == [message.id]
            assert len(message.versions) > 1


@pytest.mark.parametrize(
    ("method", "path", "fault"),
    [
        ("POST", "*/messages", HANG),
        ("POST", "*/messages", HANG.after_accepting()),
        ("PUT", "*/pins/*", HANG),
        ("PUT", "*/pins/*", HANG.after_accepting()),
        ("PATCH", "*", HANG.after_accepting()),
        ("GET", "*/messages", HANG),
    ],
)
async def test_wherever_a_copy_is_killed_the_next_one_keeps_the_one_board(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, method: str, path: str, fault: Fault
) -> None:
    async with discord() as fake, open_store(sqlite_url) as store:
        with fake.outage(fault, method, path) as outage:
            for _ in range(2):
                async with copy(monkeypatch, fake, store) as killed:
                    putting = asyncio.create_task(killed.boards.put(HALL.id, OLIVE))
                    for _ in range(36):  # three minutes
                        await killed.poll(5 * (not outage.hits), every=5)
                    putting.cancel()
                    await asyncio.wait({putting})
                if not outage.hits:  # the channel is searched only after an attempt of unknown outcome
                    await _forget_the_note(store)
        assert outage.hits
        fake.board.forget_nonces()
        async with copy(monkeypatch, fake, store) as last:
            await last.poll(3 * MINUTE, every=10)
            (message,) = last.shown()
            assert [each.discord_id for each in await store.boards()] == [message.id]


async def _forget_the_note(store: Store) -> None:
    """As if the copy had been killed before it could store where its board is."""
    await store.database.write(lambda connection: connection.execute(sa.update(boards).values(discord_id=None)))


async def test_a_post_that_cannot_be_noted_is_noted_later(one: Copy, sqlite_url: str) -> None:
    with one.fake.outage(error(503), "POST", times=1):
        await one.boards.put(HALL.id, OLIVE)
    with nothing_stored(sqlite_url):
        await one.poll(3 * MINUTE, every=10)
        (message,) = one.shown()
    await one.poll(2 * MINUTE, every=10)
    assert [each.discord_id for each in await one.store.boards()] == [message.id]
    assert len(one.fake.posts) == 2


async def test_an_answer_that_is_lost_is_no_second_board(one: Copy) -> None:
    with one.fake.outage(RESET.after_accepting(), "POST", times=1):
        await one.boards.put(HALL.id, OLIVE)
    await one.poll(3 * MINUTE, every=10)
    assert len(one.shown()) == len(one.fake.posts) == 1
    assert one.boards.all[0].discord_id == one.shown()[0].id


async def test_after_a_restart_the_same_message_is_edited_and_says_for_how_long_nobody_looked(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str
) -> None:
    async with discord() as fake, open_store(sqlite_url) as store:
        async with copy(monkeypatch, fake, store) as first:
            await first.boards.put(HALL.id, OLIVE)
        async with copy(monkeypatch, fake, store) as second:
            await asyncio.sleep(7 * MINUTE)
            second.desk.read()
            second.boards.polled()
            await second.poll(6 * MINUTE, every=10)
            (message,) = second.shown()
            assert len(fake.posts) == 1
            assert "blind for 7 min" in message.now.text
            await second.poll(HOUR)
            assert "blind" not in message.now.text


async def test_another_copy_that_leads_is_not_disturbed(monkeypatch: pytest.MonkeyPatch, sqlite_url: str) -> None:
    async with discord() as fake, open_store(sqlite_url) as store:
        term = await store.lead(await store.leads(), "another")
        assert term is not None
        async with copy(monkeypatch, fake, store.in_term(term - 1)) as late:
            with pytest.raises(FencedError):
                await late.boards.put(HALL.id, OLIVE)
        assert fake.posts == []


async def test_while_the_database_takes_no_writes_what_hangs_is_kept_true(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str
) -> None:
    """Then the bot may not post: nothing of it could be stored. Nor is one that was deleted made anew before."""
    writable = True
    async with (
        discord() as fake,
        open_store(sqlite_url) as store,
        copy(monkeypatch, fake, store, lambda: writable or speaks_for_itself()) as one,
    ):
        await one.boards.put(HALL.id, OLIVE)
        await one.boards.put(OPS.id, OLIVE)
        (message,) = one.shown(OPS)
        writable = False
        with nothing_stored(sqlite_url):
            await one.poll(3 * MINUTE)
            assert len(message.versions) == 3
            message.deleted = True
            await one.poll(10 * MINUTE)
            assert one.shown(OPS) == []
            assert len(one.shown(HALL)[0].versions) > 8
        writable = True
        await one.poll(5 * MINUTE)
        assert len(one.shown(OPS)) == 1


async def test_an_alert_that_waits_goes_first(one: Copy) -> None:
    await one.boards.put(HALL.id, OLIVE)
    one.busy.add(HALL.id)
    await one.poll(10 * MINUTE, every=10)
    assert one.edits() == []
    one.busy.clear()
    await one.poll(MINUTE, every=10)
    assert len(one.edits()) == 1


async def test_a_pause_that_discord_asks_for_after_an_edit_ends_when_an_alert_comes(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str
) -> None:
    """discord.py waits within the request that used up a limit, and whoever comes next waits behind it."""
    async with (
        discord(Rate(1, 40)) as fake,
        open_store(sqlite_url) as store,
        copy(monkeypatch, fake, store) as one,
    ):
        for woken in (False, True):
            await one.boards.put(HALL.id, OLIVE)
            before = len(one.edits())
            while len(one.edits()) == before:
                await one.poll(10, every=10)
            if woken:
                one.handover.wake()
            began = asyncio.get_running_loop().time()
            await one.boards.remove(HALL.id, OLIVE)
            assert (asyncio.get_running_loop().time() - began < 1) is woken


async def test_all_boards_show_one_rendering_and_there_are_no_more_than_so_many(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str
) -> None:
    channels = [Channel(OPS.id + number, f"c{number}") for number in range(MOST + 1)]
    async with (
        Discord(Guild(channels=channels), rate=None, clock=time_of_day).serving() as fake,
        open_store(sqlite_url) as store,
        copy(monkeypatch, fake, store) as one,
    ):
        kept = [await one.boards.put(channel.id, OLIVE) for channel in channels]
        assert [each is None for each in kept] == [False] * MOST + [True]
        before = one.desk.rendered
        await one.poll(10 * MINUTE)
        assert len(one.edits()) >= 8 * MOST
        assert one.desk.rendered - before <= 20
        texts = {message.now.embeds[0]["description"] for channel in channels for message in one.shown(channel)}
        assert len(texts) == 1


async def test_a_board_that_is_taken_down_is_gone_and_the_audit_trail_says_who_did_it(one: Copy) -> None:
    await one.boards.put(HALL.id, OLIVE)
    assert await one.boards.remove(OPS.id, OLIVE) is None
    removed = await one.boards.remove(HALL.id, OLIVE)
    assert removed is not None
    assert removed.trouble == ""
    assert one.shown() == []
    assert one.boards.all == ()
    assert await one.store.boards() == ()
    assert [(each.by, each.act, each.what) for each in await one.store.audit(5)] == [
        (OLIVE, "board remove", f"in {HALL.id}"),
        (OLIVE, "board here", f"in {HALL.id}"),
    ]
    await one.poll(HOUR)
    assert len(one.fake.posts) == 1


async def test_one_whose_message_cannot_be_deleted_is_forgotten_and_that_is_said(one: Copy) -> None:
    await one.boards.put(HALL.id, OLIVE)
    with one.fake.outage(error(403, 50001, "Missing Access"), "DELETE"):
        removed = await one.boards.remove(HALL.id, OLIVE)
    assert removed is not None
    assert "Missing Access" in removed.trouble
    assert one.boards.all == ()


async def test_boards_mention_nobody(one: Copy) -> None:
    await one.boards.put(HALL.id, OLIVE)
    await one.poll(2 * MINUTE)
    calls = [call for call in one.fake.calls if call.writes_message]
    assert all('"allowed_mentions":{"parse":[]}' in call.body.replace(" ", "") for call in calls)


async def test_alerts_come_first_and_a_rest_of_their_edits_holds_in_their_channel(one: Copy) -> None:
    client = discord_py.Client(intents=discord_py.Intents.none())
    channel = OpsChannel(
        client, asyncio.Event(), channel_id=OPS.id, guild_id=1, render=lambda _: alert(summary([]), Fleet(), Roles())
    )
    outbox = Outbox(one.store, channel, time_of_day, one.handover)
    come_first = first_come(outbox, one.handover, OPS.id)
    assert come_first(HALL.id)  # it has not begun
    running = asyncio.create_task(outbox.run())
    await asyncio.sleep(1)
    assert not come_first(HALL.id)
    outbox.rests.begin(Subject.EDITS, asyncio.get_running_loop().time(), timedelta(minutes=1))
    assert (come_first(OPS.id), come_first(HALL.id)) == (True, False)
    outbox.blocked = True  # posts wait for a person; a board may be edited all the same
    assert not come_first(OPS.id)
    outbox.blocked = False
    await asyncio.sleep(MINUTE)
    assert not come_first(OPS.id)
    one.handover.wake()
    assert come_first(HALL.id)
    running.cancel()
    await asyncio.wait({running})


FAULTS = (
    error(500),
    error(503, html=True),
    error(403, 50001, "Missing Access"),
    error(404, 10003, "Unknown Channel"),
    rate_limited(90, code=30046),
    rate_limited(30, everywhere=True),
    HANG,
    RESET,
    RESET.after_accepting(),
    HANG.after_accepting(),
)


@pytest.mark.parametrize("seed", range(3))
async def test_through_hours_of_trouble_no_board_is_lost_doubled_or_asked_for_more_than_twice_a_minute(
    monkeypatch: pytest.MonkeyPatch, sqlite_url: str, seed: int
) -> None:
    """Faults of Discord, deleted messages, alerts that go first, and copies that are killed and started again."""
    chance = Random(seed)
    async with discord() as fake, open_store(sqlite_url) as store:
        async with copy(monkeypatch, fake, store) as first:
            await first.boards.put(HALL.id, OLIVE)
            await first.boards.put(OPS.id, OLIVE)
        for _ in range(12):
            fault, method = chance.choice(FAULTS), chance.choice(("*", "POST", "PATCH", "PUT", "GET"))
            since = len(fake.calls)
            async with copy(monkeypatch, fake, store) as one:
                one.busy |= set(chance.sample((OPS.id, HALL.id), chance.randrange(2)))
                with fake.outage(fault, method, "/channels/*", times=chance.choice((1, 2, None))):
                    await one.poll(chance.randrange(20) * MINUTE, every=20)
                one.busy.clear()
                for message in one.shown():
                    message.deleted = chance.random() < 0.5
                await one.poll(chance.randrange(5) * MINUTE, every=20)
            fake.board.forget_nonces()
            for channel in (HALL, OPS):
                calls = [call for call in fake.calls[since:] if f"/{channel.id}/" in call.path]
                writes = [call.at for call in calls if call.writes_message]
                assert all(later - before > MINUTE - 1 for before, later in zip(writes, writes[2:], strict=False))
        async with copy(monkeypatch, fake, store) as last:
            await last.poll(2 * HOUR)
            await last.poll(12 * MINUTE, changing=False)
            (hall,), (ops,) = last.shown(HALL), last.shown(OPS)
            assert {row.discord_id for row in await store.boards()} == {hall.id, ops.id}
            assert all("12 h of fast time left" in message.now.text for message in (hall, ops))
