"""What the ops channel is told: one card for an incident, or a summary of many. One table row of wording a rule.

A message that pings carries its headline in the content, where the phone's notification shows it; any other has it as
the embed's title. The message is edited as its incidents live, so the same function words every stage.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import discord

from bot.chat import cards
from bot.chat.cards import GAP, amount, compose, plan_word, share, spare, standing, status_word
from bot.chat.text import bare, listed, quoted, span, stamp, within
from bot.domain.incidents import Incident, Message, Rule, Stage
from bot.domain.info import read, threshold
from bot.domain.model import Fleet, Severity, Status, Token, Trouble

FIELD_LIMIT = 1024
"""Of the value of an embed's field."""

_SIGNS = {
    Severity.CRITICAL: ("🔴", cards.RED),
    Severity.WARNING: ("🟠", cards.ORANGE),
    Severity.INFO: ("🔵", cards.BLUE),
}
_GOOD = ("✅", cards.GREEN)
_OVER = ("✅", cards.GREY)
_MOVED_ON = ("⚪", cards.GREY)

_SAME_DAY = timedelta(hours=12)
"""Longer incidents are told with dates."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One message as Discord shall show it, whether it is posted or edited."""

    content: str | None
    """The mention and the headline; None when nobody is pinged."""
    embeds: tuple[discord.Embed, ...]
    allowed_mentions: discord.AllowedMentions
    """Names the role in `content`, and nobody else."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How a rule is told. Texts are templates over `_Facts`; an empty one is not said."""

    headline: str
    group: str
    """In a summary, after the sign and before the ids."""
    means: str = ""
    do: str = ""
    over: str = ""
    """The headline when it has ended. Empty for what is told once, and for statuses: what came next words their end."""
    state: str = ""
    """For the rules about a status: what the token was in, as in "no longer ..."."""
    sign: tuple[str, discord.Colour] | None = None
    """Instead of the severity's."""


_RELAX_LEFT = {
    True: "At 0 it goes on in relax mode, slowly.",
    False: "Its plan has no relax mode: at 0 it stops.",
    None: "Whether its plan goes on in relax mode is not known.",
}
_RELAX_NOW = {
    True: "It goes on in relax mode: jobs wait longer.",
    False: "Its plan has no relax mode: jobs sent to it fail.",
    None: "It goes on in relax mode if its plan has one; whether it has is not known.",
}
_WAIT = "nothing yet, the bot keeps asking. If your jobs fail as well, write to ImaginePro."
_MEND = "check `IMAGINEPRO_API_URL`, and that your plan is DIY; if both are right, write to ImaginePro."
_SLOW = {
    True: "It still works, but jobs wait longer.",
    False: "Its plan has no relax mode, so jobs sent to it may fail.",
    None: "It still works, but jobs wait longer.",
}

