"""What is known between two looks, and how one look moves it. Pure: whoever fetches, stores and tells is elsewhere."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from bot.domain import info, rules, steering
from bot.domain.incidents import (
    Happening,
    Incident,
    Judgement,
    Key,
    Moment,
    Notice,
    NoticeKind,
    Quiet,
    Rule,
    Stage,
    Step,
    noted,
    step,
)
from bot.domain.model import Failure, Fleet, Reading, Record, Token
from bot.domain.rules import (
    STATUS_RULES,
    UPSTREAM_RULES,
    Calm,
    Case,
    Flips,
    Policy,
    check,
    judge,
    judge_failure,
    judge_quiet,
)
from bot.domain.steering import Decision, Decisions, Entry, Setting, Silence, Window, name_of
from bot.domain.value import Value, field, replace


class Memory(Value):
    """What is remembered between two looks, and over restarts."""

    records: Mapping[int, Record] = field(default_factory=dict)
    """The last reading of each token, by id."""
    read_at: datetime | None = None
    """When the whole fleet was last read; None before the first reading."""
    incidents: Mapping[Key, Incident] = field(default_factory=dict)
    """The incidents that are pending or firing."""
    decisions: tuple[Decision, ...] = ()


class Changes(Value):
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


class Known(Value):
    """What is known now. Replaced as a whole, so that no reader ever sees half of a look."""

    fleet: Fleet = field(default_factory=Fleet)
    remembered: Mapping[int, Token] = field(default_factory=dict)
    """The fleet's tokens, and those that are missing from the list but do not count as gone yet."""
    incidents: Mapping[Key, Incident] = field(default_factory=dict)
    """Pending and firing."""
    decisions: Decisions = field(default_factory=Decisions)
    """What people decided, and what still holds of it."""
    flips: Flips = field(default_factory=dict)
    """When tokens changed their status lately. A restart forgets it; an incident that came of it remembers its own."""
    calm: Calm | None = None
    """Which tokens need not be judged while they read as they do; None when nobody knows, as after a start."""
    looked_at: datetime | None = None
    """When the last look at the whole fleet ended, well or not; None while none did since the process began."""

    def hush(self) -> Callable[[Key], bool]:
        """Whether an incident of a key is to make no sound: people said so, or it is part of a token's flapping."""
        quiet = _quiet(self.decisions)
        return lambda key: quiet(key, self.incidents)

    def policy(self, base: Policy) -> Policy:
        """The environment's policy, with what was set in chat over it."""
        settings = {(each.rule, each.token): each for each in self.decisions.settings.values()}
        return replace(base, settings=settings) if settings else base


NAMED = 5
"""Accounts that an entry of the audit trail names by their ids."""

FLAPS = STATUS_RULES | {Rule.RESTORED}
"""What a flapping token would tell again and again."""


def _quiet(decisions: Decisions) -> Quiet:
    """What makes no sound: what people keep quiet, and what a token's flapping tells instead.

    Flapping tells of nothing while it is kept quiet itself, nor of a ban that is graver than somebody set it to be.
    """
    cover = decisions.cover()

    def quiet(key: Key, incidents: Mapping[Key, Incident]) -> bool:
        if cover(key) is not None:
            return True
        flapping = incidents.get(Key(Rule.FLAPPING, key.token)) if key.rule in FLAPS else None
        if flapping is None or not flapping.open or cover(flapping.key) is not None:
            return False
        incident = incidents.get(key) if key.rule is Rule.BANNED else None
        return incident is None or incident.severity.rank <= flapping.severity.rank

    return quiet


def restore(memory: Memory) -> Known:
    """What was known when the last look was stored."""
    tokens = {token_id: info.read(record) for token_id, record in memory.records.items()}
    missing = {key.token for key in memory.incidents if key.rule is Rule.GONE}
    listed = {token_id: token for token_id, token in tokens.items() if token_id not in missing}
    return Known(Fleet(listed, memory.read_at), tokens, memory.incidents, Decisions.of(memory.decisions))


def compare(known: Known, reading: Reading, base: Policy) -> Case:
    """See what of a reading has to be judged."""
    return rules.compare(
        reading,
        known.remembered,
        known.incidents,
        known.policy(base),
        before_at=known.fleet.read_at,
        flips=known.flips,
        calm=known.calm,
    )


