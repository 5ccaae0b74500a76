"""Findings over time become incidents: a state machine over values and `now`. It decides; it tells nobody.

A *finding* is what is wrong in one reading. An *incident* is a finding over time, under one `Key`:

    nothing -> pending (seen fewer readings in a row than its rule asks for) -> firing -> resolved

A key that a reading says nothing about does not move. An incident that resolved is history: the same key may open
again, as another incident.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.domain.model import Record, Severity


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
    origin: str = ""
    """The status before the token's trouble began, through whatever statuses followed; for rules about the status."""
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
    """The token as of `read_at`; None when it is not in the list, and for rules that are about no token."""
    detail: str = ""
    origin: str = ""
    """As in `Finding`."""
    told: bool = True
    """False while nobody needs to hear of it (pending, or covered by a deeper step)."""

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


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one look found, and about what it says nothing."""

    at: datetime
    """When the reading was made."""
    findings: Mapping[Key, Finding]
    unsure: frozenset[Key] = frozenset()
    """Open keys that this look says nothing about; they do not move."""
    records: Mapping[int, Record] = field(default_factory=dict)
    """The tokens as read, for the incidents that end."""
    before_at: datetime | None = None
    """When the tokens were read before."""
    baseline: bool = False
    """Whether this is the first reading ever: what it finds is told by its summary, and not one by one."""


@dataclass(frozen=True, slots=True)
class Step:
    """How one look moved the incidents."""

    after: Mapping[Key, Incident]
    """Those that are pending or firing now."""
    changed: tuple[Incident, ...]
    """Those that are new or otherwise than before, the ended ones among them."""
    tell: frozenset[Key]
    """Keys of `changed` that the channel must hear of."""


def step(before: Mapping[Key, Incident], judgement: Judgement) -> Step:
    """Move the incidents by one look. The same look twice changes nothing the second time."""
    moved = [
        *(_found(before.get(finding.key), finding, judgement) for finding in judgement.findings.values()),
        *(
            _ended(incident, judgement)
            for key, incident in before.items()
            if key not in judgement.findings and key not in judgement.unsure
        ),
    ]
    changed = tuple(incident for incident in moved if incident is not before.get(incident.key))
    after = {**before, **{incident.key: incident for incident in changed}}
    return Step(
        after={key: incident for key, incident in after.items() if incident.stage is not Stage.RESOLVED},
        changed=changed,
        tell=frozenset(incident.key for incident in changed if _is_news(before.get(incident.key), incident, judgement)),
    )


def _found(incident: Incident | None, finding: Finding, judgement: Judgement) -> Incident:
    """The incident after a look that found it."""
    if incident is None:
        incident = Incident(
            key=finding.key,
            severity=finding.severity,
            stage=Stage.PENDING,
            opened_at=judgement.at,
            read_at=judgement.at,
            seen=0,
            was=finding.was,
            was_at=judgement.before_at if finding.was else None,
            now=finding.now,
            detail=finding.detail,
            origin=finding.origin,
            told=not finding.quiet,
        )
    if incident.stage is Stage.PENDING:
        incident = replace(
            incident, seen=incident.seen + 1, read_at=judgement.at, now=finding.now, detail=finding.detail
        )
        if incident.seen < finding.readings and not judgement.baseline:
            return incident
        if finding.momentary:
            return replace(incident, stage=Stage.RESOLVED, resolved_at=judgement.at)
        return replace(incident, stage=Stage.FIRING)
    if _face(incident) == _face(finding):
        return incident
    return replace(incident, severity=finding.severity, now=finding.now, detail=finding.detail, read_at=judgement.at)


def _ended(incident: Incident, judgement: Judgement) -> Incident:
    """The incident after a look that did not find it any more."""
    token = incident.key.token
    return replace(
        incident,
        stage=Stage.RESOLVED,
        resolved_at=judgement.at,
        read_at=judgement.at,
        now=None if token is None else judgement.records.get(token),
        told=incident.told and incident.stage is Stage.FIRING,
    )


def _face(seen: Incident | Finding) -> tuple[Severity, str]:
    """What of a firing incident is worth an edit when it changes. Fast time is not: it changes with every reading."""
    word = seen.now.status if seen.now and seen.key.rule is Rule.UNKNOWN_STATUS else ""
    return seen.severity, word


def _is_news(before: Incident | None, after: Incident, judgement: Judgement) -> bool:
    """Whether the channel must hear of the change."""
    if judgement.baseline and before is None and after.key.rule is not Rule.BASELINE:
        return False
    return after.told and after.stage is not Stage.PENDING
