"""Finding dead workers and queueing again what they held.

All workers of a memory backend die with its process, but one whose event loop stands still for
longer than `heartbeat_timeout` is as good as dead here as on any other store.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from soniq.backends.memory.rows import Row, WorkerRow
from soniq.backends.memory.store import Store
from soniq.records import DeadWorker, Recovered
from soniq.settings import SoniqSettings

_LONGEST_GRACE = 2.0


class Judge:
    """What one worker may conclude from the age of another's heartbeat.

    A judge that slept has no right to call others late: ages count from the time since which its
    own heartbeats have come without a gap.
    """

    def __init__(self, settings: SoniqSettings, worker: WorkerRow) -> None:
        interval = settings.heartbeat_interval
        self._gap = timedelta(seconds=interval + min(_LONGEST_GRACE, interval))
        self._timeout = timedelta(seconds=settings.heartbeat_timeout)
        self._worker = worker
        self._steady_since = worker.started_at

    def heartbeat(self, now: datetime) -> None:
        self._steady_since = self._steady(now)
        self._worker.last_heartbeat = now

    def _steady(self, now: datetime) -> datetime:
        slept = now - self._worker.last_heartbeat > self._gap
        return now if slept else self._steady_since

    def finds_dead(self, worker: WorkerRow, now: datetime, *, by_hand: bool) -> bool:
        if worker is self._worker or not worker.live:
            return False
        heard = worker.last_heartbeat
        return now - (heard if by_hand else max(heard, self._steady(now))) > self._timeout


def recover(store: Store, judge: Judge, max_crashes: int, *, by_hand: bool) -> Recovered:
    """One sweep, as `WorkerSession.recover` promises it."""
    now = store.now()
    live = [worker for worker in store.workers.values() if worker.live]
    dead = [worker for worker in live if judge.finds_dead(worker, now, by_hand=by_hand)]
    found = Recovered([], [], [], live=len(live) - len(dead))
    for worker in dead:
        _declare_dead(store, worker, max_crashes, now, found)
    for row in _orphans(store):
        if row.worker_id not in store.workers:
            _crash(store, row, max_crashes, now, found)
        else:
            store.recover(row, now)
            found.requeued.append(row.id)
    return found


def _declare_dead(
    store: Store, worker: WorkerRow, max_crashes: int, now: datetime, found: Recovered
) -> None:
    about, stopping = worker.about, worker.status == "stopping"
    found.workers.append(DeadWorker(about.id, about.hostname, about.pid, stopping))
    store.dismiss(worker)
    if stopping:
        return
    for row in list(store.held.get(about.id, {}).values()):
        _crash(store, row, max_crashes, now, found)


def _crash(store: Store, row: Row, max_crashes: int, now: datetime, found: Recovered) -> None:
    dead = store.crash(row, max_crashes, now)
    (found.dead if dead else found.requeued).append(row.id)


def _orphans(store: Store) -> list[Row]:
    """What is processing under no live worker although none was found dead: its worker left."""
    orphans: list[Row] = []
    for worker_id in list(store.held):
        worker = store.workers.get(worker_id)
        if worker is None or not worker.live:
            orphans += store.held[worker_id].values()
            if not store.held[worker_id]:
                del store.held[worker_id]
    return orphans
