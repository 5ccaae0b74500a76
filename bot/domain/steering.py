"""What people decide: acknowledgements, silences, maintenance windows, and how the rules are set. Pure.

A *silence* suppresses what it matches until a time, or until that is resolved. A *window* suppresses everything, once
or every week. Either ends by itself, and then the channel is notified, once, of what fired meanwhile and is still open;
what resolved meanwhile is named by the notice that the silence or window has ended.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.incidents import Happening, Incident, Key, Moment, Notice, NoticeKind, Rule, noted
from bot.domain.model import Severity
from bot.domain.value import Value, field, replace

REMIND_FIRST = timedelta(minutes=15)
REMIND_AGAIN = timedelta(hours=1)
"""How long a critical incident waits that nobody acknowledged, before the first reminder and between later ones."""

WEEK = timedelta(days=7)


class Scope(Value):
    """What a silence matches: a rule, a token, both, or everything."""

    rule: Rule | None = None
    token: int | None = None
    step: str = ""
    """With a rule and a token: one threshold of the rule."""

    def matches(self, key: Key) -> bool:
        """Whether it matches an incident of that key."""
        return (
            (self.rule is None or self.rule is key.rule)
            and (self.token is None or self.token == key.token)
            and (not self.step or self.step == key.step)
        )


class Silence(Value):
    """A time in which what it matches notifies nobody."""

    id: str
    """Short, for people to name it."""
    scope: Scope
    since: datetime
    until: datetime | None
    """None: until nothing that it matches is open."""
    by: int
    """Discord's id of the person."""
    reason: str = ""
    suppressed: tuple[Key, ...] = field(default=(), name="missed")
    """What resolved, or was momentary, while it was suppressed: named when the silence ends."""

    def over(self, now: datetime, incidents: Mapping[Key, Incident]) -> bool:
        """Whether it has run its time."""
        if self.until is not None:
            return now >= self.until
        return not any(self.scope.matches(key) and incident.open for key, incident in incidents.items())


class Window(Value):
    """A maintenance window: polling goes on, notifications wait. In the server's time zone, daylight saving and all."""

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
    """Whether its start was posted. From then until its end is posted, everything is suppressed."""
    suppressed: tuple[Key, ...] = field(default=(), name="missed")
    """As in `Silence`."""

    def active(self, now: datetime) -> bool:
        """Whether it is on."""
        return self.ends(now) is not None

    def ends(self, now: datetime) -> datetime | None:
        """When it ends, while it is on."""
        return max(
            (start + self.length for start in self._starts(now) if start <= now < start + self.length), default=None
        )

    def over(self, now: datetime) -> bool:
        """Whether it will never be on again."""
        return not self.weekly and now >= self.start + self.length

    def next_start(self, now: datetime) -> datetime | None:
        """When it begins next; None when it does not."""
        return min((start for start in self._starts(now) if start > now), default=None)

    def _starts(self, now: datetime) -> Iterable[datetime]:
        """The starts that matter now, in UTC, so that a length is real time on the nights when the clock changes."""
        if not self.weekly:
            return (self.start,)
        here = self.start.astimezone(ZoneInfo(self.zone))
        week = max((now - self.start) // WEEK, 1)
        days = (here.date() + number * WEEK for number in range(week - 1, week + 3))
        starts = (datetime.combine(day, here.timetz().replace(fold=0)).astimezone(UTC) for day in days)
        # Its hour comes twice in the night when the clock goes back, and it may have been set in the second one.
        return tuple(max(start, self.start) for start in starts)


class Setting(Value):
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


class Entry(Value):
    """A line of the audit trail: who did what, when and why."""

    at: datetime
    by: int
    act: str
    """`acknowledge`, `silence add`, `rules set`, …"""
    what: str
    reason: str = ""


Decision = Silence | Window | Setting
"""What is kept until somebody takes it back or its time is over."""


class Decisions(Value):
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

    def suppressor(self) -> Callable[[Key], Silence | Window | None]:
        """What suppresses an incident, by its key; None when nothing does."""
        window = next((window for window in self.windows.values() if window.announced), None)
        silences = tuple(self.silences.values())

        def suppressing(key: Key) -> Silence | Window | None:
            return window or next((silence for silence in silences if silence.scope.matches(key)), None)

        return suppressing


def name_of(decision: Decision) -> str:
    """What a decision is about, for people."""
    match decision:
        case Silence(scope=scope):
            named = (scope.rule, scope.step, "" if scope.token is None else str(scope.token))
            return " ".join(filter(None, named)) or "everything"
        case Window(id=name):
            return name
        case Setting(rule=rule, token=token):
            return rule if token is None else f"{rule} {token}"


def acknowledge(incident: Incident, by: int, at: datetime) -> Incident:
    """Somebody has it: no reminders until it gets worse."""
    moment = Moment(at, Happening.ACKNOWLEDGED, who=by)
    return replace(noted(incident, moment), acknowledged=moment)


def reminder(incident: Incident, now: datetime) -> Incident | None:
    """The incident reminded of, when that is due; None when it is not, or when it has no card to answer."""
    waits = incident.open and incident.severity is Severity.CRITICAL and incident.acknowledged is None
    if not waits or incident.notified_at is None:
        return None
    if now - incident.notified_at < (REMIND_AGAIN if incident.reminders else REMIND_FIRST):
        return None
    moment = Moment(now, Happening.REMINDED)
    return replace(noted(incident, moment), notified_at=now, reminders=incident.reminders + 1)


def released(incident: Incident, now: datetime) -> tuple[Incident, Notice | None]:
    """An unnotified incident, now that it is not suppressed any more, and the notice that it got worse meanwhile.

    Its card is due anyway, so one that has none yet needs no notice.
    """
    notice = Notice(NoticeKind.RAISED, now, (incident.key,)) if incident.has_card else None
    return replace(incident, notified_at=now, notified_as=incident.severity), notice
