"""`/rules try`: what a changed rule would have told lately, beside what it tells as it is set."""

from datetime import timedelta

import pytest

from bot.chat.commands.trial import attempt, spread
from bot.chat.desk import UnclearError
from bot.domain.incidents import Rule
from bot.domain.rules.policy import Policy
from bot.domain.sample import Sample, sample_of
from bot.domain.steering import Setting
from bot.domain.value import replace
from tests.chat.builders import NOON, fleet, token
from tests.chat.conftest import FakeDesk, World
from tests.chat.test_commands import said
from tests.chat.test_steering import refusal, use

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def kept(number: int = 1900, days: int = 14) -> list[Sample]:
    """What is kept of a token that falls to 18 % and to 4 %, and comes back each time."""
    read = {
        NOON - days * DAY - HOUR: 90,
        NOON - 3 * DAY: 18,
        NOON - 3 * DAY + 2 * HOUR: 80,
        NOON - 2 * DAY: 4,
        NOON - 2 * DAY + 4 * HOUR: 80,
    }
    return [
        sample_of(token(number, fast_time_remaining=f"{share * 0.15:.2f}/15.0 hours ({share}.00%)"), at)
        for at, share in read.items()
    ]


@pytest.fixture
def tried(world: World) -> World:
    """A world with a history."""
    world.desk.fleet = fleet(token())
    world.desk.samples = {1900: kept()}
    return world


async def test_it_says_what_would_have_been_told_beside_what_is_told_and_sets_nothing(tried: World) -> None:
    before = tried.desk.known
    text = said(await use(tried, "rules try", rule="fast_time_low", threshold="10%"))
    assert text.strip().splitlines() == [
        "Last 14 days: **1 incident, median 4 h, 0 pages** (now: 2 incidents, median 3 h, 0 pages)",
        "-# Tried, and not set: **fast time low**: warning · under 10 %",
    ]
    assert tried.desk.known is before


async def test_it_is_tried_over_what_was_set_before(tried: World) -> None:
    await use(tried, "rules set", rule="fast_time_low", severity="critical")
    text = said(await use(tried, "rules try", rule="fast_time_low", token=1900, threshold="10%"))
    assert "**1 incident, median 4 h, 1 page** (now: 2 incidents, median 3 h, 2 pages)" in text
    assert "-# Tried, and not set: **fast time low** of token 1900: critical · under 10 %" in text


async def test_a_rule_that_is_switched_off_would_have_told_nothing(tried: World) -> None:
    text = said(await use(tried, "rules try", rule="banned", enabled=False))
    assert "Last 14 days: **0 incidents** (now: 0 incidents)" in text


async def test_the_fleet_as_a_whole_can_be_tried(tried: World) -> None:
    text = said(await use(tried, "rules try", rule="pool", threshold="1,2h"))
    assert "**1 incident, median 4 h 5 min, 1 page** (now: 0 incidents)" in text


async def test_what_is_not_kept_over_time_cannot_be_tried(tried: World) -> None:
    text = await refusal(tried, "rules try", rule="queue_stuck", threshold="1h")
    assert text.startswith("What *queue stuck* would have found cannot be told afterwards")
    assert "does not last" in text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"rule": "fast_time_low", "threshold": "lots"}, "“lots” cannot be set: write a percentage"),
        ({"rule": "banned"}, "Say what to set"),
        ({"rule": "banned", "token": 7, "readings": 2}, "There is no token 7"),
    ],
)
async def test_what_cannot_be_set_cannot_be_tried(tried: World, options: dict[str, object], sentence: str) -> None:
    assert sentence in await refusal(tried, "rules try", **options)


async def test_a_short_history_says_how_short_it_is(tried: World) -> None:
    tried.desk.samples = {1900: kept(days=4)}
    text = said(await use(tried, "rules try", rule="fast_time_low", threshold="10%"))
    assert text.strip().splitlines()[:2] == [
        "Last 4 days: **1 incident, median 4 h, 0 pages** (now: 2 incidents, median 3 h, 0 pages)",
        "-# The history is only 4 days long so far.",
    ]


async def test_without_a_history_it_says_so(tried: World) -> None:
    tried.desk.samples = {}
    assert await refusal(tried, "rules try", rule="banned", readings=2) == "Nothing is kept of that yet."


def of_many(desk: FakeDesk, count: int) -> Policy:
    """A fleet of which so much is kept; returns a rule that is tried over it."""
    desk.fleet = fleet(*(token(number) for number in range(count)))
    desk.samples = {number: kept(number) for number in range(count)}
    return replace(desk.policy, settings={(Rule.FAST_TIME_LOW, None): Setting(Rule.FAST_TIME_LOW, threshold="10%")})


async def test_of_a_fleet_it_tells_the_sum(world: World) -> None:
    policy = of_many(world.desk, 7)
    first, *more = await attempt(world.desk, Setting(Rule.FAST_TIME_LOW), policy)
    assert first == "Last 14 days: **7 incidents, median 4 h, 0 pages** (now: 14 incidents, median 3 h, 0 pages)"
    assert not more


async def test_of_a_large_fleet_it_tells_by_how_many_tokens(world: World) -> None:
    policy = of_many(world.desk, 7)
    _, *more = await attempt(world.desk, Setting(Rule.FAST_TIME_LOW), policy, most=60)
    assert more == ["-# By 2 of 7 tokens: no more fit into one try. Try it for one token."]


async def test_what_is_too_much_is_refused(world: World) -> None:
    policy = of_many(world.desk, 2)
    with pytest.raises(UnclearError, match="too much for one try"):
        await attempt(world.desk, Setting(Rule.FAST_TIME_LOW), policy, most=5)


async def test_which_tokens_are_left_out_is_not_by_their_numbers() -> None:
    assert sorted(spread(range(1000))) == list(range(1000))
    assert max(spread(range(1000))[:20]) > 900
