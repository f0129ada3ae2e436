"""SQLite connections that fail at a statement of choice."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import pytest

from tests.faults.fuse import Fuse, Moment

T = TypeVar("T")


def fused(monkeypatch: pytest.MonkeyPatch, fuse: Fuse) -> None:
    """Let the fuse be asked at each statement of every connection opened from now on.

    The watch, which looks for changes every few milliseconds, is left out: it is no part of any
    operation, and nobody could repeat a count with it.
    """

    class Fused(sqlite3.Connection):
        def execute(self, *args: Any) -> sqlite3.Cursor:
            return _through(fuse, partial(super().execute, *args))

        def executemany(self, *args: Any) -> sqlite3.Cursor:
            return _through(fuse, partial(super().executemany, *args))

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Fused))


def _through(fuse: Fuse, statement: Callable[[], T]) -> T:
    if threading.current_thread().name == "soniq-sqlite-watch" or not fuse.burns():
        return statement()
    if fuse.moment is Moment.AFTER:
        statement()
    raise broken()


def broken() -> sqlite3.OperationalError:
    """What a disk that fails makes SQLite say."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    return error
