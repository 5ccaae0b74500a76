"""Stories about a fleet: looks, ticks of the clock and what people do, and what the channel hears of each."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

from bot.domain.decisions import Decision
from bot.domain.incidents import Incident, Key, Rule, Stage
from bot.domain.info import threshold
from bot.domain.messages import Notice
from bot.domain.model import Failure, Record, Severity, Trouble
from bot.domain.naming import name_of
from bot.domain.rules.policy import Policy
from bot.domain.steering import Covered, Entry, Scope, Setting, Silence, Window
from bot.domain.watch.known import Changes, Known
from bot.domain.watch.poll import advance_failure
from bot.domain.watch.response import acknowledge, believe, decide, hand_back, hand_over, undo
from bot.domain.watch.schedule import tick
from tests.domain.fleets import at, reading, record, taken

STEPS = (threshold("20%"), threshold("5%"))
EVERY_MINUTE = Policy(STEPS, interval=timedelta(minutes=1))
"""For stories that tell every look."""
POLICY = Policy(STEPS, interval=timedelta(days=365))
"""For stories that leave out the looks that bring no news."""
ANA = 41
"""A person, by Discord's id."""
BYSTANDER = record(7)
"""An account that works, so that the fleet as a whole is no incident."""


@dataclass
class Story:
    """What happens to a fleet, with what is remembered in between."""

    policy: Policy = POLICY
    bystanders: tuple[Record, ...] = (BYSTANDER,)
    """In every reading of the whole fleet."""
    known: Known = field(default_factory=Known)
    notified: list[Incident] = field(default_factory=list)
    """Every piece of news on a card so far."""
    changes: Changes = field(default_factory=lambda: Changes(None))
    """The last ones."""

    def read(self, minutes: float, *records: Record, whole: bool = True) -> list[str]:
        """Look once; returns what the cards say anew."""
        fleet = (*records, *self.bystanders) if whole else records
        return self._heard(*taken(self.known, reading(minutes, *fleet, whole=whole), self.policy))

    def fail(
        self,
        minutes: float,
        trouble: Trouble = Trouble.UNREACHABLE,
        why: str = "no route",
        until: float | None = None,
    ) -> list[str]:
        """A look that brings no reading; until then the upstream asks to be left alone."""
        failure = Failure(trouble, why, at(minutes), until=None if until is None else at(until))
        return self._heard(*advance_failure(self.known, failure, self.policy))

    def tick(self, minutes: float, undelivered: Collection[Key] = ()) -> list[str]:
        """Let the time do its part; returns the notices."""
        self._heard(*tick(self.known, at(minutes), self.policy, undelivered))
        return self.notices

    def acknowledge(self, minutes: float, *keys: Key, by: int = ANA) -> list[str]:
        """Somebody presses the button; returns what the cards say anew."""
        return self._heard(*acknowledge(self.known, keys, by, at(minutes)))

    def release(self, minutes: float, *keys: Key, by: int = ANA) -> list[str]:
        """Somebody takes an acknowledgement back; returns what the cards say anew."""
        return self._heard(*hand_back(self.known, keys, by, at(minutes)))

    def hand_over(self, minutes: float, *keys: Key, to: int, by: int = ANA) -> list[str]:
        """Somebody gives incidents to another; returns the notices."""
        self._heard(*hand_over(self.known, keys, to, by, at(minutes)))
        return self.notices

    def believe(self, minutes: float, by: int = ANA) -> list[str]:
        """Somebody says that the short list is true."""
        return self._heard(*believe(self.known, by, at(minutes)))

    def decide(self, minutes: float, decision: Decision) -> list[str]:
        """Somebody decides something; returns the notices."""
        self._heard(*decide(self.known, decision, Entry(at(minutes), ANA, "decide", name_of(decision))))
        return self.notices

    def undo(self, minutes: float, decision: Decision) -> list[str]:
        """Somebody takes it back; returns the notices."""
        self._heard(*undo(self.known, decision, Entry(at(minutes), ANA, "undo", name_of(decision))))
        return self.notices

    def silence(self, minutes: float, until: float | None, scope: Scope | None = None, name: str = "s1") -> Silence:
        """Somebody silences what the scope covers: everything, unless it is given."""
        silence = Silence(name, scope or Scope(), at(minutes), None if until is None else at(until), ANA, "for a test")
        self.decide(minutes, silence)
        return silence

    def silence_these(self, minutes: float, until: float | None, *keys: Key, name: str = "s1") -> Silence:
        """Somebody silences just these incidents."""
        these = tuple(Covered.of(self.known.incidents[key]) for key in keys)
        ends = None if until is None else at(until)
        silence = Silence(name, Scope(keys[0].rule), at(minutes), ends, ANA, covered=these)
        self.decide(minutes, silence)
        return silence

    def window(self, minutes: float, start: float, length: float, name: str = "w1") -> Window:
        """Somebody plans a maintenance window, once."""
        window = Window(name, at(start), timedelta(minutes=length), weekly=False, zone="UTC", by=ANA, reason="moving")
        self.decide(minutes, window)
        return window

    def set(
        self,
        rule: Rule,
        token: int | None = None,
        *,
        on: bool | None = None,
        severity: Severity | None = None,
        threshold: str | None = None,
        readings: int | None = None,
    ) -> Setting:
        """Somebody sets a rule."""
        setting = Setting(rule, token, on, severity, threshold, readings)
        self.decide(0, setting)
        return setting

    @property
    def notices(self) -> list[str]:
        """The notices of what happened last."""
        return [spoken(notice) for notice in self.changes.notices]

    def incident(self, rule: Rule, token: int | None = 1900, step: str = "") -> Incident:
        """An incident that is pending or firing."""
        return self.known.incidents[Key(rule, token, step)]

    def _heard(self, changes: Changes, known: Known) -> list[str]:
        self.known, self.changes = known, changes
        news = [incident for incident in changes.incidents if incident.key in changes.notify]
        self.notified += news
        return [sentence(incident) for incident in news]


def watching(*records: Record, policy: Policy = POLICY) -> Story:
    """A story in which that fleet was read once already."""
    story = Story(policy)
    story.read(0, *(records or (record(),)))
    return story


def named(key: Key) -> str:
    """A key in a few words."""
    return " ".join(filter(None, [key.rule, key.step, "" if key.token is None else str(key.token)]))


def sentence(incident: Incident) -> str:
    """An incident's news in a few words."""
    end = {Stage.RESOLVED: "unwatched: " if incident.unwatched else "ended: "}.get(incident.stage, "")
    status = f" {incident.now.status}" if incident.now else ""
    return f"{end}{named(incident.key)} {incident.severity}{status}"


def spoken(notice: Notice) -> str:
    """A notice in a few words."""
    about = f" ({notice.about})" if notice.about else ""
    others = [key for key in notice.keys if key not in {*notice.before, *notice.quiet}]
    sets = {"": others, "before ": notice.before, "quiet ": notice.quiet}
    keys = "; ".join(f"{name}{', '.join(map(named, keys))}" for name, keys in sets.items() if keys)
    return f"{notice.kind}{'!' * notice.escalated}{about}{keys and f': {keys}'}"
