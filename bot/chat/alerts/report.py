"""The report of a week or a month as people read it: the answer first, then who, what and how loud."""

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from bot.chat import cards
from bot.chat.alerts.drafts import Draft
from bot.chat.cards import GAP, Sign
from bot.chat.text import called, capitalised, dated, listed, number, plain, span, stamp
from bot.domain.digest import DAY
from bot.domain.model import Fleet
from bot.domain.naming import rule_name
from bot.domain.report import Every, Noise, Person, Report, Times, Token, Totals, first_of

if TYPE_CHECKING:
    from bot.chat.alerts.groups import Line

SIGN: Final[Sign] = ("📊", cards.BLUE)

BEFORE: Final = {Every.WEEK: "the week before", Every.MONTH: "the month before"}

_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
"""In English whatever the machine speaks."""


def report(about: Report, fleet: Fleet) -> Draft:
    """What a report says; `fleet` is what is known now, by which tokens are named."""
    parts = [
        _compared(about),
        _times(about.totals),
        _people(about),
        _tokens(about, fleet),
        _noise(about, fleet),
        _beside(about),
        [_of(about)],
    ]
    filled = [said for part in parts if (said := [each for each in part if each])]
    lines: list[str | Line] = [each for place, said in enumerate(filled) for each in [*[GAP][:place], *said]]
    return Draft(SIGN, headline(about, fleet), lines)


def headline(about: Report, fleet: Fleet) -> str:
    """`12 incidents last week, 4 pages, answered in 3 min (median), over in 38 min; noisiest: banned, 9 sounds`."""
    totals = about.totals
    whose = f" of {plain(about.group, 60)}" if about.group else ""
    if not totals.incidents:
        sounds = f", {counted(totals.sounds, 'sound')}" if totals.sounds else ""
        return f"No incidents {when(about)}{whose}{sounds}"
    parts = [
        f"{counted(totals.incidents, 'incident')} {when(about)}{whose}",
        counted(totals.critical, "page") if totals.critical else "none of them a page",
        _median("answered in", totals.acknowledged) if totals.acknowledged.count else "none acknowledged",
        _median("over in", totals.resolved) if totals.resolved.count else "none over yet",
    ]
    noisiest = _noisiest(about)
    loud = f"; noisiest: {_name(noisiest, fleet)}, {counted(noisiest.sounds, 'sound')}" if noisiest else ""
    return f"{', '.join(parts)}{loud}"


def _noisiest(about: Report) -> Noise | None:
    """The noisiest rule, or the one token of it that made half of the noise."""
    rule = next((each for each in about.rules if each.sounds), None)
    if rule is None:
        return None
    return next((each for each in about.pairs if each.rule is rule.rule and 2 * each.sounds >= rule.sounds), rule)


def counted(count: int, what: str) -> str:
    """`1 incident`, `12 incidents`."""
    return f"{number(count)} {what}{'s' * (count != 1)}"


def when(about: Report) -> str:
    """`last week`, `this month so far`, `in the week of 9 to 15 Nov`, `in October 2026`."""
    period, word = about.period, about.period.every.value
    if period.so_far:
        return f"this {word} so far"
    today = about.made_at.astimezone(ZoneInfo(about.zone)).date()
    if period.end == first_of(period.every, today):
        return f"last {word}"
    return f"in {days(period.every, period.first)}"


def days(every: Every, first: date) -> str:
    """`the week of 23 to 29 Nov`, `October 2026`, by its first day."""
    if every is Every.MONTH:
        return f"{_MONTHS[first.month - 1]} {first.year}"
    last = first + 6 * DAY
    begin = f"{first.day}" if first.month == last.month else dated(first)
    return f"the week of {begin} to {dated(last)}"


def _median(what: str, times: Times) -> str:
    assert times.middle is not None  # noqa: S101 - of one or more
    return f"{what} {span(times.middle)}{' (median)' * (times.count > 1)}"


def _compared(about: Report) -> Iterable[str]:
    """`The week before: 18 incidents, 6 pages, 31 sounds. 6 fewer incidents, 2 fewer pages, 14 fewer sounds.`."""
    now, then, period = about.totals, about.before, about.period
    if about.kept_since is not None:
        yield f"⚠️ What was before {stamp(about.kept_since, 'f')} is not known, or no longer kept: this counts the rest."
    if then is None or not (now.sounds or now.incidents or then.sounds or then.incidents):
        return
    until = " up to that time" if period.so_far else ""
    compared = [
        _more(now.incidents - then.incidents, "incident"),
        _more(now.critical - then.critical, "page"),
        _more(now.sounds - then.sounds, "sound"),
    ]
    yield f"**Against {BEFORE[period.every]}**{until}: {', '.join(compared)} (then {_sum(then)})"


def _sum(totals: Totals) -> str:
    return f"{number(totals.incidents)}, {number(totals.critical)} and {number(totals.sounds)}"


def _more(by: int, what: str) -> str:
    if not by:
        return f"as many {what}s"
    return f"{number(abs(by))} {'more' if by > 0 else 'fewer'} {what}{'s' * (abs(by) > 1)}"


