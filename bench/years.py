"""Tokens of fifteen kinds, over a year: what ImaginePro would say of each, minute by minute.

The families are those of the forecasts, in short: docs/forecast.md has them. Everything follows from a seed.
"""

import math
from dataclasses import dataclass
from random import Random
from typing import Final

from bot.domain.model import InfoText, Record

CACHED: Final = 5
"""Minutes for which ImaginePro says the same."""

DAY: Final = 24 * 60
CYCLE: Final = 43_800
"""Minutes between two refills: a month."""

PLANS: Final = (("Basic", 200.0, 3), ("Standard", 900.0, 3), ("Pro", 1800.0, 12), ("Mega", 3600.0, 12))
"""The name, the minutes of a month, and how many jobs run at once."""


@dataclass(frozen=True, slots=True)
class Demand:
    """How much more than usual is asked for: by the hour, by the day of the week, and by the tenth of the cycle."""

    hours: tuple[float, ...] = (1,) * 24
    days: tuple[float, ...] = (1,) * 7
    course: tuple[float, ...] = (1,) * 10
    sessions: bool = False
    """Whether it comes in three hours of eight times as much, once a day or so, and not in between."""
    batch: bool = False
    """Whether half of a month's time goes in eight hours once a month."""

    def at(self, minute: int, phase: int) -> float:
        """That many times as much, in a minute of the year and of the cycle."""
        if self.sessions and Random(minute // 180).random() > 1 / 8:
            return 0
        often = 45 if self.batch and CYCLE // 2 <= phase < CYCLE // 2 + 480 else 1
        hour, day, tenth = minute // 60 % 24, minute // DAY % 7, phase * 10 // CYCLE
        return (8 if self.sessions else 1) * often * self.hours[hour] * self.days[day] * self.course[tenth]


FAMILIES: Final[dict[str, Demand]] = {
    "steady": Demand(),
    "bursty": Demand(sessions=True),
    "day and night": Demand((0.1,) * 8 + (1.6,) * 14 + (0.1,) * 2),
    "weekdays": Demand((0.02,) * 9 + (2.1,) * 11 + (0.02,) * 4, (1.4,) * 5 + (0.02,) * 2),
    "one big batch": Demand(batch=True),
    "bought time": Demand(),
    "from midway": Demand((0.6,) * 6 + (1.1,) * 18),
    "idle": Demand((0.02,) * 24),
    "ramp-up": Demand(course=tuple(7 ** (tenth / 10) / 3 for tenth in range(10))),
    "stale": Demand(),
    "gaps": Demand(),
    "nightly": Demand((0.05,) * 2 + (11,) * 2 + (0.05,) * 20),
    "weekly": Demand(days=(0.05,) * 6 + (6.5,)),
    "front-loaded": Demand(course=(2.6,) * 3 + (0.3,) * 7),
    "rationing": Demand(),
}
"""That use less when little is left, that are bought time for, and whose numbers are old, see `year`."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What is said of a token for five minutes."""

    status: str
    left: float
    """Minutes, as exact as they are printed."""
    queued: int
    images: int


@dataclass(frozen=True, slots=True)
class Year:
    """A token over a year."""

    token: int
    family: str
    plan: str
    allowance: float
    said: list[Figures]
    """In each span of `CACHED` minutes."""

    def at(self, minute: int) -> Figures:
        """What is said of it in a minute; tokens change at different ones."""
        return self.said[(minute + self.token % CACHED) // CACHED]

    def record(self, figures: Figures) -> Record:
        """The same as ImaginePro lists it."""
        hours = self.plan != "Basic"
        size, unit = (60, "hours") if hours else (1, "minutes")
        left, total = figures.left / size, self.allowance / size
        return Record(
            self.token,
            figures.status,
            active=True,
            channel_id="100000000000000001",
            server_id="100000000000000002",
            concurrency=3,
            info=InfoText(
                subscription=f"{self.plan} (Active monthly)",
                visibility_mode="Public",
                fast_time_remaining=f"{left:.2f}/{total:.1f} {unit} ({100 * left / total:.2f}%)",
                lifetime_usage=f"{figures.images} images",
                relaxed_usage="0 images",
                queued_jobs_fast=str(figures.queued),
                queued_jobs_relax="0",
                running_jobs="None",
            ),
        )


def fleet(tokens: int, days: int, seed: int = 15) -> list[Year]:
    """So many tokens, of each family in turn, over so many days."""
    return [year(1900 + number, days, Random(f"{seed} {number}")) for number in range(tokens)]


def year(token: int, days: int, chance: Random) -> Year:
    """One of them."""
    names = list(FAMILIES)
    family = names[(token - 1900) % len(names)]
    plan, allowance, at_once = PLANS[(token - 1900) % len(PLANS)]
    demand = FAMILIES[family]
    step = 0.6 if plan != "Basic" else 0.01
    usual = allowance * math.exp(chance.uniform(math.log(0.35), math.log(2.5))) / CYCLE
    scatter, pace = chance.uniform(0.2, 0.45), 1.0
    begin = chance.randrange(CYCLE)
    left, images, waiting = allowance, chance.randrange(9000), 0.0
    frozen, today = 0, 1.0
    said: list[Figures] = []
    for minute in range(0, days * DAY + 2 * CACHED, CACHED):
        if minute % DAY < CACHED:
            today = math.exp(chance.gauss(0, scatter))
        if minute % (7 * DAY) < CACHED:
            pace = min(3.0, max(0.3, pace * math.exp(chance.gauss(0, 0.25))))
        phase = (minute + begin) % CYCLE
        if phase < CACHED:
            left = allowance
        if family == "bought time" and CYCLE - 4000 <= phase < CYCLE - 4000 + CACHED:
            left += 0.4 * allowance
        wanted = usual * pace * today * demand.at(minute, phase) * CACHED
        if family == "rationing" and left < 0.3 * allowance:
            wanted *= 0.3
        waiting = min(waiting + sum(chance.gammavariate(6, 1 / 6) for _ in range(_poisson(wanted, chance))), 300.0)
        done = min(waiting, at_once * CACHED, max(left, 0.0))
        left, waiting, images = left - done, waiting - done, images + round(4 * done)
        if left <= 0:
            waiting *= 0.8
        if frozen <= 0 and chance.random() < (1.6 if family == "stale" else 1 / 3) * CACHED / DAY:
            frozen = round(60 * (chance.uniform(3, 14) if family == "stale" else chance.uniform(1, 4)))
        frozen -= CACHED
        if frozen > 0 and said:
            said.append(said[-1])
            continue
        status = "RELAX" if left <= 0 and plan != "Basic" else "FAST"
        said.append(Figures(status, max(0.0, round(left / step)) * step, round(waiting), images))
    return Year(token, family, plan, allowance, said)


def _poisson(mean: float, chance: Random) -> int:
    count, product, limit = 0, chance.random(), math.exp(-mean)
    while product > limit:
        count += 1
        product *= chance.random()
    return count
