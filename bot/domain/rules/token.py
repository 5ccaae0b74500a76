"""The rules about one token, but for its fast time: status, flapping, subscription, queue."""

from collections.abc import Iterator, Mapping
from math import isclose

from bot.domain.findings import Finding
from bot.domain.incidents import GONE, Incident, Key, Reason, Rule
from bot.domain.info import read
from bot.domain.model import Severity, Status, gravest
from bot.domain.rules.case import CALM_AFTER, FLIPS
from bot.domain.rules.fast_time import current, fast_time
from bot.domain.rules.policy import as_set
from bot.domain.rules.sight import Sight, Verdict
from bot.domain.rules.table import CRITICAL_AFTER, STATUS_RULES
from bot.domain.value import replace

KEPT_FLIPS = 1000
"""Changes of status that an incident remembers: the latest."""


def status(sight: Sight) -> Iterator[Verdict]:
    """Each status has its own incident, so that each bad turn is one message. What it turns into ends it."""
    token, past = sight.token, sight.past
    if not token.status_text.strip():
        return  # it was never sent
    found = _of_status(sight)
    for rule in STATUS_RULES if past.open else ():
        if found is None and token.status is Status.RELAX and rule is Rule.DEGRADED and past.origin == Status.FAST:
            told = current(past.open, token.id)
            yield from sight.ends(sight.key(rule), Reason.BECAME, told.key.rule if told else Rule.FAST_TIME_LOW)
        elif found is None:
            yield from sight.well(rule)
        elif rule is not found.key.rule:
            yield from sight.ends(sight.key(rule), Reason.BECAME, found.key.rule)
    if found is not None:
        yield found
    elif token.status is Status.FAST and past.status_was(Status.RELAX) and not _explained(past.open, token.id):
        yield replace(sight.finding(Rule.RESTORED), momentary=True)


def _of_status(sight: Sight) -> Finding | None:
    token = sight.token
    match token.status:
        case Status.UNKNOWN:
            return _status_finding(sight, Rule.UNKNOWN_STATUS, Severity.WARNING)
        case Status.BANNED:
            return _status_finding(sight, Rule.BANNED, Severity.CRITICAL)
        case Status.VERIFYING:
            checking = sight.standing(Rule.VERIFYING)
            late = checking is not None and sight.at - checking.began_at >= CRITICAL_AFTER
            finding = _status_finding(sight, Rule.VERIFYING, Severity.WARNING)
            return replace(finding, severity=Severity.CRITICAL, natural=Severity.WARNING) if late else finding
        case Status.RELAX:
            stops = token.subscription.has_relax is False
            finding = _status_finding(sight, Rule.DEGRADED, Severity.CRITICAL if stops else Severity.WARNING)
            if (stops or sight.past.origin == Status.FAST) and not _comes_of_fast_time(sight, finding):
                return finding
    return None


def _comes_of_fast_time(sight: Sight, relax: Finding) -> bool:
    """Whether the card of its fast time tells of RELAX: none is left, or that card is as grave anyway."""
    incident, verdicts = current(sight.past.open, sight.token.id), tuple(fast_time(sight))
    if incident is None and not verdicts:
        return False
    found = [each for verdict in verdicts if isinstance(verdict, Finding) and (each := as_set(verdict, sight.policy))]
    stands = incident is not None and incident.open and all(verdict.key != incident.key for verdict in verdicts)
    told: tuple[Finding | Incident, ...] = (*found, incident) if incident is not None and stands else (*found,)
    set_ = as_set(relax, sight.policy)
    rank = 0 if set_ is None else set_.severity.rank
    return any((each.detail or GONE) == GONE or each.severity.rank >= rank for each in told)


def _explained(open_: Mapping[Key, Incident], token_id: int) -> bool:
    """Whether RELAX was told of, as a degradation or as what comes of fast time that ran out."""
    return Key(Rule.DEGRADED, token_id) in open_ or current(open_, token_id) is not None


def _status_finding(sight: Sight, rule: Rule, severity: Severity) -> Finding:
    """A finding about the status, with the one before it: that may be longer ago than the reading before."""
    finding, history = sight.finding(rule, severity), sight.past.history
    if history is None:
        return finding
    finding = replace(finding, origin=history.origin)
    if history.since == sight.at:
        return finding
    return replace(finding, was=replace(sight.token.record, status=history.before), was_at=history.since)


