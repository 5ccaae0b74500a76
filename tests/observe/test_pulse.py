"""The bot knows since when each of its parts was last well, and a time in which it was frozen does not count."""

import asyncio
import logging
from datetime import timedelta
from typing import cast

import pytest

from bot.delivery.outcome import BlockedError, LaterError, RefusedError
from bot.delivery.rests import Subject
from bot.jobs import Job
from bot.observe.health import Role, wrong
from bot.observe.pulse import BEAT, Pulse, asking, started
from bot.storage.store import Backlog, Refusals, Store, StoreError, StoreUnavailableError
from tests.domain.fleets import START, record
from tests.leap import leaping  # noqa: F401 - time leaps in all tests of this module
from tests.observe.conftest import Patient
from tests.storage.servers import no_room
from tests.waiting import until


def words(pulse: Pulse) -> set[str]:
    """What is wrong."""
    return {cause.word for cause in wrong(pulse.facts)}


async def test_a_bot_at_work_is_well(patient: Patient) -> None:
    with patient.leading():
        for _ in range(10):
            await patient.poll()
            await patient.outbox.deliver()
            await patient.live(60)
            assert words(patient.pulse) == set()
    assert patient.pulse.lag.count == 600


async def test_readings_that_fail_turn_it_red_after_three_intervals_and_one_that_succeeds_green(
    patient: Patient,
) -> None:
    with patient.leading():
        await patient.poll()
        await patient.outbox.deliver()
        patient.ends.fleet_now = None
        await patient.poll()
        await patient.live(180)
        assert words(patient.pulse) == set()
        await patient.live(1)
        assert words(patient.pulse) == {"poll"}
        await patient.poll(record())
        await patient.live(1)
        assert words(patient.pulse) == set()


async def test_an_upstream_that_asks_to_be_left_alone_is_a_reason_of_its_own_until_the_poll_after_that(
    patient: Patient,
) -> None:
    with patient.leading():
        await patient.poll()
        await patient.outbox.deliver()
        patient.ends.fleet_now, patient.ends.left_alone = None, timedelta(minutes=1)
        await patient.poll()
        await patient.outbox.deliver()
        await patient.live(180)
        assert words(patient.pulse) == set()
        await patient.live(1)
        assert words(patient.pulse) == {"left_alone"}
        await patient.live(59)
        assert words(patient.pulse) == {"left_alone"}, "the poll after that has its time"
        await patient.live(1)
        assert words(patient.pulse) == {"poll"}
        patient.ends.left_alone = None
        await patient.poll(record())
        await patient.live(1)
        assert words(patient.pulse) == set()


async def test_a_refusal_is_no_wish_to_be_left_alone_whatever_it_asks_for(patient: Patient) -> None:
    with patient.leading():
        await patient.poll()
        await patient.outbox.deliver()
        patient.ends.fleet_now, patient.ends.left_alone, patient.ends.unpaid = None, timedelta(hours=1), True
        await patient.poll()
        await patient.outbox.deliver()
        await patient.live(181)
        assert words(patient.pulse) == {"poll"}


async def test_readings_that_fail_turn_it_red_in_time_though_the_clock_is_set_back(patient: Patient) -> None:
    with patient.leading():
        await patient.poll()
        await patient.outbox.deliver()
        await patient.live(1)
        patient.ends.now -= timedelta(hours=5)
        patient.ends.fleet_now = None
        await patient.poll()
        await patient.live(179)
        assert words(patient.pulse) == set()
        await patient.live(2)
        assert words(patient.pulse) == {"poll"}
        await patient.poll(record())
        await patient.live(1)
        assert words(patient.pulse) == set()


async def test_a_restart_after_a_long_time_gives_the_first_reading_its_time(patient: Patient) -> None:
    await patient.poll()
    patient.ends.now += timedelta(days=1)
    with patient.leading():
        assert words(patient.pulse) == set()


async def test_a_gateway_may_be_away_for_two_minutes(patient: Patient) -> None:
    with patient.leading():
        await patient.live(1)
        patient.client.online = False
        await patient.live(120)
        assert words(patient.pulse) == set()
        await patient.live(1)
        assert words(patient.pulse) == {"gateway"}
        patient.client.online = True
        await patient.live(1)
        assert words(patient.pulse) == set()


async def test_a_channel_that_takes_nothing_turns_it_red_and_one_that_takes_something_green(patient: Patient) -> None:
    patient.ends.refusal = LaterError("Discord answered 503")
    with patient.leading():
        await patient.poll()
        await patient.outbox.deliver()
        await patient.live(121)
        assert words(patient.pulse) == {"outbox"}
        patient.ends.refusal = None
        await patient.poll()
        await patient.outbox.deliver()
        await patient.live(1)
        assert words(patient.pulse) == set()


