"""What was set in chat, laid over the environment: what that leaves out may be set there, and what it says wins."""

from collections.abc import Mapping
from datetime import time
from typing import Any, Final

from bot.domain.model import Threshold
from bot.domain.value import replace
from bot.settings.environment import Settings, same_ids
from bot.settings.variables import VARIABLES, Variable

SETTABLE: Final = tuple(each for each in VARIABLES if each.in_chat)
"""The variables that may be set in chat, too."""


def laid_over(settings: Settings, written: Mapping[str, str]) -> tuple[Settings, tuple[str, ...]]:
    """The settings with what was set in chat, and a line for each text of that which cannot be used, as of `load`.

    Args:
        settings: What the environment says.
        written: By the name of a variable what would stand there. Names that are none are left alone: another version
            may know them.
    """
    values: dict[str, Any] = {}
    problems = []
    for each in SETTABLE:
        text = written.get(each.name, "")
        if not text or each.name in settings.given:
            continue
        try:
            values[each.field] = each.parse(text.strip())
        except ValueError as error:
            problems.append(f"{each.name}: {error}")
    merged = replace(settings, **values)
    problems += same_ids({field: getattr(merged, field) for field in settings.__struct_fields__})
    return merged, tuple(problems)


def written_as(settings: Settings, variable: Variable) -> str:
    """A value of theirs as it would stand in the environment; empty for none."""
    match getattr(settings, variable.field):
        case None:
            return "off" if variable.default else ""
        case time() as clock:
            return f"{clock:%H:%M}"
        case (Threshold(), *_) as levels:
            return ",".join(each.text for each in levels)
        case value:
            return str(value)
