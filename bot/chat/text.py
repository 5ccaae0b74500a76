"""Text for Discord: what is not ours is escaped; numbers, spans of time and instants are put in words."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import floor, isfinite
from string import punctuation

from bot.domain import labels
from bot.domain.labels import LONGEST, token_name

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Me"})
"""Unicode categories that have no width, turn the reading direction, or pile up over other lines."""

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that look like nothing."""

_ELLIPSIS = "…"

_LEVEL = re.compile(r"([0-9.]+)(%|ms|[smhd])")
_ETA = "eta "
_LEVEL_UNITS = {"m": "min"}

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_SAME_DAY = timedelta(hours=12)
"""From here on a time of the day alone would be a riddle."""

_LARGE = 1e9
"""From here on a number is written as a power of ten."""

_DUST = 1e-6
"""What floating point adds to or takes from a number that people wrote."""


def width(text: str) -> int:
    """Length in UTF-16 units: never less than in characters, so whoever stays under a limit by it is under by both."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def plain(text: str, limit: int) -> str:
    r"""Foreign text on one line, on which nothing works: no mention, link, markdown, timestamp, emoji or invite.

    Discord takes a backslash before any sign that is no letter, digit or space for "as it stands": `\\([^0-9A-Za-z\s])`
    in the rules it publishes (https://github.com/discord/SimpleAST). All of markdown's signs are in ASCII.

    Args:
        text: Anything.
        limit: Length that the result keeps within, escapes included, by `width`.
    """
    if text.isascii() and text.isalnum() and len(text) <= limit:
        return text  # most are numbers, or one word
    return _cut((f"\\{sign}" if sign in punctuation else sign for sign in _visible(text, limit)), limit)


def bare(text: str, limit: int) -> str:
    """Foreign text on one line for the places where Discord renders no markdown: labels, suggestions."""
    return _cut(_visible(text, limit), limit)


def quoted(text: str, limit: int) -> str:
    """Foreign text in quotation marks."""
    return f"“{plain(text, limit - 2)}”"


def called(token_id: int, names: Mapping[int, str], word: str = "") -> str:
    """A token as texts say it: `ana's Pro (1900)`; without a label `1900`, and `word` before it, such as `token `."""
    label = names.get(token_id)
    if label is None:
        return f"{word}{token_id}"
    # An apostrophe by itself does nothing, and notifications on a phone would show its backslash.
    return f"{plain(label, 2 * LONGEST)} ({token_id})".replace("\\'", "'")


def all_called(tokens: Sequence[int], names: Mapping[int, str], most: int) -> str:
    """`token 12`, `ana's Pro (12)`, `tokens 12 and 14`; of many the first, and how many more."""
    if len(tokens) == 1:
        return called(tokens[0], names, "token ")
    return f"tokens {listed([called(each, names) for each in tokens], most)}"


def called_bare(token_id: int, names: Mapping[int, str], word: str = "") -> str:
    """The same for the places where Discord renders no markdown."""
    return bare(token_name(token_id, names), 2 * LONGEST) if token_id in names else f"{word}{token_id}"


def by_name(sentence: str, names: Mapping[int, str]) -> str:
    """A sentence that is safe to show, and says tokens by their ids, with what people call them."""
    return labels.by_name(sentence, names, lambda token_id: called(token_id, names))


def within(lines: Iterable[str], limit: int) -> str:
    """Join lines; those that do not fit are counted, never cut in the middle of markup."""
    lines = tuple(lines)
    if 2 * sum(map(len, lines)) + len(lines) <= limit - 30:  # no character is wider than 2
        return "\n".join(lines)
    kept, used, left = [], 0, 0
    for line in lines:
        used += width(line) + 1
        if left or used > limit - 30:
            left += 1
        else:
            kept.append(line)
    return "\n".join([*kept, f"{_ELLIPSIS} and {left} more lines"] if left else kept)


def number(value: float, limit: float | None = None) -> str:
    """One decimal below 100, thousands parted: `13.3`, `15`, `11,170`; what would round to nothing is `under 0.1`.

    Args:
        value: Any number.
        limit: What it is compared with, beside it or by whoever reads it. A value so close to that limit that it would
            look the same has one more digit, rounded down: `2.98` and not `3`, where the limit is 3.
    """
    if not abs(value) < _LARGE:
        # By way of Decimal, as a whole number may be too large for a float.
        return f"{Decimal(value):.2g}".lower()
    digits = int(abs(value) < 100)  # noqa: PLR2004 - two digits before the point
    if near(value, limit, 10.0**-digits):
        return _floored(value, digits + 1)
    text = f"{value:,.{digits}f}".removesuffix(".0")
    return text if text not in {"0", "-0"} else "under 0.1" if value > 0 else "0"


def percent(value: float, limit: float | None = None) -> str:
    """Whole percent, rounded down, so that no value looks above a threshold that it is under.

    Args:
        value: Any number of percent.
        limit: As in `number`: `19.9 %` and not `19 %`, where the limit is 20 %.
    """
    if not isfinite(value) or abs(value) >= _LARGE:
        return f"{number(value)} %"
    if near(value, limit, 1):
        return f"{_floored(value, 1)} %"
    return "under 1 %" if 0 < value < 1 else f"{floor(value + _DUST)} %"


def bar(value: float, cells: int) -> str:
    """So many percent as a bar: `▰▰▰▱▱▱▱▱`."""
    full = round(min(max(value, 0), 100) / 100 * cells)
    return "▰" * full + "▱" * (cells - full)


def near(value: float, limit: float | None, step: float) -> bool:
    """Whether a value is within a step of a limit, so that it takes one more digit to tell the two apart."""
    return limit is not None and abs(value - limit) < step


def _floored(value: float, digits: int) -> str:
    """Rounded down to so many decimals; never to nothing at all."""
    scale = 10**digits
    whole = floor(value * scale + _DUST)
    return f"under {1 / scale:g}" if not whole and value > 0 else f"{whole / scale:,.{digits}f}"


def span(length: timedelta) -> str:
    """The two largest units: `40 s`, `50 min`, `2 h 5 min`, `3 d 4 h`."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds} s"
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "min")]
    first = next(index for index, (amount, _) in enumerate(parts) if amount)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount)


