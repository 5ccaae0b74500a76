"""What waits is delivered once, in order, through whatever the channel answers."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bot.delivery.handover import Handover
from bot.delivery.outcome import (
    BlockedError,
    DeliveryError,
    LaterError,
    Posted,
    RefusedError,
    UncertainError,
    VanishedError,
)
from bot.delivery.rests import PACE, Subject
from bot.domain.incidents import Incident, Key, Rule, Stage
from bot.domain.messages import Message, Notice, NoticeKind
from bot.domain.model import Severity
from bot.domain.steering import Setting
from bot.domain.value import replace
from bot.domain.watch.known import Changes
from bot.outbox import NONCE_MEMORY, Outbox
from bot.storage.claims import FOLD_OVER
from bot.storage.store import CLAIM_LASTS, Backlog, Claimed, Store, StoreUnavailableError, open_store
from tests.domain.fleets import record
from tests.leap import leaping, time_of_day  # noqa: F401 - time leaps in all tests of this module
from tests.storage.values import claim
from tests.waiting import until

Answer = Exception | None


@dataclass
class Room:
    """A channel that answers as told, and remembers nonces like Discord."""

    answers: list[Answer] = field(default_factory=list)
    """For the next calls, in order; None is success. After them all calls succeed."""
    shown: dict[int, Message] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    sounds: dict[int, Severity] = field(default_factory=dict)
    """Of each message, how severe it was when it was posted."""
    meanwhile: Callable[[], Awaitable[None]] | None = None
    """Happens while the next post is on its way."""
    accepts_before_failing: bool = False
    nonces: bool = True
    nonces_known: bool = True
    """Whether the bot may count on them."""
    open: asyncio.Event | None = None

    async def ready(self) -> None:
        """It is, unless the test keeps it closed."""
        if self.open:
            await self.open.wait()

    async def post(self, message: Message) -> Posted:
        """Post, unless the nonce is known."""
        self.calls.append("post")
        failure = self._next()
        if failure and not self.accepts_before_failing:
            raise failure
        known = [key for key, each in self.shown.items() if each.mark == message.mark] if self.nonces else []
        discord_id = known[0] if known else 1000 + len(self.shown)
        self.shown.setdefault(discord_id, message)
        loudest = max((each.severity for each in message.incidents), key=lambda each: each.rank)
        self.sounds.setdefault(discord_id, loudest)
        if self.meanwhile:
            happens, self.meanwhile = self.meanwhile, None
            await happens()
        if failure:
            raise failure
        return Posted(discord_id, self.shown[discord_id].incidents == message.incidents)

    async def edit(self, message: Message) -> None:
        """Edit what is there."""
        self.calls.append("edit")
        if failure := self._next():
            raise failure
        assert message.discord_id is not None
        if message.discord_id not in self.shown:
            reason = "unknown message"
            raise VanishedError(reason)
        self.shown[message.discord_id] = message

    def give_way(self) -> None:
        """No edit waits."""

    async def knows_nonces(self, message: Message) -> bool:
        """Unless the test says that it is a forum."""
        del message
        return self.nonces_known

    async def find(self, message: Message, since: datetime, *, other_than: int | None = None) -> Posted | None:
        """Look through what is there."""
        self.calls.append("find")
        assert since is not None
        if failure := self._next():
            raise failure
        found = (key for key, each in self.shown.items() if each.mark == message.mark and key != other_than)
        return next((Posted(key, self.shown[key].incidents == message.incidents) for key in found), None)

    def _next(self) -> Answer:
        return self.answers.pop(0) if self.answers else None


@dataclass
class Clock:
    """The loop's clock, which a test may set."""

    ahead: timedelta = timedelta()
    slept: timedelta = timedelta()
    """How much of that time went by, which no clock takes back."""

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    @property
    def now(self) -> datetime:
        """The same."""
        return time_of_day() + self.ahead

    def forward(self, by: timedelta) -> None:
        """Move it."""
        self.ahead += by
        self.slept += max(by, timedelta())

    def timer(self) -> float:
        """Seconds of a clock that nobody sets."""
        return asyncio.get_running_loop().time() + self.slept.total_seconds()


