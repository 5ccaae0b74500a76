"""What `/oncall` does: the rota is set, shown and taken back, and people stand in for others."""

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from itertools import islice
from typing import Final
from zoneinfo import ZoneInfo

import discord

from bot.chat.cards import BLUE, GREY, compose
from bot.chat.commands import windows
from bot.chat.commands.options import length, zone_named
from bot.chat.desk import Asked, DeskClient, UnclearError, answer
from bot.chat.text import bare, listed, quoted, stamp
from bot.domain.decisions import Decisions
from bot.domain.naming import WEEKDAYS
from bot.domain.rota import SWAPS, Rota, Shift, Swap, overlapping, set_of, shifts, to_come
from bot.domain.value import replace
from bot.telemetry import reference

AHEAD = 5
"""Shifts that `/oncall now` shows."""

LONGEST = timedelta(days=28)
"""Of a swap."""

FURTHEST = timedelta(days=366)
"""How far ahead a swap may begin."""

_DAY: Final = re.compile(r"tomorrow|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}")
"""A day without an hour is meant from its beginning, as of a holiday."""

Person = discord.Member | discord.User


def _paged(role: int | None) -> str:
    """Whom pages mention without a rota."""
    return f"<@&{role}>" if role else "nobody, as no ALERT_ROLE_ID is set"


def rota_card(decisions: Decisions, now: datetime, role: int | None) -> discord.Embed:
    """Who is on call, who is next, and who stands in."""
    rota = decisions.rota
    if rota is None:
        lines = [f"Pages mention {_paged(role)}. `/oncall set` sets a weekly rota, and they mention a person."]
        return compose("📟 There is no rota", lines, GREY)
    coming = list(islice(shifts(rota, decisions.swaps.values(), now), AHEAD))
    lines = [_rule(rota)]
    if not coming:
        lines.append(f"**Everybody of it has left this server**: pages mention {_paged(role)}. Set another.")
        return compose("📟 Nobody is on call", lines, GREY)
    now_on = coming[0]
    lines.insert(0, f"<@{now_on.who}> until {stamp(now_on.until, 'f')} ({stamp(now_on.until)}){_standing_in(now_on)}")
    lines += ["", "Then:", *(f"{stamp(each.since, 'f')} <@{each.who}>{_standing_in(each)}" for each in coming[1:])]
    swaps = to_come(decisions.swaps.values(), now)
    lines += ["", "Swaps:", *(map(_swapped, swaps))] if swaps else []
    absent = [f"<@{each}>" for each in rota.absent]
    lines += ["", f"Passed over, as they have left this server: {listed(absent, 8)}"] if absent else []
    return compose("📟 On call", lines, BLUE)


def _rule(rota: Rota) -> str:
    order = listed([f"<@{each}>" for each in rota.members], len(rota.members))
    return f"{order}, handing over every {WEEKDAYS[rota.weekday]} at {rota.at:%H:%M} ({rota.zone}) · by <@{rota.by}>"


def _standing_in(shift: Shift) -> str:
    return " (stands in)" if shift.swap else ""


def _swapped(swap: Swap) -> str:
    return f"<@{swap.who}> {stamp(swap.since, 'f')} to {stamp(swap.until, 'f')} · by <@{swap.by}> · `{swap.id}`"


def label(swap: Swap, guild: discord.Guild | None, zone: str) -> str:
    """A swap where Discord renders nothing: `2026-12-01 09:00 to 2026-12-02 09:00 · a1b2c3`."""
    member = guild.get_member(swap.who) if guild else None
    here = ZoneInfo(zone)
    name = f"{bare(member.display_name, 30)}, " if member else ""
    return f"{name}{swap.since.astimezone(here):%F %H:%M} to {swap.until.astimezone(here):%F %H:%M} · {swap.id}"


async def set_(interaction: Asked, people: Sequence[Person], weekday: int, at: str, zone: str) -> None:
    """Set the rota; whoever is on call keeps the week, if they are in it."""
    client = interaction.client
    _check_people(client, people)
    ids = [each.id for each in people]
    if len(set(ids)) < len(ids):
        twice = next(each for each in ids if ids.count(each) > 1)
        sentence = f"<@{twice}> is in it twice: name each once. The order begins anew after the last."
        raise UnclearError(sentence)
    zone = zone_named(zone, client.place.timezone) if zone.strip() else client.place.timezone
    hour = _hour(at)
    desk = client.desk
    async with client.turn:
        before = desk.known.decisions.rota
        rota = set_of(ids, weekday, hour, zone, interaction.user.id, desk.now, before)
        # Of those who stand in nobody said that they are back, as of those who were chosen just now.
        others = {each.who for each in desk.known.decisions.swaps.values()} - set(ids)
        rota = replace(rota, absent=tuple(each for each in (before.absent if before else ()) if each in others))
        await desk.decide(rota, "oncall set", interaction.user.id, _audited(rota))
        turn = desk.known.decisions.on_call(desk.now)
    now_on = f" <@{turn.who}> is on call until {stamp(turn.until, 'f')}." if turn else ""
    await answer(interaction, f"Set: {_rule(rota)}.{now_on} `/oncall now` shows the next weeks.")


