"""How the report of a week or a month is counted, from what is stored of incidents.

Counted is what was open in the period and of which the channel was notified. It is counted as of the end of the period,
whenever that is asked for: what was acknowledged or ended later is not, by then. Beside, and in no other figure, are
tests and the first reading, which are left out; what was suppressed from its beginning to its end, or until the
period's; and what is momentary, whose sounds count.

A *sound* is a message of the ops channel with a notification: the card of an incident, or of several that fired
together; that it got worse; and a reminder. What several incidents share is one. What a person did to have a sound, a
test, a hand-over or the end of a silence, is none of these.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, TypeVar

from bot.domain.incidents import KEPT_SOUNDS, Happening, Incident, Key, Rule, Stage
from bot.domain.model import Severity
from bot.domain.report import Noise, Period, Person, Report, Times, Token, Totals, before
from bot.domain.value import Value, replace

MOMENTARY: Final = frozenset({Rule.RESTORED, Rule.GONE, Rule.NEW})
"""They notify once, and are over at once."""

LEFT_OUT: Final = frozenset({Rule.BASELINE, Rule.TEST})
"""The first reading, and what somebody asked for."""

PEOPLE: Final = 8
TOKENS: Final = 8
RULES: Final = 6
PAIRS: Final = 4
"""How many of each a report names."""

Item = TypeVar("Item")
Name = TypeVar("Name")


class Fact(Value):
    """What counts of an incident that fired."""

    key: Key
    opened: datetime
    fired: datetime
    """When it began; before it notified, where that took a while."""
    notified: datetime | None
    """When the channel was notified for the first time; None where it never was."""
    ended: datetime | None
    how: str
    """`resolved`, or why it ended otherwise; empty while it has not."""
    severities: tuple[tuple[datetime, Severity], ...]
    """From when on it was how severe."""
    taken: tuple[tuple[datetime, int], ...]
    """When somebody acknowledged it, or was given it, and who then had it."""
    sounds: tuple[datetime, ...]
    card: bool
    """Whether the first of them was its card."""
    least: bool
    """Whether there may have been more."""
    message: int | None
    """Of its card's row, which incidents that fired together share."""
    called: int | None
    notes: int

    def severity(self, until: datetime) -> Severity:
        """The gravest that it was before that."""
        found = [severity for at, severity in self.severities if at < until] or [self.severities[0][1]]
        return max(found, key=lambda each: each.rank)

    def answer(self, until: datetime) -> tuple[datetime, int] | None:
        """When it was acknowledged first, and by whom, if that was before then."""
        return next((each for each in self.taken if each[0] < until), None)

    def over(self, until: datetime) -> datetime | None:
        """When it ended, if that was before then."""
        return self.ended if self.ended is not None and self.ended < until else None


def fact_of(incident: Incident, message: int | None) -> Fact | None:
    """What counts of it; None of what never fired, and of what no report is about."""
    if incident.stage is Stage.PENDING or incident.key.rule in LEFT_OUT or not incident.moments:
        return None
    moments = incident.moments
    rose = {Happening.FIRED, Happening.RAISED, Happening.LOWERED}
    severities = tuple((each.at, each.severity) for each in moments if each.what in rose and each.severity is not None)
    taken = (each for each in moments if each.what is Happening.ACKNOWLEDGED)
    sounds, least = _sounds(incident)
    return Fact(
        key=incident.key,
        opened=incident.opened_at,
        fired=moments[0].at,
        notified=_notified(incident, sounds),
        ended=incident.resolved_at,
        how=_how(incident),
        severities=severities or ((moments[0].at, incident.severity),),
        taken=tuple((each.at, each.who) for each in taken if each.who is not None),
        sounds=sounds,
        card=bool(sounds) and (incident.first_notified_at is None or sounds[0] >= _whole(incident.first_notified_at)),
        least=least,
        message=message,
        called=incident.called,
        notes=len(incident.notes),
    )


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _sounds(incident: Incident) -> tuple[tuple[datetime, ...], bool]:
    """When it made one, and whether there may have been more: an older version noted no more than the timeline."""
    if incident.sounds:
        begun = incident.first_notified_at
        known = begun is None or incident.sounds[0] <= begun.timestamp()
        found = tuple(datetime.fromtimestamp(each, UTC) for each in incident.sounds)
        return found, not known or len(found) >= KEPT_SOUNDS
    if not incident.has_card:
        return (), False
    first = incident.first_notified_at or incident.moments[0].at
    later = (each for each in incident.moments if each.what in {Happening.RAISED, Happening.REMINDED})
    return (first, *(each.at for each in later if each.at > first)), True


