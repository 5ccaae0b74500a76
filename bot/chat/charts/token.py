"""The chart of one token: fast time over time, its statuses, what was added, and what is to be expected."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

from bot.chat.charts.axes import amounts, marked, moments
from bot.chat.charts.band import band, frame
from bot.chat.charts.steps import steps
from bot.chat.charts.svg import (
    CARD,
    FORECAST,
    INK,
    LARGE,
    LINE,
    NORMAL,
    RULE,
    SMALL,
    WARNING,
    WIDTH,
    area,
    breadth,
    document,
    label,
    path,
    short,
)
from bot.chat.charts.trace import Trace
from bot.chat.text import amount, dated
from bot.chat.text import level as threshold_level
from bot.domain.forecast import Band
from bot.domain.model import Threshold
from bot.domain.value import Value

HEIGHT: Final = 474

_LEFT, _RIGHT, _TOP, _BOTTOM = 92.0, WIDTH - 28.0, 102.0, 360.0
"""Of what is plotted."""
_BAND, _BAND_HEIGHT = 374.0, 34.0
_TIMES = 442.0

_HOLDS_A_WORD = 90
"""Units of a gap that its word fits into."""


class Chart(Value):
    """What a chart of one token shows."""

    title: str
    trace: Trace
    zone: tzinfo
    zone_name: str
    now: datetime
    until: datetime
    """The right edge; later than now where something is expected."""
    expected: tuple[Band, ...] = ()
    renews_at: datetime | None = None
    thresholds: tuple[Threshold, ...] = ()
    moments: tuple[tuple[datetime, str], ...] = ()
    """What happened, with a word for each."""


def token_chart(chart: Chart) -> str:
    """The chart as SVG."""
    trace = chart.trace
    top = max(trace.top, *(each.high for each in chart.expected), 1.0)
    highest, marks = amounts(top)
    span = chart.until - trace.since

    def x(at: datetime) -> float:
        return _LEFT + (_RIGHT - _LEFT) * min(max((at - trace.since) / span, 0), 1)

    def y(minutes: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * min(max(minutes, 0) / highest, 1)

    return document(
        HEIGHT,
        [
            *_head(chart),
            *_grid(chart, x, y, marks, highest),
            *_unread(trace, x),
            *_fan(chart.expected, x, y),
            *_thresholds(chart, y),
            *_line(trace, x, y),
            frame(_LEFT, _BAND, x(chart.now) - _LEFT, _BAND_HEIGHT),
            *band(trace.held, x, _BAND, _BAND_HEIGHT, SMALL),
            *_now(chart, x),
            *_rises(trace, x),
            *_happened(chart, x),
            *_names(chart, y),
            *_empty(chart, x),
            *_latest(chart, x, y),
        ],
    )


def _head(chart: Chart) -> Iterable[str]:
    yield label(28, 46, chart.title, size=LARGE, fill=INK, bold=True)
    room = WIDTH - 56 - breadth(chart.title, LARGE, bold=True) - 20
    if breadth(chart.zone_name, SMALL) <= room:
        yield label(WIDTH - 28, 45, chart.zone_name, anchor="end")


def _grid(
    chart: Chart,
    x: Callable[[datetime], float],
    y: Callable[[float], float],
    marks: Sequence[float],
    highest: float,
) -> Iterable[str]:
    for minutes in marks:
        yield path(f"M{short(_LEFT)} {short(y(minutes))}H{short(_RIGHT)}", RULE, 1.5)
        yield label(_LEFT - 12, y(minutes) + 8, marked(minutes, highest), anchor="end")
    end = _LEFT - 40
    for mark in moments(chart.trace.since, chart.until, chart.zone, _RIGHT - _LEFT):
        at, half = x(mark.at), breadth(mark.text, SMALL) / 2
        yield path(f"M{short(at)} {short(_TOP)}V{short(_BAND + _BAND_HEIGHT)}", RULE, 1.5)
        if at - half > end and at + half < WIDTH - 8:
            yield label(at, _TIMES, mark.text, anchor="middle")
            end = at + half


def _unread(trace: Trace, x: Callable[[datetime], float]) -> Iterable[str]:
    """Where nothing is drawn because nobody knows: hatched, and named where there is room."""
    gaps = [(begin, end, "not read") for begin, end in trace.gaps]
    if trace.watched_since is not None:
        gaps.append((trace.since, trace.watched_since, "not watched yet"))
    gaps += [(each.begin, each.end, "not reported") for each in trace.held if each.minutes is None]
    for begin, end, word in sorted(gaps):
        left, width = x(begin), x(end) - x(begin)
        if width < 1:
            continue
        yield area(left, _TOP, width, _BOTTOM - _TOP, "url(#unread)", 'fill-opacity=".55"')
        if width >= breadth(word, SMALL) + 16:
            middle = (_TOP + _BOTTOM) / 2
            yield label(left + width / 2, middle, word, anchor="middle", fill=INK, halo=True)


def _thresholds(chart: Chart, y: Callable[[float], float]) -> Iterable[str]:
    """Each level under which an alert comes, as a line of dots."""
    for level, _ in _levels(chart):
        yield path(f"M{short(_LEFT)} {short(y(level))}H{short(_RIGHT)}", WARNING, 2, 'stroke-dasharray="3 7"')


def _names(chart: Chart, y: Callable[[float], float]) -> Iterable[str]:
    """What those lines are; of those that lie close to each other, the upper one."""
    before = 0.0
    for level, name in _levels(chart):
        at = y(level)
        if at - before >= SMALL:
            yield label(_LEFT + 8, at - 6, name, size=SMALL - 2, fill=WARNING, halo=True)
            before = at


def _levels(chart: Chart) -> Sequence[tuple[float, str]]:
    """In minutes, with what each is called, the highest first."""
    allowance = next((each.allowance for each in reversed(chart.trace.held) if each.allowance), None)
    found = ((_level(each, allowance), f"alert {threshold_level(each.text)}") for each in chart.thresholds)
    return sorted(((level, name) for level, name in found if level is not None), reverse=True)


def _level(threshold: Threshold, allowance: float | None) -> float | None:
    """In minutes; None where it is none, or cannot be known."""
    if threshold.minutes is not None:
        return threshold.minutes
    return None if threshold.percent is None or not allowance else threshold.percent / 100 * allowance


def _fan(expected: Sequence[Band], x: Callable[[datetime], float], y: Callable[[float], float]) -> Iterable[str]:
    if not expected:
        return
    over = [f"{short(x(each.at))} {short(y(each.high))}" for each in expected]
    under = [f"{short(x(each.at))} {short(y(each.low))}" for each in reversed(expected)]
    middle = "L".join(f"{short(x(each.at))} {short(y(each.middle))}" for each in expected)
    yield f'<path d="M{"L".join([*over, *under])}Z" fill="{FORECAST}" fill-opacity=".26"/>'
    yield path(f"M{middle}", FORECAST, 3.5, 'stroke-dasharray="10 7" stroke-linejoin="round"')


def _line(trace: Trace, x: Callable[[datetime], float], y: Callable[[float], float]) -> Iterable[str]:
    line, dots = steps(trace.held, x, y)
    if line:
        yield path(line, LINE, 4, 'stroke-linejoin="round"')
    if dots:
        yield path(dots, LINE, 10, 'stroke-linecap="round"')


def _now(chart: Chart, x: Callable[[datetime], float]) -> Iterable[str]:
    if chart.until <= chart.now:
        return
    at = x(chart.now)
    yield path(f"M{short(at)} {short(_TOP - 4)}V{short(_BAND + _BAND_HEIGHT)}", INK, 2)
    yield label(at + 9, _BAND + 26, "now", fill=INK)
    if chart.renews_at is not None and chart.renews_at <= chart.until + timedelta(minutes=1):
        edge = x(chart.renews_at)
        yield path(
            f"M{short(edge)} {short(_TOP - 4)}V{short(_BAND + _BAND_HEIGHT)}", FORECAST, 2, 'stroke-dasharray="2 6"'
        )
        if edge - at >= breadth("now  renews", SMALL) + 20:
            yield label(edge - 8, _BAND + 26, "renews", anchor="end", fill=FORECAST)


def _rises(trace: Trace, x: Callable[[datetime], float]) -> Iterable[str]:
    """A triangle where fast time came, with its word if the one before leaves room."""
    end = 0.0
    for rise in trace.rises:
        at, word = x(rise.at), "refill" if rise.refill else "bought"
        yield f'<path d="M{short(at)} {short(_TOP - 2)}l9 15h-18z" fill="{INK}" stroke="{CARD}" stroke-width="2"/>'
        half = breadth(word, SMALL - 2) / 2
        middle = min(max(at, _LEFT + half), _RIGHT - half)
        if middle - half > end + 8:
            yield label(middle, _TOP - 9, word, size=SMALL - 2, fill=INK, anchor="middle", halo=True)
            end = middle + half


def _happened(chart: Chart, x: Callable[[datetime], float]) -> Iterable[str]:
    for at, word in chart.moments:
        place, half = x(at), breadth(word, SMALL, bold=True) / 2
        middle = min(max(place, _LEFT + half), _RIGHT - half)
        yield path(f"M{short(place)} {short(_TOP)}V{short(_BAND + _BAND_HEIGHT)}", INK, 2.5, 'stroke-dasharray="7 5"')
        yield label(middle, _TOP + 22, word, fill=INK, anchor="middle", bold=True, halo=True)


def _empty(chart: Chart, x: Callable[[datetime], float]) -> Iterable[str]:
    """Where it is expected to run out, with the day."""
    at = next((each.at for each in chart.expected if each.middle <= 0), None)
    if at is None or at <= chart.now:
        return
    word = f"empty {dated(at.astimezone(chart.zone).date())}"
    wide = breadth(word, SMALL, bold=True)
    begin = min(x(at) + 16, _RIGHT - wide)
    yield f'<path d="M{short(x(at))} {short(_BOTTOM - 9)}l9 9l-9 9l-9 -9z" fill="{FORECAST}"/>'
    yield label(begin, _BOTTOM - 14, word, fill=FORECAST, bold=True, halo=True)


def _latest(chart: Chart, x: Callable[[datetime], float], y: Callable[[float], float]) -> Iterable[str]:
    """A dot at what is left now, and how much that is: where the line, which falls, is not."""
    last = chart.trace.last
    if last is None or last.minutes is None:
        return
    at, height = x(last.end), y(last.minutes)
    text = amount(last.minutes) if last.minutes > 0 else "0"
    wide = breadth(text, NORMAL, bold=True)
    yield f'<circle cx="{short(at)}" cy="{short(height)}" r="7" fill="{LINE}" stroke="{CARD}" stroke-width="2"/>'
    if at + 14 + wide < WIDTH - 8:
        over = max(height - 14, _TOP + 20)
        yield label(at + 14, over, text, size=NORMAL, fill=INK, bold=True, halo=True)
    else:
        under = height + 36 if height + 36 < _BOTTOM - 8 else height - 18
        yield label(at - 2, under, text, size=NORMAL, fill=INK, anchor="end", bold=True, halo=True)
