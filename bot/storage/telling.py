"""Which messages a look calls for, and which of those that wait become one; all in the caller's transaction.

    card     of one incident
    summary  of several: of one rule when they fired together (a group), of any when too many messages waited
    notice   posted once, mostly as an answer to a card or summary, and never edited

A message *waits* while the version that the channel shows is smaller than its own, unless it is parked.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from bot.domain.incidents import Incident, Key, Notice, NoticeKind, Rule, Stage
from bot.domain.value import Value, replace
from bot.domain.watch.known import Changes
from bot.storage.schema import Instant, incidents, messages, notice_incidents

BATCH: Final = 500
"""Rows written or read at once: turning more into JSON would hold up the event loop, where the driver is on it."""

Item = TypeVar("Item")

FEW: Final = 2
CROWD: Final = 50
"""More cards than a few that wait with such a crowd of incidents become summaries: a storm into several statuses."""

ANSWERS: Final = frozenset({NoticeKind.RAISED, NoticeKind.REMINDER, NoticeKind.RESOLVED})
"""Kinds of notices that answer the card of their incidents; the others stand by themselves."""

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

_maybe_posted: Final = messages.c.discord_id.is_not(None) | messages.c.uncertain_since.is_not(None)

_MOVE: Final = (
    sa.update(incidents).where(incidents.c.id == sa.bindparam("name")).values(message_id=sa.bindparam("message"))
)
_WAITING: Final = sa.select(
    sa.func.count().label("total"),
    sa.func.count().filter(is_card).label("cards"),
).where(unposted)
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


def tell(connection: sa.Connection, told: Sequence[Incident], now: datetime, grouping: Grouping) -> dict[str, int]:
    """Give each incident's message one more version; returns the message, by name, of the incidents that had none.

    Those join the newest message of their rule if that is young, has room and tells enough, or else get new ones.
    """
    named = {name_of(incident): incident for incident in told}
    rows = connection.execute(
        sa.select(incidents.c.id, incidents.c.message_id).where(
            incidents.c.id.in_(named), incidents.c.message_id.is_not(None)
        )
    )
    known = {row.id: row.message_id for row in rows}
    alone: dict[Rule, list[str]] = defaultdict(list)
    for name, incident in named.items():
        if name not in known:
            alone[incident.key.rule].append(name)
    joined = _join(connection, alone, named, now, grouping)
    renewed = {*known.values(), *joined.values()}
    if renewed:
        connection.execute(_RENEW, [{"message": message_id, "now": now} for message_id in renewed])
    groups = [
        (rule, group)
        for rule, names in alone.items()
        for group in batches([name for name in names if name not in joined], grouping.size)
    ]
    made = _new_messages(
        connection,
        [{"summary": len(group) > 1, "rule": rule, "due_at": now, "created_at": now} for rule, group in groups],
    )
    return joined | {name: message_id for message_id, (_, group) in zip(made, groups, strict=True) for name in group}


def _join(
    connection: sa.Connection,
    alone: Mapping[Rule, Sequence[str]],
    named: Mapping[str, Incident],
    now: datetime,
    grouping: Grouping,
) -> dict[str, int]:
    """Which incidents find room in the newest message of their rule, and in which; it is a summary from here on."""
    if not alone:
        return {}
    newest = (
        sa.select(sa.func.max(messages.c.id))
        .where(messages.c.rule.in_(alone), messages.c.created_at.between(now - grouping.within, now))
        .group_by(messages.c.rule)
    )
    rows = connection.execute(
        sa.select(incidents.c.id, incidents.c.incident, incidents.c.message_id, _maybe_posted.label("posted"))
        .join(messages)
        .where(messages.c.id.in_(newest))
    )
    shared: dict[tuple[int, bool], list[Incident]] = defaultdict(list)
    for row in rows:
        # What ends in this very look is stored only after it was told.
        shared[row.message_id, row.posted].append(named.get(row.id, row.incident))
    joined: dict[str, int] = {}
    for (message_id, posted), there in shared.items():
        room = max(grouping.size - len(there), 0)
        fit = alone[there[0].key.rule]
        if posted:
            fit = _heard_with(there, fit, named)
        joined |= dict.fromkeys(fit[:room], message_id)
    if joined:
        connection.execute(sa.update(messages).where(messages.c.id.in_(set(joined.values()))).values(summary=True))
    return joined


def _heard_with(there: Sequence[Incident], names: Sequence[str], named: Mapping[str, Incident]) -> Sequence[str]:
    """Those for which the sound does too that a message made when it was posted: an edit makes none."""
    if any(incident.stage is Stage.RESOLVED for incident in there):
        return ()
    keys = {incident.key for incident in there}
    loudest = max(incident.severity.rank for incident in there)
    return [name for name in names if named[name].key not in keys and named[name].severity.rank <= loudest]


def announce(connection: sa.Connection, changes: Changes, now: datetime) -> None:
    """Make the messages of the notices, after the incidents were stored.

    Answers of the same kind and time to the same card are one. There is none to a card that is surely not in the
    channel, since that will tell by itself; and the end is told when all incidents of the card are over.
    """
    names = _names(connection, changes)
    answers = [notice for notice in changes.notices if _is_answer(notice)]
    said = [_Said(notice, None, _named(notice.keys, names)) for notice in changes.notices if not _is_answer(notice)]
    cards = _cards(connection, sorted({name for notice in answers for name in _named(notice.keys, names)}))
    together: dict[tuple[NoticeKind, datetime, int], list[Notice]] = defaultdict(list)
    for notice in answers:
        for key in notice.keys:
            if (card := cards.get(names.get(key, ""))) is not None:
                together[notice.kind, notice.at, card].append(replace(notice, keys=(key,)))
    over = _over(connection, {card for kind, _, card in together if kind is NoticeKind.RESOLVED})
    for (kind, _, card), notices in together.items():
        merged = _merged(notices)
        if kind is not NoticeKind.RESOLVED:
            said.append(_Said(merged, card, _named(merged.keys, names)))
        elif card in over:
            keys = tuple(dict.fromkeys(_key_of(name) for name in over[card]))
            said.append(_Said(replace(merged, keys=keys), card, over[card]))
    for batch in batches(said):
        _post(connection, batch, due_at=now, created_at=now)


def _is_answer(notice: Notice) -> bool:
    return bool(notice.keys) and notice.kind in ANSWERS


class _Said(Value):
    """A notice that is to be posted."""

    notice: Notice
    answers: int | None
    """The id of the card's row."""
    names: Collection[str]
    """Of the incidents that it is about, each once."""


