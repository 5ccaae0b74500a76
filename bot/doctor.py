"""`/admin doctor`: everything that the bot needs is tried once more while it works, all at the same time.

Nothing is posted, and what is written to the database is undone. Imported when somebody asks.
"""

import asyncio
import platform
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import aiohttp
import discord

from bot import __version__
from bot.chat.attempt import Heard
from bot.chat.cards import why
from bot.chat.checkup import Check, Verdict
from bot.chat.client import ChatClient
from bot.chat.premises import findings, lacking, told
from bot.chat.text import span
from bot.domain.digest import upcoming
from bot.domain.model import Trouble
from bot.domain.redaction import redact
from bot.domain.refusal import refusal
from bot.imaginepro.client import PASSING, ImaginePro, UpstreamError
from bot.monitor import Monitor
from bot.outbox import Outbox
from bot.settings import Settings
from bot.storage.store import Store, StoreError

DEADLINE = timedelta(seconds=12)
"""For all that is tried, at the same time: more than one attempt at ImaginePro, whose turn it may have to wait for."""

SKEW = timedelta(seconds=10)
"""By how much the clock may be wrong before anybody sees it: ages on cards, and when a refill is."""

LONGEST = 300
"""Characters of what a database says."""

PARKED_FOR = timedelta(days=1)
READINGS_LATE = 3
"""Intervals without a reading, after which the numbers are old."""


class Parts(NamedTuple):
    """What is tried."""

    settings: Settings
    clock: Callable[[], datetime]
    store: Store
    upstream: ImaginePro
    monitor: Monitor
    outbox: Outbox
    client: ChatClient
    heard: Heard


async def examined(parts: Parts) -> Sequence[Check]:
    """Try all of it."""
    trying = {
        "Discord": _discord(parts),
        "ImaginePro": _upstream(parts),
        "Database": _database(parts),
        "Outbox": _outbox(parts),
    }
    tasks = {asyncio.ensure_future(each): what for what, each in trying.items()}
    await asyncio.wait(tasks, timeout=DEADLINE.total_seconds())
    found: list[Check] = []
    for task, what in tasks.items():
        if not task.done():
            task.cancel()
            found.append(Check(Verdict.AWAY, what, f"no answer within {span(DEADLINE)}{_since(parts, what)}"))
        elif error := task.exception():
            found.append(Check(Verdict.WRONG, what, f"could not be tried ({type(error).__name__}): that is a bug"))
        else:
            found += task.result()
    return [*found, *_polls(parts), *_settings(parts), zone(parts.settings, parts.clock()), versions()]


def _since(parts: Parts, what: str) -> str:
    """What is known of something that does not answer in time: polls have more of that, and say why they fail."""
    failure = parts.monitor.fleet.failure
    last = ""
    if what == "ImaginePro" and failure is not None:
        last = f". The last poll: {why(failure.trouble, failure.status, failure.until)}"
    return f"{last}; it may pass by itself, and the log says more"


def versions() -> Check:
    """What runs."""
    parts = f"bot {__version__}", f"Python {platform.python_version()}", f"discord.py {discord.__version__}"
    return Check(Verdict.GOOD, "Versions", ", ".join((*parts, f"aiohttp {aiohttp.__version__}")))


def zone(settings: Settings, now: datetime) -> Check:
    """Whose time zone data are used, what time it is by them, and when the digest comes."""
    import tzdata  # type: ignore[import-untyped] # noqa: PLC0415 - it ships no types; only here its version matters

    here = ZoneInfo(settings.timezone)
    data = f"times of {settings.timezone} are those of tzdata {tzdata.__version__} ({tzdata.IANA_VERSION})"
    if settings.digest_at is None:
        daily = "no daily digest"
    else:
        due = upcoming(now, settings.digest_at, here).astimezone(here)
        daily = f"the next daily digest is due {due:%F %H:%M}"
    return Check(Verdict.GOOD, "Time zone", f"{data}; it is {now.astimezone(here):%F %H:%M}; {daily}")


async def _discord(parts: Parts) -> Sequence[Check]:
    """The server, the roles, and what the bot may do in the ops channel."""
    client = parts.client
    answered = await client.look_again()
    if client.found is None or not answered:
        words = "does not answer what the bot asks about its server; that may pass by itself"
        return [Check(Verdict.AWAY, "Discord", words)]
    clock = list(_clock_of_discord(parts))
    wrong = [Check(Verdict.WRONG, "Discord", each.words) for each in findings(client.ids, client.found)]
    less = [Check(Verdict.LESS, "Discord", each) for each in lacking(client.found)]
    if wrong:
        return [*wrong, *less, *clock]
    good = f"the bot sees the ops channel, sends and embeds there, and may mention whom it should; {_told(parts)}"
    return [Check(Verdict.GOOD, "Discord", good), *less, *clock]


def _told(parts: Parts) -> str:
    client = parts.client
    assert client.found is not None  # noqa: S101 - as above
    on_call = parts.monitor.known.decisions.on_call(parts.clock()) is not None
    return told(client.ids, client.found, on_call=on_call).partition(": set ALERT_ROLE_ID")[0]


def _clock_of_discord(parts: Parts) -> Iterator[Check]:
    came = parts.clock() - timedelta(seconds=asyncio.get_running_loop().time() - parts.heard.at)
    yield from _skew("Discord", parts.heard.date, came)


