"""An incident as texts show it: what a template may name."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, tzinfo

from bot.chat.alerts import wording as texts
from bot.chat.alerts.foretold import Foretold
from bot.chat.alerts.wording import MOMENTARY, WORDINGS, Wording
from bot.chat.cards import alone, amount, buying, limit_of, share, status_word, to_others
from bot.chat.text import called, instant, level, number, plain, span, stamp
from bot.domain.incidents import GONE, Happening, Incident, Rule, Stage
from bot.domain.info import ETA, read
from bot.domain.model import Fleet, PlanState, Severity, Status, Subscription, Threshold, Token, Trouble
from bot.domain.refusal import Refusal, refusal
from bot.domain.rules.fast_time import level_of
from bot.domain.rules.table import PLAN_RULES, UPSTREAM_RULES

_REFUSED_WITH = re.compile(r"\((\d{3})[:)]")
"""The status of the answer, in the sentence that says why ImaginePro cannot be read."""


class Story(Foretold, kw_only=True):
    """An incident with all that its texts may name, made when it is named, and safe to show."""

    own: frozenset[int | None]
    """Tokens that the same message is about: no load goes there."""
    troubled: Callable[[], frozenset[int | None]]
    """Gives those with any other open incident: nor there."""

    def __getitem__(self, name: str) -> str:
        return str(getattr(self, name))

    @property
    def rule(self) -> Rule:
        """What it breaks."""
        return self.incident.key.rule

    @property
    def short(self) -> str:
        """What it is called in passing."""
        return self.wording.short.replace("The fleet", self.group) if self.rule is Rule.POOL else self.wording.short

    @property
    def wording(self) -> Wording:
        """The texts of its rule."""
        return WORDINGS[self.rule]

    @property
    def ended(self) -> bool:
        """Whether it is shown as over."""
        return self.incident.stage is Stage.RESOLVED and self.rule not in MOMENTARY

    @property
    def lost(self) -> bool:
        """Whether the token that it is about is not in the list any more."""
        return self.token is None and self.incident.key.token is not None

    @property
    def well(self) -> bool:
        """Whether it ended because all is well; of one that an older version ended, whether its token works."""
        works = self.incident.end is not None or self.token is None or self.token.usable
        return self.incident.well and works and not self.lost

    @property
    def name(self) -> str:
        """`Token 1900`, or `ana's Pro (1900)`."""
        token_id = self.incident.key.token
        return "Token None" if token_id is None else called(token_id, self.fleet.names, "Token ")

    @property
    def status(self) -> str:
        """The token's status, as a word."""
        return status_word(self.token, 20) if self.token else "no longer listed"

    @property
    def span(self) -> str:
        """How long it lasted, or had been so when it was last checked."""
        until = self.incident.resolved_at or self.checked_at or self.incident.read_at
        return span(until - self.incident.began_at)

    @property
    def verifying(self) -> str:
        """`is VERIFYING`, or `has been VERIFYING for over 15 min` once that made it worse."""
        raised = [moment.at for moment in self.incident.moments if moment.what is Happening.RAISED]
        return f"has been VERIFYING for over {span(raised[-1] - self.incident.began_at)}" if raised else "is VERIFYING"

    @property
    def fast_time(self) -> str:
        """`Token 1900 has only 4 % fast time left (0.6 of 15 h)`, or `Token 1900 has no fast time left`."""
        if self._gone:
            slow = ", and is RELAX" if self.token and self.token.status is Status.RELAX else ""
            return f"{self.name} has no fast time left{slow}"
        if self._ahead:
            return f"{self.name} will be out of fast time within {self._ahead}: {self.only}{self.left}"
        return f"{self.name} has {self.only}{self.left}"

    @property
    def fast_time_level(self) -> str:
        """`under 20 % fast time`, or `no fast time left`."""
        if self._ahead:
            return f"out of fast time within {self._ahead}"
        return "no fast time left" if self._gone else f"under {self.step} fast time"

    @property
    def fast_time_means(self) -> str:
        """What it means for the token's jobs."""
        if self._gone:
            return texts.RELAX_NOW[self._has_relax]
        under = "That is at its pace of the last days" if self._ahead else f"That is under {self.step}"
        return f"{under}{self.soon}. {self.relax_left}"

    @property
    def fast_time_do(self) -> str:
        """What to do about it."""
        return f"{self.its_jobs if self._gone else self.its_load}{self.or_buy}."

    @property
    def _gone(self) -> bool:
        return level_of(self.incident) == GONE

    @property
    def _ahead(self) -> str:
        """The level, where that is a time ahead: `12 h`."""
        return (
            level(ahead)
            if (ahead := level_of(self.incident).removeprefix(f"{ETA} ")) != level_of(self.incident)
            else ""
        )

    @property
    def only_worse(self) -> bool:
        """Whether its last rise made it worse, and not more severe."""
        graded = [moment for moment in self.incident.moments if moment.severity is not None]
        return (
            len({moment.severity for moment in graded[-2:]}) == 1 < len(graded) and graded[-1].what is Happening.RAISED
        )

    @property
    def step(self) -> str:
        """The threshold, as it is read: `20 %`."""
        return level(level_of(self.incident))

    @property
    def limit(self) -> Threshold | None:
        """The same, to compare fast time with."""
        return limit_of(self.incident)

    @property
    def left(self) -> str:
        """`18 % fast time left (36 of 200 min)`."""
        return _left(self.token, " fast time left", self.limit)

    @property
    def level(self) -> str:
        """`100 % (200 of 200 min)`."""
        return _left(self.token, "", self.limit)

    @property
    def only(self) -> str:
        """Before an amount that is critical."""
        return "only " if self.incident.severity is Severity.CRITICAL else ""

    @property
    def soon(self) -> str:
        """What a critical amount means."""
        return ", so it is about to run out" if self.incident.severity is Severity.CRITICAL else ""

    @property
    def relax_left(self) -> str:
        """What will be at 0."""
        return texts.RELAX_LEFT[self._has_relax]

    @property
    def ask(self) -> str:
        """What to do about an upstream that cannot be read: where it answers, but not so, waiting does not help."""
        if self.incident.until is not None:
            return texts.REST.format(until=self._instant(self.incident.until))
        wrong = self.incident.detail.startswith((Trouble.NOT_FOUND, Trouble.MALFORMED))
        return texts.MEND if wrong else texts.WAIT

    @property
    def refused(self) -> str:
        """What ImaginePro refuses."""
        return self._refusal.headline

    @property
    def admit(self) -> str:
        """What to do so that ImaginePro lets the bot in again, and when that shows."""
        until = self.incident.until
        return self._refusal.do + (texts.UNSEEN.format(until=self._instant(until)) if until is not None else "")

    @property
    def _refusal(self) -> Refusal:
        status = _REFUSED_WITH.search(self.incident.detail)
        return refusal(int(status[1]) if status else None)

    @property
    def unfinished(self) -> str:
        """Since when no check of ImaginePro has ended."""
        last = self.fleet.read_at
        since = f"{self._instant(last)}. All numbers are from then" if last else "it was started"
        return f"The bot has not finished a check of ImaginePro since {since}."

    @property
    def numbers(self) -> str:
        """From when the numbers are, while nothing can be read."""
        last = self.fleet.read_at
        return f"All numbers are from {self._instant(last)}." if last else "Nothing has been read yet."

    def _instant(self, at: datetime) -> str:
        return instant(at, self.incident.read_at)

    @property
    def checked_at(self) -> datetime | None:
        """When what it is about was last read: its token, the plan, or the fleet; None of a test."""
        if self.rule in PLAN_RULES:
            return self.incident.read_at
        if self.rule in {*UPSTREAM_RULES, Rule.TEST}:
            return None if self.rule is Rule.TEST else self.fleet.read_at
        read_at = self.fleet.read_at if self.incident.key.token is None else self.fleet.age_of(self.incident.key.token)
        return max(filter(None, (read_at, self.incident.read_at)))

    @property
    def slow(self) -> str:
        """What RELAX means for its plan."""
        return texts.SLOW[self._has_relax]

    @property
    def _has_relax(self) -> bool | None:
        return self.token.subscription.has_relax if self.token else None

    @property
    def affected(self) -> frozenset[int | None]:
        """The tokens that cannot take over."""
        return self.own | self.troubled()

    @property
    def or_buy(self) -> str:
        """How to get fast time, behind whoever can take over."""
        return self._or(buying(self._plan, self.incident.read_at))

    @property
    def or_speed_up(self) -> str:
        """How it could become fast again, behind whoever can take over."""
        gone = self.token is not None and self.token.fast_time.gone
        return self._or(
            buying(self._plan, self.incident.read_at) if gone else "run Midjourney's `/fast` as that account"
        )

    @property
    def its_jobs(self) -> str:
        """Who can take its jobs."""
        return to_others(self.fleet, self.affected, "send its jobs", "its jobs")

    @property
    def urgent_jobs(self) -> str:
        """Who can take what is urgent."""
        return to_others(self.fleet, self.affected, "send urgent jobs", "urgent jobs")

    @property
    def its_load(self) -> str:
        """Who can take some of its jobs."""
        return to_others(self.fleet, self.affected, "spread its load", "its jobs")

    def _or(self, act: str) -> str:
        return f": {act}" if alone(self.fleet, self.affected) else f", or {act}"

    @property
    def queued(self) -> str:
        """`12 jobs queued`."""
        total = queued_jobs(self.token) if self.token else 0
        return f"{number(total)} job{'s' * (total != 1)} queued"

    @property
    def no_longer_fast(self) -> str:
        """`, no longer FAST`, where it was."""
        return ", no longer FAST" if self.incident.origin == Status.FAST else ""

    @property
    def named(self) -> str:
        """`only 2 of 9 tokens`, of a list that is too short, or `none of 9 tokens`."""
        few, of, all_ = plain(self.incident.detail, 40).partition(" of ")
        return f"{'none' if few == '0' else f'only {few}'}{of}{all_} tokens"

    @property
    def flips(self) -> str:
        """How often it changed its status."""
        return str(len(self.incident.flips))

    @property
    def plan_trouble(self) -> str:
        """`is cancelled`, `has ended`, or `is overdue for renewal`."""
        plan, at = self._plan, self.incident.read_at
        if plan.ended(at):
            return "has ended"
        return "is overdue for renewal" if plan.state in _PLAN_IN_ORDER else f"is {plan.state}"

    @property
    def plan_means(self) -> str:
        """Why its plan is not in order. Its text may be an old one: nothing says when ImaginePro got it."""
        plan, at = self._plan, self.incident.read_at
        if plan.ended(at) and plan.ends_at:
            return f"By its own text it ended {stamp(plan.ends_at)}, unless that text is an old one."
        if plan.state not in _PLAN_IN_ORDER:
            return "Midjourney no longer counts it as active."
        due = f" {stamp(plan.renews_at)}" if plan.renews_at else ""
        return f"It was due for renewal{due}, and ImaginePro still shows the old date. That may be an old copy."

    @property
    def unmentioned(self) -> str:
        """Why a test mentions nobody, or not all whom it should."""
        return " ".join(f"**{plain(each, 400)}.**" for each in self.incident.detail.splitlines())

    @property
    def answered(self) -> str:
        """How a test ended: `@ana answered after 42 s`, or `nobody answered within 5 min`."""
        if self.incident.acknowledged is not None:
            return f"<@{self.incident.acknowledged.who}> answered after {self.span}"
        how = "it could not be posted" if self.incident.first_notified_at is None else "nobody answered"
        return f"{how} within {self.span}"

    @property
    def why_unanswered(self) -> str:
        """What to look at after that."""
        return texts.UNPOSTED if self.incident.first_notified_at is None else texts.CHECKLIST

    @property
    def _plan(self) -> Subscription:
        return self.token.subscription if self.token else Subscription()


