"""Cards that answer a question: one token, or the fleet. Pure, and inside Discord's limits for any input.

The first line is the answer, the second is why, the third is what to do; the rest is for those who scroll. What an
alert's card says as well is worded here once.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from heapq import nsmallest

import discord

from bot.chat.text import listed, number, percent, plain, quoted, stamp, within
from bot.domain.model import Count, FastTime, Fleet, PlanState, Status, Subscription, Token, Trouble, Unit, Usage
from bot.domain.value import Value

TITLE_LIMIT = 256
DESCRIPTION_LIMIT = 4096
"""Of an embed: https://docs.discord.com/developers/resources/message#embed-object-embed-limits."""

PAGE_SIZE = 15
"""Tokens on a page of the fleet: about two screens of a phone."""

GREEN = discord.Colour(0x3BA55D)
YELLOW = discord.Colour(0xF0C419)
ORANGE = discord.Colour(0xF2862F)
RED = discord.Colour(0xE03E41)
PURPLE = discord.Colour(0x9B59B6)
BLUE = discord.Colour(0x4A90E2)
GREY = discord.Colour(0x80848E)

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
    "look the account up in ImaginePro, and in Discord.",
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
_VISIBILITY = {"public": "public images", "stealth": "stealth images"}
_SNOWFLAKE = re.compile(r"[0-9]{15,20}")
_BAR_CELLS = 12
GAP = "\u200b"
"""An empty line that no client folds away."""

_RAW = 120
"""How much of a text that could not be read is shown."""


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
    """How many accounts work, and how much fast time they have among them; no full stop."""
    if not fleet.tokens:
        return "No account is linked"
    usable, total = fleet.usable, len(fleet.tokens)
    if not usable:
        return "No account works" if total > 1 else "The only account does not work"
    works = f"{len(usable)} of {total} accounts work" if total > 1 else "The only account works"
    return f"{works}, {_among(usable)}"


def urgent(fleet: Fleet) -> list[Token]:
    """The tokens that need a person, worst first."""
    return sorted((token for token in fleet.tokens.values() if look(token).urgent), key=worst_first)


def spare(fleet: Fleet, without: Iterable[int | None] = ()) -> list[Token]:
    """The two fast accounts with the most fast time left, the fullest first."""
    tried = frozenset(without)
    able = (t for t in fleet.usable if look(t) is FAST and t.id not in tried and (t.fast_time.percent or 0) >= 30)  # noqa: PLR2004 - less is not to spare
    return nsmallest(2, able, key=lambda token: (-(token.fast_time.percent or 0), token.id))


def compose(title: str, lines: Iterable[str], colour: discord.Colour, footer: str = "") -> discord.Embed:
    """An embed within Discord's limits, whatever the lines are."""
    embed = discord.Embed(
        title=within([title], TITLE_LIMIT), description=within(lines, DESCRIPTION_LIMIT), colour=colour
    )
    return embed.set_footer(text=footer) if footer else embed


def _sections(*sections: Iterable[str]) -> list[str]:
    """Lines, with a gap between the sections that have any."""
    filled = [lines for section in sections if (lines := [line for line in section if line])]
    return [line for index, lines in enumerate(filled) for line in ([GAP] if index else []) + lines]


