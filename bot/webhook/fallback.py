"""What is to be told to the fallback address, each thing until it arrives, beside whatever else is done."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any

from bot.webhook.address import Notify
from bot.webhook.body import Event

AGAIN = timedelta(minutes=1)
"""After what did not arrive."""

_BLOCKED = Event.OPS_CHANNEL_BLOCKED, ""
_OPEN = Event.OPS_CHANNEL_OPEN, ""


class Fallback:
    """What is to be told elsewhere, each thing until it arrives, beside whatever else is done."""

    def __init__(self, notify: Notify | None, note: Callable[[bool], Awaitable[None]]) -> None:
        """Without `notify` nobody is told of anything; `note` keeps whether the channel was last told to be blocked."""
        self._notify = notify
        self._note = note
        self._waiting: dict[tuple[Event, str], str] = {}
        """The reasons of what is to be told, by the event and what makes it one of its own."""
        self._news = asyncio.Event()
        self._told = False
        """Whether somebody was told that the channel is blocked, and not yet that it is open."""
        self._resumed = False
        """Whether that is known of the time before the start."""
        self._reason: str | None = None
        """Why the channel is blocked; None while it is open."""

    @property
    def blocked(self) -> bool:
        """Whether the channel is blocked, as far as this was told."""
        return self._reason is not None

    def resume(self, *, told: bool) -> None:
        """Whether somebody was `told` before the start that the channel is blocked, and it may be still.

        Nobody is told of the channel before this is known.
        """
        self._resumed = True
        if told:
            self._told, self._reason = True, self._reason or "as before the start"
        self._say_how_the_channel_is()

    def block(self, reason: str) -> None:
        """The channel is blocked. Once each time: what is known is not told again."""
        if self._reason is None:
            self._reason = reason
            self._say_how_the_channel_is()

    def open(self) -> None:
        """It takes messages. Whoever was not told that it did not is not told that it does."""
        if self._reason is not None:
            self._reason = None
            self._say_how_the_channel_is()

    def tell(self, what: Event, reason: str) -> None:
        """Something else is to be told, whatever becomes of the channel."""
        self._add((what, reason), reason)

    async def run(self) -> None:
        """Tell, for ever."""
        while self._notify is not None:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                name, reason = next(iter(self._waiting.items()))
                if await self._notify(name[0], reason):
                    await self._arrived(name)
                else:
                    if name in self._waiting:  # the others go before it: it may be this one alone that is not taken
                        self._waiting[name] = self._waiting.pop(name)
                    await asyncio.sleep(AGAIN.total_seconds())

    async def mind_the_login(
        self,
        login: Callable[[], Coroutine[Any, Any, None]],
        unheard: Callable[[], Awaitable[bool]],
        patience: timedelta,
    ) -> None:
        """Tell that the channel is blocked when `login` takes longer than that, and something open is unheard of."""
        ready = asyncio.create_task(login())
        pause = patience
        try:
            while not (await asyncio.wait({ready}, timeout=pause.total_seconds()))[0]:
                pause = AGAIN
                if await unheard():
                    self.block(f"Discord has not let the bot in for {patience} since its start")
        finally:
            ready.cancel()

    async def _arrived(self, name: tuple[Event, str]) -> None:
        self._waiting.pop(name, None)
        if name in {_BLOCKED, _OPEN}:
            self._told = name == _BLOCKED
            self._say_how_the_channel_is()  # which may have changed while that was on its way
            await self._note(self._told)

    def _say_how_the_channel_is(self) -> None:
        self._waiting.pop(_BLOCKED, None)
        self._waiting.pop(_OPEN, None)
        if not self._resumed:
            return
        if self._reason is not None and not self._told:
            self._add(_BLOCKED, self._reason)
        elif self._reason is None and self._told:
            self._add(_OPEN, "the ops channel takes messages again")

    def _add(self, name: tuple[Event, str], reason: str) -> None:
        if self._notify is not None:
            self._waiting.setdefault(name, reason)
            self._news.set()
