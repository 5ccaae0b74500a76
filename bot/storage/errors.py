"""What a database may raise, in our words.

StoreError                     the database did not do what was asked
├── StoreUnavailableError      it is locked, restarting or out of reach; the same call may succeed later
├── StoreSettingsError         it can never work as configured; the text says what to mend
│   └── StoreMovedError        the bot has moved from it to another one
├── StoreDamagedError          what it holds cannot be read
└── FencedError                this copy of the bot may not write any more
"""

import errno
import re
import socket
import sqlite3
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

import msgspec
import sqlalchemy as sa


class StoreError(Exception):
    """The database did not do what was asked."""

    passing: ClassVar[bool] = True
    """Whether starting again may help; if not, somebody has to mend something first."""

    def __init__(self, message: str, *, unwritable: bool = False) -> None:
        super().__init__(message)
        self.unwritable = unwritable
        """Whether it says: you may read, not write."""


class StoreUnavailableError(StoreError):
    """The database is locked, restarting or out of reach. Nothing was stored; the same call may succeed later."""


class StoreSettingsError(StoreError):
    """The database can never work as configured."""

    passing = False


class StoreMovedError(StoreSettingsError):
    """Everything in the database was copied to another one, on which the bot goes on."""


class StoreDamagedError(StoreError):
    """What the database holds cannot be read."""

    passing = False


class FencedError(StoreError):
    """Another copy of the bot has taken the lease. Nothing was stored."""


class _Meaning(NamedTuple):
    """What an error means that has one of these codes, and says something of this kind."""

    codes: tuple[str, ...]
    """Each is the beginning of a code. The empty one is the beginning of all."""
    kind: type[StoreError]
    words: str
    said: str = ""
    """A pattern for its text, in whatever case; the empty one fits all."""
    unwritable: bool = False

    def fits(self, code: str, said: str) -> bool:
        """Whether this is what such an error means."""
        return code.startswith(self.codes) and re.search(self.said, said, re.IGNORECASE) is not None


_FILE: Final = "this user must be able to write the database file and its folder, which DATABASE_URL names"
OTHERS: Final = (
    "the tables in it are not all the bot's own: give it a database, or a schema, that no other program uses"
)

_POOLERS: Final = ("08", "XX000")
"""PgBouncer says all of its own by 08P01 (before 1.24 or so), Supavisor by XX000: what they mean is in the text."""

