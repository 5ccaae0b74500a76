"""One message of the ops channel as Discord shall show it: a card, a summary of several, or a notice beside them.

Each carries its headline in the content, behind whom it mentions: that is all of it that a phone's notification shows,
and there a mention is a name. Cards and summaries are edited as their incidents live, so one function words every
stage; a notice is posted once, as text. Each ends with its mark, by which it is found again.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, tzinfo
from heapq import nsmallest

import discord

from bot.chat import cards
from bot.chat.alerts.components import buttons
from bot.chat.alerts.digest import digest
from bot.chat.alerts.drafts import Draft, card, summary
from bot.chat.alerts.groups import Line, fitted, place
from bot.chat.alerts.notices import NOTICES
from bot.chat.alerts.story import Story, stories
from bot.chat.cards import compose
from bot.chat.charts.sparkline import week_of_use
from bot.chat.text import bare, number, plain, within
from bot.domain.incidents import Rule
from bot.domain.ledger import Ledger
from bot.domain.messages import Message, Notice, NoticeKind
from bot.domain.model import Fleet
from bot.domain.value import Value, field

FIELD_LIMIT = 1024
"""Of the value of an embed's field."""

TEXT_LIMIT = 1900
"""Of a message's text, with room for its mark below Discord's 2,000."""

QUIET = frozenset(
    {
        NoticeKind.RESOLVED,
        NoticeKind.SILENCE_STARTED,
        NoticeKind.SILENCE_ENDED,
        NoticeKind.MAINTENANCE_STARTED,
        NoticeKind.MAINTENANCE_ENDED,
        NoticeKind.ACT,
        NoticeKind.UNREACHABLE,
        NoticeKind.SHIFT,
    }
)
"""Notices that make no sound, unless they ping."""

UNMENTIONED = 400
"""How much of a sentence is shown that says why nobody is mentioned: a role's name is somebody's text."""

NAMED = 1000
"""Incidents that a message is made of: of more it has room for none, and each takes its time."""


SECOND = 2
"""The reminder that calls whoever is on call next; the later ones call the second role, too."""


class Roles(Value):
    """Who is pinged: when something critical happens, and also when nobody answers; None for nobody."""

    alert: int | None = None
    escalation: int | None = None
    on_call: int | None = None
    """Discord's id of the person whose shift it is, who is pinged instead of the first role."""
    following: int | None = None
    """Who is on call after that person, and pinged before the second role."""
    unmentioned: str = ""
    """Why the first mentions nobody, or not all whom it should, in sentences; empty where it does."""


class Alert(Value):
    """One message as Discord shall show it, whether it is posted or edited."""

    content: str
    """A notice, or of a card the mentions and the headline."""
    embeds: tuple[discord.Embed, ...]
    allowed_mentions: discord.AllowedMentions
    """Names the roles in `content`, and whom a notice calls, and nobody else."""
    view: discord.ui.View | None = None
    """Its buttons; None takes away those that there were."""
    silent: bool = False
    """Whether it is to be posted without a notification."""
    names: Mapping[int, str] = field(default_factory=dict)
    """What people call tokens: of a post in a forum, its title says it."""


def _unknown(_: int) -> None:
    """Nobody knows."""


