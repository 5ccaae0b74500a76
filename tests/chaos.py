"""Let everything go wrong at once, at random, and count: `python -m tests.chaos --seeds 200`.

A seed is an episode of a few seconds in a town: accounts flip, people press Acknowledge and have accounts read anew,
and meanwhile one to four troubles befall the upstream, Discord, its gateway, the database, the processes of the bot, or
their clocks. Then all is well again, and the channel must tell each flip exactly once, name whoever was told that they
have an incident, and agree with the upstream; nothing may be left to tell. A town lives for some episodes, on each
engine, with one copy of the bot or more; several towns live side by side.

Times that are long in life are short here, as `tests/wire/launch.py` has it. A seed decides what befalls and when, not
what the machine makes of it: `--only --seed 17` repeats an episode as far as real processes allow. Exit code 1 if
anything was lost, doubled, taken back, forgotten or left.
"""

import argparse
import asyncio
import contextlib
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from bot.domain.incidents import Key, Rule
from bot.sandbox import imaginepro
from bot.sandbox.imaginepro import token_record
from bot.storage.store import Store, StoreError, open_store
from tests.ledger import BYSTANDER, EACH_FLIP_BY_ITSELF, GOOD, NEXT, Ledger, Story
from tests.people import People
from tests.report import Report, end
from tests.storage.servers import ENDED, Door, PgBouncer, PostgreSQL
from tests.wire.copies import Copy
from tests.wire.discord import ANSWER_WITHIN, Call, Discord, Rate
from tests.wire.faults import HANG, RESET, error, rate_limited
from tests.wire.gateway import Mood
from tests.wire.town import BASELINE, Town, town

ENGINES = ("sqlite", "postgresql")
BEHIND_A_POOLER = "pgbouncer"
"""PostgreSQL, too, through PgBouncer in transaction mode."""
TOWNS = 8
"""Side by side."""
EPISODES = 10
"""In one town, at most."""

FLIPPING = range(1900, 1906)

WINDOW = 1.5
"""Seconds in which troubles and flips begin."""
LASTS = 1.5
"""Seconds that a trouble lasts, at most."""
LONGER = 3.5
"""Seconds for which some last in addition, so that they outlast the lease: FAKE_LEASE, a look and a busy machine."""
PATIENCE = 120.0
"""Seconds after which what is not told is lost."""
DISCREET = 1.5
"""Seconds for which a town says nothing more in the end."""

TIMES = {
    "FAKE_NONCE_MEMORY": "1",
    "FAKE_GROUPING": "1",
    "FAKE_PAUSE": "1",
    "FAKE_DEADLINE": "2",
    "FAKE_LEASE": "2.5",
    "FAKE_LONGEST_PAUSE": "2",
    "FAKE_PATIENCE": "1",
    "FAKE_HEARTBEAT_TIMEOUT": "2",
}
HEARTBEAT = 0.5
"""Seconds between two heartbeats."""

SAID = 40
"""Lines of the log that are shown of a town in which something was broken."""

RULES = {"BANNED": Rule.BANNED, "VERIFYING": Rule.VERIFYING, "RELAX": Rule.DEGRADED}
"""What a bad status opens."""

ENDS_BY = {0: signal.SIGTERM, -signal.SIGTERM: signal.SIGTERM, -signal.SIGKILL: signal.SIGKILL}
"""Why a copy ends with an exit code: asked to; asked to before it could listen; killed."""
AWAY = 75
"""How a copy ends when the database is away while it starts."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What depends on how busy the machine may be."""

    nonces_kept: float = 3.0
    """Seconds for which Discord remembers a nonce; the bot counts on one."""
    answer_within: float = ANSWER_WITHIN
    """Seconds in which Discord takes an answer."""
    settings: Mapping[str, str] = field(default_factory=lambda: {"POLL_INTERVAL": "1s", "FAKE_POLL": "1"})
    """Of the bots."""


PACE = Pace()

FULL = "53100"
"""What a server says that has no room."""