@dataclass
class Post:
    """An outbox at work on a real database."""

    store: Store
    room: Room
    clock: Clock
    outbox: Outbox
    handover: Handover = field(default_factory=Handover)

    async def incident(self, token: int, rule: Rule | None = None, **more: object) -> Incident:
        """Something is wrong with a token, and is to be told; each token has another rule, and so its own message."""
        incident = Incident(
            key=Key(sorted(set(Rule) - {Rule.TEST})[token] if rule is None else rule, token),
            severity=Severity.WARNING,
            stage=Stage.FIRING,
            opened_at=self.clock.now,
            read_at=self.clock.now,
            now=record(token),
        )
        incident = replace(incident, **more)  # type: ignore[arg-type] # the fields are those of Incident
        await self.tell(incident)
        return incident

    async def tell(self, *incidents: Incident) -> None:
        """Store what is to be told."""
        keys = frozenset(incident.key for incident in incidents)
        await self.store.save(Changes(self.clock.now, incidents=incidents, notify=keys), self.clock.now)
        self.handover.wake()

    async def rise(self, incident: Incident) -> Incident:
        """It is critical from now on, which is to be heard."""
        risen = replace(incident, severity=Severity.CRITICAL)
        await self.say(NoticeKind.RAISED, risen)
        return risen

    async def say(self, kind: NoticeKind, incident: Incident) -> None:
        """Store it, and what is to be said below its card."""
        notice, keys = Notice(kind, self.clock.now, (incident.key,)), frozenset({incident.key})
        changes = Changes(self.clock.now, incidents=(incident,), notify=keys, notices=(notice,))
        await self.store.save(changes, self.clock.now)
        self.handover.wake()

    def heard(self) -> list[Severity]:
        """How severe each post was when it made its sound, in order."""
        return [self.room.sounds[key] for key in sorted(self.room.sounds)]

    async def resolve(self, incident: Incident) -> None:
        """It is over."""
        await self.tell(replace(incident, stage=Stage.RESOLVED, resolved_at=self.clock.now))

    async def deliver(self) -> timedelta | None:
        """What the outbox does when it is woken."""
        return await self.outbox.deliver()

    async def deliver_all(self) -> None:
        """Deliver, and wait as long as it asks to, until nothing waits."""
        for _ in range(50):
            pause = await self.deliver()
            if pause is None:
                return
            self.clock.forward(pause + timedelta(milliseconds=1))
        pytest.fail("messages still wait after 50 attempts")

    def tokens(self) -> list[list[int | None]]:
        """The tokens of each message that the channel shows, in order."""
        return [[incident.key.token for incident in self.room.shown[key].incidents] for key in sorted(self.room.shown)]


@pytest.fixture
async def post(database_url: str) -> AsyncIterator[Post]:
    async with at_work(database_url) as post:
        yield post


@asynccontextmanager
async def at_work(url: str) -> AsyncIterator[Post]:
    """An outbox on that database."""
    clock, room = Clock(), Room()
    async with open_store(url) as store:
        yield Post(store, room, clock, Outbox(store, room, clock, Handover(), timer=clock.timer))


async def test_a_message_is_posted_once_and_edited_when_it_changes(post: Post) -> None:
    incident = await post.incident(1)
    await post.deliver_all()
    await post.deliver_all()
    await post.resolve(incident)
    await post.deliver_all()
    assert post.room.calls == ["post", "edit"]
    (shown,) = post.room.shown.values()
    assert shown.incidents[0].stage is Stage.RESOLVED


async def test_what_began_and_ended_while_the_channel_was_away_is_told_late_in_one_message(post: Post) -> None:
    post.room.answers = [LaterError("away")]
    incident = await post.incident(1)
    await post.deliver()
    await post.resolve(incident)
    await post.deliver_all()
    assert post.room.calls == ["post", "post"]
    (shown,) = post.room.shown.values()
    assert shown.incidents[0].stage is Stage.RESOLVED


async def test_what_came_and_went_before_the_channel_was_ready_is_told_as_over(post: Post) -> None:
    post.room.open = asyncio.Event()
    incident = await post.incident(1)
    delivering = asyncio.create_task(post.deliver())
    await asyncio.sleep(1)
    await post.resolve(incident)
    post.room.open.set()
    assert await delivering is None
    (shown,) = post.room.shown.values()
    assert shown.incidents[0].stage is Stage.RESOLVED
    assert post.room.calls == ["post"]


async def test_messages_arrive_in_the_order_in_which_they_were_stored(post: Post) -> None:
    for token in (3, 1, 2):
        await post.incident(token)
    await post.deliver_all()
    assert post.tokens() == [[3], [1], [2]]


async def test_a_channel_that_refuses_is_tried_by_one_message_and_not_by_all(post: Post) -> None:
    for token in range(FOLD_OVER):
        await post.incident(token)
    post.room.answers = [LaterError("away")] * 3
    for _ in range(3):
        post.clock.forward((await post.deliver() or timedelta()) + timedelta(milliseconds=1))
    assert post.room.calls == ["post"] * 3
    await post.deliver_all()
    assert sorted(post.tokens()) == [[token] for token in range(FOLD_OVER)]


