"""The messages of the notices, most of which answer a card; in the caller's transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from bot.domain.incidents import Incident, Key, Stage
from bot.domain.messages import Notice, NoticeKind
from bot.domain.value import Value, replace
from bot.domain.watch.known import Changes
from bot.storage.batches import batches, partitions
from bot.storage.messages import maybe_posted, new_messages
from bot.storage.names import key_of, name_of, text_of
from bot.storage.schema import incidents, messages, notice_incidents

ANSWERS: Final = frozenset({NoticeKind.RAISED, NoticeKind.REMINDER, NoticeKind.RESOLVED, NoticeKind.HANDED_OVER})
"""Kinds of notices that answer the card of their incidents; the others stand by themselves.

What became of acts is in between: it answers a card where it came from a single one that is in the channel.
"""


IN_SIGHT: Final = 5
IN_SIGHT_FOR: Final = timedelta(minutes=10)
"""A card that is no older, and has no more of the bot's messages below it, is seen by whoever opens the channel."""

_NEWEST: Final = (
    sa.select(messages.c.discord_id)
    .where(messages.c.discord_id.is_not(None))
    .order_by(messages.c.id.desc())
    .limit(100)
    .subquery()
)
_LAST_SEEN: Final = sa.select(_NEWEST.c.discord_id).order_by(_NEWEST.c.discord_id.desc()).offset(IN_SIGHT + 1).limit(1)
"""Discord's id of the newest message that has more than so many below it.

The channel is in the order of these ids, which grow: what was deleted there and posted anew stands at its end.
"""


def announce(connection: sa.Connection, changes: Changes, now: datetime) -> None:
    """Make the messages of the notices, after the incidents were stored.

    Answers of the same kind and time to the same card are one. There is none to a card that is surely not in the
    channel, since the card itself will notify. The end of a card, when all its incidents are over, is posted only where
    the card is out of sight, since that shows it too; and all such ends of a poll are one notice. Only who was given
    incidents is told in any case, by a notice that stands by itself where there is no card.
    """
    names = _names(connection, changes)
    answers = [notice for notice in changes.notices if _is_answer(notice)]
    said = [_alone(connection, notice, names) for notice in changes.notices if not _is_answer(notice)]
    cards, versions = _cards(connection, sorted({name for notice in answers for name in _named(notice.keys, names)}))
    lost = [_without(notice, cards.keys(), names) for notice in answers if notice.kind is NoticeKind.HANDED_OVER]
    said += [Said(notice, None, _named(notice.keys, names)) for notice in lost if notice.keys]
    together: dict[tuple[NoticeKind, datetime, int], list[Notice]] = defaultdict(list)
    for notice in answers:
        for key in notice.keys:
            if (card := cards.get(names.get(key, ""))) is not None:
                together[notice.kind, notice.at, card].append(replace(notice, keys=(key,)))
    over = _over(connection, {card for kind, _, card in together if kind is NoticeKind.RESOLVED})
    ends: dict[int, list[Notice]] = {}
    for (kind, _, card), notices in together.items():
        if kind is not NoticeKind.RESOLVED:
            merged = merge(notices)
            said.append(Said(merged, card, _named(merged.keys, names), versions[card]))
        elif card in over:
            ends.setdefault(card, []).extend(notices)
    far = _out_of_sight(connection, sorted(ends), now)
    if far:
        about = list(dict.fromkeys(name for card in far for name in over[card]))
        merged = merge([notice for card in far for notice in ends[card]])
        keys = tuple(dict.fromkeys(map(key_of, about)))
        said.append(Said(replace(merged, keys=keys), far[0] if len(far) == 1 else None, about))
    for batch in batches(said):
        post(connection, batch, due_at=now, created_at=now)


def _alone(connection: sa.Connection, notice: Notice, names: Mapping[Key, str]) -> "Said":
    """What is no part of another answer, and must not be lost with it."""
    about = _named(notice.keys, names)
    card = None
    if notice.kind is NoticeKind.ACT and about:
        shown = sa.select(incidents.c.message_id).join(messages).where(messages.c.discord_id.is_not(None))
        cards = set(connection.scalars(shown.where(incidents.c.id.in_(about))))
        card = cards.pop() if len(cards) == 1 else None
    return Said(notice, card, about)


def _without(notice: Notice, shown: Collection[str], names: Mapping[Key, str]) -> Notice:
    """The notice about those of its incidents that no card shows."""
    return replace(notice, keys=tuple(key for key in notice.keys if names.get(key, "") not in shown))


