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
from bot.domain.info import read
from bot.domain.model import Fleet, Severity, Status, Token

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
    """How a rule is told. Texts are templates over `_facts`; an empty one is not said."""

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
        headline="ImaginePro gives no answer",
        group="ImaginePro gave no answer",
        means="All numbers stay as they were last read, and no account is judged until it answers.",
        do="nothing yet, the bot keeps asking. If your jobs fail as well, write to ImaginePro.",
        over="ImaginePro answers again after {span}",
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
        headline="{token} fell from FAST to RELAX",
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
        over="{token} has enough fast time again: {level}",
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
    sign, headline, embed = _summary(message, fleet) if message.summary else _card(message.incidents[0], fleet)
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


def _card(incident: Incident, fleet: Fleet) -> tuple[str, str, discord.Embed]:
    wording = WORDINGS[incident.key.rule]
    facts = _facts(incident, fleet)
    if _ended(incident):
        (sign, colour), headline = _end(incident, facts)
        body = [f"It was {wording.state.format_map(facts)}{_before(incident)}." if wording.state else ""]
    else:
        sign, colour = wording.sign or _SIGNS[incident.severity]
        headline = wording.headline.format_map(facts)
        body = [
            " ".join(filter(None, [_was(incident), wording.means.format_map(facts), _waiting(incident)])),
            f"**Do:** {wording.do.format_map(facts)}" if wording.do else "",
            f"Cause: {quoted(incident.detail, 500)}" if incident.detail else "",
        ]
    where = "" if incident.key.rule in _UPSTREAM_RULES and not _ended(incident) else f"{standing(fleet)}."
    lines = [*filter(None, [*body, _subject(incident), where]), GAP, _times(incident, fleet)]
    return sign, headline, compose("", lines, colour)


def _ended(incident: Incident) -> bool:
    return incident.stage is Stage.RESOLVED and incident.key.rule not in _MOMENTARY


def _token(incident: Incident) -> Token | None:
    """The token as of the incident; of one that is gone, as it was."""
    record = incident.now or (incident.was if incident.key.rule is Rule.GONE else None)
    return read(record) if record else None


def _facts(incident: Incident, fleet: Fleet) -> dict[str, str]:
    """Everything that a template may name. All of it is safe to show."""
    token = _token(incident)
    relax = token.subscription.has_relax if token else None
    others = spare(fleet, [] if incident.key.token is None else [incident.key.token])
    return {
        "token": f"Token {incident.key.token}",
        "status": status_word(token) if token else "no longer listed",
        "span": span((incident.resolved_at or incident.read_at) - incident.opened_at),
        "step": bare(incident.key.step, 20).replace("%", " %"),
        "left": _left(token) if token else "",
        "level": _level(token) if token else "",
        "relax_left": _RELAX_LEFT[relax],
        "relax_now": _RELAX_NOW[relax],
        "slow": _SLOW[relax],
        "speed_up": "buy time" if token and token.fast_time.gone else "switch it back with `/fast`",
        "others": _others(others),
        "count": f"{len(fleet.tokens)} account{'s' * (len(fleet.tokens) != 1)}",
        "overview": _overview(fleet),
    }


def _left(token: Token) -> str:
    """`18 % fast time left (36 of 200 min)`."""
    brief, full = share(token.fast_time), amount(token.fast_time)
    return f"{brief} fast time left" + (f" ({full})" if full and brief != full else "")


def _level(token: Token) -> str:
    """`100 % (200 of 200 min)`."""
    brief, full = share(token.fast_time), amount(token.fast_time)
    return brief + (f" ({full})" if full and brief != full else "")


def _others(tokens: list[Token]) -> str:
    if not tokens:
        return "other accounts (none has much fast time)"
    shares = ", ".join(share(token.fast_time) for token in tokens)
    return f"{listed([str(token.id) for token in tokens], 2)} ({shares})"


def _overview(fleet: Fleet) -> str:
    counts = Counter("switched off" if token.active is False else token.status.value for token in fleet.tokens.values())
    said = [f"{counts[each]} {each}" for each in [*Status, "switched off"] if counts[each]]
    people = [str(token.id) for token in cards.urgent(fleet)]
    waiting = f" A person is needed for {listed(people, 10)}." if people else ""
    return f"{listed(said, len(said))}.{waiting}" if said else "No account is linked yet."


def _was(incident: Incident) -> str:
    """`Was FAST until 2 minutes ago.`, where the status is what changed."""
    if incident.was is None or incident.key.rule not in STATUS_RULES | {Rule.RESTORED, Rule.GONE}:
        return ""
    until = f" until {stamp(incident.was_at)}" if incident.was_at else ""
    return f"Was {status_word(read(incident.was))}{until}."


def _before(incident: Incident) -> str:
    if incident.was is None or incident.key.rule not in STATUS_RULES:
        return ""
    return f", and {status_word(read(incident.was))} before that"


def _waiting(incident: Incident) -> str:
    """How many jobs sit in the queues of an account that does not work."""
    token = _token(incident)
    if token is None or token.status.works:
        return ""
    waiting = sum(count.value or 0 for count in (token.queued_fast, token.queued_relax))
    return f"{waiting} {'is' if waiting == 1 else 'are'} waiting on it." if waiting else ""


