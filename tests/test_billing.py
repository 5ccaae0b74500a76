"""The account, read over HTTP beside the polls: alerts that outlive a restart, and no noise where it cannot be read."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.billing import Billing
from bot.delivery.handover import Handover
from bot.domain.model import Severity
from bot.domain.rules.account import CREDITS, PLAN
from bot.domain.rules.policy import Policy
from bot.monitor import Monitor
from bot.sandbox import imaginepro as sandbox
from bot.sandbox.imaginepro import Fault, Upstream
from bot.storage.store import open_store
from tests.imaginepro.test_client import client_and, upstream_of
from tests.leap import leaping, time_of_day  # noqa: F401 - time leaps in all tests of this module


@asynccontextmanager
async def watching(url: str, upstream: Upstream) -> AsyncIterator[tuple[Monitor, Billing]]:
    """A bot that has polled once."""
    upstream.clock = time_of_day
    async with open_store(url) as store, client_and(upstream) as api:
        monitor = Monitor(api, store, Policy(), time_of_day, Handover())
        await monitor.restore()
        await monitor.poll()
        upstream.calls.clear()
        yield monitor, Billing(api, monitor, time_of_day)


async def test_what_it_says_opens_an_alert_that_outlives_a_restart_and_ends_it(database_url: str) -> None:
    upstream = upstream_of(1900)
    upstream.account |= {"credits": 0, "creditsExtra": 0}
    async with watching(database_url, upstream) as (monitor, billing):
        await billing.look()
        assert monitor.known.incidents[CREDITS].severity is Severity.CRITICAL
        assert [each.endpoint for each in upstream.calls] == ["ACCOUNT"]
    async with watching(database_url, upstream) as (monitor, billing):
        found = monitor.known.incidents[CREDITS]
        assert (found.detail, found.notified_as) == ("0 of 1600, 0 extra, 10%", Severity.CRITICAL)
        assert billing.last is None
        upstream.account |= {"credits": 1600}
        await billing.look()
        assert CREDITS not in monitor.known.incidents
        assert billing.last is not None
        assert billing.last.account.credits == 1600


@pytest.mark.parametrize(
    "fault",
    [
        *(sandbox.WRONG[each] for each in ("401", "403", "404", "429", "500", "a web page", "reset", "hang")),
        Fault(body=b"{}"),
    ],
)
async def test_a_reading_that_fails_moves_nothing_and_is_told_to_the_log_once(
    sqlite_url: str, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    upstream = upstream_of(1900)
    upstream.account |= {"credits": 100, "creditsExtra": 0, "expiredAt": time_of_day().isoformat()}
    async with watching(sqlite_url, upstream) as (monitor, billing):
        await billing.look()
        before = monitor.known
        assert {CREDITS, PLAN} <= before.incidents.keys()
        upstream.fail(fault, at="ACCOUNT")
        with caplog.at_level(logging.INFO):
            for _ in range(3):
                await billing.look()
            assert monitor.known is before
            assert [each.levelname for each in caplog.records if each.name == "bot.billing"] == ["INFO"]
            upstream.heal()
            await billing.look()
            upstream.fail(fault, at="ACCOUNT")
            await billing.look()
        assert sum(each.name == "bot.billing" for each in caplog.records) == 2


async def test_an_answer_that_tells_little_moves_only_that(sqlite_url: str) -> None:
    upstream = upstream_of(1900)
    upstream.account |= {"credits": 100, "creditsExtra": 0, "expiredAt": time_of_day().isoformat()}
    async with watching(sqlite_url, upstream) as (monitor, billing):
        await billing.look()
        upstream.fail(Fault(body=b'{"type": "DIY", "credits": 1600, "creditsQuota": 1600}'), at="ACCOUNT")
        await billing.look()
        assert monitor.known.incidents.keys() & {CREDITS, PLAN} == {PLAN}


async def test_the_address_of_its_owner_is_in_no_row(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    upstream = upstream_of(1900)
    upstream.account |= {"credits": 0}
    with caplog.at_level(logging.DEBUG):
        async with watching(sqlite_url, upstream) as (_, billing):
            await billing.look()
            assert billing.last is not None
            assert billing.last.account.email == "F…@example.com"
    assert upstream.canary not in caplog.text
