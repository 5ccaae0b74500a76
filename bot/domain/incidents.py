"""Findings over time become incidents: what these are, and what the ops channel is sent about them.

A *finding* is what is wrong in one reading. An *incident* is a finding over time, under one `Key`:

    nothing -> pending (not seen often or long enough for its rule) -> firing -> resolved

Whoever reads the channel can acknowledge a firing incident, which stops its reminders until it gets worse. One that
resolved is history: the same key may open again, as another incident. `bot.domain.lifecycle` moves them.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.forecast import Burning, Forecast
from bot.domain.model import Record, Severity
from bot.domain.value import Value, field, replace


class Rule(StrEnum):
    """What can be wrong, or worth a line. How severe each is by default is in `bot.domain.rules.table`."""

    BASELINE = "baseline"
    """The first reading ever: one summary of the fleet."""
    UPSTREAM_DOWN = "upstream_down"
    UPSTREAM_REFUSED = "upstream_refused"
    CREDITS_LOW = "credits_low"
    """Few of the plan's credits at ImaginePro are left, or none."""
    PLAN_EXPIRES = "plan_expires"
    """The plan at ImaginePro is about to end, or has ended. What a token's own plan at Midjourney does is another rule.
    """
    BANNED = "banned"
    VERIFYING = "verifying"
    DEGRADED = "degraded"
    """Was FAST, is RELAX."""
    UNKNOWN_STATUS = "unknown_status"
    RESTORED = "restored"
    """RELAX became FAST without an incident before: worth a line."""
    FAST_TIME_LOW = "fast_time_low"
    """All about a token's fast time: one incident, of which each threshold, and none left, is a level."""
    FAST_TIME_GONE = "fast_time_gone"
    """How the last of those levels is set. Only older versions of the bot made incidents of it."""
    DOES_NOT_LAST = "does_not_last"
    """At its pace, its fast time will be gone before the refill."""
    BURNING_FAST = "burning_fast"
    """So much fast time was used within the hour that it would be gone in a few more."""
    INACTIVE = "inactive"
    GONE = "gone"
    """No longer in the upstream's list."""
    NEW = "new"
    SUBSCRIPTION = "subscription"
    """Not active, or not renewed when it was due."""
    QUEUE_STUCK = "queue_stuck"
    FROZEN = "frozen"
    """Jobs run, and fast time does not move."""
    POOL = "pool"
    """Too few tokens work, or too little fast time is left in the whole fleet."""
    LIST_SHORT = "list_short"
    """The upstream lists hardly any of the tokens that it listed before."""
    UPSTREAM_STALE = "upstream_stale"
    """No poll has ended for a while."""
    FLAPPING = "flapping"
    """A token changes its status again and again."""
    TEST = "test"
    """Nothing is wrong: somebody asked for a page, to see whom it reaches. No reading finds it, and nothing suppresses
    it."""


AHEAD = frozenset({Rule.DOES_NOT_LAST, Rule.BURNING_FAST})
"""Rules about what is to come. No reading finds it: `bot.domain.watch.ahead` looks for it, now and then."""

LOOKED_EVERY = timedelta(hours=1)
"""How far apart those looks are that count, of a rule that takes several in a row."""


class Happening(StrEnum):
    """What an incident's timeline is made of."""

    FIRED = "fired"
    RAISED = "raised"
    LOWERED = "lowered"
    ACKNOWLEDGED = "acknowledged"
    """`who` has it; if another did it, `by` handed it over. Without `who` it was released: nobody has it any more.

    That is one word for three, so that a version from before these reads the timeline, too.
    """
    SILENCED = "silenced"
    REMINDED = "reminded"
    ACTED = "acted"
    """Something was done about it at ImaginePro, or tried: `Moment.act` says what. `who` asked for it; without, the bot
    itself did. A version from before there were acts reads another word: see `bot.storage.turning`."""
    RESOLVED = "resolved"
    """It ended; why says the incident's `End`."""
    UNWATCHED = "unwatched"
    """Its rule, or this step of it, was switched off: it ended, and whether it got better is not known."""


