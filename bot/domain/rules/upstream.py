"""The rules about the upstream: polls that bring no reading, or a strange one, and polls that do not come."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from bot.domain.findings import Ended, Finding, Judgement
from bot.domain.incidents import End, Incident, Key, Reason, Rule
from bot.domain.model import Failure, Severity, Trouble
from bot.domain.rules.case import Case
from bot.domain.rules.fleet import goes
from bot.domain.rules.policy import Policy, as_set, unwatched
from bot.domain.rules.table import CRITICAL_AFTER, RULES
from bot.domain.value import replace

STALE_AFTER: Final = 3
"""Poll intervals without a reading."""
STALE_AT_LEAST: Final = timedelta(seconds=30)
"""Where the interval is so short that one slow answer, or a busy machine, takes as long as several."""

LONG_REST: Final = timedelta(minutes=5)
"""For which an upstream asks to be left alone; one that does so for less, poll after poll, is told once."""

DOWN, REFUSED, STALE, SHORT = (
    Key(rule) for rule in (Rule.UPSTREAM_DOWN, Rule.UPSTREAM_REFUSED, Rule.UPSTREAM_STALE, Rule.LIST_SHORT)
)


def stale_after(interval: timedelta) -> timedelta:
    """For how long there may be no reading until nobody can rely on the last one."""
    return max(STALE_AFTER * interval, STALE_AT_LEAST)


def answered(case: Case) -> Iterator[Ended]:
    """What the reading of a whole fleet ends. A short list that is believed is no trouble once its tokens are gone."""
    for key in (DOWN, REFUSED, STALE, SHORT):
        if key not in case.incidents:
            continue
        if key is not SHORT or not case.believed:
            yield Ended(key, End(Reason.WELL))
        elif all(goes(case, token_id) for token_id in case.missing):
            yield Ended(key, End(Reason.BECAME, (Rule.GONE,)))


def list_short(case: Case) -> Iterator[Finding]:
    """Far fewer tokens than there were: so many of so many."""
    finding = Finding(SHORT, RULES[Rule.LIST_SHORT].severity, detail=f"{case.short} of {len(case.remembered)}")
    if (found := _found(finding, case.incidents, case.policy, case.reading.at)) is not None:
        yield found


def listed_few(case: Case) -> Iterator[Ended]:
    """What a short list ends, once it is told: an answer is one, though nobody knows whether it is true."""
    told = case.incidents.get(SHORT)
    if told is not None and told.open:
        yield from (
            Ended(key, End(Reason.BECAME, (SHORT.rule,))) for key in (DOWN, REFUSED, STALE) if key in case.incidents
        )


def judge_failure(failure: Failure, incidents: Mapping[Key, Incident], policy: Policy) -> Judgement:
    """Judge a poll that brought no reading: all that is known of tokens stays as it was.

    A server that refuses our key can be reached; one that cannot be reached says nothing about our key.
    """
    key, other = (REFUSED, DOWN) if failure.trouble is Trouble.REFUSED else (DOWN, REFUSED)
    detail = f"{failure.trouble}: {failure.detail}"
    finding = Finding(key, RULES[key.rule].severity, detail=detail, until=_rest(failure, incidents.get(key)))
    found = _found(finding, incidents, policy, failure.at)
    ends = {DOWN: End(Reason.BECAME, (key.rule,))} if found and other is DOWN and DOWN in incidents else {}
    if found and STALE in incidents and any(each in incidents and incidents[each].open for each in (DOWN, REFUSED)):
        ends[STALE] = End(Reason.BECAME, (key.rule,))
    return Judgement(
        at=failure.at,
        findings={key: found} if found else {},
        ends={**ends, **unwatched(incidents, policy)},
    )


def _rest(failure: Failure, told: Incident | None) -> datetime | None:
    """Until when the upstream asks to be left alone, if that is worth an edit of the card; and then until the end."""
    until = failure.until
    long = until is not None and (until - failure.at >= LONG_REST or (told is not None and told.until == until))
    return until if long else None


def judge_stale(
    now: datetime,
    incidents: Mapping[Key, Incident],
    policy: Policy,
    *,
    read_at: datetime | None,
    polled_at: datetime | None,
    began_at: datetime | None,
    left_alone_until: datetime | None = None,
) -> Judgement:
    """Judge that no reading comes. While polls fail, and an incident about that is firing or pending, it explains this.

    So does an upstream that asked to be left alone: a poll that makes no call does not hang.

    Args:
        now: The time.
        incidents: The pending and firing incidents.
        policy: How the rules are set.
        read_at: When the whole fleet was last read.
        polled_at: When the last poll ended, well or not.
        began_at: When the process began to poll: what came before is no sign that anything hangs.
        left_alone_until: Until when the upstream asked to be left alone, if that was its last answer.
    """
    failing = {DOWN, REFUSED, SHORT} & incidents.keys()
    last = max(filter(None, (polled_at if failing else read_at, began_at, left_alone_until)), default=None)
    stale = last is not None and now - last > stale_after(policy.interval)
    finding = Finding(STALE, RULES[Rule.UPSTREAM_STALE].severity)
    found = _found(finding, incidents, policy, now) if stale and (polled_at or began_at) else None
    return Judgement(at=now, findings={found.key: found} if found else {}, whole=False)


def _found(finding: Finding, incidents: Mapping[Key, Incident], policy: Policy, now: datetime) -> Finding | None:
    """As its rule is set; critical once it has lasted: nobody watches the tokens meanwhile."""
    standing = incidents.get(finding.key)
    if standing is not None and standing.open and now - standing.began_at >= CRITICAL_AFTER:
        finding = replace(finding, severity=Severity.CRITICAL, natural=finding.severity)
    return as_set(finding, policy)