def _times(totals: Totals) -> Iterable[str]:
    if not totals.incidents:
        return
    infos = totals.incidents - totals.critical - totals.warnings
    severities = [f"{number(each)} {word}" for each, word in _severities(totals.critical, totals.warnings, infos)]
    open_ = f" · {number(totals.open)} still open" if totals.open else ""
    yield f"**Severity:** {listed(severities, 3)}{open_}"
    answered = filter(None, [_took(totals.acknowledged) if totals.acknowledged.count else "", _never(totals)])
    yield f"**Acknowledged:** {' · '.join(answered) or 'none'}"
    yield f"**Over:** {_took(totals.resolved)}"


def _severities(*counts: int) -> Iterable[tuple[int, str]]:
    return ((each, word) for each, word in zip(counts, ("critical", "warning", "info"), strict=True) if each)


def _took(times: Times) -> str:
    if times.middle is None or times.slowest is None:
        return "none"
    if times.count == 1:
        return f"1 after {span(times.middle)}"
    slowest = f", {span(times.slowest)} at the slowest" if times.slowest > times.middle else ""
    return f"{number(times.count)} after {span(times.middle)} in the median{slowest}"


def _never(totals: Totals) -> str:
    if not totals.unanswered:
        return ""
    pages = ""
    if totals.unanswered_pages:
        alone = totals.unanswered == totals.unanswered_pages == 1
        pages = ", a page" if alone else f", {counted(totals.unanswered_pages, 'page')} among them"
    return f"{number(totals.unanswered)} by nobody{pages}"


def _people(about: Report) -> Iterable[str]:
    """Who had what; where nobody ever was on call, who answered."""
    if all(each.who is None for each in about.people):
        answered = [f"<@{who}> ({number(count)})" for each in about.people for who, count in each.answered]
        if answered:
            yield f"**Acknowledged by:** {listed(answered, 8)}"
        return
    yield "**Who was on call**"
    for each in about.people:
        yield _person(each)
    yield from _left(about.left_out[0], "person", "people")


def _person(each: Person) -> str:
    who = "Nobody" if each.who is None else f"<@{each.who}>"
    pages = f", {counted(each.critical, 'page')}" if each.critical else ""
    answers = f", {_median('answered in', each.acknowledged)}" if each.acknowledged.count else ", none acknowledged"
    alone = len(each.answered) == 1
    answered = () if alone and each.answered[0][0] == each.who else each.answered
    others = [f"<@{by}>" if alone else f"<@{by}> ({number(count)})" for by, count in answered]
    by = f" by {listed(others, 4)}" if others else ""
    return f"{who}: {counted(each.incidents, 'incident')}{pages}{answers}{by}"


def _tokens(about: Report, fleet: Fleet) -> Iterable[str]:
    if not about.tokens:
        return
    yield "**Worst tokens**"
    for each in about.tokens:
        yield _token(each, fleet, about.group)
    yield from _left(about.left_out[1], "token", "tokens")


def _token(each: Token, fleet: Fleet, group: str) -> str:
    whole = f"{plain(group, 60)} as a whole" if group else "The fleet and ImaginePro"
    name = whole if each.token is None else called(each.token, fleet.names)
    pages = f", {counted(each.critical, 'page')}" if each.critical else ""
    return f"{name}: {counted(each.incidents, 'incident')}{pages}, open for {span(each.lasted)}"


def _name(noise: Noise, fleet: Fleet) -> str:
    return (
        rule_name(noise.rule)
        if noise.token is None
        else f"{rule_name(noise.rule)} of {called(noise.token, fleet.names)}"
    )


def _noise(about: Report, fleet: Fleet) -> Iterable[str]:
    totals = about.totals
    if not totals.sounds:
        return
    least = "At least " if about.least else ""
    shared = f", {number(totals.shared)} of them about several rules" if totals.shared else ""
    yield f"**{least}{counted(totals.sounds, 'sound')}**{shared}. Silencing this would have spared:"
    pairs = [each for each in about.pairs if each.sounds]
    for each in about.rules:
        if each.sounds:
            alone = next((pair for pair in pairs if pair.rule is each.rule and pair.sounds == each.sounds), None)
            if alone is not None:
                pairs.remove(alone)
            yield _line(alone or each, fleet)
    yield from (_line(each, fleet) for each in pairs)
    yield from _left(about.left_out[2], "rule", "rules")


def _line(each: Noise, fleet: Fleet) -> str:
    return f"{capitalised(_name(each, fleet))}: {counted(each.sounds, 'sound')}"


def _left(count: int, one: str, many: str) -> Iterable[str]:
    if count:
        yield f"… and {number(count)} more {one if count == 1 else many}"


def _beside(about: Report) -> Iterable[str]:
    totals = about.totals
    parts = []
    if totals.momentary:
        parts.append(f"{counted(totals.momentary, 'notice')} of a moment (new, gone, FAST again)")
    if totals.suppressed:
        parts.append(f"{counted(totals.suppressed, 'incident')} of which nobody was notified, as they were suppressed")
    if parts:
        yield f"Not among them: {listed(parts, 2)}."


def _of(about: Report) -> str:
    """Which days, whose, and that it is late."""
    said = f"{capitalised(days(about.period.every, about.period.first))}, {about.zone}"
    return f"{said}, as of {stamp(about.made_at, 't')}" if about.period.so_far else said
