"""What a rule sees of one token, and what it says of it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from bot.domain.findings import Ended, Finding
from bot.domain.incidents import End, Incident, Key, Reason, Rule
from bot.domain.model import Severity, Token
from bot.domain.rules.case import Past
from bot.domain.rules.policy import Policy
from bot.domain.rules.table import RULES
from bot.domain.value import Value

Verdict = Finding | Ended
"""What a rule yields. An incident that it says nothing of stays as it is: nobody can tell from this reading."""


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

    def standing(self, rule: Rule) -> Incident | None:
        """The token's incident of that rule, while it is firing."""
        incident = self.past.open.get(self.key(rule))
        return incident if incident is not None and incident.open else None

    def well(self, rule: Rule) -> Iterable[Ended]:
        """The end of the token's incident of that rule, if there is one: what it is about is seen to be healthy."""
        return self.ends(self.key(rule), Reason.WELL) if self.past.open else ()

    def ends(self, key: Key, reason: Reason, *became: Rule) -> Iterator[Ended]:
        """The end of that incident, if there is one."""
        if key in self.past.open:
            yield Ended(key, End(reason, became))


TokenRule = Callable[[Sight], Iterator[Verdict]]
