"""What is known now, what is remembered of it over restarts, and what a move of it changes."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from bot.domain import info, ledger, steering
from bot.domain.acts import Act
from bot.domain.asides import Aside
from bot.domain.decisions import Decision, Decisions
from bot.domain.digest import Told
from bot.domain.forecast import Forecast
from bot.domain.incidents import Incident, Key, Rule, Stage
from bot.domain.ledger import Ledger
from bot.domain.lifecycle import Step, Suppressed
from bot.domain.messages import Notice
from bot.domain.model import Fleet, History, Record, Token
from bot.domain.rules.case import Calm, Flips
from bot.domain.rules.inhibition import inhibited
from bot.domain.rules.policy import Policy
from bot.domain.rules.table import FLEET_RULES, STATUS_RULES
from bot.domain.sample import Sample, Turns
from bot.domain.steering import Entry, Setting, Silence, pinned
from bot.domain.value import Value, field, replace


class Memory(Value):
    """What is remembered between two polls, and over restarts."""

    records: Mapping[int, Record] = field(default_factory=dict)
    """The last reading of each token, by id."""
    read_at: datetime | None = None
    """When the whole fleet was last read; None before the first reading."""
    incidents: Mapping[Key, Incident] = field(default_factory=dict)
    """The incidents that are pending or firing."""
    decisions: tuple[Decision, ...] = ()
    histories: Mapping[int, History] = field(default_factory=dict)
    """How tokens came to their statuses, by id; of those that changed it."""
    ledgers: Mapping[int, bytes] = field(default_factory=dict)
    """How tokens use their fast time, by id, as `bot.domain.ledger` packs it."""
    digested: Told | None = None
    """The last daily digest; None before there was one."""
    acts: tuple[Act, ...] = ()
    """Those that are not settled, with their batches, and the last of each subject."""


class Changes(Value):
    """What one poll changes; stored whole or not at all."""

    read_at: datetime | None
    """When the whole fleet was last read, after this poll."""
    records: tuple[Record, ...] = ()
    """Tokens that are new or read otherwise than before."""
    histories: Mapping[int, History] = field(default_factory=dict)
    """How those of them came to their statuses that ever changed it, by id."""
    removed: frozenset[int] = frozenset()
    """Tokens to forget."""
    incidents: tuple[Incident, ...] = ()
    """Incidents that are new or changed. Those that ended have the stage RESOLVED."""
    notify: frozenset[Key] = frozenset()
    """Keys among `incidents` whose message is to be posted, or edited."""
    notices: tuple[Notice, ...] = ()
    """To be posted after the cards that they reply to."""
    decided: tuple[Decision, ...] = ()
    """Decisions that are new or changed."""
    undone: frozenset[str] = frozenset()
    """The ids of decisions that no longer hold."""
    audit: tuple[Entry, ...] = ()
    samples: tuple[Sample, ...] = ()
    """For the history: of tokens whose figures changed, and of those whose turn it is."""
    ledgers: Mapping[int, Ledger] = field(default_factory=dict)
    """How those of `records` use their fast time, by id; of those of which that changed."""
    digested: Told | None = None
    """The digest that is among the notices; None leaves what is stored."""
    acts: tuple[Act, ...] = ()
    """Acts that are new or changed."""
    asides: tuple[Aside, ...] = ()
    """To be said beside the ops channel."""

    @property
    def sets(self) -> bool:
        """Whether somebody set a rule otherwise than before."""
        return any(isinstance(each, Setting) for each in self.decided) or any(":" in each for each in self.undone)

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to store."""
        kept = self.records or self.removed or self.samples or self.digested or self.acts or self.asides
        return not (kept or self.incidents or self.notices or self.decided or self.undone)


