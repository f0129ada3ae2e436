"""Rows that somebody has edited by hand: no worker stops serving the others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Final, NamedTuple

import pytest
from hypothesis import strategies as st

from soniq import Soniq
from tests.fuzz.edited import edited
from tests.fuzz.effort import each_awaited, efforts
from tests.worker.conftest import until_status, working

NAMES: Final = ("spoilt", "good")


class Spoilt(NamedTuple):
    """A column of a queued, due row and what somebody has put there, as SQL."""

    column: str
    value: str


class Rows(ABC):
    """The rows of a store, to be edited by hand."""

    columns: ClassVar[Mapping[str, Sequence[str]]]

    @abstractmethod
    async def spoil(self, job_id: str, spoilt: list[Spoilt]) -> bool:
        """Make a job due, with these columns; False where the store does not take them."""

    @abstractmethod
    async def clear(self) -> None:
        """Remove every job."""


_TEXTS = ["''", "' '", "'\U0001f600'", f"'{'x' * 100_000}'"]
_NUMBERS = ["0", "-1", "-2147483648", "2147483647", "1001"]
_BLOBS = ["x''", "x'ff00'", "CAST(x'ff' AS TEXT)", "5", "1.5", "9223372036854775807", "9e999"]
_DOCUMENTS = ["'[]'", "'5'", "'null'", "'\"text\"'", '\'{"number": "x"}\'', "'{\"no\": 1}'"]
_TIMES = ["'-infinity'", "'infinity'", "'0001-01-02Z'", "'200000-01-01Z'", "'4000-01-01Z BC'"]


class PostgresRows(Rows):
    columns: ClassVar[Mapping[str, Sequence[str]]] = {
        "priority": _NUMBERS,
        "attempts": _NUMBERS,
        "max_attempts": _NUMBERS,
        "crashes": _NUMBERS,
        "claim": _NUMBERS,
        "scheduled_at": _TIMES,
        "created_at": _TIMES,
        "updated_at": _TIMES,
        "started_at": _TIMES,
        "finished_at": _TIMES,
        "unknown_since": _TIMES,
        "queue": _TEXTS,
        "job_name": _TEXTS,
        "dedup_key": _TEXTS,
        "producer_id": _TEXTS,
        "last_error": _TEXTS,
        "result": _DOCUMENTS,
        "status": ["'processing'", "'done'", "'cancelled'"],
        "worker_id": ["'00000000-0000-0000-0000-000000000000'", "id"],
        "args": [*_DOCUMENTS, f"'{'[' * 6000}{']' * 6000}'", f"'{{\"number\": {'9' * 5000}}}'"],
    }

    def __init__(self, url: str) -> None:
        self._execute = edited(url).execute

    async def spoil(self, job_id: str, spoilt: list[Spoilt]) -> bool:
        values = {"scheduled_at": "now()", **dict(spoilt)}
        changes = ", ".join(f"{column} = {value}" for column, value in values.items())
        return await self._execute(f"UPDATE soniq_jobs SET {changes} WHERE id = '{job_id}'")

    async def clear(self) -> None:
        assert await self._execute("DELETE FROM soniq_jobs")


_ANYTHING = [*_TEXTS, *_BLOBS, "NULL", "'garbage'"]


_SQLITE_COLUMNS: Final = (
    *("id", "job_name", "status", "queue", "priority", "attempts", "max_attempts", "crashes"),
    *("claim", "dedup_key", "scheduled_at", "created_at", "started_at", "finished_at"),
    *("updated_at", "unknown_since", "worker_id", "producer_id", "last_error", "result", "trace"),
)


class SQLiteRows(Rows):
    """Takes nearly everything: no column has a type that is enforced."""

    columns: ClassVar[Mapping[str, Sequence[str]]] = {
        **dict.fromkeys(_SQLITE_COLUMNS, _ANYTHING),
        "args": [*_ANYTHING, *_DOCUMENTS, "'{'", f"'{'[' * 100_000}'"],
    }

    def __init__(self, path: Path) -> None:
        self._execute = edited(str(path)).execute

    async def spoil(self, job_id: str, spoilt: list[Spoilt]) -> bool:
        values = {"scheduled_at": "'2020-01-01T00:00:00.000000Z'", **dict(spoilt)}
        changes = ", ".join(f"{column} = {value}" for column, value in values.items())
        return await self._execute(f"UPDATE soniq_jobs SET {changes} WHERE id = '{job_id}'")

    async def clear(self) -> None:
        assert await self._execute("DELETE FROM soniq_jobs")


@pytest.fixture
def rows(place: str) -> Rows:
    return PostgresRows(place) if "://" in place else SQLiteRows(Path(place))


@pytest.fixture
async def app(place: str) -> AsyncIterator[Soniq]:
    app = Soniq(place, poll_interval=0.1, error_retry_delay=0.1, heartbeat_interval=0.2)

    async def run(number: int = 0) -> int:
        return number

    for name in NAMES:
        app.job(name=name)(run)
    await app.setup()
    async with app:
        yield app


def spoilt_rows(rows: Rows) -> st.SearchStrategy[list[Spoilt]]:
    columns = st.sampled_from(sorted(rows.columns))
    one = columns.flatmap(
        lambda column: st.builds(Spoilt, st.just(column), st.sampled_from(rows.columns[column]))
    )
    return st.lists(one, min_size=1, max_size=2, unique_by=lambda spoilt: spoilt.column)


async def check(app: Soniq, rows: Rows, spoilt: list[Spoilt]) -> None:
    """Beside a row like this, another job is done."""
    job_id = await app.enqueue("spoilt", args={}, delay=3600)
    if await rows.spoil(job_id, spoilt):
        # One behind it, and one of another lane, claimed by itself.
        for priority in (100, 1000):
            good = await app.enqueue("good", args={"number": 1}, priority=priority)
            await until_status(app, good, "done")
    await rows.clear()


@efforts
async def test_a_worker_goes_on(app: Soniq, rows: Rows, effort: int) -> None:
    async with working(app):
        await each_awaited(spoilt_rows(rows), 30 * effort, lambda spoilt: check(app, rows, spoilt))


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize("column", ["id", "queue", "scheduled_at", "args", "priority", "trace"])
async def test_what_sqlite_took_and_no_worker_can_read_is_cancelled(
    app: Soniq, rows: Rows, column: str
) -> None:
    job_id = await app.enqueue("spoilt", args={}, delay=3600)
    assert await rows.spoil(job_id, [Spoilt(column, "x'ff00'")])
    async with working(app):
        good = await app.enqueue("good", args={"number": 1}, priority=1000)
        await until_status(app, good, "done")
        (cancelled,) = await app.list_jobs(status="cancelled")
    assert f"{column} was" in cancelled["last_error"]


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_time_as_sqlite_itself_spells_it_is_what_it_says(app: Soniq, rows: Rows) -> None:
    due = await app.enqueue("spoilt", args={}, delay=3600)
    later = await app.enqueue("spoilt", args={}, delay=1800)
    assert await rows.spoil(due, [Spoilt("scheduled_at", "datetime('now')")])
    assert await rows.spoil(later, [Spoilt("scheduled_at", "datetime('now', '+1 hour')")])
    async with working(app):
        await until_status(app, due, "done")
        good = await app.enqueue("good", args={"number": 1}, priority=1000)
        await until_status(app, good, "done")
        waiting = await app.get_job(later)
    assert waiting is not None
    assert waiting["status"] == "queued"
    assert 3500 < (waiting["scheduled_at"] - datetime.now(UTC)).total_seconds() <= 3600


async def test_a_job_at_the_end_of_the_calendar_waits_beside_such_a_row(
    app: Soniq, rows: Rows
) -> None:
    never = [
        await app.enqueue("good", args={}, scheduled_at=scheduled_at)
        for scheduled_at in (datetime.max.replace(tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
    ]
    spoilt = await app.enqueue("spoilt", args={}, delay=3600)
    assert await rows.spoil(spoilt, [Spoilt("claim", "2147483647")])
    async with working(app):
        good = await app.enqueue("good", args={"number": 1}, priority=1000)
        await until_status(app, good, "done")
        await until_status(app, spoilt, "cancelled", "done")
    assert {job["id"] for job in await app.list_jobs(status="queued")} == {*never}


async def test_a_job_due_since_the_beginning_of_the_calendar_is_run(app: Soniq) -> None:
    async with working(app):
        job_id = await app.enqueue("good", args={}, scheduled_at=datetime.min.replace(tzinfo=UTC))
        await until_status(app, job_id, "done")
