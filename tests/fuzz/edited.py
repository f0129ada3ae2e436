"""Rows of each store that are copied with one column changed, as somebody does by hand."""

from __future__ import annotations

import sqlite3
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import ClassVar, Final

import asyncpg

MOST: Final = 4
"""First rows of a table that are copied."""
TABLES: Final = ("soniq_jobs", "soniq_dead_letter_jobs", "soniq_schedules", "soniq_workers")

_TEXTS = ("''", "' '", "'\U0001f600'", f"'{'x' * 100_000}'")
_NUMBERS = ("0", "-1", "2147483647")
_DOCUMENTS = ("'[]'", "'5'", "'null'", "'\"text\"'", f"'{'[' * 6000}{']' * 6000}'")
_LONG_NUMBER = f"'{{\"number\": {'9' * 5000}}}'"
_TIMES = ("'-infinity'", "'infinity'", "'0001-01-02Z'", "'200000-01-01Z'", "'4000-01-01Z BC'")
_ANYTHING = ("x''", "x'ff00'", "CAST(x'ff' AS TEXT)", "5", "1.5", "9e999", "NULL", "'{'")


_REFUSED = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)


class Edited(ABC):
    """A store whose rows are copied, with one column changed by hand."""

    def __init__(self) -> None:
        self._columns: dict[str, Mapping[str, Sequence[str]]] = {}

    async def columns(self, table: str) -> Mapping[str, Sequence[str]]:
        """The columns of a table and what may be put into each, as SQL."""
        if table not in self._columns:
            self._columns[table] = await self.look_up(table)
        return self._columns[table]

    @abstractmethod
    async def look_up(self, table: str) -> Mapping[str, Sequence[str]]:
        """See `columns`."""

    @abstractmethod
    async def execute(self, statement: str) -> bool:
        """Whether the store takes it."""

    async def copy(self, table: str, column: str, value: str) -> bool:
        """Store the first rows of `table` once more, with that value; whether one was taken."""
        taken = [await self._copy(table, column, value, row) for row in range(MOST)]
        return taken[0]

    async def _copy(self, table: str, column: str, value: str, row: int) -> bool:
        changed = {"name": f"'{uuid.uuid4()}'", "id": self.new_id, column: value}
        columns = await self.columns(table)
        values = ", ".join(changed.get(each, each) for each in columns)
        first = f"SELECT id FROM first_rows WHERE home = '{table}' AND place = {row + 1}"
        return await self.execute(
            f"INSERT INTO {table} ({', '.join(columns)})"
            f" SELECT {values} FROM {table} WHERE id = ({first})"
        )

    async def remember(self) -> None:
        """From now on, what is there are the first rows."""
        rows = " UNION ".join(
            f"SELECT id, '{table}' AS home, row_number() OVER (ORDER BY id) AS place FROM {table}"
            for table in TABLES
        )
        assert await self.execute(f"CREATE TABLE first_rows AS {rows}")

    async def forget(self, table: str) -> None:
        assert await self.execute(
            f"DELETE FROM {table} WHERE id NOT IN (SELECT id FROM first_rows)"
        )
        assert await self.execute(f"DELETE FROM {table} WHERE id IS NULL OR {self.no_text}")

    new_id: ClassVar[str]
    no_text: ClassVar[str]
    refused: ClassVar[frozenset[str]]
    """Columns that take nothing but what Soniq puts there."""


class EditedPostgres(Edited):
    new_id = "gen_random_uuid()"
    no_text = "false"
    refused = frozenset(
        {
            *("soniq_jobs.status", "soniq_schedules.status", "soniq_schedules.schedule_type"),
            *("soniq_workers.status", "soniq_workers.liveness"),
        }
    )
    _values: ClassVar[Mapping[str, Sequence[str]]] = {
        "text": _TEXTS,
        "character varying": _TEXTS,
        "integer": _NUMBERS,
        "bigint": _NUMBERS,
        "boolean": ("true", "false"),
        "double precision": ("'nan'", "'infinity'", "-1", "1e308"),
        "timestamp with time zone": _TIMES,
        "jsonb": (*_DOCUMENTS, _LONG_NUMBER),
        "uuid": ("'00000000-0000-0000-0000-000000000000'",),
        "ARRAY": ("'{}'", "ARRAY['', 'x']"),
    }

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    async def look_up(self, table: str) -> Mapping[str, Sequence[str]]:
        connection = await asyncpg.connect(self._url)
        rows = await connection.fetch(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = $1",
            table,
        )
        await connection.close()
        return {name: self._values[kind] for name, kind in rows}

    async def execute(self, statement: str) -> bool:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(statement)
        except _REFUSED:
            return False
        else:
            return True
        finally:
            await connection.close()


class EditedSQLite(Edited):
    """Takes nearly everything: no column has a type that is enforced."""

    new_id = "lower(hex(randomblob(16)))"
    no_text = "typeof(id) <> 'text'"
    refused = frozenset()

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    async def look_up(self, table: str) -> Mapping[str, Sequence[str]]:
        values = (*_TEXTS, *_DOCUMENTS, *_ANYTHING, "datetime('now')", "date('now', '+1 day')")
        with closing(sqlite3.connect(self._path)) as connection:
            rows = connection.execute(f"PRAGMA table_info({table})").fetchall()
        return {row[1]: values for row in rows}

    async def execute(self, statement: str) -> bool:
        with closing(sqlite3.connect(self._path, timeout=20)) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            try:
                connection.execute(statement)
            except sqlite3.IntegrityError:
                return False
            connection.commit()
        return True


def edited(place: str) -> Edited:
    """The rows of the store at that place."""
    return EditedPostgres(place) if "://" in place else EditedSQLite(Path(place))
