"""What is known between two looks, and how one look moves it. Pure: whoever fetches, stores and tells is elsewhere."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bot.domain import info
from bot.domain.incidents import Changes, Incident, Key, Memory, Rule, Stage, step
from bot.domain.model import Failure, Fleet, Reading, Record, Token
from bot.domain.rules import Policy, judge, judge_failure


@dataclass(frozen=True, slots=True)
class Known:
    """What is known now. Replaced as a whole, so that no reader ever sees half of a look."""

    fleet: Fleet = field(default_factory=Fleet)
    remembered: Mapping[int, Token] = field(default_factory=dict)
    """The fleet's tokens, and those that are missing from the list but do not count as gone yet."""
    incidents: Mapping[Key, Incident] = field(default_factory=dict)
    """Pending and firing."""


def restore(memory: Memory) -> Known:
    """What was known when the last look was stored."""
    tokens = read_all(memory.records.values(), {})
    missing = {key.token for key in memory.incidents if key.rule is Rule.GONE}
    listed = {token_id: token for token_id, token in tokens.items() if token_id not in missing}
    return Known(Fleet(listed, memory.read_at), tokens, memory.incidents)


def read_all(records: Iterable[Record], before: Mapping[int, Token]) -> dict[int, Token]:
    """Read records into tokens by id, in the order of their ids. One that reads as `before` is the token it was."""
    return {record.id: _read(record, before.get(record.id)) for record in sorted(records, key=lambda each: each.id)}


def _read(record: Record, before: Token | None) -> Token:
    return before if before is not None and before.record == record else info.read(record)


def advance(known: Known, reading: Reading, policy: Policy) -> tuple[Changes, Known]:
    """How a reading moves what is known: what is to be stored, and what is known after it."""
    judgement = judge(reading, known.remembered, known.incidents, policy, before_at=known.fleet.read_at)
    moved = step(known.incidents, judgement)
    # A token that reads as before stays the object it was: the state of a large fleet is not built anew each minute.
    read = {token.id: same if (same := known.remembered.get(token.id)) == token else token for token in reading.tokens}
    gone = frozenset(token_id for token_id in map(_gone, moved.changed) if token_id is not None)
    remembered = {
        **{token_id: token for token_id, token in known.remembered.items() if token_id not in gone},
        **read,
    }
    fleet = Fleet(read, reading.at) if reading.whole else _with(known.fleet, read, reading)
    changes = Changes(
        read_at=fleet.read_at,
        records=tuple(token.record for token in read.values() if known.remembered.get(token.id) is not token),
        removed=gone,
        incidents=moved.changed,
        tell=moved.tell,
    )
    return changes, Known(fleet, remembered, moved.after)


def advance_failure(known: Known, failure: Failure) -> tuple[Changes, Known]:
    """How a look without a reading moves what is known."""
    moved = step(known.incidents, judge_failure(failure, known.incidents))
    changes = Changes(known.fleet.read_at, incidents=moved.changed, tell=moved.tell)
    return changes, replace(known, fleet=replace(known.fleet, failure=failure), incidents=moved.after)


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
