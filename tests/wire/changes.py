"""Waiting for something to become true, without looking again and again."""

import asyncio
from collections.abc import Callable


class Changes:
    """Wakes those who wait for a claim, whenever it may have become true."""

    def __init__(self) -> None:
        self._condition = asyncio.Condition()

    async def tell(self) -> None:
        """Something changed: let all who wait look again."""
        async with self._condition:
            self._condition.notify_all()

    async def until(self, holds: Callable[[], bool], within: float) -> None:
        """Wait until a claim holds.

        Raises:
            TimeoutError: it did not, within so many seconds.
        """
        async with asyncio.timeout(within), self._condition:
            await self._condition.wait_for(holds)
