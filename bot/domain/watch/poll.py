"""How one poll moves what is known."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from bot.domain import ledger, sample
from bot.domain.acts import switched_off
from bot.domain.decisions import Decisions
from bot.domain.findings import Judgement
from bot.domain.incidents import Incident, Key, Rule, Stage
from bot.domain.ledger import Ledger
from bot.domain.lifecycle import Step, step
from bot.domain.model import Failure, Fleet, Reading
from bot.domain.rules import case as cases
from bot.domain.rules.case import Before, Case
from bot.domain.rules.judge import judge
from bot.domain.rules.policy import Policy
from bot.domain.rules.upstream import judge_failure
from bot.domain.sample import Sample, Turns
from bot.domain.steering import Silence, Window
from bot.domain.value import replace
from bot.domain.watch.hands import hands
from bot.domain.watch.known import Changes, Known, both, keep, pin, release, suppressed_by


def news(known: Known, reading: Reading) -> int:
    """How many tokens of a reading are not those that are known; in a third of a millisecond for 10,000."""
    remembered = known.remembered
    return sum(remembered.get(token_id) is not token for token_id, token in reading.tokens.items())


def as_of(reading: Reading, fleet: Fleet) -> Reading:
    """The reading without what is older than what is known, though it comes later.

    A token that was read alone since a list was asked for is newer than that list. A list that was asked for since a
    token was, and was there first, is newer than that token.
    """
    if reading.asked_at is None:
        return reading
    newer = {
        token_id: fleet.tokens[token_id]
        for token_id, at in _known_otherwise(reading, fleet)
        if reading.asked_at < at <= reading.at  # later than now: before the clock was set back, and so not newer
    }
    return replace(reading, tokens={**reading.tokens, **newer}) if newer else reading


def _known_otherwise(reading: Reading, fleet: Fleet) -> Iterator[tuple[int, datetime]]:
    """From when tokens of it are known in the other way: read alone, or else asked for with the whole fleet."""
    if reading.whole:
        yield from (
            (each, at) for each, at in fleet.read_alone.items() if each in fleet.tokens and each in reading.tokens
        )
    elif fleet.asked_at is not None:
        yield from ((each, fleet.asked_at) for each in reading.tokens if each in fleet.tokens)


def compare(known: Known, reading: Reading, base: Policy) -> Case:
    """See what of a reading has to be judged."""
    before = Before(
        remembered=known.remembered,
        incidents=known.incidents,
        read_at=known.fleet.read_at,
        read_alone=known.fleet.read_alone,
        flips=known.flips,
        histories=known.histories,
        unspent=known.unspent,
        calm=known.calm,
        forecasts=known.forecasts,
    )
    return cases.compare(reading, before, known.policy(base))


def advance(known: Known, case: Case) -> tuple[Changes, Known]:
    """How a reading moves what is known: what is to be stored, and what is known after it."""
    reading = case.reading
    judgement, calm = judge(case)
    judgement = _less_our_own(known, judgement)
    changes, after = move(known, judgement)
    gone = frozenset(token_id for token_id in map(_gone, changes.incidents) if token_id is not None)
    settled = {each.key.token for each in changes.incidents if each.key.rule is Rule.FLAPPING and not each.open}
    remembered, histories = {**case.remembered, **case.changed}, dict(case.histories)
    entered = dict(_entered(known, case))
    ledgers = {**known.ledgers, **entered} if entered else known.ledgers
    for token_id in gone:
        remembered.pop(token_id, None)
        histories.pop(token_id, None)
    if not gone.isdisjoint(ledgers):
        ledgers = {token_id: each for token_id, each in ledgers.items() if token_id not in gone}
    others = (
        gone or len(known.turns.tokens) != len(remembered) or any(each not in case.remembered for each in case.changed)
    )
    turns = Turns.of(remembered) if others else known.turns
    after = replace(
        after,
        fleet=_after(known.fleet, case),
        remembered=remembered,
        histories=histories,
        ledgers=ledgers,
        turns=turns,
        unspent={token_id: minutes for token_id, minutes in case.unspent.items() if token_id not in gone},
        flips={token_id: times for token_id, times in case.flips.items() if token_id not in gone | settled},
        calm=calm,
        polled_at=reading.at if reading.whole or case.short is not None else known.polled_at,
    )
    written = {**case.changed, **{token_id: remembered[token_id] for token_id in entered if token_id in remembered}}
    changed = {token_id: histories[token_id] for token_id in written if token_id in histories}
    if trails := tuple(hands(known, case.changed, reading.at)):
        after = replace(after, decisions=after.decisions.with_(*trails))
    changes = replace(
        changes,
        read_at=after.fleet.read_at,
        records=tuple(token.record for token in written.values()),
        histories=changed,
        ledgers=entered,
        removed=gone,
        samples=tuple(_samples(known, case, turns)),
        decided=(*changes.decided, *trails),
    )
    return changes, after


def _less_our_own(known: Known, judgement: Judgement) -> Judgement:
    """Notify nobody that a token is off where an act of a moment ago switched it off: that has a line of its own."""
    ours = switched_off(known.acts.values(), judgement.at) if known.acts else frozenset()
    found = {
        key: replace(finding, muted=True)
        for key, finding in judgement.findings.items()
        if key.rule is Rule.INACTIVE and key.token in ours
    }
    return replace(judgement, findings={**judgement.findings, **found}) if found else judgement


def _entered(known: Known, case: Case) -> Iterator[tuple[int, Ledger]]:
    """The ledgers that a reading moves: of tokens that read otherwise, and of those that have none yet.

    At the first reading of a process each is looked at: a version of the bot that keeps no ledgers may have stored
    what was read since they were written.
    """
    read, at, zone = case.reading.tokens, case.reading.at, case.policy.zone
    moved: Iterable[int] = case.changed
    if known.fleet.asked_at is None and known.fleet.read_at is not None:
        moved = read
    elif len(known.ledgers) < len(case.remembered):
        moved = {*case.changed, *(read.keys() - known.ledgers.keys())}
    for token_id in moved:
        before = known.ledgers.get(token_id)
        after = ledger.apply(before, read[token_id], at, zone, known.fleet.age_of(token_id))
        if after is not before:
            yield token_id, after


def _samples(known: Known, case: Case, turns: Turns) -> Iterator[Sample]:
    """What the history keeps of a reading: the tokens whose figures changed, and of the others those whose turn it is.

    A list that is too short to be believed is no reading of the fleet: then a token's turn is yet to come.
    """
    read, at = case.reading.tokens, case.reading.at
    kept = set()
    for token_id, token in case.changed.items():
        if (new := sample.changed(case.remembered.get(token_id), token, at)) is not None:
            kept.add(token_id)
            yield new
    if case.reading.whole:
        for token_id in turns.due(known.fleet.read_at, at):
            if token_id in read and token_id not in kept:
                yield sample.sample_of(read[token_id], at)


def advance_failure(known: Known, failure: Failure, base: Policy) -> tuple[Changes, Known]:
    """How a poll without a reading moves what is known."""
    judgement = judge_failure(failure, known.incidents, known.policy(base))
    changes, after = move(known, judgement)
    return changes, replace(after, fleet=replace(known.fleet, failure=failure), polled_at=failure.at)


def move(known: Known, judgement: Judgement) -> tuple[Changes, Known]:
    """How a judgement moves the incidents, and the silences and windows that suppress some of them.

    What is no longer inhibited after it, since its cause is over, notifies in the same move.
    """
    known, settled = pin(known)
    moved = step(known.incidents, judgement, suppressed_by(known.decisions))
    decided = tuple({each.id: each for each in (*settled, *_owing(known.decisions, moved))}.values())
    changes, after = keep(replace(known, decisions=known.decisions.with_(*decided)) if decided else known, moved)
    released, after = keep(after, release(after, judgement.at, judgement.tokens))
    return replace(both(changes, released), decided=decided), after


def _owing(decisions: Decisions, moved: Step) -> Iterator[Silence | Window]:
    """The silences and windows that have more to name at their end than before: each key is named by one of them.

    A window names the net difference, and what came and went without a notification makes none; a silence names that.
    """
    if not moved.suppressed:
        return
    changed = {incident.key: incident for incident in moved.changed}
    suppressor = decisions.suppressor()
    silenced = decisions.with_(without=decisions.windows).suppressor()
    owing: dict[Key, str] = {}
    for incident in (changed[key] for key in moved.suppressed):
        by = suppressor(incident) if incident.notifiable else silenced(incident)
        if by is not None:
            owing[incident.key] = by.id
    suppressors: Iterable[Silence | Window] = (*decisions.silences.values(), *decisions.windows.values())
    for each in suppressors if owing else ():
        named = tuple(key for key in each.suppressed if owing.get(key, each.id) == each.id)
        named = tuple(dict.fromkeys((*named, *(key for key, by in owing.items() if by == each.id))))
        if named != each.suppressed:
            yield replace(each, suppressed=named)


def _after(fleet: Fleet, case: Case) -> Fleet:
    """The fleet after a reading: of all of it, or of some tokens alone."""
    reading = case.reading
    if reading.whole:
        return Fleet(reading.tokens, reading.at, asked_at=reading.asked_at, names=fleet.names)
    return replace(
        fleet,
        failure=fleet.failure if case.short is None else None,
        tokens={**fleet.tokens, **reading.tokens},
        read_alone={**fleet.read_alone, **dict.fromkeys(reading.tokens, reading.at)},
    )


def _gone(incident: Incident) -> int | None:
    """The token that an incident says is gone for good, and did not come back."""
    gone = incident.key.rule is Rule.GONE and incident.stage is Stage.RESOLVED and incident.now is None
    return incident.key.token if gone else None