def _audited(rota: Rota) -> str:
    return f"{', '.join(map(str, rota.members))}; {WEEKDAYS[rota.weekday]} {rota.at:%H:%M} ({rota.zone})"


def _check_people(client: DeskClient, people: Sequence[Person]) -> None:
    for each in people:
        if each.bot:
            sentence = f"<@{each.id}> is a bot: choose people."
            raise UnclearError(sentence)
        if not client.access.admits(each):
            sentence = (
                f"<@{each.id}> could not acknowledge a page: give them the operator role "
                "first, or choose somebody who may. Nothing was changed."
            )
            raise UnclearError(sentence)


def _hour(text: str) -> time:
    try:
        return windows.clock(text, "")
    except UnclearError:
        sentence = f"{quoted(text, 40)} is no time of the day: write it as 09:00."
        raise UnclearError(sentence) from None


async def swap(interaction: Asked, who: Person, begin: str, long: str) -> None:
    """Let somebody stand in."""
    client = interaction.client
    desk = client.desk
    _check_people(client, [who])
    async with client.turn:
        decisions, now = desk.known.decisions, desk.now
        rota = decisions.rota
        if rota is None or not rota.present:
            sentence = "There is no rota to stand in for: set one first, with `/oncall set`."
            raise UnclearError(sentence)
        new = _swap(decisions, rota, who.id, _span(begin, long, now, rota.zone), interaction.user.id)
        await desk.decide(new, "oncall swap", interaction.user.id, f"{new.since:%F %H:%M} to {new.until:%F %H:%M} UTC")
    await answer(
        interaction,
        f"<@{new.who}> is on call from {stamp(new.since, 'f')} to {stamp(new.until, 'f')}. "
        f"`/oncall end` takes that back (`{new.id}`).",
    )


def _span(begin: str, long: str, now: datetime, zone: str) -> tuple[datetime, datetime | None]:
    lasts = length(long, LONGEST) if long.strip() else None
    day = f"{begin} 00:00" if _DAY.fullmatch(begin.strip().casefold()) else begin
    since = windows.once(day, now, zone, lasts or timedelta())
    if since < now:
        sentence = f"That is past: it is {stamp(now, 'f')} now. Write `now`, or when it begins."
        raise UnclearError(sentence)
    if since - now > FURTHEST:
        sentence = "That is more than a year ahead: arrange it nearer to its time."
        raise UnclearError(sentence)
    return since, None if lasts is None else since + lasts


def _swap(decisions: Decisions, rota: Rota, who: int, span: tuple[datetime, datetime | None], by: int) -> Swap:
    since, until = span
    swaps = decisions.swaps.values()
    there = next(shifts(rota, swaps, since))
    new = Swap(reference(), who, since, until or there.until, by)
    if (other := overlapping(swaps, new.since, new.until)) is not None:
        sentence = (
            f"<@{other.who}> stands in from {stamp(other.since, 'f')} to {stamp(other.until, 'f')} already. Take that "
            f"back with `/oncall end` (`{other.id}`), or choose another time."
        )
        raise UnclearError(sentence)
    if there.who == who and there.until >= new.until:
        sentence = f"<@{who}> is on call then anyway, until {stamp(there.until, 'f')}."
        raise UnclearError(sentence)
    if len(to_come(swaps, since)) >= SWAPS:
        sentence = f"There are {SWAPS} swaps already: take some back, or set the rota otherwise."
        raise UnclearError(sentence)
    return new


async def end(interaction: Asked, swap_id: str) -> None:
    """Take a swap back."""
    client = interaction.client
    desk = client.desk
    found = desk.known.decisions.swaps.get(swap_id.strip())
    if found is None or found.until <= desk.now or not await desk.undo(found, "oncall end", interaction.user.id):
        sentence = "There is no such swap, or it is over. `/oncall now` shows those that there are."
        raise UnclearError(sentence)
    turn = desk.known.decisions.on_call(desk.now)
    now_on = f" <@{turn.who}> is on call until {stamp(turn.until, 'f')}." if turn else ""
    await answer(interaction, f"Taken back: <@{found.who}> does not stand in.{now_on}")


async def off(interaction: Asked) -> None:
    """Do without a rota."""
    client = interaction.client
    desk = client.desk
    rota = desk.known.decisions.rota
    if rota is None or not await desk.undo(rota, "oncall off", interaction.user.id):
        sentence = "There is no rota."
        raise UnclearError(sentence)
    await answer(interaction, f"The rota is taken back. Pages mention {_paged(client.ids.alert_role_id)}.")
