"""`python -m bot copy`: everything of one database into another, on which the bot then goes on as if nothing had been.

All of it, or nothing: the new database takes it in one transaction, after which the old one notes that the bot has
moved, and a start on it is refused. No bot may run on either meanwhile.
"""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO

import sqlalchemy as sa

from bot.domain.redaction import redact
from bot.domain.value import Value
from bot.leader import has_ended, somebody_leads
from bot.storage.address import File, Server, parsed
from bot.storage.database import Database, database_at
from bot.storage.errors import StoreError, StoreSettingsError
from bot.storage.lease import leads
from bot.storage.schema import installation
from bot.storage.transfer import Note, Seen, look, mark, transfer, unmark

OLD: Final = "the old database"
NEW: Final = "the new database"

_OLD_URL: Final = "--from or DATABASE_URL"
_NEW_URL: Final = "--to"
"""Where the URLs of the two come from."""

_RUNS: Final = "a bot runs on it: stop it first, and see that nothing starts it again"


class End(Value):
    """What copying came to."""

    counts: dict[str, int]
    """Rows of each table, in both."""
    marked: bool
    """Whether the old database says that the bot has moved."""


class Bar:
    """How far it is, on a terminal; nothing elsewhere."""

    _WIDTH: Final = 30

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream if stream.isatty() else None

    def say(self, words: str) -> None:
        """Show something that will be over soon."""
        if self._stream is not None:
            self._stream.write(f"\r\x1b[K{words}")
            self._stream.flush()

    def note(self, table: str, done: int, total: int) -> None:
        """Show how many rows of a table are copied."""
        filled = self._WIDTH * done // total if total else self._WIDTH
        self.say(f"{table:<16} [{'#' * filled}{'.' * (self._WIDTH - filled)}] {done:,} of {total:,}")

    def clear(self) -> None:
        """Leave the line to what comes next."""
        self.say("")


async def run(source: str, target: str, clock: Callable[[], datetime]) -> None:
    """Copy everything, and say so.

    Args:
        source: The URL of the old database.
        target: The URL of the new one, which has nothing in it.
        clock: The time, aware.

    Raises:
        StoreError: One of them is not as it has to be. Nothing was copied, and no secret is in the error.
    """
    hidden = secrets_of(source, target)
    for label, url in (("from", source), ("to", target)):
        _print(f"{label:<5} {redact(name_of(url), hidden)}")
    bar = Bar(sys.stdout)
    try:
        end = await copied(source, target, clock, bar.note, bar.say)
    finally:
        bar.clear()
    for table, count in end.counts.items():
        _print(f"ok    {table}: {count:,} row{'s' * (count != 1)}, in both")
    _print("Copied. Set DATABASE_URL to the new database, and start the bot: it goes on there.")
    if end.marked:
        _print("On the old one it does not start any more; `python -m bot copy --undo` would allow it again.")
    else:
        _print("The old one takes no writes, so that nothing in it says so: see that no bot starts on it any more.")


async def undo(url: str) -> None:
    """Let a bot start again on a database that was copied, and say so.

    Raises:
        StoreError: It is not as it has to be.
    """
    _print(f"undo  {redact(name_of(url), secrets_of(url))}")
    async with _opened(url, OLD, _OLD_URL) as database:
        with _about(OLD, _OLD_URL):
            seen = await database.read(look)
            moved = seen.made and await database.write(unmark)
    if moved:
        _print("A bot may start on it again. It knows nothing of what happened since it was copied.")
    else:
        _print(
            f"It was not copied to another database, so there is nothing to undo. {_OLD_URL} says which one is meant."
        )


async def copied(
    source_url: str, target_url: str, clock: Callable[[], datetime], note: Note, say: Callable[[str], None]
) -> End:
    """Copy everything.

    Args:
        source_url: Of the old database.
        target_url: Of the new one.
        clock: The time, aware.
        note: Is told how far it is.
        say: Is told what it waits for.

    Raises:
        StoreError: One of them is not as it has to be, and neither has changed.
    """
    async with _opened(source_url, OLD, _OLD_URL) as source, _opened(target_url, NEW, _NEW_URL) as target:
        with _about(OLD, _OLD_URL):
            old = await source.read(look)
            _refuse_old(old)
        with _about(NEW, _NEW_URL):
            new = await target.read(_look_into)
            _refuse_new(new, old)
            await _refuse_while_it_runs(target, new, say)
        with _about(OLD, _OLD_URL):
            await _refuse_while_it_runs(source, old, say)
            marked = await _takes_writes(source)
        return End(await _copied(source, target, (old, new), clock() if marked else None, note), marked)


