"""What the time alone moves: silences and windows that begin and end, reminders, and the end of a test."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import reduce

from bot.domain import steering
from bot.domain.decisions import Decision, Decisions
from bot.domain.incidents import TEST, Incident, Key, Rule
from bot.domain.lifecycle import Step
from bot.domain.messages import Notice, NoticeKind
from bot.domain.naming import ALL, name_of
from bot.domain.rules.policy import Policy
from bot.domain.rules.upstream import judge_stale
from bot.domain.steering import Silence, Window
from bot.domain.value import replace
from bot.domain.watch import duty, testing
from bot.domain.watch.known import Changes, Known, both, is_aimed, keep, pin, release, revised
from bot.domain.watch.poll import move

CHAIN = 20
"""Windows after each other whose common end is looked for; two weekly ones may follow each other for good."""


def overdue(known: Known, now: datetime) -> frozenset[Key]:
    """What is to be reminded of by now, if nothing suppresses it; and a test whose time is over."""
    due = frozenset(key for key, each in known.incidents.items() if steering.reminder(each, now) is not None)
    return due | {TEST} if testing.is_over(known, now) else due


def tick(known: Known, now: datetime, base: Policy, undelivered: Collection[Key] = ()) -> tuple[Changes, Known]:
    """What the time alone moves: silences and windows that begin and end, reminders, tests, and polls that do not come.

    Args:
        known: What is known.
        now: The time.
        base: How the rules are set in the environment.
        undelivered: What is not reminded of yet, since its last notification still waits for the channel.
    """
    woken, known = _woken(known, now)
    turned, after = turn(known, now)
    judgement = judge_stale(
        now,
        after.incidents,
        after.policy(base),
        read_at=after.fleet.read_at,
        polled_at=after.polled_at,
        began_at=after.began_at,
        left_alone_until=after.fleet.left_alone_until,
    )
    judged, after = move(after, judgement)
    expired, after = keep(after, testing.expire(after, now, undelivered))
    reminded, after = keep(after, _remind(after, now, undelivered))
    handed, after = duty.hand_over(after, now)
    return _told_once(known, reduce(both, (turned, woken, judged, expired, reminded, handed))), after


def _woken(known: Known, now: datetime) -> tuple[Changes, Known]:
    """What quiet hours kept back that are over now."""
    if not known.decisions.wishes:
        return Changes(known.fleet.read_at), known
    from bot.domain.watch.personal import wake  # noqa: PLC0415 - where nobody wishes for any, nothing needs it

    return wake(known, now)


def _told_once(known: Known, changes: Changes) -> Changes:
    """Less what a card tells that is posted now, and what is said twice: released, and graver in the same moment."""
    told: set[Key] = set()
    kept: list[Notice] = []
    for notice in changes.notices:
        if notice.kind is NoticeKind.RAISED:
            before = known.incidents.get(notice.keys[0])
            if before is None or not before.has_card or before.key in told:
                continue
            told.add(before.key)
        kept.append(notice)
    return changes if len(kept) == len(changes.notices) else replace(changes, notices=tuple(kept))


def turn(known: Known, now: datetime) -> tuple[Changes, Known]:
    """The decisions whose time has come, or is over.

    Of a window that begins where all was suppressed already, by another one or by a silence, nothing is said: the two
    are one quiet, whose end will be told.
    """
    known, settled = pin(known)
    windows = known.decisions.windows.values()
    begun = [replace(each, announced=True) for each in windows if each.active(now) and not each.announced]
    off = [each for each in windows if each.announced and not each.active(now)]
    over = [each for each in known.decisions.silences.values() if each.over(now, known.incidents)]
    again = [replace(each, announced=False, suppressed=()) for each in off if not each.over(now)]
    undone = frozenset(each.id for each in over) | frozenset(each.id for each in windows if each.over(now))
    if not (settled or begun or again or undone):
        return end(known, (), now)
    quiet = any(earlier.includes(later) for earlier in known.decisions.suppressing for later in begun[:1])
    after = replace(known, decisions=known.decisions.with_(*begun, *again, without=undone))
    changes, after = end(after, (*over, *off), now)
    started = (
        notice_of(NoticeKind.MAINTENANCE_STARTED, each, now, until=_last_end(windows, now))
        for each in (() if quiet else begun[:1])
    )
    moved: tuple[Decision, ...] = (*settled, *begun, *again, *changes.decided)
    decided = tuple({each.id: each for each in moved if each.id not in undone}.values())
    return replace(changes, notices=(*started, *changes.notices), decided=decided, undone=undone), after


def _last_end(windows: Iterable[Window], now: datetime) -> datetime | None:
    """When the last of the windows ends that follow each other without a gap; None where they do so for weeks."""
    until = now
    for _ in range(CHAIN):
        later = max((ends for each in windows if (ends := each.ends(until)) is not None), default=None)
        if later is None:
            return until
        until = later
    return None


def end(known: Known, ended: Iterable[Silence | Window], now: datetime) -> tuple[Changes, Known]:
    """These silences and windows have ended: a notice about each, and the notifications that nothing suppresses now.

    Nothing is said of one if another goes on that suppresses all that it did, which will name what this one would.
    """
    said, heirs = _survived(known.decisions, ended)
    known = replace(known, decisions=known.decisions.with_(*heirs)) if heirs else known
    suppressed = known.suppressed() if said else None
    notices = tuple(_ended(known, each, suppressed, now) for each in said) if suppressed else ()
    # The notice reminds of what was open before; the next reminder comes in its time.
    named = dict.fromkeys(key for notice in notices for key in notice.before)
    reminded = [replace(each, notified_at=now) for key in named if (each := known.incidents[key]).has_card]
    changes, after = keep(known, replace(revised(known, reminded), notify=frozenset(), notices=notices))
    unsilenced, after = keep(after, revised(after, _unsilenced(after)) if said or heirs else revised(after, ()))
    released, after = keep(after, release(after, now))
    return replace(both(both(changes, unsilenced), released), decided=heirs), after


def _survived(
    decisions: Decisions, ended: Iterable[Silence | Window]
) -> tuple[list[Silence | Window], tuple[Silence | Window, ...]]:
    """Of those that ended the ones to tell of; and the heirs of the others, which have more to name at their end."""
    going_on = {each.id: each for each in decisions.suppressing}
    said = {each.id: each for each in ended}
    for name in list(said):
        each = said.pop(name)
        heir = next((other for other in (*going_on.values(), *said.values()) if other.includes(each)), None)
        if heir is None:
            said[name] = each
        else:
            among = going_on if heir.id in going_on else said
            among[heir.id] = replace(heir, suppressed=tuple(dict.fromkeys((*heir.suppressed, *each.suppressed))))
    return list(said.values()), tuple(each for each in going_on.values() if each != decisions.get(each.id))


def _unsilenced(known: Known) -> list[Incident]:
    """The incidents that were silenced by somebody who meant just them, and are so no more: their cards say it."""
    silenced = [each for each in known.incidents.values() if each.silenced is not None]
    if not silenced:
        return []
    aimed = Decisions.of(each for each in known.decisions.silences.values() if is_aimed(each)).suppressor()
    return [replace(each, silenced=None) for each in silenced if aimed(each) is None]


def _ended(known: Known, decision: Silence | Window, suppressed: Callable[[Key], bool], now: datetime) -> Notice:
    """The notice that it ended: what it suppressed that is new, was open before, or is still suppressed; what is over.

    What is new is what fired or rose in it: the notifications of that follow.
    """
    kind = NoticeKind.SILENCE_ENDED if isinstance(decision, Silence) else NoticeKind.MAINTENANCE_ENDED
    # What became graver than the silence covers is no longer suppressed by it, and yet is what people will ask about.
    covered = {each.key: each for each in decision.covered} if isinstance(decision, Silence) else {}
    suppresses = Decisions.of([decision]).suppressor()
    matched = [
        each
        for key, each in known.incidents.items()
        if each.open and each.notifiable and (covered[key].names(each) if key in covered else suppresses(each))
    ]
    quiet = dict.fromkeys(each.key for each in matched if suppressed(each.key))
    before = tuple(each.key for each in matched if each.key not in quiet and not each.unnotified)
    new = (each.key for each in matched if each.key not in quiet and each.unnotified)
    notice = notice_of(kind, decision, now, dict.fromkeys((*new, *before, *quiet, *decision.suppressed)))
    return replace(notice, before=before, quiet=tuple(quiet))


def notice_of(
    kind: NoticeKind, decision: Silence | Window, now: datetime, keys: Iterable[Key] = (), until: datetime | None = None
) -> Notice:
    """The notice that a silence or window has started, or has ended; `keys` is what it names."""
    about = name_of(decision) if isinstance(decision, Silence) else ALL
    return Notice(kind, now, tuple(keys), about=about, words=decision.reason, by=decision.by, until=until)


def _remind(known: Known, now: datetime, undelivered: Collection[Key]) -> Step:
    """Notify again of critical incidents that nobody acknowledged, each when its time has come.

    What is `undelivered` is put off: nobody can have left a notification unanswered that never came.
    """
    suppressed = known.suppressed()
    due = [
        _refreshed(known, reminded)
        for key, each in known.incidents.items()
        if (reminded := steering.reminder(each, now)) is not None and not suppressed(key)
    ]
    put_off = [replace(known.incidents[each.key], notified_at=now) for each in due if each.key in undelivered]
    put_off += [replace(each, notified_at=now) for each in known.incidents.values() if _is_ahead(each, now)]
    due = [each for each in due if each.key not in undelivered]
    notices = tuple(
        Notice(
            NoticeKind.REMINDER,
            now,
            (each.key,),
            escalated=each.reminders > 1 or each.key == TEST,
            reminders=each.reminders,
        )
        for each in due
    )
    return replace(revised(known, [*put_off, *due]), notify=frozenset(each.key for each in due), notices=notices)


def _is_ahead(incident: Incident, now: datetime) -> bool:
    """Whether the channel was notified of it later than now: the clock was set back since, and nobody knows when."""
    return incident.open and incident.notified_at is not None and incident.notified_at > now


def _refreshed(known: Known, incident: Incident) -> Incident:
    """With the fast time as last read: its card is not edited each time that this falls further."""
    key = incident.key
    token = known.fleet.tokens.get(key.token) if key.rule is Rule.FAST_TIME_LOW and key.token is not None else None
    if token is None or not token.fast_time.known:
        return incident
    return replace(incident, now=token.record, read_at=known.fleet.age_of(token.id) or incident.read_at)