def _subject(incident: Incident) -> str:
    """The account in a line, less what the headline says: where that is not the status, the status stands here."""
    token, rule = _token(incident), incident.key.rule
    if token is None:
        return ""
    renewal = token.subscription.renews_at
    parts = [
        "" if rule in STATUS_RULES | _MOMENTARY else f"Status {status_word(token)}",
        "switched off" if token.active is False and rule is not Rule.INACTIVE else "",
        f"{plan_word(token)} plan" if plan_word(token) else "",
        _left(token) if token.fast_time.known and rule not in _FAST_TIME_RULES else "",
        f"renews {stamp(renewal)}" if renewal and renewal > incident.read_at else "",
    ]
    return " · ".join(filter(None, parts))


def _end(incident: Incident, facts: Mapping[str, str]) -> tuple[tuple[str, discord.Colour], str]:
    """How it ended: well, or by turning into something else."""
    rule, wording, token = incident.key.rule, WORDINGS[incident.key.rule], _token(incident)
    if rule in _UPSTREAM_RULES:
        return _OVER, wording.over.format_map(facts)
    no_longer = f"{{token}} is no longer {wording.state}"
    if token is None:
        return _MOVED_ON, f"{no_longer}: gone from the list, after {{span}}".format_map(facts)
    if rule not in STATUS_RULES:
        return _OVER, wording.over.format_map(facts)
    if not token.usable:
        off = ", switched off" if token.active is False else ""
        return _MOVED_ON, f"{no_longer}: now {{status}}{off}, after {{span}}".format_map(facts)
    again = incident.was is not None and read(incident.was).status is token.status
    if again or token.status is Status.FAST:
        return _OVER, "{token} is {status} again after {span}".format_map(facts)
    return _OVER, "{token} works again after {span}, in {status}".format_map(facts)


def _times(incident: Incident, fleet: Fleet) -> str:
    """When it fired and ended, and how old the numbers are: while ImaginePro is away, as old as the last reading."""
    end = incident.resolved_at or incident.read_at
    style = "t" if end - incident.opened_at < _SAME_DAY else "f"
    over = f" · over {stamp(end, style)}" if _ended(incident) else ""
    read_at = fleet.read_at if incident.key.rule in _UPSTREAM_RULES else incident.read_at
    age = f" · read {stamp(read_at)}" if read_at else ""
    return f"fired {stamp(incident.opened_at, style)}{over}{age}"


def _summary(message: Message, fleet: Fleet) -> tuple[str, str, discord.Embed]:
    """Every incident by name: what is open first, then what came and went meanwhile."""
    gone_by = [incident for incident in message.incidents if _ended(incident)]
    standing_now = [incident for incident in message.incidents if not _ended(incident)]
    worst = max((incident.severity for incident in standing_now), key=lambda severity: severity.rank, default=None)
    sign, colour = _SIGNS[worst] if worst else _OVER
    headline = f"{len(message.incidents)} changes at once"
    if gone_by:
        headline += f", {len(gone_by)} of them over" if standing_now else ", all of them over"
    latest = max(incident.read_at for incident in message.incidents)
    groups = _groups(standing_now, fleet)
    lines = [
        f"**{standing(fleet)}.**",
        GAP,
        *(f"{_sign(items[0])} **{label}**{_ids(items)}" for label, items in groups.items()),
        *(f"✅ **{label}**{_ids(items)}" for label, items in _groups(gone_by, fleet).items()),
        GAP,
        f"read {stamp(latest)}",
    ]
    embed = compose("", lines, colour)
    remedies = [_remedy(label, items, fleet) for label, items in groups.items()]
    if any(remedies):
        embed.add_field(name="What to do", value=within(filter(None, remedies), FIELD_LIMIT), inline=False)
    return sign, headline, embed


def _sign(incident: Incident) -> str:
    return (WORDINGS[incident.key.rule].sign or _SIGNS[incident.severity])[0]


def _groups(incidents: Iterable[Incident], fleet: Fleet) -> dict[str, list[Incident]]:
    """By rule and by where it ended; the most severe first, and within a group by id."""
    groups: dict[str, list[Incident]] = {}
    order = list(Rule)
    for incident in sorted(
        incidents,
        key=lambda each: (-each.severity.rank, order.index(each.key.rule), each.key.step, each.key.token or 0),
    ):
        groups.setdefault(_label(incident, fleet), []).append(incident)
    return groups


def _label(incident: Incident, fleet: Fleet) -> str:
    facts = _facts(incident, fleet)
    group = WORDINGS[incident.key.rule].group.format_map(facts)
    if not _ended(incident):
        return group
    token = _token(incident)
    if incident.key.token is not None and token is None:
        return f"was {group}, gone from the list"
    if token is None or incident.key.rule not in STATUS_RULES:
        return f"over: {group}"
    return f"was {group}, now {status_word(token, 20)}"


def _ids(incidents: list[Incident]) -> str:
    if incidents[0].key.token is None:
        return f" for {_length(incidents[0])}" if _ended(incidents[0]) else ""
    return f" ({len(incidents)}): {', '.join(f'{each.key.token}{_note(each)}' for each in incidents)}"


def _note(incident: Incident) -> str:
    """What tells one token of a group from the next: how long it took, or how little is left."""
    if _ended(incident):
        return f" ({_length(incident)})"
    token = _token(incident)
    return f" ({share(token.fast_time)})" if token and incident.key.rule is Rule.FAST_TIME_LOW else ""


def _length(incident: Incident) -> str:
    return span((incident.resolved_at or incident.read_at) - incident.opened_at)


def _remedy(label: str, incidents: list[Incident], fleet: Fleet) -> str:
    """The group's remedy; what asks for nothing is left out."""
    do = WORDINGS[incidents[0].key.rule].do
    if incidents[0].severity is Severity.INFO or not do:
        return ""
    return f"**{label}:** {do.format_map(_facts(incidents[0], fleet))}"
