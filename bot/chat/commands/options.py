"""How a command is made, and options that several have: rules, lengths of time, and decisions to take back."""

import re
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from datetime import timedelta
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from discord import app_commands

from bot.chat.desk import Asked, Need, UnclearError
from bot.chat.text import bare, plain, quoted
from bot.domain import info
from bot.domain.groups import Group
from bot.domain.incidents import Rule
from bot.domain.labels import token_called
from bot.domain.naming import rule_name
from bot.domain.rules import table

CHOICES = 25
"""Suggestions that Discord takes at most."""

SHORTEST = timedelta(minutes=1)

RULES = [
    app_commands.Choice(name=rule_name(rule), value=rule.value)
    for rule in table.RULES
    if rule not in {Rule.BASELINE, Rule.TEST}
]
"""All but the first message ever, which cannot come again, and a test, which always sounds."""

_RANGE = re.compile(r"(?P<first>[0-9]{1,19})(?:-(?P<last>[0-9]{1,19}))?")
_DASH = re.compile(r"\s*[-\u2013]\s*")
"""Phones make a longer one of it."""

_LENGTH = re.compile(r"([0-9]{1,6}) ?(?:(m)(?:in(?:ute)?s?)?|(h)(?:(?:ou)?rs?)?|(d)(?:ays?)?)")
"""As the bot says it, `4 h`, and as people do."""

EMPTY: Mapping[int, str] = {}

Reason = app_commands.Range[str, 1, 200]

COMMON = (
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Istanbul",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Sydney",
)
"""Zones that are suggested before anything is typed."""


Callback = Callable[..., Coroutine[Any, Any, None]]


def command_of(name: str, description: str, need: Need, callback: Callback) -> app_commands.Command[Any, ..., None]:
    """A command that can be called, for those who are allowed what it needs."""
    return app_commands.Command(name=name, description=description, callback=callback, extras=need.extras)


def group_of(name: str, description: str, *leaves: tuple[str, str, Need, Callback]) -> app_commands.Group:
    """A family of commands; each has a name, a description, what it needs, and what it does."""
    group = app_commands.Group(name=name, description=description)
    for leaf in leaves:
        group.add_command(command_of(*leaf))
    return group


def check_token(interaction: Asked, rule: Rule | None, token: int | None) -> None:
    """Refuse a token that is not there, and one for a rule that is about none."""
    if token is None:
        return
    if rule in table.FLEET_RULES:
        sentence = "That rule is about no single token: leave the token out."
        raise UnclearError(sentence)
    if token not in interaction.client.desk.known.remembered:
        sentence = f"There is no token {token}. `/tokens` shows them all."
        raise UnclearError(sentence)


def length(text: str, longest: timedelta) -> timedelta:
    """Read `30m`, `4h` or `2d`.

    Raises:
        UnclearError: It is no length, or too short or long.
    """
    written = _LENGTH.fullmatch(text.strip().casefold())
    try:
        found = info.duration("".join(filter(None, written.groups())) if written else text)
    except ValueError:
        shown = quoted(text, 40) if text.strip() else "Nothing"
        sentence = f"{shown} is no length of time: write a whole number and a unit, such as 30m, 4h or 2d."
        raise UnclearError(sentence) from None
    if not SHORTEST <= found <= longest:
        much = "long" if found > longest else "short"
        sentence = f"{plain(text, 40)} is too {much}: the length goes from 1m to {longest.days}d."
        raise UnclearError(sentence)
    return found


@cache
def _zones() -> Mapping[str, str]:
    """All zones by their names in small letters, but for that of the host, which is another one on another host."""
    return {each.casefold(): each for each in sorted(available_timezones()) if each != "localtime"}


