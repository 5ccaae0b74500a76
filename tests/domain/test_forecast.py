"""Whether fast time lasts, whatever was read before: what must be true of any forecast."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import info
from bot.domain.forecast import LIKELY, UNLIKELY, Burning, Forecast, Verdict, burning, fan, forecast
from bot.domain.ledger import Ledger, apply, closed, opened
from bot.domain.model import Token
from bot.domain.value import replace
from tests.domain.fleets import record
from tests.domain.test_ledger import RENEWS, START, ZONES, after, entered, token, told
from tests.domain.test_ledger import stories as stories_of_any_kind

CYCLE = datetime(2026, 11, 20, 6, tzinfo=UTC)
"""The renewal of a cycle that begins at the start."""

DAYS = st.lists(st.floats(0, 120), min_size=2, max_size=20)
"""Minutes that are used on each day."""


def days(uses: Iterable[float], *, zone: tzinfo = UTC, full: float = 900) -> tuple[Ledger, Token, datetime]:
    """A ledger of so many minutes used each day, from ten to four o'clock in UTC; with the token and the time."""
    each, at = token(full), START
    ledger = apply(None, each, at, zone)
    left = full
    for day, use in enumerate(uses):
        for hour in range(7):
            at = after(24 * day + 4 + hour)
            each = token(round(max(left - use * hour / 6, 0), 2))
            ledger = apply(ledger, each, at, zone)
        left = max(left - use, 0)
    return ledger, each, at


def holding(ledger: Ledger, left: float) -> Ledger:
    """The same use, of a token that has so much left."""
    book = opened(ledger)
    assert book is not None
    book.value = left
    return closed(book)


def certain(said: Forecast) -> tuple[float, float]:
    """Its chance and pace."""
    assert said.chance is not None
    assert said.pace is not None
    return said.chance, said.pace


@given(stories_of_any_kind, st.sampled_from(ZONES), st.floats(0, 700))
def test_nothing_is_said_of_the_time_after_the_renewal(
    story: list[tuple[float, float | None, str, bool, bool]], zone: tzinfo, later: float
) -> None:
    readings = told(story)
    ledger, (hours, last) = entered(readings, zone), readings[-1]
    now = after(hours + later)
    said = forecast(ledger, last, now, zone, after(hours + later / 2))
    if not said.verdict.answers:
        assert (said.chance, said.pace, said.dry_at, said.earliest, said.latest) == (None,) * 5
        assert (said.spare, said.short) == (None, None)
        assert fan(ledger, last, now, zone) == () or later
        return
    chance, pace = certain(said)
    assert said.renews_at is not None
    assert said.spare is not None
    assert now < said.renews_at
    assert 0 <= chance <= 1
    assert pace >= 0
    times = [at for at in (said.earliest, said.dry_at, said.latest) if at is not None]
    assert all(now <= at <= said.renews_at for at in times)
    assert times == sorted(times)
    assert (said.dry_at is None) == (said.short is None)
    if said.dry_at is not None:
        assert said.earliest is not None
        assert said.short == said.renews_at - said.dry_at
    bands = fan(ledger, last, now, zone, read_at=after(hours + later / 2))
    assert [(bands[0].at, bands[-1].at)] == [(now, said.renews_at)]
    assert all(0 <= band.low <= band.high + 1e-9 for band in bands)
    for name in ("low", "middle", "high"):
        levels = [getattr(band, name) for band in bands]
        assert all(one >= other - 1e-6 for one, other in pairwise(levels)), "fast time only falls"


@given(DAYS, st.floats(1.5, 900), st.floats(1.5, 900), st.sampled_from(ZONES))
def test_the_less_is_left_the_likelier_it_runs_out_and_the_sooner(
    uses: list[float], one: float, other: float, zone: tzinfo
) -> None:
    ledger, _, now = days(uses, zone=zone)
    less, more = sorted((round(one, 2), round(other, 2)))
    poor, rich = (forecast(holding(ledger, left), token(left), now, zone) for left in (less, more))
    assert certain(poor)[0] >= certain(rich)[0] - 1e-9
    assert certain(poor)[1] == certain(rich)[1]
    for name in ("earliest", "dry_at", "latest"):
        soon, late = getattr(poor, name) or RENEWS, getattr(rich, name) or RENEWS
        assert soon <= late + timedelta(minutes=10)


