"""What people decide: acknowledgements, silences, maintenance windows, and how the rules are set. Pure.

A *silence* suppresses what its scope matches until a time, or just the incidents that it covers, until these are
resolved. A *window* suppresses everything, once or every week. Either ends by itself, and then the channel is notified,
once, of what fired meanwhile and is still open; what was open before, what something else still suppresses, and what
resolved meanwhile is named by the notice that the silence or window has ended. Of two that touch or overlap, if one
suppresses all that the other does, only the last end is told.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.groups import Group
from bot.domain.incidents import Happening, Incident, Key, Moment, Rule, noted, sounded
from bot.domain.messages import Notice, NoticeKind
from bot.domain.model import Severity
from bot.domain.value import Value, field, replace

REMIND_FIRST = timedelta(minutes=15)
REMIND_AGAIN = timedelta(hours=1)
"""How long a critical incident waits that nobody acknowledged, before the first reminder and between later ones."""

TEST_LASTS = timedelta(minutes=5)
"""How long a test waits for somebody to acknowledge it. At half of that it reminds, as a page does later."""

WEEK = timedelta(days=7)


class Scope(Value):
    """What a silence matches: a rule, a token, a group, a rule of either, or everything that there is or will be."""

    rule: Rule | None = None
    token: int | None = None
    step: str = ""
    """One threshold of the rule, in silences of earlier versions: today a token has one incident for all of them."""
    group: Group | None = None
    """These tokens, and what is told of them together. It is what the group is now: whatever moves that moves this."""

    def matches(self, key: Key) -> bool:
        """Whether it matches an incident of that key. Nothing matches a test, which is to sound."""
        return (
            key.rule is not Rule.TEST
            and (self.rule is None or self.rule is key.rule)
            and (self.token is None or self.token == key.token)
            and (not self.step or self.step == key.step)
            and (self.group is None or self.group.holds(key.token) or key.group == self.group.name)
        )

    def includes(self, other: "Scope") -> bool:
        """Whether it matches all that the other one does."""
        theirs = other.group
        ours = (
            self.group is None or self.group.holds(other.token) or (theirs is not None and self.group.id == theirs.id)
        )
        about = self.rule in {None, other.rule} and self.token in {None, other.token}
        return ours and about and self.step in {"", other.step}


class Covered(Value):
    """An incident that a silence covers, as it was then."""

    key: Key
    opened_at: datetime
    severity: Severity
    level: str = ""
    """Of fast time that is low, which of its levels it was at, for people."""

    @classmethod
    def of(cls, incident: Incident) -> "Covered":
        """As it is now."""
        level = incident.detail if incident.key.rule is Rule.FAST_TIME_LOW else ""
        return cls(incident.key, incident.opened_at, incident.severity, level or incident.key.step)

    def names(self, incident: Incident | None) -> bool:
        """Whether that is the incident. A later one of the same key is another."""
        return incident is not None and incident.key == self.key and incident.opened_at == self.opened_at

    def holds(self, incident: Incident | None) -> bool:
        """Whether that is the incident, and no graver than it was."""
        return incident is not None and self.names(incident) and incident.severity.rank <= self.severity.rank


class Silence(Value):
    """A time in which what it matches notifies nobody."""

    id: str
    """Short, for people to name it."""
    scope: Scope
    since: datetime
    until: datetime | None
    """None: until nothing that it covers is open."""
    by: int
    """Discord's id of the person."""
    reason: str = ""
    suppressed: tuple[Key, ...] = field(default=(), name="missed")
    """What resolved, or was momentary, while it was suppressed: named when the silence ends."""
    covered: tuple[Covered, ...] = ()
    """The incidents that it suppresses, unless they become graver; empty for whatever the scope matches."""

    def suppresses(self, incident: Incident) -> bool:
        """Whether it keeps that incident from notifying, as severe as it is now."""
        if self.covered:
            return any(each.holds(incident) for each in self.covered)
        return self.scope.matches(incident.key)

    def includes(self, other: "Silence | Window") -> bool:
        """Whether it suppresses all that the other one does, while both are on."""
        if isinstance(other, Window):
            return not self.covered and self.scope == Scope()
        if self.covered:
            held = {(each.key, each.opened_at): each.severity.rank for each in self.covered}
            ranks = [(held.get((each.key, each.opened_at), -1), each.severity.rank) for each in other.covered]
            return bool(ranks) and all(ours >= theirs for ours, theirs in ranks)
        if other.covered:
            return all(self.scope.matches(each.key) for each in other.covered)
        return self.scope.includes(other.scope)

    def over(self, now: datetime, incidents: Mapping[Key, Incident]) -> bool:
        """Whether it has run its time, or nothing that it covers is open.

        One of a threshold, from an earlier version, is over as well: what it meant is a part of an incident now, and
        to go on could suppress the rest of it.
        """
        if self.until is not None and now >= self.until:
            return True
        if self.covered:
            return not any(
                found.open for each in self.covered if (found := incidents.get(each.key)) and each.names(found)
            )
        return self.until is None or bool(self.scope.step)


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

    def includes(self, other: "Silence | Window") -> bool:
        """Whether it suppresses all that the other one does, while both are on."""
        del other
        return self.announced

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
    """How a rule is set for the fleet, a group or one token; what is None stays as it is by default."""

    rule: Rule
    token: int | None = None
    enabled: bool | None = None
    severity: Severity | None = None
    threshold: str | None = None
    readings: int | None = None
    group: Group | None = None
    """As in `Scope`."""

    @property
    def id(self) -> str:
        """There is one for each rule and token, and for each rule and group. No other decision's has a colon."""
        whose = self.group.id if self.group is not None else "" if self.token is None else self.token
        return f"{self.rule}:{whose}"


