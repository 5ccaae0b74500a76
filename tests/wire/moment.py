"""The time by which the fakes live."""

import asyncio
import time


def loop_time() -> float:
    """Now, by the event loop's clock: `time.monotonic()`, unless the loop's time leaps (see `tests/leap.py`).

    The fakes' memory is used without any loop too, where only its words matter.
    """
    try:
        return asyncio.get_running_loop().time()
    except RuntimeError:
        return time.monotonic()