def _post(connection: sa.Connection, said: Sequence[_Said], **common: object) -> None:
    rows = [{**common, "summary": False, "notice": each.notice, "answers": each.answers} for each in said]
    made = _new_messages(connection, rows)
    about = [
        {"message_id": message_id, "incident_id": name}
        for message_id, each in zip(made, said, strict=True)
        for name in each.names
    ]
    for batch in batches(about):
        connection.execute(sa.insert(notice_incidents), batch)


def _names(connection: sa.Connection, changes: Changes) -> dict[Key, str]:
    """The incidents that the notices are about: those of the look, and of other keys the newest that ever fired."""
    names = {incident.key: name_of(incident) for incident in changes.incidents if _fired(incident)}
    others = {text_of(key): key for notice in changes.notices for key in notice.keys if key not in names}
    for batch in batches(list(others)):
        found = (
            sa.select(incidents.c.key, incidents.c.id, incidents.c.incident)
            .where(incidents.c.key.in_(batch), incidents.c.stage != Stage.PENDING)
            .order_by(incidents.c.id)
        )
        for rows in partitions(connection, found):
            names.update({others[row.key]: row.id for row in rows if _fired(row.incident)})
    return names


def _fired(incident: Incident) -> bool:
    """Whether there ever was something to hear of: what only waited to fire is no news, nor is its end."""
    return incident.stage is not Stage.PENDING and (incident.told or bool(incident.moments))


def _named(keys: Iterable[Key], names: Mapping[Key, str]) -> list[str]:
    return [names[key] for key in keys if key in names]


def _cards(connection: sa.Connection, names: Sequence[str]) -> dict[str, int]:
    """The messages of these incidents, by name, of those that have one which may be in the channel."""
    found: dict[str, int] = {}
    for batch in batches(names):
        rows = connection.execute(
            sa.select(incidents.c.id, incidents.c.message_id)
            .join(messages)
            .where(incidents.c.id.in_(batch), _maybe_posted)
        )
        found.update({row.id: row.message_id for row in rows})
    return found


def _over(connection: sa.Connection, cards: Collection[int]) -> dict[int, list[str]]:
    """The names of the incidents of each card, of those cards whose incidents are all resolved."""
    shown: dict[int, list[str]] = defaultdict(list)
    still: set[int] = set()
    for batch in batches(sorted(cards)):
        rows = connection.execute(
            sa.select(incidents.c.id, incidents.c.stage, incidents.c.message_id)
            .where(incidents.c.message_id.in_(batch))
            .order_by(incidents.c.id)
        )
        for row in rows:
            shown[row.message_id].append(row.id)
            if row.stage != Stage.RESOLVED:
                still.add(row.message_id)
    return {card: names for card, names in shown.items() if card not in still}


