"""What the time alone moves: silences and windows that begin and end, and reminders."""

from collections.abc import Collection, Iterable
from datetime import datetime

from bot.domain import steering
from bot.domain.incidents import Incident, Key, Notice, NoticeKind, Rule
from bot.domain.lifecycle import Step
from bot.domain.rules.policy import Policy
from bot.domain.rules.table import UPSTREAM_RULES
from bot.domain.rules.upstream import judge_stale
from bot.domain.steering import Silence, Window, name_of
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known, both, keep, release, revised
from bot.domain.watch.poll import move


def overdue(known: Known, now: datetime) -> frozenset[Key]:
    """What is to be reminded of by now, if nothing suppresses it."""
    return frozenset(key for key, each in known.incidents.items() if steering.reminder(each, now) is not None)


def tick(known: Known, now: datetime, base: Policy, undelivered: Collection[Key] = ()) -> tuple[Changes, Known]:
    """What the time alone moves: silences and windows that begin and end, reminders, and polls that do not come.

    Args:
        known: What is known.
        now: The time.
        base: How the rules are set in the environment.
        undelivered: What is not reminded of yet, since its last notification still waits for the channel.
    """
    turned, after = turn(known, now)
    judgement = judge_stale(
        now, after.incidents, after.policy(base), read_at=after.fleet.read_at, polled_at=after.polled_at
    )
    judged, after = move(after, judgement)
    reminded, after = keep(after, _remind(after, now, undelivered))
    return both(both(turned, judged), reminded), after


def turn(known: Known, now: datetime) -> tuple[Changes, Known]:
    """The decisions whose time has come, or is over."""
    silences, windows = known.decisions.silences.values(), known.decisions.windows.values()
    begun = [each for each in windows if each.active(now) and not each.announced]
    off = [each for each in windows if each.announced and not each.active(now)]
    over = [each for each in silences if each.over(now, known.incidents)]
    turned = [replace(each, announced=True) for each in begun]
    turned += [replace(each, announced=False, suppressed=()) for each in off if not each.over(now)]
    undone = frozenset(each.id for each in over) | frozenset(each.id for each in windows if each.over(now))
    if not turned and not undone:
        return end(known, (), now)
    after = replace(known, decisions=known.decisions.with_(*turned, without=undone))
    changes, after = end(after, (*over, *off), now)
    started = (notice_of(NoticeKind.MAINTENANCE_STARTED, each, now, (), each.ends(now)) for each in begun)
    return replace(changes, notices=(*started, *changes.notices), decided=tuple(turned), undone=undone), after


def end(known: Known, ended: Iterable[Silence | Window], now: datetime) -> tuple[Changes, Known]:
    """These silences and windows have ended: a notice about each, and the notifications that nothing suppresses now."""
    suppressed = known.suppressed()
    firing = (
        [each for key, each in known.incidents.items() if each.open and each.notifiable and not suppressed(key)]
        if ended
        else []
    )
    notices = tuple(_ended(each, firing, now) for each in ended)
    # The notice reminds of all that it names; the next reminder comes in its time.
    named = {key for notice in notices for key in notice.keys}
    notified = [
        replace(each, notified_at=now) for each in firing if each.key in named and each.has_card and not each.unnotified
    ]
    changes, after = keep(known, replace(revised(known, notified), notify=frozenset(), notices=notices))
    released, after = keep(after, release(after, now))
    return both(changes, released), after


def _ended(decision: Silence | Window, firing: Iterable[Incident], now: datetime) -> Notice:
    """The notice that it ended. Both kinds name what resolved meanwhile.

    After a silence it names what is open; after a window the net difference, which is what fired or rose in it and is
    still open.
    """
    if isinstance(decision, Silence):
        kind, left = NoticeKind.SILENCE_ENDED, [each.key for each in firing if decision.scope.matches(each.key)]
    else:
        kind, left = NoticeKind.MAINTENANCE_ENDED, [each.key for each in firing if each.unnotified]
    return notice_of(kind, decision, now, dict.fromkeys((*left, *decision.suppressed)))


def notice_of(
    kind: NoticeKind, decision: Silence | Window, now: datetime, keys: Iterable[Key], until: datetime | None = None
) -> Notice:
    """The notice that a silence or window has started, or has ended; `keys` is what it names."""
    return Notice(kind, now, tuple(keys), about=name_of(decision), words=decision.reason, by=decision.by, until=until)


def _remind(known: Known, now: datetime, undelivered: Collection[Key]) -> Step:
    """Notify again of critical incidents that nobody acknowledged, each when its time has come.

    While the upstream is in trouble only that is reminded of: nobody knows how the rest stands. What is `undelivered`
    is put off: nobody can have left a notification unanswered that never came.
    """
    suppressed = known.suppressed()
    blind = any(incident.open and key.rule in UPSTREAM_RULES for key, incident in known.incidents.items())
    due = [
        _refreshed(known, reminded)
        for key, each in known.incidents.items()
        if (reminded := steering.reminder(each, now)) is not None
        and not suppressed(key)
        and not (blind and key.rule not in UPSTREAM_RULES)
    ]
    put_off = [replace(known.incidents[each.key], notified_at=now) for each in due if each.key in undelivered]
    due = [each for each in due if each.key not in undelivered]
    notices = tuple(Notice(NoticeKind.REMINDER, now, (each.key,), escalated=each.reminders > 1) for each in due)
    return replace(revised(known, [*put_off, *due]), notify=frozenset(each.key for each in due), notices=notices)


def _refreshed(known: Known, incident: Incident) -> Incident:
    """With the fast time as last read: its card is not edited each time that this falls further."""
    key = incident.key
    token = known.fleet.tokens.get(key.token) if key.rule is Rule.FAST_TIME_LOW and key.token is not None else None
    if token is None or not token.fast_time.known:
        return incident
    return replace(incident, now=token.record, read_at=known.fleet.age_of(token.id) or incident.read_at)
