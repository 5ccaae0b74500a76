"""Two copies, one voice: a lease in the database says which copy of the bot may poll, post and go online.

During a deploy hosts run the old and the new copy side by side. The first takes the lease; the other stands by until it
is given back, or until its holder has not renewed it for `Pace.expiry`. Each holder has a term, one more than the one
before. Every write transaction of a holder first compares its term with the database's, so whatever an old holder still
has in hand when it wakes up is refused (this is known as a fencing token).

No wall clock is compared. A holder counts up a number in the database every `Pace.renewal`; who stands by watches it,
and measures by a clock of its own how long it stood still. A holder trusts its lease for `Pace.trust` from the moment
at which the last renewal that was answered began, which is shorter: it has stopped before another may begin, whatever
held it up, be it a pause, a jump of the clock or a database out of reach.

A database that can be read and not be written takes no renewal, neither from the holder nor from anybody who would
replace it. Then the holder reads instead who leads, as often as it would renew: what it read was true a moment ago, and
another copy that can write is seen by that. So it goes on watching and answering, and may say that it cannot save; but
about incidents it says nothing, since of that nothing would be stored.

    free ─ take ─> held ─ no renewal for `trust` ─> doubtful ─ renewed ─> held
                    │  └─ refused, and read as its own ─> kept ─ renewed ─> held
                    │                                      ├─ not read for `trust` ─> doubtful
                    │                                      └─ another has taken it ─> lost, as from doubtful
                    └─ given back ─> free
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Final, Protocol

from bot.domain.value import Value
from bot.storage.store import Claim, Refusals, StoreError, StoreMovedError
from bot.telemetry import event

logger = logging.getLogger(__name__)

_now: Final = partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
"""Seconds that also pass while the machine is suspended, where the system can tell."""

ASKING: Final = timedelta(seconds=1)
"""How long a person may wait for the database to say whether this copy still leads; Discord gives 3 s for an answer."""

RELEASE: Final = timedelta(seconds=1)
"""How long giving the lease back may take. Hosts kill 3 s after they ask; whoever stands by then waits for expiry."""


class Pace(Value):
    """How long things of the lease take. `trust` is longer than two renewals, and shorter than `expiry`."""

    renewal: timedelta = timedelta(seconds=2)
    """How often the holder renews it."""
    trust: timedelta = timedelta(seconds=7)
    """How long the holder acts after a renewal began that was answered."""
    expiry: timedelta = timedelta(seconds=10)
    """After how long without a renewal another copy may take it. With a check and a login, less than 15 s in all."""
    check: timedelta = timedelta(milliseconds=500)
    """How often a copy that stands by reads it."""
    refused: timedelta = timedelta(minutes=1)
    """How long a copy that could lead bears a database that takes no writes: failovers are shorter."""


PACE = Pace()


class Store(Protocol):
    """The lease in the database. Each call is one transaction, and raises `StoreError`."""

    @property
    def refusals(self) -> Refusals:
        """Whether it was refused to lead, or to renew."""

    async def leads(self) -> Claim:
        """Who leads."""

    async def lead(self, seen: Claim, holder: str) -> int | None:
        """Take the lease if it is as seen; returns the new term."""

    async def renew(self, term: int) -> bool:
        """Show that the holder lives; whether it still is the holder."""

    async def release(self, term: int) -> None:
        """Give the lease back."""


class Lease:
    """The right to act, for as long as it lasts."""

    def __init__(self, store: Store, term: int, taken_at: float, pace: Pace) -> None:
        """`taken_at` is when taking it began, by the clock of this module."""
        self._store = store
        self._pace = pace
        self._confirmed_at = taken_at
        self._read_at = taken_at
        """When a read began that showed it as this copy's, though it could not be renewed."""
        self.term = term
        self.lost = asyncio.Event()
        """Set once it is known that another copy has taken it."""

    @property
    def held(self) -> bool:
        """Whether no other copy may have begun by now. May become true again after it was false."""
        return self._since(self._confirmed_at)

    @property
    def kept(self) -> bool:
        """Whether it is held, or cannot be renewed just because nothing can be written, and was read as this copy's."""
        return self._since(max(self._confirmed_at, self._read_at))

    def _since(self, shown_at: float) -> bool:
        return not self.lost.is_set() and _now() - shown_at < self._pace.trust.total_seconds()

    async def is_ours(self) -> bool:
        """Whether the database says so now."""
        with contextlib.suppress(StoreError, TimeoutError):
            async with asyncio.timeout(self._pace.trust.total_seconds() / 3):
                await self._renew()
                return not self.lost.is_set()
        return False

    async def stands(self) -> bool:
        """Whether this copy may answer a person: in doubt the database is asked, and if it cannot be, it may.

        Discord takes an answer once, whoever gives it, and none at all would be worse for somebody who asks because the
        database is down.
        """
        if self.kept:
            return True
        with contextlib.suppress(StoreError, TimeoutError):
            async with asyncio.timeout(ASKING.total_seconds()):
                await self._renew()
        return not self.lost.is_set()

    async def keep(self) -> None:
        """Renew it until it is lost."""
        doubted, pause = False, self._pace.renewal.total_seconds()
        while not self.lost.is_set():
            await asyncio.sleep(pause)
            asked_at = _now()
            try:
                # Two that hang, as over connections that a network forgot, leave time for a third.
                async with asyncio.timeout(self._pace.trust.total_seconds() / 3):
                    await self._renew()
            except (StoreError, TimeoutError) as error:
                if not self.kept and not doubted:
                    doubted = True
                    reason = str(error) or "the database did not answer in time"
                    event(logger, logging.ERROR, "lease cannot be renewed, standing still", error=reason)
            except Exception:  # an edge: whatever goes wrong once, it is to be tried again
                logger.exception("lease failed")
            else:
                if doubted and self.held:
                    event(logger, logging.INFO, "lease is renewed again", term=self.term)
                doubted = False
            pause = max(asked_at + self._pace.renewal.total_seconds() - _now(), 0.01)

    async def _renew(self) -> None:
        """Renew it, or where nothing can be written, read it."""
        asked_at = _now()
        try:
            ours = await self._store.renew(self.term)
            confirmed_at = asked_at
        except StoreError as error:
            if not error.unwritable:
                raise
            asked_at = _now()
            claim = await self._store.leads()
            ours, confirmed_at = claim.term == self.term and claim.holder is not None, self._confirmed_at
        if ours:
            self._confirmed_at = max(self._confirmed_at, confirmed_at)
            self._read_at = max(self._read_at, asked_at)
        elif not self.lost.is_set():
            event(logger, logging.WARNING, "another copy of the bot has taken over", term=self.term)
            self.lost.set()


