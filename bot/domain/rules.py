"""What is wrong in a reading: one table of rules, one function a rule.

A rule sees a token as read, the same token as it was, and the token's open incidents. It yields what it finds, and the
keys about which this reading says nothing. The levels at which an incident opens and at which it ends differ
(hysteresis), so that a value that trembles around a level makes one incident.

While the upstream gives no answer, nothing that is known of tokens and of the fleet moves: its own incidents inhibit
all others.
"""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain, islice

from bot.domain.incidents import Finding, Incident, Judgement, Key, Rule
from bot.domain.info import duration, threshold
from bot.domain.model import Failure, FastTime, PlanState, Reading, Severity, Status, Threshold, Token, Trouble
from bot.domain.steering import Setting
from bot.domain.value import Value, field, replace

LEAVE_POINTS = 5.0
"""How far above a step, in points of the total, fast time must come before the step's incident ends."""

LEAVE_FACTOR = 1.25
"""The same for a step in minutes when the total is not known."""

LEAVE_POOL_FACTOR = 1.05
"""The same for the fast time of the fleet, a sum that trembles less; a full fleet must be able to get there."""

LEAVE_GONE = 1.0
"""Minutes of fast time above which it is no longer gone."""

CRITICAL_AFTER = timedelta(minutes=15)
"""How long a check may stand unanswered before it is critical."""

RENEWAL_GRACE = timedelta(hours=6)
"""How long after its renewal a plan may still show the old date."""

STALE_AFTER = 3
"""Poll intervals without a reading."""

FLIPS, FLIPS_WITHIN, CALM_AFTER = 3, timedelta(hours=1), timedelta(minutes=30)
"""So many changes of status in such a time are flapping, until there was none for so long."""

KEPT_FLIPS = 1000
"""Changes of status that an incident remembers: the latest."""

ANYBODY = "usable"
FAST_HOURS = "fast time"
"""The two things that the rule about the whole fleet looks at; they are the steps of its keys."""


class Row(Value):
    """How a rule works unless somebody set it otherwise."""

    severity: Severity
    """What `/rules` shows as its default. A rule may find another where it knows more: see its function."""
    readings: int = 1
    """In a row to fire."""
    clear: int = 1
    """In a row to clear."""
    hold: timedelta = timedelta()
    """How long it must have been so before it fires; for a rule that has one, its threshold is this."""
    enabled: bool = True
    chosen: Severity | None = None
    """Set by somebody, it holds whatever the rule finds."""


RULES: Mapping[Rule, Row] = {
    Rule.BASELINE: Row(Severity.INFO),
    Rule.UPSTREAM_DOWN: Row(Severity.WARNING, readings=3),
    Rule.UPSTREAM_REFUSED: Row(Severity.CRITICAL),
    Rule.UPSTREAM_STALE: Row(Severity.WARNING),
    Rule.BANNED: Row(Severity.CRITICAL),
    Rule.VERIFYING: Row(Severity.WARNING),
    Rule.DEGRADED: Row(Severity.WARNING),
    Rule.UNKNOWN_STATUS: Row(Severity.WARNING),
    Rule.RESTORED: Row(Severity.INFO),
    Rule.FAST_TIME_LOW: Row(Severity.WARNING),
    Rule.FAST_TIME_GONE: Row(Severity.WARNING),
    Rule.SUBSCRIPTION: Row(Severity.WARNING),
    Rule.QUEUE_STUCK: Row(Severity.WARNING, hold=timedelta(minutes=20)),
    Rule.FROZEN: Row(Severity.INFO, hold=timedelta(hours=6)),
    Rule.INACTIVE: Row(Severity.INFO),
    # One short or empty list is no reason to forget accounts.
    Rule.GONE: Row(Severity.INFO, readings=2),
    Rule.NEW: Row(Severity.INFO),
    # The number of tokens that work has no margin to leave it by; readings in a row keep it from trembling.
    Rule.POOL: Row(Severity.CRITICAL, clear=3),
    Rule.FLAPPING: Row(Severity.INFO),
}
"""In the order in which people are shown them."""


