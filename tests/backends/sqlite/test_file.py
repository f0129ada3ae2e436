"""What is promised of the file itself: durability, a bounded log, a full disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from soniq.backends.base import Unavailable
from soniq.backends.sqlite import SQLiteBackend
from soniq.backends.sqlite.backend import check_version
from soniq.backends.sqlite.connection import Connection
from soniq.backends.sqlite.database import WAL_LIMIT, Database
from soniq.backends.sqlite.insert import insert
from soniq.backends.sqlite.schema import migrate
from soniq.backends.sqlite.times import system_clock
from soniq.backends.sqlite.turn import Turn
from soniq.errors import SoniqError
from soniq.settings import SoniqSettings
from tests.factories import new_job, new_jobs

FULL = 2


@pytest.fixture
def turn(tmp_path: Path) -> Iterator[Turn]:
    turn = Turn(tmp_path / "turn.lock")
    yield turn
    turn.close()


def test_every_connection_has_the_disk_confirm_its_commits(path: str, turn: Turn) -> None:
    with closing(Database(path, system_clock, turn)) as database:
        migrate(database)

        def setting(name: str) -> object:
            return database.execute(f"PRAGMA {name}").fetchone()[0]

        assert setting("synchronous") == FULL
        assert setting("journal_mode") == "wal"
        assert setting("fullfsync") == 1
        assert setting("busy_timeout") == 0


async def test_a_log_that_a_long_read_let_grow_is_truncated(
    backend: SQLiteBackend, path: str
) -> None:
    await backend.ping()
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM soniq_jobs").fetchone()
        large = '{"text": "' + "x" * 4_000_000 + '"}'
        while _log_size(path) <= WAL_LIMIT:
            await backend.insert(new_jobs(4, args=large))

    await backend.insert(new_jobs(1))

    assert _log_size(path) < WAL_LIMIT


def _log_size(path: str) -> int:
    return Path(f"{path}-wal").stat().st_size


async def test_a_full_disk_stores_nothing_by_halves_and_is_survived(path: str, turn: Turn) -> None:
    connection = Connection(path, system_clock, turn, "test")
    try:
        await connection.run(migrate)
        pages = await connection.run(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
        await connection.run(lambda db: _limit(db, pages + 5))

        with pytest.raises(Unavailable, match="full"):
            await connection.run(lambda db: insert(db, new_jobs(1000)))

        assert await connection.run(_count) == 0
        await connection.run(lambda db: _limit(db, 1_000_000))
        await connection.run(lambda db: insert(db, new_jobs(1000)))
        assert await connection.run(_count) == 1000
    finally:
        await connection.close()


def _limit(database: Database, pages: int) -> None:
    database.execute(f"PRAGMA max_page_count = {pages}").fetchall()


def _count(database: Database) -> int:
    return int(database.execute("SELECT count(*) FROM soniq_jobs").fetchone()[0])


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    backend = SQLiteBackend(str(tmp_path / "nowhere" / "soniq.db"))

    with pytest.raises(Unavailable, match="nowhere"):
        await backend.open(SoniqSettings())


def test_a_sqlite_that_is_too_old_is_told() -> None:
    check_version((3, 33, 0))
    with pytest.raises(SoniqError, match=r"3\.26\.0.*3\.33\.0"):
        check_version((3, 26, 0))


async def test_a_directory_is_no_database(tmp_path: Path) -> None:
    backend = SQLiteBackend(str(tmp_path))
    await backend.open(SoniqSettings())
    try:
        with pytest.raises(Unavailable, match="unable to open"):
            await backend.ping()
    finally:
        await backend.close()


async def test_a_file_that_is_no_database_is_told_and_left_alone(tmp_path: Path) -> None:
    minutes = tmp_path / "minutes.txt"
    minutes.write_text(text := "minutes of the last meeting\n" * 100)
    backend = SQLiteBackend(str(minutes))
    await backend.open(SoniqSettings())
    try:
        with pytest.raises(Unavailable, match="not a database"):
            await backend.insert([new_job()])
    finally:
        await backend.close()

    assert minutes.read_text() == text


async def test_one_backend_serves_successive_event_loops(path: str) -> None:
    backend = SQLiteBackend(path)
    for _ in range(2):
        await backend.open(SoniqSettings())
        await backend.insert([job := new_job()])
        await backend.close()

    await backend.open(SoniqSettings())
    assert await backend.get_job(job.id) is not None
    await backend.close()
