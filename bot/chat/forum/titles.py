"""What a post is called, and what its tags are to say. Pure.

Discord lets a post be renamed twice in ten minutes, so its title says what stays true: `1900 · ban`. What became of it
is said by the tags, and by the message itself.
"""

from collections.abc import Mapping
from typing import Final

from bot.chat.tags import Label
from bot.chat.text import bare
from bot.domain.incidents import Incident, Rule
from bot.domain.labels import token_name
from bot.domain.messages import Message, Notice, NoticeKind
from bot.domain.model import Severity
from bot.domain.naming import NOUNS
from bot.domain.value import Value

LONGEST: Final = 100
"""Of a title, by Discord."""

_PREFIXES: Final = ("alert that ", "warning that ")
"""Which say nothing in a list of nothing but alerts."""

NOTICES: Final[Mapping[NoticeKind, str]] = {
    NoticeKind.RAISED: "Worse",
    NoticeKind.REMINDER: "Reminder",
    NoticeKind.RESOLVED: "Over",
    NoticeKind.HANDED_OVER: "Handed over",
    NoticeKind.SILENCE_STARTED: "Silence",
    NoticeKind.SILENCE_ENDED: "Silence is over",
    NoticeKind.MAINTENANCE_STARTED: "Maintenance",
    NoticeKind.MAINTENANCE_ENDED: "Maintenance is over",
    NoticeKind.DIGEST: "Daily digest",
    NoticeKind.ACT: "Done at ImaginePro",
    NoticeKind.RUNBOOK: "Runbook",
    NoticeKind.REPORT: "Report",
    NoticeKind.SHIFT: "On call",
    NoticeKind.UNREACHABLE: "Not reached by direct message",
}
"""How a notice is called that is a post of its own."""

_SEVERITIES: Final = {
    Severity.CRITICAL: Label.CRITICAL,
    Severity.WARNING: Label.WARNING,
    Severity.INFO: Label.INFO,
}


class State(Value):
    """What a post is to look like, beside its message."""

    labels: frozenset[Label]
    closed: bool = False
    """Whether it is archived."""
    brief: bool = False
    """Whether Discord is to archive it by itself after an hour, since it calls for nothing."""


def title(message: Message, names: Mapping[int, str]) -> str:
    """`ana's Pro (1900) · ban`, `12 tokens · check`, `3 incidents`, `Daily digest`; it stays as true as it was.

    Args:
        message: What the post is of.
        names: What people call tokens now.
    """
    about = _about(message.incidents, names)
    if message.notice is not None:
        about = "" if message.notice.kind is NoticeKind.SHIFT else about  # it names what is open, and is not about that
        return _cut(" · ".join(filter(None, [_called(message.notice), message.notice.about or about])))
    # A message of no incident is that of a bot that cannot write, which has no row.
    return _cut(about or "The database takes no writes")


def _called(notice: Notice) -> str:
    return NOTICES.get(notice.kind, notice.kind.replace("_", " ").capitalize())


def _about(incidents: tuple[Incident, ...], names: Mapping[int, str]) -> str:
    rules = {each.key.rule for each in incidents}
    tokens = {each.key.token for each in incidents if each.key.token is not None}
    one = token_name(next(iter(tokens)), names) if len(tokens) == 1 else ""
    if Rule.BASELINE in rules:
        return "First summary"
    if len(rules) > 1:
        return f"{one} · {len(incidents)} alerts" if one else f"{len(incidents)} incidents"
    what = next((_noun(rule) for rule in rules), "")
    groups = {each.key.group for each in incidents}
    if len(groups) == 1 and (group := groups.pop()):
        return f"{group} is short"
    if groups - {""}:
        return f"{len(groups)} groups are short" if "" not in groups else f"{len(incidents)} incidents"
    if one:
        return f"{one} · {what}"
    return f"{len(tokens)} tokens · {what}" if tokens else what[:1].upper() + what[1:]


def _noun(rule: Rule) -> str:
    noun = NOUNS[rule]
    return next((noun.removeprefix(each) for each in _PREFIXES if noun.startswith(each)), noun)


def _cut(text: str) -> str:
    return bare(text, LONGEST)


def state(message: Message) -> State:
    """What the post of a card is to look like as of now; that of a notice says how grave it is, and no more."""
    incidents = message.incidents
    open_ = [each for each in incidents if each.open]
    gravest = max((each.severity for each in open_ or incidents), key=lambda each: each.rank, default=Severity.INFO)
    if message.notice is not None and message.notice.kind is NoticeKind.SHIFT:
        gravest = Severity.INFO
    grave = _SEVERITIES[gravest] if incidents or message.notice else Label.CRITICAL
    if message.notice is not None or not incidents:
        return State(frozenset({grave}), brief=message.notice is not None)
    if not open_:
        brief = gravest is Severity.INFO
        return State(frozenset({grave, Label.RESOLVED}), closed=not brief, brief=brief)
    if all(each.acknowledged for each in open_):
        return State(frozenset({grave, Label.TAKEN}))
    if all(each.is_silenced for each in open_):
        return State(frozenset({grave, Label.SILENCED}))
    return State(frozenset({grave, Label.FIRING}))
