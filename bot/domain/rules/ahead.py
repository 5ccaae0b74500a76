"""The rules about what is to come: fast time that will not last until the refill, and fast time that burns away.

They are asked by looks ahead (`bot.domain.watch.ahead`), and not by polls. What they say is one side of a trouble whose
other side is the rule about fast time: once that has told people, it has the word.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from bot.domain.findings import Ended, Finding
from bot.domain.forecast import UNLIKELY, Forecast
from bot.domain.incidents import End, Incident, Reason, Rule
from bot.domain.model import Severity
from bot.domain.rules.fast_time import current
from bot.domain.rules.sight import Sight, Verdict
from bot.domain.value import replace

STAYS: Final = timedelta(days=1)
"""How long an incident of a token that burned fast stays open: it is told once in that time."""

ROSE: Final = 0.02
"""Of the allowance, by which what is left rises at least when it was added to."""

LEAST: Final = 1.0
"""Minutes; the same where the allowance is not known."""


def does_not_last(sight: Sight) -> Iterator[Verdict]:
    """It will be gone before the refill, surely enough. A forecast that is no answer leaves it as it is."""
    said, key = sight.past.forecast, sight.key(Rule.DOES_NOT_LAST)
    incident = sight.past.open.get(key)
    if _is_told(sight):
        yield from sight.ends(key, Reason.BECAME, Rule.FAST_TIME_LOW)
    elif sight.token.subscription.unrefilled(sight.at):
        yield from sight.ends(key, Reason.UNTOLD)  # there is no refill any more until which it could last
    elif said is None or said.chance is None:
        return
    elif incident is not None and _eased(incident, said, sight.token.fast_time.total):
        yield Ended(key, End(Reason.WELL), at_once=True)
    elif said.chance >= sight.policy.chance(sight.token.id):
        yield _found(sight, said)
    elif said.chance <= UNLIKELY:
        yield from sight.well(Rule.DOES_NOT_LAST)
    elif incident is not None and incident.open:
        yield _found(sight, said)
    else:
        yield from sight.ends(key, Reason.UNTOLD)


def burning_fast(sight: Sight) -> Iterator[Verdict]:
    """So much went within the hour that it is soon empty, if this goes on. Told once a day; it need not go on."""
    burning, key = sight.past.burning, sight.key(Rule.BURNING_FAST)
    incident = sight.past.open.get(key)
    left, total = sight.token.fast_time.remaining, sight.token.fast_time.total
    if _is_told(sight):
        yield from sight.ends(key, Reason.BECAME, Rule.FAST_TIME_LOW)
    elif incident is not None and incident.burning is not None and _rose(incident.burning.left, left, total):
        yield Ended(key, End(Reason.WELL), at_once=True)
    elif burning is not None:
        yield replace(sight.finding(Rule.BURNING_FAST, _severity(sight)), burning=burning, forecast=sight.past.forecast)
    elif incident is not None and sight.at - incident.opened_at >= STAYS:
        yield Ended(key, End(Reason.WELL), at_once=True)


def _found(sight: Sight, said: Forecast) -> Finding:
    before = sight.standing(Rule.DOES_NOT_LAST)
    came = before is not None and said.empty and before.forecast is not None and not before.forecast.empty
    return replace(sight.finding(Rule.DOES_NOT_LAST, _severity(sight)), forecast=said, deeper=came)


def _severity(sight: Sight) -> Severity:
    """Without a relax mode it stops."""
    return Severity.CRITICAL if sight.token.subscription.has_relax is False else Severity.WARNING


def _is_told(sight: Sight) -> bool:
    """Whether people were told of its fast time by the card about that."""
    low = current(sight.past.open, sight.token.id) if sight.past.open else None
    return low is not None and low.open and low.notified_as is not None


def _eased(incident: Incident, said: Forecast, total: float | None) -> bool:
    """Whether it was refilled since, or so much was bought that it may well last."""
    before = incident.forecast
    if before is None or not _rose(before.left, said.left, total):
        return False
    refilled = before.renews_at is not None and said.renews_at is not None and said.renews_at > before.renews_at
    return refilled or (said.chance is not None and said.chance < UNLIKELY)


def _rose(before: float | None, now: float | None, total: float | None) -> bool:
    return before is not None and now is not None and now - before > max(LEAST, ROSE * (total or 0))
