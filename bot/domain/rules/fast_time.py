"""The rules about a token's fast time: its steps, and none left."""

from collections.abc import Iterator

from bot.domain.incidents import Finding, Rule
from bot.domain.model import FastTime, Severity, Threshold
from bot.domain.rules.sight import Sight, Verdict
from bot.domain.rules.table import FAST_TIME_RULES
from bot.domain.value import replace

LEAVE_POINTS = 5.0
"""How far above a step, in points of the total, fast time must come before the step's incident ends."""

LEAVE_FACTOR = 1.25
"""The same for a step in minutes when the total is not known."""

LEAVE_GONE = 1.0
"""Minutes of fast time above which it is no longer gone."""


def fast_time(sight: Sight) -> Iterator[Verdict]:
    """Each step is its own incident; the deepest that was crossed inhibits the others. The last step is critical.

    A step that is the only one is no last warning after others, and stays one.
    """
    past, fast_time = sight.past, sight.token.fast_time
    gone = sight.key(Rule.FAST_TIME_GONE)
    if sight.token.active is False or not fast_time.known:
        # Switched off, it is asked for nothing; unread, it may be anything.
        yield from (key for key in past.open if key.rule in FAST_TIME_RULES)
        return
    refilled = past.before is not None and _refilled(past.before.fast_time, fast_time)
    found: list[Finding] = []
    steps = sorted(sight.policy.steps(sight.token.id), key=lambda step: -_level(step, fast_time))
    for each in steps:
        key = sight.key(Rule.FAST_TIME_LOW, each.text)
        under = _under(each, fast_time, leaving=key in past.open and not refilled)
        if under is None:
            yield key
        elif under:
            last = each is steps[-1] and len(steps) > 1
            found.append(sight.finding(Rule.FAST_TIME_LOW, Severity.CRITICAL if last else Severity.WARNING, each.text))
    spent = fast_time.gone or (gone in past.open and (fast_time.remaining or 0) <= LEAVE_GONE)
    if spent and sight.policy.watches(gone):  # or else nothing deeper explains the steps
        stops = sight.token.subscription.has_relax is False
        found.append(sight.finding(Rule.FAST_TIME_GONE, Severity.CRITICAL if stops else Severity.WARNING))
    for finding in found:
        yield replace(finding, inhibited=finding is not found[-1])


def _level(threshold: Threshold, fast_time: FastTime) -> float:
    """The threshold in minutes, to sort by; a percentage of an unknown total sorts as if that were 100 min."""
    return (
        threshold.minutes
        if threshold.minutes is not None
        else (threshold.percent or 0) * (fast_time.total or 100) / 100
    )


def _under(threshold: Threshold, fast_time: FastTime, *, leaving: bool) -> bool | None:
    """Whether fast time is under the threshold, or under its leave level; None when the text does not say."""
    if threshold.percent is not None:
        margin = LEAVE_POINTS if leaving else 0.0
        return None if fast_time.percent is None else fast_time.percent < threshold.percent + margin
    if threshold.minutes is None or fast_time.remaining is None:
        return None
    if not leaving:
        level = threshold.minutes
    elif fast_time.total:
        level = threshold.minutes + fast_time.total * LEAVE_POINTS / 100
    else:
        level = threshold.minutes * LEAVE_FACTOR
    return fast_time.remaining < level


def _refilled(before: FastTime, now: FastTime) -> bool:
    """Whether fast time was added: it only ever falls by itself, and the margin is wider than any rounding."""
    if before.percent is not None and now.percent is not None:
        return now.percent - before.percent >= LEAVE_POINTS
    if before.remaining is None or now.remaining is None:
        return False
    return now.remaining > max(before.remaining, LEAVE_GONE) * LEAVE_FACTOR
