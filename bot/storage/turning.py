"""What an older version of the bot cannot read is stored under what it can, and called by its name when it is read.

A deploy may leave one in the lead, or somebody goes back to it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from bot.domain.acts import Act
from bot.domain.incidents import Happening, Incident, Key, Moment, Rule
from bot.domain.info import ETA, ahead_text, threshold
from bot.domain.messages import Notice, NoticeKind
from bot.domain.model import Severity
from bot.domain.steering import Covered, Silence, Window
from bot.domain.value import replace

LEVEL: Final = Rule.FAST_TIME_LOW
_WRITTEN: Final[Mapping[Rule, tuple[Rule, str]]] = {
    # One more first summary, which calls nobody.
    Rule.TEST: (Rule.BASELINE, "test"),
    # Low fast time, by a level that nobody sets: it ends at the next poll as one that is no longer watched.
    Rule.DOES_NOT_LAST: (LEVEL, "98.0%"),
    Rule.BURNING_FAST: (LEVEL, "97.0%"),
    # ImaginePro asks for payment: see `_PAYMENT`. Of another step than its own, no answer ends it there.
    Rule.CREDITS_LOW: (Rule.UPSTREAM_REFUSED, "credits"),
    Rule.PLAN_EXPIRES: (Rule.UPSTREAM_REFUSED, "plan"),
}
"""Rules, and the rule and step by which an older version knows their incidents.

It can read no rule that it does not know. Each is called what is least false, and what that version does least harm
with.
"""

_KNOWN: Final = {as_written: rule for rule, as_written in _WRITTEN.items()}
SINCE: Final = frozenset(_WRITTEN) - {Rule.TEST}
"""Rules that came later, and that people can set and silence."""
NEWEST: Final = frozenset({Rule.CREDITS_LOW, Rule.PLAN_EXPIRES})
"""Of those the ones that the version right before this one cannot read either, though it reads the others."""

_PAYMENT: Final[Mapping[Rule, tuple[str, str]]] = {
    Rule.CREDITS_LOW: ("credits left: ", " (402)"),
    Rule.PLAN_EXPIRES: ("the plan ends: ", " (402)"),
}
"""What stands before and behind the detail of these rules: with it, a version of today says "ImaginePro asks for
payment", and to check credits and subscription. Version 0.1.0 says of all refusals that the key is refused."""

_GRAVE: Final = Severity.CRITICAL.value

_AHEAD: Final = re.compile(r"99\.(\d{6})%", re.ASCII)


def written(key: Key) -> Key:
    """The key as it is stored."""
    if key.step or key.rule not in _WRITTEN:
        return key
    rule, step = _WRITTEN[key.rule]
    return Key(rule, key.token, step)


def known(key: Key) -> Key:
    """The key of one that was stored."""
    rule = _KNOWN.get((key.rule, key.step)) if key.step else None
    return key if rule is None else Key(rule, key.token)


def turned(value: Any, turn: Callable[[Key], Key]) -> Any:  # noqa: ANN401 - any value of the domain, and the same kind
    """A value of the domain with its keys, and its levels, as they are stored, or back; any other value as it is."""
    for kind, of_kind in _TURNS.items():
        if isinstance(value, kind):
            return of_kind(value, turn)
    return value


def _notice(notice: Notice, turn: Callable[[Key], Key]) -> Notice:
    """A digest, the outcome of an act and others, whose kinds a version from before cannot read, are an end.

    A digest or a report is one of no incident at all: it says "0 incidents at once", which is true, without a sound.
    """
    of_its_own = _of_its_own(notice)
    if of_its_own is not None:
        acts = tuple(_act(each, turn) for each in notice.acts)
        notice = replace(notice, kind=NoticeKind.RESOLVED if turn is written else of_its_own, acts=acts)
    if any(turn(key) is not key for key in notice.keys):
        keys, before, quiet = (_all(each, turn) for each in (notice.keys, notice.before, notice.quiet))
        return replace(notice, keys=keys, before=before, quiet=quiet)
    return notice