UPSTREAM_RULES = frozenset({Rule.UPSTREAM_DOWN, Rule.UPSTREAM_REFUSED, Rule.UPSTREAM_STALE})
FLEET_RULES = UPSTREAM_RULES | {Rule.BASELINE, Rule.POOL}
"""Rules that are about no single token."""
STATUS_RULES = frozenset({Rule.BANNED, Rule.VERIFYING, Rule.DEGRADED, Rule.UNKNOWN_STATUS})
FAST_TIME_RULES = frozenset({Rule.FAST_TIME_LOW, Rule.FAST_TIME_GONE})


class PoolLevels(Value):
    """What the fleet as a whole must have."""

    usable: int = 1
    """Tokens that work."""
    minutes: float | None = None
    """Of fast time, in the tokens that work together; None when nobody asked for that."""
    text: str = ""
    """The amount of fast time as written."""


@lru_cache
def _steps(text: str) -> tuple[Threshold, ...]:
    """Read `20%,30m`."""
    return tuple(threshold(part) for part in text.split(","))


@lru_cache
def _pool_levels(text: str) -> PoolLevels:
    """Read `3`, `10h` or `3,10h`."""
    levels = PoolLevels()
    for part in map(str.strip, text.split(",")):
        if part.isdecimal() and part.isascii():
            levels = replace(levels, usable=int(part))
        elif (minutes := threshold(part).minutes) is not None:
            levels = replace(levels, minutes=minutes, text=part)
        else:
            message = "write how many tokens must work, an amount of fast time such as 10h, or both: 3,10h"
            raise ValueError(message)
    return levels


THRESHOLDS: Mapping[Rule, Callable[[str], object]] = {
    Rule.FAST_TIME_LOW: _steps,
    Rule.POOL: _pool_levels,
    **{rule: duration for rule, row in RULES.items() if row.hold},
}
"""The rules that have a threshold, and what reads it."""


def check(setting: Setting) -> None:
    """Whether a rule can be set like this.

    Raises:
        ValueError: with a sentence that says what to write.
    """
    message = ""
    if setting.token is not None and setting.rule in FLEET_RULES:
        message = "this rule is about the whole fleet: leave out the token"
    elif setting.readings is not None and setting.readings < 1:
        message = "it takes at least one reading"
    elif setting.threshold is not None and setting.rule not in THRESHOLDS:
        message = f"this rule has no threshold; those that have one: {', '.join(THRESHOLDS)}"
    if message:
        raise ValueError(message)
    if setting.threshold is not None:
        THRESHOLDS[setting.rule](setting.threshold)


class Policy(Value):
    """What the operator decides about the rules: the environment's steps of fast time, and what was set in chat."""

    thresholds: tuple[Threshold, ...] = ()
    """The steps of fast time, each its own incident."""
    interval: timedelta = timedelta(minutes=1)
    """Between two looks."""
    settings: Mapping[tuple[Rule, int | None], Setting] = field(default_factory=dict)

    def row(self, rule: Rule, token: int | None) -> Row:
        """How a rule works for a token: its own setting wins over the fleet's, and that over the default."""
        row = RULES[rule]
        for setting in self._set(rule, token):
            row = replace(
                row,
                enabled=row.enabled if setting.enabled is None else setting.enabled,
                chosen=row.chosen if setting.severity is None else setting.severity,
                readings=row.readings if setting.readings is None else setting.readings,
                hold=duration(setting.threshold) if RULES[rule].hold and setting.threshold is not None else row.hold,
            )
        return row

    def threshold(self, rule: Rule, token: int | None) -> str:
        """The threshold that was set for a rule, as text; empty when there is none."""
        return next((text for each in reversed(self._set(rule, token)) if (text := each.threshold) is not None), "")

    def steps(self, token: int | None) -> tuple[Threshold, ...]:
        """The steps of fast time for a token."""
        chosen = self.threshold(Rule.FAST_TIME_LOW, token)
        return _steps(chosen) if chosen else self.thresholds

    @property
    def pool(self) -> PoolLevels:
        """What the fleet must have: one token that works, unless somebody set it otherwise."""
        chosen = self.threshold(Rule.POOL, None)
        return _pool_levels(chosen) if chosen else PoolLevels()

    def watches(self, key: Key) -> bool:
        """Whether anybody wants to hear of that. A token that is gone is forgotten, whoever wants to hear of it."""
        if key.rule is not Rule.GONE and not self.row(key.rule, key.token).enabled:
            return False
        if key.rule is Rule.FAST_TIME_LOW:
            return any(step.text == key.step for step in self.steps(key.token))
        return key != Key(Rule.POOL, step=FAST_HOURS) or self.pool.minutes is not None

    def _set(self, rule: Rule, token: int | None) -> tuple[Setting, ...]:
        """The fleet's setting before the token's."""
        if not self.settings:
            return ()
        found = (self.settings.get((rule, None)), self.settings.get((rule, token)) if token is not None else None)
        return tuple(setting for setting in found if setting is not None)


