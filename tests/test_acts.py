"""Acts over HTTP: one request each, and what became of it is known, stored and told, whatever fails in between."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa

from bot.acts import ActRefused, Acts, new_id
from bot.chat.alerts.acted import acted
from bot.delivery.handover import Handover
from bot.domain.acts import Act, Kind, State
from bot.domain.incidents import Key, Rule
from bot.domain.jobs import JobStatus
from bot.domain.model import Status
from bot.domain.rules.policy import Policy
from bot.domain.value import replace
from bot.imaginepro.client import ImaginePro, connected
from bot.imaginepro.endpoints import ENDPOINTS, placed
from bot.imaginepro.errors import UpstreamError
from bot.monitor import Monitor
from bot.sandbox import imaginepro as sandbox
from bot.sandbox.imaginepro import Fault, Upstream, serving, token_record
from bot.storage.schema import acts as rows
from bot.storage.schema import messages
from bot.storage.store import Store, StoreUnavailableError, open_store
from tests.leap import leaping, time_of_day  # noqa: F401 - time leaps in all tests of this module
from tests.test_canary import ACCOUNT, ECHOES, FAILURE, KEY, REFUSAL, found

ANA, BEN = 41, 42
HANGS = sandbox.HANG_AFTER
FOUND = {
    name: placed(each, sandbox.ENVIRONMENT[each.variable])
    for name, each in ENDPOINTS.items()
    if each.variable in sandbox.ENVIRONMENT
}
"""What ImaginePro does not publish, where the simulated one has it."""
BANNED = Key(Rule.BANNED, 1900)


class Disk(Store):
    """A database that may refuse."""

    refuses: Callable[[Any], bool] = staticmethod(lambda _: False)
    """What is to be refused: asked of the changes."""
    loses: Callable[[Any], bool] = staticmethod(lambda _: False)
    """What is stored, though nobody hears of it."""

    async def save(self, changes: Any, now: Any, **more: Any) -> Any:  # type: ignore[override] # noqa: ANN401 - the same call
        """Store it, unless that is refused."""
        if self.refuses(changes):
            reason = "the disk is full"
            raise StoreUnavailableError(reason, unwritable=True)
        stored = await super().save(changes, now, **more)
        if self.loses(changes):
            reason = "the connection broke"
            raise StoreUnavailableError(reason)
        return stored


@dataclass
class Ward:
    """The bot, as far as acts go."""

    upstream: Upstream
    api: ImaginePro
    store: Disk
    monitor: Monitor
    acts: Acts

    async def do(self, *acts: Act, asked_ago: float = 1, **more: Any) -> tuple[Act, ...]:  # noqa: ANN401 - of `Acts.do`
        """Confirm them."""
        return await self.acts.do(*acts, asked_at=time_of_day() - timedelta(seconds=asked_ago), **more)

    async def told(self) -> list[str]:
        """What the channel is told of acts."""
        found = sa.select(messages.c.notice).where(messages.c.notice.is_not(None)).order_by(messages.c.id)
        notices = await self.store.database.read(lambda connection: list(connection.scalars(found)))
        drafts = [acted(notice, ()) for notice in notices if notice.acts]
        return ["\n".join([f"{draft[0][0]} {draft[1]}", *map(str, draft[2])]) for draft in drafts]

    async def audit(self) -> list[str]:
        """The audit trail, oldest first."""
        entries = reversed(await self.store.audit(100))
        return [" · ".join(filter(None, [f"{each.by} {each.act}: {each.what}", each.reason])) for each in entries]

    async def stored(self) -> list[State]:
        """The states of all acts."""
        found = sa.select(rows.c.act).order_by(rows.c.at, rows.c.subject)
        stored = await self.store.database.read(lambda connection: list(connection.scalars(found)))
        return [each.state for each in stored]

    @property
    def sent(self) -> int:
        """How many requests there were that change something."""
        return sum(call.method != "GET" for call in self.upstream.calls)

    def on(self, token: int = 1900) -> bool:
        """Whether ImaginePro has that token on."""
        return bool(self.upstream.fleet[token]["isActive"])


@asynccontextmanager
async def ward(
    url: str,
    upstream: Upstream | None = None,
    clock: Callable[[], datetime] = time_of_day,
    **more: Any,  # noqa: ANN401 - of `Acts`
) -> AsyncIterator[Ward]:
    """A bot that has polled once, and is killed in the end, as far as acts can be."""
    upstream = upstream or Upstream((token_record(1900), token_record(1901), token_record(1902)))
    async with AsyncExitStack() as stack:
        root = await stack.enter_async_context(serving(upstream))
        api = await stack.enter_async_context(
            connected(
                url=root,
                api_key=upstream.api_key,
                rate=(20, timedelta(seconds=1)),
                budget=timedelta(seconds=9),
                endpoints={**ENDPOINTS, **FOUND},
            )
        )
        opened = await stack.enter_async_context(open_store(url))
        store = Disk(opened.database, opened.installation)
        monitor = Monitor(api, store, Policy(), clock, Handover())
        await monitor.restore()
        await monitor.poll()
        acts = Acts(api, monitor, clock, **more)
        running = asyncio.create_task(acts.run())
        await asyncio.sleep(0)
        try:
            yield Ward(upstream, api, store, monitor, acts)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def off(token: int = 1900, by: int = ANA, **more: Any) -> Act:  # noqa: ANN401 - of an act
    """Somebody wants a token to be off."""
    return replace(Act(new_id(), Kind.TOGGLE, "off", time_of_day(), token=token, by=by), **more)


async def test_what_is_done_well_is_sent_once_and_told_before_and_after(database_url: str) -> None:
    async with ward(database_url) as bot:
        (done,) = await bot.do(off(reason="banned for good"))
        assert (done.state, bot.sent, bot.on()) == (State.DONE, 1, False)
        assert bot.monitor.fleet.tokens[1900].active is False, "cards are right at once"
        assert bot.monitor.fleet.tokens[1900].fast_time.known, "an answer may leave its info out"
        assert await bot.told() == ["🔧 1900 was switched off by <@41>: banned for good"]
        assert await bot.audit() == ["41 about to: switch 1900 off · banned for good", "41 done: switch 1900 off"]
        assert await bot.stored() == [State.DONE]


REFUSED = [
    pytest.param(fault, words, id=words)
    for fault, words in (
        (sandbox.UNAUTHORIZED, "ImaginePro refuses the API key"),
        (sandbox.FORBIDDEN, "ImaginePro forbids this call"),
        (sandbox.NOT_FOUND, "ImaginePro knows no such thing"),
        (sandbox.rate_limited(), "too many calls"),
    )
]


@pytest.mark.parametrize(("fault", "words"), REFUSED)
async def test_what_is_refused_is_not_done_and_not_read_back(sqlite_url: str, fault: Fault, words: str) -> None:
    async with ward(sqlite_url) as bot:
        bot.upstream.fail(fault, times=1)
        (act,) = await bot.do(off())
        assert (act.state, bot.sent, bot.on()) == (State.NOT_DONE, 1, True)
        (told,) = await bot.told()
        assert told.startswith("✖️ 1900 could not be switched off, as <@41> asked: ")
        assert words in told
        assert [line.partition(" · ")[0] for line in await bot.audit()] == [
            "41 about to: switch 1900 off",
            "41 not done: switch 1900 off",
        ]


@pytest.mark.parametrize("fault", [sandbox.SERVER_ERROR, sandbox.BAD_GATEWAY, sandbox.WEB_PAGE, sandbox.RESET])
async def test_what_can_be_read_and_has_not_happened_in_half_a_minute_was_not_done(
    sqlite_url: str, fault: Fault
) -> None:
    async with ward(sqlite_url) as bot:
        bot.upstream.fail(fault, times=1)
        (act,) = await bot.do(off())
        assert (act.state, act.told, bot.sent, bot.on()) == (State.UNKNOWN, State.NOT_DONE, 1, True)
        (told,) = await bot.told()
        assert told.startswith("✖️ 1900 could not be switched off, as <@41> asked: ")
        assert told.endswith(r"\, and 30 s later 1900 was still on")


async def test_what_can_be_read_but_does_not_say_is_said_to_be_not_known(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        bot.upstream.fleet[1900]["isActive"] = None
        bot.upstream.fail(sandbox.RESET, times=1)
        (act,) = await bot.do(off())
        assert (act.state, bot.sent) == (State.UNKNOWN, 1)
        (told,) = await bot.told()
        assert told.startswith("❔ It is not known whether 1900 was switched off, as <@41> asked: ")


@pytest.mark.parametrize("fault", [sandbox.TRUNCATED, HANGS])
async def test_what_happened_though_nobody_said_so_is_read_back(sqlite_url: str, fault: Fault) -> None:
    async with ward(sqlite_url) as bot:
        bot.upstream.fail(fault, times=1)
        (act,) = await bot.do(off())
        assert (act.state, bot.sent, bot.on()) == (State.DONE, 1, False)
        (told,) = await bot.told()
        assert told.startswith("🔧 1900 was switched off by <@41>: ")
        assert told.endswith(r"\, but 1900 is off")


def _running(upstream: Upstream) -> Act:
    job = upstream.begun("a tree", 1900)
    job.runs = 10**6
    return Act(new_id(), Kind.CANCEL, "", time_of_day(), job=job.id, by=ANA)


KINDS: dict[str, Callable[[Upstream], Act]] = {
    "TOGGLE": lambda _: off(),
    "COMMANDS": lambda _: off(kind=Kind.MODE, wanted="relax"),
    "IMAGINE": lambda upstream: off(kind=Kind.PROBE, wanted=f"a tree --seed {len(upstream.jobs)}"),
    "BUTTON": _running,
    "QUEUE_PAUSE": lambda _: off(kind=Kind.QUEUE, wanted="pause"),
    "BANWORDS_UPDATE": lambda _: off(kind=Kind.BANWORDS, wanted="+red moon -gore"),
}
"""An act of each kind, by the endpoint that it asks; that of `REFRESH` asks the same as that of `MODE`."""

TELLS = set(KINDS) - {"QUEUE_PAUSE"}
"""Those that can be read back."""


@pytest.mark.parametrize("endpoint", KINDS)
async def test_whatever_goes_wrong_each_kind_is_done_once_or_not_and_said_so(sqlite_url: str, endpoint: str) -> None:
    async with ward(sqlite_url) as bot:
        for number, (name, fault) in enumerate({"nothing": Fault(), **sandbox.WRONG}.items()):
            bot.upstream.fleet[1900] |= {"isActive": True, "status": "FAST"}
            bot.upstream.ban_words = ["gore"]
            await bot.monitor.poll()
            bot.upstream.fail(fault, times=1, at=endpoint)
            before = bot.upstream.done(endpoint)
            (act,) = await bot.do(KINDS[endpoint](bot.upstream))
            done = bot.upstream.done(endpoint) - before
            assert done <= 1, name
            assert (act.state is State.DONE) <= (done == 1), (name, act)
            assert (act.state is State.NOT_DONE) <= (done == 0), (name, act)
            if endpoint in TELLS and done:
                assert act.state is State.DONE, (name, act)
            if name in {"401", "402", "403", "429"}:  # of 404 the other path is tried
                assert act.state is State.NOT_DONE, (name, act)
            assert len(await bot.told()) == number + 1, name
            assert len(await bot.audit()) == 2 * (number + 1), name
            await asyncio.sleep(4000)


@pytest.mark.parametrize("endpoint", ["TOGGLE", "COMMANDS", "QUEUE_PAUSE"])
async def test_no_outcome_holds_a_secret_that_an_answer_repeats(sqlite_url: str, endpoint: str) -> None:
    upstream = Upstream((token_record(1900),), canary=ACCOUNT, api_key=KEY)
    async with ward(sqlite_url, upstream) as bot:
        for echo in (REFUSAL, FAILURE, *ECHOES):
            upstream.fleet[1900] |= {"isActive": True, "status": "FAST"}
            await bot.monitor.poll()
            upstream.fail(echo, times=2, at=endpoint)
            await bot.do(KINDS[endpoint](upstream))
            upstream.heal()
            await asyncio.sleep(4000)
        lines, entries = await bot.told(), await bot.audit()
        assert len(lines) == len(ECHOES) + 2
        stored = str([*(await _ids(bot)).values()])
        assert found({"channel": str(lines), "audit": str(entries), "acts": stored}) == set()


async def test_a_job_is_followed_to_its_end_and_told_then(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        heard: list[object] = []

        async def tell(act: Act) -> None:
            job = bot.acts.jobs.get(act.id)
            heard.append(job.status if job else act.state)

        (act,) = await bot.do(off(kind=Kind.PROBE, wanted="a tree --seed 1"), tell=tell)
        assert (act.state, act.followed in bot.upstream.jobs) == (State.DONE, True)
        assert heard == [State.BEGUN, JobStatus.QUEUED, JobStatus.PROCESSING, JobStatus.DONE, State.DONE]
        bot.upstream.jobs[act.followed].ends = lambda: None
        (mode,) = await bot.do(off(kind=Kind.MODE, wanted="relax"))
        assert mode.state is State.DONE
        assert bot.monitor.fleet.tokens[1900].status is Status.RELAX
        assert await bot.told() == [
            "🔧 A test job for 1900 was run by <@41>",
            "🔧 1900 was switched to relax by <@41>",
        ]


async def test_a_group_is_given_up_once_three_in_a_row_are_not_done(sqlite_url: str) -> None:
    """At ImaginePro's pace a hundred that fail would take an hour, in which nobody hears of them."""
    upstream = Upstream(tuple(token_record(each) for each in range(1900, 1908)))
    async with ward(sqlite_url, upstream) as bot:
        upstream.fail(sandbox.FORBIDDEN, times=1, at="TOGGLE")
        some, others = (
            [off(token=each, batch=f"b{least}", id=f"a{each}") for each in range(least, most)]
            for least, most in ((1900, 1903), (1903, 1908))
        )
        first, *rest = await bot.do(*some)
        assert (first.state, {each.state for each in rest}) == (State.NOT_DONE, {State.DONE})
        upstream.fail(sandbox.FORBIDDEN, at="TOGGLE")
        before = bot.sent
        acts = await bot.do(*others)
        assert ({each.state for each in acts}, bot.sent - before) == ({State.NOT_DONE}, 3)
        assert acts[-1].why == "it was never sent, as the 3 before could not be done"
        assert (await bot.told())[-1].splitlines()[-1].startswith("1906 and 1907 could not be switched off")