def flapping(sight: Sight) -> Iterator[Verdict]:
    """Changes of status. From the third in an hour on they are one incident, until there was none for a while.

    It inhibits what the token's status would notify of, but what is graver than it and than what came through before.
    """
    standing = sight.standing(Rule.FLAPPING)
    known = standing.flips if standing else ()
    flips = (*known, *(at for at in sight.past.flips if not known or at > known[-1]))[-KEPT_FLIPS:]
    if not flips or sight.at - flips[-1] >= CALM_AFTER or not (standing or len(flips) >= FLIPS):
        yield from sight.well(Rule.FLAPPING)
        return
    told = (each for rule in STATUS_RULES if (each := sight.standing(rule)) and each.notified_as)
    yield replace(
        sight.finding(Rule.FLAPPING),
        flips=flips,
        detail=sight.token.status_text,
        holds=gravest([standing.holds, *(each.severity for each in told)] if standing else []),
    )


def inactive(sight: Sight) -> Iterator[Verdict]:
    """Switched off at ImaginePro. No other rule has anything to say of such a token: nobody waits for it."""
    if sight.token.active is False:
        yield sight.finding(Rule.INACTIVE)
    elif sight.token.active:
        yield from sight.well(Rule.INACTIVE)


def listed(sight: Sight) -> Iterator[Verdict]:
    """It is in the list, so it is not gone."""
    yield from sight.well(Rule.GONE)


def subscription(sight: Sight) -> Iterator[Verdict]:
    """The renewal date and the fast time come in one text: while the old date stands, no refill was seen either.

    A date that is too old to be believed makes no plan well, by the time alone or by another text. Of one that was
    paused, or is another plan now, the word is enough.
    """
    plan, incident = sight.token.subscription, sight.past.open.get(sight.key(Rule.SUBSCRIPTION))
    if not plan.in_order(sight.at):
        yield sight.finding(Rule.SUBSCRIPTION)
    elif incident is not None:
        bad = read(incident.now).subscription if incident.now is not None else plan
        as_before = plan.dated(sight.at) and (bad.plan, bad.state) == (plan.plan, plan.state)
        if plan.ahead(sight.at) or (plan.state is not None and not as_before):
            yield from sight.well(Rule.SUBSCRIPTION)


def queue_stuck(sight: Sight) -> Iterator[Verdict]:
    """Jobs wait and none runs. That a token does not work is another rule's to say, and its queue does not move.

    What waits while it does not work has not waited for it: from when it works again, that is counted anew.
    """
    token, counts = sight.token, (sight.token.queued_fast, sight.token.queued_relax)
    if token.running.value is None and not token.running.raw:
        return
    idle = token.running.value == 0
    if idle and any(count.value for count in counts):
        if token.usable:
            yield sight.finding(Rule.QUEUE_STUCK)
        elif sight.standing(Rule.QUEUE_STUCK) is None:
            yield from sight.ends(sight.key(Rule.QUEUE_STUCK), Reason.UNTOLD)
    elif not (idle and any(count.value is None and count.raw.strip() for count in counts)):
        yield from sight.well(Rule.QUEUE_STUCK)


def frozen(sight: Sight) -> Iterator[Verdict]:
    """Jobs run and fast time stays as it is: either the numbers are stale, or the jobs hang. Relax mode uses none."""
    token, before = sight.token, _last_read(sight)
    now = token.fast_time.remaining
    if before is None or now is None:
        return
    runs = bool(token.running.raw) and token.running.value != 0 and token.status is Status.FAST
    if not isclose(before, now):
        yield from sight.well(Rule.FROZEN)
    elif runs:
        yield sight.finding(Rule.FROZEN)
    else:
        yield from sight.ends(sight.key(Rule.FROZEN), Reason.UNTOLD)


def _last_read(sight: Sight) -> float | None:
    """How much fast time there was when it was last read; since an incident began, a text may have said nothing."""
    before, incident = sight.past.before, sight.past.open.get(sight.key(Rule.FROZEN))
    if before is not None and not before.fast_time.known and incident is not None and incident.now is not None:
        before = read(incident.now)
    return before.fast_time.remaining if before is not None else None
