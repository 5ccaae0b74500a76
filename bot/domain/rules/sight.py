"""What a rule sees of one token, and what it says of it."""

from collections.abc import Callable, Iterator
from datetime import datetime

from bot.domain.incidents import Finding, Key, Rule
from bot.domain.model import Severity, Token
from bot.domain.rules.case import Past
from bot.domain.rules.policy import Policy
from bot.domain.rules.table import RULES
from bot.domain.value import Value

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
