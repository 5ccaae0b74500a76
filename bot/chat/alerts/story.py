"""An incident as it is told: what a template may name, how it ended, its timeline, and how several make one line."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

import discord

from bot.chat import cards
from bot.chat.alerts.wording import MEND, MOMENTARY, RELAX_LEFT, RELAX_NOW, SLOW, WAIT, WORDINGS, Wording
from bot.chat.cards import amount, plan_word, share, spare, status_word
from bot.chat.text import bare, listed, number, plain, span, stamp, within
from bot.domain.incidents import Happening, Incident, Moment, Rule, Stage
from bot.domain.info import read
from bot.domain.model import Fleet, PlanState, Severity, Status, Token, Trouble
from bot.domain.rules.table import FAST_HOURS, FAST_TIME_RULES, STATUS_RULES, UPSTREAM_RULES
from bot.domain.value import Value

Sign = tuple[str, discord.Colour]

SIGNS: Mapping[Severity, Sign] = {
    Severity.CRITICAL: ("🔴", cards.RED),
    Severity.WARNING: ("🟠", cards.ORANGE),
    Severity.INFO: ("🔵", cards.BLUE),
}
OVER: Sign = ("✅", cards.GREY)
MOVED_ON: Sign = ("⚪", cards.GREY)

_SAME_DAY = timedelta(hours=12)
"""Longer incidents are told with dates."""

_TIMELINE = 6
"""Moments that a card shows at least, if there are so many: the first, and the last ones."""

_IDS = 30
"""Tokens that a line of a short message names; a card's summary names all."""


class Story(Value):
    """An incident with all that its texts may name, made when it is named, and safe to show."""

    incident: Incident
    account: Token | None
    """As of the incident, read; of one that is gone, as it was."""
    fleet: Fleet
    affected: frozenset[int | None]
    """Tokens that are told of in the same message: no load goes there."""

    def __getitem__(self, name: str) -> str:
        return str(getattr(self, name))

    @property
    def rule(self) -> Rule:
        """What it breaks."""
        return self.incident.key.rule

    @property
    def wording(self) -> Wording:
        """The texts of its rule."""
        return WORDINGS[self.rule]

    @property
    def ended(self) -> bool:
        """Whether it is told as over."""
        return self.incident.stage is Stage.RESOLVED and self.rule not in MOMENTARY

    @property
    def lost(self) -> bool:
        """Whether the account that it is about is not in the list any more."""
        return self.account is None and self.incident.key.token is not None

    @property
    def token(self) -> str:
        """`Token 1900`."""
        return f"Token {self.incident.key.token}"

    @property
    def status(self) -> str:
        """The account's status, as a word."""
        return status_word(self.account, 20) if self.account else "no longer listed"

    @property
    def span(self) -> str:
        """How long it lasted, or had been so when it was last told."""
        return span((self.incident.resolved_at or self.incident.read_at) - self.incident.opened_at)

    @property
    def unanswered(self) -> str:
        """`, unanswered for 15 min`, once that made it worse."""
        raised = [moment.at for moment in self.incident.moments if moment.what is Happening.RAISED]
        return f", unanswered for {span(raised[-1] - self.incident.opened_at)}" if raised else ""

    @property
    def step(self) -> str:
        """The threshold, as it is read: `20 %`."""
        return bare(self.incident.key.step, 20).replace("%", " %")

    @property
    def left(self) -> str:
        """`18 % fast time left (36 of 200 min)`."""
        return _left(self.account, " fast time left")

    @property
    def level(self) -> str:
        """`100 % (200 of 200 min)`."""
        return _left(self.account, "")

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
        return RELAX_LEFT[self._has_relax]

    @property
    def relax_now(self) -> str:
        """What is at 0."""
        return RELAX_NOW[self._has_relax]

    @property
    def ask(self) -> str:
        """What to do about an upstream that cannot be read: where it answers, but not so, waiting does not help."""
        wrong = self.incident.detail.startswith((Trouble.NOT_FOUND, Trouble.MALFORMED))
        return MEND if wrong else WAIT

    @property
    def slow(self) -> str:
        """What RELAX means for its plan."""
        return SLOW[self._has_relax]

    @property
    def _has_relax(self) -> bool | None:
        return self.account.subscription.has_relax if self.account else None

    @property
    def speed_up(self) -> str:
        """How it could become fast again."""
        return "buy time" if self.account and self.account.fast_time.gone else "switch it back with `/fast`"

    @property
    def others(self) -> str:
        """Who can take over."""
        able = spare(self.fleet, self.affected)
        if not able:
            return "other accounts (none has much fast time)"
        shares = ", ".join(share(token.fast_time) for token in able)
        return f"{listed([str(token.id) for token in able], 2)} ({shares})"

    @property
    def queued(self) -> str:
        """`12 jobs queued`."""
        total = _queued(self.account) if self.account else 0
        return f"{number(total)} job{'s' * (total != 1)} queued"

    @property
    def flips(self) -> str:
        """How often it changed its status."""
        return str(len(self.incident.flips))

    @property
    def plan_trouble(self) -> str:
        """`is cancelled`, or `was not renewed`."""
        state = self.account.subscription.state if self.account else None
        return "was not renewed" if state in _PLAN_IN_ORDER else f"is {state}"

    @property
    def plan_means(self) -> str:
        """Why its plan is not in order."""
        plan = self.account.subscription if self.account else None
        if plan and plan.state not in _PLAN_IN_ORDER:
            return "Midjourney no longer counts it as active."
        due = f" {stamp(plan.renews_at)}" if plan and plan.renews_at else ""
        return f"It was due for renewal{due}, and no new period has begun."

    @property
    def pool(self) -> str:
        """`Too few accounts work: 0 of 9`, or `The fleet has little fast time left: under 20h`."""
        detail = plain(self.incident.detail, 40)
        if self.incident.key.step == FAST_HOURS:
            return f"The fleet has little fast time left: {detail}"
        return f"Too few accounts work: {detail}"

    @property
    def pool_means(self) -> str:
        """What it means for the fleet."""
        if self.incident.key.step == FAST_HOURS:
            return "It counts what the accounts have among them that work now."
        return "Jobs wait or fail until more accounts work."

    @property
    def pool_over(self) -> str:
        """What is well again."""
        return "The fleet has enough fast time" if self.incident.key.step == FAST_HOURS else "Enough accounts work"

    @property
    def count(self) -> str:
        """`9 accounts`."""
        total = len(self.fleet.tokens)
        return f"{total} account{'s' * (total != 1)}"

    @property
    def overview(self) -> str:
        """How many tokens are in each status, and who needs a person."""
        tokens = self.fleet.tokens.values()
        counts = Counter("switched off" if token.active is False else token.status.value for token in tokens)
        said = [f"{counts[each]} {each}" for each in [*Status, "switched off"] if counts[each]]
        if not said:
            return "No account is linked yet."
        people = [str(token.id) for token in cards.urgent(self.fleet)]
        waiting = f" A person is needed for {listed(people, 10)}." if people else ""
        return f"{listed(said, len(said))}.{waiting}"


