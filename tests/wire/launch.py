"""Runs `python -m bot` against the fake Discord: `python -P tests/wire/launch.py [arguments of the bot]`.

The addresses come from FAKE_DISCORD_API and FAKE_DISCORD_GATEWAY. Times that are too long for a test may be set, in
seconds: FAKE_NONCE_MEMORY, for which the bot counts on Discord's memory of nonces; FAKE_GROUPING, for which incidents
of one rule join the message of the first; FAKE_HEARTBEAT_TIMEOUT, for which the bot bears a gateway that says nothing,
not even to its heartbeats; FAKE_LONGEST_PAUSE, for which it leaves a gateway alone; FAKE_PAUSE, for which it leaves
alone, at most, a channel, a login, a database or an upstream that fails; FAKE_POLL, after which it polls again, while
it bears an upstream that is late for as long as POLL_INTERVAL lets it; FAKE_ACTS, for which an act is read back that
may have happened; FAKE_ANSWER, for which it waits for what its upstream says; FAKE_DEADLINE, for which it waits for a
database, or for a message to be taken, or `check` for all that it tries; FAKE_PATIENCE, for which it tries to read one
account for a person; FAKE_LEASE, for which the holder of the lease may say nothing, its other times in proportion;
FAKE_CHECK, after which the lease is renewed, and read, in any case; FAKE_LAST_WORDS, for which answers may still be
given when it is to stop; FAKE_WORRY, for which its health and its watchdog bear what is wrong, it tells nobody that it
cannot save, rests after a call of its heartbeat (a tenth of that), and the line of its start waits for the first poll.
FAKE_ELSEWHERE is the name of this process in the lease, by which other copies cannot see whether it still runs, as if
on another machine.
SIGUSR1 holds up its event loop for a minute.
FAKE_CLOCK names a file that says by how many seconds the clock of the bot is wrong; while there is none, it is right.
FAKE_LEAP names one for the clock by which the lease lasts.
FAKE_LOOKUPS names one to which the names are written that the process asks a name server for, and FAKE_MODULES one for
the modules that it had loaded when it ended.
Everything else is the real program. `-P` keeps this folder off the import path, where its `discord.py` would stand
before the library. Coverage starts by itself in a process whose environment asks for it (COVERAGE_PROCESS_START or
COVERAGE_PROCESS_CONFIG).
"""

import functools
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot import __main__ as program  # first, as in `python -m bot`: it imports with the garbage collector at rest

# isort: split

import msgspec
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
from discord.state import ConnectionState

from bot import acts, app, away, leader, outbox, saving, term
from bot.chat import client, login
from bot.chat.channel import OpsChannel
from bot.delivery import rests
from bot.imaginepro import http as upstream
from bot.jobs import Job
from bot.observe import health, pulse
from bot.storage import database
from bot.storage.store import Grouping, Store

READY_AFTER = 0.05
"""Seconds without another server until discord.py says ready; its own default is 2, and here is one server."""


def point_at(api: str, gateway: str, heartbeat_timeout: float) -> None:
    """Let discord.py of this process talk to the Discord at these addresses."""
    Route.BASE = api
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
    _by_default(ConnectionState, guild_ready_timeout=READY_AFTER, heartbeat_timeout=heartbeat_timeout)


def _by_default(kind: type, **options: object) -> None:
    """Make objects of a class with these options, where nobody says otherwise."""
    whole = kind.__init__  # type: ignore[misc] # of the class itself, not of an object

    @functools.wraps(whole)
    def made(self: Any, *args: Any, **given: Any) -> None:  # noqa: ANN401 - of any class
        whole(self, *args, **options | given)

    kind.__init__ = made  # type: ignore[misc] # as above


def remember_nonces(seconds: float) -> None:
    """Let the bot count on Discord's memory of nonces for so long, and leave it a quarter of that to take a message."""
    outbox.NONCE_MEMORY, outbox.SETTLES = timedelta(seconds=seconds), timedelta(seconds=seconds / 4)
    from bot import asides  # noqa: PLC0415 - no start needs it

    asides.NONCE_MEMORY = outbox.NONCE_MEMORY  # type: ignore[misc] # in life it is final


