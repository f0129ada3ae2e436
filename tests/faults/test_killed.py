"""A process killed at any statement leaves a SQLite file that others simply go on with."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import IO, Any, Final

import pytest

from soniq import Soniq
from soniq.backends.sqlite import SQLiteBackend
from soniq.backends.sqlite.times import stamp
from soniq.records import Done, Ending
from tests.backends.stores import settings
from tests.factories import new_worker
from tests.faults.fuse import Moment
from tests.faults.killed import PID, STORED, heard_by

_ROOT: Final = Path(__file__).resolve().parents[2]


class Victim:
    """The program of `tests.faults.killed`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.killed"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._in, self._out = _pipe(self._process.stdin), _pipe(self._process.stdout)

    def dies(self, at: int, moment: Moment, path: Path) -> bool:
        """Live once on a file, to be killed at a statement; False if it ended before."""
        self._in.write(f"{at} {moment.value} {path}\n")
        self._in.flush()
        code = int(self._out.readline())
        assert code in (0, -signal.SIGKILL)
        return code != 0

    def close(self) -> None:
        self._in.close()
        self._process.wait(30)
        self._out.close()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


@pytest.fixture
def victim() -> Iterator[Victim]:
    started = Victim()
    try:
        yield started
    finally:
        started.close()


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("moment", list(Moment), ids=lambda moment: moment.value)
async def test_killed_at_each_statement_in_turn(
    tmp_path: Path, victim: Victim, moment: Moment
) -> None:
    fresh = tmp_path / "fresh.db"
    await _with_due_schedule(fresh)
    for at in count(1):
        path = tmp_path / f"{at}.db"
        shutil.copy(fresh, path)
        killed = victim.dies(at, moment, path)
        _check_halves(path)
        await _go_on(path)
        _check_none_is_lost(path)
        if not killed:
            assert at > 50
            return


async def _with_due_schedule(path: Path) -> None:
    async with Soniq(backend=SQLiteBackend(str(path)), enqueue_validation="none") as app:
        await app.scheduler.add("tests.job", every=3600, queue="fired")
    now = stamp(datetime.now(UTC))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE soniq_schedules SET next_run = ?, fires_at = ?", (now, now))
        connection.executescript(_RECORD)


_RECORD: Final = """
CREATE TABLE came (id TEXT);
CREATE TABLE went (id TEXT, status TEXT);
CREATE TRIGGER came AFTER INSERT ON soniq_jobs BEGIN INSERT INTO came VALUES (new.id); END;
CREATE TRIGGER went AFTER DELETE ON soniq_jobs
BEGIN INSERT INTO went VALUES (old.id, old.status); END;
"""
"""What was ever stored, and what has been deleted since: a job may be both, and lost to nobody."""


def _check_halves(path: Path) -> None:
    """Nothing is half there."""
    with closing(sqlite3.connect(path)) as connection:

        def value(sql: str) -> Any:
            return connection.execute(sql).fetchone()[0]

        assert value("PRAGMA integrity_check") == "ok"
        twice = "SELECT count(*) FROM soniq_jobs JOIN soniq_dead_letter_jobs USING (id)"
        assert value(twice) == 0
        assert value("SELECT count(*) FROM soniq_jobs WHERE queue = 'batch'") in (0, 3)
        fired = value("SELECT count(*) FROM soniq_jobs WHERE queue = 'fired'")
        assert fired == value("SELECT run_count FROM soniq_schedules")


async def _go_on(path: Path) -> None:
    """Another worker recovers what the dead one held, and ends everything that is due."""
    backend = SQLiteBackend(str(path))
    await backend.open(settings())
    try:
        session = await backend.join(new_worker(), lambda _: None)
        await session.recover(max_crashes=5, gone=[PID])
        while jobs := (await session.claim(100)).jobs + (await session.claim_suspect()).jobs:
            endings = [Ending(job.id, job.claim, Done()) for job in jobs]
            assert await session.finish(endings) == {job.id for job in jobs}
        left = await backend.list_jobs(queue=None, status=None, limit=1000, offset=0)
        assert {job["status"] for job in left if job["queue"] != "batch"} <= {"done", "cancelled"}
    finally:
        await backend.close()


def _check_none_is_lost(path: Path) -> None:
    """Each job that was ever stored is there, or was deleted for a reason; each one heard of was.

    What is deleted has ended, and was pruned, became a dead letter, or, one of them, was not to
    be kept.
    """
    with closing(sqlite3.connect(path)) as connection:

        def ids(sql: str) -> list[str]:
            return [row[0] for row in connection.execute(sql)]

        came, left = ids("SELECT id FROM came"), ids("SELECT id FROM soniq_jobs")
        gone = ids("SELECT id FROM went")
        unkept = ids("SELECT id FROM went WHERE status NOT IN ('done', 'cancelled')")
        letters = ids("SELECT id FROM soniq_dead_letter_jobs")
    assert len(came) in STORED
    assert sorted(came) == sorted(left + gone)
    assert set(letters) <= set(unkept)
    assert len(unkept) - len(letters) <= 1
    heard = heard_by(path)
    assert not heard.exists() or set(heard.read_text().split()) <= set(came)