def _is_answer(notice: Notice) -> bool:
    return bool(notice.keys) and notice.kind in ANSWERS


class Said(Value):
    """A notice that is to be posted."""

    notice: Notice
    answers: int | None
    """The id of the card's row."""
    names: Collection[str]
    """Of the incidents that it is about, each once."""
    version: int = 1
    """Of the card, as it is from then on."""


def post(connection: sa.Connection, said: Sequence[Said], **common: object) -> None:
    """Make the messages of these notices, all with the same values in the `common` columns."""
    rows = [
        {**common, "summary": False, "notice": each.notice, "answers": each.answers, "version": each.version}
        for each in said
    ]
    made = new_messages(connection, rows)
    about = [
        {"message_id": message_id, "incident_id": name}
        for message_id, each in zip(made, said, strict=True)
        for name in each.names
    ]
    for batch in batches(about):
        connection.execute(sa.insert(notice_incidents), batch)


def _names(connection: sa.Connection, changes: Changes) -> dict[Key, str]:
    """The incidents that the notices are about: those of the poll, and of other keys the newest that ever fired."""
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
    """Whether it ever fired: what was only pending is no news, nor is its end."""
    return incident.stage is not Stage.PENDING and (incident.notifiable or bool(incident.moments))


def _named(keys: Iterable[Key], names: Mapping[Key, str]) -> list[str]:
    return [names[key] for key in keys if key in names]


def _cards(connection: sa.Connection, names: Sequence[str]) -> tuple[dict[str, int], dict[int, int]]:
    """The messages of these incidents, by name, of those that have one which may be in the channel; their versions."""
    found: dict[str, int] = {}
    versions: dict[int, int] = {}
    for batch in batches(names):
        rows = connection.execute(
            sa.select(incidents.c.id, incidents.c.message_id, messages.c.version)
            .join(messages)
            .where(incidents.c.id.in_(batch), maybe_posted)
        )
        for row in rows:
            found[row.id], versions[row.message_id] = row.message_id, row.version
    return found, versions


def _out_of_sight(connection: sa.Connection, cards: Sequence[int], now: datetime) -> list[int]:
    """Those of the cards that nobody sees who opens the channel: they are old, or others came after them."""
    if not cards:
        return []
    last_seen = connection.scalar(_LAST_SEEN)
    far = messages.c.created_at.is_(None) | (messages.c.created_at < now - IN_SIGHT_FOR)
    if last_seen is not None:
        far |= messages.c.discord_id <= last_seen
    found: list[int] = []
    for batch in batches(cards):
        found += connection.scalars(
            sa.select(messages.c.id).where(messages.c.id.in_(batch), far).order_by(messages.c.id)
        )
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


def merge(notices: Sequence[Notice]) -> Notice:
    """One notice that says what these of one kind say; it is nobody's when they are of several people.

    Of those that say who is on call from then on, only the newest still holds.
    """
    newest = max(notices, key=lambda notice: notice.at)
    ends = [notice.until for notice in notices if notice.until is not None]
    sets: dict[Key, str] = {}
    for notice in notices:
        sets.update(dict.fromkeys(notice.keys, ""))
        sets.update(dict.fromkeys(notice.before, "before"))
        sets.update(dict.fromkeys(notice.quiet, "quiet"))
    people = {notice.by for notice in notices}
    return Notice(
        kind=notices[0].kind,
        at=newest.at if newest.shift is not None else min(notice.at for notice in notices),
        keys=tuple(sets),
        before=tuple(key for key, name in sets.items() if name == "before"),
        quiet=tuple(key for key, name in sets.items() if name == "quiet"),
        to=tuple(dict.fromkeys(person for notice in notices for person in notice.to)),
        about=", ".join(dict.fromkeys(notice.about for notice in notices if notice.about)),
        words="\n".join(dict.fromkeys(notice.words for notice in notices if notice.words)),
        by=people.pop() if len(people) == 1 else None,
        until=newest.until if newest.shift is not None else max(ends) if len(ends) == len(notices) else None,
        escalated=any(notice.escalated for notice in notices),
        reminders=max(notice.reminders for notice in notices),
        acts=tuple(act for notice in notices for act in notice.acts),
        remarks=tuple(remark for notice in notices for remark in notice.remarks),
        shift=newest.shift,
    )
