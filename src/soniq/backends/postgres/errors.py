"""The driver's errors in the words of the seam."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from soniq.backends.base import Contended, Unavailable, Unstorable
from soniq.errors import SONIQ_SCHEMA_MISSING, SoniqError, masked

MISSING: Final = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InvalidSchemaNameError,
    asyncpg.InvalidCatalogNameError,
)

_CONTENDED: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
)

_UNSTORABLE: Final = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)

_SESSION_ENDED: Final = (
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
)

# After a failover the old primary is read-only until it is gone: as good as away.
AWAY: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    # Its disk, not what was asked of it.
    asyncpg.PostgresSystemError,
    *_SESSION_ENDED,
)


@contextmanager
def translated(location: str) -> Iterator[None]:
    """Raise what the driver raises inside as an error of the seam, chained to it.

    Args:
        location: the database, for people, its password masked.
    """
    try:
        yield
    except MISSING as error:
        raise schema_missing(location, error) from error
    except _CONTENDED as error:
        raise Contended(str(error)) from error
    except _UNSTORABLE as error:
        raise Unstorable(str(error)) from error
    except AWAY as error:
        raise Unavailable(f"{location}: {_told(error)}") from error


def answered(error: BaseException) -> bool:
    """Whether the server itself said so, and stays."""
    fatal = (
        asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError,
        asyncpg.ReadOnlySQLTransactionError,
        *_SESSION_ENDED,
    )
    mild = isinstance(error, asyncpg.QueryCanceledError)
    return isinstance(error, asyncpg.PostgresError) and (mild or not isinstance(error, fatal))


def _told(error: BaseException) -> str:
    """The error's text, its kind where it has none, and what no look at the server would show."""
    told = masked(str(error)) or type(error).__name__
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return f"{told} (check the role and the password of the URL, and the server's pg_hba.conf)"
    return told


def schema_missing(location: str, error: asyncpg.PostgresError) -> SoniqError:
    """The error for tables, or a whole database, that are not there."""
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return missing("database", location)
    named = re.search(r"soniq_\w+", str(error))
    return missing(named.group() if named else "soniq_jobs", location)


def missing(table: str, location: str, reason: str = "does not exist") -> SoniqError:
    """The error that says which table to create, and how."""
    what = "The database" if table == "database" else f"Table {table}"
    return SoniqError(
        f"{what} {reason}: {location}",
        SONIQ_SCHEMA_MISSING,
        {"table": table, "database": location},
        [
            "Run `soniq setup`, or `soniq setup module:app` where your code names the database.",
            "If it was run, then on another database: compare SONIQ_DATABASE_URL there and here.",
        ],
    )
