"""The values that the bot is about: what ImaginePro lists about a token, and what we read in it.

A `Record` is what the upstream sent, less its secret. A `Token` is a record that was read by `bot.domain.info.read`.
Text that could not be read stays beside the value as `raw`: unknown is unknown, never zero.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Self

from bot.domain.value import Value, field


class Status(StrEnum):
    """What a token can do, in ImaginePro's words."""

    FAST = "FAST"
    RELAX = "RELAX"
    VERIFYING = "VERIFYING"
    BANNED = "BANNED"
    UNKNOWN = "UNKNOWN"
    """A word that we do not know; `Token.status_text` has it verbatim."""

    @property
    def works(self) -> bool:
        """Whether a token in this status takes jobs."""
        return self is Status.FAST or self is Status.RELAX


class Severity(StrEnum):
    """How much an incident matters; compare with `rank`."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    rank: int
    """0 for info, 1 for warning, 2 for critical."""

    def __new__(cls, value: str) -> Self:
        """The next graver one."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.rank = len(cls.__members__)
        return member


def gravest(severities: Iterable[Severity]) -> Severity:
    """The gravest of them; of none, info."""
    return max(severities, key=lambda each: each.rank, default=Severity.INFO)


class Unit(StrEnum):
    """The unit in which a fast time was written."""

    MINUTES = "minutes"
    HOURS = "hours"


class Mode(StrEnum):
    """Midjourney's speed mode of a token's account."""

    FAST = "fast"
    RELAX = "relax"
    TURBO = "turbo"


class Visibility(StrEnum):
    """Who sees the images that a token's account makes."""

    PUBLIC = "public"
    STEALTH = "stealth"


class PlanState(StrEnum):
    """The state of a Midjourney subscription."""

    ACTIVE = "active"
    TRIAL = "trial"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    INACTIVE = "inactive"


class Billing(StrEnum):
    """How often a subscription is paid. Fast time refills monthly on both."""

    MONTHLY = "monthly"
    YEARLY = "yearly"


class InfoText(Value):
    """The nine free texts of a record's `info`, as sent; an absent one is empty."""

    subscription: str = ""
    job_mode: str = ""
    visibility_mode: str = ""
    fast_time_remaining: str = ""
    lifetime_usage: str = ""
    relaxed_usage: str = ""
    queued_jobs_fast: str = ""
    queued_jobs_relax: str = ""
    running_jobs: str = ""


class Record(Value):
    """One token as the upstream lists it. The secret, its account's Discord token, is not part of it in any form."""

    id: int
    status: str
    """Verbatim; empty when the upstream left it out."""
    active: bool | None = None
    """Whether ImaginePro sends jobs to this token; None when it did not say."""
    channel_id: str = ""
    server_id: str = ""
    concurrency: int | None = None
    """How many jobs ImaginePro runs on this token at once."""
    info: InfoText = field(default_factory=InfoText)
    kept: Mapping[str, datetime] = field(default_factory=dict)
    """What the last reading left out: the names of those fields, of `info` as well, and when each was last read."""


class History(Value):
    """How a token came to its status. It belongs to the token: whatever rules are on, it is remembered."""

    since: datetime
    """When the status was first read."""
    before: str
    """The status before it, verbatim."""
    origin: str = ""
    """The status before all trouble, through whatever followed; empty while the status is none."""


class FastTime(Value):
    """Fast GPU time, in minutes whatever the unit of the text."""

    remaining: float | None = None
    """Minutes left; may be negative; None when the text does not say."""
    total: float | None = None
    """Minutes of the period's allowance."""
    percent: float | None = None
    """Left of the total: as printed, or else computed, or else None. May exceed 100 (bought time)."""
    unit: Unit | None = None
    raw: str = ""

    @property
    def known(self) -> bool:
        """Whether the text said how much is left."""
        return self.remaining is not None

    @property
    def gone(self) -> bool:
        """Whether the text said that nothing is left."""
        return self.remaining is not None and self.remaining <= 0


RENEWAL_GRACE = timedelta(hours=6)
"""How long after its renewal a plan may still show the old date."""

BELIEVED_FOR = timedelta(days=90)
"""How long after a stamp it is still about the present.

ImaginePro's documentation shows stamps that are years old, as accounts without an `/info` of their own may. A plan that
lapsed lately shows one that is days or weeks old; and within three periods of a month, somebody would have renewed it,
or Midjourney's text would say that it is inactive.
"""


