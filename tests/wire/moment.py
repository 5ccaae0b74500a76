"""The time by which the fakes live."""

import asyncio


def loop_time() -> float:
    """Now, by the event loop's clock: `time.monotonic()`, unless the loop's time leaps (see `tests/leap.py`)."""
    return asyncio.get_running_loop().time()