_MEANINGS: Final = (
    # SQLite: the names of its result codes, https://sqlite.org/rescode.html
    _Meaning(("SQLITE_BUSY", "SQLITE_LOCKED"), StoreUnavailableError, "another process holds the database file"),
    _Meaning(("SQLITE_FULL",), StoreUnavailableError, "the disk is full", unwritable=True),
    _Meaning(("SQLITE_IOERR_READ", "SQLITE_IOERR_SHORT_READ"), StoreUnavailableError, "the disk failed"),
    _Meaning(("SQLITE_IOERR",), StoreUnavailableError, "the disk failed, or is full", unwritable=True),
    _Meaning(("SQLITE_READONLY",), StoreSettingsError, _FILE, unwritable=True),
    _Meaning(("SQLITE_CANTOPEN", "SQLITE_PERM"), StoreSettingsError, _FILE),
    _Meaning(
        ("SQLITE_CORRUPT",),
        StoreDamagedError,
        "the database file is damaged; restore it, or move it away to start anew",
    ),
    _Meaning(("SQLITE_NOTADB",), StoreDamagedError, "the file is not a database; name another one in DATABASE_URL"),
    _Meaning(("SQLITE_ERROR",), StoreSettingsError, OTHERS, said="already exists|no such (table|column)"),
    # Poolers, by what they say. https://github.com/pgbouncer/pgbouncer (src/client.c, src/objects.c) and
    # https://github.com/supabase/supavisor (lib/supavisor/errors)
    _Meaning(
        _POOLERS,
        StoreSettingsError,
        "the pooler is in statement mode, in which no transaction is possible: take its transaction or session mode",
        said="statement pooling",
    ),
    _Meaning(
        _POOLERS,
        StoreSettingsError,
        "the pooler refuses simple queries, which the bot needs (PgBouncer: disable_pqexec)",
        said="pqexec disallowed",
    ),
    _Meaning(
        _POOLERS,
        StoreUnavailableError,
        "the pooler is short of connections",
        said="no more connections|too many (connections|clients)|max[a-z_ ]*(clients?|connections?|conn)|pool_size"
        "|query_wait_timeout|checkout|queue.?timeout",
    ),
    _Meaning(
        _POOLERS,
        StoreSettingsError,
        "the pooler takes no such option: leave out options= in DATABASE_URL, or have the pooler ignore it"
        " (PgBouncer: ignore_startup_parameters)",
        said="startup (parameter|option)",
    ),
    _Meaning(
        _POOLERS,
        StoreSettingsError,
        "the pooler wants TLS: add sslmode=require to DATABASE_URL",
        said="(ssl|tls)( connection)?( is)? required",
    ),
    _Meaning(
        _POOLERS,
        StoreSettingsError,
        "the pooler has no database of the name in DATABASE_URL",
        said="no such database|database .*(does not exist|not found)",
    ),
    _Meaning(
        _POOLERS,
        StoreSettingsError,
        "the pooler does not know the user of DATABASE_URL: write it as your host shows it for this address (with the"
        " project's name in it, as in postgres.PROJECT), and see whether the project is paused",
        said=r"(tenant|endpoint|project)\b.*\bnot (be )?(found|specified)|no tenant identifier|invalid format for user",
    ),
    _Meaning(
        _POOLERS,
        StoreSettingsError,
        "the pooler refuses the address of this machine: allow it at your host",
        said="allow_?list|address.* not|not allowed to connect",
    ),
    _Meaning(
        _POOLERS,
        StoreSettingsError,
        "the pooler refuses the user or the password of DATABASE_URL",
        said="authentication failed|wrong password|no such user|user .*(not found|does not exist)|login rejected",
    ),
    _Meaning(("08P01",), StoreUnavailableError, "the server, or a pooler before it, turned the connection away"),
    _Meaning(("XX000",), StoreUnavailableError, "the server, or a pooler before it, failed"),
    # PostgreSQL: SQLSTATE and its classes, https://www.postgresql.org/docs/current/errcodes-appendix.html
    _Meaning(("08",), StoreUnavailableError, "the connection was lost"),
    _Meaning(("0A",), StoreSettingsError, "the server cannot do what the bot needs: it wants PostgreSQL 12 or later"),
    _Meaning(
        ("22021", "22P05"),
        StoreSettingsError,
        "the database cannot hold every character: the bot needs one with the encoding UTF8",
    ),
    _Meaning(
        ("0P", "22023", "42601", "42704", "F0"),
        StoreSettingsError,
        "the server refuses a setting, be it in options= of DATABASE_URL or of the user or the database",
        said="command-line|parameter|option|role|setting|configuration",
    ),
    _Meaning(
        ("25006",),
        StoreUnavailableError,
        "the server takes no writes: it is a standby, or kept from writing (is the disk or the plan full?)",
        unwritable=True,
    ),
    _Meaning(("25P03", "25P04"), StoreUnavailableError, "the server ended a transaction that took too long"),
    _Meaning(
        ("26000", "42P05"),
        StoreSettingsError,
        "a pooler hands on prepared statements that another program left behind: give the bot a pool of its own",
    ),
    _Meaning(
        ("28000",),
        StoreSettingsError,
        "the server does not let the user of DATABASE_URL log in, or has no such user",
        said="(role|user) .*(does not exist|not permitted)|authentication failed|no credentials",
    ),
    _Meaning(
        ("28000",),
        StoreSettingsError,
        "the server refuses this machine, or wants TLS: allow its address at your host (pg_hba.conf), and add"
        " sslmode=require to DATABASE_URL",
    ),
    _Meaning(("28",), StoreSettingsError, "the server refuses the user or the password of DATABASE_URL"),
    _Meaning(("3D",), StoreSettingsError, "the server has no database of the name in DATABASE_URL"),
    _Meaning(
        ("3F",),
        StoreSettingsError,
        "there is no schema to make tables in: the one in search_path is not there, or the user may not use it",
    ),
    _Meaning(("40",), StoreUnavailableError, "the server gave way to another transaction"),
    _Meaning(
        ("42501",),
        StoreSettingsError,
        "the user of DATABASE_URL may not make tables: as the owner run GRANT USAGE, CREATE ON SCHEMA public TO it",
        said="for schema",
        unwritable=True,
    ),
    _Meaning(
        ("42501",),
        StoreSettingsError,
        "the user of DATABASE_URL may not connect: as the owner run GRANT CONNECT ON DATABASE ... TO it",
        said="for database",
    ),
    _Meaning(
        ("42501",),
        StoreSettingsError,
        "the user of DATABASE_URL may not use the tables: make it their owner, or run GRANT ALL ON ALL TABLES IN SCHEMA"
        " public TO it (is the plan full?)",
        unwritable=True,
    ),
    _Meaning(("42P01", "42P07", "42701", "42703", "42710"), StoreSettingsError, OTHERS),
    _Meaning(
        ("42883",), StoreSettingsError, "the server cannot do what the bot needs: it wants PostgreSQL 12 or later"
    ),
    _Meaning(("53100",), StoreUnavailableError, "the server's disk, or the plan, is full", unwritable=True),
    _Meaning(("53",), StoreUnavailableError, "the server is short of connections or memory"),
    _Meaning(("55P03", "55006"), StoreUnavailableError, "another process holds the database"),
    _Meaning(("55",), StoreUnavailableError, "the server does not take this now"),
    _Meaning(("57",), StoreUnavailableError, "the server is stopping, starting or took too long"),
    _Meaning(
        ("58",), StoreUnavailableError, "the server's disk failed", said="write|extend|sync|create", unwritable=True
    ),
    _Meaning(("58",), StoreUnavailableError, "the server's disk failed"),
    _Meaning(("XX",), StoreDamagedError, "the server reports damage; restore the database"),
    # asyncpg's own, which have no code
    _Meaning(
        ("",),
        StoreUnavailableError,
        "the connection was lost",
        said="cannot switch to state",  # the server said that it ends it, and asyncpg has not seen yet that it did
    ),
    _Meaning(
        ("",),
        StoreUnavailableError,
        "none of the servers is what target_session_attrs asks for",
        said="target attribute",
    ),
    _Meaning(
        ("",),
        StoreSettingsError,
        "the server wants a way to log in that the bot does not know: let the user log in by a password",
        said="unsupported (sasl )?authentication method",
    ),
)
"""The first that fits is what an error means."""

