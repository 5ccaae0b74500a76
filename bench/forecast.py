"""How often a forecast is right, beside the ways that others go: `python -m bench.forecast`, some four minutes.

Accounts that never were (`bench/accounts.py`) live for two cycles, and at each hour every design says when what is left
runs out. The bot's own is asked as the bot asks it: each reading that changed goes through `apply`, each hour through
`forecast`, and what comes of it through the readings and thresholds of its rule. As it is known of each hour what would
have become of it, each answer is right or wrong.
"""

import argparse
import math
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing import Pool
from typing import Final, Self

from bench import table
from bench.accounts import DAY, FAMILIES, HOUR, PLANS, SPRINT, STEP, ZONE, Cycle, Life, live
from bench.rivals import DESIGNS, Answer, Seen
from bot.domain import info
from bot.domain.forecast import LIKELY, UNLIKELY, Forecast, burning, forecast
from bot.domain.incidents import Rule
from bot.domain.ledger import Ledger, apply
from bot.domain.model import FastTime, InfoText, Record, Status, Token, Unit
from bot.domain.rules.table import RULES
from bot.domain.value import replace

OURS, RULE = "the bot's, its point", "the bot's, its rule"
AVERAGE, LINEAR = "average since the cycle began", "predict_linear, 24 h"

EVERY: Final = 4
"""Hours of which one is taken for the errors and the ranges, which are many."""

TARGETS: Final = {
    "false calls per cycle": (0.0, 0.08),
    "lasting cycles hit": (0.0, 0.12),
    "run-outs missed": (0.0, 0.06),
    "lead, h": (160.0, math.inf),
    "cover of the range of 80 %": (0.75, 0.88),
    f"false calls, of those of {LINEAR}": (0.0, 0.1),
    f"false calls, of those of the {AVERAGE}": (0.0, 0.2),
}
"""From, and to."""


@dataclass
class Score:
    """How well a design did."""

    cycles: int = 0
    lasting: int = 0
    ran_out: int = 0
    false: int = 0
    hit: int = 0
    missed: int = 0
    flips: int = 0
    asked: int = 0
    answered: int = 0
    took: float = 0.0
    """Seconds."""
    leads: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    ranged: int = 0
    covered: int = 0
    off: list[tuple[float, float]] = field(default_factory=list)
    """Hours until it ran out, and by how many it was wrong."""
    chances: list[float] = field(default_factory=list)
    """Of the bot's own: each chance that it gave, plus 2 where it came true."""

    def __iadd__(self, other: "Score") -> Self:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self

    @property
    def false_calls(self) -> float:
        """Per cycle."""
        return self.false / self.cycles

    @property
    def lead(self) -> float:
        """Hours, the median."""
        return statistics.median(self.leads) if self.leads else math.nan

    @property
    def cover(self) -> float:
        """The share of ranges that held."""
        return self.covered / self.ranged if self.ranged else math.nan

    @property
    def cells(self) -> Sequence[str]:
        """Its row of the table."""
        errors = sorted(self.errors)
        error = "-" if not errors else f"{statistics.median(errors):.2f} / {errors[int(0.9 * len(errors))]:.2f}"
        cover = f"{self.cover:.2f} / {statistics.median(self.widths):.2f}" if self.ranged else "-"
        return (
            error,
            cover,
            f"{self.false_calls:.2f}",
            f"{self.hit / max(self.lasting, 1):.0%}",
            f"{self.missed / max(self.ran_out, 1):.0%}",
            f"{self.flips / self.cycles:.1f}",
            f"{self.lead:.0f}" if self.leads else "-",
            f"{1 - self.answered / self.asked:.0%}" if self.asked else "-",
            f"{self.took / self.asked * 1e6:.0f}" if self.asked else "-",
        )


@dataclass
class Standing:
    """The rule *does not last*, as its row of the table has it: so many evaluations in a row, of so high a chance."""

    fires: bool = False
    found: int = 0
    gone: int = 0

    def __call__(self, said: Forecast, *, refilled: bool, bought: bool) -> bool:
        """Whether it fires after one more evaluation. What cannot be answered moves nothing."""
        row = RULES[Rule.DOES_NOT_LAST]
        if refilled:
            self.fires, self.found, self.gone = False, 0, 0
        if said.chance is None:
            return self.fires
        self.found = self.found + 1 if said.chance >= LIKELY else 0
        self.gone = self.gone + 1 if said.chance <= UNLIKELY else 0
        if self.found >= row.readings:
            self.fires = True
        elif self.gone >= row.keep_firing_for or (bought and self.gone):
            self.fires = False
        return self.fires