WORDINGS: Mapping[Rule, Wording] = {
    Rule.BASELINE: Wording(
        headline="Now watching {count}",
        group="now watching",
        means="{overview} This channel hears of every change from now on; `/tokens` shows them all.",
        sign=("👀", cards.BLUE),
    ),
    Rule.UPSTREAM_DOWN: Wording(
        headline="ImaginePro cannot be read",
        group="ImaginePro could not be read",
        means="All numbers stay as they were last read, and no account is judged until it answers.",
        do="{ask}",
        over="ImaginePro can be read again after {span}",
    ),
    Rule.UPSTREAM_REFUSED: Wording(
        headline="ImaginePro refuses the API key",
        group="ImaginePro refused the API key",
        means="No account can be watched until this is mended; all numbers stay as they were last read.",
        do="check the key and the plan in ImaginePro, set `IMAGINEPRO_API_KEY`, and restart the bot.",
        over="ImaginePro accepts the API key again after {span}",
    ),
    Rule.BANNED: Wording(
        headline="{token} is BANNED",
        group="BANNED",
        means=cards.BANNED.means,
        do=cards.BANNED.do,
        state="BANNED",
    ),
    Rule.VERIFYING: Wording(
        headline="{token} is VERIFYING",
        group="VERIFYING",
        means=cards.VERIFYING.means,
        do=cards.VERIFYING.do,
        state="VERIFYING",
    ),
    Rule.DEGRADED: Wording(
        headline="{token} is RELAX, no longer FAST",
        group="RELAX, no longer FAST",
        means="{slow}",
        do="send urgent jobs to {others}, or {speed_up}.",
        state="RELAX",
    ),
    Rule.UNKNOWN_STATUS: Wording(
        headline="{token} has an unknown status: {status}",
        group="unknown status",
        means=cards.UNKNOWN.means,
        do=cards.UNKNOWN.do,
        state="in an unknown status",
    ),
    Rule.RESTORED: Wording(
        headline="{token} is FAST again",
        group="FAST again, no longer RELAX",
        means="It works at full speed.",
        sign=_GOOD,
    ),
    Rule.FAST_TIME_LOW: Wording(
        headline="{token} has {left}",
        group="under {step} fast time",
        means="That is under {step}. {relax_left}",
        do="spread load to {others}, or buy time.",
        over="{token} is above {step} fast time again: {level}",
        state="under {step} fast time",
    ),
    Rule.FAST_TIME_GONE: Wording(
        headline="{token} has no fast time left",
        group="no fast time left",
        means="{relax_now}",
        do="send its jobs to {others}, or buy time.",
        over="{token} has fast time again: {level}",
        state="without fast time",
    ),
    Rule.INACTIVE: Wording(
        headline="{token} was switched off",
        group="switched off",
        means=cards.OFF.means,
        do="nothing, if that was on purpose.",
        over="{token} is switched on again after {span}",
        state="switched off",
        sign=("⚫", cards.GREY),
    ),
    Rule.GONE: Wording(
        headline="{token} is gone from ImaginePro's list",
        group="gone from the list",
        means="It is no longer linked, and no longer watched.",
        do="nothing, if that was on purpose; otherwise link it again.",
        sign=("⚪", cards.GREY),
    ),
    Rule.NEW: Wording(
        headline="{token} is new, and {status}",
        group="new",
        means="It is watched from now on.",
        sign=("🆕", cards.BLUE),
    ),
}

STATUS_RULES = frozenset({Rule.BANNED, Rule.VERIFYING, Rule.DEGRADED, Rule.UNKNOWN_STATUS})
"""The rules that end with another status."""

_FAST_TIME_RULES = frozenset({Rule.FAST_TIME_LOW, Rule.FAST_TIME_GONE})
_UPSTREAM_RULES = frozenset({Rule.UPSTREAM_DOWN, Rule.UPSTREAM_REFUSED})
_MOMENTARY = frozenset({Rule.BASELINE, Rule.RESTORED, Rule.GONE, Rule.NEW})
"""Told once and over at once: their end is not worth a word."""


def alert(message: Message, fleet: Fleet, alert_role_id: int | None) -> Alert:
    """The message as it shall look now.

    Args:
        message: One incident, or a summary of at most 100.
        fleet: What is known now: where the fleet stands, and who can take over.
        alert_role_id: The role to ping when something critical is open; None to ping nobody.
    """
    stories = _stories(message, fleet)
    sign, headline, embed = _summary(stories) if message.summary else _card(stories[0])
    embed.set_footer(text=bare(message.mark, 60))
    pings = any(incident.open and incident.severity is Severity.CRITICAL for incident in message.incidents)
    if alert_role_id is None or not pings:
        embed.title = f"{sign} {headline}"
        return Alert(None, (embed,), discord.AllowedMentions.none())
    return Alert(
        f"<@&{alert_role_id}> **{sign} {headline}**",
        (embed,),
        discord.AllowedMentions(everyone=False, users=False, roles=[discord.Object(alert_role_id)], replied_user=False),
    )


@dataclass(frozen=True, slots=True)
class _Story:
    """An incident as it is told: everything that a template may name, made when it is named, and safe to show."""

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
        return self.incident.key.rule

    @property
    def wording(self) -> Wording:
        return WORDINGS[self.rule]

    @property
    def ended(self) -> bool:
        """Whether it is told as over."""
        return self.incident.stage is Stage.RESOLVED and self.rule not in _MOMENTARY

    @property
    def token(self) -> str:
        return f"Token {self.incident.key.token}"

    @property
    def status(self) -> str:
        return status_word(self.account, 20) if self.account else "no longer listed"

    @property
    def span(self) -> str:
        """How long it lasted."""
        return span((self.incident.resolved_at or self.incident.read_at) - self.incident.opened_at)

    @property
    def step(self) -> str:
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
    def relax_left(self) -> str:
        return _RELAX_LEFT[self._has_relax]

    @property
    def relax_now(self) -> str:
        return _RELAX_NOW[self._has_relax]

    @property
    def ask(self) -> str:
        """What to do about an upstream that cannot be read: where it answers, but not so, waiting does not help."""
        wrong = self.incident.detail.startswith((Trouble.NOT_FOUND, Trouble.MALFORMED))
        return _MEND if wrong else _WAIT

    @property
    def slow(self) -> str:
        return _SLOW[self._has_relax]

    @property
    def _has_relax(self) -> bool | None:
        return self.account.subscription.has_relax if self.account else None

    @property
    def speed_up(self) -> str:
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
    def count(self) -> str:
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


