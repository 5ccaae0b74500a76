"""Copies of the bot side by side, each on a host of its own: with its own clock, and started again when it ends."""

import asyncio
import math
import random
import resource
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta

from tests.wire.process import BotProcess
from tests.wire.town import Town

STARTED_AGAIN = 0.5
"""Seconds after which a host starts again what ended, at most."""

STUCK = 1000
"""Stands for the exit code of what did not stop when asked."""


class Copy:
    """A copy of a town's bot.

    Args:
        town: where it lives.
        number: tells it from the others.
        settings: win over those of the town.
    """

    def __init__(self, town: Town, number: int, **settings: str) -> None:
        self.codes: list[int] = []
        """How each of its lives ended, as exit codes; negative for a signal."""
        self.signals: Counter[signal.Signals] = Counter()
        """Which signals it was sent, and how often."""
        self._town = town
        self._clock = town.folder / f"clock-{number}"
        self._settings = settings | {"FAKE_CLOCK": str(self._clock)}
        self._lives: list[BotProcess] = []
        self._disk_full = False

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Keep it alive, and ask it to stop in the end."""
        life = asyncio.create_task(self._live())
        try:
            yield
        finally:
            life.cancel()
            await asyncio.wait({life})

    async def _live(self) -> None:
        while True:
            async with self._town.bot(**self._settings) as bot:
                self._lives.append(bot)
                self._limit_files(bot)
                try:
                    self.codes.append((await bot.wait(math.inf)).code)
                except asyncio.CancelledError:
                    await self._stop(bot)
                    raise
            await asyncio.sleep(random.uniform(0, STARTED_AGAIN))

    async def _stop(self, bot: BotProcess) -> None:
        self.signal(signal.SIGTERM)
        try:
            self.codes.append((await bot.wait()).code)
        except TimeoutError:
            self.codes.append(STUCK)

    @property
    def output(self) -> str:
        """What all its lives said."""
        return "".join(bot.output for bot in self._lives)

    def signal(self, sign: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        for bot in self._lives[-1:]:
            with suppress(ProcessLookupError):  # it has ended
                bot.process.send_signal(sign)
                self.signals[sign] += 1

    @contextmanager
    def wrong_clock(self, by: timedelta) -> Iterator[None]:
        """Let its wall clock be wrong meanwhile."""
        new = self._clock.with_suffix(".new")
        new.write_text(f"{by.total_seconds()}")
        new.replace(self._clock)
        try:
            yield
        finally:
            self._clock.unlink()

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Let the kernel refuse meanwhile whatever it writes into files."""
        self._disk_full = True
        self._limit_files(*self._lives[-1:])
        try:
            yield
        finally:
            self._disk_full = False
            self._limit_files(*self._lives[-1:])

    def _limit_files(self, *bots: BotProcess) -> None:
        for bot in bots:
            limit = 0 if self._disk_full else resource.RLIM_INFINITY
            with suppress(ProcessLookupError):  # as above
                resource.prlimit(bot.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
