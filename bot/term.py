"""One term: all that only the copy of the bot that leads may do, wired anew each time that it comes to lead."""

import asyncio
import contextlib
import gc
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from bot import runbooks
from bot.acts import Acts
from bot.billing import Billing
from bot.chat.alerts import Alert, Roles, alert, unsaved
from bot.chat.attempt import Heard, one_try
from bot.chat.board import Boards, first_come
from bot.chat.channel import OpsChannel
from bot.chat.client import ChatClient
from bot.chat.premises import Ids, discussed
from bot.delivery.handover import Handover
from bot.domain.incidents import TEST
from bot.domain.messages import Message
from bot.domain.report import KEPT
from bot.domain.rules.policy import Policy
from bot.domain.value import replace
from bot.fallback import fallback_of
from bot.imaginepro.client import ImaginePro, connected
from bot.jobs import Job, running
from bot.leader import Lease
from bot.monitor import Monitor
from bot.observe.pulse import Parts, Pulse
from bot.outbox import Outbox
from bot.priority import Priority
from bot.saving import Saving, Trouble, speaks_for_itself
from bot.settings import Settings
from bot.settings.overlay import laid_over
from bot.storage.store import FencedError, Store, StoreError
from bot.webhook import Webhook

if TYPE_CHECKING:
    from bot.chat.checkup import Check
    from bot.chat.settable import Setup as SetupPort
    from bot.duty import RollCall
    from bot.heartbeat import Heartbeat

logger = logging.getLogger(__name__)

T = TypeVar("T")

TICK = timedelta(seconds=5)
"""How exactly reminders, silences and maintenance windows keep their time."""

FORECAST = timedelta(minutes=5)
"""How soon it is seen that a token burns fast."""

FIRST_FORECAST = timedelta(seconds=30)
"""How long after a start that is looked for: once it is known how things are."""

ACCOUNT = timedelta(hours=1)
"""How soon it is seen that credits run low, or that the plan is about to end."""

FIRST_ACCOUNT = timedelta(seconds=45)
"""How long after a start that is looked for: polls, and people, come first."""

ROTA = timedelta(minutes=1)
"""How often is looked whether it is time to ask who of the rota has left the server."""

FIRST_ROTA = timedelta(seconds=20)
"""How long after a start that is looked for."""

RETENTION = KEPT
"""How long incidents that ended stay in the database."""

FIRST_RETENTION = timedelta(minutes=1)
"""How long after a start the retention is first applied: that is in a hurry to poll and to answer."""


class App(NamedTuple):
    """The bot, wired. It polls once its jobs run, and posts once its outbox runs and its client is logged in."""

    client: ChatClient
    monitor: Monitor
    outbox: Outbox
    boards: Boards
    saving: Saving
    acts: Acts
    heartbeat: "Heartbeat | None"
    fallback: Webhook | None
    jobs: tuple[Job, ...]
    say_beside: Callable[[], Coroutine[object, object, None]]
    """Says beside the ops channel what waits, for ever."""
    polled: asyncio.Event
    """Set once a poll is stored, whether ImaginePro answered or not."""


