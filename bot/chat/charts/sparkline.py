"""A line of text that shows how much was used day by day."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from bot.chat.text import amount, dated
from bot.domain.ledger import Ledger, uses

BARS: Final = "▁▂▃▅▆▇"
"""The blocks of eighths without the half and the full one. Those two are in most text fonts of Windows, iOS and Android
(they come from old code pages) and the others are not, so that they were taken from another font than their neighbours:
wider, and on another line. Side by side with the same origin, all six are equally wide."""

DAYS: Final = 7
"""Bars of a card's line."""

UNSEEN: Final = "·"
"""In place of a bar for what nobody saw."""


def sparkline(values: Sequence[float | None]) -> str:
    """A bar for each value, in proportion to the largest; the least is one that is not nothing, and None a dot.

    In marks of code, where each client takes the letters that are equally wide.
    """
    largest = max((each for each in values if each is not None), default=0)
    return f"`{''.join(_bar(each, largest) for each in values)}`"


def _bar(value: float | None, largest: float) -> str:
    if value is None:
        return UNSEEN
    if value <= 0 or largest <= 0:
        return BARS[0]
    steps = len(BARS) - 1
    return BARS[min(steps, 1 + int(value / largest * steps - 1e-9))]


def week_of_use(ledger: Ledger | None, read_at: datetime | None, zone: tzinfo) -> str:
    """What was used on each of seven days up to its last reading, in one line; empty while none of it was watched.

    From memory, in some 50 µs: every card has it. It names its days, since a card stays as it is for weeks.
    """
    if ledger is None or read_at is None:
        return ""
    today = read_at.astimezone(zone).date()
    days = [today - timedelta(days=ago) for ago in range(DAYS - 1, -1, -1)]
    return use_of_days(days, uses(ledger, days, today))


def use_of_days(days: Sequence[date], minutes: Sequence[float | None]) -> str:
    """What was used on each of these days, in one line; empty where nobody knows of any."""
    seen = [each for each in minutes if each is not None]
    if not seen:
        return ""
    most = f"peak {amount(max(seen))}".replace(" ", "\u00a0") if max(seen) > 0 else "none used"
    return f"Daily use {sparkline(minutes)} to {dated(days[-1])}, {most}"
