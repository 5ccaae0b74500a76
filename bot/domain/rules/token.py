"""The rules about one token, but for its fast time: status, flapping, subscription, queue."""

from collections.abc import Iterator
from datetime import timedelta

from bot.domain.incidents import Finding, Rule
from bot.domain.model import Severity, Status
from bot.domain.rules.case import CALM_AFTER, FLIPS
from bot.domain.rules.sight import Sight, Verdict
from bot.domain.rules.table import STATUS_RULES
from bot.domain.value import replace

CRITICAL_AFTER = timedelta(minutes=15)
"""How long a check may stand unanswered before it is critical."""

KEPT_FLIPS = 1000
"""Changes of status that an incident remembers: the latest."""


def status(sight: Sight) -> Iterator[Verdict]:
    """Each status has its own incident, so that each bad turn is one message."""
    token, past = sight.token, sight.past
    match token.status:
        case Status.UNKNOWN if not token.status_text.strip():
            yield from (key for key in past.open if key.rule in STATUS_RULES)
        case Status.UNKNOWN:
            yield _status_finding(sight, Rule.UNKNOWN_STATUS, Severity.WARNING)
        case Status.BANNED:
            yield _status_finding(sight, Rule.BANNED, Severity.CRITICAL)
        case Status.VERIFYING:
            checking = past.open.get(sight.key(Rule.VERIFYING))
            late = checking is not None and sight.at - checking.opened_at >= CRITICAL_AFTER
            yield _status_finding(sight, Rule.VERIFYING, Severity.CRITICAL if late else Severity.WARNING)
        case Status.RELAX if past.origin == Status.FAST:
            stops = token.subscription.has_relax is False
            yield _status_finding(sight, Rule.DEGRADED, Severity.CRITICAL if stops else Severity.WARNING)
        case Status.FAST if past.status_was(Status.RELAX) and sight.key(Rule.DEGRADED) not in past.open:
            yield replace(sight.finding(Rule.RESTORED), momentary=True)
        case _:
            pass


def _status_finding(sight: Sight, rule: Rule, severity: Severity) -> Finding:
    if sight.token.active is False:
        severity = min(severity, Severity.WARNING, key=lambda each: each.rank)  # switched off on purpose: nobody waits
    return replace(sight.finding(rule, severity), origin=sight.past.origin)


def flapping(sight: Sight) -> Iterator[Verdict]:
    """Changes of status. From the third in an hour on they are one incident, until there was none for a while.

    It inhibits what the token's status would notify of, so it is itself critical once the token is BANNED.
    """
    key = sight.key(Rule.FLAPPING)
    standing = incident if (incident := sight.past.open.get(key)) and incident.open else None
    known = standing.flips if standing else ()
    flips = (*known, *(at for at in sight.past.flips if not known or at > known[-1]))[-KEPT_FLIPS:]
    if not flips or sight.at - flips[-1] >= CALM_AFTER or not (standing or len(flips) >= FLIPS):
        return
    banned = sight.token.status is Status.BANNED and sight.token.active is not False
    severe = banned or (standing is not None and standing.severity is Severity.CRITICAL)
    yield replace(sight.finding(Rule.FLAPPING, Severity.CRITICAL if severe else None), flips=flips)


def inactive(sight: Sight) -> Iterator[Verdict]:
    """Switched off at ImaginePro; when the list does not say, nothing moves."""
    if sight.token.active is None:
        yield sight.key(Rule.INACTIVE)
    elif not sight.token.active:
        yield sight.finding(Rule.INACTIVE)


def subscription(sight: Sight) -> Iterator[Verdict]:
    """The renewal date and the fast time come in one text: while the old date stands, no refill was seen either.

    The time alone makes no plan well: one that is not renewed stays so when its date is too old to be believed.
    """
    plan, before, key = sight.token.subscription, sight.past.before, sight.key(Rule.SUBSCRIPTION)
    if not plan.in_order(sight.at):
        yield sight.finding(Rule.SUBSCRIPTION)
    elif key in sight.past.open:
        silent = plan.state is None and plan.renews_at is None and plan.ends_at is None
        as_before = before is not None and before.subscription == plan
        if silent or (as_before and plan.dated(sight.at)):
            yield key


def queue_stuck(sight: Sight) -> Iterator[Verdict]:
    """Jobs wait and none runs. That a token does not work is another rule's to say, and its queue does not move."""
    key, token = sight.key(Rule.QUEUE_STUCK), sight.token
    waits = any(count.value for count in (token.queued_fast, token.queued_relax)) and token.running.value == 0
    unread = token.running.value is None and not token.running.raw
    if unread or (waits and not token.usable and key in sight.past.open and sight.past.open[key].open):
        yield key
    elif waits and token.usable:
        yield sight.finding(Rule.QUEUE_STUCK)


def frozen(sight: Sight) -> Iterator[Verdict]:
    """Jobs run and fast time stays as it is: either the numbers are stale, or the jobs hang. Relax mode uses none."""
    before, token = sight.past.before, sight.token
    runs = bool(token.running.raw) and token.running.value != 0
    same = before is not None and before.fast_time.raw == token.fast_time.raw
    if runs and same and token.fast_time.known and token.status is Status.FAST:
        yield sight.finding(Rule.FROZEN)