class Entry(Value):
    """A line of the audit trail: who did what, when and why."""

    at: datetime
    by: int
    act: str
    """`acknowledge`, `silence add`, `rules set`, …"""
    what: str
    reason: str = ""


def pinned(silence: Silence, incidents: Mapping[Key, Incident]) -> Silence:
    """The silence; one until its incidents are resolved covers those that are open, and no other.

    One of a threshold, from an earlier version, stays as it is: it is over.
    """
    if silence.until is not None or silence.covered or silence.scope.step:
        return silence
    open_ = [each for key, each in incidents.items() if each.open and silence.scope.matches(key)]
    # What is covered follows no group any more, and so an older version, which knows of none, reads it as it is meant.
    scope = replace(silence.scope, group=None) if open_ and silence.scope.group else silence.scope
    return replace(silence, covered=tuple(map(Covered.of, open_)), scope=scope)


def acknowledge(incident: Incident, by: int, at: datetime) -> Incident:
    """Somebody has it, as it is: no reminders until it gets worse."""
    return _taken(incident, Moment(at, Happening.ACKNOWLEDGED, who=by))


def hand_over(incident: Incident, to: int, by: int, at: datetime) -> Incident:
    """Somebody has it, because another gave it to them, whoever had it before."""
    return _taken(incident, Moment(at, Happening.ACKNOWLEDGED, who=to, by=by))


def _taken(incident: Incident, moment: Moment) -> Incident:
    """Whoever has it knows how bad it is, also when it got worse while it was suppressed."""
    notified_as = incident.severity if incident.has_card else incident.notified_as
    return replace(noted(incident, moment), acknowledged=moment, notified_as=notified_as)


def hand_back(incident: Incident, by: int, at: datetime) -> Incident:
    """Nobody has it any more. The next reminder takes its whole time from now on."""
    moment = Moment(at, Happening.ACKNOWLEDGED, by=by)
    incident = replace(noted(incident, moment), acknowledged=None)
    return replace(incident, notified_at=at) if incident.has_card else incident


def reminder(incident: Incident, now: datetime) -> Incident | None:
    """The incident reminded of, when that is due; None when it is not, or when it has no card to answer."""
    if not incident.pages or incident.notified_at is None:
        return None
    first, again = (TEST_LASTS / 2, TEST_LASTS) if incident.key.rule is Rule.TEST else (REMIND_FIRST, REMIND_AGAIN)
    if now - incident.notified_at < (again if incident.reminders else first):
        return None
    moment = Moment(now, Happening.REMINDED)
    return replace(sounded(noted(incident, moment), now), notified_at=now, reminders=incident.reminders + 1)


def released(incident: Incident, now: datetime) -> tuple[Incident, Notice | None]:
    """An unnotified incident, now that it is not suppressed any more, and the notice that it got worse meanwhile.

    Its card is due anyway, so one that has none yet needs no notice.
    """
    notice = Notice(NoticeKind.RAISED, now, (incident.key,)) if incident.has_card else None
    first = incident.first_notified_at or now
    incident = replace(sounded(incident, now), notified_at=now, notified_as=incident.severity, first_notified_at=first)
    return incident, notice