@dataclass(slots=True)
class Place:
    """A town, and what can be done to it."""

    town: Town
    copies: Sequence[Copy]
    people: People
    stories: Mapping[int, Story]
    ledger: Ledger
    store: Store
    """The database by a way of its own."""
    url: str
    server: PostgreSQL | None
    door: Door | None
    """The bot's way to the server."""
    seen: Mapping[int, str] = field(default_factory=dict)
    """The statuses that the bot has stored, by token."""


Befall: TypeAlias = Callable[[Place, random.Random], AbstractAsyncContextManager[None]]
"""Makes something go wrong for as long as the context is open."""


# What befalls the upstream


UPSTREAM = (
    imaginepro.SERVER_ERROR,
    imaginepro.BAD_GATEWAY,
    imaginepro.UNAVAILABLE,
    imaginepro.WEB_PAGE,
    imaginepro.TRUNCATED,
    imaginepro.HUGE,
    imaginepro.RESET,
    imaginepro.UNAUTHORIZED,
    imaginepro.rate_limited("1"),
    imaginepro.late(0.5),
    imaginepro.late(60),
    imaginepro.dripping(0.001),
)


@asynccontextmanager
async def upstream_fails(place: Place, rng: random.Random) -> AsyncIterator[None]:
    """Each answer is an error, malformed, late, or none."""
    place.town.upstream.fail(rng.choice(UPSTREAM))
    yield
    place.town.upstream.heal()


# What befalls Discord


DISCORD = (
    error(500),
    error(502, html=True),
    error(503).after_accepting(),
    rate_limited(0.5),
    rate_limited(2),
    RESET,
    RESET.after_accepting(),
    HANG,
    HANG.after_accepting(),
    error(403, 50013, "Missing Permissions"),
)


@asynccontextmanager
async def channel_fails(place: Place, rng: random.Random) -> AsyncIterator[None]:
    """The ops channel refuses, hangs, breaks off, or takes what comes and does not say so."""
    with place.town.discord.outage(rng.choice(DISCORD), rng.choice(("*", "P*")), "/channels/*"):
        yield


@asynccontextmanager
async def api_fails(place: Place, rng: random.Random) -> AsyncIterator[None]:
    """Whatever is asked of Discord: logins, commands and answers too."""
    with place.town.discord.outage(rng.choice((error(503), RESET, rate_limited(0.5)))):
        yield


@asynccontextmanager
async def gateway_moody(place: Place, rng: random.Random) -> AsyncIterator[None]:
    """The gateway breaks off, and takes nobody for a while, or does not answer."""
    gateway = place.town.discord.gateway
    gateway.mood = rng.choice((Mood.REFUSING, Mood.SILENT, Mood.DEAF))
    if gateway.mood is not Mood.DEAF:
        await gateway.close(resumable=rng.random() < 0.5)
    yield
    gateway.mood = Mood.WELL


@asynccontextmanager
async def gateway_restarts(place: Place, rng: random.Random) -> AsyncIterator[None]:
    """The gateway breaks off, or asks to come back."""
    gateway = place.town.discord.gateway
    await (gateway.ask_to_reconnect() if rng.random() < 0.5 else gateway.close(resumable=rng.random() < 0.5))
    yield


# What befalls the database


@asynccontextmanager
async def file_locked(place: Place, rng: random.Random) -> AsyncIterator[None]:
    """Another process writes, and does not come to an end."""
    del rng
    with contextlib.closing(
        sqlite3.connect(place.url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)
    ) as other:
        for _ in range(100):
            with contextlib.suppress(sqlite3.OperationalError):
                other.execute("BEGIN IMMEDIATE")
                break
            await asyncio.sleep(0.01)
        yield


@asynccontextmanager
async def disk_full(place: Place, rng: random.Random) -> AsyncIterator[None]:
    """The kernel takes nothing more into files."""
    del rng
    async with AsyncExitStack() as stack:
        for copy in place.copies:
            stack.enter_context(copy.full_disk())
        yield