async def _copied(
    source: Database, target: Database, seen: tuple[Seen, Seen], moved_at: datetime | None, note: Note
) -> dict[str, int]:
    old, new = seen

    def work(source: sa.Connection, target: sa.Connection) -> dict[str, int]:
        if moved_at is not None and old.claim is not None:
            with _about(OLD, _OLD_URL):
                mark(source, old.claim, moved_at)
        with _about(NEW, _NEW_URL):
            if _look_into(target) != new:
                message = "something has changed it meanwhile: see that no bot starts on it"
                raise StoreSettingsError(message)
        return transfer(source, target, note)

    with _about("while copying", _NEW_URL):
        return await source.into(target, work, writing=moved_at is not None)


def _look_into(target: sa.Connection) -> Seen:
    return look(target, counting=True)


def _refuse_old(old: Seen) -> None:
    if old.installation is None:
        message = "no bot has run on it, so there is nothing to copy"
        raise StoreSettingsError(message)
    if old.moved_at is not None:
        message = (
            f"it was copied to another one at {old.moved_at:%F %H:%M} UTC already, on which the bot goes on: copy that "
            "one, or bring this one back with --undo in place of --to"
        )
        raise StoreSettingsError(message)


def _refuse_new(new: Seen, old: Seen) -> None:
    if new.identity == old.identity:
        message = "it is the same one as the old (from one schema of it to another, go by way of a SQLite file)"
        raise StoreSettingsError(message)
    if not new.counts:
        return
    if new.moved_at is not None:
        message = "the bot was copied from it to another one, and what it knew then is still in it: empty it first"
    elif new.installation == old.installation:
        message = "it holds this bot's data already: start the bot on it, or empty it to copy anew"
    else:
        found = ", ".join(f"{count:,} in {name}" for name, count in new.counts)
        message = f"a bot has run on it, so it is not empty ({found}): empty it, or name another"
    raise StoreSettingsError(message)


async def _refuse_while_it_runs(database: Database, seen: Seen, say: Callable[[str], None]) -> None:
    claim = seen.claim
    if claim is None:
        return
    if claim.holder is not None and not has_ended(claim.holder):
        say("waiting up to 10 s to see whether a bot still runs ...")
    if await somebody_leads(lambda: database.read(leads)):
        raise StoreSettingsError(_RUNS)


async def _takes_writes(source: Database) -> bool:
    """Whether the old database could note that the bot has moved; a full one is a good reason to move."""
    touch = sa.update(installation).values(moved_at=installation.c.moved_at)
    try:
        await source.write(lambda connection: connection.execute(touch))
    except StoreError as error:
        if not error.unwritable:
            raise
        return False
    return True


@asynccontextmanager
async def _opened(url: str, what: str, option: str) -> AsyncIterator[Database]:
    """The database as it is."""
    with _about(what, option):
        if option != _NEW_URL:
            _refuse_no_file(url)
        database = database_at(url)
    try:
        yield database
    finally:
        await database.close()


@contextmanager
def _about(what: str, option: str) -> Iterator[None]:
    """Let errors say which database they are about, and by what it was named."""
    try:
        yield
    except StoreError as error:
        words = str(error)
        if words.startswith((OLD, NEW)):
            raise
        message = f"{what}: {words.replace('DATABASE_URL', option)}"
        raise type(error)(message, unwritable=error.unwritable) from error


def _refuse_no_file(url: str) -> None:
    """SQLite would make one, which is as empty as a slip of the pen deserves."""
    with suppress(ValueError):  # of what is no URL, opening it has more to say
        address = parsed(url)
        if isinstance(address, File) and not Path(address.path).is_file():
            message = f"there is no file {Path(address.path).absolute()}"
            raise StoreSettingsError(message)


def name_of(url: str) -> str:
    """A database as people may read of it."""
    try:
        address = parsed(url)
    except ValueError:
        return "what is no URL of a database"
    if isinstance(address, File):
        return str(Path(address.path).absolute())
    hosts = ", ".join(f"{host}:{port}" for host, port in address.hosts if host)
    return f"PostgreSQL{f' at {hosts}' * bool(hosts)}{f', database {address.database}' * bool(address.database)}"


def secrets_of(*urls: str) -> tuple[str, ...]:
    """What must not be shown of them."""
    found: list[str] = []
    for url in urls:
        try:
            address = parsed(url)
        except ValueError:
            continue  # of what cannot be read, nothing is shown
        if isinstance(address, Server):
            found += address.secrets
    return tuple(found)


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the answer of the command
