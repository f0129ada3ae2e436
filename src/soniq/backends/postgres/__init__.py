"""The Postgres backend: one database that any number of machines share."""

from soniq.backends.postgres.backend import PostgresBackend

__all__ = ["PostgresBackend"]
