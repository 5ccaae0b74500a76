"""Who of the rota has left the server: what Discord says for sure counts, and nothing else."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

import discord
import pytest
from discord.http import Route

from bot.chat.attempt import one_try
from bot.delivery.handover import Handover
from bot.domain.rota import Swap, set_of
from bot.domain.rules.policy import Policy
from bot.duty import AHEAD, EVERY, RollCall
from bot.monitor import Monitor
from bot.storage.store import open_store
from tests.test_monitor import Accounts
from tests.wire.discord import TOKEN, Discord
from tests.wire.faults import RESET, Fault, error, said
from tests.wire.world import COLLEAGUE, MANAGER, OPERATOR, VISITOR, Member

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
PATH = "/guilds/*/members/*"


@dataclass
class Scene:
    """A bot with a rota of two, and the server that they are in."""

    fake: Discord
    monitor: Monitor
    roll: RollCall
    now: datetime = MONDAY

    def leaves(self, who: Member) -> None:
        """Somebody is not in the server any more."""
        members = tuple(each for each in self.fake.guild.members if each.id != who.id)
        self.fake.guild = replace(self.fake.guild, members=members)

    def joins(self, who: Member) -> None:
        """Somebody is in it again."""
        self.fake.guild = replace(self.fake.guild, members=(*self.fake.guild.members, who))

    @property
    def absent(self) -> tuple[int, ...]:
        """Whom nobody is to page."""
        rota = self.monitor.known.decisions.rota
        assert rota is not None
        return rota.absent

    @property
    def asked(self) -> int:
        """How often Discord was asked for somebody."""
        return sum("/members/" in each.path for each in self.fake.calls)

    @property
    def on_call(self) -> int | None:
        """Who is, now."""
        shift = self.monitor.known.decisions.on_call(self.now)
        return shift.who if shift else None


@asynccontextmanager
async def scene(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """The operator is on call this week, and the colleague next."""
    async with (
        Discord().serving() as fake,
        open_store(url) as store,
        discord.Client(intents=discord.Intents(guilds=True), http_trace=one_try()) as client,
    ):
        monkeypatch.setattr(Route, "BASE", fake.api_base)
        await client.login(TOKEN)
        clock: Callable[[], datetime] = lambda: it.now  # noqa: E731 - the scene has it
        monitor = Monitor(Accounts(), store, Policy(), clock, Handover())
        it = Scene(fake, monitor, RollCall(monitor, client, fake.guild_id))
        await monitor.restore()
        rota = set_of([OPERATOR.id, COLLEAGUE.id], 0, time(9), "UTC", OPERATOR.id, it.now)
        await monitor.decide(rota, "oncall set", OPERATOR.id)
        yield it


async def test_who_left_is_passed_over_and_taken_in_again_when_back(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(database_url, monkeypatch) as it:
        await it.roll.look()
        assert (it.absent, it.on_call) == ((), OPERATOR.id)
        it.leaves(OPERATOR)
        await it.roll.look()
        assert it.on_call == OPERATOR.id, "an hour has not passed"
        it.now += EVERY
        await it.roll.look()
        assert (it.absent, it.on_call) == ((OPERATOR.id,), COLLEAGUE.id)
        trail = await it.monitor.audit(9)
        assert [(each.act, each.by) for each in trail] == [("oncall left", OPERATOR.id), ("oncall set", OPERATOR.id)]
        it.joins(OPERATOR)
        it.now += EVERY
        await it.roll.look()
        assert (it.absent, it.on_call) == ((), OPERATOR.id)
        assert (await it.monitor.audit(1))[0].act == "oncall back"


async def test_it_is_asked_every_hour_before_a_shift_begins_and_when_somebody_is_new(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(sqlite_url, monkeypatch) as it:
        await it.roll.look()
        await it.roll.look()
        assert it.asked == 2
        it.now = datetime(2026, 11, 30, 9, tzinfo=UTC) - AHEAD - timedelta(minutes=20)
        await it.roll.look()
        assert it.asked == 4
        it.now += timedelta(minutes=10)
        await it.roll.look()
        assert it.asked == 4
        it.now += timedelta(minutes=10)
        for _ in range(2):
            await it.roll.look()
            assert it.asked == 6
        swap = Swap("s1", VISITOR.id, it.now + timedelta(hours=2), it.now + timedelta(hours=9), OPERATOR.id)
        await it.monitor.decide(swap, "oncall swap", OPERATOR.id)
        it.leaves(VISITOR)
        await it.roll.look()
        assert it.asked == 9
        assert it.absent == (VISITOR.id,)
        it.now += timedelta(hours=3)
        assert it.on_call == COLLEAGUE.id


@pytest.mark.parametrize(
    "fault",
    [
        error(404, 10004, "Unknown Guild"),
        error(403, 50001, "Missing Access"),
        error(404, html=True),
        error(503, html=True),
        said(404, b"{}"),
        said(403, b"error code: 1010", "text/plain"),
        RESET,
    ],
)
async def test_what_is_not_sure_moves_nobody_and_the_log_hears_of_it_once(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    async with scene(sqlite_url, monkeypatch) as it:
        it.leaves(OPERATOR)
        with it.fake.outage(fault, "GET", PATH), caplog.at_level(logging.INFO):
            for _ in range(3):
                await it.roll.look()
        assert (it.absent, it.on_call) == ((), OPERATOR.id)
        assert [each.levelname for each in caplog.records if each.name == "bot.duty"] == ["INFO"]
        await it.roll.look()
        assert it.on_call == COLLEAGUE.id, "it is asked again as soon as there is an answer"


async def test_an_answer_for_one_counts_though_there_is_none_for_the_other(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(sqlite_url, monkeypatch) as it:
        it.leaves(OPERATOR)
        with it.fake.outage(error(500), "GET", f"/guilds/*/members/{COLLEAGUE.id}"):
            await it.roll.look()
        assert (it.absent, it.on_call) == ((OPERATOR.id,), COLLEAGUE.id)


async def test_when_all_have_left_nobody_is_on_call_and_without_a_rota_nobody_is_asked_for(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(sqlite_url, monkeypatch) as it:
        it.leaves(OPERATOR)
        it.leaves(COLLEAGUE)
        await it.roll.look()
        assert it.on_call is None
        rota = it.monitor.known.decisions.rota
        assert rota is not None
        new = set_of([MANAGER.id], 0, time(9), "UTC", MANAGER.id, it.now, rota)
        await it.monitor.decide(new, "oncall set", MANAGER.id)
        assert it.absent == ()
        assert it.on_call == MANAGER.id
        await it.monitor.undo(new, "oncall off", MANAGER.id)
        asked = it.asked
        it.now += EVERY
        await it.roll.look()
        assert it.asked == asked
