"""A test of the way to a person: a page for which nothing is wrong, to see who acknowledges it, and how soon.

It is an incident like any other, so that it goes the way of a real page: stored with its message, delivered, reminded
of, acknowledged under its card, over restarts. Only no reading knows of it: it ends when somebody has it, or when its
time is over.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from bot.domain.incidents import TEST, End, Happening, Incident, Key, Moment, Reason, Rule, Stage, noted
from bot.domain.lifecycle import Step
from bot.domain.messages import Notice, NoticeKind
from bot.domain.model import Severity
from bot.domain.steering import TEST_LASTS, Entry
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known, keep, revised


def begin(known: Known, by: int, now: datetime, trouble: str = "") -> tuple[Changes, Known]:
    """Somebody asks for a test; nothing changes while one is open.

    Args:
        known: What is known.
        by: Discord's id of the person.
        now: The time.
        trouble: Why it will mention nobody, in sentences for people; empty where nothing says so.
    """
    if TEST in known.incidents:
        return keep(known, revised(known, ()))
    test = Incident(
        key=TEST,
        severity=Severity.INFO,
        stage=Stage.FIRING,
        opened_at=now,
        read_at=now,
        detail=trouble,
        moments=(Moment(now, Happening.FIRED, who=by, severity=Severity.INFO),),
        notified_at=now,
        first_notified_at=now,
        notified_as=Severity.INFO,
    )
    changes, after = keep(known, revised(known, [test]))
    return replace(changes, audit=(Entry(now, by, "test", "a page to whoever is on call"),)), after


def is_over(known: Known, now: datetime) -> bool:
    """Whether a test is open whose time is over, or was begun by a clock that was set back since by more than that."""
    test = known.incidents.get(TEST)
    return test is not None and abs(now - test.opened_at) >= TEST_LASTS


def expire(known: Known, now: datetime, undelivered: Collection[Key]) -> Step:
    """End the test whose time is over.

    One that the channel did not get at all was not `first_notified_at` any time: before its only reminder, which waits
    for the card, nothing but the card can be undelivered.
    """
    if not is_over(known, now):
        return revised(known, ())
    test = known.incidents[TEST]
    if TEST in undelivered and not test.reminders:
        test = replace(test, first_notified_at=None)
    return _over(known, [_ended(test, Reason.UNTOLD, now)])


def answered(known: Known, taken: Iterable[Incident]) -> Step:
    """These incidents instead of what they were, since somebody has them: of a test that is the end."""
    return _over(
        known,
        [
            _ended(each, Reason.WELL, each.acknowledged.at)
            if each.key.rule is Rule.TEST and each.acknowledged
            else each
            for each in taken
        ],
    )


def _over(known: Known, changed: Iterable[Incident]) -> Step:
    moved = revised(known, changed)
    ended = [each for each in moved.changed if each.stage is Stage.RESOLVED]
    notices = (Notice(NoticeKind.RESOLVED, each.read_at, (each.key,)) for each in ended)
    return replace(moved, notices=tuple(notices))


def _ended(test: Incident, reason: Reason, now: datetime) -> Incident:
    resolved = replace(test, stage=Stage.RESOLVED, resolved_at=now, read_at=now, end=End(reason))
    return noted(resolved, Moment(now, Happening.RESOLVED))
