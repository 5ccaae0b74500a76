"""The threads under cards: opened for what a card shows, joined by what it comes to show, and gone. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from bot.domain.asides import Aside, Place, What
from bot.domain.incidents import Happening, Key, Moment
from bot.domain.naming import names_of
from bot.domain.steering import Entry
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known, keep, revised


def discuss(known: Known, keys: Iterable[Key], thread: int, by: int, now: datetime) -> tuple[Changes, Known]:
    """Somebody opened a thread under the card of these incidents. What has one already, or is over, stays as it is."""
    changes, after = _into(known, dict.fromkeys(keys, thread))
    entry = Entry(now, by, "discuss", names_of(each.key for each in changes.incidents))
    return replace(changes, audit=(entry,) if changes.incidents else ()), after


def join(known: Known, threads: Mapping[Key, int], now: datetime) -> tuple[Changes, Known]:
    """What came to a card later belongs to its thread, and is said there."""
    changes, after = _into(known, threads)
    said = (
        Aside(
            thread,
            Place.THREAD,
            now,
            What.CHANGED,
            tuple([each.key for each in joined]),
            (Moment(now, Happening.FIRED),),
        )
        for thread in sorted(set(threads.values()))
        if (joined := [each for each in changes.incidents if each.thread == thread])
    )
    return replace(changes, asides=tuple(said)), after


def gone(known: Known, thread: int) -> tuple[Changes, Known]:
    """Somebody deleted a thread: its incidents have none, and may be given another."""
    had = [replace(each, thread=None) for each in known.incidents.values() if each.thread == thread]
    return keep(known, revised(known, had))


def apart(known: Known) -> tuple[frozenset[int], tuple[Key, ...]]:
    """The threads that there are, and the open incidents with a card and without a thread."""
    open_ = [each for each in known.incidents.values() if each.open and each.has_card]
    threads = frozenset(each.thread for each in open_ if each.thread is not None)
    return threads, tuple([each.key for each in open_ if each.thread is None]) if threads else ()


def _into(known: Known, threads: Mapping[Key, int]) -> tuple[Changes, Known]:
    moved = [
        replace(found, thread=thread)
        for key, thread in threads.items()
        if (found := known.incidents.get(key)) and found.open and found.thread is None
    ]
    return keep(known, revised(known, moved))
