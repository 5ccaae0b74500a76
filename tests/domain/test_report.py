"""Reports: which days they are about, what counts as what, and what made a sound."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import report, sums
from bot.domain.incidents import KEPT_SOUNDS, Happening, Incident, Key, Moment, Rule, Stage, sounded
from bot.domain.model import Severity
from bot.domain.report import Every, Noise, Period, Person, Times, before, earlier, period
from bot.domain.steering import Scope
from bot.domain.sums import Fact, brief, fact_of
from bot.domain.value import replace
from tests.domain.fleets import at, record
from tests.domain.stories import ANA, Story

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
LAST_WEEK = period(Every.WEEK, date(2026, 11, 25), ZoneInfo("UTC"), NOW)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BEN = 42


def fact(
    hours: float = 10,
    token: int | None = 1900,
    rule: Rule = Rule.BANNED,
    *,
    lasts: float | None = 2,
    severity: Severity = Severity.CRITICAL,
    taken: tuple[tuple[float, int], ...] = (),
    sounds: tuple[float, ...] = (0,),
    called: int | None = None,
    message: int | None = None,
) -> Fact:
    """What fired so many hours after last week began; what follows is in hours after that."""
    fired = MONDAY + hours * HOUR
    return Fact(
        key=Key(rule, token),
        opened=fired,
        fired=fired,
        notified=fired + sounds[0] * HOUR if sounds else None,
        ended=None if lasts is None else fired + lasts * HOUR,
        how="" if lasts is None else "resolved",
        severities=((fired, severity),),
        taken=tuple((fired + after * HOUR, who) for after, who in taken),
        sounds=tuple(fired + after * HOUR for after in sounds),
        card=True,
        least=False,
        message=message,
        called=called,
        notes=0,
    )


def told(*facts: Fact, about: Period = LAST_WEEK) -> report.Report:
    """The report of last week, in UTC."""
    return sums.report(facts, about, NOW, ZoneInfo("UTC"))


def test_a_week_goes_from_monday_to_monday_and_a_month_to_the_next_one_on_the_clocks_of_the_zone() -> None:
    """The clocks went back on the last Sunday of October: that week has 169 hours."""
    week = period(Every.WEEK, date(2026, 10, 25), BERLIN, NOW)
    assert (week.first, week.end) == (date(2026, 10, 19), date(2026, 10, 26))
    assert (week.since, week.until) == (datetime(2026, 10, 18, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC))
    month = period(Every.MONTH, date(2026, 2, 28), BERLIN, NOW)
    assert (month.first, month.end) == (date(2026, 2, 1), date(2026, 3, 1))
    assert not month.so_far


def test_one_that_is_not_over_goes_as_far_as_now_and_is_compared_with_as_much_of_the_one_before() -> None:
    about = period(Every.WEEK, date(2026, 12, 1), ZoneInfo("UTC"), NOW)
    assert about.so_far
    assert about.until == NOW
    assert before(about, ZoneInfo("UTC")).until == NOW - timedelta(days=7)
    month = period(Every.MONTH, date(2026, 3, 31), ZoneInfo("UTC"), datetime(2026, 3, 31, 12, tzinfo=UTC))
    assert before(month, ZoneInfo("UTC")).until == datetime(2026, 3, 1, tzinfo=UTC), "February is shorter"


@pytest.mark.parametrize(
    ("every", "count", "expected"),
    [
        (Every.WEEK, 0, date(2026, 11, 30)),
        (Every.WEEK, 3, date(2026, 11, 9)),
        (Every.MONTH, 1, date(2026, 11, 1)),
        (Every.MONTH, 12, date(2025, 12, 1)),
    ],
)
def test_one_is_found_by_how_long_ago_it_was(every: Every, count: int, expected: date) -> None:
    assert earlier(every, date(2026, 12, 1), count) == expected


def test_before_the_first_year_there_is_none() -> None:
    for every in Every:
        with pytest.raises(OverflowError):
            earlier(every, date(1, 1, 1), 1)


def test_what_was_open_in_the_week_counts_if_only_for_a_moment() -> None:
    sunday = fact(-24, lasts=30)
    long_ago = fact(-48, 1901, lasts=12)
    still = fact(160, 1902, lasts=None)
    later = fact(24 * 7, 1903)
    totals = told(sunday, long_ago, still, later).totals
    assert (totals.incidents, totals.open) == (2, 1)
    assert totals.resolved == Times(1, 30 * HOUR, 30 * HOUR)
    assert totals.sounds == 1, "Sunday's was the week before"


def test_it_is_counted_as_of_the_end_of_the_week_whenever_that_is_asked_for() -> None:
    """Acknowledged on Monday, and over on Tuesday: by then nobody knew."""
    found = fact(167, lasts=40, taken=((10, ANA),), sounds=(0, 0.25, 1.25))
    totals = told(found).totals
    assert (totals.open, totals.unanswered, totals.unanswered_pages) == (1, 1, 1)
    assert totals.acknowledged == totals.resolved == Times()
    assert totals.sounds == 2
    this = period(Every.WEEK, date(2026, 12, 1), ZoneInfo("UTC"), NOW)
    later = told(found, about=this)
    assert later.totals.acknowledged == Times(1, 10 * HOUR, 10 * HOUR)


def test_times_are_the_median_and_the_slowest_and_those_never_acknowledged_count_apart() -> None:
    found = [fact(number, 1900 + number, lasts=1 + number, taken=((0.1 * number, ANA),)) for number in (1, 2, 9)]
    totals = told(*found, fact(5, 1950, severity=Severity.WARNING), fact(6, 1951)).totals
    assert totals.acknowledged == Times(3, timedelta(minutes=12), timedelta(minutes=54))
    assert totals.resolved == Times(5, 2 * HOUR, 10 * HOUR)
    assert (totals.critical, totals.warnings) == (4, 1)
    assert (totals.unanswered, totals.unanswered_pages) == (2, 1)


def test_to_acknowledge_takes_from_the_first_notification_and_not_from_a_night_that_was_silenced() -> None:
    found = fact(10, lasts=12, taken=((8.5, ANA),), sounds=(8,))
    totals = told(found).totals
    assert totals.acknowledged.middle == 30 * MINUTE
    assert totals.resolved.middle == 12 * HOUR


def test_it_says_who_was_on_call_and_who_answered_whoever_that_was() -> None:
    people = told(
        fact(1, 1, called=ANA, taken=((0.1, ANA),)),
        fact(2, 2, called=ANA, taken=((0.2, BEN), (0.3, ANA))),
        fact(3, 3, called=ANA, severity=Severity.WARNING),
        fact(4, 4, taken=((0.1, BEN),)),
    ).people
    assert people == (
        Person(ANA, 3, 2, Times(2, timedelta(minutes=6), timedelta(minutes=12)), ((ANA, 1), (BEN, 1))),
        Person(None, 1, 1, Times(1, timedelta(minutes=6), timedelta(minutes=6)), ((BEN, 1),)),
    )


def test_tokens_come_worst_first_and_what_was_wrong_at_once_lasts_once() -> None:
    found = told(
        fact(1, 1901, Rule.FAST_TIME_LOW, severity=Severity.WARNING, lasts=10),
        fact(2, 1901, Rule.VERIFYING, severity=Severity.WARNING, lasts=2),
        fact(3, 1900),
        fact(4, None, Rule.POOL, severity=Severity.WARNING, lasts=None),
    ).tokens
    assert [(each.token, each.incidents, each.critical) for each in found] == [(1900, 1, 1), (1901, 2, 0), (None, 1, 0)]
    assert found[1].lasted == 10 * HOUR
    assert found[2].lasted == LAST_WEEK.until - MONDAY - 4 * HOUR


def test_what_several_share_is_one_sound_and_only_what_was_about_nothing_else_is_spared() -> None:
    """A card of three bans, one of two rules, and reminders of one card in the same tick."""
    together = [fact(1, token, message=7, sounds=(0, 0.25)) for token in (1900, 1901, 1902)]
    summary = [fact(2, 1903, message=8), fact(2, 1903, Rule.QUEUE_STUCK, message=8)]
    alone = fact(5, 1900, message=9)
    found = told(*together, *summary, alone)
    assert (found.totals.sounds, found.totals.shared) == (4, 1)
    assert [(each.rule, each.sounds) for each in found.rules] == [(Rule.BANNED, 3), (Rule.QUEUE_STUCK, 0)]
    assert found.pairs[0] == Noise(Rule.BANNED, 2, 1, 1900)
    assert {each.token: each.sounds for each in found.pairs[1:]} == {1901: 0, 1902: 0, 1903: 0}


def test_one_that_joins_a_card_which_is_there_makes_no_sound_of_its_own() -> None:
    found = told(fact(1, 1900, message=7), fact(1 + 15 / 3600, 1901, message=7))
    assert found.totals.sounds == 1


def test_two_of_the_same_key_after_each_other_are_two() -> None:
    assert told(fact(1), fact(20)).totals.sounds == 2


def test_the_momentary_and_the_suppressed_stand_beside_and_tests_and_the_first_reading_nowhere() -> None:
    found = told(fact(1), fact(2, 1960, Rule.NEW, lasts=0, severity=Severity.INFO), fact(3, 1901, sounds=()))
    assert (found.totals.incidents, found.totals.momentary, found.totals.suppressed) == (1, 1, 1)
    assert found.totals.sounds == 2, "of what is momentary, too"
    assert {each.rule: (each.incidents, each.sounds) for each in found.rules} == {
        Rule.BANNED: (1, 1),
        Rule.NEW: (0, 1),
    }
    fired = (Moment(MONDAY, Happening.FIRED, severity=Severity.INFO),)
    for rule in sums.LEFT_OUT:
        incident = Incident(Key(rule), Severity.INFO, Stage.RESOLVED, MONDAY, MONDAY, moments=fired)
        assert fact_of(incident, None) is None
    assert fact_of(Incident(Key(Rule.BANNED, 1), Severity.CRITICAL, Stage.PENDING, MONDAY, MONDAY), None) is None


def test_it_is_compared_with_the_period_before_unless_that_is_not_known_as_a_whole() -> None:
    week_ago = fact(-100, sounds=(0, 1))
    compared = told(fact(), week_ago).before
    assert compared is not None
    assert (compared.incidents, compared.sounds) == (1, 2)
    cut = sums.report([fact()], LAST_WEEK, NOW, ZoneInfo("UTC"), kept_since=MONDAY - HOUR)
    assert (cut.before, cut.kept_since) == (None, None)
    cut = sums.report([fact()], LAST_WEEK, NOW, ZoneInfo("UTC"), kept_since=MONDAY + HOUR)
    assert cut.kept_since == MONDAY + HOUR


def lived(hours: float, lasts: float | None, later: list[int], *, shares: bool, **more: Any) -> Fact:  # noqa: ANN401 - as `fact` has them
    """What makes its sounds while it is open, and shares its card with what fires in the same moment, or with none."""
    end = 1000 if lasts is None else lasts
    sounds = tuple(float(each) for each in sorted({0, *later}) if each <= end) if later else ()
    message = int(1000 + 2 * hours) if shares else None
    return fact(hours, lasts=lasts, sounds=sounds, message=message, **more)


_facts = st.builds(
    lived,
    hours=st.integers(-300, 300).map(lambda half: half / 2),
    token=st.none() | st.integers(1900, 1912),
    rule=st.sampled_from([Rule.BANNED, Rule.QUEUE_STUCK, Rule.NEW, Rule.POOL]),
    lasts=st.none() | st.integers(0, 200),
    severity=st.sampled_from(Severity),
    taken=st.just(()) | st.tuples(st.tuples(st.integers(0, 50), st.sampled_from([ANA, BEN]))),
    later=st.lists(st.integers(0, 60), max_size=4, unique=True),
    called=st.sampled_from([None, ANA, BEN]),
    shares=st.booleans(),
)


@given(st.lists(_facts, max_size=30, unique_by=lambda each: (each.key, each.opened)))
def test_the_sums_agree_whatever_happened(facts: list[Fact]) -> None:
    """By person, by token, by rule and by severity it is as many incidents; and each sound is somebody's, or shared."""
    made = told(*facts)
    totals = made.totals
    for rows in (made.people, made.tokens, made.rules):
        assert sum(each.incidents for each in rows) == totals.incidents
    assert sum(each.critical for each in made.people) == sum(each.critical for each in made.tokens) == totals.critical
    assert sum(each.sounds for each in made.rules) + totals.shared == totals.sounds
    assert sum(each.acknowledged.count for each in made.people) == totals.acknowledged.count
    assert sum(count for each in made.people for _, count in each.answered) == totals.acknowledged.count
    of_rule = {each.rule: each for each in made.rules}
    by_pairs = Counter[Rule]()
    for each in made.pairs:
        by_pairs[each.rule] += each.sounds
    assert all(count <= of_rule[rule].sounds for rule, count in by_pairs.items())
    assert totals.open + totals.resolved.count == totals.incidents
    assert totals.unanswered <= totals.incidents
    assert len(sums.within(facts, made.period.since, made.period.until)) >= totals.incidents + totals.momentary


