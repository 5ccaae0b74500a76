"""Findings over time become incidents: a state machine over values and `now`. It decides; it tells nobody.

A *finding* is what is wrong in one reading. An *incident* is a finding over time, under one `Key`:

    nothing -> pending (not seen often or long enough for its rule) -> firing -> resolved

Whoever reads the channel can acknowledge a firing incident, which stops its reminders until it gets worse. While it is
quiet (silenced, in a maintenance window, or part of a token's flapping) it moves on, and what would have been told is
held until the quiet ends.

A key that a reading says nothing about does not move. An incident that resolved is history: the same key may open
again, as another incident.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
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
    SUBSCRIPTION = "subscription"
    """Not active, or not renewed when it was due."""
    QUEUE_STUCK = "queue_stuck"
    FROZEN = "frozen"
    """Jobs run, and fast time does not move."""
    POOL = "pool"
    """Too few tokens work, or too little fast time is left in the whole fleet."""
    UPSTREAM_STALE = "upstream_stale"
    """No look has ended for a while."""
    FLAPPING = "flapping"
    """A token changes its status again and again."""


class Happening(StrEnum):
    """What an incident's timeline is made of."""

    FIRED = "fired"
    RAISED = "raised"
    LOWERED = "lowered"
    ACKNOWLEDGED = "acknowledged"
    SILENCED = "silenced"
    REMINDED = "reminded"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of a timeline."""

    at: datetime
    what: Happening
    who: int | None = None
    """Discord's id of the person who did it."""
    severity: Severity | None = None
    """What it rose or fell to."""
    until: datetime | None = None
    """Until when it is silenced; None for "until it is over"."""


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
    clear: int = 1
    """How many readings in a row must miss it before it ends."""
    hold: timedelta = timedelta()
    """How long it must have been found before it fires."""
    flips: tuple[datetime, ...] = ()
    """When the token changed its status, for the rule that counts this."""
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
    told: bool = True
    """False when nobody needs to hear of it: it never fired, or a deeper step covers it."""
    clear: int = 1
    missed: int = 0
    """How many readings in a row missed it, while firing; at `clear` it ends."""
    flips: tuple[datetime, ...] = ()
    moments: tuple[Moment, ...] = ()
    """Its timeline, oldest first."""
    acknowledged: Moment | None = None
    loud_at: datetime | None = None
    """When it last made a sound: fired, rose or reminded. None when it never did."""
    reminders: int = 0
    """How many there were since it fired or rose."""
    held: bool = False
    """It fired or rose while it was quiet, and the channel was not told of that."""

    @property
    def open(self) -> bool:
        """Whether it is firing."""
        return self.stage is Stage.FIRING


class NoticeKind(StrEnum):
    """Why a message is posted beside the card."""

    RAISED = "raised"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    """The only one that makes no sound."""
    SILENCE_STARTED = "silence_started"
    SILENCE_ENDED = "silence_ended"
    MAINTENANCE_STARTED = "maintenance_started"
    MAINTENANCE_ENDED = "maintenance_ended"


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that is posted once and never edited: an answer to the card of its incidents, or a word by itself."""

    kind: NoticeKind
    at: datetime
    keys: tuple[Key, ...] = ()
    """The incidents that it is about."""
    words: str = ""
    """What the incidents do not say: which silence, by whom, why. Escaped by whoever shows it."""
    escalated: bool = False
    """Whether the second line is called, too."""


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
    notice: Notice | None = None
    """Set on a message that is a notice; its incidents are those that the notice is about."""
    reply_to: int | None = None
    """Discord's id of the card that a notice answers; None when it stands by itself."""


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
    """How something moved the incidents."""

    after: Mapping[Key, Incident]
    """Those that are pending or firing now."""
    changed: tuple[Incident, ...] = ()
    """Those that are new or otherwise than before, the ended ones among them."""
    tell: frozenset[Key] = frozenset()
    """Keys of `changed` whose card is to be posted, or edited."""
    notices: tuple[Notice, ...] = ()


Quiet = Callable[[Key], bool]
"""Whether an incident is not to make a sound now."""


def step(before: Mapping[Key, Incident], judgement: Judgement, quiet: Quiet = lambda _: False) -> Step:
    """Move the incidents by one look. The same look twice changes nothing the second time."""
    moved = [
        *(_found(before.get(finding.key), finding, judgement) for finding in judgement.findings.values()),
        *(
            _missed(incident, judgement)
            for key, incident in before.items()
            if key not in judgement.findings and key not in judgement.unsure
        ),
    ]
    untold = judgement.baseline
    news = [
        _news(before.get(incident.key), incident, judgement.at, quiet=quiet(incident.key), untold=untold)
        for incident in moved
        if incident is not before.get(incident.key)
    ]
    return _step(before, news)


