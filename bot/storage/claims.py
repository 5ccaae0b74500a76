"""What is delivered next: claimed by itself, or in the transaction that stores it."""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from bot.delivery.rests import Subject
from bot.domain.messages import Message
from bot.domain.value import Value
from bot.domain.watch.known import Changes
from bot.storage import memory, outbox
from bot.storage.folding import FEW, fold
from bot.storage.grouping import Grouping

CLAIM_LASTS: Final = timedelta(minutes=2)
"""Longer than any attempt: a claim that is older belongs to a process that died."""

FOLD_OVER: Final = 5
"""More waiting messages than this become summaries."""

SUMMARY_SIZE: Final = 112
"""Incidents in one summary at most, so that it names them all within Discord's limits."""


class Claimed(Value):
    """What comes next."""

    message: Message | None = None
    """It is the caller's for as long as a claim lasts; None when nothing is due."""
    due: datetime | None = None
    """When something will be, or a claim is over; None when nothing waits, and where there is a message."""
    folded: int = 0
    """How many incidents came into summaries before, because too many messages waited."""


def claim(
    connection: sa.Connection, now: datetime, of: Subject = Subject.ALL, last: int | None = None, *, few: bool = False
) -> Claimed:
    """Fold what waits where that is much, and claim the next message that is due; `few` when it is known not to be."""
    folded = 0 if few or of is Subject.EDITS else fold(connection, FOLD_OVER, SUMMARY_SIZE, now)
    message = outbox.claim(connection, now, CLAIM_LASTS, of, last)
    return Claimed(message, outbox.next_due(connection, of) if message is None else None, folded)


def save(
    connection: sa.Connection,
    changes: Changes,
    now: datetime,
    grouping: Grouping = memory.GROUPING,
    *,
    claiming: bool = False,
) -> Claimed:
    """Store what changed, with the messages that it calls for; and claim the next that is due, if that is asked for.

    Claimed in the transaction that makes it, a message is on its way two transactions sooner.
    """
    memory.save(connection, changes, now, grouping)
    if changes.sets:
        outbox.unpark(connection, now)
    if not claiming:
        return Claimed()
    # Nothing else waits, or nobody would claim here.
    return claim(connection, now, few=len(changes.notify) + len(changes.notices) <= FEW)
