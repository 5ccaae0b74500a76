"""The rules about the upstream: polls that bring no reading, and polls that do not come."""

from collections.abc import Mapping
from datetime import datetime

from bot.domain.incidents import Finding, Incident, Judgement, Key, Rule
from bot.domain.model import Failure, Trouble
from bot.domain.rules.policy import Policy, as_set, unwatched
from bot.domain.rules.table import RULES

STALE_AFTER = 3
"""Poll intervals without a reading."""


def judge_failure(failure: Failure, incidents: Mapping[Key, Incident], policy: Policy) -> Judgement:
    """Judge a poll that brought no reading: all that is known of tokens stays as it was."""
    refused = failure.trouble is Trouble.REFUSED
    rule = Rule.UPSTREAM_REFUSED if refused else Rule.UPSTREAM_DOWN
    found = as_set(Finding(Key(rule), RULES[rule].severity, detail=f"{failure.trouble}: {failure.detail}"), policy)
    # A server that refuses our key can be reached; one that cannot be reached says nothing about our key. Either
    # explains why no reading comes.
    answered = {Key(Rule.UPSTREAM_DOWN), Key(Rule.UPSTREAM_STALE)} if refused else {Key(Rule.UPSTREAM_STALE)}
    return Judgement(
        at=failure.at,
        findings={found.key: found} if found else {},
        unsure=frozenset(key for key in incidents if not (found and key in answered)),
        unwatched=unwatched(incidents, policy),
    )


def judge_stale(
    now: datetime,
    incidents: Mapping[Key, Incident],
    policy: Policy,
    *,
    read_at: datetime | None,
    polled_at: datetime | None,
) -> Judgement:
    """Judge that no reading comes. While polls fail, and an incident about that is firing or pending, it explains this.

    Args:
        now: The time.
        incidents: The pending and firing incidents.
        policy: How the rules are set.
        read_at: When the whole fleet was last read.
        polled_at: When the last poll ended, well or not; None while none did since the process began, since what came
            before is no sign that anything hangs.
    """
    failing = {Key(Rule.UPSTREAM_DOWN), Key(Rule.UPSTREAM_REFUSED)} & incidents.keys()
    last = polled_at if failing else read_at
    stale = polled_at is not None and last is not None and now - last > STALE_AFTER * policy.interval
    found = as_set(Finding(Key(Rule.UPSTREAM_STALE), RULES[Rule.UPSTREAM_STALE].severity), policy) if stale else None
    return Judgement(at=now, findings={found.key: found} if found else {}, unsure=frozenset(incidents))
