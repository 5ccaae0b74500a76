"""What people do about it: acknowledge incidents, silence them, set rules, and take that back."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.domain import steering
from bot.domain.incidents import Happening, Key, Moment, NoticeKind, Rule, noted
from bot.domain.lifecycle import Step
from bot.domain.rules.policy import check
from bot.domain.steering import Decision, Entry, Setting, Silence, Window
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known, both, keep, release, revised
from bot.domain.watch.schedule import end, notice_of, turn

NAMED = 5
"""Tokens that an entry of the audit trail names by their ids."""


def acknowledge(known: Known, keys: Iterable[Key], by: int, now: datetime) -> tuple[Changes, Known]:
    """Somebody acknowledges these incidents. Those that are over, or acknowledged already, stay as they are."""
    taken = [
        incident
        for key in keys
        if (incident := known.incidents.get(key)) and incident.open and not incident.acknowledged
    ]
    changes, after = keep(known, revised(known, [steering.acknowledge(incident, by, now) for incident in taken]))
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
        changes, after = turn(after, entry.at)
    else:
        moved = _silenced(known, decision, entry) if isinstance(decision, Silence) else revised(known, ())
        changes, after = keep(after, moved)
        released, after = keep(after, release(after, entry.at))  # a flapping that is silenced inhibits nothing
        changes = both(changes, released)
    decided = {each.id: each for each in (decision, *changes.decided) if each.id not in changes.undone}
    return replace(changes, decided=tuple(decided.values()), audit=(entry,)), after


def _silenced(known: Known, silence: Silence, entry: Entry) -> Step:
    """The open incidents say on their cards who silenced them."""
    moment = Moment(entry.at, Happening.SILENCED, who=entry.by, until=silence.until)
    matched = [
        each for key, each in known.incidents.items() if each.open and each.notifiable and silence.scope.matches(key)
    ]
    started = notice_of(NoticeKind.SILENCE_STARTED, silence, entry.at, (each.key for each in matched), silence.until)
    return replace(revised(known, [noted(each, moment) for each in matched]), notices=(started,))


def undo(known: Known, decision: Decision, entry: Entry) -> tuple[Changes, Known]:
    """Somebody took a decision back before its time: it ends now, as it would have ended by itself."""
    after = replace(known, decisions=known.decisions.with_(without=[decision.id]))
    silence, window = known.decisions.silences.get(decision.id), known.decisions.windows.get(decision.id)
    ended = [silence] if silence else [window] if window and window.announced else []
    changes, after = end(after, ended, entry.at)
    return replace(changes, undone=frozenset([decision.id]), audit=(entry,)), after


def _names(keys: Iterable[Key]) -> str:
    """`banned 1900`; of several by one rule `banned: 12 tokens: 1900, 1901, 1902, 1904, 1907, …`."""
    rules: dict[Rule, list[Key]] = defaultdict(list)
    for key in keys:
        rules[key.rule].append(key)
    return "; ".join(_named(rule, group) for rule, group in rules.items())


def _named(rule: Rule, keys: Sequence[Key]) -> str:
    tokens = dict.fromkeys(str(key.token) for key in keys if key.token is not None)
    if len(tokens) < 2:  # noqa: PLR2004 - what is about one token, or about none, has a name of its own
        return "; ".join(_name(key) for key in keys)
    named = [*list(tokens)[:NAMED], *(["…"] if len(tokens) > NAMED else [])]
    return f"{rule}: {len(tokens)} tokens: {', '.join(named)}"


def _name(key: Key) -> str:
    return " ".join(filter(None, [key.rule, key.step, "" if key.token is None else str(key.token)]))
