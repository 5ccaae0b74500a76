"""What one reading finds wrong, and what it ends: a rule's word on one key, and a poll's on all of them.

`bot.domain.lifecycle` makes incidents of it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.domain.forecast import Burning, Forecast
from bot.domain.incidents import End, Key, Rule
from bot.domain.model import Record, Severity, Token
from bot.domain.value import Value, field


class Ended(Value):
    """What a rule says of an incident that this reading ends."""

    key: Key
    end: End
    at_once: bool = False
    """Whether that need not be seen several times, though good news of its rule has to be."""


class Finding(Value):
    """What is wrong in one reading."""

    key: Key
    severity: Severity
    """As its rule is set."""
    natural: Severity | None = None
    """What was read would make it so severe, however its rule is set and however long it lasts; None for `severity`."""
    floor: Severity = Severity.INFO
    """No setting makes it less severe: a lesser level of the same trouble is as severe as that."""
    row: Rule | None = None
    """The rule by whose row it is set, where that is not its key's."""
    deeper: bool = False
    """Whether this reading made it worse, though it may be as severe as before."""
    was: Record | None = None
    """The token as it was before this began; None when it was not seen before."""
    was_at: datetime | None = None
    """When it was last so; None when that is as of the reading before."""
    now: Record | None = None
    """The token as read."""
    detail: str = ""
    """For people, when the records do not say it: the upstream's own words, escaped by whoever shows them.

    Empty for the rules about what is to come, which an older version takes for a level of fast time.
    """
    origin: str = ""
    """The status before the token's trouble began, through whatever statuses followed; for rules about the status."""
    readings: int = 1
    """How many readings in a row must find it before it fires."""
    keep_firing_for: int = 1
    """How many readings in a row must miss it before it resolves: a count, and not a time as in Prometheus."""
    for_: timedelta = timedelta()
    """How long it must have been found before it fires: Prometheus's `for`."""
    flips: tuple[datetime, ...] = ()
    """When the token changed its status, for the rule that counts this; oldest first."""
    momentary: bool = False
    """Notifies once, and is resolved at once."""
    holds: Severity = Severity.INFO
    """It inhibits what is as grave as that, though it may be less grave itself."""
    muted: bool = False
    """Kept, but notifies nobody: its rule is off, and still has something to do."""
    about: tuple[int, ...] = ()
    """The tokens that make it so, for a rule about the fleet; empty where they are too many to name."""
    until: datetime | None = None
    """Until when the upstream asks to be left alone, for the rules about that."""
    forecast: Forecast | None = None
    """What is to come, for the rules about that."""
    burning: Burning | None = None
    """How fast it burns, for the rule about that."""


class Judgement(Value):
    """What one poll found, and about what it says nothing."""

    at: datetime
    """When the reading was made."""
    findings: Mapping[Key, Finding]
    ends: Mapping[Key, End] = field(default_factory=dict)
    """Of keys that are pending or firing, those that end. Neither found nor ended is no word: such a key does not move.
    """
    at_once: frozenset[Key] = frozenset()
    """Of those the ones that need not be seen several times."""
    whole: bool = True
    """Whether this was a poll. A token that was read alone, or a tick of the clock, counts as no further reading."""
    unseen: frozenset[Key] = frozenset()
    """What was pending when it was last looked for, so long ago that nobody knows what was in between."""
    tokens: Mapping[int, Token] = field(default_factory=dict)
    """As read, for the incidents that end."""
    before_at: datetime | None = None
    """When the tokens were read before."""
    baseline: bool = False
    """Whether this is the first reading ever: one summary notifies of all that it finds."""
