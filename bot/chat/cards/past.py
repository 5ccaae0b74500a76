"""What was, in words: of one token over a stretch of time, or of several. It stands by itself, without its picture."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo

from bot.chat.cards.outlook import NEAR, outlook
from bot.chat.cards.overview import Overview
from bot.chat.cards.status import amount as left_of
from bot.chat.cards.status import share, status_word
from bot.chat.charts.sparkline import use_of_days
from bot.chat.charts.trace import OFF, Trace
from bot.chat.text import amount, called, called_bare, dated, percent, span, stamp
from bot.domain.forecast import Band, Forecast
from bot.domain.model import Status, Token
from bot.domain.value import Value, field

_NAMED = 4
"""Refills, or changes of the allowance, that are named; of more, the latest."""

_WORKED = {Status.FAST.value, Status.RELAX.value}

ALT_LIMIT = 1024
"""Of the alternative text of a picture, by Discord's documentation."""


Moments = tuple[tuple[datetime, str], ...]
"""What happened, with a word for each."""


class Past(Value):
    """One token over a stretch of time."""

    number: int
    token: Token | None
    """As it is now; None for one that is no longer listed."""
    trace: Trace
    said: Forecast | None
    fan: tuple[Band, ...]
    span: str
    """How that time is called: `the last 7 days`."""
    now: datetime
    zone: tzinfo
    week: str = ""
    """Its line of bars."""
    whole: bool = False
    """Whether it is a cycle, which goes on until the renewal."""
    names: Mapping[int, str] = field(default_factory=dict)
    """What people call tokens."""


def edge(past: Past) -> datetime:
    """Where its picture ends: it has as much of what is to come as of what was, so that both can be read.

    A cycle is whole.
    """
    if not past.fan:
        return past.trace.until
    renews_at = past.fan[-1].at
    return renews_at if past.whole else min(renews_at, past.now + (past.now - past.trace.since))


def pictured_ahead(past: Past) -> tuple[Band, ...]:
    """What its picture shows of what is to come: as far as it goes, and with the moment at which it runs out."""
    until, dry_at = edge(past), past.said.dry_at if past.said is not None else None
    known = {each.at: each for each in past.fan}
    for at in filter(None, (until, dry_at)):
        if past.fan and past.fan[0].at < at < past.fan[-1].at:
            known[at] = _between(past.fan, at, 0.0 if at == dry_at else None)
    return tuple(known[at] for at in sorted(known) if at <= until)


def _between(bands: Sequence[Band], at: datetime, middle: float | None) -> Band:
    """A point between those that were asked for."""
    after = next(place for place, each in enumerate(bands) if each.at >= at)
    before, behind = bands[after - 1], bands[after]
    part = (at - before.at) / (behind.at - before.at)

    def of(first: float, second: float) -> float:
        return first + (second - first) * part

    between = of(before.middle, behind.middle) if middle is None else middle
    return Band(at, of(before.low, behind.low), between, of(before.high, behind.high))


def past_of_token(past: Past) -> str:
    """What was used, what is left, whether that lasts; what it was in; what is not known."""
    trace = past.trace
    ahead = outlook(past.said, past.now, past.zone) if past.said is not None else ""
    lines = [
        f"**{_headline(past)}**",
        ahead,
        _states(trace),
        _added(trace),
        _allowed(trace),
        *_unseen(past),
        past.week,
    ]
    return "\n".join(filter(None, lines))


def _headline(past: Past) -> str:
    trace, said = past.trace, called(past.number, past.names, "Token ")
    if not trace.held:
        if trace.watched_since is None and past.token is not None:
            return f"Nothing is kept of {called(past.number, past.names, 'token ')} from {past.span}"
        return f"{said} was not read in {past.span}"
    left = _left(past)
    if trace.used is None:
        if left:
            return f"{said} has {left} left; what it used is not known from one reading"
        return f"{said} did not report its fast time in {past.span}"
    use = "no fast time" if trace.used <= 0 else f"{amount(trace.used)} of fast time"
    return f"{said} used {use} in {_since(past)}{f'; {left} left' if left else ''}"


