"""Causes inhibit effects: what is told already makes what comes of it not worth another message.

It is asked anew each time: once the cause is over, what is still wrong is told.
"""

from collections.abc import Callable, Mapping

from bot.domain.incidents import AHEAD, ANYBODY, GONE, Incident, Key, Rule
from bot.domain.model import Severity, gravest
from bot.domain.rules.table import FAST_TIME_RULES, INHIBITIONS, STATUS_RULES


def inhibited(incident: Incident, incidents: Mapping[Key, Incident], silenced: Callable[[Incident], bool]) -> bool:
    """Whether a cause of it is open and told, and no less grave.

    Args:
        incident: What might be told.
        incidents: All of them, as they are after the poll.
        silenced: Whether somebody silenced an incident.
    """
    key = incident.key
    if key.rule is Rule.POOL and key.part == ANYBODY:
        return _explained(incident, incidents, silenced)
    for each in INHIBITIONS:
        cause = incidents.get(Key(each.cause, key.token)) if key.rule in each.effects else None
        if cause is None or not cause.open or (each.told and cause.notified_as is None):
            continue
        if cause.key.rule in AHEAD and incident.detail == GONE and not (cause.forecast and cause.forecast.empty):
            continue  # what was to come has come, and the cause has not told that
        if incident.severity.rank > gravest([cause.severity, cause.holds]).rank:
            continue
        if not silenced(cause) or (each.though_suppressed and cause.notified_as is not None):
            return True
    return False


def _explained(pool: Incident, incidents: Mapping[Key, Incident], silenced: Callable[[Incident], bool]) -> bool:
    """Whether pages of the tokens that do not work say already that the fleet is short.

    Of the only token there is any message says it.
    """
    alone = len(pool.about) == 1 and pool.detail.startswith("0 of 1,")
    return bool(pool.about) and all(_told(token, incidents, silenced, paged=not alone) for token in pool.about)


def _told(token: int, incidents: Mapping[Key, Incident], silenced: Callable[[Incident], bool], *, paged: bool) -> bool:
    """Whether one of its incidents says it, or said it before somebody silenced that: they know."""
    found = (incidents.get(Key(rule, token)) for rule in STATUS_RULES | FAST_TIME_RULES)
    return any(
        each is not None
        and each.open
        and (each.severity is Severity.CRITICAL or not paged)
        and (each.notified_as is not None or not silenced(each))
        for each in found
    )