Flips = Mapping[int, tuple[datetime, ...]]
"""When tokens changed their status in the last hour, by id; oldest first."""


class Past(Value):
    """What was known of a token before this reading."""

    before: Token | None = None
    """None when the token is new."""
    open: Mapping[Key, Incident] = field(default_factory=dict)
    """The token's incidents, pending and firing."""
    flips: tuple[datetime, ...] = ()
    """When it changed its status lately, this reading included; oldest first."""

    def status_was(self, status: Status) -> bool:
        """Whether the token was last read in that status."""
        return self.before is not None and self.before.status is status

    @property
    def origin(self) -> str:
        """The status before the trouble that the token is in began; without any, its last one."""
        before = self.before.status.value if self.before is not None else ""
        return next((incident.origin for key, incident in self.open.items() if key.rule in STATUS_RULES), before)


Verdict = Finding | Key
"""What a rule yields: a finding, or a key that this reading says nothing about."""


class Sight(Value):
    """What a rule sees of one token."""

    token: Token
    past: Past
    policy: Policy
    at: datetime

    def key(self, rule: Rule, step: str = "") -> Key:
        """The key of the token's incident of that rule."""
        return Key(rule, self.token.id, step)

    def finding(self, rule: Rule, severity: Severity | None = None, step: str = "") -> Finding:
        """A finding about the token, with what it was and is."""
        return Finding(
            self.key(rule, step),
            RULES[rule].severity if severity is None else severity,
            was=self.past.before.record if self.past.before else None,
            now=self.token.record,
        )


TokenRule = Callable[[Sight], Iterator[Verdict]]


NEVER = datetime.max.replace(tzinfo=UTC)


class Calm(Value):
    """Of which tokens no rule has anything to say, so that a large fleet need not be judged anew at each look."""

    policy: Policy
    """By which the rules were asked; by another they may say something else."""
    until: Mapping[int, datetime]
    """Up to when, by token, as long as it reads as it does, has no incident, and did not change its status lately."""
    first: datetime
    """No later than the earliest of them."""
    others: frozenset[int]
    """The tokens that are to be judged when they are read next, whatever is read."""


def _calm_until(token: Token) -> datetime:
    """When the time alone may give a rule something to say of a token; the renewal is all that a rule waits for."""
    renews_at = token.subscription.renews_at
    return NEVER if renews_at is None else renews_at + RENEWAL_GRACE


def _flipped(flips: Flips, at: datetime, changed: Mapping[int, Token], remembered: Mapping[int, Token]) -> Flips:
    """The changes of status of the last hour, after a reading. A status that was not sent changes nothing."""
    new = dict(flips)
    for token_id, token in changed.items():
        before = remembered.get(token_id)
        if before is not None and before.status_text and token.status_text and not _alike(before, token):
            new[token_id] = (*new.get(token_id, ()), at)
    since = at - FLIPS_WITHIN
    return {
        token_id: times if len(times) == 1 else tuple(at for at in times if at > since)
        for token_id, times in new.items()
        if times[-1] > since
    }


def _alike(one: Token, other: Token) -> bool:
    """Whether two statuses are the same; of those that we do not know, the words are compared."""
    return one.status is other.status and (one.status is not Status.UNKNOWN or one.status_text == other.status_text)


