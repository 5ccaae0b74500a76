"""That nothing can be stored is told once, to all who have to know, and so is its end; of a blip nobody is told."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bot import leader
from bot.delivery.outcome import BlockedError, DeliveryError, LaterError, Posted, UncertainError, VanishedError
from bot.domain.messages import Message
from bot.saving import PACE, Saving, Trouble, speaks_for_itself
from bot.storage.store import Refusals, StoreUnavailableError
from bot.webhook import Event
from tests.leap import leaping, time_of_day  # noqa: F401 - time leaps in all tests of this module

OVER = PACE.sure + PACE.retry
"""The end of a trouble is seen within so long."""

TOLD = PACE.blip + PACE.retry
"""A trouble that lasts is told within so long."""


@dataclass
class Database:
    """A database that may refuse what is written, or be away."""

    installation: str = "k3f9"
    refusals: Refusals = field(default_factory=Refusals)
    refuses: bool = False
    away: bool = False
    bug: bool = False
    proofs: int = 0

    def write(self) -> None:
        """Write something."""
        if self.away:
            reason = "the database cannot be reached"
            raise StoreUnavailableError(reason)
        if self.refuses:
            error = StoreUnavailableError("the disk is full at postgres://bot:hunter2@db/bot", unwritable=True)
            self.refusals.note(error)
            raise error

    async def prove(self) -> None:
        """Write as much as shows that everything may be written."""
        self.proofs += 1
        if self.bug:
            message = "a bug"
            raise ZeroDivisionError(message)
        self.write()


@dataclass
class Right:
    """The lease, as the database has it."""

    term: int = 3
    ours: bool = True

    async def is_ours(self) -> bool:
        """Whether the database says so."""
        return self.ours


@dataclass
class Ops:
    """The ops channel: what was posted, and how each message is shown by now."""

    trouble: Trouble | None = None
    shown: dict[int, list[str]] = field(default_factory=dict)
    marks: list[str] = field(default_factory=list)
    refusal: DeliveryError | None = None
    takes: bool = False
    """Whether it takes what it refuses."""
    tries: int = 0
    unreadable: DeliveryError | None = None

    def of(self, trouble: Trouble) -> "Ops":
        """It, with messages that show that trouble."""
        self.trouble = trouble
        return self

    async def ready(self) -> None:
        """At once."""

    def _words(self) -> str:
        assert self.trouble is not None
        return f"over {self.trouble.reason}" if self.trouble.until else f"cannot save: {self.trouble.reason}"

    async def post(self, message: Message) -> Posted:
        """Take it, or say why not."""
        assert speaks_for_itself()
        self.tries += 1
        if self.refusal is None or self.takes:
            self.marks.append(message.mark)
            self.shown[len(self.marks)] = [self._words()]
        if self.refusal is not None:
            raise self.refusal
        return Posted(len(self.marks), up_to_date=True)

    async def edit(self, message: Message) -> None:
        """The same."""
        assert message.discord_id is not None
        assert speaks_for_itself()
        if self.refusal is not None:
            raise self.refusal
        self.shown[message.discord_id].append(self._words())

    def give_way(self) -> None:
        """No edit waits."""

    async def knows_nonces(self, message: Message) -> bool:
        """It always does."""
        del message
        return True

    async def find(self, message: Message, since: datetime, *, other_than: int | None = None) -> Posted | None:
        """What was taken."""
        assert other_than is None
        assert since <= time_of_day()
        if self.unreadable is not None:
            raise self.unreadable
        mark = message.mark
        return Posted(self.marks.index(mark) + 1, up_to_date=True) if mark in self.marks else None


@dataclass
class Scene:
    """A bot that looks after its saving, and all whom it tells."""

    database: Database = field(default_factory=Database)
    lease: Right = field(default_factory=Right)
    ops: Ops = field(default_factory=Ops)
    fallback: list[tuple[Event, str]] = field(default_factory=list)
    fallback_takes: bool = True
    behind: bool = False
    slow: timedelta = timedelta()
    """By how much the host's clock was set back."""

    async def notify(self, what: Event, reason: str) -> bool:
        """The fallback address."""
        self.fallback.append((what, reason))
        return self.fallback_takes

    def refuse(self) -> None:
        """From now on nothing is written, as is found at once."""
        self.database.refuses = True
        with suppress(StoreUnavailableError):
            self.database.write()


