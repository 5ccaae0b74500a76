"""How a token, or the fleet, stands, in a few words; what an alert says as well is worded here once."""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from heapq import nsmallest

import discord

from bot.chat.cards.embed import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, YELLOW
from bot.chat.text import all_called, called, listed, number, percent, plain, quoted, stamp
from bot.domain.incidents import Incident, Rule
from bot.domain.info import threshold
from bot.domain.model import (
    Failure,
    FastTime,
    Fleet,
    PlanState,
    Severity,
    Status,
    Subscription,
    Threshold,
    Token,
    Trouble,
    Unit,
)
from bot.domain.refusal import refusal
from bot.domain.rules.fast_time import level_of
from bot.domain.value import Value

_TROUBLES: dict[Trouble, str] = {
    Trouble.UNREACHABLE: "ImaginePro cannot be reached",
    Trouble.TIMED_OUT: "ImaginePro did not answer in time",
    Trouble.RATE_LIMITED: "ImaginePro asks the bot to slow down",
    Trouble.SERVER_ERROR: "ImaginePro answered with an error of its own",
    Trouble.MALFORMED: "ImaginePro's answer could not be understood",
    Trouble.NOT_FOUND: "ImaginePro has no list of tokens at its address",
}


def why(trouble: Trouble, status: int | None, until: datetime | None = None) -> str:
    """What went wrong upstream, as the beginning of a sentence.

    Args:
        trouble: What it is.
        status: Of the answer, if there was one.
        until: Until when ImaginePro asks to be left alone, if it does.
    """
    refused = refusal(status).short if trouble is Trouble.REFUSED else ""
    if until is not None:
        return f"{f'{refused}, and' if refused else 'ImaginePro'} asks to be left alone until {stamp(until, 't')}"
    return refused or _TROUBLES[trouble]


def unread(fleet: Fleet) -> str:
    """Why nothing was read yet, in a sentence."""
    return f"{why_failed(fleet.failure)}." if fleet.failure else "The first reading is on its way."


def unknown(fleet: Fleet, token_id: int) -> str:
    """What to say of an id that is not in the list."""
    if fleet.read_at is None:
        return f"Nothing was read yet, so {called(token_id, fleet.names, 'token ')} is not known. {unread(fleet)}"
    if not fleet.tokens:
        return f"There is no {called(token_id, fleet.names, 'token ')}: none is linked."
    nearest = nsmallest(3, fleet.tokens, key=lambda other: abs(other - token_id))
    near = listed([called(each, fleet.names) for each in sorted(nearest)], 3)
    return f"There is no {called(token_id, fleet.names, 'token ')}. The nearest are {near}."


def why_failed(failure: Failure) -> str:
    """The same of a failure."""
    return why(failure.trouble, failure.status, failure.until)


