"""Reports that are posted by themselves: each week or month once, at its hour, whatever the clocks and the bot do.

`python -m tests.daily` plays digests; here a year of schedules is played in days, on what is known alone, and the weeks
around changes of the clocks on both databases.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from bot.delivery.handover import Handover
from bot.domain.digest import DAY, at_on
from bot.domain.incidents import Happening, Moment
from bot.domain.messages import NoticeKind
from bot.domain.model import Severity
from bot.domain.report import SCHEDULE, Every, Report, Schedule, begun, due, first_of, following, upcoming
from bot.domain.rules.policy import Policy
from bot.domain.value import replace
from bot.monitor import Monitor
from bot.storage.schema import messages
from bot.storage.store import Store, open_store
from tests.daily import TIMES, ZONES, Accounts
from tests.domain.stories import ANA
from tests.storage.test_facts import fired
from tests.storage.values import notified

BERLIN = ZoneInfo("Europe/Berlin")
NINE = time(9)
MONDAY = datetime(2026, 12, 7, 8, tzinfo=UTC)
"""At nine in Berlin."""
HOUR = timedelta(hours=1)


class Copy:
    """A copy of the bot: what it remembers is gone when it ends, but for the database."""

    def __init__(self, store: Store, zone: ZoneInfo = BERLIN, at: time | None = NINE) -> None:
        self.now = datetime.min.replace(tzinfo=UTC)
        self.store = store
        self.monitor = Monitor(Accounts(), store, Policy(zone=zone, digest_at=at), lambda: self.now, Handover())

    async def tick(self, now: datetime) -> None:
        """It begins, and the time has come so far."""
        self.now = now
        await self.monitor.restore()
        await self.monitor.tick()

    async def want(self, every: Every, now: datetime, zone: ZoneInfo = BERLIN, at: time = NINE) -> None:
        """Somebody wants one."""
        self.now = now
        await self.monitor.restore()
        await self.monitor.decide(Schedule(every, ANA, begun(every, now, at, zone)), "report schedule", ANA)


async def told(store: Store) -> list[Report]:
    """The reports that are in the channel, or on their way there, in the order in which they were told."""
    found = sa.select(messages.c.notice).where(messages.c.notice.is_not(None)).order_by(messages.c.id)
    notices = await store.database.read(lambda connection: connection.scalars(found).all())
    kinds = {each.kind for each in notices if each.report is not None}
    assert kinds <= {NoticeKind.REPORT}
    return [each.report for each in notices if each.report is not None]


def played(every: Every, zone: ZoneInfo, at: time, days: Iterable[date]) -> list[tuple[date, datetime]]:
    """What is told, and when, by whoever asks an hour before, when it is due, and until twelve hours later."""
    found: list[tuple[date, datetime]] = []
    schedule: Schedule | None = None
    for day in days:
        instant = at_on(day, at, zone)
        for minutes in (-60, -1, 0, 10, 60, 720):
            now = instant + timedelta(minutes=minutes)
            if schedule is None:
                schedule = Schedule(every, ANA, begun(every, now, at, zone))
            expected = upcoming(schedule, now, at, zone)
            if (about := due(schedule, now, at, zone)) is not None:
                schedule = replace(schedule, told=about.end)
                found.append((about.first, now))
            else:
                assert expected > now
    return found


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("every", Every)
@pytest.mark.parametrize("at", TIMES)
def test_over_a_year_each_week_and_month_is_told_once_at_its_hour(every: Every, name: str, at: time) -> None:
    zone, begin = ZoneInfo(name), date(2026, 12, 1)
    found = played(every, zone, at, [begin + number * DAY for number in range(366)])
    firsts = [first for first, _ in found]
    wanted = [first_of(every, begin - DAY)] if first_of(every, begin) == begin else [first_of(every, begin)]
    while len(wanted) < len(firsts):
        wanted.append(following(every, wanted[-1]))
    assert firsts == wanted
    assert len(firsts) == {Every.WEEK: 52, Every.MONTH: 13}[every]
    for first, now in found:
        late = now - at_on(following(every, first), at, zone)
        assert timedelta() <= late < timedelta(minutes=10)


@pytest.mark.parametrize(
    ("name", "first"), [("Europe/Berlin", date(2026, 10, 19)), ("America/Havana", date(2027, 3, 8))]
)
async def test_around_a_change_of_the_clocks_it_is_told_once_with_a_restart_at_each_look(
    database_url: str, name: str, first: date
) -> None:
    zone, at = ZoneInfo(name), time(0, 30)
    async with open_store(database_url) as store:
        await Copy(store, zone, at).want(Every.WEEK, at_on(first, at, zone) + HOUR, zone, at)
        for number in range(15):
            moment = at_on(first + number * DAY, at, zone)
            for after in (timedelta(seconds=-1), timedelta(), timedelta(seconds=5)):
                await Copy(store, zone, at).tick(moment + after)
        assert [each.period.first for each in await told(store)] == [first, first + 7 * DAY]


async def test_it_is_late_after_an_outage_and_of_several_weeks_only_the_last_is_told(database_url: str) -> None:
    async with open_store(database_url) as store:
        await Copy(store).want(Every.WEEK, MONDAY + HOUR)
        await Copy(store).tick(MONDAY + 16 * DAY)
        await Copy(store).tick(MONDAY + 16 * DAY + HOUR)
        (report,) = await told(store)
        assert (report.period.first, report.period.end) == (date(2026, 12, 14), date(2026, 12, 21))


async def test_two_copies_at_once_tell_it_once(database_url: str) -> None:
    """The one that comes second finds that it was told."""
    async with open_store(database_url) as store:
        await Copy(store).want(Every.WEEK, MONDAY - HOUR)
        first, second = Copy(store), Copy(store)
        await first.tick(MONDAY - HOUR)
        await second.tick(MONDAY - HOUR)
        await first.tick(MONDAY)
        await second.tick(MONDAY)
        assert len(await told(store)) == 1


async def test_what_it_says_is_counted_and_the_schedule_remembers_it_in_the_same_transaction(database_url: str) -> None:
    async with open_store(database_url) as store:
        copy = Copy(store)
        await copy.want(Every.WEEK, MONDAY - HOUR)
        begun_at = MONDAY - 3 * DAY
        ban = replace(
            fired(1900, ended=1),
            opened_at=begun_at,
            moments=(Moment(begun_at, Happening.FIRED, severity=Severity.CRITICAL),),
            first_notified_at=begun_at,
            sounds=(int(begun_at.timestamp()),),
            resolved_at=begun_at + HOUR,
        )
        await store.save(notified(ban), begun_at)
        await copy.tick(MONDAY)
        (report,) = await told(store)
        assert (report.totals.incidents, report.totals.critical, report.totals.sounds) == (1, 1, 1)
        kept = copy.monitor.known.decisions.schedules[SCHEDULE]
        assert kept.told == date(2026, 12, 7)
        restarted = Copy(store)
        await restarted.tick(MONDAY + HOUR)
        assert restarted.monitor.known.decisions.schedules[SCHEDULE] == kept
        assert len(await told(store)) == 1


async def test_without_a_digest_it_comes_at_nine(database_url: str) -> None:
    async with open_store(database_url) as store:
        await Copy(store).want(Every.WEEK, MONDAY - HOUR)
        await Copy(store, at=None).tick(MONDAY - timedelta(seconds=1))
        assert await told(store) == []
        await Copy(store, at=None).tick(MONDAY)
        assert len(await told(store)) == 1


async def test_one_that_was_told_by_a_clock_far_ahead_does_not_keep_it_away(database_url: str) -> None:
    async with open_store(database_url) as store:
        copy = Copy(store)
        await copy.want(Every.WEEK, MONDAY + 300 * DAY)
        await copy.tick(MONDAY)
        assert [each.period.end for each in await told(store)] == [date(2026, 12, 7)]


async def test_taken_back_while_it_was_being_counted_nothing_is_told(database_url: str) -> None:
    """It is counted before its turn; then somebody was first."""
    async with open_store(database_url) as store:
        copy = Copy(store)
        await copy.want(Every.WEEK, MONDAY - HOUR)
        facts = store.facts

        async def slowly(since: datetime) -> object:
            schedule = copy.monitor.known.decisions.schedules[SCHEDULE]
            assert await copy.monitor.undo(schedule, "report schedule", ANA)
            return await facts(since)

        store.facts = slowly  # type: ignore[assignment, method-assign] # only slower
        await copy.tick(MONDAY)
        assert await told(store) == []
