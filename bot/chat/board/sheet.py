"""What a board shows: the fleet, worst first, by what it needs. Pure, and inside Discord's limits for any fleet.

Its times are Discord's own stamps, which each reader's client keeps up to date: a board is edited when something else
changes, and often enough that its age says whether the bot still lives.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from heapq import nsmallest

import discord

from bot.chat.alerts import troubles_of_fleet
from bot.chat.cards import (
    DESCRIPTION_LIMIT,
    GAP,
    GREY,
    OFF,
    Overview,
    brief,
    compose,
    fleet_sign,
    look,
    old_numbers,
    sections,
    share,
    status_word,
    unread,
    works,
    worst_first,
)
from bot.chat.text import bar, called, listed, number, span, stamp, width, within
from bot.domain.forecast import Forecast, Verdict
from bot.domain.groups import Group
from bot.domain.incidents import Incident, Rule
from bot.domain.model import Severity, Status, Token
from bot.domain.value import Value

PULSE = timedelta(minutes=5)
"""How old what a board says of its age may become, while the bot lives and nothing else changes."""

DEAD = timedelta(minutes=15)
"""From here on the age of a board means that nobody keeps it: two pulses, and time for Discord's limits."""

NOTE_LASTS = timedelta(hours=1)
"""How long a board says that the bot was restarted."""

CELLS = 6
"""Of a token's bar: with its number, what is left and a word or two it fits a phone's line."""

FLEET_CELLS = 8
"""Of the bar of all."""

REFILLS = 4
OFF_IDS = 12

FAR = datetime.max.replace(tzinfo=UTC)

_HEADINGS = ("Needs a person", "Will not last", "Works slowly", "Works")
_ROWS = (10, 8, 6, 10)
"""Rows of each group: about two screens of a phone in all, whatever is in the groups."""


class Blind(Value):
    """A stretch of time that nobody watched, because the bot was restarted or another copy took over."""

    since: datetime
    until: datetime


class Sheet(Value):
    """A board as it is to be shown; two that say the same may differ in their age."""

    title: str
    body: str
    colour: int
    at: datetime
    """The age that it shows: when the numbers were read; when it was made, where they are old."""
    foot: str
    """What it says of that age."""

    @property
    def says(self) -> tuple[str, str, int]:
        """All that calls for an edit when it changes."""
        return self.title, self.body, self.colour

    def embed(self, mark: str) -> discord.Embed:
        """As Discord takes it; by the mark in its footer it is found again."""
        return compose(self.title, [self.body, GAP, self.foot], discord.Colour(self.colour), mark)


def sheet(
    view: Overview,
    incidents: Iterable[Incident],
    forecasts: Mapping[int, Forecast] | None = None,
    zone: tzinfo = UTC,
    blind: Blind | None = None,
    group: Group | None = None,
) -> Sheet:
    """Make a board of what is known.

    Args:
        view: What is known, as of now.
        incidents: What is open and notifies; of any number.
        forecasts: What is foretold of tokens, by id.
        zone: Whose days that is told in.
        blind: What nobody watched, just before this copy of the bot began.
        group: Of whose tokens `view` is; None for the whole fleet.
    """
    fleet, ahead = view.fleet, forecasts or {}
    notes = _restarted(view.now, blind)
    if fleet.read_at is None:
        foot = _foot(view, view.now, old=True)
        return _fitted("⚪ Nothing was read yet", [notes, [unread(fleet)]], GREY, view.now, foot)
    old = old_numbers(view, fleet.read_at)
    mark, colour = fleet_sign(view, old=bool(old))
    people, dry, slow, fast, off = _grouped(fleet.tokens.values(), ahead)
    about = tuple(incidents)
    foretold = {each.key.token: each for each in about if each.key.rule is Rule.DOES_NOT_LAST}
    # Who has what is said of the tokens themselves, as long as all of them have a row.
    rowed = {token.id for token in people} if len(people) <= _ROWS[0] else frozenset[int]()
    foretold_in_rows = {foretold[token.id].key for token in dry[: _ROWS[1]] if token.id in foretold}
    others = [each for each in about if each.key.token not in rowed and each.key not in foretold_in_rows]
    open_ = troubles_of_fleet(others, fleet, calling=True)

    def said(token: Token) -> str:
        return brief(ahead[token.id], view.now, zone) if token.id in ahead else ""

    def in_need(token: Token) -> str:
        return _in_need(view, token, _holder(view.worst.get(token.id)) if rowed else "")

    def not_lasting(token: Token) -> str:
        incident = foretold.get(token.id)
        holder = _holder(incident) if incident and incident.acknowledged else ""
        mark = view.sign(token)[0] if token.id in view.worst else "🟠"  # green is for what lasts
        return _row(view, token, said(token), _refill(view, token), holder, mark=mark)

    def working_on(token: Token) -> str:
        unsure = token.id in ahead and ahead[token.id].verdict is Verdict.MAY_NOT_LAST and view.sign(token)[0] == "🟢"
        return _row(view, token, said(token), mark="🟡" if unsure else "")

    calm = fleet.tokens and not old and not open_ and not people and not dry
    lines = [
        [*old, *notes, _left(fleet.usable), "Nothing needs you." if calm else ""],
        _group(0, people, map(in_need, _worst(0, people))),
        ["**Open**" if open_ else "", *open_],
        _group(1, dry, map(not_lasting, dry[: _ROWS[1]])),
        _group(2, slow, [_row(view, token, _refill(view, token)) for token in _worst(2, slow)]),
        _group(3, fast, map(working_on, _worst(3, fast))),
        [f"**Off** · {listed([called(token.id, view.fleet.names) for token in off], OFF_IDS)}" if off else ""],
        [_refills(view)],
    ]
    apart = f" · {len(off)} switched off" if 0 < len(off) < len(fleet.tokens) else ""
    at = view.now if old else fleet.read_at
    return _fitted(f"{mark} {works(fleet, group)}{apart}", lines, colour, at, _foot(view, at, old=bool(old)))


