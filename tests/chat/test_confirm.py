"""The question before an act: who may answer it, how often, and for how long."""

import asyncio
from typing import Any

import discord
import pytest
import simcord
from discord import app_commands
from simcord import actors

from bot.chat.buttons import confirm
from bot.chat.buttons.confirm import CANCELLED, CONFIRMED
from bot.chat.desk import UnclearError, answer
from bot.chat.questions import ANSWERED, LASTS, MOST, NOT_YOURS, OVER
from tests.chat.conftest import GUILD, World
from tests.chat.test_commands import said


class Acting:
    """A command that asks, and what came of it."""

    def __init__(self) -> None:
        self.done: list[int] = []
        """Who confirmed, each time that it was done."""
        self.held = asyncio.Event()
        self.held.set()
        self.refused = ""

    async def act(self, pressed: discord.Interaction[Any]) -> None:
        self.done.append(pressed.user.id)
        await self.held.wait()
        if self.refused:
            raise UnclearError(self.refused)
        await answer(pressed, "Done.")


@pytest.fixture
async def acting(world: World) -> Acting:
    """As `/boil`, which the simulated Discord knows from then on."""
    acting = Acting()

    @app_commands.command(name="boil", description="Boil the sea")
    async def boil(interaction: discord.Interaction[Any]) -> None:
        await confirm(interaction, discord.Embed(title="Boil the sea?"), "Boil", acting.act, danger=True)

    client = await world.restart(world.role)
    client.tree.add_command(boil, guild=discord.Object(GUILD))
    await client.tree.sync(guild=discord.Object(GUILD))
    return acting


async def asked(world: World) -> discord.Message:
    result = await world.operator.slash(world.channel, "boil")
    assert result.ephemeral
    assert result.response is not None
    return result.response.message


def labels(result: simcord.InteractionResult) -> list[str]:
    assert result.response is not None
    return [button["label"] for row in result.response.components for button in row["components"]]


def styles(result: simcord.InteractionResult) -> list[int]:
    assert result.response is not None
    return [button["style"] for row in result.response.components for button in row["components"]]


async def test_nothing_is_done_before_it_is_confirmed(world: World, acting: Acting) -> None:
    result = await world.operator.slash(world.channel, "boil")
    ends = int((world.desk.now + LASTS).timestamp())
    assert said(result) == f"Over <t:{ends}:R>.\nBoil the sea?\nNone"
    assert labels(result) == ["Boil", "Cancel"]
    assert styles(result) == [discord.ButtonStyle.danger.value, discord.ButtonStyle.secondary.value]
    assert acting.done == []


async def test_it_is_done_once_it_is_confirmed_and_the_outcome_takes_the_place_of_the_question(
    world: World, acting: Acting
) -> None:
    result = await world.operator.click(await asked(world), label="Boil")
    assert said(result) == "Done."
    assert labels(result) == []
    assert acting.done == [world.operator.id]


async def test_whoever_cancels_is_told_that_nothing_was_done(world: World, acting: Acting) -> None:
    result = await world.operator.click(await asked(world), label="Cancel")
    assert said(result) == CANCELLED
    assert labels(result) == []
    assert acting.done == []


async def press(member: simcord.MemberActor, question: discord.Message, said: str = "yes") -> simcord.InteractionResult:
    """Press a button whether or not the message shows it to this member, and without waiting for other presses."""
    assert isinstance(question.components[0], discord.ActionRow)
    button = next(each for each in question.components[0].children if f":{said}:" in str(each.custom_id))
    data = {"custom_id": button.custom_id, "component_type": 2}
    stored = member._env.backend.get_message(question.channel.id, question.id)
    return await actors._component_interaction(member, stored, data)


def told(result: simcord.InteractionResult) -> str:
    """What a press is answered with beside the question."""
    return said(result) if result.response is not None else result.followups[0].content


async def test_pressed_twice_it_is_done_once(world: World, acting: Acting) -> None:
    question = await asked(world)
    presses = [press(world.operator, question, each) for each in ("yes", "yes", "no")]
    first, second, third = await asyncio.gather(*presses)
    assert said(first) == "Done."
    assert told(second) == told(third) == ANSWERED
    assert acting.done == [world.operator.id]


async def test_two_questions_of_one_person_are_two(world: World, acting: Acting) -> None:
    first, second = await asked(world), await asked(world)
    await world.operator.click(first, label="Cancel")
    await world.operator.click(second, label="Boil")
    assert len(acting.done) == 1


async def test_only_the_one_who_asked_may_answer(world: World, acting: Acting) -> None:
    question = await asked(world)
    assert told(await press(world.other, question)) == NOT_YOURS
    assert acting.done == []
    await world.operator.click(question, label="Boil")
    assert acting.done == [world.operator.id]


async def test_whoever_lost_the_role_since_is_refused(world: World, acting: Acting) -> None:
    question = await asked(world)
    world.env.backend.get_member(GUILD, world.operator.id).role_ids.clear()
    assert "Only members with the operator role" in told(await press(world.operator, question))
    assert acting.done == []


async def test_after_a_minute_it_is_over_and_its_buttons_go(world: World, acting: Acting) -> None:
    question = await asked(world)
    world.desk.now += LASTS
    await world.env.advance_time(5)
    shown = world.env.backend.get_message(question.channel.id, question.id)
    assert shown.content == OVER
    assert shown.components == []
    assert acting.done == []


async def test_a_press_after_a_minute_does_nothing_though_the_buttons_are_there_still(
    world: World, acting: Acting
) -> None:
    question = await asked(world)
    world.desk.now += LASTS
    result = await world.operator.click(question, label="Boil")
    assert said(result).startswith(OVER)
    assert labels(result) == []
    assert acting.done == []


async def test_after_a_restart_it_is_over(world: World, acting: Acting) -> None:
    question = await asked(world)
    await world.restart(world.role)
    result = await world.operator.click(question, label="Boil")
    assert said(result).startswith(OVER)
    assert labels(result) == []
    assert acting.done == []


async def test_what_cannot_be_done_is_said_beside_what_was_asked(world: World, acting: Acting) -> None:
    acting.refused = "The sea is off already."
    result = await world.operator.click(await asked(world), label="Boil")
    assert said(result).startswith(CONFIRMED)
    assert [each.content for each in result.followups] == ["The sea is off already."]


async def test_where_discord_takes_no_answer_nothing_is_done(world: World, acting: Acting) -> None:
    """Another copy of the bot may have answered; then that one does it, or knows nothing of it."""
    question = await asked(world)
    world.env.inject_error("POST", "/interactions/*", status=404, code=10062)
    await world.operator.click(question, label="Boil")
    assert acting.done == []


async def test_only_so_many_wait_at_once_and_the_oldest_is_over_first(world: World, acting: Acting) -> None:
    first, second = await asked(world), await asked(world)
    for _ in range(MOST - 1):
        await asked(world)
    assert said(await world.operator.click(first, label="Boil")).startswith(OVER)
    assert said(await world.operator.click(second, label="Boil")) == "Done."
    assert len(acting.done) == 1


async def test_answered_questions_leave_nothing_behind(world: World, acting: Acting) -> None:
    before = asyncio.all_tasks()
    await world.operator.click(await asked(world), label="Boil")
    await world.env.advance_time(5)
    assert asyncio.all_tasks() <= before
    assert acting.done