_PLAN_IN_ORDER = {None, PlanState.ACTIVE, PlanState.TRIAL}


def stories(
    incidents: Iterable[Incident],
    fleet: Fleet,
    troubled: Callable[[], frozenset[int | None]] = frozenset,
    zone: tzinfo = UTC,
) -> list[Story]:
    """The incidents of one message; `troubled` gives the tokens with any open incident, `zone` is whose days count."""
    incidents = tuple(incidents)
    own = frozenset(incident.key.token for incident in incidents)
    return [
        Story(incident=each, token=_token(each), fleet=fleet, own=own, troubled=troubled, zone=zone)
        for each in incidents
    ]


def _token(incident: Incident) -> Token | None:
    record = incident.now or (incident.was if incident.key.rule is Rule.GONE else None)
    return read(record) if record else None


def _left(token: Token | None, words: str, limit: Threshold | None) -> str:
    if token is None:
        return f"an unknown amount of{words}"
    brief, full = share(token.fast_time, limit) or "an unknown amount of", amount(token.fast_time, limit)
    return f"{brief}{words}" + (f" ({full})" if full and brief != full else "")


def queued_jobs(token: Token) -> int:
    """How many jobs wait in both of its queues, of those that could be read."""
    return sum(count.value or 0 for count in (token.queued_fast, token.queued_relax))
