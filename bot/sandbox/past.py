"""The month before the demo: its fleet is used, read, judged and stored by the bot's own code, faster than it passed.

What comes of it is the same each time, but for the day on which the demo is started. It ends as the demo begins: with
the numbers that its upstream lists, and with one token that will not last until its refill.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, Final

from bot.domain import info
from bot.domain.digest import Told
from bot.domain.groups import Group
from bot.domain.incidents import Incident, Rule, Stage
from bot.domain.labels import Name
from bot.domain.ledger import month_before
from bot.domain.model import Billing, Failure, InfoText, Reading, Record, Severity, Token, Trouble, Unit
from bot.domain.rules.policy import Policy
from bot.domain.value import Value, replace
from bot.domain.watch import ahead
from bot.domain.watch.known import Changes, Known
from bot.domain.watch.noting import note
from bot.domain.watch.poll import advance, advance_failure, compare
from bot.domain.watch.response import acknowledge
from bot.sandbox.scenarios import fast_text
from bot.storage.store import open_store

if TYPE_CHECKING:
    from bot.domain.sample import Sample

MONTH: Final = timedelta(days=31)
HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)

RISES: Final = {1903: 9.0}
"""Tokens of which somebody found a new use: how many times as much they are used in the last days."""
LATELY: Final = 6 * DAY

RECENT: Final = 2 * DAY
"""Of which each hour is kept: of the time before, every other will do."""

SURE: Final = 3
"""Readings after an outage, of which the last is sure that it is over."""

_BEFORE: Final = 0.8
"""Of its allowance, that a token used in the cycle before."""


class Trial(Value):
    """A trouble of a token, in the month."""

    token: int
    status: str
    ago: timedelta
    """Before the demo."""
    lasted: timedelta
    answered: timedelta | None
    """After how long somebody acknowledged it."""
    note: str = ""
    """What they noted of it in the end."""


TROUBLES: Final = (
    Trial(1906, "BANNED", 25 * DAY + 4 * HOUR, 7 * HOUR, 14 * MINUTE, "Wrote to support; they lifted it."),
    Trial(1903, "VERIFYING", 22 * DAY + 6 * HOUR, 40 * MINUTE, 9 * MINUTE, "Passed the check by phone."),
    Trial(1902, "VERIFYING", 19 * DAY + 3 * HOUR, 2 * HOUR, 20 * MINUTE),
    Trial(1904, "BANNED", 12 * DAY + 9 * HOUR, 26 * HOUR, 6 * MINUTE),
    Trial(
        1906,
        "BANNED",
        8 * DAY + 2 * HOUR,
        3 * HOUR,
        8 * MINUTE,
        "Two people were logged in at once. Support lifted it.",
    ),
    Trial(1900, "VERIFYING", 6 * DAY + 5 * HOUR, 50 * MINUTE, 35 * MINUTE),
    Trial(1906, "VERIFYING", 9 * HOUR + 20 * MINUTE, 25 * MINUTE, 4 * MINUTE),
)
CALLED: Final = {1902: "ana's Pro", 1905: "the slow one"}
"""What people call tokens."""

STUDIO: Final = Group("studio", ((1900, 1903),))

MOMENTARY: Final = frozenset({Rule.BASELINE, Rule.NEW})
"""What the first reading of all tells."""

AWAY: Final = (20 * HOUR - 24 * MINUTE, 12 * MINUTE)
"""How long ago ImaginePro could not be read, and for how long."""


async def remember(url: str, fleet: Mapping[int, Token], now: datetime, policy: Policy, person: int) -> None:
    """Write the month into an empty database, as the bot would have.

    Args:
        url: Of the database, which is made.
        fleet: As it is now.
        now: When the month ends.
        policy: How the rules are set.
        person: Discord's id of whoever was on call.
    """
    changes = month(fleet, now, replace(policy, interval=HOUR), person)
    async with open_store(url) as store:
        await store.save(changes, now, claiming=False)


def month(fleet: Mapping[int, Token], now: datetime, policy: Policy, person: int) -> Changes:
    """What is to be stored of a month that ends with this fleet."""
    lives = {token_id: _life(token, now) for token_id, token in fleet.items()}
    diary = _Diary(policy)
    for at in _instants(now):
        since, lasted = now - AWAY[0], AWAY[1]
        if since <= at < since + lasted:
            diary.fail(at)
        else:
            diary.read(at, {token_id: life(at) for token_id, life in lives.items()})
        for each in TROUBLES:
            if each.answered is not None and at == now - each.ago + each.answered:
                diary.acknowledge(at, each.token, person)
            if each.note and at == now - each.ago + each.lasted - MINUTE:
                diary.note(at, each.token, person, each.note)
        if now - at < DAY:
            diary.look_ahead(at)
    named = [Name(token_id, label, person) for token_id, label in CALLED.items()]
    return replace(diary.changes(now), decided=(*named, replace(STUDIO, by=person)))


class _Diary:
    """What the bot would have known, and what of it is kept."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._known = Known()
        self._ended: list[Incident] = []
        self._samples: list[Sample] = []

    def read(self, at: datetime, listed: Mapping[int, Record]) -> None:
        """A poll brought this."""
        before = self._known.remembered
        fleet = {
            token_id: before[token_id]
            if token_id in before and before[token_id].record == record
            else info.read(record)
            for token_id, record in listed.items()
        }
        self._take(*advance(self._known, compare(self._known, Reading(fleet, at), self._policy)))

    def fail(self, at: datetime) -> None:
        """A poll brought nothing."""
        self._take(*advance_failure(self._known, Failure(Trouble.SERVER_ERROR, "503", at, 503), self._policy))

    def acknowledge(self, at: datetime, token: int, by: int) -> None:
        """Somebody has what is open of a token."""
        keys = [key for key, each in self._known.incidents.items() if key.token == token and each.open]
        self._take(*acknowledge(self._known, keys, by, at))

    def note(self, at: datetime, token: int, by: int, words: str) -> None:
        """Somebody notes something of what is open of a token."""
        open_ = [each for key, each in self._known.incidents.items() if key.token == token and each.open]
        self._take(*note(self._known, open_, by, words, at))

    def look_ahead(self, at: datetime) -> None:
        """See what lasts."""
        looked = ahead.due(self._known, at, self._policy)
        found = ahead.seen(self._known, looked.all, looked.fresh, at, self._policy)
        self._take(*ahead.settle(self._known, looked, found, at, self._policy))

    def _take(self, changes: Changes, known: Known) -> None:
        self._known = known
        self._samples += changes.samples
        self._ended += (
            each
            for each in changes.incidents
            if each.stage is Stage.RESOLVED and each.notifiable and each.key.rule not in MOMENTARY
        )

    def changes(self, now: datetime) -> Changes:
        """All of it, as if it had been one poll. What is open and matters has a card, what is over needs none."""
        known = self._known
        stands = [each for each in known.incidents.values() if each.open and each.severity is not Severity.INFO]
        return Changes(
            known.fleet.read_at,
            records=tuple(token.record for token in known.remembered.values()),
            histories=known.histories,
            incidents=(*self._ended, *known.incidents.values()),
            notify=frozenset(each.key for each in stands),
            samples=tuple(self._samples),
            ledgers=known.ledgers,
            digested=Told(now.astimezone(self._policy.zone).date() - DAY),
        )


