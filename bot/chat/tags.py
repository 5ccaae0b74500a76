"""The tags of a forum: which of them say what an incident is, by their words. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from bot.domain.value import Value

MOST: Final = 5
"""Tags of one post, at most."""


class Label(Enum):
    """What a tag may say of a post: how grave it is, and what has become of it."""

    CRITICAL = auto()
    WARNING = auto()
    INFO = auto()
    FIRING = auto()
    TAKEN = auto()
    SILENCED = auto()
    RESOLVED = auto()


WORDS: Final[Mapping[Label, tuple[str, ...]]] = MappingProxyType(
    {
        Label.CRITICAL: ("critical", "crit", "urgent", "emergency", "severe", "page", "p1", "sev1", "sev 1"),
        Label.WARNING: ("warning", "warn", "warnings", "p2", "sev2", "sev 2"),
        Label.INFO: ("info", "information", "informational", "notice", "p3", "sev3", "sev 3"),
        Label.FIRING: ("firing", "open", "active", "alerting", "ongoing", "unresolved", "triggered", "new"),
        Label.TAKEN: ("acknowledged", "taken", "ack", "acked", "claimed", "assigned", "in progress", "investigating"),
        Label.SILENCED: ("silenced", "muted", "snoozed", "quiet", "suppressed"),
        Label.RESOLVED: ("resolved", "over", "closed", "solved", "done", "fixed", "recovered", "ended"),
    }
)
"""What a tag may be called that says so, the best word first: that is the one which people are told to make."""


class Tag(Value):
    """A tag that a forum has."""

    id: int
    name: str
    moderated: bool = False
    """Whether it takes Manage Threads to set it."""


def fitting(tags: Iterable[Tag], label: Label) -> Tag | None:
    """The tag that says this; of several the one with the best word."""
    named = {_bare(tag.name): tag for tag in reversed(tuple(tags))}
    return next((named[word] for word in WORDS[label] if word in named), None)


def merged(
    tags: Sequence[Tag],
    present: Sequence[int],
    labels: Collection[Label],
    *,
    required: bool = False,
    moderated: bool = True,
) -> tuple[int, ...]:
    """The tags that a post is to have: those that people put on it, and of ours those that are true now.

    Args:
        tags: All that the forum has.
        present: Those that the post has.
        labels: What is true now.
        required: Whether a post must have one; then it has any, rather than being lost.
        moderated: Whether the bot may set, or take away, those that take Manage Threads.
    """
    usable = [tag for tag in tags if moderated or not tag.moderated]
    known = {tag.id for tag in tags}
    ours = {tag.id for tag in usable for words in WORDS.values() if _bare(tag.name) in words}
    kept = [each for each in present if each in known and each not in ours]
    found = [tag.id for label in Label if label in labels and (tag := fitting(usable, label))]
    wanted = (*kept, *found)[:MOST]
    if not wanted and required:
        return tuple(tag.id for tag in (usable or tags)[:1])
    return tuple(wanted)


def _bare(name: str) -> str:
    """Without emoji and punctuation, in small letters."""
    return " ".join("".join(sign if sign.isalnum() else " " for sign in name.casefold()).split())
