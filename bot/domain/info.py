"""Read the upstream's free text: fast time, subscription, usage, queues. What is not understood stays text.

Midjourney writes these texts for people (its `/info` message), and ImaginePro passes them on. A reader below matches
the whole text or nothing: half a match would be a guess, as in `1.00/15.0 hours (6.67%) + 5 hours bought`. Numbers are
English: a comma parts thousands and is followed by three digits, so `1,200` is read and `1,5` is not.

The same file reads what people write in the settings about such texts: durations and thresholds.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TypeVar

from bot.domain.model import (
    Billing,
    Count,
    FastTime,
    Mode,
    PlanState,
    Record,
    Status,
    Subscription,
    Threshold,
    Token,
    Unit,
    Usage,
    Visibility,
)

T = TypeVar("T")

_LONGEST = 500
"""Characters of the longest text that is read. The longest one known has under 60."""
_REMEMBERED = 256
"""Texts that each reader keeps: what many tokens say, as `0 images`, is one value in memory."""

_WHOLE = r"(?:[1-9]\d{0,2}(?:,\d{3}){1,3}|\d{1,12})"
_NUMBER = rf"{_WHOLE}(?:\.\d{{1,20}})?"
_HOURS_OR_MINUTES = r"(?P<unit>hours?|minutes?|hrs?|mins?|h|m)"
_FLAGS = re.ASCII | re.IGNORECASE

_FAST_TIME = re.compile(
    rf"(?P<remaining>-?{_NUMBER})(?: ?/ ?(?P<total>{_NUMBER}))? ?{_HOURS_OR_MINUTES}"
    # `nan` and `inf` are what a percentage of nothing prints as; the numbers before it still hold.
    rf"(?: ?\((?:(?P<percent>-?{_NUMBER})|nan|-?inf(?:inity)?) ?%\))?",
    _FLAGS,
)
_CLOCK = re.compile(r"(?P<hours>\d{1,5}):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d)", _FLAGS)
_SUBSCRIPTION = re.compile(r"(?P<plan>[^()]*)(?:\((?P<terms>[^()]*)\))?")
_PLAN = re.compile(r"(?P<plan>[a-z][\w+-]{0,29})(?: plan)?", _FLAGS)
_TERM = re.compile(r"(?P<words>[a-z]+(?: [a-z]+){0,7})(?: <t:(?P<stamp>\d{1,12})(?::[a-z])?>)?", _FLAGS)
_USAGE = re.compile(
    rf"(?P<images>{_WHOLE})(?: (?:images?|generations?|jobs?))?(?: \((?P<time>{_NUMBER}) ?{_HOURS_OR_MINUTES}\))?",
    _FLAGS,
)
_USAGE_TIME = re.compile(rf"(?P<time>{_NUMBER}) ?{_HOURS_OR_MINUTES}(?: this month)?", _FLAGS)
_COUNT = re.compile(_WHOLE, _FLAGS)

_LOOKS_ALIKE = str.maketrans({"\u2212": "-"} | dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff", ""))
"""The typographic minus, and characters without width. What turns the reading direction stays: it is not understood."""

_STATUSES = {status.lower(): status for status in Status}
_MODES = {"fast": Mode.FAST, "relax": Mode.RELAX, "relaxed": Mode.RELAX, "turbo": Mode.TURBO}
_VISIBILITIES = {visibility.lower(): visibility for visibility in Visibility}
_IDLE = {"none", "0"}
_STATES = {
    "active": PlanState.ACTIVE,
    "trial": PlanState.TRIAL,
    "paused": PlanState.PAUSED,
    "cancelled": PlanState.CANCELLED,
    "canceled": PlanState.CANCELLED,
    "inactive": PlanState.INACTIVE,
    "expired": PlanState.INACTIVE,
}
_BILLINGS = {
    "monthly": Billing.MONTHLY,
    "yearly": Billing.YEARLY,
    "annually": Billing.YEARLY,
    "annual": Billing.YEARLY,
}
_ENDINGS = {"cancels", "cancelled", "canceled", "expires", "expired", "ends", "ended"}

_EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""Stamps outside are placeholders, as the `<t:2123>` (in 1970) of ImaginePro's documentation."""

