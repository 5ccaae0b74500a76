"""What `/report` does: count what is stored of a week or a month, say it, and give its incidents as a file."""

import asyncio
import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import discord

from bot.chat import cards
from bot.chat.alerts.groups import fitted
from bot.chat.alerts.report import days, report
from bot.chat.cards import compose
from bot.chat.commands.exporting import LARGEST
from bot.chat.desk import Asked, UnclearError
from bot.chat.text import bare, quoted, stamp
from bot.domain import sums
from bot.domain.groups import Group
from bot.domain.model import Fleet
from bot.domain.report import (
    KEPT,
    SCHEDULE,
    USUALLY,
    Every,
    Period,
    Report,
    Schedule,
    before,
    begun,
    earlier,
    known_since,
    period,
    upcoming,
)
from bot.domain.sums import MOMENTARY, Fact

COLUMNS: Final = (
    "opened_utc",
    "opened_local",
    "ended_utc",
    "ended_local",
    "end",
    "rule",
    "token",
    "name",
    "severity",
    "counted_as",
    "on_call",
    "acknowledged_by",
    "acknowledged_utc",
    "seconds_to_acknowledge",
    "seconds_to_resolve",
    "sounds",
    "notes",
)

_AGO: Final = re.compile(r"(?P<count>[0-9]{1,4})\s*(?P<word>weeks?|months?|w|m)?(\s+ago)?")

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would take for the beginning of a formula."""

PAST: Final = {Every.WEEK: 53, Every.MONTH: 12}
"""How far back anybody may ask: nothing is kept as long."""


async def tell(interaction: Asked, every: Every, which: str | None, group: Group | None) -> None:
    """Answer with the report and its file, once it is said that an answer will come."""
    desk, zone = interaction.client.desk, ZoneInfo(interaction.client.place.timezone)
    now = desk.now
    about = asked(every, which, now, zone)
    facts, first = await desk.facts(before(about, zone).since)
    if group is not None:
        facts = [each for each in facts if group.holds(each.key.token) or each.key.group == group.name]
    fleet = desk.fleet
    made, data, left = await asyncio.to_thread(_made, facts, about, now, zone, known_since(first, now), fleet, group)
    (mark, colour), headline, lines, *_ = report(made, fleet)
    text = [f"{mark} **{headline}**", "", *lines]
    if left:
        text.append(f"⚠️ The file has no room for {left:,} of them: those that opened first are in it.")
    embed = compose("", fitted(text, cards.DESCRIPTION_LIMIT), colour)
    name = f"incidents-{every}-{about.first:%Y%m%d}.csv"
    files = [discord.File(io.BytesIO(data), name)] if data else []
    try:
        await interaction.edit_original_response(embed=embed, attachments=files)
    except discord.Forbidden as error:  # what is posted as an answer goes by the bot's own permissions
        sentence = "Discord takes no file from the bot here. Give it *Attach Files* in this channel, and try again."
        raise UnclearError(sentence) from error


async def schedule(interaction: Asked, every: str | None, never: str) -> str:
    """Let a report be posted each week or month, or no more; what is to be said of that."""
    desk = interaction.client.desk
    async with interaction.client.turn:  # two people at once set it once each, and each hears what it is then
        before_ = desk.known.decisions.schedules.get(SCHEDULE)
        if every is None:
            return "No report is posted by itself." if before_ is None else _scheduled(interaction, before_)
        if every == never:
            undone = before_ is not None and await desk.undo(before_, "report schedule", interaction.user.id)
            return f"{'From now on no' if undone else 'No'} report is posted by itself."
        wanted = Every(every)
        if before_ is not None and before_.every is wanted:
            return f"That is so already. {_scheduled(interaction, before_)}"
        zone = ZoneInfo(interaction.client.place.timezone)
        told = begun(wanted, desk.now, desk.policy.digest_at or USUALLY, zone)
        made = Schedule(wanted, interaction.user.id, told)
        await desk.decide(made, "report schedule", interaction.user.id)
    return _scheduled(interaction, made)


def _scheduled(interaction: Asked, set_: Schedule) -> str:
    """`A report of each week is posted in #ops on Mondays at 09:00 (Europe/Berlin), next Monday 7 Dec …`."""
    desk, place = interaction.client.desk, interaction.client.place
    at = desk.policy.digest_at or USUALLY
    due = upcoming(set_, desk.now, at, ZoneInfo(place.timezone))
    day = "on Mondays" if set_.every is Every.WEEK else "on the first day of the next one"
    where = f"<#{place.channel_id}>" if place.channel_id else "the ops channel"
    return (
        f"A report of each {set_.every} is posted in {where} {day}, at {at:%H:%M} ({place.timezone}), without a sound; "
        f"the next one {stamp(due, 'f')}. Wanted by <@{set_.by}>."
    )


def _made(
    facts: Sequence[Fact],
    about: Period,
    now: datetime,
    zone: ZoneInfo,
    since: datetime,
    fleet: Fleet,
    group: Group | None,
) -> tuple[Report, bytes, int]:
    made = sums.brief(sums.report(facts, about, now, zone, kept_since=since, group=group.name if group else ""))
    data, left = table(sums.within(facts, about.since, about.until), about, zone, fleet)
    return made, data, left


def table(facts: Iterable[Fact], about: Period, zone: ZoneInfo, fleet: Fleet) -> tuple[bytes, int]:
    """A line an incident, by when they opened, and how many found no room; no bytes at all of none."""
    found = sorted(facts, key=lambda each: (each.opened, each.key.rule, each.key.token or 0))
    text = io.StringIO()
    write = csv.writer(text).writerow
    write(COLUMNS)
    for place, each in enumerate(found):
        end = text.tell()
        write(_row(each, about, zone, fleet))
        if text.tell() * 2 > LARGEST and len(text.getvalue().encode()) > LARGEST:
            return text.getvalue()[:end].encode(), len(found) - place
    return (text.getvalue().encode(), 0) if found else (b"", 0)


def _row(fact: Fact, about: Period, zone: ZoneInfo, fleet: Fleet) -> tuple[object, ...]:
    """As of the end of the time, as everything else in a report."""
    until = about.until
    answer, ended = fact.answer(until), fact.over(until)
    token = fact.key.token
    return (
        _utc(fact.fired),
        _local(fact.fired, zone),
        _utc(ended),
        _local(ended, zone),
        fact.how if ended else "open",
        fact.key.rule.replace("_", " "),
        "" if token is None else token,
        safe(fact.key.group if token is None else fleet.names.get(token, "")),
        fact.severity(until).value,
        _counted_as(fact, until),
        _who(fact.called),
        _who(answer and answer[1]),
        _utc(answer and answer[0]),
        "" if answer is None or fact.notified is None else _seconds(answer[0] - fact.notified),
        "" if ended is None or fact.key.rule in MOMENTARY else _seconds(ended - fact.fired),
        sum(about.since <= each < until for each in fact.sounds),
        fact.notes,
    )


def safe(text: str) -> str:
    """Somebody's text as a spreadsheet shows it and does not reckon with it."""
    shown = bare(text, 200)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def _counted_as(fact: Fact, until: datetime) -> str:
    if sums.counts(fact, until):
        return "incident"
    return "suppressed" if fact.notified is None or fact.notified >= until else "momentary"


