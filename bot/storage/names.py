"""The names by which the rows of incidents are known."""

from datetime import UTC

from bot.domain.incidents import Incident, Key, Rule
from bot.storage.turning import known, written


def name_of(incident: Incident) -> str:
    """The same for the same incident however often it is stored, and for no other."""
    return f"{text_of(incident.key)}@{incident.opened_at.astimezone(UTC):%FT%T.%fZ}"


def text_of(key: Key) -> str:
    """A key as it begins the names of its incidents."""
    key = written(key)
    return f"{key.rule}:{'' if key.token is None else key.token}:{key.step}"


def key_of(name: str) -> Key:
    """The key of the incident of that name."""
    rule, token, step = name.rpartition("@")[0].split(":", 2)
    return known(Key(Rule(rule), int(token) if token else None, step))