def _skew(whose: str, date: str, at: datetime) -> Iterator[Check]:
    """How wrong the clock is by somebody else's, as they said at `at` of ours; nothing where they said nothing."""
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    ahead = at - theirs - timedelta(milliseconds=500)  # they say whole seconds, rounded down
    if abs(ahead) <= SKEW:
        yield Check(Verdict.GOOD, "Clock", f"agrees with {whose}'s to {max(1, round(abs(ahead).total_seconds()))} s")
        return
    wrong = f"is {span(abs(ahead))} {'ahead of' if ahead > timedelta() else 'behind'} {whose}'s"
    yield Check(Verdict.WRONG, "Clock", f"{wrong}: let the bot's machine set its clock by NTP")


async def _upstream(parts: Parts) -> Sequence[Check]:
    """A real call with the key: the list that each poll reads."""
    loop = asyncio.get_running_loop()
    try:
        tokens = await parts.upstream.fleet()
    except UpstreamError as error:
        until = parts.clock() + error.retry_after if error.retry_after else None
        said = why(error.trouble, error.status, until)
        if error.trouble is Trouble.REFUSED:
            return [Check(Verdict.WRONG, "ImaginePro", f"{said}: {refusal(error.status).do.rstrip('.')}")]
        if isinstance(error, PASSING):
            return [Check(Verdict.AWAY, "ImaginePro", f"{said}; it may pass by itself, and the log says more")]
        return [Check(Verdict.WRONG, "ImaginePro", f"{said}: check IMAGINEPRO_API_URL; the log says more")]
    last = parts.upstream.last
    listed = f"the key works, and {len(tokens)} token{'s are' if len(tokens) != 1 else ' is'} listed"
    good = Check(Verdict.GOOD, "ImaginePro", f"{listed}, in {_seconds(last.took)}")
    came = parts.clock() - timedelta(seconds=loop.time() - last.at)
    return [good, *_skew("ImaginePro", last.date, came)]


async def _database(parts: Parts) -> Sequence[Check]:
    """A real write, which is undone."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        await parts.store.prove()
        await parts.store.prove_room()
    except StoreError as error:
        said = redact(str(error), parts.settings.secrets)[:LONGEST]
        mend = "check whether it is full, or may only be read" if error.unwritable else "check it, and DATABASE_URL"
        return [Check(Verdict.WRONG, "Database", f"takes no writes: {said}; {mend}")]
    return [Check(Verdict.GOOD, "Database", f"takes writes, in {_seconds(loop.time() - began)}")]


async def _outbox(parts: Parts) -> Sequence[Check]:
    now = parts.clock()
    try:
        backlog = await parts.store.backlog(now - PARKED_FOR)
    except StoreError:
        return []  # the database has its line
    found = []
    if backlog.parked:
        words = (
            f"Discord refused {backlog.parked} message{'s' * (backlog.parked > 1)} for good in the last day: "
            "`python -m bot check` says which, and why"
        )
        found.append(Check(Verdict.WRONG, "Outbox", words))
    if backlog.since is None and not backlog.waiting:
        return [*found, Check(Verdict.GOOD, "Outbox", "nothing waits to be posted")]
    oldest = f", the oldest for {span(now - backlog.since)}" if backlog.since else ""
    words = f"{backlog.waiting} message{'s' * (backlog.waiting != 1)} wait{'s' * (backlog.waiting == 1)}{oldest}"
    if parts.outbox.blocked:
        words = f"{words}: Discord does not let the bot post in the ops channel; mend what is said of Discord"
        return [*found, Check(Verdict.WRONG, "Outbox", words)]
    return [*found, Check(Verdict.GOOD if backlog.since is None else Verdict.AWAY, "Outbox", words)]


def _polls(parts: Parts) -> Iterator[Check]:
    fleet, now = parts.monitor.fleet, parts.clock()
    if fleet.read_at is None:
        yield Check(Verdict.AWAY, "Polls", "nothing was read yet; see what is said of ImaginePro")
        return
    age = now - fleet.read_at
    words = f"the last reading is {span(age)} old; one is due every {_seconds(parts.settings.poll_interval)}"
    if age > READINGS_LATE * parts.settings.poll_interval:
        yield Check(Verdict.WRONG, "Polls", f"{words}: see what is said of ImaginePro; if that is well, the log")
    else:
        yield Check(Verdict.GOOD, "Polls", words)


def _settings(parts: Parts) -> Iterator[Check]:
    """What the settings leave out or switch off, in a line."""
    settings = parts.settings
    on_call = parts.monitor.known.decisions.on_call(parts.clock()) is not None
    unset = sum(endpoint.path is None for endpoint in parts.upstream.endpoints.values())
    said = [
        "READ_ONLY is on: the bot changes nothing at ImaginePro" if settings.read_only else "",
        "" if settings.alert_role_id or on_call else "ALERT_ROLE_ID is not set: critical alerts mention nobody",
        "" if settings.operator_role_id else "OPERATOR_ROLE_ID is not set: whoever may manage the server operates",
        "" if settings.viewer_role_id else "VIEWER_ROLE_ID is not set: operators alone may look",
        f"{unset} endpoint{'s are' if unset > 1 else ' is'} not published and not set: `/admin endpoints`"
        if unset
        else "",
    ]
    known = [each for each in said if each]
    if known:
        yield Check(Verdict.LESS, "Settings", "; ".join(known))
    else:
        yield Check(Verdict.GOOD, "Settings", "all roles are set, and every endpoint")


def _seconds(time: timedelta | float) -> str:
    """`40 ms`, `1.2 s`, `1 min`."""
    seconds = time.total_seconds() if isinstance(time, timedelta) else time
    if seconds >= 60:  # noqa: PLR2004 - a minute
        return span(timedelta(seconds=seconds))
    return f"{seconds:.2g} s" if seconds >= 1 else f"{max(1, round(seconds * 1000))} ms"
