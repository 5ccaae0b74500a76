"""Accounts that never were: how people use fast time, and what of it the bot gets to read.

Each life is two cycles of a calendar month, in steps of five minutes, which is how often ImaginePro's own numbers move.
Jobs come by chance around what a family does by hour and by day, wait for a free place, and take a minute or so each.
What is used is what is wanted as long as anything is left. What was wanted is known of each life as well: so it is
known of each hour whether it would have lasted, had nobody bought anything later.
"""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Final
from zoneinfo import ZoneInfo

STEP: Final = timedelta(minutes=5)
HOUR: Final = 12
DAY: Final = 24 * HOUR
"""Steps."""

PLANS: Final = {"Basic": 200.0, "Standard": 900.0, "Pro": 1_800.0, "Mega": 3_600.0}
"""Minutes of fast time a month. Source: Midjourney's help texts, mid-2026."""

PLACES: Final = {"Basic": 3, "Standard": 3, "Pro": 12, "Mega": 12}
"""Jobs at once."""

RATIONED: Final = 0.3
"""Of the allowance, below which whoever rations takes half of what is wanted."""

ZONE: Final = ZoneInfo("Europe/Berlin")
BEGUN: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Life:
    """What became of one account."""

    family: str
    plan: str
    start: datetime
    wanted: list[float] = field(default_factory=list)
    """Minutes that were wanted in each step."""
    left: list[float] = field(default_factory=list)
    """Minutes that were left after each."""
    total: list[float] = field(default_factory=list)
    """Minutes of the allowance."""
    shown: list[float | None] = field(default_factory=list)
    """What was read then; None where nothing was."""
    banned: list[bool] = field(default_factory=list)
    renewals: list[int] = field(default_factory=list)
    """The step of the next refill, as the account's text says at each step, as read then."""
    cycles: list["Cycle"] = field(default_factory=list)
    watched: int = 0
    """The step at which the bot begins to read."""

    def __post_init__(self) -> None:
        self.so_far: list[float] = []

    def at(self, step: int) -> datetime:
        """When a step ends."""
        return self.start + step * STEP

    def dry(self, step: int, until: int) -> float | None:
        """The step by which what is left runs out, if nobody buys anything; None when not before another."""
        if self.left[step] <= 0:
            return float(step)
        level = self.so_far[step] + self.left[step]
        if self.so_far[until] < level:
            return None
        low, high = step, until
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.so_far[middle] < level else (low, middle)
        return float(high)


@dataclass(frozen=True)
class Cycle:
    """From one refill to the next: steps."""

    start: int
    end: int
    renewal: int
    """When the next refill was to come: later than the end where somebody changed the plan."""


@dataclass
class Wants:
    """What a family wants, before chance has its say."""

    hours: list[float]
    """By hour of the life, in parts of its mean."""
    bursts: dict[int, float] = field(default_factory=dict)
    """Minutes that are wanted at once, by step, in parts of the allowance."""
    rations: bool = False
    """Whether it takes half as soon as little is left."""
    tops_up: bool = False
    upgrades: float | None = None
    """When in the first cycle it goes to the next plan, as a part of it."""
    bans: tuple[tuple[int, int], ...] = ()
    """Steps in which it is banned."""
    midway: bool = False
    stale: bool = False
    gaps: bool = False


@dataclass(frozen=True)
class Scene:
    """What a family is asked about."""

    chance: random.Random
    clock: list[datetime]
    """The local time of each hour."""
    months: list[int]
    """The first hour of each cycle, and the end."""

    def hours(self, shape: Callable[[datetime, int], float]) -> list[float]:
        """What is wanted in each hour."""
        return [shape(at, hour) for hour, at in enumerate(self.clock)]

    def days(self, draw: Callable[[], float]) -> Mapping[int, float]:
        """Something by chance for each local day."""
        found: dict[int, float] = {}
        for at in self.clock:
            if at.toordinal() not in found:
                found[at.toordinal()] = draw()
        return found

    def hour(self, low: float, high: float, cycle: int = 0) -> int:
        """Some hour within a part of a cycle."""
        start, end = self.months[cycle], self.months[cycle + 1]
        return start + int((end - start) * self.chance.uniform(low, high))


def _steady(scene: Scene) -> Wants:
    return Wants(scene.hours(lambda _at, _hour: 1.0))