async def test_more_than_a_handful_of_waiting_messages_become_one_summary_that_names_them_all(post: Post) -> None:
    for token in range(FOLD_OVER + 1):
        await post.incident(token)
    await post.deliver_all()
    (summary,) = post.room.shown.values()
    assert summary.summary
    assert post.tokens() == [list(range(FOLD_OVER + 1))]


async def test_a_summary_is_edited_when_one_of_its_incidents_ends(post: Post) -> None:
    incidents = [await post.incident(token) for token in range(FOLD_OVER + 1)]
    await post.deliver_all()
    await post.resolve(incidents[2])
    await post.deliver_all()
    assert post.room.calls == ["post", "edit"]
    (summary,) = post.room.shown.values()
    assert [each.stage for each in summary.incidents].count(Stage.RESOLVED) == 1


@pytest.mark.parametrize("failure", [LaterError("429"), UncertainError("503"), BlockedError("50013")])
async def test_no_failure_loses_or_doubles_a_message(post: Post, failure: DeliveryError) -> None:
    await post.incident(1)
    post.room.answers = [failure] * 5
    await post.deliver_all()
    assert post.room.calls.count("post") == 6
    assert post.tokens() == [[1]]


async def test_a_post_that_was_accepted_without_our_knowing_is_not_repeated(post: Post) -> None:
    post.room.accepts_before_failing = True
    post.room.answers = [UncertainError("hung up")]
    await post.incident(1)
    await post.deliver_all()
    assert post.tokens() == [[1]]


@pytest.mark.parametrize(("seconds", "asked"), [(70, "post"), (80, "find")])
async def test_a_nonce_is_relied_on_while_discord_remembers_it_even_after_a_long_wait_for_the_turn(
    post: Post, seconds: int, asked: str
) -> None:
    post.room.accepts_before_failing = True
    post.room.answers = [UncertainError("hung up")]
    await post.incident(1)
    await post.deliver()
    post.clock.forward(timedelta(seconds=seconds))
    await post.deliver_all()
    assert post.room.calls == ["post", asked]
    assert post.tokens() == [[1]]


async def test_such_a_post_is_looked_for_in_the_channel_when_the_nonce_is_forgotten(post: Post) -> None:
    post.room.accepts_before_failing = True
    post.room.nonces = False
    post.room.answers = [UncertainError("hung up")]
    await post.incident(1)
    await post.deliver()
    post.clock.forward(timedelta(minutes=3))
    await post.deliver_all()
    assert post.room.calls == ["post", "find"]
    assert post.tokens() == [[1]]


async def test_what_changed_since_such_a_post_is_shown_by_an_edit(post: Post) -> None:
    post.room.accepts_before_failing = True
    post.room.answers = [UncertainError("hung up")]
    incident = await post.incident(1)
    await post.deliver()
    await post.resolve(incident)
    await post.deliver_all()
    assert post.room.calls == ["post", "post", "edit"]
    (shown,) = post.room.shown.values()
    assert shown.incidents[0].stage is Stage.RESOLVED


@pytest.mark.parametrize("waits", [timedelta(seconds=2), timedelta(minutes=3)])
@pytest.mark.parametrize("tries_lost", [1, 2])
async def test_a_rise_is_told_once_by_a_card_whose_earlier_tries_were_lost(
    post: Post, waits: timedelta, tries_lost: int
) -> None:
    """The last try posts the card as it is by then, and Discord's answer shows that it was this one."""
    post.room.answers = [UncertainError("hung up")] * tries_lost
    incident = await post.incident(1)
    await post.deliver()
    await post.rise(incident)
    for _ in range(1, tries_lost):
        post.clock.forward(timedelta(seconds=10))
        await post.deliver()
    post.clock.forward(waits)
    await post.deliver_all()
    assert post.heard() == [Severity.CRITICAL]


@pytest.mark.parametrize("waits", [timedelta(seconds=2), timedelta(minutes=3)])
async def test_a_rise_is_told_once_by_the_second_of_two_tries_that_nobody_answered(
    post: Post, waits: timedelta
) -> None:
    post.room.answers = [UncertainError("hung up")]
    incident = await post.incident(1)
    await post.deliver()
    await post.rise(incident)
    post.room.answers, post.room.accepts_before_failing = [UncertainError("hung up")], True
    post.clock.forward(timedelta(seconds=10))
    await post.deliver()
    post.clock.forward(waits)
    await post.deliver_all()
    assert post.heard() == [Severity.CRITICAL]