def _step(before: Mapping[Key, Incident], news: Iterable["_News"]) -> Step:
    """Put together what became of each incident."""
    news = tuple(news)
    after = {**before, **{each.incident.key: each.incident for each in news}}
    return Step(
        after={key: incident for key, incident in after.items() if incident.stage is not Stage.RESOLVED},
        changed=tuple(each.incident for each in news),
        tell=frozenset(each.incident.key for each in news if each.tell),
        notices=tuple(each.notice for each in news if each.notice is not None),
    )


@dataclass(frozen=True, slots=True)
class _News:
    """An incident that changed, and what the channel hears of it."""

    incident: Incident
    tell: bool = False
    notice: Notice | None = None


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
            told=not finding.quiet,
        )
    if incident.stage is Stage.PENDING:
        return _pending(incident, finding, judgement)
    if incident.missed:
        incident = replace(incident, missed=0)
    if _face(incident) == _face(finding):
        return incident
    return replace(
        incident,
        severity=finding.severity,
        now=finding.now,
        detail=finding.detail,
        flips=finding.flips,
        read_at=judgement.at,
    )


def _pending(incident: Incident, finding: Finding, judgement: Judgement) -> Incident:
    """The incident that does not fire yet, or fires now: the first reading ever waits for nothing."""
    incident = replace(
        incident,
        severity=finding.severity,
        seen=incident.seen + 1,
        read_at=judgement.at,
        now=finding.now,
        detail=finding.detail,
        clear=finding.clear,
        flips=finding.flips,
    )
    ripe = incident.seen >= finding.readings and judgement.at - incident.opened_at >= finding.hold
    if not ripe and not (judgement.baseline and not finding.hold):
        return incident
    if finding.momentary:
        return replace(incident, stage=Stage.RESOLVED, resolved_at=judgement.at)
    return replace(incident, stage=Stage.FIRING)


def _missed(incident: Incident, judgement: Judgement) -> Incident:
    """The incident after a look that did not find it any more."""
    if incident.stage is Stage.FIRING and incident.missed + 1 < incident.clear:
        return replace(incident, missed=incident.missed + 1)
    token = incident.key.token
    return replace(
        incident,
        stage=Stage.RESOLVED,
        resolved_at=judgement.at,
        read_at=judgement.at,
        now=None if token is None else judgement.records.get(token),
        told=incident.told and incident.stage is Stage.FIRING,
    )


def _face(seen: Incident | Finding) -> tuple[Severity, str, int]:
    """What of a firing incident is worth an edit when it changes. Fast time is not: it changes with every reading."""
    word = seen.now.status if seen.now and seen.key.rule is Rule.UNKNOWN_STATUS else ""
    return seen.severity, word, len(seen.flips)


def _news(before: Incident | None, after: Incident, at: datetime, *, quiet: bool, untold: bool) -> _News:
    """What the channel hears of an incident that changed, and what its timeline notes."""
    if not after.told or after.stage is Stage.PENDING:
        return _News(after)
    if before is None or before.stage is Stage.PENDING:
        return _fired(after, at, quiet=quiet, untold=untold and after.key.rule is not Rule.BASELINE)
    if after.stage is Stage.RESOLVED:
        return _over(after, at)
    if after.severity.rank > before.severity.rank:
        return _raised(after, at, quiet=quiet)
    if after.severity.rank < before.severity.rank:
        after = _with(after, Moment(at, Happening.LOWERED, severity=after.severity))
    return _News(after, tell=_has_card(after) and _face(before) != _face(after))


def _fired(incident: Incident, at: datetime, *, quiet: bool, untold: bool) -> _News:
    incident = _with(incident, Moment(incident.opened_at, Happening.FIRED))
    if untold:
        return _News(incident)
    if quiet:
        return _News(replace(incident, held=True))
    return _News(replace(incident, loud_at=at), tell=True)


def _raised(incident: Incident, at: datetime, *, quiet: bool) -> _News:
    """It got worse: whoever acknowledged it did not acknowledge that."""
    incident = _with(
        replace(incident, acknowledged=None, reminders=0), Moment(at, Happening.RAISED, severity=incident.severity)
    )
    if quiet:
        return _News(replace(incident, held=True), tell=_has_card(incident))
    if not _has_card(incident):
        return _News(replace(incident, loud_at=at), tell=True)
    return _News(
        replace(incident, loud_at=at, held=False), tell=True, notice=Notice(NoticeKind.RAISED, at, (incident.key,))
    )


def _over(incident: Incident, at: datetime) -> _News:
    """It ended. What nobody heard of needs no end, but what the first reading's summary told does."""
    incident = _with(incident, Moment(at, Happening.RESOLVED))
    if incident.held and not _has_card(incident):
        return _News(replace(incident, told=False))
    notice = Notice(NoticeKind.RESOLVED, at, (incident.key,)) if _has_card(incident) else None
    return _News(incident, tell=True, notice=notice)


def _has_card(incident: Incident) -> bool:
    return incident.loud_at is not None


def _with(incident: Incident, moment: Moment) -> Incident:
    return replace(incident, moments=(*incident.moments, moment))
