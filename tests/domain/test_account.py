"""The plan at ImaginePro: credits that run low, and its end, as readings of the account tell of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.account import Account
from bot.domain.incidents import Rule
from bot.domain.model import Severity
from bot.domain.rules.account import CREDITS, PLAN
from bot.domain.rules.settable import check, check_against
from bot.domain.steering import Setting
from bot.domain.value import replace
from bot.domain.watch.account import settle
from tests.domain.fleets import START, at, record
from tests.domain.stories import Story, watching

HOUR, DAY = 60, 24 * 60
"""Minutes."""
MONTH = timedelta(days=30)
USUAL = Account("DIY", quota=1600, credits=1200, extra=0, expires_at=START + MONTH)


@dataclass
class Billed(Story):
    """A story in which the account is read as well."""

    def account(
        self,
        minutes: float,
        left: int | None = 1200,
        *,
        quota: int | None = 1600,
        extra: int | None = 0,
        ends: datetime | None = START + MONTH,
    ) -> list[str]:
        """Read it once; returns what the cards say anew."""
        account = Account("DIY", quota=quota, credits=left, extra=extra, expires_at=ends)
        return self._heard(*settle(self.known, account, at(minutes), self.policy))


def billed() -> Billed:
    """A fleet that was read, and an account that is in order."""
    story = Billed()
    story.read(0, record())
    assert story.account(0) == []
    return story


def test_credits_that_run_low_are_told_once_get_worse_at_none_and_end_with_a_margin() -> None:
    story = billed()
    assert story.account(HOUR, 160) == []
    assert story.account(2 * HOUR, 159) == ["credits_low warning"]
    assert story.known.incidents[CREDITS].detail == "159 of 1600, 0 extra, 10%"
    assert story.account(3 * HOUR, 159) == []
    assert story.account(4 * HOUR, 12) == ["credits_low warning"], "its card shows another number"
    assert story.notices == []
    assert story.account(5 * HOUR, 0) == ["credits_low critical"]
    assert story.notices == ["raised: credits_low"]
    assert story.account(6 * HOUR, 167) == ["credits_low warning"]
    assert story.account(7 * HOUR, 168) == ["ended: credits_low warning"]
    assert story.notices == ["resolved: credits_low"]


def test_that_none_is_left_is_told_again_though_somebody_has_it() -> None:
    story = billed()
    story.account(HOUR, 100)
    story.acknowledge(2 * HOUR, CREDITS)
    assert story.account(3 * HOUR, 0) == ["credits_low critical"]
    assert story.notices == ["raised: credits_low"]


def test_what_was_bought_on_top_counts() -> None:
    story = billed()
    assert story.account(HOUR, 0, extra=1000) == []
    assert story.account(2 * HOUR, 0, extra=100) == ["credits_low warning"]
    assert story.account(3 * HOUR, 0, extra=0) == ["credits_low critical"]
    assert story.account(4 * HOUR, 0, extra=500) == ["ended: credits_low critical"]


@pytest.mark.parametrize(
    ("left", "quota", "extra"), [(None, 1600, 0), (None, 1600, None), (5, None, 0), (5, 0, 5), (0, 0, 0)]
)
def test_what_is_not_known_is_not_0_and_moves_nothing(left: int | None, quota: int | None, extra: int | None) -> None:
    story = billed()
    assert story.account(HOUR, left, quota=quota, extra=extra) == []
    assert not story.known.incidents


def test_where_nobody_knows_whether_extra_ones_are_left_it_is_not_critical() -> None:
    assert billed().account(HOUR, 0, extra=None) == ["credits_low warning"]


def test_that_all_are_gone_is_told_though_the_quota_is_not_known() -> None:
    assert billed().account(HOUR, 0, quota=None) == ["credits_low critical"]


def test_a_plan_that_comes_without_credits_any_more_leaves_no_alert_behind() -> None:
    story = billed()
    story.account(HOUR, 0)
    assert story.account(2 * HOUR, 0, quota=0) == ["ended: credits_low critical"]
    assert story.notices == []


@pytest.mark.parametrize(("text", "fires", "well"), [("25%", 399, 420), ("500", 499, 525)])
def test_the_level_can_be_set_as_a_share_or_as_a_number(text: str, fires: int, well: int) -> None:
    story = billed()
    story.set(Rule.CREDITS_LOW, threshold=text)
    assert story.account(HOUR, fires + 1) == []
    assert story.account(2 * HOUR, fires) == ["credits_low warning"]
    assert story.account(3 * HOUR, well - 1) == ["credits_low warning"]
    assert story.account(4 * HOUR, well) == ["ended: credits_low warning"]


def test_a_number_that_the_plan_never_has_is_refused() -> None:
    setting = Setting(Rule.CREDITS_LOW, threshold="1600")
    check_against(setting, {}, None)
    check_against(setting, {}, replace(USUAL, quota=None))
    with pytest.raises(ValueError, match="your plan has 1600 credits"):
        check_against(setting, {}, USUAL)


def test_the_end_of_the_plan_is_told_a_week_before_and_is_critical_once_it_is_over() -> None:
    story = billed()
    ends = 30 * DAY
    assert story.account(ends - 7 * DAY - 1) == []
    assert story.account(ends - 7 * DAY) == ["plan_expires warning"]
    assert story.account(ends - DAY) == []
    assert story.account(ends + HOUR) == [], "a payment that comes by itself takes an hour"
    assert story.account(ends + 2 * HOUR) == ["plan_expires critical"]
    assert story.notices == ["raised: plan_expires"]
    assert story.account(ends + 3 * HOUR, ends=START + 2 * MONTH) == ["ended: plan_expires critical"]
    assert story.notices == ["resolved: plan_expires"]


def test_whoever_has_the_plan_is_not_told_again_only_because_it_is_over() -> None:
    story = billed()
    story.account(29 * DAY)
    story.acknowledge(29 * DAY, PLAN)
    assert story.account(31 * DAY) == ["plan_expires critical"]
    assert story.notices == []


def test_how_long_before_can_be_set() -> None:
    story = billed()
    story.set(Rule.PLAN_EXPIRES, threshold="3d")
    assert story.account(26 * DAY) == []
    assert story.account(27 * DAY) == ["plan_expires warning"]


def test_a_date_of_years_ago_is_not_about_the_present() -> None:
    story = billed()
    assert story.account(HOUR, ends=START - timedelta(days=1500)) == []
    story.account(29 * DAY)
    assert story.account(30 * DAY, ends=START - timedelta(days=1500)) == ["ended: plan_expires warning"]
    assert story.notices == []


def test_a_date_that_is_left_out_leaves_all_as_it_was() -> None:
    story = billed()
    story.account(29 * DAY)
    assert story.account(30 * DAY, ends=None) == []
    assert PLAN in story.known.incidents


def test_polls_move_neither() -> None:
    story = billed()
    story.account(HOUR, left=0, ends=START + timedelta(days=1))
    before = story.known.incidents
    assert before.keys() == {CREDITS, PLAN}
    assert story.read(HOUR + 1, record()) == []
    assert story.read(HOUR + 2, record(status="BANNED")) == ["banned 1900 critical BANNED"]
    for minutes in range(3, 8):
        story.fail(HOUR + minutes)
    story.read(HOUR + 9, record())
    assert {key: story.known.incidents[key] for key in before} == before


@pytest.mark.parametrize("rule", [Rule.CREDITS_LOW, Rule.PLAN_EXPIRES])
def test_a_rule_that_is_switched_off_ends_its_alert_with_the_next_poll_and_stays_quiet(rule: Rule) -> None:
    story, soon = billed(), START + timedelta(days=1)
    story.account(HOUR, left=100, ends=soon)
    story.set(rule, on=False)
    assert story.read(HOUR + 1, record()) == [f"unwatched: {rule} warning"]
    assert story.account(HOUR + 2, left=100, ends=soon) == []


def test_a_severity_that_somebody_set_holds() -> None:
    story = billed()
    story.set(Rule.CREDITS_LOW, severity=Severity.INFO)
    assert story.account(HOUR, 0) == ["credits_low info"]


ACCOUNTS = st.builds(
    Account,
    st.just("DIY"),
    quota=st.none() | st.integers(0, 2000),
    credits=st.none() | st.integers(0, 2000),
    extra=st.none() | st.integers(0, 2000),
    expires_at=st.none() | st.integers(-2000, 90).map(lambda days: START + timedelta(days=days)),
)


@given(st.lists(ACCOUNTS, max_size=6))
def test_the_same_reading_twice_says_nothing_new_and_what_is_unknown_opens_nothing(said: list[Account]) -> None:
    story = watching()
    for hour, account in enumerate(said):
        before = story.known.incidents
        story._heard(*settle(story.known, account, at(hour * HOUR), story.policy))
        opened = story.known.incidents.keys() - before.keys()
        assert account.credits is not None or CREDITS not in opened
        assert account.expires_at is not None or PLAN not in opened
        assert story._heard(*settle(story.known, account, at(hour * HOUR), story.policy)) == []
        assert all(each.began_at <= at(hour * HOUR) for each in story.known.incidents.values())


@given(st.integers(1, 90).map(lambda each: f"{each}%") | st.integers(1, 1523).map(str))
def test_whatever_level_is_accepted_ends_when_the_credits_are_full_again(text: str) -> None:
    setting = Setting(Rule.CREDITS_LOW, threshold=text)
    check(setting)
    check_against(setting, {}, USUAL)
    story = billed()
    story.set(Rule.CREDITS_LOW, threshold=text)
    story.account(HOUR, 0)
    assert CREDITS in story.known.incidents
    story.account(2 * HOUR, 1600)
    assert CREDITS not in story.known.incidents
