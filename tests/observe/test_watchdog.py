"""The watchdog bites what stands still, and nothing else. That it ends a real process is seen in the process test."""

import io
import logging
import threading
import time
from collections.abc import Iterator

import pytest

from bot.observe import watchdog
from bot.observe.pulse import Pulse
from bot.observe.watchdog import EX_SOFTWARE, _watch, watching
from bot.telemetry import configure
from tests.observe.conftest import Patient
from tests.waiting import until


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "TURN", 0.01)
    monkeypatch.setattr(watchdog, "PATIENCE", 20)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log as the bot has it, for as long as a test lasts."""
    root, own = logging.getLogger(), logging.getLogger("bot")
    handlers, levels = root.handlers[:], (root.level, own.level)
    root.handlers, stream = [], io.StringIO()
    configure("info", "json", ["correct horse"], stream)
    yield stream
    root.handlers = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])


class Turns(threading.Event):
    """What the thread waits for: before each turn the loop beats (`♥`) or does not (`.`); the last turn is the end."""

    def __init__(self, pulse: Pulse, beats: str) -> None:
        super().__init__()
        self._pulse = pulse
        self._beats = list(beats)

    def wait(self, timeout: float | None = None) -> bool:
        """Take the next turn."""
        assert timeout == watchdog.TURN
        if self._beats.pop(0) == "♥":
            self._pulse.beat(0)
        return not self._beats


async def test_a_loop_that_turns_is_left_alone_however_late_it_is(patient: Patient) -> None:
    ends: list[int] = []
    late = "." * (watchdog.PATIENCE - 1)
    _watch(patient.pulse, Turns(patient.pulse, f"{'♥' * 100}{late}♥{late}♥"), ends.append)
    assert ends == []
    _watch(patient.pulse, Turns(patient.pulse, f"{late}.."), ends.append)
    assert ends == [EX_SOFTWARE]


async def test_the_thread_ends_with_the_context(patient: Patient) -> None:
    ends: list[int] = []
    with watching(patient.pulse, ends.append):
        assert "watchdog" in {thread.name for thread in threading.enumerate()}
    assert ends == []
    assert "watchdog" not in {thread.name for thread in threading.enumerate()}


async def test_a_loop_that_is_stuck_ends_the_process_with_the_stacks_in_the_log(
    patient: Patient, log: io.StringIO
) -> None:
    ends: list[int] = []
    with watching(patient.pulse, ends.append):
        hold_up("correct horse", ends)
    assert ends == [EX_SOFTWARE]
    (line,) = log.getvalue().splitlines()
    assert '"CRITICAL"' in line
    assert "the event loop is stuck" in line
    assert "in hold_up" in line
    assert "MainThread" in line
    assert "horse" not in line


def hold_up(_: str, ends: list[int]) -> None:
    """Hold up the event loop, until the process would have ended."""
    guard = time.monotonic() + 60
    while not ends and time.monotonic() < guard:
        time.sleep(0.01)


async def test_a_dead_job_ends_the_process_and_is_named(patient: Patient, log: io.StringIO) -> None:
    ends: list[int] = []
    patient.pulse.dead = ("poll",)
    with watching(patient.pulse, ends.append):
        await until("its end", lambda: ends)
    assert ends == [EX_SOFTWARE]
    assert '"reason": "jobs that stand still: poll"' in log.getvalue()


@pytest.mark.usefixtures("log")
async def test_a_log_that_is_stuck_too_does_not_save_the_process(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "LAST_WORDS", 0.05)
    ends: list[int] = []
    handler = logging.getLogger().handlers[0]
    handler.acquire()
    try:
        with watching(patient.pulse, ends.append):
            hold_up("", ends)
        assert ends == [EX_SOFTWARE]
    finally:
        handler.release()
