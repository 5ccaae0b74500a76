"""What a runbook would have done lately, had it been on: what is kept of tokens, lived once more with a dry run.

It is the runbook itself that says so, and every rule is as it is set now. What is kept is told of in
`bot.domain.watch.trial`; what people did through the bot is not in it, but that they switched a token is.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from bot.domain.decisions import Decisions
from bot.domain.model import Token
from bot.domain.rules.policy import Policy
from bot.domain.runbooks import AN_HOUR_AT_MOST, Book, Does, Runbook, Why, name
from bot.domain.sample import Sample
from bot.domain.value import Value, replace
from bot.domain.watch.known import Changes, Known
from bot.domain.watch.running import DRY_RUN, HOUR, run
from bot.domain.watch.trial import live

_WITH: Final[Mapping[Book, tuple[Book, ...]]] = {Book.SWITCH_ON: (Book.SWITCH_OFF, Book.SWITCH_ON)}
"""What only takes back needs somebody who does what it takes back."""


class Would(Value):
    """Something that it would have done."""

    at: datetime
    what: str
    """`switch 1900 off`."""


class Rehearsed(Value):
    """What it would have done."""

    acts: tuple[Would, ...] = ()
    left: int = 0
    """How often it would have left something alone that it had moved too often in a day."""

    def __add__(self, other: "Rehearsed") -> "Rehearsed":
        """Of both, in the order of time."""
        return Rehearsed(tuple(sorted((*self.acts, *other.acts), key=lambda each: each.at)), self.left + other.left)

    def stops(self, an_hour: int) -> datetime | None:
        """When it would have stopped, as it may act only so often within an hour; None when it would not."""
        later = zip(self.acts[an_hour:], self.acts, strict=False)
        return next((each.at for each, first in later if each.at - first.at < HOUR), None)


def rehearse(
    samples: Mapping[int, Sequence[Sample]],
    tokens: Mapping[int, Token],
    policy: Policy,
    runbook: Runbook,
    since: datetime,
    until: datetime,
    go_on: Callable[[], bool] = lambda: True,
) -> Rehearsed | None:
    """Live it; takes as long as `bot.domain.watch.trial.replay`.

    Args:
        samples: Of each token, ascending, from a day before `since` on.
        tokens: As they are now, for their plans.
        policy: How the rules are set.
        runbook: As it is to be set. How often it may act in an hour is asked of the outcome.
        since: From when on.
        until: Up to when.
        go_on: Asked now and then; once it says no, nothing comes of it.
    """
    policy = replace(policy, interval=timedelta(hours=1))
    begin = since - timedelta(days=1)
    books = (
        replace(runbook, book=each, does=Does.DRY_RUN, an_hour=AN_HOUR_AT_MOST**2, at=begin, stopped_at=None)
        for each in _WITH.get(runbook.book, (runbook.book,))
    )
    acts, left = list[Would](), 0
    asked = f"runbook {name(runbook.book)}"

    def then(_: Changes, known: Known, at: datetime) -> Known:
        nonlocal left
        changes, known, _acts = run(known, at, policy, str)
        if at >= since:
            acts.extend(
                Would(each.at, each.what) for each in changes.audit if each.act == DRY_RUN and each.reason == asked
            )
            left += sum(said.why is Why.FLAPS for each in changes.notices for said in each.remarks)
        return known

    known = Known(decisions=Decisions.of(books))
    return Rehearsed(tuple(acts), left) if live(known, samples, tokens, policy, since, until, then, go_on) else None
