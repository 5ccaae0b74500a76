"""What Discord refuses a message, a command or a choice for: the sizes of its developer documentation, as a table.

Sources: docs.discord.com, "Message" (create message, embed limits), "Component reference", "Application commands",
"Interactions: autocomplete".
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, TypeAlias
from urllib.parse import urlsplit

Json: TypeAlias = dict[str, Any]

EMBED_TOTAL = 6000
"""Characters over all embeds of a message: titles, descriptions, field names and values, footers, authors."""

MESSAGE: Mapping[str, int] = {
    "content": 2000,
    "nonce": 25,
    "embeds": 10,
    "embeds.*.title": 256,
    "embeds.*.description": 4096,
    "embeds.*.fields": 25,
    "embeds.*.fields.*.name": 256,
    "embeds.*.fields.*.value": 1024,
    "embeds.*.footer.text": 2048,
    "embeds.*.author.name": 256,
    "components": 5,
    "components.*.components": 5,
    "components.*.components.*.label": 80,
    "components.*.components.*.custom_id": 100,
    "components.*.components.*.placeholder": 150,
    "components.*.components.*.options": 25,
    "components.*.components.*.options.*.label": 100,
    "components.*.components.*.options.*.value": 100,
    "components.*.components.*.options.*.description": 100,
}
"""The most characters, or items, at a path; `*` stands for every item of a list."""

MESSAGE_REQUIRED = ("embeds.*.fields.*.name", "embeds.*.fields.*.value", "components.*.components.*.options.*.value")
"""Paths that must not be empty where they are."""

CHOICES: Mapping[str, int] = {"choices": 25, "choices.*.name": 100, "choices.*.value": 100}

COMMANDS: Mapping[str, int] = {
    "*.name": 32,
    "*.description": 100,
    "*.options": 25,
    **{
        f"*{'.options.*' * depth}.{key}": most
        for depth in (1, 2, 3)
        for key, most in {"name": 32, "description": 100, "options": 25, "choices": 25}.items()
    },
}

_TOTALLED = ("title", "description", "footer.text", "author.name", "fields.*.name", "fields.*.value")


def message_errors(payload: Json) -> Json:
    """What Discord says against a message that is to be posted or edited: its tree of errors, empty when it is fine."""
    found = chain(
        _too_long(payload, MESSAGE),
        _missing(payload),
        _embeds_too_long(payload),
        _repeated_ids(payload),
        _no_addresses(payload),
    )
    return _tree(found)


def choice_errors(payload: Json) -> Json:
    """What Discord says against the choices of an autocompletion."""
    return _tree(_too_long(payload, CHOICES))


def command_errors(commands: list[Json]) -> Json:
    """What Discord says against a list of commands to register."""
    return _tree(_too_long(commands, COMMANDS))


Problem: TypeAlias = tuple[str, str, str]
"""Where, Discord's code, and its sentence."""


def _too_long(payload: object, limits: Mapping[str, int]) -> Iterator[Problem]:
    for pattern, most in limits.items():
        for path, value in values(payload, pattern):
            if isinstance(value, str) and len(value) > most:
                yield path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length."
            elif isinstance(value, list) and len(value) > most:
                yield path, "BASE_TYPE_BAD_LENGTH", f"Must be {most} or fewer in length."


def _missing(payload: Json) -> Iterator[Problem]:
    for pattern in MESSAGE_REQUIRED:
        for path, value in values(payload, pattern):
            if not value:
                yield path, "BASE_TYPE_REQUIRED", "This field is required"


def _embeds_too_long(payload: Json) -> Iterator[Problem]:
    texts = chain.from_iterable(values(payload, f"embeds.*.{path}") for path in _TOTALLED)
    if sum(len(text) for _, text in texts if isinstance(text, str)) > EMBED_TOTAL:
        yield "embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBED_TOTAL}"


def _repeated_ids(payload: Json) -> Iterator[Problem]:
    seen = set()
    for path, value in values(payload, "components.*.components.*.custom_id"):
        if value in seen:
            yield path, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
        seen.add(value)


def _no_addresses(payload: Json) -> Iterator[Problem]:
    """Links to hosts without a dot. That buttons are refused so, as embeds are, is likely and not shown."""
    for pattern in ("components.*.components.*.url", "embeds.*.url"):
        for path, value in values(payload, pattern):
            if "." not in (urlsplit(str(value)).hostname or ""):
                yield path, "URL_TYPE_INVALID_URL", "Not a well formed URL."


def values(payload: object, pattern: str) -> Iterator[tuple[str, object]]:
    """Every value of a JSON tree at a dotted path, with the path where it was found; not those absent or null."""
    step, _, rest = pattern.partition(".")
    for key, value in _children(payload, step):
        if value is None:
            continue
        if not rest:
            yield key, value
        else:
            yield from ((f"{key}.{below}", deep) for below, deep in values(value, rest))


def _children(payload: object, step: str) -> list[tuple[str, object]]:
    if step == "*" and isinstance(payload, list):
        return [(str(index), item) for index, item in enumerate(payload)]
    if isinstance(payload, dict) and step in payload:
        return [(step, payload[step])]
    return []


def _tree(problems: Iterator[Problem]) -> Json:
    """Nest problems as Discord does: each step of the path a key, and `_errors` at the end."""
    tree: Json = {}
    for path, code, message in problems:
        place = tree
        for step in path.split("."):
            place = place.setdefault(step, {})
        place.setdefault("_errors", []).append({"code": code, "message": message})
    return tree
