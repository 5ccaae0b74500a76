"""What was read and could not be stored: it is shown meanwhile, and stored as soon as that is possible."""

from typing import TypeAlias

from bot.domain.model import Failure, Fleet, Reading
from bot.domain.value import replace
from bot.domain.watch.known import Known

Read: TypeAlias = Reading | Failure
"""What came of asking ImaginePro."""


class Unsaved:
    """What waits to be stored, in its order, and what is known with it."""

    def __init__(self) -> None:
        self._waiting: list[Read] = []
        self._fleet: Fleet | None = None
        self._remembered = Known().remembered

    @property
    def waiting(self) -> tuple[Read, ...]:
        """What is to be stored next."""
        return tuple(self._waiting)

    def add(self, read: Read) -> None:
        """Let it wait, instead of what it makes old: a whole reading does so of everything, a failure of the last one.

        Of failures that follow each other the last one counts, and of readings of one token too.
        """
        if isinstance(read, Failure):
            self._waiting = [each for each in self._waiting if not isinstance(each, Failure)]
        elif read.whole:
            self._waiting = []
        else:
            self._waiting = [each for each in self._waiting if not _is_of(each, read)]
        self._waiting.append(read)

    def drop(self, read: Read) -> None:
        """It is stored, or need not be."""
        self._waiting = [each for each in self._waiting if each is not read]
        if not self._waiting:
            self._fleet = None

    def show(self, after: Known) -> None:
        """What is known of the fleet with all of it."""
        self._fleet, self._remembered = after.fleet, after.remembered

    def over(self, known: Known) -> Known:
        """What is known: of the fleet as it was read last, of incidents and decisions as they are stored."""
        if self._fleet is None:
            return known
        return replace(known, fleet=replace(self._fleet, names=known.names), remembered=self._remembered)


def _is_of(earlier: Read, later: Reading) -> bool:
    """Whether the earlier one is a reading of no other tokens, and not of the whole fleet."""
    return isinstance(earlier, Reading) and not earlier.whole and earlier.tokens.keys() <= later.tokens.keys()
