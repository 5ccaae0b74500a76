"""The demo, whose story waits for its visitor: `python -m tests.sandbox.held_demo`.

What a visitor acts on is over by itself after half a minute, which a slow machine may need for a few clicks. So the
story stands still at two places, and goes on with each SIGUSR1.
"""

import asyncio
import signal
from collections import deque

from bot.sandbox import demo

HOLDS = (15.0, 26.0)
"""Seconds of the story: before the first alert is over, and before the ban is."""


async def main() -> None:
    """Serve it until SIGINT."""
    told = 0.0
    holds = deque(HOLDS)
    going_on = asyncio.Semaphore(0)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, going_on.release)

    async def sleep(seconds: float) -> None:
        nonlocal told
        told += seconds
        while holds and told > holds[0]:
            await going_on.acquire()
            holds.popleft()
        await asyncio.sleep(seconds)

    await demo.run(sleep=sleep)


if __name__ == "__main__":
    asyncio.run(main())