@pytest.mark.parametrize("waits", [timedelta(seconds=2), timedelta(minutes=3)])
async def test_a_rise_is_told_by_a_word_of_its_own_where_discord_took_the_card_before(
    post: Post, waits: timedelta
) -> None:
    post.room.answers, post.room.accepts_before_failing = [UncertainError("hung up")], True
    incident = await post.incident(1)
    await post.deliver()
    await post.rise(incident)
    post.clock.forward(waits)
    await post.deliver_all()
    assert post.heard() == [Severity.WARNING, Severity.CRITICAL]


@pytest.mark.parametrize(
    ("taken", "heard"), [(False, [Severity.CRITICAL]), (True, [Severity.WARNING, Severity.CRITICAL])]
)
async def test_a_rise_within_a_group_is_told_once_as_well(post: Post, *, taken: bool, heard: list[Severity]) -> None:
    post.room.answers, post.room.accepts_before_failing = [UncertainError("hung up")], taken
    first = await post.incident(1, Rule.VERIFYING)
    await post.tell(first, replace(first, key=Key(Rule.VERIFYING, 2)))
    await post.deliver()
    await post.rise(first)
    post.clock.forward(timedelta(seconds=2))
    await post.deliver_all()
    assert post.heard() == heard


@pytest.mark.parametrize(("taken", "kinds"), [(False, [None]), (True, [None, NoticeKind.REMINDER])])
async def test_a_reminder_of_a_card_that_may_be_there_is_said_where_it_was_and_not_where_it_comes_only_now(
    post: Post, *, taken: bool, kinds: list[NoticeKind | None]
) -> None:
    """Though the card reads as it did then: that it was heard is known, and that nobody answered."""
    post.room.answers, post.room.accepts_before_failing = [UncertainError("hung up")], taken
    incident = await post.incident(1)
    await post.deliver()
    post.clock.forward(timedelta(minutes=15))
    await post.say(NoticeKind.REMINDER, incident)
    await post.deliver_all()
    posted = [post.room.shown[key].notice for key in sorted(post.room.shown)]
    assert [each and each.kind for each in posted] == kinds


async def test_a_rise_is_told_once_though_the_card_changes_again_while_it_is_on_its_way(post: Post) -> None:
    post.room.answers = [UncertainError("hung up"), None]
    incident = await post.incident(1)
    await post.deliver()
    risen = await post.rise(incident)
    post.clock.forward(timedelta(seconds=2))

    async def changes() -> None:
        await post.tell(replace(risen, detail="and something else"))

    post.room.meanwhile = changes
    await post.deliver_all()
    assert post.heard() == [Severity.CRITICAL]
    (shown,) = [each for each in post.room.shown.values() if each.notice is None]
    assert shown.incidents[0].detail == "and something else"


async def test_a_post_that_is_not_found_in_the_channel_is_posted_again(post: Post) -> None:
    post.room.answers = [UncertainError("hung up")]
    await post.incident(1)
    await post.deliver()
    post.clock.forward(timedelta(minutes=3))
    await post.deliver_all()
    assert post.room.calls == ["post", "find", "post"]
    assert post.tokens() == [[1]]


async def test_a_process_that_died_while_posting_is_followed_by_one_that_posts_it_once(database_url: str) -> None:
    async with at_work(database_url) as first:
        await first.incident(1)
        message = await claim(first.store, first.clock.now, timedelta(minutes=1))
        assert message is not None
        await first.room.post(message)
    for later in (timedelta(seconds=1), timedelta(minutes=10)):
        async with at_work(database_url) as second:
            second.room.shown = dict(first.room.shown)
            second.room.nonces = later < timedelta(minutes=2)
            second.clock.forward(later)
            await second.store.reopen(second.clock.now, CLAIM_LASTS)
            await second.deliver_all()
            assert second.tokens() == [[1]]


async def test_what_was_put_off_does_not_wait_for_hours_when_the_clock_is_set_back(post: Post) -> None:
    post.room.answers = [LaterError("busy")]
    await post.incident(1)
    await post.deliver()
    post.clock.forward(timedelta(hours=-3))
    await asyncio.sleep(PACE.first.total_seconds())
    await post.deliver()
    assert post.tokens() == [[1]]


async def test_what_was_stored_while_the_clock_was_hours_ahead_is_told_when_it_is_right_again(post: Post) -> None:
    post.clock.forward(timedelta(hours=3))
    await post.incident(1)
    post.clock.forward(timedelta(hours=-3))
    await post.deliver()
    assert post.tokens() == [[1]]


