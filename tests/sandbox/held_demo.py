"""The demo, whose story goes at its visitor's pace: `python -m tests.sandbox.held_demo`.

By itself it goes on after seconds, which a slow machine may need for a click. So it stands still at some places until
SIGUSR1, and takes no time between them.
"""

import asyncio
import signal
from collections import deque

from bot.sandbox import demo
from tests.wire import launch

HOLDS = (15.0, 22.5, 29.0, 50.0, 89.0)
"""Seconds of the story: before the first alert is over, after the ban, after a group's, in an outage, and when the ban
is over."""


async def main() -> None:
    """Serve it until SIGINT."""
    told = 0.0
    holds = deque(HOLDS)
    going_on = asyncio.Semaphore(0)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, going_on.release)
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)

    async def sleep(seconds: float) -> None:
        nonlocal told
        told += seconds
        while holds and told > holds[0]:
            await going_on.acquire()
            holds.popleft()

    launch.group(1)  # or else the second group would join the first, which it comes long after in the story
    launch.poll(0.25)
    await demo.run(stop, sleep=sleep)


if __name__ == "__main__":
    asyncio.run(main())
