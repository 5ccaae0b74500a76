"""Few messages of many, when too many wait; in the caller's transaction."""

import math
from collections import defaultdict
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from bot.domain.incidents import Rule
from bot.domain.messages import NoticeKind
from bot.storage.batches import batches, partitions
from bot.storage.messages import (
    after_its_card,
    answered,
    in_order,
    is_card,
    new_messages,
    rule_of,
    says_what_no_card_does,
    unposted,
)
from bot.storage.names import name_of
from bot.storage.notices import Said, merge, post
from bot.storage.schema import incidents, messages, notice_incidents

FEW: Final = 2

CROWD: Final = 50
"""More cards than a few that wait with such a crowd of incidents become summaries: a storm into several statuses."""

_MOVE: Final = (
    sa.update(incidents).where(incidents.c.id == sa.bindparam("name")).values(message_id=sa.bindparam("message"))
)

_foldable: Final = unposted & is_card & messages.c.rule.is_distinct_from(Rule.TEST.value)
"""A test that became a line of a summary would ask nobody."""

_WAITING: Final = sa.select(
    sa.func.count().label("total"),
    sa.func.count().filter(_foldable).label("cards"),
).where(unposted)


def fold(connection: sa.Connection, limit: int, size: int, now: datetime) -> int:
    """Make few messages of many, when more than `limit` wait that were never posted.

    Notices become one a kind, which says all that they say and answers nothing. Cards and groups become summaries
    of at most `size` incidents, the gravest first, when that makes them fewer, and they alone are more than `limit`
    or a few that hold a crowd. What is folded is due when the first of what it replaces was.

    Returns:
        How many incidents the folded messages are about; 0 when there was nothing to fold.
    """
    waiting = connection.execute(_WAITING).one()
    folded = _fold_notices(connection, now) if waiting.total > limit else 0
    if waiting.cards > FEW:
        count = connection.scalar(sa.select(sa.func.count()).select_from(incidents).join(messages).where(_foldable))
        many = waiting.cards > limit or (count or 0) > CROWD
        if many and math.ceil((count or 0) / size) < waiting.cards:
            folded += _fold_cards(connection, size, now)
    return folded


def _fold_cards(connection: sa.Connection, size: int, now: datetime) -> int:
    """Fold cards and groups into summaries, the gravest incidents first; returns how many incidents."""
    old = connection.execute(
        sa.select(sa.func.min(messages.c.due_at).label("due_at"), sa.func.max(messages.c.tries).label("tries")).where(
            _foldable
        )
    ).one()
    found = partitions(connection, sa.select(incidents.c.incident).join(messages).where(_foldable))
    folded = in_order([row.incident for rows in found for row in rows])
    chunks = list(batches(folded, size))
    summary = {"summary": True, "due_at": max(now, old.due_at), "tries": old.tries, "created_at": now}
    new = new_messages(connection, [{**summary, "rule": rule_of(chunk)} for chunk in chunks])
    for message_id, chunk in zip(new, chunks, strict=True):
        connection.execute(_MOVE, [{"name": name_of(incident), "message": message_id} for incident in chunk])
    gone = sa.select(messages.c.id).where(_foldable, messages.c.id < new[0])
    connection.execute(
        sa.update(messages).where(messages.c.answers.in_(gone), says_what_no_card_does).values(answers=None)
    )
    # Any other answer to a card that is to be posted anew goes with it: the summary shows how things are now.
    connection.execute(sa.delete(messages).where(messages.c.id.in_(gone) | messages.c.answers.in_(gone)))
    return len(folded)


def _fold_notices(connection: sa.Connection, now: datetime) -> int:
    """Merge the notices of each kind into one that stands by itself; returns how many incidents those are about."""
    rows = connection.execute(
        sa.select(messages.c.id, messages.c.notice, messages.c.due_at, messages.c.tries)
        .outerjoin(answered, answered.c.id == messages.c.answers)
        .where(unposted, ~is_card, after_its_card)
        .order_by(messages.c.id)
    )
    kinds: dict[NoticeKind, list[sa.Row[*tuple[Any, ...]]]] = defaultdict(list)
    for row in rows:
        kinds[row.notice.kind].append(row)
    folded = 0
    for kind, alike in kinds.items():
        if len(alike) == 1 or kind in {NoticeKind.DIGEST, NoticeKind.REPORT}:  # of which each tells its own time
            continue
        merged = merge([row.notice for row in alike])
        names: set[str] = set()
        for batch in batches([row.id for row in alike]):
            of_these = notice_incidents.c.message_id.in_(batch)
            names.update(connection.scalars(sa.select(notice_incidents.c.incident_id).where(of_these)))
            connection.execute(sa.delete(messages).where(messages.c.id.in_(batch)))
        post(
            connection,
            [Said(merged, None, sorted(names))],
            due_at=max(now, min(row.due_at for row in alike)),
            tries=max(row.tries for row in alike),
            created_at=now,
        )
        folded += len(merged.keys)
    return folded
