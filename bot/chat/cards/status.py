"""How a token, or the fleet, stands, in a few words; what an alert says as well is worded here once."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from heapq import nsmallest

import discord

from bot.chat.cards.embed import GREEN, GREY, ORANGE, PURPLE, RED, YELLOW
from bot.chat.text import number, percent, plain, quoted, stamp
from bot.domain.model import FastTime, Fleet, PlanState, Status, Token, Trouble, Unit
from bot.domain.value import Value

TROUBLES: dict[Trouble, str] = {
    Trouble.UNREACHABLE: "ImaginePro cannot be reached",
    Trouble.TIMED_OUT: "ImaginePro did not answer in time",
    Trouble.RATE_LIMITED: "ImaginePro asks the bot to slow down",
    Trouble.SERVER_ERROR: "ImaginePro answered with an error of its own",
    Trouble.MALFORMED: "ImaginePro's answer could not be understood",
    Trouble.REFUSED: "ImaginePro refused the API key",
    Trouble.NOT_FOUND: "ImaginePro does not list it",
}
"""What went wrong upstream, as the beginning of a sentence."""


class Look(Value, eq=False):
    """How a token stands, in a sign, a colour and words. There is one of each, so they compare by identity."""

    mark: str
    colour: discord.Colour
    word: str
    means: str = ""
    do: str = ""
    urgent: bool = False
    """Whether a person must act before it works again."""


BANNED = Look(
    "🔴",
    RED,
    "not working",
    "The account is blocked: jobs sent to it fail.",
    "take it out of rotation and do not retry its jobs. Then look at the account in Discord.",
    urgent=True,
)
VERIFYING = Look(
    "🟠",
    ORANGE,
    "not working",
    "The account waits for a human check, and takes no jobs until someone passes it.",
    "open Discord as that account, answer the check, then refresh it here.",
    urgent=True,
)
SPENT = Look(
    "🔴",
    RED,
    "out of fast time",
    "Its plan has no relax mode: without fast time it stops.",
    "send its jobs elsewhere, or buy fast time.",
    urgent=True,
)
UNKNOWN = Look(
    "🟣",
    PURPLE,
    "not known to work",
    "This bot does not know that status, so it counts as not working.",
    "look the token up in ImaginePro, and its account in Discord.",
    urgent=True,
)
NO_RELAX = Look(
    "🔴",
    RED,
    "may not work",
    "Its plan has no relax mode, so jobs sent to it may fail.",
    "send its jobs elsewhere, or buy fast time.",
    urgent=True,
)
RELAX = Look("🟡", YELLOW, "working slowly", "It works in relax mode: jobs wait longer.")
FAST_TIME_USED = Look("🟡", YELLOW, "working, no fast time left", "What it still does, it does in relax mode.")
FAST = Look("🟢", GREEN, "working")
OFF = Look("⚫", GREY, "switched off", "ImaginePro sends it no jobs until it is switched on again.")

LOOKS = (BANNED, VERIFYING, SPENT, NO_RELAX, UNKNOWN, FAST_TIME_USED, RELAX, FAST, OFF)
"""Worst first. What was switched off was switched off by someone, and comes last."""

_OF_STATUS = {
    Status.BANNED: BANNED,
    Status.VERIFYING: VERIFYING,
    Status.UNKNOWN: UNKNOWN,
    Status.RELAX: RELAX,
    Status.FAST: FAST,
}
_UNITS = {Unit.MINUTES: (1, "min"), Unit.HOURS: (60, "h")}


def look(token: Token) -> Look:
    """How a token stands."""
    if token.active is False:
        return OFF
    if token.subscription.has_relax is False and token.status is Status.RELAX:
        return NO_RELAX
    if token.status.works and token.fast_time.gone:
        return SPENT if token.subscription.has_relax is False else FAST_TIME_USED
    return _OF_STATUS[token.status]


def worst_first(token: Token) -> tuple[int, float, int]:
    """Sort by this: what needs a person, then what is slow, then by how little fast time is left."""
    left = token.fast_time.percent
    return LOOKS.index(look(token)), 101.0 if left is None else left, token.id


def status_word(token: Token, limit: int = 60) -> str:
    """The status verbatim; one that we do not know is escaped and quoted."""
    if token.status is not Status.UNKNOWN:
        return token.status.value
    return quoted(token.status_text, limit) if token.status_text.strip() else "no status"


def plan_word(token: Token) -> str:
    """The plan in one word or two; empty when it is not known. A trial's plan is called None, which says nothing."""
    return "Trial" if token.subscription.state is PlanState.TRIAL else plain(token.subscription.plan, 40)


def amount(fast_time: FastTime) -> str:
    """What is left, in the unit in which the upstream wrote it: `13.3 of 15 h`; empty when that is not known."""
    if fast_time.remaining is None:
        return ""
    minutes, unit = _UNITS[fast_time.unit or Unit.MINUTES]
    total = "" if fast_time.total is None else f" of {number(fast_time.total / minutes)}"
    return f"{number(fast_time.remaining / minutes)}{total} {unit}"


def share(fast_time: FastTime) -> str:
    """What is left, as briefly as it can be said: `88 %`, or `25 min` where there is no total."""
    return amount(fast_time) if fast_time.percent is None else percent(fast_time.percent)


def standing(fleet: Fleet) -> str:
    """`6 of 9 tokens work, with 91 h of fast time`."""
    if not fleet.tokens:
        return "No token is linked"
    usable, total = fleet.usable, len(fleet.tokens)
    if not usable:
        return "No token works" if total > 1 else "The only token does not work"
    works = f"{len(usable)} of {total} tokens work" if total > 1 else "The only token works"
    return f"{works}, with {fast_time_left(usable)}"


def urgent(fleet: Fleet) -> list[Token]:
    """The tokens that need a person, worst first."""
    return sorted((token for token in fleet.tokens.values() if look(token).urgent), key=worst_first)


def spare(fleet: Fleet, without: Iterable[int | None] = ()) -> list[Token]:
    """The two fast tokens with the most fast time left, the fullest first."""
    tried = frozenset(without)
    able = (t for t in fleet.usable if look(t) is FAST and t.id not in tried and (t.fast_time.percent or 0) >= 30)  # noqa: PLR2004 - less is not to spare
    return nsmallest(2, able, key=lambda token: (-(token.fast_time.percent or 0), token.id))


def fast_time_left(tokens: Sequence[Token]) -> str:
    """What several tokens have together: `91 h of fast time (1 not readable)`, or `an unknown amount of fast time`."""
    left = [max(0.0, token.fast_time.remaining) for token in tokens if token.fast_time.remaining is not None]
    unread = len(tokens) - len(left)
    if not left:
        return "an unknown amount of fast time"
    return f"{number(sum(left) / 60)} h of fast time" + (f" ({unread} not readable)" if unread else "")


def old_numbers(fleet: Fleet, read_at: datetime | None) -> list[str]:
    """Says so when the numbers are older than they should be; a token read alone since is not old."""
    failure = fleet.failure
    if failure is None or (read_at is not None and read_at > failure.at):
        return []
    return [
        f"⚠️ **{TROUBLES[failure.trouble]}: these numbers are old**" + (f", from {stamp(read_at)}" if read_at else "")
    ]
