"""What a forum has to know of the messages that are posts in it."""

from typing import Final

import sqlalchemy as sa

from bot.domain.incidents import Stage
from bot.domain.messages import Message
from bot.domain.value import Value
from bot.storage.messages import is_card, waits
from bot.storage.outbox import message
from bot.storage.schema import incidents, messages

_AT: Final = sa.select(messages.c.id, waits.label("due")).where(is_card, messages.c.discord_id == sa.bindparam("name"))

_OPEN: Final = (
    sa.select(messages.c.discord_id)
    .join(incidents, incidents.c.message_id == messages.c.id)
    .where(messages.c.discord_id.is_not(None), incidents.c.stage == Stage.FIRING)
)


class Card(Value):
    """A card or summary that is a post."""

    message: Message
    """As it is now."""
    due: bool
    """Whether the post is about to be brought to agree with it."""


def posted_since(connection: sa.Connection, discord_id: int) -> frozenset[int]:
    """Discord's ids of what is known to be posted, from this one on."""
    return frozenset(connection.scalars(sa.select(messages.c.discord_id).where(messages.c.discord_id >= discord_id)))


def card_at(connection: sa.Connection, discord_id: int) -> Card | None:
    """The card or summary that is this post; None where it is none."""
    row = connection.execute(_AT, {"name": discord_id}).first()
    found = None if row is None else message(connection, row.id)
    return None if row is None or found is None else Card(found, bool(row.due))


def open_posts(connection: sa.Connection) -> frozenset[int]:
    """The posts of all that is open."""
    return frozenset(connection.scalars(_OPEN))
