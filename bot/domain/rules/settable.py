"""What people may set a rule to. What cannot work is refused, with a sentence that says what to write.

What was set before, by an older version that refused less, is read all the same: by `bot.domain.rules.policy`.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from bot.domain.account import Account
from bot.domain.incidents import Rule
from bot.domain.info import HIGHEST_LEVEL, duration
from bot.domain.model import Threshold, Token
from bot.domain.rules.policy import (
    WRITE_CHANCE,
    WRITE_POOL,
    CreditsLevel,
    PoolLevels,
    chance_of,
    credits_of,
    is_count,
    pool_of,
    steps_of,
)
from bot.domain.rules.table import FLEET_RULES, LEAVE_CREDITS_FACTOR, LEAVE_POOL_FACTOR, PLAN_RULES, RULES
from bot.domain.steering import Setting

MOST_TOKENS = 100_000
"""More than any fleet has."""

LONGEST_FOR = timedelta(days=30)
"""How long a rule can wait before it fires, if somebody sets that."""


def fast_time_levels(text: str) -> tuple[Threshold, ...]:
    """Read levels of fast time that somebody sets, each once: `20%,30m`.

    Raises:
        ValueError: with a sentence that says what to write, and that does not echo the text.
    """
    steps = steps_of(text)
    message = ""
    if any(step.percent is not None and step.percent > HIGHEST_LEVEL for step in steps):
        message = f"a percentage lies above 0% and goes up to {HIGHEST_LEVEL}%"
    elif len({(step.percent, step.minutes, step.ahead) for step in steps}) < len(steps):
        message = "it names the same level twice"
    if message:
        raise ValueError(message)
    return steps


def _pool_levels(text: str) -> PoolLevels:
    """Read what somebody sets, which has one number and one amount of fast time at most."""
    levels, counts = pool_of(text), [is_count(part.strip()) for part in text.split(",")]
    message = ""
    if sum(counts) > 1 or len(counts) - sum(counts) > 1 or levels.usable > MOST_TOKENS:
        message = WRITE_POOL
    elif not levels.usable and levels.minutes is None:
        message = "fewer than 0 tokens never work: to switch the rule off, set enabled to False"
    if message:
        raise ValueError(message)
    return levels


def _chance(text: str) -> float:
    """Read the chance from which on a token does not last; above the one at which it lasts again."""
    try:
        chance = chance_of(text)
    except ValueError:
        chance = 0.0
    if not LEAST_CHANCE <= chance <= GREATEST_CHANCE:
        raise ValueError(WRITE_CHANCE)
    return chance


def _new_for(text: str) -> timedelta:
    """Read how long it must have been so, as somebody sets it."""
    time = duration(text)
    if time > LONGEST_FOR:
        message = f"the longest time is {LONGEST_FOR.days}d"
        raise ValueError(message)
    return time


def _credits(text: str) -> CreditsLevel:
    """Read under how many credits to warn, as somebody sets it."""
    level = credits_of(text)
    message = ""
    if level.percent is not None and level.percent > HIGHEST_CREDITS:
        message = f"a percentage goes up to {HIGHEST_CREDITS}%"
    elif level.credits is not None and not 0 < level.credits <= MOST_CREDITS:
        message = f"a number of credits goes from 1 to {MOST_CREDITS}; that none is left is told anyway"
    if message:
        raise ValueError(message)
    return level


def _ends_within(text: str) -> timedelta:
    """Read how long before the end of the plan to warn, as somebody sets it."""
    time = duration(text)
    if not SHORTEST_BEFORE <= time <= LONGEST_BEFORE:
        message = f"the time before the end of the plan goes from 1h to {LONGEST_BEFORE.days}d"
        raise ValueError(message)
    return time


HIGHEST_CREDITS = 90
"""Percent of the quota, of a level that somebody sets: so that it can end, with a margin, at a full quota."""

MOST_CREDITS = 1_000_000_000

SHORTEST_BEFORE, LONGEST_BEFORE = timedelta(hours=1), timedelta(days=60)
"""How long before the end of the plan somebody can be warned."""

LEAST_CHANCE, GREATEST_CHANCE = 0.5, 0.99
"""Of running dry, as somebody sets it."""

THRESHOLDS: Mapping[Rule, Callable[[str], object]] = {
    Rule.FAST_TIME_LOW: fast_time_levels,
    Rule.DOES_NOT_LAST: _chance,
    Rule.POOL: _pool_levels,
    Rule.LIST_SHORT: _new_for,
    Rule.CREDITS_LOW: _credits,
    Rule.PLAN_EXPIRES: _ends_within,
    **{rule: _new_for for rule, row in RULES.items() if row.for_},
}
"""The rules that have a threshold, and what reads one that somebody sets."""

UNCOUNTED = PLAN_RULES | {Rule.NEW, Rule.RESTORED, Rule.FLAPPING, Rule.UPSTREAM_STALE, Rule.BURNING_FAST}
"""Rules for which a number of readings means nothing: they count by themselves, or find that there is no reading."""


def check(setting: Setting) -> None:
    """Whether a rule can be set like this.

    Raises:
        ValueError: with a sentence that says what to write.
    """
    message = ""
    if setting.token is not None and setting.group is not None:
        message = "that is for a token or for a group: leave one of them out"
    elif setting.token is not None and setting.rule in FLEET_RULES:
        message = "this rule is about the whole fleet: leave out the token"
    elif setting.group is not None and setting.rule in FLEET_RULES - {Rule.POOL}:
        message = "this rule is about the whole fleet: leave out the group"
    elif setting.readings is not None and setting.readings < 1:
        message = "it takes at least one reading"
    elif setting.readings is not None and setting.rule in UNCOUNTED:
        message = "this rule does not count readings: leave them out"
    elif setting.threshold is not None and setting.rule not in THRESHOLDS:
        message = f"this rule has no threshold; those that have one: {', '.join(THRESHOLDS)}"
    if message:
        raise ValueError(message)
    if setting.threshold is not None:
        THRESHOLDS[setting.rule](setting.threshold)


def check_against(setting: Setting, tokens: Mapping[int, Token], account: Account | None = None) -> None:
    """Whether the fleet, and the plan, as they are, can ever be above a threshold. What is not known refuses nothing.

    Raises:
        ValueError: with a sentence that says what there is.
    """
    if setting.rule is Rule.CREDITS_LOW and setting.threshold is not None and account is not None:
        _check_credits(credits_of(setting.threshold), account)
    if setting.group is not None:
        tokens = setting.group.among(tokens)
    if setting.threshold is None or not tokens:
        return
    if setting.rule is Rule.FAST_TIME_LOW:
        _check_levels(steps_of(setting.threshold), setting, tokens)
    elif setting.rule is Rule.POOL:
        _check_pool(pool_of(setting.threshold), setting, tokens)


def _check_levels(steps: Iterable[Threshold], setting: Setting, tokens: Mapping[int, Token]) -> None:
    """Refuse a level over the whole fast time of the token, or of each token."""
    token, of = setting.token, _of(setting)
    about = [each for each in tokens.values() if token in {None, each.id}]
    largest = max((each.fast_time.total or 0 for each in about), default=0)
    for step in steps:
        if step.minutes is not None and 0 < largest * HIGHEST_LEVEL / 100 < step.minutes:
            who = f"no token{of} ever has" if token is None else f"token {token} never has"
            message = f"{who} more than {_like(step.text, largest)} of fast time, so {step.text} would fire for good"
            raise ValueError(message)


def _check_credits(level: CreditsLevel, account: Account) -> None:
    """Refuse a number of credits that the plan's quota never reaches, with the margin at which the incident ends."""
    if level.credits is not None and account.quota and level.credits * LEAVE_CREDITS_FACTOR > account.quota:
        message = f"your plan has {account.quota} credits, so a level of {level.credits} would fire for good"
        raise ValueError(message)


def _of(setting: Setting) -> str:
    return "" if setting.group is None else f" of {setting.group.name}"


def _check_pool(levels: PoolLevels, setting: Setting, tokens: Mapping[int, Token]) -> None:
    of = _of(setting)
    totals = [token.fast_time.total for token in tokens.values()]
    known = [total for total in totals if total]
    message = ""
    if levels.usable > len(tokens):
        message = f"only {len(tokens)} token{f's{of} are' if len(tokens) > 1 else f'{of} is'} linked"
    elif levels.minutes is not None and len(known) == len(totals) and sum(known) < levels.minutes * LEAVE_POOL_FACTOR:
        together = _like(levels.text, sum(known))
        message = (
            f"all tokens{of} together have at most {together} of fast time, and it is over 5 % above the level only"
        )
    if message:
        raise ValueError(message)


def _like(text: str, minutes: float) -> str:
    """An amount of fast time in the unit in which another one was written."""
    return f"{minutes:.4g}m" if text.endswith("m") else f"{minutes / 60:.4g}h"