@contextlib.asynccontextmanager
async def wired(
    environment: Settings,
    clock: Callable[[], datetime],
    store: Store,
    lease: Lease,
    pulse: Pulse,
    anew: asyncio.Event | None = None,
) -> AsyncIterator[App]:
    """All that only the copy that leads may do, from polling to posting; `anew` is set to ask for another term."""
    async with contextlib.AsyncExitStack() as stack:
        settings = await _in_effect(environment, store)
        priority, zone = Priority(), ZoneInfo(settings.timezone)
        upstream = await stack.enter_async_context(_upstream(settings, priority))
        upstream.change_only_while(lambda: lease.held)
        handover = Handover()
        monitor = Monitor(
            upstream,
            store,
            Policy(settings.thresholds, settings.poll_interval, zone=zone, digest_at=settings.digest_at),
            clock,
            handover,
            priority=priority,
        )
        channel_id = settings.ops_channel_id or 0
        if channel_id:
            await store.move_to(channel_id)
        await monitor.restore()
        # Once a term, since the end of one unfreezes all: a walk through the libraries stops the event loop for 50 ms.
        gc.freeze()
        discord_errors: Counter[str] = Counter()
        heard = Heard()
        client = ChatClient(
            monitor,
            guild_id=settings.guild_id,
            channel_id=channel_id,
            timezone=settings.timezone,
            operator_role_id=settings.operator_role_id,
            viewer_role_id=settings.viewer_role_id,
            alert_role_id=settings.alert_role_id,
            escalation_role_id=settings.escalation_role_id,
            read_only=settings.read_only,
            refresh_cooldown=settings.refresh_cooldown,
            stands=lease.stands,
            on_asked=priority.asked,
            http_trace=one_try(discord_errors, lambda: lease.held or (lease.kept and speaks_for_itself()), heard),
            proxy_for=settings.proxy_for,
        )
        client.upstream = upstream
        client.billing = billing = Billing(upstream, monitor, clock)
        stack.push_async_callback(client.close)
        acts = Acts(upstream, monitor, clock, read_only=settings.read_only, may_send=lambda: lease.held)
        client.acts = acts
        shown, telling = _voices(settings, client, monitor, store)
        fallback = fallback_of(settings, clock)
        notify = fallback.notify if fallback else None
        outbox = Outbox(store, shown, clock, handover, notify)
        boards = client.keep_boards(store, handover, first_come(outbox, handover, channel_id))
        saving = Saving(store, lease, telling, clock, behind=lambda: monitor.behind, notify=notify)
        stack.enter_context(pulse.leading(Parts(monitor, outbox, client, discord_errors)))
        client.setup = partial(_setup, environment, store, clock, anew)
        client.doctor = partial(_examined, settings, clock, store, upstream, monitor, outbox, client, heard)
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

        async def act() -> None:
            await acts.settle()
            await runbooks.work(monitor, acts)

        while_kept = partial(_while_kept, lease)
        jobs = (
            Job("poll", every=settings.poll_interval, run=while_kept(poll)),
            Job("tick", every=TICK, run=while_kept(monitor.tick)),
            Job("acts", every=TICK, run=while_kept(act)),
            Job("forecast", every=FORECAST, run=while_kept(monitor.look_ahead), first=FIRST_FORECAST),
            Job("account", every=ACCOUNT, run=while_kept(billing.look), first=FIRST_ACCOUNT),
            Job("rota", every=ROTA, run=while_kept(_roll_call(monitor, client)), first=FIRST_ROTA),
            Job("retention", every=timedelta(hours=6), run=while_kept(apply_retention), first=FIRST_RETENTION),
        )
        watched = tuple(map(pulse.watched, jobs))
        say_beside = partial(_say_beside, client, monitor, store, clock, handover, zone)
        yield App(client, monitor, outbox, boards, saving, acts, heartbeat, fallback, watched, say_beside, polled)


def _roll_call(monitor: Monitor, client: ChatClient) -> Callable[[], Awaitable[None]]:
    """Ask who of the rota has left the server; without a rota nothing of that is loaded."""
    roll: RollCall | None = None

    async def run() -> None:
        nonlocal roll
        if monitor.known.decisions.rota is None or not client.logged_in.is_set():
            return
        if roll is None:
            from bot.duty import RollCall  # noqa: PLC0415 - no start needs it

            roll = RollCall(monitor, client, client.place.guild_id)
        await roll.look()

    return run


def _voices(
    settings: Settings, client: ChatClient, monitor: Monitor, store: Store
) -> tuple[OpsChannel, Callable[[Trouble], OpsChannel]]:
    """The ops channel as the outbox speaks in it, and as it is told that nothing can be saved."""
    roles = Roles(settings.alert_role_id, settings.escalation_role_id)
    zone = ZoneInfo(settings.timezone)

    def as_of_now() -> Roles:
        shift = monitor.known.decisions.on_call(monitor.now)
        return roles if shift is None else replace(roles, on_call=shift.who, following=shift.following)

    def channel(render: Callable[[Message], Alert], rows: Store | None) -> OpsChannel:
        return OpsChannel(
            client,
            client.logged_in,
            channel_id=settings.ops_channel_id or 0,
            guild_id=settings.guild_id,
            render=render,
            rows=rows,
            on_forum=client.in_forum,
        )

    def rendered(message: Message) -> Alert:
        known, runbook = monitor.known, settings.runbook_url
        mentions = replace(as_of_now(), unmentioned=client.unmentioned_now())
        troubled, ledger, read_only = known.troubled, known.ledgers.get, settings.read_only
        where = None if client.place.forum else discussed(client.ids, client.found)
        return alert(
            message, known.fleet, mentions, runbook, troubled, zone, ledger, read_only=read_only, discussed=where
        )

    return channel(rendered, store), lambda trouble: channel(lambda _: unsaved(trouble, as_of_now()), None)