_PLAN_IN_ORDER = {None, PlanState.ACTIVE, PlanState.TRIAL}


def stories(incidents: Iterable[Incident], fleet: Fleet) -> list[Story]:
    """The incidents of one message."""
    incidents = tuple(incidents)
    affected = frozenset(incident.key.token for incident in incidents)
    return [Story(incident, _account(incident), fleet, affected) for incident in incidents]


def _account(incident: Incident) -> Token | None:
    record = incident.now or (incident.was if incident.key.rule is Rule.GONE else None)
    return read(record) if record else None


def _left(token: Token | None, words: str) -> str:
    if token is None:
        return f"an unknown amount of{words}"
    brief, full = share(token.fast_time) or "an unknown amount of", amount(token.fast_time)
    return f"{brief}{words}" + (f" ({full})" if full and brief != full else "")


def _queued(token: Token) -> int:
    return sum(count.value or 0 for count in (token.queued_fast, token.queued_relax))


def sign(story: Story) -> Sign:
    """What stands before it while it is open."""
    return story.wording.sign or SIGNS[story.incident.severity]


def told(story: Story) -> tuple[Sign, str]:
    """Its sign and headline, as of its stage."""
    return _end(story) if story.ended else (sign(story), story.wording.headline.format_map(story))


def _end(story: Story) -> tuple[Sign, str]:
    """How it ended: well, by turning into something else, or because nobody wants to hear of it."""
    token, origin, state = story.account, story.incident.origin, story.wording.state.format_map(story)
    if story.lost:
        return MOVED_ON, f"{story.token} is no longer {state}: gone from the list, after {story.span}"
    if story.incident.unwatched:
        what = story.wording.group.format_map(story) if story.incident.key.token is None else f"{story.token} {state}"
        return MOVED_ON, f"No longer watched, after {story.span}: {what}"
    if token is None or story.rule not in STATUS_RULES:
        return OVER, story.wording.over.format_map(story)
    if not token.usable:
        off = ", switched off" if token.active is False else ""
        return MOVED_ON, f"{story.token} is no longer {state}: now {story.status}{off}, after {story.span}"
    if token.status is Status.FAST or origin == token.status:
        return OVER, f"{story.token} is {story.status} again after {story.span}"
    return OVER, f"{story.token} works again after {story.span}, in {story.status}"


