"""A program that lives through everything that can happen to jobs, and is killed on the way.

For each line on its input (the number of a statement, a moment, a SQLite file) it forks a child
that is killed there, and answers with the child's exit code: 0 if it came to its end.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from soniq import Soniq
from soniq.backends.sqlite import SQLiteBackend
from soniq.dead_letter import DeadLetterFilter
from soniq.events import Events
from soniq.records import Ending
from soniq.scheduler.firing import Firer
from tests.factories import every_outcome, new_job, new_jobs, new_worker
from tests.faults.fuse import Fuse, Moment

T = TypeVar("T")

PID: Final = 777_777
"""What its worker says its process id is: every life has the same."""
OUTCOMES: Final = every_outcome("ended")


STORED: Final = (0, 2, 4, 7, 13, 14, 15)
"""How many jobs a life has stored by each of its steps that store any."""


def heard_by(path: Path) -> Path:
    """The file of ids that enqueues returned before the life on this file ended."""
    return path.with_suffix(".heard")


async def life(path: str) -> None:
    """Enqueue, claim, end in every way, fire, replay, cancel, prune."""

    def heard(ids: Sequence[str]) -> None:
        with heard_by(Path(path)).open("a") as file:
            file.writelines(f"{one}\n" for one in ids)

    backend = SQLiteBackend(path)
    async with Soniq(backend=backend, enqueue_validation="none") as app:
        heard(await backend.insert(new_jobs(2)))
        heard(await backend.insert([new_job(dedup_key=key) for key in ("one", "two", "one")]))
        heard(await app.enqueue_many("tests.job", [{}, {}, {}], queue="batch", scheduled_at=3600))
        heard(await backend.insert(new_jobs(len(OUTCOMES))))
        session = await backend.join(new_worker(pid=PID), lambda _: None)
        claimed = (await session.claim(len(OUTCOMES))).jobs
        await session.finish(
            [
                Ending(job.id, job.claim, outcome)
                for job, outcome in zip(claimed, OUTCOMES, strict=True)
            ]
        )
        await session.recover(max_crashes=5)
        await Firer(backend.schedules, Events(), missed_after=60.0, producer=None).fire_due()
        heard(await app.dead_letter.bulk_replay(DeadLetterFilter()))
        for job in await app.list_jobs(queue="default", status="queued", limit=1):
            await app.cancel_job(job["id"])
        await backend.prune(result_ttl=0, dead_letter_ttl=None, limit=10)
        await session.claim(2)
        await session.leave()


def deadly(fuse: Fuse) -> type[sqlite3.Connection]:
    """Connections that kill their process when the fuse blows."""

    class Deadly(sqlite3.Connection):
        def execute(self, *args: Any) -> sqlite3.Cursor:
            return _survive(fuse, partial(super().execute, *args))

        def executemany(self, *args: Any) -> sqlite3.Cursor:
            return _survive(fuse, partial(super().executemany, *args))

    return Deadly


def _survive(fuse: Fuse, statement: Callable[[], T]) -> T:
    if threading.current_thread().name == "soniq-sqlite-watch" or not fuse.burns():
        return statement()
    if fuse.moment is Moment.AFTER:
        statement()
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def child(path: str, at: int, moment: Moment) -> None:
    fuse = Fuse()
    fuse.set(at, moment)
    sqlite3.connect = partial(sqlite3.connect, factory=deadly(fuse))  # type: ignore[assignment]
    asyncio.run(life(path))


def main() -> None:
    for line in sys.stdin:
        at, moment, path = line.split()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                child(path, int(at), Moment(moment))
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
