"""Of any number of copies on one database, one leads; and it has stopped before another begins."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from bot import leader
from bot.domain.value import replace
from bot.domain.watch.known import Changes
from bot.leader import Lease, Pace, has_ended, leading, this_process
from bot.storage.store import Claim, FencedError, Store, StoreUnavailableError, open_store
from tests.storage.values import NOW
from tests.waiting import until

PACE = Pace(
    renewal=timedelta(milliseconds=50),
    trust=timedelta(milliseconds=300),
    silence=timedelta(milliseconds=1000),
    look=timedelta(milliseconds=20),
)
PATIENT = replace(PACE, trust=timedelta(seconds=40), silence=timedelta(seconds=60))
"""Whoever takes over with this, did not wait for silence."""


class Away:
    """A store whose database can be out of reach."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away = False
        self.broken = False
        """Whether it meets a bug when it is to renew."""
        self.hangs = 0
        """How many renewals are not answered."""
        self.loses = False
        """Whether the answer gets lost by which it learns that it leads."""
        self.takes = 0.0
        """Seconds until it looks who leads."""

    def _reach(self) -> None:
        if self.away:
            message = "the database cannot be reached"
            raise StoreUnavailableError(message)

    async def leads(self) -> Claim:
        self._reach()
        await asyncio.sleep(self.takes)
        return await self._store.leads()

    async def lead(self, seen: Claim, holder: str) -> int | None:
        self._reach()
        term = await self._store.lead(seen, holder)
        if self.loses:
            self.loses = False
            message = "the connection was lost"
            raise StoreUnavailableError(message)
        return term

    async def renew(self, term: int) -> bool:
        self._reach()
        if self.broken:
            message = "a bug"
            raise ZeroDivisionError(message)
        if self.hangs:
            self.hangs -= 1
            await asyncio.Event().wait()
        return await self._store.renew(term)

    async def release(self, term: int) -> None:
        self._reach()
        await self._store.release(term)