@asynccontextmanager
async def server_gone(place: Place, rng: random.Random) -> AsyncIterator[None]:
    """The server breaks every connection, and takes no new one, or does not answer those."""
    assert place.door is not None
    away = rng.random() < 0.5
    place.door.away, place.door.hangs = away, not away
    place.door.shut()
    yield
    place.door.away = place.door.hangs = False
    place.door.shut()


@asynccontextmanager
async def network_stalls(place: Place, rng: random.Random) -> AsyncIterator[None]:
    """Nothing comes through to the server, nor from it."""
    del rng
    assert place.door is not None
    with place.door.stalled():
        yield


@asynccontextmanager
async def connections_ended(place: Place, rng: random.Random) -> AsyncIterator[None]:
    """The server ends every connection, as an operator may."""
    del rng
    assert place.server is not None
    await asyncio.to_thread(place.server.disconnect, place.url)
    yield


@asynccontextmanager
async def commits_unconfirmed(place: Place, rng: random.Random) -> AsyncIterator[None]:
    """The server commits, and the connection breaks before it can say so."""
    del rng
    assert place.door is not None
    place.door.loses_commits = True
    yield
    place.door.loses_commits = False


@asynccontextmanager
async def server_full(place: Place, rng: random.Random) -> AsyncIterator[None]:
    """The server has no room for what is written."""
    del rng
    assert place.server is not None
    await asyncio.to_thread(place.server.fill, place.url)
    yield
    await asyncio.to_thread(place.server.make_room, place.url)


# What befalls the processes, and their clocks


@asynccontextmanager
async def killed(place: Place, rng: random.Random) -> AsyncIterator[None]:
    """A copy ends without a word."""
    rng.choice(place.copies).signal(signal.SIGKILL)
    yield


@asynccontextmanager
async def terminated(place: Place, rng: random.Random) -> AsyncIterator[None]:
    """A copy is asked to end."""
    rng.choice(place.copies).signal(signal.SIGTERM)
    yield


@asynccontextmanager
async def paused(place: Place, rng: random.Random) -> AsyncIterator[None]:
    """A copy stands still, and goes on later as if nothing had been."""
    copy = rng.choice(place.copies)
    copy.signal(signal.SIGSTOP)
    yield
    copy.signal(signal.SIGCONT)


@asynccontextmanager
async def clock_jumps(place: Place, rng: random.Random) -> AsyncIterator[None]:
    """A copy's clock jumps by minutes or hours, and back."""
    minutes = rng.choice((-1, 1)) * rng.choice((rng.uniform(2, 20), rng.uniform(20, 300)))
    with rng.choice(place.copies).wrong_clock(timedelta(minutes=minutes)):
        yield


ANYWHERE: Mapping[str, Sequence[Befall]] = {
    "upstream": (upstream_fails,),
    "Discord": (channel_fails, channel_fails, channel_fails, api_fails),
    "gateway": (gateway_moody, gateway_restarts),
    "process": (killed, terminated, paused),
    "clock": (clock_jumps,),
}
SERVER = (server_gone, network_stalls, connections_ended, commits_unconfirmed, server_full)
DATABASES: Mapping[str, Sequence[Befall]] = {
    "sqlite": (file_locked, disk_full),
    "postgresql": SERVER,
    BEHIND_A_POOLER: SERVER,
}


