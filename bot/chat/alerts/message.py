"""One message of the ops channel as Discord shall show it: a card, a summary of several, or a short word beside them.

A message that pings carries its headline in the content, where the phone's notification shows it; any other has it as
the embed's title. Cards and summaries are edited as their incidents live, so one function words every stage; a notice
is posted once, as text. Each ends with its mark, by which it is found again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import nsmallest
from typing import Any, NamedTuple
from urllib.parse import quote

import discord

from bot.chat import cards
from bot.chat.alerts.story import (
    OVER,
    SIGNS,
    Line,
    Sign,
    Story,
    fitted,
    grouped,
    had_been,
    line,
    place,
    sign,
    stories,
    subject,
    timeline,
    told,
    waiting,
    was,
)
from bot.chat.cards import GAP, compose, standing
from bot.chat.text import bare, listed, number, plain, quoted, stamp, within
from bot.domain.incidents import Incident, Key, Message, Notice, NoticeKind
from bot.domain.model import Fleet, Severity
from bot.domain.rules.table import UPSTREAM_RULES
from bot.domain.value import Value

FIELD_LIMIT = 1024
"""Of the value of an embed's field."""

TEXT_LIMIT = 1900
"""Of a message's text, with room for its mark below Discord's 2,000."""

URL_LIMIT = 512
"""Of a button that is a link: https://docs.discord.com/developers/components/reference#button-button-structure."""

PAGE_SIZE = 12
"""Incidents on a page of a list."""

NAMED = 1000
"""Incidents that a message looks at: of more it has room for none, and each takes its time."""

REASON = 300
"""How much of a reason that somebody gave is shown."""


class Roles(Value):
    """Who is pinged: when something critical happens, and also when nobody answers; None for nobody."""

    alert: int | None = None
    escalation: int | None = None


class Alert(Value):
    """One message as Discord shall show it, whether it is posted or edited."""

    content: str | None
    """A notice, or of a card that pings the mentions and the headline; None when nobody is pinged."""
    embeds: tuple[discord.Embed, ...]
    allowed_mentions: discord.AllowedMentions
    """Names the roles in `content`, and nobody else."""
    view: discord.ui.View | None = None
    """Its buttons; None takes away those that there were."""
    silent: bool = False
    """Whether it is to be posted without a notification."""


class _Draft(NamedTuple):
    """What a message says, before it is known whom it pings."""

    sign: Sign
    headline: str
    lines: Sequence[str | Line]
    remedies: Sequence[str] = ()


def alert(message: Message, fleet: Fleet, roles: Roles, runbook: str | None = None) -> Alert:
    """The message as it shall look now.

    Args:
        message: One incident, a summary of at most 112, or a notice about any number.
        fleet: What is known now: where the fleet stands, and who can take over.
        roles: Whom to ping.
        runbook: The URL behind the button of that name, with `{rule}` and `{token}` for what it is about.
    """
    named = nsmallest(NAMED, message.incidents, key=lambda incident: (not incident.open, place(incident)))
    about = stories(sorted(named, key=place), fleet)
    pinged = [role for role in _pinged(message, roles) if role is not None]
    mentions = "".join(f"<@&{role}> " for role in pinged)
    allowed = discord.AllowedMentions(
        everyone=False, users=False, roles=[*map(discord.Object, pinged)] or False, replied_user=False
    )
    notice = message.notice
    if notice is not None:
        (mark, _), headline, lines, _ = _NOTICES[notice.kind](notice, about)
        total = len(message.incidents)
        counted = f"These are the {number(NAMED)} gravest of {number(total)} incidents." if total > NAMED else ""
        said: list[str | Line] = [f"{mentions}{mark} **{headline}**", *(each for each in (*lines, counted) if each)]
        text = within(fitted(said, TEXT_LIMIT), TEXT_LIMIT)
        text = f"{text}\n-# {bare(message.mark, 60)}"
        return Alert(text, (), allowed, silent=notice.kind is NoticeKind.RESOLVED)
    (mark, colour), headline, lines, remedies = _summary(about) if message.summary else _card(about[0])
    embed = compose("", fitted(lines, cards.DESCRIPTION_LIMIT), colour, footer=bare(message.mark, 60))
    if remedies:
        embed.add_field(name="What to do", value=within(remedies, FIELD_LIMIT), inline=False)
    if not pinged:
        embed.title = f"{mark} {headline}"
    content = f"{mentions}**{mark} {headline}**" if pinged else None
    return Alert(content, (embed,), allowed, _buttons(message, runbook))