@given(st.floats(300, 900), st.integers(3, 20), st.sampled_from(ZONES))
def test_what_is_idle_lasts(left: float, idle: int, zone: tzinfo) -> None:
    each = token(round(left, 2), renews=CYCLE)
    said = forecast(apply(None, each, START, zone), each, after(24 * idle), zone)
    assert said.verdict is Verdict.LASTS
    assert said.idle_since == said.unchanged_since == START


def test_a_steady_pace_is_found_and_so_is_the_day_that_it_ends() -> None:
    ledger, last, now = days([48] * 14)
    said = forecast(ledger, last, now, UTC)
    assert said.pace == pytest.approx(48, rel=0.1)
    assert said.verdict is Verdict.DOES_NOT_LAST
    assert said.dry_at is not None
    assert abs(said.dry_at - after(24 * 18 + 22)) < timedelta(days=1)
    assert said.earliest is not None
    assert said.latest is not None
    assert said.earliest < said.dry_at < said.latest
    assert said.spare is not None
    assert said.spare < 0
    assert said.idle_since == said.unchanged_since == now
    assert said.watched == timedelta(days=13, hours=10)
    slow, last, now = days([10] * 14)
    said = forecast(slow, last, now, UTC)
    assert (said.verdict, said.dry_at, said.short, said.latest) == (Verdict.LASTS, None, None, None)
    assert said.spare == pytest.approx(760 - 10 * 12, abs=20)


def test_the_verdict_follows_the_chance() -> None:
    seen = set()
    ledger, _, now = days([30, 60, 10, 50, 40, 20, 70, 30] * 2)
    for left in range(2, 900, 10):
        said = forecast(holding(ledger, left), token(left), now, UTC)
        chance, _ = certain(said)
        expected = Verdict.LASTS if chance < UNLIKELY else Verdict.MAY_NOT_LAST
        assert said.verdict is (Verdict.DOES_NOT_LAST if chance >= LIKELY else expected)
        seen.add(said.verdict)
    assert seen == {Verdict.LASTS, Verdict.MAY_NOT_LAST, Verdict.DOES_NOT_LAST}


AT = START + timedelta(days=5)
SEEN = Forecast(Verdict.MAY_NOT_LAST, AT, left=400.0, chance=0.79, renews_at=RENEWS)
CROSSED = replace(SEEN, verdict=Verdict.DOES_NOT_LAST, at=AT + timedelta(minutes=50), left=395.0, chance=0.81)


@pytest.mark.parametrize(
    ("looked", "asked", "same"),
    [
        (SEEN, CROSSED, True),
        (None, CROSSED, False),
        (SEEN, replace(CROSSED, at=AT + timedelta(hours=2)), False),
        (SEEN, replace(CROSSED, left=600.0), False),
        (SEEN, replace(CROSSED, renews_at=RENEWS + timedelta(days=30)), False),
        (SEEN, replace(CROSSED, dry_at=CROSSED.at), False),
        (SEEN, replace(CROSSED, verdict=Verdict.OFF), False),
        (replace(SEEN, verdict=Verdict.OFF), CROSSED, False),
        (SEEN, replace(SEEN, at=CROSSED.at, left=395.0), False),
    ],
)
def test_between_two_looks_whoever_asks_is_told_what_lists_and_alerts_tell(
    looked: Forecast | None,
    asked: Forecast,
    same: bool,  # noqa: FBT001 - of a table
) -> None:
    assert asked.holding(looked) is (looked if same else asked)


@pytest.mark.parametrize(("hourly", "verdict"), [(3, Verdict.LASTS), (6, Verdict.DOES_NOT_LAST)])
def test_nights_and_weekends_are_no_end_of_the_use(hourly: float, verdict: Verdict) -> None:
    begin = START - timedelta(hours=24)  # a Monday
    each, left = token(900), 900.0
    ledger = apply(None, each, begin, UTC)
    for day in (day for day in range(19) if day % 7 < 5):
        for hour in range(9, 18):
            left -= hourly
            each = token(left)
            ledger = apply(ledger, each, begin + timedelta(days=day, hours=hour - 6), UTC)
    friday = begin + timedelta(days=18, hours=12)
    said = forecast(ledger, each, friday, UTC)
    for later in range(0, 63, 3):
        assert forecast(ledger, each, friday + timedelta(hours=later), UTC).verdict is verdict
    band = {each.at - friday: each.middle for each in fan(ledger, each, friday, UTC, points=200)}
    saturday = [level for passed, level in band.items() if timedelta(hours=12) < passed < timedelta(hours=36)]
    assert max(saturday) - min(saturday) < 0.9 * (said.pace or 0), "a day of the weekend takes less than another"


