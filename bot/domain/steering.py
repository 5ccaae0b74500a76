"""What people decide: acknowledgements, silences, maintenance windows, and how the rules are set. Pure.

A *silence* keeps what it covers from making a sound until a time, or until that is over. A *window* does the same for
everything, once or every week. Either ends by itself, and then what is still open and was held is told, once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.incidents import Happening, Incident, Key, Moment, Notice, NoticeKind, Rule, Stage
from bot.domain.model import Severity

REMIND_FIRST = timedelta(minutes=15)
REMIND_AGAIN = timedelta(hours=1)
"""How long a critical incident stays silent that nobody acknowledged, before the first reminder and then on."""

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a silence covers: a rule, a token, both, or everything."""

    rule: Rule | None = None
    token: int | None = None
    step: str = ""
    """With a rule and a token: one threshold of the rule."""

    def covers(self, key: Key) -> bool:
        """Whether an incident of that key is in it."""
        return (
            (self.rule is None or self.rule is key.rule)
            and (self.token is None or self.token == key.token)
            and (not self.step or self.step == key.step)
        )


@dataclass(frozen=True, slots=True)
class Silence:
    """A time in which what it covers makes no sound."""

    id: str
    """Short, for people to name it."""
    scope: Scope
    since: datetime
    until: datetime | None
    """None: until nothing that it covers is open."""
    by: int
    """Discord's id of the person."""
    reason: str = ""

    def over(self, now: datetime, incidents: Mapping[Key, Incident]) -> bool:
        """Whether it has run its time."""
        if self.until is not None:
            return now >= self.until
        return not any(self.scope.covers(key) and incident.open for key, incident in incidents.items())


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window: watching goes on, telling is held. In the server's time zone, daylight saving and all."""

    id: str
    start: datetime
    """When it begins, or began for the first time."""
    length: timedelta
    weekly: bool
    zone: str
    """IANA name; a weekly window keeps its hour on that clock."""
    by: int
    reason: str = ""
    announced: bool = False
    """Whether the channel was told that it has begun; its end is told after that."""

    def active(self, now: datetime) -> bool:
        """Whether it is on."""
        return any(start <= now < start + self.length for start in self._starts(now))

    def over(self, now: datetime) -> bool:
        """Whether it will never be on again."""
        return not self.weekly and now >= self.start + self.length

    def next_start(self, now: datetime) -> datetime | None:
        """When it begins next; None when it does not."""
        return min((start for start in self._starts(now) if start > now), default=None)

    def _starts(self, now: datetime) -> Iterable[datetime]:
        """The starts that matter now: the last one, and the next."""
        if not self.weekly:
            return (self.start,)
        here = self.start.astimezone(ZoneInfo(self.zone))
        weeks = (now - self.start) // WEEK
        days = (here.date() + timedelta(days=7 * week) for week in range(max(weeks - 1, 0), max(weeks, 0) + 3))
        return tuple(datetime.combine(day, here.timetz().replace(fold=0)) for day in days)


@dataclass(frozen=True, slots=True)
class Setting:
    """How a rule is set for the fleet, or for one token; what is None stays as it is by default."""

    rule: Rule
    token: int | None = None
    enabled: bool | None = None
    severity: Severity | None = None
    threshold: str | None = None
    readings: int | None = None

    @property
    def id(self) -> str:
        """There is one for each rule and token."""
        return f"{self.rule}:{'' if self.token is None else self.token}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the audit trail: who did what, when and why."""

    at: datetime
    by: int
    act: str
    """`acknowledge`, `silence add`, `rules set`, …"""
    what: str
    reason: str = ""


Decision = Silence | Window | Setting
"""What is kept until somebody takes it back or its time is over."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """Everything that people decided and that still holds."""

    silences: Mapping[str, Silence] = field(default_factory=dict)
    windows: Mapping[str, Window] = field(default_factory=dict)
    settings: Mapping[str, Setting] = field(default_factory=dict)

    @classmethod
    def of(cls, decisions: Iterable[Decision]) -> "Decisions":
        """Sort them by kind."""
        return cls().with_(*decisions)

    def with_(self, *decisions: Decision, without: Iterable[str] = ()) -> "Decisions":
        """These and more, less those with the ids in `without`."""
        gone = set(without)
        known: Iterable[Decision] = (*self.silences.values(), *self.windows.values(), *self.settings.values())
        kept = [*(each for each in known if each.id not in gone), *decisions]
        return Decisions(
            {each.id: each for each in kept if isinstance(each, Silence)},
            {each.id: each for each in kept if isinstance(each, Window)},
            {each.id: each for each in kept if isinstance(each, Setting)},
        )

    def holds(self, decision_id: str) -> bool:
        """Whether the decision of that id still holds."""
        return decision_id in self.silences or decision_id in self.windows or decision_id in self.settings

    def quiet(self, key: Key, now: datetime) -> bool:
        """Whether an incident of that key is to make no sound."""
        return any(silence.scope.covers(key) for silence in self.silences.values()) or any(
            window.active(now) for window in self.windows.values()
        )


def name_of(decision: Decision) -> str:
    """What a decision is about, for the audit trail."""
    match decision:
        case Silence(scope=scope):
            named = (scope.rule, scope.step, "" if scope.token is None else str(scope.token))
            return " ".join(filter(None, named)) or "everything"
        case Window(id=name):
            return name
        case Setting(rule=rule, token=token):
            return rule if token is None else f"{rule} {token}"


def acknowledge(incident: Incident, by: int, at: datetime) -> Incident:
    """Somebody looks after it: no reminders until it gets worse."""
    moment = Moment(at, Happening.ACKNOWLEDGED, who=by)
    return replace(incident, acknowledged=moment, moments=(*incident.moments, moment))


def reminder(incident: Incident, now: datetime) -> Incident | None:
    """The incident reminded of, when that is due; None when it is not."""
    if (
        incident.stage is not Stage.FIRING
        or incident.severity is not Severity.CRITICAL
        or incident.acknowledged is not None
        or incident.held
        or incident.loud_at is None
        or now - incident.loud_at < (REMIND_AGAIN if incident.reminders else REMIND_FIRST)
    ):
        return None
    return replace(
        incident,
        loud_at=now,
        reminders=incident.reminders + 1,
        moments=(*incident.moments, Moment(now, Happening.REMINDED)),
    )


def released(incident: Incident, now: datetime) -> tuple[Incident, Notice | None]:
    """A held incident after its quiet has ended, and the notice that it got worse meanwhile; its card is due anyway."""
    had_card = incident.loud_at is not None
    notice = Notice(NoticeKind.RAISED, now, (incident.key,)) if had_card else None
    return replace(incident, held=False, loud_at=now), notice
