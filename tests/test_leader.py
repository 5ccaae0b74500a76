"""Of any number of copies on one database, one leads; and it has stopped before another begins."""

import asyncio
import logging
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from bot import leader
from bot.domain.value import replace
from bot.domain.watch.known import Changes
from bot.leader import PACE, Lease, Pace, has_ended, leading, this_process
from bot.storage.store import Claim, FencedError, Refusals, Store, StoreUnavailableError, open_store
from tests.leap import leaping  # noqa: F401 - time leaps in all tests of this module
from tests.storage.values import NOW

T = TypeVar("T")

PATIENT = replace(PACE, trust=timedelta(minutes=4), expiry=timedelta(minutes=5))
"""Whoever takes over with this, did not wait for silence."""
LONG = 3 * PACE.expiry
"""Nothing takes so long that is not to last for ever."""
AN_INSTANT = 0.001
"""Seconds, of which computing takes none."""


class Away:
    """A store whose database can be out of reach."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away = False
        self.read_only = False
        """Whether it takes no writes."""
        self.broken = False
        """Whether it meets a bug when it is to renew."""
        self.hangs = 0
        """How many renewals are not answered."""
        self.loses = False
        """Whether the answer gets lost by which it learns that it leads."""
        self.takes = timedelta()
        """How long it is until it looks who leads."""

    @property
    def refusals(self) -> Refusals:
        """The store's own."""
        return self._store.refusals

    def _reach(self) -> None:
        if self.away:
            message = "the database cannot be reached"
            raise StoreUnavailableError(message)

    def _write(self) -> None:
        self._reach()
        if self.read_only:
            error = StoreUnavailableError("the server takes no writes", unwritable=True)
            self.refusals.note(error)
            raise error

    async def leads(self) -> Claim:
        self._reach()
        await asyncio.sleep(self.takes.total_seconds())
        return await self._store.leads()

    async def lead(self, seen: Claim, holder: str) -> int | None:
        self._write()
        term = await self._store.lead(seen, holder)
        if self.loses:
            self.loses = False
            message = "the connection was lost"
            raise StoreUnavailableError(message)
        return term

    async def renew(self, term: int) -> bool:
        self._write()
        if self.broken:
            message = "a bug"
            raise ZeroDivisionError(message)
        if self.hangs:
            self.hangs -= 1
            await asyncio.Event().wait()
        return await self._store.renew(term)

    async def release(self, term: int) -> None:
        self._write()
        await self._store.release(term)


def now() -> float:
    """Seconds, by the loop's clock."""
    return asyncio.get_running_loop().time()


async def wait(time: timedelta) -> None:
    """Let it go by."""
    await asyncio.sleep(time.total_seconds())


async def in_time(coming: Awaitable[T]) -> tuple[T, float]:
    """What comes, and after how many seconds."""
    began = now()
    return await asyncio.wait_for(coming, LONG.total_seconds()), now() - began


