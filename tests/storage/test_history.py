"""What was read over time comes back as it was read."""

import zlib
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import info, ledger
from bot.domain.model import Status
from bot.domain.sample import Sample
from bot.domain.value import replace
from bot.domain.watch.known import Changes
from bot.storage import packs, retention, schema
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


def of_state(number: int) -> bytes:
    """A pack whose only sample has a status and activity of that number, as one of a newer version may."""
    columns = [int(MIDNIGHT.timestamp())], [number], *[[None]] * 4
    return zlib.compress(msgspec.msgpack.encode((1, *columns)))


@pytest.mark.parametrize("data", [b"", b"nothing", packs.pack([sample()])[:-3], of_state(15), of_state(-1)])
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


# Retention


RAW, HOURLY = timedelta(days=14), timedelta(days=395)


def days(count: float) -> timedelta:
    """So many days."""
    return timedelta(days=count)


async def prune(store: Store, after: timedelta) -> None:
    """The retention, so long after midnight."""
    await store.prune_history(MIDNIGHT + after, RAW, HOURLY)


async def lies(store: Store) -> tuple[int, int, int]:
    """How many rows there are, and packs of a day and of a week."""

    def counted(connection: sa.Connection) -> tuple[int, int, int]:
        of_span = sa.select(sa.func.count()).select_from(schema.history)
        spans = [connection.scalar(of_span.where(schema.history.c.span == span)) or 0 for span in (1, 7)]
        rows = connection.scalar(sa.select(sa.func.count()).select_from(schema.samples)) or 0
        return rows, spans[0], spans[1]

    return await store.database.read(counted)


async def everything(store: Store, *tokens: int) -> dict[int, tuple[Sample, ...]]:
    """All that is kept of these."""
    return dict(await store.history(tokens or [1900], MIDNIGHT - days(1000), MIDNIGHT + days(2000)))


async def test_what_is_packed_reads_as_before(store: Store) -> None:
    samples = [
        sample(minute, token, images=round(minute), fast_time=Random(minute).randrange(90_000) / 100)
        for token in range(25)
        for minute in range(0, 3 * 24 * 60, 47)
    ]
    await keep(store, *samples)
    before = await everything(store, *range(25))
    await prune(store, days(2.5))
    rows, packed, thinned = await lies(store)
    assert (packed, thinned) == (50, 0)
    assert rows == sum(each.at >= MIDNIGHT + days(2) for each in samples), "of today"
    assert await everything(store, *range(25)) == before
    since, until = MIDNIGHT + days(0.9), MIDNIGHT + days(2.1)
    of_one = [each for each in before[7] if each.at <= until]
    expected = of_one[sum(each.at < since for each in of_one) - 1 :]
    assert (await store.history([7], since, until))[7] == tuple(expected)
    await prune(store, days(2.5))
    assert await lies(store) == (rows, 50, 0), "again is nothing"


async def test_one_sample_an_hour_is_left_of_what_is_older(store: Store) -> None:
    await keep(store, *(sample(minute + 0.5, images=minute) for minute in range(0, 40 * 24 * 60, 20)))
    await prune(store, days(40))
    _, left, weeks = await lies(store)
    assert RAW <= days(left) < RAW + days(7)
    assert weeks in {3, 4}
    found = (await everything(store))[1900]
    old, young = found[: (40 - left) * 24], found[(40 - left) * 24 :]
    assert [each.images for each in old] == [hour * 60 + 40 for hour in range((40 - left) * 24)], (
        "the last of each hour"
    )
    assert old[0].at == MIDNIGHT + minutes(40), "to the minute"
    assert len(young) == left * 24 * 3


async def test_what_is_older_than_all_is_gone(store: Store) -> None:
    await keep(store, *(sample(day * 24 * 60 + 9) for day in range(500)))
    await prune(store, days(500))
    found = (await everything(store))[1900]
    assert HOURLY <= MIDNIGHT + days(500) - found[0].at < HOURLY + days(7)
    assert found[-1].at == MIDNIGHT + days(499) + minutes(9)
    await prune(store, days(3000))
    assert (await everything(store))[1900] == ()
    assert await lies(store) == (0, 0, 0)


async def test_retention_that_is_cut_short_loses_nothing_and_goes_on(store: Store) -> None:
    """As a kill does it: each transaction may be the last."""
    samples = [sample(minute, token) for token in range(25) for minute in range(0, 1440, 90)]
    await keep(store, *samples)
    before = await everything(store, *range(25))
    today = retention.day_of(MIDNIGHT + days(1))
    await store.pack([3, 4], today)
    assert await everything(store, *range(25)) == before
    assert (await lies(store))[1] == 2
    await prune(store, days(1))
    assert await everything(store, *range(25)) == before
    assert await lies(store) == (0, 25, 0)


async def test_more_rows_than_are_packed_at_once_are_one_pack(store: Store) -> None:
    samples = tuple(sample(second / 20, images=second) for second in range(2 * retention.ROWS + 7))
    await keep(store, *samples)
    await prune(store, days(1))
    assert await lies(store) == (0, 1, 0)
    assert (await everything(store))[1900] == samples


async def test_what_comes_late_joins_what_is_packed(store: Store) -> None:
    """A clock that was set back."""
    await keep(store, sample(0), sample(120))
    await prune(store, days(1))
    await keep(store, sample(60), sample(120, images=700))
    await prune(store, days(1))
    assert await lies(store) == (0, 1, 0)
    assert (await everything(store))[1900] == (sample(0), sample(60), sample(120, images=700))
    await prune(store, days(30))
    await keep(store, sample(180))
    await prune(store, days(30))
    assert await lies(store) == (0, 0, 1)
    assert (await everything(store))[1900] == (sample(0), sample(60), sample(120, images=700), sample(180))


async def test_a_pack_that_cannot_be_read_is_a_gap_and_holds_nothing_up(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await keep(store, *(sample(day * 1440) for day in range(14)), sample(5, token=1901))
    await prune(store, days(14))
    damage = sa.update(schema.history).where(
        schema.history.c.token == 1900, schema.history.c.day == retention.day_of(MIDNIGHT + days(2))
    )
    await store.database.write(lambda connection: connection.execute(damage.values(data=b"damaged")))
    found = (await everything(store))[1900]
    assert [each.at for each in found] == [MIDNIGHT + days(day) for day in range(14) if day != 2]
    assert "part of the history cannot be read" in caplog.text
    late = sample(2 * 1440 + 60)
    await keep(store, late)
    await prune(store, days(60))
    found = (await everything(store))[1900]
    assert late in found, "it waits in a row of its own"
    assert (await everything(store, 1901))[1901] == (sample(5, token=1901),)
    for _ in range(2):
        await prune(store, days(999))
    assert await lies(store) == (0, 0, 0)


async def test_a_ledger_is_stored_with_its_record_and_stays_while_that_changes(store: Store) -> None:
    first = ledger.apply(None, info.read(record()), NOW, UTC)
    await store.save(Changes(NOW, (record(),), ledgers={1900: first}), NOW)
    assert (await store.load()).ledgers == {1900: ledger.pack(first)}
    await store.save(Changes(NOW, (record(status="RELAX"), record(1901))), NOW)
    assert (await store.load()).ledgers == {1900: ledger.pack(first)}
    await store.save(Changes(NOW, removed=frozenset({1900})), NOW)
    assert (await store.load()).ledgers == {}


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