class Reason(StrEnum):
    """Why an incident ended. Only the rule knows; and only `WELL` is good news."""

    WELL = "well"
    """What it is about was seen to be healthy."""
    BECAME = "became"
    """It is no longer so, and something else is wrong."""
    UNTOLD = "untold"
    """Nobody can tell any more."""
    OFF = "off"
    """Its token was switched off, or every token."""
    GONE = "gone"
    """Its token is no longer listed."""
    UNWATCHED = "unwatched"
    """Its rule, or this step of it, was switched off."""


class Moment(Value):
    """One entry of a timeline."""

    at: datetime
    what: Happening
    who: int | None = None
    """Discord's id of the person who did it; of the one who has it now, where another did it."""
    by: int | None = None
    """Discord's id of the person who handed it over, or released it."""
    severity: Severity | None = None
    """What it rose or fell to; as how severe it was silenced, if it makes a sound when it is graver."""
    until: datetime | None = None
    """Until when it is silenced; None for "until it is over"."""
    act: str = ""
    """What was done, as before "by @ana": `switched off`."""


class Note(Value):
    """What somebody wrote of an incident, for whoever has it next."""

    at: datetime
    by: int
    """Discord's id of the person who wrote it."""
    words: str
    """As they were written, and so not yet safe to show."""


class Stage(StrEnum):
    """Where an incident is in its life."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


_OF: Final = " of "
"""In the step of a key, before the name of its group."""


class Key(Value):
    """What an incident is about. At most one incident of a key is open."""

    rule: Rule
    token: int | None = None
    """The token's id; None for the fleet and the upstream."""
    step: str = ""
    """Which of the two things the pool checks, and of which group; of fast time, a threshold's text where an older
    version stored it."""

    @property
    def part(self) -> str:
        """Which of the two things the pool checks."""
        return self.step.partition(_OF)[0]

    @property
    def group(self) -> str:
        """The name of the group that it is about; empty where it is about none."""
        return self.step.partition(_OF)[2]

    def of_group(self, name: str) -> "Key":
        """The same of a group."""
        return Key(self.rule, self.token, f"{self.part}{_OF}{name}")


TEST = Key(Rule.TEST)
"""Of a test: one at a time is open."""

ANYBODY = "usable"
FAST_HOURS = "fast time"
"""The two things that the rule about the whole fleet checks; they are the steps of its keys."""


GONE: Final = "gone"
"""The deepest level of fast time: none is left."""


class End(Value):
    """How an incident ended."""

    reason: Reason
    became: tuple[Rule, ...] = ()
    """What is wrong instead, the gravest first."""