@contextlib.asynccontextmanager
async def leading(store: Store, pace: Pace | None = None) -> AsyncIterator[Lease]:
    """Stand by until the lease is there, keep it while the context is open, and give it back.

    Whatever acts in its name must have ended when the context does.

    Raises:
        StoreError: This copy could lead, and the database has taken no writes for `Pace.refused`, or the bot has moved.
    """
    lease = await _Campaign(store, pace or PACE).won()
    event(logger, logging.INFO, "leading", term=lease.term)
    keeping = asyncio.create_task(lease.keep())
    try:
        yield lease
    finally:
        keeping.cancel()
        await asyncio.wait({keeping})
        if not lease.lost.is_set():
            await _give_back(store, lease.term)


async def somebody_leads(read: Callable[[], Awaitable[Claim]], pace: Pace | None = None) -> bool:
    """Whether a copy of the bot leads now. One that was killed gave nothing back, so it takes up to `Pace.expiry`.

    Args:
        read: Who leads, by the database; raises `StoreError`.
        pace: How long things take.
    """
    pace = pace or PACE
    seen, seen_at = await read(), _now()
    while seen.holder is not None and not has_ended(seen.holder):
        if _now() - seen_at >= pace.expiry.total_seconds():
            break
        await asyncio.sleep(pace.check.total_seconds())
        if await read() != seen:
            return True
    return False


