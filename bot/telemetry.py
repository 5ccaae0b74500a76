"""Logs: one line an event, a constant message with fields beside it, and no secret in any of them.

    event(logger, logging.INFO, "fleet read", tokens=9, took=0.31)

    2026-11-22T10:00:00Z INFO bot.monitor fleet read tokens=9 took=0.31
    {"time": "2026-11-22T10:00:00Z", "level": "INFO", "logger": "bot.monitor", "message": "fleet read", "tokens": 9}

Loggers are those of the standard library; foreign ones come out of the same handler.
"""

import json
import logging
import math
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from secrets import token_hex
from typing import TextIO

from bot.domain.redaction import redact

logger = logging.getLogger(__name__)

_Field = bool | int | float | str | None
"""What a field is after redaction."""


def event(logger: logging.Logger, level: int, message: str, **fields: object) -> None:
    """Log a constant message, and beside it what differs from time to time. Numbers stay numbers; the rest is text."""
    logger.log(level, message, extra={"fields": fields}, stacklevel=2)


def reference() -> str:
    """Make a short word that joins an error shown to people with its line in the log."""
    return token_hex(3)


def configure(level: str, form: str, secrets: Iterable[str], stream: TextIO | None) -> None:
    """Send everything that is logged to a stream, redacted; what was set up before ends.

    Args:
        level: Of the bot's own loggers: `debug`, `info`, `warning` or `error`. Foreign libraries log from `warning` on,
            or from `info` when this is `debug`: their own debug lines are whole payloads.
        form: `text` or `json`.
        secrets: Values that must not be in any line; see `bot.domain.redaction`.
        stream: Where the lines go; None for nowhere, as where standard error is closed.
    """
    handler = logging.NullHandler() if stream is None else _Handler(stream)
    handler.setFormatter({"text": _Text, "json": _Json}[form](tuple(secrets)))
    own = logging.getLevelNamesMapping()[level.upper()]
    foreign = logging.INFO if own <= logging.DEBUG else max(own, logging.WARNING)
    logging.basicConfig(level=foreign, handlers=[handler], force=True)
    logging.getLogger("sqlalchemy").setLevel(logging.NOTSET)  # it sets a level of its own when it is imported
    # What it warns of, the bot says in words of its own: that a job is late.
    logging.getLogger("apscheduler").setLevel(max(foreign, logging.ERROR))
    logging.getLogger("bot").setLevel(own)


def catch_strays() -> None:
    """Log what Python would print as it is: errors that end a thread, or that came where nobody could take them."""
    threading.excepthook = _of_thread
    sys.unraisablehook = _of_nobody


def _of_thread(stray: threading.ExceptHookArgs) -> None:
    if stray.exc_value is not None and not isinstance(stray.exc_value, SystemExit):
        logger.error("a thread ended by an error", exc_info=stray.exc_value)


def _of_nobody(stray: "sys.UnraisableHookArgs") -> None:
    logger.error("an error came where nobody could take it", exc_info=stray.exc_value)


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  the name is logging's
        """Say where a line was lost. What logging would print here shows the arguments as they are."""
        with suppress(OSError, ValueError):  # the stream itself may be what is broken
            self.stream.write(f"a line of the log was lost: {record.pathname}:{record.lineno}\n")


class _Redacted(logging.Formatter):
    """Takes a record apart into texts without secrets; how they become a line is for the two below."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self._secrets = secrets

    def _redact(self, text: str) -> str:
        return redact(text, self._secrets)

    def _message(self, record: logging.LogRecord) -> str:
        return self._redact(record.getMessage())

    def _fields(self, record: logging.LogRecord) -> dict[str, _Field]:
        fields = {name: self._field(value) for name, value in getattr(record, "fields", {}).items()}
        if record.exc_info:
            fields["traceback"] = self._redact(self.formatException(record.exc_info))
        return fields

    def _field(self, value: object) -> _Field:
        if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            return value
        return self._redact(str(value))


class _Text(_Redacted):
    def format(self, record: logging.LogRecord) -> str:
        head = f"{_time(record)} {record.levelname} {record.name} {_on_one_line(self._message(record))}"
        said = {name: value for name, value in self._fields(record).items() if value is not None}
        return " ".join([head, *(f"{name}={_quoted(str(value))}" for name, value in said.items())])


class _Json(_Redacted):
    def format(self, record: logging.LogRecord) -> str:
        head = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": self._message(record),
        }
        return json.dumps(head | self._fields(record))


def _time(record: logging.LogRecord) -> str:
    return f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _on_one_line(text: str) -> str:
    """Escape line breaks, and whatever else would not show as itself."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _quoted(text: str) -> str:
    line = _on_one_line(text)
    return line if line and not set(line) & set(' "=') else '"' + line.replace('"', '\\"') + '"'
