"""Somebody notes something of incidents, of those that are over as well."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from bot.domain.incidents import Incident, Note
from bot.domain.naming import names_of
from bot.domain.notes import LONGEST, MOST, says, with_note
from bot.domain.steering import Entry
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known

EMPTY = "A note without words says nothing."
TOO_LONG = f"A note has {LONGEST} characters at most"
FULL = f"There are {MOST} notes on it already, and no more are kept."
FORGOTTEN = "The bot knows nothing of it any more: incidents are kept for 90 days."


def note(known: Known, stored: Iterable[Incident], by: int, words: str, now: datetime) -> tuple[Changes, Known]:
    """Somebody notes something: it is kept with those of the incidents that are open, or with all where none is.

    Args:
        known: What is known, of which those that are open are taken.
        stored: The incidents as they are stored now.
        by: Discord's id of who writes.
        words: What is noted, as it was written.
        now: The time.

    Returns:
        Nothing to store, if their last note is the same already.

    Raises:
        ValueError: It cannot be kept; with a sentence that says why.
    """
    written = Note(now, by, words.replace("\0", "").encode(errors="replace").decode().strip())
    if not written.words:
        raise ValueError(EMPTY)
    if len(written.words) > LONGEST:
        message = f"{TOO_LONG}, and this one has {len(written.words)}."
        raise ValueError(message)
    about = _meant([_as_known(known, each) for each in stored])
    if not about:
        raise ValueError(FORGOTTEN)
    noted = [after for each in about if (after := with_note(each, written)) is not each]
    if not noted and not any(says(each, written) for each in about):
        raise ValueError(FULL)
    # The card of one that is open again says what was noted of the one before.
    again = [found for each in noted if (found := known.incidents.get(each.key)) and found.has_card and not each.open]
    changes = Changes(
        known.fleet.read_at,
        incidents=(*noted, *again),
        notify=frozenset(each.key for each in noted if each.has_card),
        audit=(Entry(now, by, "note", names_of(each.key for each in noted)),) if noted else (),
    )
    still = {each.key: each for each in noted if each.open}
    return changes, replace(known, incidents={**known.incidents, **still}) if still else known


def kept(changes: Changes) -> tuple[Incident, ...]:
    """The incidents that a note of these changes is kept with."""
    at = {entry.at for entry in changes.audit}
    return tuple([each for each in changes.incidents if any(one.at in at for one in each.notes[-1:])])


def _as_known(known: Known, stored: Incident) -> Incident:
    found = known.incidents.get(stored.key)
    return found if found is not None and found.opened_at == stored.opened_at else stored


def _meant(incidents: Sequence[Incident]) -> Sequence[Incident]:
    return [each for each in incidents if each.open] or incidents
