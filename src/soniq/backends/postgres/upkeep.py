"""Sweeps: what dead workers held, and jobs whose names nobody knows.

Each runs under limits, so that it never stands in anybody's way for long.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from asyncpg import Record

from soniq.backends.postgres.connection import Connection, Database, Rows, transaction
from soniq.backends.postgres.lanes import LOWEST_ID
from soniq.records import DeadWorker, Recovered

LIMITS: Final = {
    "lock_timeout": "1s",
    "statement_timeout": "20s",
    # There is an index for each, whatever the statistics say of a young table.
    "enable_seqscan": "off",
}
_JOBS_A_BATCH: Final = 1000
_BATCHES: Final = 10
_ROWS_A_LOOK: Final = 20_000
_START: Final = ("", 0, datetime(1, 1, 1, tzinfo=UTC), LOWEST_ID)


async def recover(
    database: Database,
    connection: Connection,
    *,
    judge: str,
    heartbeat_timeout: float,
    gone: Collection[int],
    by_hand: bool,
    max_crashes: int,
    notify: Callable[[Connection, Sequence[Record]], Awaitable[None]],
) -> tuple[Recovered, Rows]:
    """One sweep, as `WorkerSession.recover` promises it, and the rows queued again."""
    *dead, summary = await database.fetch(
        connection, "declare_dead", judge, heartbeat_timeout, list(gone), by_hand
    )
    workers = [DeadWorker(row["id"], row["hostname"], row["pid"], row["stopping"]) for row in dead]
    found = Recovered(workers, [], [], live=summary["live"])
    queued: Rows = []
    more = bool(dead) or summary["orphans"]
    for _ in range(_BATCHES):
        if not more:
            break
        async with transaction(connection, **LIMITS):
            rows = await database.fetch(connection, "recover", max_crashes, _JOBS_A_BATCH)
            again = [row for row in rows if not row["dead"]]
            await notify(connection, again)
        queued += again
        found.requeued.extend(row["id"] for row in again)
        found.dead.extend(row["id"] for row in rows if row["dead"])
        more = len(rows) == _JOBS_A_BATCH
    return found, queued


class Unknown:
    """Looks through the queued jobs, some thousands a sweep, for names that nobody knows.

    Args:
        database: whose jobs.
        queues: the queues this worker serves, None for all; it can tell nothing of the others.
    """

    def __init__(self, database: Database, queues: Sequence[str] | None) -> None:
        self._database = database
        self._queues = None if queues is None else list(queues)
        self._after: tuple[Any, ...] = _START

    async def sweep(
        self, connection: Connection, names: Collection[str], grace: float
    ) -> list[str]:
        """Stamp what is unknown, bury what has been for `grace` seconds; the ids buried."""
        async with transaction(connection, **LIMITS):
            rows = await self._database.fetch(
                connection,
                "sweep_unknown",
                list(names),
                grace,
                self._queues,
                *self._after,
                _ROWS_A_LOOK,
            )
        ended = tuple(rows[0])[1:]
        self._after = _START if ended[0] is None else ended
        return [row[0] for row in rows[1:]]
