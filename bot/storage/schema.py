"""The tables, and how the values of the domain lie in their columns.

    tokens            the last reading of each token
    messages          the outbox: what the ops channel should show, and what it shows
    incidents         findings over time; several may share one message
    notice_incidents  what each notice is about
    decisions         what people decided, while it holds
    audit             who decided what, when and why
    samples           what was read of each token, of the last day or so
    history           the same of the time before, packed: one row a token and day, or a token and week
    boards            the message in a channel that shows the fleet as it is
    acts              what was done at ImaginePro, or tried, and what became of it
    asides            what waits to be said beside the ops channel, to people and in threads
    setup             what was set in chat of what the environment can set, too
    installation      one row: the short name of this database, when the fleet was last read, which copy leads, whether
                      the bot has moved to another database, and of which day the last digest was

Nothing in here is secret. Records, incidents, notices and decisions lie whole, as JSON, beside the few columns that
queries need: a field that is added to them with a default needs no migration, and one that is renamed keeps its name in
the JSON (`field(name=...)`), since an old copy may run beside the new one. Any other change is one more file in
`migrations/versions`, and moves `VERSION`.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

import msgspec
import sqlalchemy as sa

from bot.domain.acts import Act
from bot.domain.asides import Aside
from bot.domain.decisions import Decision
from bot.domain.groups import Group, OneGroup
from bot.domain.incidents import Incident
from bot.domain.info import ETA
from bot.domain.labels import Name
from bot.domain.messages import Notice
from bot.domain.model import History, Record
from bot.domain.report import Schedule
from bot.domain.rota import Rota, Swap
from bot.domain.runbooks import Runbook, Trail
from bot.domain.steering import Scope, Setting, Silence, Window
from bot.domain.wishes import Wish
from bot.storage.turning import LEVEL, NEWEST, SINCE, known, turned, written

VERSION = "0010_from_0006"
"""The newest of `migrations/versions`."""

Value = TypeVar("Value")


class Remembered(Record):
    """A record, and how its token came to its status."""

    history: History | None = None


def storable(text: str) -> str:
    """The text without what no database takes: NUL, and halves of a character (lone surrogates)."""
    return text.replace("\0", "").encode(errors="replace").decode()


class Instant(sa.TypeDecorator[datetime]):
    """An aware time, exact to the microsecond; UTC when it is read, also where the engine knows no zones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Into the database. A time without a zone is a mistake of the caller."""
        del dialect
        if value is not None and value.tzinfo is None:
            message = "a time without a zone cannot be stored"
            raise ValueError(message)
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Out of the database: SQLite's are naive, PostgreSQL's are not."""
        del dialect
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


class Json(sa.TypeDecorator[Value], Generic[Value]):
    """A value of the domain as JSON text; reading raises msgspec's errors when the text is no such value."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, kind: type[Value]) -> None:
        """`kind` is the dataclass that is stored."""
        super().__init__()
        self.kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def process_bind_param(self, value: Value | None, dialect: sa.Dialect) -> str | None:
        """Into the database; NUL is an escape in JSON, and halves of a character become question marks."""
        del dialect
        if value is None:
            return None
        value = turned(value, written)
        try:
            return msgspec.json.encode(value).decode()
        except UnicodeEncodeError:
            return storable(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))

    def process_result_value(self, value: Any | None, dialect: sa.Dialect) -> Value | None:  # noqa: ANN401 - as declared by the library
        """Out of the database."""
        del dialect
        return value and turned(self._decoder.decode(value), known)


_metadata = sa.MetaData()

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""The type of an id that the database counts up: SQLite does so for no other."""

tokens = sa.Table(
    "tokens",
    _metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("record", Json(Remembered), nullable=False),
    # What it used of its fast time, as `bot.domain.ledger` packs it. A version from before it leaves it as it is.
    sa.Column("ledger", sa.LargeBinary),
)

messages = sa.Table(
    "messages",
    _metadata,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("summary", sa.Boolean, nullable=False),
    # What the channel should show, and what it is known to show: the message waits while the two differ.
    sa.Column("version", sa.Integer, nullable=False, default=1),
    sa.Column("shown_version", sa.Integer, nullable=False, default=0),
    sa.Column("discord_id", sa.BigInteger),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("claimed_until", Instant),
    sa.Column("tries", sa.Integer, nullable=False, default=0),
    sa.Column("uncertain_since", Instant),
    sa.Column("uncertain_version", sa.Integer),
    sa.Column("parked_at", Instant),
    sa.Column("parked_reason", sa.Text),
    # Null for cards and summaries.
    sa.Column("notice", Json(Notice)),
    sa.Column("answers", sa.BigInteger, sa.ForeignKey("messages.id"), index=True),
    # The rule of all incidents of a card or summary; null when they have several.
    sa.Column("rule", sa.Text),
    # Null where the first version made the row.
    sa.Column("created_at", Instant),
    # An id is never used again, because it is part of the mark by which a post is found in the channel.
    sqlite_autoincrement=True,
)

incidents = sa.Table(
    "incidents",
    _metadata,
    # Rule, token, step and the time it opened: the same poll stored twice is stored once.
    sa.Column("id", sa.Text, primary_key=True),
    # Rule, token and step: the newest of a key has the greatest id.
    sa.Column("key", sa.Text, nullable=False, index=True),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("resolved_at", Instant, index=True),
    sa.Column("incident", Json(Incident), nullable=False),
    sa.Column("message_id", sa.BigInteger, sa.ForeignKey(messages.c.id), index=True),
)

