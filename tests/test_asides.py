"""What is said beside the ops channel comes once, in the order of each target, and none holds up another."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from bot.asides import AT_ONCE, BLOCKED, COURTESY, FIRST, NONCE_MEMORY, REST, Asides
from bot.delivery.handover import Handover
from bot.delivery.outcome import BlockedError, ClosedError, LaterError, RefusedError, UncertainError
from bot.domain.asides import Aside, Bundle, Place, What
from bot.domain.watch.known import Changes
from bot.storage.store import Store, StoreUnavailableError, open_store
from tests.leap import leaping, time_of_day  # noqa: F401 - time leaps in all tests of this module
from tests.waiting import until

ANA, BEN, THREAD = 7, 8, 9
LATE = NONCE_MEMORY + timedelta(seconds=1)


@dataclass
class Voices:
    """People and threads, who answer as told and remember nonces like Discord."""

    answers: dict[int, list[Exception | None]] = field(default_factory=dict)
    """By target, for the next calls; afterwards all succeed."""
    heard: dict[int, list[Bundle]] = field(default_factory=dict)
    hears_before_failing: bool = False
    nonces: bool = True
    hangs: set[int] = field(default_factory=set)
    calls: list[tuple[str, int]] = field(default_factory=list)

    async def ready(self) -> None:
        """They are."""

    async def say(self, bundle: Bundle) -> None:
        """Hear it, unless the nonce is known."""
        self.calls.append(("say", bundle.to))
        if bundle.to in self.hangs:
            await asyncio.Event().wait()
        answers = self.answers.get(bundle.to, [])
        failure = answers.pop(0) if answers else None
        known = self.nonces and bundle.mark in {each.mark for each in self.heard.get(bundle.to, [])}
        if not known and (failure is None or self.hears_before_failing):
            self.heard.setdefault(bundle.to, []).append(bundle)
        if failure is not None:
            raise failure

    async def said(self, bundle: Bundle, since: datetime) -> bool:
        """Look."""
        del since
        self.calls.append(("search", bundle.to))
        return bundle.mark in {each.mark for each in self.heard.get(bundle.to, [])}

    def whats(self, target: int) -> list[list[What]]:
        """Why it was spoken to, a message each."""
        return [[each.what for each in bundle.asides] for bundle in self.heard.get(target, [])]


@dataclass
class Scene:
    """The store, the voices, and whoever delivers."""

    store: Store
    voices: Voices
    handover: Handover
    closed: list[tuple[int, Place]] = field(default_factory=list)

    async def keep(self, *said: tuple[int, What]) -> None:
        """Store something to say."""
        now = time_of_day()
        asides = (Aside(to, Place.THREAD if to == THREAD else Place.PERSON, now, what) for to, what in said)
        await self.store.save(Changes(now, asides=tuple(asides)), now)
        self.handover.asides.set()

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        """Somebody delivers, until killed."""

        async def close(to: int, place: Place) -> None:
            self.closed.append((to, place))

        async def before() -> None:
            pass

        task = asyncio.create_task(Asides(self.store, self.voices, time_of_day, self.handover, close, before).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def empty(self) -> None:
        """Wait until nothing waits."""
        while await self.store.asides_waiting():
            await asyncio.sleep(0.1)


@pytest.fixture
async def scene(sqlite_url: str) -> AsyncIterator[Scene]:
    """An ops channel at rest."""
    async with open_store(sqlite_url) as store:
        handover = Handover()
        handover.at_rest.set()
        yield Scene(store, Voices(), handover)


async def test_each_hears_what_waits_for_them_once_and_in_its_order(scene: Scene) -> None:
    await scene.keep((ANA, What.PAGE), (BEN, What.PAGE), (ANA, What.TAKEN))
    async with scene.delivering():
        await scene.empty()
        await scene.keep((ANA, What.ENDED))
        await scene.empty()
    assert scene.voices.whats(ANA) == [[What.PAGE, What.TAKEN], [What.ENDED]]
    assert scene.voices.whats(BEN) == [[What.PAGE]]


async def test_a_target_that_does_not_answer_holds_up_no_other(scene: Scene) -> None:
    scene.voices.hangs = {ANA}
    await scene.keep((ANA, What.PAGE), *((each, What.PAGE) for each in range(100, 100 + 2 * AT_ONCE)))
    async with scene.delivering():
        await until("all others heard", lambda: len(scene.voices.heard) == 2 * AT_ONCE)
    assert ANA not in scene.voices.heard


async def test_who_refuses_for_good_is_let_go_and_that_is_known(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.voices.answers = {ANA: [ClosedError("takes none")]}
    await scene.keep((ANA, What.PAGE), (BEN, What.PAGE))
    async with scene.delivering():
        await scene.empty()
    assert scene.closed == [(ANA, Place.PERSON)]
    assert list(scene.voices.heard) == [BEN]
    assert "nothing can be said there" in caplog.text


async def test_what_discord_will_never_take_is_dropped_alone(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.voices.answers = {ANA: [RefusedError("too long")]}
    await scene.keep((ANA, What.PAGE))
    async with scene.delivering():
        await scene.empty()
        await scene.keep((ANA, What.ENDED))
        await scene.empty()
    assert scene.voices.whats(ANA) == [[What.ENDED]]
    assert [each.levelname for each in caplog.records if "refused" in each.message] == ["ERROR"]


async def test_a_locked_thread_rests_and_what_comes_meanwhile_is_said_with_it(scene: Scene) -> None:
    scene.voices.answers = {THREAD: [BlockedError("locked")]}
    await scene.keep((THREAD, What.CHANGED))
    began = time_of_day()
    async with scene.delivering():
        await until("it was refused", lambda: scene.voices.calls)
        await scene.keep((THREAD, What.ENDED))
        await scene.empty()
    assert time_of_day() - began >= BLOCKED
    assert scene.voices.whats(THREAD) == [[What.CHANGED, What.ENDED]]


@pytest.mark.parametrize("remembers", [True, False])
async def test_what_may_have_been_said_is_not_said_twice(scene: Scene, remembers: bool) -> None:  # noqa: FBT001 - a case
    """By its nonce, or by its mark where nobody remembers that any more."""
    scene.voices.hears_before_failing, scene.voices.nonces = True, remembers
    after = timedelta() if remembers else LATE
    scene.voices.answers = {ANA: [UncertainError("no answer", after)]}
    await scene.keep((ANA, What.PAGE))
    async with scene.delivering():
        await until("it was tried", lambda: scene.voices.calls)
        await scene.keep((ANA, What.ENDED))
        await scene.empty()
    assert scene.voices.whats(ANA) == [[What.PAGE], [What.ENDED]]
    assert (("search", ANA) in scene.voices.calls) is not remembers


async def test_what_was_not_said_after_all_is_said_then(scene: Scene) -> None:
    scene.voices.answers = {ANA: [UncertainError("no answer", LATE)]}
    await scene.keep((ANA, What.CHANGED))
    async with scene.delivering():
        await scene.empty()
    assert scene.voices.calls == [("say", ANA), ("search", ANA), ("say", ANA)]
    assert scene.voices.whats(ANA) == [[What.CHANGED]]


async def test_a_deliverer_that_is_killed_in_the_midst_of_it_loses_and_doubles_nothing(scene: Scene) -> None:
    scene.voices.hangs = {ANA}
    await scene.keep((ANA, What.PAGE))
    async with scene.delivering():
        await until("it is on its way", lambda: scene.voices.calls)
    scene.voices.hangs.clear()
    await scene.keep((ANA, What.TAKEN))
    async with scene.delivering():
        await scene.empty()
    assert scene.voices.whats(ANA) == [[What.PAGE], [What.TAKEN]]


async def test_a_limit_on_all_that_the_bot_asks_rests_all(scene: Scene) -> None:
    scene.voices.answers = {ANA: [LaterError("limited", timedelta(seconds=30), everywhere=True)]}
    await scene.keep((ANA, What.CHANGED))
    began = time_of_day()
    async with scene.delivering():
        await until("it was limited", lambda: scene.voices.calls)
        await scene.keep((BEN, What.CHANGED))
        await scene.empty()
    assert time_of_day() - began >= timedelta(seconds=30)
    assert scene.voices.calls[0] == ("say", ANA)


async def test_a_failure_rests_longer_each_time(scene: Scene) -> None:
    scene.voices.answers = {ANA: [LaterError("not now")] * 3}
    await scene.keep((ANA, What.CHANGED))
    began = time_of_day()
    async with scene.delivering():
        await scene.empty()
    assert time_of_day() - began >= FIRST * 7


async def test_the_ops_channel_goes_first_for_a_while(scene: Scene) -> None:
    scene.handover.at_rest.clear()
    await scene.keep((ANA, What.PAGE))
    began = time_of_day()
    async with scene.delivering():
        await scene.empty()
    assert time_of_day() - began >= COURTESY


async def test_what_is_too_old_is_dropped_and_the_log_counts_it(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    scene.voices.answers = {ANA: [LaterError("not now", timedelta(hours=1))]}
    await scene.keep((ANA, What.PAGE))
    async with scene.delivering():
        await scene.empty()
    assert scene.voices.whats(ANA) == []
    assert "dropped what is too old to be said beside" in caplog.text


async def test_a_database_or_a_voice_that_fails_ends_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    claim, failures = scene.store.claim_aside, [StoreUnavailableError("away"), None, StoreUnavailableError("away")]

    async def failing(*args: object) -> object:
        failure = failures.pop(0) if failures else None
        if failure is not None:
            raise failure
        return await claim(*args)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(scene.store, "claim_aside", failing)
    scene.voices.answers = {ANA: [ValueError("nobody thought of it")]}
    await scene.keep((ANA, What.CHANGED))
    began = time_of_day()
    async with scene.delivering():
        await scene.empty()
    assert time_of_day() - began >= 2 * REST
    assert scene.voices.whats(ANA) == [[What.CHANGED]]
    assert "an aside failed" in caplog.text