@asynccontextmanager
async def at_work(scene: Scene) -> AsyncIterator[None]:
    """Let it look after its saving."""
    saving = Saving(
        scene.database,
        scene.lease,
        scene.ops.of,
        lambda: time_of_day() - scene.slow,
        behind=lambda: scene.behind,
        notify=scene.notify,
    )
    task = asyncio.create_task(saving.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    scene = Scene()
    async with at_work(scene):
        yield scene


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the log says of it."""
    caplog.set_level(logging.INFO, "bot.saving")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "bot.saving"]


async def wait(*times: timedelta) -> None:
    """Let that time go by."""
    await asyncio.sleep(sum(times, timedelta()).total_seconds())


async def test_a_refusal_is_told_once_and_so_is_its_end(scene: Scene, logged: Callable[[], list[str]]) -> None:
    scene.refuse()
    await wait(PACE.blip / 2)
    assert logged() == ["the database takes no writes"]
    assert scene.ops.shown == {}
    await wait(timedelta(hours=1))
    assert logged() == ["the database takes no writes"]
    (words,) = scene.ops.shown.values()
    assert len(words) == 1
    assert words[0].startswith("cannot save: the disk is full")
    assert scene.fallback == [(Event.DATABASE_UNWRITABLE, words[0].removeprefix("cannot save: "))]
    assert "hunter2" not in str(scene.fallback)
    assert scene.database.refusals.last is not None

    scene.database.refuses = False
    await wait(OVER)
    assert logged() == ["the database takes no writes", "the database takes writes again"]
    assert scene.database.refusals.last is None
    (words,) = scene.ops.shown.values()
    assert len(words) == 2
    assert words[1].startswith("over")
    assert [what for what, _ in scene.fallback] == [Event.DATABASE_UNWRITABLE, Event.DATABASE_WRITABLE]


def test_nobody_is_told_before_another_copy_that_can_write_would_lead() -> None:
    assert PACE.blip > leader.PACE.expiry + 2 * leader.PACE.renewal


async def test_a_blip_is_told_to_nobody_and_logged(scene: Scene, logged: Callable[[], list[str]]) -> None:
    scene.refuse()
    await wait(PACE.blip)
    scene.database.refuses = False
    await wait(timedelta(minutes=10))
    assert logged() == ["the database takes no writes", "the database takes writes again"]
    assert scene.ops.shown == {}
    assert scene.fallback == []


async def test_each_trouble_is_told_anew_under_a_mark_of_its_own(scene: Scene) -> None:
    for _ in range(3):
        scene.refuse()
        await wait(timedelta(minutes=5))
        scene.database.refuses = False
        await wait(OVER, PACE.calm)
    assert len(scene.ops.marks) == len(set(scene.ops.marks)) == 3
    assert all(len(mark) <= 25 for mark in scene.ops.marks)
    assert [len(words) for words in scene.ops.shown.values()] == [2, 2, 2]


@pytest.mark.parametrize("seconds", [3, 8, 12, 15, 25, 60, 280])
async def test_what_comes_and_goes_for_an_hour_is_told_twice_at_most(
    scene: Scene, seconds: int, logged: Callable[[], list[str]]
) -> None:
    for _ in range(3600 // (2 * seconds)):
        scene.refuse()
        await wait(timedelta(seconds=seconds))
        scene.database.refuses = False
        await wait(timedelta(seconds=seconds))
    assert 1 <= len(scene.ops.shown) <= 2
    assert len(scene.fallback) <= 3
    assert logged().count("the database takes no writes") <= 2
    await wait(PACE.calm, OVER)
    assert all(words[-1].startswith("over") for words in scene.ops.shown.values())
    scene.refuse()
    await wait(PACE.blip)
    scene.database.refuses = False
    await wait(OVER)
    assert logged()[-1] == "the database takes writes again", "a blip is one also soon after"
    assert len(scene.ops.shown) <= 2


async def test_how_long_it_lasted_is_told_whatever_befell_the_clock(scene: Scene) -> None:
    scene.refuse()
    await wait(timedelta(hours=1))
    trouble = scene.ops.trouble
    assert trouble is not None
    scene.slow += timedelta(hours=2)
    scene.database.refuses = False
    await wait(OVER)
    assert trouble.until is not None
    assert timedelta(hours=1) <= trouble.until - trouble.since <= timedelta(hours=1) + OVER


async def test_a_database_that_refuses_in_a_quiet_night_is_found_before_anything_has_to_be_told(scene: Scene) -> None:
    scene.database.refuses = True
    await wait(PACE.probe, TOLD)
    assert len(scene.ops.shown) == 1


async def test_a_proof_that_is_made_does_not_end_what_is_refused_all_the_same(
    scene: Scene, logged: Callable[[], list[str]]
) -> None:
    scene.refuse()
    scene.database.refuses = False
    for _ in range(20):
        await wait(PACE.retry * 0.9)
        scene.database.refusals.note(StoreUnavailableError("the disk is full", unwritable=True))
    assert logged() == ["the database takes no writes"]
    scene.behind = True
    await wait(2 * OVER)
    assert logged() == ["the database takes no writes"], "a reading is not stored yet"
    scene.behind = False
    await wait(OVER)
    assert logged()[1:] == ["the database takes writes again"]
    assert len(scene.ops.shown) == 1


async def test_nobody_is_told_while_another_copy_may_lead(scene: Scene) -> None:
    scene.lease.ours = False
    scene.refuse()
    await wait(timedelta(minutes=10))
    assert scene.ops.tries == 0
    scene.lease.ours = True
    await wait(PACE.again)
    assert scene.ops.tries == 1


async def test_a_database_that_is_away_is_no_refusal_and_ends_none(
    scene: Scene, logged: Callable[[], list[str]]
) -> None:
    scene.database.away = True
    await wait(timedelta(minutes=10))
    assert logged() == []
    scene.database.away = False
    scene.refuse()
    await wait(PACE.retry)
    scene.database.away = True
    await wait(timedelta(minutes=10))
    assert logged() == ["the database takes no writes"]


async def test_a_channel_that_refuses_is_tried_until_it_takes_it(scene: Scene, logged: Callable[[], list[str]]) -> None:
    scene.ops.refusal = BlockedError("Discord answered 403, code 50013")
    scene.refuse()
    await wait(TOLD, 3.5 * PACE.again)
    assert scene.ops.tries == 1 + 3
    assert logged().count("nobody is told that the database takes no writes") == 1
    assert len(scene.fallback) == 1, "the fallback does not wait for it"
    scene.ops.refusal = LaterError("Discord answered 429", timedelta(minutes=5))
    await wait(PACE.again)
    tries = scene.ops.tries
    await wait(timedelta(minutes=4))
    assert scene.ops.tries == tries
    scene.ops.refusal = None
    await wait(timedelta(minutes=2))
    assert scene.ops.tries == tries + 1
    assert len(scene.ops.shown) == 1


async def test_a_message_whose_answer_was_lost_is_found_and_not_repeated(scene: Scene) -> None:
    scene.ops.refusal, scene.ops.takes = UncertainError("Discord did not answer"), True
    scene.refuse()
    await wait(TOLD, PACE.again / 2)
    scene.ops.refusal = None
    await wait(timedelta(minutes=10))
    assert scene.ops.tries == 1
    scene.database.refuses = False
    await wait(OVER)
    assert [len(words) for words in scene.ops.shown.values()] == [2]


async def test_a_message_whose_answer_was_lost_right_before_the_end_is_found_and_does_not_stay_wrong(
    scene: Scene,
) -> None:
    scene.ops.refusal, scene.ops.takes = UncertainError("Discord did not answer"), True
    scene.ops.unreadable = LaterError("Discord answered 503")
    scene.refuse()
    while scene.ops.tries == 0:
        await wait(PACE.retry / 10)
    scene.database.refuses = False
    await wait(OVER)
    scene.ops.refusal, scene.ops.unreadable = None, None
    await wait(timedelta(minutes=1))
    assert scene.ops.tries == 1
    assert [words[-1].partition(" ")[0] for words in scene.ops.shown.values()] == ["over"]


async def test_an_end_that_the_channel_refuses_is_told_once_it_does_not(
    scene: Scene, logged: Callable[[], list[str]]
) -> None:
    scene.refuse()
    await wait(timedelta(minutes=1))
    scene.ops.refusal = LaterError("Discord answered 503")
    scene.database.refuses = False
    await wait(OVER, 4 * PACE.again)
    assert logged().count("nobody is told that the database takes writes again") == 1
    scene.ops.refusal = None
    await wait(PACE.again)
    assert [len(words) for words in scene.ops.shown.values()] == [2]


async def test_an_end_whose_message_is_gone_is_logged_and_let_be(scene: Scene, logged: Callable[[], list[str]]) -> None:
    scene.refuse()
    await wait(timedelta(minutes=1))
    scene.ops.refusal = VanishedError("Discord answered 404, code 10008")
    scene.database.refuses = False
    await wait(OVER)
    scene.ops.refusal = None
    await wait(timedelta(minutes=10))
    assert logged()[-1] == "nobody is told that the database takes writes again"
    assert [len(words) for words in scene.ops.shown.values()] == [1]


async def test_what_ends_before_the_channel_took_it_is_not_told(scene: Scene) -> None:
    scene.ops.refusal = LaterError("Discord answered 503")
    scene.fallback_takes = False
    scene.refuse()
    await wait(TOLD, 4.5 * PACE.fallback)
    assert len(scene.fallback) == 1 + 4
    scene.database.refuses = False
    await wait(OVER)
    scene.ops.refusal = None
    await wait(timedelta(minutes=5))
    assert scene.ops.shown == {}
    assert Event.DATABASE_WRITABLE not in [what for what, _ in scene.fallback]


async def test_the_end_is_told_elsewhere_until_it_arrives_and_not_while_it_is_so_again(scene: Scene) -> None:
    def told() -> list[Event]:
        return [what for what, _ in scene.fallback]

    again = [Event.DATABASE_WRITABLE]
    scene.refuse()
    await wait(TOLD)
    scene.fallback_takes = False
    scene.database.refuses = False
    await wait(OVER, 2.5 * PACE.fallback)
    assert told() == [Event.DATABASE_UNWRITABLE, *again * 3]
    scene.refuse()
    await wait(PACE.blip)
    scene.fallback_takes = True
    scene.database.refuses = False
    await wait(timedelta(minutes=5))
    assert told() == [Event.DATABASE_UNWRITABLE, *again * 4], "not told of the blip, it hears of the end once"

    scene.refuse()
    await wait(TOLD)
    scene.fallback_takes = False
    scene.database.refuses = False
    await wait(timedelta(minutes=5), OVER)
    tried = len(told())
    scene.refuse()
    await wait(TOLD)
    scene.fallback_takes = True
    await wait(2 * PACE.fallback)
    assert told()[-1] == Event.DATABASE_UNWRITABLE
    scene.database.refuses = False
    await wait(timedelta(minutes=30))
    assert told()[tried:].count(Event.DATABASE_WRITABLE) == 1


async def test_a_bug_in_a_proof_is_not_the_end_of_looking(scene: Scene, logged: Callable[[], list[str]]) -> None:
    scene.database.bug = True
    await wait(2.5 * PACE.probe)
    assert scene.database.proofs == 2
    scene.database.bug = False
    scene.refuse()
    await wait(timedelta(minutes=1))
    assert len(scene.ops.shown) == 1
    assert logged()[-1] == "the database takes no writes"