_AWAY: Final = _Meaning((), StoreUnavailableError, "the database cannot be reached at the address of DATABASE_URL")
_NAMELESS: Final = _Meaning(
    (),
    StoreUnavailableError,
    "the database cannot be reached: the name of its host in DATABASE_URL cannot be resolved",
)
_OF_SYSTEM: Final = {
    errno.ECONNREFUSED: _Meaning(
        (),
        StoreUnavailableError,
        "the database cannot be reached: nothing answers at the host and port of DATABASE_URL",
    ),
    errno.ENOSPC: _Meaning((), StoreUnavailableError, "the disk is full", unwritable=True),
    errno.EDQUOT: _Meaning((), StoreUnavailableError, "the disk is full", unwritable=True),
    errno.EROFS: _Meaning(
        (),
        StoreSettingsError,
        "the database is on a read-only file system: mount a volume, and name a file on it in DATABASE_URL",
        unwritable=True,
    ),
    errno.EACCES: _Meaning((), StoreSettingsError, _FILE, unwritable=True),
    errno.EPERM: _Meaning((), StoreSettingsError, _FILE, unwritable=True),
    errno.EISDIR: _Meaning((), StoreSettingsError, "DATABASE_URL names a folder; write a file in it"),
    errno.ENOTDIR: _Meaning((), StoreSettingsError, "DATABASE_URL names a file in what is no folder"),
    errno.EEXIST: _Meaning((), StoreSettingsError, "DATABASE_URL names a file in what is no folder"),
    errno.ELOOP: _Meaning((), StoreSettingsError, "DATABASE_URL names a link that leads to itself"),
    errno.ENAMETOOLONG: _Meaning((), StoreSettingsError, "DATABASE_URL names a file with too long a name"),
}
"""What the operating system says of a file, or of a socket that is one."""
_OF_FILE: Final = _OF_SYSTEM | {
    errno.ENOENT: _Meaning(
        (), StoreSettingsError, "DATABASE_URL names a file in a folder that cannot be made, or was deleted meanwhile"
    ),
}
"""What it says of SQLite's file; a socket may only not be there yet."""
_FILE_FAILS: Final = _Meaning((), StoreUnavailableError, "the database file cannot be opened")


def file_error(error: OSError) -> StoreError:
    """What it means that SQLite's file, or its folder, can be neither made nor opened; says where that is."""
    meaning = _OF_FILE.get(error.errno or 0, _FILE_FAILS)
    where = Path(error.filename or "")
    with suppress(OSError):  # of a folder that is gone nobody knows where it was
        where = where.absolute()
    return meaning.kind(f"{meaning.words} ({where}: {error.strerror})", unwritable=meaning.unwritable)


@contextmanager
def our_errors() -> Iterator[None]:
    """Whatever a database may raise becomes a StoreError."""
    try:
        yield
    except msgspec.MsgspecError as error:
        message = f"the database holds a value that this version cannot read: {error}"
        raise StoreDamagedError(message) from error
    except ssl.SSLCertVerificationError as error:
        message = f"the server's certificate is not trusted (sslrootcert in DATABASE_URL): {error.verify_message}"
        raise StoreSettingsError(message) from error
    except (TimeoutError, sa.exc.TimeoutError) as error:
        message = "the database did not answer in time"
        raise StoreUnavailableError(message) from error
    except OSError as error:
        meaning = _NAMELESS if isinstance(error, socket.gaierror) else _OF_SYSTEM.get(error.errno or 0, _AWAY)
        message = f"{meaning.words}: {error}"
        raise meaning.kind(message, unwritable=meaning.unwritable) from error
    except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
        raise _translated(error) from error


def _translated(error: Exception) -> StoreError:
    """What an error of a driver means. Of its text only the first line is kept: the others may quote rows."""
    original = getattr(error, "orig", None) or error
    code = getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None) or ""
    said = str(original).partition("\n")[0]
    for meaning in _MEANINGS:
        if meaning.fits(code, said):
            return meaning.kind(f"{meaning.words} ({code}: {said})", unwritable=meaning.unwritable)
    if isinstance(original.__cause__, ValueError):
        return StoreSettingsError(f"DATABASE_URL, or a variable PG... beside it, cannot be used: {said}")
    if isinstance(error, sa.exc.InterfaceError):
        return StoreUnavailableError(f"the connection was lost ({said})")
    return StoreError(f"the database refused a statement ({code or type(original).__name__}: {said})")
