"""The card of the fleet, a page at once."""

import discord

from bot.chat.cards.embed import GREEN, GREY, ORANGE, RED, compose, sections
from bot.chat.cards.status import (
    OFF,
    TROUBLES,
    fast_time_left,
    look,
    old_numbers,
    plan_word,
    share,
    standing,
    status_word,
    urgent,
    worst_first,
)
from bot.chat.text import listed, stamp
from bot.domain.model import Fleet, Status, Token

PAGE_SIZE = 15
"""Tokens on a page of the fleet: about two screens of a phone."""


def fleet_card(fleet: Fleet, page: int, only: Status | None) -> tuple[discord.Embed, int]:
    """The fleet, worst first.

    Args:
        fleet: What is known.
        page: Counted from 0; one that does not exist shows the nearest that does.
        only: Show no other status.

    Returns:
        The card, and how many pages there are (at least 1).
    """
    if fleet.read_at is None:
        reason = f"{TROUBLES[fleet.failure.trouble]}." if fleet.failure else "The first reading is on its way."
        return compose("⚪ Nothing was read yet", [reason], GREY), 1
    shown = sorted((t for t in fleet.tokens.values() if only is None or t.status is only), key=worst_first)
    pages = max(1, -(-len(shown) // PAGE_SIZE))
    page = min(max(page, 0), pages - 1)
    people = urgent(fleet)
    off = sum(look(token) is OFF for token in fleet.tokens.values())
    usable, left = len(fleet.usable), fast_time_left(fleet.usable)
    mark, colour = _fleet_sign(usable, len(fleet.tokens))
    head = [
        *old_numbers(fleet, fleet.read_at),
        f"**{left[0].upper()}{left[1:]}**" if usable else "",
        f"**{len(people)} need{'s' * (len(people) == 1)} a person:** {listed([str(t.id) for t in people], 6)}"
        if people
        else "Nobody needs a person."
        if fleet.tokens
        else "",
        f"{off} switched off" if off else "",
    ]
    rows = [_row(token) for token in shown[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]]
    if only is not None:
        rows.insert(0, f"Only {only}: {len(shown)} of {len(fleet.tokens)}" if shown else f"No token is {only}.")
    place = f"page {page + 1} of {pages} · " if pages > 1 else ""
    return (
        compose(
            f"{mark} {_working(fleet)}",
            sections(head, rows, [f"{place}read {stamp(fleet.read_at)}"]),
            colour,
        ),
        pages,
    )


def _fleet_sign(usable: int, total: int) -> tuple[str, discord.Colour]:
    if not total:
        return "⚪", GREY
    if usable == total:
        return "🟢", GREEN
    return ("🟠", ORANGE) if usable else ("🔴", RED)


def _working(fleet: Fleet) -> str:
    return standing(fleet).partition(",")[0]


def _row(token: Token) -> str:
    seen = look(token)
    parts = [
        f"{seen.mark} **{token.id}** {status_word(token, 40)}{', off' * (seen is OFF)}",
        share(token.fast_time) or "fast time not known",
        plan_word(token),
    ]
    return " · ".join(filter(None, parts))
