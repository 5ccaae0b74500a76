"""Switching tokens on and off, as people do it: the question, what ImaginePro hears, and what becomes of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import discord
import pytest
import simcord

from bot.acts import READ_ONLY, Acts, Pace
from bot.chat.buttons.acting import MOST
from bot.chat.questions import OVER
from bot.domain.acts import State
from bot.domain.model import Token
from bot.domain.value import replace
from bot.domain.watch.known import Known
from bot.sandbox.imaginepro import (
    BAD_GATEWAY,
    FORBIDDEN,
    RESET,
    RESET_AFTER,
    Fault,
    Upstream,
    problem,
    rate_limited,
    serving,
    token_record,
)
from bot.storage.store import StoreUnavailableError
from tests.chat.builders import fleet, token
from tests.chat.conftest import FakeDesk, World
from tests.chat.test_commands import said
from tests.chat.test_confirm import press, told
from tests.imaginepro.test_client import client_of

AT_ONCE = Pace(looks=(timedelta(), timedelta()), follow=timedelta())
IDS = (1900, 1901, 1902, 1903)


def closing(fault: Fault) -> Fault:
    """The same, on a connection that is not used again: simcord waits for what aiohttp does with one that is."""
    return replace(fault, headers=(*fault.headers, ("Connection", "close")))


@asynccontextmanager
async def acting(world: World, upstream: Upstream) -> AsyncIterator[None]:
    """Let the bot do what is confirmed, at that upstream."""
    async with serving(upstream) as url:
        # simcord has the bot on a clock of its own, and a limit of calls has just one.
        async with client_of(url, key=upstream.api_key) as first:
            tokens = (await first.fleet()).values()
        world.desk.passes = timedelta(milliseconds=1)
        world.desk.fleet = fleet(*tokens, read_at=world.desk.now)
        async with client_of(url, key=upstream.api_key) as client:
            upstream.fail(closing(Fault()))
            world.acts = Acts(client, Watched(world.desk), lambda: world.desk.now, pace=AT_ONCE)
            await world.restart(world.role)
            upstream.calls.clear()
            yield


@pytest.fixture
async def upstream(world: World) -> AsyncIterator[Upstream]:
    """Four tokens; 1901 is banned, and 1903 switched off."""
    upstream = Upstream(
        [token_record(each, status="BANNED" if each == 1901 else "FAST", active=each != 1903) for each in IDS]
    )
    async with acting(world, upstream):
        yield upstream


class Watched:
    """The desk, as acts have it."""

    def __init__(self, desk: FakeDesk) -> None:
        self._desk = desk
        self.move = desk.move

    @property
    def known(self) -> Known:
        """All of it."""
        return self._desk.known

    async def read(self, token: Token, _: datetime) -> None:
        """A token was read."""
        self._desk.fleet = replace(self._desk.fleet, tokens={**self._desk.fleet.tokens, token.id: token})


def sent(upstream: Upstream) -> list[str]:
    """What was asked to be changed."""
    return [f"{call.method} {call.path.rpartition('/')[2]}" for call in upstream.calls if call.method != "GET"]


def on(upstream: Upstream) -> list[int]:
    return [each for each, found in upstream.fleet.items() if found["isActive"]]


async def asked(world: World, tokens: str = "1900", to: str = "off", **options: str) -> discord.Message:
    """The question."""
    result = await world.operator.slash(world.channel, "toggle", tokens=tokens, to=to, **options)
    assert result.ephemeral
    assert result.response is not None
    return result.response.message


async def refused(world: World, tokens: str, to: str = "off") -> str:
    """Why nothing is asked."""
    result = await world.operator.slash(world.channel, "toggle", tokens=tokens, to=to)
    assert world.env.errors  # simcord asks whether the test knows that the command was broken off
    return said(result).strip()


async def confirmed(world: World, question: discord.Message) -> simcord.InteractionResult:
    return await press(world.operator, question)


async def test_a_token_is_switched_off_once_it_is_confirmed_and_its_card_offers_the_way_back(
    world: World, upstream: Upstream
) -> None:
    question = await asked(world, reason="mending")
    assert question.embeds[0].title == "Switch token 1900 off?"
    assert sent(upstream) == []
    result = await confirmed(world, question)
    assert said(result).startswith(f"🔧 **1900 was switched off by <@{world.operator.id}>: mending**\n⚫ Token 1900 ·")
    assert sent(upstream) == ["PUT 1900"]
    assert on(upstream) == [1901, 1902]
    assert result.response is not None
    labels = [each["label"] for row in result.response.components for each in row["components"]]
    assert labels == ["Refresh", "Switch on"]
    again = await world.operator.click(result.response.message, label="Switch on")
    assert again.response is not None
    assert again.response.embeds[0].title == "Switch token 1900 on?"
    assert said(await confirmed(world, again.response.message)).startswith("🔧 **1900 was switched on by")
    assert on(upstream) == [1900, 1901, 1902]


async def test_several_are_one_question_and_one_line_in_the_channel(world: World, upstream: Upstream) -> None:
    question = await asked(world, "1900-1903")
    assert question.embeds[0].title == "Switch tokens 1900, 1901 and 1902 off?"
    assert "1903 is off already, and left alone." in str(question.embeds[0].description)
    result = await confirmed(world, question)
    assert said(result) == f"🔧 **1900, 1901 and 1902 were switched off by <@{world.operator.id}>**"
    assert sent(upstream) == ["PUT 1900", "PUT 1901", "PUT 1902"]
    (notice,) = world.desk.notices
    assert [act.token for act in notice.acts] == [1900, 1901, 1902]


async def test_of_several_each_is_told_as_it_went(world: World, upstream: Upstream) -> None:
    question = await asked(world, "1900,1902")
    upstream.fail(closing(Fault()), times=1)
    upstream.fail(closing(FORBIDDEN), times=1)
    text = said(await confirmed(world, question))
    assert text.startswith("✖️")
    assert f"1900 was switched off by <@{world.operator.id}>" in text
    assert f"1902 could not be switched off, as <@{world.operator.id}> asked: ImaginePro forbids this call" in text
    assert on(upstream) == [1901, 1902]


@pytest.mark.parametrize("word", ["all", " ALL ", "everything", "*"])
async def test_all_at_once_is_not_offered(world: World, upstream: Upstream, word: str) -> None:
    assert (await refused(world, word)).startswith("All at once is not offered")
    assert sent(upstream) == []


async def test_what_is_no_token_or_so_already_is_not_asked(world: World, upstream: Upstream) -> None:
    assert await refused(world, "7") == "There is no token 7. `/tokens` shows them all."
    assert "is no token: write ids and ranges" in await refused(world, "x")
    read_at = world.desk.fleet.read_at
    assert read_at is not None
    already = f"Token 1903 is off already (read <t:{int(read_at.timestamp())}:R>), so nothing was sent."
    assert await refused(world, "1903") == already
    assert sent(upstream) == []


@pytest.mark.usefixtures("upstream")
async def test_too_many_at_once_are_refused(world: World) -> None:
    world.desk.fleet = fleet(*(token(each) for each in range(MOST + 1)))
    said = await refused(world, f"0-{MOST}")
    assert said.startswith(
        f"That is {MOST + 1} tokens. At most {MOST} can be switched at once: name fewer in `/toggle`"
    )


async def test_pressed_twice_it_is_sent_once(world: World, upstream: Upstream) -> None:
    question = await asked(world)
    await asyncio.gather(confirmed(world, question), confirmed(world, question))
    assert sent(upstream) == ["PUT 1900"]


async def test_of_two_people_who_confirm_at_once_one_does_it_and_the_other_is_told(
    world: World, upstream: Upstream
) -> None:
    mine = await asked(world)
    theirs = (await world.other.slash(world.channel, "toggle", tokens="1900", to="off")).response
    assert theirs is not None
    results = await asyncio.gather(press(world.operator, mine), press(world.other, theirs.message))
    assert sent(upstream) == ["PUT 1900"]
    texts = sorted(said(each).splitlines()[0] for each in results)
    assert texts[0].startswith(f"<@{world.operator.id}> is about to switch 1900 off right now.")
    assert texts[1].startswith(f"🔧 **1900 was switched off by <@{world.operator.id}>")


async def test_a_question_that_another_answered_meanwhile_is_void(world: World, upstream: Upstream) -> None:
    mine = await asked(world)
    theirs = (await world.other.slash(world.channel, "toggle", tokens="1900", to="off")).response
    assert theirs is not None
    await press(world.other, theirs.message)
    text = said(await confirmed(world, mine))
    assert f"1900 was switched off by <@{world.other.id}> after you asked" in text
    assert sent(upstream) == ["PUT 1900"]


async def test_whoever_lost_the_role_meanwhile_changes_nothing(world: World, upstream: Upstream) -> None:
    question = await asked(world)
    world.env.backend.get_member(world.operator.guild.id, world.operator.id).role_ids.clear()
    assert told(await confirmed(world, question)).startswith("Only members with the operator role")
    assert sent(upstream) == []


async def test_read_only_meanwhile_changes_nothing(world: World, upstream: Upstream) -> None:
    question = await asked(world)
    assert world.acts is not None
    world.acts.read_only = True
    assert said(await confirmed(world, question)).startswith(READ_ONLY)
    assert sent(upstream) == []


async def test_after_a_minute_and_after_a_restart_nothing_is_sent(world: World, upstream: Upstream) -> None:
    question = await asked(world)
    world.desk.now += timedelta(seconds=60)
    assert said(await confirmed(world, question)).startswith(OVER)
    question = await asked(world)
    await world.restart(world.role)
    assert said(await confirmed(world, question)).startswith(OVER)
    assert sent(upstream) == []


async def test_a_token_that_is_gone_meanwhile_is_told_as_imaginepro_says_it(world: World, upstream: Upstream) -> None:
    question = await asked(world)
    upstream.fail(closing(problem(404, "Token not found")))
    text = said(await confirmed(world, question))
    assert text.startswith(f"✖️ **1900 could not be switched off, as <@{world.operator.id}> asked")


@pytest.mark.parametrize(
    ("fault", "mark", "is_off"),
    [
        (FORBIDDEN, "✖️ **1900 could not be switched off", False),
        (rate_limited(), "✖️ **1900 could not be switched off", False),
        (RESET, "✖️ **1900 could not be switched off", False),
        (RESET_AFTER, "🔧 **1900 was switched off by", True),
        (BAD_GATEWAY, "✖️ **1900 could not be switched off", False),
    ],
)
async def test_what_goes_wrong_upstream_is_told_truthfully_and_not_sent_again(
    world: World, upstream: Upstream, fault: Fault, mark: str, *, is_off: bool
) -> None:
    question = await asked(world)
    upstream.fail(closing(fault), times=1)
    text = said(await confirmed(world, question))
    assert text.startswith(mark)
    assert sent(upstream) == ["PUT 1900"]
    assert (1900 not in on(upstream)) is is_off
    (act,) = world.desk.known.acts.values()
    assert (act.state is State.DONE) is is_off


async def test_a_database_that_takes_nothing_down_lets_nothing_be_sent(world: World, upstream: Upstream) -> None:
    question = await asked(world)
    world.desk.broken = StoreUnavailableError("away")
    assert "The database does not take it down, so nothing was sent" in said(await confirmed(world, question))
    assert sent(upstream) == []


async def test_discord_that_is_away_keeps_nothing_from_being_done(world: World, upstream: Upstream) -> None:
    question = await asked(world)
    world.env.inject_error("PATCH", "/webhooks/*", status=500, times=None)
    await confirmed(world, question)
    assert sent(upstream) == ["PUT 1900"]
    assert [act.state for act in world.desk.known.acts.values()] == [State.DONE]