@pytest.fixture
async def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each copy runs on a machine of its own."""
    monkeypatch.setattr(leader, "this_process", lambda: os.urandom(8).hex())


@asynccontextmanager
async def standing_by(store: leader.Store, pace: Pace = PACE) -> AsyncIterator[asyncio.Task[Lease]]:
    """A copy that waits for the lease; once it leads, for as long as the block."""
    async with AsyncExitStack() as stack:
        task = asyncio.create_task(stack.enter_async_context(leading(store, pace)))
        try:
            yield task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.mark.usefixtures("elsewhere")
async def test_one_copy_leads_for_as_long_as_it_renews(database_url: str) -> None:
    async with (
        open_store(database_url) as one,
        open_store(database_url) as other,
        leading(one, PACE) as lease,
        standing_by(other, replace(PACE, silence=timedelta(seconds=2))) as waiting,
    ):
        await asyncio.sleep(2.5)
        assert not waiting.done()
        assert not lease.lost.is_set()


async def test_the_next_copy_leads_as_soon_as_the_first_gives_back(database_url: str) -> None:
    async with open_store(database_url) as one, open_store(database_url) as other:
        async with leading(one, PATIENT) as first:
            assert first.held
        async with asyncio.timeout(20), leading(other, PATIENT) as second:
            assert second.held
            assert second.term == first.term + 1


@pytest.mark.usefixtures("elsewhere")
async def test_of_many_that_wait_exactly_one_is_next(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(open_store(database_url)) for _ in range(4)]
        async with leading(stores[0], PATIENT):
            waiting = [await stack.enter_async_context(standing_by(store, PATIENT)) for store in stores[1:]]
            await asyncio.sleep(0.1)
        await asyncio.wait(waiting, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.3)
        assert sum(task.done() for task in waiting) == 1


@pytest.mark.usefixtures("elsewhere")
async def test_a_holder_that_cannot_renew_has_stopped_before_another_begins(store: Store, database_url: str) -> None:
    async with open_store(database_url) as own, leading(cut := Away(own), PACE) as old, standing_by(store) as waiting:
        cut.away = True
        new = await asyncio.wait_for(waiting, 20)
        assert not old.held
        assert not old.lost.is_set(), "nobody could have told it"
        assert await old.stands(), "people are answered while the database is away"

        with pytest.raises(FencedError):
            await own.in_term(old.term).save(Changes(NOW), NOW)
        cut.away = False
        assert not await old.stands()
        await asyncio.wait_for(old.lost.wait(), 5)
        assert not old.held
        assert new.held
        await store.save(Changes(NOW), NOW)


@pytest.mark.usefixtures("elsewhere")
async def test_a_holder_whose_database_comes_back_in_time_goes_on_in_its_term(store: Store) -> None:
    async with leading(cut := Away(store), PACE) as lease:
        cut.away = True
        await asyncio.sleep(2 * PACE.trust.total_seconds())
        assert not lease.held
        cut.away = False
        await until("the lease", lambda: lease.held)
        assert not lease.lost.is_set()
        await store.save(Changes(NOW), NOW)


@pytest.mark.usefixtures("elsewhere")
async def test_a_renewal_that_fails_by_a_bug_is_not_the_last(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    async with leading(cut := Away(store), PACE) as lease:
        cut.broken = True
        await until("the end of the lease", lambda: "lease failed" in caplog.text and not lease.held)
        cut.broken = False
        await until("the lease", lambda: lease.held)


async def test_two_renewals_without_an_answer_are_not_the_end(sqlite_url: str) -> None:
    pace = replace(PACE, trust=timedelta(seconds=3), silence=timedelta(seconds=9))
    async with open_store(sqlite_url) as store, leading(cut := Away(store), pace) as lease, asyncio.timeout(20):
        cut.hangs, held = 2, True
        began = time.monotonic()
        while time.monotonic() < began + 1.3 * pace.trust.total_seconds():
            held = held and lease.held
            await asyncio.sleep(0.01)
        assert cut.hangs == 0
        assert held


async def test_whoever_took_the_lease_and_did_not_hear_of_it_leads(store: Store) -> None:
    cut = Away(store)
    cut.loses = True
    async with asyncio.timeout(20), leading(cut, PATIENT) as lease:
        assert lease.term == 2


@pytest.mark.usefixtures("elsewhere")
async def test_whoever_stands_by_counts_anew_after_the_database_was_away(store: Store, database_url: str) -> None:
    await store.lead(await store.leads(), "somebody")
    async with open_store(database_url) as own, standing_by(cut := Away(own)) as waiting:
        await asyncio.sleep(0.05)
        cut.away = True
        await asyncio.sleep(1.5 * PACE.silence.total_seconds())
        cut.away, back_at = False, time.monotonic()
        await asyncio.wait_for(waiting, 20)
        assert time.monotonic() - back_at >= PACE.silence.total_seconds()


@pytest.mark.usefixtures("elsewhere")
async def test_an_answer_that_is_long_in_coming_is_no_silence(store: Store, database_url: str) -> None:
    await store.lead(await store.leads(), "somebody")
    async with open_store(database_url) as own, standing_by(cut := Away(own)) as waiting:
        cut.takes = 0.8 * PACE.silence.total_seconds()
        await asyncio.sleep(cut.takes)
        cut.takes, answered_at = 0.0, time.monotonic()
        await asyncio.wait_for(waiting, 20)
        assert time.monotonic() - answered_at >= 0.9 * PACE.silence.total_seconds()


async def test_a_database_restored_from_a_copy_ends_the_term_of_whoever_led(store: Store) -> None:
    async with leading(store, PACE) as lease:
        await store.release(lease.term)
        await asyncio.wait_for(lease.lost.wait(), 5)
        assert not lease.held
        assert not await lease.stands()


async def test_a_holder_that_is_known_to_have_ended_is_replaced_at_once(store: Store, database_url: str) -> None:
    code = "import os, sys; from bot.leader import this_process; print(this_process())"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    name = (await process.communicate())[0].decode().strip()
    assert await store.lead(await store.leads(), name) == 1
    async with open_store(database_url) as other, asyncio.timeout(20), leading(other, PATIENT) as lease:
        assert lease.term == 2


def test_a_process_is_known_to_have_ended_only_if_it_ran_here() -> None:
    me = this_process()
    here, process, began = me.rsplit(" ", 2)
    assert not has_ended(me)
    assert has_ended(f"{here} {process} {int(began) + 1}"), "its number was given to another"
    assert has_ended(f"{here} {2**31 - 1} {began}")
    for unknown in (f"elsewhere {process} 1", "0f" * 16, "", f"{here} self 1", f"{here} ../1 1"):
        assert not has_ended(unknown)


def test_a_process_that_the_system_hides_has_not_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    me = this_process()
    for shown in ("sys", "self"):
        (tmp_path / shown).symlink_to(f"/proc/{shown}")
    monkeypatch.setattr(leader, "_PROC", tmp_path)
    assert not has_ended(me)
    here, pid, began = me.rsplit(" ", 2)
    assert has_ended(f"{here} {pid}{'0' * 9} {began}")


def test_a_process_that_nobody_has_buried_yet_has_ended() -> None:
    code = "import time; from bot.leader import this_process; print(this_process(), flush=True); time.sleep(60)"
    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert not has_ended(name)
        process.kill()
        deadline = time.monotonic() + 5
        while not has_ended(name) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert has_ended(name)
        assert process.returncode is None


async def test_where_the_system_does_not_tell_processes_apart_each_start_has_a_name_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    me = this_process()
    monkeypatch.setattr(leader, "_PROC", tmp_path)
    assert this_process() != this_process()
    assert not has_ended(me)