class Case(Value):
    """A reading beside what was known before it: all that the rules are asked about."""

    reading: Reading
    fresh: Mapping[int, Token]
    """The tokens in it that are not the very objects that are remembered."""
    changed: Mapping[int, Token]
    """Those of them that are new, or read otherwise than before."""
    remembered: Mapping[int, Token]
    """The tokens as they were, by id."""
    incidents: Mapping[Key, Incident]
    """Pending and firing."""
    open: Mapping[int | None, Mapping[Key, Incident]]
    """The same by their token; None for those that are about no single one."""
    flips: Flips
    """This reading included."""
    policy: Policy
    before_at: datetime | None
    """When the whole fleet was read before; None when this is the first reading ever."""
    calm: Calm | None
    """Which tokens were calm before; None when that is not known, as after a start."""
    missing: frozenset[int]
    """The tokens that are remembered, and not in a reading of the whole fleet."""
    stirred: frozenset[int]
    """The tokens in the reading that are to be judged: a rule may have something to say of them."""

    @property
    def baseline(self) -> bool:
        """Whether this is the first reading ever."""
        return self.before_at is None and self.reading.whole

    @property
    def moved(self) -> Container[int | None]:
        """The tokens that cannot be calm, whatever the rules say: they may say something else next time."""
        return self.changed.keys() | self.open.keys() | self.flips.keys()

    def past(self, token_id: int) -> Past:
        """What was known of a token."""
        return Past(self.remembered.get(token_id), self.open.get(token_id, {}), self.flips.get(token_id, ()))


def compare(
    reading: Reading,
    remembered: Mapping[int, Token],
    incidents: Mapping[Key, Incident],
    policy: Policy,
    *,
    before_at: datetime | None,
    flips: Flips,
    calm: Calm | None,
) -> Case:
    """See what of a reading has to be judged. Takes 1 ms for 10,000 tokens, and everything after it what changed.

    Args:
        reading: What was read: the whole fleet, or some tokens alone.
        remembered: The tokens as they were, by id.
        incidents: The pending and firing incidents.
        policy: How the rules are set.
        before_at: When the whole fleet was read before; None when this is the first reading ever.
        flips: When tokens changed their status lately.
        calm: Which tokens were calm before; None when that is not known.
    """
    read = reading.tokens
    fresh = {token_id: token for token_id, token in read.items() if remembered.get(token_id) is not token}
    changed = {token_id: token for token_id, token in fresh.items() if remembered.get(token_id) != token}
    by_token: dict[int | None, dict[Key, Incident]] = defaultdict(dict)
    for key, incident in incidents.items():
        by_token[key.token][key] = incident
    flips = _flipped(flips, reading.at, changed, remembered)
    if calm is not None and calm.policy == policy:
        over = (token_id for token_id, until in calm.until.items() if until < reading.at)
        stirred = {*calm.others, *changed, *by_token, *flips, *(over if calm.first < reading.at else ())} & read.keys()
    else:
        calm, stirred = None, set(read)
    new = sum(token_id not in remembered for token_id in changed)
    missing = remembered.keys() - read.keys() if reading.whole and len(read) < len(remembered) + new else ()
    return Case(
        reading=reading,
        fresh=fresh,
        changed=changed,
        remembered=remembered,
        incidents=incidents,
        open=by_token,
        flips=flips,
        policy=policy,
        before_at=before_at,
        calm=calm,
        missing=frozenset(missing),
        stirred=frozenset(stirred),
    )


def judge(case: Case) -> tuple[Judgement, Calm | None]:
    """Judge one reading; also returns which tokens are calm now, if that is known."""
    reading, incidents, policy = case.reading, case.incidents, case.policy
    verdicts, calm = _of_tokens(case)
    if reading.whole:
        verdicts += _of_fleet(case)
    findings: dict[Key, Finding] = {}
    unsure: set[Key] = set()
    for verdict in verdicts:
        if not isinstance(verdict, Finding):
            unsure.add(verdict)
        elif (finding := _as_set(verdict, policy)) is not None:
            findings[finding.key] = finding
    if not reading.whole:
        unsure.update(key for key in incidents if key.token not in reading.tokens)
    judgement = Judgement(
        at=reading.at,
        findings=findings,
        unsure=frozenset(unsure),
        unwatched=_unwatched(incidents, policy),
        tokens=reading.tokens,
        before_at=case.before_at,
        baseline=case.baseline,
    )
    return judgement, calm


def judge_failure(failure: Failure, incidents: Mapping[Key, Incident], policy: Policy) -> Judgement:
    """Judge a look that brought no reading: all that is known of tokens stays as it was."""
    refused = failure.trouble is Trouble.REFUSED
    rule = Rule.UPSTREAM_REFUSED if refused else Rule.UPSTREAM_DOWN
    found = _as_set(Finding(Key(rule), RULES[rule].severity, detail=f"{failure.trouble}: {failure.detail}"), policy)
    # A server that refuses our key can be reached; one that cannot be reached says nothing about our key. Either tells
    # why no reading comes.
    answered = {Key(Rule.UPSTREAM_DOWN), Key(Rule.UPSTREAM_STALE)} if refused else {Key(Rule.UPSTREAM_STALE)}
    return Judgement(
        at=failure.at,
        findings={found.key: found} if found else {},
        unsure=frozenset(key for key in incidents if not (found and key in answered)),
        unwatched=_unwatched(incidents, policy),
    )