async def _say_beside(
    client: ChatClient,
    monitor: Monitor,
    store: Store,
    clock: Callable[[], datetime],
    handover: Handover,
    zone: ZoneInfo,
) -> None:
    """Say what waits for people and threads. Until there is something, nothing is loaded for it."""
    while not await _anything_beside(monitor, store):
        await handover.asides.wait()
        handover.asides.clear()
    from bot.speaking import speak  # noqa: PLC0415 - most never say anything there

    await speak(client, monitor, store, clock, handover, zone)


async def _anything_beside(monitor: Monitor, store: Store) -> bool:
    if any(each.thread for each in monitor.known.incidents.values()):
        return True
    try:
        return await store.asides_waiting() > 0
    except StoreError:  # polls say so in the log; and whoever says what waits tries again
        return True


def _while_kept(lease: Lease, work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        # Whoever is frozen in the midst of a poll wakes up to find another copy at work; the lease says so.
        with contextlib.suppress(FencedError):
            if lease.kept:
                await work()

    return run


async def _in_effect(environment: Settings, store: Store) -> Settings:
    """The settings, with what was set in chat."""
    settings, problems = laid_over(environment, await store.setup())
    for each in problems:
        logger.error("what was set in chat cannot be used: %s", each)
    return settings


def _setup(
    environment: Settings, store: Store, clock: Callable[[], datetime], anew: asyncio.Event | None
) -> "SetupPort":
    from bot.setup import Setup  # noqa: PLC0415 - no start needs it

    return Setup(environment, store, clock, anew.set if anew else None)


async def tested_if_asked(app: App, store: Store) -> None:
    """Begin with the test page that somebody asked for before this term; once one is over that they saw before."""
    with contextlib.suppress(StoreError):  # polls say so in the log; another term tries again
        asked = await store.test_asked()
        if asked is None:
            return
        by, at = asked
        await app.client.logged_in.wait()
        # One from before may be in another channel. One from since is this one, which began before a kill.
        while _tested_before(app.monitor, at):  # noqa: ASYNC110 - a minute or two, once in a life
            await asyncio.sleep(1)
        await app.monitor.test(by, await app.client.unmentioned())
        await store.forget_test()


def _tested_before(monitor: Monitor, at: datetime) -> bool:
    test = monitor.known.incidents.get(TEST)
    return test is not None and test.opened_at < at


async def _examined(*parts: Any) -> "Sequence[Check]":  # noqa: ANN401 - those of `bot.doctor.Parts`
    from bot import doctor  # noqa: PLC0415 - no start needs it

    return await doctor.examined(doctor.Parts(*parts))


@contextlib.asynccontextmanager
async def polling_and_delivering(app: App) -> AsyncIterator[None]:
    """Poll, and then deliver: what waits since the last run is posted as the first poll leaves it."""
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(running(app.jobs))
        for work in (
            app.outbox.run(),
            app.boards.run(),
            app.saving.run(),
            app.acts.run(),
            app.say_beside(),
            *([app.heartbeat.run()] if app.heartbeat else []),
        ):
            await stack.enter_async_context(beside(work))
        yield


def _heartbeat(settings: Settings, pulse: Pulse, store: Store, lease: Lease) -> "Heartbeat | None":
    if settings.heartbeat_url is None:
        return None
    from bot.heartbeat import Heartbeat, at_work  # noqa: PLC0415 - just where an address is set

    url = settings.heartbeat_url.reveal()
    return Heartbeat(url, settings.proxy_for(url), at_work(pulse, store, lambda: lease.held))


def named(settings: Settings) -> Ids:
    """What the settings name at Discord."""
    return Ids(
        settings.guild_id,
        settings.ops_channel_id or 0,
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
        endpoints=settings.endpoints,
    )


@contextlib.asynccontextmanager
async def beside(work: Coroutine[object, object, T], deaf: timedelta | None = None) -> AsyncIterator[asyncio.Task[T]]:
    """Run a coroutine beside; on leaving, cancel it, once more whenever it was `deaf` so long, until it has ended."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=None if deaf is None else deaf.total_seconds())