def advance(known: Known, case: Case) -> tuple[Changes, Known]:
    """How a reading moves what is known: what is to be stored, and what is known after it."""
    reading = case.reading
    judgement, calm = judge(case)
    changes, after = _moved(known, judgement)
    gone = frozenset(token_id for token_id in map(_gone, changes.incidents) if token_id is not None)
    settled = {each.key.token for each in changes.incidents if each.key.rule is Rule.FLAPPING and not each.open}
    remembered = {**case.remembered, **case.fresh}
    for token_id in gone:
        remembered.pop(token_id, None)
    after = replace(
        after,
        fleet=Fleet(reading.tokens, reading.at) if reading.whole else _with(known.fleet, reading),
        remembered=remembered,
        flips={token_id: times for token_id, times in case.flips.items() if token_id not in gone | settled},
        calm=calm,
        looked_at=reading.at if reading.whole else known.looked_at,
    )
    records = tuple(token.record for token in case.changed.values())
    return replace(changes, read_at=after.fleet.read_at, records=records, removed=gone), after


def advance_failure(known: Known, failure: Failure, base: Policy) -> tuple[Changes, Known]:
    """How a look without a reading moves what is known."""
    judgement = judge_failure(failure, known.incidents, known.policy(base))
    changes, after = _moved(known, judgement)
    return changes, replace(after, fleet=replace(known.fleet, failure=failure), looked_at=failure.at)


def overdue(known: Known, now: datetime) -> frozenset[Key]:
    """What is to be reminded of by now, if nothing keeps it quiet."""
    return frozenset(key for key, each in known.incidents.items() if steering.reminder(each, now) is not None)


def tick(known: Known, now: datetime, base: Policy, unheard: Collection[Key] = ()) -> tuple[Changes, Known]:
    """What the time alone moves: silences and windows that begin and end, reminders, and looks that do not come.

    What is `unheard`, since the last sound that it called for still waits for the channel, is not reminded of.
    """
    turned, after = _turn(known, now)
    judgement = judge_quiet(
        now, after.incidents, after.policy(base), read_at=after.fleet.read_at, looked_at=after.looked_at
    )
    judged, after = _moved(after, judgement)
    reminded, after = _keep(after, _remind(after, now, unheard))
    return _both(_both(turned, judged), reminded), after


def _moved(known: Known, judgement: Judgement) -> tuple[Changes, Known]:
    """How a judgement moves the incidents, what of that waits for the end of a quiet, and whose quiet ended by it."""
    moved = step(known.incidents, judgement, _quiet(known.decisions))
    decided = tuple(_owing(known.decisions, moved))
    changes, after = _keep(replace(known, decisions=known.decisions.with_(*decided)) if decided else known, moved)
    released, after = _keep(after, _release(after, judgement.at))
    return replace(_both(changes, released), decided=decided), after


def _owing(decisions: Decisions, moved: Step) -> Iterator[Silence | Window]:
    """The decisions that have to name something else than before at their end: each key is named by one of them.

    A window tells the net difference, and what came and went unheard makes none; only a silence names that.
    """
    told = {incident.key for incident in moved.changed if incident.told}
    cover, silenced = decisions.cover(), replace(decisions, windows={}).cover()
    owners = ((key, cover(key) if key in told else silenced(key)) for key in moved.unheard)
    unheard = {key: by.id for key, by in owners if by is not None}
    covers: Iterable[Silence | Window] = (*decisions.silences.values(), *decisions.windows.values())
    for each in covers if unheard else ():
        missed = tuple(key for key in each.missed if unheard.get(key, each.id) == each.id)
        missed = tuple(dict.fromkeys((*missed, *(key for key, by in unheard.items() if by == each.id))))
        if missed != each.missed:
            yield replace(each, missed=missed)


def acknowledge(known: Known, keys: Iterable[Key], by: int, now: datetime) -> tuple[Changes, Known]:
    """Somebody looks after these incidents. Those that are over, or looked after by somebody, stay as they are."""
    taken = [
        incident
        for key in keys
        if (incident := known.incidents.get(key)) and incident.open and not incident.acknowledged
    ]
    changes, after = _keep(known, _all(known, [steering.acknowledge(incident, by, now) for incident in taken]))
    audit = (Entry(now, by, "acknowledge", _names([incident.key for incident in taken])),) if taken else ()
    return replace(changes, audit=audit), after