def _instants(now: datetime) -> Iterator[datetime]:
    """When the fleet was read: every hour or two, and at each turn of a trouble."""
    closely = [*(each.ago for each in TROUBLES), *(each.ago - each.lasted for each in TROUBLES)]
    hours = {
        now - MONTH + number * HOUR
        for number in range(int(MONTH / HOUR) + 1)
        if not number % 2
        or MONTH - number * HOUR < RECENT
        or any(abs(MONTH - number * HOUR - ago) < RECENT / 12 for ago in closely)
    }
    turns = {
        now - each.ago + after
        for each in TROUBLES
        for after in (timedelta(), MINUTE, each.answered, each.lasted - MINUTE if each.note else None, each.lasted)
        if after is not None
    }
    failures = {now - AWAY[0] + number * MINUTE for number in range(int(AWAY[1] / MINUTE) + SURE)}
    return iter(sorted(hours | turns | failures))


def _life(token: Token, now: datetime) -> Callable[[datetime], Record]:
    """How a token was listed at each time of the month."""
    total, left = token.fast_time.total, token.fast_time.remaining
    refills = _refills(token, now)
    trials = [each for each in TROUBLES if each.token == token.id]
    uses = _uses(token.id, now)
    start = now - MONTH

    def used(at: datetime) -> float:
        hours = (at - start) / HOUR
        whole = min(int(hours), len(uses) - 2)
        return uses[whole] + (uses[whole + 1] - uses[whole]) * (hours - whole)

    def life(at: datetime) -> Record:
        record = token.record if at >= now else _idle(token.record)
        for each in trials:
            if now - each.ago <= at < now - each.ago + each.lasted:
                record = replace(record, status=each.status)
        if at >= now or total is None or left is None or not refills or token.fast_time.unit is None:
            return record
        last = max((each for each in refills if each <= at), default=None)
        following = min(each for each in refills if each > at)
        if last is not None and following > now:
            remains = left + (total - left) * (used(now) - used(at)) / max(used(now) - used(last), 1e-9)
        else:
            a_use = _BEFORE * total / max(used(now), 1e-9)
            remains = min((1 - _BEFORE) * total + a_use * (used(min(following, now)) - used(at)), total)
        return replace(record, info=_info(record.info, token, remains, following))

    return life


