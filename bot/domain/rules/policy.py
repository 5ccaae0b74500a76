"""How the rules are set: by the environment, and by people in chat."""

from collections.abc import Iterable, Mapping
from datetime import UTC, time, timedelta, tzinfo
from functools import lru_cache

from bot.domain.findings import Finding
from bot.domain.forecast import LIKELY
from bot.domain.groups import Group
from bot.domain.incidents import FAST_HOURS, End, Incident, Key, Reason, Rule
from bot.domain.info import duration, threshold
from bot.domain.model import Threshold, gravest
from bot.domain.rules.table import FAST_TIME_RULES, RULES, Row
from bot.domain.steering import Setting
from bot.domain.value import Value, field, replace

FEW_CREDITS = "10%"
"""Of the plan's quota: fewer credits are few, unless somebody set it otherwise."""

ENDS_WITHIN = timedelta(days=7)
"""How long before the end of the plan at ImaginePro that is told, unless somebody set it otherwise."""

BELIEVED_AFTER = timedelta(hours=24)
"""How long a list that is far too short must stay so until it is believed, unless somebody set it otherwise."""


class PoolLevels(Value):
    """What the fleet as a whole must have."""

    usable: int = 1
    """Tokens that work."""
    minutes: float | None = None
    """Of fast time, in the tokens that work together; None when nobody asked for that."""
    text: str = ""
    """The amount of fast time as written."""


WRITE_POOL = (
    "write how many tokens must work, such as 3, how much fast time they must have together, such as 20h,"
    " or both: 3,20h"
)
"""What is said of any text that is no such levels."""


WRITE_CHANCE = "write the chance of running out from which on it fires, from 50% to 99%, such as 85%"
"""What is said of any text that is no such chance."""


class CreditsLevel(Value):
    """Under how many credits to warn. Exactly one of the two is set."""

    text: str
    """As written: `10%`, `500`."""
    percent: float | None = None
    """Of the plan's quota."""
    credits: int | None = None

    def of(self, quota: int | None) -> float | None:
        """How many credits that are; None for a share of a quota that is not known, or none at all."""
        if self.percent is None:
            return self.credits
        return self.percent / 100 * quota if quota else None


WRITE_CREDITS = "write the share of the plan's credits under which it fires, such as 10%, or their number, such as 500"
"""What is said of any text that is no such level."""


@lru_cache
def steps_of(text: str) -> tuple[Threshold, ...]:
    """Read `20%,30m`, whatever an older version let people set."""
    return tuple(threshold(part) for part in text.split(","))


@lru_cache
def pool_of(text: str) -> PoolLevels:
    """Read `3`, `10h` or `3,10h`, whatever an older version let people set."""
    levels = PoolLevels()
    for part in map(str.strip, text.split(",")):
        if is_count(part):
            levels = replace(levels, usable=int(part))
        elif (minutes := _amount(part)) is not None:
            levels = replace(levels, minutes=minutes, text=part)
        else:
            raise ValueError(WRITE_POOL)
    return levels


@lru_cache
def chance_of(text: str) -> float:
    """Read `85%` as a chance, whatever an older version let people set."""
    percent = threshold(text).percent
    if percent is None:
        raise ValueError(WRITE_CHANCE)
    return percent / 100


@lru_cache
def credits_of(text: str) -> CreditsLevel:
    """Read `10%` or `500`."""
    if is_count(text):
        return CreditsLevel(text, credits=int(text))
    try:
        percent = threshold(text).percent
    except ValueError:
        percent = None
    if percent is None:
        raise ValueError(WRITE_CREDITS)
    return CreditsLevel(text, percent=percent)


def is_count(text: str) -> bool:
    """Whether this is a number of tokens, and no amount of fast time."""
    return text.isdecimal() and text.isascii()


def _amount(text: str) -> float | None:
    """An amount of fast time in minutes; None for what is none, as a percentage."""
    try:
        return threshold(text).minutes
    except ValueError:
        return None


