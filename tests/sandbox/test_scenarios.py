"""The scripts do to a fleet what they are named after."""

import copy
import json
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bot.domain.rules.case import FLIPS, FLIPS_WITHIN
from bot.imaginepro.client import ImaginePro, UpstreamError, connected
from bot.sandbox.imaginepro import TokenRecord, Upstream, serving
from bot.sandbox.scenarios import DEMO, OPENING, SCENARIOS, Scenario, demo_fleet, play, play_demo, small_fleet
from tests.imaginepro.answers import tokens

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def client_of(url: str, upstream: Upstream) -> AbstractAsyncContextManager[ImaginePro]:
    """The real client, without patience."""
    return connected(
        url=url, api_key=upstream.api_key, rate=(1000, timedelta(seconds=1)), budget=timedelta(seconds=0.2)
    )


class Clock:
    """A clock that moves only when somebody sleeps; it ends the play at an hour of its choice."""

    def __init__(self, end: float = float("inf")) -> None:
        self.seconds = 0.0
        self.end = end

    async def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.seconds += seconds
        if self.seconds > self.end:
            raise StopAsyncIteration


def fleet_for(scenario: Scenario) -> tuple[TokenRecord, ...]:
    """The accounts it was written for."""
    return demo_fleet(NOW) if scenario in {OPENING, DEMO} else small_fleet(NOW)


async def played(scenario: Scenario, until: float) -> Upstream:
    """An upstream after so many seconds of a scenario."""
    upstream = Upstream(fleet_for(scenario))
    with suppress(StopAsyncIteration):
        await play(scenario, upstream, sleep=Clock(until).sleep)
    return upstream


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_a_timeline_runs_forward(scenario: Scenario) -> None:
    for steps in (scenario.steps, scenario.cycle):
        assert all(earlier.after <= later.after for earlier, later in pairwise(steps))
    assert not scenario.cycle or scenario.period > scenario.cycle[-1].after


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
async def test_whatever_a_scenario_does_the_bot_reads_it_or_has_an_error_of_its_own(scenario: Scenario) -> None:
    """Each step is followed by a look through the real client."""
    upstream = Upstream(fleet_for(scenario))
    async with serving(upstream) as url, client_of(url, upstream) as client:
        for step in (*scenario.steps, *scenario.cycle):
            step.change(upstream)
            try:
                tokens = await client.fleet()
            except UpstreamError:
                continue
            assert list(tokens) == list(upstream.fleet)


async def statuses(scenario: Scenario, identity: int, *seconds: float) -> list[str]:
    """The statuses of an account at these times."""
    return [str((await played(scenario, at)).fleet[identity]["status"]) for at in seconds]


async def percent(scenario: Scenario, identity: int, seconds: float) -> float:
    """How much of its fast time an account has at that time."""
    text = (await played(scenario, seconds)).fleet[identity]["info"]["fastTimeRemaining"]
    return float(text.partition("(")[2].rstrip("%)"))


async def answers(upstream: Upstream) -> bool:
    """Whether it gives out its fleet."""
    async with serving(upstream) as url, client_of(url, upstream) as client:
        try:
            return bool(await client.fleet())
        except UpstreamError:
            return False


async def test_the_beginning_of_the_demo_shows_each_kind_of_trouble_and_its_end() -> None:
    assert await statuses(OPENING, 1903, 3, 5, 19) == ["FAST", "VERIFYING", "FAST"]
    assert await statuses(OPENING, 1906, 21, 23) == ["FAST", "BANNED"]
    before, low = [await percent(OPENING, 1901, at) for at in (0, 17)]
    assert low < 20 < before
    for each in (1902, 1904, 1908):
        assert await statuses(DEMO, each, 4, 6, 21) == ["FAST", "VERIFYING", "FAST"]
    assert [await answers(await played(DEMO, at)) for at in (24, 26, 35)] == [True, False, True]


async def test_the_demo_goes_on_for_ever_since_each_round_leaves_the_fleet_as_it_was() -> None:
    beginning = DEMO.steps[-1].after.total_seconds()
    round_ = DEMO.period.total_seconds()
    assert round_ > 600
    fleets = [(await played(DEMO, beginning + rounds * round_ + 1)).fleet for rounds in (0, 1, 5)]
    assert fleets[0] == fleets[1] == fleets[2]


@pytest.mark.parametrize("taken", [True, False])
async def test_in_the_demo_one_account_alone_changes_its_status_often_enough_to_be_flapping(*, taken: bool) -> None:
    """Of any other the bot would say nothing but that for the rest of the day."""
    upstream, clock = Upstream(demo_fleet(NOW)), Clock(3 * DEMO.period.total_seconds())
    changes: dict[int, list[tuple[float, object]]] = {}

    async def note(seconds: float) -> None:
        for identity, record in upstream.fleet.items():
            seen = changes.setdefault(identity, [])
            if not seen or seen[-1][1] != record["status"]:
                seen.append((clock.seconds, record["status"]))
        await clock.sleep(seconds)

    with suppress(StopAsyncIteration):
        await play_demo(upstream, taken=lambda: taken, sleep=note)
    within = FLIPS_WITHIN.total_seconds()
    flapping = {
        identity
        for identity, seen in changes.items()
        for first, last in zip(seen[1:], seen[FLIPS:], strict=False)
        if identity in upstream.fleet and last[0] - first[0] < within
    }
    assert flapping == {1908}


async def test_a_scenario_plays_as_fast_as_it_is_told_to() -> None:
    clock = Clock()
    await play(SCENARIOS["drain"], Upstream(small_fleet(NOW)), sleep=clock.sleep, speed=10)
    assert clock.seconds == pytest.approx(5.1)


def test_the_demo_fleet_shows_all_plans_and_some_oddities() -> None:
    read = tokens(json.dumps(demo_fleet(NOW)).encode()).values()
    assert {token.subscription.plan for token in read} >= {"Basic", "Standard", "Pro", "Mega"}
    assert {token.status for token in read} == {"FAST", "RELAX"}
    assert [token.id for token in read if token.active is False] == [1907]
    assert [token.id for token in read if not token.fast_time.known] == [1908]
    assert all(token.subscription.renews_at > NOW for token in read if token.subscription.renews_at)


def test_fleets_do_not_share_what_a_script_changes() -> None:
    first, second = demo_fleet(NOW), demo_fleet(NOW)
    kept = copy.deepcopy(second)
    for record in first:
        record["info"].clear()
    assert second == kept
