"""What was read over time comes back as it was read."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Status
from bot.domain.sample import Sample
from bot.domain.value import replace
from bot.domain.watch.known import Changes
from bot.storage import packs
from bot.storage.store import Store
from tests.storage.values import NOW, minutes, record

MIDNIGHT = datetime(2026, 8, 1, tzinfo=UTC)


def sample(minute: float = 0, token: int = 1900, **figures: object) -> Sample:
    """What was read of a token, so many minutes after midnight."""
    read = Sample(token, MIDNIGHT + minutes(minute), Status.FAST, active=True, fast_time=798.6, allowance=900.0,
                  queued=0, images=674)  # fmt: skip
    return replace(read, **figures)  # type: ignore[arg-type] # of whatever is asked for


async def keep(store: Store, *samples: Sample) -> None:
    """A poll that read these."""
    await store.save(Changes(NOW, samples=samples), NOW)


numbers = st.none() | st.integers(0, 10**12)
amounts = st.none() | st.integers(-(10**9), 10**12).map(lambda parts: parts / 100)
read = st.builds(
    Sample,
    st.just(1900),
    st.integers(0, 10**9).map(lambda seconds: MIDNIGHT + timedelta(seconds=seconds)),
    st.sampled_from(Status),
    st.none() | st.booleans(),
    amounts,
    amounts,
    numbers,
    numbers,
)


@given(st.lists(read, unique_by=lambda each: each.at, max_size=20))
def test_what_is_packed_comes_back_as_it_was(samples: list[Sample]) -> None:
    samples.sort(key=lambda each: each.at)
    assert packs.unpack(1900, packs.pack(samples), 0, 2**40) == samples


@given(st.lists(read, unique_by=lambda each: each.at, min_size=1, max_size=20), st.data())
def test_of_a_pack_only_what_is_wanted_is_unpacked(samples: list[Sample], data: st.DataObject) -> None:
    samples.sort(key=lambda each: each.at)
    since, until = sorted(data.draw(st.sampled_from(samples)).at for _ in range(2))
    found = packs.unpack(1900, packs.pack(samples), int(since.timestamp()), int(until.timestamp()))
    before = [each for each in samples if each.at < since][-1:]
    assert found == before + [each for each in samples if since <= each.at <= until]


@pytest.mark.parametrize("data", [b"", b"nothing", packs.pack([sample()])[:-3]])
def test_what_is_no_pack_is_named(data: bytes) -> None:
    with pytest.raises(ValueError, match="1900"):
        packs.unpack(1900, data, 0, 2**40)


async def test_what_was_read_comes_back_in_its_order(store: Store) -> None:
    first, second, third = sample(0), sample(7, fast_time=None, queued=None), sample(9, status=Status.BANNED)
    other = sample(8, token=1901, active=None, images=None, allowance=None)
    await keep(store, third, other)
    await keep(store, first, second)
    found = await store.history([1900, 1901, 1902], MIDNIGHT, MIDNIGHT + minutes(60))
    assert found == {1900: (first, second, third), 1901: (other,), 1902: ()}


async def test_a_line_begins_at_the_edge(store: Store) -> None:
    samples = [sample(minute, images=minute) for minute in range(0, 60, 10)]
    await keep(store, *samples)
    found = await store.history([1900], MIDNIGHT + minutes(25), MIDNIGHT + minutes(40))
    assert found[1900] == tuple(samples[2:5])
    assert (await store.history([1900], MIDNIGHT + minutes(600), MIDNIGHT + minutes(700)))[1900] == (samples[-1],)
    assert (await store.history([1900], MIDNIGHT + minutes(6000), MIDNIGHT + minutes(6001)))[1900] == ()


async def test_what_is_stored_twice_is_there_once(store: Store) -> None:
    for _ in range(2):
        await keep(store, sample(), sample(5, fast_time=None))
    await keep(store, sample(5, fast_time=1.0, queued=None))
    found = await store.history([1900], MIDNIGHT, MIDNIGHT + minutes(60))
    assert found[1900] == (sample(), sample(5, fast_time=1.0, queued=None)), "of one second the last reading counts"


async def test_the_history_of_many_tokens_is_read_at_once(store: Store) -> None:
    samples = [sample(Random(token).uniform(0, 60) // 1, token=token) for token in range(1200)]
    await keep(store, *samples)
    found = await store.history(range(1200), MIDNIGHT, MIDNIGHT + minutes(60))
    assert found == {each.token: (each,) for each in samples}


async def test_the_version_before_goes_on_with_the_tables_and_the_history_stays(store: Store) -> None:
    """It writes a token's record without the new column, and the one row of the installation without its own."""
    await store.save(Changes(NOW, (record(),), samples=(sample(),)), NOW)

    def before(connection: sa.Connection) -> None:
        tokens = "INSERT INTO tokens (id, record) VALUES (1900, :new) ON CONFLICT (id) DO UPDATE SET record = :new"
        connection.execute(sa.text("UPDATE tokens SET ledger = :ledger"), {"ledger": b"kept"})
        text = connection.scalar(sa.text("SELECT record FROM tokens"))
        connection.execute(sa.text(tokens), {"new": text})
        connection.execute(sa.text("UPDATE installation SET read_at = read_at, holder = NULL"))

    def ledger(connection: sa.Connection) -> object:
        return connection.scalar(sa.text("SELECT ledger FROM tokens"))

    await store.database.write(before)
    assert await store.database.read(ledger) == b"kept"
    assert (await store.load()).records == {1900: record()}
    assert (await store.history([1900], MIDNIGHT, MIDNIGHT + minutes(1)))[1900] == (sample(),)
