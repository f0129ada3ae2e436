"""SQLite's errors in the words of the protocol."""

from __future__ import annotations

import sqlite3
from typing import Final

from soniq.backends.base import BackendError, Contended, Unavailable, Unstorable

_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PRIMARY: Final = 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection stood in the way."""
    return _code(error) in _BUSY


def _code(error: sqlite3.Error) -> int:
    # Errors of the driver itself carry no code.
    return int(getattr(error, "sqlite_errorcode", 0)) & _PRIMARY


def translated(error: Exception, path: str) -> BackendError | None:
    """The protocol's error for one that a statement raised; None if it is a defect."""
    match error:
        case sqlite3.Error() if is_busy(error):
            return Contended(
                f"SQLite file {path} was locked by somebody else for too long: {error}"
            )
        case (
            sqlite3.IntegrityError() | sqlite3.DataError() | UnicodeEncodeError() | OverflowError()
        ):
            return Unstorable(f"SQLite cannot store a value: {error}")
        case sqlite3.OperationalError() | sqlite3.DatabaseError() if _is_outside(error):
            return Unavailable(f"SQLite file {path} cannot be used: {error}")
        case _:
            return None


_OUTSIDE: Final = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)


def _is_outside(error: sqlite3.Error) -> bool:
    """Whether it comes from the file or the machine and not from the statement."""
    return _code(error) in _OUTSIDE


def check_text(*texts: str | None) -> None:
    """Refuse text that other stores, or this one's JSON functions, cannot hold.

    Raises:
        Unstorable: a NUL character or a lone surrogate.
    """
    for text in texts:
        if text is None:
            continue
        if "\0" in text:
            raise Unstorable("Text with a NUL character cannot be stored")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise Unstorable(f"Text with a lone surrogate cannot be stored: {error}") from error
