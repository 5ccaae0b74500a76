"""The rules about the plan at ImaginePro: credits that run low, and its end."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from bot.domain.account import Account
from bot.domain.findings import Ended, Finding, Judgement
from bot.domain.incidents import End, Incident, Key, Reason, Rule
from bot.domain.model import BELIEVED_FOR, Severity
from bot.domain.rules.policy import Policy, as_set
from bot.domain.rules.sight import Verdict
from bot.domain.rules.table import LEAVE_CREDITS_FACTOR, RULES

CREDITS, PLAN = Key(Rule.CREDITS_LOW), Key(Rule.PLAN_EXPIRES)

RENEWS_WITHIN: Final = timedelta(hours=2)
"""How long after its end a plan may still show the old date: a payment that comes by itself is taken about an hour
after the period is over. Should ImaginePro shut the bot out before, the next poll tells that."""

UNKNOWN: Final = "?"
"""In a detail, what ImaginePro did not say."""


def judge_account(account: Account, incidents: Mapping[Key, Incident], policy: Policy, now: datetime) -> Judgement:
    """Judge one reading of the account. What is not known of it moves nothing."""
    said = [*_credits(account, incidents, policy), *_plan(account, incidents, policy, now)]
    found = [each for verdict in said if isinstance(verdict, Finding) and (each := as_set(verdict, policy))]
    ends = {verdict.key: verdict.end for verdict in said if isinstance(verdict, Ended)}
    return Judgement(at=now, findings={each.key: each for each in found}, ends=ends)


def _credits(account: Account, incidents: Mapping[Key, Incident], policy: Policy) -> Iterator[Verdict]:
    """Few are left, those that were bought on top among them. A plan that comes without any says nothing."""
    if account.credits is None:
        return
    level, left = policy.credits, account.credits + (account.extra or 0)
    if left <= 0 and account.quota == 0:
        yield from _end(CREDITS, incidents, Reason.UNTOLD)
        return
    few = level.of(account.quota)
    enough = None if few is None else few * (LEAVE_CREDITS_FACTOR if CREDITS in incidents else 1)
    if left <= 0 or (enough is not None and left < enough):
        none = left <= 0 and account.extra is not None
        severity = Severity.CRITICAL if none else RULES[Rule.CREDITS_LOW].severity
        numbers = (UNKNOWN if each is None else each for each in (account.quota, account.extra))
        detail = "{} of {}, {} extra, {}".format(left, *numbers, level.text)
        yield Finding(CREDITS, severity, detail=detail)
    elif enough is not None:
        yield from _end(CREDITS, incidents, Reason.WELL)


def _plan(account: Account, incidents: Mapping[Key, Incident], policy: Policy, now: datetime) -> Iterator[Verdict]:
    """It ends soon, or did. A date that is long over is not about the present: there would be no answer any more."""
    at = account.expires_at
    if at is None:
        return
    if now - at > BELIEVED_FOR:
        yield from _end(PLAN, incidents, Reason.UNTOLD)
    elif at - now <= policy.ends_within:
        usual = RULES[Rule.PLAN_EXPIRES].severity
        over = now - at >= RENEWS_WITHIN
        # Only time passed: whoever has it need not be told again.
        yield Finding(PLAN, Severity.CRITICAL if over else usual, natural=usual, detail=at.isoformat())
    else:
        yield from _end(PLAN, incidents, Reason.WELL)


def _end(key: Key, incidents: Mapping[Key, Incident], reason: Reason) -> Iterator[Ended]:
    if key in incidents:
        yield Ended(key, End(reason))
