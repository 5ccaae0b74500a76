"""Time that leaps: an event loop whose clock stands still while anything is to be done, and then is at the next timer.

A test on it can let half an hour pass in a second, and assert to the millisecond how long something took, whatever the
machine has to do besides. For that, all who wait for one another must be on this one loop: bot, client and the fakes
that they talk to over loopback. Where work is done elsewhere, in a thread or by a server, the clock waits for it:

* what is handed to a thread by the loop itself (`run_in_executor`, `asyncio.to_thread`),
* every transaction of the bot's store, whichever engine it has,
* and whatever runs within `LeapingLoop.held()`.
"""

import asyncio
import fcntl
import os
import selectors
import socket
import termios
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

import pytest

from bot.storage import core

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

BEGIN = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
"""When a loop begins, for those who ask for the time of day."""

IN_FLIGHT = 0.1
"""Seconds of real time that what was sent has to arrive: longer than TCP holds back an acknowledgement (40 ms). What
takes longer was sent to somebody who does not read."""

ROUND = 1e-9
"""Seconds that a round of the loop takes. Some who wait try again when they woke up too early by a rounding error, and
would do so for ever if no time went by."""

HANGING = 300.0
"""Seconds of real time without any event after which a test hangs. Nothing here takes a tenth of that."""


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop on which waiting takes no time."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._holding = 0
        super().__init__(_Leaper(self))

    def time(self) -> float:
        """Seconds, as the rest of asyncio and its users see them."""
        return self._now

    @property
    def is_held(self) -> bool:
        """Whether there is work elsewhere that the clock waits for."""
        return self._holding > 0

    def leap(self, seconds: float) -> None:
        """Let that time be over."""
        self._now += seconds

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the clock from moving: what is done meanwhile takes real time, and none by this clock."""
        self._holding += 1
        try:
            yield
        finally:
            self._holding -= 1

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """As ever; the clock is held until the result is there."""
        future = super().run_in_executor(executor, func, *args)
        hold = ExitStack()
        hold.enter_context(self.held())
        future.add_done_callback(lambda _: hold.close())
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncio's face
        """Let its threads end; from Python 3.12 on for so long at most, which a clock that leaps must not count."""
        del timeout
        with self.held():
            await super().shutdown_default_executor()


class _Leaper(selectors.DefaultSelector):
    """Never sleeps where it could leap."""

    _loop: LeapingLoop

    def __init__(self, loop: LeapingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """What is ready; if nothing can be, the clock is at the next timer when this returns."""
        self._loop.leap(ROUND)
        began = time.monotonic()
        while True:
            if events := super().select(0):
                return events
            if timeout is not None and timeout <= 0:
                return []
            waited = time.monotonic() - began
            if waited > HANGING:
                reason = "nothing happens any more, and somebody waits"
                raise AssertionError(reason)
            if self._loop.is_held or timeout is None:
                if events := super().select(HANGING):
                    return events
            elif waited < IN_FLIGHT and self._in_flight():
                if events := super().select(0.001):
                    return events
            else:
                self._loop.leap(timeout)
                return []

    def _in_flight(self) -> bool:
        """Whether any socket has sent what has not arrived."""
        if not any(map(_unsent, self.get_map())):
            return False
        # Mostly it has arrived, and the other side is in no hurry to say so.
        for each in self.get_map():
            _acknowledge(each)
        return any(map(_unsent, self.get_map()))


def _unsent(descriptor: "FileDescriptorLike") -> int:
    """How many bytes the other side of a socket has not got yet; 0 for what is no connected socket."""
    try:
        said = fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4))
    except OSError:
        return 0
    return int.from_bytes(said, "little")


def _acknowledge(descriptor: "FileDescriptorLike") -> None:
    """Let a socket say at once what it has got."""
    number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
    with suppress(OSError), socket.socket(fileno=os.dup(number)) as same:
        same.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def time_of_day() -> datetime:
    """Now, by the loop's clock."""
    return BEGIN + timedelta(seconds=asyncio.get_running_loop().time() - 1000.0)


def _holding_the_clock(runner: type[core.Thread | core.Greenlets]) -> Callable[..., Any]:
    run = runner.run

    async def held(self: Any, work: Callable[[], object]) -> object:  # noqa: ANN401 - either
        loop = asyncio.get_running_loop()
        if not isinstance(loop, LeapingLoop):
            return await run(self, work)
        with loop.held():
            return await run(self, work)

    return held


# Every transaction, of whatever store: this is where all of them pass.
core.Thread.run = _holding_the_clock(core.Thread)  # type: ignore[method-assign]
core.Greenlets.run = _holding_the_clock(core.Greenlets)  # type: ignore[method-assign]


@pytest.fixture(name="_asyncio_loop_factory")
def leaping() -> type[LeapingLoop]:
    """A module that imports this has its tests on a loop whose time leaps.

    pytest-asyncio's documented hook for that (`pytest_asyncio_loop_factories`) is for a whole folder.
    """
    return LeapingLoop
