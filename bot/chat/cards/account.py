"""The card of the account at ImaginePro: its plan, what is left of it, and until when."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import discord

from bot.chat.cards.embed import GREEN, GREY, compose, sections
from bot.chat.cards.outlook import length
from bot.chat.cards.status import SIGNS, Sign
from bot.chat.text import bar, capitalised, level, number, percent, plain, span, stamp
from bot.domain.account import Account
from bot.domain.incidents import Rule
from bot.domain.model import BELIEVED_FOR, gravest
from bot.domain.rules.account import judge_account
from bot.domain.rules.policy import Policy

_BAR_CELLS = 12
_PLAN = 40
_EMAIL = 80

OLD = timedelta(minutes=90)
"""From when on what was read is called old: it is read once an hour."""


def account_card(account: Account, read_at: datetime, now: datetime, policy: Policy) -> discord.Embed:
    """Everything that is known of the account, as of its last reading."""
    old = now - read_at >= OLD
    mark, colour = _sign(account, now, policy, old=old)
    body = [
        f"⚠️ **These numbers are old**, from {stamp(read_at)}" if old else "",
        _bar(account, policy),
        *_credits(account),
    ]
    details = [_plan(account, now), _owner(account), _alerts(policy)]
    title = f"{mark} {capitalised(credits_left(account))}; {plan_end(account, now)}"
    return compose(title, sections(body, details, [f"read {stamp(read_at)}"]), colour)


def credits_left(account: Account) -> str:
    """`1,200 of 1,600 credits left`, `1,200 of 1,600 credits and 1,000 extra left`; of what is not known, that."""
    left, quota, extra = account.credits, account.quota, account.extra
    if left is None:
        return f"credits not known, {number(extra)} extra left" if extra else "credits not known"
    of = f" of {number(quota)}" if quota and left <= quota else ""
    word = "credit" if left == 1 and not of else "credits"
    return f"{number(left)}{of} {word}{f' and {number(extra)} extra' if extra else ''} left"


def plan_end(account: Account, now: datetime) -> str:
    """`the plan ends in 21 days`, `the plan ended 2 days ago`; of what is not known, that."""
    at = account.expires_at
    if at is None or now - at > BELIEVED_FOR:
        return "when the plan ends is not known"
    return f"the plan ends in {length(at - now)}" if at > now else f"the plan ended {length(now - at)} ago"


def _sign(account: Account, now: datetime, policy: Policy, *, old: bool) -> Sign:
    """That of the gravest of the rules about the plan; green only where what is new says that all is well."""
    found = judge_account(account, {}, policy, now).findings
    if found:
        return SIGNS[gravest(each.severity for each in found.values())]
    known = account.credits is not None and account.expires_at is not None
    return ("🟢", GREEN) if known and not old else ("⚪", GREY)


def _bar(account: Account, policy: Policy) -> str:
    if account.credits is None or not account.quota:
        return ""
    share = 100 * account.credits / account.quota
    return f"{bar(share, _BAR_CELLS)} **{percent(share, policy.credits.percent)}**"


def _credits(account: Account) -> Iterator[str]:
    if account.credits is None:
        yield "How many credits are left, ImaginePro did not say."
    elif account.quota is None:
        yield f"**{number(account.credits)}** credits left · of how many, ImaginePro did not say"
    elif account.quota == 0 and account.credits == 0:
        yield "The plan comes with no credits."
    else:
        yield f"**{number(account.credits)} of {number(account.quota)}** credits of this period left"
    if account.extra is None:
        yield "Extra credits: ImaginePro did not say."
    elif account.extra:
        yield f"**{number(account.extra)}** extra, bought on top"


def _plan(account: Account, now: datetime) -> str:
    at = account.expires_at
    named = plain(account.plan, _PLAN) if account.plan.strip() else "not known"
    if at is None:
        end = "its end is not known"
    elif now - at > BELIEVED_FOR:
        end = f"its end, {stamp(at, 'f')}, is too long ago to be true"
    else:
        end = f"{'ends' if at > now else 'ended'} {stamp(at)}, {stamp(at, 'f')}"
    return f"**Plan** {named} · {end}"


def _owner(account: Account) -> str:
    return f"**Owner** {plain(account.email, _EMAIL)}" if account.email else ""


def _alerts(policy: Policy) -> str:
    """When the bot warns of it, as the rules are set."""
    few = policy.credits
    under = f"under {level(few.text) if few.credits is None else number(few.credits)}"
    credits_ = f"{under} of the credits" if few.credits is None else f"{under} credits"
    said = [
        credits_ if policy.row(Rule.CREDITS_LOW, None).enabled else "",
        f"{span(policy.ends_within)} before the end" if policy.row(Rule.PLAN_EXPIRES, None).enabled else "",
    ]
    return f"**Alerts** {' · '.join(filter(None, said)) or 'off'}"
