"""Whether a token's fast time lasts until it is refilled, and when it runs out if it does not: by its ledger.

What is used until the renewal is a sum of days, of which the ledger knows some thirty. They give a pace (old days and
the last ones together), the shape of a day and of a week, and how much a day differs from the pace. The sum is taken
for a gamma distribution of that mean and scatter: so there is a chance that it is more than what is left, and a range
of when. `docs/forecast.md` has how often that was right, beside the ways that others go.

Nothing is said of the time after the renewal, while a refill is due that does not show, and of a token of which less
than a day is known.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final

from bot.domain.book import FIVES, SPENT, Book, seconds
from bot.domain.ledger import FAST_TIME, Ledger, opened, takes_jobs
from bot.domain.model import Token
from bot.domain.pace import Outlook, outlook
from bot.domain.value import Value, replace

LIKELY: Final = 0.80
"""The chance of running dry from which on it does not last."""

UNLIKELY: Final = 0.40
"""The chance of running dry under which it lasts."""

ENOUGH: Final = timedelta(days=1)
"""So much must be known: watched, or passed of the cycle when it was first read."""

FRESH: Final = timedelta(days=1)
"""A reading that is older says nothing about what is to come."""

EDGE: Final = 1.2816
"""Standard deviations on either side, between which eight of ten times lie."""

BURNS_OUT: Final = timedelta(hours=3)
"""What burns fast is empty by then."""

BURNT: Final = 0.05
"""Of the allowance, used in an hour by what burns fast."""

STEPS: Final = 4
"""Readings of an hour in which less is left each time, at least: one catch-up of old numbers is no pace."""

JUST_READ: Final = timedelta(minutes=10)
"""Whoever burns fast was read by then."""


HOLDS: Final = timedelta(minutes=70)
"""How long what was seen at a look holds: looks are an hour apart, and come every five minutes."""


class Verdict(StrEnum):
    """What is to be said, in a word."""

    LASTS = "lasts"
    MAY_NOT_LAST = "may not last"
    DOES_NOT_LAST = "does not last"
    """Of a token that is empty as well."""
    LEARNING = "learning"
    """Less is known than `ENOUGH`."""
    REFILL_DUE = "refill due"
    """Its renewal passed, less than a day ago, and its refill does not show: what is left is about to change."""
    UNREAD = "unread"
    """It was read too long ago."""
    UNKNOWN = "unknown"
    """Its texts do not say how much is left, or when it is refilled: never, perhaps."""
    OFF = "off"
    """It takes no jobs."""

    @property
    def answers(self) -> bool:
        """Whether it says if fast time lasts, so that there is a chance, a pace and what comes of them."""
        return self in {Verdict.LASTS, Verdict.MAY_NOT_LAST, Verdict.DOES_NOT_LAST}


class Forecast(Value):
    """What is to be said of a token's fast time, until it is refilled. Times are in UTC."""

    verdict: Verdict
    at: datetime
    """For when it holds."""
    left: float | None = None
    """Minutes, as read last; None when nobody knows."""
    pace: float | None = None
    """Minutes a day; None where the verdict is no answer."""
    chance: float | None = None
    """Of running dry before the renewal, from 0 to 1; None where the verdict is no answer."""
    dry_at: datetime | None = None
    """When it runs out at this pace; None when not before the renewal. For a token that is empty it is `at`."""
    earliest: datetime | None = None
    """From when on it is to be expected: one in ten is earlier. None when that is not before the renewal."""
    latest: datetime | None = None
    """Until when: one in ten is later. None when that is not before the renewal."""
    renews_at: datetime | None = None
    """The next refill; the one that is due, where the verdict says so; None when nobody knows."""
    spare: float | None = None
    """Minutes left at the renewal, at this pace: what lapses then. Less than 0 is what lacks. None without a pace."""
    short: timedelta | None = None
    """From running dry to the renewal; None where it does not run dry."""
    idle_since: datetime | None = None
    """Since when nothing was used, as far as it was watched; None when it was not."""
    unchanged_since: datetime | None = None
    """Since when what is left reads as it does."""
    watched: timedelta = timedelta()
    """How much of the last 35 days was watched; outages, and time that it was off or empty, were not."""

    @property
    def empty(self) -> bool:
        """Whether nothing is left by now that anybody could use."""
        return self.dry_at is not None and self.dry_at <= self.at

    def holding(self, looked: "Forecast | None") -> "Forecast":
        """Itself; or what was seen at the last look, where within the hour since then a chance just crossed an edge.

        Boards and lists show the last look, and an alert does: whoever asks meanwhile is told the same.
        """
        if looked is None or looked.verdict is self.verdict or not (looked.verdict.answers and self.verdict.answers):
            return self
        same = looked.renews_at == self.renews_at and timedelta() <= self.at - looked.at < HOLDS
        if not same or self.empty or looked.left is None or self.left is None or self.left > looked.left:
            return self
        return looked


