"""What a rule would have told, had it been set otherwise: what is kept of tokens, judged once more.

It goes the way of polls and looks ahead, with every other rule as it is set now, and with nothing silenced. What is
kept are figures at each change, and one an hour where they are old: so times are exact to some minutes, or to an hour.
A token counts as on the plan that it has now, which renews on the same day of each month.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from heapq import merge
from itertools import groupby
from operator import itemgetter
from statistics import median
from typing import Final

from bot.domain.incidents import AHEAD, Incident, Key, Rule
from bot.domain.info import read
from bot.domain.model import Billing, InfoText, PlanState, Reading, Record, Severity, Token
from bot.domain.rules.policy import Policy
from bot.domain.rules.table import FAST_TIME_RULES, STATUS_RULES
from bot.domain.sample import Sample
from bot.domain.value import Value, replace
from bot.domain.watch.ahead import due, seen, settle
from bot.domain.watch.known import Changes, Known
from bot.domain.watch.poll import advance, compare

TRIED: Final = STATUS_RULES | FAST_TIME_RULES | AHEAD | {Rule.RESTORED, Rule.FLAPPING, Rule.INACTIVE, Rule.POOL}
"""Rules about what is kept. Of the others nobody can tell afterwards."""

LEARNS: Final = timedelta(days=28)
"""How long before the time that is asked about it begins, so that there is something to foretell by."""

GRID: Final = timedelta(minutes=5)
"""Of samples that are closer to each other than this, the last is read."""

_HOUR: Final = timedelta(hours=1)
_LATER: Final = (timedelta(minutes=5), timedelta(minutes=16), timedelta(minutes=31))
"""After how long what reads as before is read again: when it counts as often enough, as late, and as calm."""


class Outcome(Value):
    """What would have been told."""

    lengths: tuple[timedelta, ...] = ()
    """How long each incident lasted that people would have been told of, up to now for one that lasts."""
    pages: int = 0
    """How many of them were critical."""

    def __add__(self, other: "Outcome") -> "Outcome":
        """Of both."""
        return Outcome((*self.lengths, *other.lengths), self.pages + other.pages)

    @property
    def median(self) -> timedelta | None:
        """How long the one in the middle lasted; None of none."""
        return timedelta(seconds=median(each.total_seconds() for each in self.lengths)) if self.lengths else None


def replay(
    samples: Mapping[int, Sequence[Sample]],
    tokens: Mapping[int, Token],
    policy: Policy,
    rule: Rule,
    since: datetime,
    until: datetime,
    go_on: Callable[[], bool] = lambda: True,
    group: str = "",
) -> Outcome | None:
    """Judge what is kept once more; 1 s for two weeks of a token that changes each minute, 0.3 s for one that is idle.

    Args:
        samples: Of each token, ascending, from `LEARNS` before `since` on.
        tokens: As they are now, for their plans.
        policy: How the rules are set for it.
        rule: Whose incidents are counted.
        since: From when on.
        until: Up to when.
        go_on: Asked now and then; once it says no, nothing comes of it.
        group: What that one must have together is counted, and not what the fleet must; its name, or empty.
    """
    policy = replace(policy, interval=_HOUR)
    about = Rule.FAST_TIME_LOW if rule in FAST_TIME_RULES else rule
    told = dict[tuple[Key, datetime], Incident]()
    looked_at = since - timedelta(days=1)
    every = GRID if rule is Rule.BURNING_FAST else _HOUR

    def note(changes: Changes) -> None:
        for each in changes.incidents:
            if (
                each.key.rule is about
                and each.key.group == group
                and each.opened_at >= since
                and each.notified_as is not None
            ):
                told[each.key, each.opened_at] = each

    def look(changes: Changes, known: Known, at: datetime) -> Known:
        nonlocal looked_at
        note(changes)
        if at - looked_at >= every:
            looked_at = at
            looked = due(known, at, policy)
            found = seen(known, looked.all, looked.fresh, at, policy)
            changes, known = settle(known, looked, found, at, policy)
            note(changes)
        return known

    if not live(Known(), samples, tokens, policy, since, until, look, go_on):
        return None
    lengths = tuple((each.resolved_at or until) - each.began_at for each in told.values())
    return Outcome(lengths, sum(each.notified_as is Severity.CRITICAL for each in told.values()))


def live(
    known: Known,
    samples: Mapping[int, Sequence[Sample]],
    tokens: Mapping[int, Token],
    policy: Policy,
    since: datetime,
    until: datetime,
    then: Callable[[Changes, Known, datetime], Known],
    go_on: Callable[[], bool],
) -> bool:
    """Read once more what is kept; `then` sees each reading, and says what is known after it. False when it stopped."""
    now: dict[int, Token] = {}
    for at, group in groupby(_readings(samples, since, until), itemgetter(0)):
        if not go_on():
            return False
        now |= {sample.token: _token(sample, tokens[sample.token]) for _, sample in group if sample is not None}
        changes, known = advance(known, compare(known, Reading(dict(now), at), policy))
        known = then(changes, known, at)
    return True


def _readings(
    samples: Mapping[int, Sequence[Sample]], since: datetime, until: datetime
) -> Iterator[tuple[datetime, Sample | None]]:
    """When something is read, and what of it is new: each sample, and the same again when that matters."""
    read = merge(*(_of_token(each, since, until) for each in samples.values()), key=itemgetter(0))
    # Of several tokens each would be read when it changes, and all others with it.
    return read if len(samples) == 1 else ((_on_the_grid(at), sample) for at, sample in read)


def _on_the_grid(at: datetime) -> datetime:
    return at + timedelta(seconds=-at.timestamp() % GRID.total_seconds())


def _of_token(samples: Sequence[Sample], since: datetime, until: datetime) -> Iterator[tuple[datetime, Sample | None]]:
    before: Sample | None = None
    for place, sample in enumerate(samples):
        at = sample.at
        following = samples[place + 1].at if place + 1 < len(samples) else until
        same = before is not None and (sample.status, sample.active) == (before.status, before.active)
        if at >= until or (same and following - at < GRID and _on_the_grid(following) == _on_the_grid(at)):
            continue
        yield at, sample
        before = sample
        if at >= since - timedelta(days=1):
            again = _LATER[:1] if same else _LATER
            yield from ((at + later, None) for later in again if at + later < following)


def _token(sample: Sample, now: Token) -> Token:
    """A token as it was read then, as far as that is kept."""
    left, of = sample.fast_time, sample.allowance
    total = "" if of is None else f"/{of:.2f}"
    return read(
        Record(
            sample.token,
            sample.status.value,
            sample.active,
            info=InfoText(
                subscription=_plan(now),
                fast_time_remaining="" if left is None else f"{left:.2f}{total} minutes",
                queued_jobs_fast="" if sample.queued is None else str(sample.queued),
            ),
        )
    )


def _plan(now: Token) -> str:
    """Its plan as one that is refilled on the same day of each month, as it will be."""
    plan = now.subscription
    if plan.renews_at is None or plan.billing is not Billing.MONTHLY or plan.state is not PlanState.ACTIVE:
        return now.record.info.subscription
    return f"{plan.plan} (Active yearly, renews next on <t:{int(plan.renews_at.timestamp())}>)"
