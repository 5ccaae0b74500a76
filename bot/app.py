"""The composition root: opens, wires and closes everything, on one stack."""

import asyncio
import contextlib
import errno
import gc
import logging
import os
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from bot.away import Away
from bot.chat.alerts import Alert, Roles, alert, unsaved
from bot.chat.attempt import one_try
from bot.chat.board import Boards, first_come
from bot.chat.channel import OpsChannel
from bot.chat.client import ChatClient
from bot.chat.login import LoginError
from bot.chat.premises import Ids, announcement, findings, unmentioned
from bot.delivery.handover import Handover
from bot.domain.messages import Message
from bot.domain.rules.policy import Policy
from bot.domain.value import replace
from bot.heartbeat import Heartbeat, at_work
from bot.imaginepro.client import ImaginePro, connected
from bot.jobs import Job, running
from bot.leader import Lease, leading
from bot.monitor import Monitor
from bot.observe.pulse import Parts, Pulse, asking, started
from bot.observe.watchdog import watching
from bot.outbox import Outbox
from bot.priority import Priority
from bot.saving import Saving, Trouble, speaks_for_itself
from bot.settings import Settings, SettingsError, proxy_for
from bot.storage.store import FencedError, Store, open_store
from bot.webhook import Webhook, last_words

logger = logging.getLogger(__name__)

T = TypeVar("T")

TICK = timedelta(seconds=5)
"""How exactly reminders, silences and maintenance windows keep their time."""

FORECAST = timedelta(minutes=5)
"""How soon it is seen that a token burns fast."""

FIRST_FORECAST = timedelta(seconds=30)
"""How long after a start that is looked for: once it is known how things are."""

RETENTION = timedelta(days=90)
"""How long incidents that ended stay in the database."""

FIRST_RETENTION = timedelta(minutes=1)
"""How long after a start the retention is first applied: that is in a hurry to poll and to answer."""

FIRST_POLL = timedelta(minutes=1)
"""How long the line of a start waits for the first poll, which may take nine tenths of POLL_INTERVAL."""

ENDING = timedelta(seconds=1)
"""How long after the lease was lost something may still run: the thread in which discord.py sends heartbeats."""

DEAF = timedelta(milliseconds=500)
"""What talks to Discord may miss a cancellation: discord.py waits for the gateway by `asyncio.wait_for`, and that loses
one, before Python 3.12, which comes as the wait ends."""


class PortTakenError(Exception):
    """Another program serves at PORT. It may end, as an old copy of the bot does in a deploy."""


class App(NamedTuple):
    """The bot, wired. It polls once its jobs run, and posts once its outbox runs and its client is logged in."""

    client: ChatClient
    monitor: Monitor
    outbox: Outbox
    boards: Boards
    saving: Saving
    heartbeat: Heartbeat | None
    fallback: Webhook | None
    jobs: tuple[Job, ...]
    polled: asyncio.Event
    """Set once a poll is stored, whether ImaginePro answered or not."""


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
        _at_work(settings, clock, store.in_term(lease.term), lease, pulse) as app,
        _polling_and_delivering(app),
    ):
        yield app


