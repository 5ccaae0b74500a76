"""Who of the rota has left the server is asked of Discord, and only what it surely says counts."""

from collections.abc import Callable
from datetime import datetime, time

import simcord

from bot import duty
from bot.domain.rota import set_of
from bot.domain.watch.known import Changes, Known
from tests.chat.conftest import GUILD, World


class Fleet:
    """What is known, and moves."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.moves = 0

    @property
    def known(self) -> Known:
        """What the desk knows."""
        return self._world.desk.known

    async def move(self, doing: Callable[[Known, datetime], tuple[Changes, Known]]) -> Changes:
        """Move."""
        self.moves += 1
        changes, self._world.desk.known = doing(self.known, self._world.desk.now)
        return changes


async def with_rota(world: World, *members: simcord.MemberActor) -> Fleet:
    """These are on call in turn."""
    rota = set_of([each.id for each in members], 0, time(9), "UTC", 7, world.desk.now)
    await world.desk.decide(rota, "oncall set", 7)
    return Fleet(world)


def absent(world: World) -> tuple[int, ...]:
    """Those who have left, as far as is known."""
    rota = world.desk.known.decisions.rota
    return rota.absent if rota else ()


async def test_who_left_is_known_and_who_comes_back_is_taken_in_again(world: World) -> None:
    me, other = world.operator, world.other
    fleet = await with_rota(world, me, other)
    await duty.look(fleet, world.env.bot, GUILD)
    assert absent(world) == ()
    world.env.inject_error("GET", f"/guilds/{GUILD}/members/{other.id}", status=404, code=10007)
    await duty.look(fleet, world.env.bot, GUILD)
    assert absent(world) == (other.id,)
    await duty.look(fleet, world.env.bot, GUILD)
    assert absent(world) == ()


async def test_an_answer_that_says_nothing_of_a_person_changes_nothing(world: World) -> None:
    me, other = world.operator, world.other
    fleet = await with_rota(world, me, other)
    world.env.inject_error("GET", f"/guilds/{GUILD}/members/{other.id}", status=404, code=10004)
    await duty.look(fleet, world.env.bot, GUILD)
    assert absent(world) == ()
    world.env.inject_error("GET", f"/guilds/{GUILD}/members/{me.id}", status=403, code=50001)
    await duty.look(fleet, world.env.bot, GUILD)
    assert absent(world) == ()


async def test_without_a_rota_nobody_is_asked(world: World) -> None:
    fleet = Fleet(world)
    await duty.look(fleet, world.env.bot, GUILD)
    assert not fleet.moves
