"""The daily digest as the channel reads it: the answer first, then what is open, what is coming, and what has been."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta, tzinfo
from itertools import chain, islice
from zoneinfo import ZoneInfo

from bot.chat import cards
from bot.chat.alerts.drafts import Draft
from bot.chat.alerts.groups import grouped, line
from bot.chat.alerts.notes import words_of
from bot.chat.alerts.phrases import OVER, SIGNS, TAKEN
from bot.chat.alerts.story import stories
from bot.chat.alerts.troubles import troubles_of_fleet
from bot.chat.cards import GAP, Sign
from bot.chat.cards.embed import YELLOW
from bot.chat.cards.outlook import NEAR, amount_of, day, outlook
from bot.chat.text import called, dated, instant, listed, number, span, stamp
from bot.domain.digest import DAY, SHOWN, Ahead, Digest, Last, Tally
from bot.domain.incidents import Incident
from bot.domain.model import Fleet

LATE = timedelta(minutes=5)
"""From when on a digest says that it is late."""


def digest(about: Digest, fleet: Fleet) -> Draft:
    """What a digest says; `fleet` is what is known now, by which incidents are worded."""
    mark, headline = _headline(about, fleet.names)
    parts = [
        _unseen(about),
        _open(about, fleet),
        _ahead(about, fleet.names),
        _ended(about, fleet),
        _used(about),
        [_due(about)],
    ]
    filled = [said for part in parts if (said := [each for each in part if each])]
    return Draft(mark, headline, [each for number_, said in enumerate(filled) for each in [*[GAP][:number_], *said]])


def _headline(about: Digest, names: Mapping[int, str]) -> tuple[Sign, str]:
    """The answer, in a sentence that a phone's notification shows."""
    if about.read_at is None:
        return ("⚪", cards.GREY), "Daily digest: no token could be read yet"
    used = "" if about.used is None else f"{hours(about.used)} used {_in_days(about)}"
    if about.clear:
        on = about.linked - about.off
        every = "the only token works" if about.linked == 1 else "1 of 1 token works"
        works = every if on == 1 else f"{number(on)} of {number(on)} tokens work"
        return OVER, f"All clear: {listed_clauses(works, used, _lasting(about))}"
    works = cards.counted(about.linked, about.off, about.usable)
    open_ = f"{number(about.open)} incident{'s are' if about.open > 1 else ' is'} open" if about.open else ""
    away = "ImaginePro cannot be read" if about.failing else ""
    return _sign(about), f"Daily digest: {listed_clauses(away, works, open_, _dry(about, names), used)}"


def _lasting(about: Digest) -> str:
    """`all last until their refill`, of those of which somebody can tell."""
    if not about.lasting:
        return ""
    on = about.linked - about.off
    if about.lasting < on:
        return (
            f"{number(about.lasting)} last{'s' * (about.lasting == 1)} until the refill, of the others nobody knows yet"
        )
    return "it lasts until its refill" if on == 1 else "all last until their refill"


def _dry(about: Digest, names: Mapping[int, str]) -> str:
    """`1901 does not last`, `3 tokens do not last`, or that some may not."""
    for ids, count, do in ((_ids(about.short), about.shorts, "do"), (about.unsure, about.unsures, "may")):
        if count == 1:
            return f"{called(ids[0], names)} {'does' if do == 'do' else do} not last until its refill"
        if count:
            return f"{number(count)} tokens {do} not last until their refill"
    return ""


def _ids(ahead: Iterable[Ahead]) -> list[int]:
    return [each.token for each in ahead]


def _sign(about: Digest) -> Sign:
    """Of the gravest that is open."""
    if about.stands and all(each.acknowledged for each in about.stands):
        return TAKEN
    if about.stands:
        return SIGNS[about.stands[0].severity]
    if about.shorts or about.usable < about.linked - about.off:
        return "🟠", cards.ORANGE
    return ("🟡", YELLOW) if about.unsures else ("⚪", cards.GREY)


def _unseen(about: Digest) -> Iterable[str]:
    """What nobody could see."""
    if about.failing and about.read_at is not None:
        read_at = instant(about.read_at, about.made_at)
        yield f"⚠️ ImaginePro was last read at {read_at}: how things stand is as of then."
    for gap in about.gaps[:1]:
        if gap.first and gap.until < about.until:
            yield f"Watching since {stamp(gap.until, 'f')}."
    missed = [gap for gap in about.gaps if not gap.first or gap.until >= about.until]
    if missed:
        times = listed([f"{stamp(gap.since, 'f')} to {stamp(gap.until, 'f')}" for gap in missed[:2]], 2)
        more = f", and {len(missed) - 2} times more" if len(missed) > 2 else ""  # noqa: PLR2004 - as many as are named
        yield f"⚠️ **Nothing was read** from {times}{more}: what came and went in that time, nobody saw."


def _open(about: Digest, fleet: Fleet) -> Iterable[str]:
    if about.open:
        yield f"**Open** ({number(about.open)})"
        yield from troubles_of_fleet(about.stands, fleet)
        if about.open > len(about.stands):
            yield f"… and {number(about.open - len(about.stands))} more: `/incidents`"
        yield from islice(
            chain(_notes(about.stands, fleet.names), (_last(each, fleet.names) for each in about.last)), SHOWN
        )


def _notes(incidents: Iterable[Incident], names: Mapping[int, str]) -> Iterable[str]:
    """`📝 1901: @ana: “passed the check by phone”`, of those of which somebody noted something."""
    for each in incidents:
        if each.notes:
            whose = "" if each.key.token is None else f"{called(each.key.token, names)}: "
            yield f"📝 {whose}{words_of(each.notes[-1])}"


