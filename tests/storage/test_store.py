"""What a look stores is what the next start knows."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.acts import Act, Kind, State
from bot.domain.decisions import Decisions
from bot.domain.incidents import Incident, Key, Rule, Stage
from bot.domain.model import InfoText, Record, Severity
from bot.domain.steering import Covered, Entry, Scope, Setting, Silence, Window
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Memory
from bot.storage.store import Store, StoreError, open_store
from tests.storage.values import LEASE, NOW, claim, incident, minutes, next_due, notified, record

anything = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
ids = st.integers(-(2**63), 2**63 - 1)
times = st.datetimes(timezones=st.just(UTC))
records = st.builds(
    Record,
    id=ids,
    status=anything,
    active=st.none() | st.booleans(),
    channel_id=anything,
    server_id=anything,
    concurrency=st.none() | ids,
    info=st.builds(InfoText, *[anything] * 9),
)
incidents = st.builds(
    Incident,
    key=st.builds(Key, st.sampled_from(Rule), st.none() | ids, st.sampled_from(["", "20%", "30m"])),
    severity=st.sampled_from(Severity),
    stage=st.sampled_from([Stage.PENDING, Stage.FIRING]),
    opened_at=times,
    read_at=times,
    seen=st.integers(0, 9),
    was=st.none() | records,
    was_at=st.none() | times,
    now=st.none() | records,
    detail=anything,
    notifiable=st.booleans(),
)


async def test_an_empty_database_remembers_nothing(store: Store) -> None:
    assert await store.load() == Memory()
    assert await store.waiting() == 0
    assert await next_due(store) is None
    assert await claim(store, NOW, LEASE) is None
    assert await store.parked() == ()
    await store.waiting()


async def test_what_was_saved_is_known_after_a_restart(database_url: str) -> None:
    firing, pending = incident(1900), incident(1901, stage=Stage.PENDING)
    resolved = incident(1902, stage=Stage.RESOLVED, resolved_at=NOW)
    async with open_store(database_url) as store:
        await store.save(Changes(NOW, (record(1901), record(1900)), incidents=(firing, pending, resolved)), NOW)
    async with open_store(database_url) as store:
        assert await store.load() == Memory(
            records={1900: record(1900), 1901: record(1901)},
            read_at=NOW,
            incidents={firing.key: firing, pending.key: pending},
        )


async def test_a_token_is_changed_and_forgotten(store: Store) -> None:
    await store.save(Changes(NOW, (record(1900), record(1901))), NOW)
    await store.save(Changes(NOW, (record(1900, "RELAX"),), removed=frozenset({1901, 1902})), NOW)
    assert (await store.load()).records == {1900: record(1900, "RELAX")}


async def test_an_incident_that_ends_is_no_longer_remembered_and_may_open_again(store: Store) -> None:
    first = incident(1900)
    await store.save(notified(first), NOW)
    await store.save(notified(replace(first, stage=Stage.RESOLVED, resolved_at=NOW + minutes(1))), NOW)
    assert (await store.load()).incidents == {}
    second = incident(1900, opened_at=NOW + minutes(2))
    await store.save(notified(second), NOW + minutes(2))
    assert (await store.load()).incidents == {second.key: second}
    assert await store.waiting() == 2


async def test_a_poll_that_changes_nothing_moves_only_its_time(store: Store) -> None:
    await store.save(Changes(NOW, (record(),)), NOW)
    await store.save(Changes(NOW + minutes(1)), NOW + minutes(1))
    assert await store.load() == Memory({1900: record()}, NOW + minutes(1))


async def test_the_same_poll_stored_twice_is_one_message(store: Store) -> None:
    """The connection may break in the very commit; whoever repeats the look then must not tell it twice."""
    momentary = incident(1901, Rule.RESTORED, stage=Stage.RESOLVED, resolved_at=NOW)
    for _ in range(2):
        await store.save(notified(incident(1900), momentary), NOW)
    assert await store.waiting() == 2


async def test_a_poll_is_stored_whole_or_not_at_all(store: Store) -> None:
    """The last statement of the transaction fails, because of a time without a zone."""
    await store.save(Changes(NOW, (record(1900),)), NOW)
    flawed = replace(incident(1901), resolved_at=NOW.replace(tzinfo=None))
    with pytest.raises(StoreError):
        await store.save(replace(notified(incident(1900), flawed), records=(record(1902),)), NOW + minutes(1))
    assert await store.load() == Memory({1900: record(1900)}, NOW)
    assert await store.waiting() == 0


SILENCE = Silence(
    "s1",
    Scope(Rule.FAST_TIME_LOW, 1900, "20%"),
    NOW,
    NOW + minutes(60),
    by=7,
    reason='"yes"',
    suppressed=(incident().key,),
)
COVERED = (Covered(incident().key, NOW, Severity.CRITICAL), Covered(Key(Rule.POOL), NOW + minutes(1), Severity.INFO))
ENDLESS = Silence("s2", Scope(), NOW, None, by=2**62, covered=COVERED)
WINDOW = Window("w1", NOW, timedelta(hours=2, minutes=30), weekly=True, zone="Europe/Berlin", by=7)
SETTING = Setting(Rule.POOL, None, enabled=True, severity=Severity.INFO, threshold="2,5h", readings=3)
FOR_ONE = Setting(Rule.VERIFYING, 1900, enabled=False)


async def test_what_people_decided_holds_after_a_restart(database_url: str) -> None:
    decided = (SILENCE, ENDLESS, WINDOW, SETTING, FOR_ONE)
    async with open_store(database_url) as store:
        await store.save(Changes(NOW, decided=decided), NOW)
    async with open_store(database_url) as store:
        assert Decisions.of((await store.load()).decisions) == Decisions.of(decided)


async def test_a_decision_is_changed_and_taken_back(store: Store) -> None:
    await store.save(Changes(NOW, decided=(SILENCE, WINDOW, SETTING)), NOW)
    announced = replace(WINDOW, announced=True)
    await store.save(Changes(NOW, decided=(announced,), undone=frozenset({SILENCE.id, SETTING.id, "x"})), NOW)
    assert (await store.load()).decisions == (announced,)


async def test_a_decision_is_stored_with_what_it_moves_or_not_at_all(store: Store) -> None:
    flawed = replace(incident(), resolved_at=NOW.replace(tzinfo=None))
    entry = Entry(NOW, 7, "silence add", "everything")
    with pytest.raises(StoreError):
        await store.save(replace(notified(flawed), decided=(SILENCE,), audit=(entry,)), NOW)
    assert (await store.load()).decisions == ()
    assert await store.audit(9) == ()


async def test_the_audit_trail_is_read_from_its_end(store: Store) -> None:
    first, second, third = (Entry(NOW + minutes(n), 2**62, "acknowledge", f"banned {n}", "so") for n in range(3))
    await store.save(Changes(NOW, audit=(first, second)), NOW)
    await store.save(Changes(NOW, audit=(third,)), NOW)
    assert await store.audit(2) == (third, second)
    assert await store.audit(9) == (third, second, first)


async def test_the_audit_trail_is_kept_a_year_longer_than_incidents(store: Store) -> None:
    old, young = Entry(NOW, 7, "act", "old"), Entry(NOW + minutes(1), 7, "act", "young")
    await store.save(Changes(NOW, audit=(old, young)), NOW)
    await store.prune(NOW + timedelta(days=365))
    assert await store.audit(9) == (old, young)[::-1]
    await store.prune(NOW + timedelta(days=365, seconds=1))
    assert await store.audit(9) == (young,)


def act(name: str, at: datetime, state: State = State.DONE, batch: str = "", token: int = 1900) -> Act:
    """Something that was done, or is being done."""
    return Act(name, Kind.TOGGLE, "off", at, token, by=7, state=state, batch=batch)


async def test_of_acts_what_is_open_with_its_batch_and_the_last_of_each_subject_is_known_after_a_restart(
    store: Store,
) -> None:
    long_ago = NOW - timedelta(days=9)
    kept = (
        act("a1", long_ago, batch="b1"),
        act("a2", long_ago, State.BEGUN, batch="b1", token=1901),
        act("a3", NOW - minutes(90)),
        act("a4", NOW),
    )
    old = act("a5", long_ago - minutes(1)), act("a6", NOW - timedelta(hours=3))
    await store.save(Changes(NOW, acts=(*kept, *old)), NOW)
    assert sorted((await store.load()).acts, key=lambda each: each.id) == list(kept)
    done = replace(kept[1], state=State.UNKNOWN)
    await store.save(Changes(NOW, acts=(done,)), NOW)
    assert {each.id for each in (await store.load()).acts} == {"a2", "a3", "a4"}


async def test_acts_are_kept_as_long_as_the_audit_trail_and_longer_while_they_are_open(store: Store) -> None:
    acts = (act("a1", NOW), act("a2", NOW, State.BEGUN), act("a3", NOW + minutes(1), token=1901))
    await store.save(Changes(NOW, acts=acts), NOW)
    await store.prune(NOW + timedelta(days=365))
    assert (await store.load()).acts == acts
    await store.prune(NOW + timedelta(days=365, seconds=1))
    assert (await store.load()).acts == acts[1:]


async def test_a_fleet_of_thousands_is_stored_at_once(store: Store) -> None:
    fleet = tuple(record(token) for token in range(3_000))
    banned = tuple(incident(token) for token in range(3_000))
    await store.save(replace(notified(*banned), records=fleet), NOW)
    await store.save(notified(*banned), NOW)
    memory = await store.load()
    assert len(memory.records) == len(memory.incidents) == 3_000
    assert await store.waiting() == 27


async def test_the_installation_is_named_once(database_url: str) -> None:
    async with open_store(database_url) as first, open_store(database_url) as second:
        assert first.installation == second.installation
    assert re.fullmatch("[a-z0-9]{4}", first.installation)


@settings(max_examples=settings().max_examples // 5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kept=st.lists(records, max_size=3), opened=st.lists(incidents, max_size=3), read_at=st.none() | times)
async def test_any_value_comes_back_as_it_was(
    store: Store, kept: list[Record], opened: list[Incident], read_at: datetime | None
) -> None:
    before = await store.load()
    wanted = {one.key: one for one in opened}
    again = {(one.key, one.opened_at) for one in wanted.values()}  # drawn twice, it is one that goes on
    over = [one for one in before.incidents.values() if (one.key, one.opened_at) not in again]
    changes = Changes(
        read_at,
        tuple({one.id: one for one in kept}.values()),
        removed=frozenset(before.records),
        incidents=(
            *(replace(one, stage=Stage.RESOLVED, resolved_at=NOW) for one in over),
            *wanted.values(),
        ),
    )
    await store.save(changes, NOW)
    after = await store.load()
    assert after.records == {one.id: one for one in kept}
    assert after.incidents == wanted
    assert after.read_at == read_at


@pytest.mark.parametrize("text", ["half \ud83d of a character", "a\0b"])
async def test_text_that_no_database_takes_does_not_stop_a_poll(store: Store, text: str) -> None:
    odd = Record(id=1, status=text)
    entry = Entry(NOW, 7, "silence add", text, text)
    silence = replace(SILENCE, reason=text)
    await store.save(
        replace(notified(replace(incident(), detail=text)), records=(odd,), decided=(silence,), audit=(entry,)), NOW
    )
    await store.park(1, text, NOW)
    status = (await store.load()).records[1].status
    assert status.encode().replace(b"?", b"") == text.encode(errors="ignore")
    assert [parked.reason.replace("?", "") for parked in await store.parked()] == [
        text.replace("\ud83d", "").replace("\0", "")
    ]
