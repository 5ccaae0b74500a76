"""The bot as a process of its own, which a test starts, stops, freezes and kills."""

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import ClassVar, NamedTuple, Self

from tests.waiting import until
from tests.wire import forks
from tests.wire.discord import PATIENCE, Discord

LAUNCH = Path(__file__).with_name("launch.py")
OUTPUT_KEPT = 8 * 2**20
"""Bytes kept of each of the two outputs; of more, the last ones."""

_SERVING = re.compile(r"serving /health and /metrics\W.*?port\W+(\d+)")
"""Whether the log is text or JSON."""

_PASSED_ON = ("PATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")


class Exit(NamedTuple):
    """How a process ended."""

    code: int
    """Negative for a signal that killed it."""
    seconds: float
    """From the request to end, or from the start of waiting, to the end."""


def _passed_on() -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}  # noqa: TID251 - passes it on


class BotProcess:
    """`python -m bot [arguments]` against a fake Discord, for as long as its `with` block lasts.

    It starts from nothing, as in life, but within `forked()`.

    Args:
        discord: where it connects to.
        environment: its whole environment, besides PATH, the fake's addresses and what coverage needs.
        arguments: of the bot, such as `check`.
        folder: where it runs. A relative database and a `.env` are looked for there.
    """

    _parent: ClassVar[forks.Parent | None] = None
    """Of each bot; None where they start from nothing."""

    def __init__(self, discord: Discord, environment: Mapping[str, str], *arguments: str, folder: Path) -> None:
        self._discord = discord
        self._environment = {
            **_passed_on(),
            "FAKE_DISCORD_API": discord.api_base,
            "FAKE_DISCORD_GATEWAY": discord.gateway_url,
            **environment,
        }
        self._arguments = arguments
        self._folder = folder
        self._outputs = {"stdout": bytearray(), "stderr": bytearray()}
        self._readers: list[asyncio.Task[None]] = []
        self._process: forks.Process | None = None
        self._identified_before = 0

    @classmethod
    @contextlib.contextmanager
    def forked(cls) -> Iterator[None]:
        """Let bots be forks meanwhile."""
        with contextlib.closing(forks.Parent(_passed_on())) as parent, cls._children_of(parent):
            yield

    @classmethod
    def from_nothing(cls) -> contextlib.AbstractContextManager[None]:
        """Let bots start from nothing meanwhile, even within `forked()`."""
        return cls._children_of(None)

    @classmethod
    @contextlib.contextmanager
    def _children_of(cls, parent: forks.Parent | None) -> Iterator[None]:
        before, cls._parent = cls._parent, parent
        try:
            yield
        finally:
            cls._parent = before

    async def __aenter__(self) -> Self:
        self._identified_before = len(self._discord.gateway.identifies)
        self._process = await self._start()
        for name, kept in self._outputs.items():
            self._readers.append(asyncio.create_task(_keep(getattr(self._process, name), kept)))
        return self

    async def _start(self) -> forks.Process:
        if self._parent is not None:
            return await self._parent.fork(self._arguments, self._environment, self._folder)
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(LAUNCH), *self._arguments),
            env=self._environment,
            cwd=self._folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, exception: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    @property
    def environment(self) -> Mapping[str, str]:
        """The whole environment in which it runs."""
        return self._environment

    @property
    def process(self) -> forks.Process:
        """The process.

        Raises:
            RuntimeError: it was not started.
        """
        if self._process is None:
            message = "the bot is started by its `async with` block"
            raise RuntimeError(message)
        return self._process

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.returncode is None

    @property
    def stdout(self) -> str:
        """What it printed."""
        return self._outputs["stdout"].decode(errors="replace")

    @property
    def stderr(self) -> str:
        """What it printed as errors and, unless told otherwise, logged."""
        return self._outputs["stderr"].decode(errors="replace")

    @property
    def output(self) -> str:
        """Both outputs, one after the other."""
        return self.stdout + self.stderr

    @property
    def failed(self) -> list[str]:
        """The lines in which `check` says that something is not good."""
        return [line for line in self.stdout.splitlines() if line.startswith("FAIL")]

    def said(self, *words: str) -> list[str]:
        """The lines of its output that hold any of these words."""
        return [line for line in self.output.splitlines() if any(each in line for each in words)]

    async def served_at(self) -> str:
        """Where it serves how it is, as its log says.

        Raises:
            AssertionError: it does not say so.
        """
        said = await until("the port where it serves", lambda: _SERVING.search(self.stderr))
        return f"http://127.0.0.1:{said[1]}"

    async def wait_ready(self, within: float = PATIENCE) -> float:
        """Wait until it has registered its commands and opened a session at the gateway; how many seconds it took.

        Raises:
            AssertionError: it ended, or was not ready within so many seconds; with the end of its output.
        """
        started = time.monotonic()
        ready = asyncio.create_task(self._discord.until(self._is_ready, within))
        ended = asyncio.create_task(self.process.wait())
        await asyncio.wait({ready, ended}, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        ready.cancel()
        failed = (await asyncio.gather(ready, return_exceptions=True))[0]
        if failed is not None:
            message = f"the bot was not ready (exit code {self.process.returncode}):\n{self.output[-4000:]}"
            raise AssertionError(message)
        return time.monotonic() - started

    def _is_ready(self) -> bool:
        identified = len(self._discord.gateway.identifies) > self._identified_before
        return identified and bool(self._discord.commands.get(self._discord.guild.id))

    async def kill(self) -> None:
        """End it with SIGKILL, frozen or not; nothing happens when it has ended."""
        if self.running:
            self.process.kill()
        await self._ended()

    async def terminate(self, sign: signal.Signals = signal.SIGTERM, within: float = PATIENCE) -> Exit:
        """Ask it to end, and await that.

        Raises:
            TimeoutError: it did not end within so many seconds. The end of the `with` block kills it.
        """
        self.process.send_signal(sign)
        return await self.wait(within)

    async def wait(self, within: float = PATIENCE) -> Exit:
        """Await that it ends by itself.

        Raises:
            TimeoutError: it did not end within so many seconds.
        """
        asked = time.monotonic()
        async with asyncio.timeout(within):
            await self.process.wait()
        seconds = time.monotonic() - asked
        return Exit(await self._ended(), seconds)

    def stop(self) -> None:
        """Freeze it (SIGSTOP)."""
        self.process.send_signal(signal.SIGSTOP)

    def cont(self) -> None:
        """Let it go on after `stop()`."""
        self.process.send_signal(signal.SIGCONT)

    async def _ended(self) -> int:
        code = await self.process.wait()
        await asyncio.gather(*self._readers)
        return code


async def _keep(stream: asyncio.StreamReader, kept: bytearray) -> None:
    while chunk := await stream.read(2**16):
        kept += chunk
        del kept[:-OUTPUT_KEPT]
