"""How people call what was decided, and what it is about."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.decisions import Decision
from bot.domain.groups import Group, OneGroup
from bot.domain.incidents import Key, Rule
from bot.domain.info import ETA
from bot.domain.labels import Name
from bot.domain.report import Schedule
from bot.domain.rota import Rota, Swap
from bot.domain.rules.table import FLEET_RULES
from bot.domain.runbooks import Runbook, Trail, name
from bot.domain.steering import Covered, Scope, Setting, Silence, Window
from bot.domain.wishes import Wish

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
        case Setting(rule=rule, token=token, group=group):
            return f"{rule} of {group.name}" if group else rule if token is None else f"{rule} {token}"
    return _NAMES[type(decision)](decision)


_NAMES: Mapping[type, Callable[[Any], str]] = {
    Runbook: lambda each: name(each.book),
    Trail: lambda each: f"{each.kind}{'' if each.token is None else f' of {each.token}'} by runbooks",
    Name: lambda each: f"name of {each.token}: {each.label}",
    Wish: lambda each: f"direct messages to {each.by}",
    Rota: lambda _: "the rota",
    Swap: lambda each: f"{each.who} stands in",
    Group: lambda each: f"{each.name}: {each.text}",
    Schedule: lambda each: f"a report each {each.every}",
    OneGroup: lambda each: f"in {each.channel_id}: {each.group}",
}
"""What the other kinds are about."""


NOUNS: Mapping[Rule, str] = {
    Rule.BASELINE: "first summary",
    Rule.UPSTREAM_DOWN: "alert that ImaginePro cannot be read",
    Rule.UPSTREAM_REFUSED: "alert that ImaginePro refuses access",
    Rule.UPSTREAM_STALE: "alert that no new readings come",
    Rule.LIST_SHORT: "alert that tokens are missing from the list",
    Rule.CREDITS_LOW: "alert that credits run low",
    Rule.PLAN_EXPIRES: "alert that the plan ends",
    Rule.BANNED: "ban",
    Rule.VERIFYING: "check",
    Rule.DEGRADED: "RELAX status",
    Rule.UNKNOWN_STATUS: "unknown status",
    Rule.RESTORED: "return to FAST",
    Rule.FAST_TIME_LOW: "low fast time",
    Rule.FAST_TIME_GONE: "lack of fast time",
    Rule.DOES_NOT_LAST: "warning that fast time does not last",
    Rule.BURNING_FAST: "warning that fast time burns fast",
    Rule.INACTIVE: "switch-off",
    Rule.GONE: "removal from the list",
    Rule.NEW: "arrival",
    Rule.SUBSCRIPTION: "plan problem",
    Rule.QUEUE_STUCK: "stuck queue",
    Rule.FROZEN: "stuck fast time",
    Rule.POOL: "alert that the fleet is short",
    Rule.FLAPPING: "unstable status",
    Rule.TEST: "test page",
}
"""How a sentence calls what a rule tells of. Where people set it, it has the name by which they choose it."""


def rule_name(rule: Rule) -> str:
    """`fast time low`, as people choose it."""
    return rule.replace("_", " ")


def _noun(rule: Rule, level: str, group: str = "") -> str:
    """`ban`, or `low fast time (under 20 %)`, or `low fast time (empty within 12h)`."""
    if group:
        return f"alert that {group} is short"
    if rule is not Rule.FAST_TIME_LOW or not level:
        return NOUNS[rule]
    if level.startswith(ETA):
        return f"{NOUNS[rule]} (empty within {level.removeprefix(ETA).strip()})"
    return f"{NOUNS[rule]} ({f'under {level}'.replace('%', ' %') if level[0].isdigit() else 'none left'})"


def _everything(scope: Scope) -> str:
    """`all alerts of token 1900`, `any ban of any token`: what there is and what may come."""
    of = "" if scope.token is None else f" of token {scope.token}"
    if scope.group is not None:
        of = f" of {scope.group.name}" if scope.token is None else f"{of}, in {scope.group.name}"
    if scope.rule is None:
        return f"{ALL}{of}"
    return f"any {_noun(scope.rule, scope.step)}" + (of or ("" if scope.rule in FLEET_RULES else " of any token"))


def _covered(covered: Sequence[Covered]) -> str:
    """`the ban of token 1900`, `the check of tokens 1, 2 and 3`, `5 open alerts of token 1900`: just these."""
    whats = {_noun(each.key.rule, each.level, each.key.group) for each in covered}
    ids = sorted({each.key.token for each in covered if each.key.token is not None})
    what = f"the {whats.pop()}" if len(whats) == 1 else f"{len(covered)} open alerts"
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
