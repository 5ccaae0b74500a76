"""What `/rules try` does: a changed rule over the kept history, beside how it is set now."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from bot.chat.desk import Desk, UnclearError
from bot.chat.text import listed, number, span
from bot.domain.incidents import Rule
from bot.domain.naming import rule_name
from bot.domain.rules.policy import Policy
from bot.domain.steering import Setting
from bot.domain.watch.trial import LEARNS, TRIED, Outcome, replay

BACK: Final = timedelta(days=14)
"""How far back it looks."""

MOST: Final = 80_000
"""Readings that are judged once more, some 15 s of work: what does not fit is left out, and that is said."""

WEIGHT: Final = 500
"""Tokens of a fleet that is judged as a whole which make a reading of it take as long again as one of a token."""

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
    now, left = desk.now, most
    since = now - BACK
    tokens = desk.fleet.tokens
    ids = sorted(tokens) if setting.token is None else [setting.token]
    groups: list[list[int]] = [ids] if rule is Rule.POOL else [[each] for each in spread(ids)]
    weight = 1 + max(map(len, groups), default=0) // WEIGHT

    def go_on() -> bool:
        nonlocal left
        left -= weight
        return left >= 0

    begin = since - (BACK / 14 if rule is Rule.POOL else LEARNS)
    first = now
    sums = (Outcome(), Outcome())
    done = 0
    for group in groups:
        kept = {token: samples for token, samples in (await desk.history(group, begin, now)).items() if samples}
        if not kept:
            done += len(group)
            continue
        found = [
            await asyncio.to_thread(replay, kept, tokens, policy, rule, since, now, go_on)
            for policy in (tried, desk.policy)
        ]
        if found[0] is None or found[1] is None:
            break
        first = min(first, *(samples[0].at for samples in kept.values()))
        sums = (sums[0] + found[0], sums[1] + found[1])
        done += len(group)
    if first == now:
        sentence = "That is too much for one try: try it for one token." if left < 0 else "Nothing is kept of that yet."
        raise UnclearError(sentence)
    return list(_said(sums, done, len(ids), max(now - max(first, since), timedelta(hours=1))))


def spread(ids: Sequence[int]) -> list[int]:
    """The same tokens in an order of which any beginning has some from everywhere."""
    step = next((each for each in (97, 89, 83) if len(ids) % each), 1)
    return [ids[place * step % len(ids)] for place in range(len(ids))]


def _said(sums: tuple[Outcome, Outcome], done: int, of: int, back: timedelta) -> Sequence[str]:
    tried, now = map(_counted, sums)
    short = BACK - back > KEPT
    lines = [f"Last {_days(back)}: **{tried}** (now: {now})"]
    if short:
        lines.append(f"-# The history is only {_days(back)} long so far.")
    if done < of:
        lines.append(f"-# By {number(done)} of {number(of)} tokens: no more fit into one try. Try it for one token.")
    return lines


def _days(time: timedelta) -> str:
    days = round(time / timedelta(days=1))
    return f"{days} days" if days > 1 else span(time)


def _counted(outcome: Outcome) -> str:
    """`3 incidents, median 2 h, 2 pages`."""
    count = len(outcome.lengths)
    parts = [
        f"{number(count)} incident{'s' * (count != 1)}",
        f"median {span(outcome.median)}" if outcome.median else "",
        f"{number(outcome.pages)} page{'s' * (outcome.pages != 1)}" if count else "",
    ]
    return ", ".join(filter(None, parts))
