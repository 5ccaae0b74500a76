"""Findings over time become incidents: a state machine over values and `now`. It decides; it tells nobody.

A *finding* is what is wrong in one reading. An *incident* is a finding over time, under one `Key`:

    nothing -> pending (seen fewer readings in a row than its rule asks for) -> firing -> resolved

A key that a reading says nothing about does not move. An incident that resolved is history: the same key may open again,
as another incident.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.model import Fleet, Reading, Record, Severity


class Rule(StrEnum):
    """What can be wrong, or worth a line. The wording and severity of each is in `bot.domain.rules`."""

    BASELINE = "baseline"
    """The first reading ever: one summary of the fleet."""
    UPSTREAM_DOWN = "upstream_down"
    UPSTREAM_REFUSED = "upstream_refused"
    BANNED = "banned"
    VERIFYING = "verifying"
    DEGRADED = "degraded"
    """Was FAST, is RELAX."""
    UNKNOWN_STATUS = "unknown_status"
    RESTORED = "restored"
    """RELAX became FAST without an incident before: worth a line."""
    FAST_TIME_LOW = "fast_time_low"
    FAST_TIME_GONE = "fast_time_gone"
    INACTIVE = "inactive"
    GONE = "gone"
    """No longer in the upstream's list."""
    NEW = "new"


class Stage(StrEnum):
    """Where an incident is in its life."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Key:
    """What an incident is about. At most one incident of a key is open."""

    rule: Rule
    token: int | None = None
    """The token's id; None for the fleet and the upstream."""
    step: str = ""
    """The threshold's text (`20%`, `30m`) for rules that have several."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in one reading."""

    key: Key
    severity: Severity
    was: Record | None = None
    """The token as it was before this began; None when it was not seen before."""
    now: Record | None = None
    """The token as read."""
    detail: str = ""
    """For people, when the records do not say it: the upstream's own words, escaped by whoever shows them."""
    readings: int = 1
    """How many readings in a row must find it before it fires."""
    momentary: bool = False
    """A line that is told once and over at once."""
    quiet: bool = False
    """Worth keeping but not telling, since a deeper step is told in the same breath."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A finding over time."""

    key: Key
    severity: Severity
    stage: Stage
    opened_at: datetime
    """When the reading was made that found it first."""
    read_at: datetime
    """When the reading was made that it speaks of: the last that changed it."""
    resolved_at: datetime | None = None
    seen: int = 1
    """How many readings in a row found it, while pending."""
    was: Record | None = None
    was_at: datetime | None = None
    """When `was` was last read."""
    now: Record | None = None
    """The token as of `read_at`; None when it was not in the list."""
    detail: str = ""
    told: bool = True
    """False while nobody needs to hear of it (pending, or covered by a deeper step)."""
    resolution: str = ""
    """Why it ended, when the records do not say it."""

    @property
    def open(self) -> bool:
        """Whether it is firing."""
        return self.stage is Stage.FIRING


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the ops channel: a card for one incident, or a summary of several.

    The outbox brings the channel to agree with it: posted once, then edited whenever `version` grew.
    """

    id: int
    mark: str
    """Short and unique over installations (`k3f9-57`): the nonce of the post, and a word in its footer. At most 25 long."""
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


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered between two looks, and over restarts."""

    records: Mapping[int, Record] = field(default_factory=dict)
    """The last reading of each token, by id."""
    read_at: datetime | None = None
    """When the whole fleet was last read; None before the first reading."""
    incidents: Mapping[Key, Incident] = field(default_factory=dict)
    """The incidents that are pending or firing."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What one look changes; stored whole or not at all."""

    read_at: datetime | None
    """When the whole fleet was last read, after this look."""
    records: tuple[Record, ...] = ()
    """Tokens that are new or read otherwise than before."""
    removed: frozenset[int] = frozenset()
    """Tokens to forget."""
    incidents: tuple[Incident, ...] = ()
    """Incidents that are new or changed. Those that ended have the stage RESOLVED."""
    tell: frozenset[Key] = frozenset()
    """Keys among `incidents` whose message is to be posted, or edited."""
