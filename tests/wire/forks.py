"""Starts bots at a tenth of the price: forks of one process that has imported everything, `launch.py` in each.

To import what the bot needs costs a start most of its processor time, and the tests start hundreds. A fork is a process
like any other: its environment is replaced, it runs in its folder, its outputs are pipes, signals reach it, and it ends
by the end of the interpreter. What it does not show is a start from nothing, for which `BotProcess` has another way.
"""

import asyncio
import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

REQUEST_BYTES = 2**16
"""What a request may have, at most."""
_NUMBER = 4
"""Bytes of each of the two numbers that come of a request: the id of the process, and later how it ended."""


class Process(Protocol):
    """What `BotProcess` asks of a process, as in `asyncio.subprocess.Process`."""

    pid: int
    stdout: asyncio.StreamReader | None
    stderr: asyncio.StreamReader | None

    @property
    def returncode(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""

    def send_signal(self, signal: int) -> None:
        """Send it a signal.

        Raises:
            ProcessLookupError: it has ended.
        """

    def kill(self) -> None:
        """Send SIGKILL."""

    async def wait(self) -> int:
        """Await its end; returns how."""


class Fork:
    """A process that was forked for this one by another."""

    def __init__(
        self, pid: int, stdout: asyncio.StreamReader, stderr: asyncio.StreamReader, fate: asyncio.StreamReader
    ) -> None:
        self.pid = pid
        self.stdout: asyncio.StreamReader | None = stdout
        self.stderr: asyncio.StreamReader | None = stderr
        self._ended = asyncio.create_task(_end(fate))

    @property
    def returncode(self) -> int | None:
        """How it ended, negative for a signal; None while it runs, or nobody has heard of its end."""
        return self._ended.result() if self._ended.done() else None

    def send_signal(self, signal: int) -> None:
        """Send it a signal.

        Raises:
            ProcessLookupError: it has ended.
        """
        if self.returncode is not None:
            raise ProcessLookupError
        os.kill(self.pid, signal)

    def kill(self) -> None:
        """Send SIGKILL."""
        with contextlib.suppress(ProcessLookupError):  # it has ended, and nobody has heard of it
            self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Await its end; returns how."""
        return await asyncio.shield(self._ended)


async def _reading(pipe: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe))
    return reader


async def _end(fate: asyncio.StreamReader) -> int:
    return os.waitstatus_to_exitcode(_number(await fate.read()))


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")


class Parent:
    """The process that others are forked from, started for the first of them.

    Args:
        environment: in which it imports.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._open = contextlib.ExitStack()
        self._control: socket.socket | None = None

    async def fork(self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> Fork:
        """A bot with these arguments and exactly this environment, running in a folder."""
        if self._control is None:
            self._control = self._start()
        request = json.dumps({"arguments": arguments, "environment": dict(environment), "folder": str(folder)})
        pipes = [os.pipe() for _ in range(3)]
        try:
            socket.send_fds(self._control, [request.encode()], [there for _, there in pipes])
        finally:
            for _, there in pipes:
                os.close(there)
        stdout, stderr, fate = [await _reading(here) for here, _ in pipes]
        return Fork(_number(await fate.readexactly(_NUMBER)), stdout, stderr, fate)

    def _start(self) -> socket.socket:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            process = subprocess.Popen(  # noqa: S603 - our own words
                [sys.executable, "-P", __file__, str(there.fileno())],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[there.fileno()],
            )
        self._open.enter_context(process)
        return self._open.enter_context(here)

    def close(self) -> None:
        """End it, and whatever was forked from it."""
        self._open.close()


# The process that forks


class Request(NamedTuple):
    """What is to be forked."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: str


class Stem:
    """What others are forked from; no thread, event loop or lock is in it, or each fork would have it, too."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)
        self._alive: dict[int, tuple[int, int]] = {}
        """Where each process can be seen to end, with its id, and where to say so."""

    def serve(self) -> Request | None:
        """Fork whatever is asked for, until nobody asks any more; comes back in each fork, with what it is to be."""
        while True:
            for key, _ in self._selector.select():
                if key.fd != self._control.fileno():
                    self._bury(key.fd)
                    continue
                data, files, _, _ = socket.recv_fds(self._control, REQUEST_BYTES, 3)
                if not data:
                    self._end_all()
                    return None
                if self._fork(files) == 0:
                    return Request(**json.loads(data))

    def _fork(self, files: Sequence[int]) -> int:
        stdout, stderr, fate = files
        pid = os.fork()
        if pid == 0:
            os.dup2(stdout, 1)
            os.dup2(stderr, 2)
            self._let_go(files)
            return 0
        os.close(stdout)
        os.close(stderr)
        os.write(fate, pid.to_bytes(_NUMBER, "little"))
        seen = os.pidfd_open(pid)
        self._selector.register(seen, selectors.EVENT_READ)
        self._alive[seen] = pid, fate
        return pid

    def _let_go(self, files: Sequence[int]) -> None:
        """Close in a fork what is the stem's own."""
        self._selector.close()
        self._control.close()
        for each in (*files, *self._alive, *(fate for _, fate in self._alive.values())):
            os.close(each)

    def _bury(self, seen: int) -> None:
        pid, fate = self._alive.pop(seen)
        self._selector.unregister(seen)
        os.close(seen)
        _, status = os.waitpid(pid, 0)
        with contextlib.suppress(BrokenPipeError):  # whoever asked for it does not want to know any more
            os.write(fate, status.to_bytes(_NUMBER, "little"))
        os.close(fate)

    def _end_all(self) -> None:
        for seen in list(self._alive):
            signal.pidfd_send_signal(seen, signal.SIGKILL)
            self._bury(seen)


def main() -> None:
    """Serve the socket whose number is the argument; in a fork, be the bot."""
    # The tests import this module, too, and want no bot in their own process. The bot imports the last two later.
    import apscheduler.schedulers.asyncio  # noqa: PLC0415
    import apscheduler.triggers.interval  # noqa: PLC0415, F401

    import bot.observe.web  # noqa: PLC0415, F401
    from tests.wire import launch  # noqa: PLC0415

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # whoever asks decides when all end, be they frozen or not
    request = Stem(socket.socket(fileno=int(sys.argv[1]))).serve()
    if request is None:
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.clear()  # noqa: TID251 - of the process, as it begins
    os.environ.update(request.environment)  # noqa: TID251 - the same
    os.chdir(request.folder)
    launch.main(request.arguments)


if __name__ == "__main__":
    main()
