"""Waiting for what other tasks, threads or processes do."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


async def until(what: str, look: Callable[[], Found | None], within: float = 60.0) -> Found:
    """Look a hundred times a second until something true is found, and return it.

    Raises:
        AssertionError: it was not, within so many seconds; says what never came.
    """
    deadline = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        await asyncio.sleep(0.01)
    return found
