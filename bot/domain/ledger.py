"""What is remembered of a token's use of fast time, so that somebody can say whether it lasts: by day, and by hour.

A ledger keeps the use of each of the last 35 local days beside how many hours of them were watched, the same for the
24 hours of a day (of which old days fade), and the last hour by five minutes. It is not a history: it is as large
after a year as after a day, and nothing is read back from it but a forecast (`bot.domain.forecast`).

Only a change of what is left moves it. The hours in which nothing changed are counted at the next change, and by
whoever forecasts: so a poll costs nothing for a token that reads as before. What was not watched is neither use nor
idleness: time in which it was off, banned or to be verified, and time in which it was empty, when nobody could use it.

What fell between two readings is spread over the time since the change before, a day at most, or since the token was
last read if that is longer. So old numbers that catch up, an outage and rounding are all the same. What rose was
bought, or refilled, or is a number that was wrong for a while.
"""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from itertools import accumulate, pairwise
from math import isfinite
from struct import Struct
from typing import Final

from msgspec.structs import astuple

from bot.domain.book import DAY, DAYS, FIVE, FIVES, FULL, HOURS, MONTH, TOO_SHORT, Book, local, rounding, seconds
from bot.domain.model import Status, Token
from bot.domain.value import Value

FAST_TIME: Final = "fast_time_remaining"
"""The field of `InfoText` that says how much is left."""

_BANNED, _VERIFYING = Status.BANNED, Status.VERIFYING
_VERSION: Final = 1
_HEAD: Final = Struct("<B2d5fi13I")
_WHOLE: Final = Struct(f"{_HEAD.format}{FIVES}f{FIVES}B{2 * DAYS}f{2 * HOURS}f")
_FIRST: Final = 22
"""The place of the first list; before it are the version and 21 fields."""
_LISTS: Final = tuple(
    slice(start, end) for start, end in pairwise(accumulate((_FIRST, FIVES, FIVES, DAYS, DAYS, HOURS, HOURS)))
)


class Ledger(Value):
    """What is remembered of one token, as bytes: some 650, of which only this module knows the order."""

    packed: bytes


NOTHING: Final = Ledger(bytes([_VERSION]))
"""Of a token of which no reading has said yet how much is left."""


def opened(ledger: Ledger | None) -> Book | None:
    """A ledger to read in, and to roll on; None where nothing was entered yet."""
    return None if ledger is None or ledger == NOTHING else _book(ledger)


def _book(ledger: Ledger) -> Book:
    fields = list(_WHOLE.unpack(ledger.packed))
    return Book(*fields[1:_FIRST], *[fields[part] for part in _LISTS])


def closed(book: Book) -> Ledger:
    """A book as a ledger."""
    *scalars, fives, counts, use, covered, hour_use, hour_covered = astuple(book)
    return Ledger(_WHOLE.pack(_VERSION, *scalars, *fives, *counts, *use, *covered, *hour_use, *hour_covered))


def pack(ledger: Ledger) -> bytes:
    """A ledger as it is stored."""
    return ledger.packed


def unpack(data: bytes) -> Ledger:
    """A ledger that was stored.

    Raises:
        ValueError: when it is none, or one of a version that is not known.
    """
    if data == NOTHING.packed:
        return NOTHING
    if len(data) != _WHOLE.size or data[0] != _VERSION:
        message = f"no ledger of version {_VERSION}"
        raise ValueError(message)
    if not all(map(isfinite, _WHOLE.unpack(data))):
        message = "a ledger of numbers that are none"
        raise ValueError(message)
    return Ledger(data)


def used(ledger: Ledger, day: date) -> float | None:
    """The minutes of fast time that were used on a local day; None when none of it was watched, or it is too long ago.

    A day is local in the zone that the ledger was written in. What fell by a time is entered when that is read.
    """
    book = opened(ledger)
    return None if book is None else _used(book, day.toordinal())


def uses(ledger: Ledger | None, days: Iterable[date], read_on: date) -> list[float | None]:
    """The same of several days, in the time of one.

    A ledger is written when something changes: on the days since, up to the day on which the token was last read, no
    fast time was used.
    """
    book = opened(ledger)
    if book is None:
        return [None for _ in days]
    still = range(book.day, read_on.toordinal() + 1)
    found = ((day.toordinal(), _used(book, day.toordinal())) for day in days)
    return [0.0 if minutes is None and day in still else minutes for day, minutes in found]


