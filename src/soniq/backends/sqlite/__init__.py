"""Jobs in a SQLite file, shared by the processes of one machine."""

from soniq.backends.sqlite.backend import SQLiteBackend

__all__ = ["SQLiteBackend"]