def decide(known: Known, decision: Decision, entry: Entry) -> tuple[Changes, Known]:
    """Somebody decided something that holds from now on; a window begins when its time comes.

    Raises:
        ValueError: The rule cannot be set like this; with a sentence that says what to write.
    """
    if isinstance(decision, Setting):
        check(decision)
    after = replace(known, decisions=known.decisions.with_(decision))
    if isinstance(decision, Window):
        changes, after = _turn(after, entry.at)
    else:
        moved = _silenced(known, decision, entry) if isinstance(decision, Silence) else _all(known, ())
        changes, after = _keep(after, moved)
        released, after = _keep(after, _release(after, entry.at))  # a flapping that is silenced tells of nothing else
        changes = _both(changes, released)
    decided = {each.id: each for each in (decision, *changes.decided) if each.id not in changes.undone}
    return replace(changes, decided=tuple(decided.values()), audit=(entry,)), after


def _silenced(known: Known, silence: Silence, entry: Entry) -> Step:
    """The open incidents say on their cards who silenced them."""
    moment = Moment(entry.at, Happening.SILENCED, who=entry.by, until=silence.until)
    covered = [each for key, each in known.incidents.items() if each.open and each.told and silence.scope.covers(key)]
    started = _word(NoticeKind.SILENCE_STARTED, silence, entry.at, (each.key for each in covered), silence.until)
    return replace(_all(known, [noted(each, moment) for each in covered]), notices=(started,))


def undo(known: Known, decision: Decision, entry: Entry) -> tuple[Changes, Known]:
    """Somebody took a decision back before its time: it ends now, as it would have ended by itself."""
    after = replace(known, decisions=known.decisions.with_(without=[decision.id]))
    silence, window = known.decisions.silences.get(decision.id), known.decisions.windows.get(decision.id)
    ended = [silence] if silence else [window] if window and window.announced else []
    changes, after = _end(after, ended, entry.at)
    return replace(changes, undone=frozenset([decision.id]), audit=(entry,)), after


def _turn(known: Known, now: datetime) -> tuple[Changes, Known]:
    """The decisions whose time has come, or is over."""
    silences, windows = known.decisions.silences.values(), known.decisions.windows.values()
    begun = [each for each in windows if each.active(now) and not each.announced]
    off = [each for each in windows if each.announced and not each.active(now)]
    over = [each for each in silences if each.over(now, known.incidents)]
    turned = [replace(each, announced=True) for each in begun]
    turned += [replace(each, announced=False, missed=()) for each in off if not each.over(now)]
    undone = frozenset(each.id for each in over) | frozenset(each.id for each in windows if each.over(now))
    if not turned and not undone:
        return _end(known, (), now)
    after = replace(known, decisions=known.decisions.with_(*turned, without=undone))
    changes, after = _end(after, (*over, *off), now)
    started = (_word(NoticeKind.MAINTENANCE_STARTED, each, now, (), each.ends(now)) for each in begun)
    return replace(changes, notices=(*started, *changes.notices), decided=tuple(turned), undone=undone), after


def _end(known: Known, ended: Iterable[Silence | Window], now: datetime) -> tuple[Changes, Known]:
    """What these decisions leave that do not hold any more: a word about each, and what nothing else keeps quiet."""
    hushed = known.hush()
    loud = (
        [each for key, each in known.incidents.items() if each.open and each.told and not hushed(key)] if ended else []
    )
    words = tuple(_ended(each, loud, now) for each in ended)
    # The word is a reminder of all that it names; the next one comes in its time.
    named = {key for word in words for key in word.keys}
    heard = [replace(each, loud_at=now) for each in loud if each.key in named and each.has_card and not each.held]
    changes, after = _keep(known, replace(_all(known, heard), tell=frozenset(), notices=words))
    released, after = _keep(after, _release(after, now))
    return _both(changes, released), after


def _ended(decision: Silence | Window, loud: Iterable[Incident], now: datetime) -> Notice:
    """A silence leaves what is open. A window leaves the net difference: what fired or rose in it and is still open.

    Both name what ended meanwhile.
    """
    if isinstance(decision, Silence):
        kind, left = NoticeKind.SILENCE_ENDED, [each.key for each in loud if decision.scope.covers(each.key)]
    else:
        kind, left = NoticeKind.MAINTENANCE_ENDED, [each.key for each in loud if each.held]
    return _word(kind, decision, now, dict.fromkeys((*left, *decision.missed)))


def _word(
    kind: NoticeKind, decision: Silence | Window, now: datetime, keys: Iterable[Key], until: datetime | None = None
) -> Notice:
    return Notice(kind, now, tuple(keys), about=name_of(decision), words=decision.reason, by=decision.by, until=until)


