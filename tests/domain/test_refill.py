"""When fast time is refilled next, on any day of any year."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import info
from bot.domain.model import Billing, InfoText, PlanState, Record, Subscription

DAY = timedelta(days=1)
MONTH = 31 * DAY
instants = st.datetimes(datetime(2020, 1, 1), datetime(2090, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - of the zone
billings = st.none() | st.sampled_from(Billing)
states = st.none() | st.sampled_from(PlanState)


def day(text: str) -> datetime:
    """That day, at noon in UTC."""
    return datetime.fromisoformat(f"{text}T12:00:00+00:00")


def yearly(renews: str) -> Subscription:
    """A plan that is paid by the year."""
    return Subscription("Pro", PlanState.ACTIVE, Billing.YEARLY, day(renews))


@pytest.mark.parametrize(
    ("renews", "now", "refill"),
    [
        ("2027-10-26", "2026-11-30", "2026-12-26"),
        ("2027-10-26", "2026-12-26", "2027-01-26"),
        ("2027-10-26", "2027-10-25", "2027-10-26"),
        ("2027-03-31", "2027-02-01", "2027-02-28"),
        ("2028-03-31", "2028-02-01", "2028-02-29"),
        ("2027-03-31", "2027-02-28", "2027-03-31"),
        ("2027-05-31", "2027-04-30", "2027-05-31"),
        ("2027-05-31", "2027-04-29", "2027-04-30"),
        ("2028-02-29", "2027-02-27", "2027-02-28"),
        ("2028-02-29", "2027-03-01", "2027-03-29"),
        ("2027-06-15", "2026-12-20", "2027-01-15"),
    ],
)
def test_a_yearly_plan_is_refilled_on_its_day_of_each_month(renews: str, now: str, refill: str) -> None:
    assert yearly(renews).next_refill(day(now)) == day(refill)


def test_a_monthly_plan_is_refilled_when_it_renews() -> None:
    plan = Subscription("Standard", PlanState.ACTIVE, Billing.MONTHLY, day("2026-12-05"))
    assert plan.next_refill(day("2026-11-30")) == day("2026-12-05")
    assert plan.next_refill(day("2026-12-05")) is None


@pytest.mark.parametrize("billing", Billing)
def test_a_refill_is_due_for_as_long_as_the_text_may_be_from_before_it(billing: Billing) -> None:
    at = day("2026-12-05")
    plan = Subscription("Standard", PlanState.ACTIVE, billing, at)
    hours = (-1, 0, 6, 7)
    assert [plan.refill_due(at + timedelta(hours=each)) for each in hours] == [None, at, at, None]
    paused = Subscription("Standard", PlanState.PAUSED, billing, at)
    assert paused.refill_due(at) is None


@given(instants, instants)
def test_a_refill_is_at_most_a_month_away_and_at_the_renewals_day_and_hour(renews: datetime, now: datetime) -> None:
    plan = Subscription("Pro", PlanState.ACTIVE, Billing.YEARLY, renews)
    refill = plan.next_refill(now)
    if renews <= now:
        assert refill is None
        return
    assert refill is not None
    assert now < refill <= min(now + MONTH, renews)
    assert refill.timetz() == renews.timetz()
    assert refill.day == min(renews.day, monthrange(refill.year, refill.month)[1])
    again = plan.next_refill(refill)
    assert (again is None) is (refill == renews)
    assert again is None or 28 * DAY <= again - refill <= MONTH
    assert plan.next_refill(refill - timedelta(microseconds=1)) == refill


@given(instants, st.integers(0, 23 * 60))
def test_the_hour_is_that_of_utc_wherever_the_clock_stands(renews: datetime, minutes: int) -> None:
    plan, now = yearly("2080-10-31"), min(renews, day("2080-01-01"))
    elsewhere = now.astimezone(datetime.strptime(f"+{minutes // 60:02}{minutes % 60:02}", "%z").tzinfo)
    assert plan.next_refill(elsewhere) == plan.next_refill(now)


@given(states, billings, st.none() | instants, st.none() | instants, instants)
def test_a_refill_is_only_known_of_a_plan_that_goes_on(
    state: PlanState | None, billing: Billing | None, renews: datetime | None, ends: datetime | None, now: datetime
) -> None:
    plan = Subscription("Pro", state, billing, renews, ends)
    refill = plan.next_refill(now)
    if refill is None:
        return
    assert state in {None, PlanState.ACTIVE}
    assert renews is not None
    assert now < refill <= renews
    assert not plan.ended(now)
    assert ends is None or ends < now or ends > refill


@pytest.mark.parametrize(
    "text",
    [
        "None (Trial)",
        "Pro (Paused yearly, renews next on <t:1830000000>)",
        "Pro (Cancelled, ends on <t:1830000000>)",
        "Pro (Inactive)",
        "Pro (Active yearly, renews next on <t:2123>)",
        "Pro (Active yearly, renews next on <t:1709417882>)",
        "Pro (Active monthly)",
        "Pro (Active monthly, renews next on <t:1797000000>, ends on <t:1797000000>)",
        "",
    ],
)
def test_of_other_plans_no_refill_is_known(text: str) -> None:
    read = info.read(Record(1, "FAST", info=InfoText(subscription=text)))
    assert read.subscription.next_refill(day("2026-11-30")) is None


def test_a_billing_that_nobody_knows_is_read_as_a_yearly_one() -> None:
    """Of a monthly plan the renewal is a month away at most, so that this is right for both."""
    plan = Subscription("Pro", PlanState.ACTIVE, None, day("2027-10-26"))
    assert plan.next_refill(day("2026-11-30")) == day("2026-12-26")
    assert plan.next_refill(day("2027-10-20")) == day("2027-10-26")


@given(instants, instants, billings, states)
def test_the_time_alone_puts_a_plan_out_of_order_only_at_its_turns(
    renews: datetime, ends: datetime, billing: Billing | None, state: PlanState | None
) -> None:
    plan = Subscription("Pro", state, billing, renews, ends)
    for turn in plan.turns:
        assert not plan.in_order(turn + timedelta(seconds=1))
    first = min(plan.turns)
    assert plan.in_order(first) is plan.in_order(first - 30 * DAY)


@pytest.mark.parametrize(
    ("renews", "now", "last"),
    [
        ("2026-03-31T10:00", "2026-03-15T00:00", "2026-02-28T10:00"),
        ("2026-01-05T10:00", "2025-12-20T00:00", "2025-12-05T10:00"),
        ("2026-08-14T10:00", "2026-08-13T00:00", "2026-07-14T10:00"),
    ],
)
def test_the_last_refill_was_a_month_before_the_next(renews: str, now: str, last: str) -> None:
    plan = Subscription("Standard", PlanState.ACTIVE, Billing.MONTHLY, datetime.fromisoformat(f"{renews}+00:00"))
    assert plan.last_refill(datetime.fromisoformat(f"{now}+00:00")) == datetime.fromisoformat(f"{last}+00:00")


def test_of_a_yearly_plan_it_was_this_month_or_the_one_before() -> None:
    at = datetime(2027, 3, 31, 10, tzinfo=UTC)
    plan = Subscription("Pro", PlanState.ACTIVE, Billing.YEARLY, at)
    assert plan.last_refill(datetime(2026, 6, 15, tzinfo=UTC)) == datetime(2026, 5, 31, 10, tzinfo=UTC)
    assert Subscription().last_refill(at) is None
