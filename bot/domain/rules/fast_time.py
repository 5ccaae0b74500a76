"""The rule about a token's fast time: one incident, which gets worse level by level, and ends with a refill.

Its levels are the steps that were set, and none left at all. The incident's `detail` is the deepest level that was
crossed: the text of a step, or `GONE`. RELAX that comes of it is told by its card, and by no incident of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final

from bot.domain.forecast import Verdict as Foretold
from bot.domain.incidents import GONE, Incident, Key, Reason, Rule
from bot.domain.info import HIGHEST_LEVEL, read, threshold
from bot.domain.model import FastTime, PlanState, Severity, Threshold, Token, gravest
from bot.domain.rules.policy import as_set
from bot.domain.rules.sight import Sight, Verdict
from bot.domain.rules.table import FAST_TIME_RULES
from bot.domain.value import Value, replace

FULL: Final = 100.0
"""Percent."""

LEAVE_POINTS: Final = 5.0
"""How far above a step, in points of the total, fast time must come before the step counts as left."""

LEAVE_FACTOR: Final = 1.25
"""The same for a step in minutes when the total is not known."""

TRIAL: Final = 25.0
"""Minutes of fast time in a trial."""

LEAVE_AHEAD: Final = 1.5
"""The same for a step that is a time ahead: within a day forecasts are off by some hours."""

ABOVE: Final = 1e9
"""Minutes that no token has: a step that is a time ahead is shallower than any amount, whatever is left then."""

LEAVE_GONE: Final = 1.0
"""Minutes of fast time above which it is no longer gone."""


class _Level(Value):
    """One level, as it is set for the token."""

    text: str
    severity: Severity
    row: Rule
    under: bool | None
    """Whether fast time is under it; None when the text does not say."""


def fast_time(sight: Sight) -> Iterator[Verdict]:
    """The deepest level that was crossed, and never less severe than a shallower one; or the end of it.

    The last of several steps is critical, and so is none left for a plan without relax mode.
    """
    fast_time = measured(sight.token)
    standing = current(sight.past.open, sight.token.id) if sight.past.open else None
    if standing is None and not _may_be_low(sight, fast_time):
        return
    key = standing.key if standing else sight.key(Rule.FAST_TIME_LOW)
    for other in (other for other in sight.past.open if other.rule in FAST_TIME_RULES and other != key):
        yield from sight.ends(other, Reason.BECAME, Rule.FAST_TIME_LOW)  # an older version had one for each level
    if not fast_time.known:
        return
    levels = tuple(_levels(sight, standing))
    if standing is not None and any(each.under is None and each.text == level_of(standing) for each in levels):
        return
    deepest = max((place for place, level in enumerate(levels) if level.under), default=None)
    if deepest is None:
        yield from sight.ends(key, Reason.UNWATCHED if _set_otherwise(standing, levels, sight) else Reason.WELL)
        return
    level, shallower = levels[deepest], levels[:deepest]
    deeper = standing is not None and _is_deeper(level.text, standing, fast_time)
    if sight.past.unspent is not None and level.row is Rule.FAST_TIME_LOW and (standing is None or deeper):
        return  # its allowance grew and nothing of it was spent: it did not fall
    yield replace(
        sight.finding(key.rule, gravest(each.severity for each in levels[: deepest + 1]), key.step),
        detail=level.text,
        row=level.row,
        floor=gravest(_as_set(sight, each) for each in shallower),
        # What is only set otherwise is no worse by what was read.
        natural=standing.natural if standing and not _fell(standing, fast_time) else None,
        deeper=deeper and standing is not None and _fell(standing, fast_time),
    )


def _may_be_low(sight: Sight, fast_time: FastTime) -> bool:
    """Whether any level may be crossed: of most tokens none is, and nothing more need be asked."""
    steps = sight.policy.steps(sight.token.id)
    return fast_time.gone or any(_under(step, fast_time, sight, leaving=False) for step in steps)


def measured(token: Token) -> FastTime:
    """Its fast time, of a total. A trial's text has none; Midjourney gives one 25 minutes, once.

    Source: the text of a trial that has used nothing, `25.00 minutes`.
    """
    fast_time = token.fast_time
    if fast_time.remaining is None or fast_time.total is not None or token.subscription.state is not PlanState.TRIAL:
        return fast_time
    return replace(fast_time, total=TRIAL, percent=fast_time.remaining / TRIAL * FULL)


def current(open_: Mapping[Key, Incident], token_id: int) -> Incident | None:
    """The token's incident of fast time; of several, that an older version of the bot left, the one that tells most."""
    found = [each for key, each in open_.items() if key.token == token_id and key.rule in FAST_TIME_RULES]
    return max(found, key=lambda each: (each.notifiable, each.open, -_depth(level_of(each), None)), default=None)


def level_of(incident: Incident) -> str:
    """The level of an incident of fast time, of one that an older version of the bot stored as well."""
    return incident.detail or incident.key.step or GONE