def token_of(life: Life, step: int, shown: float) -> Token:
    """The token as it is read."""
    stamp = life.at(life.renewals[step])
    total = life.total[step]
    status = Status.BANNED if life.banned[step] else Status.FAST
    return replace(
        PLAIN,
        status=status,
        fast_time=FastTime(shown, total, 100 * shown / total, Unit.MINUTES if life.plan == "Basic" else Unit.HOURS),
        subscription=replace(PLAIN.subscription, renews_at=stamp),
    )


PLAIN: Final = info.read(
    Record(1900, "FAST", True, info=InfoText("Standard (Active monthly, renews next on <t:1797000000>)"))  # noqa: FBT003
)


@dataclass
class Told:
    """What the bot said at each hour."""

    steps: list[int]
    said: list[Forecast]
    rule: list[bool]
    burning: dict[int, float]
    """The step of each call of the fast rule, and when it said that it is empty."""
    took: float
    """Seconds of all forecasts."""
    entered: int
    entering: float


def ours(life: Life) -> Told:
    """Let the bot read a life."""
    ledger: Ledger | None = None
    token, read_step = token_of(life, life.watched, life.left[life.watched]), life.watched
    told = Told([], [], [], {}, 0.0, 0, 0.0)
    standing, refilled, bought = Standing(), False, False
    last_fire = -DAY
    clock = time.process_time
    for step in range(life.watched, len(life.shown)):
        shown = life.shown[step]
        if shown is not None:
            new = token_of(life, step, shown)
            if new != token or ledger is None:
                rise = (shown - (token.fast_time.remaining or 0)) > 2  # noqa: PLR2004 - more than rounding
                refilled |= rise and new.subscription != token.subscription
                bought |= rise
                token, began = new, clock()
                ledger = apply(ledger, token, life.at(step), ZONE, life.at(read_step))
                told.entering += clock() - began
                told.entered += 1
            read_step = step
        if ledger is not None and step % 3 == 0 and step - last_fire >= DAY:
            fast = burning(ledger, token, life.at(step), life.at(read_step))
            if fast is not None:
                told.burning[step] = (fast.dry_at - life.start) / STEP
                last_fire = step
        if step % HOUR == 0 and ledger is not None:
            now = life.at(step)
            began = clock()
            said = forecast(ledger, token, now, ZONE, life.at(read_step))
            told.took += clock() - began
            told.steps.append(step)
            told.said.append(said)
            told.rule.append(standing(said, refilled=refilled, bought=bought))
            refilled = bought = False
    return told


@dataclass(frozen=True)
class Said:
    """What a design said at a step, and whether its verdict is that it does not last."""

    step: int
    answer: Answer | None
    short: bool


def answers(life: Life, told: Told) -> Iterator[tuple[str, list[Said], float]]:
    """What each design says at each hour, and how long that took in all."""
    points = []
    for step, said in zip(told.steps, told.said, strict=True):
        answer = None
        if said.verdict.answers:
            dry, early, late = (
                None if at is None else (at - life.start) / STEP for at in (said.dry_at, said.earliest, said.latest)
            )
            answer = Answer(dry, early, late, ranged=True)
        points.append(Said(step, answer, answer is not None and answer.dry is not None))
    yield OURS, points, told.took
    rule = zip(points, told.rule, strict=True)
    yield RULE, [Said(each.step, each.answer, short) for each, short in rule], told.took
    seen = Seen(life)
    for name, design in DESIGNS.items():
        began = time.process_time()
        found = [design(seen, step) for step in told.steps]
        took = time.process_time() - began
        yield (
            name,
            [
                Said(step, answer, answer is not None and answer.dry is not None and answer.dry < life.renewals[step])
                for step, answer in zip(told.steps, found, strict=True)
            ],
            took,
        )


def score(life: Life, said: Sequence[Said], took: float) -> Score:
    """How well a design did with a life."""
    scored = Score(took=took)
    for cycle in life.cycles:
        in_it = [each for each in said if cycle.start <= each.step < cycle.end]
        start = max(cycle.start, life.watched)
        if not in_it or life.left[start] <= 0:
            continue  # it was empty before anybody looked
        _score(scored, life, cycle, in_it)
    return scored