notice_incidents = sa.Table(
    "notice_incidents",
    _metadata,
    sa.Column("message_id", sa.BigInteger, sa.ForeignKey(messages.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("incident_id", sa.Text, sa.ForeignKey(incidents.c.id, ondelete="CASCADE"), primary_key=True, index=True),
)

_KINDS: Final[Mapping[str, type[Decision]]] = {
    "silence": Silence,
    "window": Window,
    "setting": Setting,
    "runbook": Runbook,
    "trail": Trail,
    "name": Name,
    "wish": Wish,
    "group": Group,
    "board": OneGroup,
    "schedule": Schedule,
    "rota": Rota,
    "swap": Swap,
}
_LATER: Final = "later "
"""Before the kind of what names something that an older version cannot read: it passes over kinds that it does not
know, and so over no more than that decision. Twice before that of what the version right before this one cannot read.
"""

_OF_GROUP: Final = "group "
"""Before the kind of what is about a group: to a version that knows no groups it would be about everything."""

DECISION_KINDS: Final[Mapping[str, type[Decision]]] = {
    **_KINDS,
    **{f"{_LATER}{kind}": each for kind, each in _KINDS.items()},
    **{f"{_LATER}{_LATER}{kind}": each for kind, each in _KINDS.items()},
    f"{_OF_GROUP}silence": Silence,
    f"{_OF_GROUP}setting": Setting,
}
"""What `kind` says about the JSON beside it."""


def kind_of(decision: Decision) -> str:
    """What `kind` says of a decision."""
    later = 0
    match decision:
        case Silence(scope=Scope(group=Group())):
            return f"{_OF_GROUP}silence"
        case Setting(group=Group()):
            return f"{_OF_GROUP}setting"
        case Silence(scope=scope):
            later = (scope.rule in SINCE) + (scope.rule in NEWEST)
        case Setting(rule=rule, threshold=text):
            ahead = rule is LEVEL and ETA in (text or "").lower()
            later = (rule in SINCE or ahead) + (rule in NEWEST)
        case _:
            pass
    return later * _LATER + next(kind for kind, each in _KINDS.items() if type(decision) is each)


def decision_of(kind: str, text: str) -> Decision:
    """A decision that was stored."""
    decision: Decision = turned(msgspec.json.decode(text, type=DECISION_KINDS[kind]), known)
    return decision


def incident_of(text: str) -> Incident:
    """An incident that was stored."""
    incident: Incident = turned(_INCIDENT.decode(text), known)
    return incident


_INCIDENT: Final = msgspec.json.Decoder(Incident)


decisions = sa.Table(
    "decisions",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("decision", Json(object), nullable=False),
)

audit = sa.Table(
    "audit",
    _metadata,
    sa.Column("id", _NUMBER, primary_key=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.BigInteger, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

samples = sa.Table(
    "samples",
    _metadata,
    sa.Column("token", sa.BigInteger, primary_key=True, autoincrement=False),
    # Seconds since 1970.
    sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("active", sa.Boolean),
    # Minutes.
    sa.Column("fast_time", sa.Double),
    sa.Column("allowance", sa.Double),
    sa.Column("queued", sa.BigInteger),
    sa.Column("images", sa.BigInteger),
    # SQLite would keep each row twice: by a number of its own, and the key beside it.
    sqlite_with_rowid=False,
)

history = sa.Table(
    "history",
    _metadata,
    # How many days it is of: 1 as they were read, or 7 of which one sample an hour is left.
    sa.Column("span", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("token", sa.BigInteger, primary_key=True, autoincrement=False),
    # The first of them, counted from 1970-01-01, in UTC.
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    # See `bot.storage.packs`.
    sa.Column("data", sa.LargeBinary, nullable=False),
)

boards = sa.Table(
    "boards",
    _metadata,
    sa.Column("channel_id", sa.BigInteger, primary_key=True, autoincrement=False),
    # Null until it is posted.
    sa.Column("discord_id", sa.BigInteger),
    sa.Column("by", sa.BigInteger, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
)

acts = sa.Table(
    "acts",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False, index=True),
    # What only one at a time may be about, and what was confirmed together; empty for one by itself.
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("batch", sa.Text, nullable=False),
    sa.Column("act", Json(Act), nullable=False),
)

asides = sa.Table(
    "asides",
    _metadata,
    sa.Column("id", _NUMBER, primary_key=True),
    # Discord's id of a person, or of a thread.
    sa.Column("target", sa.BigInteger, nullable=False, index=True),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("stale_at", Instant, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    # Since when it may have been said, and the first of those with which it was: null while it surely was not.
    sa.Column("uncertain_since", Instant),
    sa.Column("said_by", sa.BigInteger),
    sa.Column("aside", Json(Aside), nullable=False),
    # As in `messages`: an id is part of a mark.
    sqlite_autoincrement=True,
)

setup = sa.Table(
    "setup",
    _metadata,
    # Of the environment's variable that it stands for, which wins where it is set.
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("by", sa.BigInteger, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

installation = sa.Table(
    "installation",
    _metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("read_at", Instant),
    # The lease: see `bot.leader`.
    sa.Column("term", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("renewals", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("holder", sa.Text),
    # The ops channel, and the last of Discord's ids of messages that were posted before it was this one.
    sa.Column("channel_id", sa.BigInteger),
    sa.Column("elsewhere", sa.BigInteger),
    # Whether the fallback address was told that the channel is blocked, and not yet that it is open.
    sa.Column("told_blocked", sa.Boolean, nullable=False, server_default=sa.false()),
    # When everything was copied to another database, on which the bot goes on.
    sa.Column("moved_at", Instant),
    # The local date of the last digest, and when it was due, as in 2026-11-30 2026-11-30T09:00:00+00:00.
    sa.Column("digested", sa.Text),
)
