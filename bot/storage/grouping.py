"""Which messages the incidents of a poll call for, and which incidents share one; in the caller's transaction.

What each poll that notifies executes is a constant: to make a statement takes longer than to execute it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from bot.domain.incidents import Incident, Rule, Stage
from bot.domain.value import Value
from bot.storage.batches import batches
from bot.storage.messages import FIRST, maybe_posted, new_messages, rule_of, waits
from bot.storage.names import name_of
from bot.storage.schema import Instant, incidents, messages

_MESSAGES_OF: Final = sa.select(incidents.c.id, incidents.c.message_id).where(
    incidents.c.id.in_(sa.bindparam("names", expanding=True)), incidents.c.message_id.is_not(None)
)
_NEWEST: Final = (
    sa.select(sa.func.max(messages.c.id))
    .where(
        messages.c.rule.in_(sa.bindparam("rules", expanding=True)),
        messages.c.created_at.between(sa.bindparam("since", type_=Instant), sa.bindparam("until", type_=Instant)),
    )
    .group_by(messages.c.rule)
)
_THERE: Final = (
    sa.select(incidents.c.id, incidents.c.incident, incidents.c.message_id, maybe_posted.label("posted"))
    .join(messages)
    .where(messages.c.id.in_(_NEWEST))
)
_RENEW: Final = (
    sa.update(messages)
    .where(messages.c.id == sa.bindparam("message"))
    .values(
        version=messages.c.version + 1,
        due_at=sa.case((waits, messages.c.due_at), else_=sa.bindparam("now", type_=Instant)),
        tries=sa.case((waits, messages.c.tries), else_=0),
        parked_at=None,
        parked_reason=None,
    )
)


class Grouping(Value):
    """Which incidents of one rule share a message."""

    within: timedelta = timedelta(seconds=20)
    """How long after a message was made others may still join it."""
    size: int = 112
    """Incidents in one message at most: so many ids, and how long each took, fit Discord's 4,096 characters."""


def notify(
    connection: sa.Connection, notified: Sequence[Incident], now: datetime, grouping: Grouping
) -> dict[str, int]:
    """Give each incident's message one more version; returns the message, by name, of the incidents that had none.

    Those join the newest message of their rule if that is young, has room and notified of enough, or else get new ones.
    Of a first reading the summary holds as many as it can of what is wrong, in their order, whatever their rules.
    """
    named = {name_of(incident): incident for incident in notified}
    known = (
        {row.id: row.message_id for row in connection.execute(_MESSAGES_OF, {"names": list(named)})} if named else {}
    )
    alone: dict[Rule, list[str]] = defaultdict(list)
    for name, incident in named.items():
        if name not in known:
            alone[incident.key.rule].append(name)
    if any(incident.key == FIRST for incident in notified):  # its summary is made of all that it sums up
        alone = {Rule.BASELINE: [name for name in named if name not in known]}
    joined = _join(connection, alone, named, now, grouping)
    renewed = {*known.values(), *joined.values()}
    if renewed:
        connection.execute(_RENEW, [{"message": message_id, "now": now} for message_id in renewed])
    groups = [
        (rule, group)
        for rule, names in alone.items()
        for group in batches([name for name in names if name not in joined], grouping.size)
    ]
    made = new_messages(
        connection,
        [
            {
                "summary": len(group) > 1,
                "rule": rule_of(named[name] for name in group),
                "due_at": now,
                "created_at": now,
            }
            for _, group in groups
        ],
    )
    return joined | {name: message_id for message_id, (_, group) in zip(made, groups, strict=True) for name in group}


def _join(
    connection: sa.Connection,
    alone: Mapping[Rule, Sequence[str]],
    named: Mapping[str, Incident],
    now: datetime,
    grouping: Grouping,
) -> dict[str, int]:
    """Which incidents find room in the newest message of their rule, and in which; it is a summary from here on.

    A test is none of several: it asks for an answer of its own.
    """
    alone = {rule: names for rule, names in alone.items() if rule is not Rule.TEST}
    if not alone:
        return {}
    rows = connection.execute(_THERE, {"rules": list(alone), "since": now - grouping.within, "until": now})
    shared: dict[tuple[int, bool], list[Incident]] = defaultdict(list)
    for row in rows:
        # What resolves in this very poll is stored only after its message.
        shared[row.message_id, row.posted].append(named.get(row.id, row.incident))
    joined: dict[str, int] = {}
    for (message_id, posted), there in shared.items():
        room = max(grouping.size - len(there), 0)
        fit = alone[there[0].key.rule]
        if posted:
            fit = _notified_with(there, fit, named)
        joined |= dict.fromkeys(fit[:room], message_id)
    if joined:
        connection.execute(sa.update(messages).where(messages.c.id.in_(set(joined.values()))).values(summary=True))
    return joined


def _notified_with(there: Sequence[Incident], names: Sequence[str], named: Mapping[str, Incident]) -> Sequence[str]:
    """Those for which the notification of the post is enough: an edit makes none."""
    if any(incident.stage is Stage.RESOLVED for incident in there):
        return ()
    keys = {incident.key for incident in there}
    loudest = max(incident.severity.rank for incident in there)
    return [name for name in names if named[name].key not in keys and named[name].severity.rank <= loudest]