def _idle(record: Record) -> Record:
    """Without jobs: nobody shall ask why its numbers do not move."""
    return replace(record, info=replace(record.info, running_jobs="None", queued_jobs_fast="0", queued_jobs_relax="0"))


def _refills(token: Token, now: datetime) -> list[datetime]:
    """When it was refilled, and will be next, in order; of a plan that is not, nothing."""
    following = token.subscription.next_refill(now)
    if following is None:
        return []
    refills = [following]
    while refills[0] > now - MONTH:
        refills.insert(0, month_before(refills[0]))
    return refills


def _uses(token: int, now: datetime) -> list[float]:
    """What a token was used since the month began, hour by hour, in a unit of its own: more by day, less on Sundays."""
    chance = Random(token)  # noqa: S311 - a story, and no secret
    hours = [now - MONTH + number * HOUR for number in range(int(MONTH / HOUR) + 1)]
    moods = {at.date(): chance.lognormvariate(0, 0.45) for at in hours}
    uses = []
    for at in hours:
        awake = 1.0 if 7 <= at.hour < 22 else 0.08  # noqa: PLR2004 - hours of a day
        weekend = 0.35 if at.weekday() >= 5 else 1.0  # noqa: PLR2004 - Saturday
        if now - at < LATELY and token in RISES:
            awake, weekend = RISES[token], 1.0
        uses.append(awake * weekend * moods[at.date()] * chance.gammavariate(1.6, 1 / 1.6))
    return list(accumulate(uses, initial=0.0))


def _info(texts: InfoText, token: Token, left: float, following: datetime) -> InfoText:
    """The texts that change, as Midjourney writes them; a plan that is paid by the year names no nearer date."""
    total, unit = token.fast_time.total or 0.0, token.fast_time.unit
    minutes, word = (60.0, "hours") if unit is Unit.HOURS else (1.0, "minutes")
    texts = replace(texts, fast_time_remaining=fast_text(left / minutes, total / minutes, word))
    if token.subscription.billing is not Billing.MONTHLY:
        return texts
    renews = re.sub(r"<t:\d+>", f"<t:{following.timestamp():.0f}>", texts.subscription)
    return replace(texts, subscription=renews)
