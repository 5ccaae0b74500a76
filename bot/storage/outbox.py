"""The outbox: which message is due, what came of posting it, and what the channel shows.

A message is *due* when it waits, its time has come and nobody has a claim on it.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from bot.delivery.outcome import Shown
from bot.delivery.rests import Subject
from bot.domain.incidents import Key, Stage
from bot.domain.messages import Message
from bot.domain.value import Value
from bot.storage.batches import batches
from bot.storage.earlier import WITH_EARLIER, parted
from bot.storage.messages import (
    after_its_card,
    answered,
    came_with,
    in_order,
    is_card,
    says_what_no_card_does,
    tells_a_rise,
    unposted,
    waits,
)
from bot.storage.names import text_of
from bot.storage.schema import Instant, incidents, installation, messages, notice_incidents, storable

_GIVEN_BACK: Final = {"claimed_until": None}

_CERTAIN: Final = {"uncertain_since": None, "uncertain_version": None}

_MESSAGES: Final = sa.select(
    messages,
    answered.c.discord_id.label("reply_to"),
    sa.select(installation.c.name).scalar_subquery().label("installation"),
).outerjoin(answered, answered.c.id == messages.c.answers)

_can_come: Final = waits & after_its_card
"""Waits, and for nothing but its time."""

_now: Final = sa.bindparam("now", type_=Instant)

_turn: Final = sa.case((~is_card, 1), (messages.c.discord_id.is_(None), 0), else_=2)
"""First come cards that are not in the channel, then notices, then edits."""

_last: Final = sa.case((messages.c.id == sa.bindparam("last", type_=sa.BigInteger), 1), else_=0)

_tries: Final = sa.case((messages.c.discord_id.is_(None), 0), else_=messages.c.tries)
"""Edits that were tried less often come first, so that one that always fails keeps none of the others back."""

_OF: Final = {
    Subject.ALL: _can_come,
    Subject.POSTS: _can_come & messages.c.discord_id.is_(None),
    Subject.EDITS: _can_come & messages.c.discord_id.is_not(None),
}

_DUE: Final = {
    subject: _MESSAGES.where(
        can_come,
        messages.c.claimed_until.is_(None) | (messages.c.claimed_until <= _now),
        messages.c.due_at <= _now,
    )
    .order_by(_last, _turn, _tries, messages.c.id)
    .limit(1)
    for subject, can_come in _OF.items()
}

_NEXT_DUE: Final = {
    subject: _MESSAGES.with_only_columns(
        sa.func.min(
            sa.case((messages.c.claimed_until > messages.c.due_at, messages.c.claimed_until), else_=messages.c.due_at)
        ),
        maintain_column_froms=True,
    ).where(can_come)
    for subject, can_come in _OF.items()
}

_UNHEARD: Final = sa.select(
    sa.exists().where(
        waits,
        messages.c.discord_id.is_(None),
        incidents.c.stage == Stage.FIRING,
        (incidents.c.message_id == messages.c.id)
        | sa.exists().where(
            notice_incidents.c.message_id == messages.c.id, notice_incidents.c.incident_id == incidents.c.id
        ),
    )
)


_name: Final[sa.BindParameter[int]] = sa.bindparam("name")

_CLAIM: Final = (
    sa.update(messages)
    .where(messages.c.id == _name)
    .values({each: sa.bindparam(f"new_{each}") for each in ("claimed_until", "uncertain_since", "uncertain_version")})
)
_CONFIRM: Final = (
    sa.update(messages)
    .where(messages.c.id == _name)
    .values(
        **_GIVEN_BACK,
        **_CERTAIN,
        tries=0,
        discord_id=sa.bindparam("new_discord_id"),
        shown_version=sa.bindparam("new_shown_version"),
    )
)
_DROP_TOLD: Final = sa.delete(messages).where(
    unposted,
    ~says_what_no_card_does,
    messages.c.answers == _name,
    sa.exists()
    .where(
        answered.c.id == _name,
        answered.c.discord_id.is_(None),
        (came_with <= sa.bindparam("version")) | (tells_a_rise & (came_with <= sa.bindparam("heard"))),
    )
    .correlate(messages),
)
_SHOWN: Final = sa.select(incidents.c.incident).where(incidents.c.message_id == _name)
_SAID: Final = sa.select(incidents.c.incident).join(notice_incidents).where(notice_incidents.c.message_id == _name)


class Parked(Value):
    """A message that Discord refused for good."""

    message: Message
    reason: str
    at: datetime


class Backlog(Value):
    """What the channel should show, and does not."""

    waiting: int = 0
    """Messages that nothing but their time keeps back."""
    since: datetime | None = None
    """When the first was made that is not in the channel yet; None when none waits: an edit says nothing new."""
    parked: int = 0


def message(connection: sa.Connection, message_id: int) -> Message | None:
    """A message with all its incidents as they are now, those that are over among them; None when it is not there.

    `message_id` may be any number: it comes from a button, and anybody may make one up.
    """
    if not 0 < message_id < 2**63:
        return None
    row = connection.execute(_MESSAGES.where(messages.c.id == message_id)).one_or_none()
    return None if row is None else _message(connection, row)


def move_to(connection: sa.Connection, channel_id: int) -> None:
    """The ops channel is this one from now on. What was posted before in another stays there; Discord's ids grow."""
    before = connection.scalar(sa.select(installation.c.channel_id))
    if before == channel_id:
        return
    moved: dict[str, Any] = {"channel_id": channel_id}
    if before is not None:
        moved["elsewhere"] = sa.select(sa.func.max(messages.c.discord_id)).scalar_subquery()
    connection.execute(sa.update(installation).values(moved))