def _since(past: Past) -> str:
    """How long that was; of one that is new, how long it was watched."""
    begun = past.trace.watched_since
    return past.span if begun is None else f"the {span(past.now - begun)} since it was first read"


def _left(past: Past) -> str:
    if past.token is not None and past.token.fast_time.known:
        return left_of(past.token.fast_time)
    last = past.trace.last
    return "" if last is None or last.minutes is None else amount(last.minutes)


def _states(trace: Trace) -> str:
    """`**Status** FAST 5 d 17 h · RELAX 14 h · worked 98 % of the time`."""
    spans = {_word(state): length for state, length in trace.spans.items()}
    seen = sum(spans.values(), timedelta())
    if not spans:
        return ""
    if len(spans) == 1:
        return f"**Status** {next(iter(spans))} all the time"
    parts = [f"{word} {span(length)}" if length else f"{word} just now" for word, length in spans.items()]
    worked = sum((length for state, length in trace.spans.items() if state in _WORKED), timedelta())
    share_ = [f"worked {percent(100 * (worked / seen))} of the time"] if seen else []
    return f"**Status** {' · '.join([*parts, *share_])}"


def _word(state: str) -> str:
    return "switched off" if state == OFF else state


def _added(trace: Trace) -> str:
    said = [
        f"{'refill' if rise.refill else f'{amount(rise.minutes)} bought'} {stamp(rise.at, 'f')}"
        for rise in trace.rises[-_NAMED:]
    ]
    more = len(trace.rises) - len(said)
    return f"**Added** {' · '.join([*said, *([f'{more} more before'] if more else [])])}" if said else ""


def _allowed(trace: Trace) -> str:
    """Only where it changed."""
    if len(trace.allowances) < 2:  # noqa: PLR2004 - one is no change
        return ""
    (_, first), *later = trace.allowances
    said = [f"{amount(minutes)} since {stamp(at, 'f')}" for at, minutes in later[-_NAMED:]]
    return f"**Allowance** {' · '.join([f'{amount(first)} before', *said])}"


def _unseen(past: Past) -> Iterable[str]:
    trace = past.trace
    if trace.watched_since is not None and trace.held:
        yield f"**Watched** since {stamp(trace.watched_since, 'f')}; there is nothing from before"
    if trace.held and trace.gaps:
        total = sum((end - begin for begin, end in trace.gaps), timedelta())
        begin, end = max(trace.gaps, key=lambda gap: gap[1] - gap[0])
        one = f"from {stamp(begin, 'f')} to {stamp(end, 'f')}"
        many = f"in {len(trace.gaps)} gaps, the longest {one}" if len(trace.gaps) > 1 else one
        yield f"**Not read** for {span(total)}, {many}"
    if trace.unknown and trace.used is not None:
        yield f"**Fast time not reported** for {span(trace.unknown)}"


def described_token(past: Past, moments: Moments = ()) -> str:
    """The picture in words, for those who do not see it: plain text, without markup."""
    trace = past.trace
    levels = [each for each in trace.held if each.minutes is not None]
    said = [f"Chart of {called_bare(past.number, past.names, 'token ')}, {past.span}."]
    if levels:
        first, last = levels[0].minutes or 0, levels[-1].minutes or 0
        least = min(levels, key=lambda each: each.minutes or 0)
        said.append(f"Fast time goes from {amount(first)} to {amount(last)};")
        said.append(f"the least is {amount(least.minutes or 0)}, {_clock(least.begin, past.zone)}.")
    else:
        said.append("No fast time is known.")
    said += [
        f"{'Refilled' if rise.refill else f'{amount(rise.minutes)} bought'} {_clock(rise.at, past.zone)}."
        for rise in trace.rises[-_NAMED:]
    ]
    if trace.spans:
        parts = [f"{_word(state)} {span(length)}" for state, length in trace.spans.items()]
        said.append(f"Status: {', '.join(parts)}.")
    if trace.gaps and trace.held:
        total = sum((end - begin for begin, end in trace.gaps), timedelta())
        said.append(f"Not read for {span(total)}.")
    said += [f"{word.capitalize()} {_clock(at, past.zone)}." for at, word in moments]
    return " ".join([*said, *_to_come(past)])[:ALT_LIMIT]