@given(st.lists(_facts, max_size=30, unique_by=lambda each: (each.key, each.opened)))
def test_a_week_and_the_next_have_together_the_sounds_of_both(facts: list[Fact]) -> None:
    """No sound is lost between two periods, and none is in both."""
    next_week = period(Every.WEEK, date(2026, 12, 1), ZoneInfo("UTC"), NOW + timedelta(days=30))
    both = sums.heard(sums.within(facts, MONDAY, next_week.until), MONDAY, next_week.until)
    first, second = (
        sums.heard(sums.within(facts, each.since, each.until), each.since, each.until)
        for each in (LAST_WEEK, next_week)
    )
    assert len(first) + len(second) == len(both)


def test_what_is_stored_of_it_names_the_worst_and_says_how_many_are_left_out() -> None:
    whole = told(*(fact(number, 1900 + number, called=number) for number in range(20)))
    kept = brief(whole)
    assert (len(kept.people), len(kept.tokens), len(kept.rules), len(kept.pairs)) == (8, 8, 1, 4)
    assert kept.left_out == (12, 12, 0, 16)
    assert brief(kept).people == kept.people


def _fact(story: Story) -> Fact:
    found = fact_of(story.known.incidents[Key(Rule.BANNED, 1)], 7)
    assert found is not None
    return found


