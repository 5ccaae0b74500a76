"""Run the suite again and again beside programs that do nothing but compute: `python -m tests.steady --beside 8`.

What a busy machine makes red was asserted of the machine. Prints each run, and what the red ones said last; exit code 1
if any was red.
"""

import argparse
import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

SUITE = ("make", "test")
SAID = 60
"""Lines that are shown of a red run."""


class Run(NamedTuple):
    """One run of the suite."""

    green: bool
    seconds: float
    said: str


@contextlib.contextmanager
def busy(programs: int) -> Iterator[None]:
    """Let so many programs take all of the processor that they can get."""
    compute = [sys.executable, "-c", "while True: pass"]
    with contextlib.ExitStack() as stack:
        for _ in range(programs):
            program = stack.enter_context(subprocess.Popen(compute))  # noqa: S603 - our own words
            stack.callback(program.kill)
        yield


def run(command: Sequence[str]) -> Run:
    """Run it once."""
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603 - as whoever calls this wants it
        command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return Run(done.returncode == 0, time.monotonic() - began, done.stdout)


def steady(command: Sequence[str], runs: int, beside: int, say: Callable[[str], object]) -> bool:
    """Run a command so often beside so many busy programs; returns whether it was green each time."""
    done: list[Run] = []
    with busy(beside):
        for number in range(1, runs + 1):
            done.append(run(command))
            green, seconds, said = done[-1]
            say(f"run {number:2}: {'green' if green else 'RED  '} {seconds:6.1f} s\n")
            if not green:
                say("".join(f"    {line}\n" for line in said.splitlines()[-SAID:]))
    red = sum(not each.green for each in done)
    times = sorted(each.seconds for each in done)
    say(f"{runs} runs beside {beside} busy programs: {red} red; {times[0]:.1f} to {times[-1]:.1f} s\n")
    return red == 0


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.steady", description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--beside", type=int, default=8, help="programs that do nothing but compute")
    parser.add_argument("command", nargs="*", default=SUITE, help="instead of the whole suite")
    options = parser.parse_args()

    def say(words: str) -> None:
        sys.stdout.write(words)
        sys.stdout.flush()  # a run takes minutes

    return 0 if steady(options.command, options.runs, options.beside, say) else 1


if __name__ == "__main__":
    sys.exit(main())