def _names(keys: Iterable[Key]) -> str:
    """`banned 1900`; of several by one rule `banned: 12 accounts: 1900, 1901, 1902, 1904, 1907, …`."""
    rules: dict[Rule, list[Key]] = defaultdict(list)
    for key in keys:
        rules[key.rule].append(key)
    return "; ".join(_named(rule, group) for rule, group in rules.items())


def _named(rule: Rule, keys: Sequence[Key]) -> str:
    accounts = dict.fromkeys(str(key.token) for key in keys if key.token is not None)
    if len(accounts) < 2:  # noqa: PLR2004 - what is about one account, or about none, has a name of its own
        return "; ".join(_name(key) for key in keys)
    named = [*list(accounts)[:NAMED], *(["…"] if len(accounts) > NAMED else [])]
    return f"{rule}: {len(accounts)} accounts: {', '.join(named)}"


def _name(key: Key) -> str:
    return " ".join(filter(None, [key.rule, key.step, "" if key.token is None else str(key.token)]))


def _release(known: Known, now: datetime) -> Step:
    """What was held is told, where it is no longer quiet."""
    hushed = known.hush()
    held = [each for key, each in known.incidents.items() if each.held and not hushed(key)]
    freed = [steering.released(incident, now) for incident in held]
    return replace(
        _all(known, [incident for incident, _ in freed]), notices=tuple(notice for _, notice in freed if notice)
    )


def _remind(known: Known, now: datetime, unheard: Collection[Key]) -> Step:
    """Critical incidents that nobody looks after are told again, each when its time has come.

    While the upstream is in trouble only that is reminded of: of the rest nobody knows how it stands. What the channel
    has not heard yet is put off: nobody can have let a word go unanswered that never came.
    """
    hushed = known.hush()
    blind = any(incident.open and key.rule in UPSTREAM_RULES for key, incident in known.incidents.items())
    due = [
        _refreshed(known, reminded)
        for key, each in known.incidents.items()
        if (reminded := steering.reminder(each, now)) is not None
        and not hushed(key)
        and not (blind and key.rule not in UPSTREAM_RULES)
    ]
    put_off = [replace(known.incidents[each.key], loud_at=now) for each in due if each.key in unheard]
    due = [each for each in due if each.key not in unheard]
    notices = tuple(Notice(NoticeKind.REMINDER, now, (each.key,), escalated=each.reminders > 1) for each in due)
    return replace(_all(known, [*put_off, *due]), tell=frozenset(each.key for each in due), notices=notices)


def _refreshed(known: Known, incident: Incident) -> Incident:
    """With the fast time as last read: its card is not edited each time that this falls further."""
    key = incident.key
    token = known.fleet.tokens.get(key.token) if key.rule is Rule.FAST_TIME_LOW and key.token is not None else None
    if token is None or not token.fast_time.known:
        return incident
    return replace(incident, now=token.record, read_at=known.fleet.age_of(token.id) or incident.read_at)


def _all(known: Known, incidents: Iterable[Incident]) -> Step:
    """These incidents instead of what they were; those that have a card show it there."""
    changed = tuple(incidents)
    return Step(
        {**known.incidents, **{each.key: each for each in changed}} if changed else known.incidents,
        changed,
        frozenset(each.key for each in changed if each.has_card),
    )


def _keep(known: Known, moved: Step) -> tuple[Changes, Known]:
    changes = Changes(known.fleet.read_at, incidents=moved.changed, tell=moved.tell, notices=moved.notices)
    return changes, replace(known, incidents=moved.after)


def _both(first: Changes, second: Changes) -> Changes:
    """One after the other; of an incident or a decision that both changed, the second has the last word."""
    return replace(
        first,
        incidents=tuple({each.key: each for each in (*first.incidents, *second.incidents)}.values()),
        tell=first.tell | second.tell,
        notices=(*first.notices, *second.notices),
        decided=tuple({each.id: each for each in (*first.decided, *second.decided)}.values()),
    )


def _with(fleet: Fleet, reading: Reading) -> Fleet:
    """The fleet after some tokens were read alone."""
    return replace(
        fleet,
        tokens={**fleet.tokens, **reading.tokens},
        read_alone={**fleet.read_alone, **dict.fromkeys(reading.tokens, reading.at)},
    )


def _gone(incident: Incident) -> int | None:
    """The token that an incident says is gone for good, and did not come back."""
    gone = incident.key.rule is Rule.GONE and incident.stage is Stage.RESOLVED and incident.now is None
    return incident.key.token if gone else None