def _bursty(scene: Scene) -> Wants:
    """Sessions of some hours, then nothing for a day or so."""
    wants, hour = [0.0] * len(scene.clock), 0
    while hour < len(wants):
        length, weight = scene.chance.randint(1, 5), scene.chance.lognormvariate(0, 0.6)
        for each in range(hour, min(hour + length, len(wants))):
            wants[each] = weight
        hour += length + max(1, int(scene.chance.expovariate(1 / 24)))
    return Wants(wants)


def _office(at: datetime) -> float:
    return 1.0 if 9 <= at.hour < 19 else 0.03  # noqa: PLR2004 - the hours of an office


def _day_and_night(scene: Scene) -> Wants:
    return Wants(scene.hours(lambda at, _hour: math.exp(1.6 * math.cos((at.hour - 16) / 24 * 2 * math.pi))))


def _weekdays(scene: Scene) -> Wants:
    return Wants(scene.hours(lambda at, _hour: _office(at) * (at.weekday() < 5)))  # noqa: PLR2004 - Saturday


def _big_batch(scene: Scene) -> Wants:
    wants = _day_and_night(scene)
    wants.bursts = {scene.hour(0.1, 0.9, cycle) * HOUR: scene.chance.uniform(0.25, 0.6) for cycle in range(2)}
    return wants


def _top_up(scene: Scene) -> Wants:
    wants = _day_and_night(scene)
    wants.tops_up = True
    return wants


def _midway(scene: Scene) -> Wants:
    wants = _day_and_night(scene)
    wants.midway = True
    return wants


def _idle(scene: Scene) -> Wants:
    return Wants(scene.hours(lambda _at, _hour: float(scene.chance.random() < 0.01)))  # noqa: PLR2004 - hardly ever


def _ramp_up(scene: Scene) -> Wants:
    """Seven times as much at the end as at the beginning."""
    whole = len(scene.clock)
    return Wants(scene.hours(lambda at, hour: _office(at) * 7 ** (hour / whole)))


def _stale(scene: Scene) -> Wants:
    wants = _day_and_night(scene)
    wants.stale = True
    return wants


def _gaps(scene: Scene) -> Wants:
    wants = _day_and_night(scene)
    wants.gaps = True
    return wants


def _nightly(scene: Scene) -> Wants:
    run = scene.chance.randrange(24)
    return Wants(scene.hours(lambda at, _hour: 1.0 if (at.hour - run) % 24 < 2 else 0.01))  # noqa: PLR2004 - two hours


def _weekly_run(scene: Scene) -> Wants:
    day, run = scene.chance.randrange(7), scene.chance.randrange(24)
    return Wants(scene.hours(lambda at, _hour: 1.0 if at.weekday() == day and (at.hour - run) % 24 < 6 else 0.003))  # noqa: PLR2004


def _front_loaded(scene: Scene) -> Wants:
    def shape(at: datetime, hour: int) -> float:
        cycle = int(hour >= scene.months[1])
        start, end = scene.months[cycle], scene.months[cycle + 1]
        return (0.3 + _office(at)) * (6.0 if hour - start < 0.3 * (end - start) else 1.0)

    return Wants(scene.hours(shape))


def _rationing(scene: Scene) -> Wants:
    wants = _day_and_night(scene)
    wants.rations = True
    return wants


def _swap(scene: Scene) -> Wants:
    """Two accounts share the work; when the other one is empty, this one has all of it."""
    turn, empty = scene.chance.randrange(730), scene.chance.uniform(0.05, 0.4)
    return Wants(
        scene.hours(lambda at, hour: (0.1 + _office(at)) * (2.0 if (hour + turn) % 730 > 730 * (1 - empty) else 1.0))
    )


def _vacation(scene: Scene) -> Wants:
    """A week or two of nothing, somewhere."""
    away, length = scene.hour(0.1, 0.9, scene.chance.randrange(2)), 24 * scene.chance.randint(7, 14)
    return Wants(scene.hours(lambda at, hour: 0.0 if away <= hour < away + length else 0.1 + _office(at)))


def _month_end(scene: Scene) -> Wants:
    """A rush on the last days of the calendar's month."""
    rush = scene.chance.uniform(2, 4)
    return Wants(scene.hours(lambda at, _hour: (0.1 + _office(at)) * (rush if at.day >= 27 else 1.0)))  # noqa: PLR2004


def _upgrade(scene: Scene) -> Wants:
    """The next plan in the middle of a cycle, and somewhat more work from then on."""
    when = scene.chance.uniform(0.25, 0.75)
    hour_ = int(scene.months[1] * when)
    wants = Wants(scene.hours(lambda at, hour: (0.1 + _office(at)) * (1.5 if hour >= hour_ else 1.0)))
    wants.upgrades = when
    return wants


