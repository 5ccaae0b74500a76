"""What the bot counts about itself: plain objects that cost next to nothing, for whoever wants to read them."""

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """How often something took how long."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        """Seconds, growing."""
        self.counts = [0] * (len(self.bounds) + 1)
        """How many observations were at most each bound and over the one before; the last ones were over all."""
        self.total = 0.0
        """Seconds, of all observations together."""

    def observe(self, seconds: float) -> None:
        """Count one that took so long; no time at all, when the clock was set back meanwhile."""
        seconds = max(seconds, 0.0)
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts)

    def copy(self) -> "Histogram":
        """One that counts no further."""
        other = Histogram(self.bounds)
        other.counts, other.total = self.counts[:], self.total
        return other
