"""What one person is told by direct message: its first line is all that a locked phone shows, so it is the news.

There is nothing to press: people act in the ops channel, to which the links lead.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Final

import discord

from bot.chat.alerts.drafts import several
from bot.chat.alerts.groups import Line, fitted, grouped, line, place
from bot.chat.alerts.message import TEXT_LIMIT, Alert
from bot.chat.alerts.phrases import sign_and_headline
from bot.chat.alerts.story import Story, stories
from bot.chat.text import bare, listed, plain, quoted, within
from bot.domain.asides import Aside, Bundle, What
from bot.domain.incidents import Key, Moment
from bot.domain.model import Fleet
from bot.domain.wishes import Wish

EACH: Final = 5
"""Incidents that have a line each, with a link to their card; of more there is a line a rule."""

NOTE: Final = 400
"""How much of a note is said again."""

_SILENT: Final = frozenset({What.ENDED, What.NOTE})
"""What makes no sound, where nothing else is said."""


def personal(
    bundle: Bundle,
    fleet: Fleet,
    wish: Wish | None = None,
    links: Mapping[Key, str] | None = None,
    troubled: Callable[[], frozenset[int | None]] = frozenset,
    zone: tzinfo = UTC,
) -> Alert:
    """The message as it is to be sent now.

    Args:
        bundle: What waits for one person.
        fleet: What is known now.
        wish: What they wish to hear of.
        links: Where the cards are of what is open, by incident; where the channel is, of one without a card yet.
        troubled: As in `bot.chat.alerts.message.alert`.
        zone: Whose days are meant, of what is to come.
    """
    about = {each.incident.key: each for each in stories(bundle.incidents, fleet, troubled, zone)}
    said = [*_lines(bundle.asides, about, links or {}), *_welcome(bundle.asides, wish)]
    text = within(fitted(said, TEXT_LIMIT), TEXT_LIMIT)
    silent = all(each.what in _SILENT for each in bundle.asides)
    return Alert(f"{text}\n-# ref {bare(bundle.mark, 60)}", (), discord.AllowedMentions.none(), silent=silent)


def _lines(asides: Sequence[Aside], about: Mapping[Key, Story], links: Mapping[Key, str]) -> Iterator[str | Line]:
    """What somebody did comes with who did it; of all else how it is now, once."""
    moved = {key: each for each in asides for key in each.keys if each.moments}
    rest = dict.fromkeys(key for each in asides for key in each.keys if key in about and key not in moved)
    told = sorted((about[key] for key in rest), key=lambda story: place(story.incident))
    held = all(each.what is What.MORNING for each in asides if each.keys)
    if len(told) > 1 or (told and held):
        open_ = [each for each in told if not each.ended]
        many = several(told) if not held or len(told) > 1 else ""
        yield f"☀️ **Open since your quiet hours{f': {many}' if many else ''}**" if held and open_ else f"**{many}**"
    if len(told) > EACH:
        yield from (line(label, group) for label, group in grouped(told).items())
    else:
        yield from (_line(each, links) for each in told)
    for key, each in moved.items():
        if key in about:
            yield f"{_who(each.moments[-1])} {_line(about[key], links)}"
    yield from (f"📝 <@{note.by}>: {quoted(note.words, NOTE)}" for each in asides for note in each.notes)


def _line(story: Story, links: Mapping[Key, str]) -> str:
    """`🔴 **Token 1900 is BANNED** · @ben has it · [jump](…)`, as it is now."""
    (mark, _), headline = sign_and_headline(story)
    taken = story.incident.acknowledged
    has = f"<@{taken.who}> has it" if taken is not None and not story.ended else ""
    link = links.get(story.incident.key)
    return " · ".join(filter(None, [f"{mark} **{headline}**", has, f"[jump]({link})" if link else ""]))


def _who(moment: Moment) -> str:
    if moment.who is None:
        return f"👐 <@{moment.by}> released this, and nobody has it:"
    by = f"<@{moment.by}>" if moment.by is not None else "Somebody"
    return f"🤝 {by} handed this to <@{moment.who}>:"


def _welcome(asides: Sequence[Aside], wish: Wish | None) -> Iterator[str]:
    if wish is not None and any(each.what is What.WELCOME for each in asides):
        yield f"👋 **This is where you will hear of {wished(wish)}.**"
        if quiet := kept_quiet(wish):
            yield quiet
        yield "Act in the ops channel: there is nothing to press here. `/notify off` ends these messages."


def wished(wish: Wish) -> str:
    """`pages, your incidents and anything that fires in studio`."""
    whats = [
        "pages" if wish.pages else "pages while you are on call" if wish.mine else "",
        "your incidents" if wish.mine else "",
        f"anything that fires in {plain(wish.group, 60)}" if wish.group else "",
    ]
    return listed([each for each in whats if each], 3)


def kept_quiet(wish: Wish) -> str:
    """`Nothing is sent from 22:00 to 07:00 (Europe/Berlin) except pages while you are on call.`, where it is so."""
    if wish.quiet is None:
        return ""
    but = " except pages while you are on call" if wish.pages or wish.mine else ""
    hours = f"{wish.quiet.begin:%H:%M} to {wish.quiet.end:%H:%M} ({wish.quiet.zone})"
    return f"Nothing is sent from {hours}{but}; at their end you hear what is still open."