def _notified(incident: Incident, sounds: Sequence[datetime]) -> datetime | None:
    """When; of what only the first reading's summary named, when it fired."""
    if incident.notified_as is None:
        return None
    first = incident.first_notified_at or next(iter(sounds), None) or incident.moments[0].at
    return max(first, incident.moments[0].at)


def _how(incident: Incident) -> str:
    if incident.resolved_at is None:
        return ""
    if incident.key.rule in MOMENTARY or incident.well:
        return "resolved"
    return "unwatched" if incident.end is None else incident.end.reason.value


def within(facts: Iterable[Fact], since: datetime, until: datetime) -> list[Fact]:
    """Those that were open then, if only for a moment."""
    return [each for each in facts if each.fired < until and (each.ended is None or each.ended >= since)]


def counts(fact: Fact, until: datetime) -> bool:
    """Whether it is one of the incidents of a period that ends then."""
    return fact.key.rule not in MOMENTARY and fact.notified is not None and fact.notified < until


def report(
    facts: Collection[Fact],
    period: Period,
    now: datetime,
    zone: tzinfo,
    *,
    kept_since: datetime | None = None,
    group: str = "",
) -> Report:
    """Count a period, as a whole: every person, token and rule.

    Args:
        facts: All that was open in the period, and in the one before.
        period: Which one.
        now: The time.
        zone: Whose days it is about.
        kept_since: From when on all is known; None for ever.
        group: What the facts are about, where that is not everything.
    """
    earlier = before(period, zone)
    found = within(facts, period.since, period.until)
    sounds = heard(found, period.since, period.until)
    whole = kept_since is None or kept_since <= earlier.since
    return Report(
        period=period,
        made_at=now,
        zone=str(zone),
        totals=_totals(found, period, sounds),
        before=_totals_of(facts, earlier) if whole else None,
        kept_since=None if kept_since is None or kept_since <= period.since else kept_since,
        people=_people(found, period),
        tokens=_tokens(found, period),
        rules=_noise(found, period, sounds, lambda key: (key.rule, None)),
        pairs=tuple(
            each for each in _noise(found, period, sounds, lambda key: (key.rule, key.token)) if each.token is not None
        ),
        group=group,
        least=any(each.least for each in found),
    )


def brief(whole: Report) -> Report:
    """What is named of it, and how many are left out."""
    parts: tuple[tuple[Sequence[object], int], ...] = (
        (whole.people, PEOPLE),
        (whole.tokens, TOKENS),
        (whole.rules, RULES),
        (whole.pairs, PAIRS),
    )
    left = [max(0, len(each) - most) for each, most in parts]
    return replace(
        whole,
        people=whole.people[:PEOPLE],
        tokens=whole.tokens[:TOKENS],
        rules=whole.rules[:RULES],
        pairs=whole.pairs[:PAIRS],
        left_out=(left[0], left[1], left[2], left[3]),
    )


def heard(facts: Iterable[Fact], since: datetime, until: datetime) -> list[frozenset[Key]]:
    """The sounds of that time, each with what it was about; a card that several share makes one, when it is posted."""
    cards: dict[object, list[tuple[datetime, Key]]] = defaultdict(list)
    later: dict[tuple[object, datetime], set[Key]] = defaultdict(set)
    for each in facts:
        message: object = (each.key, each.opened) if each.message is None else each.message
        first = 1 if each.card else 0
        for at in each.sounds[:first]:
            cards[message].append((at, each.key))
        for at in each.sounds[first:]:
            if since <= at < until:
                later[message, _whole(at)].add(each.key)
    posted = (
        frozenset(key for _, key in shown) for shown in cards.values() if since <= min(at for at, _ in shown) < until
    )
    return [*posted, *map(frozenset, later.values())]


def _totals_of(facts: Iterable[Fact], period: Period) -> Totals:
    found = within(facts, period.since, period.until)
    return _totals(found, period, heard(found, period.since, period.until))


