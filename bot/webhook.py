"""The last resort: tell somebody else, by another way than Discord, what nobody in the ops channel can hear of.

One POST of a small JSON object to an address of the operator's, such as a pager's or a push service's:

    {"event": "ops_channel_blocked", "reason": "Discord answered 403, code 50013: …", "at": "2026-11-22T03:12:00+00:00"}
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

import aiohttp

from bot import USER_AGENT
from bot.telemetry import event

logger = logging.getLogger(__name__)

DEADLINE = timedelta(seconds=10)


class Event(StrEnum):
    """What the address is told of. The words are documented in docs/incidents.md: somebody's rules wait for them."""

    OPS_CHANNEL_BLOCKED = "ops_channel_blocked"
    """The bot may not post in the ops channel."""
    DATABASE_UNWRITABLE = "database_unwritable"
    """The bot cannot save: it sees, and posts nothing about incidents."""
    DATABASE_WRITABLE = "database_writable"
    """It can again."""


class Webhook:
    """An address that is told of each event once."""

    def __init__(self, url: str, clock: Callable[[], datetime], proxy: str | None = None) -> None:
        """The address is a secret: many services take whoever knows it for its owner."""
        self._url = url
        self._clock = clock
        self._proxy = proxy

    async def notify(self, what: Event, reason: str) -> bool:
        """Post it, with the reason for people; False when it did not arrive, which is logged without the address."""
        body = {"event": what, "reason": reason, "at": self._clock().isoformat()}
        try:
            async with (
                aiohttp.ClientSession(
                    timeout=aiohttp.ClientTimeout(total=DEADLINE.total_seconds()),
                    headers={"User-Agent": USER_AGENT},
                    proxy=self._proxy,
                ) as session,
                session.post(self._url, json=body, allow_redirects=False) as response,
            ):
                status = response.status
        except (aiohttp.ClientError, OSError) as error:
            event(logger, logging.WARNING, "fallback webhook cannot be reached", error=type(error).__name__)
            return False
        if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers
            event(logger, logging.WARNING, "fallback webhook did not take it", status=status)
            return False
        return True
