"""The real discord.py in a simulated Discord: one server with operators, managers and guests."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Never, cast

import discord
import pytest
import simcord

from bot.acts import Acts
from bot.chat.alerts import Roles, alert
from bot.chat.client import ChatClient
from bot.domain.decisions import Decision
from bot.domain.incidents import Incident, Key, Stage
from bot.domain.info import threshold
from bot.domain.messages import Message, Notice
from bot.domain.model import Fleet, Token
from bot.domain.naming import name_of
from bot.domain.rules.policy import Policy
from bot.domain.sample import Sample
from bot.domain.steering import Entry
from bot.domain.sums import Fact
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known
from bot.domain.watch.noting import kept, note
from bot.domain.watch.response import acknowledge, believe, decide, hand_back, hand_over, undo
from bot.domain.watch.testing import begin
from bot.imaginepro.client import ImaginePro, UnreachableError
from tests.chat.builders import NOON, fleet, token

if TYPE_CHECKING:
    from bot.imaginepro.http import Line

GUILD = 500
PATIENCE = 120.0
"""Seconds, hundreds of times what any answer takes: a guard against hanging. simcord's own five are not enough for a
busy machine, and after a test that fails so those that follow find discord.py as it left it, and fail, too."""


_dispatch = simcord.MemberActor._dispatch_interaction


async def _with_its_server(
    self: simcord.MemberActor,
    kind: int,
    channel: simcord.ChannelHandle,
    data: dict[str, Any],
    **more: Any,  # noqa: ANN401 - as simcord has them
) -> simcord.InteractionResult:
    """Say of a context menu where it is registered, as Discord does and simcord 3.2.1 does of slash commands alone."""
    registered = {"guild_id": str(self.guild.id)} if "target_id" in data else {}
    return await _dispatch(self, kind, channel, {**data, **registered}, **more)


simcord.MemberActor._dispatch_interaction = _with_its_server  # type: ignore[assignment, method-assign]


class FakeDesk:
    """Knows what a test gives it, decides as the bot does, and reads what a test lets it read."""

    def __init__(self) -> None:
        self.known = Known()
        self.fleet = fleet(token(1900), token(1901, "BANNED"), token(1950, "RELAX"))
        self.base = Policy((threshold("20%"),))
        self._now = NOON + timedelta(minutes=1)
        self.passes = timedelta()
        """How much time there is between two looks at the clock."""
        self.upstream: dict[int, Token | Exception] = {}
        """What a refresh brings."""
        self.messages: dict[int, Message] = {}
        """What the ops channel shows, as of when it was posted."""
        self.ended: dict[Key, Incident] = {}
        self.trail: list[Entry] = []
        self.notices: list[Notice] = []
        """What the ops channel is told beside the cards."""
        self.samples: dict[int, list[Sample]] = {}
        """What was read of tokens, ascending."""
        self.facts_: list[Fact] = []
        """What reports count."""
        self.first: datetime | None = None
        """When anything was read first."""
        self.broken: Exception | None = None
        """What each call of the database raises."""

    @property
    def now(self) -> datetime:
        """The time."""
        self._now += self.passes
        return self._now

    @now.setter
    def now(self, now: datetime) -> None:
        self._now = now

    @property
    def fleet(self) -> Fleet:
        """The last reading."""
        return self.known.fleet

    @fleet.setter
    def fleet(self, read: Fleet) -> None:
        self.known = replace(self.known, fleet=read, remembered=read.tokens)

    @property
    def policy(self) -> Policy:
        """How the rules are set."""
        return self.known.policy(self.base)

    def fire(self, *incidents: Incident) -> None:
        """These are open."""
        self.known = replace(self.known, incidents={each.key: each for each in incidents})

    async def refresh(self, token_id: int) -> Token:
        """Read one token."""
        found = self.upstream[token_id]
        if isinstance(found, Exception):
            raise found
        if token_id in self.fleet.tokens:
            self.fleet = replace(self.fleet, tokens={**self.fleet.tokens, token_id: found})
        return found

    async def acknowledge(self, keys: Iterable[Key], by: int) -> tuple[Incident, ...]:
        """Somebody has them."""
        return self._keep(acknowledge(self.known, keys, by, self.now)).incidents

    async def hand_back(self, keys: Iterable[Key], by: int) -> tuple[Incident, ...]:
        """Nobody has them."""
        return self._keep(hand_back(self.known, keys, by, self.now)).incidents

    async def hand_over(self, keys: Iterable[Key], to: int, by: int) -> tuple[Incident, ...]:
        """Another has them."""
        return self._keep(hand_over(self.known, keys, to, by, self.now)).incidents

    async def believe(self, by: int) -> bool:
        """The short list is true."""
        return bool(self._keep(believe(self.known, by, self.now)).incidents)

    async def note(self, about: Iterable[Incident], by: int, words: str) -> tuple[Incident, ...]:
        """It is kept with them."""
        stored = [each for one in about if (each := self._stored(one)) is not None]
        return kept(self._keep(note(self.known, stored, by, words, self.now)))

    def _stored(self, about: Incident) -> Incident | None:
        open_, over = self.known.incidents.get(about.key), self.ended.get(about.key)
        return next((each for each in (open_, over) if each is not None and each.opened_at == about.opened_at), None)

    async def test(self, by: int, trouble: str) -> bool:
        """A page is to be answered."""
        return bool(self._keep(begin(self.known, by, self.now, trouble)).incidents)

    async def decide(self, decision: Decision, act: str, by: int, reason: str = "") -> None:
        """It holds."""
        self._keep(decide(self.known, decision, Entry(self.now, by, act, name_of(decision), reason)))

    async def undo(self, decision: Decision, act: str, by: int) -> bool:
        """It holds no more."""
        if not self.known.decisions.holds(decision.id):
            return False
        self._keep(undo(self.known, decision, Entry(self.now, by, act, name_of(decision))))
        return True

    async def move(self, doing: Callable[[Known, datetime], tuple[Changes, Known]]) -> Changes:
        """It is as that says, as the monitor has it for acts."""
        return self._keep(doing(self.known, self.now))

    async def message(self, message_id: int) -> Message | None:
        """With its incidents as they are now; those that are not open any more are over."""
        self._check()
        found = self.messages.get(message_id)
        return found and replace(found, incidents=tuple(map(self._as_of_now, found.incidents)))

    async def links(self) -> Mapping[Key, int]:
        """Where the open ones are."""
        self._check()
        return {
            incident.key: message.discord_id
            for message in self.messages.values()
            for incident in message.incidents
            if message.discord_id is not None
        }

    async def audit(self, limit: int) -> tuple[Entry, ...]:
        """Newest first."""
        self._check()
        return tuple(self.trail[: -limit - 1 : -1])

    async def history(
        self, tokens: Collection[int], since: datetime, until: datetime
    ) -> Mapping[int, tuple[Sample, ...]]:
        """What a test says was read, from the last before that time on, if that is no more than a day older."""
        self._check()
        found: dict[int, tuple[Sample, ...]] = {}
        for token_id in tokens:
            known = [each for each in self.samples.get(token_id, ()) if each.at <= until]
            before = [each for each in known if since - timedelta(days=1) <= each.at < since]
            found[token_id] = (*before[-1:], *(each for each in known if each.at >= since))
        return found

    async def facts(self, since: datetime) -> tuple[Sequence[Fact], datetime | None]:
        """What a test says was open, if it was from then on."""
        self._check()
        return [each for each in self.facts_ if each.ended is None or each.ended >= since], self.first

    def _as_of_now(self, incident: Incident) -> Incident:
        over = replace(incident, stage=Stage.RESOLVED, resolved_at=self.now)
        return self.known.incidents.get(incident.key, self.ended.get(incident.key, over))

    def _check(self) -> None:
        if self.broken is not None:
            raise self.broken

    def _keep(self, moved: tuple[Changes, Known]) -> Changes:
        self._check()
        changes, self.known = moved
        self.ended |= {each.key: each for each in changes.incidents if each.stage is Stage.RESOLVED}
        self.trail += changes.audit
        self.notices += changes.notices
        return changes


class Nowhere:
    """Where ImaginePro is for tests that are not about it: nobody answers there."""

    async def call(self, *_: object, **__: object) -> Never:
        """Fail at once."""
        message = "there is no connection"
        raise UnreachableError(message)


@dataclass
class World:
    """A server, its people, and the bot in it."""

    env: simcord.Env
    desk: FakeDesk
    channel: simcord.ChannelHandle
    operators: simcord.RoleHandle
    operator: simcord.MemberActor
    """Has the operator role, and may not manage the server."""
    manager: simcord.MemberActor
    guest: simcord.MemberActor
    other: simcord.MemberActor
    """Another operator."""
    roles: Roles = field(default_factory=Roles)
    """Whom alerts mention."""
    acts: Acts | None = None
    """Does what is confirmed, where a test lets it."""
    upstream: ImaginePro = field(default_factory=lambda: ImaginePro(cast("Line", Nowhere()), budget=timedelta()))
    """Whom commands ask."""

    def third(self) -> simcord.MemberActor:
        """One more operator."""
        return self.operator.guild.add_member(self.env.create_user("tia"), roles=[self.operators])

    async def post(
        self, *incidents: Incident, summary: bool = False, message_id: int = 57, discussed: int | None = None
    ) -> discord.Message:
        """These fire, and the ops channel shows it."""
        self.desk.fire(*self.desk.known.incidents.values(), *incidents)
        message = Message(message_id, f"k3f9-{message_id}", incidents, version=1, summary=summary or len(incidents) > 1)
        channel = self.env.bot.get_channel(self.channel.id)
        assert isinstance(channel, discord.TextChannel)
        shown = alert(message, self.desk.fleet, self.roles, discussed=discussed)
        assert shown.view is not None
        posted = await channel.send(shown.content, embeds=shown.embeds, view=shown.view)
        self.desk.messages[message_id] = replace(message, discord_id=posted.id)
        return posted

    async def shown(self, message_id: int) -> discord.Message:
        """The message as the ops channel shows it by now."""
        message = await self.desk.message(message_id)
        assert message is not None
        assert message.discord_id is not None
        channel = self.env.bot.get_channel(self.channel.id)
        assert isinstance(channel, discord.TextChannel)
        now = alert(message, self.desk.fleet, self.roles)
        found = await channel.fetch_message(message.discord_id)
        return await found.edit(content=now.content, embeds=now.embeds, view=now.view)

    @property
    def role(self) -> int:
        """The operator role."""
        return self.operators.id

    async def restart(
        self,
        operator_role_id: int | None,
        on_asked: Callable[[], None] = lambda: None,
        *,
        viewer_role_id: int | None = None,
        read_only: bool = False,
    ) -> ChatClient:
        """End the bot, and start another with these settings."""
        client = ChatClient(
            self.desk,
            guild_id=GUILD,
            channel_id=self.channel.id,
            timezone="Europe/Berlin",
            operator_role_id=operator_role_id,
            viewer_role_id=viewer_role_id,
            read_only=read_only,
            alert_role_id=self.roles.alert,
            escalation_role_id=self.roles.escalation,
            on_asked=on_asked,
        )
        client.upstream = self.upstream
        if self.acts is not None:
            client.acts = self.acts
        await self.env.restart_bot(client)
        return client


@pytest.fixture
def desk() -> FakeDesk:
    """A fleet of three."""
    return FakeDesk()


@pytest.fixture
async def simcord_bot(desk: FakeDesk) -> ChatClient:
    """What the simulated Discord starts with."""
    return ChatClient(desk, guild_id=GUILD, channel_id=1)


@pytest.fixture
async def world(simcord_env: simcord.Env, desk: FakeDesk) -> World:
    """A server in which only operators may ask."""
    simcord_env.settle_timeout = PATIENCE
    guild = simcord_env.create_guild(id=GUILD)
    operators = guild.create_role("operators")
    managers = guild.create_role("managers", permissions=discord.Permissions(manage_guild=True))
    known = World(
        simcord_env,
        desk,
        guild.create_text_channel("ops"),
        operators,
        guild.add_member(simcord_env.create_user("olive"), roles=[operators]),
        guild.add_member(simcord_env.create_user("mo"), roles=[managers]),
        guild.add_member(simcord_env.create_user("guy")),
        guild.add_member(simcord_env.create_user("ana"), roles=[operators]),
    )
    await known.restart(operators.id)
    return known
