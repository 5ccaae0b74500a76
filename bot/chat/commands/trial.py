"""What `/rules try` does: a changed rule over the kept history, beside how it is set now."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final, TypeAlias, TypeVar

from bot.chat.desk import Desk, UnclearError
from bot.chat.text import listed, number, span
from bot.domain.incidents import Rule
from bot.domain.naming import rule_name
from bot.domain.rules.policy import Policy
from bot.domain.sample import Sample
from bot.domain.steering import Setting
from bot.domain.watch.trial import LEARNS, TRIED, Outcome, replay

T = TypeVar("T")
Kept: TypeAlias = Mapping[int, Sequence[Sample]]
"""What is kept of some tokens."""

BACK: Final = timedelta(days=14)
"""How far back it looks."""

MOST: Final = 80_000
"""Readings that are judged once more, some 15 s of work: what does not fit is left out, and that is said."""

WEIGHT: Final = 500
"""Tokens of a fleet that is judged as a whole which make a reading of it take as long again as one of a token."""

NOTHING: Final = "Nothing is kept of that yet."
TOO_MUCH: Final = "That is too much for one try: try it for one token."

KEPT: Final = timedelta(hours=3)
"""By how much less than `BACK` the history may reach back without a word."""


async def attempt(desk: Desk, setting: Setting, tried: Policy, most: int = MOST) -> Sequence[str]:
    """What would have been told with a rule as it is tried, and what with how it is set now.

    Raises:
        UnclearError: Nobody can tell afterwards what that rule would have found, or nothing is kept.
        StoreError: The history cannot be read.
    """
    rule = setting.rule
    if rule not in TRIED:
        can = listed([rule_name(each) for each in Rule if each in TRIED], len(TRIED))
        sentence = (
            f"What *{rule_name(rule)}* would have found cannot be told afterwards: it is about what is not kept over"
            f" time. These can be tried: {can}."
        )
        raise UnclearError(sentence)
    since = desk.now - BACK
    ids = sorted(desk.fleet.tokens) if setting.token is None else [setting.token]
    group = setting.group
    if group is not None:
        ids = [each for each in ids if group.holds(each)]
    whose = group.name if group is not None and rule is Rule.POOL else ""
    whole = rule is Rule.POOL

    def judge(kept: Kept, go_on: Callable[[], bool]) -> tuple[Outcome, Outcome] | None:
        tokens, now = desk.fleet.tokens, since + BACK
        new = replay(kept, tokens, tried, rule, since, now, go_on, whose)
        old = None if new is None else replay(kept, tokens, desk.policy, rule, since, now, go_on, whose)
        return None if new is None or old is None else (new, old)

    found, done, back = await lived(desk, ids, timedelta(days=1) if whole else LEARNS, judge, most, whole=whole)
    sums = (Outcome(), Outcome())
    for new, old in found:
        sums = (sums[0] + new, sums[1] + old)
    tried_, now = map(_counted, sums)
    return [f"Last {days(back)}: **{tried_}** (now: {now})", *caveats(done, len(ids), back, " Try it for one token.")]


async def lived(
    desk: Desk,
    ids: Sequence[int],
    before: timedelta,
    judge: Callable[[Kept, Callable[[], bool]], T | None],
    most: int = MOST,
    *,
    whole: bool,
    too_much: str = TOO_MUCH,
) -> tuple[Sequence[T], int, timedelta]:
    """Judge the history of the last two weeks, token by token, as far as it fits into one try.

    Args:
        desk: Where it is asked for.
        ids: The tokens.
        before: From how long before those weeks on it is read.
        judge: Does so, in a thread; None when it was told not to go on.
        most: Readings that fit.
        whole: Whether it is about all of them together.
        too_much: What is said where not even the first of them fit.

    Returns:
        What was found, of how many tokens it tells, and how long the history is.

    Raises:
        UnclearError: Nothing is kept, or it is too much.
        StoreError: The history cannot be read.
    """
    now, left = desk.now, most
    since = now - BACK
    groups: list[list[int]] = [list(ids)] if whole else [[each] for each in spread(ids)]
    weight = 1 + max(map(len, groups), default=0) // WEIGHT

    def go_on() -> bool:
        nonlocal left
        left -= weight
        return left >= 0

    first, done, all_ = now, 0, list[T]()
    for group in groups:
        kept = {
            token: samples for token, samples in (await desk.history(group, since - before, now)).items() if samples
        }
        if not kept:
            done += len(group)
            continue
        found = await asyncio.to_thread(judge, kept, go_on)
        if found is None:
            break
        first = min(first, *(samples[0].at for samples in kept.values()))
        all_.append(found)
        done += len(group)
    if first == now:
        raise UnclearError(too_much if left < 0 else NOTHING)
    return all_, done, max(now - max(first, since), timedelta(hours=1))


def spread(ids: Sequence[int]) -> list[int]:
    """The same tokens in an order of which any beginning has some from everywhere."""
    step = next((each for each in (97, 89, 83) if len(ids) % each), 1)
    return [ids[place * step % len(ids)] for place in range(len(ids))]


def caveats(done: int, of: int, back: timedelta, advice: str = "") -> Sequence[str]:
    """What of it is short, in small print, and what to do about it."""
    lines = []
    if BACK - back > KEPT:
        lines.append(f"-# The history is only {days(back)} long so far.")
    if done < of:
        lines.append(f"-# By {number(done)} of {number(of)} tokens: no more fit into one try.{advice}")
    return lines


def days(time: timedelta) -> str:
    """`14 days`, and less than two as any length of time."""
    found = round(time / timedelta(days=1))
    return f"{found} days" if found > 1 else span(time)


def _counted(outcome: Outcome) -> str:
    """`3 incidents, median 2 h, 2 pages`."""
    count = len(outcome.lengths)
    parts = [
        f"{number(count)} incident{'s' * (count != 1)}",
        f"median {span(outcome.median)}" if outcome.median else "",
        f"{number(outcome.pages)} page{'s' * (outcome.pages != 1)}" if count else "",
    ]
    return ", ".join(filter(None, parts))