class _Campaign:
    """A copy's wait for the lease."""

    def __init__(self, store: Store, pace: Pace) -> None:
        self._store = store
        self._pace = pace
        self._me = this_process()
        self._seen: Claim | None = None
        self._seen_at = 0.0
        self._refused_at: float | None = None
        """Since when it has been refused each time; None while it is not."""
        self._said = ""

    async def won(self) -> Lease:
        """Wait until the lease is free or has expired, or its holder is dead, and take it.

        Raises:
            StoreError: The database has taken no writes for too long, or the bot has moved to another one.
        """
        while True:
            asked_at = _now()
            try:
                lease = await self._look(asked_at)
            except StoreMovedError:
                raise
            except StoreError as error:
                self._bear(error, asked_at)
            else:
                self._forget_refusals()
                if lease is not None:
                    return lease
            await asyncio.sleep(self._pace.check.total_seconds())

    async def _look(self, asked_at: float) -> Lease | None:
        claim = await self._store.leads()
        if claim != self._seen:
            # It may have been renewed right before an answer that was long in coming.
            self._seen, self._seen_at = claim, _now()
        expired = asked_at - self._seen_at >= self._pace.expiry.total_seconds()
        # It is one's own when it was taken, and the database's answer got lost.
        if claim.holder in {None, self._me} or expired or has_ended(claim.holder):
            taking_at = _now()
            term = await self._store.lead(claim, self._me)
            if term is not None:
                return Lease(self._store, term, taking_at, self._pace)
        self._say(logging.INFO, "standing by: another copy of the bot leads", term=claim.term)
        return None

    def _bear(self, error: StoreError, asked_at: float) -> None:
        if not error.unwritable:
            self._say(logging.WARNING, "standing by, and the database does not answer", error=str(error))
            self._seen = None  # what the holder did meanwhile is not known
            self._forget_refusals()
            return
        self._refused_at = asked_at if self._refused_at is None else self._refused_at
        if asked_at - self._refused_at >= self._pace.refused.total_seconds():
            raise error
        self._say(logging.ERROR, "nobody leads, and the database takes no writes", error=str(error))

    def _forget_refusals(self) -> None:
        self._refused_at = None
        self._store.refusals.over()

    def _say(self, level: int, words: str, **values: object) -> None:
        if words != self._said:  # it stays true twice a second
            self._said = words
            event(logger, level, words, **values)


async def _give_back(store: Store, term: int) -> None:
    try:
        async with asyncio.timeout(RELEASE.total_seconds()):
            await store.release(term)
    except (StoreError, TimeoutError) as error:
        event(logger, logging.WARNING, "lease is not given back; another copy waits for it", error=str(error))


_PROC: Final = Path("/proc")


def this_process() -> str:
    """Name this process so that another one of this machine can tell whether it has ended.

    On Linux: the machine since its start, the container, the process and its start. Elsewhere a name like no other.
    """
    try:
        return f"{_here()} {os.getpid()} {_life(os.getpid())[1]}"
    except OSError:
        return token_hex(16)


def has_ended(holder: str) -> bool:
    """Whether a process of that name is known to have ended. It is not known of processes elsewhere."""
    here, _, process = holder.rpartition(" ")[0].rpartition(" ")
    try:
        if here != _here() or not process.isdecimal():
            return False
    except OSError:
        return False
    try:
        state, began = _life(int(process))
    except OSError:
        return not _is_there(int(process))  # the system may show the processes of other users to nobody else
    return state in "ZX" or began != holder.rpartition(" ")[2]


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)  # sends nothing
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _here() -> str:
    boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"


def _life(process: int) -> tuple[str, str]:
    """A process's state, and when it began in ticks since the machine did: fields 3 and 22 of proc_pid_stat(5)."""
    # The name of the program stands before them in parentheses, and may hold blanks and parentheses itself.
    fields = (_PROC / str(process) / "stat").read_text().rpartition(")")[2].split()
    return fields[0], fields[19]
