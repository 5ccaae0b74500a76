"""The month before the demo: the bot has something to look back on, and something to look ahead to."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bot.domain.digest import Told
from bot.domain.incidents import Rule, Stage
from bot.domain.info import threshold
from bot.domain.model import Status, Token
from bot.domain.notes import LATELY
from bot.domain.rules.policy import Policy
from bot.domain.watch.known import Changes, restore
from bot.imaginepro.client import connected
from bot.sandbox import past, scenarios
from bot.sandbox.imaginepro import Upstream, serving
from tests.storage.servers import open_unsynced

NOW = datetime(2026, 11, 30, 20, 1, 17, tzinfo=UTC)
POLICY = Policy((threshold("20%"), threshold("5%")))
ON_CALL = 7
GAP = timedelta(hours=2, minutes=15)
"""From which on a chart shows that nobody watched."""


async def listed(now: datetime) -> Mapping[int, Token]:
    """The demo's fleet, as the bot reads it."""
    upstream, second = Upstream(scenarios.demo_fleet(now)), timedelta(seconds=1)
    async with (
        serving(upstream) as url,
        connected(url=url, api_key=upstream.api_key, rate=(9, second), budget=60 * second) as api,
    ):
        return await api.fleet()


def lived(fleet: Mapping[int, Token], now: datetime) -> Changes:
    """The month that ends then."""
    return past.month(fleet, now, POLICY, ON_CALL)


@pytest.mark.parametrize("hours", range(0, 24 * 7, 29))
async def test_whenever_it_is_started_one_token_will_not_last_and_the_others_will(hours: int) -> None:
    """On each day of the week, and at all hours."""
    now = NOW + timedelta(hours=hours)
    changes = lived(await listed(now), now)

    open_ = {(each.key.rule, each.key.token) for each in changes.incidents if each.stage is Stage.FIRING}
    assert open_ == {(Rule.DOES_NOT_LAST, 1903), (Rule.INACTIVE, 1907)}
    assert {(key.rule, key.token) for key in changes.notify} == {(Rule.DOES_NOT_LAST, 1903)}
    assert changes.digested == Told(now.date() - timedelta(days=1))


async def test_it_ends_with_what_the_upstream_lists_so_that_nothing_seems_to_happen_as_the_demo_opens(
    tmp_path: Path,
) -> None:
    """Stored and read again, each token reads as it is now."""
    fleet = await listed(NOW)
    url = f"sqlite:///{tmp_path}/bot.db"
    await past.remember(url, fleet, NOW, POLICY, ON_CALL)
    async with open_unsynced(url) as store:
        known = restore(await store.load())
        samples = (await store.history([1904], NOW - timedelta(days=31), NOW))[1904]

    assert known.remembered == fleet
    assert known.ledgers.keys() == fleet.keys()
    assert {each.status for each in samples} == {Status.FAST, Status.BANNED}
    assert all(later.at - sooner.at < GAP for sooner, later in pairwise(samples))
    left = [each.fast_time for each in samples if each.fast_time is not None]
    refills = sum(later > sooner + 60 for sooner, later in pairwise(left))
    assert refills == 1
    assert left[-1] == pytest.approx(54.48 * 60)


async def test_what_went_wrong_in_it_was_answered(tmp_path: Path) -> None:
    """So the first digest has something to tell."""
    fleet = await listed(NOW)
    ended = [each for each in lived(fleet, NOW).incidents if each.stage is Stage.RESOLVED]

    assert {each.key.rule for each in ended} == {Rule.BANNED, Rule.VERIFYING, Rule.UPSTREAM_DOWN}
    url = f"sqlite:///{tmp_path}/bot.db"
    await past.remember(url, fleet, NOW, POLICY, ON_CALL)
    async with open_unsynced(url) as store:
        tally = await store.ended(NOW - timedelta(days=1), NOW)
    assert (tally.count, tally.answered, tally.to_answer) == (2, 1, timedelta(minutes=4))


async def test_a_visitor_finds_notes_names_and_a_group_in_it(tmp_path: Path) -> None:
    """So that the first ban is not the first, and says what was noted of the last."""
    fleet = await listed(NOW)
    url = f"sqlite:///{tmp_path}/bot.db"
    await past.remember(url, fleet, NOW, POLICY, ON_CALL)
    async with open_unsynced(url) as store:
        known = restore(await store.load())

    ended = [each for each in lived(fleet, NOW).incidents if each.stage is Stage.RESOLVED and each.key.token == 1906]
    banned = [each for each in ended if each.key.rule is Rule.BANNED]
    assert len(banned) == 2
    assert all(each.notes[-1].by == ON_CALL and NOW - each.opened_at < LATELY for each in banned)
    assert {each.token: each.label for each in known.decisions.names.values()} == past.CALLED
    assert [each.among(fleet).keys() for each in known.decisions.groups.values()] == [{1900, 1901, 1902, 1903}]


async def test_it_is_the_same_each_time() -> None:
    """For pictures, and for whoever asks what a visitor saw."""
    fleet = await listed(NOW)
    assert lived(fleet, NOW) == await asyncio.to_thread(lived, fleet, NOW)