_HERE: Final = messages.c.discord_id > sa.func.coalesce(sa.select(installation.c.elsewhere).scalar_subquery(), 0)
"""Of posted messages those that are in the ops channel, and not in one that it was before."""


def shown_at(connection: sa.Connection, keys: Collection[Key]) -> dict[Key, int]:
    """Discord's id of the message that shows the open incident of each key, of those that the ops channel shows."""
    texts = {text_of(key): key for key in keys}
    shown: dict[Key, int] = {}
    for batch in batches(list(texts)):
        rows = connection.execute(
            sa.select(incidents.c.key, messages.c.discord_id)
            .join(messages)
            .where(
                incidents.c.key.in_(batch),
                incidents.c.stage == Stage.FIRING,
                _HERE,
            )
        )
        shown.update({texts[row.key]: row.discord_id for row in rows})
    return shown


def undelivered(connection: sa.Connection, keys: Collection[Key]) -> frozenset[Key]:
    """The keys of open incidents of which a card, or a notice, still waits to be posted."""
    texts = {text_of(key): key for key in keys}
    card = sa.select(messages.c.id).where(waits, messages.c.discord_id.is_(None))
    notice = sa.select(notice_incidents.c.incident_id).join(messages).where(waits)
    found: set[Key] = set()
    for batch in batches(list(texts)):
        rows = connection.scalars(
            sa.select(incidents.c.key).where(
                incidents.c.key.in_(batch),
                incidents.c.stage == Stage.FIRING,
                incidents.c.message_id.in_(card) | incidents.c.id.in_(notice),
            )
        )
        found.update(texts[text] for text in rows)
    return frozenset(found)


def reopen(connection: sa.Connection, now: datetime, within: timedelta) -> None:
    """Give back what a dead process had claimed; what it may have posted stays uncertain.

    What would not be due `within` that time, as after the clock was set back, is due now.
    """
    connection.execute(
        sa.update(messages)
        .where(messages.c.claimed_until.is_not(None) | (waits & (messages.c.due_at > now + within)))
        .values(claimed_until=None, due_at=now)
    )


def claim(
    connection: sa.Connection,
    now: datetime,
    lease: timedelta,
    of: Subject = Subject.ALL,
    last: int | None = None,
) -> Message | None:
    """Take the next due message of those; nobody else gets it until it is given back or `lease` is over.

    First come cards that are not in the channel, then notices, then edits; an answer waits for its card. The message
    `last` comes after all others.

    A post is marked as uncertain from here on, since the process may die before it learns how the post went. The
    message says what was so before: its `uncertain_since` is None unless an earlier attempt is open.
    """
    row = connection.execute(_DUE[of], {"now": now, "last": last}).one_or_none()
    if row is None:
        return None
    begins = row.discord_id is None and row.uncertain_since is None
    connection.execute(
        _CLAIM,
        {
            "name": row.id,
            "new_claimed_until": now + lease,
            "new_uncertain_since": now if begins else row.uncertain_since,
            "new_uncertain_version": row.version if begins else row.uncertain_version,
        },
    )
    return _message(connection, row)


def confirm(connection: sa.Connection, message_id: int, shown: Shown) -> None:
    """The channel shows the message so. A newer version stays due.

    A post that shows a card makes the notices unnecessary that came with that version, or before, and waited to answer
    it; but no card calls whoever was given its incidents. Of a rise it is enough that the card was heard with it.
    """
    connection.execute(_DROP_TOLD, {"name": message_id, "version": shown.version, "heard": shown.heard})
    connection.execute(
        _CONFIRM, {"name": message_id, "new_discord_id": shown.discord_id, "new_shown_version": shown.version}
    )


