"""What of the ops channel is left alone for a while after it was refused: posts, edits, or both."""

from collections import deque
from datetime import timedelta
from enum import Enum, auto

from bot.domain.value import Value

IN_VAIN = 12
"""Requests that may be made in vain in any minute, which is so many of the longer pauses."""

EDITS_IN_VAIN = 8
"""Of those, the edits: so many are left for what is new."""


class Subject(Enum):
    """What a refusal is about, and what may be tried."""

    ALL = auto()
    POSTS = auto()
    EDITS = auto()


class Pace(Value):
    """How long a channel that does not take messages is left alone, or a database that cannot be reached."""

    first: timedelta = timedelta(seconds=1)
    """After the first failure, which mostly is the only one."""
    then: timedelta = timedelta(seconds=5)
    """After each other, so that nobody waits longer for what can be said again."""
    blocked: timedelta = timedelta(minutes=1)
    """While the bot may not post: a person has to act first."""

    def pause(self, failures: int) -> timedelta:
        """How long to leave alone what has failed so often in a row: at most 12 attempts fall into any minute.

        The eleven pauses after the first one make up for it.
        """
        if failures == 1:
            return self.first
        return self.then * 1.1 if failures <= IN_VAIN else self.then


PACE = Pace()


class Rests:
    """Until when posts and edits are left alone. Pure: all times are `now`, in seconds of a clock that never jumps."""

    def __init__(self, pace: Pace = PACE) -> None:
        self.pace = pace
        self._until = dict.fromkeys(Subject, float("-inf"))
        self._failures = dict.fromkeys(Subject, 0)
        """In a row."""
        self._vain: deque[tuple[float, Subject]] = deque(maxlen=IN_VAIN)
        """When the last requests were refused, and what that was about; without what was proved to be over."""

    def begin(self, what: Subject, now: float, least: timedelta = timedelta()) -> timedelta:
        """A request about that was refused; returns how long it is left alone, which is longer if it was before."""
        self._vain.append((now, what))
        self._failures[what] += 1
        pause = self.pace.pause(self._failures[what])
        self._until[what] = max(self._until[what], now + max(pause, least).total_seconds())
        return self.left(what, now)

    def pause(self, now: float, *, counted: bool) -> timedelta:
        """Something else than Discord failed: leave all alone; `counted` when this very try was refused already."""
        self._failures[Subject.ALL] += not counted
        pause = self.pace.pause(max(self._failures[Subject.ALL], 1))
        self._until[Subject.ALL] = max(self._until[Subject.ALL], now + pause.total_seconds())
        return self.left(Subject.ALL, now)

    def worked(self, what: Subject) -> None:
        """A request was taken: whatever comes next begins anew."""
        self._failures[what] = self._failures[Subject.ALL] = 0
        self._vain = deque((each for each in self._vain if each[1] not in {what, Subject.ALL}), maxlen=IN_VAIN)

    def forget(self) -> None:
        """Nothing waits, so nothing fails; what was asked to be left alone still is."""
        self._failures = dict.fromkeys(Subject, 0)

    def open(self, now: float) -> Subject | None:
        """What may be tried now; None for nothing."""
        posts, edits = (not self.left(what, now) for what in (Subject.POSTS, Subject.EDITS))
        if posts and edits:
            return Subject.ALL
        return Subject.POSTS if posts else Subject.EDITS if edits else None

    def longest(self, now: float) -> timedelta:
        """For how long anything is still left alone."""
        return max(self.left(Subject.POSTS, now), self.left(Subject.EDITS, now))

    def left(self, what: Subject, now: float) -> timedelta:
        """For how long it is still left alone; all of it, for as long as nothing may be tried."""
        if what is Subject.ALL:
            return min(self.left(Subject.POSTS, now), self.left(Subject.EDITS, now))
        most = EDITS_IN_VAIN if what is Subject.EDITS else IN_VAIN
        minute = (self.pace.then * (IN_VAIN + 0.1)).total_seconds()  # and what clocks and roundings differ by
        full = self._vain[-most][0] + minute if len(self._vain) >= most else float("-inf")
        until = max(self._until[what], self._until[Subject.ALL], full)
        return timedelta(seconds=max(until - now, 0.0))
