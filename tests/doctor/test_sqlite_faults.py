"""What `soniq doctor` says of a SQLite file with a real fault in it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from soniq import Soniq
from soniq.doctor import Finding, Level, Limits, examine
from tests.doctor.conftest import Patient
from tests.factories import new_jobs


def change(patient: Patient, *statements: str) -> None:
    """Do something to the file behind Soniq's back."""
    path = patient.store.backend.location
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement).fetchall()


async def examined(path: Path) -> dict[str, Finding]:
    """What the doctor says of the file as any program finds it."""
    async with Soniq(path) as app:
        return {each.check: each.finding for each in await examine(app)}


async def test_a_dropped_index_is_mended_by_the_remedy(on_sqlite: Patient) -> None:
    await on_sqlite.says_ok("indexes")
    change(on_sqlite, "DROP INDEX soniq_jobs_claim")

    found = await on_sqlite.examined()
    (finding,) = found["indexes"]
    assert finding.level is Level.ERROR
    assert "soniq_jobs_claim of soniq_jobs is missing" in finding.message
    assert found["claim-plan"][0].level is Level.WARNING

    change(on_sqlite, str(finding.remedy).removeprefix("Run: "))
    found = await on_sqlite.examined()
    assert found["indexes"][0].level is found["claim-plan"][0].level is Level.OK


async def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    async with Soniq(path) as app:
        await app.setup()
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'soniq_jobs_held'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : (page - 1) * size + 64] = b"\xee" * 64
    path.write_bytes(content)

    found = await examined(path)
    assert found["file"].level is Level.ERROR
    assert ".recover" in str(found["file"].remedy)


async def test_a_file_without_write_ahead_log(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    async with Soniq(path) as app:
        await app.setup()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)

    found = await examined(path)
    assert found["file"].level is Level.WARNING
    assert "soniq setup" in str(found["file"].remedy)

    async with Soniq(path) as app:
        await app.setup()
    found = await examined(path)
    assert found["file"].level is Level.OK


async def test_a_log_that_somebody_keeps_from_being_written_back(on_sqlite: Patient) -> None:
    path = on_sqlite.store.backend.location
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN").fetchall()
        reader.execute("SELECT count(*) FROM soniq_jobs").fetchall()
        await on_sqlite.store.backend.insert(new_jobs(100))
        finding = await on_sqlite.complaint("file", limits=Limits(log_bytes=1000))
    assert "write-ahead log" in finding.message


def test_looking_at_a_file_that_is_not_there_makes_none(tmp_path: Path) -> None:
    found = asyncio.run(examined(tmp_path / "jobs.db"))

    assert found["schema"].level is Level.ERROR
    assert "soniq setup" in str(found["schema"].remedy)
    assert list(tmp_path.glob("*.db")) == []