def _failover(scene: Scene) -> Wants:
    """Hardly anything, but all of another account's work for some hours to a day and a half, when that one fails."""
    wants, hour = [0.02] * len(scene.clock), 0
    while (hour := hour + int(scene.chance.expovariate(1 / (10 * 24)))) < len(wants):
        for each in range(hour, min(hour + scene.chance.randint(6, 36), len(wants))):
            wants[each] = 1.0
        hour += 36
    return Wants(wants)


def _campaign(scene: Scene) -> Wants:
    """Four times as much on two days of each week, as long as the campaign goes on."""
    day = scene.chance.randrange(7)
    return Wants(
        scene.hours(lambda at, _hour: (0.1 + _office(at)) * (4.0 if (at.weekday() - day) % 7 < 2 else 1.0))  # noqa: PLR2004
    )


def _churn(scene: Scene) -> Wants:
    """Customers leave: each week a fifth to a third less."""
    kept = scene.chance.uniform(0.67, 0.8)
    return Wants(scene.hours(lambda at, hour: (0.1 + _office(at)) * kept ** (hour // 168)))


def _bans(scene: Scene) -> Wants:
    """Banned for some days in each cycle; its work waits for no one."""
    wants = _day_and_night(scene)
    spells = [(hour := scene.hour(0.1, 0.8, cycle), hour + scene.chance.randint(48, 144)) for cycle in range(2)]
    wants.bans = tuple((start * HOUR, end * HOUR) for start, end in spells)
    for start, end in spells:
        wants.hours[start:end] = [0.0] * len(wants.hours[start:end])
    return wants


def _sprint(scene: Scene) -> Wants:
    """Little for weeks, and then the whole allowance in one go."""
    wants = _idle(scene)
    wants.bursts = {scene.hour(0.2, 0.9, cycle) * HOUR: 1.2 for cycle in range(2)}
    return wants


FAMILIES: Final[Mapping[str, Callable[[Scene], Wants]]] = {
    "steady": _steady,
    "bursty sessions": _bursty,
    "day and night": _day_and_night,
    "weekdays only": _weekdays,
    "one big batch": _big_batch,
    "top-up bought": _top_up,
    "started midway": _midway,
    "idle": _idle,
    "ramp-up": _ramp_up,
    "stale numbers": _stale,
    "gaps": _gaps,
    "nightly run": _nightly,
    "weekly run": _weekly_run,
    "front-loaded": _front_loaded,
    "self-rationing": _rationing,
    "swapped load": _swap,
    "vacation": _vacation,
    "month-end rush": _month_end,
    "plan upgraded": _upgrade,
    "failover": _failover,
    "weekly campaign": _campaign,
    "customers leave": _churn,
    "banned for days": _bans,
}

SPRINT: Final = "sprint"
"""A family that no slow rule can warn of: what is asked of it is whether the fast one does."""


def live(family: str, plan: str, seed: str) -> Life:
    """The life of an account, from its seed."""
    chance = random.Random(seed)
    day = chance.randint(1, 31)
    first = BEGUN + timedelta(days=chance.randrange(300), hours=chance.randrange(24))
    starts = [_month(first, number, day) for number in range(4)]
    start = starts[0]
    months = [int((each - start) / timedelta(hours=1)) for each in starts[: 3 + 1]]
    clock = [(start + timedelta(hours=hour)).astimezone(ZONE) for hour in range(months[3])]
    scene = Scene(chance, clock, months)
    wants = (_sprint if family == SPRINT else FAMILIES[family])(scene)
    life = Life(family, plan, start)
    ratio = math.exp(chance.uniform(math.log(0.35), math.log(2.5)))
    ratio = {"idle": 0.02, SPRINT: 0.1}.get(family, ratio)
    _want(life, wants, scene, ratio)
    _spend(life, wants, scene)
    _show(life, wants, chance)
    begins = chance.uniform(0.5, 0.8) if wants.midway else chance.uniform(0, 0.4)
    life.watched = int(months[1] * HOUR * begins) // HOUR * HOUR + HOUR
    life.so_far = list(accumulate(life.wanted))
    return life


def _month(first: datetime, number: int, day: int) -> datetime:
    year, month = divmod(first.year * 12 + first.month - 1 + number, 12)
    last = (datetime(year + (month + 1) // 12, (month + 1) % 12 + 1, 1, tzinfo=UTC) - timedelta(days=1)).day
    return first.replace(year=year, month=month + 1, day=min(day, last))


def _want(life: Life, wants: Wants, scene: Scene, ratio: float) -> None:
    """What is wanted in each step: by what the family does, the day, the week, and jobs by chance."""
    chance, hours = scene.chance, wants.hours
    scatter = chance.uniform(0.2, 0.45)
    days = scene.days(lambda: chance.lognormvariate(-(scatter**2) / 2, scatter))
    weeks = list(accumulate([0.0] + [chance.gauss(0, 0.25) for _ in range(len(hours) // 168 + 1)]))
    level = weeks[len(weeks) // 2]
    means = [
        each * days[at.toordinal()] * math.exp(weeks[hour // 168] - level)
        for hour, (each, at) in enumerate(zip(hours, scene.clock, strict=True))
    ]
    months = scene.months
    scale = ratio * PLANS[life.plan] / (sum(hours[: months[2]]) / 2 or 1.0)
    wanted = [0.0] * (len(hours) * HOUR)
    for hour, mean in enumerate(means):
        for _ in range(_poisson(chance, mean * scale)):
            wanted[hour * HOUR + chance.randrange(HOUR)] += chance.gammavariate(6, 1 / 6)
    for step, part in wants.bursts.items():
        wanted[step] += part * PLANS[life.plan]
    most, waits = PLACES[life.plan] * (STEP / timedelta(minutes=1)), 0.0
    for step, each in enumerate(wanted):
        waits += each
        wanted[step] = min(waits, most)
        waits -= wanted[step]
    life.wanted = wanted


def _poisson(chance: random.Random, mean: float) -> int:
    if mean > 30:  # noqa: PLR2004 - from there on it is normal
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    bound, number, product = math.exp(-mean), 0, chance.random()
    while product > bound:
        number += 1
        product *= chance.random()
    return number


def _spend(life: Life, wants: Wants, scene: Scene) -> None:
    """What is left after each step, with refills, and what is bought."""
    total, months = PLANS[life.plan], [hour * HOUR for hour in scene.months]
    upgrade = None if wants.upgrades is None else int(months[1] * wants.upgrades)
    left, renewal, start = total, months[1], 0
    for step in range(months[3]):
        if step in {renewal, upgrade}:
            life.cycles.append(Cycle(start, step, renewal))
            start = step
            if len(life.cycles) == 2:  # noqa: PLR2004 - two cycles are a life
                break
            if step == upgrade:
                new = total * 2
                left, total, renewal = left + new - total, new, step + months[1]
            else:
                left, renewal = total, step + months[2] - months[1]
        want = life.wanted[step]
        if wants.rations and left < RATIONED * total:
            want /= 2
            life.wanted[step] = want
        left = max(left - want, 0.0)
        if left < 0.01:  # noqa: PLR2004 - what nobody could read
            left = 0.0
        if wants.tops_up and left < 0.08 * total and step - start > 0.5 * (renewal - start):
            left += 0.3 * total
        life.left.append(left)
        life.total.append(total)
        life.renewals.append(renewal)
        life.banned.append(any(first <= step < last for first, last in wants.bans))


def _show(life: Life, wants: Wants, chance: random.Random) -> None:
    """What of it is read: rounded, as old as upstream's own numbers, and nothing during outages."""
    rounded = 0.01 if life.plan == "Basic" else 0.6
    steps = len(life.left)
    source = list(range(steps))
    read = [chance.random() >= 0.01 for _ in range(steps)]  # noqa: PLR2004 - one in a hundred polls is lost
    often, hours = (1.6, (3.0, 14.0)) if wants.stale else (1 / 3, (1.0, 4.0))
    for start in _times(chance, steps, often):
        end = min(start + int(chance.uniform(*hours) * HOUR), steps)
        source[start:end] = [source[start]] * (end - start)
    outages: list[tuple[float, tuple[float, float]]] = [
        (1 / 7, (0.5, 2.5)),
        *([(1 / 5, (4, 48))] if wants.gaps else []),
    ]
    for often, hours in outages:
        for start in _times(chance, steps, often):
            end = min(start + int(chance.uniform(*hours) * HOUR), steps)
            read[start:end] = [False] * (end - start)
    life.shown = [round(life.left[source[step]] / rounded) * rounded if read[step] else None for step in range(steps)]
    life.renewals = [life.renewals[each] for each in source]
    life.total = [life.total[each] for each in source]


def _times(chance: random.Random, steps: int, often: float) -> list[int]:
    """Steps at which something begins that happens so often a day."""
    times, step = [], 0
    while (step := step + max(1, int(chance.expovariate(often / DAY)))) < steps:
        times.append(step)
    return times
