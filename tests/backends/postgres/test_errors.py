"""What the driver raises, in the words of the seam: repeat it, wait for it, or refuse it."""

from __future__ import annotations

import asyncpg
import pytest

from soniq.backends.base import Contended, Unavailable, Unstorable
from soniq.backends.postgres.errors import answered, translated


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError("reset by peer"),
        TimeoutError(),
        asyncpg.ConnectionDoesNotExistError("gone"),
        asyncpg.AdminShutdownError("terminating"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.TooManyConnectionsError("sorry"),
        asyncpg.DiskFullError("no space left"),
        asyncpg.PostgresIOError("could not read block"),
        asyncpg.ReadOnlySQLTransactionError("a standby"),
        asyncpg.IdleInTransactionSessionTimeoutError("too slow"),
        asyncpg.TransactionTimeoutError("too slow"),
        asyncpg.TargetServerAttributeNotMatched("none takes writes"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_database_in_trouble_is_away(error: Exception) -> None:
    with pytest.raises(Unavailable), translated("the database"):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InvalidPasswordError("password authentication failed"),
        asyncpg.InvalidAuthorizationSpecificationError('role "ann" does not exist'),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_server_that_knows_no_such_role_says_where_to_look(error: Exception) -> None:
    with pytest.raises(Unavailable, match="check the role and the password"), translated("here"):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.LockNotAvailableError("lock timeout"),
        asyncpg.QueryCanceledError("statement timeout"),
        asyncpg.SerializationError("concurrent update"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_stands_in_the_way_leaves_the_connection_whole(error: asyncpg.PostgresError) -> None:
    assert answered(error)
    with pytest.raises(Contended), translated("the database"):
        raise error


def test_a_value_at_fault_is_told_from_both() -> None:
    with pytest.raises(Unstorable), translated("the database"):
        raise asyncpg.DataError("invalid byte sequence")


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.TransactionTimeoutError("too slow"),
        asyncpg.IdleInTransactionSessionTimeoutError("too slow"),
        asyncpg.AdminShutdownError("terminating"),
        asyncpg.ReadOnlySQLTransactionError("a standby"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_session_that_has_ended_or_is_of_no_use_is_not_kept(error: Exception) -> None:
    assert not answered(error)
