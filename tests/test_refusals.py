"""What Discord refuses, from the database to the wire: told all the same, soon, and by whom it can be.

The real outbox, channel and discord.py, on a fake Discord and a clock that leaps.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import discord
import pytest
from discord.http import Route

from bot.chat.alerts import Roles, alert
from bot.chat.attempt import one_try
from bot.chat.channel import OpsChannel
from bot.delivery.handover import Handover
from bot.domain.incidents import Incident, Key, Rule, Stage
from bot.domain.model import Fleet, Severity
from bot.domain.value import replace
from bot.domain.watch.known import Changes
from bot.outbox import Outbox
from bot.storage.store import Store, open_store
from bot.webhook import Event
from tests.domain.fleets import record
from tests.leap import leaping, time_of_day  # noqa: F401 - time leaps in all tests of this module
from tests.ledger import EACH_FLIP_BY_ITSELF
from tests.test_outbox import running
from tests.wire.discord import TOKEN, Discord, Rate
from tests.wire.faults import RESET, error, rate_limited, said
from tests.wire.messages import Message
from tests.wire.world import ANNOUNCEMENTS, THREAD, Channel, Guild

MESSAGES = "/channels/*/messages"
EDITS = MESSAGES + "/*"
SOON = 2.0
"""Seconds in which a new page is told, by the clock that leaps: what the machine takes counts nothing."""


@dataclass
class Scene:
    """A database, what delivers from it, and a Discord."""

    store: Store
    fake: Discord
    outbox: Outbox
    handover: Handover
    told: list[tuple[Event, str]] = field(default_factory=list)
    """What somebody else was told of."""

    @property
    def now(self) -> datetime:
        """The time of day."""
        return time_of_day()

    async def fire(self, token: int) -> Incident:
        """A token is banned; each has a card of its own."""
        now = self.now
        incident = Incident(
            key=Key(Rule.BANNED, token),
            severity=Severity.CRITICAL,
            stage=Stage.FIRING,
            opened_at=now,
            read_at=now,
            was=record(token),
            was_at=now,
            now=record(token, "BANNED"),
        )
        await self.save(incident)
        return incident

    async def end(self, *incidents: Incident) -> None:
        """All is well again with those."""
        await self.save(
            *[
                replace(each, stage=Stage.RESOLVED, resolved_at=self.now, now=record(each.key.token or 0))
                for each in incidents
            ]
        )

    async def save(self, *incidents: Incident) -> None:
        """Store what is to be told."""
        keys = frozenset(each.key for each in incidents)
        await self.store.save(Changes(self.now, incidents=incidents, notify=keys), self.now)
        self.handover.wake()

    async def page(self, token: int) -> float:
        """A new page; returns how many seconds pass until the channel shows it."""
        began = asyncio.get_running_loop().time()
        await self.fire(token)
        await self.fake.until(lambda: self.card(token) is not None, 7200)
        return asyncio.get_running_loop().time() - began

    def card(self, token: int) -> Message | None:
        """The newest message that names it."""
        return next((each for each in reversed(self.fake.messages()) if f"Token {token} " in each.now.text), None)

    def over(self, token: int) -> bool:
        """Whether its newest card says that it is over, and leaves nothing to do but to note something."""
        card = self.card(token)
        return card is not None and "FAST again" in card.now.text and set(card.now.buttons) <= {"Note"}


ROOM = 1_100_000_000_000_000_777


@asynccontextmanager
async def scene(
    folder: str, monkeypatch: pytest.MonkeyPatch, *, kind: int = 0, runbook: str | None = None, rate: Rate | None = None
) -> AsyncIterator[Scene]:
    """A channel of that type, and an outbox that works for it."""
    place = Channel(ROOM, "ops", kind)
    logged_in = asyncio.Event()
    logged_in.set()
    async with (
        Discord(Guild(channels=[place]), rate=rate, clock=time_of_day).serving() as fake,
        open_store(folder) as store,
        discord.Client(intents=discord.Intents(guilds=True), http_trace=one_try()) as client,
    ):
        fake.channel_id = ROOM
        monkeypatch.setattr(Route, "BASE", fake.api_base)
        await client.login(TOKEN)
        channel = OpsChannel(
            client,
            logged_in,
            channel_id=ROOM,
            guild_id=fake.guild_id,
            render=lambda message: alert(message, Fleet(), Roles(fake.alert_role_id), runbook),
        )
        told: list[tuple[Event, str]] = []

        async def notify(what: Event, reason: str) -> bool:
            told.append((what, reason))
            return True

        handover = Handover()
        outbox = Outbox(store, channel, time_of_day, handover, notify)
        await store.save(EACH_FLIP_BY_ITSELF, time_of_day())
        async with running(outbox):
            yield Scene(store, fake, outbox, handover, told)


async def test_a_forum_is_waited_out_like_a_missing_permission(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(sqlite_url, monkeypatch) as it:
        with it.fake.outage(error(400, 50008, "Cannot send messages in a non-text channel"), "POST", MESSAGES):
            await it.fire(1900)
            await asyncio.sleep(200)
            assert it.outbox.blocked
            assert [what for what, _ in it.told] == [Event.OPS_CHANNEL_BLOCKED]
        await asyncio.sleep(61)
        assert len(it.fake.messages()) == 1
        assert await it.store.parked() == ()
        assert [what for what, _ in it.told] == [Event.OPS_CHANNEL_BLOCKED, Event.OPS_CHANNEL_OPEN]


async def test_a_link_without_a_dot_parks_nothing(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with scene(sqlite_url, monkeypatch, runbook="https://wiki/{rule}") as it:
        assert await it.page(1900) < SOON
        assert await it.store.parked() == ()


@pytest.mark.parametrize("status", [400, 407, 408, 409, 410, 413, 421, 425, 451, 403])
async def test_a_proxys_page_parks_nothing_and_blocks_nothing(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    async with scene(sqlite_url, monkeypatch) as it:
        with it.fake.outage(error(status, html=True), "POST", MESSAGES):
            await it.fire(1900)
            await asyncio.sleep(60)
            assert not it.outbox.blocked
        await asyncio.sleep(6)
        assert len(it.fake.messages()) == 1
        assert it.told == []


async def test_somebody_is_told_when_nothing_gets_through_for_minutes(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(sqlite_url, monkeypatch) as it:
        with it.fake.outage(said(403, b"error code: 1010", "text/plain"), "*", "*"):
            await it.fire(1900)
            await asyncio.sleep(290)
            assert it.told == []
            await asyncio.sleep(600)
            assert [what for what, _ in it.told] == [Event.OPS_CHANNEL_BLOCKED]
        await asyncio.sleep(10)
        assert [what for what, _ in it.told] == [Event.OPS_CHANNEL_BLOCKED, Event.OPS_CHANNEL_OPEN]
        assert len(it.fake.messages()) == 1


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(rate_limited(737, code=20022), id="announcements"),
        pytest.param(rate_limited(720, code=20028), id="writes"),
        pytest.param(rate_limited(25), id="429"),
        pytest.param(rate_limited(25, via=False), id="429 with a page"),
        pytest.param(error(500), id="500"),
        pytest.param(error(503, html=True), id="503"),
        pytest.param(error(403, 50013), id="403"),
        pytest.param(error(404, 10003), id="404"),
        pytest.param(error(400, 50083), id="archived"),
        pytest.param(error(400, html=True), id="400 with a page"),
    ],
)
async def test_what_discord_says_about_an_edit_keeps_no_page_waiting(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, fault: object
) -> None:
    async with scene(sqlite_url, monkeypatch) as it:
        first = await it.fire(1900)
        await it.fake.until(lambda: it.card(1900) is not None)
        await asyncio.sleep(30)
        with it.fake.outage(fault, "PATCH", EDITS) as outage:  # type: ignore[arg-type] # a Fault
            await it.end(first)
            await it.fake.until(lambda: outage.hits > 0)
            for token in (1901, 1902, 1903):
                assert await it.page(token) < SOON
                await asyncio.sleep(30)
            assert not it.outbox.blocked
            assert it.told == []
        await it.fake.until(lambda: it.over(1900), 7200)
        assert len([each for each in it.fake.messages() if "Token 1900 " in each.now.text]) == 1


@pytest.mark.parametrize("fault", [error(500), error(403, 50013), error(400, 50035), error(404, 10003)])
async def test_a_card_never_stays_firing_with_live_buttons_because_it_cannot_be_edited(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, fault: object
) -> None:
    async with scene(sqlite_url, monkeypatch) as it:
        first = await it.fire(1900)
        await it.fake.until(lambda: it.card(1900) is not None)
        with it.fake.outage(fault, "PATCH", EDITS):  # type: ignore[arg-type] # a Fault
            await it.end(first)
            await it.fake.until(lambda: it.over(1900), 900)
            await asyncio.sleep(3600)
            assert len(it.fake.messages()) == 2, "once"


async def test_a_channel_that_is_closed_while_nothing_new_waits_is_told_of_when_something_does(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(sqlite_url, monkeypatch) as it:
        first = await it.fire(1900)
        await it.fake.until(lambda: it.card(1900) is not None)
        with it.fake.outage(error(403, 50013), "*", MESSAGES + "*"):
            await it.end(first)
            await asyncio.sleep(3600)
            assert it.told == []
        await it.fake.until(lambda: it.over(1900), 61)
        assert not it.outbox.blocked, "no post is left to find that out"
        with it.fake.outage(error(403, 50013), "*", MESSAGES + "*"):
            await it.fire(1901)
            await asyncio.sleep(61)
            assert [what for what, _ in it.told] == [Event.OPS_CHANNEL_BLOCKED]


async def test_old_cards_that_end_together_are_all_edited_in_place(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(sqlite_url, monkeypatch) as it:
        tokens = range(1900, 1906)
        incidents = []
        for token in tokens:
            incidents.append(await it.fire(token))
            await asyncio.sleep(30)
        await asyncio.sleep(3601)
        await it.end(*incidents)
        began = asyncio.get_running_loop().time()
        await it.fake.until(lambda: all(map(it.over, tokens)), 7200)
        assert asyncio.get_running_loop().time() - began < 15
        assert len(it.fake.messages()) == len(tokens)


async def test_a_wait_that_is_read_in_the_wrong_unit_is_an_hour_and_somebody_is_told(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(sqlite_url, monkeypatch) as it:
        with it.fake.outage(rate_limited(1e12), "POST", MESSAGES, times=1):
            took = await it.page(1900)
        assert 3600 <= took < 3600 + SOON
        assert [what for what, _ in it.told][:1] == [Event.OPS_CHANNEL_BLOCKED]


async def test_somebody_is_told_of_a_page_while_an_edits_limit_holds_for_everything(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(sqlite_url, monkeypatch) as it:
        first = await it.fire(1900)
        await it.fake.until(lambda: it.card(1900) is not None)
        with it.fake.outage(rate_limited(3600, everywhere=True), "PATCH", EDITS, times=1) as outage:
            await it.end(first)
            await it.fake.until(lambda: outage.hits > 0)
            await asyncio.sleep(600)
            assert it.told == [], "nothing is open"
            await it.fire(1901)
            await asyncio.sleep(10)
            assert [what for what, _ in it.told] == [Event.OPS_CHANNEL_BLOCKED]
            await it.fake.until(lambda: it.card(1901) is not None, 3600)
        await asyncio.sleep(60)
        assert [what for what, _ in it.told] == [Event.OPS_CHANNEL_BLOCKED, Event.OPS_CHANNEL_OPEN]


async def test_somebody_is_told_as_soon_as_it_is_known_that_posts_wait_for_more_than_five_minutes(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(sqlite_url, monkeypatch) as it:
        with it.fake.outage(rate_limited(200), "POST", MESSAGES):
            await it.fire(1900)
            await asyncio.sleep(190)
            assert it.told == []
            await asyncio.sleep(100)
            assert [what for what, _ in it.told] == [Event.OPS_CHANNEL_BLOCKED]
            assert "0:06:4" in it.told[0][1]


@pytest.mark.parametrize("later", [1, 80, 200])
async def test_a_card_that_was_perhaps_posted_anew_has_no_second_that_stays_as_it_was(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, later: float
) -> None:
    async with scene(sqlite_url, monkeypatch) as it:
        first = await it.fire(1900)
        await it.fake.until(lambda: it.card(1900) is not None)
        await asyncio.sleep(300)
        with (
            it.fake.outage(error(400, 50035), "PATCH", EDITS),
            it.fake.outage(RESET.after_accepting(), "POST", MESSAGES, times=1) as lost,
        ):
            await it.save(first)
            await it.fake.until(lambda: lost.hits > 0)
        await asyncio.sleep(later)
        await it.end(first)
        await it.fake.until(lambda: it.over(1900), 600)
        assert len(it.fake.messages()) == 2


async def test_cards_that_cannot_be_edited_are_posted_anew_when_discord_wants_posts_again(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(sqlite_url, monkeypatch) as it:
        cards = []
        for token in (1900, 1901, 1902):
            cards.append(await it.fire(token))
            await asyncio.sleep(300)
        with it.fake.outage(error(400, 50035), "PATCH", EDITS):
            with it.fake.outage(rate_limited(700), "POST", MESSAGES) as limit:
                await it.end(*cards)
                await it.fake.until(lambda: limit.hits > 0)
                await asyncio.sleep(690)
                assert limit.hits == 1, "Discord is not asked before the time it names"
            await it.fake.until(lambda: all(map(it.over, (1900, 1901, 1902))), 60)
            assert len(it.fake.messages()) == 6


async def test_the_last_card_in_a_thread_that_was_archived_is_closed(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(sqlite_url, monkeypatch, kind=THREAD) as it:
        first = await it.fire(1900)
        await it.fake.until(lambda: it.card(1900) is not None)
        await asyncio.sleep(24 * 3600)
        it.fake.archived.add(ROOM)
        await it.end(first)
        await it.fake.until(lambda: it.over(1900), 60)
        assert len(it.fake.messages()) == 1


async def test_new_pages_are_told_soon_while_forty_cards_wait_for_an_announcement_channel(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(sqlite_url, monkeypatch, kind=ANNOUNCEMENTS, rate=Rate()) as it:
        tokens = range(1900, 1940)
        incidents = []
        for token in tokens:
            incidents.append(await it.fire(token))
            await asyncio.sleep(30)
        it.fake.announcement_edits = Rate(8, 720)
        await it.end(*incidents)
        pages = []
        for token in range(2000, 2010):
            pages.append(await it.page(token))
            await asyncio.sleep(60)
        assert max(pages) < SOON
        assert not it.outbox.blocked
        await it.fake.until(lambda: all(map(it.over, tokens)), 7200)
        assert len(it.fake.messages()) == 50, "no card was posted anew"


async def test_a_new_page_goes_before_edits_that_wait_for_their_turn(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(sqlite_url, monkeypatch, rate=Rate(5, 30)) as it:
        incidents = []
        for token in range(1900, 1912):
            incidents.append(await it.fire(token))
            await asyncio.sleep(30)
        await it.end(*incidents)
        await it.fake.until(lambda: it.over(1904))
        await asyncio.sleep(1)
        assert await it.page(2000) < SOON
        await it.fake.until(lambda: it.over(1911), 7200)
