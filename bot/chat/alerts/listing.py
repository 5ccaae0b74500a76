"""Lists of incidents, for those who ask."""

from collections.abc import Callable, Iterable, Mapping

import discord

from bot.chat.alerts.drafts import sign_of
from bot.chat.alerts.groups import place
from bot.chat.alerts.notes import last_note
from bot.chat.alerts.phrases import sign_and_headline
from bot.chat.alerts.story import Story, stories
from bot.chat.cards import GAP, compose
from bot.chat.text import instant
from bot.domain.incidents import Incident, Key
from bot.domain.model import Fleet

PAGE_SIZE = 12
"""Incidents on a page of a list."""


def incident_list(
    heading: str,
    incidents: Iterable[Incident],
    fleet: Fleet,
    page: int,
    *,
    suppressed: Callable[[Key], str] = lambda _: "",
    links: Mapping[Key, str] | None = None,
    on_call: str = "",
) -> tuple[discord.Embed, int]:
    """Incidents, worst first, a line or two each.

    Args:
        heading: The title, ours.
        incidents: Any number.
        fleet: What is known now.
        page: Counted from 0; one that does not exist shows the nearest that does.
        suppressed: By what an incident of a key is suppressed now, in words; nothing where it is not.
        links: Where the message of an incident is.
        on_call: Who is on call; empty where nobody is.

    Returns:
        The card, and how many pages there are (at least 1).
    """
    about = sorted(stories(incidents, fleet), key=lambda story: (story.ended, place(story.incident)))
    pages = max(1, -(-len(about) // PAGE_SIZE))
    page = min(max(page, 0), pages - 1)
    shown = about[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
    lines = [
        _item(story, suppressed=suppressed(story.incident.key), link=(links or {}).get(story.incident.key))
        for story in shown
    ]
    foot = [GAP, f"page {page + 1} of {pages}"] if pages > 1 else []
    colour = sign_of(about)[1]
    return compose(heading, [*([on_call] if on_call else []), *lines, *foot], colour), pages


def said_of(incident: Incident, fleet: Fleet) -> tuple[str, str]:
    """The sign and the headline of an incident, for places that show no markdown."""
    (story,) = stories([incident], fleet)
    (mark, _), headline = sign_and_headline(story)
    return mark, headline


def _item(story: Story, *, suppressed: str, link: str | None) -> str:
    (mark, _), headline = sign_and_headline(story)
    incident = story.incident
    taken = incident.acknowledged
    parts = [
        "" if story.ended else f"since {instant(incident.began_at, story.checked_at or incident.read_at)}",
        f"<@{taken.who}> has it" if taken and not story.ended else "",
        "" if story.ended else suppressed,
        f"[jump]({link})" if link and not story.ended else "",
        last_note(incident),
    ]
    return " · ".join(filter(None, [f"{mark} **{headline}**", *parts]))
