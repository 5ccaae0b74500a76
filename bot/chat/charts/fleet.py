"""Several tokens at once: a small chart for each, all of the same stretch of time, each on the scale of its own."""

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Final

from bot.chat.charts.axes import moments
from bot.chat.charts.band import band, frame
from bot.chat.charts.steps import steps
from bot.chat.charts.svg import (
    CARD,
    FAINT,
    INK,
    LARGE,
    LINE,
    NORMAL,
    RULE,
    SMALL,
    WIDTH,
    area,
    breadth,
    document,
    label,
    path,
    short,
)
from bot.chat.charts.trace import Trace
from bot.domain.value import Value

MOST: Final = 12
"""Charts of one picture; more would be too small to read on a phone."""

_COLUMNS = 2
_GUTTER = 28.0
_CELL = (WIDTH - 3 * _GUTTER) / _COLUMNS
_HEAD = 70.0
_ROW = 128.0
_PLOT = 58.0
_BAND = 10.0
_FOOT = 44.0


class Small(Value):
    """One token of several."""

    name: str
    left: str
    """How much it has now, in words."""
    trace: Trace


class Multiples(Value):
    """What the picture of several tokens shows."""

    title: str
    charts: tuple[Small, ...]
    """At most `MOST`, the worst first; of the same stretch of time."""
    zone: tzinfo
    zone_name: str
    since: datetime
    until: datetime


def fleet_chart(multiples: Multiples) -> str:
    """The picture as SVG."""
    rows = -(-len(multiples.charts) // _COLUMNS)
    height = _HEAD + max(rows, 1) * _ROW + _FOOT
    return document(
        height,
        [
            label(_GUTTER, 46, multiples.title, size=LARGE, fill=INK, bold=True),
            *(
                [label(WIDTH - _GUTTER, 45, multiples.zone_name, anchor="end")]
                if breadth(multiples.title, LARGE, bold=True) + breadth(multiples.zone_name, SMALL) < WIDTH - 80
                else []
            ),
            *(shape for index, small in enumerate(multiples.charts) for shape in _small(multiples, small, index)),
            *_times(multiples, _HEAD + max(rows, 1) * _ROW + 16),
        ],
    )


def _left(index: int) -> float:
    return _GUTTER + index % _COLUMNS * (_CELL + _GUTTER)


def _small(multiples: Multiples, small: Small, index: int) -> Iterable[str]:
    left, top = _left(index), _HEAD + index // _COLUMNS * _ROW
    plot, span = top + 34, multiples.until - multiples.since
    trace, highest = small.trace, max(small.trace.top, 1.0)

    def x(at: datetime) -> float:
        return left + _CELL * min(max((at - multiples.since) / span, 0), 1)

    def y(minutes: float) -> float:
        return plot + _PLOT * (1 - min(max(minutes, 0) / highest, 1))

    yield label(left, top + 24, small.name, size=NORMAL, fill=INK, bold=True)
    yield label(left + _CELL, top + 24, small.left, anchor="end", fill=INK)
    yield area(left, plot, _CELL, _PLOT, "#262830")
    for mark in moments(multiples.since, multiples.until, multiples.zone, _CELL):
        yield path(f"M{short(x(mark.at))} {short(plot)}v{short(_PLOT)}", RULE, 1.5)
    unread = [*trace.gaps, *((each.begin, each.end) for each in trace.held if each.minutes is None)]
    if trace.watched_since is not None:
        unread.append((trace.since, trace.watched_since))
    for begin, end in unread:
        if x(end) - x(begin) >= 1:
            yield area(x(begin), plot, x(end) - x(begin), _PLOT, "url(#unread)", 'fill-opacity=".55"')
    line, dots = steps(trace.held, x, y)
    if line:
        yield path(line, LINE, 3.5, 'stroke-linejoin="round"')
    if dots:
        yield path(dots, LINE, 8, 'stroke-linecap="round"')
    for rise in trace.rises:
        at = f"M{short(x(rise.at))} {short(plot)}"
        yield f'<path d="{at}l7 12h-14z" fill="{INK}" stroke="{CARD}" stroke-width="1.5"/>'
    yield frame(left, plot + _PLOT + 4, _CELL, _BAND)
    yield from band(trace.held, x, plot + _PLOT + 4, _BAND, 0)


def _times(multiples: Multiples, y: float) -> Iterable[str]:
    """The times once a column, below it."""
    span = multiples.until - multiples.since
    for column in range(min(_COLUMNS, len(multiples.charts))):
        left = _left(column)
        end = left - 14
        for mark in moments(multiples.since, multiples.until, multiples.zone, _CELL):
            at, half = left + _CELL * ((mark.at - multiples.since) / span), breadth(mark.text, SMALL) / 2
            if at - half > end and at + half < left + _CELL + 14:
                yield label(at, y, mark.text, anchor="middle", fill=FAINT)
                end = at + half
