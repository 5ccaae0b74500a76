"""The daily digest, told by a bot on a real database: once a date, whatever happens to the bot and its clocks."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from bot.chat.alerts import Roles, alert
from bot.domain.digest import DAY, Gap
from bot.domain.messages import Notice, NoticeKind
from bot.domain.model import Fleet
from bot.domain.rules.policy import Policy
from bot.domain.steering import Scope, Silence
from bot.domain.value import replace
from bot.storage.errors import StoreDamagedError
from bot.storage.schema import incidents, installation, messages
from bot.storage.store import FencedError, StoreUnavailableError, open_store
from tests.chat.builders import message
from tests.daily import Copy, lived, told
from tests.domain.fleets import record
from tests.storage.values import claim
from tests.test_monitor import Watch, watching

NINE = time(9)
MORNING = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
POLICY = Policy(digest_at=NINE)


@pytest.fixture
async def watch(database_url: str) -> AsyncIterator[Watch]:
    """A bot that began the day before, at nine."""
    async with watching(database_url, MORNING - DAY, POLICY) as watch:
        await until(watch, MORNING - DAY + MINUTE)
        yield watch


async def until(watch: Watch, now: datetime) -> None:
    """Poll and tick, as of then."""
    watch.now = now - MINUTE
    await watch.look(record())
    await watch.monitor.tick()


@pytest.mark.parametrize(
    ("name", "at", "first"),
    [
        ("Europe/Berlin", time(2, 30), date(2027, 3, 26)),
        ("Europe/Berlin", time(2, 30), date(2027, 10, 29)),
        ("America/Havana", time(0, 0), date(2027, 3, 12)),
        ("America/Havana", time(0, 30), date(2027, 11, 5)),
        ("Asia/Kathmandu", time(0, 0), date(2026, 12, 30)),
        ("Africa/Casablanca", time(9, 0), date(2027, 2, 5)),
    ],
    ids=str,
)
async def test_around_a_change_of_the_clocks_every_date_has_one(
    database_url: str, name: str, at: time, first: date
) -> None:
    """With a restart a day. `python -m tests.daily` plays the whole year, and each zone with each time."""
    zone, days = ZoneInfo(name), [first + number * DAY for number in range(5)]
    async with open_store(database_url) as store:
        digests = await lived(store, at, zone, days)

    assert [each.day for each in digests] == days
    assert all(each.made_at.astimezone(zone).date() == each.day for each in digests)


async def test_the_first_day_after_an_installation_begins_with_the_next_digest(database_url: str) -> None:
    """The first reading has told how the fleet stands; there is nothing to look back on."""
    async with open_store(database_url) as store:
        copy = await Copy(store, NINE, ZoneInfo("UTC")).began(MORNING + HOUR)
        for hours in range(23):
            await copy.tick(MORNING + (1 + hours) * HOUR)
        assert await told(store) == []
        await copy.tick(MORNING + DAY)
        assert [each.day for each in await told(store)] == [date(2026, 12, 2)]


async def test_it_waits_for_the_first_poll_after_a_start(watch: Watch) -> None:
    """How things stand is most of it."""
    watch.now = MORNING + HOUR
    await watch.monitor.restore()
    copy = Copy(watch.store, NINE, ZoneInfo("UTC"))
    copy.now = watch.now
    await copy.monitor.restore()
    await copy.tick(watch.now)
    assert await told(watch.store) == []
    await copy.monitor.poll()
    await copy.tick(watch.now)
    assert [each.read_at for each in await told(watch.store)] == [watch.now]


async def test_it_is_late_after_an_outage_and_covers_the_dates_that_passed(watch: Watch) -> None:
    """Three dates without a bot: one digest, of the fourth, since the last one."""
    await until(watch, MORNING)
    await until(watch, MORNING + 4 * DAY + 5 * HOUR)

    first, second = await told(watch.store)
    assert (first.day, second.day) == (date(2026, 12, 1), date(2026, 12, 5))
    assert (second.since, second.until) == (first.until, MORNING + 4 * DAY)
    assert second.days == (date(2026, 12, 1), date(2026, 12, 4))
    assert second.gaps == (Gap(MORNING, MORNING + 4 * DAY),)


async def test_without_a_time_there_is_none(database_url: str) -> None:
    """`DIGEST_AT=off`."""
    async with watching(database_url, MORNING - DAY, Policy()) as watch:
        for hours in range(48):
            await until(watch, MORNING - DAY + hours * HOUR)
        assert await told(watch.store) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((time(9), "UTC"), (time(22), "UTC")),
        ((time(22), "UTC"), (time(9), "UTC")),
        ((time(9), "Pacific/Kiritimati"), (time(9), "America/Los_Angeles")),
        ((time(23), "America/Los_Angeles"), (time(0), "Pacific/Kiritimati")),
    ],
    ids=str,
)
async def test_it_goes_on_where_the_last_one_ended_when_another_time_or_zone_is_set(
    database_url: str, before: tuple[time, str], after: tuple[time, str]
) -> None:
    """Or else hours would be told twice, or never."""
    async with open_store(database_url) as store:
        for number, (at, zone) in enumerate((before, after)):
            begin = MORNING + number * 3 * DAY
            copy = await Copy(store, at, ZoneInfo(zone)).began(begin)
            for hours in range(3 * 24):
                await copy.tick(begin + hours * HOUR)
        digests = await told(store)

    assert len(digests) >= 5
    assert [each.since for each in digests[1:]] == [each.until for each in digests[:-1]]
    assert all(each.since <= each.until <= each.made_at for each in digests)


async def test_what_happens_between_two_digests_is_told_by_one_of_them(watch: Watch) -> None:
    """However late the first is: what ended after it was due is told by the next."""
    for minutes, status in [(0, "FAST"), (10, "BANNED"), (70, "FAST"), (80, "BANNED"), (90, "FAST")]:
        watch.now = MORNING - 2 * HOUR + (minutes - 1) * MINUTE
        await watch.look(record(1), record(status=status))
    watch.now = MORNING + 10 * MINUTE
    await watch.look(record(1), record(status="BANNED"))
    watch.now += 10 * MINUTE
    await watch.look(record(1), record())
    await watch.monitor.tick()
    watch.now = MORNING + DAY
    await watch.look(record(1), record())
    await watch.monitor.tick()

    first, second = await told(watch.store)
    assert [each.key.token for each in first.ended.worst] == [1900, 1900]
    assert (first.ended.count, first.ended.to_end) == (2, 10 * MINUTE)
    assert [each.opened_at for each in second.ended.worst] == [MORNING + 11 * MINUTE]


async def test_it_says_what_was_noted_the_last_time_of_what_is_open_again(watch: Watch) -> None:
    watch.now = MORNING - 2 * HOUR
    await watch.look(record(1), record(status="BANNED"))
    (first,) = [each for each in watch.monitor.known.incidents.values() if each.open]
    await watch.monitor.note([first], 41, "passed the check by phone")
    await watch.look(record(1), record())
    await watch.look(record(1), record(status="BANNED"))
    watch.now = MORNING - MINUTE
    await watch.look(record(1), record(status="BANNED"))
    await watch.monitor.tick()
    (digest,) = await told(watch.store)
    assert [(each.token, each.note.words) for each in digest.last] == [(1900, "passed the check by phone")]
    (ended,) = digest.ended.worst
    assert [each.words for each in ended.notes] == ["passed the check by phone"]


async def test_hours_without_a_reading_are_known_over_restarts(watch: Watch) -> None:
    """By the history: nobody has to have been there to know that nobody was."""
    since = MORNING - DAY + 2 * MINUTE
    for hours in range(24):
        if hours not in {3, 4, 5}:
            await until(watch, since + hours * HOUR)
    await watch.monitor.restore()
    await until(watch, MORNING)

    (digest,) = await told(watch.store)
    assert [(each.since, each.until) for each in digest.gaps] == [(since + 2 * HOUR, since + 6 * HOUR)]


async def test_killed_between_storing_and_posting_it_is_posted_by_the_next_copy(watch: Watch) -> None:
    """The message and the note that it was told are one transaction."""
    await until(watch, MORNING)
    copy = await Copy(watch.store, NINE, ZoneInfo("UTC")).began(MORNING + HOUR)
    await copy.tick(MORNING + HOUR)

    assert await claim(watch.store, copy.now) is not None, "the first summary"
    waiting = await claim(watch.store, copy.now)
    assert waiting is not None
    assert waiting.notice is not None
    assert (waiting.notice.kind, waiting.incidents) == (NoticeKind.DIGEST, ())
    assert waiting.notice.digest == (await told(watch.store))[0]
    assert await claim(watch.store, copy.now) is None


async def test_a_commit_whose_answer_was_lost_tells_it_once(watch: Watch) -> None:
    """What the database has is what happened."""
    await until(watch, MORNING - MINUTE)
    watch.disk.loses_answers = True
    watch.now = MORNING
    with pytest.raises(StoreUnavailableError):
        await watch.monitor.tick()
    watch.disk.loses_answers = False
    await watch.monitor.tick()

    assert len(await told(watch.store)) == 1


async def test_what_cannot_be_stored_is_told_later(watch: Watch) -> None:
    """As long as it is the same date."""
    await until(watch, MORNING - MINUTE)
    watch.disk.full = True
    watch.now = MORNING
    with pytest.raises(StoreUnavailableError):
        await watch.monitor.tick()
    watch.disk.full = False
    watch.now = MORNING + 5 * HOUR
    await watch.monitor.tick()

    (digest,) = await told(watch.store)
    assert (digest.day, digest.made_at) == (date(2026, 12, 1), watch.now)


async def test_what_keeps_it_from_being_made_keeps_nothing_else(watch: Watch) -> None:
    """An incident that cannot be read: what is due at the same time is done all the same."""
    await until(watch, MORNING - HOUR)
    await watch.monitor.decide(Silence("s1", Scope(token=1), watch.now, MORNING, 7), "silence add", 7)
    row = {
        "id": "?",
        "key": "?",
        "stage": "resolved",
        "resolved_at": MORNING - MINUTE,
        "incident": sa.literal("?", sa.Text),
    }
    await watch.store.database.write(lambda connection: connection.execute(sa.insert(incidents).values(row)).rowcount)
    watch.now = MORNING
    with pytest.raises(StoreDamagedError):
        await watch.monitor.tick()

    assert (watch.monitor.known.decisions.silences, await told(watch.store)) == ({}, [])


async def test_of_two_copies_the_one_that_leads_tells_it(watch: Watch) -> None:
    """The other was frozen since before, and wakes up in the midst of it."""
    store = watch.store
    first = await store.lead(await store.leads(), "first")
    assert first is not None
    frozen = await Copy(store.in_term(first), NINE, ZoneInfo("UTC")).began(MORNING - MINUTE)
    second = await store.lead(await store.leads(), "second")
    assert second is not None
    leading = await Copy(store.in_term(second), NINE, ZoneInfo("UTC")).began(MORNING)

    with pytest.raises(FencedError):
        await frozen.tick(MORNING)
    await leading.tick(MORNING)
    await frozen.tick(MORNING + MINUTE)

    assert [each.day for each in await told(store)] == [date(2026, 12, 1)]


async def test_a_version_from_before_there_were_digests_reads_it_as_something_that_is_true(watch: Watch) -> None:
    """It knows no such kind, and would stop at it, with every alert behind it."""
    await until(watch, MORNING)
    text = sa.select(sa.type_coerce(messages.c.notice, sa.Text)).where(messages.c.notice.is_not(None))
    (stored,) = await watch.store.database.read(lambda connection: connection.scalars(text).all())

    assert '"kind":"resolved"' in stored
    seen = alert(replace(message(), notice=Notice(NoticeKind.RESOLVED, MORNING)), Fleet(), Roles(42, 43))
    assert seen.content.splitlines()[0] == "✅ **0 incidents at once**"
    assert seen.silent


async def test_many_that_wait_for_the_channel_are_not_made_one(watch: Watch) -> None:
    """Discord was away for a week: each tells of its own day."""
    for number in range(7):
        await until(watch, MORNING + number * DAY)
    kinds = []
    while (claimed := await watch.store.claim(watch.now)).message is not None:
        kinds.append(claimed.message.notice and claimed.message.notice.kind)

    assert kinds == [None, *[NoticeKind.DIGEST] * 7]


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01"])
async def test_a_note_that_is_no_date_counts_as_none(watch: Watch, text: str) -> None:
    """Somebody wrote it by hand: the next digest comes in its time."""
    noted = sa.update(installation).values(digested=text)
    await watch.store.database.write(lambda connection: connection.execute(noted).rowcount)
    await watch.monitor.restore()
    await until(watch, MORNING - MINUTE)
    await until(watch, MORNING)

    assert [each.day for each in await told(watch.store)] == [date(2026, 12, 1)]
