"""The rules about the fleet: who joined and who left, and whether enough of it works."""

from collections.abc import Iterator, Mapping
from itertools import islice

from bot.domain.incidents import Finding, Incident, Key, Rule
from bot.domain.model import Severity, Token
from bot.domain.rules.case import Case
from bot.domain.rules.policy import PoolLevels
from bot.domain.rules.sight import Verdict
from bot.domain.rules.table import ANYBODY, FAST_HOURS, RULES

LEAVE_POOL_FACTOR = 1.05
"""How much more fast time the fleet must have than its level before the incident ends.

Less than a token's margin: a sum trembles less, and a full fleet must be able to get there.
"""


def of_fleet(case: Case) -> Iterator[Verdict]:
    """What the rules say of the fleet as a whole; asked about readings of the whole fleet only."""
    if case.baseline:
        yield Finding(Key(Rule.BASELINE), Severity.INFO, momentary=True)
    else:
        yield from _membership(case)
    yield from _pool(case.reading.tokens, case.open.get(None, {}), case.policy.pool)


def _membership(case: Case) -> Iterator[Verdict]:
    for token_id, token in case.changed.items():
        if token_id not in case.remembered:
            yield Finding(Key(Rule.NEW, token_id), Severity.INFO, now=token.record, momentary=True)
    for token_id in sorted(case.missing):
        key = Key(Rule.GONE, token_id)
        yield Finding(key, Severity.INFO, was=case.remembered[token_id].record, momentary=True)
        others = case.open.get(token_id, {})
        seen = others[key].seen if key in others else 0
        if seen + 1 < case.policy.row(Rule.GONE, token_id).readings:
            yield from (other for other in others if other != key)


def _pool(read: Mapping[int, Token], past: Mapping[Key, Incident], levels: PoolLevels) -> Iterator[Verdict]:
    """The fleet as a whole. One that is empty, or switched off on purpose, keeps nobody waiting."""
    if not any(token.active is not False for token in read.values()):
        return
    usable = (token for token in read.values() if token.usable)
    enough = list(islice(usable, levels.usable))
    severity = RULES[Rule.POOL].severity
    if len(enough) < levels.usable:
        yield Finding(Key(Rule.POOL, step=ANYBODY), severity, detail=f"{len(enough)} of {len(read)}")
    if levels.minutes is None:
        return
    key = Key(Rule.POOL, step=FAST_HOURS)
    working = [*enough, *usable]
    left = sum(token.fast_time.remaining or 0 for token in working)
    if left >= levels.minutes * (LEAVE_POOL_FACTOR if key in past else 1):
        return
    unread = any(not token.fast_time.known for token in working)
    yield key if unread else Finding(key, severity, detail=f"under {levels.text}")
