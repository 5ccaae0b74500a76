"""Findings over time become incidents: a state machine over values and `now`. It decides; it tells nobody.

A *finding* is what is wrong in one reading. An *incident* is a finding over time, under one `Key`:

    nothing -> pending (not seen often or long enough for its rule) -> firing -> resolved

Whoever reads the channel can acknowledge a firing incident, which stops its reminders until it gets worse. While it is
quiet (silenced, in a maintenance window, or part of a token's flapping) it moves on without a sound: a card that is
there already is edited, what fired or rose is *held* until the quiet ends, and ends are left to the word that says so.

A key that a reading says nothing about does not move. An incident that resolved is history: the same key may open
again, as another incident.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.model import Record, Severity, Token
from bot.domain.value import Value, field, replace


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
    UNWATCHED = "unwatched"
    """Its rule, or this step of it, was switched off: it ended, and whether it got better is not known."""


class Moment(Value):
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


class Key(Value):
    """What an incident is about. At most one incident of a key is open."""

    rule: Rule
    token: int | None = None
    """The token's id; None for the fleet and the upstream."""
    step: str = ""
    """The threshold's text (`20%`, `30m`) for rules that have several."""


class Finding(Value):
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
    clear: int = 1
    """How many readings in a row must miss it before it ends."""
    hold: timedelta = timedelta()
    """How long it must have been found before it fires."""
    flips: tuple[datetime, ...] = ()
    """When the token changed its status, for the rule that counts this; oldest first."""
    momentary: bool = False
    """A line that is told once and over at once."""
    quiet: bool = False
    """Worth keeping but not telling, since a deeper step is told in the same breath."""


class Incident(Value):
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
    """How many readings in a row found it, while pending; counted as far as its rule asks."""
    was: Record | None = None
    was_at: datetime | None = None
    """When `was` was last read."""
    now: Record | None = None
    """The token as of `read_at`; None when it is not in the list, and for rules that are about no token."""
    detail: str = ""
    origin: str = ""
    """As in `Finding`."""
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
    """When it last made a sound (fired, rose or reminded), or was found still waiting to be heard.

    None when it never did, and has no card.
    """
    heard: Severity | None = None
    """As how severe the channel knows it, by its card or by the first reading's summary; None when it does not."""
    reminders: int = 0
    """How many there were since it fired or rose."""

    @property
    def open(self) -> bool:
        """Whether it is firing."""
        return self.stage is Stage.FIRING

    @property
    def has_card(self) -> bool:
        """Whether it was told on a card. What only the first reading's summary told has none."""
        return self.loud_at is not None

    @property
    def held(self) -> bool:
        """Whether it fired or rose while it was quiet, and the channel was not told of that."""
        return self.open and self.told and (self.heard is None or self.severity.rank > self.heard.rank)

    @property
    def unwatched(self) -> bool:
        """Whether it ended because nobody wants to hear of it any more, and not because it got better."""
        return bool(self.moments) and self.moments[-1].what is Happening.UNWATCHED


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


class Notice(Value):
    """A message that is posted once and never edited: an answer to the card of its incidents, or a word by itself."""

    kind: NoticeKind
    at: datetime
    keys: tuple[Key, ...] = ()
    """The incidents that it is about."""
    about: str = ""
    """Which silence or window: what it covers, as in `banned 1900` or `everything`."""
    words: str = ""
    """Why: a person's own words, escaped by whoever shows them."""
    by: int | None = None
    """Discord's id of the person whose silence or window it is."""
    until: datetime | None = None
    """When what has started will end by itself; None for a silence "until it is over"."""
    escalated: bool = False
    """Whether the second line is called, too."""


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
    made_at: datetime | None = None
    """When the change was stored that called for it; None where an older version of the bot made it."""


class Judgement(Value):
    """What one look found, and about what it says nothing."""

    at: datetime
    """When the reading was made."""
    findings: Mapping[Key, Finding]
    unsure: frozenset[Key] = frozenset()
    """Open keys that this look says nothing about; they do not move."""
    unwatched: frozenset[Key] = frozenset()
    """Open keys whose rule or step was switched off; they end, whatever this look says."""
    tokens: Mapping[int, Token] = field(default_factory=dict)
    """As read, for the incidents that end."""
    before_at: datetime | None = None
    """When the tokens were read before."""
    baseline: bool = False
    """Whether this is the first reading ever: what it finds is told by its summary, and not one by one."""


