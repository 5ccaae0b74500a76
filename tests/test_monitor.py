"""One look at a time: what is read is judged, stored, remembered, and never half of it."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.delivery.handover import Handover
from bot.domain import info
from bot.domain.digest import Tally
from bot.domain.incidents import Incident, Key, Note, Rule
from bot.domain.info import threshold
from bot.domain.messages import Message
from bot.domain.model import Record, Status, Token, Trouble
from bot.domain.rules.policy import Policy
from bot.domain.sample import Sample
from bot.domain.steering import Entry
from bot.domain.sums import Fact
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Memory
from bot.imaginepro.client import NotFoundError, RateLimitedError, ServerError, UpstreamError
from bot.monitor import Monitor
from bot.storage.store import Claimed, Store, StoreUnavailableError, open_store
from tests.domain.fleets import START, record, tokens
from tests.storage.values import claim, confirm


@dataclass
class Accounts:
    """An upstream that answers with what it is given."""

    fleet_now: tuple[Record, ...] = (record(),)
    error: UpstreamError | None = None
    hold: asyncio.Event | None = None
    slow: asyncio.Event | None = None

    async def fleet(self, known: Mapping[int, Token]) -> Mapping[int, Token]:
        """The accounts, or the error."""
        del known
        if self.error:
            raise self.error
        answer = self.fleet_now
        if self.slow:
            await self.slow.wait()
        return tokens(answer)

    async def token(self, token_id: int) -> Token:
        """One of them; late, when it is held."""
        found = [each for each in self.fleet_now if each.id == token_id]
        if self.hold:
            await self.hold.wait()
        if not found:
            reason = "no such token"
            raise NotFoundError(reason)
        return info.read(found[0])


@dataclass
class Disk:
    """A real database, on a disk that may be full, or away."""

    store: Store
    full: bool = False
    """Whether it can be read, and not be written."""
    away: bool = False
    loses_answers: bool = False
    """Whether it stores, and then cannot say so."""

    async def load(self) -> Memory:
        """What the database knows."""
        return await self.store.load()

    async def message(self, message_id: int) -> Message | None:
        """What the database knows."""
        return await self.store.message(message_id)

    async def as_stored(self, about: Iterable[Incident]) -> tuple[Incident, ...]:
        """What the database knows."""
        return await self.store.as_stored(about)

    async def last_notes(self, keys: Collection[Key]) -> Mapping[Key, Note]:
        """What the database knows."""
        return await self.store.last_notes(keys)

    async def shown_at(self, keys: Collection[Key]) -> Mapping[Key, int]:
        """What the database knows."""
        return await self.store.shown_at(keys)

    async def undelivered(self, keys: Collection[Key]) -> Collection[Key]:
        """What the database knows."""
        return await self.store.undelivered(keys)

    async def audit(self, limit: int) -> tuple[Entry, ...]:
        """What the database knows."""
        return await self.store.audit(limit)

    async def history(
        self, tokens: Collection[int], since: datetime, until: datetime
    ) -> Mapping[int, tuple[Sample, ...]]:
        """What the database knows."""
        return await self.store.history(tokens, since, until)

    async def ended(self, since: datetime, until: datetime) -> Tally:
        """What the database knows."""
        return await self.store.ended(since, until)

    async def facts(self, since: datetime) -> tuple[Sequence[Fact], datetime | None]:
        """What reports count."""
        return await self.store.facts(since)

    async def seen(self, tokens: Iterable[int], since: datetime, until: datetime) -> Collection[datetime]:
        """What the database knows."""
        return await self.store.seen(tokens, since, until)

    async def save(self, changes: Changes, now: datetime, *, claiming: bool) -> Claimed:
        """Store it, if there is room."""
        if self.full:
            reason = "the disk is full"
            raise StoreUnavailableError(reason, unwritable=True)
        if self.away:
            reason = "the database does not answer"
            raise StoreUnavailableError(reason)
        claimed = await self.store.save(changes, now, claiming=claiming)
        if self.loses_answers:
            reason = "the connection was lost"
            raise StoreUnavailableError(reason)
        return claimed


class Wakes(Handover):
    """Counts how often somebody was woken to deliver."""

    count = 0

    def wake(self, message: Message | None = None) -> None:
        """Count it."""
        self.count += 1
        super().wake(message)


@dataclass
class Watch:
    """A monitor at work on a real database."""

    store: Store
    disk: Disk
    accounts: Accounts
    monitor: Monitor
    handover: "Wakes"
    now: datetime = START

    async def look(self, *records: Record, error: UpstreamError | None = None) -> None:
        """A minute later, with those accounts."""
        self.now += timedelta(minutes=1)
        self.accounts.fleet_now, self.accounts.error = records, error
        await self.monitor.poll()


@asynccontextmanager
async def watching(url: str, now: datetime = START, policy: Policy | None = None) -> AsyncIterator[Watch]:
    """A monitor that has taken up what the database knows."""
    async with open_store(url) as store:
        accounts, disk = Accounts(), Disk(store)
        watch: Watch
        handover = Wakes()
        monitor = Monitor(accounts, disk, policy or Policy((threshold("20%"),)), lambda: watch.now, handover)
        watch = Watch(store, disk, accounts, monitor, handover, now)
        await monitor.restore()
        yield watch


@pytest.fixture
async def watch(database_url: str) -> AsyncIterator[Watch]:
    async with watching(database_url) as watch:
        yield watch


async def test_nothing_is_known_before_the_first_look(watch: Watch) -> None:
    assert watch.monitor.fleet.read_at is None
    assert watch.monitor.fleet.tokens == {}


async def test_a_look_is_answered_from_and_wakes_the_outbox_only_when_something_is_to_be_told(watch: Watch) -> None:
    await watch.look(record(2), record(1))
    assert watch.monitor.fleet.tokens.keys() == {1, 2}
    assert watch.monitor.fleet.read_at == watch.now
    assert watch.handover.count == 1
    await watch.look(record(2), record(1))
    assert watch.monitor.fleet.read_at == watch.now
    assert watch.handover.count == 1
    assert await watch.store.waiting() == 1


async def test_a_failed_look_keeps_the_numbers_and_says_why(watch: Watch) -> None:
    await watch.look(record())
    read_at = watch.now
    await watch.look(error=ServerError("the API failed (503)"))
    fleet = watch.monitor.fleet
    assert (list(fleet.tokens), fleet.read_at) == ([1900], read_at)
    assert fleet.failure is not None
    assert fleet.failure.trouble is Trouble.SERVER_ERROR
    await watch.look(record())
    assert watch.monitor.fleet.failure is None


async def test_polls_that_wait_for_one_time_know_one_time(watch: Watch) -> None:
    await watch.look(record())
    asked = timedelta(hours=1)
    await watch.look(error=RateLimitedError("429", status=429, retry_after=asked))
    until = watch.now + asked
    assert watch.monitor.fleet.left_alone_until == until
    for minutes in range(1, 60):
        left = until - watch.now - timedelta(minutes=1, milliseconds=minutes)
        await watch.look(error=RateLimitedError("429", status=429, retry_after=left))
        assert watch.monitor.fleet.left_alone_until == until
    await watch.look(error=RateLimitedError("429", status=429, retry_after=asked))
    assert watch.monitor.fleet.left_alone_until == watch.now + asked
    await watch.look(error=RateLimitedError("429", status=429))
    assert watch.monitor.fleet.left_alone_until is None


async def test_what_is_known_outlives_the_process(database_url: str) -> None:
    async with watching(database_url) as first:
        await first.look(record(1), record(2, "BANNED"), record(3))
        await first.look(record(1), record(2, "BANNED"))
        known = first.monitor.fleet
    async with watching(database_url, first.now) as second:
        assert second.monitor.fleet == replace(known, asked_at=None), "this process did not ask"
        await second.look(record(1), record(2, "BANNED"))
        assert set((await second.store.load()).records) == {1, 2}, "3 was missing twice, in two processes"
        assert second.handover.count == 1


async def test_nobody_is_reminded_of_what_the_channel_has_not_heard_yet(watch: Watch) -> None:
    await watch.look(record(1), record())
    await watch.look(record(1), record(status="BANNED"))
    ban = Key(Rule.BANNED, 1900)

    async def later(minutes: int) -> None:
        watch.now += timedelta(minutes=minutes)
        await watch.look(record(1), record(status="BANNED"))
        await watch.monitor.tick()

    for minutes in (16, 16, 61):
        await later(minutes)
    assert watch.monitor.known.incidents[ban].reminders == 0
    while (message := await claim(watch.store, watch.now, timedelta(minutes=1))) is not None:
        await confirm(watch.store, message, message.id)
    for _ in range(3):  # the first reminder waits itself
        await later(61)
    assert watch.monitor.known.incidents[ban].reminders == 1


async def test_a_look_that_cannot_be_stored_is_not_remembered(watch: Watch) -> None:
    await watch.look(record())
    known = watch.monitor.fleet
    watch.disk.away = True
    with pytest.raises(StoreUnavailableError):
        await watch.look(record(status="BANNED"))
    assert watch.monitor.fleet == known
    assert not watch.monitor.behind
    watch.disk.away = False
    await watch.look(record(status="BANNED"))
    assert Key(Rule.BANNED, 1900) in (await watch.store.load()).incidents


async def unsaved(watch: Watch, *records: Record, error: UpstreamError | None = None) -> None:
    """Look, while nothing can be stored."""
    with pytest.raises(StoreUnavailableError):
        await watch.look(*records, error=error)
    assert watch.monitor.behind


def status(watch: Watch, token_id: int = 1900) -> Status:
    """What a person is shown of a token."""
    return watch.monitor.known.fleet.tokens[token_id].status


async def test_what_cannot_be_stored_is_shown_and_moves_no_incident(watch: Watch) -> None:
    await watch.look(record(), record(1901))
    watch.disk.full = True
    before = watch.monitor.known
    for word in ("BANNED", "VERIFYING", "BANNED"):
        await unsaved(watch, record(status=word), record(1901))
        assert status(watch) is Status(word)
        assert watch.monitor.fleet.read_at == watch.now
        assert watch.monitor.known.incidents == before.incidents
        assert watch.monitor.known.decisions == before.decisions
        assert watch.monitor.known.remembered[1900].status is Status(word)
    assert (await watch.store.load()).read_at == before.fleet.read_at


async def test_what_could_not_be_stored_is_stored_by_the_next_tick_that_can(watch: Watch) -> None:
    await watch.look(record(), record(1901))
    watch.disk.full = True
    for _ in range(40):
        await unsaved(watch, record(status="BANNED"), record(1901))
        with pytest.raises(StoreUnavailableError):
            await watch.monitor.tick()
    watch.disk.full = False
    await watch.monitor.tick()
    assert not watch.monitor.behind
    stored = await watch.store.load()
    assert stored.incidents.keys() == watch.monitor.known.incidents.keys() == {Key(Rule.BANNED, 1900)}, "it was watched"
    assert stored.read_at == watch.now
    message = await claim(watch.store, watch.now)
    assert message is not None


async def test_what_came_and_went_while_nothing_could_be_stored_is_not_told(watch: Watch) -> None:
    await watch.look(record())
    watch.disk.full = True
    await unsaved(watch, record(status="BANNED"))
    await unsaved(watch, record())
    watch.disk.full = False
    await watch.monitor.tick()
    await watch.look(record())
    assert (await watch.store.load()).incidents == {}


async def test_an_upstream_that_fails_while_nothing_can_be_stored_makes_no_reading_older(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    await watch.look(record())
    watch.disk.full = True
    await unsaved(watch, record(status="BANNED"))
    read_at = watch.now
    for _ in range(2):
        await unsaved(watch, error=ServerError("the API failed (503)"))
    assert status(watch) is Status.BANNED
    assert watch.monitor.fleet.read_at == read_at
    assert watch.monitor.fleet.failure is not None
    assert caplog.text.count("no reading") == 1
    watch.disk.full = False
    await watch.monitor.tick()
    assert status(watch) is Status.BANNED
    assert watch.monitor.fleet.failure is not None
    assert Key(Rule.BANNED, 1900) in (await watch.store.load()).incidents


async def test_a_token_that_is_read_alone_while_nothing_can_be_stored_is_shown_and_stored_later(watch: Watch) -> None:
    await watch.look(record(), record(1901))
    watch.disk.full = True
    watch.accounts.fleet_now = (record(), record(1901, "BANNED"))
    watch.now += timedelta(seconds=10)
    assert (await watch.monitor.refresh(1901)).status is Status.BANNED
    assert (await watch.monitor.refresh(1901)).status is Status.BANNED
    assert status(watch, 1901) is Status.BANNED
    assert status(watch) is Status.FAST
    watch.accounts.fleet_now = (record(status="VERIFYING"), record(1901, "BANNED"))
    await watch.monitor.refresh(1900)
    assert (status(watch), status(watch, 1901)) == (Status.VERIFYING, Status.BANNED)
    watch.disk.full = False
    await watch.monitor.tick()
    assert not watch.monitor.behind
    assert Key(Rule.BANNED, 1901) in (await watch.store.load()).incidents
    assert (status(watch), status(watch, 1901)) == (Status.VERIFYING, Status.BANNED)


async def test_what_people_do_is_not_done_where_it_cannot_be_stored(watch: Watch) -> None:
    await watch.look(record())
    await watch.look(record(status="BANNED"))
    watch.disk.full = True
    with pytest.raises(StoreUnavailableError):
        await watch.monitor.acknowledge([Key(Rule.BANNED, 1900)], 7)
    assert not watch.monitor.known.incidents[Key(Rule.BANNED, 1900)].acknowledged
    watch.disk.full = False
    (incident,) = await watch.monitor.acknowledge([Key(Rule.BANNED, 1900)], 7)
    assert incident.acknowledged


async def test_a_database_that_goes_away_while_it_takes_no_writes_hides_nothing_that_was_seen(watch: Watch) -> None:
    await watch.look(record())
    watch.disk.full = True
    await unsaved(watch, record(status="BANNED"))
    watch.disk.full, watch.disk.away = False, True
    await unsaved(watch, record(status="VERIFYING"))
    assert status(watch) is Status.VERIFYING
    watch.disk.away = False
    await watch.look(record(status="VERIFYING"))
    assert not watch.monitor.behind
    assert (await watch.store.load()).records[1900].status == "VERIFYING"


async def test_a_message_is_claimed_with_the_reading_that_calls_for_it_for_an_outbox_that_is_free(watch: Watch) -> None:
    await watch.look(record(1), record())
    assert watch.handover.take() is None, "nobody was free"
    summary = await claim(watch.store, watch.now)
    assert summary is not None
    await confirm(watch.store, summary, 1)
    watch.handover.free = True
    await watch.look(record(1), record())
    assert watch.handover.free, "there was nothing to tell"
    await watch.look(record(1), record(status="BANNED"))
    message = watch.handover.take()
    assert message is not None
    assert [incident.key for incident in message.incidents] == [Key(Rule.BANNED, 1900)]
    assert message.uncertain_since is None, "no attempt was made yet"
    assert await claim(watch.store, watch.now) is None, "it is claimed"
    assert not watch.handover.free
    await watch.look(record(1), record(status="FAST"))
    assert watch.handover.take() is None, "whoever delivers is at work"


async def test_what_is_folded_with_the_reading_is_logged(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    good = [record(number) for number in range(1, 10)]
    await watch.look(*good)
    summary = await claim(watch.store, watch.now)
    assert summary is not None
    await confirm(watch.store, summary, 1)
    watch.handover.free = True
    low = [record(number, fast=f"{number}.00/15.0 hours ({number / 0.15:.2f}%)") for number in (1, 2)]
    turned = [record(number, status) for number, status in enumerate(["BANNED", "VERIFYING", "RELAX", "PONDERING"], 3)]
    await watch.look(*low, *turned, record(7, active=False), *good[7:])
    assert "messages folded into a summary" in caplog.text
    assert watch.handover.take() is not None


async def test_a_claim_that_was_lost_with_its_commit_is_told_to_whoever_delivers(watch: Watch) -> None:
    await watch.look(record())
    watch.handover.take()
    watch.disk.loses_answers = watch.handover.free = True
    with pytest.raises(StoreUnavailableError):
        await watch.look(record(status="BANNED"))
    watch.disk.loses_answers = False
    await watch.monitor.tick()
    assert watch.handover.doubtful
    assert watch.handover.take() is None


async def test_a_commit_whose_answer_was_lost_is_one_incident_and_ends_as_one(watch: Watch) -> None:
    works = record(1)
    await watch.look(works, record())
    watch.disk.loses_answers = True
    with pytest.raises(StoreUnavailableError):
        await watch.look(works, record(status="BANNED"))
    watch.disk.loses_answers = False
    woken = watch.handover.count
    await watch.look(works, record(status="BANNED"))
    assert watch.handover.count > woken, "what that commit called for must be delivered"
    (incident,) = (await watch.store.load()).incidents.values()
    assert incident.opened_at < watch.now
    assert await watch.store.waiting() == 2, "the first day's summary, and one alert"
    await watch.look(works, record())
    assert (await watch.store.load()).incidents == {}


async def test_a_slow_list_that_was_asked_for_before_a_refresh_does_not_undo_it(watch: Watch) -> None:
    await watch.look(record(1), record(2))
    watch.accounts.fleet_now = (record(1), record(2))
    watch.accounts.slow = asyncio.Event()
    watch.now += timedelta(seconds=1)
    looking = asyncio.create_task(watch.monitor.poll())
    await asyncio.sleep(0)
    watch.now += timedelta(seconds=1)
    watch.accounts.fleet_now = (record(1, "BANNED"), record(2))
    await watch.monitor.refresh(1)
    watch.accounts.slow.set()
    await looking
    assert watch.monitor.fleet.tokens[1].status is Status.BANNED
    assert Key(Rule.BANNED, 1) in (await watch.store.load()).incidents


async def test_a_token_that_is_read_alone_is_judged_and_dated_alone(watch: Watch) -> None:
    await watch.look(record(1), record(2))
    whole = watch.now
    watch.now += timedelta(seconds=20)
    watch.accounts.fleet_now = (record(1), record(2, "BANNED"))
    token = await watch.monitor.refresh(2)
    assert token.status is Status.BANNED
    fleet = watch.monitor.fleet
    assert fleet.tokens[2] == token
    assert (fleet.age_of(1), fleet.age_of(2)) == (whole, watch.now)
    assert Key(Rule.BANNED, 2) in (await watch.store.load()).incidents


async def test_an_answer_that_is_older_than_the_last_reading_changes_nothing(watch: Watch) -> None:
    await watch.look(record(1))
    watch.now += timedelta(seconds=1)
    watch.accounts.fleet_now = (record(1, "BANNED"),)
    watch.accounts.hold = asyncio.Event()
    asked = asyncio.create_task(watch.monitor.refresh(1))
    await asyncio.sleep(0)
    await watch.look(record(1))
    watch.accounts.hold.set()
    assert (await asked).status is Status.FAST
    assert watch.monitor.fleet.tokens[1].status is Status.FAST


async def test_a_token_that_was_asked_for_after_a_list_is_newer_though_the_list_comes_meanwhile(watch: Watch) -> None:
    await watch.look(record(1))
    watch.now += timedelta(seconds=1)
    watch.accounts.fleet_now, watch.accounts.slow = (record(1),), asyncio.Event()
    polling = asyncio.create_task(watch.monitor.poll())
    await asyncio.sleep(0)
    watch.now += timedelta(seconds=1)
    watch.accounts.fleet_now, watch.accounts.hold = (record(1, "BANNED"),), asyncio.Event()
    refreshing = asyncio.create_task(watch.monitor.refresh(1))
    await asyncio.sleep(0)
    watch.now += timedelta(seconds=1)
    watch.accounts.slow.set()
    await polling
    watch.now += timedelta(seconds=1)
    watch.accounts.hold.set()
    assert (await refreshing).status is Status.BANNED
    assert Key(Rule.BANNED, 1) in (await watch.store.load()).incidents


async def test_what_was_read_before_the_clock_was_set_back_does_not_hide_what_is_read_now(watch: Watch) -> None:
    await watch.look(record(1), record(2))
    await watch.monitor.refresh(1)
    watch.now -= timedelta(hours=3)
    await watch.look(record(1, "BANNED"), record(2))
    assert Key(Rule.BANNED, 1) in watch.monitor.known.incidents
    watch.now -= timedelta(hours=3)
    watch.accounts.fleet_now = (record(1, "BANNED"), record(2, "BANNED"))
    await watch.monitor.refresh(2)
    assert Key(Rule.BANNED, 2) in watch.monitor.known.incidents


async def test_a_token_that_is_not_there_is_an_error_for_the_person_and_no_incident(watch: Watch) -> None:
    await watch.look(record(1))
    with pytest.raises(NotFoundError):
        await watch.monitor.refresh(7)
    assert (await watch.store.load()).incidents == {}


async def test_a_token_that_is_read_before_the_first_reading_is_shown_and_not_stored(watch: Watch) -> None:
    assert (await watch.monitor.refresh(1900)).id == 1900
    assert await watch.store.load() == Memory()


async def test_a_ledger_that_cannot_be_read_is_logged_once_and_begun_anew(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    await watch.look(record(1), record(2))
    damage = sa.text("UPDATE tokens SET ledger = :damage WHERE id = 1")
    await watch.store.database.write(lambda connection: connection.execute(damage, {"damage": b"damaged"}))
    await watch.monitor.restore()
    await watch.look(record(1), record(2))
    await watch.monitor.restore()
    assert caplog.text.count("what is known of the use of fast time cannot be read") == 1
    assert watch.monitor.known.ledgers.keys() == {1, 2}


async def test_the_log_names_the_first_incidents_of_a_storm_and_counts_the_others(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bot.monitor")
    works = record(1000)
    await watch.look(works, *(record(number) for number in range(60)))
    await watch.look(works, *(record(number, "BANNED") for number in range(60)))

    lines = [(each.message, getattr(each, "fields", {})) for each in caplog.records]
    assert [message for message, _ in lines].count("incident moved") == 51, "the baseline, and 50 of 60"
    assert lines[-1] == ("more incidents moved", {"more": 10})


async def test_of_each_token_one_object_is_kept(watch: Watch) -> None:
    """An upstream that remembers its last answer may give others than those that were read from the database."""
    await watch.look(record(1), record(2))
    await watch.look(record(1), record(2, "BANNED"))
    known = watch.monitor.known
    assert all(known.remembered[each] is known.fleet.tokens[each] for each in (1, 2))
    assert watch.monitor.fleet.tokens[2].status is Status.BANNED


def used(minutes: float) -> Record:
    """A token with that much less than all of its fast time, whose refill is far away."""
    left = 900 - minutes
    renews = int((START + timedelta(days=30)).timestamp())
    fast = f"{left / 60:.2f}/15.0 hours ({left / 9:.2f}%)"
    return record(1900, fast=fast, terms=f"Active monthly, renews next on <t:{renews}>")


DRY = Key(Rule.DOES_NOT_LAST, 1900)


async def test_looks_ahead_count_over_restarts_and_what_they_find_is_stored_and_told(database_url: str) -> None:
    async with watching(database_url) as watch:
        for hours in range(0, 7 * 24, 4):
            watch.now = START + timedelta(hours=hours)
            await watch.look(used(hours * 3.5))
        await watch.monitor.look_ahead()
        assert watch.monitor.known.incidents[DRY].seen == 1
        await watch.monitor.look_ahead()
        assert watch.monitor.known.incidents[DRY].seen == 1
        now, told = watch.now, watch.handover.count
    found = []
    for hours in (1, 2):
        async with watching(database_url, now + timedelta(hours=hours)) as watch:
            await watch.look(used(7 * 24 * 3.5 + hours * 4))
            await watch.monitor.look_ahead()
            found.append(watch.monitor.known.incidents[DRY])
    assert told
    assert [each.open for each in found] == [False, True]
    assert found[1].forecast == watch.monitor.known.forecasts[1900]
    async with watching(database_url) as watch:
        assert watch.monitor.known.incidents == {DRY: found[1]}
        assert not watch.monitor.known.forecasts


async def test_a_look_ahead_that_moves_nothing_stores_nothing(watch: Watch) -> None:
    await watch.look(record())
    watch.disk.away = True
    await watch.monitor.look_ahead()
    assert watch.monitor.known.forecasts.keys() == {1900}


async def test_what_a_look_ahead_finds_while_nothing_is_stored_is_found_again(watch: Watch) -> None:
    for hours in range(0, 7 * 24, 4):
        watch.now = START + timedelta(hours=hours)
        await watch.look(used(hours * 3.5))
    watch.disk.away = True
    with pytest.raises(StoreUnavailableError):
        await watch.monitor.look_ahead()
    assert DRY not in watch.monitor.known.incidents
    watch.disk.away = False
    await watch.monitor.look_ahead()
    assert watch.monitor.known.incidents[DRY].seen == 1