def subject(story: Story) -> str:
    """The account in a line, less what the headline says: where that is not the status, the status stands here."""
    token, rule = story.account, story.rule
    if token is None:
        return ""
    renewal = token.subscription.renews_at
    parts = [
        "" if rule in STATUS_RULES | MOMENTARY | {Rule.FLAPPING} else f"Status {status_word(token)}",
        "switched off" if token.active is False and rule is not Rule.INACTIVE else "",
        f"{plan_word(token)} plan" if plan_word(token) else "",
        story.left if token.fast_time.known and rule not in FAST_TIME_RULES else "",
        f"renews {stamp(renewal)}" if renewal and renewal > story.incident.read_at else "",
    ]
    return " · ".join(filter(None, parts))


def was(story: Story) -> str:
    """`Was FAST until 2 minutes ago.`, where the status is what changed."""
    before, at = story.incident.was, story.incident.was_at
    if before is None or story.rule not in STATUS_RULES | {Rule.RESTORED, Rule.GONE}:
        return ""
    until = f" until {stamp(at)}" if at else ""
    return f"Was {status_word(read(before))}{until}."


def had_been(story: Story) -> str:
    """`It was BANNED, and FAST before that.`, of what has ended."""
    if not story.wording.state or story.incident.key.token is None:
        return ""
    before = story.incident.was if story.rule in STATUS_RULES else None
    earlier = f", and {status_word(read(before))} before that" if before else ""
    return f"It was {story.wording.state.format_map(story)}{earlier}."


def waiting(story: Story) -> str:
    """How many jobs sit in the queues of an account that does not work."""
    token = story.account
    jobs = 0 if token is None or token.status.works else _queued(token)
    return f"{number(jobs)} {'is' if jobs == 1 else 'are'} waiting on it." if jobs else ""


_MOMENTS: Mapping[Happening, str] = {
    Happening.FIRED: "fired {at}",
    Happening.RAISED: "{severity} since {at}",
    Happening.LOWERED: "only {severity} since {at}",
    Happening.ACKNOWLEDGED: "acknowledged by {who} {at}",
    Happening.SILENCED: "silenced by {who} until {until}",
    Happening.REMINDED: "reminded {at}",
    Happening.RESOLVED: "resolved {at}",
    Happening.UNWATCHED: "no longer watched {at}",
}

_EACH_ITS_OWN = {Happening.REMINDED, Happening.RESOLVED, Happening.UNWATCHED}
"""What a summary says beside each token, or not at all."""


def timeline(told_of: Sequence[Story]) -> str:
    """When it fired, who did what, when it was over, and how old the numbers are. Of several, what they share once."""
    single = told_of[0] if len(told_of) == 1 else None
    began = min(story.incident.opened_at for story in told_of)
    last = max(story.incident.resolved_at or story.incident.read_at for story in told_of)
    style = "t" if last - began < _SAME_DAY else "f"
    said: dict[str, Moment] = {}
    for moment in sorted((moment for story in told_of for moment in _moments(story)), key=lambda each: each.at):
        if single is None and moment.what in _EACH_ITS_OWN:
            continue
        shared = single is None and moment.what in {Happening.FIRED, Happening.RAISED, Happening.LOWERED}
        once = f"{moment.what} {moment.severity}" if shared else _said(moment, style)
        said.setdefault(once, moment)
    words = _shortened([(moment, _said(moment, style)) for moment in said.values()])
    if single is not None and single.ended:
        words[-1] += f", {single.span}"
    return " · ".join([*words, *_age(told_of)])


