"""What `/export` does: what was read of tokens over time becomes a file for a spreadsheet.

It is built a token and a month at a time, in a thread, and sent as soon as a part is full: a fleet of any size takes
the memory of one part. All in it are ids, times, numbers and words of ours, but for what people call a token.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import discord

from bot.chat.cards.status import unknown
from bot.chat.commands.options import several
from bot.chat.desk import Asked, Desk, UnclearError
from bot.chat.text import called, quoted
from bot.domain import info
from bot.domain.sample import Sample
from bot.domain.value import Value

COLUMNS = (
    "token",
    "utc",
    "local",
    "status",
    "active",
    "fast_time_minutes",
    "allowance_minutes",
    "queued_jobs",
    "images",
    "name",
)

USUAL = timedelta(days=30)
"""How far it goes back unless somebody says so."""

SLICE = timedelta(days=31)
"""Of one token, at once: some 5 ms of work, or 50 where each poll changed it."""

STRIDE = 4 * SLICE
"""The same at most, where nothing was before."""

KEPT = timedelta(days=3660)
"""How far back anything is kept at most, whatever is set."""

FIRST_YEAR = 1000
"""What is before is a slip, and years of fewer digits could not be told as they were written."""

LARGEST = 8 * 2**20
"""Bytes of a part. Discord takes 10 MiB a file; and what is sent is in memory meanwhile."""

MOST = 5
"""Parts of an answer."""


class Part(Value):
    """A file that is full, or the last one."""

    data: bytes
    readings: int
    token: int
    """Of the last line."""
    until: datetime
    """Of the last line."""


async def export(
    interaction: Asked, token: int | None, tokens: str | None, begin: str | None, end: str | None, *, share: bool
) -> None:
    """Answer with the files, once it is said that an answer will come."""
    desk, zone = interaction.client.desk, ZoneInfo(interaction.client.place.timezone)
    if token is not None and tokens is not None:
        sentence = "Choose one token, or write several: not both."
        raise UnclearError(sentence)
    since, until = _time(begin, end, desk.now, zone)
    known = desk.known.remembered
    chosen = tuple(sorted(known)) if tokens is None else several(tokens, known, desk.fleet.names)
    chosen = chosen if token is None else (token,)
    sent = readings = 0
    last: Part | None = None
    async for part in parts(desk, chosen, since, until, zone, LARGEST):
        if sent == MOST:
            await interaction.followup.send(_more(last, chosen, zone), ephemeral=not share)
            return
        sent, readings, last = sent + 1, readings + part.readings, part
        head = _head(part, chosen, since, until, zone, desk.fleet.names)
        words = head if sent == 1 else f"Part {sent}: {_counted(part)} more."
        await _send(interaction, words, _file(part.data, since, until, sent), first=sent == 1, share=share)
    if not readings:
        if token is not None and token not in known:
            raise UnclearError(unknown(desk.fleet, token))
        what = "Nothing is kept of that time"
        await interaction.edit_original_response(content=f"{what}: {_span(since, until, zone)}.")


async def _send(interaction: Asked, words: str, file: discord.File, *, first: bool, share: bool) -> None:
    try:
        if first:
            await interaction.edit_original_response(content=words, attachments=[file])
        else:
            await interaction.followup.send(words, file=file, ephemeral=not share)
    except discord.Forbidden as error:  # what is posted as an answer goes by the bot's own permissions
        sentence = "Discord takes no file from the bot here. Give it *Attach Files* in this channel, and try again."
        raise UnclearError(sentence) from error


async def parts(
    desk: Desk, tokens: Iterable[int], since: datetime, until: datetime, zone: ZoneInfo, largest: int
) -> AsyncIterator[Part]:
    """The files, one after the other, each with a head of its own; none where nothing was kept."""
    head = f"{','.join(COLUMNS)}\r\n".encode()
    lines, readings = bytearray(head), 0
    token, at = 0, since
    for each in tokens:
        begin, length = max(since, until - KEPT), SLICE
        while begin < until:
            end = min(begin + length, until)
            found = (await desk.history([each], begin, end))[each]
            # What begins a line at the edge was read before; and what lies on an edge would be there twice.
            of_it = [sample for sample in found if begin <= sample.at and (sample.at < end or end == until)]
            written = await asyncio.to_thread(written_as, of_it, zone, desk.fleet.names.get(each, ""))
            for sample, line in zip(of_it, written, strict=True):
                if len(lines) + len(line) > largest:
                    yield Part(bytes(lines), readings, token, at)
                    lines, readings = bytearray(head), 0
                lines += line
                readings, token, at = readings + 1, each, sample.at
            begin, length = end, SLICE if of_it else min(2 * length, STRIDE)
    if readings:
        yield Part(bytes(lines), readings, token, at)


def written_as(samples: Iterable[Sample], zone: ZoneInfo, name: str = "") -> list[bytes]:
    """The lines of these samples, of a token with that name. Nothing else needs quotation marks: it has no comma."""
    cell = _cell(name)
    return [
        f"{each.token},{each.at:%F %T},{each.at.astimezone(zone):%F %T},{each.status},{_word(each.active)}"
        f",{_number(each.fast_time)},{_number(each.allowance)},{_number(each.queued)},{_number(each.images)},{cell}\r\n".encode()
        for each in samples
    ]


def _cell(name: str) -> str:
    """Quoted where it must be; what a spreadsheet would take for a formula is text by the apostrophe before it."""
    text = f"'{name}" if name.startswith(("=", "+", "-", "@")) else name
    return '"{}"'.format(text.replace('"', '""')) if {'"', ",", ";"} & set(text) else text


def _word(active: bool | None) -> str:  # noqa: FBT001 - a figure
    return {True: "yes", False: "no", None: ""}[active]


def _number(number: float | None) -> str:
    """Without an exponent, which not every spreadsheet reads."""
    if number is None:
        return ""
    return str(number) if isinstance(number, int) else f"{number:.2f}".rstrip("0").rstrip(".")


def _time(begin: str | None, end: str | None, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From when until when.

    Raises:
        UnclearError: One is no time, or the two are no span of time that has begun.
    """
    until = now if end is None else min(_moment(end, now, zone, ends=True), now)
    since = until - USUAL if begin is None else _moment(begin, now, zone)
    if since >= until:
        sentence = f"That time is over before it begins: {_span(since, until, zone)}. It is {_shown(now, zone)} now."
        raise UnclearError(sentence)
    return since, until


