"""What the ops channel is sent: a card for an incident, a summary of several, and notices beside them."""

from datetime import datetime
from enum import StrEnum

from bot.domain.acts import Act
from bot.domain.digest import Digest
from bot.domain.incidents import Incident, Key
from bot.domain.notes import Past
from bot.domain.report import Report
from bot.domain.rota import Handover
from bot.domain.runbooks import Remark
from bot.domain.value import Value


class NoticeKind(StrEnum):
    """Why a message is posted beside the card."""

    RAISED = "raised"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    HANDED_OVER = "handed_over"
    """Somebody gave incidents to another, who is mentioned."""
    SILENCE_STARTED = "silence_started"
    SILENCE_ENDED = "silence_ended"
    MAINTENANCE_STARTED = "maintenance_started"
    MAINTENANCE_ENDED = "maintenance_ended"
    DIGEST = "digest"
    """The daily digest. A version from before there was one reads another kind: see `bot.storage.turning`."""
    ACT = "act"
    """What became of an act, or of several that were confirmed together. Stored as another kind, too."""
    UNREACHABLE = "unreachable"
    """Somebody wished for direct messages, and takes none. Stored as another kind, too."""
    RUNBOOK = "runbook"
    """A runbook leaves something alone, or stopped. Stored as another kind, too."""
    REPORT = "report"
    """The report of a week or a month. Stored as another kind, too."""
    SHIFT = "shift"
    """Somebody is on call from now on. Stored as another kind, too."""


class Notice(Value):
    """A message that is posted once and never edited: a reply to the card of its incidents, or one by itself."""

    kind: NoticeKind
    at: datetime
    keys: tuple[Key, ...] = ()
    """The incidents that it is about."""
    before: tuple[Key, ...] = ()
    """Of those, at the end of a silence or window: what is open, and the channel was notified of before."""
    quiet: tuple[Key, ...] = ()
    """Of those, at such an end: what is open, and still suppressed by something else."""
    to: tuple[int, ...] = ()
    """Discord's ids of the people who have them now, where they were handed over; or of whom no message reaches."""
    about: str = ""
    """Which silence or window: what it suppresses, as in `banned of token 1900` or `all alerts`."""
    words: str = ""
    """Why: a person's own words, escaped by whoever shows them."""
    by: int | None = None
    """Discord's id of the person whose silence or window it is."""
    until: datetime | None = None
    """When what has started will end by itself; None for a silence "until it is over"."""
    escalated: bool = False
    """Whether the second line is called, too."""
    reminders: int = 0
    """How many there are with this one, where it is a reminder; 0 where an older version of the bot made it."""
    shift: Handover | None = None
    """What it says, where it is about who is on call."""
    digest: Digest | None = None
    """What it says, where it is the daily digest."""
    acts: tuple[Act, ...] = ()
    """What it says the outcome of, where it is of acts."""
    remarks: tuple[Remark, ...] = ()
    """What it says, where it is of runbooks."""
    report: Report | None = None
    """What it says, where it is the report of a week or a month."""


class Message(Value):
    """One message of the ops channel: a card for one incident, or a summary of several.

    The outbox brings the channel to agree with it: posted once, then edited whenever `version` grew.
    """

    id: int
    mark: str
    """Short and unique over installations (`k3f9-57`), at most 25 long: the post's nonce, and a word in its footer."""
    incidents: tuple[Incident, ...]
    version: int
    """Grows with each change of an incident that should show."""
    summary: bool = False
    discord_id: int | None = None
    """The message's id once Discord confirmed the post."""
    tries: int = 0
    """Attempts in a row that failed."""
    uncertain_since: datetime | None = None
    """Start of the first attempt to post whose outcome is not known; None when no such attempt is open."""
    uncertain_version: int | None = None
    """What that attempt would have shown."""
    notice: Notice | None = None
    """Set on a message that is a notice; its incidents are those that the notice is about."""
    reply_to: int | None = None
    """Discord's id of the card that a notice answers; None when it stands by itself."""
    past: Past | None = None
    """What was before its one incident, while that is open."""
    made_at: datetime | None = None
    """When the change was stored that called for it; None where an older version of the bot made it."""