def _stories(message: Message, fleet: Fleet) -> list[_Story]:
    affected = frozenset(incident.key.token for incident in message.incidents)
    return [_Story(incident, _account(incident), fleet, affected) for incident in message.incidents]


def _account(incident: Incident) -> Token | None:
    record = incident.now or (incident.was if incident.key.rule is Rule.GONE else None)
    return read(record) if record else None


def _left(token: Token | None, words: str) -> str:
    if token is None:
        return f"an unknown amount of{words}"
    brief, full = share(token.fast_time) or "an unknown amount of", amount(token.fast_time)
    return f"{brief}{words}" + (f" ({full})" if full and brief != full else "")


def _card(story: _Story) -> tuple[str, str, discord.Embed]:
    wording, incident = story.wording, story.incident
    if story.ended:
        (sign, colour), headline = _end(story)
        body = [f"It was {wording.state.format_map(story)}{_before(story)}." if wording.state else ""]
    else:
        sign, colour = _sign(story)
        headline = wording.headline.format_map(story)
        body = [
            " ".join(filter(None, [_was(story), wording.means.format_map(story), _waiting(story)])),
            f"**Do:** {wording.do.format_map(story)}" if wording.do else "",
            f"Cause: {quoted(incident.detail, 500)}" if incident.detail else "",
        ]
    frozen = story.rule in _UPSTREAM_RULES and not story.ended
    where = "" if frozen else f"{standing(story.fleet)}."
    lines = [*filter(None, [*body, _subject(story), where]), GAP, _times(story)]
    return sign, headline, compose("", lines, colour)


def _sign(story: _Story) -> tuple[str, discord.Colour]:
    return story.wording.sign or _SIGNS[story.incident.severity]


def _was(story: _Story) -> str:
    """`Was FAST until 2 minutes ago.`, where the status is what changed."""
    was, was_at = story.incident.was, story.incident.was_at
    if was is None or story.rule not in STATUS_RULES | {Rule.RESTORED, Rule.GONE}:
        return ""
    until = f" until {stamp(was_at)}" if was_at else ""
    return f"Was {status_word(read(was))}{until}."


def _before(story: _Story) -> str:
    was = story.incident.was
    return f", and {status_word(read(was))} before that" if was and story.rule in STATUS_RULES else ""


def _waiting(story: _Story) -> str:
    """How many jobs sit in the queues of an account that does not work."""
    token = story.account
    if token is None or token.status.works:
        return ""
    waiting = sum(count.value or 0 for count in (token.queued_fast, token.queued_relax))
    return f"{waiting} {'is' if waiting == 1 else 'are'} waiting on it." if waiting else ""


def _subject(story: _Story) -> str:
    """The account in a line, less what the headline says: where that is not the status, the status stands here."""
    token, rule = story.account, story.rule
    if token is None:
        return ""
    renewal = token.subscription.renews_at
    parts = [
        "" if rule in STATUS_RULES | _MOMENTARY else f"Status {status_word(token)}",
        "switched off" if token.active is False and rule is not Rule.INACTIVE else "",
        f"{plan_word(token)} plan" if plan_word(token) else "",
        _left(token, " fast time left") if token.fast_time.known and rule not in _FAST_TIME_RULES else "",
        f"renews {stamp(renewal)}" if renewal and renewal > story.incident.read_at else "",
    ]
    return " · ".join(filter(None, parts))


