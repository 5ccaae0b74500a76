"""The card of the fleet, a page at once."""

from collections.abc import Sequence

import discord

from bot.chat.cards.embed import GREEN, GREY, ORANGE, RED, compose, sections
from bot.chat.cards.overview import Overview, old_numbers
from bot.chat.cards.status import (
    OFF,
    Sign,
    fast_time_left,
    look,
    needs_person,
    off,
    plan_word,
    share,
    status_word,
    unread,
    urgent,
    working,
)
from bot.chat.text import called, stamp
from bot.domain.groups import Group
from bot.domain.model import Fleet, Status, Token

PAGE_SIZE = 15
"""Tokens on a page of the fleet: about two screens of a phone."""


def fleet_card(
    view: Overview, page: int, only: Status | None, troubles: Sequence[str] = (), group: Group | None = None
) -> tuple[discord.Embed, int]:
    """The fleet, worst first.

    Args:
        view: What is known.
        page: Counted from 0; one that does not exist shows the nearest that does.
        only: Show no other status.
        troubles: Lines about what is open, the gravest first.
        group: Whose tokens `view` is of; None for the whole fleet.

    Returns:
        The card, and how many pages there are (at least 1).
    """
    fleet = view.fleet
    if fleet.read_at is None:
        return compose("⚪ Nothing was read yet", [unread(fleet)], GREY), 1
    shown = sorted((t for t in fleet.tokens.values() if only is None or t.status is only), key=view.order)
    pages = max(1, -(-len(shown) // PAGE_SIZE))
    page = min(max(page, 0), pages - 1)
    old = old_numbers(view, fleet.read_at)
    calm = fleet.tokens and not old and not troubles and not _gravity(view)
    head = [
        *old,
        _fast_time(fleet.usable),
        *troubles,
        f"**{needs_person(people, view.fleet.names, 6)}**" if (people := urgent(fleet)) else "",
        "Nothing needs you." if calm else "",
    ]
    rows = [_row(view, token) for token in shown[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]]
    if only is not None:
        rows.insert(0, f"Only {only}: {len(shown)} of {len(fleet.tokens)}" if shown else f"No token is {only}.")
    place = f"page {page + 1} of {pages} · " if pages > 1 else ""
    if group is not None and (lacking := group.size - len(fleet.tokens)):
        rows.append(f"{lacking} of {group.size} {'is' if lacking == 1 else 'are'} not in ImaginePro's list.")
    (mark, colour), apart = fleet_sign(view, old=bool(old)), off(fleet)
    return (
        compose(
            f"{mark} {works(fleet, group)}" + (f" · {apart} switched off" if 0 < apart < len(fleet.tokens) else ""),
            sections(head, rows, [f"{place}read {stamp(fleet.read_at)}"]),
            colour,
        ),
        pages,
    )


def works(fleet: Fleet, group: Group | None) -> str:
    """`6 of 9 tokens work`; of a group `studio: 2 of 8 tokens work`."""
    if group is None:
        return working(fleet)
    return f"{group.name}: {working(fleet).replace('is linked', 'is listed')}"


def _gravity(view: Overview) -> int:
    """2 where something critical is open or no token works, 1 where anything is less than well, 0 where all is."""
    fleet = view.fleet
    usable, on = len(fleet.usable), len(fleet.tokens) - off(fleet)
    stands = 0 if usable == on else 1 if usable else 2
    return max(stands, *(incident.severity.rank for incident in view.worst.values()), 0)


def fleet_sign(view: Overview, *, old: bool) -> Sign:
    """Of the gravest that is open; green is only said of numbers that are new."""
    gravity = _gravity(view)
    if gravity:
        return ("🟠", ORANGE) if gravity == 1 else ("🔴", RED)
    if not view.fleet.tokens or old:
        return "⚪", GREY
    return ("🟢", GREEN) if view.fleet.usable else ("⚫", GREY)


def _fast_time(usable: Sequence[Token]) -> str:
    """What the tokens that work have together, and of how many that is not known."""
    if not usable:
        return ""
    left, unread = fast_time_left(usable), sum(not token.fast_time.known for token in usable)
    note = f" ({unread} not readable)" if 0 < unread < len(usable) else ""
    return f"**{left[0].upper()}{left[1:]}**{note}"


def _row(view: Overview, token: Token) -> str:
    name = called(token.id, view.fleet.names)
    parts = [
        f"{view.sign(token)[0]} **{name}** {status_word(token, 40)}{', off' * (look(token) is OFF)}",
        share(token.fast_time, view.limit(token)) or "fast time not known",
        plan_word(token),
        view.ahead(token),
    ]
    return " · ".join(filter(None, parts))