class Step(Value):
    """How something moved the incidents."""

    after: Mapping[Key, Incident]
    """Those that are pending or firing now."""
    changed: tuple[Incident, ...] = ()
    """Those that are new or otherwise than before, the ended ones among them."""
    tell: frozenset[Key] = frozenset()
    """Keys of `changed` whose card is to be posted, or edited."""
    notices: tuple[Notice, ...] = ()
    unheard: tuple[Key, ...] = ()
    """Keys of `changed` that ended, or were a line to tell, while they were quiet. Whose quiet it is has to tell.

    What nobody heard of, since it began in that quiet or another, is no longer `told`.
    """


Quiet = Callable[[Key, Mapping[Key, Incident]], bool]
"""Whether an incident of that key is not to make a sound now, given all incidents as they are after the look."""

KEPT_MOMENTS = 50
"""Entries of a timeline: its beginning, and the latest."""


def noted(incident: Incident, moment: Moment) -> Incident:
    """The incident with one more entry in its timeline; a reminder takes the place of the one before."""
    first, rest = incident.moments[:1], incident.moments[1:]
    if rest and moment.what is rest[-1].what is Happening.REMINDED:
        rest = rest[:-1]
    return replace(incident, moments=(*first, *rest[-(KEPT_MOMENTS - 2) :], moment))


def step(before: Mapping[Key, Incident], judgement: Judgement, quiet: Quiet) -> Step:
    """Move the incidents by one look. The same look twice tells nothing the second time."""
    moved = {
        **{key: _found(before.get(key), finding, judgement) for key, finding in judgement.findings.items()},
        **{key: _missed(incident, judgement) for key, incident in before.items() if _is_missed(key, judgement)},
    }
    after = {**before, **moved}
    news = tuple(
        _news(before.get(key), incident, judgement, quiet=quiet(key, after))
        for key, incident in moved.items()
        if incident is not before.get(key)
    )
    after |= {each.incident.key: each.incident for each in news}
    return Step(
        after={key: incident for key, incident in after.items() if incident.stage is not Stage.RESOLVED},
        changed=tuple(each.incident for each in news),
        tell=frozenset(each.incident.key for each in news if each.tell),
        notices=tuple(each.notice for each in news if each.notice is not None),
        unheard=tuple(each.incident.key for each in news if each.unheard),
    )


class _News(Value):
    """An incident that changed, and what the channel hears of it."""

    incident: Incident
    tell: bool = False
    notice: Notice | None = None
    unheard: bool = False


def _is_missed(key: Key, judgement: Judgement) -> bool:
    return key in judgement.unwatched or (key not in judgement.findings and key not in judgement.unsure)


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
            origin=finding.origin,
        )
    if incident.stage is Stage.PENDING:
        return _pending(incident, finding, judgement)
    if incident.missed:
        incident = replace(incident, missed=0)
    return incident if _face(incident) == _face(finding) else _as_found(incident, finding, judgement.at)


def _pending(incident: Incident, finding: Finding, judgement: Judgement) -> Incident:
    """The incident that does not fire yet, or fires now: the first reading ever waits for nothing but a hold."""
    seen = min(incident.seen + 1, finding.readings)
    often = judgement.baseline or seen == finding.readings
    if not often or judgement.at - incident.opened_at < finding.hold:
        return incident if seen == incident.seen else replace(incident, seen=seen)
    incident = replace(
        _as_found(incident, finding, judgement.at), seen=seen, clear=finding.clear, told=not finding.quiet
    )
    if finding.momentary:
        return replace(incident, stage=Stage.RESOLVED, resolved_at=judgement.at)
    return replace(incident, stage=Stage.FIRING)


def _as_found(incident: Incident, finding: Finding, at: datetime) -> Incident:
    return replace(
        incident,
        severity=finding.severity,
        now=finding.now,
        detail=finding.detail,
        flips=finding.flips,
        read_at=at,
    )