OUTLASTING = {paused, file_locked, disk_full, server_gone, network_stalls}
"""What keeps a holder from renewing its lease; in every second seed until another copy may take it."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that goes wrong in an episode."""

    at: float
    """Seconds from the beginning, as all times here."""
    lasts: float
    befall: Befall
    seed: str

    def __str__(self) -> str:
        return f"{self.at:.2f} s: {self.befall.__name__} for {self.lasts:.2f} s"


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens in an episode. The same for the same seed and engine."""

    seed: int
    troubles: tuple[Trouble, ...]
    flips: Mapping[int, tuple[float, ...]]
    """When each token flips, at the earliest: a flip before must have been stored."""
    presses: tuple[float, ...]
    """When somebody presses Acknowledge, if there is something to press."""
    refreshes: Mapping[int, float]
    """When somebody has a token read anew."""


def plan(seed: int, engine: str) -> Plan:
    """Draw up an episode."""
    rng = random.Random(f"{seed} {engine}")
    kinds = {**ANYWHERE, "database": DATABASES[engine]}
    chosen = rng.sample(sorted(kinds), rng.choice((1, 2, 2, 3, 3, 4)))
    troubles = [
        Trouble(rng.uniform(0, WINDOW), rng.uniform(0.2, LASTS), rng.choice(kinds[kind]), f"{seed} {kind}")
        for kind in chosen
    ]
    if seed % 2:
        troubles = [replace(each, lasts=each.lasts + LONGER * (each.befall in OUTLASTING)) for each in troubles]
    flipping = rng.sample(FLIPPING, rng.randint(2, 5))
    return Plan(
        seed,
        tuple(sorted(troubles, key=lambda trouble: trouble.at)),
        {token: tuple(sorted(rng.uniform(0, WINDOW) for _ in range(rng.randint(1, 2)))) for token in flipping},
        tuple(rng.uniform(0, WINDOW + LASTS) for _ in range(3)),
        {token: rng.uniform(0, WINDOW + LASTS) for token in rng.sample(FLIPPING, 2)},
    )


# An episode


async def _befall(place: Place, trouble: Trouble) -> None:
    await asyncio.sleep(trouble.at)
    async with trouble.befall(place, random.Random(trouble.seed)):
        await asyncio.sleep(trouble.lasts)


async def _flip(place: Place, story: Story, times: Sequence[float], rng: random.Random) -> None:
    """Flip at each time, but not before the bot has stored the flip before."""
    began = time.monotonic()
    for at in times:
        await asyncio.sleep(at - (time.monotonic() - began))
        story.statuses.append(rng.choice(NEXT[story.status]))
        place.town.upstream.fleet[story.token]["status"] = story.status
        with contextlib.suppress(TimeoutError):  # then it is lost, as will be seen
            async with asyncio.timeout(PATIENCE):
                while place.seen.get(story.token) != story.status:
                    await asyncio.sleep(0.05)


async def _press(place: Place, times: Sequence[float]) -> None:
    began = time.monotonic()
    for at in times:
        await asyncio.sleep(at - (time.monotonic() - began))
        place.people.press()


async def _refresh(place: Place, token: int, at: float) -> None:
    await asyncio.sleep(at)
    with contextlib.suppress(LookupError):  # no copy has registered its commands yet
        await place.town.discord.command("token", id=token, refresh=True, patience=1.0)


async def live_through(place: Place, plan: Plan) -> None:
    """Let it all happen, and be well again."""
    async with asyncio.TaskGroup() as group:
        for trouble in plan.troubles:
            group.create_task(_befall(place, trouble))
        for token, times in plan.flips.items():
            group.create_task(_flip(place, place.stories[token], times, random.Random(f"{plan.seed} {token}")))
        group.create_task(_press(place, plan.presses))
        for token, at in plan.refreshes.items():
            group.create_task(_refresh(place, token, at))
    await place.people.answered()


async def _acknowledge(place: Place) -> None:
    """Let somebody have an incident now that all is well, if nobody has one: or else nobody could be forgotten."""
    with contextlib.suppress(TimeoutError):  # then nobody was heard, as will be seen
        async with asyncio.timeout(PATIENCE):
            while not any(press.confirmed for press in place.people.presses):
                story = next(iter(place.stories.values()))
                if story.status != "BANNED":
                    story.statuses.append("BANNED")
                    place.town.upstream.fleet[story.token]["status"] = story.status
                if not place.people.press():
                    await asyncio.sleep(0.1)
                await place.people.answered()


async def _left(place: Place) -> list[str]:
    """What is otherwise in the database than it should be after everything was told."""
    waiting = await place.store.waiting()
    open_ = {key for key, incident in (await place.store.load()).incidents.items() if incident.open}
    wrong = open_ ^ {Key(RULES[each.status], each.token) for each in place.stories.values() if each.status != GOOD}
    return [f"{waiting} messages in the outbox"] * (waiting > 0) + [f"open, or should be: {key}" for key in wrong]


async def judge(place: Place) -> dict[str, list[str]]:
    """How the promises were broken in this town, by promise, once everything is told or that took too long."""
    deadline = time.monotonic() + PATIENCE
    while any((broken := await _broken(place)).values()) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    return broken


async def _broken(place: Place) -> dict[str, list[str]]:
    """What is not as it should be by now."""
    return {
        **place.ledger.broken,
        **place.people.broken,
        "left as it should not be": await _left(place),
        "answered again": [call.path for call in _answers_again(place.town.discord)],
    }


def _answers_again(discord: Discord) -> list[Call]:
    """Second answers to what somebody pressed; but a copy may repeat one that went wrong on its way."""
    answers = [call for call in discord.calls if call.path.endswith("/callback")]
    spoilt = {call.path for call in answers if call.fault is not None}
    return [call for call in answers if call.status == 400 and call.path not in spoilt]


def ended_by_itself(
    codes: Sequence[int], signals: Counter[signal.Signals], lived: Sequence[Plan], engine: str
) -> list[int]:
    """Of the exit codes of a copy those that no signal and no trouble explains."""
    sent = signals.copy()
    away = any(trouble.befall in DATABASES[engine] for each in lived for trouble in each.troubles)
    unexplained = []
    for code in codes:
        sign = ENDS_BY.get(code)
        if sign is not None and sent[sign]:
            sent[sign] -= 1
        elif code != AWAY or not away:
            unexplained.append(code)
    return unexplained


# A town, and many of them


_OPENING = asyncio.Lock()
"""One database at a time is made and migrated in a process."""


@asynccontextmanager
async def _server(engine: str) -> AsyncIterator[PostgreSQL | None]:
    """A server of the town's own, if its engine has one: the lock of writers is one for a whole database."""
    if engine == "sqlite":
        yield None
        return
    running = PostgreSQL.running()
    async with _OPENING:
        server = await asyncio.to_thread(running.__enter__)
    try:
        yield server
    finally:
        async with _OPENING:
            await asyncio.to_thread(running.__exit__, None, None, None)


