"""What is wrong in a reading: one table of rules, one function a rule.

A rule sees a token as read, the same token as it was, and the token's open incidents. It yields what it finds, and the
keys about which this reading says nothing. The levels at which an incident opens and at which it ends differ
(hysteresis), so that a value that trembles around a level makes one incident.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from bot.domain.incidents import Finding, Incident, Judgement, Key, Rule
from bot.domain.model import Failure, FastTime, Reading, Severity, Status, Threshold, Token, Trouble

LEAVE_POINTS = 5.0
"""How far above a step, in points of the total, fast time must come before the step's incident ends."""

LEAVE_FACTOR = 1.25
"""The same for a step in minutes when the total is not known."""

LEAVE_GONE = 1.0
"""Minutes of fast time above which it is no longer gone."""

READINGS_DOWN = 3
"""Failed looks in a row before the upstream counts as unreachable: one lost answer is no incident."""

READINGS_GONE = 2
"""Whole readings in a row without a token before it counts as gone: one short list is no reason to forget a token."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator decides about the rules."""

    thresholds: tuple[Threshold, ...] = ()
    """The steps of fast time, each its own incident."""


@dataclass(frozen=True, slots=True)
class Past:
    """What was known of a token before this reading."""

    before: Token | None = None
    """None when the token is new."""
    open: Mapping[Key, Incident] = field(default_factory=dict)
    """The token's incidents, pending and firing."""

    def status_was(self, status: Status) -> bool:
        """Whether the token was last read in that status."""
        return self.before is not None and self.before.status is status

    @property
    def origin(self) -> str:
        """The status before the trouble that the token is in began; without any, its last one."""
        before = self.before.status.value if self.before is not None else ""
        return next((incident.origin for key, incident in self.open.items() if key.rule in STATUS_RULES), before)


STATUS_RULES = frozenset({Rule.BANNED, Rule.VERIFYING, Rule.DEGRADED, Rule.UNKNOWN_STATUS})

Verdict = Finding | Key
"""What a rule yields: a finding, or a key that this reading says nothing about."""

TokenRule = Callable[[Token, Past, Policy], Iterator[Verdict]]


def judge(
    reading: Reading,
    remembered: Mapping[int, Token],
    incidents: Mapping[Key, Incident],
    policy: Policy,
    *,
    before_at: datetime | None,
) -> Judgement:
    """Judge one reading.

    Args:
        reading: What was read: the whole fleet, or some tokens alone.
        remembered: The tokens as they were, by id.
        incidents: The pending and firing incidents.
        policy: The operator's thresholds.
        before_at: When the whole fleet was read before; None when this is the first reading ever.
    """
    open_by_token: dict[int | None, dict[Key, Incident]] = defaultdict(dict)
    for key, incident in incidents.items():
        open_by_token[key.token][key] = incident
    baseline = before_at is None and reading.whole
    read = {token.id: token for token in reading.tokens}
    verdicts = chain(
        chain.from_iterable(
            _of_token(token, Past(remembered.get(token.id), open_by_token.get(token.id, {})), policy)
            for token in reading.tokens
        ),
        _of_membership(read, remembered, open_by_token, baseline=baseline) if reading.whole else (),
    )
    findings: dict[Key, Finding] = {}
    unsure: set[Key] = set()
    for verdict in verdicts:
        if isinstance(verdict, Finding):
            findings[verdict.key] = verdict
        else:
            unsure.add(verdict)
    if not reading.whole:
        unsure.update(key for key in incidents if key.token not in read)
    return Judgement(
        at=reading.at,
        findings=findings,
        unsure=frozenset(unsure),
        records={token.id: token.record for token in reading.tokens},
        before_at=before_at,
        baseline=baseline,
    )


def judge_failure(failure: Failure, incidents: Mapping[Key, Incident]) -> Judgement:
    """Judge a look that brought no reading: all that is known of tokens stays as it was."""
    refused = failure.trouble is Trouble.REFUSED
    finding = Finding(
        key=Key(Rule.UPSTREAM_REFUSED if refused else Rule.UPSTREAM_DOWN),
        severity=Severity.CRITICAL if refused else Severity.WARNING,
        detail=f"{failure.trouble}: {failure.detail}",
        readings=1 if refused else READINGS_DOWN,
    )
    # A server that refuses our key can be reached; one that cannot be reached says nothing about our key.
    answered = {Key(Rule.UPSTREAM_DOWN)} if refused else set()
    return Judgement(
        at=failure.at,
        findings={finding.key: finding},
        unsure=frozenset(key for key in incidents if key not in answered),
    )


