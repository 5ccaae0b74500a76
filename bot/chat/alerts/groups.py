"""Several incidents in few lines: grouped by rule and by what became of them, the gravest first."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bot.chat.alerts.phrases import MOVED_ON, OVER, Sign, aftermath, sign
from bot.chat.alerts.story import Story
from bot.chat.alerts.wording import MOMENTARY
from bot.chat.cards import share
from bot.chat.text import called, capitalised, listed, number, within
from bot.domain.incidents import Incident, Rule
from bot.domain.rules.table import FAST_TIME_RULES, STATUS_RULES

_IDS = 30
"""Tokens that a line of a short message names; a card's summary names all."""


def grouped(about: Iterable[Story]) -> dict[str, list[Story]]:
    """By rule and by what became of it; the most severe first, and within a group by id."""
    groups: dict[str, list[Story]] = {}
    for story in sorted(about, key=lambda story: place(story.incident)):
        groups.setdefault(_label(story), []).append(story)
    return groups


_ORDER = {rule: number for number, rule in enumerate(Rule)}


def place(incident: Incident) -> tuple[int, int, str, int]:
    """Sort by this: the gravest first."""
    key = incident.key
    return -incident.severity.rank, _ORDER[key.rule], key.step, key.token or 0


def _label(story: Story) -> str:
    group = story.wording.group.format_map(story)
    if not story.ended:
        return group
    if story.rule is Rule.DOES_NOT_LAST:  # what was to come is not what it was
        group = story.short
    if not story.well and story.incident.key.token is None:
        return f"{capitalised(story.short)}, {_fate(story)}"
    if not story.well:
        return f"was {group}, {_fate(story)}"
    return f"was {group}, now {story.status}" if story.rule in STATUS_RULES else f"resolved: {group}"


def fates(about: Sequence[Story]) -> str:
    """`all resolved`, or `2 resolved, 1 now BANNED and 3 still open`; nothing where none has ended.

    What is momentary, as that a token is new, neither ends nor is open, and is not counted.
    """
    counts = Counter(_fate(story) if story.ended else "still open" for story in about if story.rule not in MOMENTARY)
    if counts.keys() <= {"still open"}:
        return ""
    order = sorted(counts, key=lambda word: (word == "still open", word != "resolved"))
    if counts[order[0]] == len(about):
        return f"all {order[0]}"
    return listed([f"{number(counts[each])} {each}" for each in order], 5)


def _fate(story: Story) -> str:
    """What became of one that has ended. Only of what is well again it is said that it is resolved."""
    return "resolved" if story.well else aftermath(story).removeprefix("then ")


def sign_of_ends(about: Iterable[Story]) -> Sign:
    """Whether all that have ended are well."""
    return OVER if all(story.well for story in about) else MOVED_ON


class Line(NamedTuple):
    """A line about a group in its forms: each says less than the one before, and none leaves the group out."""

    noted: str
    """`✅ **was BANNED, now FAST** (2): 1920 (5 min), 1921 (1 h)`; of more than `most`, how many more."""
    named: str
    """`✅ **was BANNED, now FAST** (2): 1920, 1921`."""
    counted: str
    """`✅ **was BANNED, now FAST** (2)`."""


def line(label: str, group: Sequence[Story], most: int = _IDS) -> Line:
    """A rule's line, which names `most` tokens at most."""
    first = group[0]
    mark = (sign_of_ends(group) if first.ended else sign(first))[0]
    if first.incident.key.token is None:
        alone = f"{mark} **{label}**" + (f" for {first.span}" if first.ended else "")
        return Line(alone, alone, alone)
    counted = f"{mark} **{label}** ({len(group)})"
    more = f" and {len(group) - most} more" if len(group) > most else ""
    ids = [_id(story) for story in group[:most]]
    notes = [each + _note(story) for each, story in zip(ids, group, strict=False)]
    return Line(f"{counted}: {', '.join(notes)}{more}", f"{counted}: {', '.join(ids)}{more}", counted)


def _id(story: Story) -> str:
    """`1900`, or `ana's Pro (1900)`."""
    token_id = story.incident.key.token
    return "" if token_id is None else called(token_id, story.fleet.names)


def fitted(lines: Sequence[str | Line], limit: int) -> Sequence[str]:
    """The lines in the fullest form in which all of them fit, or else in the shortest."""
    forms = [[each if isinstance(each, str) else each[form] for each in lines] for form in range(len(Line._fields))]
    return next((said for said in forms if within(said, limit) == "\n".join(said)), forms[-1])


def _note(story: Story) -> str:
    """What sets one token of a group apart: how long it took, how little is left, or its status."""
    if story.ended:
        return f" ({story.span})"
    if story.rule is Rule.FLAPPING:
        return f" ({story.status})"
    if story.rule is Rule.DOES_NOT_LAST and story.dry_soon:
        return f" ({story.dry_soon})"
    low = story.token is not None and story.rule in FAST_TIME_RULES
    return f" ({share(story.token.fast_time, story.limit)})" if low and story.token else ""
