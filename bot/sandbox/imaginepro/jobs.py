"""The simulated ImaginePro's jobs: they wait, they run, and they end, by the event loop's clock or as a test says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

BUTTONS: Final = ["U1", "U2", "U3", "U4", "🔄", "V1", "V2", "V3", "V4"]


def _nothing() -> None:
    """Most jobs have no effect but their pictures."""


@dataclass
class SimulatedJob:
    """A job. Change what it is as you like."""

    id: str
    prompt: str
    token: int | None
    """Which runs it; None while none does."""
    queued: float
    """When it was, by the loop's clock."""
    created: datetime
    waits: float
    """Seconds until it runs."""
    runs: float
    """Seconds that it does."""
    lists: bool = True
    """Whether it is an image's, and so in the list of these."""
    held: bool = False
    """Whether it waits, however long that takes: ImaginePro's queue is paused."""
    status: str | None = None
    """What it says, whatever the time; None for what comes of that."""
    progress: int | None = None
    """The same."""
    error: str = ""
    """Why it failed, or will."""
    ends: Callable[[], None] = field(default=_nothing)
    """What comes of it when it is done."""

    def at(self, now: float) -> tuple[str, int]:
        """Its status and its progress."""
        ran = now - self.queued - self.waits
        status, progress = "PROCESSING", int(100 * ran / self.runs) if self.runs else 100
        if self.held or ran < 0:
            status, progress = "QUEUED", 0
        elif ran >= self.runs:
            status, progress = ("FAIL" if self.error else "DONE"), 100
        return self.status or status, progress if self.progress is None else self.progress

    def shown(self, now: float, picture: str, ref: str = "") -> dict[str, Any]:
        """As the call for its progress has it; `picture` is where its picture is."""
        status, progress = self.at(now)
        done = status == "DONE"
        shown: dict[str, Any] = {
            "messageId": self.id,
            "prompt": self.prompt,
            "progress": progress,
            "status": status,
            "createdAt": iso(self.created),
            "updatedAt": iso(self.created + timedelta(seconds=min(now - self.queued, self.waits + self.runs))),
            "buttons": BUTTONS if done and self.lists else [],
            "ref": ref,
        }
        if done and self.lists:
            shown |= {"uri": picture, "originalUrl": picture, "images": [picture]}
        if status == "FAIL":
            shown["error"] = self.error or "The job failed"
        return shown


def identity(number: int) -> str:
    """The id of the job that begins after so many others."""
    return str(UUID(int=0x4000_8000_0000_0000_0000 + number))


def iso(time: datetime) -> str:
    """A time as ImaginePro writes it."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
