"""A look ahead: whether each token's fast time lasts until its refill, and what of that is to be told.

A look takes a while for a large fleet, so it has three parts: what is `due`, what is `seen` of some of that, and what
comes of all of it (`settle`), which alone moves what is known. A token is looked at once an hour, and between when
something of it jumped. A rule that takes several looks in a row counts one an hour of them (`bot.domain.counting`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from bot.domain.findings import Judgement
from bot.domain.forecast import Burning, Forecast, Verdict, burning, forecast
from bot.domain.incidents import AHEAD, LOOKED_EVERY, Incident, Key
from bot.domain.ledger import takes_jobs
from bot.domain.model import Token
from bot.domain.rules.ahead import burning_fast, does_not_last
from bot.domain.rules.case import Past
from bot.domain.rules.fast_time import fast_time
from bot.domain.rules.judge import judge_alone
from bot.domain.rules.policy import Policy
from bot.domain.rules.sight import Sight, TokenRule
from bot.domain.rules.upstream import stale_after
from bot.domain.value import Value, replace
from bot.domain.watch.known import Changes, Known, both
from bot.domain.watch.poll import move

FELL: Final = 0.03
"""Of the allowance, by which what is left falls at least when that is worth a look at once."""

ROSE: Final = 0.005
"""The same, by which it rises."""

CALM: Final = timedelta(days=1)
"""After how long a token is looked at again that lasted then, and of which nothing was used since."""

LATE: Final = timedelta(minutes=10)
"""What was not read for so much longer than it should have been is not judged: nobody knows what became of it."""

_NOTHING: Final = timedelta()

RULES: Final[tuple[TokenRule, ...]] = (does_not_last, burning_fast)
"""Those that a look ahead asks, and no poll."""


class Due(Value):
    """Which tokens are to be looked at."""

    hourly: tuple[int, ...] = ()
    """Their last forecast is an hour old, or there is none."""
    jumped: tuple[int, ...] = ()
    """Something of them jumped since."""
    stirred: tuple[int, ...] = ()
    """They are forecast as before, but may burn fast, or have an incident that may end."""

    @property
    def all(self) -> tuple[int, ...]:
        """Each of them once."""
        return (*self.hourly, *self.jumped, *self.stirred)

    @property
    def fresh(self) -> frozenset[int]:
        """Those of which a forecast is made anew."""
        return frozenset((*self.hourly, *self.jumped))


class Seen(Value):
    """What was seen of one token."""

    forecast: Forecast | None
    """None where none is made anew."""
    burning: Burning | None


def due(known: Known, now: datetime, policy: Policy) -> Due:
    """Which tokens are to be looked at; in 30 ms for 10,000 of them.

    Those are left out of which nothing was used since it was seen that they last: the time alone only makes it surer.
    """
    concerned = {key.token for key in known.incidents if key.rule in AHEAD}
    hourly, jumped, stirred = [], [], []
    for token_id, token in known.fleet.tokens.items():
        if token_id not in known.ledgers:
            continue
        said = known.forecasts.get(token_id)
        if said is None or (_age(said, now) >= LOOKED_EVERY and _may_differ(said, token, now, token_id in concerned)):
            hourly.append(token_id)
        elif _jumped(said, token, now, policy):
            jumped.append(token_id)
        elif said.left != token.fast_time.remaining or token_id in concerned:
            stirred.append(token_id)
    return Due(tuple(hourly), tuple(jumped), tuple(stirred))


def _may_differ(said: Forecast, token: Token, now: datetime, concerned: bool) -> bool:  # noqa: FBT001 - private
    """Whether a forecast may be another one by now."""
    passed = said.renews_at is not None and said.renews_at <= now
    used = said.left != token.fast_time.remaining
    return concerned or used or passed or said.verdict is not Verdict.LASTS or _age(said, now) >= CALM


def _age(said: Forecast, now: datetime) -> timedelta:
    """How far from now it was made: in what is to come, where the clock was set back since."""
    return abs(now - said.at)


def _jumped(said: Forecast, token: Token, now: datetime, policy: Policy) -> bool:
    """Whether what is left rose, or fell by much; or whether its plan or what it is used for is another one."""
    if takes_jobs(token) is (said.verdict is Verdict.OFF):
        return True
    if said.verdict.answers and token.subscription.next_refill(now) != said.renews_at:
        return True
    left, total = token.fast_time.remaining, token.fast_time.total
    if left is None or said.left is None or left == said.left:
        return left != said.left
    fell = (said.left - left) / (total or max(said.left, left, 1.0))
    return fell <= -ROSE or fell >= FELL or _wants_a_time(policy, token.id)


def _wants_a_time(policy: Policy, token: int) -> bool:
    return any(step.ahead is not None for step in policy.steps(token))


def seen(known: Known, ids: Iterable[int], fresh: Collection[int], now: datetime, policy: Policy) -> Mapping[int, Seen]:
    """Look at some tokens; in 0.1 ms each where a forecast is made.

    Args:
        known: What is known.
        ids: The tokens to look at.
        fresh: Those of them of which a forecast is made anew.
        now: The time.
        policy: How the rules are set.
    """
    found = {}
    for token_id in ids:
        token, ledger, read_at = known.fleet.tokens[token_id], known.ledgers[token_id], known.fleet.age_of(token_id)
        said = forecast(ledger, token, now, policy.zone, read_at) if token_id in fresh else None
        found[token_id] = Seen(said, burning(ledger, token, now, read_at))
    return found


def settle(known: Known, looked: Due, found: Mapping[int, Seen], now: datetime, base: Policy) -> tuple[Changes, Known]:
    """What comes of a look: what is to be stored, and what is known after it.

    While ImaginePro cannot be read nothing is told of tokens, and of one that was not read lately neither.

    Args:
        known: What is known by now.
        looked: What was due.
        found: What was seen.
        now: The time.
        base: How the rules are set in the environment.
    """
    tokens, policy = known.fleet.tokens, known.policy(base)
    made = {token_id: _kept(each.forecast) for token_id, each in found.items() if each.forecast is not None}
    forecasts = {token_id: each for token_id, each in {**known.forecasts, **made}.items() if token_id in tokens}
    known = replace(known, forecasts=forecasts)
    if known.fleet.failure is not None:
        return Changes(known.fleet.read_at), known
    since = now - stale_after(policy.interval) - LATE
    by_token: dict[int, dict[Key, Incident]] = {token_id: {} for token_id in found}
    for key, incident in known.incidents.items():
        if key.token in by_token:
            by_token[key.token][key] = incident

    def sights(ids: Iterable[int]) -> Iterator[Sight]:
        for token_id in ids:
            read_at = known.fleet.age_of(token_id)
            if token_id not in tokens or token_id not in found or read_at is None or read_at < since:
                continue
            past = Past(
                tokens[token_id],
                by_token[token_id],
                unspent=known.unspent.get(token_id),
                forecast=forecasts.get(token_id),
                burning=found[token_id].burning,
            )
            yield Sight(tokens[token_id], past, policy, now)

    told, known = _moved(known, judge_alone(sights(looked.all), RULES, policy, now, whole=True))
    timed = (each for each in looked.all if _wants_a_time(policy, each))
    levels, known = _moved(known, judge_alone(sights(timed), (fast_time,), policy, now, whole=False))
    return both(told, levels), known


def _kept(said: Forecast) -> Forecast:
    """What is kept of a forecast: of the many that last only what lists ask for, which takes a third less memory."""
    if said.verdict is not Verdict.LASTS:
        return said
    return replace(said, earliest=None, latest=None, idle_since=None, unchanged_since=None, watched=_NOTHING)


def _moved(known: Known, judgement: Judgement) -> tuple[Changes, Known]:
    nothing = not judgement.findings and not judgement.ends
    return (Changes(known.fleet.read_at), known) if nothing else move(known, judgement)