async def test_edits_that_wait_turn_nothing_red_and_ones_that_arrive_hide_no_post_that_does_not(
    patient: Patient,
) -> None:
    with patient.leading():
        await patient.poll(record(status="BANNED"))
        await patient.outbox.deliver()
        patient.ends.refusal, patient.ends.refused = LaterError("Discord answered 429", answered=True), Subject.EDITS
        await patient.poll(record())
        for _ in range(9):
            await patient.outbox.deliver()
            await patient.poll()
            await patient.live(60)
        assert patient.pulse.backlog == Backlog(waiting=1)
        assert words(patient.pulse) == set()
        patient.ends.refused = Subject.POSTS
        seen = len(patient.ends.posted)
        await patient.poll(record(), record(1901, "BANNED"))
        for _ in range(3):
            await patient.outbox.deliver()
            await patient.poll()
            await patient.live(60)
        assert len(patient.ends.posted) > seen, "the edit arrives"
        assert words(patient.pulse) == {"outbox"}


async def test_a_channel_in_which_the_bot_may_not_speak_turns_it_red_at_once(patient: Patient) -> None:
    patient.ends.refusal = BlockedError("Discord answered 403, code 50013")
    with patient.leading():
        await patient.poll()
        await patient.outbox.deliver()
        assert words(patient.pulse) == {"blocked"}
        patient.ends.refusal = None
        patient.ends.now += timedelta(minutes=2)
        await patient.outbox.deliver()
        assert words(patient.pulse) == set()


async def test_a_message_that_was_refused_for_good_turns_it_red_for_a_day(patient: Patient) -> None:
    patient.ends.refusal = RefusedError("50035")
    with patient.leading():
        await patient.poll()
        await patient.outbox.deliver()
        await patient.live(1)
        assert words(patient.pulse) == {"parked"}
        patient.ends.now += timedelta(days=1)
        await patient.poll()
        await patient.live(1)
        assert words(patient.pulse) == set()


async def test_a_job_that_fails_is_alive_and_one_that_hangs_is_dead(patient: Patient) -> None:
    hanging = asyncio.Event()

    async def fail() -> None:
        message = "a bug"
        raise ZeroDivisionError(message)

    async def hang() -> None:
        await hanging.wait()

    every = timedelta(minutes=2)
    with patient.leading():
        failing, hung = (
            patient.pulse.watched(Job("failing", every, fail)),
            patient.pulse.watched(Job("hung", every, hang)),
        )
        task = asyncio.ensure_future(hung.run())
        for _ in range(6):
            await patient.poll()
            await patient.outbox.deliver()
            with pytest.raises(ZeroDivisionError):
                await failing.run()
            await patient.live(60)
        assert words(patient.pulse) == set()
        await patient.live(1)
        assert list(patient.pulse.dead) == ["hung"]
        assert patient.pulse.failures == {"failing": 6}
        assert words(patient.pulse) == {"job"}
        hanging.set()
        await task
        await patient.live(1)
        assert words(patient.pulse) == set()
    assert set(patient.pulse.facts.jobs) == {"probe"}


async def test_an_outbox_is_dead_when_it_neither_works_nor_waits(patient: Patient) -> None:
    gate = asyncio.Event()
    with patient.leading():
        task = asyncio.create_task(patient.outbox.run())
        await patient.poll()
        await until("the first post", lambda: patient.ends.posted)
        for _ in range(6):
            await patient.poll()
            await patient.live(60)
        assert words(patient.pulse) == set(), "it waits for news"

        async def post(_: object) -> int:
            await gate.wait()
            return 1

        patient.ends.post = post  # type: ignore[method-assign, assignment] # hangs, which no error of the channel does
        await patient.poll(record(status="BANNED"))
        for _ in range(6):
            await patient.poll()
            await patient.live(60)
        assert "outbox" in patient.pulse.dead
        assert words(patient.pulse) == {"job", "outbox"}
        task.cancel()
        await asyncio.wait({task})


class Away:
    """A database that does not answer."""

    async def backlog(self, parked_since: object) -> Backlog:
        """Fail."""
        assert parked_since
        reason = "out of reach"
        raise StoreUnavailableError(reason)


async def test_a_database_that_is_away_turns_a_copy_that_waits_red_too(patient: Patient) -> None:
    await patient.live(1)
    there, patient.pulse._store = patient.pulse._store, Away()  # type: ignore[assignment] # all that is asked of it
    await patient.live(29)
    assert words(patient.pulse) == set()
    await patient.live(1)
    assert words(patient.pulse) == {"database"}
    patient.pulse._store = there
    await patient.live(1)
    assert words(patient.pulse) == set()


