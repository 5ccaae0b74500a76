"""What is known between two looks, and how one look moves it. Pure: whoever fetches, stores and tells is elsewhere."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.domain import info, steering
from bot.domain.incidents import (
    Happening,
    Incident,
    Key,
    Moment,
    Notice,
    NoticeKind,
    Rule,
    Stage,
    Step,
    step,
)
from bot.domain.model import Failure, Fleet, Reading, Record, Token
from bot.domain.rules import STATUS_RULES, Policy, judge, judge_failure, judge_silence
from bot.domain.steering import Decision, Decisions, Entry, Scope, Setting, Silence, Window


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered between two looks, and over restarts."""

    records: Mapping[int, Record] = field(default_factory=dict)
    """The last reading of each token, by id."""
    read_at: datetime | None = None
    """When the whole fleet was last read; None before the first reading."""
    incidents: Mapping[Key, Incident] = field(default_factory=dict)
    """The incidents that are pending or firing."""
    decisions: tuple[Decision, ...] = ()


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
    notices: tuple[Notice, ...] = ()
    """To be posted after the cards that they answer."""
    decided: tuple[Decision, ...] = ()
    """Decisions that are new or changed."""
    undone: frozenset[str] = frozenset()
    """The ids of decisions that no longer hold."""
    audit: tuple[Entry, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to store."""
        return not (self.records or self.removed or self.incidents or self.notices or self.decided or self.undone)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known now. Replaced as a whole, so that no reader ever sees half of a look."""

    fleet: Fleet = field(default_factory=Fleet)
    remembered: Mapping[int, Token] = field(default_factory=dict)
    """The fleet's tokens, and those that are missing from the list but do not count as gone yet."""
    incidents: Mapping[Key, Incident] = field(default_factory=dict)
    """Pending and firing."""
    decisions: Decisions = field(default_factory=Decisions)
    """What people decided, and what still holds of it."""

    def quiet(self, key: Key, now: datetime) -> bool:
        """Whether an incident of that key is to make no sound: people said so, or it is part of a token's flapping."""
        if self.decisions.quiet(key, now):
            return True
        flapping = self.incidents.get(Key(Rule.FLAPPING, key.token)) if key.rule in FLAPS else None
        return flapping is not None and flapping.open

    def policy(self, base: Policy) -> Policy:
        """The environment's policy, with what was set in chat over it."""
        settings = {(each.rule, each.token): each for each in self.decisions.settings.values()}
        return replace(base, settings=settings) if settings else base


FLAPS = STATUS_RULES | {Rule.RESTORED}
"""What a flapping token would tell again and again."""


def restore(memory: Memory) -> Known:
    """What was known when the last look was stored."""
    tokens = read_all(memory.records.values(), {})
    missing = {key.token for key in memory.incidents if key.rule is Rule.GONE}
    listed = {token_id: token for token_id, token in tokens.items() if token_id not in missing}
    return Known(Fleet(listed, memory.read_at), tokens, memory.incidents, Decisions.of(memory.decisions))


def read_all(records: Iterable[Record], before: Mapping[int, Token]) -> dict[int, Token]:
    """Read records into tokens by id, in the order of their ids. One that reads as `before` is the token it was."""
    return {record.id: _read(record, before.get(record.id)) for record in sorted(records, key=lambda each: each.id)}


def _read(record: Record, before: Token | None) -> Token:
    return before if before is not None and before.record == record else info.read(record)


def advance(known: Known, reading: Reading, base: Policy) -> tuple[Changes, Known]:
    """How a reading moves what is known: what is to be stored, and what is known after it."""
    policy = known.policy(base)
    judgement = judge(reading, known.remembered, known.incidents, policy, before_at=known.fleet.read_at)
    moved = step(known.incidents, judgement, lambda key: known.quiet(key, reading.at))
    # A token that reads as before stays the object it was: the state of a large fleet is not built anew each minute.
    read = {token.id: same if (same := known.remembered.get(token.id)) == token else token for token in reading.tokens}
    gone = frozenset(token_id for token_id in map(_gone, moved.changed) if token_id is not None)
    remembered = {
        **{token_id: token for token_id, token in known.remembered.items() if token_id not in gone},
        **read,
    }
    fleet = Fleet(read, reading.at) if reading.whole else _with(known.fleet, read, reading)
    after = replace(known, fleet=fleet, remembered=remembered, incidents=moved.after)
    moved = _then(moved, _release(after, reading.at))
    changes = Changes(
        read_at=fleet.read_at,
        records=tuple(token.record for token in read.values() if known.remembered.get(token.id) is not token),
        removed=gone,
        incidents=moved.changed,
        tell=moved.tell,
        notices=moved.notices,
    )
    return changes, replace(after, incidents=moved.after)


def advance_failure(known: Known, failure: Failure, base: Policy) -> tuple[Changes, Known]:
    """How a look without a reading moves what is known."""
    judgement = judge_failure(failure, known.incidents, known.policy(base))
    moved = step(known.incidents, judgement, lambda key: known.quiet(key, failure.at))
    return _keep(replace(known, fleet=replace(known.fleet, failure=failure)), moved)


def tick(known: Known, now: datetime, base: Policy) -> tuple[Changes, Known]:
    """What the time alone moves: silences and windows that begin and end, reminders, and looks that do not come."""
    decided, undone, words = _turn_decisions(known, now)
    after = replace(known, decisions=known.decisions.with_(*decided, without=undone))
    stale = judge_silence(now, known.fleet.read_at, known.incidents, known.policy(base))
    moved = step(known.incidents, stale, lambda key: after.quiet(key, now))
    moved = _then(moved, _release(replace(after, incidents=moved.after), now))
    moved = _then(moved, _remind(replace(after, incidents=moved.after), now))
    changes, after = _keep(after, replace(moved, notices=(*words, *moved.notices)))
    return replace(changes, decided=decided, undone=undone), after


def acknowledge(known: Known, keys: Iterable[Key], by: int, now: datetime) -> tuple[Changes, Known]:
    """Somebody looks after these incidents. Those that are over, or looked after by somebody, stay as they are."""
    taken = [
        incident
        for key in keys
        if (incident := known.incidents.get(key)) and incident.open and not incident.acknowledged
    ]
    moved = _all(known, [steering.acknowledge(incident, by, now) for incident in taken])
    changes, after = _keep(known, moved)
    audit = tuple(Entry(now, by, "acknowledge", _name(incident.key)) for incident in taken)
    return replace(changes, audit=audit), after


def decide(known: Known, decision: Decision, entry: Entry) -> tuple[Changes, Known]:
    """Somebody decided something that holds from now on."""
    after = replace(known, decisions=known.decisions.with_(decision))
    moved = Step(known.incidents)
    notices: tuple[Notice, ...] = ()
    if isinstance(decision, Silence):
        noted = Moment(entry.at, Happening.SILENCED, who=entry.by, until=decision.until)
        covered = [each for key, each in known.incidents.items() if each.open and decision.scope.covers(key)]
        moved = _all(known, [replace(each, moments=(*each.moments, noted)) for each in covered])
        notices = (Notice(NoticeKind.SILENCE_STARTED, entry.at, tuple(each.key for each in covered), _said(decision)),)
    changes, after = _keep(after, replace(moved, notices=notices))
    return replace(changes, decided=(decision,), audit=(entry,)), after


def undo(known: Known, decision: Decision, entry: Entry) -> tuple[Changes, Known]:
    """Somebody took a decision back before its time: it ends now, as it would have ended by itself."""
    after = replace(known, decisions=known.decisions.with_(without=[decision.id]))
    moved = _release(after, entry.at)
    notices = (_ended(known, decision, entry.at),) if not isinstance(decision, Setting) else ()
    changes, after = _keep(after, replace(moved, notices=(*notices, *moved.notices)))
    return replace(changes, undone=frozenset([decision.id]), audit=(entry,)), after


def _turn_decisions(known: Known, now: datetime) -> tuple[tuple[Decision, ...], frozenset[str], tuple[Notice, ...]]:
    """The decisions that are new or changed by the time, the ids of those that ended, and what is to be said."""
    decided: list[Decision] = []
    undone: set[str] = set()
    words: list[Notice] = []
    for silence in known.decisions.silences.values():
        if silence.over(now, known.incidents):
            undone.add(silence.id)
            words.append(_ended(known, silence, now))
    for window in known.decisions.windows.values():
        active = window.active(now)
        if active and not window.announced:
            decided.append(replace(window, announced=True))
            words.append(Notice(NoticeKind.MAINTENANCE_STARTED, now, words=_said(window)))
        elif not active and window.announced:
            words.append(_ended(known, window, now))
            decided.append(replace(window, announced=False))
        if window.over(now):
            undone.add(window.id)
    return tuple(each for each in decided if each.id not in undone), frozenset(undone), tuple(words)


def _ended(known: Known, decision: Silence | Window, now: datetime) -> Notice:
    """What a silence or a window leaves open, said once at its end."""
    scope, kind = (
        (decision.scope, NoticeKind.SILENCE_ENDED)
        if isinstance(decision, Silence)
        else (Scope(), NoticeKind.MAINTENANCE_ENDED)
    )
    keys = tuple(key for key, each in known.incidents.items() if each.open and each.told and scope.covers(key))
    return Notice(kind, now, keys, _said(decision))


def _said(decision: Silence | Window) -> str:
    """Whose decision it was, and why."""
    return f"<@{decision.by}>" + (f": {decision.reason}" if decision.reason else "")


def _name(key: Key) -> str:
    return " ".join(filter(None, [key.rule, key.step, "" if key.token is None else str(key.token)]))


def _release(known: Known, now: datetime) -> Step:
    """What was held is told, where it is no longer quiet."""
    held = [each for key, each in known.incidents.items() if each.held and not known.quiet(key, now)]
    freed = [steering.released(incident, now) for incident in held]
    moved = _all(known, [incident for incident, _ in freed])
    return replace(
        moved,
        tell=frozenset(incident.key for incident, _ in freed),
        notices=tuple(notice for _, notice in freed if notice is not None),
    )


def _remind(known: Known, now: datetime) -> Step:
    """Critical incidents that nobody looks after are told again, each when its time has come."""
    due = [
        reminded
        for key, each in known.incidents.items()
        if (reminded := steering.reminder(each, now)) is not None and not known.quiet(key, now)
    ]
    moved = _all(known, due)
    notices = tuple(Notice(NoticeKind.REMINDER, now, (each.key,), escalated=each.reminders > 1) for each in due)
    return replace(moved, notices=notices)


def _all(known: Known, incidents: Iterable[Incident]) -> Step:
    """These incidents instead of what they were; those that have a card show it there."""
    changed = tuple(incidents)
    return Step(
        {**known.incidents, **{each.key: each for each in changed}},
        changed,
        frozenset(each.key for each in changed if each.loud_at is not None),
    )


def _then(first: Step, second: Step) -> Step:
    """Both, one after the other; of an incident that both changed, the second has the last word."""
    changed = {incident.key: incident for incident in (*first.changed, *second.changed)}
    return Step(second.after, tuple(changed.values()), first.tell | second.tell, (*first.notices, *second.notices))


def _keep(known: Known, moved: Step) -> tuple[Changes, Known]:
    changes = Changes(known.fleet.read_at, incidents=moved.changed, tell=moved.tell, notices=moved.notices)
    return changes, replace(known, incidents=moved.after)


def _with(fleet: Fleet, read: Mapping[int, Token], reading: Reading) -> Fleet:
    """The fleet after some tokens were read alone."""
    return replace(
        fleet,
        tokens={**fleet.tokens, **read},
        read_alone={**fleet.read_alone, **dict.fromkeys(read, reading.at)},
    )


def _gone(incident: Incident) -> int | None:
    """The token that an incident says is gone for good."""
    gone = incident.key.rule is Rule.GONE and incident.stage is Stage.RESOLVED and incident.told
    return incident.key.token if gone else None
