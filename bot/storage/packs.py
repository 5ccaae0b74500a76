"""Samples of one token, packed: each column by itself, as differences from one sample to the next, and deflated.

A day takes some 3 bytes a sample, and a week of one an hour some 2. What is not there is no number, and stays so.
"""

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import Final, TypeAlias

import msgspec

from bot.domain.model import Status
from bot.domain.sample import Sample

DAY: Final = 1
WEEK: Final = 7
"""Days that a pack is of: of one, as it was read, or of a week, one sample an hour."""

_VERSION: Final = 1

_STATUSES: Final = (Status.UNKNOWN, Status.FAST, Status.RELAX, Status.VERIFYING, Status.BANNED)
_ACTIVE: Final = (None, False, True)
_STATES: Final = {
    (status, active): len(_ACTIVE) * code + flag
    for code, status in enumerate(_STATUSES)
    for flag, active in enumerate(_ACTIVE)
}
"""A number for each status, and whether the token was active; more may come at the end."""
_OF_STATE: Final = tuple(_STATES)
_KNOWN_STATES: Final = frozenset(range(len(_OF_STATE)))

_HUNDRED: Final = 100
"""Parts of a minute."""

Column: TypeAlias = list[int | None]


class _Pack(msgspec.Struct, array_like=True, frozen=True, gc=False):
    version: int
    at: list[int]
    """Seconds since 1970."""
    states: list[int]
    fast_time: Column
    allowance: Column
    queued: Column
    images: Column


_decoder: Final = msgspec.msgpack.Decoder(_Pack)


def pack(samples: Sequence[Sample]) -> bytes:
    """What keeps these samples of one token, which follow each other in time."""
    return zlib.compress(
        msgspec.msgpack.encode(
            _Pack(
                _VERSION,
                list(_steps(int(each.at.timestamp()) for each in samples)),
                [_STATES[each.status, each.active] for each in samples],
                _differences(_in_parts(each.fast_time) for each in samples),
                _differences(_in_parts(each.allowance) for each in samples),
                _differences(each.queued for each in samples),
                _differences(each.images for each in samples),
            )
        ),
        level=9,
    )


def unpack(token: int, data: bytes, since: int = -(2**63), until: int = 2**63) -> list[Sample]:
    """The samples of a token in a pack, in their order: those of a time, in seconds since 1970, and the one before it.

    Raises:
        ValueError: This is no pack, or one of a newer version.
    """
    try:
        found = _decoder.decode(zlib.decompress(data))
    except (zlib.error, msgspec.MsgspecError) as error:
        message = f"the history of token {token} has a row that cannot be read: {error}"
        raise ValueError(message) from error
    columns = (found.states, found.fast_time, found.allowance, found.queued, found.images)
    whole = all(len(column) == len(found.at) for column in columns)
    if found.version != _VERSION or not whole or not set(found.states) <= _KNOWN_STATES:
        message = f"the history of token {token} has a row of version {found.version}, which cannot be read"
        raise ValueError(message)
    at = list(accumulate(found.at))
    wanted = slice(max(0, bisect_left(at, since) - 1), bisect_right(at, until))
    return [
        Sample(
            token,
            datetime.fromtimestamp(second, UTC),
            _OF_STATE[state][0],
            _OF_STATE[state][1],
            None if fast_time is None else fast_time / _HUNDRED,
            None if allowance is None else allowance / _HUNDRED,
            queued,
            images,
        )
        for second, state, fast_time, allowance, queued, images in zip(
            at[wanted],
            found.states[wanted],
            _sums(found.fast_time)[wanted],
            _sums(found.allowance)[wanted],
            _sums(found.queued)[wanted],
            _sums(found.images)[wanted],
            strict=True,
        )
    ]


def _in_parts(minutes: float | None) -> int | None:
    return None if minutes is None else round(minutes * _HUNDRED)


def _steps(numbers: Iterable[int]) -> Iterator[int]:
    last = 0
    for number in numbers:
        yield number - last
        last = number


def _differences(numbers: Iterable[int | None]) -> Column:
    """Each number less the one before it that is there."""
    last, found = 0, Column()
    for number in numbers:
        found.append(None if number is None else number - last)
        last = last if number is None else number
    return found


def _sums(differences: Column) -> Column:
    """The numbers of which these are the differences."""
    if None not in differences:
        return list(accumulate(differences))
    last, found = 0, Column()
    for difference in differences:
        last += difference or 0
        found.append(None if difference is None else last)
    return found