@asynccontextmanager
async def _door(engine: str, server: PostgreSQL, url: str) -> AsyncIterator[Door]:
    """The bot's way to its server, maybe through a pooler."""
    with ExitStack() as stack:
        pooler = stack.enter_context(PgBouncer.running(server, url)) if engine == BEHIND_A_POOLER else None
        async with (pooler or server).door() as door:
            yield door


@asynccontextmanager
async def _place(engine: str, copies: int, seed: int, folder: Path, pace: Pace) -> AsyncIterator[Place]:
    """A town on its first day, with everything in it; `seed` decides which cards people press."""
    accounts = [token_record(token) for token in (BYSTANDER, *FLIPPING)]
    stories = {token: Story(token) for token in FLIPPING}
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(_server(engine))
        url = f"sqlite:///{folder}/bot.db" if server is None else server.new_database()
        door = await stack.enter_async_context(_door(engine, server, url)) if server is not None else None
        async with _OPENING:
            store = await stack.enter_async_context(open_store(url))
        await store.save(EACH_FLIP_BY_ITSELF, datetime.now(UTC))  # noqa: TID251 - as the bot of this town
        here = await stack.enter_async_context(town(door.url(url) if door else url, folder, accounts))
        here.environment.update(pace.settings)
        here.discord.answer_within = pace.answer_within
        here.discord.rate = Rate(5, 1.0)  # five times as fast as in life
        here.discord.board.nonce_memory = pace.nonces_kept
        here.discord.gateway.heartbeat_interval = HEARTBEAT
        place = Place(
            town=here,
            copies=[Copy(here, number, **TIMES) for number in range(copies)],
            people=People(here.discord, random.Random(seed), patience=2.0),
            stories=stories,
            ledger=Ledger(here.discord, stories.values()),
            store=store,
            url=url,
            server=server,
            door=door,
        )
        await stack.enter_async_context(_watched(place))
        for copy in place.copies:
            await stack.enter_async_context(copy.living())
        with contextlib.suppress(TimeoutError):  # then it is lost, as will be seen
            await here.until_told(BASELINE, within=PATIENCE)
        yield place