def _last(last: Last, names: Mapping[int, str]) -> str:
    """The same of the time before."""
    return f"📝 {called(last.token, names)}, last time ({stamp(last.note.at)}): {words_of(last.note)}"


def _ahead(about: Digest, names: Mapping[int, str]) -> Iterable[str]:
    """What is coming: what does not last, what will lapse, and what is refilled."""
    now, zone = about.made_at, ZoneInfo(about.zone)
    if about.shorts:
        yield f"**Will not last** ({number(about.shorts)})"
    for each in about.short:
        has = f" · <@{each.who}> has it" if each.who is not None else ""
        yield f"{called(each.token, names)}: {outlook(each.said, now, zone)}{has}"
    if about.shorts > len(about.short):
        yield f"… and {number(about.shorts - len(about.short))} more: `/tokens`"
    if about.unsures:
        yield f"**May not last:** {_tokens(about.unsure, about.unsures, names)}"
    if about.lapses:
        yield f"**Use it or lose it:** {_lapsing(about, zone, names)}"
    if about.refills:
        yield f"**Refills today:** {_tokens(about.refills, about.refilling, names)}"


def _lapsing(about: Digest, zone: tzinfo, names: Mapping[int, str]) -> str:
    """What lapses and when: `about 9 h of 1904 will lapse on Fri 4 Dec. Move work there from 1901.`."""
    parts: list[tuple[str, str]] = []
    for each in about.lapse:
        at, spare = each.said.renews_at, each.said.spare
        if at is not None and spare is not None:
            parts.append((f"{amount_of(spare)} of {called(each.token, names)}", day(at, about.made_at, zone)))
    named = [f"{what} ({at})" for what, at in parts]
    if (more := about.lapses - len(about.lapse)) > 0:
        named.append(f"some of {number(more)} more")
    use = f" Move work there from {_tokens(_ids(about.short), about.shorts, names)}." if about.shorts else ""
    if len(named) == 1:
        near = about.lapse[0].said.renews_at is not None and about.lapse[0].said.renews_at - about.made_at < NEAR
        return f"about {parts[0][0]} will lapse {'at' if near else 'on'} {parts[0][1]}.{use}"
    return f"about {listed_clauses(*named)} will lapse.{use}"


def _ended(about: Digest, fleet: Fleet) -> Iterable[str]:
    """What came and went."""
    ended = about.ended
    if not ended.count:
        return
    yield f"**{number(ended.count)} incident{'s' * (ended.count > 1)} ended**{_times(ended)}"
    for label, group in grouped(stories(ended.worst, fleet)).items():
        yield line(label, group).noted
    yield from islice(_notes(ended.worst, fleet.names), SHOWN)
    if ended.count > len(ended.worst):
        yield f"… and {number(ended.count - len(ended.worst))} more"


def _times(ended: Tally) -> str:
    """How long they lasted, and until somebody had them."""
    assert ended.to_end is not None  # noqa: S101 - of one incident or more
    middle = " in the median"
    said = f", after {span(ended.to_end)}{middle * (ended.count > 1)}"
    if ended.to_answer is None:
        return f"{said} · {'not' if ended.count == 1 else 'none'} acknowledged"
    every = "" if ended.count == 1 else "all " if ended.answered == ended.count else f"{number(ended.answered)} "
    return f"{said} · {every}acknowledged after {span(ended.to_answer)}{middle * (ended.answered > 1)}"


def _used(about: Digest) -> Iterable[str]:
    """Who used how much."""
    if about.used is None or not about.most:
        return
    named = [f"{token} {hours(minutes)}" for token, minutes in about.most]
    if (more := about.users - len(about.most)) > 0:
        rest = about.used - sum(minutes for _, minutes in about.most)
        named.append(f"{number(more)} more {hours(rest)}")
    if about.users > 1:
        yield f"**Used {_in_days(about)}**: {listed(named, len(named))}, {hours(about.used)} in all"
    else:
        yield f"**Used {_in_days(about)}**: {named[0]}"


def _due(about: Digest) -> str:
    said = f"Digest of {on(about.day)}, as of {stamp(about.made_at, 't')}"
    if about.made_at - about.until < LATE:
        return said
    return f"{said}; it was due at {stamp(about.until, 't')}, while the bot was away"


def _in_days(about: Digest) -> str:
    """`yesterday`, or `since Fri 27 Nov`."""
    first, last = about.days
    return "yesterday" if first == last == about.day - DAY else f"since {on(first)}"


def on(day: date) -> str:
    """`Fri 27 Nov`."""
    return f"{day:%a} {dated(day)}"


def hours(minutes: float) -> str:
    """`12 h`, and of less than an hour `40 min`."""
    if minutes >= 60 or not minutes:  # noqa: PLR2004 - an hour
        return f"{number(minutes / 60)} h"
    return f"{number(round(minutes))} min" if minutes >= 1 else "under 1 min"


def listed_clauses(*clauses: str) -> str:
    """`a, b and c` of those that say anything."""
    said = [each for each in clauses if each]
    return listed(said, len(said))


def _tokens(ids: Sequence[int], count: int, names: Mapping[int, str]) -> str:
    """`1900, 1901 and 1904`, or of many `1900, 1901 and 12 more`."""
    said = [called(each, names) for each in ids]
    return f"{', '.join(said)} and {number(count - len(said))} more" if count > len(said) else listed(said, count)
