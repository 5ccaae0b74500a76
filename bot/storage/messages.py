"""The messages' rows: which of them wait, which are cards, and how they are made.

    card     of one incident
    summary  of several: of one rule when they fired together (a group), of any when too many messages waited
    notice   posted once, mostly as an answer to a card or summary, and never edited

A message *waits* while the version that the channel shows is smaller than its own, unless it is parked.
"""

from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.incidents import Incident, Key, Rule
from bot.domain.messages import NoticeKind
from bot.storage.schema import messages

FIRST: Final = Key(Rule.BASELINE)
"""Of the first reading, whose message is made of all that was wrong then."""

waits: Final = (messages.c.version > messages.c.shown_version) & messages.c.parked_at.is_(None)

unposted: Final = (
    waits
    & (messages.c.shown_version == 0)
    & messages.c.discord_id.is_(None)
    & messages.c.uncertain_since.is_(None)
    & messages.c.claimed_until.is_(None)
)
"""Nothing of these can be in the channel, so they may still become part of another message."""

is_card: Final = messages.c.notice.is_(None)
"""A card or a summary."""

answered: Final = messages.alias("answered")
"""The card that a notice answers; to be joined by `messages.answers`."""

after_its_card: Final = messages.c.answers.is_(None) | answered.c.discord_id.is_not(None)
"""A notice answers nothing, or what is in the channel. One that answers a card on its way may have nothing to say."""

_text: Final = sa.type_coerce(messages.c.notice, sa.Text)

says_what_no_card_does: Final = _text.contains(f'"kind":"{NoticeKind.HANDED_OVER}"') | _text.contains('"acts":[{')
"""A notice that mentions a person, which nothing else does, or that tells the outcome of acts in the only line."""

tells_a_rise: Final = _text.contains(f'"kind":"{NoticeKind.RAISED}"')
"""A notice that something got worse."""

came_with: Final = sa.case((messages.c.version > 1, messages.c.version), else_=answered.c.version)
"""The version of its card with which a notice was made. Those of older versions of the bot, which have 1, do not know:
the newest is meant then."""

maybe_posted: Final = messages.c.discord_id.is_not(None) | messages.c.uncertain_since.is_not(None)


_MAKE: Final = sa.insert(messages).returning(messages.c.id, sort_by_parameter_order=True)


def new_messages(connection: sa.Connection, rows: list[dict[str, Any]]) -> list[int]:
    """Make messages, all with the same columns; returns their ids, in this order and growing."""
    if not rows:
        return []
    return list(connection.scalars(_MAKE, rows))


def in_order(unsorted: Iterable[Incident]) -> list[Incident]:
    """The first reading, which begins its summary, and then the gravest first, by rule and token."""
    return sorted(
        unsorted,
        key=lambda incident: (
            incident.key != FIRST,
            -incident.severity.rank,
            incident.key.rule,
            incident.key.token or 0,
            incident.key.step,
            incident.opened_at,
        ),
    )


def rule_of(together: Iterable[Incident]) -> Rule | None:
    """The rule of all of them, if that is one."""
    rules = {incident.key.rule for incident in together}
    return rules.pop() if len(rules) == 1 else None
