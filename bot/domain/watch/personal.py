"""What people hear of by direct message: as the ops channel is notified of it, and at the end of quiet hours. Pure.

It follows what the channel is notified of, so that nobody hears of what is silenced, in a window or inhibited. One
thing is said once to one person, whatever of their wish it matches; nobody hears of what they did themselves, but for
a test page that they asked for: that shows whom a page reaches.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cached_property

from bot.domain.asides import Aside, Place, What
from bot.domain.decisions import Decisions
from bot.domain.incidents import Happening, Incident, Key, Moment, Rule, Stage
from bot.domain.messages import NoticeKind
from bot.domain.model import Severity
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known
from bot.domain.wishes import Wish

_LOUD = frozenset({NoticeKind.RAISED, NoticeKind.REMINDER})
_ENDS = frozenset({NoticeKind.SILENCE_ENDED, NoticeKind.MAINTENANCE_ENDED})
"""Which call whoever is on call for what was open before."""


def personal(known: Known, changes: Changes, now: datetime) -> Iterator[Aside]:
    """What these changes of what was known call for.

    Args:
        known: What was known before.
        changes: What is otherwise now.
        now: The time.
    """
    decisions = known.decisions.with_(*changes.decided, without=changes.undone)
    news = _News(known, changes, decisions, now)
    said = {(each.to, key) for each in changes.asides if each.place is Place.PERSON for key in each.keys}
    for wish in decisions.wishes.values():
        if wish.refused_at is not None:
            continue
        before = known.decisions.wishes.get(wish.id)
        if before is None or before.at != wish.at:
            yield Aside(wish.by, Place.PERSON, now, What.WELCOME)
            # Whatever their quiet hours kept back so far is said now: the new wish begins with this moment.
            if before is not None and before.refused_at is None:
                kept = tuple(each.key for each in _kept_back(known, before))
                said |= {(wish.by, key) for key in kept}
                yield from [Aside(wish.by, Place.PERSON, now, What.MORNING, kept)] if kept else []
        together: dict[tuple[What, tuple[Moment, ...]], list[Key]] = defaultdict(list)
        for key, what, moments in news.of(wish):
            if (wish.by, key) not in said:
                together[what, moments].append(key)
        for (what, moments), keys in together.items():
            yield Aside(wish.by, Place.PERSON, now, what, tuple(keys), moments)


class _News:
    """What happened in one change."""

    def __init__(self, known: Known, changes: Changes, decisions: Decisions, now: datetime) -> None:
        self._known, self._changes, self._decisions, self._now = known, changes, decisions, now
        self._after: Mapping[Key, Incident] = {each.key: each for each in changes.incidents}

    def of(self, wish: Wish) -> Iterator[tuple[Key, What, tuple[Moment, ...]]]:
        """What of it somebody wishes to hear of: the incident, why, and what is new of its timeline; each once."""
        told: set[Key] = set()
        called = on_call(self._decisions, wish.by, self._now) and (wish.mine or wish.pages)
        quiet = wish.quiet is not None and wish.quiet.holds(self._now)
        if called or (wish.pages and not quiet):
            for key, by in self._pages.items():
                if by != wish.by:
                    told.add(key)
                    yield key, What.PAGE, ()
        if quiet:
            return
        if wish.mine:
            for key, what, moments in self._of_mine(wish.by):
                if key not in told:
                    told.add(key)
                    yield key, what, moments
        if wish.group:
            yield from ((key, What.FIRED, ()) for key in self._fired_of(wish.group) if key not in told)

    @cached_property
    def _fired(self) -> frozenset[Key]:
        """What the channel is notified of for the first time."""
        return frozenset(
            key
            for key in self._changes.notify
            if (incident := self._after.get(key)) is not None
            and incident.notified_as is not None
            and ((before := self._before(incident)) is None or before.notified_as is None)
        )

    @cached_property
    def _raised(self) -> frozenset[Key]:
        return frozenset(key for each in self._changes.notices if each.kind is NoticeKind.RAISED for key in each.keys)

    @cached_property
    def _pages(self) -> Mapping[Key, int | None]:
        """What calls whoever is on call now, and who did what it comes of, if anybody."""
        calling: dict[Key, int | None] = dict.fromkeys(self._fired)
        for notice in self._changes.notices:
            if notice.kind in _LOUD:
                calling.update(dict.fromkeys(notice.keys))
            elif notice.kind in _ENDS:
                by = self._changes.audit[0].by if self._changes.audit else None
                calling = {**dict.fromkeys(notice.before, by), **calling}
        return {key: by for key, by in calling.items() if (found := self._now_of(key)) is not None and found.pages}

    def _of_mine(self, me: int) -> Iterator[tuple[Key, What, tuple[Moment, ...]]]:
        for incident in self._changes.incidents:
            before, key = self._before(incident), incident.key
            had = before is not None and before.acknowledged is not None and before.acknowledged.who == me
            moment = _moved(before, incident)
            if moment is not None:
                if _actor(moment) != me and (had or moment.who == me):
                    yield key, What.TAKEN if moment.who == me else What.CHANGED, (moment,)
            elif had and incident.stage is Stage.RESOLVED and self._is_told_of(incident):
                yield key, What.ENDED, ()
            elif had and key in self._raised:
                yield key, What.CHANGED, ()

    def _is_told_of(self, incident: Incident) -> bool:
        """Whether the channel is told that it ended: as a notice, or by its card, unless something suppresses it."""
        if any(each.kind is NoticeKind.RESOLVED and incident.key in each.keys for each in self._changes.notices):
            return True
        return incident.key in self._changes.notify and not self._suppressed(incident.key)

    @cached_property
    def _suppressed(self) -> Callable[[Key], bool]:
        return self._known.suppressed()

    def _fired_of(self, name: str) -> Iterator[Key]:
        group = self._decisions.group(name)
        if group is not None:
            told = [*self._fired, *(self._raised - self._fired)]
            yield from (key for key in told if group.holds(key.token) or key.group == group.name)

    def _before(self, incident: Incident) -> Incident | None:
        before = self._known.incidents.get(incident.key)
        return before if before is not None and before.opened_at == incident.opened_at else None

    def _now_of(self, key: Key) -> Incident | None:
        return self._after.get(key) or self._known.incidents.get(key)


def _moved(before: Incident | None, incident: Incident) -> Moment | None:
    """How it came to be somebody's, or nobody's, by a person; None where it did not."""
    last = next((each for each in reversed(incident.moments) if each.what is Happening.ACKNOWLEDGED), None)
    return None if last is None or (before is not None and last in before.moments) else last


def _actor(moment: Moment) -> int | None:
    """Who did it."""
    return moment.who if moment.by is None else moment.by


def on_call(decisions: Decisions, person: int, now: datetime) -> bool:
    """Whether somebody is on call then."""
    shift = decisions.on_call(now)
    return shift is not None and shift.who == person


def wake(known: Known, now: datetime) -> tuple[Changes, Known]:
    """Say at the end of quiet hours what they kept back and is still open; of nothing else, and once."""
    woken: list[Wish] = []
    said: list[Aside] = []
    for wish in known.decisions.wishes.values():
        ended = wish.quiet and wish.refused_at is None and wish.quiet.ended(now)
        if not ended or ended <= wish.told_until:
            continue
        woken.append(replace(wish, woken_at=now))
        if keys := tuple(each.key for each in _kept_back(known, wish)):
            said.append(Aside(wish.by, Place.PERSON, now, What.MORNING, keys))
    changes = Changes(known.fleet.read_at, decided=tuple(woken), asides=tuple(said))
    return changes, replace(known, decisions=known.decisions.with_(*woken)) if woken else known


def _kept_back(known: Known, wish: Wish) -> Iterator[Incident]:
    """What is open, not suppressed, and matches a wish by what happened in its quiet hours."""
    suppressed = known.suppressed()
    group = known.decisions.group(wish.group) if wish.group else None
    for key, each in known.incidents.items():
        if not each.open or each.notified_as is None:
            continue
        kept = (
            (wish.pages and _was_page(each) and _is_kept(known, wish, each.notified_at))
            or (
                group is not None
                and (group.holds(key.token) or key.group == group.name)
                and _has_fired(known, wish, each)
            )
            or (wish.mine and _was_mine(wish, each))
        )
        if kept and not suppressed(key):
            yield each


def _was_page(incident: Incident) -> bool:
    """Whether it called whoever was on call, some time."""
    severities = (incident.severity, *(each.severity for each in incident.moments))
    return incident.key.rule is Rule.TEST or Severity.CRITICAL in severities


def _in_quiet(wish: Wish, at: datetime | None) -> bool:
    """Whether that was in quiet hours of which nothing was said yet."""
    return at is not None and wish.quiet is not None and at > wish.told_until and wish.quiet.holds(at)


def _is_kept(known: Known, wish: Wish, at: datetime | None) -> bool:
    """Whether a page of then was kept back: it was not from whoever was on call."""
    return _in_quiet(wish, at) and not (at is not None and on_call(known.decisions, wish.by, at))


def _has_fired(known: Known, wish: Wish, incident: Incident) -> bool:
    """Whether it fired or rose in quiet hours, and was not told as a page."""
    raised = (each.at for each in incident.moments if each.what is Happening.RAISED)
    times = [each for each in (incident.first_notified_at, *raised) if _in_quiet(wish, each)]
    paged = (wish.pages or wish.mine) and _was_page(incident)
    return any(not (paged and each is not None and on_call(known.decisions, wish.by, each)) for each in times)


def _was_mine(wish: Wish, incident: Incident) -> bool:
    """Whether others, or the time, did something in quiet hours to an incident that somebody had, or has since."""
    had, kept = False, False
    for each in incident.moments:
        happened = _in_quiet(wish, each.at)
        if each.what is Happening.ACKNOWLEDGED:
            mine = had or each.who == wish.by
            kept = kept or (happened and mine and _actor(each) != wish.by)
            had = each.who == wish.by
        elif each.what is Happening.RAISED and had and incident.acknowledged is None:
            kept, had = kept or happened, False
    return kept
