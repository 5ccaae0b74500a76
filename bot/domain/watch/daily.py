"""The daily digest of what is known, and the report of a week or month: whether it is due, and what it moves."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from heapq import nsmallest

from bot.domain import digest
from bot.domain.digest import INCIDENTS, WITNESSES, Cover, Last, Tally, Told, begun, cover, due
from bot.domain.incidents import Key, Note
from bot.domain.messages import Notice, NoticeKind
from bot.domain.report import SCHEDULE, USUALLY, Period, Report
from bot.domain.report import due as report_due
from bot.domain.rules.policy import Policy
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known

ASKED = 2 * INCIDENTS
"""Incidents of which it is asked what was noted the last time: a digest leaves some of the gravest out."""

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


def open_(known: Known) -> list[Key]:
    """The keys of what is open, as far as a digest may name it: the gravest, of which nobody has noted anything."""
    found = (each for each in known.incidents.values() if each.open and not each.notes and each.key.token is not None)
    return [each.key for each in nsmallest(ASKED, found, key=lambda each: (-each.severity.rank, each.began_at))]


def begin(known: Known, now: datetime, base: Policy) -> tuple[Changes, Known]:
    """Note from when on digests are told, where none ever was."""
    if base.digest_at is None or known.digested is not None:
        return Changes(known.fleet.read_at), known
    told = Told(begun(now, base.digest_at, base.zone))
    return Changes(known.fleet.read_at, digested=told), replace(known, digested=told)


def tell(
    known: Known,
    about: Cover,
    now: datetime,
    ended: Tally,
    seen: Iterable[datetime],
    noted: Mapping[Key, Note] | None = None,
) -> tuple[Changes, Known]:
    """Tell the digest of a date, and note that it was told.

    Args:
        known: What is known.
        about: What it is about.
        now: The time.
        ended: The incidents that ended in the time that it is about.
        seen: When tokens were read in that time.
        noted: What was noted the last time that something happened which is open, by its key.
    """
    made = digest.digest(about, now, known.fleet, known.ledgers, known.incidents.values(), ended, seen, known.forecasts)
    last = [(each.key.token, (noted or {}).get(each.key)) for each in made.stands if not each.notes]
    made = replace(made, last=tuple([Last(token, note) for token, note in last if token is not None and note]))
    notice, told = Notice(NoticeKind.DIGEST, now, digest=made), Told(about.day, about.until)
    return Changes(known.fleet.read_at, notices=(notice,), digested=told), replace(known, digested=told)


def reporting(known: Known, now: datetime, base: Policy) -> Period | None:
    """What the report is about that is to be told now; None where nobody wants one, or none is due."""
    schedule = known.decisions.schedules.get(SCHEDULE)
    return None if schedule is None else report_due(schedule, now, base.digest_at or USUALLY, base.zone)


def report(known: Known, made: Report, now: datetime, base: Policy) -> tuple[Changes, Known]:
    """Tell the report of a period, and note that it was told; nothing, if that is not what is to be told any more."""
    schedule = known.decisions.schedules.get(SCHEDULE)
    if schedule is None or reporting(known, now, base) != made.period:
        return Changes(known.fleet.read_at), known
    told = replace(schedule, told=made.period.end)
    notice = Notice(NoticeKind.REPORT, now, report=made)
    after = replace(known, decisions=known.decisions.with_(told))
    return Changes(known.fleet.read_at, notices=(notice,), decided=(told,)), after