def _fitted(title: str, lines: Sequence[Iterable[str]], colour: discord.Colour, at: datetime, foot: str) -> Sheet:
    """Cut to what fits with its foot, which is never left out."""
    body = within(sections(*lines), DESCRIPTION_LIMIT - width(foot) - 40)
    return Sheet(title, body, colour.value, at, foot)


def _grouped(tokens: Iterable[Token], ahead: Mapping[int, Forecast]) -> tuple[list[Token], ...]:
    """Those that need a person, will not last, work slowly, work, and are off."""
    groups: tuple[list[Token], ...] = ([], [], [], [], [])
    for token in tokens:
        seen = look(token)
        if seen is OFF:
            groups[4].append(token)
        elif seen.urgent:
            groups[0].append(token)
        elif not token.fast_time.gone and _dry_at(ahead.get(token.id)) is not None:
            groups[1].append(token)
        else:
            groups[3 if token.status is Status.FAST and not token.fast_time.gone else 2].append(token)
    groups[1].sort(key=lambda token: (_dry_at(ahead[token.id]) or FAR, token.id))
    groups[4].sort(key=lambda token: token.id)
    return groups


def _dry_at(said: Forecast | None) -> datetime | None:
    """When it runs dry, of what does not last; None of all others, and of what is foretold to be empty already."""
    if said is None or said.verdict is not Verdict.DOES_NOT_LAST:
        return None
    at = said.dry_at or FAR
    return at if at > said.at else None


def _worst(group: int, tokens: Sequence[Token]) -> list[Token]:
    return nsmallest(_ROWS[group], tokens, key=worst_first)


def _group(group: int, tokens: Sequence[Token], rows: Iterable[str]) -> list[str]:
    if not tokens:
        return []
    shown = list(rows)
    more = len(tokens) - len(shown)
    many = f" · {number(len(tokens))}" if len(tokens) > 1 else ""
    return [f"**{_HEADINGS[group]}**{many}", *shown, *([f"… and {number(more)} more: `/tokens`"] if more else [])]


def _row(view: Overview, token: Token, *words: str, mark: str = "") -> str:
    left = token.fast_time.percent
    bars = f"{bar(left, CELLS)} " if left else ""
    parts = [f"{bars}{share(token.fast_time, view.limit(token)) or 'fast time not known'}", *words]
    return f"{mark or view.sign(token)[0]} **{called(token.id, view.fleet.names)}** {' · '.join(filter(None, parts))}"


def _in_need(view: Overview, token: Token, holder: str) -> str:
    """What it is, and who has it; how much fast time it had left matters less."""
    parts = [status_word(token, 40), holder, share(token.fast_time, view.limit(token))]
    return f"{view.sign(token)[0]} **{called(token.id, view.fleet.names)}** {' · '.join(filter(None, parts))}"


def _holder(worst: Incident | None) -> str:
    """Who has an incident, or keeps it quiet."""
    if worst is None or worst.severity is Severity.INFO:
        return ""
    if worst.acknowledged:
        return f"<@{worst.acknowledged.who}> has it"
    return f"silenced by <@{worst.silenced.who}>" if worst.silenced and worst.is_silenced else "**nobody has it**"


def _refill(view: Overview, token: Token) -> str:
    at = token.subscription.next_refill(view.now)
    return f"refills {stamp(at)}" if at else ""


def _left(usable: Sequence[Token]) -> str:
    """What those that work have together: a bar of what is known of all, and the hours."""
    known = [token.fast_time for token in usable if token.fast_time.remaining is not None]
    if not known:
        return ""
    left = sum(max(0.0, each.remaining or 0) for each in known)
    total = sum(each.total or 0 for each in known)
    whole = total and all(each.total for each in known)
    bars = f"{bar(100 * left / total, FLEET_CELLS)} " if whole else ""
    missing = len(usable) - len(known)
    note = f" ({number(missing)} not readable)" if missing else ""
    return f"{bars}**{number(left / 60)} h of fast time left**{note}"


def _refills(view: Overview) -> str:
    """The next ones, of all that are switched on."""
    dates = (
        (at, token.id)
        for token in view.fleet.tokens.values()
        if look(token) is not OFF and (at := token.subscription.next_refill(view.now))
    )
    soon = nsmallest(REFILLS, dates)
    return (
        f"**Next refills** · {', '.join(f'{called(token_id, view.fleet.names)} {stamp(at)}' for at, token_id in soon)}"
        if soon
        else ""
    )


def _restarted(now: datetime, blind: Blind | None) -> list[str]:
    if blind is None or now - blind.until >= NOTE_LASTS:
        return []
    return [f"ℹ️ Restarted {stamp(blind.until, 't')}, blind for {span(blind.until - blind.since)}"]  # noqa: RUF001 - a sign


def _foot(view: Overview, at: datetime, *, old: bool) -> str:
    """How old it is, how old it may be while all is well, and what it means when it is older."""
    often = span(view.interval).removeprefix("1 ")
    every = {"min": "minute", "s": "second", "h": "hour"}.get(often, often)
    age = f"Looked {stamp(at)}, read nothing new" if old else f"Read {stamp(at)}, every {every}"
    longest = span(max(DEAD, 3 * view.interval))
    return f"{age}.\nIf that is over {longest} ago, the bot is not running or may not edit this: look at its host."
