"""What is about a group of tokens: it follows the group as that changes, and keeps it from being removed."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from bot.domain.decisions import Decision, Decisions
from bot.domain.groups import Group, group_id
from bot.domain.naming import name_of, rule_name
from bot.domain.value import replace


def followers(decisions: Decisions, group: Group) -> tuple[Decision, ...]:
    """The silences and settings that are about it, as they are once the group is so."""
    silences = (each for each in decisions.silences.values() if _is(each.scope.group, group))
    settings = (each for each in decisions.settings.values() if _is(each.group, group))
    return (
        *(replace(each, scope=replace(each.scope, group=group)) for each in silences),
        *(replace(each, group=group) for each in settings),
    )


def _is(other: Group | None, group: Group) -> bool:
    return other is not None and other.id == group.id


def _silences(decisions: Decisions, group: Group) -> Iterator[str]:
    for each in decisions.silences.values():
        if _is(each.scope.group, group):
            yield f"the silence of {name_of(each)} (`/silence end`, {each.id})"


def _settings(decisions: Decisions, group: Group) -> Iterator[str]:
    for each in decisions.settings.values():
        if _is(each.group, group):
            yield f"the rule {rule_name(each.rule)} (`/rules reset`)"


def _boards(decisions: Decisions, group: Group) -> Iterator[str]:
    for each in decisions.one_group.values():
        if group_id(each.group) == group.id:
            yield f"the board in <#{each.channel_id}> (`/board remove`)"


_USES: Final[Iterable[Callable[[Decisions, Group], Iterable[str]]]] = (_silences, _settings, _boards)
"""What may be about a group; each says what is, and how that ends."""


def listeners(decisions: Decisions, group: Group) -> tuple[int, ...]:
    """Discord's ids of those who get direct messages about a group, which may go: only they can end these."""
    return tuple(each.by for each in decisions.wishes.values() if each.group and group_id(each.group) == group.id)


def uses(decisions: Decisions, group: Group) -> tuple[str, ...]:
    """What is about a group, for people: while there is anything, the group cannot be removed."""
    return tuple(each for found in _USES for each in found(decisions, group))
