"""Ends a process that does not come back by itself, so that its host starts it again.

A stuck event loop can only be seen from outside of it, so this is a thread. It counts its own turns between two beats
of the loop, and no clock: a process that was frozen for an hour has missed nothing when it goes on. What waits in the
database is delivered by the next process, as after a `kill -9`.
"""

import contextlib
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator

from bot.observe.pulse import Pulse
from bot.telemetry import event

logger = logging.getLogger(__name__)

TURN = 1.0
"""Seconds between two checks of the thread."""
PATIENCE = 30
"""Turns in a row without a beat of the loop, after which it is stuck."""
LAST_WORDS = 5.0
"""Seconds for the log: what holds up the loop may hold up the log as well."""

EX_SOFTWARE = 70
"""The exit code, as in sysexits: an error inside of the program."""


@contextlib.contextmanager
def watching(pulse: Pulse, end: Callable[[int], object] = os._exit) -> Iterator[None]:
    """Watch the pulse for as long as the context is open; `end` gets the exit code."""
    closing = threading.Event()
    thread = threading.Thread(target=_watch, args=(pulse, closing, end), name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        closing.set()
        thread.join()


def _watch(pulse: Pulse, closing: threading.Event, end: Callable[[int], object]) -> None:
    missed, last = 0, pulse.beats
    while not closing.wait(TURN):
        beats = pulse.beats
        missed, last = (missed + 1 if beats == last else 0), beats
        if missed >= PATIENCE or pulse.dead:
            reason = f"jobs that stand still: {' '.join(pulse.dead)}" if pulse.dead else "the event loop is stuck"
            words = threading.Thread(target=_say, args=(reason,), daemon=True)
            words.start()
            words.join(LAST_WORDS)
            end(EX_SOFTWARE)
            return


def _say(reason: str) -> None:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    stacks = "\n".join(
        f"{names.get(ident, 'unknown thread')}:\n{''.join(traceback.format_stack(frame))}"
        for ident, frame in sys._current_frames().items()  # noqa: SLF001 - documented, in spite of its name
    )
    event(logger, logging.CRITICAL, "the watchdog ends the process", reason=reason, stacks=stacks)