def _levels(sight: Sight, standing: Incident | None) -> Iterator[_Level]:
    """The levels that are watched, the shallowest first."""
    token, fast_time = sight.token, measured(sight.token)
    refilled = sight.past.before is not None and _refilled(measured(sight.past.before), fast_time)
    at = None if standing is None or refilled else _depth(level_of(standing), fast_time)
    low = sight.policy.row(Rule.FAST_TIME_LOW, token.id).enabled
    steps = sorted(sight.policy.steps(token.id), key=lambda step: -_minutes(step, fast_time)) if low else []
    for step in steps:
        last = step is steps[-1] and len(steps) > 1
        leaving = at is not None and _minutes(step, fast_time) >= at
        under = _under(step, fast_time, sight, leaving=leaving)
        yield _Level(step.text, Severity.CRITICAL if last else Severity.WARNING, Rule.FAST_TIME_LOW, under)
    if sight.policy.row(Rule.FAST_TIME_GONE, token.id).enabled:
        stops = token.subscription.has_relax is False
        was_gone = standing is not None and level_of(standing) == GONE
        spent = fast_time.gone or (was_gone and (fast_time.remaining or 0) <= LEAVE_GONE)
        yield _Level(GONE, Severity.CRITICAL if stops else Severity.WARNING, Rule.FAST_TIME_GONE, spent)


def _set_otherwise(standing: Incident | None, levels: Iterable[_Level], sight: Sight) -> bool:
    """Whether its level is no longer asked for, and would still be crossed: that is no good news."""
    if standing is None or (text := level_of(standing)) in {level.text for level in levels}:
        return False
    fast_time = measured(sight.token)
    return fast_time.gone if text == GONE else _under(threshold(text), fast_time, sight, leaving=True) is not False


def _as_set(sight: Sight, level: _Level) -> Severity:
    """How severe a level is, as its rule is set."""
    finding = as_set(replace(sight.finding(Rule.FAST_TIME_LOW, level.severity), row=level.row), sight.policy)
    return level.severity if finding is None else finding.severity


def _is_deeper(level: str, standing: Incident, fast_time: FastTime) -> bool:
    return _depth(level, fast_time) < _depth(level_of(standing), fast_time)


def _fell(standing: Incident, fast_time: FastTime) -> bool:
    """Whether there is less than when the incident's level was last read, and it is not only set otherwise."""
    left = read(standing.now).fast_time.remaining if standing.now else None
    return left is None or (fast_time.remaining or 0) < left


def _depth(level: str, fast_time: FastTime | None) -> float:
    """A level in minutes, to compare by; none left is below all."""
    return -1.0 if level == GONE else _minutes(threshold(level), fast_time)


def _minutes(step: Threshold, fast_time: FastTime | None) -> float:
    """The step in minutes, to sort by; a percentage of an unknown total sorts as if that were 100 min."""
    if step.minutes is not None:
        return step.minutes
    if step.ahead is not None:
        return ABOVE + step.ahead
    return (step.percent or 0) * ((fast_time and fast_time.total) or FULL) / FULL


def _under(step: Threshold, fast_time: FastTime, sight: Sight, *, leaving: bool) -> bool | None:
    """Whether fast time is under the step, or under its leave level; None when the text does not say.

    Full is never under. A step over all that its plan has says nothing of a token.
    """
    if step.ahead is not None:
        return _ahead(step.ahead, sight, leaving=leaving)
    total = fast_time.total
    if step.percent is not None:
        level = min(step.percent + LEAVE_POINTS, FULL) if leaving else step.percent
        return None if fast_time.percent is None else fast_time.percent < level
    if step.minutes is None or fast_time.remaining is None:
        return None
    if total and step.minutes > total * HIGHEST_LEVEL / FULL:
        return False
    level = step.minutes
    if leaving:
        level = min(level + total * LEAVE_POINTS / FULL, total) if total else level * LEAVE_FACTOR
    return fast_time.remaining < level


def _ahead(minutes: float, sight: Sight, *, leaving: bool) -> bool | None:
    """Whether it will be gone within so many minutes, and before the refill; None where the forecast has no answer."""
    said = sight.past.forecast
    if said is None or said.chance is None:
        return None
    within = timedelta(minutes=minutes * (LEAVE_AHEAD if leaving else 1))
    if said.verdict is Foretold.LASTS and not leaving:
        return False  # its pace would not, but most likely it does: nothing else says otherwise either
    return said.dry_at is not None and said.dry_at - sight.at < within


def _refilled(before: FastTime, now: FastTime) -> bool:
    """Whether fast time was added: it only ever falls by itself, and the margin is wider than any rounding."""
    if before.percent is not None and now.percent is not None and before.total == now.total:
        return now.percent - before.percent >= LEAVE_POINTS
    if before.remaining is None or now.remaining is None:
        return False
    return now.remaining > max(before.remaining, LEAVE_GONE) * LEAVE_FACTOR