class Policy(Value):
    """What the operator decides about the rules: the environment's steps of fast time, and what was set in chat."""

    thresholds: tuple[Threshold, ...] = ()
    """The steps of fast time, each a level of a token's one incident."""
    interval: timedelta = timedelta(minutes=1)
    """Between two polls."""
    settings: Mapping[tuple[Rule, int | None], Setting] = field(default_factory=dict)
    """By rule, and by token: None for the whole fleet."""
    of_groups: Mapping[Rule, tuple[Setting, ...]] = field(default_factory=dict)
    """By rule those that are about groups: of two that hold a token the later wins. See `ranked`."""
    zone: tzinfo = UTC
    """In which days begin and end: the operator's."""
    digest_at: time | None = None
    """When the daily digest is told, in that zone; None for no digest."""

    def row(self, rule: Rule, token: int | None) -> Row:
        """How a rule works for a token: its own setting wins over a group's, that over the fleet's, and so on."""
        return self._row(rule, self._set(rule, token))

    def row_of(self, key: Key, rule: Rule | None = None) -> Row:
        """How a rule works for what a key is about: by default the key's own rule."""
        return self._row(rule or key.rule, self._set_of(key, rule))

    @staticmethod
    def _row(rule: Rule, settings: Iterable[Setting]) -> Row:
        row = RULES[rule]
        for setting in settings:
            row = replace(
                row,
                enabled=row.enabled if setting.enabled is None else setting.enabled,
                chosen=row.chosen if setting.severity is None else setting.severity,
                readings=row.readings if setting.readings is None else setting.readings,
                for_=duration(setting.threshold) if RULES[rule].for_ and setting.threshold is not None else row.for_,
            )
        return row

    def threshold(self, rule: Rule, token: int | None) -> str:
        """The threshold that was set for a rule, as text; empty when there is none."""
        return next((text for each in reversed(self._set(rule, token)) if (text := each.threshold) is not None), "")

    def steps(self, token: int | None) -> tuple[Threshold, ...]:
        """The steps of fast time for a token."""
        chosen = self.threshold(Rule.FAST_TIME_LOW, token)
        return steps_of(chosen) if chosen else self.thresholds

    def chance(self, token: int | None) -> float:
        """The chance of running dry from which on a token does not last."""
        chosen = self.threshold(Rule.DOES_NOT_LAST, token)
        return chance_of(chosen) if chosen else LIKELY

    @property
    def pool(self) -> PoolLevels:
        """What the fleet must have: one token that works, unless somebody set it otherwise."""
        chosen = self.threshold(Rule.POOL, None)
        return pool_of(chosen) if chosen else PoolLevels()

    @property
    def pools(self) -> Mapping[str, tuple[Group, PoolLevels]]:
        """What groups must have, by their names: of those for which somebody set that."""
        return {
            each.group.name: (each.group, pool_of(each.threshold) if each.threshold else PoolLevels())
            for each in self.of_groups.get(Rule.POOL, ())
            if each.group is not None
        }

    @property
    def credits(self) -> CreditsLevel:
        """Under how many credits to warn."""
        return credits_of(self.threshold(Rule.CREDITS_LOW, None) or FEW_CREDITS)

    @property
    def ends_within(self) -> timedelta:
        """How long before its end to warn of the plan at ImaginePro."""
        chosen = self.threshold(Rule.PLAN_EXPIRES, None)
        return duration(chosen) if chosen else ENDS_WITHIN

    @property
    def believed_after(self) -> timedelta:
        """How long a list that is far too short must stay so until it is believed."""
        chosen = self.threshold(Rule.LIST_SHORT, None)
        return duration(chosen) if chosen else BELIEVED_AFTER

    def watches(self, key: Key) -> bool:
        """Whether its rule and step are on. GONE is always watched, or else such a token would never be forgotten."""
        if key.rule in FAST_TIME_RULES:
            return any(self.row(rule, key.token).enabled for rule in FAST_TIME_RULES)
        if key.rule is not Rule.GONE and not self.row_of(key).enabled:
            return False
        if key.rule is not Rule.POOL:
            return True
        _, levels = self.pools.get(key.group, (None, None)) if key.group else (None, self.pool)
        return levels is not None and (key.part != FAST_HOURS or levels.minutes is not None)

    def with_(self, *settings: Setting) -> "Policy":
        """With these over it."""
        if not settings:
            return self
        of_groups: dict[Rule, dict[str, Setting]] = {
            rule: {each.id: each for each in those} for rule, those in self.of_groups.items()
        }
        for each in settings:
            if each.group is not None:
                of_groups.setdefault(each.rule, {})[each.id] = each
        return replace(
            self,
            settings={**self.settings, **{(each.rule, each.token): each for each in settings if each.group is None}},
            of_groups={rule: ranked(those.values()) for rule, those in of_groups.items()},
        )

    def by_group(self, rule: Rule, token: int | None) -> Setting | None:
        """Of the settings of groups that hold a token the one that wins; None where there is none."""
        found = (each for each in reversed(self.of_groups.get(rule, ())) if each.group and each.group.holds(token))
        return next(found, None)

    def as_for(self, group: Group) -> "Policy":
        """As the rules are set for a group, in place of the fleet: what it must have is its own, and nobody else's."""
        settings = dict(self.settings)
        for rule, those in self.of_groups.items():
            for each in those:
                if each.group is not None and each.group.id == group.id:
                    settings[rule, None] = _over(self.settings.get((rule, None)), each)
        return replace(self, settings=settings)

    def _set_of(self, key: Key, rule: Rule | None = None) -> tuple[Setting, ...]:
        if not key.group:
            return self._set(rule or key.rule, key.token)
        theirs = (each for each in self.of_groups.get(key.rule, ()) if each.group and each.group.name == key.group)
        return (*self._set(key.rule, None), *theirs)

    def _set(self, rule: Rule, token: int | None) -> tuple[Setting, ...]:
        """The fleet's setting before those of groups, and these before the token's."""
        if not self.settings and not self.of_groups:
            return ()
        if token is None:
            found = self.settings.get((rule, None))
            return () if found is None else (found,)
        groups = (each for each in self.of_groups.get(rule, ()) if each.group and each.group.holds(token))
        all_ = (self.settings.get((rule, None)), *groups, self.settings.get((rule, token)))
        return tuple(setting for setting in all_ if setting is not None)


