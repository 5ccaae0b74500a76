"""The composition root: opens, wires and closes everything, on one stack."""

import asyncio
import contextlib
import errno
import gc
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

from bot.away import Away
from bot.chat.login import LoginError
from bot.chat.premises import announcement, findings
from bot.fallback import fallback_of
from bot.leader import Lease, leading
from bot.observe.pulse import Pulse, asking, started
from bot.settings import Settings, SettingsError
from bot.storage.store import Store, open_store
from bot.term import App, beside, polling_and_delivering, tested_if_asked, wired

logger = logging.getLogger(__name__)

FIRST_POLL = timedelta(minutes=1)
"""How long the line of a start waits for the first poll, which may take nine tenths of POLL_INTERVAL."""

ENDING = timedelta(seconds=1)
"""How long after the lease was lost something may still run: the thread in which discord.py sends heartbeats."""

DEAF = timedelta(milliseconds=500)
"""What talks to Discord may miss a cancellation: discord.py waits for the gateway by `asyncio.wait_for`, and that loses
one, before Python 3.12, which comes as the wait ends."""


class PortTakenError(Exception):
    """Another program serves at PORT. It may end, as an old copy of the bot does in a deploy."""


@contextlib.asynccontextmanager
async def opened(settings: Settings, clock: Callable[[], datetime]) -> AsyncIterator[App]:
    """Open everything once the lease is there, and close it in reverse.

    Args:
        settings: What the operator configured.
        clock: The time, aware; everything that is stored or shown lives by it.

    Raises:
        StoreError: The database cannot be opened.
        SettingsError: Nothing can ever be served at PORT.
        PortTakenError: Nothing can be served there now.
    """
    async with (
        _observed(settings, clock) as pulse,
        open_store(settings.database_url.reveal()) as store,
        asking(pulse, store),
        leading(store) as lease,
        wired(settings, clock, store.in_term(lease.term), lease, pulse) as app,
        polling_and_delivering(app),
    ):
        yield app


async def run(settings: Settings, clock: Callable[[], datetime], stop: asyncio.Event) -> None:
    """Run the bot until `stop` is set.

    Raises:
        LoginError: Discord refuses the bot for good.
        StoreError: The database cannot be opened.
        SettingsError: Nothing can ever be served at PORT.
        PortTakenError: Nothing can be served there now.
    """
    async with beside(_live(settings, clock)) as living, beside(stop.wait()) as stopping:
        await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if living.done():
            living.result()


async def _live(settings: Settings, clock: Callable[[], datetime]) -> None:
    """From the opening on, which a database may hold up, until cancelled; a lease that is lost is waited for again."""
    fallback = fallback_of(settings, clock)
    away = Away(fallback.notify if fallback else None)
    async with (
        beside(away.run()),
        _observed(settings, clock) as pulse,  # before the database is there: hosts restart what does not answer
        away.opened(settings.database_url.reveal()) as store,
        asking(pulse, store),
    ):
        while await _one_term(settings, clock, store, pulse, away):
            # The fleet and the client of that term are garbage in circles, and the next term would freeze them, too.
            gc.unfreeze()
            await asyncio.sleep(ENDING.total_seconds())
            gc.collect()


async def _one_term(settings: Settings, clock: Callable[[], datetime], store: Store, pulse: Pulse, away: Away) -> bool:
    """Wait for the lease and work for as long as it lasts; False when Discord ended it, and no other is to follow.

    What is set in chat ends it as well: the next one has other settings.
    """
    anew = asyncio.Event()
    async with (
        leading(store) as lease,
        _watched(away, lease),
        wired(settings, clock, store.in_term(lease.term), lease, pulse, anew) as app,
        beside(app.client.talk(settings.discord_token.reveal()), DEAF) as talking,
        beside(lease.lost.wait()) as lost,
        polling_and_delivering(app),
        beside(tested_if_asked(app, store.in_term(lease.term))),
        beside(anew.wait()) as asked,
        beside(_look_around(app, settings)) as looking,
    ):
        ends = {talking, lost, asked}
        await asyncio.wait({*ends, looking}, return_when=asyncio.FIRST_COMPLETED)
        if looking.done():
            looking.result()
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if asked.done():
            logger.info("beginning anew with what was set in chat")
        if talking.done():
            talking.result()
        return not talking.done()


@contextlib.asynccontextmanager
async def _watched(away: Away, lease: Lease) -> AsyncIterator[None]:
    with away.watching(lambda: lease.kept or lease.lost.is_set()):
        yield


async def _look_around(app: App, settings: Settings) -> None:
    """Say what is wrong at Discord, and in one line what the bot does; beside all else, which does not wait for it.

    Raises:
        LoginError: The ops channel takes nothing before a setting is changed, and there is nobody else to tell. What a
            person can mend at Discord is waited for, and so is another channel where this one was chosen there.
    """
    ids, found = app.client.ids, await app.client.look_around()
    wrong = findings(ids, found)
    untold = settings.fallback_webhook_url is None and "OPS_CHANNEL_ID" in settings.given
    if untold and any(each.hopeless for each in wrong):
        raise LoginError("\n".join(each.words for each in wrong))
    for each in wrong:
        logger.error(each.words)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FIRST_POLL.total_seconds()):
            await app.polled.wait()
    for each in wrong:
        if each.hopeless:  # by now it is known what was told before the start
            app.outbox.blocked = True
            app.outbox.fallback.block(each.words)
    fleet = app.monitor.fleet
    tokens = None if fleet.failure or fleet.read_at is None else len(fleet.tokens)
    on_call = app.monitor.known.decisions.on_call(app.monitor.now) is not None
    logger.info(announcement(tokens, settings.poll_interval, ids, found, on_call=on_call))
    if app.fallback is not None:
        from bot.webhook import last_words  # noqa: PLC0415 - just where there is such an address

        last_words.forget(app.fallback)


@contextlib.asynccontextmanager
async def _observed(settings: Settings, clock: Callable[[], datetime]) -> AsyncIterator[Pulse]:
    """What knows how the bot is doing; it works only for those who want to know."""
    pulse = Pulse(clock, settings.poll_interval)
    async with contextlib.AsyncExitStack() as stack:
        if settings.port is not None or settings.watchdog or settings.heartbeat_url is not None:
            await stack.enter_async_context(started(pulse))
        if settings.watchdog:
            from bot.observe.watchdog import watching  # noqa: PLC0415 - just where somebody wants one

            stack.enter_context(watching(pulse))
        if settings.port is not None:
            from bot.observe.web import serving  # noqa: PLC0415 - takes memory, which a bot that nobody asks can save

            token = settings.metrics_token
            try:
                key, named = token.reveal() if token else None, settings.metrics_names
                await stack.enter_async_context(serving(pulse, settings.host, settings.port, key, named=named))
            except OSError as error:
                problem = f"PORT: nothing can be served at {settings.host}, port {settings.port}: {_reason(error)}"
                if error.errno == errno.EADDRINUSE:
                    raise PortTakenError(problem) from error
                raise SettingsError((problem,)) from error
        yield pulse


def _reason(error: OSError) -> str:
    """Why nothing can be served, in the system's words: asyncio's own change with the version of Python."""
    if isinstance(error, socket.gaierror):  # whose numbers are not the system's
        return error.strerror or "the name is not known"
    # From 3.13 on it gives no number where no address could be had.
    return os.strerror(error.errno or errno.EADDRNOTAVAIL)
