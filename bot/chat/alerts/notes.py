"""What people noted of incidents, and what was before one, as cards and lists show it."""

from collections.abc import Iterable

from bot.chat.text import quoted, span, stamp
from bot.domain.incidents import Incident, Note
from bot.domain.notes import LATELY, Past

SHOWN = 3
"""Notes that a card shows: the last ones."""

_WORDS = 240
"""How much of one is shown there."""
_FEW_WORDS = 120
"""How much of one, where it is part of a line."""


def noted(incidents: Iterable[Incident]) -> list[str]:
    """`📝 @ana 5 minutes ago: “passed the check by phone”`: the last notes, oldest first; what several share once."""
    found = sorted({each for incident in incidents for each in incident.notes}, key=lambda each: each.at)
    more = len(found) - SHOWN
    earlier = [f"📝 {more} earlier note{'s' * (more > 1)}"] if more > 0 else []
    return [*earlier, *(f"📝 {_by(each)} {stamp(each.at)}: {quoted(each.words, _WORDS)}" for each in found[-SHOWN:])]


def last_note(incident: Incident) -> str:
    """`📝 @ana: “passed the check by phone”`, as part of a line; nothing where nobody noted anything."""
    return f"📝 {words_of(incident.notes[-1])}" if incident.notes else ""


def words_of(note: Note) -> str:
    """`@ana: “passed the check by phone”`, as part of a line."""
    return f"{_by(note)}: {quoted(note.words, _FEW_WORDS)}"


def happened(past: Past | None) -> str:
    """`3rd time in 30 days, mostly over in 40 min. Last time (…): @ana: “passed the check by phone”`."""
    if past is None:
        return ""
    said = []
    if past.took is not None:
        times = f"More than {past.times} times" if past.more else f"{_ordinal(past.times + 1)} time"
        mostly = "mostly over in" if past.times > 1 else "the one before was over in"
        said.append(f"{times} in {LATELY.days} days, {mostly} {span(past.took)}.")
    if past.note is not None:
        when = "Last time" if past.latest else "An earlier time"
        said.append(f"{when} ({stamp(past.note.at)}): {_by(past.note)}: {quoted(past.note.words, _WORDS)}")
    return f"🔁 {' '.join(said)}"


def _by(note: Note) -> str:
    """A mention, which calls nobody where the message does not name them as allowed."""
    return f"<@{note.by}>"


def _ordinal(number: int) -> str:
    """`1st`, `22nd`, `113th`."""
    teens = number % 100 in {11, 12, 13}
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