class Known(Value):
    """What is known now. Replaced as a whole, so that no reader ever sees half of a poll."""

    fleet: Fleet = field(default_factory=Fleet)
    remembered: Mapping[int, Token] = field(default_factory=dict)
    """The fleet's tokens, and those that are missing from the list but do not count as gone yet."""
    incidents: Mapping[Key, Incident] = field(default_factory=dict)
    """Pending and firing."""
    decisions: Decisions = field(default_factory=Decisions)
    """What people decided, and what still holds of it."""
    histories: Mapping[int, History] = field(default_factory=dict)
    """How tokens came to their statuses, by id; of those that changed it."""
    ledgers: Mapping[int, Ledger] = field(default_factory=dict)
    """How tokens use their fast time, by id: of all that were read since there are ledgers."""
    turns: Turns = field(default_factory=lambda: Turns.of(()))
    """When each of `remembered` leaves a sample though nothing of it changes; of none after a start."""
    unspent: Mapping[int, float] = field(default_factory=dict)
    """As in `Case`. A restart forgets it."""
    forecasts: Mapping[int, Forecast] = field(default_factory=dict)
    """Whether fast time lasts, by token, as of the last look ahead; of one that lasts, without since when it is idle.

    A restart forgets it, and the first look after that knows again.
    """
    flips: Flips = field(default_factory=dict)
    """When tokens changed their status lately. A restart forgets it; an incident that came of it remembers its own."""
    calm: Calm | None = None
    """Which tokens need not be judged while they read as they do; None when nobody knows, as after a start."""
    polled_at: datetime | None = None
    """When the last poll of the whole fleet ended, well or not; None while none did since the process began."""
    began_at: datetime | None = None
    """When the process began to poll."""
    digested: Told | None = None
    """The last daily digest; None before there was one."""
    acts: Mapping[str, Act] = field(default_factory=dict)
    """By id: those that are not settled, those of late, and the last of each subject, for 90 days."""

    def troubled(self) -> frozenset[int | None]:
        """The tokens with any open incident; in 2 ms for 10,000 of them."""
        return frozenset(key.token for key, incident in self.incidents.items() if incident.open)

    def suppressed(self) -> Callable[[Key], bool]:
        """Whether an incident of a key is suppressed: silenced, in a window, or inhibited by its cause."""
        suppressed = suppressed_by(self.decisions)
        return lambda key: suppressed(key, self.incidents)

    @property
    def names(self) -> Mapping[int, str]:
        """What people call tokens, by id."""
        return self.fleet.names

    def called(self) -> "Known":
        """With its tokens called as people decided."""
        names = {each.token: each.label for each in self.decisions.names.values()}
        return self if names == self.fleet.names else replace(self, fleet=replace(self.fleet, names=names))

    def policy(self, base: Policy) -> Policy:
        """The environment's policy, with what was set in chat over it."""
        return base.with_(*self.decisions.settings.values())


def suppressed_by(decisions: Decisions) -> Suppressed:
    """What is suppressed: what silences and windows match, and what a cause inhibits that is told and no less grave."""
    suppressor = decisions.suppressor()

    def silenced(incident: Incident) -> bool:
        return suppressor(incident) is not None

    def suppressed(key: Key, incidents: Mapping[Key, Incident]) -> bool:
        incident = incidents.get(key)
        return incident is not None and (silenced(incident) or inhibited(incident, incidents, silenced))

    return suppressed


def is_aimed(silence: Silence) -> bool:
    """Whether it is about something that somebody pointed at, and not about a rule of all tokens, or everything."""
    return bool(silence.covered) or silence.scope.token is not None or silence.scope.rule in FLEET_RULES


def pin(known: Known) -> tuple[Known, tuple[Silence, ...]]:
    """Let silences of an earlier version, until what they match is resolved, cover just what is open; returns those."""
    silences = known.decisions.silences.values()
    settled = tuple(new for each in silences if (new := pinned(each, known.incidents)) is not each)
    moved = tuple(each for each in settled if each.covered)
    return (replace(known, decisions=known.decisions.with_(*moved)) if moved else known), moved


def restore(memory: Memory) -> Known:
    """What was known when the last poll was stored. A ledger that cannot be unpacked is left out, to be begun anew."""
    tokens = {token_id: info.read(record) for token_id, record in memory.records.items()}
    missing = {key.token for key in memory.incidents if key.rule is Rule.GONE}
    listed = {token_id: token for token_id, token in tokens.items() if token_id not in missing}
    return Known(
        Fleet(listed, memory.read_at),
        tokens,
        memory.incidents,
        Decisions.of(memory.decisions),
        {**_histories(memory.incidents.values()), **memory.histories},
        dict(_unpacked(memory.ledgers)),
        digested=memory.digested,
        acts={each.id: each for each in memory.acts},
    ).called()


