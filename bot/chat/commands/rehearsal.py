"""What `/runbook set` and `/runbook try` ask of the last two weeks: what a runbook would have done in them."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from bot.chat.commands.trial import BACK, Kept, caveats, days, lived
from bot.chat.desk import Desk
from bot.domain.runbooks import Book, Runbook
from bot.domain.watch.rehearsal import Rehearsed, rehearse

TOO_MUCH: Final = "The history of so many tokens is too much for one try."


async def over_two_weeks(desk: Desk, runbook: Runbook) -> tuple[Rehearsed, str, Sequence[str]]:
    """What it would have done, in how long, and what of that is short.

    Raises:
        UnclearError: Nothing is kept, or it is too much.
        StoreError: The history cannot be read.
    """
    until = desk.now
    ids = sorted(desk.fleet.tokens)

    def judge(kept: Kept, go_on: Callable[[], bool]) -> Rehearsed | None:
        return rehearse(kept, desk.fleet.tokens, desk.policy, runbook, until - BACK, until, go_on)

    whole = runbook.book is Book.QUEUE
    found, done, back = await lived(desk, ids, timedelta(days=1), judge, whole=whole, too_much=TOO_MUCH)
    sum_ = Rehearsed()
    for each in found:
        sum_ += each
    return sum_, days(back), caveats(done, len(ids), back)
