"""Questions that wait for Confirm or Cancel: in memory, for a minute, and never more than a few.

What is asked is lost with the process, on purpose: whoever confirms sees what is true now.
"""

import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
import discord

from bot.telemetry import reference

if TYPE_CHECKING:
    from discord.ext import tasks

LASTS = timedelta(seconds=60)
"""How long a question may be answered."""

MOST = 50
"""Questions at once, and answered ones of which it is remembered that they were."""

OVER = "This question is over. Ask again."
ANSWERED = "This question was answered already, and nothing is done twice. Ask again if nothing came of it."
NOT_YOURS = "Only the one who asked may answer this."

_SWEEP = timedelta(seconds=5)
"""How often it is looked for questions that are over, while there is one."""


class Question(NamedTuple):
    """What somebody was asked."""

    asked: discord.Interaction[Any]
    """Whose answer shows it."""
    until: datetime
    doing: Callable[[discord.Interaction[Any]], Awaitable[None]]
    """What is done once it is confirmed."""


class Questions:
    """Those of one client."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        """
        Args:
            clock: The time, aware.
        """  # noqa: D205, D212 - the class says what it is for
        self._clock = clock
        self._open: dict[str, Question] = {}
        self._answered: deque[str] = deque(maxlen=MOST)
        self._sweeping: tasks.Loop[Callable[[], Coroutine[Any, Any, None]]] | None = None

    def put(
        self, asked: discord.Interaction[Any], doing: Callable[[discord.Interaction[Any]], Awaitable[None]]
    ) -> tuple[str, datetime]:
        """Remember a question from now on; returns what it is found by, and until when."""
        while len(self._open) >= MOST:
            del self._open[next(iter(self._open))]
        name, until = reference(), self._clock() + LASTS
        self._open[name] = Question(asked, until, doing)
        if self._sweeping is None:
            from discord.ext import tasks  # noqa: PLC0415 - no start needs it

            self._sweeping = tasks.loop(seconds=_SWEEP.total_seconds())(self._sweep)
        sweeping = self._sweeping
        if not sweeping.is_running():
            sweeping.start()
        return name, until

    def take(self, name: str, by: int) -> Question | str:
        """The question that somebody answers, which nobody gets after them; or why they cannot, in a sentence."""
        found = self._open.get(name)
        if found is None:
            return ANSWERED if name in self._answered else OVER
        if found.asked.user.id != by:
            return NOT_YOURS
        del self._open[name]
        if found.until <= self._clock():
            return OVER
        self._answered.append(name)
        return found

    def close(self) -> None:
        """Ask nothing any more. What is shown stays; a press finds that it is over."""
        self._open.clear()
        if self._sweeping is not None:
            self._sweeping.cancel()

    async def _sweep(self) -> None:
        """Say of questions that they are over, and take their buttons away."""
        now = self._clock()
        for name in [name for name, each in self._open.items() if each.until <= now]:
            # Somebody may have pressed while another was edited.
            if (over := self._open.pop(name, None)) is not None:
                # Where that fails, the next press finds that it is over.
                with contextlib.suppress(discord.HTTPException, aiohttp.ClientError, OSError):
                    await over.asked.edit_original_response(content=OVER, view=None)
        if not self._open and self._sweeping is not None:
            self._sweeping.stop()
