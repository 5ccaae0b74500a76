"""Records and readings for tests of what the bot decides."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from bot.domain import info
from bot.domain.model import InfoText, Reading, Record, Token
from bot.domain.rules.policy import Policy
from bot.domain.watch.known import Changes, Known
from bot.domain.watch.poll import advance, compare

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """A time, in minutes after the start of the story."""
    return START + timedelta(minutes=minutes)


def record(
    token_id: int = 1900,
    status: str = "FAST",
    fast: str = "13.47/15.0 hours (89.78%)",
    plan: str = "Standard",
    *,
    active: bool | None = True,
    queued: str = "0",
    running: str = "None",
    terms: str = "Active monthly, renews next on <t:1797000000>",
) -> Record:
    """An account as the upstream lists it."""
    return Record(
        id=token_id,
        status=status,
        active=active,
        channel_id="100000000000000001",
        server_id="100000000000000002",
        concurrency=3,
        info=InfoText(
            subscription="None (Trial)" if plan == "Trial" else f"{plan} ({terms})",
            visibility_mode="Public",
            fast_time_remaining=fast,
            lifetime_usage="674 images",
            relaxed_usage="0 images",
            queued_jobs_fast=queued,
            queued_jobs_relax="0",
            running_jobs=running,
        ),
    )


def tokens(records: Iterable[Record]) -> dict[int, Token]:
    """Those accounts as read, by id."""
    return {each.id: info.read(each) for each in records}


def reading(minutes: float, *records: Record, whole: bool = True) -> Reading:
    """A reading of those accounts."""
    return Reading(tokens(records), at(minutes), whole=whole)


def taken(known: Known, read: Reading, policy: Policy) -> tuple[Changes, Known]:
    """What a reading changes, and what is known after it."""
    return advance(known, compare(known, read, policy))
