"""The memory backend: queries and what is done by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime, timedelta
from heapq import nlargest
from itertools import islice
from typing import Any

from soniq.backends.base import InsertJobs, Wake, WorkerSession
from soniq.backends.dead_letters import DeadLetterStore
from soniq.backends.diagnosis import Diagnosis
from soniq.backends.memory.dead_letters import MemoryDeadLetters
from soniq.backends.memory.diagnosis import MemoryDiagnosis
from soniq.backends.memory.metric_points import MemoryMetrics
from soniq.backends.memory.moments import moments
from soniq.backends.memory.overview import MemoryOverview
from soniq.backends.memory.plugin_tables import MemoryPluginTables
from soniq.backends.memory.rows import Lease, Row, WorkerRow
from soniq.backends.memory.schedules import MemorySchedules
from soniq.backends.memory.session import MemorySession
from soniq.backends.memory.store import Clock, Store, check_text, system_clock
from soniq.backends.memory.wakeups import Listener
from soniq.backends.metric_points import MetricStore
from soniq.backends.overview import Overview
from soniq.backends.plugin_tables import PluginTables
from soniq.backends.schedules import ScheduleStore
from soniq.records import JobDict, JobState, JobStatus, NewJob, NewWorker
from soniq.settings import SoniqSettings

_STOPPED_WORKERS_STAY = timedelta(days=1)


class MemoryBackend:
    """Jobs in the memory of this object, for tests and programs that need no more.

    Safe to share between threads and event loops. What it holds outlives `close`, not the object.

    Args:
        clock: gives the time as an aware datetime; None means the system's clock.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._store = Store(clock or system_clock)
        self._schedules = MemorySchedules(self._store)
        self._overview = MemoryOverview(self._store, self._schedules)
        self._metrics = MemoryMetrics(self._store)
        self._settings = SoniqSettings.model_construct()

    @property
    def name(self) -> str:
        return "memory"

    @property
    def location(self) -> str:
        return "memory://"

    # --- opening -------------------------------------------------------------------------------

    async def open(self, settings: SoniqSettings) -> None:
        self._settings = settings

    async def close(self) -> None:
        """Nothing to give back."""

    def sibling(self) -> MemoryBackend:
        return self

    async def setup(self) -> list[str]:
        return []

    async def migrations(self) -> list[tuple[str, bool]]:
        return []

    async def ping(self) -> None:
        """It is always there."""

    # --- jobs in -------------------------------------------------------------------------------

    async def insert(self, jobs: Sequence[NewJob], *, repeated: bool = False) -> list[str]:
        for job in jobs:
            check_text(
                job.id,
                job.job_name,
                job.args,
                job.queue,
                job.dedup_key,
                job.producer_id,
                job.trace,
            )
        with self._store.lock:
            now = self._store.now()
            return [self._store.insert(job, now) for job in jobs]

    def inserting(self) -> AbstractAsyncContextManager[InsertJobs]:
        return nullcontext(self.insert)

    async def insert_on(self, connection: object, jobs: Sequence[NewJob]) -> list[str]:
        raise ValueError(
            "Transactional enqueue needs a database: the memory backend has no transaction to"
            " join. Leave out `connection`, or use Postgres or SQLite."
        )

    # --- jobs out ------------------------------------------------------------------------------

    async def get_job(self, job_id: str) -> JobDict | None:
        with self._store.lock:
            row = self._store.find(job_id)
            return row.as_dict() if row else None

    async def job_states(self, job_ids: Collection[str]) -> dict[str, JobState]:
        with self._store.lock:
            rows = [row for row in map(self._store.find, job_ids) if row is not None]
            return {row.id: row.state() for row in rows}

    async def list_jobs(
        self, *, queue: str | None, status: str | None, limit: int, offset: int
    ) -> list[JobDict]:
        with self._store.lock:
            dead = status == JobStatus.DEAD_LETTER
            rows = (self._store.dead if dead else self._store.jobs).values()
            wanted = (
                row
                for row in rows
                if (queue is None or row.queue == queue)
                and (status is None or row.status == status)
            )
            newest = nlargest(offset + limit, wanted, key=lambda row: (row.created_at, row.id))
            return [row.as_dict() for row in newest[offset:]]

    async def queue_stats(self) -> dict[str, dict[str, int]]:
        with self._store.lock:
            rows = [*self._store.jobs.values(), *self._store.dead.values()]
            counts = Counter((row.queue, row.status) for row in rows)
        queues = sorted({queue for queue, _ in counts})
        return {
            queue: {status.value: counts[queue, status] for status in JobStatus} for queue in queues
        }

    async def list_workers(self, *, stale_after: float) -> list[dict[str, Any]]:
        with self._store.lock:
            stale_before = self._store.now() - timedelta(seconds=stale_after)
            newest = sorted(
                self._store.workers.values(),
                key=lambda worker: (worker.started_at, worker.about.id),
                reverse=True,
            )
            return [worker.as_dict(stale_before=stale_before) for worker in newest]

    # --- jobs changed by hand ------------------------------------------------------------------

    async def cancel_job(self, job_id: str) -> bool:
        with self._store.lock:
            row = self._store.jobs.get(job_id)
            if row is None or row.status not in (JobStatus.QUEUED, JobStatus.PROCESSING):
                return False
            self._store.cancel(row, self._store.now())
            return True

    async def delete_job(self, job_id: str) -> bool:
        with self._store.lock:
            row = self._store.jobs.get(job_id)
            if row is None:
                return False
            self._store.delete(row)
            return True

    # --- dead letters --------------------------------------------------------------------------

    @property
    def dead_letters(self) -> DeadLetterStore:
        return MemoryDeadLetters(self._store)

    # --- schedules -----------------------------------------------------------------------------

    @property
    def schedules(self) -> ScheduleStore:
        return self._schedules

    # --- plugins -------------------------------------------------------------------------------

    @property
    def plugin_tables(self) -> PluginTables:
        return MemoryPluginTables()

    # --- time series ---------------------------------------------------------------------------

    @property
    def metric_points(self) -> MetricStore:
        return self._metrics

    # --- for those who look --------------------------------------------------------------------

    @property
    def overview(self) -> Overview:
        return self._overview

    # --- health --------------------------------------------------------------------------------

    @property
    def diagnosis(self) -> Diagnosis:
        return MemoryDiagnosis(self._store, self._settings.heartbeat_interval)

    # --- for tests -----------------------------------------------------------------------------

    def snapshot(self) -> list[JobDict]:
        """All jobs and dead letters, in the order in which they were enqueued."""
        with self._store.lock:
            rows = [*self._store.jobs.values(), *self._store.dead.values()]
            return [row.as_dict() for row in sorted(rows, key=lambda row: row.id)]

    def has_due(self, without: Collection[str] = ()) -> bool:
        """Whether any queued job is due, apart from those of these names."""
        with self._store.lock:
            now = self._store.now()
            lanes = (self._store.waiting, self._store.suspects)
            times = [lane.next_due(None, without) for lane in lanes]
            return any(time is not None and time <= now for time in times)

    def next_moment(self, known: Collection[str]) -> datetime | None:
        """When the next thing falls due; None when nothing is to come.

        Args:
            known: the names of the jobs that there are handlers for.
        """
        with self._store.lock:
            ahead = moments(self._store, self._schedules.fire_times(), self._settings, known)
            now = self._store.now()
            return min((moment for moment in ahead if moment > now), default=None)

    # --- workers -------------------------------------------------------------------------------

    async def join(self, worker: NewWorker, wake: Wake) -> WorkerSession:
        with self._store.lock:
            now = self._store.now()
            row = WorkerRow(worker, started_at=now, last_heartbeat=now)
            self._store.enlist(row, Listener(worker.queues, wake))
            return MemorySession(self._store, row, self._settings)

    # --- upkeep --------------------------------------------------------------------------------

    async def prune(self, *, result_ttl: float, dead_letter_ttl: float | None, limit: int) -> int:
        with self._store.lock:
            now = self._store.now()
            pruned = self._prune_ended(now - timedelta(seconds=result_ttl), limit)
            if dead_letter_ttl is not None:
                before = now - timedelta(seconds=dead_letter_ttl)
                pruned += self._prune_dead(before, limit - pruned)
            return pruned + self._prune_workers(now - _STOPPED_WORKERS_STAY, limit - pruned)

    def _prune_ended(self, before: datetime, limit: int) -> int:
        rows = self._store.ended.values()
        over = _oldest(rows, lambda row: (row.finished_at or row.updated_at) <= before, limit)
        for row in over:
            self._store.delete(row)
        return len(over)

    def _prune_dead(self, before: datetime, limit: int) -> int:
        over = _oldest(self._store.dead.values(), lambda row: row.updated_at <= before, limit)
        for row in over:
            del self._store.dead[row.id]
        return len(over)

    def _prune_workers(self, before: datetime, limit: int) -> int:
        workers = self._store.workers.items()
        over = [key for key, row in workers if not row.live and row.last_heartbeat <= before]
        for key in over[:limit]:
            del self._store.workers[key]
        return len(over[:limit])

    async def lease(self, name: str, holder: str, life: float) -> bool:
        with self._store.lock:
            now = self._store.now()
            lease = self._store.leases.get(name, Lease(None, 0, now))
            renewed = lease.holder == holder
            if not renewed and lease.holder is not None and lease.expires_at > now:
                return False
            term = lease.term if renewed else lease.term + 1
            self._store.leases[name] = Lease(holder, term, now + timedelta(seconds=life))
            return True

    async def resign(self, name: str, holder: str) -> None:
        with self._store.lock:
            lease = self._store.leases.get(name)
            if lease is not None and lease.holder == holder:
                self._store.leases[name] = Lease(None, lease.term, self._store.now())


def _oldest(rows: Iterable[Row], is_over: Callable[[Row], bool], limit: int) -> list[Row]:
    """The first of `rows`, which come in the order of their ends, whose time is over."""
    first: list[Row] = []
    for row in islice(rows, limit):
        if not is_over(row):
            break
        first.append(row)
    return first
