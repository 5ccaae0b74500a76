"""Who goes first: work that takes a while, and that nobody waits for, is done in pieces and gives way between them."""

import asyncio
from datetime import timedelta

COURTESY = timedelta(milliseconds=10)
"""For how long a person has the event loop to themselves: several times what an answer takes."""

HEARING = 4
"""Rounds of the event loop from the arrival of a question to `asked`."""


class Priority:
    """People go first."""

    def __init__(self) -> None:
        self._until = 0.0
        """The event loop's time up to which somebody is being answered."""

    def asked(self) -> None:
        """Somebody asked for something."""
        self._until = asyncio.get_running_loop().time() + COURTESY.total_seconds()

    async def give_way(self) -> None:
        """Let everybody run whose turn it is, and whoever asks be answered; never waits longer than `COURTESY`."""
        for _ in range(HEARING):
            await asyncio.sleep(0)
        await asyncio.sleep(max(0.0, self._until - asyncio.get_running_loop().time()))