class Band(Value):
    """A point of a fan: what will be left then, in minutes."""

    at: datetime
    low: float
    """One in ten is lower."""
    middle: float
    high: float
    """One in ten is higher."""


class Burning(Value):
    """A token that burns fast: if this goes on, it is empty soon."""

    left: float
    """Minutes."""
    hour: float
    """Minutes used in the last hour."""
    share: float
    """The same, of the allowance, from 0 to 1."""
    dry_at: datetime
    """When it is empty if this goes on."""


def forecast(
    ledger: Ledger | None, token: Token, now: datetime, zone: tzinfo, read_at: datetime | None = None
) -> Forecast:
    """What is to be said of a token's fast time now; in less than 100 µs.

    Args:
        ledger: What is remembered of it.
        token: As it was read last.
        now: The time.
        zone: The zone of the ledger.
        read_at: When it was read last; None for now. What comes after is an outage, and no idleness.
    """
    read, renews_at = _read_at(token, now, read_at), token.subscription.next_refill(now)
    book = _as_of(ledger, token, now, read, zone)
    if book is None:
        said = Forecast(Verdict.UNKNOWN, now, token.fast_time.remaining, renews_at=renews_at)
    else:
        said = Forecast(
            Verdict.UNKNOWN,
            now,
            token.fast_time.remaining,
            renews_at=_instant(book.due) if book.due else renews_at,
            idle_since=_instant(book.used or book.first),
            unchanged_since=_instant(book.changed),
            watched=timedelta(hours=sum(book.covered)),
        )
    silent = _no_answer(said, token, read, book)
    if silent or book is None or said.left is None or renews_at is None:
        return replace(said, verdict=silent or Verdict.UNKNOWN)
    return _answered(said, outlook(book, said.left, now, renews_at, zone), renews_at, empty=book.empty)


def fan(
    ledger: Ledger | None, token: Token, now: datetime, zone: tzinfo, points: int = 48, read_at: datetime | None = None
) -> tuple[Band, ...]:
    """What will be left at so many times, from now to the renewal; nothing where `forecast` has no answer."""
    said = forecast(ledger, token, now, zone, read_at)
    book = _as_of(ledger, token, now, _read_at(token, now, read_at), zone)
    if book is None or said.renews_at is None or said.left is None or not said.verdict.answers:
        return ()
    ahead = outlook(book, said.left, now, said.renews_at, zone)
    use, left, span = ahead.use, ahead.left, said.renews_at - now
    bands = []
    for point in range(points):
        after = span * point / max(points - 1, 1)
        exposure = ahead.rhythm.exposure(after.total_seconds())
        low, high = (max(left - use.quantile(exposure, edge), 0.0) for edge in (EDGE, -EDGE))
        bands.append(Band(now + after, low, max(left - use.pace * exposure, 0.0), high))
    return tuple(bands)


