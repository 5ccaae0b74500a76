"""What people do about it: acknowledge incidents, hand them over, silence them, set rules, and take that back."""

from collections.abc import Iterable
from datetime import datetime

from bot.domain import steering
from bot.domain.decisions import Decision, Decisions
from bot.domain.groups import Group
from bot.domain.incidents import Happening, Incident, Key, Moment, Rule, noted
from bot.domain.lifecycle import Step
from bot.domain.messages import Notice, NoticeKind
from bot.domain.naming import names_of
from bot.domain.rules.settable import check
from bot.domain.steering import Entry, Setting, Silence, Window, pinned
from bot.domain.value import replace
from bot.domain.watch.following import followers
from bot.domain.watch.known import Changes, Known, both, is_aimed, keep, release, revised
from bot.domain.watch.schedule import end, notice_of, turn
from bot.domain.watch.testing import answered


def acknowledge(known: Known, keys: Iterable[Key], by: int, now: datetime) -> tuple[Changes, Known]:
    """Somebody acknowledges these incidents. Those that are over, or acknowledged already, stay as they are."""
    free = [each for each in _open(known, keys) if not each.acknowledged]
    moved = answered(known, (steering.acknowledge(each, by, now) for each in free))
    return _audited(known, moved, Entry(now, by, "acknowledge", names_of(each.key for each in free)))


def hand_back(known: Known, keys: Iterable[Key], by: int, now: datetime) -> tuple[Changes, Known]:
    """Somebody takes back that these incidents are acknowledged, whoever has them."""
    had = [each for each in _open(known, keys) if each.acknowledged]
    free = [steering.hand_back(each, by, now) for each in had]
    return _audited(known, revised(known, free), Entry(now, by, "release", names_of(each.key for each in had)))


def hand_over(known: Known, keys: Iterable[Key], to: int, by: int, now: datetime) -> tuple[Changes, Known]:
    """Somebody gives these incidents to another, who is notified. What that one has already stays as it is.

    A test is nobody's to give: it asks who answers by themselves.
    """
    given = [
        steering.hand_over(each, to, by, now)
        for each in _open(known, keys)
        if each.key.rule is not Rule.TEST and (each.acknowledged is None or each.acknowledged.who != to)
    ]
    about = tuple(each.key for each in given)
    notices = (Notice(NoticeKind.HANDED_OVER, now, about, by=by, to=(to,)),) if given else ()
    entry = Entry(now, by, "hand over", f"to {to}: {names_of(about)}")
    return _audited(known, replace(revised(known, given), notices=notices), entry)


def _open(known: Known, keys: Iterable[Key]) -> list[Incident]:
    return [found for key in keys if (found := known.incidents.get(key)) and found.open]


def _audited(known: Known, moved: Step, entry: Entry) -> tuple[Changes, Known]:
    """What somebody did, and the entry that says so; nothing, if it changed nothing."""
    changes, after = keep(known, moved)
    return replace(changes, audit=(entry,) if changes.incidents else ()), after


def believe(known: Known, by: int, now: datetime) -> tuple[Changes, Known]:
    """Somebody says that a list is as short as it should be: the next poll takes it for true."""
    told = known.incidents.get(Key(Rule.LIST_SHORT))
    if told is None or not told.open or told.believed is not None:
        return keep(known, revised(known, []))
    moment = Moment(now, Happening.ACKNOWLEDGED, who=by)
    believed = replace(told if told.acknowledged else steering.acknowledge(told, by, now), believed=moment)
    changes, after = keep(known, revised(known, [believed]))
    return replace(changes, audit=(Entry(now, by, "believe", "the short list"),)), after


def decide(known: Known, decision: Decision, entry: Entry) -> tuple[Changes, Known]:
    """Somebody decided something that holds from now on; a window begins when its time comes.

    A silence until its incidents are resolved covers those that are open now. With a group moves what is about it.

    Raises:
        ValueError: The rule cannot be set like this; with a sentence that says what to write.
    """
    if isinstance(decision, Setting):
        check(decision)
    if isinstance(decision, Silence):
        decision = pinned(decision, known.incidents)
    moving = followers(known.decisions, decision) if isinstance(decision, Group) else ()
    after = replace(known, decisions=known.decisions.with_(decision, *moving)).called()
    if isinstance(decision, Window):
        changes, after = turn(after, entry.at)
    else:
        moved = _silenced(known, decision, entry) if isinstance(decision, Silence) else revised(known, ())
        changes, after = keep(after, moved)
        released, after = keep(after, release(after, entry.at))  # a flapping that is silenced inhibits nothing
        changes = both(changes, released)
    decided = {each.id: each for each in (decision, *moving, *changes.decided) if each.id not in changes.undone}
    return replace(changes, decided=tuple(decided.values()), audit=(entry,)), after


def _silenced(known: Known, silence: Silence, entry: Entry) -> Step:
    """The open incidents say on their cards who silenced them."""
    suppresses = Decisions.of([silence]).suppressor()
    matched = [each for each in known.incidents.values() if each.open and each.notifiable and suppresses(each)]
    started = notice_of(NoticeKind.SILENCE_STARTED, silence, entry.at, (each.key for each in matched), silence.until)
    return replace(revised(known, [_under(silence, each, entry) for each in matched]), notices=(started,))


def _under(silence: Silence, incident: Incident, entry: Entry) -> Incident:
    severity = incident.severity if silence.covered else None
    moment = Moment(entry.at, Happening.SILENCED, who=entry.by, severity=severity, until=silence.until)
    return replace(noted(incident, moment), silenced=moment if is_aimed(silence) else incident.silenced)


def undo(known: Known, decision: Decision, entry: Entry) -> tuple[Changes, Known]:
    """Somebody took a decision back before its time: it ends now, as it would have ended by itself."""
    after = replace(known, decisions=known.decisions.with_(without=[decision.id])).called()
    ended = [each for each in known.decisions.suppressing if each.id == decision.id]
    changes, after = end(after, ended, entry.at)
    return replace(changes, undone=frozenset([decision.id]), audit=(entry,)), after
