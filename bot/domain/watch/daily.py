"""The daily digest of what is known: whether it is due, and what it moves."""

from collections.abc import Iterable
from datetime import datetime
from heapq import nsmallest

from bot.domain import digest
from bot.domain.digest import WITNESSES, Cover, Tally, Told, begun, cover, due
from bot.domain.messages import Notice, NoticeKind
from bot.domain.rules.policy import Policy
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known

KEPT = 35
"""Local days back that use is known at most."""


def upcoming(known: Known, now: datetime, base: Policy) -> Cover | None:
    """What the digest is about that is to be told now; None when there is none.

    It waits for the first poll that ends after a start, since how things stand is most of it.
    """
    if base.digest_at is None or known.polled_at is None or known.digested is None:
        return None
    day = due(now, base.digest_at, base.zone, known.digested.day)
    return None if day is None else cover(day, base.digest_at, base.zone, known.digested, KEPT)


def witnesses(known: Known) -> list[int]:
    """Tokens whose readings show when somebody watched."""
    return nsmallest(WITNESSES, known.remembered)


def begin(known: Known, now: datetime, base: Policy) -> tuple[Changes, Known]:
    """Note from when on digests are told, where none ever was."""
    if base.digest_at is None or known.digested is not None:
        return Changes(known.fleet.read_at), known
    told = Told(begun(now, base.digest_at, base.zone))
    return Changes(known.fleet.read_at, digested=told), replace(known, digested=told)


def tell(known: Known, about: Cover, now: datetime, ended: Tally, seen: Iterable[datetime]) -> tuple[Changes, Known]:
    """Tell the digest of a date, and note that it was told.

    Args:
        known: What is known.
        about: What it is about.
        now: The time.
        ended: The incidents that ended in the time that it is about.
        seen: When tokens were read in that time.
    """
    made = digest.digest(about, now, known.fleet, known.ledgers, known.incidents.values(), ended, seen, known.forecasts)
    notice, told = Notice(NoticeKind.DIGEST, now, digest=made), Told(about.day, about.until)
    return Changes(known.fleet.read_at, notices=(notice,), digested=told), replace(known, digested=told)
