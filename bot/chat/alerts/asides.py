"""What is said beside the ops channel: what became of incidents, in a thread under their card or to a person."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Final

import discord

from bot.chat.alerts.groups import Line, fitted, grouped, line, place
from bot.chat.alerts.message import TEXT_LIMIT, Alert
from bot.chat.alerts.phrases import sign_and_headline
from bot.chat.alerts.story import Story, stories
from bot.chat.text import bare, by_name, capitalised, listed, quoted, stamp, within
from bot.domain.asides import Aside, Bundle, Place, What
from bot.domain.incidents import Happening, Incident, Key, Moment, Note
from bot.domain.model import Fleet

NOTE: Final = 400
"""How much of a note is said again."""

NAMED: Final = 5
"""Tokens that a sentence names."""

_MOMENTS: Final[Mapping[Happening, str]] = {
    Happening.RAISED: "🔺 Now {severity}",
    Happening.LOWERED: "🔻 Down to {severity}",
    Happening.ACKNOWLEDGED: "✋ {who} has it",
    Happening.SILENCED: "🔕 Silenced by {who} until {until}",
    Happening.REMINDED: "⏰ Still not acknowledged",
    Happening.ACTED: "🔧 {act} by {who}",
}
_RELEASED: Final = "👐 Released by {by}: nobody has it"
_HANDED_OVER: Final = "🤝 {by} handed it to {who}"
_ESCAPED: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
"""What keeps Discord from rendering a sign. In the name of a thread it renders none."""
_OVER: Final = frozenset({Happening.FIRED, Happening.RESOLVED, Happening.UNWATCHED})
"""Of these the headline of the incident says all."""


def aside(
    bundle: Bundle,
    fleet: Fleet,
    together: Sequence[Key] = (),
    troubled: Callable[[], frozenset[int | None]] = frozenset,
    zone: tzinfo = UTC,
) -> Alert:
    """The message as it is to be sent now.

    Args:
        bundle: What waits for one person, or one thread.
        fleet: What is known now.
        together: What else the thread is about: of several each is named.
        troubled: As in `bot.chat.alerts.message.alert`.
        zone: Whose days are meant, of what is to come.
    """
    about = stories(sorted(bundle.incidents, key=place), fleet, troubled, zone)
    several = bundle.place is Place.PERSON or len({each.key for each in bundle.incidents} | set(together)) > 1
    lines = [each for aside in bundle.asides for each in _lines(aside, about, several=several)]
    text = within(fitted(lines, TEXT_LIMIT), TEXT_LIMIT)
    sounds = bundle.place is Place.PERSON and any(each.what is What.PAGE for each in bundle.asides)
    mark = f"-# ref {bare(bundle.mark, 60)}"
    return Alert(f"{text}\n{mark}", (), discord.AllowedMentions.none(), silent=not sounds)


def _lines(aside: Aside, about: Sequence[Story], *, several: bool) -> Iterator[str | Line]:
    of = [each for each in about if each.incident.key in aside.keys]
    names = about[0].fleet.names if about else {}
    whose = f" ({by_name(_names(aside.keys), names)})" if several else ""
    said = [f"{_said(each)}{whose}." for each in aside.moments if each.what not in _OVER]
    if (not aside.moments and not aside.notes) or any(each.what in _OVER for each in aside.moments):
        yield from _headlines(of)
    yield from said
    yield from (f"{_noted(each)}{whose}" for each in aside.notes)


def _headlines(about: Sequence[Story]) -> Iterator[str | Line]:
    """How they are now: of one its headline, of several a line a rule."""
    if len(about) == 1:
        (mark, _), headline = sign_and_headline(about[0])
        yield f"{mark} **{headline}**"
    else:
        yield from (line(label, group) for label, group in grouped(about).items())


def _said(moment: Moment) -> str:
    words = _MOMENTS.get(moment.what, moment.what)
    if moment.what is Happening.ACKNOWLEDGED and moment.by is not None:
        words = _RELEASED if moment.who is None else _HANDED_OVER
    return words.format(
        act=capitalised(moment.act),
        who="the bot (runbook)" if moment.who is None else f"<@{moment.who}>",
        by=f"<@{moment.by}>",
        severity=moment.severity,
        until=stamp(moment.until, "f") if moment.until else "it is resolved",
    )


def _noted(note: Note) -> str:
    return f"📝 <@{note.by}>: {quoted(note.words, NOTE)}"


def _names(keys: Sequence[Key]) -> str:
    """`token 1900`, `tokens 1900, 1901 and 1904`, or the group or the rule where it is about no token."""
    ids = list(dict.fromkeys(str(key.token) for key in keys if key.token is not None))
    if not ids:
        return listed(list(dict.fromkeys(key.group or key.rule.replace("_", " ") for key in keys)), NAMED)
    return f"token{'s' * (len(ids) > 1)} {listed(ids, NAMED)}"


def thread_name(incidents: Sequence[Incident], fleet: Fleet, zone: tzinfo = UTC) -> str:
    """What the thread under a card is called: its headline, as Discord takes a name."""
    about = stories(sorted(incidents, key=place), fleet, frozenset, zone)
    headline = _ESCAPED.sub(r"\1", sign_and_headline(about[0])[1])
    more = f" and {len(about) - 1} more" if len(about) > 1 else ""
    return bare(headline, 100 - len(more)) + more
