"""What ImaginePro says of a job: how far it is, which token ran it, and the pictures that came of it."""

from datetime import datetime
from enum import StrEnum

from bot.domain.model import Token
from bot.domain.value import Value


class JobStatus(StrEnum):
    """How far a job is, in ImaginePro's words. SUBMITTED is only in one text of the vendor's."""

    SUBMITTED = "SUBMITTED"
    QUEUED = "QUEUED"
    PROCESSING = "PROCESSING"
    DONE = "DONE"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    """A word that we do not know; `Job.status_text` has it verbatim."""

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self is JobStatus.DONE or self is JobStatus.FAIL


class Job(Value):
    """A job, as the call for its progress has it. An absent text is empty."""

    id: str
    status: JobStatus = JobStatus.UNKNOWN
    status_text: str = ""
    """Verbatim."""
    progress: int | None = None
    """0 to 100; None where it did not say."""
    prompt: str = ""
    uri: str = ""
    """Of the picture, once there is one: an https address, or else empty."""
    images: tuple[str, ...] = ()
    """More addresses of the same kind."""
    error: str = ""
    """Midjourney's words, where it failed."""
    created_at: datetime | None = None
    """Aware, as all times here; None where it did not say, or not in a way that can be read."""
    updated_at: datetime | None = None
    buttons: tuple[str, ...] = ()
    """What may be pressed on it."""


class Trace(Value):
    """Which token ran a job, and how it was."""

    job: str
    token_id: int | None = None
    """None where it did not say: no token has the job yet, or none ever had."""
    channel_id: str = ""
    status: str = ""
    """Of the token, verbatim."""
    token: Token | None = None
    """The token as it was then, as far as this says: id, status and info; None where it did not name the token."""
    message: str = ""
    """Of the token's info. The vendor does not say what it is; plausibly Midjourney's last notice."""


class Image(Value):
    """A job of the last 24 hours, as the list of them has it."""

    id: str
    """The job's."""
    kind: str = ""
    button: str = ""
    """What was pressed, where it came of a button."""
    prompt: str = ""
    uri: str = ""
    """An https address, or else empty."""
    created_at: datetime | None = None
