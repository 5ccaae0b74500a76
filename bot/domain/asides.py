"""What is said beside the ops channel: to one person, or in the thread under a card. Pure.

An aside says which incidents it is about, and what is new of them; its words are chosen when it is sent, by what the
incidents have become by then.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.incidents import Incident, Key, Moment, Note
from bot.domain.value import Value


class Place(StrEnum):
    """Where an aside is said."""

    PERSON = "person"
    """In direct messages."""
    THREAD = "thread"


class What(StrEnum):
    """Why an aside is said."""

    PAGE = "page"
    """Something calls whoever is on call."""
    TAKEN = "taken"
    """Somebody has an incident that was another's, or nobody's."""
    CHANGED = "changed"
    ENDED = "ended"
    NOTE = "note"
    FIRED = "fired"
    """Something fired, or got worse, of what somebody wished to hear of."""
    WELCOME = "welcome"
    """Somebody wished to hear of something, and is to see that it reaches them."""
    MORNING = "morning"
    """What was kept back in quiet hours."""


STALE_PAGE: Final = timedelta(hours=1)
STALE: Final = timedelta(days=1)
"""How old a page, and anything else, may get before it is dropped: whoever hears of it so late is only misled."""


class Aside(Value):
    """Something to say beside the ops channel."""

    to: int
    """Discord's id of the person, or of the thread."""
    place: Place
    at: datetime
    what: What
    keys: tuple[Key, ...] = ()
    """The incidents that it is about."""
    moments: tuple[Moment, ...] = ()
    """What is new of their timelines; the same for each of them."""
    notes: tuple[Note, ...] = ()
    """What somebody wrote about them."""

    @property
    def stale_at(self) -> datetime:
        """From when on it is not said any more."""
        return self.at + (STALE_PAGE if self.what is What.PAGE else STALE)


class Bundle(Value):
    """What one person, or one thread, is sent next: all that waits for them, in one message."""

    id: int
    mark: str
    """Short and unique over installations (`k3f9-a57`): the post's nonce, and a word in its last line."""
    to: int
    place: Place
    asides: tuple[Aside, ...]
    """Oldest first."""
    incidents: tuple[Incident, ...] = ()
    """Those that they are about, as they are stored now; of each key the newest."""
    uncertain_since: datetime | None = None
    """Start of the first attempt to send it whose outcome is not known; None when no such attempt is open."""
    tries: int = 0
    """Attempts in a row that failed."""