def _missed(incident: Incident, judgement: Judgement) -> Incident:
    """The incident after a look that did not find it any more. What is unwatched, or gone, lingers for nothing."""
    key = incident.key
    here = key not in judgement.unwatched and (key.token is None or key.token in judgement.tokens)
    if incident.open and here and incident.missed + 1 < incident.clear:
        return replace(incident, missed=incident.missed + 1)
    token = None if key.token is None else judgement.tokens.get(key.token)
    return replace(
        incident,
        stage=Stage.RESOLVED,
        resolved_at=judgement.at,
        read_at=judgement.at,
        now=None if token is None else token.record,
        told=incident.told and incident.open,
    )


def _face(seen: Incident | Finding) -> tuple[Severity, str, tuple[datetime, ...]]:
    """What of a firing incident is worth an edit when it changes. Fast time is not: it changes with every reading."""
    match seen.key.rule:
        case Rule.UNKNOWN_STATUS:
            word = seen.now.status if seen.now else ""
        case Rule.POOL:
            word = seen.detail
        case _:
            word = ""
    return seen.severity, word, seen.flips[-1:]


def _news(before: Incident | None, after: Incident, judgement: Judgement, *, quiet: bool) -> _News:
    """What the channel hears of an incident that changed, and what its timeline notes."""
    at = judgement.at
    if not after.told or after.stage is Stage.PENDING:
        return _News(after)
    if before is None or before.stage is Stage.PENDING:
        summed_up = judgement.baseline and after.key.rule is not Rule.BASELINE
        return _fired(after, at, quiet=quiet, summed_up=summed_up)
    if after.stage is Stage.RESOLVED:
        return _over(after, at, quiet=quiet, unwatched=after.key in judgement.unwatched)
    if after.severity.rank > before.severity.rank:
        return _raised(after, at, quiet=quiet)
    if after.severity.rank < before.severity.rank:
        after = _lowered(after, at)
    return _News(after, tell=after.has_card and _face(before) != _face(after))


def _fired(incident: Incident, at: datetime, *, quiet: bool, summed_up: bool) -> _News:
    incident = noted(incident, Moment(incident.opened_at, Happening.FIRED))
    if summed_up:
        return _News(replace(incident, heard=incident.severity))
    if quiet:
        return _News(incident, unheard=not incident.open)
    return _News(_aloud(incident, at), tell=True)


def _raised(incident: Incident, at: datetime, *, quiet: bool) -> _News:
    """It got worse: whoever acknowledged it did not acknowledge that."""
    moment = Moment(at, Happening.RAISED, severity=incident.severity)
    incident = noted(replace(incident, acknowledged=None, reminders=0), moment)
    if quiet:
        return _News(incident, tell=incident.has_card)
    notice = Notice(NoticeKind.RAISED, at, (incident.key,)) if incident.has_card else None
    return _News(_aloud(incident, at), tell=True, notice=notice)


def _lowered(incident: Incident, at: datetime) -> Incident:
    """It got better, and the channel knows no worse of it than that any more."""
    heard = min(incident.heard, incident.severity, key=lambda each: each.rank) if incident.heard else None
    return noted(replace(incident, heard=heard), Moment(at, Happening.LOWERED, severity=incident.severity))


def _over(incident: Incident, at: datetime, *, quiet: bool, unwatched: bool) -> _News:
    """It ended. What nobody heard of needs no end, but what the first reading's summary told does."""
    incident = noted(incident, Moment(at, Happening.UNWATCHED if unwatched else Happening.RESOLVED))
    if incident.heard is None:
        return _News(replace(incident, told=False), unheard=quiet and not unwatched)
    if quiet or unwatched:
        return _News(incident, tell=incident.has_card, unheard=quiet and not unwatched)
    notice = Notice(NoticeKind.RESOLVED, at, (incident.key,)) if incident.has_card else None
    return _News(incident, tell=True, notice=notice)


def _aloud(incident: Incident, at: datetime) -> Incident:
    return replace(incident, loud_at=at, heard=incident.severity)