def amount(minutes: float) -> str:
    """An amount of fast time: `9.4 h`, `24 min`, `none`."""
    if minutes <= 0:
        return "none"
    if minutes >= 60:  # noqa: PLR2004 - an hour
        return f"{number(minutes / 60)} h"
    return f"{minutes:.0f} min" if minutes >= 1 else "under 1 min"


def dated(day: date) -> str:
    """`24 Nov`, in English whatever the machine speaks."""
    return f"{day.day} {_MONTHS[day.month - 1]}"


def stamp(at: datetime, style: str = "R") -> str:
    """Markup that each reader sees in their own zone: `R` as an age, `t` as a time, `f` as a date and time."""
    return f"<t:{floor(at.timestamp())}:{style}>"


def instant(at: datetime, now: datetime) -> str:
    """When something was, with the day where that is not near: what stays as it is must not be told as an age."""
    return stamp(at, "t" if abs(now - at) < _SAME_DAY else "f")


def level(text: str) -> str:
    """A level of fast time as it is read, of one as it is written: `20 %` of `20%`, `30 min` of `30m`.

    Of a time ahead the same: `12 h until empty` of `eta 12h`.
    """
    if text.startswith(_ETA):
        return f"{level(text.removeprefix(_ETA))} until empty"
    written = _LEVEL.fullmatch(text)
    return f"{written[1]} {_LEVEL_UNITS.get(written[2], written[2])}" if written else plain(text, 20)


def capitalised(text: str) -> str:
    """As it begins a sentence: `All alerts of token 1900`. Other capitals stay."""
    return text[:1].upper() + text[1:]


def listed(items: Sequence[str], most: int) -> str:
    """`1900, 1901 and 1904`; of a long list the first, and how many more."""
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most} more"
    return " and ".join(filter(None, [", ".join(items[:-1]), *items[-1:]]))


def _visible(text: str, limit: int) -> str:
    # More than can ever be shown is not even looked at: upstream texts may be megabytes.
    text = unicodedata.normalize("NFC", text[: 8 * limit])
    seen = (
        " " if sign.isspace() else sign
        for sign in text
        if sign.isspace() or (unicodedata.category(sign) not in _UNSEEN and sign not in _BLANK)
    )
    return " ".join("".join(seen).split())


def _cut(signs: Iterable[str], limit: int) -> str:
    kept: list[str] = []
    used = 0
    for sign in signs:
        kept.append(sign)
        used += width(sign)
        if used > limit:
            while used > limit - 1:
                used -= width(kept.pop())
            return "".join(kept) + _ELLIPSIS
    return "".join(kept)