def test_an_empty_token_does_not_last_however_long_it_stands_still() -> None:
    ledger, last, now = days([300, 300, 300])
    for hours in (0, 5, 100, 400):
        said = forecast(ledger, last, now + timedelta(hours=hours), UTC)
        assert (said.verdict, said.chance) == (Verdict.DOES_NOT_LAST, 1.0)
        assert said.dry_at == said.earliest == said.latest == said.at
        assert said.short == RENEWS - said.at
        assert said.pace == pytest.approx(certain(forecast(ledger, last, now, UTC))[1], rel=0.5)


@given(stories_of_any_kind, st.floats(-1, 2000), st.floats(0, 100))
def test_a_reading_that_the_ledger_does_not_have_says_how_much_is_left(
    story: list[tuple[float, float | None, str, bool, bool]], left: float, later: float
) -> None:
    """It could not be stored: a token that was refilled is not empty, and one that has nothing breaks nothing."""
    readings = told(story)
    ledger, now = entered(readings), after(readings[-1][0] + later)
    last = token(round(left, 2))
    said = forecast(ledger, last, now, UTC)
    assert said.left == last.fast_time.remaining
    assert not said.verdict.answers or said.empty is ((said.left or 0) <= 1)
    assert bool(fan(ledger, last, now, UTC)) is said.verdict.answers


@pytest.mark.parametrize(
    ("each", "hours", "read", "verdict"),
    [
        (token(900), 10, 10, Verdict.LEARNING),
        (token(900), 23, 23, Verdict.LEARNING),
        (token(900), 25, 25, Verdict.LASTS),
        (token(None), 50, 50, Verdict.UNKNOWN),
        (token(900, active=False), 50, 50, Verdict.OFF),
        (token(900, status="BANNED"), 50, 50, Verdict.OFF),
        (token(900), 50, 25, Verdict.UNREAD),
        (token(900), 50, 27, Verdict.LASTS),
        (token(900, left_out_since=after(20)), 50, 50, Verdict.UNREAD),
        (token(900, renews=after(1)), 50, 50, Verdict.UNKNOWN),
        (info.read(record(plan="Trial", fast="25.00 minutes")), 50, 50, Verdict.UNKNOWN),
    ],
)
def test_what_nobody_can_know_is_not_guessed(each: Token, hours: float, read: float, verdict: Verdict) -> None:
    begun = apply(None, token(900, renews=CYCLE), START, UTC)
    said = forecast(begun, each, after(hours), UTC, after(read))
    assert said.verdict is verdict
    assert (said.chance is not None) is verdict.answers
    assert said.left == each.fast_time.remaining


def test_a_ledger_that_is_lost_begins_anew() -> None:
    assert forecast(None, token(900), START, UTC).verdict is Verdict.LEARNING
    assert fan(None, token(900), START, UTC) == ()
    assert burning(None, token(900), START, START) is None


def test_a_token_that_is_first_read_in_the_middle_of_its_cycle_has_an_answer_at_once() -> None:
    renews = START + timedelta(days=15)
    half, low = (apply(None, token(left, renews=renews), START, UTC) for left in (600, 300))
    enough = forecast(half, token(600, renews=renews), START, UTC)
    short = forecast(low, token(300, renews=renews), START, UTC)
    assert enough.verdict is Verdict.LASTS
    assert short.verdict in {Verdict.MAY_NOT_LAST, Verdict.DOES_NOT_LAST}