def _score(scored: Score, life: Life, cycle: Cycle, said: Sequence[Said]) -> None:
    dry_at = next((step for step in range(said[0].step, cycle.end) if life.left[step] <= 0), None)
    before, false, since = False, 0, None
    standing_at_last: int | None = None
    for number, each in enumerate(said):
        truth = life.dry(each.step, cycle.renewal)
        scored.asked += 1
        scored.answered += each.answer is not None
        if each.short != before:
            scored.flips += number > 0 or each.short
            false += each.short and truth is None
            since = each.step if each.short else None
        before = each.short
        if dry_at is not None and each.step <= dry_at - HOUR:
            standing_at_last = since
        if dry_at is not None and truth is not None and truth > each.step and each.answer and number % EVERY == 0:
            _measure(scored, each, each.answer, truth, cycle.renewal)
    scored.cycles += 1
    scored.false += false
    if dry_at is None:
        scored.lasting += 1
        scored.hit += false > 0
        return
    scored.ran_out += 1
    scored.missed += standing_at_last is None
    scored.leads.append(0.0 if standing_at_last is None else (dry_at - standing_at_last) / HOUR)


def _measure(scored: Score, said: Said, answer: Answer, truth: float, renewal: int) -> None:
    """How far off it was, cut at the renewal, and whether the range held."""
    dry = renewal if answer.dry is None else min(answer.dry, renewal)
    scored.errors.append(abs(dry - truth) / (truth - said.step))
    scored.off.append(((truth - said.step) / HOUR, abs(dry - truth) / HOUR))
    if answer.ranged:
        early, late = (renewal if at is None else min(at, renewal) for at in (answer.early, answer.late))
        scored.ranged += 1
        scored.covered += early <= truth <= late or (truth >= renewal and late >= renewal)
        scored.widths.append((late - early) / (renewal - said.step))


@dataclass
class Fast:
    """How well the fast rule did."""

    cycles: int = 0
    calls: int = 0
    true: int = 0
    """Of those, after which it was empty within a day."""
    sprints: int = 0
    leads: list[float] = field(default_factory=list)
    """Hours, of each sprint."""

    def __iadd__(self, other: "Fast") -> Self:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self


@dataclass
class Outcome:
    """What came of one life."""

    family: str
    scores: dict[str, Score]
    fast: Fast
    entered: int
    entering: float


def run(task: tuple[str, str, str]) -> Outcome:
    """Let one account live, and ask every design."""
    family, plan, seed = task
    life = live(family, plan, seed)
    told = ours(life)
    scores: dict[str, Score] = {}
    if family != SPRINT:
        scores = {name: score(life, said, took) for name, said, took in answers(life, told)}
        scores[OURS].chances = list(_chances(life, told))
    return Outcome(family, scores, _fast(life, told), told.entered, told.entering)


def _chances(life: Life, told: Told) -> Iterator[float]:
    for cycle in life.cycles:
        for step, said in zip(told.steps, told.said, strict=True):
            if cycle.start <= step < cycle.end and said.chance is not None and life.left[step] > 0:
                yield said.chance + 2 * (life.dry(step, cycle.renewal) is not None)


def _fast(life: Life, told: Told) -> Fast:
    fast = Fast(cycles=len(life.cycles), calls=len(told.burning))
    empty = [step for step in range(1, len(life.left)) if life.left[step] <= 0 < life.left[step - 1]]
    for step in told.burning:
        fast.true += any(step <= dry <= step + DAY for dry in empty)
    if life.family == SPRINT:
        for dry in (dry for dry in empty if dry >= life.watched):
            first = min((step for step in told.burning if dry - DAY <= step <= dry), default=dry)
            fast.sprints += 1
            fast.leads.append((dry - first) / HOUR)
    return fast


def _halves(values: Sequence[float]) -> tuple[str, str]:
    """The median, and what nine of ten are below, of values in order."""
    return f"{statistics.median(values):.0f}", f"{values[int(0.9 * len(values))]:.0f}"


