"""The timeline of one incident, or of several that share a message.

A card stays as it is until something happens to its incident. So all its times are times of the day: an age would go on
counting, and look as if nobody had checked since.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from bot.chat.alerts.story import Story
from bot.chat.text import stamp
from bot.domain.incidents import Happening, Moment
from bot.domain.rules.table import UPSTREAM_RULES

_SAME_DAY = timedelta(hours=12)
"""Longer incidents are shown with dates."""

_AT_ONCE = timedelta(minutes=1)
"""Who is told sooner than this was told when it began."""

_TIMELINE = 6
"""Moments that a card shows at least, if there are so many: the first, and the last ones."""

_MOMENTS: Mapping[Happening, str] = {
    Happening.FIRED: "since {at}",
    Happening.RAISED: "{severity} since {at}",
    Happening.LOWERED: "down to {severity} {at}",
    Happening.ACKNOWLEDGED: "acknowledged by {who} {at}",
    Happening.SILENCED: "silenced by {who} until {until}",
    Happening.REMINDED: "reminded {at}",
    Happening.ACTED: "{act} by {who} {at}",
    Happening.RESOLVED: "resolved {at}",
    Happening.UNWATCHED: "no longer watched {at}",
}

_ASKED = "asked for by {who} {at}"
_RELEASED = "released by {by} {at}"
_HANDED_OVER = "handed to {who} by {by} {at}"

_EACH_ITS_OWN = {Happening.REMINDED, Happening.RESOLVED, Happening.UNWATCHED}
"""What a summary says beside each token, or not at all."""


def timeline(about: Sequence[Story]) -> str:
    """Since when it is so, who did what, when it was over, and when it was last checked. Of several, once for all."""
    single = about[0] if len(about) == 1 else None
    began = min(story.incident.began_at for story in about)
    last = max(story.incident.resolved_at or story.incident.read_at for story in about)
    style = "t" if last - began < _SAME_DAY else "f"
    said: dict[str, Moment] = {}
    for moment in sorted((moment for story in about for moment in _moments(story)), key=lambda each: each.at):
        if single is None and moment.what in _EACH_ITS_OWN:
            continue
        shared = single is None and moment.what in {Happening.FIRED, Happening.RAISED, Happening.LOWERED}
        first = moment.what is Happening.FIRED
        once = moment.what + ("" if first else f" {moment.severity}") if shared else _said(moment, style)
        said.setdefault(once, moment)
    moments = [(moment, _said(moment, style)) for moment in said.values()]
    if single is not None:
        moments = _worse(moments)
    told = min((at for story in about if (at := story.incident.first_notified_at)), default=began)
    if told - began >= _AT_ONCE:
        place = 1 + sum(moment.at < told for moment, _ in moments[1:])
        moments.insert(place, (Moment(told, Happening.FIRED), f"told {stamp(told, style)}"))
    moments = _with_notes(moments, about, style) if single is not None else moments
    words = _shortened(moments)
    if single is not None and single.ended:
        over = (
            words[-1] if single.well else words[-1].replace("resolved", "ended", 1)
        )  # nothing bad is resolved by worse
        words[-1] = f"{over} after {single.span}"
    return " · ".join([*words, *_checked(about, began, style)])


def _with_notes(moments: list[tuple[Moment, str]], about: Sequence[Story], style: str) -> list[tuple[Moment, str]]:
    """With who noted something until it was over; what is noted later stands by itself."""
    for note in about[0].incident.notes:
        place = sum(moment.at <= note.at for moment, _ in moments)
        if not about[0].ended or place < len(moments):
            moments.insert(place, (Moment(note.at, Happening.FIRED), f"noted by <@{note.by}> {stamp(note.at, style)}"))
    return moments


def _worse(moments: Sequence[tuple[Moment, str]]) -> list[tuple[Moment, str]]:
    """What rose and was as severe before has become worse, and not critical."""
    before, words = None, []
    for moment, word in moments:
        same = moment.what is Happening.RAISED and moment.severity is before
        words.append((moment, word.replace(f"{moment.severity} since", "worse since", 1) if same else word))
        before = moment.severity or before
    return words


def _shortened(moments: Sequence[tuple[Moment, str]]) -> list[str]:
    """Of a long life the beginning and the latest, and whoever acknowledged it."""
    tail = len(moments) - _TIMELINE
    kept = [
        index
        for index, (moment, _) in enumerate(moments)
        if tail <= 0 or index == 0 or index > tail or moment.what is Happening.ACKNOWLEDGED
    ]
    gaps = (index - before > 1 for before, index in pairwise([-1, *kept]))
    return [word for index, gap in zip(kept, gaps, strict=True) for word in (*["…"] * gap, moments[index][1])]


def _moments(story: Story) -> tuple[Moment, ...]:
    """Its timeline; of one from before there were timelines, its ends."""
    incident = story.incident
    if incident.moments:
        return incident.moments
    over = (Moment(incident.resolved_at, Happening.RESOLVED),) if story.ended and incident.resolved_at else ()
    return (Moment(incident.began_at, Happening.FIRED), *over)


def _said(moment: Moment, style: str) -> str:
    words = _ASKED if moment.what is Happening.FIRED and moment.who is not None else _MOMENTS[moment.what]
    if moment.by is not None:
        words = _RELEASED if moment.who is None else _HANDED_OVER
    return words.format(
        at=stamp(moment.at, style),
        act=moment.act,
        who="the bot (runbook)" if moment.who is None else f"<@{moment.who}>",
        by=f"<@{moment.by}>",
        severity=moment.severity,
        until=stamp(moment.until, "f") if moment.until else "it is resolved",
    )


def _checked(about: Sequence[Story], began: datetime, style: str) -> list[str]:
    """When what is still open was last read, if not just when it began. While ImaginePro is away, nothing is."""
    open_ = [story for story in about if story.incident.open]
    read_at = [at for story in open_ if (at := story.checked_at) is not None]
    if not read_at:
        return []
    word = "last reading" if all(story.rule in UPSTREAM_RULES for story in open_) else "last checked"
    return [f"{word} {stamp(max(read_at), style)}"] if max(read_at) != began else []