def _of_its_own(notice: Notice) -> NoticeKind | None:
    """The kind that only a version of today can read; None for any other."""
    unreachable = notice.to and notice.kind in {NoticeKind.RESOLVED, NoticeKind.UNREACHABLE}
    says = {
        NoticeKind.DIGEST: notice.digest,
        NoticeKind.REPORT: notice.report,
        NoticeKind.RUNBOOK: notice.remarks,
        NoticeKind.UNREACHABLE: unreachable,
        NoticeKind.SHIFT: notice.shift,
        NoticeKind.ACT: notice.acts,
    }
    return next((kind for kind, said in says.items() if said), None)


def _act(act: Act, turn: Callable[[Key], Key]) -> Act:
    return replace(act, keys=_all(act.keys, turn)) if act.keys else act


def _incident(incident: Incident, turn: Callable[[Key], Key]) -> Incident:
    if incident.key.rule is Rule.POOL and incident.key.group:
        return _of_group(incident, turn)
    detail = _detail(incident, turn)
    moments = incident.moments
    if any(each.act for each in moments):
        moments = tuple(_moment(each, turn) for each in moments)
    if turn(incident.key) is incident.key and detail is incident.detail and moments is incident.moments:
        return incident
    return replace(incident, key=turn(incident.key), detail=detail, moments=moments)


def _of_group(incident: Incident, turn: Callable[[Key], Key]) -> Incident:
    """To a version that knows no groups, a warning: its card stands, no poll ends it, and so nobody is to be reminded.

    How grave it is then lies where no incident of that rule has anything.
    """
    if turn is written and incident.severity is Severity.CRITICAL:
        return replace(incident, severity=Severity.WARNING, origin=_GRAVE)
    if turn is known and incident.origin == _GRAVE:
        return replace(incident, severity=Severity.CRITICAL, origin="")
    return incident


def _detail(incident: Incident, turn: Callable[[Key], Key]) -> str:
    detail = incident.detail
    if incident.key.rule is LEVEL:
        return _level(detail, turn)
    before, behind = _PAYMENT.get((incident.key if turn is written else turn(incident.key)).rule, ("", ""))
    if turn is written:
        return f"{before}{detail}{behind}" if before else detail
    return detail.removeprefix(before).removesuffix(behind)


def _moment(moment: Moment, turn: Callable[[Key], Key]) -> Moment:
    """To a version from before there were acts, one was "asked for by @ana": the least false of what it can read."""
    return replace(moment, what=Happening.FIRED if turn is written else Happening.ACTED) if moment.act else moment


def _silence(silence: Silence, turn: Callable[[Key], Key]) -> Silence:
    covered = tuple(_covered(each, turn) for each in silence.covered)
    return replace(silence, suppressed=_all(silence.suppressed, turn), covered=covered)


def _window(window: Window, turn: Callable[[Key], Key]) -> Window:
    return replace(window, suppressed=_all(window.suppressed, turn))


_TURNS: Final[Mapping[type, Callable[[Any, Callable[[Key], Key]], object]]] = {
    Incident: _incident,
    Notice: _notice,
    Act: _act,
    Silence: _silence,
    Window: _window,
}


def _all(keys: Iterable[Key], turn: Callable[[Key], Key]) -> tuple[Key, ...]:
    return tuple(map(turn, keys))


def _covered(covered: Covered, turn: Callable[[Key], Key]) -> Covered:
    return replace(covered, key=turn(covered.key), level=_level(covered.level, turn))


def _level(text: str, turn: Callable[[Key], Key]) -> str:
    """A level of fast time: `eta 12h` as `99.000720%`, which a version from before there were such levels can read."""
    if turn is known:
        found = _AHEAD.fullmatch(text)
        return ahead_text(int(found[1])) if found else text
    ahead = threshold(text).ahead if text.startswith(ETA) else None
    return text if ahead is None else f"99.{ahead:06.0f}%"