def judge_quiet(
    now: datetime,
    incidents: Mapping[Key, Incident],
    policy: Policy,
    *,
    read_at: datetime | None,
    looked_at: datetime | None,
) -> Judgement:
    """Judge that no reading comes. While failures come, and are told or about to be, it is they that say so.

    Args:
        now: The time.
        incidents: The pending and firing incidents.
        policy: How the rules are set.
        read_at: When the whole fleet was last read.
        looked_at: When the last look ended, well or not; None while none did since the process began, since what came
            before is no sign that anything hangs.
    """
    told = {Key(Rule.UPSTREAM_DOWN), Key(Rule.UPSTREAM_REFUSED)} & incidents.keys()
    last = looked_at if told else read_at
    stale = looked_at is not None and last is not None and now - last > STALE_AFTER * policy.interval
    found = _as_set(Finding(Key(Rule.UPSTREAM_STALE), RULES[Rule.UPSTREAM_STALE].severity), policy) if stale else None
    return Judgement(at=now, findings={found.key: found} if found else {}, unsure=frozenset(incidents))


def _unwatched(incidents: Mapping[Key, Incident], policy: Policy) -> frozenset[Key]:
    return frozenset(key for key in incidents if not policy.watches(key))


def _as_set(finding: Finding, policy: Policy) -> Finding | None:
    """The finding as its rule is set; None when nobody wants to hear of it."""
    if not policy.watches(finding.key):
        return None
    row = policy.row(finding.key.rule, finding.key.token)
    return replace(
        finding,
        severity=finding.severity if row.chosen is None else row.chosen,
        readings=row.readings,
        clear=row.clear,
        hold=row.hold,
        quiet=finding.quiet or not row.enabled,
    )


def _of_tokens(case: Case) -> tuple[list[Verdict], Calm | None]:
    """What the rules say of the tokens that are to be judged; and which are calm now, up to when."""
    verdicts: list[Verdict] = []
    calm: dict[int, datetime] = {}
    moved = case.moved
    for token_id in sorted(case.stirred):
        token = case.reading.tokens[token_id]
        said = list(_of_token(Sight(token, case.past(token_id), case.policy, case.reading.at)))
        verdicts += said
        if not said and token_id not in moved:
            calm[token_id] = _calm_until(token)
    return verdicts, _calmed(case, calm)


def _calmed(case: Case, calm: Mapping[int, datetime]) -> Calm | None:
    """Which tokens are calm now: those that were and did not stir, and these; of a whole fleet or of none."""
    before, reading = case.calm, case.reading
    if before is None and not reading.whole:
        return None
    until = {**(before.until if before else {}), **calm}
    for token_id in case.stirred - calm.keys() | case.missing:
        until.pop(token_id, None)
    others = case.stirred | case.missing | (before.others if before and not reading.whole else frozenset())
    first = (
        min([*calm.values(), before.first])
        if before and before.first >= reading.at
        else min(until.values(), default=NEVER)
    )
    return Calm(case.policy, until, first, others - calm.keys())


def _of_token(sight: Sight) -> Iterable[Verdict]:
    return chain.from_iterable(rule(sight) for rule in TOKEN_RULES)


def _of_fleet(case: Case) -> Iterator[Verdict]:
    if case.baseline:
        yield Finding(Key(Rule.BASELINE), Severity.INFO, momentary=True)
    else:
        yield from _membership(case)
    yield from _pool(case.reading.tokens, case.open.get(None, {}), case.policy.pool)


def _membership(case: Case) -> Iterator[Verdict]:
    for token_id, token in case.changed.items():
        if token_id not in case.remembered:
            yield Finding(Key(Rule.NEW, token_id), Severity.INFO, now=token.record, momentary=True)
    for token_id in sorted(case.missing):
        key = Key(Rule.GONE, token_id)
        yield Finding(key, Severity.INFO, was=case.remembered[token_id].record, momentary=True)
        others = case.open.get(token_id, {})
        seen = others[key].seen if key in others else 0
        if seen + 1 < case.policy.row(Rule.GONE, token_id).readings:
            yield from (other for other in others if other != key)


