"""The parts of a bot that can be looked at, all real but for what is at their ends."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bot.chat.client import ChatClient
from bot.delivery.handover import Handover
from bot.delivery.outcome import DeliveryError, Posted
from bot.delivery.rests import Subject
from bot.domain.info import threshold
from bot.domain.messages import Message
from bot.domain.model import Record, Token
from bot.domain.rules.policy import Policy
from bot.imaginepro.client import RefusedError, ServerError
from bot.monitor import Monitor
from bot.observe.pulse import Parts, Pulse
from bot.outbox import Outbox
from bot.storage.store import Store, open_store
from tests.domain.fleets import START, record, tokens


@dataclass
class Ends:
    """ImaginePro, Discord's channel and the clock, as the test has them."""

    fleet_now: tuple[Record, ...] | None = (record(),)
    """None while ImaginePro fails."""
    left_alone: timedelta | None = None
    """For how long it asks to be left alone then."""
    unpaid: bool = False
    """Whether it fails since it asks for payment."""
    refusal: DeliveryError | None = None
    """What the channel says."""
    refused: Subject = Subject.ALL
    """To what it says that."""
    now: datetime = START
    posted: list[Message] = field(default_factory=list)

    async def fleet(self, known: Mapping[int, Token]) -> Mapping[int, Token]:
        """The accounts."""
        assert known is not None
        if self.fleet_now is None:
            kind, status = (RefusedError, 402) if self.unpaid else (ServerError, 503)
            reason = f"the API failed ({status})"
            raise kind(reason, status=status, retry_after=self.left_alone)
        return tokens(self.fleet_now)

    async def token(self, token_id: int) -> Token:
        """One of them."""
        return (await self.fleet({}))[token_id]

    async def ready(self) -> None:
        """At once."""

    @property
    def seconds(self) -> float:
        """The same clock, as a timer."""
        return self.now.timestamp()

    async def post(self, message: Message) -> Posted:
        """Take it, or say why not."""
        return self._take(message, Subject.POSTS)

    def _take(self, message: Message, subject: Subject) -> Posted:
        if self.refusal is not None and self.refused in {Subject.ALL, subject}:
            raise self.refusal
        self.posted.append(message)
        return Posted(1000 + message.id, up_to_date=True)

    async def edit(self, message: Message) -> None:
        """The same."""
        self._take(message, Subject.EDITS)

    def give_way(self) -> None:
        """No edit waits."""

    async def knows_nonces(self, message: Message) -> bool:
        """It always does."""
        del message
        return True

    async def find(self, message: Message, since: datetime, *, other_than: int | None = None) -> Posted | None:
        """What was taken."""
        found = (1000 + each.id for each in self.posted if each.mark == message.mark and since <= self.now)
        return next((Posted(each, up_to_date=True) for each in found if each != other_than), None)


@dataclass
class Patient:
    """A bot to be looked at. Its heart beats when the test says so."""

    ends: Ends
    store: Store
    monitor: Monitor
    outbox: Outbox
    client: ChatClient
    pulse: Pulse
    discord_errors: Counter[str] = field(default_factory=Counter)

    def leading(self) -> AbstractContextManager[None]:
        """Let it lead."""
        return self.pulse.leading(Parts(self.monitor, self.outbox, self.client, self.discord_errors))

    async def live(self, seconds: int, late: float = 0.0) -> None:
        """Beat so often, each beat so late; the database is asked in each."""
        for _ in range(seconds):
            self.ends.now += timedelta(seconds=1)
            await self.pulse.ask()
            self.pulse.beat(late)

    async def poll(self, *records: Record) -> None:
        """Read those accounts."""
        self.ends.fleet_now = records or self.ends.fleet_now
        await self.monitor.poll()


@pytest.fixture
async def patient(sqlite_url: str) -> AsyncIterator[Patient]:
    ends = Ends()
    async with open_store(sqlite_url) as store:
        handover = Handover()
        monitor = Monitor(ends, store, Policy((threshold("20%"),)), lambda: ends.now, handover)
        await monitor.restore()
        async with ChatClient(monitor, guild_id=1, channel_id=2) as client:
            client.online = True
            outbox = Outbox(store, ends, lambda: ends.now, handover, timer=lambda: ends.seconds)
            pulse = Pulse(lambda: ends.now, timedelta(minutes=1))
            pulse.ask_of(store)
            yield Patient(ends, store, monitor, outbox, client, pulse)