def token_card(token: Token, fleet: Fleet, now: datetime) -> discord.Embed:
    """Everything that is known of one token."""
    seen = look(token)
    read_at = fleet.age_of(token.id)
    body = [
        *_old_numbers(fleet, read_at),
        seen.means,
        f"**Do:** {seen.do}" if seen.do else "",
        *_fast_time(token.fast_time),
    ]
    details = [
        _line("Plan", _plan(token.subscription, now)),
        _line("Jobs", _jobs(token)),
        _line("Mode", _modes(token)),
        _line(
            "Made",
            [
                _usage(token.lifetime, "so far"),
                _usage(token.relaxed, "in relax mode") if token.relaxed.images != 0 else None,
            ],
        ),
        _line("Where", _place(token)),
    ]
    return compose(
        f"{seen.mark} Token {token.id} · {seen.word}, {status_word(token)}",
        _sections(body, details, [f"read {stamp(read_at)}" if read_at else ""]),
        seen.colour,
    )


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
    usable = len(fleet.usable)
    mark, colour = _fleet_sign(usable, len(fleet.tokens))
    head = [
        *_old_numbers(fleet, fleet.read_at),
        f"**{_among(fleet.usable)}**" if usable else "",
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
            _sections(head, rows, [f"{place}read {stamp(fleet.read_at)}"]),
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


def _among(tokens: Sequence[Token]) -> str:
    """Fast time over several accounts, in hours."""
    left = [max(0.0, token.fast_time.remaining) for token in tokens if token.fast_time.remaining is not None]
    unread = len(tokens) - len(left)
    if not left:
        return "how much fast time they have is not known"
    return f"{number(sum(left) / 60)} h fast time among them" + (f" ({unread} not readable)" if unread else "")


def _old_numbers(fleet: Fleet, read_at: datetime | None) -> list[str]:
    """Says so when the numbers are older than they should be; a token read alone since is not old."""
    failure = fleet.failure
    if failure is None or (read_at is not None and read_at > failure.at):
        return []
    return [
        f"⚠️ **{TROUBLES[failure.trouble]}: these numbers are old**" + (f", from {stamp(read_at)}" if read_at else "")
    ]


def _fast_time(fast_time: FastTime) -> list[str]:
    lines = []
    if fast_time.percent is not None:
        full = round(min(max(fast_time.percent, 0), 100) / 100 * _BAR_CELLS)
        lines.append(f"{'▰' * full}{'▱' * (_BAR_CELLS - full)} **{percent(fast_time.percent)}**")
    if fast_time.known:
        return [*lines, f"**{amount(fast_time)}** fast time left"]
    said = f"is not readable: {quoted(fast_time.raw, _RAW)}" if fast_time.raw.strip() else "was not reported"
    return [*lines, f"Fast time {said}"]


def _plan(plan: Subscription, now: datetime) -> list[str | None]:
    if not plan.plan and plan.state is None:
        return [f"not readable: {quoted(plan.raw, _RAW)}" if plan.raw.strip() else None]
    named = "" if plan.state is PlanState.TRIAL else plain(plan.plan, 40)
    words = ", ".join(filter(None, [named, plan.billing, plan.state]))
    return [
        words,
        quoted(plan.unread, _RAW) if plan.unread else None,
        "no relax mode" if plan.has_relax is False else None,
        _instant(plan.renews_at, now, "renews", "renewal was due"),
        _instant(plan.ends_at, now, "ends", "ended"),
    ]


def _instant(at: datetime | None, now: datetime, ahead: str, past: str) -> str | None:
    return f"{ahead if at > now else past} {stamp(at)}" if at else None


def _jobs(token: Token) -> list[str | None]:
    waiting = [_count(token.queued_fast, "fast"), _count(token.queued_relax, "relax")]
    queued = ", ".join(filter(None, waiting))
    running = token.running
    return [
        "none running" if running.value == 0 else f"{number(running.value)} running" if running.value else None,
        f"running: {quoted(running.raw, _RAW)}" if running.value is None and running.raw.strip() else None,
        "none queued" if queued == "0 fast, 0 relax" else f"queued {queued}" if queued else None,
        None if token.record.concurrency is None else f"limit {number(token.record.concurrency)}",
    ]


def _count(count: Count, word: str) -> str:
    if count.value is None:
        return f"{quoted(count.raw, 40)} {word}" if count.raw.strip() else ""
    return f"{number(count.value)} {word}"


def _usage(usage: Usage, where: str) -> str | None:
    hours = None if usage.hours is None else f"{number(usage.hours)} GPU h"
    if usage.images is None and hours is None:
        return f"{quoted(usage.raw, 60)} {where}" if usage.raw.strip() else None
    if usage.images is None:
        return f"{hours} {where}"
    images = f"{number(usage.images)} image{'s' * (usage.images != 1)} {where}"
    return f"{images} ({hours})" if hours else images


def _modes(token: Token) -> list[str | None]:
    """How it works and who sees the images; a word that we do not know is quoted."""
    texts = token.record.info
    return [
        token.mode or (quoted(texts.job_mode, 60) if texts.job_mode.strip() else None),
        _VISIBILITY[token.visibility]
        if token.visibility
        else (quoted(texts.visibility_mode, 60) if texts.visibility_mode.strip() else None),
    ]


def _place(token: Token) -> list[str | None]:
    """Ids that are Discord's lead there, for those who may go; others are text."""
    channel, server = token.record.channel_id, token.record.server_id
    linked = _SNOWFLAKE.fullmatch(channel) and _SNOWFLAKE.fullmatch(server)
    place = f"[{channel}](https://discord.com/channels/{server}/{channel})" if linked else plain(channel, 40)
    return [
        f"channel {place}" if channel.strip() else None,
        f"server {plain(server, 40)}" if server.strip() else None,
    ]


def _row(token: Token) -> str:
    seen = look(token)
    parts = [
        f"{seen.mark} **{token.id}** {status_word(token, 40)}{', off' * (seen is OFF)}",
        share(token.fast_time) or "fast time not known",
        plan_word(token),
    ]
    return " · ".join(filter(None, parts))


def _line(name: str, parts: Iterable[str | None]) -> str:
    """`**Name** part · part`; nothing when there is no part."""
    said = " · ".join(filter(None, parts))
    return f"**{name}** {said}" if said else ""
