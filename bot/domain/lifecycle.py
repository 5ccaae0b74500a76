"""How one poll moves the incidents: a state machine over values and `now`. It decides; it notifies nobody itself.

A key that a reading says nothing about does not move. While an incident is suppressed (silenced, in a maintenance
window, or inhibited by its cause) it moves on and notifies nobody: a card that is there already is edited, what fired
or rose stays `unnotified` until it is no longer suppressed, and what resolved is named by the notice that the silence
or window has ended.

Only an end that is good news is posted. Any other is an edit of its card: what is wrong instead has a message itself.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from bot.domain.counting import counted
from bot.domain.findings import Finding, Judgement
from bot.domain.forecast import Forecast
from bot.domain.incidents import (
    AHEAD,
    FAST_HOURS,
    LOOKED_EVERY,
    End,
    Happening,
    Incident,
    Key,
    Moment,
    Reason,
    Rule,
    Stage,
    noted,
    sounded,
)
from bot.domain.messages import Notice, NoticeKind
from bot.domain.model import Severity
from bot.domain.value import Value, replace

HALF_DAYS, DAYS = timedelta(days=1), timedelta(days=7)
"""From when on half days matter of what is foretold, and from when on days do."""


class Step(Value):
    """How something moved the incidents."""

    after: Mapping[Key, Incident]
    """Those that are pending or firing now."""
    changed: tuple[Incident, ...] = ()
    """Those that are new or otherwise than before, the ended ones among them."""
    notify: frozenset[Key] = frozenset()
    """Keys of `changed` whose card is to be posted, or edited."""
    notices: tuple[Notice, ...] = ()
    """To be posted after the cards that they reply to."""
    suppressed: tuple[Key, ...] = ()
    """Keys of `changed` that resolved, or were momentary, while suppressed: what suppressed them names them at its end.

    One of which the channel was never notified, since it fired suppressed as well, is no longer `notifiable`.
    """


Suppressed = Callable[[Key, Mapping[Key, Incident]], bool]
"""Whether an incident of that key is suppressed now, given all incidents as they are after the poll."""


def step(before: Mapping[Key, Incident], judgement: Judgement, suppressed: Suppressed) -> Step:
    """Move the incidents by one poll. The same poll twice notifies of nothing the second time.

    Args:
        before: The pending and firing incidents.
        judgement: What the poll found.
        suppressed: Which incidents notify nobody now.
    """
    moved = {
        **{key: _found(before.get(key), finding, judgement) for key, finding in judgement.findings.items()},
        **{key: _ended(before[key], end, judgement) for key, end in judgement.ends.items() if key in before},
    }
    after = {**before, **moved}
    news = tuple(
        _news(before.get(key), incident, judgement, suppressed=suppressed(key, after))
        for key, incident in moved.items()
        if incident is not before.get(key)
    )
    after |= {each.incident.key: each.incident for each in news}
    return Step(
        after={key: incident for key, incident in after.items() if incident.stage is not Stage.RESOLVED},
        changed=tuple(each.incident for each in news),
        notify=frozenset(each.incident.key for each in news if each.notify),
        notices=tuple(each.notice for each in news if each.notice is not None),
        suppressed=tuple(each.incident.key for each in news if each.suppressed),
    )


class _News(Value):
    """An incident that changed, and how the channel is notified of it."""

    incident: Incident
    notify: bool = False
    notice: Notice | None = None
    suppressed: bool = False


def _found(incident: Incident | None, finding: Finding, judgement: Judgement) -> Incident:
    """The incident after a poll that found it."""
    if incident is None:
        incident = Incident(
            key=finding.key,
            severity=finding.severity,
            stage=Stage.PENDING,
            opened_at=judgement.at,
            read_at=judgement.at,
            seen=0,
            was=finding.was,
            was_at=finding.was_at or (judgement.before_at if finding.was else None),
            now=finding.now,
            origin=finding.origin,
        )
    if incident.began_at > judgement.at:  # the clock was set back since, and nobody knows when
        incident = replace(incident, unbroken_since=judgement.at)
    if incident.stage is Stage.PENDING:
        if finding.key in judgement.unseen:
            incident = replace(incident, seen=0, unbroken_since=judgement.at)
        return _pending(incident, finding, judgement)
    if incident.missed:
        incident = replace(incident, missed=0, missed_at=None)
    return incident if _face(incident) == _face(finding) else _as_found(incident, finding, judgement.at)


def _pending(incident: Incident, finding: Finding, judgement: Judgement) -> Incident:
    """The incident that stays pending, or fires now: in the first reading ever only `for` keeps one pending."""
    seen = counted(
        incident.seen,
        finding.readings,
        judgement.at - incident.began_at,
        again=judgement.whole,
        apart=_apart(finding.key),
    )
    often = judgement.baseline or seen == finding.readings
    if not often or judgement.at - incident.began_at < finding.for_:
        return incident if seen == incident.seen else replace(incident, seen=seen)
    incident = replace(
        _as_found(incident, finding, judgement.at),
        seen=seen,
        keep_firing_for=finding.keep_firing_for,
        notifiable=not finding.muted,
    )
    if finding.momentary:
        return replace(incident, stage=Stage.RESOLVED, resolved_at=judgement.at)
    return replace(incident, stage=Stage.FIRING)


def _apart(key: Key) -> timedelta:
    """How far apart what counts is: polls are as far apart as they may be."""
    return LOOKED_EVERY if key.rule in AHEAD else timedelta()


def _as_found(incident: Incident, finding: Finding, at: datetime) -> Incident:
    return replace(
        incident,
        severity=finding.severity,
        natural=_natural(finding),
        now=finding.now,
        detail=finding.detail,
        about=finding.about,
        until=finding.until,
        holds=finding.holds,
        flips=finding.flips,
        forecast=finding.forecast,
        burning=finding.burning,
        read_at=at,
    )


def _natural(finding: Finding) -> Severity:
    return finding.severity if finding.natural is None else finding.natural


def _ended(incident: Incident, end: End, judgement: Judgement) -> Incident:
    """The incident after a poll that ends it. Good news may have to come several times before it is believed."""
    if incident.open and end.reason is Reason.WELL and incident.key not in judgement.at_once:
        missed = counted(
            incident.missed,
            incident.keep_firing_for,
            judgement.at - (incident.missed_at or judgement.at),
            again=judgement.whole,
            apart=_apart(incident.key),
        )
        if missed < incident.keep_firing_for:
            same = missed == incident.missed
            return incident if same else replace(incident, missed=missed, missed_at=incident.missed_at or judgement.at)
    token = None if incident.key.token is None else judgement.tokens.get(incident.key.token)
    return replace(
        incident,
        stage=Stage.RESOLVED,
        resolved_at=judgement.at,
        read_at=judgement.at,
        now=None if token is None else token.record,
        notifiable=incident.notifiable and incident.open,
        end=end,
    )


def _face(seen: Incident | Finding) -> tuple[Severity, str, tuple[datetime, ...]]:
    """What of a firing incident is worth an edit when it changes. An amount is not: it changes with every reading."""
    match seen.key.rule:
        case Rule.UNKNOWN_STATUS | Rule.INACTIVE:
            word = seen.now.status if seen.now else ""
        case Rule.FAST_TIME_LOW | Rule.FAST_TIME_GONE:
            word = f"{seen.detail} {seen.now.status}" if seen.now else seen.detail
        case Rule.DOES_NOT_LAST:
            word = "" if seen.forecast is None else f"{seen.forecast.verdict} {_about_when(seen.forecast)}"
        case Rule.UPSTREAM_DOWN:
            word = f"{seen.detail.partition(':')[0]} {seen.until}"
        case Rule.UPSTREAM_REFUSED:
            # What is refused; in the brackets is the upstream's own text.
            word = f"{seen.detail.partition(' (')[0]} {seen.until}"
        case Rule.POOL if seen.key.part == FAST_HOURS:
            word = ""
        case _:
            word = seen.detail
    return seen.severity, word, seen.flips[-1:]


def _about_when(said: Forecast) -> str:
    """When it runs out, as exact as anybody wants to know: the card is edited when that is another time."""
    if said.dry_at is None:
        return ""
    ahead = said.dry_at - said.at
    if said.empty:
        return "empty"
    exactly = "%F" if ahead >= DAYS else "%F %p" if ahead >= HALF_DAYS else "%F %H"
    return said.dry_at.strftime(exactly)


def _news(before: Incident | None, after: Incident, judgement: Judgement, *, suppressed: bool) -> _News:
    """How the channel is notified of an incident that changed, and what its timeline notes."""
    at, finding = judgement.at, judgement.findings.get(after.key)
    if not after.notifiable or after.stage is Stage.PENDING:
        return _News(after)
    if before is None or before.stage is Stage.PENDING:
        return _fired(after, at, suppressed=suppressed)
    if after.stage is Stage.RESOLVED:
        return _over(after, at, suppressed=suppressed)
    return _News(after) if finding is None else _still(before, after, finding, at, suppressed=suppressed)


def _still(before: Incident, after: Incident, finding: Finding, at: datetime, *, suppressed: bool) -> _News:
    """It goes on firing, and may have got worse. Whoever has it need not hear that only time passed."""
    rises = after.severity.rank > before.severity.rank
    worse = finding.deeper or (before.natural is not None and _natural(finding).rank > before.natural.rank)
    if worse or (rises and not before.acknowledged):
        return _raised(after, at, suppressed=suppressed)
    if rises:
        moment = Moment(at, Happening.RAISED, severity=after.severity)
        return _News(noted(replace(after, notified_as=after.notified_as and after.severity), moment), after.has_card)
    if after.severity.rank < before.severity.rank:
        after = _lowered(after, at)
    return _News(after, notify=after.has_card and _face(before) != _face(after))


def _fired(incident: Incident, at: datetime, *, suppressed: bool) -> _News:
    incident = noted(incident, Moment(incident.began_at, Happening.FIRED, severity=incident.severity))
    if suppressed:
        return _News(incident, suppressed=not incident.open)
    return _News(_notified(incident, at), notify=True)


def _raised(incident: Incident, at: datetime, *, suppressed: bool) -> _News:
    """It got worse: whoever acknowledged it did not acknowledge that."""
    moment = Moment(at, Happening.RAISED, severity=incident.severity)
    incident = noted(replace(incident, acknowledged=None, reminders=0), moment)
    if suppressed:
        return _News(_unheard(incident), notify=incident.has_card)
    notice = Notice(NoticeKind.RAISED, at, (incident.key,)) if incident.has_card else None
    return _News(_notified(incident, at), notify=True, notice=notice)


def _unheard(incident: Incident) -> Incident:
    """With less notified of than there is, so that the rise is made good when nothing suppresses it any more."""
    as_heard = incident.notified_as
    if as_heard is None or as_heard.rank < incident.severity.rank or incident.severity is Severity.INFO:
        return incident
    return replace(incident, notified_as=list(Severity)[incident.severity.rank - 1])


def _lowered(incident: Incident, at: datetime) -> Incident:
    """It got better: should it get worse again, that is news."""
    notified_as = (
        min(incident.notified_as, incident.severity, key=lambda each: each.rank) if incident.notified_as else None
    )
    return noted(replace(incident, notified_as=notified_as), Moment(at, Happening.LOWERED, severity=incident.severity))


def _over(incident: Incident, at: datetime, *, suppressed: bool) -> _News:
    """It ended. Without a notification it needs no end."""
    unwatched = incident.end is not None and incident.end.reason is Reason.UNWATCHED
    incident = noted(incident, Moment(at, Happening.UNWATCHED if unwatched else Happening.RESOLVED))
    if incident.notified_as is None:
        return _News(replace(incident, notifiable=False), suppressed=suppressed and not unwatched)
    if suppressed or not incident.well:
        return _News(incident, notify=incident.has_card, suppressed=suppressed and not unwatched)
    notice = Notice(NoticeKind.RESOLVED, at, (incident.key,)) if incident.has_card else None
    return _News(incident, notify=True, notice=notice)


def _notified(incident: Incident, at: datetime) -> Incident:
    first = incident.first_notified_at or at
    return replace(sounded(incident, at), notified_at=at, notified_as=incident.severity, first_notified_at=first)
