"""The timeline of one incident, or of several that share a message."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise

from bot.chat.alerts.story import Story
from bot.chat.text import stamp
from bot.domain.incidents import Happening, Moment
from bot.domain.rules.table import UPSTREAM_RULES

_SAME_DAY = timedelta(hours=12)
"""Longer incidents are shown with dates."""

_TIMELINE = 6
"""Moments that a card shows at least, if there are so many: the first, and the last ones."""

_MOMENTS: Mapping[Happening, str] = {
    Happening.FIRED: "fired {at}",
    Happening.RAISED: "{severity} since {at}",
    Happening.LOWERED: "only {severity} since {at}",
    Happening.ACKNOWLEDGED: "acknowledged by {who} {at}",
    Happening.SILENCED: "silenced by {who} until {until}",
    Happening.REMINDED: "reminded {at}",
    Happening.RESOLVED: "resolved {at}",
    Happening.UNWATCHED: "no longer watched {at}",
}

_RELEASED = "released by {by} {at}"
_HANDED_OVER = "handed to {who} by {by} {at}"

_EACH_ITS_OWN = {Happening.REMINDED, Happening.RESOLVED, Happening.UNWATCHED}
"""What a summary says beside each token, or not at all."""


def timeline(about: Sequence[Story]) -> str:
    """When it fired, who did what, when it was over, and how old the numbers are. Of several, what they share once."""
    single = about[0] if len(about) == 1 else None
    began = min(story.incident.opened_at for story in about)
    last = max(story.incident.resolved_at or story.incident.read_at for story in about)
    style = "t" if last - began < _SAME_DAY else "f"
    said: dict[str, Moment] = {}
    for moment in sorted((moment for story in about for moment in _moments(story)), key=lambda each: each.at):
        if single is None and moment.what in _EACH_ITS_OWN:
            continue
        shared = single is None and moment.what in {Happening.FIRED, Happening.RAISED, Happening.LOWERED}
        once = f"{moment.what} {moment.severity}" if shared else _said(moment, style)
        said.setdefault(once, moment)
    words = _shortened([(moment, _said(moment, style)) for moment in said.values()])
    if single is not None and single.ended:
        words[-1] += f", {single.span}"
    return " · ".join([*words, *_age(about)])


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
    return (Moment(incident.opened_at, Happening.FIRED), *over)


def _said(moment: Moment, style: str) -> str:
    words = _MOMENTS[moment.what]
    if moment.by is not None:
        words = _RELEASED if moment.who is None else _HANDED_OVER
    return words.format(
        at=stamp(moment.at, style),
        who=f"<@{moment.who}>",
        by=f"<@{moment.by}>",
        severity=moment.severity,
        until=stamp(moment.until, "f") if moment.until else "it is resolved",
    )


def _age(about: Sequence[Story]) -> list[str]:
    """While ImaginePro is away, numbers are as old as the last reading."""
    frozen = [story.fleet.read_at for story in about if story.rule in UPSTREAM_RULES]
    read_at = frozen[0] if len(frozen) == len(about) else max(story.incident.read_at for story in about)
    return [f"read {stamp(read_at)}"] if read_at else []
