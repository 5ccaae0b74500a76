"""Ids of jobs in what people write: ImaginePro calls a job by a UUID, which is pasted with whatever stood around it.

Source: docs.imaginepro.ai/project-5160896/api-215981214.
"""

import re
from typing import Final
from uuid import UUID

_WRITTEN: Final = re.compile(
    r"(?<![0-9a-z])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-z])", re.IGNORECASE
)
_DASHES: Final = re.compile(r"\s*[-\u2010-\u2015]\s*")
"""Phones make longer ones of them, and put blanks around."""

_BETWEEN: Final = re.compile(r"[\s`\-\u2010-\u2015]")
"""What may be missing, or too many."""

_DIGITS: Final = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)

_LONGEST: Final = 20_000
"""Characters of a text that are looked at; a message of Discord has fewer."""


def job_ids(*texts: str) -> tuple[str, ...]:
    """The ids in these texts, in lower case, each once, in the order in which they stand there."""
    return tuple(dict.fromkeys(found.lower() for text in texts for found in _WRITTEN.findall(text[:_LONGEST])))


def typed(text: str) -> tuple[str, ...]:
    """The ids in what somebody typed to name one: with blanks in it, in backticks, in a link, or without its dashes."""
    if found := job_ids(text, _DASHES.sub("-", text[:_LONGEST])):
        return found
    signs = _BETWEEN.sub("", text[:_LONGEST])
    return (str(UUID(signs)),) if _DIGITS.fullmatch(signs) else ()


def is_job_id(text: str) -> bool:
    """Whether that is one, and nothing else: then it can stand in a path, in a `custom_id`, and in backticks."""
    return _WRITTEN.fullmatch(text) is not None