def _end(story: _Story) -> tuple[tuple[str, discord.Colour], str]:
    """How it ended: well, or by turning into something else."""
    token, origin = story.account, story.incident.origin
    no_longer = f"{story.token} is no longer {story.wording.state.format_map(story)}"
    if token is None and story.rule not in _UPSTREAM_RULES:
        return _MOVED_ON, f"{no_longer}: gone from the list, after {story.span}"
    if token is not None and story.rule is Rule.FAST_TIME_LOW and _still_under(token, story.incident.key.step):
        return _MOVED_ON, f"{story.token} is no longer warned of under {story.step}: it has {story.level}"
    if token is None or story.rule not in STATUS_RULES:
        return _OVER, story.wording.over.format_map(story)
    if not token.usable:
        off = ", switched off" if token.active is False else ""
        return _MOVED_ON, f"{no_longer}: now {story.status}{off}, after {story.span}"
    if token.status is Status.FAST or origin == token.status:
        return _OVER, f"{story.token} is {story.status} again after {story.span}"
    return _OVER, f"{story.token} works again after {story.span}, in {story.status}"


def _still_under(token: Token, step: str) -> bool:
    """Whether the step is not what ended: its level was taken out of the settings."""
    level, fast_time = threshold(step), token.fast_time
    if level.percent is not None:
        return fast_time.percent is not None and fast_time.percent < level.percent
    return fast_time.remaining is not None and fast_time.remaining < (level.minutes or 0)


def _times(story: _Story) -> str:
    """When it fired and ended, and how old the numbers are: while ImaginePro is away, as old as the last reading."""
    incident = story.incident
    end = incident.resolved_at or incident.read_at
    style = "t" if end - incident.opened_at < _SAME_DAY else "f"
    over = f" · over {stamp(end, style)}" if story.ended else ""
    read_at = story.fleet.read_at if story.rule in _UPSTREAM_RULES else incident.read_at
    age = f" · read {stamp(read_at)}" if read_at else ""
    return f"fired {stamp(incident.opened_at, style)}{over}{age}"


def _summary(stories: list[_Story]) -> tuple[str, str, discord.Embed]:
    """Every incident by name: what stands first, then what came and went meanwhile."""
    over = [story for story in stories if story.ended]
    stands = [story for story in stories if not story.ended]
    worst = max((story.incident.severity for story in stands), key=lambda severity: severity.rank, default=None)
    sign, colour = _SIGNS[worst] if worst else _OVER
    headline = f"{len(stories)} changes at once"
    if over:
        headline += f", {len(over)} of them over" if stands else ", all of them over"
    groups = _groups(stands)
    lines = [
        f"**{standing(stories[0].fleet)}.**",
        GAP,
        *(f"{_sign(group[0])[0]} **{label}**{_ids(group)}" for label, group in groups.items()),
        *(f"{_OVER[0]} **{label}**{_ids(group)}" for label, group in _groups(over).items()),
        GAP,
        f"read {stamp(max(story.incident.read_at for story in stories))}",
    ]
    embed = compose("", lines, colour)
    remedies = [
        f"**{label}:** {group[0].wording.do.format_map(group[0])}"
        for label, group in groups.items()
        if group[0].wording.do and group[0].incident.severity is not Severity.INFO
    ]
    if remedies:
        embed.add_field(name="What to do", value=within(remedies, FIELD_LIMIT), inline=False)
    return sign, headline, embed


def _groups(stories: Iterable[_Story]) -> dict[str, list[_Story]]:
    """By rule and by what became of it; the most severe first, and within a group by id."""
    groups: dict[str, list[_Story]] = {}
    for story in sorted(stories, key=_place):
        groups.setdefault(_label(story), []).append(story)
    return groups


def _place(story: _Story) -> tuple[int, int, str, int]:
    key = story.incident.key
    return -story.incident.severity.rank, list(Rule).index(key.rule), key.step, key.token or 0


def _label(story: _Story) -> str:
    group = story.wording.group.format_map(story)
    if not story.ended:
        return group
    if story.rule not in STATUS_RULES or story.account is None:
        lost = story.account is None and story.rule not in _UPSTREAM_RULES
        return f"was {group}, gone from the list" if lost else f"over: {group}"
    return f"was {group}, now {story.status}"


def _ids(group: list[_Story]) -> str:
    if group[0].incident.key.token is None:
        return f" for {group[0].span}" if group[0].ended else ""
    return f" ({len(group)}): {', '.join(f'{story.incident.key.token}{_note(story)}' for story in group)}"


def _note(story: _Story) -> str:
    """What tells one token of a group from the next: how long it took, or how little is left."""
    if story.ended:
        return f" ({story.span})"
    return f" ({share(story.account.fast_time)})" if story.account and story.rule is Rule.FAST_TIME_LOW else ""
