"""How others say when something runs out: straight lines, averages and paths, each in as few words as it takes.

Each gets what the bot reads, every five minutes, and knows the renewal and the allowance. What it answers is when what
is left runs out by it, in steps from the beginning, or never; or nothing, where it cannot say.
"""

import math
import random
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate, combinations, pairwise
from typing import Final, NamedTuple

from bench.accounts import DAY, HOUR, Life

EDGE: Final = 1.2816
"""Standard deviations: eight of ten are between."""

FADED: Final = 0.5 ** (1 / DAY)
"""What an average keeps of what was a step ago."""


class Answer(NamedTuple):
    """When it runs out: in steps, None for never."""

    dry: float | None
    early: float | None = None
    late: float | None = None
    ranged: bool = False
    """Whether it has a range."""


class Seen:
    """What was read of a life, with the sums that make a window of it cost nothing."""

    def __init__(self, life: Life) -> None:
        self.shown, self.renewals, self.total = life.shown, life.renewals, life.total
        self.value: list[float] = []
        self.cycle: list[int] = []
        self.fell: list[float] = []
        value, start, before = life.left[0], 0, life.renewals[0]
        for step, (shown, renewal) in enumerate(zip(life.shown, life.renewals, strict=True)):
            if shown is not None:
                if renewal != before:
                    start, before = step, renewal
                self.fell.append(max(value - shown, 0.0))
                value = shown
            else:
                self.fell.append(0.0)
            self.value.append(value)
            self.cycle.append(start)
        known = [(float(step), shown) if shown is not None else None for step, shown in enumerate(life.shown)]
        self.count = _sums(0.0 if each is None else 1.0 for each in known)
        self.x = _sums(0.0 if each is None else each[0] for each in known)
        self.xx = _sums(0.0 if each is None else each[0] * each[0] for each in known)
        self.v = _sums(0.0 if each is None else each[1] for each in known)
        self.xv = _sums(0.0 if each is None else each[0] * each[1] for each in known)
        self.used = _sums(self.fell)
        self.faded = list(
            accumulate(self._changes(life.watched), lambda pace, change: pace * FADED + change, initial=0)
        )
        self.watched = life.watched

    def _changes(self, watched: int) -> list[float]:
        """What each step took, rises as less than nothing, as parts of an average that forgets."""
        pairs = pairwise(self.value)
        return [(one - other) * (1 - FADED) if step >= watched else 0.0 for step, (one, other) in enumerate(pairs)]


def _sums(values: Iterable[float]) -> list[float]:
    return list(accumulate(values, initial=0.0))


Design = Callable[[Seen, int], Answer | None]
"""What is answered at the end of a step; None when it cannot say."""


def line(window: int) -> Design:
    """A line from what was read so long ago to what is read now."""

    def answer(seen: Seen, step: int) -> Answer | None:
        start = step - window
        if start < seen.watched:
            return None
        pace = (seen.value[start] - seen.value[step]) / window
        return Answer(step + seen.value[step] / pace if pace > 0 else None)

    return answer


def average(seen: Seen, step: int) -> Answer | None:
    """What was used of the allowance since the cycle began, by the time; after 3 % of it."""
    start, renewal = seen.cycle[step], seen.renewals[step]
    if step - start < 0.03 * (renewal - start) or renewal <= step:
        return None
    pace = (seen.total[step] - seen.value[step]) / (step - start)
    return Answer(step + seen.value[step] / pace if pace > 0 else None)


def predict_linear(window: int) -> Design:
    """Prometheus's: least squares over a window, drawn on."""

    def answer(seen: Seen, step: int) -> Answer | None:
        start, end = max(step - window + 1, seen.watched), step + 1
        count, x, xx, v, xv = (sums[end] - sums[start] for sums in (seen.count, seen.x, seen.xx, seen.v, seen.xv))
        spread = count * xx - x * x
        if count < 2 or spread <= 0:  # noqa: PLR2004 - two points make a line
            return None
        slope = (count * xv - x * v) / spread
        now = v / count + slope * (step - x / count)
        if now <= 0:
            return Answer(float(step))
        return Answer(step - now / slope if slope < 0 else None)

    return answer