def _unpacked(packed: Mapping[int, bytes]) -> Iterator[tuple[int, Ledger]]:
    for token_id, data in packed.items():
        with contextlib.suppress(ValueError):
            yield token_id, ledger.unpack(data)


def _histories(incidents: Iterable[Incident]) -> dict[int, History]:
    """What incidents remember of statuses: all there is of them where an older version of the bot stored the tokens."""
    return {
        each.key.token: History(each.opened_at, each.was.status if each.was else "", each.origin)
        for each in incidents
        if each.key.token is not None and each.key.rule in STATUS_RULES
    }


def release(known: Known, now: datetime, read: Mapping[int, Token] | None = None) -> Step:
    """Notify of what is `unnotified` and no longer suppressed, as it is now; of nothing that the last reading missed.

    Args:
        known: What is known.
        now: The time.
        read: The tokens that were read just now, and are not part of the fleet yet.
    """
    suppressed = known.suppressed()
    unnotified = [
        each for key, each in known.incidents.items() if each.unnotified and not each.missed and not suppressed(key)
    ]
    freed = [steering.released(_as_of_now(known, incident, now, read or {}), now) for incident in unnotified]
    return replace(
        revised(known, [incident for incident, _ in freed]), notices=tuple(notice for _, notice in freed if notice)
    )


def _as_of_now(known: Known, incident: Incident, now: datetime, read: Mapping[int, Token]) -> Incident:
    """With its token as last read: its card may be posted long after the reading that opened it."""
    token_id = incident.key.token
    if token_id is None or incident.now is None:
        return incident
    if (token := read.get(token_id)) is not None:
        return replace(incident, now=token.record, read_at=now)
    token = known.fleet.tokens.get(token_id)
    return (
        incident
        if token is None
        else replace(incident, now=token.record, read_at=known.fleet.age_of(token_id) or incident.read_at)
    )


def revised(known: Known, incidents: Iterable[Incident]) -> Step:
    """These incidents instead of what they were; the cards of those that have one are edited."""
    changed = tuple(incidents)
    after = {**known.incidents, **{each.key: each for each in changed}}
    for each in changed:
        if each.stage is Stage.RESOLVED:
            del after[each.key]
    return Step(
        after if changed else known.incidents,
        changed,
        frozenset(each.key for each in changed if each.has_card),
    )


def keep(known: Known, moved: Step) -> tuple[Changes, Known]:
    """What a move of the incidents has to store, and what is known after it."""
    moved = _called(known, moved)
    changes = Changes(known.fleet.read_at, incidents=moved.changed, notify=moved.notify, notices=moved.notices)
    return changes, replace(known, incidents=moved.after)


def _called(known: Known, moved: Step) -> Step:
    """The same; what the channel is notified of for the first time knows who was on call then."""
    if known.decisions.rota is None:
        return moved
    new: dict[Key, Incident] = {}
    for each in moved.changed:
        before = known.incidents.get(each.key)
        known_before = before is not None and before.opened_at == each.opened_at and before.first_notified_at
        if each.first_notified_at is None or known_before or each.called is not None:
            continue
        turn = known.decisions.on_call(each.first_notified_at)
        if turn is not None:
            new[each.key] = replace(each, called=turn.who)
    if not new:
        return moved
    after = {key: new.get(key, each) for key, each in moved.after.items()}
    return replace(moved, after=after, changed=tuple(new.get(each.key, each) for each in moved.changed))


def both(first: Changes, second: Changes) -> Changes:
    """One after the other; of an incident or a decision that both changed, the second has the last word."""
    return replace(
        first,
        incidents=tuple({each.key: each for each in (*first.incidents, *second.incidents)}.values()),
        notify=first.notify | second.notify,
        notices=(*first.notices, *second.notices),
        decided=tuple({each.id: each for each in (*first.decided, *second.decided)}.values()),
        undone=first.undone | second.undone,
        audit=(*first.audit, *second.audit),
        digested=second.digested or first.digested,
        acts=(*first.acts, *second.acts),
        asides=(*first.asides, *second.asides),
    )