@pytest.fixture(autouse=True)
def by_the_loops_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases are measured with the clock that leaps."""
    monkeypatch.setattr(leader, "_now", now)


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
        leading(one) as lease,
        standing_by(other) as waiting,
    ):
        await wait(LONG)
        assert not waiting.done()
        assert lease.held


async def test_the_next_copy_leads_as_soon_as_the_first_gives_back(database_url: str) -> None:
    async with open_store(database_url) as one, open_store(database_url) as other:
        async with leading(one, PATIENT) as first:
            assert first.held
        began = now()
        async with leading(other, PATIENT) as second:
            assert now() - began < AN_INSTANT
            assert second.held
            assert second.term == first.term + 1


@pytest.mark.usefixtures("elsewhere")
async def test_of_many_that_wait_exactly_one_is_next(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(open_store(database_url)) for _ in range(4)]
        async with leading(stores[0], PATIENT):
            waiting = [await stack.enter_async_context(standing_by(store, PATIENT)) for store in stores[1:]]
            await wait(3 * PATIENT.check)
            assert not any(task.done() for task in waiting)
        for looks in (1.1, 5):
            await wait(looks * PATIENT.check)
            assert sum(task.done() for task in waiting) == 1


@pytest.mark.usefixtures("elsewhere")
async def test_a_holder_that_cannot_renew_has_stopped_before_another_begins(store: Store, database_url: str) -> None:
    async with open_store(database_url) as own, leading(cut := Away(own)) as old, standing_by(store) as waiting:
        cut.away = True
        new, seconds = await in_time(waiting)
        assert PACE.expiry.total_seconds() - PACE.renewal.total_seconds() <= seconds
        assert seconds <= (PACE.expiry + 2 * PACE.check).total_seconds()
        assert not old.held
        assert not old.lost.is_set(), "nobody could have told it"
        assert await old.stands(), "people are answered while the database is away"

        with pytest.raises(FencedError):
            await own.in_term(old.term).save(Changes(NOW), NOW)
        cut.away = False
        assert not await old.stands()
        assert old.lost.is_set()
        assert not old.held
        assert new.held
        await store.save(Changes(NOW), NOW)


@pytest.mark.usefixtures("elsewhere")
async def test_a_holder_whose_database_comes_back_in_time_goes_on_in_its_term(store: Store) -> None:
    async with leading(cut := Away(store)) as lease:
        cut.away = True
        await wait(PACE.trust - timedelta(seconds=0.1))
        assert lease.held
        await wait(PACE.trust)
        assert not lease.held
        cut.away = False
        await wait(1.1 * PACE.renewal)
        assert lease.held
        await store.save(Changes(NOW), NOW)


@pytest.mark.usefixtures("elsewhere")
async def test_a_holder_of_a_database_that_takes_no_writes_keeps_the_lease_and_does_not_hold_it(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with leading(cut := Away(store)) as lease:
        cut.read_only = True
        for _ in range(3):
            await wait(PACE.trust)
            assert lease.kept
            assert await lease.is_ours()
            assert await lease.stands()
        assert not lease.held, "another copy might have written meanwhile"
        assert caplog.text.count("lease") == 0, "whoever writes says so"
        cut.read_only = False
        await wait(1.1 * PACE.renewal)
        assert lease.held
        await store.save(Changes(NOW), NOW)


@pytest.mark.usefixtures("elsewhere")
async def test_a_lease_that_can_be_neither_renewed_nor_read_is_not_kept(store: Store) -> None:
    async with leading(cut := Away(store)) as lease:
        cut.read_only = True
        await wait(2 * PACE.trust)
        cut.away = True
        assert not await lease.is_ours()
        await wait(PACE.trust)
        assert not lease.kept
        cut.away = False
        await wait(1.1 * PACE.renewal)
        assert lease.kept
        assert not lease.held


@pytest.mark.usefixtures("elsewhere")
async def test_a_holder_that_alone_cannot_write_is_replaced_and_sees_it(store: Store, database_url: str) -> None:
    async with open_store(database_url) as own, leading(cut := Away(own)) as old, standing_by(store) as waiting:
        cut.read_only = True
        new, seconds = await in_time(waiting)
        assert seconds <= (PACE.expiry + 2 * PACE.check).total_seconds()
        assert not old.held
        await wait(1.1 * PACE.renewal)
        assert old.lost.is_set()
        assert not old.kept
        assert not await old.is_ours()
        assert new.held


@pytest.mark.usefixtures("elsewhere")
async def test_a_copy_that_could_lead_ends_when_the_database_takes_no_writes_for_long(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    cut = Away(store)
    cut.read_only = True
    began = now()
    with pytest.raises(StoreUnavailableError, match="takes no writes"):
        async with leading(cut):
            pass
    assert 0 <= now() - began - PACE.refused.total_seconds() <= PACE.check.total_seconds()
    assert caplog.text.count("nobody leads, and the database takes no writes") == 1


@pytest.mark.usefixtures("elsewhere")
async def test_a_copy_that_could_lead_lives_through_failovers(store: Store) -> None:
    async with standing_by(cut := Away(store)) as waiting:
        for _ in range(3):
            cut.read_only = True
            await wait(0.9 * PACE.refused)
            assert store.refusals.last is not None, "its health is red"
            cut.away, cut.read_only = True, False
            await wait(PACE.check)
            cut.away = False
            cut.read_only = True
        await wait(0.9 * PACE.refused)
        assert not waiting.done()
        cut.read_only = False
        lease, _ = await in_time(waiting)
        assert lease.held
        assert store.refusals.last is None


@pytest.mark.usefixtures("elsewhere")
async def test_a_copy_that_stands_by_for_one_that_leads_needs_no_writes(
    store: Store, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot")
    async with open_store(database_url) as own, leading(store), standing_by(cut := Away(own)) as waiting:
        cut.read_only = True
        await wait(2 * PACE.refused)
        assert not waiting.done()
    assert caplog.text.count("standing by") == 1


async def test_that_the_database_is_away_is_said_once_to_who_stands_by(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with standing_by(cut := Away(store)) as waiting:
        await wait(PACE.check)
        assert waiting.done()
    cut.away = True
    async with standing_by(cut) as waiting:
        await wait(2 * PACE.refused)
        assert not waiting.done()
    assert caplog.text.count("standing by, and the database does not answer") == 1


@pytest.mark.usefixtures("elsewhere")
async def test_a_renewal_that_fails_by_a_bug_is_not_the_last(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    async with leading(cut := Away(store)) as lease:
        cut.broken = True
        await wait(PACE.trust)
        assert "lease failed" in caplog.text
        assert not lease.held
        cut.broken = False
        await wait(1.1 * PACE.renewal)
        assert lease.held


async def test_two_renewals_without_an_answer_are_not_the_end(sqlite_url: str) -> None:
    async with open_store(sqlite_url) as store, leading(cut := Away(store)) as lease:
        cut.hangs = 2
        until = now() + 1.3 * PACE.trust.total_seconds()
        while now() < until:
            assert lease.held
            await asyncio.sleep(0.01)
        assert cut.hangs == 0


async def test_whoever_took_the_lease_and_did_not_hear_of_it_leads(store: Store) -> None:
    cut = Away(store)
    cut.loses = True
    began = now()
    async with leading(cut, PATIENT) as lease:
        assert now() - began <= PATIENT.check.total_seconds() + AN_INSTANT
        assert lease.term == 2


@pytest.mark.usefixtures("elsewhere")
async def test_whoever_stands_by_counts_anew_after_the_database_was_away(store: Store, database_url: str) -> None:
    await store.lead(await store.leads(), "somebody")
    async with open_store(database_url) as own, standing_by(cut := Away(own)) as waiting:
        await wait(timedelta(seconds=1))
        cut.away = True
        await wait(1.5 * PACE.expiry)
        cut.away = False
        _, seconds = await in_time(waiting)
        assert 0 <= seconds - PACE.expiry.total_seconds() <= 2 * PACE.check.total_seconds()


@pytest.mark.usefixtures("elsewhere")
async def test_an_answer_that_is_long_in_coming_is_no_silence(store: Store, database_url: str) -> None:
    await store.lead(await store.leads(), "somebody")
    async with open_store(database_url) as own, standing_by(cut := Away(own)) as waiting:
        cut.takes = 0.8 * PACE.expiry
        await wait(cut.takes)
        cut.takes = timedelta()
        _, seconds = await in_time(waiting)
        assert 0 <= seconds - PACE.expiry.total_seconds() <= 2 * PACE.check.total_seconds()


async def test_a_database_restored_from_a_copy_ends_the_term_of_whoever_led(store: Store) -> None:
    async with leading(store) as lease:
        await store.release(lease.term)
        await wait(1.1 * PACE.renewal)
        assert lease.lost.is_set()
        assert not lease.held
        assert not await lease.stands()


async def test_a_holder_that_is_known_to_have_ended_is_replaced_at_once(store: Store, database_url: str) -> None:
    code = "import os, sys; from bot.leader import this_process; print(this_process())"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    name = (await process.communicate())[0].decode().strip()
    assert await store.lead(await store.leads(), name) == 1
    async with open_store(database_url) as other:
        began = now()
        async with leading(other, PATIENT) as lease:
            assert now() - began < AN_INSTANT
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