async def test_a_database_that_refuses_writes_turns_it_red_at_once_and_blames_nobody_else(
    patient: Patient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.observe")
    with patient.leading():
        await patient.poll()
        await patient.outbox.deliver()
        with no_room():
            for _ in range(3):
                with pytest.raises(StoreError):
                    await patient.poll(record(status="BANNED"))
                await patient.live(60)
                (cause,) = wrong(patient.pulse.facts)
                assert cause.word == "database"
                assert "cannot be written" in cause.text
        await patient.poll()
        patient.store.refusals.over()
        await patient.live(1)
        assert words(patient.pulse) == set()
    assert [record.getMessage() for record in caplog.records] == ["health", "health"]


async def test_what_could_not_be_delivered_while_nothing_was_stored_is_not_late_right_after(patient: Patient) -> None:
    patient.ends.refusal = LaterError("Discord answered 503")
    with patient.leading():
        await patient.poll()
        await patient.outbox.deliver()
        patient.store.refusals.note(StoreError("the disk is full", unwritable=True))
        await patient.live(150)
        assert words(patient.pulse) == {"database"}
        patient.store.refusals.over()
        await patient.poll()
        await patient.live(100)
        assert words(patient.pulse) == set()
        await patient.live(21)
        assert words(patient.pulse) == {"outbox"}, "by now it is"


class Hanging:
    """A database that never answers, nor refuses to."""

    refusals = Refusals()

    async def backlog(self, parked_since: object) -> Backlog:
        """Hang."""
        assert parked_since
        await asyncio.Event().wait()
        return Backlog()


async def test_a_database_that_hangs_for_good_is_a_dead_job(patient: Patient) -> None:
    await patient.live(1)
    hanging = cast("Store", Hanging())  # all that is asked of it
    async with started(patient.pulse), asking(patient.pulse, hanging):
        await asyncio.sleep(0)
        for seconds, dead, red in ((31, [], {"database"}), (270, ["probe"], {"database", "job"})):
            for _ in range(seconds):
                patient.pulse.beat(0)
            assert words(patient.pulse) == red
            assert list(patient.pulse.dead) == dead


async def test_before_there_is_a_database_it_is_away_and_nothing_is_dead_that_a_restart_would_mend() -> None:
    pulse = Pulse(lambda: START, timedelta(minutes=1))
    async with started(pulse):
        await asyncio.sleep(25)
        assert words(pulse) == set()
        await asyncio.sleep(3600)
        assert words(pulse) == {"database"}
        assert pulse.dead == ()
        assert pulse.facts.role is Role.STANDBY


async def test_a_loop_that_is_always_late_turns_it_red_and_one_late_beat_does_not(patient: Patient) -> None:
    with patient.leading():
        await patient.live(1, late=3600)
        assert words(patient.pulse) == set()
        await patient.live(6, late=0.9)
        assert words(patient.pulse) == {"loop"}
        await patient.live(1)
        assert words(patient.pulse) == set()


async def test_a_process_that_was_frozen_for_an_hour_finds_nothing_dead(patient: Patient) -> None:
    with patient.leading():
        patient.pulse.watched(Job("tick", timedelta(seconds=5), patient.monitor.tick))
        await patient.live(1)
        patient.ends.now += timedelta(hours=1)
        await patient.live(1, late=3600)
        assert patient.pulse.dead == ()
        assert words(patient.pulse) == {"poll"}, "the numbers are old all the same"
        await patient.poll()
        assert words(patient.pulse) == set()


async def test_a_copy_leads_for_as_long_as_it_is_told_to(patient: Patient) -> None:
    def state() -> tuple[Role, set[str]]:
        return patient.pulse.facts.role, set(patient.pulse.facts.jobs)

    assert state() == (Role.STANDBY, {"probe"})
    with patient.leading():
        assert state() == (Role.LEADING, {"probe", "outbox"})
    assert state() == (Role.STANDBY, {"probe"})


async def test_what_turns_wrong_and_well_is_a_line_of_the_log_each(
    patient: Patient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bot.observe")
    with patient.leading():
        patient.client.online = False
        await patient.live(130)
        patient.client.online = True
        await patient.live(10)
    lines = [(each.levelname, each.__dict__["fields"]["wrong"]) for each in caplog.records if each.message == "health"]
    assert lines == [("WARNING", "gateway"), ("INFO", "nothing")]


async def test_once_started_it_beats_and_asks_by_itself(patient: Patient) -> None:
    await patient.poll()
    async with started(patient.pulse), asking(patient.pulse, patient.store):
        await asyncio.sleep(10.5 * BEAT.total_seconds())
        assert patient.pulse.beats == 10
        assert patient.pulse.lag.total == pytest.approx(0, abs=0.001)
        assert patient.pulse.backlog == Backlog(1, START, 0)
    await asyncio.sleep(60)
    assert patient.pulse.beats == 10