async def test_a_command_of_which_imaginepro_knows_no_job_is_not_followed_for_long(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        bot.upstream.fail(sandbox.NOT_FOUND, at="PROGRESS")
        began = time_of_day()
        (act,) = await bot.do(off(kind=Kind.MODE, wanted="relax"))
        assert (act.state, time_of_day() - began < timedelta(minutes=2)) == (State.DONE, True)
        assert act.why.endswith("but 1900 is relax")


@pytest.mark.parametrize(
    ("wanted", "state", "why"),
    [
        ("turbo", State.UNKNOWN, "30 s later ImaginePro said FAST, which does not tell"),
        ("fast", State.UNKNOWN, "30 s later ImaginePro said FAST, which does not tell"),
        ("relax", State.DONE, "but 1900 is relax"),
    ],
)
async def test_what_no_reading_can_tell_of_a_mode_is_not_known(
    sqlite_url: str, wanted: str, state: State, why: str
) -> None:
    """Most records have no `jobMode`: then a status of FAST is turbo as well."""
    upstream = Upstream((token_record(1900, jobMode=""),), tells=frozenset({"status"}))
    async with ward(sqlite_url, upstream) as bot:
        upstream.fail(sandbox.TRUNCATED, times=1, at="COMMANDS")
        (act,) = await bot.do(off(kind=Kind.MODE, wanted=wanted))
        assert (act.state, upstream.done("COMMANDS", f"1900 {wanted}")) == (state, 1)
        assert act.why.endswith(why)


async def test_a_job_that_fails_is_said_to_and_one_without_end_is_not_waited_for(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        (probe,) = await bot.do(off(kind=Kind.PROBE, wanted="nude --seed 1"))
        assert (probe.state, probe.why) == (State.DONE, "its job failed: Banned prompt detected: nude")
        bot.upstream.runs = 10**6
        began = time_of_day()
        (endless,) = await bot.do(off(kind=Kind.REFRESH, wanted=""))
        assert endless.state is State.DONE, "a command takes no time"
        (endless,) = await bot.do(off(kind=Kind.PROBE, wanted="a tree --seed 2"), asked_ago=-1)
        assert (endless.state, endless.why) == (
            State.DONE,
            "its job was not over after 14 min, but there is an image of it",
        )
        assert time_of_day() - began < timedelta(minutes=15)


async def test_a_job_that_nobody_followed_for_hours_is_asked_for_once_more(sqlite_url: str) -> None:
    upstream = Upstream((token_record(1900),))
    async with ward(sqlite_url, upstream) as bot:
        acting = asyncio.create_task(bot.do(off(kind=Kind.REFRESH, wanted="")))
        bot.upstream.fail(sandbox.SERVER_ERROR, at="PROGRESS")
        await asyncio.sleep(60)
    with suppress(asyncio.CancelledError, ActRefused):
        await acting
    upstream.heal()
    await asyncio.sleep(5 * 3600)
    async with ward(sqlite_url, upstream) as bot:
        await bot.acts.settle()
        await asyncio.sleep(60)
        assert await bot.stored() == [State.DONE]
        assert upstream.done("COMMANDS") == 1


async def test_a_job_is_followed_no_longer_though_the_clock_is_set_back_by_days(sqlite_url: str) -> None:
    upstream = Upstream((token_record(1900),))
    upstream.runs = 10**6
    async with ward(sqlite_url, upstream) as bot:
        acting = asyncio.create_task(bot.do(off(kind=Kind.PROBE, wanted="a tree --seed 1")))
        await asyncio.sleep(60)
    with suppress(asyncio.CancelledError, ActRefused):
        await acting
    async with ward(sqlite_url, upstream, clock=lambda: time_of_day() - timedelta(days=10)) as bot:
        await bot.acts.settle()
        await asyncio.sleep(15 * 60)
        (ended,) = (await _ids(bot)).values()
        assert (ended.state, ended.why) == (
            State.DONE,
            "its job was not over after 14 min, but there is an image of it",
        )


async def test_who_did_by_hand_what_was_refused_did_it_and_nobody_else(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        bot.upstream.fail(sandbox.FORBIDDEN, times=1)
        await bot.do(off())
        bot.upstream.fleet[1900]["isActive"] = False
        await asyncio.sleep(60)
        await bot.monitor.poll()
        await bot.acts.settle()
        assert len(await bot.told()) == 1
        assert len(await bot.audit()) == 2


async def test_a_job_that_a_dead_copy_followed_is_followed_on(sqlite_url: str) -> None:
    upstream = Upstream((token_record(1900),))
    async with ward(sqlite_url, upstream) as bot:
        acting = asyncio.create_task(bot.do(off(kind=Kind.PROBE, wanted="a tree --seed 1")))
        await asyncio.sleep(1)
    with suppress(asyncio.CancelledError, ActRefused):
        await acting
    async with ward(sqlite_url, upstream) as bot:
        await bot.acts.settle()
        await asyncio.sleep(60)
        assert await bot.stored() == [State.DONE]
        assert upstream.done("IMAGINE") == 1


async def test_an_upstream_that_is_away_leaves_it_unknown_and_what_a_later_reading_shows_is_told_once(
    sqlite_url: str,
) -> None:
    async with ward(sqlite_url) as bot:
        bot.upstream.fail(sandbox.RESET)
        (act,) = await bot.do(off())
        assert act.state is State.UNKNOWN
        assert "it could not be read back" in act.why
        bot.upstream.heal()
        bot.upstream.fleet[1900]["isActive"] = False
        for _ in range(3):
            await asyncio.sleep(60)
            await bot.monitor.poll()
            await bot.acts.settle()
        first, *late = await bot.told()
        assert first.startswith("❔")
        assert len(late) == 1
        assert "1900 was switched off after all" in late[0]
        assert (await bot.audit())[-1] == "41 after all: switch 1900 off · a later reading shows it"
        assert bot.sent == 1


async def test_of_two_who_press_at_once_one_does_it_and_the_other_is_told_who(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        both = await asyncio.gather(bot.do(off()), bot.do(off(by=BEN)), return_exceptions=True)
        (done,) = [each for each in both if isinstance(each, tuple)]
        (refused,) = [each for each in both if isinstance(each, ActRefused)]
        assert done[0].state is State.DONE
        assert str(refused).startswith("<@41> is about to switch 1900 off right now.")
        with pytest.raises(ActRefused, match="1900 was switched off by <@41> after you asked"):
            await bot.do(off(by=BEN), asked_ago=60)
        with pytest.raises(ActRefused, match="1900 is off already"):
            await bot.do(off(by=BEN), asked_ago=-1)
        assert bot.sent == 1
        assert len(await bot.told()) == 1


async def test_several_are_done_one_after_the_other_and_told_in_one_line(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        bot.upstream.fleet[1901]["isActive"] = False
        await bot.monitor.poll()
        heard: list[tuple[int | None, State]] = []

        async def tell(act: Act) -> None:
            heard.append((act.token, act.state))

        acts = await bot.do(*(off(token, batch="b1", reason="sold") for token in (1900, 1901, 1902)), tell=tell)
        assert [(each.token, each.state) for each in acts] == [
            (1900, State.DONE),
            (1901, State.NOT_DONE),
            (1902, State.DONE),
        ]
        assert heard == [(1900, State.DONE), (1902, State.DONE)]
        assert bot.sent == 2
        (told,) = await bot.told()
        assert told.splitlines() == [
            "✖️ 1901 could not be switched off, as <@41> asked: 1901 is off already",
            "1900 and 1902 were switched off by <@41>: sold",
        ]


async def test_who_waits_for_it_may_go_and_who_hears_of_it_may_fail(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:

        async def tell(_: Act) -> None:
            reason = "Discord is away"
            raise ConnectionError(reason)

        bot.upstream.fail(sandbox.late(5), times=1)
        waiting = asyncio.create_task(bot.do(off(), tell=tell))
        await asyncio.sleep(1)
        waiting.cancel()
        await asyncio.sleep(10)
        assert await bot.stored() == [State.DONE]


async def test_read_only_and_a_bot_that_stops_refuse(sqlite_url: str) -> None:
    async with ward(sqlite_url, read_only=True) as bot:
        with pytest.raises(ActRefused, match="READ_ONLY"):
            await bot.do(off())
    async with ward(sqlite_url) as bot:
        pass
    with pytest.raises(ActRefused, match="stopping"):
        await bot.do(off())


async def test_a_database_that_takes_nothing_down_lets_nothing_be_sent(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        bot.store.refuses = lambda _: True
        with pytest.raises(ActRefused, match="nothing was sent: the disk is full"):
            await bot.do(off())
        bot.store.refuses = lambda _: False
        await bot.acts.settle()
        assert (bot.sent, await bot.told(), await bot.stored()) == (0, [], [])


async def test_what_was_taken_down_though_nobody_heard_so_was_never_sent(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        bot.store.loses = lambda changes: bool(changes.acts)
        with pytest.raises(ActRefused, match="nothing was sent"):
            await bot.do(off())
        bot.store.loses = lambda _: False
        await bot.acts.settle()
        assert (bot.sent, await bot.stored()) == (0, [State.NOT_DONE])
        (told,) = await bot.told()
        assert "it was never sent" in told


async def test_an_outcome_that_the_database_refuses_is_stored_by_the_tick(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        bot.store.refuses = lambda changes: any(each.settled for each in changes.acts)
        (act,) = await bot.do(off())
        assert (act.state, await bot.stored(), await bot.told()) == (State.DONE, [State.BEGUN], [])
        with pytest.raises(StoreUnavailableError):
            await bot.acts.settle()
        bot.store.refuses = lambda _: False
        await bot.acts.settle()
        assert await bot.stored() == [State.DONE]
        assert await bot.told() == ["🔧 1900 was switched off by <@41>"]
        assert bot.sent == 1


async def test_an_outcome_that_was_stored_though_nobody_heard_so_is_told_once(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        bot.store.loses = lambda changes: any(each.settled for each in changes.acts)
        await bot.do(off())
        bot.store.loses = lambda _: False
        await bot.acts.settle()
        assert len(await bot.told()) == 1
        assert len(await bot.audit()) == 2


@pytest.mark.parametrize("happened", [True, False])
async def test_what_a_dead_copy_began_is_read_back_and_never_sent_again(sqlite_url: str, happened: object) -> None:
    upstream = Upstream((token_record(1900), token_record(1901)))
    async with ward(sqlite_url, upstream) as bot:
        upstream.fail(HANGS if happened else sandbox.RESET, times=1)
        bot.store.refuses = lambda changes: any(each.settled for each in changes.acts)
        acting = asyncio.create_task(bot.do(off(batch="b1"), off(1901, batch="b1")))
        await asyncio.sleep(1)
    with suppress(asyncio.CancelledError, ActRefused):
        await acting
    async with ward(sqlite_url, upstream) as bot:
        await bot.acts.settle()
        await asyncio.sleep(60)
        await bot.acts.settle()
        assert await bot.stored() == [State.DONE if happened else State.UNKNOWN, State.NOT_DONE]
        (told,) = await bot.told()
        assert "1901 could not be switched off, as <@41> asked: it was never sent" in told.replace("\\", "")
        assert bot.sent == 1


async def test_a_copy_that_may_not_lead_any_more_sends_nothing(sqlite_url: str) -> None:
    async with ward(sqlite_url, may_send=lambda: False) as bot:
        (act,) = await bot.do(off())
        assert (act.state, bot.sent) == (State.NOT_DONE, 0)


async def test_a_copy_that_is_replaced_while_it_waits_for_its_turn_sends_nothing() -> None:
    upstream, until = Upstream((token_record(1900),)), time_of_day() + timedelta(seconds=1)
    rate = (1, timedelta(seconds=3))
    async with (
        serving(upstream) as root,
        connected(
            url=root,
            api_key=upstream.api_key,
            rate=rate,
            budget=timedelta(seconds=9),
        ) as api,
    ):
        api.change_only_while(lambda: time_of_day() < until)
        await api.token(1900)
        with pytest.raises(UpstreamError) as refused:
            await api.toggle(1900, active=False)
        assert refused.value.certain
        assert upstream.done("TOGGLE") == 0


async def test_the_card_that_it_came_from_tells_it(sqlite_url: str) -> None:
    async with ward(sqlite_url) as bot:
        bot.upstream.fleet[1900]["status"] = "BANNED"
        for _ in range(3):
            await bot.monitor.poll()
        assert bot.monitor.known.incidents[BANNED].open
        await bot.do(off(keys=(BANNED,)))
        found = sa.select(messages.c.notice).where(messages.c.notice.is_not(None))
        notices = await bot.store.database.read(lambda connection: list(connection.scalars(found)))
        assert [each.keys for each in notices if each.acts] == [(BANNED,)]


class Killed(asyncio.CancelledError):
    """The process is dead: nothing that it does any more reaches anybody."""


class Life:
    """A process that is killed at some of the moments between two awaits."""

    def __init__(self, moments: float) -> None:
        """`moments` is how many it lives."""
        self._left = moments

    @property
    def over(self) -> bool:
        """Whether it was killed."""
        return self._left <= 0

    def moment(self) -> None:
        """One goes by."""
        self._left -= 1
        if self.over:
            raise Killed


class Mortal:
    """The way to ImaginePro of a process that may be killed before it asks, or before it hears the answer."""

    def __init__(self, api: ImaginePro, life: Life) -> None:
        self._api = api
        self._life = life

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Any call."""
        call = getattr(self._api, name)

        async def called(*args: Any, **more: Any) -> Any:  # noqa: ANN401 - of any call
            self._life.moment()
            try:
                return await call(*args, **more)
            finally:
                self._life.moment()

        return called


class Grave(Disk):
    """The database of such a process."""

    def __init__(self, store: Store, life: Life) -> None:
        super().__init__(store.database, store.installation)
        self._life = life

    async def save(self, changes: Any, now: Any, **more: Any) -> Any:  # type: ignore[override] # noqa: ANN401 - as above
        """Store it, unless it is dead by now."""
        self._life.moment()
        stored = await super().save(changes, now, **more)
        self._life.moment()
        return stored


@pytest.mark.parametrize(
    "fault", [None, sandbox.RESET, HANGS, sandbox.FORBIDDEN], ids=["well", "reset", "hangs", "403"]
)
@pytest.mark.parametrize("several", [False, True])
async def test_whenever_it_is_killed_each_act_happened_once_or_not_and_the_truth_is_told_once(
    sqlite_url: str, fault: Fault | None, several: object
) -> None:
    async with ward(sqlite_url) as bot:
        told, life = 0, Life(0)
        for moments in count(1):
            for token in bot.upstream.fleet.values():
                token["isActive"] = True
            await bot.monitor.restore()
            await bot.monitor.poll()
            sent, before = bot.sent, (await _ids(bot)).keys()
            life = Life(moments)
            monitor = Monitor(Mortal(bot.api, life), Grave(bot.store, life), Policy(), time_of_day, Handover())
            await monitor.restore()
            dying = Acts(Mortal(bot.api, life), monitor, time_of_day)
            if fault is not None:
                bot.upstream.fail(fault, times=1)
            acts = [
                off(token, batch=f"b{moments}" if several else "") for token in ((1900, 1901) if several else (1900,))
            ]
            with suppress(Killed, asyncio.CancelledError):
                await dying.do(*acts, asked_at=time_of_day())
            bot.upstream.heal()
            await bot.monitor.restore()
            await bot.acts.settle()
            await asyncio.sleep(60)
            await bot.acts.settle()
            new = {each.token: each for name, each in (await _ids(bot)).items() if name not in before}
            assert all(each.settled for each in new.values())
            happened = {token for token in (1900, 1901) if not bot.on(token)}
            assert {token for token, each in new.items() if each.state is State.DONE} == happened
            assert bot.sent - sent <= len(acts)
            told += bool(new)
            assert len(await bot.told()) == told
            if not life.over:
                break  # it lived through all of it
            await asyncio.sleep(4000)  # what hangs ends, and nobody asked lately


async def _ids(bot: Ward) -> dict[str, Act]:
    found = await bot.store.database.read(lambda connection: list(connection.scalars(sa.select(rows.c.act))))
    return {each.id: each for each in found}
