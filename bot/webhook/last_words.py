"""The last thing that a bot does that cannot run: tell the fallback address, once, in time, and not at each restart.

Some hosts start again whatever ends, every few seconds, and nothing may be storable then. So what was told is
remembered by an empty file in the folder for temporary files, which outlives a restart on many hosts and not on all.
Its name says nothing without the address.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from bot.telemetry import event
from bot.webhook.address import Webhook
from bot.webhook.body import Event

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=5)
"""How long the end may be held up. Hosts bear ten."""

AGAIN = timedelta(hours=1)
"""After how long the same is told once more."""


async def tell(webhook: Webhook, what: Event, reason: str, stop: asyncio.Event | None = None) -> None:
    """Tell that address, unless it was told the same within the last hour, or `stop` is set meanwhile."""
    mark = _folder() / f"{_prefix(webhook)}{_digest(f'{what} {reason}')}"
    if not _claimed(mark):
        event(logger, logging.INFO, "the fallback address was told of this within the last hour")
        return
    telling = asyncio.create_task(webhook.notify(what, reason))
    stopping = asyncio.create_task((stop or asyncio.Event()).wait())
    await asyncio.wait({telling, stopping}, timeout=PATIENCE.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
    arrived = telling.done() and telling.result()
    for each in (telling, stopping):
        each.cancel()
    await asyncio.wait({telling, stopping})
    if not arrived:
        with contextlib.suppress(OSError):
            mark.unlink()


def forget(webhook: Webhook) -> None:
    """All is well again: what is told next is news."""
    for mark in _folder().glob(f"{_prefix(webhook)}*"):
        with contextlib.suppress(OSError):
            mark.unlink()


def _folder() -> Path:
    """The folder for temporary files; where everything is read-only, one in which nothing can be."""
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return Path(os.devnull)


def _prefix(webhook: Webhook) -> str:
    return f"imaginepro-bot-{_digest(webhook.url)}-"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]


def _claimed(mark: Path) -> bool:
    """Whether nobody else told it, and nobody else does now. In doubt it is told."""
    try:
        with contextlib.suppress(FileNotFoundError):
            # One of times to come was made before the clock was set back, nobody knows how long ago.
            if 0 <= time.time() - mark.stat().st_mtime < AGAIN.total_seconds():  # noqa: TID251 - files have the system's
                return False
            mark.unlink()
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    except OSError:
        pass
    return True
