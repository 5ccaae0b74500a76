"""What a database may raise, in our words.

StoreError                     the database did not do what was asked
├── StoreUnavailableError      it is locked, restarting or out of reach; the same call may succeed later
├── StoreSettingsError         it can never work as configured; the text says what to mend
├── StoreDamagedError          what it holds cannot be read
└── FencedError                this copy of the bot may not write any more
"""

import sqlite3
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
import sqlalchemy as sa


class StoreError(Exception):
    """The database did not do what was asked."""


class StoreUnavailableError(StoreError):
    """The database is locked, restarting or out of reach. Nothing was stored; the same call may succeed later."""


class StoreSettingsError(StoreError):
    """The database can never work as configured."""


class StoreDamagedError(StoreError):
    """What the database holds cannot be read."""


class FencedError(StoreError):
    """Another copy of the bot has taken the lease. Nothing was stored."""


_MEANINGS: Final[dict[str, tuple[type[StoreError], str]]] = {
    # SQLite: the names of its result codes, https://sqlite.org/rescode.html
    "SQLITE_BUSY": (StoreUnavailableError, "another process holds the database file"),
    "SQLITE_LOCKED": (StoreUnavailableError, "another process holds the database file"),
    "SQLITE_FULL": (StoreUnavailableError, "the disk is full"),
    "SQLITE_IOERR": (StoreUnavailableError, "the disk failed"),
    "SQLITE_CANTOPEN": (StoreSettingsError, "this user must be able to write the database file and its folder"),
    "SQLITE_PERM": (StoreSettingsError, "this user must be able to write the database file and its folder"),
    "SQLITE_READONLY": (StoreSettingsError, "this user must be able to write the database file and its folder"),
    "SQLITE_CORRUPT": (StoreDamagedError, "the database file is damaged; restore it, or move it away to start anew"),
    "SQLITE_NOTADB": (StoreDamagedError, "the file is not a database; name another one in DATABASE_URL"),
    # PostgreSQL: classes of SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html
    "08": (StoreUnavailableError, "the connection was lost"),
    "25006": (StoreUnavailableError, "the server takes no writes: it is a standby, or kept from writing"),
    "28": (StoreSettingsError, "the server refuses the user or the password of DATABASE_URL"),
    "3D": (StoreSettingsError, "the server has no database of the name in DATABASE_URL"),
    "40": (StoreUnavailableError, "the server gave way to another transaction"),
    "42501": (StoreSettingsError, "the user of DATABASE_URL may not make or use the tables; grant it the schema"),
    "53": (StoreUnavailableError, "the server is short of connections, memory or disk"),
    "55": (StoreUnavailableError, "another process holds the database"),
    "57": (StoreUnavailableError, "the server is stopping, starting or took too long"),
    "58": (StoreUnavailableError, "the server's disk failed"),
    "XX": (StoreDamagedError, "the server reports damage"),
}


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
    except PermissionError as error:
        message = f"this user must be able to write the database file and its folder: {error}"
        raise StoreSettingsError(message) from error
    except (TimeoutError, sa.exc.TimeoutError) as error:
        message = "the database did not answer in time"
        raise StoreUnavailableError(message) from error
    except OSError as error:
        message = f"the database cannot be reached: {error}"
        raise StoreUnavailableError(message) from error
    except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
        raise _translated(error) from error


def _translated(error: Exception) -> StoreError:
    """What an error of a driver means. Of its text only the first line is kept: the others may quote rows."""
    original = getattr(error, "orig", None) or error
    code = getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None) or ""
    said = str(original).partition("\n")[0]
    for prefix, (kind, meaning) in _MEANINGS.items():
        if code.startswith(prefix):
            return kind(f"{meaning} ({code}: {said})")
    if isinstance(original.__cause__, ValueError):
        return StoreSettingsError(f"DATABASE_URL cannot be used: {said}")
    if isinstance(error, sa.exc.InterfaceError):
        return StoreUnavailableError(f"the connection was lost ({said})")
    return StoreError(f"the database refused a statement ({code or type(original).__name__}: {said})")
