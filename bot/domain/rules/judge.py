"""Judge one reading: ask the rules, and keep in mind which tokens need not be asked about again."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from bot.domain.findings import Ended, Finding, Judgement
from bot.domain.incidents import AHEAD, End, Incident, Key, Reason, Rule
from bot.domain.model import Severity, Token
from bot.domain.rules.case import Calm, Case
from bot.domain.rules.fast_time import fast_time
from bot.domain.rules.fleet import of_fleet
from bot.domain.rules.policy import Policy, as_set, unwatched
from bot.domain.rules.sight import Sight, TokenRule, Verdict
from bot.domain.rules.token import flapping, frozen, inactive, listed, queue_stuck, status, subscription
from bot.domain.rules.upstream import answered, list_short, listed_few
from bot.domain.value import replace

NEVER = datetime.max.replace(tzinfo=UTC)


WORKING_RULES: tuple[TokenRule, ...] = (
    status,
    flapping,
    fast_time,
    subscription,
    queue_stuck,
    frozen,
)
"""Of a token that is not switched off on purpose."""

TOKEN_RULES: tuple[TokenRule, ...] = (inactive, listed)
"""Of any token."""

ALL_RULES = (*WORKING_RULES, *TOKEN_RULES)


def judge(case: Case) -> tuple[Judgement, Calm | None]:
    """Judge one reading; also returns which tokens are calm now, if that is known."""
    reading, incidents, policy = case.reading, case.incidents, case.policy
    verdicts, calm = _of_tokens(case)
    if reading.whole:
        verdicts += [*of_fleet(case), *answered(case)]
    found = [each for verdict in verdicts if isinstance(verdict, Finding) and (each := as_set(verdict, policy))]
    ends = {verdict.key: verdict.end for verdict in verdicts if isinstance(verdict, Ended)}
    if case.short is not None:  # nobody knows which half of such an answer is wrong
        worse = (each for each in found if not _is_good_news(each))
        found, ends = [*worse, *list_short(case)], {each.key: each.end for each in listed_few(case)}
    judgement = Judgement(
        at=reading.at,
        findings={finding.key: finding for finding in found},
        ends={**ends, **unwatched(incidents, policy)},
        tokens=reading.tokens,
        before_at=case.before_at,
        baseline=case.baseline,
        whole=reading.whole or case.short is not None,
        unseen=case.unseen,
    )
    return judgement, calm


def judge_alone(
    sights: Iterable[Sight], rules: Iterable[TokenRule], policy: Policy, at: datetime, *, whole: bool
) -> Judgement:
    """What some rules say of tokens that were looked at beside the polls. Of anything else it says nothing."""
    rules = tuple(rules)
    found: dict[Key, Finding] = {}
    ends: dict[Key, Ended] = {}
    tokens: dict[int, Token] = {}
    for sight in sights:
        said = [verdict for rule in rules for verdict in rule(sight)]
        for verdict in _honest(sight, said) if any(map(_is_good_news, said)) else said:
            tokens[sight.token.id] = sight.token
            if isinstance(verdict, Ended):
                ends[verdict.key] = verdict
            elif (finding := as_set(verdict, policy)) is not None:
                found[finding.key] = finding
    return Judgement(
        at=at,
        findings=found,
        ends={key: each.end for key, each in ends.items()},
        at_once=frozenset(key for key, each in ends.items() if each.at_once),
        whole=whole,
        tokens=tokens,
    )


def _of_tokens(case: Case) -> tuple[list[Verdict], Calm | None]:
    """What the rules say of the tokens that are to be judged; and which are calm now, up to when."""
    verdicts: list[Verdict] = []
    calm: dict[int, datetime] = {}
    moved = case.moved
    for token_id in sorted(case.stirred):
        token = case.reading.tokens[token_id]
        said = _of_token(Sight(token, case.past(token_id), case.policy, case.reading.at))
        verdicts += said
        if not said and token_id not in moved:
            calm[token_id] = _calm_until(token, case.reading.at)
    return verdicts, _calmed(case, calm)


def _of_token(sight: Sight) -> list[Verdict]:
    said: list[Verdict] = []
    for rule in TOKEN_RULES if sight.token.active is False else ALL_RULES:
        said += rule(sight)
    if sight.token.active is False:
        spoken = {Key(Rule.INACTIVE, sight.token.id), Key(Rule.GONE, sight.token.id)}
        return [*said, *(Ended(key, End(Reason.OFF)) for key in sight.past.open if key not in spoken)]
    return list(_honest(sight, said)) if any(map(_is_good_news, said)) else said


def _is_good_news(verdict: Verdict) -> bool:
    if isinstance(verdict, Ended):
        return verdict.end.reason is Reason.WELL
    return verdict.key.rule is Rule.RESTORED


def _honest(sight: Sight, said: list[Verdict]) -> Iterator[Verdict]:
    """Good news only of a token that reads well in this very reading: what else is wrong with it stands in the end."""
    set_ = (as_set(verdict, sight.policy) for verdict in said if isinstance(verdict, Finding))
    found = [each for each in set_ if each is not None and not _is_good_news(each) and _has_lasted(sight, each)]
    spoken = {verdict.key for verdict in said}
    stands = [each for key, each in sight.past.open.items() if each.open and key not in spoken]
    together: tuple[Finding | Incident, ...] = (*found, *stands)
    # What is to come is not wrong with it now.
    wrong = [each for each in together if each.severity is not Severity.INFO and each.key.rule not in AHEAD]
    became = tuple(each.key.rule for each in sorted(wrong, key=lambda each: -each.severity.rank))
    for verdict in said:
        if not _is_good_news(verdict) or (sight.token.usable and not became):
            yield verdict
        elif isinstance(verdict, Ended):
            yield replace(verdict, end=End(Reason.BECAME if became else Reason.UNTOLD, became))


def _has_lasted(sight: Sight, finding: Finding) -> bool:
    """Whether it has been so for as long as it must be: that jobs wait, and none runs, in one reading is no trouble."""
    incident = sight.past.open.get(finding.key)
    if not finding.for_ or incident is None or finding.key in sight.past.unseen:
        return not finding.for_
    return incident.open or sight.at - incident.began_at >= finding.for_


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