def calibration(chances: Iterable[float]) -> tuple[list[table.Row], float]:
    """What was said of the chance, beside how often it came true; and Brier's score."""
    edges = (0.02, 0.1, 0.25, 0.4, 0.6, 0.8, 0.9, 0.98, 1.01)
    said: list[list[float]] = [[] for _ in edges]
    true = [0] * len(edges)
    squares = count = 0.0
    for each in chances:
        came, chance = each >= 2, each % 2 if each < 3 else 1.0  # noqa: PLR2004 - 2 is added where it came true
        place = next(place for place, edge in enumerate(edges) if chance < edge)
        said[place].append(chance)
        true[place] += came
        squares += (chance - came) ** 2
        count += 1
    rows: list[table.Row] = [
        (f"{statistics.fmean(each):.2f}", f"{came / len(each):.2f}", f"{len(each) / count:.0%}")
        for each, came in zip(said, true, strict=True)
        if each
    ]
    return rows, squares / max(count, 1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=2, help="of each family and plan")
    parser.add_argument("--plans", nargs="*", choices=list(PLANS), default=list(PLANS))
    parser.add_argument("--families", nargs="*", choices=[*FAMILIES, SPRINT], default=[*FAMILIES, SPRINT])
    parser.add_argument("--seeds", default="held out", help="what was tuned, was tuned on `tuning`")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--strict", action="store_true", help="end with 1 when a target is missed")
    chosen = parser.parse_args(arguments)
    tasks = [
        (family, plan, f"{chosen.seeds}, {family}, {plan}, {number}")
        for number in range(chosen.accounts)
        for family in chosen.families
        for plan in chosen.plans
    ]
    scores: dict[str, Score] = {}
    families: dict[str, Score] = {}
    fast, entered, entering = Fast(), 0, 0.0
    for outcome in _outcomes(tasks, chosen.processes):
        for name, each in outcome.scores.items():
            scores[name] = scores.get(name, Score())
            scores[name] += each
        if RULE in outcome.scores:
            families.setdefault(outcome.family, Score())
            families[outcome.family] += outcome.scores[RULE]
        fast += outcome.fast
        entered, entering = entered + outcome.entered, entering + outcome.entering
    return report(scores, families, fast, entering / max(entered, 1), strict=chosen.strict)


def _outcomes(tasks: Sequence[tuple[str, str, str]], processes: int) -> Iterator[Outcome]:
    if processes == 1:
        yield from map(run, tasks)
        return
    with Pool(processes) as pool:
        yield from pool.imap_unordered(run, tasks, chunksize=1)


HEAD: Final = (
    "error med / p90",
    "cover / width",
    "false / cycle",
    "lasting hit",
    "missed",
    "flips / cycle",
    "lead h",
    "silent",
    "µs",
)


def report(scores: dict[str, Score], families: dict[str, Score], fast: Fast, entering: float, *, strict: bool) -> int:
    """Print what was found; returns the exit code."""
    ours_ = scores[RULE]
    print(f"{ours_.cycles} cycles: {ours_.ran_out} run dry, {ours_.lasting} last")
    table.show(("design", *HEAD), [(name, *scores[name].cells) for name in [*DESIGNS, OURS, RULE]])
    table.show(
        ("family, by the rule", "cycles", *HEAD[:-2]),
        [(name, str(each.cycles), *each.cells[:-2]) for name, each in families.items()],
    )
    edges = (0, 12, 24, 72, 168, math.inf)
    table.show(
        ("runs out in, h", "off by, h: median", "p90"),
        [
            (f"{low} to {high}", *_halves(off))
            for low, high in pairwise(edges)
            if (off := sorted(wrong for ahead, wrong in scores[OURS].off if low <= ahead < high))
        ],
    )
    rows, brier = calibration(scores[OURS].chances)
    table.show(("chance said", "came true", "of all hours"), rows)
    print(f"Brier's score {brier:.3f}; a reading that changed is entered in {entering * 1e6:.0f} µs")
    if fast.sprints:
        lead, unwarned = statistics.median(fast.leads), sum(each <= 0 for each in fast.leads)
        print(
            f"The fast rule calls {fast.calls / fast.cycles:.2f} times a cycle; {fast.true} of {fast.calls} times it is"
        )
        print(
            f"empty within a day. Of {fast.sprints} sprints it warns {lead:.1f} h before, and of {unwarned} not at all."
        )
    worst, bad = max(families.items(), key=lambda item: (item[1].false_calls, item[1].missed))
    print(
        f"The worst family is {worst}: {bad.false_calls:.2f} false calls a cycle, {bad.missed} of {bad.ran_out} missed"
    )
    figures = {
        "false calls per cycle": ours_.false_calls,
        "lasting cycles hit": ours_.hit / max(ours_.lasting, 1),
        "run-outs missed": ours_.missed / max(ours_.ran_out, 1),
        "lead, h": ours_.lead,
        "cover of the range of 80 %": ours_.cover,
        f"false calls, of those of {LINEAR}": ours_.false_calls / (scores[LINEAR].false_calls or math.nan),
        f"false calls, of those of the {AVERAGE}": ours_.false_calls / (scores[AVERAGE].false_calls or math.nan),
    }
    reached = {name: low <= figures[name] <= high for name, (low, high) in TARGETS.items()}
    table.show(
        ("target", "measured", "from", "to", "reached"),
        [
            (name, figures[name], low, None if math.isinf(high) else high, "yes" if reached[name] else "no")
            for name, (low, high) in TARGETS.items()
        ],
    )
    return int(strict and not all(reached.values()))


if __name__ == "__main__":
    sys.exit(main())
