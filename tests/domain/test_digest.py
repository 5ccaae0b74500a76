"""The daily digest is due once a date, whatever the clocks of its zone do and whenever the bot runs."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain import digest, info
from bot.domain.digest import DAY, Digest, Tally, begun, due, upcoming
from bot.domain.forecast import Verdict
from bot.domain.incidents import Happening, Incident, Key, Moment, Rule, Stage
from bot.domain.ledger import Ledger, apply
from bot.domain.model import Fleet, Severity, Token
from bot.domain.value import replace
from tests.domain.fleets import record

ZONES = ("Europe/Berlin", "America/Havana", "Asia/Kathmandu", "Africa/Casablanca")
TIMES = (time(0, 0), time(0, 30), time(2, 30), time(9, 0))
ODD_ZONES = (
    *ZONES,
    "America/Nuuk",  # the last hour of a Saturday does not exist
    "America/Santiago",  # midnight does not exist
    "America/St_Johns",  # until 2011 the clocks went back at 0:01, to the day before
    "America/Sao_Paulo",  # until 2018 they did at midnight
    "Pacific/Apia",  # 30 December 2011 does not exist
    "Australia/Lord_Howe",  # the clocks change by half an hour
    "Antarctica/Troll",  # by two hours
    "Pacific/Kiritimati",
    "Etc/GMT+12",
)
zones = st.sampled_from(ODD_ZONES).map(ZoneInfo)
times = st.times(max_value=time(23, 50)).map(lambda each: each.replace(second=0, microsecond=0))
"""None so late that a date may be over before it is asked for the next time."""
instants = st.datetimes(datetime(2008, 1, 1), datetime(2036, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - of the zone


def utc(text: str) -> datetime:
    """That instant."""
    return datetime.fromisoformat(f"{text}+00:00")


def told(asked: Iterator[datetime], at: time, zone: ZoneInfo, last: date | None = None) -> list[tuple[datetime, date]]:
    """What somebody tells who asks at these instants, and remembers nothing but the date: when, and of which date."""
    said = []
    for now in asked:
        last = last or begun(now, at, zone)
        if (day := due(now, at, zone, last)) is not None:
            said.append((now, day))
            last = day
    return said


def every(step: timedelta, since: datetime, until: datetime) -> Iterator[datetime]:
    """Instants with so much time between them."""
    while since < until:
        yield since
        since += step


@pytest.mark.parametrize("at", TIMES, ids=str)
@pytest.mark.parametrize("name", ZONES)
def test_each_date_of_a_year_has_one_digest(name: str, at: time) -> None:
    """Asked every ten minutes of a year, and of an hour more, with nothing remembered but a date."""
    zone = ZoneInfo(name)
    first = date(2026, 12, 1)
    since = datetime.combine(first, time(), zone).astimezone(UTC) - timedelta(minutes=1)
    said = told(every(timedelta(minutes=10), since, since + 365 * DAY), at, zone)

    assert [day for _, day in said] == [first + number * DAY for number in range(365)]
    for when, day in said:
        assert when.astimezone(zone).date() == day
        assert timedelta() <= when - digest.at_on(day, at, zone) < timedelta(minutes=10)


@pytest.mark.parametrize("at", TIMES, ids=str)
@pytest.mark.parametrize("name", ZONES)
def test_a_bot_that_is_away_for_hours_each_day_tells_each_date_once(name: str, at: time) -> None:
    """It runs for 40 minutes of every 7 hours and 10 minutes: late, and still on the date."""
    zone = ZoneInfo(name)
    since = datetime.combine(date(2026, 12, 1), time(), zone).astimezone(UTC)
    asked = (
        start + timedelta(minutes=minutes)
        for start in every(timedelta(hours=7, minutes=10), since, since + 365 * DAY)
        for minutes in range(0, 40, 4)
    )
    said = told(asked, at, zone, date(2026, 11, 30))

    days = [day for _, day in said]
    assert days == sorted(set(days))
    assert len(days) >= 364
    assert all(when.astimezone(zone).date() == day for when, day in said)


@pytest.mark.parametrize(
    ("name", "at", "day", "instant"),
    [
        # Forward at 2:00: 2:30 is told at 3:30 of the new time.
        ("Europe/Berlin", time(2, 30), date(2027, 3, 28), "2027-03-28T01:30"),
        # Back at 3:00: 2:30 comes twice, and is told the first time.
        ("Europe/Berlin", time(2, 30), date(2027, 10, 31), "2027-10-31T00:30"),
        ("Europe/Berlin", time(0, 0), date(2027, 3, 28), "2027-03-27T23:00"),
        # Midnight does not exist.
        ("America/Santiago", time(0, 0), date(2027, 9, 5), "2027-09-05T04:00"),
        ("America/Santiago", time(0, 30), date(2027, 9, 5), "2027-09-05T04:30"),
        # From 23:00 on the day does not exist: what belongs there is told an hour before.
        ("America/Nuuk", time(23, 30), date(2027, 3, 27), "2027-03-28T00:30"),
        ("Asia/Kathmandu", time(0, 0), date(2027, 1, 1), "2026-12-31T18:15"),
    ],
)
def test_a_time_that_does_not_exist_or_comes_twice_has_one_instant(
    name: str, at: time, day: date, instant: str
) -> None:
    """Each date has one, which lies on it."""
    found = digest.at_on(day, at, ZoneInfo(name))

    assert found == utc(instant)
    assert found.astimezone(ZoneInfo(name)).date() == day


@given(instants, times, zones)
@example(utc("2011-12-29T00:00"), time(9), ZoneInfo("Pacific/Apia"))
@example(utc("2010-11-06T02:00"), time(0), ZoneInfo("America/St_Johns"))
@example(utc("2017-02-18T02:30"), time(23, 30), ZoneInfo("America/Sao_Paulo"))
@example(utc("2027-03-27T12:00"), time(23, 30), ZoneInfo("America/Nuuk"))
def test_in_any_zone_each_date_that_there_is_has_one_digest(since: datetime, at: time, zone: ZoneInfo) -> None:
    """Over four days of it, asked every seven minutes."""
    asked = list(every(timedelta(minutes=7), since, since + 4 * DAY))
    said = told(iter(asked), at, zone)

    days = [day for _, day in said]
    there = sorted({now.astimezone(zone).date() for now in asked})
    assert days == sorted(set(days))
    assert set(there[1:-1]) <= set(days) <= set(there)
    assert all(when.astimezone(zone).date() == day for when, day in said)


def test_late_is_better_than_not_and_a_date_that_passed_is_not_told() -> None:
    """An outage of an evening, and one of two days."""
    zone, at = ZoneInfo("Europe/Berlin"), time(9)

    assert due(utc("2026-12-01T22:59"), at, zone, date(2026, 11, 30)) == date(2026, 12, 1)
    assert due(utc("2026-12-01T23:00"), at, zone, date(2026, 11, 30)) is None
    assert due(utc("2026-12-03T08:00"), at, zone, date(2026, 11, 30)) == date(2026, 12, 3)


def test_whoever_has_just_begun_hears_nothing_before_the_time_comes() -> None:
    """Installed at 8:00 the first one is that of the same day, at 10:00 that of the next."""
    zone, at = ZoneInfo("UTC"), time(9)

    assert due(utc("2026-12-01T08:00"), at, zone, None) is None
    assert due(utc("2026-12-01T10:00"), at, zone, None) is None
    assert begun(utc("2026-12-01T08:00"), at, zone) == date(2026, 11, 30)
    assert begun(utc("2026-12-01T10:00"), at, zone) == date(2026, 12, 1)


def test_a_zone_that_is_changed_neither_repeats_a_date_nor_stops() -> None:
    """From Kiritimati, which is ahead of all, to one that is behind all."""
    ahead, behind, at = ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Etc/GMT+12"), time(0)
    now = utc("2026-12-01T10:00")
    last = due(now, at, ahead, date(2026, 12, 1))
    assert last == date(2026, 12, 2)

    said = told(every(timedelta(hours=1), now, now + 4 * DAY), at, behind, last)

    assert [day for _, day in said] == [date(2026, 12, 3), date(2026, 12, 4)]


def test_a_date_that_a_wrong_clock_told_does_not_stop_it() -> None:
    """The host's clock was a year ahead for a moment."""
    assert due(utc("2026-12-01T09:00"), time(9), ZoneInfo("UTC"), date(2027, 12, 1)) == date(2026, 12, 1)


