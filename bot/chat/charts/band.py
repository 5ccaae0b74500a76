"""The band of statuses under a chart: each has a colour, a pattern and, where there is room, its word."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from bot.chat.charts.svg import CARD, EDGE, area, label
from bot.chat.charts.trace import OFF, Held
from bot.domain.model import Status

_LOOKS = {
    Status.FAST.value: ("#35c4a8", ""),
    Status.RELAX.value: ("#f2b134", "stripes"),
    Status.VERIFYING.value: ("#d48bd8", "dots"),
    Status.BANNED.value: ("#ff6b57", "cross"),
    Status.UNKNOWN.value: ("#c3c6cf", "dots"),
    OFF: ("#5b5e69", ""),
}
"""A colour, light enough for dark letters, and a pattern: told apart by those who see no red or green, and in grey."""

_LATEST = 9
"""Units that the latest state takes at least: it is the one that somebody was woken for."""

_CAPITAL = 0.79
"""How wide a bold capital is on average, beside its height."""
_ROOM = 8
"""Units that a word leaves free on both sides together."""


def band(held: Iterable[Held], x: Callable[[datetime], float], y: float, height: float, size: float) -> Iterable[str]:
    """The band from y on; `size` is the height of its words, 0 for none."""
    merged = _merged(held)
    last = merged[-1][2] if merged else None
    for state, begin, end in merged:
        right = x(end)
        left = min(x(begin), right - (_LATEST if end == last else 0))
        width = max(right - left, 1.5)
        colour, pattern = _LOOKS[state]
        yield area(left, y, width, height, colour)
        word = "off" if state == OFF else state
        letter = _CAPITAL * len(word)
        fitting = next((each for each in (size, size - 4, size - 7) if letter * each + _ROOM <= width), 0.0)
        needed = letter * fitting + _ROOM
        if pattern:
            yield area(left, y, width, height, f"url(#{pattern})")
        if size and fitting:
            middle = (left + right) / 2
            if pattern:
                yield area(middle - needed / 2, y, needed, height, colour)
            yield label(
                middle,
                y + height / 2 + fitting * 0.36,
                word,
                size=fitting,
                fill="#ffffff" if state == OFF else CARD,
                anchor="middle",
                bold=True,
            )


def frame(x: float, y: float, width: float, height: float) -> str:
    """Where the band would be, so that it shows where there is none."""
    return area(x, y, width, height, "none", f'stroke="{EDGE}" stroke-width="1.5"')


def _merged(held: Iterable[Held]) -> Sequence[tuple[str, datetime, datetime]]:
    found: list[tuple[str, datetime, datetime]] = []
    for each in held:
        if found and found[-1][0] == each.state and found[-1][2] == each.begin:
            found[-1] = (each.state, found[-1][1], each.end)
        else:
            found.append((each.state, each.begin, each.end))
    return found
