"""What a rule can be set to: whatever is accepted works, and whatever is refused changes nothing."""

from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.decisions import Decisions
from bot.domain.incidents import Incident, Rule
from bot.domain.info import HIGHEST_LEVEL
from bot.domain.model import Record, Severity, Token
from bot.domain.rules.policy import Policy
from bot.domain.rules.settable import check, check_against, fast_time_levels
from bot.domain.steering import Setting
from bot.domain.watch.known import Memory, restore
from tests.domain.fleets import record, tokens
from tests.domain.stories import Story, watching

LEVELS = st.from_regex(r"\A[0-9]{1,3}(\.[0-9]{1,2})?%\Z") | st.from_regex(r"\A[0-9]{1,4}[smhd]\Z")
TEXTS = st.lists(LEVELS | st.from_regex(r"\A[0-9]{1,3}\Z") | st.text(max_size=5), max_size=4).map(",".join)
SETTINGS = st.builds(
    Setting,
    st.sampled_from(Rule),
    st.none() | st.just(1900),
    enabled=st.none() | st.booleans(),
    severity=st.none() | st.sampled_from(Severity),
    threshold=st.none() | TEXTS | st.text(max_size=60),
    readings=st.none() | st.integers(-1, 10),
)
FLEET = tokens([record(1900, fast="0.50/15.0 hours"), record(1901, fast="15.00/15.0 hours"), record(7)])


def accepted(setting: Setting, fleet: Mapping[int, Token] = FLEET) -> bool:
    """Whether it can be set, as the command asks."""
    try:
        check(setting)
        check_against(setting, fleet)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - any of them
        return False
    return True


@given(SETTINGS)
def test_whatever_is_accepted_is_the_same_after_a_restart_and_the_rules_can_be_asked_by_it(setting: Setting) -> None:
    if not accepted(setting):
        return
    stored = msgspec.json.decode(msgspec.json.encode(setting), type=Setting)
    known = restore(Memory(decisions=(stored,)))
    before = Policy(settings={(setting.rule, setting.token): setting})
    after = known.policy(Policy())
    assert after == before
    for token in (None, 1900, 1901):
        assert after.row(setting.rule, token) == before.row(setting.rule, token)
        assert after.steps(token) == before.steps(token)
    assert after.pool == before.pool
    steps = after.steps(setting.token)
    assert len({(each.percent, each.minutes) for each in steps}) == len(steps)
    assert all(each.percent is None or 0 < each.percent <= HIGHEST_LEVEL for each in steps)
    story = Story(known=known)
    for minutes in range(3):
        story.read(minutes, record(1900, fast="0.50/15.0 hours"), record(1901))
    story.fail(4)


@given(SETTINGS)
def test_whatever_is_refused_changes_nothing(setting: Setting) -> None:
    story = watching()
    before = story.known
    try:
        check(setting)
    except ValueError:
        with pytest.raises(ValueError, match=r"\w"):
            story.decide(1, setting)
        assert story.known is before
    else:
        story.decide(1, setting)
        assert story.known.decisions == Decisions.of([setting])


def test_what_an_older_version_let_people_set_is_refused_today_and_still_read() -> None:
    old = [Setting(Rule.FAST_TIME_LOW, threshold="99%,99.0%"), Setting(Rule.POOL, threshold="3,20")]
    policy = Policy(settings={(each.rule, None): each for each in old})
    assert [step.percent for step in policy.steps(1900)] == [99, 99]
    assert policy.pool.usable == 20
    assert not any(map(accepted, old))


def hours(left: float) -> str:
    """Fast time of a plan with 15 h, as Midjourney prints it."""
    return f"{left:.2f}/15.0 hours ({left / 15 * 100:.2f}%)"


@given(st.integers(2, 980).map(lambda tenths: f"{tenths / 10}%") | st.integers(2, 882).map(lambda each: f"{each}m"))
@example("98%")
@example("882m")
def test_whatever_level_is_accepted_fires_just_under_it_and_is_over_when_the_token_is_full_again(text: str) -> None:
    setting = Setting(Rule.FAST_TIME_LOW, threshold=text)
    (level,) = fast_time_levels(text)
    under = (15 * level.percent / 100 if level.percent else (level.minutes or 0) / 60) - 0.01
    story = watching(record(fast=hours(15)))
    story.set(Rule.FAST_TIME_LOW, threshold=text)
    assert accepted(setting, story.known.fleet.tokens)
    assert [each.key.rule for each in opened(story, 1, record(fast=hours(15)))] == []
    assert [each.key.rule for each in opened(story, 2, record(fast=hours(max(under, 0.001))))] == [Rule.FAST_TIME_LOW]
    assert [each.key.rule for each in opened(story, 3, record(fast=hours(15)))] == []


def test_a_level_over_all_that_a_plan_has_says_nothing_of_a_token_with_that_plan() -> None:
    story = watching(record(1900, fast=hours(15)), record(1901, fast="200.00/200.0 minutes (100.00%)"))
    story.set(Rule.FAST_TIME_LOW, threshold="4h")
    assert accepted(Setting(Rule.FAST_TIME_LOW, threshold="4h"), story.known.fleet.tokens)
    story.read(1, record(1900, fast=hours(3)), record(1901, fast="200.00/200.0 minutes (100.00%)"))
    assert [each.key.token for each in story.known.incidents.values()] == [1900]


def opened(story: Story, minutes: float, token: Record) -> list[Incident]:
    """What is open of the token after a reading."""
    story.read(minutes, token)
    return [each for each in story.known.incidents.values() if each.open and each.key.token == token.id]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (Setting(Rule.FAST_TIME_LOW, threshold="20h"), "no token ever has more than 15h of fast time, so 20h"),
        (Setting(Rule.FAST_TIME_LOW, threshold="5%,900m"), "no token ever has more than 900m of fast time"),
        (Setting(Rule.FAST_TIME_LOW, 1901, threshold="15h"), "token 1901 never has more than 15h"),
        (Setting(Rule.POOL, threshold="4"), "only 3 tokens are linked"),
        (Setting(Rule.POOL, threshold="1,43h"), "all tokens together have at most 45h of fast time"),
    ],
)
def test_what_the_fleet_can_never_be_above_is_refused(setting: Setting, words: str) -> None:
    check(setting)
    with pytest.raises(ValueError, match=words):
        check_against(setting, FLEET)


@pytest.mark.parametrize(
    "setting",
    [
        Setting(Rule.FAST_TIME_LOW, threshold="14h"),
        Setting(Rule.FAST_TIME_LOW, 4242, threshold="20h"),
        Setting(Rule.POOL, threshold="3,42h"),
        Setting(Rule.BANNED, enabled=False),
    ],
)
def test_what_some_token_can_be_above_is_accepted(setting: Setting) -> None:
    assert accepted(setting)
    assert accepted(replaced(setting), {})


def replaced(setting: Setting) -> Setting:
    """The same, but more than any fleet has."""
    text = {Rule.FAST_TIME_LOW: "900h", Rule.POOL: "99,900h"}.get(setting.rule)
    return Setting(setting.rule, setting.token, setting.enabled, threshold=text)


def test_what_is_not_known_of_the_fleet_refuses_nothing() -> None:
    unread = tokens([record(1900, fast=""), record(1901, fast="15.00/15.0 hours")])
    assert accepted(Setting(Rule.POOL, threshold="90h"), unread)
    assert accepted(Setting(Rule.FAST_TIME_LOW, 1900, threshold="90h"), unread)
    assert not accepted(Setting(Rule.FAST_TIME_LOW, threshold="90h"), unread)