def exponential(seen: Seen, step: int) -> Answer | None:
    """Checkmk's: an average of the change that forgets in a day."""
    pace = seen.faded[step]
    return Answer(step + seen.value[step] / pace if pace > 0 else None)


def theil_sen(seen: Seen, step: int, start: int, points: int) -> Answer | None:
    """The median of the slopes between any two of some points."""
    if step - start < HOUR:
        return None
    places = [start + (step - start) * point // (points - 1) for point in range(points)]
    values = [seen.value[place] for place in places]
    slopes = sorted(
        (values[j] - values[i]) / (places[j] - places[i])
        for i, j in combinations(range(points), 2)
        if places[j] > places[i]
    )
    middle, half = len(slopes) // 2, EDGE * math.sqrt(points * (points - 1) * (2 * points + 5) / 18) / 2
    low, high = slopes[max(int(middle - half), 0)], slopes[min(int(middle + half), len(slopes) - 1)]
    dry, early, late = (
        step + seen.value[step] / -slope if slope < 0 else None for slope in (slopes[middle], low, high)
    )
    return Answer(dry, early, late, ranged=True)


def theil_sen_day(seen: Seen, step: int) -> Answer | None:
    """Of 25 points of a day."""
    return theil_sen(seen, step, max(step - DAY, seen.watched), 25)


def theil_sen_cycle(seen: Seen, step: int) -> Answer | None:
    """Of 33 points of the cycle."""
    return theil_sen(seen, step, max(seen.cycle[step], seen.watched), 33)


def gamma_poisson(seen: Seen, step: int) -> Answer | None:
    """Jobs by chance at a rate that is drawn from the last day to the last week, and from that to five weeks."""
    days = (step - seen.watched) / DAY
    if days < 1:
        return None
    rate, weight = 0.8 * seen.total[step] / 30.4, 0.3
    for length in (35, 7, 1):
        known = min(days, length)
        used = seen.used[step + 1] - seen.used[step + 1 - int(known * DAY)]
        rate, weight = (used + weight * rate) / (known + weight), 2.0
    if rate <= 0:
        return Answer(None, None, None, ranged=True)
    value, shape = seen.value[step], 3 * rate
    wide = EDGE / math.sqrt(shape)
    dry, early, late = (
        step + DAY * value / pace if pace > 0 else None for pace in (rate, rate * (1 + wide), rate * (1 - wide))
    )
    return Answer(dry, early, late, ranged=True)


def bootstrap(paths: int) -> Design:
    """Days of the last five weeks, drawn again and again until the renewal."""

    def answer(seen: Seen, step: int) -> Answer | None:
        days = min((step - seen.watched) // DAY, 35)
        if days < 3 or seen.renewals[step] <= step:  # noqa: PLR2004 - fewer are no choice
            return None
        uses = [seen.used[step + 1 - day * DAY] - seen.used[step + 1 - (day + 1) * DAY] for day in range(days)]
        chance, ahead = random.Random(step), math.ceil((seen.renewals[step] - step) / DAY)
        found: list[float] = []
        for _ in range(paths):
            sums = list(accumulate(chance.choices(uses, k=ahead)))
            day = bisect_left(sums, seen.value[step])
            if day == len(sums):
                found.append(math.inf)
                continue
            before = sums[day - 1] if day else 0.0
            found.append(step + DAY * (day + (seen.value[step] - before) / (sums[day] - before or 1.0)))
        found.sort()
        dry, early, late = (
            None if math.isinf(at := found[int(part * (paths - 1))]) else at for part in (0.5, 0.1, 0.9)
        )
        return Answer(dry, early, late, ranged=True)

    return answer


DESIGNS: Final[Mapping[str, Design]] = {
    "a line over 1 h": line(HOUR),
    "a line over 6 h": line(6 * HOUR),
    "average since the cycle began": average,
    "predict_linear, 6 h": predict_linear(6 * HOUR),
    "predict_linear, 24 h": predict_linear(DAY),
    "exponential average, 24 h": exponential,
    "Theil-Sen, 24 h": theil_sen_day,
    "Theil-Sen, cycle": theil_sen_cycle,
    "Gamma-Poisson, 1 to 35 days": gamma_poisson,
    "bootstrap of days, 24 paths": bootstrap(24),
}
