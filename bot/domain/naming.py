"""How people call what was decided, and what it is about."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from bot.domain.incidents import Key, Rule
from bot.domain.rules.table import FLEET_RULES
from bot.domain.steering import Covered, Decision, Scope, Setting, Silence, Window

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

NAMED = 5
"""Tokens that a name has at most."""

ALL = "all alerts"


def name_of(decision: Decision) -> str:
    """What a decision is about, for people."""
    match decision:
        case Silence(scope=scope, covered=covered):
            return _covered(covered) if covered else _everything(scope)
        case Window(start=start, weekly=weekly, zone=zone):
            here = start.astimezone(ZoneInfo(zone))
            return f"{f'every {WEEKDAYS[here.weekday()]}' if weekly else f'{here:%F}'} {here:%H:%M} ({zone})"
        case Setting(rule=rule, token=token):
            return rule if token is None else f"{rule} {token}"


def rule_name(rule: Rule, step: str = "") -> str:
    """`fast time low`, or `fast time under 20 %`."""
    if rule is Rule.FAST_TIME_LOW and step:
        return f"fast time under {step.replace('%', ' %')}" if step[0].isdigit() else f"fast time {step}"
    return rule.replace("_", " ")


def _everything(scope: Scope) -> str:
    """`all alerts of token 1900`, `banned, all tokens`: what there is and what may come."""
    of = "" if scope.token is None else f" of token {scope.token}"
    if scope.rule is None:
        return f"{ALL}{of}"
    return rule_name(scope.rule, scope.step) + (of or ("" if scope.rule in FLEET_RULES else ", all tokens"))


def _covered(covered: Sequence[Covered]) -> str:
    """`banned of token 1900`, `verifying of tokens 1, 2 and 3`, `5 open alerts of token 1900`: just these."""
    whats = {rule_name(each.key.rule, each.level) for each in covered}
    ids = sorted({each.key.token for each in covered if each.key.token is not None})
    what = whats.pop() if len(whats) == 1 else f"{len(covered)} open alerts"
    if not ids:
        return what
    if len(ids) > NAMED:
        return f"{what} of {len(ids)} tokens"
    names = " and ".join(filter(None, [", ".join(map(str, ids[:-1])), str(ids[-1])]))
    return f"{what} of token{'s' * (len(ids) > 1)} {names}"


def names_of(keys: Iterable[Key]) -> str:
    """`banned 1900`; of several by one rule `banned: 12 tokens: 1900, 1901, 1902, 1904, 1907, …`."""
    rules: dict[Rule, list[Key]] = defaultdict(list)
    for key in keys:
        rules[key.rule].append(key)
    return "; ".join(_named(rule, group) for rule, group in rules.items())


def _named(rule: Rule, keys: Sequence[Key]) -> str:
    tokens = dict.fromkeys(str(key.token) for key in keys if key.token is not None)
    if len(tokens) < 2:  # noqa: PLR2004 - what is about one token, or about none, has a name of its own
        return "; ".join(_name(key) for key in keys)
    named = [*list(tokens)[:NAMED], *(["…"] if len(tokens) > NAMED else [])]
    return f"{rule}: {len(tokens)} tokens: {', '.join(named)}"


def _name(key: Key) -> str:
    return " ".join(filter(None, [key.rule, key.step, "" if key.token is None else str(key.token)]))