def _totals(found: Sequence[Fact], period: Period, sounds: Sequence[Collection[Key]]) -> Totals:
    until = period.until
    counted = [each for each in found if counts(each, until)]
    severities = Counter(each.severity(until) for each in counted)
    unanswered = [each for each in counted if each.answer(until) is None]
    ended = [(at, each) for each in counted if (at := each.over(until)) is not None]
    return Totals(
        incidents=len(counted),
        critical=severities[Severity.CRITICAL],
        warnings=severities[Severity.WARNING],
        open=len(counted) - len(ended),
        acknowledged=_answers(counted, period),
        resolved=_times([at - each.fired for at, each in ended]),
        unanswered=len(unanswered),
        unanswered_pages=sum(each.severity(until) is Severity.CRITICAL for each in unanswered),
        sounds=len(sounds),
        shared=sum(len({key.rule for key in each}) > 1 for each in sounds),
        momentary=sum(each.key.rule in MOMENTARY and each.notified is not None for each in found),
        suppressed=sum(each.notified is None or each.notified >= until for each in found),
    )


def _answers(facts: Iterable[Fact], period: Period) -> Times:
    """How long people took who acknowledged in the period."""
    took = []
    for each in facts:
        answer = each.answer(period.until)
        if answer is not None and answer[0] >= period.since and each.notified is not None:
            took.append(max(timedelta(), answer[0] - each.notified))
    return _times(took)


def _times(took: Iterable[timedelta]) -> Times:
    all_ = sorted(took)
    return Times(len(all_), all_[(len(all_) - 1) // 2], all_[-1]) if all_ else Times()


def _by(facts: Iterable[Fact], name: Callable[[Fact], Name]) -> Mapping[Name, list[Fact]]:
    groups: dict[Name, list[Fact]] = defaultdict(list)
    for each in facts:
        groups[name(each)].append(each)
    return groups


def _people(found: Iterable[Fact], period: Period) -> tuple[Person, ...]:
    until = period.until
    rows = []
    for who, theirs in _by((each for each in found if counts(each, until)), lambda each: each.called).items():
        answers = (each.answer(until) for each in theirs)
        answered = Counter(answer[1] for answer in answers if answer is not None and answer[0] >= period.since)
        by_count = tuple(sorted(answered.items(), key=lambda each: (-each[1], each[0])))
        rows.append(Person(who, len(theirs), _critical(theirs, until), _answers(theirs, period), by_count))
    return tuple(sorted(rows, key=lambda each: (-each.incidents, -each.critical, each.who is None, each.who or 0)))


def _tokens(found: Iterable[Fact], period: Period) -> tuple[Token, ...]:
    until = period.until
    rows = [
        Token(token, len(its), _critical(its, until), _lasted(its, period))
        for token, its in _by((each for each in found if counts(each, until)), lambda each: each.key.token).items()
    ]
    return tuple(sorted(rows, key=lambda each: (-each.critical, -each.incidents, -each.lasted, each.token or 0)))


def _critical(facts: Iterable[Fact], until: datetime) -> int:
    return sum(each.severity(until) is Severity.CRITICAL for each in facts)


def _lasted(facts: Iterable[Fact], period: Period) -> timedelta:
    """How long any of them was open in the period; what was wrong at once is counted once."""
    spans = sorted((max(each.fired, period.since), each.over(period.until) or period.until) for each in facts)
    lasted, end = timedelta(), period.since
    for begin, over in spans:
        lasted += max(timedelta(), over - max(begin, end))
        end = max(end, over)
    return lasted


def _noise(
    found: Iterable[Fact],
    period: Period,
    sounds: Iterable[Collection[Key]],
    name: Callable[[Key], tuple[Rule, int | None]],
) -> tuple[Noise, ...]:
    """What each cost: the sounds that were about nothing else, and so would not have been with it silenced."""
    spared = Counter(names.pop() for each in sounds if len(names := {name(key) for key in each}) == 1)
    counted = Counter(name(each.key) for each in found if counts(each, period.until))
    rows = [Noise(rule, counted[rule, token], spared[rule, token], token) for rule, token in {*spared, *counted}]
    order = {rule: number for number, rule in enumerate(Rule)}
    return tuple(sorted(rows, key=lambda each: (-each.sounds, -each.incidents, order[each.rule], each.token or 0)))