def _pinged(message: Message, roles: Roles) -> tuple[int | None, ...]:
    """What is critical and open pings; a reminder only while nobody has it, and the second line when it says so."""
    critical = [each for each in message.incidents if each.open and each.severity is Severity.CRITICAL]
    match message.notice:
        case None:
            return (roles.alert,) if critical else ()
        case Notice(kind=NoticeKind.RAISED):
            return (roles.alert,) if critical else ()
        case Notice(kind=NoticeKind.REMINDER, escalated=escalated) if not all(each.acknowledged for each in critical):
            return (roles.alert, roles.escalation if escalated and roles.escalation != roles.alert else None)
        case _:
            return ()


# Cards and summaries.


def _card(story: Story) -> _Draft:
    mark, headline = told(story)
    if story.ended:
        body = [had_been(story)]
    else:
        wording, cause = story.wording, story.incident.detail if story.rule in UPSTREAM_RULES else ""
        body = [
            " ".join(filter(None, [was(story), wording.means.format_map(story), waiting(story)])),
            f"**Do:** {wording.do.format_map(story)}" if wording.do else "",
            f"Cause: {quoted(cause, 500)}" if cause else "",
        ]
    frozen = story.rule in UPSTREAM_RULES and not story.ended
    where = "" if frozen else f"{standing(story.fleet)}."
    return _Draft(mark, headline, [*filter(None, [*body, subject(story), where]), GAP, timeline([story])])


def _summary(about: Sequence[Story]) -> _Draft:
    """Every incident by name: what stands first, then what came and went meanwhile."""
    over = [story for story in about if story.ended]
    stands = [story for story in about if not story.ended]
    groups = grouped(stands)
    lines: list[str | Line] = [
        f"**{standing(about[0].fleet)}.**",
        GAP,
        *(line(label, group, len(about)) for label, group in [*groups.items(), *grouped(over).items()]),
        GAP,
        timeline(about),
    ]
    remedies = [
        f"**{label}:** {group[0].wording.do.format_map(group[0])}"
        for label, group in groups.items()
        if group[0].wording.do and group[0].incident.severity is not Severity.INFO
    ]
    headline = _several(about)
    if over:
        headline += f", {len(over)} of them over" if stands else ", all of them over"
    return _Draft(_sign(stands), headline, lines, remedies)


def _sign(stands: Sequence[Story]) -> Sign:
    """The gravest of what is open; a rule's own sign where there is but one rule."""
    if not stands:
        return OVER
    return sign(stands[0]) if len({story.rule for story in stands}) == 1 else SIGNS[stands[0].incident.severity]


def _several(about: Sequence[Story]) -> str:
    """`12 tokens went VERIFYING`, or of several rules `12 changes at once`."""
    many = about[0].wording.many if len({story.rule for story in about}) == 1 else ""
    return many.replace("{many}", f"{len(about)} tokens") if many else f"{len(about)} changes at once"


# Notices.


def _of(about: Sequence[Story]) -> str:
    """What a notice is about, as a headline."""
    return told(about[0])[1] if len(about) == 1 else _several(about) if about else "something that is over by now"


def _names(about: Sequence[Story]) -> list[Line]:
    """Of one its headline says who it is; of several, a line a rule."""
    return [line(label, group) for label, group in grouped(about).items()] if len(about) > 1 else []


