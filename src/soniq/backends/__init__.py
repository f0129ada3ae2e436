"""Where jobs are stored: Postgres, a SQLite file, or memory."""

from soniq.backends.memory import MemoryBackend
from soniq.backends.postgres import PostgresBackend
from soniq.backends.sqlite import SQLiteBackend

__all__ = ["MemoryBackend", "PostgresBackend", "SQLiteBackend"]