def _pool(read: Mapping[int, Token], past: Mapping[Key, Incident], levels: PoolLevels) -> Iterator[Verdict]:
    """The fleet as a whole. One that is empty, or switched off on purpose, keeps nobody waiting."""
    if not any(token.active is not False for token in read.values()):
        return
    usable = (token for token in read.values() if token.usable)
    enough = list(islice(usable, levels.usable))
    severity = RULES[Rule.POOL].severity
    if len(enough) < levels.usable:
        yield Finding(Key(Rule.POOL, step=ANYBODY), severity, detail=f"{len(enough)} of {len(read)}")
    if levels.minutes is None:
        return
    key = Key(Rule.POOL, step=FAST_HOURS)
    working = [*enough, *usable]
    left = sum(token.fast_time.remaining or 0 for token in working)
    if left >= levels.minutes * (LEAVE_POOL_FACTOR if key in past else 1):
        return
    unread = any(not token.fast_time.known for token in working)
    yield key if unread else Finding(key, severity, detail=f"under {levels.text}")


# The status rules. Each status has its own incident, so that each bad turn is one message.


def _status_finding(sight: Sight, rule: Rule, severity: Severity) -> Finding:
    if sight.token.active is False:
        severity = min(severity, Severity.WARNING, key=lambda each: each.rank)  # switched off on purpose: nobody waits
    return replace(sight.finding(rule, severity), origin=sight.past.origin)


def _status(sight: Sight) -> Iterator[Verdict]:
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


def _flapping(sight: Sight) -> Iterator[Verdict]:
    """Changes of status. From the third in an hour on they are one incident, until there was none for a while.

    It holds back what the token's status would tell, so it is itself critical once the token is BANNED meanwhile.
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


def _inactive(sight: Sight) -> Iterator[Verdict]:
    if sight.token.active is None:
        yield sight.key(Rule.INACTIVE)
    elif not sight.token.active:
        yield sight.finding(Rule.INACTIVE)


def _subscription(sight: Sight) -> Iterator[Verdict]:
    """The renewal date and the fast time come in one text: while the old date stands, no refill was seen either."""
    plan = sight.token.subscription
    if plan.state is None and plan.renews_at is None:
        yield sight.key(Rule.SUBSCRIPTION)
    elif plan.state not in {None, PlanState.ACTIVE, PlanState.TRIAL} or (
        plan.renews_at is not None and sight.at - plan.renews_at > RENEWAL_GRACE
    ):
        yield sight.finding(Rule.SUBSCRIPTION)


def _queue_stuck(sight: Sight) -> Iterator[Verdict]:
    """Jobs wait and none runs. An account that does not work is told of by another rule, and moves no queue."""
    key, token = sight.key(Rule.QUEUE_STUCK), sight.token
    waits = any(count.value for count in (token.queued_fast, token.queued_relax)) and token.running.value == 0
    unread = token.running.value is None and not token.running.raw
    if unread or (waits and not token.usable and key in sight.past.open and sight.past.open[key].open):
        yield key
    elif waits and token.usable:
        yield sight.finding(Rule.QUEUE_STUCK)


def _frozen(sight: Sight) -> Iterator[Verdict]:
    """Jobs run and fast time stays as it is: either the numbers are stale, or the jobs hang. Relax mode uses none."""
    before, token = sight.past.before, sight.token
    runs = bool(token.running.raw) and token.running.value != 0
    same = before is not None and before.fast_time.raw == token.fast_time.raw
    if runs and same and token.fast_time.known and token.status is Status.FAST:
        yield sight.finding(Rule.FROZEN)


# The rules of fast time.


def _fast_time(sight: Sight) -> Iterator[Verdict]:
    """Each step is its own incident; of those crossed in one reading only the deepest speaks. The last is critical.

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
    if spent and sight.policy.watches(gone):  # or else nothing deeper speaks for the steps
        stops = sight.token.subscription.has_relax is False
        found.append(sight.finding(Rule.FAST_TIME_GONE, Severity.CRITICAL if stops else Severity.WARNING))
    for finding in found:
        yield replace(finding, quiet=finding is not found[-1])


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


TOKEN_RULES: tuple[TokenRule, ...] = (
    _status,
    _flapping,
    _inactive,
    _fast_time,
    _subscription,
    _queue_stuck,
    _frozen,
)
