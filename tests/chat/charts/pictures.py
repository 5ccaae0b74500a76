"""Samples of made-up tokens, and a reader of PNGs."""

import struct
import zlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.chat.charts.token import Chart
from bot.chat.charts.trace import Trace, traced
from bot.domain.forecast import Band
from bot.domain.model import Status, Threshold
from bot.domain.sample import Sample

NOON = datetime(2026, 1, 8, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")


def sample(  # what some test varies
    hours: float,
    minutes: float | None,
    *,
    status: Status = Status.FAST,
    allowance: float | None = 900,
    active: bool | None = True,
    token: int = 1900,
) -> Sample:
    """Read so many hours before noon."""
    return Sample(token, NOON - hours * HOUR, status, active, minutes, allowance, 0, 0)


def hourly(first: int, last: int, minutes: float, less: float = 0, **more: object) -> list[Sample]:
    """One an hour from so many hours before noon to so many, each with so much less than the one before."""
    return [
        sample(hour, minutes - less * index, **more)  # type: ignore[arg-type] # as there
        for index, hour in enumerate(range(first, last - 1, -1))
    ]


def week(samples: Sequence[Sample], days: int = 7) -> Trace:
    """What they say about the days before noon."""
    return traced(1900, samples, NOON - days * DAY, NOON)


def chart(trace: Trace, expected: Iterable[Band] = (), renews_in: timedelta = timedelta()) -> Chart:
    """A chart of them."""
    until = NOON + renews_in
    levels = (Threshold("20%", percent=20.0), Threshold("30m", minutes=30.0))
    renews_at = until if renews_in else None
    return Chart("Token 1900, 7 days", trace, BERLIN, "Europe/Berlin", NOON, until, tuple(expected), renews_at, levels)


Pixels = list[bytes]
"""Rows, of four bytes a pixel: red, green, blue, opacity."""


def pixels(png: bytes) -> Pixels:
    """What a PNG of eight bits a colour shows, with its opacity."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    place, data, width = 8, b"", 0
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        kind, body = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        place += length + 12
        if kind == b"IHDR":
            width, _, depth, colour, *_ = struct.unpack(">IIBBBBB", body)
            assert (depth, colour) == (8, 6)
        elif kind == b"IDAT":
            data += body
    raw, stride = zlib.decompress(data), 4 * width
    rows: Pixels = []
    above = bytes(stride)
    for begin in range(0, len(raw), stride + 1):
        row = bytearray(raw[begin + 1 : begin + 1 + stride])
        _unfilter(raw[begin], row, above)
        above = bytes(row)
        rows.append(above)
    return rows


def _unfilter(kind: int, row: bytearray, above: bytes) -> None:
    """As https://www.w3.org/TR/png-3/#9Filters has it."""
    for index in range(len(row)):
        left = row[index - 4] if index >= 4 else 0
        up = above[index]
        corner = above[index - 4] if index >= 4 else 0
        guess = (0, left, up, (left + up) // 2, _paeth(left, up, corner))[kind]
        row[index] = (row[index] + guess) & 0xFF


def _paeth(left: int, up: int, corner: int) -> int:
    estimate = left + up - corner
    return min((left, up, corner), key=lambda each: abs(estimate - each))
