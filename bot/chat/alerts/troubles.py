"""What is open, in few lines: for the card of a token, for that of the fleet, and for suggestions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from heapq import nsmallest

from bot.chat.alerts.groups import grouped, place
from bot.chat.alerts.notes import last_note
from bot.chat.alerts.phrases import sign
from bot.chat.alerts.story import Story, stories
from bot.chat.text import all_called, instant, listed
from bot.domain.incidents import Incident, Key
from bot.domain.model import Fleet, Severity

_LINES = 6
"""Of the fleet's card."""
_IDS = 6
"""That one of them names."""
_WORDED = 1000
"""Incidents that are looked at: wording one takes its time."""


def troubles_of_token(
    incidents: Iterable[Incident],
    fleet: Fleet,
    now: datetime,
    *,
    suppressed: Callable[[Key], str],
    links: Mapping[Key, str],
) -> list[str]:
    """`🔴 **under 5 % fast time** since 3:11 AM · @ana has it · jump`: a line an incident, the gravest first.

    Args:
        incidents: The open ones of one token.
        fleet: What is known now.
        now: The time.
        suppressed: By what an incident of a key is suppressed now, in words; nothing where it is not.
        links: Where the message of an incident is, as far as that is known.
    """
    return [
        _line(story, now, suppressed=suppressed(story.incident.key), link=links.get(story.incident.key))
        for story in stories(sorted(incidents, key=place), fleet)
    ]


def troubles_of_fleet(incidents: Iterable[Incident], fleet: Fleet, *, calling: bool = False) -> list[str]:
    """`🔴 **BANNED**: tokens 1920 and 1921 · @ana has them`: a line a rule, the gravest first. No info.

    Args:
        incidents: Those that are open, of all tokens and of none.
        fleet: What is known now.
        calling: Say that nobody has what is critical.
    """
    grave = [incident for incident in incidents if incident.severity is not Severity.INFO]
    groups = grouped(stories(nsmallest(_WORDED, grave, key=place), fleet))
    lines = [_named(label, group) + (_holders(group) or _nobody(group) * calling) for label, group in groups.items()]
    more = len(lines) > _LINES or len(grave) > _WORDED
    return [*lines[:_LINES], *(["… and more: `/incidents`"] if more else [])]


def trouble(incident: Incident, fleet: Fleet) -> str:
    """What is wrong, in a few words: `under 20 % fast time`."""
    (story,) = stories([incident], fleet)
    return _what(story)


def _named(label: str, group: Sequence[Story]) -> str:
    ids = [token for story in group if (token := story.incident.key.token) is not None]
    tokens = f": {all_called(ids, group[0].fleet.names, _IDS)}" if ids else ""
    return f"{sign(group[0])[0]} **{label}**{tokens}"


def _what(story: Story) -> str:
    return story.wording.group.format_map(story)


def _line(story: Story, now: datetime, *, suppressed: str, link: str | None) -> str:
    incident = story.incident
    parts = [
        f"{sign(story)[0]} **{_what(story)}** since {instant(incident.began_at, now)}",
        f"<@{incident.acknowledged.who}> has it" if incident.acknowledged else "",
        suppressed,
        f"[jump]({link})" if link else "",
        last_note(incident),
    ]
    return " · ".join(filter(None, parts))


def _nobody(group: Sequence[Story]) -> str:
    """That nobody has what calls somebody."""
    calls = any(story.incident.pages and not story.incident.is_silenced for story in group)
    return f" · **nobody has {'it' if len(group) == 1 else 'them all'}**" if calls else ""


def _holders(group: Sequence[Story]) -> str:
    """Who has them, when somebody has each."""
    moments = [story.incident.acknowledged for story in group]
    people = sorted({moment.who or 0 for moment in moments if moment})
    if None in moments:
        return ""
    names = listed([f"<@{who}>" for who in people], 3)
    return f" · {names} {'has' if len(people) == 1 else 'have'} {'it' if len(group) == 1 else 'them'}"
