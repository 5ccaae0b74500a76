"""One reading of the account at ImaginePro, beside the polls: what it moves. A reading that failed moves nothing."""

from datetime import datetime

from bot.domain.account import Account
from bot.domain.rules.account import judge_account
from bot.domain.rules.policy import Policy
from bot.domain.watch.known import Changes, Known
from bot.domain.watch.poll import move


def settle(known: Known, account: Account, now: datetime, base: Policy) -> tuple[Changes, Known]:
    """What comes of it: what is to be stored, and what is known after it.

    Args:
        known: What is known.
        account: As it was read.
        now: When that was.
        base: How the rules are set in the environment.
    """
    return move(known, judge_account(account, known.incidents, known.policy(base), now))
