"""Judge one reading: ask the rules, and keep in mind which tokens need not be asked about again."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain

from bot.domain.incidents import Finding, Judgement, Key
from bot.domain.model import Token
from bot.domain.rules.case import Calm, Case
from bot.domain.rules.fast_time import fast_time
from bot.domain.rules.fleet import of_fleet
from bot.domain.rules.policy import as_set, unwatched
from bot.domain.rules.sight import Sight, TokenRule, Verdict
from bot.domain.rules.token import flapping, frozen, inactive, queue_stuck, status, subscription

NEVER = datetime.max.replace(tzinfo=UTC)


TOKEN_RULES: tuple[TokenRule, ...] = (
    status,
    flapping,
    inactive,
    fast_time,
    subscription,
    queue_stuck,
    frozen,
)


def judge(case: Case) -> tuple[Judgement, Calm | None]:
    """Judge one reading; also returns which tokens are calm now, if that is known."""
    reading, incidents, policy = case.reading, case.incidents, case.policy
    verdicts, calm = _of_tokens(case)
    if reading.whole:
        verdicts += of_fleet(case)
    findings: dict[Key, Finding] = {}
    unsure: set[Key] = set()
    for verdict in verdicts:
        if not isinstance(verdict, Finding):
            unsure.add(verdict)
        elif (finding := as_set(verdict, policy)) is not None:
            findings[finding.key] = finding
    if not reading.whole:
        unsure.update(key for key in incidents if key.token not in reading.tokens)
    judgement = Judgement(
        at=reading.at,
        findings=findings,
        unsure=frozenset(unsure),
        unwatched=unwatched(incidents, policy),
        tokens=reading.tokens,
        before_at=case.before_at,
        baseline=case.baseline,
    )
    return judgement, calm


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
            calm[token_id] = _calm_until(token, case.reading.at)
    return verdicts, _calmed(case, calm)


def _of_token(sight: Sight) -> Iterable[Verdict]:
    return chain.from_iterable(rule(sight) for rule in TOKEN_RULES)


def _calm_until(token: Token, at: datetime) -> datetime:
    """When the time alone may give a rule something to say of a token: a plan that is not renewed, or ends."""
    return min((turn for turn in token.subscription.turns if turn >= at), default=NEVER)


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
