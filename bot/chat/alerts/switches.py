"""Which acts help against what is wrong, by rule and by how its token stands now: the switches under a card.

One is offered where it changes something. Off is for what fails the jobs sent to it, relax for what runs out of fast
time, and on for whatever was switched off meanwhile; that also once it is over, since a token that is switched off ends
what is open.
"""

from collections.abc import Callable, Iterable, Mapping

from bot.domain.incidents import AHEAD, Incident, Rule
from bot.domain.model import Fleet, Mode, Status, Token
from bot.domain.rules.table import FAST_TIME_RULES, STATUS_RULES

FAILS = frozenset(
    {Rule.BANNED, Rule.VERIFYING, Rule.UNKNOWN_STATUS, Rule.FLAPPING, Rule.QUEUE_STUCK, Rule.SUBSCRIPTION}
)
"""What is worth switching a token off for by itself; the rest only once it does not get to its jobs any more."""

RUNS_OUT = FAST_TIME_RULES | AHEAD

ABOUT = FAILS | RUNS_OUT | STATUS_RULES | {Rule.FROZEN, Rule.INACTIVE}
"""What is about how a token works."""


def _off(incident: Incident, token: Token) -> bool:
    fails = incident.key.rule in FAILS or (incident.key.rule in ABOUT and not token.usable)
    return incident.open and token.active is not False and fails


def _on(incident: Incident, token: Token) -> bool:
    return incident.key.rule in ABOUT and token.active is False


def _relax(incident: Incident, token: Token) -> bool:
    return incident.open and incident.key.rule in RUNS_OUT and may_relax(token)


SWITCHES: Mapping[str, Callable[[Incident, Token], bool]] = {"off": _off, "on": _on, "relax": _relax}
"""Whether an act helps against an incident of a token, by its word in custom ids."""


def may_relax(token: Token) -> bool:
    """Whether a token works fast, and could go on without fast time."""
    fast = token.status is Status.FAST and token.mode is not Mode.RELAX
    return fast and token.active is not False and token.subscription.has_relax is True


def tokens_for(act: str, incidents: Iterable[Incident], fleet: Fleet) -> list[int]:
    """The tokens for which an act is offered, by id."""
    helps = SWITCHES[act]
    found = {
        token.id
        for each in incidents
        if (token := fleet.tokens.get(-1 if each.key.token is None else each.key.token)) and helps(each, token)
    }
    return sorted(found)
