"""SVG as text: the few shapes that a chart is made of. What a label says is escaped, whatever it is."""

from collections.abc import Iterable
from typing import Final

WIDTH: Final = 800
"""Units of every picture. A phone shows them in about 350 points: what is 24 high here is 10.5 high there."""

SMALL: Final = 22
NORMAL: Final = 24
LARGE: Final = 28
"""Heights of letters."""

CARD: Final = "#1e1f26"
EDGE: Final = "#4a4d57"
RULE: Final = "#34363f"
FAINT: Final = "#a9adb8"
INK: Final = "#f1f2f5"
LINE: Final = "#6cb8ff"
FORECAST: Final = "#b9a5ff"
WARNING: Final = "#ffb454"
"""Colours. A card of its own on a transparent ground reads on Discord's dark and light themes alike; each pair of ink
and card has a contrast of 4.5 at least."""

_SHOWN = frozenset(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0x100), 0x2013, 0x2014, 0x2026, 0x2192, 0x25B2, 0x25CF]))
"""What the font that ships has signs for, of those that labels use."""

_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

_ADVANCE = 0.62
_ADVANCE_BOLD = 0.69
"""How wide a letter of DejaVu Sans is on average, beside its height; digits are 0.636 and 0.696 wide."""

PATTERNS: Final = (
    "<defs>"
    '<pattern id="unread" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path d="M0 0V9" stroke="#5b5e69" stroke-width="3"/></pattern>'
    '<pattern id="stripes" width="12" height="12" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path d="M0 0V12" stroke="#1e1f26" stroke-opacity=".45" stroke-width="5"/></pattern>'
    '<pattern id="dots" width="10" height="10" patternUnits="userSpaceOnUse">'
    '<circle cx="5" cy="5" r="2.2" fill="#1e1f26" fill-opacity=".6"/></pattern>'
    '<pattern id="cross" width="11" height="11" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path d="M0 0V11M0 0H11" stroke="#1e1f26" stroke-opacity=".6" stroke-width="3.5"/></pattern>'
    "</defs>"
)
"""What tells areas apart for those who do not see their colours."""


def document(height: float, shapes: Iterable[str]) -> str:
    """The whole picture: a filled card with round corners, and what is on it."""
    high = short(height)
    size = f'width="{WIDTH}" height="{high}" viewBox="0 0 {WIDTH} {high}"'
    begin = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="DejaVu Sans">'
    frame = f'x="1.5" y="1.5" width="{WIDTH - 3}" height="{short(height - 3)}" rx="20"'
    card = f'<rect {frame} fill="{CARD}" stroke="{EDGE}" stroke-width="2"/>'
    return "".join((begin, PATTERNS, card, *shapes, "</svg>"))


def label(
    x: float,
    y: float,
    text: str,
    *,
    size: float = SMALL,
    fill: str = FAINT,
    anchor: str = "start",
    bold: bool = False,
    halo: bool = False,
) -> str:
    """A text whose baseline is at y. A `halo` parts it from what is behind it."""
    more = ' font-weight="bold"' if bold else ""
    at = f'x="{short(x)}" y="{short(y)}" font-size="{short(size)}" text-anchor="{anchor}"{more}'
    words = shown(text).translate(_ESCAPED)
    behind = f'<text {at} fill="none" stroke="{CARD}" stroke-width="7" stroke-linejoin="round">{words}</text>'
    return f'{behind if halo else ""}<text {at} fill="{fill}">{words}</text>'


def shown(text: str) -> str:
    """The text in the signs that the font has; another becomes a question mark, and no sign nothing."""
    return "".join(sign if sign in _SHOWN else "?" for sign in text)


def breadth(text: str, size: float, *, bold: bool = False) -> float:
    """About how wide a text is, for what must not lie on it."""
    return len(text) * size * (_ADVANCE_BOLD if bold else _ADVANCE)


def area(x: float, y: float, width: float, height: float, fill: str, more: str = "") -> str:
    """A rectangle."""
    return (
        f'<rect x="{short(x)}" y="{short(y)}" width="{short(width)}" height="{short(height)}" fill="{fill}"'
        f"{f' {more}' if more else ''}/>"
    )


def path(d: str, stroke: str, width: float, more: str = "") -> str:
    """A line that is drawn and not filled."""
    return f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{short(width)}"{f" {more}" if more else ""}/>'


def short(number: float) -> str:
    """A number with one decimal at most."""
    return f"{number:.1f}".removesuffix(".0")