def _of_token(token: Token, past: Past, policy: Policy) -> Iterable[Verdict]:
    return chain.from_iterable(rule(token, past, policy) for rule in TOKEN_RULES)


def _of_membership(
    read: Mapping[int, Token],
    remembered: Mapping[int, Token],
    open_by_token: Mapping[int | None, Mapping[Key, Incident]],
    *,
    baseline: bool,
) -> Iterator[Verdict]:
    if baseline:
        yield Finding(Key(Rule.BASELINE), Severity.INFO, momentary=True)
        return
    for token_id, token in read.items():
        if token_id not in remembered:
            yield Finding(Key(Rule.NEW, token_id), Severity.INFO, now=token.record, momentary=True)
    for token_id, token in remembered.items():
        if token_id in read:
            continue
        key = Key(Rule.GONE, token_id)
        yield Finding(key, Severity.INFO, was=token.record, readings=READINGS_GONE, momentary=True)
        others = open_by_token.get(token_id, {})
        seen = others[key].seen if key in others else 0
        if seen + 1 < READINGS_GONE:
            yield from (other for other in others if other != key)


# The status rules. Each status has its own incident, so that each bad turn is one message.


def _status_finding(rule: Rule, severity: Severity, token: Token, past: Past) -> Finding:
    if token.active is False:
        severity = min(severity, Severity.WARNING, key=lambda each: each.rank)  # switched off on purpose: nobody waits
    return Finding(
        Key(rule, token.id),
        severity,
        was=past.before.record if past.before else None,
        now=token.record,
        origin=past.origin,
    )


def _status(token: Token, past: Past, _policy: Policy) -> Iterator[Verdict]:
    match token.status:
        case Status.UNKNOWN if not token.status_text.strip():
            yield from (key for key in past.open if key.rule in STATUS_RULES)
        case Status.UNKNOWN:
            yield _status_finding(Rule.UNKNOWN_STATUS, Severity.WARNING, token, past)
        case Status.BANNED:
            yield _status_finding(Rule.BANNED, Severity.CRITICAL, token, past)
        case Status.VERIFYING:
            yield _status_finding(Rule.VERIFYING, Severity.WARNING, token, past)
        case Status.RELAX if past.origin == Status.FAST:
            severity = Severity.CRITICAL if token.subscription.has_relax is False else Severity.WARNING
            yield _status_finding(Rule.DEGRADED, severity, token, past)
        case Status.FAST if past.status_was(Status.RELAX) and Key(Rule.DEGRADED, token.id) not in past.open:
            yield Finding(
                Key(Rule.RESTORED, token.id),
                Severity.INFO,
                was=past.before.record if past.before else None,
                now=token.record,
                momentary=True,
            )
        case _:
            pass


def _inactive(token: Token, past: Past, _policy: Policy) -> Iterator[Verdict]:
    key = Key(Rule.INACTIVE, token.id)
    if token.active is None:
        yield key
    elif not token.active:
        yield Finding(key, Severity.INFO, was=past.before.record if past.before else None, now=token.record)


# The rules of fast time.


def _fast_time(token: Token, past: Past, policy: Policy) -> Iterator[Verdict]:
    """Each step is its own incident; of those crossed in one reading only the deepest speaks."""
    steps = [Key(Rule.FAST_TIME_LOW, token.id, threshold.text) for threshold in policy.thresholds]
    gone = Key(Rule.FAST_TIME_GONE, token.id)
    if token.active is False or not token.fast_time.known:
        # Switched off, it is asked for nothing; unread, it may be anything.
        yield from (*steps, gone)
        return
    refilled = past.before is not None and _refilled(past.before.fast_time, token.fast_time)
    found: list[tuple[Key, Severity]] = []
    for threshold, key in sorted(
        zip(policy.thresholds, steps, strict=True), key=lambda pair: -_level(pair[0], token.fast_time)
    ):
        under = _under(threshold, token.fast_time, leaving=key in past.open and not refilled)
        if under is None:
            yield key
        elif under:
            found.append((key, Severity.WARNING))
    if token.fast_time.gone or (gone in past.open and (token.fast_time.remaining or 0) <= LEAVE_GONE):
        stops = token.subscription.has_relax is False
        found.append((gone, Severity.CRITICAL if stops else Severity.WARNING))
    for index, (key, severity) in enumerate(found):
        yield Finding(
            key,
            severity,
            was=past.before.record if past.before else None,
            now=token.record,
            quiet=index < len(found) - 1,
        )


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


TOKEN_RULES: tuple[TokenRule, ...] = (_status, _inactive, _fast_time)