@contextlib.asynccontextmanager
async def _at_work(
    settings: Settings, clock: Callable[[], datetime], store: Store, lease: Lease, pulse: Pulse
) -> AsyncIterator[App]:
    """All that only the copy that leads may do, from polling to posting."""
    async with contextlib.AsyncExitStack() as stack:
        priority, zone = Priority(), ZoneInfo(settings.timezone)
        upstream = await stack.enter_async_context(_upstream(settings, priority))
        handover = Handover()
        monitor = Monitor(
            upstream,
            store,
            Policy(settings.thresholds, settings.poll_interval, zone=zone, digest_at=settings.digest_at),
            clock,
            handover,
            priority=priority,
        )
        await store.move_to(settings.ops_channel_id)
        await monitor.restore()
        # Once a term, since the end of one unfreezes all: a walk through the libraries stops the event loop for 50 ms.
        gc.freeze()
        discord_errors: Counter[str] = Counter()
        client = ChatClient(
            monitor,
            guild_id=settings.guild_id,
            channel_id=settings.ops_channel_id,
            timezone=settings.timezone,
            operator_role_id=settings.operator_role_id,
            viewer_role_id=settings.viewer_role_id,
            alert_role_id=settings.alert_role_id,
            escalation_role_id=settings.escalation_role_id,
            read_only=settings.read_only,
            stands=lease.stands,
            on_asked=priority.asked,
            http_trace=one_try(discord_errors, may_speak=lambda: lease.held or (lease.kept and speaks_for_itself())),
            proxy_for=settings.proxy_for,
        )
        stack.push_async_callback(client.close)
        roles = Roles(settings.alert_role_id, settings.escalation_role_id)

        def channel(render: Callable[[Message], Alert]) -> OpsChannel:
            channel_id, guild_id = settings.ops_channel_id, settings.guild_id
            return OpsChannel(client, client.logged_in, channel_id=channel_id, guild_id=guild_id, render=render)

        def rendered(message: Message) -> Alert:
            mentions = replace(roles, unmentioned=unmentioned(client.ids, client.found))
            known, runbook = monitor.known, settings.runbook_url
            return alert(message, known.fleet, mentions, runbook, known.troubled, zone, known.ledgers.get)

        def telling(trouble: Trouble) -> OpsChannel:
            return channel(lambda _: unsaved(trouble, roles))

        fallback = fallback_of(settings, clock)
        notify = fallback.notify if fallback else None
        outbox = Outbox(store, channel(rendered), clock, handover, notify)
        boards = client.keep_boards(store, handover, first_come(outbox, handover, settings.ops_channel_id))
        saving = Saving(store, lease, telling, clock, behind=lambda: monitor.behind, notify=notify)
        stack.enter_context(pulse.leading(Parts(monitor, outbox, client, discord_errors)))

        polled = asyncio.Event()
        heartbeat = _heartbeat(settings, pulse, store, lease)

        async def poll() -> None:
            await monitor.poll()
            boards.polled()
            polled.set()
            if heartbeat is not None:
                heartbeat.polled()

        async def apply_retention() -> None:
            await store.prune(clock() - RETENTION)
            await store.prune_history(clock(), settings.history_raw, settings.history_hourly)

        def while_kept(work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
            async def run() -> None:
                # Whoever is frozen in the midst of a poll wakes up to find another copy at work; the lease says so.
                with contextlib.suppress(FencedError):
                    if lease.kept:
                        await work()

            return run

        jobs = (
            Job("poll", every=settings.poll_interval, run=while_kept(poll)),
            Job("tick", every=TICK, run=while_kept(monitor.tick)),
            Job("forecast", every=FORECAST, run=while_kept(monitor.look_ahead), first=FIRST_FORECAST),
            Job("retention", every=timedelta(hours=6), run=while_kept(apply_retention), first=FIRST_RETENTION),
        )
        yield App(client, monitor, outbox, boards, saving, heartbeat, fallback, tuple(map(pulse.watched, jobs)), polled)


@contextlib.asynccontextmanager
async def _polling_and_delivering(app: App) -> AsyncIterator[None]:
    """Poll, and then deliver: what waits since the last run is posted as the first poll leaves it."""
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(running(app.jobs))
        for work in (
            app.outbox.run(),
            app.boards.run(),
            app.saving.run(),
            *([app.heartbeat.run()] if app.heartbeat else []),
        ):
            await stack.enter_async_context(_task(work))
        yield


async def run(settings: Settings, clock: Callable[[], datetime], stop: asyncio.Event) -> None:
    """Run the bot until `stop` is set.

    Raises:
        LoginError: Discord refuses the bot for good.
        StoreError: The database cannot be opened.
        SettingsError: Nothing can ever be served at PORT.
        PortTakenError: Nothing can be served there now.
    """
    async with _task(_live(settings, clock)) as living, _task(stop.wait()) as stopping:
        await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if living.done():
            living.result()


async def _live(settings: Settings, clock: Callable[[], datetime]) -> None:
    """From the opening on, which a database may hold up, until cancelled; a lease that is lost is waited for again."""
    fallback = fallback_of(settings, clock)
    away = Away(fallback.notify if fallback else None)
    async with (
        _task(away.run()),
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
    """Wait for the lease and work for as long as it lasts; False when Discord ended it, and no other is to follow."""
    async with (
        leading(store) as lease,
        _watched(away, lease),
        _at_work(settings, clock, store.in_term(lease.term), lease, pulse) as app,
        _task(app.client.talk(settings.discord_token.reveal()), DEAF) as talking,
        _task(lease.lost.wait()) as lost,
        _polling_and_delivering(app),
        _task(_look_around(app, settings)) as looking,
    ):
        await asyncio.wait({talking, lost, looking}, return_when=asyncio.FIRST_COMPLETED)
        if looking.done():
            looking.result()
            await asyncio.wait({talking, lost}, return_when=asyncio.FIRST_COMPLETED)
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
            person can mend at Discord is waited for.
    """
    ids, found = app.client.ids, await app.client.look_around()
    wrong = findings(ids, found)
    if settings.fallback_webhook_url is None and any(each.hopeless for each in wrong):
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
    logger.info(announcement(tokens, settings.poll_interval, ids, found))
    if app.fallback is not None:
        last_words.forget(app.fallback)


@contextlib.asynccontextmanager
async def _observed(settings: Settings, clock: Callable[[], datetime]) -> AsyncIterator[Pulse]:
    """What knows how the bot is doing; it works only for those who want to know."""
    pulse = Pulse(clock, settings.poll_interval)
    async with contextlib.AsyncExitStack() as stack:
        if settings.port is not None or settings.watchdog or settings.heartbeat_url is not None:
            await stack.enter_async_context(started(pulse))
        if settings.watchdog:
            stack.enter_context(watching(pulse))
        if settings.port is not None:
            from bot.observe.web import serving  # noqa: PLC0415 - takes memory, which a bot that nobody asks can save

            token = settings.metrics_token
            try:
                await stack.enter_async_context(
                    serving(pulse, settings.host, settings.port, token.reveal() if token else None)
                )
            except OSError as error:
                problem = f"PORT: nothing can be served at {settings.host}, port {settings.port}: {_reason(error)}"
                if error.errno == errno.EADDRINUSE:
                    raise PortTakenError(problem) from error
                raise SettingsError((problem,)) from error
        yield pulse


def fallback_of(settings: Settings, clock: Callable[[], datetime]) -> Webhook | None:
    """Who is told what nobody in the ops channel can hear of."""
    if settings.fallback_webhook_url is None:
        return None
    url = settings.fallback_webhook_url.reveal()
    return Webhook(url, clock, settings.proxy_for(url), settings.secrets)


def fallback_in_spite_of(error: SettingsError, clock: Callable[[], datetime]) -> Webhook | None:
    """The same, where other settings are wrong."""
    if error.known.get("fallback_webhook_url") is None:
        return None
    url = error.known["fallback_webhook_url"].reveal()
    proxies = {scheme: error.known.get(f"{scheme}_proxy") for scheme in ("http", "https")}
    return Webhook(url, clock, proxy_for(url, proxies, error.known.get("no_proxy")), error.secrets)


def _reason(error: OSError) -> str:
    """Why nothing can be served, in the system's words: asyncio's own change with the version of Python."""
    if isinstance(error, socket.gaierror):  # whose numbers are not the system's
        return error.strerror or "the name is not known"
    # From 3.13 on it gives no number where no address could be had.
    return os.strerror(error.errno or errno.EADDRNOTAVAIL)


def _heartbeat(settings: Settings, pulse: Pulse, store: Store, lease: Lease) -> Heartbeat | None:
    if settings.heartbeat_url is None:
        return None
    url = settings.heartbeat_url.reveal()
    return Heartbeat(url, settings.proxy_for(url), at_work(pulse, store, lambda: lease.held))


def named(settings: Settings) -> Ids:
    """What the settings name at Discord."""
    return Ids(
        settings.guild_id,
        settings.ops_channel_id,
        settings.operator_role_id,
        settings.alert_role_id,
        settings.escalation_role_id,
        settings.viewer_role_id,
    )


def _upstream(settings: Settings, priority: Priority) -> contextlib.AbstractAsyncContextManager[ImaginePro]:
    return connected(
        url=settings.api_url,
        api_key=settings.api_key.reveal(),
        rate=settings.rate_limit,
        # A poll that uses it up has ended when the next one is due.
        budget=settings.poll_interval * 0.9,
        priority=priority,
        proxy=settings.proxy_for(settings.api_url),
    )


@contextlib.asynccontextmanager
async def _task(work: Coroutine[object, object, T], deaf: timedelta | None = None) -> AsyncIterator[asyncio.Task[T]]:
    """Run a coroutine beside; on leaving, cancel it, once more whenever it was `deaf` so long, until it has ended."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=None if deaf is None else deaf.total_seconds())
