"""The daily digest: when it is due, once for each date of a time zone, and what it says.

A date's digest is due at a wall time of its zone. Where the clocks leave that time out, the offset from before counts,
as RFC 5545 has it, so that 2:30 is told at 3:30 of the new time; where that would be another date, the offset from
after counts. A time that comes twice counts once, the first time. So each date has one instant, whatever its clocks do.

What was told is remembered as a date. Nobody waits for an instant: whoever asks often enough gets each date once, late
after an outage, and a date that passed as a whole is part of the next digest.

Two digests that follow each other never tell the same twice: incidents are told by when they ended, from when one was
due until when the next one was, however late they are, and whatever was set meanwhile; and use by whole local days, up
to the day before.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from heapq import nsmallest

from bot.domain.forecast import Forecast, Verdict, forecast
from bot.domain.incidents import Happening, Incident, Note, Rule
from bot.domain.ledger import Ledger, uses
from bot.domain.model import Fleet, Severity
from bot.domain.value import Value, field

DAY = timedelta(days=1)

SHOWN = 5
"""Tokens that a digest names of one kind; of more it says how many."""

INCIDENTS = 12
"""Incidents that it names."""

BLIND = timedelta(minutes=70)
"""Without a reading of any token for so long, nobody watched. Each token is kept once an hour, however calm it is."""

LAPSING = 0.1
"""Of its allowance, that a token leaves at its refill at least, so that it is worth a line."""

LAPSING_WITHIN = 3 * DAY
"""Somebody can still use it."""

WITNESSES = 12
"""Tokens whose readings show when nobody watched: all are read together, and so many have their turns all over the
hour."""

AHEAD = 2 * DAY
"""How far a date that was told may lie in the future: as two zones of the world differ in theirs. One that is further
ahead was told by a clock that was wrong, and would keep the digest away until that date comes."""


def at_on(day: date, at: time, zone: tzinfo) -> datetime:
    """The instant, in UTC, at which the digest of a date is due."""
    before = datetime.combine(day, at, zone).astimezone(UTC)
    if before.astimezone(zone).date() == day:
        return before
    return datetime.combine(day, at.replace(fold=1), zone).astimezone(UTC)


def due(now: datetime, at: time, zone: tzinfo, last: date | None) -> date | None:
    """The date whose digest is to be told now; None when there is none.

    Args:
        now: The time, aware.
        at: The wall time at which it is told.
        zone: Whose wall time and dates these are.
        last: The date of the last one that was told; None where none ever was, and then none is due: see `begun`.
    """
    today = now.astimezone(zone).date()
    if last is None or today <= last <= today + AHEAD:
        return None
    return today if now >= at_on(today, at, zone) else None


def begun(now: datetime, at: time, zone: tzinfo) -> date:
    """What counts as told when nothing ever was: the first digest comes when its time next does.

    A bot that was just installed has told how the fleet stands, and has nothing to look back on.
    """
    today = now.astimezone(zone).date()
    return today if now >= at_on(today, at, zone) else today - DAY


def upcoming(now: datetime, at: time, zone: tzinfo) -> datetime:
    """When the next one is due by the clock, for people."""
    today = now.astimezone(zone).date()
    days = (today + number * DAY for number in range(3))  # of a date that does not exist there is no other to take
    return next(instant for day in days if (instant := at_on(day, at, zone)) > now)


class Tally(Value):
    """Incidents that ended: how many, how long they took, and the gravest of them."""

    count: int = 0
    answered: int = 0
    """How many of them somebody acknowledged."""
    to_answer: timedelta | None = None
    """How long that took: of half of those no longer."""
    to_end: timedelta | None = None
    """How long they lasted: half of them no longer."""
    worst: tuple[Incident, ...] = ()


class Ahead(Value):
    """What is to be said of a token's fast time, where that is worth a line."""

    token: int
    said: Forecast
    who: int | None = None
    """Discord's id of the person who has the incident about it."""


class Last(Value):
    """What somebody noted the last time that what is open happened."""

    token: int
    note: Note


class Gap(Value):
    """A time in which nothing was read."""

    since: datetime
    until: datetime
    first: bool = False
    """Whether nothing was ever read before it ended: the bot had not begun to watch."""


