"""What the log says of a poll: incidents that moved, and an upstream that answers otherwise than before."""

import logging

from bot.domain.model import Failure, Fleet
from bot.domain.watch.known import Changes
from bot.telemetry import event

logger = logging.getLogger("bot.monitor")

LOGGED_ONE_BY_ONE = 50
"""Incidents of one poll; of more, the log has the number."""


def log_answer(before: Failure | None, fleet: Fleet) -> None:
    """Say so when the upstream answers again, or no longer."""
    after = fleet.failure
    if after is None and before is not None:
        event(logger, logging.INFO, "upstream answers again", tokens=len(fleet.tokens))
    if after is not None and (before is None or before.trouble is not after.trouble):
        event(logger, logging.WARNING, "no reading", trouble=after.trouble, detail=after.detail)


def log_moves(changes: Changes) -> None:
    """Say what of it people are told."""
    moved = [incident for incident in changes.incidents if incident.key in changes.notify]
    for incident in moved[:LOGGED_ONE_BY_ONE]:
        event(
            logger,
            logging.INFO,
            "incident moved",
            rule=incident.key.rule,
            token=incident.key.token,
            step=incident.key.step or None,
            stage=incident.stage,
            severity=incident.severity,
            status=incident.now.status if incident.now else None,
        )
    if len(moved) > LOGGED_ONE_BY_ONE:
        event(logger, logging.INFO, "more incidents moved", more=len(moved) - LOGGED_ONE_BY_ONE)
