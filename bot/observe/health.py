"""What is wrong with the bot itself: facts go in, reasons come out. Each cause is a row of one table.

Durations are of the time in which the process could run: see `bot.observe.pulse`. No sentence holds a text of others,
since `/health` is read without a password.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from enum import StrEnum

from bot.domain.value import Value, field

READINGS_LATE = 3
"""Intervals after which the last reading is too old."""

DATABASE_AWAY = timedelta(seconds=30)
GATEWAY_AWAY = timedelta(minutes=2)
UNDELIVERED = timedelta(minutes=2)
"""How long something may wait while nothing is delivered: a Discord that is away is tried every 15 s."""

LAGGING = timedelta(seconds=10)
"""How long every beat may come late."""

STANDSTILL = timedelta(minutes=5)
"""How long a job may take to end a run, unless three times its interval are longer. No deadline inside of one is."""


class Role(StrEnum):
    """What this copy of the bot does."""

    LEADING = "leading"
    STANDBY = "standby"
    """Another process polls and notifies; this one waits to take its place."""


class Work(Value):
    """Something that should end a run again and again."""

    every: timedelta
    since: timedelta
    """Since a run ended, well or not, or since the first one was due."""

    @property
    def dead(self) -> bool:
        """Whether it will not come back by itself."""
        return self.since > max(STANDSTILL, 3 * self.every)


class Facts(Value):
    """How the bot is doing now."""

    role: Role = Role.STANDBY
    interval: timedelta = timedelta(minutes=1)
    """Between two polls."""
    unread: timedelta = timedelta()
    """Since the last reading, or since this copy leads; by the clock, unless that was set back."""
    left_alone: bool = False
    """Whether that is because ImaginePro asked to be left alone."""
    database_away: timedelta = timedelta()
    unwritable: bool = False
    """Whether the database can be read, and refuses to be written."""
    gateway_away: timedelta = timedelta()
    undelivered: timedelta = timedelta()
    """For how long a message has waited to be posted and none was; edits do not count."""
    blocked: bool = False
    """Whether Discord does not let the bot post in the channel."""
    parked: int = 0
    """Messages that Discord refused for good, of the last day."""
    lagging: timedelta = timedelta()
    """For how long the event loop has been late all the time."""
    jobs: Mapping[str, Work] = field(default_factory=dict)

    @property
    def dead(self) -> tuple[str, ...]:
        """The jobs that do not run any more."""
        return tuple(name for name, work in self.jobs.items() if work.dead)


class Cause(Value):
    """One thing that can be wrong."""

    word: str
    """Stable, for machines. Two causes that are mended in the same place may share it."""
    wrong: Callable[[Facts], bool]
    text: str
    """What it means and what to do."""
    standby: bool = False
    """Whether it concerns a copy that waits, too."""
    restart: bool = False
    """Whether a new start would mend it."""


CAUSES = (
    Cause(
        "database",
        lambda facts: facts.database_away > DATABASE_AWAY,
        "The database does not answer, so nothing is stored and nobody is notified. Check it, and DATABASE_URL.",
        standby=True,
    ),
    Cause(
        "database",
        lambda facts: facts.unwritable,
        "The database cannot be written: nothing is stored, and nobody is notified of what changes. Check whether its "
        "disk or plan is full, whether it is read-only, and what the bot's user may do.",
        standby=True,
    ),
    Cause(
        "poll",
        lambda facts: facts.unread > READINGS_LATE * facts.interval and not facts.left_alone,
        "The tokens were not read for three intervals, so alerts are late. Check ImaginePro, then the log.",
    ),
    Cause(
        "left_alone",
        lambda facts: facts.unread > READINGS_LATE * facts.interval and facts.left_alone,
        "ImaginePro asks to be left alone for a while, so alerts are late. The bot reads the tokens again after that.",
    ),
    Cause(
        "gateway",
        lambda facts: facts.gateway_away > GATEWAY_AWAY,
        "Discord's gateway is away: commands and buttons get no answer. Alerts go out as long as Discord takes them."
        " Check this machine's network and Discord's status; the bot goes on trying.",
    ),
    Cause(
        "blocked",
        lambda facts: facts.blocked,
        "Discord does not let the bot post in the ops channel, or none is set. Mend its permissions, or name one by"
        " /admin setup; what waits is kept.",
    ),
    Cause(
        "outbox",
        lambda facts: facts.undelivered > UNDELIVERED,
        "Messages wait to be posted, and none reaches the ops channel. Check Discord's status, then the log; nothing is"
        " lost.",
    ),
    Cause(
        "parked",
        lambda facts: facts.parked > 0,
        "Discord refused messages for good in the last day. `python -m bot check` lists them, with the reason.",
    ),
    Cause(
        "job",
        lambda facts: bool(facts.dead),
        "Part of the bot stands still; the log says which. Start it again, or set WATCHDOG=true.",
        standby=True,
        restart=True,
    ),
    Cause(
        "loop",
        lambda facts: facts.lagging > LAGGING,
        "The process gets too little CPU, or something holds it up: answers are late. Check the load of the machine.",
        restart=True,
    ),
)
"""Everything that turns `/health` red, the gravest first."""


def wrong(facts: Facts) -> Iterator[Cause]:
    """What is wrong now."""
    return (cause for cause in CAUSES if (cause.standby or facts.role is Role.LEADING) and cause.wrong(facts))
