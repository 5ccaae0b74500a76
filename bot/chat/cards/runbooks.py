"""What the bot may do by itself: each runbook as it is set, and the question before one is set on."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

import discord

from bot.chat.cards.embed import BLUE, GAP, ORANGE, compose
from bot.chat.text import called, listed, span, stamp
from bot.domain.incidents import Key
from bot.domain.naming import rule_name
from bot.domain.rules.policy import Policy
from bot.domain.runbooks import BOOKS, Book, Does, Runbook, name
from bot.domain.watch.known import Known
from bot.domain.watch.rehearsal import Rehearsed
from bot.domain.watch.running import held as held_now

NAMED: Final = 12
"""Tokens of a line."""

SHOWN: Final = 5
"""Of what a runbook would have done, the last ones that a question names."""

_WHAT: Final = {
    Book.SWITCH_OFF: "switches a token off when it is BANNED",
    Book.SWITCH_ON: "switches a token on again that the bot had switched off, once it has worked for {quiet}",
    Book.SPEED: "lets an account relax when its fast time is gone, if its plan can, and makes it fast {quiet} after the"
    " refill",
    Book.QUEUE: "pauses ImaginePro's queue while no token works, and resumes it once one has worked for {quiet}",
}

_SIGNS: Final = {Does.OFF: "⚪", Does.DRY_RUN: "🔵", Does.ON: "🟢"}

BOUNDS: Final = (
    "Never against what a person did to a token within the hour, here or at ImaginePro; three times a day for one token"
    " at most; and not while readings cannot be trusted, or under maintenance."
)


def said(book: Runbook) -> str:
    """`switches a token on again …, once it has worked for 30 min`."""
    return _WHAT[book.book].format(quiet=span(book.quiet))


def line(book: Runbook, policy: Policy, *, read_only: bool = False) -> str:
    """`🟢 **switch off when banned**: on · at most 6 an hour · *switches a token off …*`."""
    does = book.does.replace("_", " ")
    parts = [
        f"{_SIGNS[book.does]} **{name(book.book)}**: {does}",
        *([f"at most {book.an_hour} an hour"] if book.does is not Does.OFF else []),
        *(_held_up(book, policy, read_only=read_only) if book.does is not Does.OFF else ()),
        f"*{said(book)}*",
    ]
    return " · ".join(parts)


def _held_up(book: Runbook, policy: Policy, *, read_only: bool) -> Iterator[str]:
    """Why it does nothing, though it is on."""
    if read_only:
        yield "**`READ_ONLY` is set: it does nothing**"
    if book.stopped_at is not None:
        yield f"**stopped {stamp(book.stopped_at)}**: set it again to let it go on"
    if (blind := unseen(book.book, policy)) is not None:
        yield f"**sees nothing: {blind}**"


def unseen(book: Book, policy: Policy) -> str | None:
    """Why a runbook cannot see what is wrong; None when it can."""
    rule = BOOKS[book].rule
    if rule is None or policy.watches(Key(rule)):
        return None
    return f"rule {rule_name(rule)} is off"


def runbooks_card(known: Known, policy: Policy, now: datetime, *, read_only: bool) -> discord.Embed:
    """Each of them, and what the bot moved and has not taken back."""
    set_ = known.decisions.runbooks
    books = [set_.get(Runbook(each, now, 0).id, Runbook(each, now, 0)) for each in Book]
    lines = [line(each, policy, read_only=read_only) for each in books]
    held = list(_held(known, now))
    lines += [GAP, *held] if held else []
    return compose("What the bot may do by itself", lines, BLUE, BOUNDS)


def _held(known: Known, now: datetime) -> Iterator[str]:
    """What it moved, and is moved still as far as the bot knows."""
    moved = held_now(known, now)
    for row in BOOKS.values():
        if row.forth:
            held = [each for each in moved if each.kind is row.kind]
            if held and held[0].token is None:
                yield "**Paused by the bot:** the queue"
            elif held:
                did = {"off": "Switched off", "relax": "Relaxed"}[row.forth]
                yield f"**{did} by the bot:** {listed([called(each.token or 0, known.names) for each in held], NAMED)}"


def question(book: Runbook, would: Iterable[str]) -> discord.Embed:
    """What is asked before the bot may do something by itself: what, how often, and what it would have done."""
    lines = [
        f"It {said(book)}. At most {book.an_hour} times an hour; then it stops, and says so.",
        GAP,
        *(each.removeprefix("-# ") for each in would),
    ]
    return compose(f"Let the bot {name(book.book)}?", lines, ORANGE, BOUNDS)


def rehearsed(book: Runbook, would: Rehearsed, back: str, caveats: Iterable[str]) -> Iterator[str]:
    """`**Would have, 3 times in 14 days:**` and the last of them; at the end what of it is short."""
    times = len(would.acts)
    count = {0: "never", 1: "once"}.get(times, f"{times} times")
    yield f"**Would have, {count} in {back}**" + (":" if times else "")
    if times > SHOWN:
        yield f"the last {SHOWN}:"
    for each in would.acts[-SHOWN:]:
        yield f"{stamp(each.at, 'f')} {each.what}"
    if (at := would.stops(book.an_hour)) is not None and book.book is not Book.SWITCH_ON:
        yield f"It would have stopped {stamp(at, 'f')}: that was more than {book.an_hour} within an hour."
    if would.left:
        yield f"It would have left a token to you {would.left} times, as that was moved three times in a day."
    yield from caveats
