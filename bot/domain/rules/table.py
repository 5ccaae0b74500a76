"""The table of rules, and how each works unless somebody set it otherwise."""

from collections.abc import Mapping
from datetime import timedelta

from bot.domain.incidents import AHEAD, Rule
from bot.domain.model import Severity
from bot.domain.value import Value


class Row(Value):
    """How a rule works unless somebody set it otherwise."""

    severity: Severity
    """What `/rules` shows as its default. A rule may find another where it knows more: see its function."""
    readings: int = 1
    """In a row that must find it before it fires."""
    keep_firing_for: int = 1
    """In a row that must miss it before it resolves: a count of readings, and not a time as in Prometheus."""
    for_: timedelta = timedelta()
    """How long it must have been so before it fires: Prometheus's `for`. In a rule that has one, its threshold is this.
    """
    enabled: bool = True
    chosen: Severity | None = None
    """The severity that somebody set, whatever the rule finds."""


RULES: Mapping[Rule, Row] = {
    Rule.BASELINE: Row(Severity.INFO),
    # One answer between failures is no end of them.
    Rule.UPSTREAM_DOWN: Row(Severity.WARNING, readings=3, keep_firing_for=3),
    Rule.UPSTREAM_REFUSED: Row(Severity.CRITICAL),
    Rule.UPSTREAM_STALE: Row(Severity.WARNING),
    Rule.LIST_SHORT: Row(Severity.WARNING, readings=2),
    Rule.CREDITS_LOW: Row(Severity.WARNING),
    Rule.PLAN_EXPIRES: Row(Severity.WARNING),
    Rule.BANNED: Row(Severity.CRITICAL),
    Rule.VERIFYING: Row(Severity.WARNING),
    Rule.DEGRADED: Row(Severity.WARNING),
    Rule.UNKNOWN_STATUS: Row(Severity.WARNING),
    Rule.RESTORED: Row(Severity.INFO),
    Rule.FAST_TIME_LOW: Row(Severity.WARNING),
    Rule.FAST_TIME_GONE: Row(Severity.WARNING),
    # Readings are evaluations here, an hour apart: see `bot.domain.counting`.
    Rule.DOES_NOT_LAST: Row(Severity.WARNING, readings=3, keep_firing_for=12),
    Rule.BURNING_FAST: Row(Severity.WARNING),
    Rule.SUBSCRIPTION: Row(Severity.WARNING),
    Rule.QUEUE_STUCK: Row(Severity.WARNING, for_=timedelta(minutes=20)),
    Rule.FROZEN: Row(Severity.INFO, for_=timedelta(hours=6)),
    Rule.INACTIVE: Row(Severity.INFO),
    # One short or empty list is no reason to forget tokens.
    Rule.GONE: Row(Severity.INFO, readings=2),
    Rule.NEW: Row(Severity.INFO),
    # The number of tokens that work has no second level at which to resolve; readings in a row keep it from flapping.
    Rule.POOL: Row(Severity.CRITICAL, readings=3, keep_firing_for=3),
    # As grave as most of what it inhibits.
    Rule.FLAPPING: Row(Severity.WARNING),
    # It calls people all the same. As it is no trouble, no count of what is wrong has it.
    Rule.TEST: Row(Severity.INFO),
}
"""In the order in which people are shown them."""


LEAVE_POOL_FACTOR = 1.05
"""How much more fast time the fleet must have than its level before the incident ends.

Less than a token's margin: a sum trembles less, and a full fleet must be able to get there.
"""

LEAVE_CREDITS_FACTOR = 1.05
"""How many more credits than the level there must be before the incident ends: what failed may be given back."""

CRITICAL_AFTER = timedelta(minutes=15)
"""How long a check may stand unanswered, or the fleet unread, before that is critical."""

UPSTREAM_RULES = frozenset({Rule.UPSTREAM_DOWN, Rule.UPSTREAM_REFUSED, Rule.UPSTREAM_STALE, Rule.LIST_SHORT})
PLAN_RULES = frozenset({Rule.CREDITS_LOW, Rule.PLAN_EXPIRES})
"""Rules about the plan at ImaginePro. No poll finds them: `bot.domain.watch.account` does, once an hour."""
FLEET_RULES = UPSTREAM_RULES | PLAN_RULES | {Rule.BASELINE, Rule.POOL, Rule.TEST}
"""Rules that are about no single token."""
STATUS_RULES = frozenset({Rule.BANNED, Rule.VERIFYING, Rule.DEGRADED, Rule.UNKNOWN_STATUS})
FAST_TIME_RULES = frozenset({Rule.FAST_TIME_LOW, Rule.FAST_TIME_GONE})


class Inhibition(Value):
    """What is open and told makes what comes of it not worth another message."""

    cause: Rule
    effects: frozenset[Rule]
    """Of the same token."""
    though_suppressed: bool
    """Whether that goes on when somebody silences the cause after it was told."""
    told: bool = False
    """Whether the cause has to be told before: of two that cause each other, the first has the word."""


INHIBITIONS = (
    # Nobody buys time for an account that is blocked.
    Inhibition(
        Rule.BANNED,
        FAST_TIME_RULES | AHEAD | {Rule.SUBSCRIPTION, Rule.QUEUE_STUCK, Rule.FROZEN},
        though_suppressed=True,
    ),
    # It takes no jobs, so nothing is spent; and one page for a token is enough.
    Inhibition(Rule.VERIFYING, FAST_TIME_RULES | AHEAD, though_suppressed=True),
    # One page for a token that runs dry: whoever was told that it will need not hear that it does, until it is gone.
    Inhibition(Rule.DOES_NOT_LAST, frozenset({Rule.FAST_TIME_LOW}), though_suppressed=False, told=True),
    Inhibition(Rule.FAST_TIME_LOW, AHEAD, though_suppressed=True, told=True),
    Inhibition(Rule.BURNING_FAST, frozenset({Rule.DOES_NOT_LAST}), though_suppressed=False, told=True),
    # It says itself how the status changes, and again and again.
    Inhibition(Rule.FLAPPING, STATUS_RULES | {Rule.RESTORED}, though_suppressed=False),
)