def _raised(_: Notice, about: Sequence[Story]) -> _Draft:
    open_ = [story for story in about if not story.ended]
    if not open_:
        return _Draft(OVER, f"Had become worse, and is over: {_of(about)}", _names(about))
    worst = open_[0].incident.severity
    return _Draft(SIGNS[worst], f"{worst.capitalize()} now: {_of(open_)}", _names(open_))


def _reminder(notice: Notice, about: Sequence[Story]) -> _Draft:
    left = [story for story in about if not story.ended and not story.incident.acknowledged]
    if not left:
        return _Draft(OVER, f"Taken care of meanwhile: {_of(about)}", _names(about))
    since = min(story.incident.opened_at for story in left)
    who = "Nobody has it yet, so the second line is called." if notice.escalated else "Nobody has it yet."
    return _Draft(
        ("⏰", cards.RED),
        f"Still open: {_of(left)}",
        [f"{who} It began {stamp(since)}. **Acknowledge** stops the reminders.", *_names(left)],
    )


def _resolved(_: Notice, about: Sequence[Story]) -> _Draft:
    if len(about) == 1:
        return _Draft(*told(about[0]), [])
    groups = [f"{label} ({len(group)})" for label, group in grouped(about).items()]
    return _Draft(OVER, f"{_several(about)}, all of them over", [listed(groups, 5)])


def _silence_started(notice: Notice, about: Sequence[Story]) -> _Draft:
    return _Draft(("🔕", cards.GREY), "Silenced", [_by(notice), *_listed("Open, and quiet now:", _open(about))])


def _silence_ended(notice: Notice, about: Sequence[Story]) -> _Draft:
    return _Draft(("🔔", cards.BLUE), "A silence is over", [_by(notice), *_left(about, "Still open:")])


def _maintenance_started(notice: Notice, _: Sequence[Story]) -> _Draft:
    lines = [_by(notice), "The fleet is watched as ever; what has changed is told at the end."]
    return _Draft(("🛠️", cards.GREY), "Maintenance has begun", lines)


def _maintenance_ended(notice: Notice, about: Sequence[Story]) -> _Draft:
    return _Draft(("🛠️", cards.BLUE), "Maintenance is over", [_by(notice), *_left(about, "New, and still open:")])


def _open(about: Sequence[Story]) -> list[Story]:
    return [story for story in about if story.incident.open]


def _left(about: Sequence[Story], heading: str) -> list[str | Line]:
    """What stands at the end of a quiet, and what came and went in it."""
    passed = [story for story in about if not story.incident.open]
    stands = _listed(heading, _open(about)) or ["It leaves nothing open."]
    return [*stands, *_listed("Meanwhile:", passed)]


def _listed(heading: str, about: Sequence[Story]) -> list[str | Line]:
    return [heading, *(line(label, group) for label, group in grouped(about).items())] if about else []


_NOTICES = {
    NoticeKind.RAISED: _raised,
    NoticeKind.REMINDER: _reminder,
    NoticeKind.RESOLVED: _resolved,
    NoticeKind.SILENCE_STARTED: _silence_started,
    NoticeKind.SILENCE_ENDED: _silence_ended,
    NoticeKind.MAINTENANCE_STARTED: _maintenance_started,
    NoticeKind.MAINTENANCE_ENDED: _maintenance_ended,
}


def _by(notice: Notice) -> str:
    """Whose decision it was, what it covers, until when, and why, with nothing in it that works but the mention."""
    until = _until(notice)
    parts = [
        f"**{plain(notice.about.replace('_', ' '), 100)}**{until}" if notice.about else until.strip(),
        f"by <@{notice.by}>" if notice.by is not None else "",
        quoted(notice.words, REASON) if notice.words.strip() else "",
    ]
    return " · ".join(filter(None, parts))


def _until(notice: Notice) -> str:
    if notice.until is not None:
        return f" until {stamp(notice.until, 'f')}"
    return " until it is resolved" if notice.kind is NoticeKind.SILENCE_STARTED else ""