def test_a_card_a_reminder_and_what_got_worse_make_a_sound_and_an_acknowledged_page_makes_none() -> None:
    story = Story()
    story.read(0, record(1))
    story.read(1, record(1, "BANNED"))
    story.tick(16)
    story.tick(77)
    assert [each - at(1) for each in _fact(story).sounds] == [timedelta(), 15 * MINUTE, 76 * MINUTE]
    story.acknowledge(78, Key(Rule.BANNED, 1))
    story.tick(300)
    assert len(_fact(story).sounds) == 3
    assert _fact(story).answer(at(1000)) is not None


def test_what_fires_silenced_makes_its_sound_when_the_silence_ends() -> None:
    story = Story()
    story.read(0, record(1))
    story.silence(0, 60, Scope(token=1))
    story.read(1, record(1, "BANNED"))
    assert (_fact(story).sounds, _fact(story).notified) == ((), None)
    story.tick(60)
    assert _fact(story).sounds == (at(60),)
    assert _fact(story).notified == at(60)
    assert _fact(story).fired == at(1)


def test_of_an_older_version_the_timeline_tells_and_there_may_have_been_more() -> None:
    moments = (
        Moment(MONDAY, Happening.FIRED, severity=Severity.WARNING),
        Moment(MONDAY + HOUR, Happening.RAISED, severity=Severity.CRITICAL),
        Moment(MONDAY + 9 * HOUR, Happening.REMINDED),
    )
    incident = Incident(
        Key(Rule.BANNED, 1),
        Severity.CRITICAL,
        Stage.FIRING,
        MONDAY,
        MONDAY,
        moments=moments,
        notified_at=MONDAY + 9 * HOUR,
        notified_as=Severity.CRITICAL,
    )
    found = fact_of(incident, 7)
    assert found is not None
    assert (len(found.sounds), found.least) == (3, True)
    assert found.severity(MONDAY + HOUR) is Severity.WARNING
    assert found.severity(MONDAY + 2 * HOUR) is Severity.CRITICAL
    assert told(found).least


def test_of_very_many_sounds_the_first_and_the_latest_are_kept() -> None:
    incident = Incident(Key(Rule.BANNED, 1), Severity.CRITICAL, Stage.FIRING, MONDAY, MONDAY)
    for number in range(KEPT_SOUNDS + 50):
        incident = sounded(incident, MONDAY + number * HOUR)
    assert len(incident.sounds) == KEPT_SOUNDS
    assert incident.sounds[0] == int(MONDAY.timestamp())
    assert incident.sounds[-1] == int((MONDAY + (KEPT_SOUNDS + 49) * HOUR).timestamp())
    fired = (Moment(MONDAY, Happening.FIRED, severity=Severity.CRITICAL),)
    told_of = replace(incident, moments=fired, first_notified_at=MONDAY, notified_as=Severity.CRITICAL)
    found = fact_of(told_of, 7)
    assert found is not None
    assert found.least