class Subscription(Value):
    """A Midjourney plan. `plan` is the word of the text (`Basic`), without the word "Plan"; empty when unknown.

    Its text has no age: it is as old as the last `/info` that ImaginePro kept.
    """

    plan: str = ""
    state: PlanState | None = None
    billing: Billing | None = None
    renews_at: datetime | None = None
    ends_at: datetime | None = None
    """When the text says that it ends, is cancelled or expires at an instant."""
    unread: str = ""
    """What of the text was not understood beside that."""
    raw: str = ""

    @property
    def has_relax(self) -> bool | None:
        """Whether work can go on without fast time: Standard, Pro and Mega yes; Basic and trial no; else unknown.

        Source: Midjourney's help texts, mid-2026.
        """
        if self.state is PlanState.TRIAL:
            return False
        return {"basic": False, "standard": True, "pro": True, "mega": True}.get(self.plan.casefold())

    def next_refill(self, now: datetime) -> datetime | None:
        """When fast time is refilled next, in UTC; None when nobody knows, and for a plan that will not be refilled.

        Both billings refill monthly, on the day of the subscription. Of a monthly plan that is its renewal; of a yearly
        one the same day of each month before it, or the last day of a month that is too short, at the same hour.

        Source: Midjourney's help texts, mid-2026.
        """
        at = self.renews_at
        if at is None or at <= now or self.unrefilled(now):
            return None
        return at if self.billing is Billing.MONTHLY else _next_in_month(at, now)

    def unrefilled(self, now: datetime) -> bool:
        """Whether its own text says that it will not be refilled: cancelled, paused, ended, or it ends before."""
        if self.state not in {None, PlanState.ACTIVE} or self.ended(now):
            return True
        at = self.renews_at
        if at is None or at <= now or self.ends_at is None:
            return False
        refill = at if self.billing is Billing.MONTHLY else _next_in_month(at, now)
        return now <= self.ends_at <= refill

    def refill_due(self, now: datetime) -> datetime | None:
        """When it was to be refilled lately, while its text is still from before; None when it was not."""
        at = self.renews_at
        before = at is not None and timedelta() <= now - at <= RENEWAL_GRACE
        return at if before and self.state in {None, PlanState.ACTIVE} and not self.ended(now) else None

    def last_refill(self, now: datetime) -> datetime | None:
        """When fast time was refilled last, a month before it is next; None when nobody knows when that is."""
        at, day = self.next_refill(now), self.renews_at
        if at is None or day is None:
            return self.refill_due(now)
        at = at.astimezone(UTC)
        return _in_month(day.astimezone(UTC), at.year - (at.month == 1), (at.month - 2) % 12 + 1)

    def ended(self, now: datetime) -> bool:
        """Whether it has ended by its own text, lately."""
        return self.ends_at is not None and self.ends_at < now and not _too_old(self.ends_at, now)

    def overdue(self, now: datetime) -> bool:
        """Whether it was due for renewal for a while, and lately, and still shows the old date."""
        at = self.renews_at
        return at is not None and now - at > RENEWAL_GRACE and not _too_old(at, now)

    def in_order(self, now: datetime) -> bool:
        """Whether nothing in its text says otherwise. One that is cancelled runs until its end."""
        runs_on = self.state is PlanState.CANCELLED and self.ends_at is not None and self.ends_at >= now
        active = runs_on or self.state in {None, PlanState.ACTIVE, PlanState.TRIAL}
        return active and not self.ended(now) and not self.overdue(now)

    def dated(self, now: datetime) -> bool:
        """Whether it shows a stamp that is too far in the past to be about the present."""
        return any(at is not None and _too_old(at, now) for at in (self.renews_at, self.ends_at))

    def ahead(self, now: datetime) -> bool:
        """Whether it shows that it goes on: until its renewal, just now at the latest, or its end."""
        dates = (self.renews_at and self.renews_at + RENEWAL_GRACE, self.ends_at)
        return any(at is not None and at >= now for at in dates)

    @property
    def turns(self) -> tuple[datetime, ...]:
        """The instants after which the time alone puts it out of order."""
        due = () if self.renews_at is None else (self.renews_at + RENEWAL_GRACE,)
        return due if self.ends_at is None else (*due, self.ends_at)