class Incident(Value):
    """A finding over time."""

    key: Key
    severity: Severity
    stage: Stage
    opened_at: datetime
    """When the reading was made that found it first."""
    read_at: datetime
    """When the reading was made that its card shows: the last that changed it."""
    resolved_at: datetime | None = None
    unbroken_since: datetime | None = None
    """Since when it was found without a gap that nobody saw; None for `opened_at`."""
    seen: int = 1
    """How many readings in a row found it, while pending; counted as far as its rule asks."""
    was: Record | None = None
    was_at: datetime | None = None
    """When `was` was last read."""
    now: Record | None = None
    """The token as of `read_at`; None when it is not in the list, and for rules that are about no token."""
    detail: str = ""
    origin: str = ""
    """As in `Finding`."""
    natural: Severity | None = None
    """As in `Finding`; None where an older version of the bot stored it."""
    about: tuple[int, ...] = ()
    """As in `Finding`."""
    until: datetime | None = None
    """As in `Finding`."""
    holds: Severity = Severity.INFO
    """As in `Finding`."""
    forecast: Forecast | None = None
    """As in `Finding`, when its card was last made."""
    burning: Burning | None = None
    """As in `Finding`, when it fired."""
    end: End | None = None
    """How it ended; None while it has not, and where an older version of the bot stored it."""
    notifiable: bool = field(default=True, name="told")
    """Whether the channel is notified of it; False when it never fired."""
    keep_firing_for: int = field(default=1, name="clear")
    missed: int = 0
    """How many readings in a row missed it, while firing; at `keep_firing_for` it resolves."""
    missed_at: datetime | None = None
    """When the first of those was made."""
    flips: tuple[datetime, ...] = ()
    moments: tuple[Moment, ...] = ()
    """Its timeline, oldest first."""
    acknowledged: Moment | None = None
    silenced: Moment | None = None
    """Who silenced it, or its token, while that lasts. Not of a silence of its rule, which is about others as well."""
    believed: Moment | None = None
    """Who says that a list is as short as it should be."""
    notified_at: datetime | None = field(default=None, name="loud_at")
    """When the channel was last notified of it: it fired, rose, or was reminded of. None when it has no card.

    Also when a reminder was put off, because the notification before it is not delivered yet.
    """
    first_notified_at: datetime | None = None
    """When the channel was notified of it for the first time; None when it was not, and where an older bot did so."""
    notified_as: Severity | None = field(default=None, name="heard")
    """The severity that the channel was notified of; None if it was not."""
    reminders: int = 0
    """How many there were since it fired or rose."""
    sounds: tuple[int, ...] = ()
    """When the channel got a message of it with a sound, in seconds since 1970; of many the first, and the latest.

    Its card, each time that it got worse, and each reminder. Empty where an older version of the bot notified of it.
    """
    notes: tuple[Note, ...] = ()
    """What people wrote of it, oldest first; also after it ended."""
    called: int | None = None
    """Discord's id of whoever was on call when the channel was first notified of it; None where nobody was."""
    thread: int | None = None
    """Discord's id of the thread under its card; None while there is none."""

    @property
    def began_at(self) -> datetime:
        """Since when it is surely so."""
        return self.unbroken_since or self.opened_at

    @property
    def open(self) -> bool:
        """Whether it is firing."""
        return self.stage is Stage.FIRING

    @property
    def pages(self) -> bool:
        """Whether it calls whoever is on call: it is critical, or a test of that, and nobody has it."""
        calls = self.severity is Severity.CRITICAL or self.key.rule is Rule.TEST
        return calls and self.open and self.acknowledged is None

    @property
    def has_card(self) -> bool:
        """Whether it has a card of its own. What only the first reading's summary named has none."""
        return self.notified_at is not None

    @property
    def unnotified(self) -> bool:
        """Whether it fired or rose while it was suppressed, and the channel was not notified of that."""
        return (
            self.open and self.notifiable and (self.notified_as is None or self.severity.rank > self.notified_as.rank)
        )

    @property
    def is_silenced(self) -> bool:
        """Whether somebody silenced it, as severe as it is now."""
        covered = self.silenced and (
            self.silenced.severity is None or self.severity.rank <= self.silenced.severity.rank
        )
        return bool(covered)

    @property
    def unwatched(self) -> bool:
        """Whether it ended because its rule or step was switched off, and not because it got better."""
        return bool(self.moments) and self.moments[-1].what is Happening.UNWATCHED

    @property
    def well(self) -> bool:
        """Whether it ended because all is well."""
        return not self.unwatched if self.end is None else self.end.reason is Reason.WELL


KEPT_MOMENTS = 50
"""Entries of a timeline: its beginning, and the latest."""


def noted(incident: Incident, moment: Moment) -> Incident:
    """The incident with one more entry in its timeline; a reminder takes the place of the one before."""
    first, rest = incident.moments[:1], incident.moments[1:]
    if rest and moment.what is rest[-1].what is Happening.REMINDED:
        rest = rest[:-1]
    return replace(incident, moments=(*first, *rest[-(KEPT_MOMENTS - 2) :], moment))


KEPT_SOUNDS = 200
"""Of one incident; somebody who is reminded once an hour for a week gets 169."""


def sounded(incident: Incident, at: datetime) -> Incident:
    """The incident with one more message that makes a sound."""
    first, rest = incident.sounds[:1], incident.sounds[1:]
    return replace(incident, sounds=(*first, *rest[-(KEPT_SOUNDS - 2) :], int(at.timestamp())))
