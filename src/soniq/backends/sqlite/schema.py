"""The tables of this backend: creating them, and telling whether this code may use them."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Final

from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.times import stamp
from soniq.errors import SONIQ_SCHEMA_TOO_NEW, MigrationError, SoniqError

_COMPATIBLE: Final = re.compile(r"^-- compatible_with: (\d+)$", re.MULTILINE)
# What is asked of any database, also one of a later version: never changed.
CREATE_LEDGER: Final = """
CREATE TABLE IF NOT EXISTS soniq_migrations (
    version INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at TEXT NOT NULL,
    checksum TEXT NOT NULL,
    compatible_with INTEGER NOT NULL
)"""
HAS_LEDGER: Final = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'soniq_migrations'"
READ_LEDGER: Final = "SELECT version, compatible_with FROM soniq_migrations WHERE version > 0"
WRITE_LEDGER: Final = "INSERT INTO soniq_migrations VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema.

    Attributes:
        version: its number, from 1.
        name: its file's name without the ending.
        text: its statements.
        compatible_with: the oldest version of the code that can use a database after it.
    """

    version: int
    name: str
    text: str
    compatible_with: int

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def ledger_row(self, applied_at: str) -> tuple[int, str, str, str, int]:
        return self.version, self.name, applied_at, self.checksum, self.compatible_with


def statements(text: str) -> Iterator[str]:
    """The statements of a script one by one: the driver's own runner would commit before them."""
    statement = ""
    for line in text.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _load() -> tuple[Migration, ...]:
    folder = files("soniq.backends.sqlite").joinpath("migrations")
    found = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )
    return tuple(
        _parse(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")) for file in found
    )


def _parse(name: str, text: str) -> Migration:
    compatible = _COMPATIBLE.search(text)
    if compatible is None:
        raise ValueError(f"migration {name} does not say which version it is compatible with")
    return Migration(int(name.partition("_")[0]), name, text, int(compatible[1]))


MIGRATIONS: Final = _load()
KNOWN_VERSION: Final = MIGRATIONS[-1].version


def pending(applied: dict[int, int]) -> list[Migration]:
    """The migrations to apply to a database with this ledger (version -> compatible with).

    Raises:
        SoniqError: SONIQ_SCHEMA_TOO_NEW, the database is of a later version that cannot be used.
    """
    newer = [version for version in applied if version > KNOWN_VERSION]
    if any(applied[version] > KNOWN_VERSION for version in newer):
        raise SoniqError(
            f"The database has schema version {max(newer)}; this version of Soniq knows"
            f" {KNOWN_VERSION} and cannot use it.",
            SONIQ_SCHEMA_TOO_NEW,
            {"found": max(newer), "known": KNOWN_VERSION},
            ["Upgrade Soniq here to the version that ran `soniq setup`."],
        )
    return [migration for migration in MIGRATIONS if migration.version not in applied]


def applied_versions(database: Database) -> dict[int, int]:
    """The ledger: version -> compatible with; empty without tables."""
    if not database.execute(HAS_LEDGER).fetchall():
        return {}
    return dict(database.execute(READ_LEDGER).fetchall())


def migrate(database: Database) -> list[str]:
    """Apply what is missing and return its names. Safe to run in several processes at once.

    Raises:
        MigrationError: one failed; the database is as it was before.
        SoniqError: SONIQ_SCHEMA_TOO_NEW.
    """
    _use_write_ahead_log(database)
    if not pending(applied_versions(database)):
        return []
    # One transaction for all of them: of several processes at once, one applies everything.
    with database.writing() as now:
        missing = pending(applied_versions(database))
        for migration in missing:
            _apply(database, migration, now)
        return [migration.name for migration in missing]


def _use_write_ahead_log(database: Database) -> None:
    """So that reading and writing don't wait for each other. The file remembers it."""
    if database.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        database.execute("PRAGMA journal_mode = WAL").fetchall()


def _apply(database: Database, migration: Migration, now: datetime) -> None:
    try:
        database.execute(CREATE_LEDGER)
        for statement in statements(migration.text):
            database.execute(statement)
        database.record(WRITE_LEDGER, migration.ledger_row(stamp(now)))
    except sqlite3.Error as error:
        raise MigrationError(migration.name, str(error), {"database": database.path}) from error