@asynccontextmanager
async def _watched(place: Place) -> AsyncIterator[None]:
    """Keep an eye on what the bot has stored."""
    watching = asyncio.create_task(_watch(place))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait({watching})


async def _watch(place: Place) -> None:
    while True:
        with contextlib.suppress(StoreError):
            memory = await place.store.load()
            place.seen = {token: record.status for token, record in memory.records.items()}
        await asyncio.sleep(0.1)


def _happened(place: Place, lived: Sequence[Plan]) -> dict[str, int]:
    """The figures of a town."""
    befell = Counter(trouble.befall.__name__.replace("_", " ") for each in lived for trouble in each.troubles)
    return {
        "seeds": len(lived),
        **place.ledger.figures,
        "refused by Discord": len(place.town.discord.refused),
        **place.people.figures,
        "starts": sum(len(copy.codes) for copy in place.copies),
        "troubles": befell.total(),
        **{f"  {name}": times for name, times in befell.items()},
    }


async def _town(report: Report, copies: int, seeds: Sequence[int], folder: Path, pace: Pace) -> Sequence[int]:
    """Live through these seeds until one goes wrong; returns those that are left then."""
    lived: list[Plan] = []
    async with _place(report.name, copies, seeds[0], folder, pace) as place:
        for seed in seeds:
            lived.append(plan(seed, report.name))
            await live_through(place, lived[-1])
            broken = await judge(place)
            if any(broken.values()):
                break
        else:
            await _acknowledge(place)
            await asyncio.sleep(DISCREET)
            broken = await judge(place)
        if place.server is not None:
            broken["said by the server to be wrong"] = place.server.errors(but=ENDED | {FULL})
    broken["ended by itself"] = [
        f"code {code}"
        for copy in place.copies
        for code in ended_by_itself(copy.codes, copy.signals, lived, report.name)
    ]
    last = lived[-1]
    report.add(
        _happened(place, lived),
        {promise: [f"{time}, with seed {last.seed}" for time in times] for promise, times in broken.items()},
    )
    if any(broken.values()):
        said = [line[:300] for copy in place.copies for line in ("", *copy.output.splitlines()[-SAID:])]
        again = f"--only --seed {last.seed} --engine {report.name} --copies {copies}"
        report.remarks += [again, *map(str, last.troubles), *said]
    return seeds[len(lived) :]


async def chaos(
    engines: Sequence[str],
    *,
    copies: int,
    seeds: Sequence[int],
    towns: int = TOWNS,
    episodes: int = EPISODES,
    pace: Pace = PACE,
) -> list[Report]:
    """Live through the seeds on each engine."""
    began = time.monotonic()
    reports = [Report(engine) for engine in engines]
    room = asyncio.Semaphore(towns)

    async def live(report: Report, seeds: Sequence[int]) -> None:
        async with room:
            while seeds:
                with tempfile.TemporaryDirectory() as name:
                    seeds = await _town(report, copies, seeds, Path(name), pace)

    async with asyncio.TaskGroup() as group:
        for start in range(0, len(seeds), episodes):
            for report in reports:
                group.create_task(live(report, seeds[start : start + episodes]))
    for report in reports:
        report.figures["seconds"] = round(time.monotonic() - began)
    return reports


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many, on each engine")
    parser.add_argument("--seed", type=int, default=1, help="the first of them")
    parser.add_argument("--only", action="store_true", help="that one alone")
    parser.add_argument("--engine", choices=DATABASES, action="append", help="one of them, instead of the first two")
    parser.add_argument("--copies", type=int, default=2, help="of the bot, in each town")
    parser.add_argument("--towns", type=int, default=TOWNS, help="side by side")
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + (1 if options.only else options.seeds))
    run = chaos(options.engine or ENGINES, copies=options.copies, seeds=seeds, towns=options.towns)
    return end(*asyncio.run(run))


if __name__ == "__main__":
    sys.exit(main())