def _moment(text: str, now: datetime, zone: ZoneInfo, *, ends: bool = False) -> datetime:
    """A time as people write it; the end of a day, where it ends something."""
    words, today = text.casefold().split(), now.astimezone(zone).date()
    at: datetime | None
    try:
        match words:
            case ["now"]:
                at = now
            case ["today" | "yesterday" as day]:
                here = datetime.combine(today - timedelta(days=day == "yesterday"), datetime.min.time())
                at = _here(here + timedelta(days=ends), zone)
            case [date] if "-" in date:
                at = _here(datetime.strptime(date, "%Y-%m-%d") + timedelta(days=ends), zone)  # noqa: DTZ007 - set there
            case [date, clock] if "-" in date:
                at = _here(datetime.strptime(f"{date} {clock}", "%Y-%m-%d %H:%M"), zone)  # noqa: DTZ007 - as above
            case _:
                at = now - info.duration("".join(words).removesuffix("ago"))
    except (ValueError, OverflowError):
        at = None
    if at is None or at.year < FIRST_YEAR:
        sentence = (
            f"{quoted(text, 40)} is no time: write {today:%F}, {today:%F} 08:00, yesterday or 7d, in the time zone "
            f"{zone.key}."
        )
        raise UnclearError(sentence)
    return at


def _here(wall: datetime, zone: ZoneInfo) -> datetime:
    """When the clocks of the zone show that."""
    return wall.replace(tzinfo=zone).astimezone(UTC)


def _shown(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%F %H:%M}"


def _span(since: datetime, until: datetime, zone: ZoneInfo) -> str:
    return f"{_shown(since, zone)} to {_shown(until, zone)} ({zone.key})"


def _head(
    part: Part, tokens: tuple[int, ...], since: datetime, until: datetime, zone: ZoneInfo, names: Mapping[int, str]
) -> str:
    whose = called(tokens[0], names, "token ") if len(tokens) == 1 else f"{len(tokens):,} tokens"
    return f"**{_counted(part)}** of {whose}, {_span(since, until, zone)}."


def _counted(part: Part) -> str:
    return f"{part.readings:,} reading{'s' * (part.readings > 1)}"


def _more(last: Part | None, tokens: tuple[int, ...], zone: ZoneInfo) -> str:
    """What to do about what did not fit."""
    assert last is not None  # noqa: S101 - some were sent
    ends = f"That was as much as fits: the last line is token {last.token}, {_shown(last.until, zone)}"
    rest = f"tokens:{last.token}-{tokens[-1]}" if last.token < tokens[-1] else f"from:{_shown(last.until, zone)}"
    return f"⚠️ **{ends}.** Export the rest by itself: `{rest}`, or a shorter time."


def _file(data: bytes, since: datetime, until: datetime, number: int) -> discord.File:
    name = f"tokens-{since:%Y%m%d}-{until:%Y%m%d}{f'-{number}' if number > 1 else ''}.csv"
    return discord.File(io.BytesIO(data), name)