_DURATION = re.compile(r"(?P<number>\d{1,6})(?P<unit>ms|s|m|h|d)", re.ASCII)
_DURATION_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_PERCENT = re.compile(r"(?P<percent>\d{1,3}(?:\.\d{1,6})?)%", re.ASCII)
_WHOLE_PERCENT = 100

HIGHEST_LEVEL = 98
"""Percent, of a level that somebody sets: nothing is fuller than that for long. What was set before is read, too."""


ETA = "eta"
"""With what a level begins that is a time ahead."""

SHORTEST_AHEAD, LONGEST_AHEAD = timedelta(hours=1), timedelta(days=30)
"""Of such levels."""


def read(record: Record) -> Token:
    """Read a record's free texts. Every text has a result; one that is not understood has nothing but its `raw`."""
    info = record.info
    status = _STATUSES.get(record.status.strip().lower(), Status.UNKNOWN)
    fast_time, plan = _fast_time(info.fast_time_remaining), _subscription(info.subscription)
    return Token(
        id=record.id,
        status=status,
        status_text=record.status,
        active=record.active,
        fast_time=fast_time,
        subscription=plan,
        lifetime=_usage(info.lifetime_usage),
        relaxed=_usage(info.relaxed_usage),
        queued_fast=_count(info.queued_jobs_fast),
        queued_relax=_count(info.queued_jobs_relax),
        running=_running(info.running_jobs),
        mode=_mode(info.job_mode),
        visibility=_visibility(info.visibility_mode),
        usable=record.active is not False and status.works and _is_worked_on(status, fast_time, plan),
        record=record,
    )


def _is_worked_on(status: Status, fast_time: FastTime, plan: Subscription) -> bool:
    """Whether a token that works gets to its jobs: without fast time that takes a relax mode."""
    slow = status is Status.RELAX or fast_time.gone
    return not slow or plan.has_relax is not False


