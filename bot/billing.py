"""The account at ImaginePro: read beside the polls, judged by the rules about the plan, known as of its last reading.

A reading that fails moves nothing, and makes no noise: what keeps ImaginePro from answering is told by the polls, and a
plan without that call is no trouble.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from bot.domain.account import Account
from bot.domain.rules.policy import Policy
from bot.domain.value import Value
from bot.domain.watch.account import settle
from bot.domain.watch.known import Changes, Known
from bot.imaginepro.errors import UpstreamError
from bot.telemetry import event

logger = logging.getLogger(__name__)


class Accounts(Protocol):
    """Where the account is read."""

    async def account(self) -> Account:
        """The account whose key it is; raises `UpstreamError`."""


class Watching(Protocol):
    """What is known, and how it is stored: the monitor."""

    @property
    def policy(self) -> Policy:
        """How the rules are set now."""

    async def move(self, doing: Callable[[Known, datetime], tuple[Changes, Known]]) -> Changes:
        """Let what is known move as that says, whole or not at all; raises `StoreError`."""


class Statement(Value):
    """One reading of the account."""

    account: Account
    at: datetime


class Billing:
    """Reads the account, and knows how it was last read. A restart forgets that; its alerts are stored."""

    def __init__(self, upstream: Accounts, monitor: Watching, clock: Callable[[], datetime]) -> None:
        """Nothing is known at first.

        Args:
            upstream: Where it is read.
            monitor: What is known, and how it is stored.
            clock: The time, aware.
        """
        self._upstream = upstream
        self._monitor = monitor
        self._clock = clock
        self._trouble: type[UpstreamError] | None = None
        self.last: Statement | None = None
        """The last reading; None before the first one."""

    async def read(self) -> Statement:
        """Read it now, and let the rules about the plan judge it.

        Raises:
            UpstreamError: It could not be read.
            StoreError: What that changes could not be stored; `last` has the reading all the same.
        """
        account = await self._upstream.account()
        self.last = read = Statement(account, self._clock())
        await self._monitor.move(lambda known, now: settle(known, account, now, self._monitor.policy))
        return read

    async def look(self) -> None:
        """The same now and then, whether or not ImaginePro answers; the log hears of it once.

        Raises:
            StoreError: As above; the next one repeats it.
        """
        try:
            await self.read()
        except UpstreamError as error:
            if type(error) is not self._trouble:
                self._trouble = type(error)
                event(logger, logging.INFO, "the account cannot be read", trouble=error.trouble, status=error.status)
        else:
            self._trouble = None
