"""Background jobs for Python on Postgres, SQLite or memory."""

from soniq.version import __version__

__all__ = ["__version__"]