@pytest.mark.parametrize("billing", ["monthly", "yearly"])
def test_while_a_refill_is_due_nobody_knows_and_what_was_learnt_holds_after_it(billing: str) -> None:
    year = timedelta(days=365 if billing == "yearly" else 0)

    def shown(left: float, renews: datetime) -> Token:
        return token(left, renews=renews, billing=billing)

    ledger, old = apply(None, shown(400, RENEWS + year), START, UTC), shown(400, RENEWS + year)
    for day in range(26):
        old = shown(400 - 15 * day, RENEWS + year)
        ledger = apply(ledger, old, after(24 * day), UTC)
    before = forecast(ledger, old, RENEWS - timedelta(hours=1), UTC)
    due = forecast(ledger, old, RENEWS + timedelta(hours=2), UTC)
    assert before.verdict.answers
    assert (due.verdict, due.renews_at) == (Verdict.REFILL_DUE, RENEWS)
    assert forecast(ledger, old, RENEWS + timedelta(hours=25), UTC).verdict is not Verdict.REFILL_DUE
    new = shown(890, RENEWS + (year or timedelta(days=30)))
    ledger = apply(ledger, new, RENEWS + timedelta(hours=3), UTC)
    said = forecast(ledger, new, RENEWS + timedelta(hours=3), UTC)
    assert said.verdict is Verdict.LASTS
    assert said.pace == pytest.approx(before.pace, rel=0.25)


def test_a_full_token_waits_for_no_refill() -> None:
    ledger = entered([(0, token(900)), (50, token(895))])
    later = token(895, renews=RENEWS + timedelta(days=30))
    assert forecast(ledger, later, RENEWS + timedelta(hours=1), UTC).verdict is Verdict.LASTS


def test_a_refill_that_comes_a_little_early_is_not_waited_for() -> None:
    early = (RENEWS - START) / timedelta(hours=1) - 0.5
    ledger = entered([(0, token(400)), (early - 3, token(380)), (early, token(900)), (early + 0.4, token(850))])
    later = token(850, renews=RENEWS + timedelta(days=30))
    assert forecast(ledger, later, RENEWS + timedelta(hours=1), UTC).verdict.answers


def burnt(*steps: tuple[float, float], total: float = 900, renews: datetime = RENEWS) -> Burning | None:
    """Whether a token burns fast of which so much is left, so many minutes after the start."""
    ledger: Ledger | None = None
    for minutes, left in steps:
        ledger = apply(ledger, token(left, total=total, renews=renews), after(minutes / 60), UTC)
    last = after(steps[-1][0] / 60)
    return burning(ledger, token(steps[-1][1], total=total, renews=renews), last, last)


STEADILY = tuple((5 * step, 300 - 10 * step) for step in range(13))
"""Ten minutes of fast time in five, for an hour."""


def test_what_burns_fast_is_said_to_be_empty_soon() -> None:
    found = burnt(*STEADILY)
    assert found is not None
    assert found.hour == pytest.approx(120, rel=0.15)
    assert found.share == pytest.approx(found.hour / 900)
    assert found.dry_at == pytest.approx(after(1) + timedelta(hours=180 / found.hour), abs=timedelta(minutes=1))


@pytest.mark.parametrize(
    "steps",
    [
        [(0, 300), (60, 150)],  # one jump of old numbers that catch up
        [*STEADILY[:4], (55, 268), (60, 266)],  # it has paused
        [(5 * step, 900 - 10 * step) for step in range(13)],  # there is enough for longer
        [(5 * step, 30 - 2 * step) for step in range(13)],  # it is little of the allowance
        [*STEADILY, (65, 0.5)],  # it is empty already
    ],
)
def test_a_jump_a_pause_and_what_is_little_are_no_fast_burning(steps: list[tuple[float, float]]) -> None:
    assert burnt(*steps) is None


def test_what_burns_fast_into_its_renewal_does_not_run_dry() -> None:
    assert burnt(*STEADILY, renews=after(2)) is None
    assert burnt(*STEADILY, renews=after(6)) is not None


def test_old_readings_say_nothing_of_what_burns_now() -> None:
    ledger = entered([(minutes / 60, token(left)) for minutes, left in STEADILY])
    last = token(180)
    assert burning(ledger, last, after(1.1), after(1)) is not None
    assert burning(ledger, last, after(1.2), after(1)) is None
    assert burning(ledger, last, after(3), after(3)) is None, "it has stopped for long"
    assert burning(ledger, token(180, active=False), after(1), after(1)) is None