def zone_named(text: str, here: str) -> str:
    """The zone that somebody means: by its name however that is written, or by its city; `here` is the bot's own.

    Raises:
        UnclearError: There is none, or there are several; with the nearest.
    """
    wanted = "_".join(text.split()).casefold()
    if wanted == here.casefold():
        return here
    if found := _zones().get(wanted):
        return found
    ending = [name for low, name in _zones().items() if wanted and low.endswith(f"/{wanted}")]
    if len(ending) == 1:
        return ending[0]
    if not ending:
        from difflib import get_close_matches  # noqa: PLC0415 - most never get here

        ending = [_zones()[low] for low in get_close_matches(wanted, _zones(), 1, 0.8)]
    sentence = f"{quoted(text, 60)} is no time zone: pick one from the list, such as Europe/Berlin."
    if ending:
        sentence = f"{quoted(text, 60)} is no time zone. Did you mean {' or '.join(ending[:3])}?"
    raise UnclearError(sentence)


async def suggest_zone(interaction: Asked, typed: str) -> list[app_commands.Choice[str]]:
    """The bot's own zone and common ones; once something is typed, all that have it in their names."""
    here = interaction.client.place.timezone
    names = dict.fromkeys((here, *COMMON, *(_zones().values() if typed else ())))
    return picked(typed.strip().replace(" ", "_"), [(each, each) for each in names])


def several(text: str, known: Collection[int], names: Mapping[int, str] = EMPTY) -> tuple[int, ...]:
    """Read `1900-1906, 1911, ana's Pro`: tokens by ids, ranges and names, of those that there are; ascending.

    Raises:
        UnclearError: A part is no id and no range, or no token is there.
    """
    found: set[int] = set()
    text = by_ids(text, names)
    for part in filter(None, re.split(r"[,;\s]+", _DASH.sub("-", text))):
        read = _RANGE.fullmatch(part)
        if read is None:
            sentence = f"{quoted(part, 40)} is no token: write ids and ranges, such as 1900-1906, 1911."
            raise UnclearError(sentence)
        first, last = int(read["first"]), int(read["last"] or read["first"])
        these = {each for each in known if first <= each <= last}
        if not these:
            named = f"no token {first}" if read["last"] is None else f"no token from {first} to {last}"
            sentence = f"There is {named}. `/tokens` shows them all."
            raise UnclearError(sentence)
        found |= these
    if not found:
        sentence = "Write which tokens: ids and ranges, such as 1900-1906, 1911."
        raise UnclearError(sentence)
    return tuple(sorted(found))


def group_named(interaction: Asked, name: str | None) -> Group | None:
    """The group that an option names; None where it was left out.

    Raises:
        UnclearError: There is none of that name.
    """
    if name is None:
        return None
    found = interaction.client.desk.known.decisions.group(name)
    if found is None:
        what = f"There is no group {quoted(name, 40)}" if name.strip() else "Write the name of a group"
        sentence = f"{what}. `/group list` shows those that there are."
        raise UnclearError(sentence)
    return found


async def suggest_group(interaction: Asked, typed: str) -> list[app_commands.Choice[str]]:
    """The groups that there are, for an option that `group_named` reads."""
    groups = sorted(interaction.client.desk.known.decisions.groups.values(), key=lambda each: each.id)
    return picked(typed, [(f"{each.name}: {each.text}", each.name) for each in groups])


def by_ids(text: str, names: Mapping[int, str]) -> str:
    """The text with ids instead of names, where all of it is one, or what stands between two commas."""
    if not names:
        return text
    parts = [text] if token_called(text, names) is not None else re.split(r"[,;]", text)
    ids = ((part, token_called(part, names)) for part in parts)
    return ",".join(part if token_id is None else str(token_id) for part, token_id in ids)


def picked(typed: str, labels: Iterable[tuple[str, str]]) -> list[app_commands.Choice[str]]:
    """Of pairs of label and value those that begin with, or contain, what was typed."""
    wanted = typed.casefold().strip()
    found = ((label, value) for label, value in labels if wanted in label.casefold())
    return [app_commands.Choice(name=bare(label, 100), value=value) for label, value in found][:CHOICES]
