"""Two copies, one voice: a lease in the database says which copy of the bot may poll, post and go online.

During a deploy hosts run the old and the new copy side by side. The first takes the lease; the other stands by until it
is given back, or until its holder has not renewed it for `Pace.expiry`. Each holder has a term, one more than the one
before. Every write transaction of a holder first compares its term with the database's, so whatever an old holder still
has in hand when it wakes up is refused (this is known as a fencing token).

No wall clock is compared. A holder counts up a number in the database every `Pace.renewal`; who stands by watches it,
and measures by a clock of its own how long it stood still. A holder trusts its lease for `Pace.trust` from the moment
at which the last renewal that was answered began, which is shorter: it has stopped before another may begin, whatever
held it up, be it a pause, a jump of the clock or a database out of reach.

    free ─ take ─> held ─ no renewal for `trust` ─> doubtful ─ renewed ─> held
                    │                                  └─ another has taken it ─> lost
                    └─ given back ─> free
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Final, Protocol

from bot.domain.value import Value
from bot.storage.store import Claim, StoreError
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


PACE = Pace()


class Store(Protocol):
    """The lease in the database. Each call is one transaction, and raises `StoreError`."""

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
        self.term = term
        self.lost = asyncio.Event()
        """Set once it is known that another copy has taken it."""

    @property
    def held(self) -> bool:
        """Whether no other copy may have begun by now. May become true again after it was false."""
        return not self.lost.is_set() and _now() - self._confirmed_at < self._pace.trust.total_seconds()

    async def stands(self) -> bool:
        """Whether this copy may answer a person: in doubt the database is asked, and if it cannot be, it may.

        Discord takes an answer once, whoever gives it, and none at all would be worse for somebody who asks because the
        database is down.
        """
        if self.held:
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
                if not self.held and not doubted:
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
        asked_at = _now()
        if await self._store.renew(self.term):
            self._confirmed_at = max(self._confirmed_at, asked_at)
        elif not self.lost.is_set():
            event(logger, logging.WARNING, "another copy of the bot has taken over", term=self.term)
            self.lost.set()


@contextlib.asynccontextmanager
async def leading(store: Store, pace: Pace | None = None) -> AsyncIterator[Lease]:
    """Stand by until the lease is there, keep it while the context is open, and give it back.

    Whatever acts in its name must have ended when the context does.
    """
    lease = await _campaign(store, pace or PACE)
    event(logger, logging.INFO, "leading", term=lease.term)
    keeping = asyncio.create_task(lease.keep())
    try:
        yield lease
    finally:
        keeping.cancel()
        await asyncio.wait({keeping})
        if not lease.lost.is_set():
            await _give_back(store, lease.term)


async def _campaign(store: Store, pace: Pace) -> Lease:
    """Wait until the lease is free or has expired, or its holder is dead, and take it."""
    me, seen, seen_at, logged = this_process(), None, 0.0, False
    while True:
        asked_at = _now()
        try:
            claim = await store.leads()
            if claim != seen:
                # It may have been renewed right before an answer that was long in coming.
                seen, seen_at = claim, _now()
            expired = asked_at - seen_at >= pace.expiry.total_seconds()
            # It is one's own when it was taken, and the database's answer got lost.
            if claim.holder in {None, me} or expired or has_ended(claim.holder):
                taking_at = _now()
                term = await store.lead(claim, me)
                if term is not None:
                    return Lease(store, term, taking_at, pace)
        except StoreError as error:
            event(logger, logging.WARNING, "standing by, and the database does not answer", error=str(error))
            seen = None  # what the holder did meanwhile is not known
        else:
            if not logged:
                logged = True
                event(logger, logging.INFO, "standing by: another copy of the bot leads", term=claim.term)
        await asyncio.sleep(pace.check.total_seconds())


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
