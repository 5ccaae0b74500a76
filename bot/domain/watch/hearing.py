"""Whom direct messages do not reach: said once, and nothing more is tried. Pure."""

from datetime import datetime

from bot.domain.messages import Notice, NoticeKind
from bot.domain.naming import name_of
from bot.domain.steering import Entry
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known
from bot.domain.wishes import wish_id


def refused(known: Known, person: int, now: datetime) -> tuple[Changes, Known]:
    """Discord takes no messages to somebody: said once in the ops channel. What they wished for is kept."""
    wish = known.decisions.wishes.get(wish_id(person))
    if wish is None or wish.refused_at is not None:
        return Changes(known.fleet.read_at), known
    wish = replace(wish, refused_at=now)
    notice = Notice(NoticeKind.UNREACHABLE, now, to=(person,))
    after = replace(known, decisions=known.decisions.with_(wish))
    return Changes(known.fleet.read_at, decided=(wish,), notices=(notice,)), after


def lost(known: Known, person: int, now: datetime) -> tuple[Changes, Known]:
    """Somebody may not use the bot any more: what they wished for is forgotten, and the audit trail says so."""
    wish = known.decisions.wishes.get(wish_id(person))
    if wish is None:
        return Changes(known.fleet.read_at), known
    entry = Entry(now, person, "notify off", name_of(wish), "may not use the bot any more")
    after = replace(known, decisions=known.decisions.with_(without=[wish.id]))
    return Changes(known.fleet.read_at, undone=frozenset([wish.id]), audit=(entry,)), after
