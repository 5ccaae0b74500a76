"""What was of a token, or of several, as an answer with its picture. Imported when somebody asks for it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import discord

from bot.chat.buttons.pictured import Illustrated
from bot.chat.buttons.tokens import viewed
from bot.chat.cards import Overview, share
from bot.chat.cards.past import (
    Fleet,
    Moments,
    Past,
    described_fleet,
    described_token,
    edge,
    past_of_fleet,
    past_of_token,
    pictured_ahead,
)
from bot.chat.charts.fleet import MOST, Multiples, Small, fleet_chart
from bot.chat.charts.sparkline import week_of_use
from bot.chat.charts.token import Chart, token_chart
from bot.chat.charts.trace import Trace, traced
from bot.chat.desk import Desk, DeskClient
from bot.chat.text import amount, called_bare
from bot.domain.forecast import Verdict, fan, forecast
from bot.domain.incidents import Incident
from bot.domain.ledger import uses
from bot.domain.model import Token
from bot.domain.sample import Sample, sample_of
from bot.domain.value import replace

EARLIER = timedelta(days=90)
"""How far back it is looked whether a token was read before a time at whose beginning nobody read it."""

AROUND = timedelta(hours=24)
"""Of an incident: from half of it before its beginning on."""


async def past_of(
    client: DeskClient, number: int, since: datetime, until: datetime | None, called: str, *, whole: bool = False
) -> Past:
    """What is known of a token from then to then, `called` so; without an end until now, with what is to come.

    Raises:
        StoreError: The database cannot be read.
    """
    desk: Desk = client.desk
    now, zone, ahead = desk.now, ZoneInfo(client.place.timezone), until is None
    until = now if until is None else until
    samples = (await desk.history([number], since, until)).get(number, ())
    token, ledger, read_at = desk.fleet.tokens.get(number), desk.known.ledgers.get(number), desk.fleet.age_of(number)
    if token is not None and read_at is not None and read_at <= until:
        samples = with_now(samples, token, read_at)
    trace = await asyncio.to_thread(traced, number, samples, since, until)
    if trace.watched_since is not None and (await desk.history([number], since - EARLIER, since))[number]:
        trace = replace(trace, watched_since=None)  # it is not new: nobody read it for a while
    looked = desk.known.forecasts.get(number)
    return Past(
        number,
        token,
        trace,
        forecast(ledger, token, now, zone, read_at).holding(looked) if token is not None and ahead else None,
        fan(ledger, token, now, zone, read_at=read_at) if token is not None and ahead else (),
        called,
        now,
        zone,
        week_of_use(ledger, read_at, zone) if ahead else "",
        whole,
        desk.fleet.names,
    )


def with_now(samples: Sequence[Sample], token: Token, read_at: datetime | None) -> tuple[Sample, ...]:
    """The samples and what was read last: it held until then, also where it had its last sample long before."""
    if read_at is None or (samples and samples[-1].at >= read_at):
        return tuple(samples)
    return (*samples, replace(sample_of(token, read_at), at=read_at))


def illustrated(client: DeskClient, past: Past, title: str) -> Illustrated:
    """The text and the picture of one token."""
    return Illustrated(lambda: _chart(client, past, title), described_token(past), past_of_token(past))


def _chart(client: DeskClient, past: Past, title: str, moments: Moments = ()) -> str:
    trace = past.trace
    renews_at = past.fan[-1].at if past.fan else None
    levels = client.desk.policy.steps(past.number)
    return token_chart(
        Chart(
            title,
            trace,
            past.zone,
            client.place.timezone,
            trace.until,
            edge(past),
            pictured_ahead(past),
            renews_at,
            levels,
            moments,
        )
    )


async def around(
    client: DeskClient, token: int, incidents: Sequence[Incident], embed: discord.Embed, view: discord.ui.View | None
) -> Illustrated:
    """The card of a token, with the day around what happened to it.

    Raises:
        StoreError: The database cannot be read.
    """
    began = min(each.began_at for each in incidents)
    until = min(client.desk.now, began + AROUND / 2)
    past = await past_of(client, token, until - AROUND, until, "the 24 hours around the alert")
    ends = [each.resolved_at for each in incidents if each.resolved_at is not None]
    moments: Moments = ((began, "alert"), *((at, "over") for at in ends[:1] if at <= until))
    return Illustrated(
        lambda: _chart(client, past, f"{called_bare(token, past.names, 'Token ')} around the alert", moments),
        described_token(past, moments),
        embed=embed,
        view=view,
    )


async def past_of_several(
    client: DeskClient, numbers: Sequence[int], days: int, since: datetime, title: str, called: str
) -> Illustrated:
    """What several tokens used, from memory, and pictures of the worst of them.

    Args:
        client: Where that is known.
        numbers: Their ids, of tokens that are listed.
        days: How many days, today included.
        since: From when on the pictures are.
        title: Over the pictures.
        called: That time, in a sentence.

    Raises:
        StoreError: The database cannot be read.
    """
    desk: Desk = client.desk
    view, zone = viewed(desk), ZoneInfo(client.place.timezone)
    tokens = tuple(token for number in numbers if (token := desk.fleet.tokens.get(number)) is not None)
    fleet = await asyncio.to_thread(_fleet, desk, view, tokens, days)
    names = [token.id for token, _ in fleet.worst]
    history = await desk.history(names, since, desk.now)

    def svg() -> str:
        smalls = tuple(
            Small(
                called_bare(token.id, desk.fleet.names),
                _left(token, view),
                _trace(token, history.get(token.id, ()), since, desk),
            )
            for token, _ in fleet.worst
        )
        return fleet_chart(Multiples(title, smalls, zone, client.place.timezone, since, desk.now))

    alt = described_fleet([called_bare(each, desk.fleet.names) for each in names], called)
    return Illustrated(svg, alt, past_of_fleet(fleet, view))


def _trace(token: Token, samples: Sequence[Sample], since: datetime, desk: Desk) -> Trace:
    return traced(token.id, with_now(samples, token, desk.fleet.age_of(token.id)), since, desk.now)


def _left(token: Token, view: Overview) -> str:
    left = token.fast_time.remaining
    much = "" if left is None else amount(left)
    return much if token.fast_time.percent is None else f"{share(token.fast_time, view.limit(token))} · {much}"


def _fleet(desk: Desk, view: Overview, tokens: tuple[Token, ...], days: int) -> Fleet:
    """Sums of what the ledgers know; in 50 ms for 1,000 tokens and 30 days."""
    today = view.now.astimezone(view.zone).date()
    dates = tuple(today - timedelta(days=ago) for ago in range(days - 1, -1, -1))
    read = {token.id: (desk.fleet.age_of(token.id) or view.now).astimezone(view.zone).date() for token in tokens}
    used = {token.id: uses(view.ledgers.get(token.id), dates, read[token.id]) for token in tokens}
    said = [view.forecasts[token.id].verdict for token in tokens if token.id in view.forecasts]
    return Fleet(
        tokens,
        dates,
        tuple(_sum([each[place] for each in used.values()]) for place in range(len(dates))),
        tuple((token, _sum(used[token.id])) for token in sorted(tokens, key=view.order)[:MOST]),
        said.count(Verdict.DOES_NOT_LAST),
        said.count(Verdict.MAY_NOT_LAST),
    )


def _sum(parts: Sequence[float | None]) -> float | None:
    known = [each for each in parts if each is not None]
    return sum(known) if known else None
