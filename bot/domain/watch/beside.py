"""What a change calls for beside the ops channel: in the threads under cards, and to people who asked for it. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime

from bot.domain.asides import Aside, Place, What
from bot.domain.incidents import Happening, Incident, Key, Moment, Note, Stage
from bot.domain.watch.known import Changes, Known
from bot.domain.wishes import Wish

_UNSAID = frozenset({Happening.REMINDED})
"""What a thread does not say: it calls people, who are called in the ops channel."""


def beside(known: Known, changes: Changes, now: datetime) -> tuple[Aside, ...]:
    """What these changes of what was known call for.

    Args:
        known: What was known before.
        changes: What is otherwise now.
        now: The time.
    """
    return tuple(aside for row in _ROWS for aside in row(known, changes, now))


def _threads(known: Known, changes: Changes, now: datetime) -> Iterable[Aside]:
    """What becomes of incidents is said in the thread under their card; what is alike of several once for all."""
    alike: dict[tuple[int, What, tuple[Moment, ...], tuple[Note, ...]], list[Key]] = defaultdict(list)
    for incident in changes.incidents:
        if incident.thread is None:
            continue
        before = known.incidents.get(incident.key)
        moments, notes = _new(before, incident)
        if moments or notes:
            alike[incident.thread, _what(incident, moments), moments, notes].append(incident.key)
    for (thread, what, moments, notes), keys in alike.items():
        yield Aside(thread, Place.THREAD, now, what, tuple(keys), moments, notes)


def _new(before: Incident | None, incident: Incident) -> tuple[tuple[Moment, ...], tuple[Note, ...]]:
    """What is new of its timeline and its notes, oldest first; of one that came to be just now, that it fired."""
    if before is None or before.opened_at != incident.opened_at:
        if incident.stage is Stage.RESOLVED and incident.notes:  # it was over before, and somebody noted something
            return (), incident.notes[-1:]
        return incident.moments, incident.notes
    moments = [each for each in incident.moments if each not in before.moments and each.what not in _UNSAID]
    return tuple(moments), tuple([each for each in incident.notes if each not in before.notes])


def _what(incident: Incident, moments: tuple[Moment, ...]) -> What:
    if not moments:
        return What.NOTE
    return What.ENDED if incident.stage is Stage.RESOLVED else What.CHANGED


def _personal(known: Known, changes: Changes, now: datetime) -> Iterable[Aside]:
    """What people wish to hear of by direct message."""
    if not (known.decisions.wishes or any(isinstance(each, Wish) for each in changes.decided)):
        return ()
    from bot.domain.watch.personal import personal  # noqa: PLC0415 - where nobody wishes for any, nothing needs it

    return personal(known, changes, now)


_ROWS: tuple[Callable[[Known, Changes, datetime], Iterable[Aside]], ...] = (_threads, _personal)
"""Who may have something to say."""