class Digest(Value):
    """What happened since the digest before, how things stand, and what is coming."""

    day: date
    """Which date's it is."""
    since: datetime
    """When the digest before was due."""
    until: datetime
    """When this one was."""
    made_at: datetime
    """When it was made, and as of when it says how things stand."""
    days: tuple[date, date]
    """The first and the last local day whose use it sums up."""
    linked: int = 0
    """Tokens, those that are switched off among them."""
    off: int = 0
    usable: int = 0
    left: float | None = None
    """Minutes of fast time of those that work; None where no text says."""
    read_at: datetime | None = None
    """When the fleet was last read."""
    failing: bool = False
    """Whether the last poll brought no reading."""
    used: float | None = None
    """Minutes of fast time; None where nobody knows of any token."""
    most: tuple[tuple[int, float], ...] = ()
    """The tokens that used the most, with their minutes."""
    users: int = 0
    """How many tokens used any."""
    short: tuple[Ahead, ...] = ()
    """The tokens that do not last until their refill, the first to run dry first."""
    shorts: int = 0
    """How many there are."""
    unsure: tuple[int, ...] = ()
    """The tokens that may not last, the likeliest to run dry first."""
    unsures: int = 0
    """How many there are."""
    lasting: int = 0
    """How many last."""
    lapse: tuple[Ahead, ...] = ()
    """The tokens of whose fast time much lapses at a refill soon, the most first."""
    lapses: int = 0
    """How many there are."""
    zone: str = "UTC"
    """In whose dates it speaks."""
    ended: Tally = field(default_factory=Tally)
    """The incidents that ended."""
    stands: tuple[Incident, ...] = ()
    """The gravest incidents that are open."""
    open: int = 0
    """How many are."""
    last: tuple[Last, ...] = ()
    """What was noted the last time, of those of `stands` of which nobody has noted anything yet."""
    gaps: tuple[Gap, ...] = ()
    """The longest times in which nothing was read."""
    blind: timedelta = timedelta()
    """How long all of them were."""
    refills: tuple[int, ...] = ()
    """Tokens whose fast time is refilled on that day, after it was made."""
    refilling: int = 0
    """How many."""

    @property
    def clear(self) -> bool:
        """Whether there is nothing to do, and nothing that could not be seen."""
        works = self.linked > self.off and self.usable == self.linked - self.off
        return works and not (self.open or self.failing or self.gaps or self.shorts or self.unsures)


def tally(incidents: Iterable[Incident]) -> Tally:
    """Sum up incidents that ended, less those on which nobody had to act; of any number few are held at a time."""
    worst: list[Incident] = []
    answers: list[timedelta] = []
    lengths: list[timedelta] = []
    for each in incidents:
        if not _matters(each) or each.resolved_at is None:
            continue
        fired = next((moment.at for moment in each.moments if moment.what is Happening.FIRED), each.opened_at)
        lengths.append(each.resolved_at - fired)
        taken = (moment.at for moment in each.moments if moment.what is Happening.ACKNOWLEDGED and moment.who)
        if (answered := next(taken, None)) is not None:
            answers.append(answered - fired)
        worst.append(each)
        if len(worst) > 10 * INCIDENTS:
            worst = _worst(worst)
    return Tally(len(lengths), len(answers), _middle(answers), _middle(lengths), tuple(_worst(worst)))


def _matters(incident: Incident) -> bool:
    """Whether somebody had to act on it."""
    return incident.notifiable and incident.severity is not Severity.INFO


def _worst(incidents: Iterable[Incident]) -> list[Incident]:
    return nsmallest(INCIDENTS, incidents, key=lambda each: (-each.severity.rank, each.began_at))


class Told(Value):
    """The last digest that was told."""

    day: date
    """Which date's it was."""
    until: datetime | None = None
    """When it was due, which is how far it told what had ended; None where none ever was."""


class Cover(Value):
    """What a digest is about: which date's it is, and what it covers."""

    day: date
    since: datetime
    until: datetime
    days: tuple[date, date]
    zone: tzinfo
    """Whose dates these are."""


def cover(day: date, at: time, zone: tzinfo, last: Told, kept: int) -> Cover:
    """What the digest of a date is about: what the last one did not tell, also where it was due at another time then.

    Args:
        day: The date.
        at: The wall time at which it is due.
        zone: Whose wall time and dates these are.
        last: The digest before.
        kept: How many local days back use is known.
    """
    first = max(min(last.day, day - DAY), day - kept * DAY)
    since, until = at_on(first, at, zone), at_on(day, at, zone)
    if last.until is not None and first == last.day:  # or else it was told by a clock that was wrong, or long ago
        since = last.until
    return Cover(day, since, max(since, until), (first, day - DAY), zone)


