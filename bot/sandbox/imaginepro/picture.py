"""A picture that a browser can show, in place of what Midjourney would make."""

import struct
import zlib
from hashlib import sha256
from typing import Final

_SIDE: Final = 256
"""Pixels of a side; four pictures share it, as in Midjourney's grid."""


def png(seed: str) -> bytes:
    """A grid of four gradients as PNG, in colours that the text decides."""
    colours = [tuple(sha256(f"{seed}{number}".encode()).digest()[:3]) for number in range(4)]
    half = _SIDE // 2
    rows = []
    for y in range(_SIDE):
        two, light = colours[:2] if y < half else colours[2:], 96 + y % half
        row = b"".join(bytes(min(255, part * light // 160) for part in each) * half for each in two)
        rows.append(b"\0" + row)
    head = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
