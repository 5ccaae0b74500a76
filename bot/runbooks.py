"""Runbooks at work: what the bot does by itself is decided from what is known, stored, and then done as any act is.

Whoever dies in between leaves a move that is stored, of an act that was never planned: a try that failed.
"""

from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from bot.acts import Acts, Watching, new_id
from bot.domain.rules.policy import Policy
from bot.domain.watch.known import Changes, Known

if TYPE_CHECKING:
    from bot.domain.acts import Act


class Fleet(Watching, Protocol):
    """What is known, and how the rules are set: the monitor."""

    @property
    def policy(self) -> Policy:
        """How the rules are set now."""

    @property
    def behind(self) -> bool:
        """Whether something was read that is not stored."""


async def work(fleet: Fleet, acts: Acts) -> None:
    """Begin what runbooks do now; nobody waits for the outcome.

    Args:
        fleet: What is known. While it is ahead of what is stored, nothing is done.
        acts: What does it.

    Raises:
        StoreError: What is to be done could not be stored, so it is not.
    """
    decisions = fleet.known.decisions
    if acts.read_only or fleet.behind or not (decisions.runbooks or decisions.trails):
        return
    from bot.domain.watch.running import run  # noqa: PLC0415 - most never let the bot do anything by itself

    found: list[tuple[Act, datetime]] = []

    def decide(known: Known, now: datetime) -> tuple[Changes, Known]:
        changes, after, todo = run(known, now, fleet.policy, new_id)
        found[:] = [(act, now) for act in todo]
        return changes, after

    await fleet.move(decide)
    for _, batch in groupby(found, lambda each: each[0].batch or each[0].id):
        together = list(batch)
        acts.begin(*(act for act, _ in together), asked_at=together[0][1])
