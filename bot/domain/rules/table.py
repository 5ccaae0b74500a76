"""The table of rules, and how each works unless somebody set it otherwise."""

from collections.abc import Mapping
from datetime import timedelta

from bot.domain.incidents import Rule
from bot.domain.model import Severity
from bot.domain.value import Value

ANYBODY = "usable"
FAST_HOURS = "fast time"
"""The two things that the rule about the whole fleet checks; they are the steps of its keys."""


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
    Rule.QUEUE_STUCK: Row(Severity.WARNING, for_=timedelta(minutes=20)),
    Rule.FROZEN: Row(Severity.INFO, for_=timedelta(hours=6)),
    Rule.INACTIVE: Row(Severity.INFO),
    # One short or empty list is no reason to forget tokens.
    Rule.GONE: Row(Severity.INFO, readings=2),
    Rule.NEW: Row(Severity.INFO),
    # The number of tokens that work has no second level at which to resolve; readings in a row keep it from flapping.
    Rule.POOL: Row(Severity.CRITICAL, keep_firing_for=3),
    Rule.FLAPPING: Row(Severity.INFO),
}
"""In the order in which people are shown them."""


UPSTREAM_RULES = frozenset({Rule.UPSTREAM_DOWN, Rule.UPSTREAM_REFUSED, Rule.UPSTREAM_STALE})
FLEET_RULES = UPSTREAM_RULES | {Rule.BASELINE, Rule.POOL}
"""Rules that are about no single token."""
STATUS_RULES = frozenset({Rule.BANNED, Rule.VERIFYING, Rule.DEGRADED, Rule.UNKNOWN_STATUS})
FAST_TIME_RULES = frozenset({Rule.FAST_TIME_LOW, Rule.FAST_TIME_GONE})
