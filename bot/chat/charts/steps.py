"""Fast time over time as a line of steps: what was read holds until it was read otherwise, and a gap is a gap."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from bot.chat.charts.svg import short
from bot.chat.charts.trace import Held

_COLUMN = 1.2
"""Units within which only the first, the lowest, the highest and the last are drawn: nobody could tell them apart."""


def steps(held: Iterable[Held], x: Callable[[datetime], float], y: Callable[[float], float]) -> tuple[str, str]:
    """The line as it is drawn, and single readings amid gaps as dots: both `d` of a path, empty where there is none."""
    lines: list[str] = []
    dots: list[str] = []
    for run in _runs(held):
        if x(run[-1].end) - x(run[0].begin) < _COLUMN:
            dots.append(f"M{short(x(run[0].begin))} {short(y(run[-1].minutes or 0))}h0.1")
        else:
            lines.append(_line([(x(each.begin), x(each.end), y(each.minutes or 0)) for each in run]))
    return "".join(lines), "".join(dots)


def _runs(held: Iterable[Held]) -> Iterator[Sequence[Held]]:
    """What follows each other without a gap."""
    run: list[Held] = []
    for each in held:
        if each.minutes is None or (run and run[-1].end != each.begin):
            if run:
                yield run
            run = []
        if each.minutes is not None:
            run.append(each)
    if run:
        yield run


def _line(levels: Sequence[tuple[float, float, float]]) -> str:
    """Steps of begin, end and height; of those that end in one column, no more than can be seen."""
    said = [f"M{short(levels[0][0])} {short(levels[0][2])}"]
    column: list[float] = []
    edge, before = levels[0][0] + _COLUMN, short(levels[0][2])
    for index, (_, end, height) in enumerate(levels, start=1):
        column.append(height)
        if end >= edge or index == len(levels):
            heights = [before, *(short(each) for each in (min(column), max(column), height))]
            said += [f"V{each}" for last, each in pairwise(heights) if each != last]
            said.append(f"H{short(end)}")
            before = heights[-1]
            column, edge = [], end + _COLUMN
    return "".join(said)