@given(instants, times, zones)
def test_the_next_one_that_is_announced_is_the_next_that_is_due(now: datetime, at: time, zone: ZoneInfo) -> None:
    """And none is due before it."""
    last = begun(now, at, zone)
    coming = upcoming(now, at, zone)

    assert now < coming
    assert due(coming, at, zone, last) == coming.astimezone(zone).date()
    assert due(max(coming - timedelta(seconds=1), now), at, zone, last) is None


NOW = utc("2026-12-01T09:00")
BERLIN = ZoneInfo("Europe/Berlin")


def using(token: int, left: float, a_day: float, renews: datetime, days: int = 12) -> tuple[Token, Ledger]:
    """A token of which so much is left now, in minutes, and was used each day; read every four hours."""
    ledger, last = None, None
    for read_at in every(timedelta(hours=4), NOW - days * DAY, NOW + timedelta(seconds=1)):
        fast = left + a_day * ((NOW - read_at) / DAY)
        text = f"{fast / 60:.2f}/60.0 hours ({fast / 36:.2f}%)"
        terms = f"Active monthly, renews next on <t:{renews.timestamp():.0f}>"
        last = info.read(record(token, fast=text, terms=terms))
        ledger = apply(ledger, last, read_at, BERLIN)
    assert last is not None
    assert ledger is not None
    return last, ledger


