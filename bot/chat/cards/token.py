"""The card of one token: everything that is known of it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import discord

from bot.chat.cards.embed import GREEN, GREY, compose, sections
from bot.chat.cards.overview import Overview, old_numbers, too_old
from bot.chat.cards.status import (
    NO_RELAX,
    SPENT,
    alone,
    amount,
    buying,
    look,
    refilled,
    status_word,
    to_others,
)
from bot.chat.charts.sparkline import week_of_use
from bot.chat.text import bar, called, listed, number, percent, plain, quoted, stamp
from bot.domain.model import Count, PlanState, Subscription, Token, Usage

_VISIBILITY = {"public": "public images", "stealth": "stealth images"}
_SNOWFLAKE = re.compile(r"[0-9]{15,20}")
_BAR_CELLS = 12

_FIELDS: Mapping[str, str] = {
    "status": "status",
    "active": "whether it is on",
    "fast_time_remaining": "fast time",
    "subscription": "plan",
    "running_jobs": "jobs",
    "queued_jobs_fast": "jobs",
    "queued_jobs_relax": "jobs",
}
"""What matters of a record, as people call it; in the order in which they ask."""

_RAW = 120
"""How much of a text that could not be read is shown."""


def token_card(token: Token, view: Overview, troubles: Sequence[str] = ()) -> discord.Embed:
    """Everything that is known of one token; `troubles` are lines about its open incidents, the gravest first."""
    seen = look(token)
    read_at = view.fleet.age_of(token.id)
    old = [*old_numbers(view, read_at), *_left_out(token, view)]
    mark, colour = view.sign(token)
    if old and colour is GREEN:
        mark, colour = "⚪", GREY
    body = [
        *old,
        *troubles,
        seen.means,
        f"**Do:** {do}" if (do := _do(token, view)) else "",
        *_fast_time(token, view),
    ]
    details = [
        _line("Plan", _plan(token.subscription, view.now)),
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
        f"{mark} {called(token.id, view.fleet.names, 'Token ')} · {seen.word}, {status_word(token)}",
        sections(body, details, [f"read {stamp(read_at)}" if read_at else ""]),
        colour,
    )


def _do(token: Token, view: Overview) -> str:
    seen = look(token)
    if seen not in (SPENT, NO_RELAX):
        return seen.do
    without = view.troubled | {token.id}
    others = to_others(view.fleet, without, "send its jobs", "its jobs")
    return f"{others}{':' if alone(view.fleet, without) else ', or'} {buying(token.subscription, view.now)}."


def _left_out(token: Token, view: Overview) -> list[str]:
    """What the last answers left out, and from when it is."""
    kept = {name: at for name, at in token.record.kept.items() if name in _FIELDS and too_old(view, at)}
    names = list(dict.fromkeys(word for name, word in _FIELDS.items() if name in kept))
    if not names:
        return []
    return [f"⚠️ **ImaginePro left out {listed(names, len(names))}: old**, from {stamp(min(kept.values()))}"]


def _fast_time(token: Token, view: Overview) -> list[str]:
    lines, fast_time, limit = [], token.fast_time, view.limit(token)
    if fast_time.percent is not None:
        left = percent(fast_time.percent, limit.percent if limit else None)
        lines.append(f"{bar(fast_time.percent, _BAR_CELLS)} **{left}**")
    if fast_time.known:
        left = f"**{amount(fast_time, limit)}** fast time left"
    elif fast_time.raw.strip():
        left = f"Fast time is not readable: {quoted(fast_time.raw, _RAW)}"
    else:
        left = "Fast time was not reported"
    use = week_of_use(view.ledgers.get(token.id), view.fleet.age_of(token.id), view.zone)
    return [*lines, " · ".join(filter(None, [left, refilled(token.subscription, view.now)])), view.outlook(token), use]


def _plan(plan: Subscription, now: datetime) -> list[str | None]:
    if not plan.plan and plan.state is None:
        return [f"not readable: {quoted(plan.raw, _RAW)}" if plan.raw.strip() else None]
    named = "" if plan.state is PlanState.TRIAL else plain(plan.plan, 40)
    active = None if plan.state is PlanState.ACTIVE and plan.ended(now) else plan.state
    words = ", ".join(filter(None, [named, plan.billing, active]))
    return [
        words,
        quoted(plan.unread, _RAW) if plan.unread else None,
        "no relax mode" if plan.has_relax is False else None,
        _instant(plan.renews_at, now, "renews", "renewal was due"),
        _instant(plan.ends_at, now, "ends", "ended"),
        "its date is too old to be true" if plan.dated(now) else None,
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


def _line(name: str, parts: Iterable[str | None]) -> str:
    """`**Name** part · part`; nothing when there is no part."""
    said = " · ".join(filter(None, parts))
    return f"**{name}** {said}" if said else ""