def _over(fleets: Setting | None, groups: Setting) -> Setting:
    """The setting of a group, and in what it leaves out the fleet's."""
    if fleets is None:
        return groups
    return Setting(
        groups.rule,
        enabled=fleets.enabled if groups.enabled is None else groups.enabled,
        severity=groups.severity or fleets.severity,
        threshold=groups.threshold or (None if groups.rule is Rule.POOL else fleets.threshold),
        readings=groups.readings or fleets.readings,
    )


def ranked(settings: Iterable[Setting]) -> tuple[Setting, ...]:
    """Settings of groups, those that win last: of fewer ids, and of as many those whose name comes first."""
    by_name = sorted(settings, key=lambda each: each.group.id if each.group else "", reverse=True)
    return tuple(sorted(by_name, key=lambda each: -each.group.size if each.group else 0))


def as_set(finding: Finding, policy: Policy) -> Finding | None:
    """The finding as its rule is set; None when that is off."""
    if not policy.watches(finding.key):
        return None
    row = policy.row_of(finding.key, finding.row)
    chosen = finding.severity if row.chosen is None else row.chosen
    return replace(
        finding,
        severity=gravest([chosen, finding.floor]),
        natural=finding.natural or finding.severity,
        readings=row.readings,
        keep_firing_for=row.keep_firing_for,
        for_=row.for_,
        muted=not row.enabled,
    )


def unwatched(incidents: Mapping[Key, Incident], policy: Policy) -> dict[Key, End]:
    """The open keys whose rule or step was switched off."""
    return {key: End(Reason.UNWATCHED) for key in incidents if not policy.watches(key)}
