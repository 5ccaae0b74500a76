"""Small values to store."""

from datetime import UTC, datetime, timedelta

from bot.delivery.outcome import Shown
from bot.domain.incidents import Incident, Key, Rule, Stage
from bot.domain.messages import Message
from bot.domain.model import InfoText, Record, Severity
from bot.domain.watch.known import Changes
from bot.storage import folding, outbox
from bot.storage.store import Store

NOW = datetime(2026, 8, 1, 3, 12, 7, 250_001, tzinfo=UTC)
LEASE = timedelta(minutes=1)


def minutes(count: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)


def record(token: int = 1900, status: str = "FAST") -> Record:
    """A token as the upstream lists it."""
    return Record(id=token, status=status, active=True, channel_id="42", info=InfoText(subscription="Basic (Active)"))


def incident(
    token: int | None = 1900,
    rule: Rule = Rule.BANNED,
    *,
    severity: Severity = Severity.CRITICAL,
    stage: Stage = Stage.FIRING,
    opened_at: datetime = NOW,
    resolved_at: datetime | None = None,
    step: str = "",
) -> Incident:
    """An incident that was found at `NOW`."""
    return Incident(
        key=Key(rule, token, step),
        severity=severity,
        stage=stage,
        opened_at=opened_at,
        read_at=opened_at,
        resolved_at=resolved_at,
        was=None if token is None else record(token),
        was_at=opened_at - minutes(1),
        now=None if token is None else record(token, "BANNED"),
        detail="as seen",
    )


def lone(token: int, *, severity: Severity = Severity.CRITICAL, opened_at: datetime = NOW) -> Incident:
    """One that shares its message with none of a token under 20 that is not the same: each has another rule."""
    rules = sorted(set(Rule) - {Rule.TEST})
    return incident(token, rules[token % len(rules)], severity=severity, opened_at=opened_at)


def notified(*incidents: Incident) -> Changes:
    """Changes in which every incident is told."""
    return Changes(read_at=NOW, incidents=incidents, notify=frozenset(incident.key for incident in incidents))


async def confirm(store: Store, message: Message, discord_id: int, version: int | None = None) -> None:
    """The channel shows the message, as of that version; of its own, if none is given."""
    shown = message.version if version is None else version
    await store.confirm(message.id, Shown(discord_id, shown, shown))


async def claim(store: Store, now: datetime, lease: timedelta = LEASE) -> Message | None:
    """Claim the next message, and fold none."""
    return await store.database.write(lambda connection: outbox.claim(connection, now, lease))


async def next_due(store: Store) -> datetime | None:
    """When the next message that waits is due."""
    return await store.database.read(outbox.next_due)


async def fold(store: Store, limit: int, size: int, now: datetime) -> int:
    """Fold what waits, and claim none."""
    return await store.database.write(lambda connection: folding.fold(connection, limit, size, now))
