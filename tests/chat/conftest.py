"""The real discord.py in a simulated Discord: one server with operators, managers and guests."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import discord
import pytest
import simcord

from bot.chat.client import ChatClient
from bot.domain.model import Fleet, Token
from tests.chat.builders import NOON, fleet, token

GUILD = 500


@dataclass
class FakeDesk:
    """Knows what a test gives it, and reads what a test lets it read."""

    fleet: Fleet = field(default_factory=lambda: fleet(token(1900), token(1901, "BANNED"), token(1950, "RELAX")))
    now: datetime = NOON + timedelta(minutes=1)
    upstream: dict[int, Token | Exception] = field(default_factory=dict)
    """What a refresh brings."""

    async def refresh(self, token_id: int) -> Token:
        """Read one token."""
        found = self.upstream[token_id]
        if isinstance(found, Exception):
            raise found
        if token_id in self.fleet.tokens:
            self.fleet = replace(self.fleet, tokens={**self.fleet.tokens, token_id: found})
        return found


@dataclass
class World:
    """A server, its people, and the bot in it."""

    env: simcord.Env
    desk: FakeDesk
    channel: simcord.ChannelHandle
    role: int
    """The operator role."""
    operator: simcord.MemberActor
    """Has the operator role, and may not manage the server."""
    manager: simcord.MemberActor
    guest: simcord.MemberActor

    async def restart(self, operator_role_id: int | None) -> ChatClient:
        """End the bot, and start another with that setting."""
        client = ChatClient(self.desk, guild_id=GUILD, operator_role_id=operator_role_id)
        await self.env.restart_bot(client)
        return client


@pytest.fixture
def desk() -> FakeDesk:
    """A fleet of three."""
    return FakeDesk()


@pytest.fixture
async def simcord_bot(desk: FakeDesk) -> ChatClient:
    """What the simulated Discord starts with."""
    return ChatClient(desk, guild_id=GUILD)


@pytest.fixture
async def world(simcord_env: simcord.Env, desk: FakeDesk) -> World:
    """A server in which only operators may ask."""
    guild = simcord_env.create_guild(id=GUILD)
    operators = guild.create_role("operators")
    managers = guild.create_role("managers", permissions=discord.Permissions(manage_guild=True))
    known = World(
        simcord_env,
        desk,
        guild.create_text_channel("ops"),
        operators.id,
        guild.add_member(simcord_env.create_user("olive"), roles=[operators]),
        guild.add_member(simcord_env.create_user("mo"), roles=[managers]),
        guild.add_member(simcord_env.create_user("guy")),
    )
    await known.restart(operators.id)
    return known