def _used(book: Book, day: int) -> float | None:
    if not 0 <= book.day - day < DAYS:
        return None
    place = day % DAYS
    return max(book.use[place], 0.0) if book.covered[place] or book.use[place] else None


def apply(
    ledger: Ledger | None, token: Token, at: datetime, zone: tzinfo, read_before: datetime | None = None
) -> Ledger:
    """Enter a reading that is otherwise than the one before, or the first one.

    Readings that are the same need not be entered; where they are, nothing is otherwise for it. Returns the ledger
    itself where it stays as it is. Takes 1 µs then, and 15 µs where the fast time changed.

    Args:
        ledger: What is remembered; None for a token that was not seen before.
        token: As read, with what was left out as it was before.
        at: When it was read. It may lie before the last one: clocks are set.
        zone: Whose days and hours are counted, the same at each call as long as the operator sets no other.
        read_before: When it was read the last time before, whatever that said; None when nobody knows, or it does not
            matter. What fell during an outage of more than a day is spread over all of it then.
    """
    now, off, renews_at = seconds(at), not takes_jobs(token), token.subscription.next_refill(at)
    renewal = 0 if renews_at is None else seconds(renews_at)
    fast_time, kept = token.fast_time, token.record.kept.get(FAST_TIME)
    known = fast_time.remaining is not None and kept is None
    if ledger is None or ledger == NOTHING:
        return closed(_begun(token, at, zone)) if known else NOTHING
    head = _HEAD.unpack_from(ledger.packed)
    unread, was_off, renews = head[14], head[15], head[17]
    same = not unread and head[1] == fast_time.remaining and renews == renewal
    same = same and (fast_time.total is None or fast_time.total == head[2])
    if off == bool(was_off) and (same if known else unread):
        return ledger
    book = _book(ledger)
    book.roll(now, zone)
    if known:
        book.pass_renewal(now, renewal)
        seen = (book.unread or now) if read_before is None else min(book.unread or now, seconds(read_before))
        book.enter(fast_time, now, seen, zone)
        book.unread = 0
    elif not book.unread:
        book.unread = min(now, seconds(kept or at))
    if off != bool(book.off):
        book.off = now if off else 0
        book.start = book.start if off else now
    return closed(book)


def takes_jobs(token: Token) -> bool:
    """Whether anybody could use its fast time, as far as its status says."""
    status = token.status
    return token.active is not False and status is not _BANNED and status is not _VERIFYING


def _begun(token: Token, at: datetime, zone: tzinfo) -> Book:
    """The book of a token that is read for the first time: what the cycle so far says about it."""
    now, fast_time = seconds(at), token.fast_time
    left = fast_time.remaining or 0.0
    total = fast_time.total or max(left, 0.0)
    next_, due = token.subscription.next_refill(at), token.subscription.refill_due(at)
    if left >= FULL * total:
        due = None
    renews = due or next_
    elapsed = 0.0 if renews is None else min(max((at - month_before(renews)).total_seconds() / DAY, 0.0), MONTH)
    seeds = elapsed > TOO_SHORT and left <= total
    return Book(
        value=left,
        total=total,
        step=rounding(fast_time),
        seed=(total - left) / elapsed if seeds else 0.0,
        seed_days=elapsed if seeds else 0.0,
        elapsed=elapsed,
        fell=0.0,
        day=local(now, zone).toordinal(),
        slot=now // FIVE,
        first=now,
        rolled=now,
        changed=now,
        start=now,
        unread=0,
        off=0 if takes_jobs(token) else now,
        used=0,
        renewal=0 if next_ is None else seconds(next_),
        due=0 if due is None else seconds(due),
        refilled=0,
        fell_from=0,
        fell_to=0,
        fives=[0.0] * FIVES,
        counts=[0] * FIVES,
        use=[0.0] * DAYS,
        covered=[0.0] * DAYS,
        hour_use=[0.0] * HOURS,
        hour_covered=[0.0] * HOURS,
    )


def month_before(at: datetime) -> datetime:
    """The same day of the month before, or the last one of a month that is too short."""
    year, month = (at.year, at.month - 1) if at.month > 1 else (at.year - 1, 12)
    return at.replace(year=year, month=month, day=min(at.day, monthrange(year, month)[1]))
