"""Dead-lettering queued jobs whose names nobody knows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import islice

from soniq.backends.memory.rows import Row
from soniq.backends.memory.store import Store
from soniq.records import DeadLetterReason

_ROWS_A_SWEEP = 1000


def sweep(
    store: Store, queues: Collection[str] | None, names: Collection[str], grace: timedelta
) -> list[str]:
    """One sweep, as `WorkerSession.sweep_unknown` promises it; ids dead-lettered.

    Only the queues that the sweeping worker serves: it can tell nothing of the others.
    """
    now = store.now()
    due = (
        row
        for lanes in (store.waiting, store.suspects)
        for row in lanes.rows(queues, names)
        if row.scheduled_at <= now
    )
    over = (row for row in due if _is_over(store, row, now, grace))
    buried = list(islice(over, _ROWS_A_SWEEP))
    for row in buried:
        error = f"Job {row.job_name} not registered."
        store.bury(row, DeadLetterReason.JOB_NOT_FOUND, error, now)
    return [row.id for row in buried]


def _is_over(store: Store, row: Row, now: datetime, grace: timedelta) -> bool:
    if _known(store, row):
        row.unknown_since = None
        return False
    if row.unknown_since is None:
        row.unknown_since = row.updated_at = now
    return now - row.unknown_since >= grace


def _known(store: Store, row: Row) -> bool:
    return any(
        worker.live and worker.serves(row.queue) and row.job_name in worker.about.job_names
        for worker in store.workers.values()
    )