def group(seconds: float) -> None:
    """Let incidents of one rule join a message for so long."""
    grouping = Grouping(timedelta(seconds=seconds))
    Store.save = functools.partialmethod(Store.save, grouping=grouping)  # type: ignore[assignment] # the same call


def look_for_the_gateway(seconds: float) -> None:
    """Let the bot leave a gateway alone for so long at most."""
    login.LONGEST_PAUSE = timedelta(seconds=seconds)


def hurry(seconds: float) -> None:
    """Let the bot leave alone for so long at most what failed."""
    longest = timedelta(seconds=seconds)
    login.FIRST_PAUSE = longest / 4
    upstream._FIRST_PAUSE, upstream._LONGEST_PAUSE = seconds / 4, seconds  # type: ignore[misc] # in life they are final
    from bot import asides  # noqa: PLC0415 - no start needs it

    asides.FIRST, asides.LONGEST, asides.BLOCKED = longest / 4, longest, longest
    asides.REST = longest / 4  # type: ignore[misc] # in life it is final
    _by_default(outbox.Outbox, pace=rests.Pace(first=longest / 4, then=longest / 1.1, blocked=longest))


def poll(seconds: float) -> None:
    """Let the bot poll so often."""
    run = term.running  # type: ignore[attr-defined] # it imports it for itself

    def running(jobs: Iterable[Job]) -> AbstractAsyncContextManager[None]:
        named = {job.name: job for job in jobs}
        named["poll"] = named["poll"]._replace(every=timedelta(seconds=seconds))
        return run(named.values())

    term.running = running  # type: ignore[attr-defined, assignment] # as above


def act(seconds: float) -> None:
    """Let the bot read back acts for so long, and follow jobs and settle what is left in proportion."""
    share = seconds / acts.PACE.looks[-1].total_seconds()
    pace = acts.Pace(tuple(each * share for each in acts.PACE.looks), acts.PACE.follow * share, acts.PACE.longest)
    _by_default(acts.Acts, pace=pace)
    run = term.running  # type: ignore[attr-defined] # as above

    def running(jobs: Iterable[Job]) -> AbstractAsyncContextManager[None]:
        named = {job.name: job for job in jobs}
        named["acts"] = named["acts"]._replace(every=named["acts"].every * share)
        return run(named.values())

    term.running = running  # type: ignore[attr-defined, assignment] # as above


def answer(seconds: float) -> None:
    """Let the bot wait for an answer of ImaginePro for so long."""
    term.connected = functools.partial(term.connected, attempt_timeout=timedelta(seconds=seconds))  # type: ignore[attr-defined] # as above


def give_up(seconds: float) -> None:
    """Let the bot wait for so long at most."""
    from bot import check, doctor  # noqa: PLC0415 - as in life, where no start has them

    database.CONNECT_DEADLINE = database.STATEMENT_DEADLINE = database.LOCK_DEADLINE = seconds  # type: ignore[misc] # in life they are final
    _by_default(OpsChannel, answer=timedelta(seconds=seconds))
    check.DEADLINE = doctor.DEADLINE = timedelta(seconds=seconds)


def try_to_read(seconds: float) -> None:
    """Let the bot try for so long to read one account."""
    upstream.PATIENCE = seconds  # type: ignore[misc] # in life it is final


def finish(seconds: float) -> None:
    """Let whoever is being answered when the bot is to stop get the answer within so long."""
    client.LAST_WORDS = timedelta(seconds=seconds)


