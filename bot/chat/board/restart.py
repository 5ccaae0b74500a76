"""What a restart missed: the time from the last reading that was stored to the first one after it."""

from datetime import datetime, timedelta

from bot.chat.board.sheet import Blind
from bot.domain.rules.table import UPSTREAM_RULES
from bot.domain.watch.known import Known

SHORT = timedelta(seconds=30)
"""A stretch without readings that is never worth a word, however often the bot polls."""


class Restart:
    """Looks for the first reading since this copy of the bot began to lead."""

    def __init__(self, known: Known, interval: timedelta) -> None:
        """`known` is what was stored before; `interval` lies between two polls."""
        # Where ImaginePro could not be read, it was not the restart that kept the bot from reading.
        unread = any(key.rule in UPSTREAM_RULES for key, each in known.incidents.items() if each.open)
        self._before = None if unread else known.fleet.read_at
        self._read_before = known.fleet.read_at
        self._longest = max(2 * interval, SHORT)
        self._after: datetime | None = None

    def polled(self, known: Known) -> None:
        """A poll has ended."""
        at = known.fleet.read_at
        if self._after is None and at is not None and at != self._read_before:
            self._after = at

    @property
    def blind(self) -> Blind | None:
        """What nobody watched, if that was longer than usual; None before the first reading."""
        if self._before is None or self._after is None or self._after - self._before < self._longest:
            return None
        return Blind(self._before, self._after)
