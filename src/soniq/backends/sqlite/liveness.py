"""That a worker's process lives: an exclusive lock on a file of its own beside the database.

The kernel frees it when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import weakref
from pathlib import Path

_held: weakref.WeakSet[WorkerLock] = weakref.WeakSet()


def folder_of(database: str) -> Path:
    """Where the locks of this database's workers are."""
    return Path(f"{database}-workers")


def _file_of(database: str, worker: str) -> Path:
    return folder_of(database) / f"{worker}.lock"


class WorkerLock:
    """The lock of one worker of this process.

    Args:
        database: path of the database file.
        worker: id of the worker.
    """

    def __init__(self, database: str, worker: str) -> None:
        self._file = _file_of(database, worker)
        self._descriptor: int | None = None

    def take(self) -> None:
        """Hold the lock, anew if somebody has removed its file. Raises OSError."""
        if self._descriptor is not None and self._is_in_place(self._descriptor):
            return
        self.give_up()
        self._file.parent.mkdir(exist_ok=True)
        descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o644)
        # A judge may be trying it at this moment; that takes it no longer than a look.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        self._descriptor = descriptor
        _held.add(self)

    def _is_in_place(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self._file.stat())
        except FileNotFoundError:
            return False

    def give_up(self) -> None:
        """Let go without a trace being removed."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            _held.discard(self)

    def remove(self) -> None:
        """Let go, and take the file away."""
        if self._descriptor is not None:
            self._file.unlink(missing_ok=True)
            self.give_up()


def is_free(database: str, worker: str) -> bool:
    """Whether no process holds that worker's lock."""
    try:
        descriptor = os.open(_file_of(database, worker), os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        # Shared: two judges do not stand in each other's way.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def clear(database: str, worker: str) -> None:
    """Remove what a dead worker has left."""
    _file_of(database, worker).unlink(missing_ok=True)


def _drop_in_child() -> None:
    # A forked child shares the lock, and would keep its dead parent alive in the others' eyes.
    for lock in list(_held):
        lock.give_up()


os.register_at_fork(after_in_child=_drop_in_child)
