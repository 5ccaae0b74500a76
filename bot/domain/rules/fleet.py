"""The rules about the fleet: who joined and who left, and whether enough of it works."""

from collections.abc import Iterator, Mapping
from itertools import islice
from math import floor

from bot.domain.counting import counted
from bot.domain.findings import Ended, Finding
from bot.domain.groups import Group
from bot.domain.incidents import ANYBODY, FAST_HOURS, End, Incident, Key, Reason, Rule
from bot.domain.model import Severity, Token
from bot.domain.rules.case import Case
from bot.domain.rules.policy import PoolLevels
from bot.domain.rules.sight import Verdict
from bot.domain.rules.table import LEAVE_POOL_FACTOR, RULES

NAMED = 50
"""Tokens that do not work and are named as what makes the fleet short: of more nobody reads a list."""


def of_fleet(case: Case) -> Iterator[Verdict]:
    """What the rules say of the fleet as a whole; asked about readings of the whole fleet only."""
    if case.baseline:
        yield Finding(Key(Rule.BASELINE), Severity.INFO, momentary=True)
    else:
        yield from _membership(case)
    yield from _pool(case, case.policy.pool)
    for group, levels in case.policy.pools.values():
        yield from _pool(case, levels, group)


def _membership(case: Case) -> Iterator[Verdict]:
    for token_id, token in case.changed.items():
        if token_id not in case.remembered:
            yield Finding(Key(Rule.NEW, token_id), Severity.INFO, now=token.record, momentary=True)
    for token_id in sorted(case.missing):
        key = Key(Rule.GONE, token_id)
        yield Finding(key, Severity.INFO, was=case.remembered[token_id].record, momentary=True)
        if goes(case, token_id):
            yield from (Ended(other, End(Reason.GONE)) for other in case.open.get(token_id, {}) if other != key)


def goes(case: Case, token_id: int) -> bool:
    """Whether a token that is missing counts as gone from this reading on."""
    needed = case.policy.row(Rule.GONE, token_id).readings
    key = Key(Rule.GONE, token_id)
    pending = None if key in case.unseen else case.incidents.get(key)
    seen = counted(pending.seen, needed, case.reading.at - pending.began_at) if pending else 1
    return seen >= needed


def _pool(case: Case, levels: PoolLevels, group: Group | None = None) -> Iterator[Verdict]:
    """The fleet as a whole, or a group of it, less what is switched off: nobody waits for that.

    Who is missing from the list, and not gone yet, works for all we know if it did; and so does one whose status was
    never sent. It takes as many that surely work to end an incident, and as few that might to open one.
    """
    name = "" if group is None else group.name
    past = {key: each for key, each in case.open.get(None, {}).items() if key.rule is Rule.POOL and key.group == name}
    listed = case.reading.tokens if group is None else group.among(case.reading.tokens)
    enough = list(islice((token for token in listed.values() if token.usable), levels.usable))
    if len(enough) >= levels.usable and levels.minutes is None:  # as a rule; then nobody else is looked at
        yield from _usable(enough, [], {}, past, levels, name)
        return
    read = {token_id: token for token_id, token in listed.items() if token.active is not False}
    missing = {
        token_id: token
        for token_id in case.missing
        if (token := case.remembered[token_id]).active is not False and (group is None or group.holds(token_id))
    }
    if not read and not missing:
        reason = Reason.OFF if listed else Reason.GONE
        yield from (Ended(key, End(reason)) for key in past)
        return
    surely = [token for token in read.values() if token.usable]
    maybe = [token for token in read.values() if not token.status_text.strip()]
    maybe += [token for token in missing.values() if token.usable]
    yield from _usable(surely, maybe, {**read, **missing}, past, levels, name)
    if levels.minutes is not None and (surely or not levels.usable):  # where none works, their number says it
        yield from _fast_hours(surely, maybe, past, levels, name)


def _usable(
    surely: list[Token],
    maybe: list[Token],
    fleet: Mapping[int, Token],
    past: Mapping[Key, Incident],
    levels: PoolLevels,
    name: str,
) -> Iterator[Verdict]:
    key = _key(ANYBODY, name)
    if len(surely) + len(maybe) < levels.usable:
        works = {token.id for token in (*surely, *maybe)}
        idle = tuple(sorted(fleet.keys() - works))
        detail = f"{len(surely)} of {len(fleet)}, {levels.usable}"
        yield Finding(key, RULES[Rule.POOL].severity, detail=detail, about=idle if len(idle) <= NAMED else ())
    elif len(surely) >= levels.usable and key in past:
        yield Ended(key, End(Reason.WELL))


def _fast_hours(
    surely: list[Token], maybe: list[Token], past: Mapping[Key, Incident], levels: PoolLevels, name: str
) -> Iterator[Verdict]:
    key, level = _key(FAST_HOURS, name), levels.minutes or 0.0
    left = sum(max(0.0, token.fast_time.remaining or 0) for token in surely)
    if left >= level * (LEAVE_POOL_FACTOR if key in past else 1):
        yield from [Ended(key, End(Reason.WELL))] if key in past else []
    elif not maybe and all(token.fast_time.known for token in surely):
        yield Finding(key, RULES[Rule.POOL].severity, detail=_beside(left, level, levels.text))


def _key(part: str, name: str) -> Key:
    key = Key(Rule.POOL, step=part)
    return key.of_group(name) if name else key


def _beside(left: float, level: float, text: str) -> str:
    """`87 h, 90 h`: both in the unit of the level, and what is left never as much as that; coarse, since it is edited.

    Args:
        left: Minutes of fast time.
        level: The same, wanted.
        text: The level as it was written.
    """
    minutes, unit = (1, "min") if text.endswith(("m", "s")) else (60, "h")
    have, wanted = left / minutes, level / minutes
    digits = int(abs(have - wanted) < 1)
    return f"{floor(have * 10**digits + 1e-6) / 10**digits:.{digits}f} {unit}, {wanted:g} {unit}"