def digest(
    about: Cover,
    now: datetime,
    fleet: Fleet,
    ledgers: Mapping[int, Ledger],
    incidents: Collection[Incident],
    ended: Tally,
    seen: Iterable[datetime],
    looked: Mapping[int, Forecast] | None = None,
) -> Digest:
    """Make the digest of a date.

    Args:
        about: What it is about.
        now: The time.
        fleet: What was read last.
        ledgers: How tokens use their fast time, by id.
        incidents: What is pending or firing.
        ended: What ended in the time that it is about.
        seen: When tokens were read in that time, and the last time before, in any order.
        looked: What was foretold of tokens at the last look, by id.
    """
    on = [token for token in fleet.tokens.values() if token.active is not False]
    usable = fleet.usable
    left = [max(0.0, token.fast_time.remaining) for token in usable if token.fast_time.remaining is not None]
    zone, before = about.zone, looked or {}
    said = {
        token.id: forecast(ledgers.get(token.id), token, now, zone, fleet.age_of(token.id)).holding(
            before.get(token.id)
        )
        for token in on
    }
    short, unsure, lapse = _ahead(said, fleet, now)
    stands = [each for each in incidents if each.open and _matters(each) and not _is_of(each, said)]
    who = {each.key.token: each.acknowledged.who for each in incidents if each.acknowledged and _is_of(each, said)}
    by_token = _uses(ledgers, about.days)
    most = sorted(((token, minutes) for token, minutes in by_token.items() if minutes > 0), key=lambda use: -use[1])
    gaps = _gaps(seen, about.since, min(now, about.until))
    refills = sorted(token.id for token in on if _refills(token.subscription.next_refill(now), about.day, zone))
    return Digest(
        day=about.day,
        since=about.since,
        until=about.until,
        made_at=now,
        days=about.days,
        linked=len(fleet.tokens),
        off=len(fleet.tokens) - len(on),
        usable=len(usable),
        left=sum(left) if left else None,
        read_at=fleet.read_at,
        failing=fleet.failure is not None,
        used=sum(by_token.values()) if by_token else None,
        most=tuple(most[:SHOWN]),
        users=len(most),
        short=tuple(Ahead(token, said[token], who.get(token)) for token in short[:SHOWN]),
        shorts=len(short),
        unsure=tuple(unsure[:SHOWN]),
        unsures=len(unsure),
        lasting=sum(each.verdict is Verdict.LASTS for each in said.values()),
        lapse=tuple(Ahead(token, said[token]) for token in lapse[:SHOWN]),
        lapses=len(lapse),
        zone=str(zone),
        ended=ended,
        stands=tuple(_worst(stands)),
        open=len(stands),
        gaps=tuple(sorted(gaps, key=lambda each: each.since - each.until)[:SHOWN]),
        blind=sum((each.until - each.since for each in gaps), timedelta()),
        refills=tuple(refills[:SHOWN]),
        refilling=len(refills),
    )


def _ahead(said: Mapping[int, Forecast], fleet: Fleet, now: datetime) -> tuple[list[int], list[int], list[int]]:
    """The tokens that do not last, those that may not, and those of which much will lapse soon."""
    short = [token for token, each in said.items() if each.verdict is Verdict.DOES_NOT_LAST]
    unsure = [token for token, each in said.items() if each.verdict is Verdict.MAY_NOT_LAST]
    lapse = [
        token
        for token, each in said.items()
        if each.verdict is Verdict.LASTS
        and each.renews_at is not None
        and each.renews_at - now <= LAPSING_WITHIN
        and (each.spare or 0) > LAPSING * (fleet.tokens[token].fast_time.total or 0)
    ]
    return (
        sorted(short, key=lambda token: (said[token].dry_at or said[token].renews_at or now, token)),
        sorted(unsure, key=lambda token: (-(said[token].chance or 0), token)),
        sorted(lapse, key=lambda token: (-(said[token].spare or 0), token)),
    )


def _is_of(incident: Incident, said: Mapping[int, Forecast]) -> bool:
    """Whether it says no more than that a token does not last, which has a line of its own."""
    token = said.get(incident.key.token or 0)
    return incident.key.rule is Rule.DOES_NOT_LAST and token is not None and token.verdict is Verdict.DOES_NOT_LAST


def _uses(ledgers: Mapping[int, Ledger], days: tuple[date, date]) -> dict[int, float]:
    """The minutes that each token used on these days, of those of which that is known of any."""
    first, last = days
    span = [first + number * DAY for number in range((last - first).days + 1)]
    known = {token: uses(each, span, last) for token, each in ledgers.items()}
    return {
        token: sum(minutes or 0.0 for minutes in found)
        for token, found in known.items()
        if any(minutes is not None for minutes in found)
    }


def _middle(times: Sequence[timedelta]) -> timedelta | None:
    """The median, the lower one of two; None of none."""
    return sorted(times)[(len(times) - 1) // 2] if times else None


def _refills(at: datetime | None, day: date, zone: tzinfo) -> bool:
    return at is not None and at.astimezone(zone).date() == day


def _gaps(seen: Iterable[datetime], since: datetime, until: datetime) -> list[Gap]:
    """The times without a reading of any token, as far as they lie in that time."""
    instants = sorted(each for each in set(seen) if each < until)
    if not instants:
        return [Gap(since, until)] if until - since > BLIND else []
    found = [Gap(since, instants[0], first=True)] if instants[0] - since > BLIND else []
    for before, after in zip(instants, [*instants[1:], until], strict=True):
        if after - max(before, since) > BLIND:
            found.append(Gap(max(before, since), after))
    return found