def alert(  # noqa: PLR0913 - each is one thing that a card shows
    message: Message,
    fleet: Fleet,
    roles: Roles,
    runbook: str | None = None,
    troubled: Callable[[], frozenset[int | None]] = frozenset,
    zone: tzinfo = UTC,
    ledger: Callable[[int], Ledger | None] = _unknown,
    *,
    read_only: bool = False,
    discussed: int | None = None,
) -> Alert:
    """The message as it is to be shown now.

    Args:
        message: One incident, a summary of at most 112, or a notice about any number.
        fleet: What is known now: where the fleet stands, and who can take over.
        roles: Whom to ping.
        runbook: The URL behind the button of that name, with `{rule}` and `{token}` for what it is about.
        troubled: Gives the tokens with any open incident, of which none is said to be able to take over. It is only
            asked where something is said of that.
        zone: Whose days are meant, of what is to come.
        ledger: Gives how a token uses its fast time; None where nobody knows.
        read_only: Whether no button may change anything at ImaginePro.
        discussed: The server in whose ops channel a thread can be opened under a card; None where none can.
    """
    named = nsmallest(NAMED, message.incidents, key=lambda incident: (not incident.open, place(incident)))
    about = stories(sorted(named, key=place), fleet, troubled, zone)
    pinged, on_call = _pinged(message, roles)
    people = tuple(dict.fromkeys((*on_call, *_called(message))))
    mentions = "".join([*(f"<@&{role}> " for role in pinged), *(f"<@{person}> " for person in people)])
    allowed = discord.AllowedMentions(
        everyone=False,
        users=[*map(discord.Object, people)] or False,
        roles=[*map(discord.Object, pinged)] or False,
        replied_user=False,
    )
    notice = message.notice
    if notice is not None and notice.digest is not None:
        (mark, colour), headline, lines, *_ = digest(notice.digest, fleet)
        embed = compose("", fitted(lines, cards.DESCRIPTION_LIMIT), colour, footer=_reference(message))
        return Alert(f"{mark} **{headline}**", (embed,), allowed, silent=True)
    if notice is not None and notice.report is not None:
        from bot.chat.alerts.report import report  # noqa: PLC0415 - a start has none to tell

        (mark, colour), headline, lines, *_ = report(notice.report, fleet)
        embed = compose("", fitted(lines, cards.DESCRIPTION_LIMIT), colour, footer=_reference(message))
        return Alert(f"{mark} **{headline}**", (embed,), allowed, silent=True)
    if notice is not None:
        (mark, _), headline, lines, *_ = NOTICES[notice.kind](notice, about).by_name(fleet.names)
        total = len(message.incidents)
        counted = f"These are the {number(NAMED)} gravest of {number(total)} incidents." if total > NAMED else ""
        said: list[str | Line] = [f"{mentions}{mark} **{headline}**", *(each for each in (*lines, counted) if each)]
        text = within(fitted(said, TEXT_LIMIT), TEXT_LIMIT)
        text = f"{text}\n-# {_reference(message)}"
        return Alert(text, (), allowed, silent=notice.kind in QUIET and not (pinged or on_call), names=fleet.names)
    (mark, colour), headline, lines, remedies = _draft(message, about, ledger)
    if roles.unmentioned and any(story.rule is Rule.BASELINE for story in about):
        lines = [*lines, *(f"⚠️ **{plain(each, UNMENTIONED)}**" for each in roles.unmentioned.splitlines())]
    embed = compose("", fitted(lines, cards.DESCRIPTION_LIMIT), colour, footer=_reference(message))
    if remedies:
        embed.add_field(name="What to do", value=within(remedies, FIELD_LIMIT), inline=False)
    over = any(story.ended for story in about) and not any(story.incident.open for story in about)
    view = buttons(message, runbook, None if read_only else fleet, discussed)
    return Alert(f"{mentions}**{mark} {headline}**", (embed,), allowed, view, silent=over, names=fleet.names)


def _draft(message: Message, about: Sequence[Story], ledger: Callable[[int], Ledger | None]) -> Draft:
    """Of one token with how it used its fast time, in a line of bars, up to the reading that the card shows."""
    if message.summary:
        return summary(about)
    story = about[0]
    token = story.incident.key.token
    use = "" if token is None else week_of_use(ledger(token), story.incident.read_at, story.zone)
    return card(story, use, message.past)


def _reference(message: Message) -> str:
    """By which the log names a message, and by which the bot finds it again."""
    return f"ref {bare(message.mark, 60)}"


def _pinged(message: Message, roles: Roles) -> tuple[Sequence[int], Sequence[int]]:
    """The roles and the people whom a message pings.

    What is critical and open pings while nobody has it, and a reminder also the second line, when it says so. The end
    of a silence or window pings for what was open before; the cards of what is new do so by themselves.
    """
    critical = [each for each in message.incidents if each.pages]
    match message.notice:
        case None | Notice(kind=NoticeKind.RAISED) if critical:
            return _first_line(roles)
        case Notice(kind=NoticeKind.REMINDER) if critical:
            return _reminded(message.notice, roles)
        case Notice(kind=NoticeKind.SILENCE_ENDED | NoticeKind.MAINTENANCE_ENDED, before=before):
            return _first_line(roles) if {each.key for each in critical} & set(before) else ((), ())
        case _:
            return (), ()


def _first_line(roles: Roles) -> tuple[Sequence[int], Sequence[int]]:
    if roles.on_call is not None:
        return (), (roles.on_call,)
    return () if roles.alert is None else (roles.alert,), ()


def _reminded(notice: Notice, roles: Roles) -> tuple[Sequence[int], Sequence[int]]:
    """The first line, and from the second reminder on the next: whoever is on call next, and then the second role.

    The only reminder of a test calls all of them.
    """
    pinged, people = _first_line(roles)
    if not notice.escalated:
        return pinged, people
    further = [] if roles.on_call is None or roles.following is None else [roles.following]
    if not further or notice.reminders != SECOND:
        also = roles.escalation
        pinged = [*pinged, *([] if also is None or also in pinged else [also])]
    return pinged, [*people, *further]


def _called(message: Message) -> tuple[int, ...]:
    """The people who were given incidents, and still have one."""
    who = {each.acknowledged.who for each in message.incidents if each.open and each.acknowledged}
    return tuple(person for person in (message.notice.to if message.notice else ()) if person in who)