def made(
    *tokens: tuple[Token, Ledger], incidents: tuple[Incident, ...] = (), last: date = date(2026, 11, 30)
) -> Digest:
    """The digest of such a fleet."""
    fleet = Fleet({token.id: token for token, _ in tokens}, NOW)
    ledgers = {token.id: ledger for token, ledger in tokens}
    about = digest.cover(date(2026, 12, 1), time(10), BERLIN, digest.Told(last), 35)
    seen = every(timedelta(minutes=5), about.since, NOW)
    return digest.digest(about, NOW, fleet, ledgers, incidents, Tally(), seen)


def test_it_says_who_used_how_much_on_the_days_before() -> None:
    """Whole local days, up to yesterday: none is told twice, and none is left out."""
    busy, calm = using(1904, 1200, 300, NOW + 20 * DAY), using(1900, 1200, 60, NOW + 20 * DAY)
    idle = using(1901, 1200, 0, NOW + 20 * DAY)

    yesterday, since = made(busy, calm, idle), made(busy, calm, idle, last=date(2026, 11, 27))

    assert yesterday.days == (date(2026, 11, 30), date(2026, 11, 30))
    assert yesterday.used == pytest.approx(360, rel=0.02)
    assert [token for token, _ in yesterday.most] == [1904, 1900]
    assert dict(yesterday.most)[1904] == pytest.approx(300, rel=0.02)
    assert (yesterday.users, since.days) == (2, (date(2026, 11, 27), date(2026, 11, 30)))
    assert since.used == pytest.approx(4 * 360, rel=0.02)


def test_nobody_uses_nothing_where_nobody_was_watched() -> None:
    """Unknown is unknown, never zero: of a fleet that is idle it is known."""
    assert made(using(1900, 1200, 0, NOW + 20 * DAY)).used == 0
    fresh = info.read(record(1901))
    assert made((fresh, apply(None, fresh, NOW, BERLIN))).used is None


def test_what_will_not_last_and_what_will_lapse_are_told() -> None:
    """The one runs dry in two days, the other leaves most of it at a refill in two days."""
    dry, full = using(1901, 400, 200, NOW + 12 * DAY), using(1904, 2000, 100, NOW + 2 * DAY)
    later = using(1905, 2000, 50, NOW + 9 * DAY)
    said = made(dry, full, later)

    assert [each.token for each in said.short] == [1901]
    assert [each.token for each in said.lapse] == [1904]
    assert said.lapse[0].said.spare == pytest.approx(1800, rel=0.05)
    assert (said.shorts, said.lapses, said.lasting) == (1, 1, 2)
    assert not said.clear


def test_a_chance_that_just_crossed_an_edge_is_told_as_boards_and_alerts_have_it() -> None:
    dry = using(1900, 300, 60, NOW + timedelta(days=12))
    (seen,) = made(dry).short
    looked = replace(seen.said, verdict=Verdict.MAY_NOT_LAST, at=NOW - timedelta(minutes=30))
    about = digest.cover(date(2026, 12, 1), time(10), BERLIN, digest.Told(date(2026, 11, 30)), 35)
    fleet, ledgers = Fleet({1900: dry[0]}, NOW), {1900: dry[1]}
    told = digest.digest(about, NOW, fleet, ledgers, (), Tally(), (), {1900: looked})
    assert (told.shorts, told.unsure) == (0, (1900,))


def test_what_does_not_last_is_named_once_with_who_has_it() -> None:
    """Its incident has a line already; of one whose forecast has changed since, the incident is told."""
    incidents = tuple(
        Incident(
            Key(Rule.DOES_NOT_LAST, token),
            Severity.WARNING,
            Stage.FIRING,
            NOW - DAY,
            NOW,
            acknowledged=Moment(NOW, Happening.ACKNOWLEDGED, who=7),
        )
        for token in (1901, 1904)
    )
    said = made(using(1901, 400, 200, NOW + 12 * DAY), using(1904, 2000, 1, NOW + 20 * DAY), incidents=incidents)

    assert [(each.token, each.who) for each in said.short] == [(1901, 7)]
    assert [each.key.token for each in said.stands] == [1904]


def test_a_fleet_that_lasts_is_clear_and_a_refill_of_today_is_told() -> None:
    """Today as the operator's zone has it: at 22:30 in UTC it is still today in Berlin, and not at 23:30."""
    said = made(
        using(1900, 3000, 30, utc("2026-12-01T22:30")),
        using(1901, 3000, 30, utc("2026-12-01T23:30")),
    )

    assert said.clear
    assert said.refills == (1900,)


def test_of_ten_thousand_it_names_a_few_and_counts_the_rest() -> None:
    """So that it fits, and takes little room."""
    token, ledger = using(1901, 400, 200, NOW + 12 * DAY)
    many = [(replace(token, id=number), ledger) for number in range(1, 1001)]
    said = made(*many)

    assert (said.shorts, len(said.short), said.users, len(said.most)) == (1000, digest.SHOWN, 1000, digest.SHOWN)
