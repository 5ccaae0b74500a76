"""What an answer is packed in, undone as it arrives. Its first bytes decide, and not only what its headers say.

The client of aiohttp could do this, but where it cannot undo a packing it gives up before the status of the answer is
known: a 429 would lose its `Retry-After`.
"""

import re
import zlib
from collections.abc import Iterator
from typing import Final

from bot.imaginepro.errors import MalformedError

ASKED_FOR: Final = "gzip, deflate"
"""What a request says that it takes."""

_PIECE: Final = 2**16
"""Bytes that are unpacked at once: a few bytes may be megabytes of blanks."""

_GZIP_OR_ZLIB: Final = zlib.MAX_WBITS | 32
_RAW_DEFLATE: Final = -zlib.MAX_WBITS
_JSON_BEGINS: Final = b"[{ \t\r\n\xef"
"""Also with a byte order mark."""
_BROKEN: Final = "the answer is packed, and cannot be unpacked"
_WORD: Final = re.compile(r"[a-z0-9-]{1,20}")


class Unpacking:
    """One body. Nothing is decided before its first byte."""

    def __init__(self, label: str) -> None:
        """`label` is the answer's `Content-Encoding`, empty without one."""
        self._label = label.strip().lower()
        self._undo: zlib._Decompress | None = None
        self._begun = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Give what arrived, unpacked, in pieces.

        Raises:
            MalformedError: It is packed in a way that cannot be undone.
        """
        if not self._begun and chunk:
            self._begun, self._undo = True, self._way(chunk[0])
        if self._undo is None:
            yield chunk
            return
        while chunk:
            try:
                piece = self._undo.decompress(chunk, _PIECE)
            except zlib.error:
                break
            yield piece
            chunk = self._undo.unconsumed_tail
        else:
            return
        raise MalformedError(_BROKEN)  # out here, where it is not linked to the foreign error

    def end(self) -> None:
        """All has arrived.

        Raises:
            MalformedError: It was packed, and is cut off.
        """
        if self._undo is not None and not self._undo.eof:
            raise MalformedError(_BROKEN)

    def _way(self, first: int) -> "zlib._Decompress | None":
        """How to undo it; None for what is not packed."""
        if first == 0x1F:  # noqa: PLR2004 - gzip's first byte, with which no JSON begins
            return zlib.decompressobj(_GZIP_OR_ZLIB)
        if first in _JSON_BEGINS or self._label in {"", "identity", "gzip", "x-gzip"}:
            return None
        if self._label == "deflate":
            return zlib.decompressobj(_GZIP_OR_ZLIB if first & 0x0F == zlib.DEFLATED else _RAW_DEFLATE)
        if first == ord("<"):
            return None
        how = f"as {self._label}" if _WORD.fullmatch(self._label) else "in an unknown way"
        message = f"the answer is packed {how}, which was not asked for and cannot be read"
        raise MalformedError(message)
