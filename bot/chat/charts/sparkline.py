"""A line of text that shows how much was used day by day."""

from collections.abc import Sequence
from typing import Final

BARS: Final = "▁▂▃▅▆▇"
"""The blocks of eighths without the half and the full one. Those two are in most text fonts of Windows, iOS and Android
(they come from old code pages) and the others are not, so that they were taken from another font than their neighbours:
wider, and on another line. Side by side with the same origin, all six are equally wide."""

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