def _shortened(told_of: Sequence[tuple[Moment, str]]) -> list[str]:
    """Of a long life the beginning and the latest, and whoever was told that they have it."""
    tail = len(told_of) - _TIMELINE
    kept = [
        index
        for index, (moment, _) in enumerate(told_of)
        if tail <= 0 or index == 0 or index > tail or moment.what is Happening.ACKNOWLEDGED
    ]
    gaps = (index - before > 1 for before, index in pairwise([-1, *kept]))
    return [word for index, gap in zip(kept, gaps, strict=True) for word in (*["…"] * gap, told_of[index][1])]


def _moments(story: Story) -> tuple[Moment, ...]:
    """Its timeline; of one from before there were timelines, its ends."""
    incident = story.incident
    if incident.moments:
        return incident.moments
    over = (Moment(incident.resolved_at, Happening.RESOLVED),) if story.ended and incident.resolved_at else ()
    return (Moment(incident.opened_at, Happening.FIRED), *over)


def _said(moment: Moment, style: str) -> str:
    return _MOMENTS[moment.what].format(
        at=stamp(moment.at, style),
        who=f"<@{moment.who}>",
        severity=moment.severity,
        until=stamp(moment.until, "f") if moment.until else "it is resolved",
    )


def _age(told_of: Sequence[Story]) -> list[str]:
    """While ImaginePro is away, numbers are as old as the last reading."""
    frozen = [story.fleet.read_at for story in told_of if story.rule in UPSTREAM_RULES]
    read_at = frozen[0] if len(frozen) == len(told_of) else max(story.incident.read_at for story in told_of)
    return [f"read {stamp(read_at)}"] if read_at else []


def grouped(told_of: Iterable[Story]) -> dict[str, list[Story]]:
    """By rule and by what became of it; the most severe first, and within a group by id."""
    groups: dict[str, list[Story]] = {}
    for story in sorted(told_of, key=lambda story: place(story.incident)):
        groups.setdefault(_label(story), []).append(story)
    return groups


_ORDER = {rule: number for number, rule in enumerate(Rule)}


def place(incident: Incident) -> tuple[int, int, str, int]:
    """Sort by this: the gravest first."""
    key = incident.key
    return -incident.severity.rank, _ORDER[key.rule], key.step, key.token or 0


def _label(story: Story) -> str:
    group = story.wording.group.format_map(story)
    if not story.ended:
        return group
    if story.lost:
        return f"was {group}, gone from the list"
    if story.incident.unwatched:
        return f"no longer watched: {group}"
    return f"was {group}, now {story.status}" if story.rule in STATUS_RULES else f"over: {group}"


class Line(NamedTuple):
    """A line about a group in its forms: each says less than the one before, and none leaves the group out."""

    noted: str
    """`✅ **was BANNED, now FAST** (2): 1920 (5 min), 1921 (1 h)`; of more than `most`, how many more."""
    named: str
    """`✅ **was BANNED, now FAST** (2): 1920, 1921`."""
    counted: str
    """`✅ **was BANNED, now FAST** (2)`."""


def line(label: str, group: Sequence[Story], most: int = _IDS) -> Line:
    """A rule's line, which names `most` tokens at most."""
    first = group[0]
    mark = (OVER if first.ended else sign(first))[0]
    if first.incident.key.token is None:
        alone = f"{mark} **{label}**" + (f" for {first.span}" if first.ended else "")
        return Line(alone, alone, alone)
    counted = f"{mark} **{label}** ({len(group)})"
    more = f" and {len(group) - most} more" if len(group) > most else ""
    ids = [str(story.incident.key.token) for story in group[:most]]
    notes = [each + _note(story) for each, story in zip(ids, group, strict=False)]
    return Line(f"{counted}: {', '.join(notes)}{more}", f"{counted}: {', '.join(ids)}{more}", counted)


def fitted(lines: Sequence[str | Line], limit: int) -> Sequence[str]:
    """The lines in the fullest form in which all of them fit, or else in the shortest."""
    forms = [[each if isinstance(each, str) else each[form] for each in lines] for form in range(len(Line._fields))]
    return next((said for said in forms if within(said, limit) == "\n".join(said)), forms[-1])


def _note(story: Story) -> str:
    """What tells one token of a group from the next: how long it took, or how little is left."""
    if story.ended:
        return f" ({story.span})"
    return f" ({share(story.account.fast_time)})" if story.account and story.rule is Rule.FAST_TIME_LOW else ""