def _merged(notices: Sequence[Notice]) -> Notice:
    """One notice that says what these of one kind say; it is nobody's when they are of several people."""
    ends = [notice.until for notice in notices if notice.until is not None]
    people = {notice.by for notice in notices}
    return Notice(
        kind=notices[0].kind,
        at=min(notice.at for notice in notices),
        keys=tuple(dict.fromkeys(key for notice in notices for key in notice.keys)),
        about=", ".join(dict.fromkeys(notice.about for notice in notices if notice.about)),
        words="\n".join(dict.fromkeys(notice.words for notice in notices if notice.words)),
        by=people.pop() if len(people) == 1 else None,
        until=max(ends) if len(ends) == len(notices) else None,
        escalated=any(notice.escalated for notice in notices),
    )


def fold(connection: sa.Connection, limit: int, size: int, now: datetime) -> int:
    """Fold unposted messages when they are too many; see `bot.storage.store.Store.fold`."""
    waiting = connection.execute(_WAITING).one()
    folded = _fold_notices(connection, now) if waiting.total > limit else 0
    if waiting.cards > FEW:
        count = connection.scalar(
            sa.select(sa.func.count()).select_from(incidents).join(messages).where(unposted, is_card)
        )
        many = waiting.cards > limit or (count or 0) > CROWD
        if many and math.ceil((count or 0) / size) < waiting.cards:
            folded += _fold_cards(connection, size, now)
    return folded


def _fold_cards(connection: sa.Connection, size: int, now: datetime) -> int:
    """Fold cards and groups into summaries, the gravest incidents first; returns how many incidents."""
    old = connection.execute(
        sa.select(sa.func.min(messages.c.due_at).label("due_at"), sa.func.max(messages.c.tries).label("tries")).where(
            unposted, is_card
        )
    ).one()
    found = partitions(connection, sa.select(incidents.c.incident).join(messages).where(unposted, is_card))
    folded = in_order([row.incident for rows in found for row in rows])
    chunks = list(batches(folded, size))
    summary = {"summary": True, "due_at": max(now, old.due_at), "tries": old.tries, "created_at": now}
    new = _new_messages(connection, [{**summary, "rule": _rule_of(chunk)} for chunk in chunks])
    for message_id, chunk in zip(new, chunks, strict=True):
        connection.execute(_MOVE, [{"name": name_of(incident), "message": message_id} for incident in chunk])
    gone = sa.select(messages.c.id).where(unposted, is_card, messages.c.id < new[0])
    # An answer to a card that is to be posted anew goes with it: the summary tells how things are now.
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
    for alike in kinds.values():
        if len(alike) == 1:
            continue
        merged = _merged([row.notice for row in alike])
        names: set[str] = set()
        for batch in batches([row.id for row in alike]):
            of_these = notice_incidents.c.message_id.in_(batch)
            names.update(connection.scalars(sa.select(notice_incidents.c.incident_id).where(of_these)))
            connection.execute(sa.delete(messages).where(messages.c.id.in_(batch)))
        _post(
            connection,
            [_Said(merged, None, sorted(names))],
            due_at=max(now, min(row.due_at for row in alike)),
            tries=max(row.tries for row in alike),
            created_at=now,
        )
        folded += len(merged.keys)
    return folded


def _new_messages(connection: sa.Connection, rows: list[dict[str, Any]]) -> list[int]:
    """Make messages, all with the same columns; returns their ids, in this order and growing."""
    if not rows:
        return []
    made = sa.insert(messages).returning(messages.c.id, sort_by_parameter_order=True)
    return list(connection.scalars(made, rows))


def _rule_of(together: Iterable[Incident]) -> Rule | None:
    """The rule of all of them, if that is one."""
    rules = {incident.key.rule for incident in together}
    return rules.pop() if len(rules) == 1 else None


def name_of(incident: Incident) -> str:
    """The same for the same incident however often it is stored, and for no other."""
    return f"{text_of(incident.key)}@{incident.opened_at.astimezone(UTC):%FT%T.%fZ}"


def text_of(key: Key) -> str:
    """A key as it begins the names of its incidents."""
    return f"{key.rule}:{'' if key.token is None else key.token}:{key.step}"


def _key_of(name: str) -> Key:
    """The key of the incident of that name."""
    rule, token, step = name.rpartition("@")[0].split(":", 2)
    return Key(Rule(rule), int(token) if token else None, step)


def in_order(unsorted: Iterable[Incident]) -> list[Incident]:
    """The gravest first, then by rule and token."""
    return sorted(
        unsorted,
        key=lambda incident: (
            -incident.severity.rank,
            incident.key.rule,
            incident.key.token or 0,
            incident.key.step,
            incident.opened_at,
        ),
    )


def partitions(connection: sa.Connection, statement: sa.Executable) -> Iterator[Sequence[sa.Row[*tuple[Any, ...]]]]:
    """The rows, `BATCH` at once, as they come from the database."""
    return connection.execute(statement, execution_options={"yield_per": BATCH}).partitions()


def batches(items: Sequence[Item], size: int = BATCH) -> Iterator[Sequence[Item]]:
    """The items in slices of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))