def _too_old(at: datetime, now: datetime) -> bool:
    return now - at > BELIEVED_FOR


def _next_in_month(day: datetime, now: datetime) -> datetime:
    """The first time after now that is on the day of the month, and at the hour, of a later instant."""
    day, now = day.astimezone(UTC), now.astimezone(UTC)
    year, month = now.year, now.month
    at = _in_month(day, year, month)
    return at if at > now else _in_month(day, year + month // 12, month % 12 + 1)


def _in_month(day: datetime, year: int, month: int) -> datetime:
    return day.replace(year=year, month=month, day=min(day.day, monthrange(year, month)[1]))


class Usage(Value):
    """Images made, and the GPU hours they took when the text says so."""

    images: int | None = None
    hours: float | None = None
    raw: str = ""


class Count(Value):
    """A number of jobs; None when the text is not a number (`raw` then has the text)."""

    value: int | None = None
    raw: str = ""


class Token(Value):
    """A record, read. Everything that could not be read is None, with its text kept in the record."""

    id: int
    status: Status
    status_text: str
    active: bool | None
    fast_time: FastTime
    subscription: Subscription
    lifetime: Usage
    relaxed: Usage
    queued_fast: Count
    queued_relax: Count
    running: Count
    """0 when idle, None when jobs run or the text says nothing: the upstream cuts the list, so it cannot be counted."""
    mode: Mode | None
    visibility: Visibility | None
    usable: bool
    """Whether jobs sent to this token now would be worked on. It follows from the rest; alerts ask it of each token."""
    record: Record


class Threshold(Value):
    """A level of fast time under which to warn. Exactly one of the three is set."""

    text: str
    """As configured: `20%`, `30m`, `2h`, `eta 12h`."""
    percent: float | None = None
    """Of the total."""
    minutes: float | None = None
    ahead: float | None = None
    """Minutes from now, in which it will be gone by the forecast."""


class Trouble(StrEnum):
    """Why a reading failed, as far as an operator needs to tell them apart."""

    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed out"
    RATE_LIMITED = "rate limited"
    SERVER_ERROR = "server error"
    MALFORMED = "malformed answer"
    REFUSED = "refused"
    NOT_FOUND = "not found"


class Failure(Value):
    """A poll that brought no reading. `detail` is for people; part of it is the upstream's own text; no secret is."""

    trouble: Trouble
    detail: str
    at: datetime
    status: int | None = None
    """Of the answer; None when there was none."""
    until: datetime | None = None
    """Until when the upstream asks to be left alone, and is; None when it did not ask."""


class Reading(Value):
    """One successful fetch."""

    tokens: Mapping[int, Token]
    """By id."""
    at: datetime
    """When the answer was there."""
    asked_at: datetime | None = None
    """When it was asked for; None where that does not matter."""
    whole: bool = True
    """Whether this is the whole fleet, or else some tokens that were asked for alone."""


class Fleet(Value):
    """What is known now: the last reading of each token, its age, and whether the upstream is in trouble."""

    tokens: Mapping[int, Token] = field(default_factory=dict)
    """By id."""
    read_at: datetime | None = None
    """When the whole fleet was last read; None before the first reading."""
    failure: Failure | None = None
    """The last poll's failure; None when it succeeded."""
    read_alone: Mapping[int, datetime] = field(default_factory=dict)
    """When a token was read alone, after the last reading of the whole fleet."""
    asked_at: datetime | None = None
    """When the last reading of the whole fleet was asked for; None where this process did not ask."""
    names: Mapping[int, str] = field(default_factory=dict)
    """What people call tokens, by id; of those that are not in the list, too."""

    def age_of(self, token_id: int) -> datetime | None:
        """When that token was last read."""
        return self.read_alone.get(token_id, self.read_at)

    @property
    def left_alone_until(self) -> datetime | None:
        """Until when the upstream asked to be left alone, and is, if that is why the last poll failed."""
        return self.failure.until if self.failure else None

    @property
    def usable(self) -> tuple[Token, ...]:
        """The tokens that take jobs now."""
        return tuple(token for token in self.tokens.values() if token.usable)
