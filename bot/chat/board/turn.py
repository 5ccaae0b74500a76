"""Whose turn it is: alerts go before boards."""

import asyncio
from collections.abc import Callable

from bot.delivery.handover import Handover
from bot.delivery.rests import Subject
from bot.outbox import Outbox


def first_come(outbox: Outbox, handover: Handover, ops: int) -> Callable[[int], bool]:
    """Whether an alert waits, before which no board is touched, or the channel asked about is left alone.

    `ops` is the channel of the alerts, whose limits a board in it shares.
    """

    def come_first(channel_id: int) -> bool:
        now = asyncio.get_running_loop().time()
        # Where nothing may be posted, what hangs may be edited all the same.
        rests = channel_id == ops and not outbox.blocked and bool(outbox.rests.left(Subject.EDITS, now))
        return not outbox.idle or handover.has_news or rests

    return come_first
