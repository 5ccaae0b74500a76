"""Small makers of tokens, fleets, incidents and messages, with the noon of a made-up day as the time."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import cycle

from hypothesis import strategies as st

from bot.domain.incidents import End, Incident, Key, Reason, Rule, Stage
from bot.domain.info import read
from bot.domain.messages import Message
from bot.domain.model import Failure, Fleet, InfoText, Record, Severity, Token
from bot.domain.value import replace

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)

INFO = InfoText(
    subscription=f"Standard (Active monthly, renews next on <t:{int((NOON + timedelta(days=6)).timestamp())}>)",
    job_mode="Fast",
    visibility_mode="Public",
    fast_time_remaining="13.30/15.0 hours (88.67%)",
    lifetime_usage="2000 images (120.63 hours)",
    relaxed_usage="344 images (3.47 hours)",
    queued_jobs_fast="0",
    queued_jobs_relax="0",
    running_jobs="None",
)


def info_of(texts: st.SearchStrategy[str]) -> st.SearchStrategy[InfoText]:
    """Any such texts in all fields; up to three different ones, in turn: to draw one for each takes most of a test."""
    fields = InfoText.__struct_fields__
    turns = st.lists(texts, min_size=1, max_size=3).map(lambda drawn: zip(fields, cycle(drawn), strict=False))
    return turns.map(lambda each: InfoText(**dict(each)))


def record(number: int = 1900, status: str = "FAST", *, active: bool | None = True, **info: str) -> Record:
    """A healthy Standard account, but for what is given."""
    return Record(number, status, active, "100000000000000001", "100000000000000002", 3, replace(INFO, **info))


def token(number: int = 1900, status: str = "FAST", *, active: bool | None = True, **info: str) -> Token:
    """The same, read."""
    return read(record(number, status, active=active, **info))


def fleet(*tokens: Token, read_at: datetime | None = NOON, failure: Failure | None = None) -> Fleet:
    """A fleet that was read at noon."""
    return Fleet({each.id: each for each in tokens}, read_at, failure)


def incident(  # each argument is a part of the incident that some test varies
    rule: Rule,
    number: int | None = 1900,
    *,
    severity: Severity = Severity.WARNING,
    step: str = "",
    was: Record | None = None,
    now: Record | None = None,
    after: timedelta | None = None,
    detail: str = "",
    end: Reason | None = None,
    became: Rule | None = None,
) -> Incident:
    """One that fired at noon, and is over `after` so long."""
    return Incident(
        key=Key(rule, number, step),
        severity=severity,
        stage=Stage.FIRING if after is None else Stage.RESOLVED,
        opened_at=NOON,
        read_at=NOON + (after or timedelta()),
        resolved_at=None if after is None else NOON + after,
        was=was,
        was_at=NOON - timedelta(minutes=1) if was else None,
        now=now,
        detail=detail,
        end=End(end, (became,) if became else ()) if end else None,
        origin=was.status if was else "",
    )


def message(*incidents: Incident) -> Message:
    """What the outbox would deliver for them."""
    return Message(57, "k3f9-57", tuple(incidents), version=1, summary=len(incidents) > 1)


def summary(incidents: Iterable[Incident]) -> Message:
    """A summary, even of one."""
    return replace(message(*incidents), summary=True)