def bear(seconds: float) -> None:
    """Let health and watchdog bear for so long what is wrong; their hearts beat ten times meanwhile."""
    from bot import heartbeat  # noqa: PLC0415 - as above
    from bot.observe import watchdog  # noqa: PLC0415

    patience = timedelta(seconds=seconds)
    health.DATABASE_AWAY = health.GATEWAY_AWAY = health.UNDELIVERED = patience
    pulse.BEAT = pulse.PROBE = patience / 10
    watchdog.TURN, watchdog.PATIENCE = seconds / 10, 10
    app.FIRST_POLL = patience
    away.PACE = away.Pace(long=patience, sure=patience / 5, check=patience / 10, again=patience)
    heartbeat.REST = heartbeat.AGAIN = patience / 10
    saving.PACE = saving.Pace(
        probe=patience,
        retry=patience / 10,
        blip=patience,
        sure=patience / 5,
        calm=patience,
        again=patience,
        fallback=patience,
    )


def live_by(wrong: Callable[[], timedelta]) -> None:
    """Let the bot have a clock that is wrong by so much at each moment."""
    program._utc_now = lambda: datetime.now(UTC) + wrong()  # noqa: TID251 - this makes the clock


def _error_of(file: Path) -> timedelta:
    try:
        return timedelta(seconds=float(file.read_text()))
    except FileNotFoundError:
        return timedelta()


def lead(seconds: float) -> None:
    """Let the holder of the lease be replaced after so long."""
    share = timedelta(seconds=seconds) / leader.PACE.expiry
    leader.PACE = leader.Pace(**{each: getattr(leader.PACE, each) * share for each in leader.Pace.__struct_fields__})


def check(seconds: float) -> None:
    """Let the lease be renewed, and read by whoever stands by, so often, however long it lasts."""
    often = timedelta(seconds=seconds)
    leader.PACE = msgspec.structs.replace(leader.PACE, renewal=often, check=often)


def lead_by(ahead: Callable[[], timedelta]) -> None:
    """Let the lease last by a clock that is ahead by so much at each moment."""
    right = leader._now
    leader._now = lambda: right() + ahead().total_seconds()  # type: ignore[misc, assignment] # in life it is final


TIMES: Mapping[str, Callable[[float], None]] = {
    "FAKE_NONCE_MEMORY": remember_nonces,
    "FAKE_GROUPING": group,
    "FAKE_LONGEST_PAUSE": look_for_the_gateway,
    "FAKE_PAUSE": hurry,
    "FAKE_POLL": poll,
    "FAKE_ACTS": act,
    "FAKE_ANSWER": answer,
    "FAKE_DEADLINE": give_up,
    "FAKE_PATIENCE": try_to_read,
    "FAKE_LEASE": lead,
    "FAKE_CHECK": check,
    "FAKE_LAST_WORDS": finish,
    "FAKE_WORRY": bear,
}


def _note_lookups(file: Path, event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        with file.open("a") as notes:
            notes.write(f"{arguments[0]}\n")


def main(arguments: Sequence[str]) -> None:
    """Be the bot of this environment; ends by `SystemExit`."""
    environment = os.environ  # noqa: TID251 - this is a composition root
    silence = float(environment.get("FAKE_HEARTBEAT_TIMEOUT", "60"))
    point_at(environment["FAKE_DISCORD_API"], environment["FAKE_DISCORD_GATEWAY"], silence)
    for name, shorten in TIMES.items():
        if name in environment:
            shorten(float(environment[name]))
    if "FAKE_ELSEWHERE" in environment:
        leader.this_process = lambda: environment["FAKE_ELSEWHERE"]
    if "FAKE_CLOCK" in environment:
        live_by(functools.partial(_error_of, Path(environment["FAKE_CLOCK"])))
    if "FAKE_LEAP" in environment:
        lead_by(functools.partial(_error_of, Path(environment["FAKE_LEAP"])))
    if "FAKE_LOOKUPS" in environment:
        sys.addaudithook(functools.partial(_note_lookups, Path(environment["FAKE_LOOKUPS"])))
    signal.signal(signal.SIGUSR1, lambda *_: time.sleep(60))
    try:
        program.main(arguments)
    finally:
        if "FAKE_MODULES" in environment:
            Path(environment["FAKE_MODULES"]).write_text("\n".join(sys.modules))


if __name__ == "__main__":
    main(sys.argv[1:])