# Buttons. A view is only a row of custom ids here: who answers a press is in `bot.chat.buttons`, whatever posted it.


def _buttons(message: Message, runbook: str | None) -> discord.ui.View | None:
    """What can be done about what is open."""
    open_ = [incident for incident in message.incidents if incident.open]
    if not open_ or message.notice is not None:
        return None
    rules = {incident.key.rule for incident in open_}
    offered = {
        "ack": any(not incident.acknowledged for incident in open_),
        "silence": True,
        "details": any(incident.key.token is not None for incident in message.incidents),
        "unfold": message.summary,
    }
    items: list[discord.ui.Item[discord.ui.View]] = [
        discord.ui.Button(label=label, emoji=emoji, style=style, custom_id=f"incident:{act}:{message.id}")
        for act, (label, emoji, style) in _LABELS.items()
        if offered[act]
    ]
    link = _filled(runbook, open_) if runbook and len(rules) == 1 else ""
    if link and len(link) <= URL_LIMIT:
        items.append(discord.ui.Button(label="Runbook", emoji="📖", url=link))
    return row(items)


_LABELS = {
    "ack": ("Acknowledge", "✋", discord.ButtonStyle.primary),
    "silence": ("Silence", "🔕", discord.ButtonStyle.secondary),
    "details": ("Details", "🔍", discord.ButtonStyle.secondary),
    "unfold": ("Unfold", "📂", discord.ButtonStyle.secondary),
}


def row(items: Iterable[discord.ui.Item[Any]]) -> discord.ui.View:
    """Components that nobody waits for: presses are answered by their custom id, after restarts as well.

    discord.py would otherwise remember the view of each message for good.
    """
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    view.stop()
    return view


def _filled(runbook: str, open_: Sequence[Incident]) -> str:
    """The runbook's URL, for the rule and, when there is but one, its token."""
    tokens = {incident.key.token for incident in open_}
    (token,) = tokens if len(tokens) == 1 else (None,)
    return runbook.replace("{rule}", quote(open_[0].key.rule, safe="")).replace(
        "{token}", "" if token is None else str(token)
    )


# Lists, for those who ask.


def incident_list(
    heading: str,
    incidents: Iterable[Incident],
    fleet: Fleet,
    page: int,
    *,
    quiet: Callable[[Key], bool] = lambda _: False,
    links: Mapping[Key, str] | None = None,
) -> tuple[discord.Embed, int]:
    """Incidents, worst first, a line or two each.

    Args:
        heading: The title, ours.
        incidents: Any number.
        fleet: What is known now.
        page: Counted from 0; one that does not exist shows the nearest that does.
        quiet: Whether an incident makes no sound now.
        links: Where the message of an incident is.

    Returns:
        The card, and how many pages there are (at least 1).
    """
    about = sorted(stories(incidents, fleet), key=lambda story: (story.ended, place(story.incident)))
    pages = max(1, -(-len(about) // PAGE_SIZE))
    page = min(max(page, 0), pages - 1)
    shown = about[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
    lines = [
        _item(story, quiet=quiet(story.incident.key), link=(links or {}).get(story.incident.key)) for story in shown
    ]
    foot = [GAP, f"page {page + 1} of {pages}"] if pages > 1 else []
    colour = _sign([story for story in about if not story.ended])[1]
    return compose(heading, [*lines, *foot], colour), pages


def _item(story: Story, *, quiet: bool, link: str | None) -> str:
    (mark, _), headline = told(story)
    incident = story.incident
    taken = incident.acknowledged
    since = "" if story.ended else f"since {stamp(incident.opened_at)}"
    parts = [
        since,
        f"<@{taken.who}> has it" if taken and not story.ended else "",
        "quiet" if quiet and not story.ended else "",
        f"[message]({link})" if link and not story.ended else "",
    ]
    return " · ".join(filter(None, [f"{mark} **{headline}**", *parts]))