class Look(Value, eq=False):
    """How a token stands, in a sign, a colour and words. There is one of each, so they compare by identity."""

    mark: str
    colour: discord.Colour
    word: str
    means: str = ""
    do: str = ""
    """Empty where nothing is to be done, or where that depends on the others: see `to_others`."""
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
    "log in to Discord as the account, and answer the check. The next poll sees it.",
    urgent=True,
)
SPENT = Look(
    "🔴",
    RED,
    "out of fast time",
    "Its plan has no relax mode: without fast time it stops.",
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
Sign = tuple[str, discord.Colour]

SIGNS: Mapping[Severity, Sign] = {
    Severity.CRITICAL: ("🔴", RED),
    Severity.WARNING: ("🟠", ORANGE),
    Severity.INFO: ("🔵", BLUE),
}
"""Of what is open."""

_UNITS = {Unit.MINUTES: (1, "min"), Unit.HOURS: (60, "h")}
_SPARE_PERCENT = 30
"""Of its fast time that a token must have left to take on other work."""


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


def limit_of(incident: Incident) -> Threshold | None:
    """What an incident compares fast time with; None for those that compare nothing, and where nothing is left."""
    if incident.key.rule is not Rule.FAST_TIME_LOW:
        return None
    try:
        return threshold(level_of(incident))
    except ValueError:  # nothing is left, which is no level
        return None


def status_word(token: Token, limit: int = 60) -> str:
    """The status verbatim; one that we do not know is escaped and quoted."""
    if token.status is not Status.UNKNOWN:
        return token.status.value
    return quoted(token.status_text, limit) if token.status_text.strip() else "no status"


def plan_name(plan: Subscription) -> str:
    """The plan's name as sent, `Trial` for a trial, whose plan is called None; empty when it is not known."""
    return "Trial" if plan.state is PlanState.TRIAL else plan.plan


def plan_word(token: Token) -> str:
    """The plan in one word or two, safe to show; empty when it is not known."""
    return plain(plan_name(token.subscription), 40)


def amount(fast_time: FastTime, limit: Threshold | None = None) -> str:
    """What is left: `13.3 of 15 h`; empty when that is not known.

    It is in the unit in which the upstream wrote it, or in that of the limit that it is compared with; near that limit
    it has one more digit.
    """
    if fast_time.remaining is None:
        return ""
    (minutes, unit), level = _UNITS[fast_time.unit or Unit.MINUTES], None
    if limit is not None and limit.minutes is not None:
        (minutes, unit), level = _UNITS[Unit.HOURS if limit.text[-1:] in {"h", "d"} else Unit.MINUTES], limit.minutes
    elif limit is not None and limit.percent is not None and fast_time.total:
        level = limit.percent * fast_time.total / 100
    total = "" if fast_time.total is None else f" of {number(fast_time.total / minutes)}"
    return f"{number(fast_time.remaining / minutes, None if level is None else level / minutes)}{total} {unit}"


def share(fast_time: FastTime, limit: Threshold | None = None) -> str:
    """What is left, as briefly as it can be said: `88 %`; as `amount` where there is no total, or the limit is a time.

    Near the limit that it is compared with it has one more digit.
    """
    by_time = limit is not None and limit.minutes is not None
    if fast_time.percent is None or (by_time and fast_time.known):
        return amount(fast_time, limit)
    return percent(fast_time.percent, None if limit is None else limit.percent)


def standing(fleet: Fleet) -> str:
    """`6 of 9 tokens work, with 91 h of fast time`. What is switched off is not counted."""
    usable = fleet.usable
    works = counted(len(fleet.tokens), off(fleet), len(usable))
    return f"{works}, with {fast_time_left(usable)}" if usable else works


def working(fleet: Fleet) -> str:
    """`6 of 9 tokens work`, of those that are switched on."""
    return counted(len(fleet.tokens), off(fleet), len(fleet.usable))


def counted(linked: int, off: int, usable: int) -> str:
    """The same of numbers: how many tokens are linked, how many of these are switched off, and how many work."""
    if not linked:
        return "No token is linked"
    on = linked - off
    if not on:
        return "No token is switched on" if linked > 1 else "The only token is switched off"
    if linked == 1:
        return "The only token works" if usable else "The only token does not work"
    if not usable:
        return "No token works"
    some = f"{usable} of {on}" if usable < on else f"{usable}"
    return f"{some} token{'s' * (on > 1)} work{'s' * (usable == 1)}"


def off(fleet: Fleet) -> int:
    """How many tokens are switched off."""
    return sum(token.active is False for token in fleet.tokens.values())


def urgent(fleet: Fleet) -> list[Token]:
    """The tokens that need a person, worst first."""
    return sorted((token for token in fleet.tokens.values() if look(token).urgent), key=worst_first)


def needs_person(tokens: Sequence[Token], names: Mapping[int, str], most: int) -> str:
    """`Needs a person: token 12`; empty for none."""
    return f"Needs a person: {all_called([token.id for token in tokens], names, most)}" if tokens else ""


def spare(fleet: Fleet, without: Container[int | None] = ()) -> list[Token]:
    """The two fast tokens with the most fast time left, the fullest first; `without` are those with trouble."""
    able = (
        token
        for token in fleet.usable
        if look(token) is FAST and token.id not in without and (token.fast_time.percent or 0) >= _SPARE_PERCENT
    )
    return nsmallest(2, able, key=lambda token: (-(token.fast_time.percent or 0), token.id))


def to_others(fleet: Fleet, without: Container[int | None], act: str, what: str) -> str:
    """`send its jobs to tokens 2 (89 %) and 3 (31 %)`, or that nobody can take them.

    Args:
        fleet: What is known.
        without: The tokens with trouble.
        act: What is to be done: `send its jobs`.
        what: What nobody can take: `its jobs`.
    """
    if able := spare(fleet, without):
        return f"{act} to {named(able, fleet.names)}"
    return (
        f"no other token can take {what}"
        if alone(fleet, without)
        else f"{act} to other tokens (none has much fast time)"
    )


def alone(fleet: Fleet, without: Container[int | None]) -> bool:
    """Whether no token works but those with trouble."""
    return not any(token.usable and token.id not in without for token in fleet.tokens.values())


def refilled(plan: Subscription, now: datetime) -> str:
    """`refills in 3 days`, or `refill was due 2 hours ago` while the text is from before; empty when nobody knows."""
    if (refill := plan.next_refill(now)) is not None:
        return f"refills {stamp(refill)}"
    return f"refill was due {stamp(due)}" if (due := plan.refill_due(now)) else ""


def buying(plan: Subscription, now: datetime) -> str:
    """How to get fast time, and when it comes by itself, if that is known."""
    refill = refilled(plan, now)
    return f"buy time ({'it' if refill.startswith('refills') else 'its'} {refill})" if refill else "buy time"


def named(tokens: Iterable[Token], names: Mapping[int, str]) -> str:
    """`tokens 2 (89 %) and 3 (31 %)`, with what is left in each."""
    shown = tuple(tokens)
    word = "" if len(shown) > 1 else "token "
    words = [f"{called(token.id, names, word)} ({share(token.fast_time)})" for token in shown]
    return f"{'tokens ' * (len(words) > 1)}{listed(words, len(words))}"


def fast_time_left(tokens: Sequence[Token]) -> str:
    """What several tokens have together, as far as it is known: `91 h of fast time`."""
    left = [max(0.0, token.fast_time.remaining) for token in tokens if token.fast_time.remaining is not None]
    return f"{number(sum(left) / 60)} h of fast time" if left else "an unknown amount of fast time"