def burning(ledger: Ledger | None, token: Token, now: datetime, read_at: datetime | None) -> Burning | None:
    """Whether it burns so fast that it is soon empty, and before its renewal; None when not.

    Both the last hour and its second half would empty it within `BURNS_OUT`, the hour took `BURNT` of the allowance,
    and less was left in `STEPS` readings of it: so neither a pause nor a jump of the numbers is a pace.
    """
    book, left = opened(ledger), token.fast_time.remaining
    read = _read_at(token, now, read_at)
    if book is None or left is None or left <= SPENT or now - read > JUST_READ or not takes_jobs(token):
        return None
    fives, steps = book.hour_until(seconds(read))
    hour, half = sum(fives), sum(fives[FIVES // 2 :])
    if hour <= 0 or steps < STEPS or hour < BURNT * book.total:
        return None
    pace = min(hour, 2 * half)
    if left > pace * (BURNS_OUT / timedelta(hours=1)):
        return None
    dry_at, renews_at = now + timedelta(hours=left / hour), token.subscription.next_refill(now)
    if renews_at is not None and renews_at <= dry_at:
        return None
    return Burning(left, hour, hour / book.total if book.total else 1.0, dry_at)


def _no_answer(said: Forecast, token: Token, read: datetime, book: Book | None) -> Verdict | None:
    """Why nobody can say whether it lasts; None when that can be said, or when it is not known when it is refilled."""
    if said.left is None:
        return Verdict.UNKNOWN
    if not takes_jobs(token):
        return Verdict.OFF
    if said.at - read > FRESH:
        return Verdict.UNREAD
    if book is not None and book.due:
        return Verdict.REFILL_DUE
    known = said.watched + timedelta(days=book.elapsed) if book else said.watched
    learning = said.renews_at is not None and known < ENOUGH and not (book and book.empty)
    return Verdict.LEARNING if learning else None


def _answered(said: Forecast, ahead: Outlook, renews_at: datetime, *, empty: bool) -> Forecast:
    use, rhythm, left, exposure = ahead.use, ahead.rhythm, ahead.left, ahead.exposure
    spare = left - use.pace * exposure
    if empty:
        return replace(
            said,
            verdict=Verdict.DOES_NOT_LAST,
            pace=use.pace,
            chance=1.0,
            dry_at=said.at,
            earliest=said.at,
            latest=said.at,
            spare=spare,
            short=renews_at - said.at,
        )

    def when(at: float | None) -> datetime | None:
        return None if at is None else min(said.at + timedelta(seconds=round(rhythm.seconds(at))), renews_at)

    chance = use.chance(exposure, left)
    dry_at = when(left / use.pace) if spare < 0 else None
    return replace(
        said,
        verdict=_verdict(chance),
        pace=use.pace,
        chance=chance,
        dry_at=dry_at,
        earliest=when(use.when(left, EDGE, exposure)),
        latest=when(use.when(left, -EDGE, exposure)),
        spare=spare,
        short=None if dry_at is None else renews_at - dry_at,
    )


def _verdict(chance: float) -> Verdict:
    if chance >= LIKELY:
        return Verdict.DOES_NOT_LAST
    return Verdict.LASTS if chance < UNLIKELY else Verdict.MAY_NOT_LAST


def _read_at(token: Token, now: datetime, read_at: datetime | None) -> datetime:
    """When what is left was read: a reading that left it out did not."""
    return min(read_at or now, token.record.kept.get(FAST_TIME, now), now)


def _instant(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _as_of(ledger: Ledger | None, token: Token, now: datetime, read: datetime, zone: tzinfo) -> Book | None:
    """The ledger with what passed since its last change, as far as it was read; and the day that is today.

    A ledger does not have the last reading where that could not be stored, or was stored by a version of the bot that
    keeps none: it is entered here, or else one that is empty would say so of a token that was refilled.
    """
    book = opened(ledger)
    if book is None:
        return None
    if (until := seconds(read)) > book.rolled:
        book.roll(until, zone)
    if token.fast_time.remaining is not None and token.fast_time.remaining != book.value:
        book.pass_renewal(until, _renewal(token, read))
        book.enter(token.fast_time, until, until, zone)
    book.begin(now.astimezone(zone).toordinal())
    book.pass_renewal(seconds(now), _renewal(token, now))
    return book


def _renewal(token: Token, now: datetime) -> int:
    at = token.subscription.next_refill(now)
    return 0 if at is None else seconds(at)
