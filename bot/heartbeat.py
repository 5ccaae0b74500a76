"""Proves to a service elsewhere that the bot does its work: when the calls stop, that service tells somebody.

A dead man's switch must not be pressed by a bot that would not tell of a ban. So after each poll that is stored, be it
a reading or that ImaginePro did not answer, which is told in the channel like all else:

1. wait until nothing open is unheard of, and nothing is wrong with the bot that would keep an alert back
2. call the address, and again after a while if it did not take that; then rest, however often is polled
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot.observe.health import wrong
from bot.observe.pulse import Pulse
from bot.storage.store import Store, StoreError
from bot.telemetry import event
from bot.webhook.address import asked

logger = logging.getLogger(__name__)

REST = timedelta(seconds=30)
"""After a call, taken or not. Services take a few a minute: Healthchecks five, Uptime Kuma expects one in 20 s."""

AGAIN = timedelta(seconds=5)
"""How often is seen whether all is well by now."""

ELSEWHERE = frozenset({"poll", "left_alone", "outbox"})
"""What `/health` calls wrong, and is no reason for silence: that ImaginePro cannot be read is told in the channel, and
an edit may wait for its turn. Alerts that wait are looked for themselves."""


class Heartbeat:
    """Calls an address for as long as the task that runs it lives."""

    def __init__(self, url: str, proxy: str | None, well: Callable[[], Awaitable[bool]]) -> None:
        """`well` is asked before each call. The address is a secret, as whoever knows it may keep the switch still."""
        self._url = url
        self._proxy = proxy
        self._well = well
        self._polled = asyncio.Event()
        self._failed = False

    def polled(self) -> None:
        """A poll was stored."""
        self._polled.set()

    async def run(self) -> None:
        """Call, for ever. No error ends it, and nobody waits for it."""
        while True:
            await self._polled.wait()
            self._polled.clear()
            while not await self._is_well():  # noqa: ASYNC110 - nobody could set an event for all that must be well
                await asyncio.sleep(AGAIN.total_seconds())
            if not await self._call():
                self._polled.set()
            await asyncio.sleep(REST.total_seconds())

    async def _is_well(self) -> bool:
        try:
            return await self._well()
        except Exception:  # an edge: whatever goes wrong once, the next poll may be the one
            logger.exception("job failed: %s", "heartbeat")
            return False

    async def _call(self) -> bool:
        answer = await asked("GET", self._url, self._proxy)
        if answer.taken and self._failed:
            event(logger, logging.INFO, "heartbeat is taken again")
        elif not answer.taken and not self._failed:
            reason = answer.words if answer.status is None else f"it answered {answer.status}"
            event(logger, logging.WARNING, "heartbeat is not taken", error=reason)
        self._failed = not answer.taken
        return answer.taken


def at_work(pulse: Pulse, store: Store, leads: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    """Whether this copy would tell of a ban now, as far as can be known without one."""

    async def well() -> bool:
        parts = pulse.parts
        if parts is None or not leads() or parts.monitor.behind or not parts.client.logged_in.is_set():
            return False
        if {cause.word for cause in wrong(pulse.facts)} - ELSEWHERE:
            return False
        with contextlib.suppress(StoreError):
            return not await store.unheard()
        return False

    return well