def _who(person: int | None) -> str:
    """As Discord mentions them: a spreadsheet would round the number alone."""
    return "" if person is None else f"<@{person}>"


def _utc(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%F %T}"


def _local(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else f"{at.astimezone(zone):%F %T}"


def _seconds(took: timedelta) -> int:
    return max(0, round(took.total_seconds()))


def asked(every: Every, which: str | None, now: datetime, zone: ZoneInfo) -> Period:
    """Which week or month somebody means.

    Raises:
        UnclearError: None, one that has not begun, or one so long ago that nothing of it is kept.
    """
    today = now.astimezone(zone).date()
    try:
        day = _day(every, "last" if which is None else which, today)
        about = None if day is None else period(every, day, zone, now)
    except (ValueError, OverflowError):
        about = None
    if about is None:
        last = earlier(every, today, 1)
        written = f"{last:%F}" if every is Every.WEEK else f"{last:%Y-%m}"
        sentence = (
            f"{quoted(which or '', 40)} is no {every}: write this, last, 2 {every}s ago, or {written}. "
            f"The time zone is {zone.key}."
        )
        raise UnclearError(sentence)
    if about.since > now:
        sentence = f"{_called(about)} has not begun. It is {now.astimezone(zone):%F %H:%M} ({zone.key}) now."
        raise UnclearError(sentence)
    if about.until < now - KEPT:
        sentence = f"Nothing is kept of {_dated(about)}: what ended is deleted after {KEPT.days} days."
        raise UnclearError(sentence)
    return about


def _dated(about: Period) -> str:
    """`the week of 16 to 22 Nov 2025`: what is refused may be of any year."""
    said = days(about.every, about.first)
    return said if about.every is Every.MONTH else f"{said} {(about.first + timedelta(days=6)).year}"


def _called(about: Period) -> str:
    said = _dated(about)
    return said[0].upper() + said[1:]


def _day(every: Every, text: str, today: date) -> date | None:
    """A day of what is meant; None where that is not clear.

    Raises:
        ValueError: It is no day.
        OverflowError: There is no such day.
    """
    words = " ".join(text.casefold().split())
    if words in {"this", "now", f"this {every}", f"this {every} so far"}:
        return today
    if words in {"last", f"last {every}"}:
        return earlier(every, today, 1)
    if (ago := _AGO.fullmatch(words)) is not None:
        meant = not ago["word"] or ago["word"][0] == every.value[0]
        return earlier(every, today, int(ago["count"])) if meant and int(ago["count"]) <= PAST[every] else None
    if every is Every.MONTH and re.fullmatch(r"[0-9]{4}-[0-9]{1,2}", words):
        words = f"{words}-1"
    return datetime.strptime(words, "%Y-%m-%d").date()  # noqa: DTZ007 - a day


def suggestions(every: Every, today: date, count: int) -> list[tuple[str, str]]:
    """What can be asked for: as it is called, with its days, and as it is written."""
    written = ["this", "last", *(f"{back} {every}s ago" for back in range(2, count))]
    called = [f"this {every} so far", f"last {every}", *written[2:]]
    shown = (days(every, earlier(every, today, back)).removeprefix("the week of ") for back in range(count))
    return [(f"{name} ({which})", value) for name, which, value in zip(called, shown, written, strict=True)]