async def test_a_post_that_may_be_in_the_channel_is_looked_for_there_after_the_clock_was_set_back(post: Post) -> None:
    post.room.answers, post.room.accepts_before_failing = [UncertainError("hung up")], True
    post.room.nonces = False
    await post.incident(1)
    await post.deliver()
    post.clock.forward(timedelta(hours=-3))
    await post.deliver_all()
    assert post.room.calls == ["post", "find"]
    assert post.tokens() == [[1]]


async def test_a_message_that_was_deleted_in_discord_is_posted_anew(post: Post) -> None:
    incident = await post.incident(1)
    await post.deliver_all()
    post.room.shown.clear()
    await post.resolve(incident)
    await post.deliver_all()
    assert post.room.calls == ["post", "edit", "post"]


async def test_a_message_that_discord_refuses_for_good_is_parked_and_the_next_one_goes_on(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    post.room.answers = [RefusedError("50035: invalid form body")]
    await post.incident(1)
    await post.incident(2)
    await post.deliver_all()
    assert post.tokens() == [[2]]
    (parked,) = await post.store.parked()
    assert "50035" in parked.reason
    assert "message parked" in caplog.text


async def test_a_parked_message_is_tried_again_when_it_changes(post: Post) -> None:
    post.room.answers = [RefusedError("50035")]
    incident = await post.incident(1)
    await post.deliver_all()
    await post.resolve(incident)
    await post.deliver_all()
    assert post.tokens() == [[1]]
    assert await post.store.parked() == ()


async def pauses(post: Post, failures: list[Answer]) -> list[float]:
    """How long the outbox waits after each of these failures, in seconds."""
    await post.incident(1)
    post.room.answers = list(failures)
    waited = []
    for _ in failures:
        pause = await post.deliver()
        assert pause is not None
        waited.append(pause.total_seconds())
        post.clock.forward(pause + timedelta(milliseconds=1))
    return waited


async def test_a_channel_that_fails_is_tried_again_soon_and_twelve_times_a_minute_at_most(post: Post) -> None:
    waited = await pauses(post, [UncertainError("503")] * 40)
    assert waited[0] == 1
    assert max(waited[:12]) <= 5.5
    assert max(waited[12:]) <= 5.5
    tries = list(itertools.accumulate(waited, initial=0.0))
    assert max(sum(start <= at < start + 60 for at in tries) for start in tries) == 12


class Shaky:
    """The database, of which every second `retry` fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.tries = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def retry(self, *row: object) -> None:
        """Give a message back, every second time."""
        self.tries += 1
        if self.tries % 2 == 0:
            reason = "the connection was lost"
            raise StoreUnavailableError(reason)
        await self._store.retry(*row)  # type: ignore[arg-type] # what the outbox gives


async def tries_of(post: Post, failure: Exception, seconds: float) -> list[float]:
    """When the channel was tried that always fails so, on a database that fails every second time."""
    tried: list[float] = []

    class Failing(Room):
        async def post(self, message: Message) -> Posted:
            del message
            tried.append(asyncio.get_running_loop().time())
            raise failure

    began = asyncio.get_running_loop().time()
    now = post.clock.now
    await post.incident(1)

    def clock() -> datetime:
        return now + timedelta(seconds=asyncio.get_running_loop().time() - began)

    outbox = Outbox(Shaky(post.store), Failing(), clock, Handover())  # type: ignore[arg-type] # the rest is the store
    task = asyncio.create_task(outbox.run())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.wait({task})
    return [at - began for at in tried]


async def test_a_channel_and_a_database_that_fail_by_turns_are_tried_twelve_times_a_minute_at_most(post: Post) -> None:
    tries = await tries_of(post, LaterError("503"), 300)
    assert len(tries) > 40
    assert max(sum(start <= at < start + 60 for at in tries) for start in tries) <= 12


async def test_discord_is_left_alone_for_as_long_as_it_asks_though_the_database_fails_meanwhile(post: Post) -> None:
    tries = await tries_of(post, LaterError("429", timedelta(seconds=100)), 390)
    assert [round(at) for at in tries] == [0, 100, 200, 300]


async def test_discord_is_not_asked_before_the_time_it_names(post: Post) -> None:
    waited = await pauses(post, [LaterError("429", timedelta(seconds=40)), LaterError("429", timedelta(seconds=0.3))])
    assert waited == [40, 5.5]


async def test_while_the_bot_may_not_speak_it_asks_once_a_minute(post: Post) -> None:
    assert await pauses(post, [BlockedError("50013")] * 2) == [60, 60]


async def test_a_bot_whose_message_is_refused_may_speak(post: Post) -> None:
    await post.incident(1)
    post.room.answers = [BlockedError("50013"), RefusedError("400")]
    await post.outbox.deliver()
    assert post.outbox.blocked
    post.clock.forward(timedelta(minutes=2))
    await post.outbox.deliver()
    assert not post.outbox.blocked


async def test_a_post_that_is_found_in_the_channel_does_not_say_that_the_bot_may_post(post: Post) -> None:
    await post.incident(1)
    post.room.accepts_before_failing = True
    post.room.answers = [UncertainError("hung up")]
    await post.deliver()
    post.room.accepts_before_failing = False
    post.room.answers = [BlockedError("50013")]
    post.clock.forward(timedelta(seconds=10))
    await post.deliver()
    assert post.outbox.blocked
    post.clock.forward(timedelta(minutes=3))
    await post.deliver_all()
    assert post.room.calls == ["post", "post", "find"]
    assert post.outbox.blocked
    await post.incident(2)
    await post.deliver_all()
    assert not post.outbox.blocked


LIMIT = LaterError("429, code 20028", timedelta(minutes=12), answered=True)
FAILED = UncertainError("Discord answered 500", answered=True)
BARRED = BlockedError("Discord answered 403, code 50013")


async def shown(post: Post, *tokens: int) -> list[Incident]:
    """Incidents that the channel shows, and whose end waits to be shown."""
    incidents = [await post.incident(token) for token in tokens]
    await post.deliver_all()
    for incident in incidents:
        await post.resolve(incident)
    post.room.calls.clear()
    return incidents


@pytest.mark.parametrize("failure", [LIMIT, FAILED, BARRED, UncertainError("hung up")])
async def test_an_edit_that_is_refused_never_keeps_a_post_waiting(post: Post, failure: DeliveryError) -> None:
    await shown(post, 1)
    post.room.answers = [failure]
    pause = await post.deliver()
    assert pause is not None
    assert pause > timedelta()
    await post.incident(2)
    await post.deliver()
    assert post.room.calls[:2] == ["edit", "post"]
    assert [2] in post.tokens()
    assert not post.outbox.blocked, "posts work"


async def test_posts_that_are_limited_keep_no_edit_waiting_and_a_limit_on_everything_does(post: Post) -> None:
    await shown(post, 1)
    await post.incident(2)
    post.room.answers = [LaterError("429", timedelta(minutes=2), answered=True)]
    await post.deliver()
    assert post.room.calls == ["post", "edit"]
    post.clock.forward(timedelta(minutes=3))
    await post.deliver()
    await shown(post, 3)
    await post.incident(4)
    post.room.answers = [LaterError("429", timedelta(minutes=2), everywhere=True, answered=True)]
    assert await post.deliver() == timedelta(minutes=2)
    assert post.room.calls == ["post"]


async def test_an_edit_that_is_limited_waits_and_keeps_nobody_from_hearing_anything(post: Post) -> None:
    await shown(post, 1)
    post.room.answers = [LIMIT]
    await post.deliver()
    assert await post.store.backlog(post.clock.now) == Backlog(waiting=1, since=None)


async def test_one_edit_that_always_fails_keeps_no_other_waiting(post: Post) -> None:
    class Poisoned(Room):
        async def edit(self, message: Message) -> None:
            if message.id == 1:
                raise FAILED
            await super().edit(message)

    poisoned = Poisoned()
    post.room, post.outbox = poisoned, Outbox(post.store, poisoned, post.clock, Handover(), timer=post.clock.timer)
    await shown(post, 1, 2, 3)
    for _ in range(4):
        pause = await post.deliver()
        assert pause is not None
        post.clock.forward(pause + timedelta(milliseconds=1))
    stages = [each.incidents[0].stage for _, each in sorted(post.room.shown.items())]
    assert stages == [Stage.FIRING, Stage.RESOLVED, Stage.RESOLVED]


async def test_one_post_that_always_fails_keeps_the_others_waiting_for_a_minute_and_no_longer(post: Post) -> None:
    class Poisoned(Room):
        async def post(self, message: Message) -> Posted:
            if message.id == 1:
                raise FAILED
            return await super().post(message)

    poisoned = Poisoned()
    post.room, post.outbox = poisoned, Outbox(post.store, poisoned, post.clock, Handover(), timer=post.clock.timer)
    for token in (1, 2, 3):
        await post.incident(token)
    began = post.clock.now
    while post.tokens() != [[2], [3]]:
        pause = await post.deliver()
        assert pause is not None
        post.clock.forward(pause + timedelta(milliseconds=1))
    assert post.clock.now - began < timedelta(minutes=2)


@pytest.mark.parametrize(
    ("failure", "patience"),
    [
        (RefusedError("50035"), timedelta()),
        (BARRED, timedelta(minutes=3)),
        (FAILED, timedelta(minutes=10)),
    ],
)
async def test_a_card_that_cannot_be_edited_is_posted_anew_and_never_stays_as_it_was(
    post: Post, failure: DeliveryError, patience: timedelta
) -> None:
    class Stuck(Room):
        async def edit(self, message: Message) -> None:
            self.calls.append("edit")
            if message.discord_id == 1000:
                raise failure
            await super().edit(message)

    stuck = Stuck(nonces=False)
    post.room, post.outbox = stuck, Outbox(post.store, stuck, post.clock, Handover(), timer=post.clock.timer)
    began = post.clock.now
    await shown(post, 1)
    while post.room.calls.count("post") == 0:
        pause = await post.deliver()
        post.clock.forward((pause or timedelta()) + timedelta(milliseconds=1))
        assert post.clock.now - began < patience + timedelta(minutes=2)
    assert post.clock.now - began >= patience
    old, new = (post.room.shown[key] for key in sorted(post.room.shown))
    assert old.incidents[0].stage is Stage.FIRING
    assert new.incidents[0].stage is Stage.RESOLVED
    assert await post.deliver() is None, "the new one is the card from here on"
    assert post.room.calls.count("post") == 1


@pytest.mark.parametrize("failure", [LaterError("429, code 30046", timedelta(seconds=6)), UncertainError("hung up")])
async def test_a_card_waits_for_its_edit_through_limits_and_broken_lines(post: Post, failure: DeliveryError) -> None:
    await shown(post, 1)
    post.room.answers = [failure] * 500
    began = post.clock.now
    while post.clock.now - began < timedelta(hours=1):
        pause = await post.deliver()
        assert pause is not None
        post.clock.forward(pause + timedelta(milliseconds=1))
    post.room.answers.clear()
    await post.deliver_all()
    assert set(post.room.calls) == {"edit"}
    ((card),) = post.room.shown.values()
    assert card.incidents[0].stage is Stage.RESOLVED


async def test_a_card_that_was_perhaps_posted_anew_is_not_taken_for_the_old_one(post: Post) -> None:
    await shown(post, 1)
    post.room.accepts_before_failing = True
    post.room.nonces = False
    post.room.answers = [RefusedError("50035"), UncertainError("hung up")]
    await post.deliver()
    post.clock.forward(timedelta(minutes=3))
    await post.deliver_all()
    assert post.room.calls == ["edit", "post", "find"]
    assert len(post.room.shown) == 2


async def test_a_card_whose_post_discord_still_remembers_is_posted_anew_a_little_later(post: Post) -> None:
    await shown(post, 1)
    post.room.answers = [RefusedError("50035")]
    pause = await post.deliver()
    assert post.room.calls == ["edit", "post"]
    assert pause == NONCE_MEMORY
    post.room.nonces = False
    post.room.answers = [RefusedError("50035")]
    post.clock.forward(pause)
    await post.deliver_all()
    assert post.room.calls == ["edit", "post", "edit", "post"]
    assert [each.incidents[0].stage for each in post.room.shown.values()] == [Stage.FIRING, Stage.RESOLVED]


async def test_a_card_that_waits_to_be_posted_anew_keeps_no_other_waiting(post: Post) -> None:
    refused = RefusedError("50035")

    class Stuck(Room):
        async def edit(self, message: Message) -> None:
            if message.discord_id == 1000:
                raise refused
            await super().edit(message)

    stuck = Stuck()
    post.room, post.outbox = stuck, Outbox(post.store, stuck, post.clock, Handover(), timer=post.clock.timer)
    await shown(post, 1, 2)
    await post.deliver()
    assert [each.incidents[0].stage for each in post.room.shown.values()] == [Stage.FIRING, Stage.RESOLVED]


async def test_what_is_parked_is_tried_anew_at_each_start_and_when_a_rule_is_set(post: Post) -> None:
    post.room.answers = [RefusedError("50006")] * 2
    await post.incident(1)
    await post.deliver_all()
    for _ in range(2):
        async with running(Outbox(post.store, post.room, post.clock, Handover(), timer=post.clock.timer)):
            await asyncio.sleep(1)
    assert post.tokens() == [[1]]
    post.room.answers = [RefusedError("50006")]
    await post.incident(2)
    await post.deliver_all()
    set_ = Setting(Rule.BANNED, readings=2)
    await post.store.save(Changes(post.clock.now, decided=(set_,)), post.clock.now)
    await post.deliver_all()
    assert post.tokens() == [[1], [2]]
    assert await post.store.parked() == ()


@asynccontextmanager
async def running(outbox: Outbox) -> AsyncIterator[None]:
    """Its task, for as long as the block."""
    task = asyncio.create_task(outbox.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_the_task_delivers_whatever_is_stored_and_survives_a_bug(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    handover = Handover()
    post.room.answers = [ZeroDivisionError("a bug in rendering")]
    async with running(Outbox(post.store, post.room, post.clock, handover)):
        await asyncio.sleep(1)
        await post.incident(1)
        handover.wake()
        await asyncio.sleep(0)
        began = post.clock.now
        await until("the message", lambda: post.room.shown, within=2 * CLAIM_LASTS.total_seconds())
        assert CLAIM_LASTS <= post.clock.now - began < CLAIM_LASTS + PACE.then, "nobody else may have it claimed"
    assert post.room.calls == ["post", "find", "post"]
    assert "outbox failed" in caplog.text
    assert post.tokens() == [[1]]


async def test_news_wake_an_outbox_that_has_nothing_to_do(post: Post) -> None:
    handover = Handover()
    async with running(Outbox(post.store, post.room, post.clock, handover)):
        await asyncio.sleep(3600)
        await post.incident(1)
        began = post.clock.now
        handover.wake()
        await until("the message", lambda: post.room.shown)
        assert post.clock.now - began < timedelta(seconds=0.1)


async def test_a_claim_whose_answer_was_lost_is_tried_again_at_once(post: Post) -> None:
    class Lossy:
        """The database, which loses the answer to the first claim."""

        lost = False

        def __getattr__(self, name: str) -> object:
            return getattr(post.store, name)

        async def claim(self, now: datetime, of: Subject, last: int | None) -> Claimed:
            claimed = await post.store.claim(now, of, last)
            if not self.lost:
                self.lost = True
                reason = "the connection was lost"
                raise StoreUnavailableError(reason)
            return claimed

    await post.incident(1)
    began = post.clock.now
    async with running(Outbox(Lossy(), post.room, post.clock, Handover())):  # type: ignore[arg-type] # the rest is the store
        await until("the message", lambda: post.room.shown)
        assert post.clock.now - began < 1.2 * PACE.first
    assert post.tokens() == [[1]]


async def test_a_database_that_is_away_is_said_once_and_so_is_its_return(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.outbox")

    class Away:
        """The database, for an hour."""

        away = True

        def __getattr__(self, name: str) -> object:
            return getattr(post.store, name)

        async def claim(self, now: datetime, of: Subject, last: int | None) -> Claimed:
            if self.away:
                reason = "the database cannot be reached"
                raise StoreUnavailableError(reason)
            return await post.store.claim(now, of, last)

    await post.incident(1)
    database = Away()
    async with running(Outbox(database, post.room, post.clock, Handover())):  # type: ignore[arg-type] # the rest is the store
        await asyncio.sleep(3600)
        assert caplog.messages == ["outbox cannot use the database"]
        database.away = False
        await until("the message", lambda: post.room.shown)
    assert caplog.messages == ["outbox cannot use the database", "outbox can use the database again"]


async def test_a_copy_that_was_replaced_does_not_complain_of_the_database(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    term = await post.store.lead(await post.store.leads(), "this")
    assert term is not None
    assert await post.store.lead(await post.store.leads(), "another") == term + 1
    await post.incident(1)
    async with running(Outbox(post.store.in_term(term), post.room, post.clock, Handover())):
        await asyncio.sleep(600)
    assert post.room.calls == []
    assert caplog.messages == []


async def test_where_nonces_are_not_known_an_attempt_is_looked_for_and_never_made_twice(post: Post) -> None:
    """As in a forum: Discord has a moment to take what it was sent before it is looked for."""
    post.room.nonces = post.room.nonces_known = False
    post.room.answers = [UncertainError("reset")]
    post.room.accepts_before_failing = True
    await post.incident(1)
    await post.deliver_all()
    assert post.room.calls == ["post", "find"]
    assert len(post.room.shown) == 1


async def test_where_nonces_are_not_known_what_is_not_found_is_posted_again(post: Post) -> None:
    post.room.nonces = post.room.nonces_known = False
    post.room.answers = [UncertainError("reset"), LaterError("no list"), None, UncertainError("reset")]
    await post.incident(1)
    await post.deliver_all()
    assert post.room.calls == ["post", "find", "find", "post", "find", "post"]
    assert len(post.room.shown) == 1
