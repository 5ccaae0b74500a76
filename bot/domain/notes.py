"""What people note of an incident, and what is known of those of its key that were before it. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.domain.incidents import Incident, Note
from bot.domain.value import Value, replace

LONGEST: Final = 500
"""Characters of a note."""

MOST: Final = 20
"""Notes of an incident."""

LATELY: Final = timedelta(days=30)
"""How far back it is counted how often it happened."""


class Before(Value):
    """One that was before, of the same rule and token, and is over."""

    opened_at: datetime
    resolved_at: datetime
    note: Note | None = None
    """The last that somebody wrote of it."""


class Past(Value):
    """What is known of those that were before."""

    times: int = 0
    """How many there were within `LATELY` before this one began."""
    took: timedelta | None = None
    """How long those lasted: half of them no longer; None of none."""
    note: Note | None = None
    """The last that somebody wrote of any of them."""
    latest: bool = False
    """Whether that is of the one right before."""
    more: bool = False
    """Whether there were more within that time than were looked at."""


def _half(lengths: Sequence[timedelta]) -> timedelta:
    """The lower median. What `statistics` has is the same, and takes 170 kB of every start."""
    return sorted(lengths)[(len(lengths) - 1) // 2]


def past(incident: Incident, before: Sequence[Before], *, more: bool = False) -> Past | None:
    """What is to be said of those that were before, the newest first; None where that is nothing.

    Args:
        incident: The one that is open.
        before: Those of its key that are over.
        more: Whether there are more of them than these.
    """
    since = incident.opened_at - LATELY
    lately = [each for each in before if each.opened_at >= since]
    noted = next((each for each in before if each.note is not None), None)
    if not lately and noted is None:
        return None
    return Past(
        len(lately),
        _half([each.resolved_at - each.opened_at for each in lately]) if lately else None,
        None if noted is None else noted.note,
        noted is not None and noted is before[0],
        more and len(lately) == len(before),
    )


def with_note(incident: Incident, note: Note) -> Incident:
    """The incident with one more note; as it is where it has as many as are kept, or says that already."""
    if len(incident.notes) >= MOST or says(incident, note):
        return incident
    return replace(incident, notes=(*incident.notes, note))


def says(incident: Incident, note: Note) -> bool:
    """Whether its last note is that, of the same person: whoever heard nothing of it sends it again."""
    last = incident.notes[-1:]
    return any(each.by == note.by and each.words == note.words for each in last)
