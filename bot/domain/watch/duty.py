"""Whose shift it is of what is known: when one begins, who has left, and who was called."""

from collections.abc import Collection
from datetime import datetime

from bot.domain.messages import Notice, NoticeKind
from bot.domain.rota import KEPT, Announced, Handover, Rota, Shift, to_announce, to_come
from bot.domain.steering import Entry
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known


def hand_over(known: Known, now: datetime) -> tuple[Changes, Known]:
    """Tell of the shift that is on, where it was not told, with what is open; and forget swaps that are long over."""
    decisions = known.decisions
    rota, turn = decisions.rota, decisions.on_call(now)
    over = frozenset(each.id for each in decisions.swaps.values() if rota is None or each.until <= now - KEPT)
    changes = Changes(known.fleet.read_at, undone=over)
    if rota is not None:
        notice, rota = _told(known, rota, turn, now)
        if notice is not None:
            changes = replace(changes, decided=(rota,), notices=(notice,))
    if changes.nothing:
        return changes, known
    return changes, replace(known, decisions=decisions.with_(*changes.decided, without=over))


def _told(known: Known, rota: Rota, turn: Shift | None, now: datetime) -> tuple[Notice | None, Rota]:
    open_ = tuple(key for key, each in known.incidents.items() if each.open and each.notifiable)
    if turn is None:
        if rota.announced is None:
            return None, rota
        notice = Notice(NoticeKind.SHIFT, now, open_, shift=Handover(None))
        return notice, replace(rota, announced=None)
    if not to_announce(rota, turn, now):
        return None, rota
    before = rota.announced.who if rota.announced else None
    left = before if before in rota.absent else None
    change = Handover(turn.who, swap=turn.swap, left=left)
    notice = Notice(NoticeKind.SHIFT, now, open_, until=turn.until, shift=change)
    return notice, replace(rota, announced=Announced(turn.who, turn.since, now))


def people(known: Known, now: datetime) -> frozenset[int]:
    """Discord's ids of all who can be on call some time, by the order or for another; of nobody without a rota."""
    rota = known.decisions.rota
    return frozenset(_order(known, rota, now)) if rota is not None else frozenset()


def _order(known: Known, rota: Rota, now: datetime) -> tuple[int, ...]:
    return tuple(dict.fromkeys((*rota.members, *(each.who for each in to_come(known.decisions.swaps.values(), now)))))


def note_absent(known: Known, gone: Collection[int], back: Collection[int], now: datetime) -> tuple[Changes, Known]:
    """Some who can be on call have left the server, and some are in it again; who is on call then is told by a tick.

    Args:
        known: What is known.
        gone: Discord's ids of those who are surely not in the server.
        back: Of those who surely are.
        now: The time.
    """
    rota = known.decisions.rota
    if rota is None:
        return Changes(known.fleet.read_at), known
    all_ = _order(known, rota, now)
    absent = tuple(each for each in all_ if each in gone or (each in rota.absent and each not in back))
    if absent == rota.absent:
        return Changes(known.fleet.read_at), known
    after = replace(rota, absent=absent)
    entries = [
        *(Entry(now, each, "oncall left", f"{each} has left the server") for each in absent if each not in rota.absent),
        *(Entry(now, each, "oncall back", f"{each} is in it again") for each in rota.absent if each in back),
    ]
    changes = Changes(known.fleet.read_at, decided=(after,), audit=tuple(entries))
    return changes, replace(known, decisions=known.decisions.with_(after))