def duration(text: str) -> timedelta:
    """Read `500ms`, `30s`, `5m`, `2h` or `1d`: a whole number of at most six digits and a unit.

    Raises:
        ValueError: with a sentence that says what to write.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        message = "write a whole number and a unit, such as 500ms, 30s, 5m, 2h or 1d"
        raise ValueError(message)
    return int(match["number"]) * _DURATION_UNITS[match["unit"]]


def ahead_text(minutes: float) -> str:
    """A level of time ahead as it is written: `eta 12h` of 720 minutes."""
    hours, rest = divmod(round(minutes), 60)
    return f"{ETA} {round(minutes)}m" if rest else f"{ETA} {hours}h"


def threshold(text: str) -> Threshold:
    """Read a level of fast time: `15%` of the allowance, an amount such as `90s`, `30m` or `2h`, or a time ahead.

    `eta 12h` is crossed when it will be gone in 12 hours, by the forecast.

    Raises:
        ValueError: with a sentence that says what to write.
    """
    text = text.strip()
    if text.lower().startswith(ETA):
        return _ahead(text[len(ETA) :].lower())
    if match := _PERCENT.fullmatch(text):
        percent = float(match["percent"])
        if 0 < percent <= _WHOLE_PERCENT:
            return Threshold(text, percent=percent)
        message = f"a percentage lies above 0% and goes up to {HIGHEST_LEVEL}%"
        raise ValueError(message)
    try:
        time = duration(text)
    except ValueError:
        message = "write a percentage such as 15%, or a time such as 30m or 2h, or a time ahead such as eta 12h"
        raise ValueError(message) from None
    if not time:
        message = "a threshold lies above zero: running out is a rule of its own"
        raise ValueError(message)
    return Threshold(text, minutes=time / timedelta(minutes=1))


def _ahead(text: str) -> Threshold:
    """What follows after `eta`."""
    try:
        time = duration(text)
    except ValueError:
        message = "after eta write how long ahead, in whole hours, minutes or days: eta 12h"
        raise ValueError(message) from None
    if not SHORTEST_AHEAD <= time <= LONGEST_AHEAD:
        message = "an eta lies from 1h to 30d: nobody can tell for less or more"
        raise ValueError(message)
    minutes = time // timedelta(minutes=1)
    return Threshold(ahead_text(minutes), ahead=float(minutes))


def _remembered(reader: Callable[[str], T]) -> Callable[[str], T]:
    """Read a text once that many tokens share; but keep none that is too long to mean anything."""
    recall = lru_cache(maxsize=_REMEMBERED)(reader)

    def remember(text: str) -> T:
        return recall(text) if len(text) <= _LONGEST else reader(text)

    return remember


@_remembered
def _fast_time(raw: str) -> FastTime:
    text = _plain(raw)
    if match := _FAST_TIME.fullmatch(text):
        unit = _unit(match["unit"])
        minutes = 60 if unit is Unit.HOURS else 1
        remaining = _number(match["remaining"]) * minutes
        total = _number(match["total"]) * minutes if match["total"] else None
        percent = _number(match["percent"]) if match["percent"] else _share(remaining, total)
        return FastTime(remaining, total, percent, unit, raw)
    if match := _CLOCK.fullmatch(text):
        remaining = int(match["hours"]) * 60 + int(match["minutes"]) + int(match["seconds"]) / 60
        return FastTime(remaining, unit=Unit.HOURS, raw=raw)
    return FastTime(raw=raw)


@_remembered
def _subscription(raw: str) -> Subscription:
    match = _SUBSCRIPTION.fullmatch(_plain(raw))
    if match is None:
        return Subscription(raw=raw)
    named, terms = match["plan"].strip(), (match["terms"] or "").split(",")
    if named.lower() in _STATES:
        named, terms = "", [named, *terms]
    plan = _PLAN.fullmatch(named)
    state = billing = renews_at = ends_at = None
    unread = [named] if named and plan is None else []
    for text in filter(None, map(str.strip, terms)):
        term = _TERM.fullmatch(text)
        words = term["words"].lower().split() if term else []
        at = _instant(term["stamp"]) if term and term["stamp"] else None
        if term and term["stamp"] is None and all(word in _STATES or word in _BILLINGS for word in words):
            state = next((_STATES[word] for word in words if word in _STATES), state)
            billing = next((_BILLINGS[word] for word in words if word in _BILLINGS), billing)
        elif at is not None and words[0] == "renews":
            renews_at = at
        elif at is not None and words[0] in _ENDINGS:
            ends_at = at
            state = _STATES.get(words[0], state)
        else:
            unread.append(text)
    return Subscription(plan["plan"] if plan else "", state, billing, renews_at, ends_at, ", ".join(unread), raw)


@_remembered
def _usage(raw: str) -> Usage:
    text = _plain(raw)
    match = _USAGE.fullmatch(text) or _USAGE_TIME.fullmatch(text)
    if match is None:
        return Usage(raw=raw)
    found = match.groupdict()
    images, time = found.get("images"), found["time"]
    hours = None if time is None else _number(time) / (1 if _unit(match["unit"]) is Unit.HOURS else 60)
    return Usage(None if images is None else int(images.replace(",", "")), hours, raw)


@_remembered
def _count(raw: str) -> Count:
    text = _plain(raw)
    return Count(int(text.replace(",", "")) if _COUNT.fullmatch(text) else None, raw)


@_remembered
def _running(raw: str) -> Count:
    return Count(0 if _plain(raw).lower() in _IDLE else None, raw)


@_remembered
def _mode(raw: str) -> Mode | None:
    return _MODES.get(_plain(raw).lower().removesuffix(" mode"))


@_remembered
def _visibility(raw: str) -> Visibility | None:
    return _VISIBILITIES.get(_plain(raw).lower().removesuffix(" mode"))


def _plain(raw: str) -> str:
    """Drop what the eye does not see: characters without width, line breaks, more than one space. Too long is empty."""
    return " ".join(raw.translate(_LOOKS_ALIKE).split()) if len(raw) <= _LONGEST else ""


def _number(text: str) -> float:
    """Read what `_NUMBER` matched; it is finite, as its digits are counted. Adding zero makes `-0.0` a plain zero."""
    return float(text.replace(",", "")) + 0.0


def _unit(word: str) -> Unit:
    return Unit.HOURS if word[0] in "hH" else Unit.MINUTES


def _share(remaining: float, total: float | None) -> float | None:
    return remaining / total * _WHOLE_PERCENT if total else None


def _instant(stamp: str) -> datetime | None:
    """Read the seconds of Discord's timestamp markup (https://docs.discord.com/developers/reference#message-formatting)."""
    seconds = int(stamp)
    return datetime.fromtimestamp(seconds, UTC) if _EARLIEST.timestamp() <= seconds < _LATEST.timestamp() else None