def _to_come(past: Past) -> Iterable[str]:
    """What the right of it says: when it will be empty, or else what is left where it ends."""
    shown, renews = pictured_ahead(past), f"renews {_clock(past.fan[-1].at, past.zone)}" if past.fan else ""
    if not shown or past.said is None:
        return
    end, dry_at = shown[-1], past.said.dry_at
    if past.said.empty:
        yield f"Empty until it {renews}."
    elif dry_at is not None and dry_at <= end.at:
        near = dry_at - past.now < NEAR
        early, at, late = (
            "" if each is None else _clock(each, past.zone) if near else dated(each.astimezone(past.zone).date())
            for each in (past.said.earliest, dry_at, past.said.latest)
        )
        reach = f", between {early} and {late}" if early and late else f", {early} at the earliest" if early else ""
        yield f"Expected to be empty {at}{reach}; it {renews}."
    else:
        left = f"{amount(end.middle)} left, between {amount(end.low)} and {amount(end.high)}"
        yield f"Expected {_clock(end.at, past.zone)}: {left}."


def _clock(at: datetime, zone: tzinfo) -> str:
    here = at.astimezone(zone)
    return f"{dated(here.date())} {here:%H:%M}"


class Fleet(Value):
    """Several tokens over whole days."""

    tokens: tuple[Token, ...]
    days: tuple[date, ...]
    used: tuple[float | None, ...]
    """On each of those days, by all of them."""
    worst: tuple[tuple[Token, float | None], ...]
    """The worst, with what each used in all."""
    dry: int
    """How many do not last until their refill, as of the last look ahead."""
    unsure: int
    """Of how many that may be so."""


def past_of_fleet(fleet: Fleet, view: Overview) -> str:
    """What they used together, what is left, and a line for each of the worst."""
    seen = [each for each in fleet.used if each is not None]
    usable = [each for each in fleet.tokens if each.usable]
    left = [each.fast_time.remaining for each in usable if each.fast_time.remaining is not None]
    count = f"{len(fleet.tokens):,} token{'s' * (len(fleet.tokens) != 1)}"
    use = f"used {amount(sum(seen))} of fast time since {dated(fleet.days[0])}" if seen else "used an unknown amount"
    where = f" on the {len(usable):,} that work{'s' * (len(usable) == 1)}" if len(usable) != len(fleet.tokens) else ""
    have = f"; {amount(sum(max(0.0, each) for each in left))} left{where}" if left else "" if usable else "; none works"
    unread = len(usable) - len(left)
    lines = [
        f"**{count} {use}{have}**",
        _ahead(fleet),
        f"How much is left on {unread:,} of them is not known" if unread and left else "",
        use_of_days(fleet.days, fleet.used),
        *(_row(token, used, view) for token, used in fleet.worst),
    ]
    more = len(fleet.tokens) - len(fleet.worst)
    return "\n".join(filter(None, [*lines, f"and {more:,} more, which stand better" if more > 0 else ""]))


def _ahead(fleet: Fleet) -> str:
    dry = f"**{fleet.dry} {'do' if fleet.dry != 1 else 'does'} not last** until the refill" if fleet.dry else ""
    return " · ".join(filter(None, [dry, f"{fleet.unsure} may not last" if fleet.unsure else ""]))


def _row(token: Token, used: float | None, view: Overview) -> str:
    parts = [
        f"{view.sign(token)[0]} **{called(token.id, view.fleet.names)}** {status_word(token, 40)}",
        share(token.fast_time, view.limit(token)) or "fast time not known",
        "" if used is None else f"used {amount(used)}",
        view.ahead(token),
    ]
    return " · ".join(filter(None, parts))


def described_fleet(names: Sequence[str], span_: str) -> str:
    """The picture of several in words; the text beside it has their numbers."""
    return f"Small charts of fast time and status of tokens {', '.join(names)}, {span_}. The text says the numbers."[
        :ALT_LIMIT
    ]