def retry(
    connection: sa.Connection,
    message_id: int,
    at: datetime,
    uncertain_since: datetime | None,
    uncertain_version: int | None,
) -> None:
    """Give a claimed message back after an attempt that failed; it is due at `at`.

    The last two are about the earliest attempt to post it whose outcome is not known, None when there is none.
    """
    _change(
        connection,
        message_id,
        **_GIVEN_BACK,
        due_at=at,
        tries=messages.c.tries + 1,
        uncertain_since=uncertain_since,
        uncertain_version=uncertain_version,
    )


def anew(connection: sa.Connection, message_id: int, now: datetime) -> None:
    """The message is gone from the channel: it is to be posted once more, as one that was made now."""
    values = {"discord_id": None, "shown_version": 0, "tries": 0, "due_at": now, "created_at": now}
    _change(connection, message_id, **_GIVEN_BACK, **_CERTAIN, **values)


def park(connection: sa.Connection, message_id: int, reason: str, now: datetime, *, certain: bool = True) -> None:
    """Keep a message that Discord refuses for good; it is tried again when one of its incidents changes.

    `certain` says that no earlier attempt may have posted it: then nobody needs to look for it in the channel.
    """
    known = _CERTAIN if certain else {}
    _change(connection, message_id, **_GIVEN_BACK, **known, parked_at=now, parked_reason=storable(reason))


def unpark(connection: sa.Connection, now: datetime) -> None:
    """Try once more what was refused: the settings, the server or Discord may be other ones by now."""
    connection.execute(
        sa.update(messages)
        .where(messages.c.parked_at.is_not(None))
        .values(parked_at=None, parked_reason=None, due_at=now, tries=0)
    )


def parked(connection: sa.Connection) -> tuple[Parked, ...]:
    """What is parked, oldest first."""
    rows = connection.execute(_MESSAGES.where(messages.c.parked_at.is_not(None)).order_by(messages.c.parked_at))
    return tuple([Parked(_message(connection, row), row.parked_reason, row.parked_at) for row in rows.all()])


def waiting(connection: sa.Connection) -> int:
    """How many messages the channel does not show as they are."""
    return connection.scalar(sa.select(sa.func.count()).select_from(messages).where(waits)) or 0


def backlog(connection: sa.Connection, parked_since: datetime) -> Backlog:
    """What the channel should show and does not; of what is parked, that which was since then."""
    figures = _MESSAGES.with_only_columns(
        sa.func.count().filter(_can_come),
        sa.func.min(messages.c.created_at).filter(_OF[Subject.POSTS]),
        sa.func.count().filter(messages.c.parked_at >= parked_since),
        maintain_column_froms=True,
    )
    return Backlog(*connection.execute(figures).one())


def next_due(connection: sa.Connection, of: Subject = Subject.ALL) -> datetime | None:
    """When the next message that waits is due, or its claim is over; None when none waits."""
    due: datetime | None = connection.scalar(_NEXT_DUE[of])
    return due


def unheard(connection: sa.Connection) -> bool:
    """Whether anything is open of which a message waits to be posted."""
    return bool(connection.scalar(_UNHEARD))


def told_blocked(connection: sa.Connection) -> bool:
    """Whether somebody else was told that the ops channel is blocked, and not yet that it is open."""
    return bool(connection.scalar(sa.select(installation.c.told_blocked)))


def note_told_blocked(connection: sa.Connection, told: bool) -> None:  # noqa: FBT001 - what is noted
    """Note that, for the next start and for whoever leads next."""
    connection.execute(sa.update(installation).values(told_blocked=told))


def _message(connection: sa.Connection, row: sa.Row[Any]) -> Message:
    """The message of a row of `_MESSAGES`, with its incidents."""
    past = None
    if row.notice is None and not row.summary:
        shown, past = parted(connection.execute(WITH_EARLIER, {"name": row.id}).all())
    else:
        shown = list(connection.scalars(_SHOWN if row.notice is None else _SAID, {"name": row.id}))
    return Message(
        id=row.id,
        mark=f"{row.installation}-{row.id}",
        incidents=tuple(in_order(shown)),
        version=row.version,
        summary=row.summary,
        discord_id=row.discord_id,
        tries=row.tries,
        uncertain_since=row.uncertain_since,
        uncertain_version=row.uncertain_version,
        notice=row.notice,
        reply_to=row.reply_to,
        past=past,
        made_at=row.created_at,
    )


def _change(connection: sa.Connection, message_id: int, **values: object) -> None:
    connection.execute(sa.update(messages).where(messages.c.id == message_id).values(values))
