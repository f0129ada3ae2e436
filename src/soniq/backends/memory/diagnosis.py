"""The health of a store in memory: there is little that could be ill."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from soniq.backends.diagnosis import (
    Backlog,
    Burials,
    ClaimPlan,
    FileState,
    IndexFault,
    PresentWorker,
    SchemaState,
    WithoutServer,
)
from soniq.backends.memory.rows import WorkerRow
from soniq.backends.memory.store import Store
from soniq.records import JobStatus


class MemoryDiagnosis(WithoutServer):
    """See `Diagnosis`.

    Args:
        store: what is looked at.
        heartbeat_interval: seconds between the heartbeats of its workers.
    """

    def __init__(self, store: Store, heartbeat_interval: float) -> None:
        self._store = store
        self._heartbeat_interval = heartbeat_interval

    async def clock(self) -> datetime:
        return self._store.now()

    async def schema(self) -> SchemaState:
        return SchemaState(found=True)

    async def workers(self) -> list[PresentWorker]:
        with self._store.lock:
            now = self._store.now()
            rows = sorted(self._store.workers.values(), key=lambda row: row.about.id)
            return [self._worker(row, now) for row in rows if row.live]

    def _worker(self, row: WorkerRow, now: datetime) -> PresentWorker:
        about = row.about
        return PresentWorker(
            id=about.id,
            hostname=about.hostname,
            pid=about.pid,
            queues=about.queues,
            job_names=frozenset(about.job_names),
            address=None,
            connections=None,
            silent_for=(now - row.last_heartbeat).total_seconds(),
            heartbeat_interval=self._heartbeat_interval,
        )

    async def backlog(self) -> list[Backlog]:
        counts: Counter[tuple[str, str]] = Counter()
        oldest: dict[tuple[str, str], datetime] = {}
        with self._store.lock:
            now = self._store.now()
            for row in self._store.jobs.values():
                if row.status is JobStatus.QUEUED and row.scheduled_at <= now:
                    place = (row.queue, row.job_name)
                    counts[place] += 1
                    oldest[place] = min(oldest.get(place, now), row.scheduled_at)
        return [
            Backlog(*place, jobs, (now - oldest[place]).total_seconds())
            for place, jobs in sorted(counts.items())
        ]

    async def burials(self) -> Burials:
        with self._store.lock:
            since = self._store.now() - timedelta(hours=1)
            total = len(self._store.dead)
            kinds = Counter(
                (row.job_name, row.reason.value)
                for row in self._store.dead.values()
                if row.updated_at > since and row.reason is not None
            )
        if not kinds:
            return Burials(total, 0)
        (commonest, number), *_ = kinds.most_common(1)
        return Burials(total, kinds.total(), (*commonest, number))

    async def index_faults(self) -> list[IndexFault] | None:
        return None

    async def claim_plan(self) -> ClaimPlan | None:
        return None

    async def file(self) -> FileState | None:
        return None
