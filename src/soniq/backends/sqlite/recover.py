"""Finding dead workers, and queueing again what no live worker holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from soniq.backends.sqlite import liveness
from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.finish import bury
from soniq.backends.sqlite.lanes import text_of
from soniq.backends.sqlite.times import seen, stamp
from soniq.records import DeadLetterReason, DeadWorker, Recovered
from soniq.settings import SoniqSettings

_LONGEST_GRACE: Final = 2.0
_LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)


class Registered(NamedTuple):
    """A worker that has not stopped, as ``live_workers.sql`` gives it."""

    id: str
    hostname: str
    pid: int
    status: str
    last_heartbeat: str
    heartbeat_interval: float


def _silence(interval: float) -> timedelta:
    """How long a worker may be silent before its lock is asked about."""
    return timedelta(seconds=interval + min(_LONGEST_GRACE, interval))


class Judge:
    """What one worker may conclude from the silence of others.

    One that slept, or could not write, has no right to call others late: silence counts from the
    time since which its own heartbeats have been stored without a gap.

    Args:
        path: the database file.
        worker: id of the judging worker.
        hostname: where it runs.
        settings: for the heartbeats.
        joined: when it was registered.
    """

    def __init__(
        self, path: str, worker: str, hostname: str, settings: SoniqSettings, joined: datetime
    ) -> None:
        self._path = path
        self._worker = worker
        self._hostname = hostname
        self._gap = _silence(settings.heartbeat_interval)
        self._timeout = timedelta(seconds=settings.heartbeat_timeout)
        self._last_beat = self._steady_since = joined

    def by_hand(self) -> Judge:
        """The same judge, once somebody vouches that nobody merely slept."""
        judge = copy(self)
        judge._gap = timedelta.max
        judge._steady_since = _LONG_AGO
        return judge

    def beat(self, now: datetime) -> None:
        """This worker's own heartbeat has been stored."""
        self._steady_since = self._steady(now)
        self._last_beat = now

    def _steady(self, now: datetime) -> datetime:
        return now if now - self._last_beat > self._gap else self._steady_since

    def is_dead(self, worker: Registered, gone: Collection[int], now: datetime) -> bool:
        if worker.id == self._worker:
            return False
        silence = now - max(seen(worker.last_heartbeat), self._steady(now))
        if silence > self._timeout:
            return True
        known_gone = worker.hostname == self._hostname and worker.pid in gone
        late = silence > _silence(worker.heartbeat_interval)
        return (known_gone or late) and liveness.is_free(self._path, worker.id)


def find_dead(
    live: Sequence[Registered], judge: Judge, gone: Collection[int], now: datetime
) -> list[Registered]:
    """Those of the live workers that are dead by now."""
    return [worker for worker in live if judge.is_dead(worker, gone, now)]


def recover(database: Database, judge: Judge, max_crashes: int, gone: Collection[int]) -> Recovered:
    """See `WorkerSession.recover`. Writes only if there is something to recover."""
    live = [Registered(*row) for row in database.rows("live_workers")]
    dead = find_dead(live, judge, gone, database.clock())
    found = Recovered([], [], [], live=len(live) - len(dead))
    if not dead and not database.rows("orphans"):
        return found
    with database.writing() as written_at:
        for worker in dead:
            _declare_dead(database, worker, max_crashes, stamp(written_at), found)
        for worker_id, left_in_order in database.rows("orphans"):
            _requeue(database, worker_id, not left_in_order, max_crashes, stamp(written_at), found)
    for declared in found.workers:
        liveness.clear(database.path, declared.id)
    return found


def _declare_dead(
    database: Database, worker: Registered, max_crashes: int, now: str, found: Recovered
) -> None:
    heard = {"worker": worker.id, "last_heartbeat": worker.last_heartbeat}
    if not database.change("declare_dead", **heard):
        return
    stopping = worker.status == "stopping"
    found.workers.append(DeadWorker(worker.id, worker.hostname, worker.pid, stopping))
    _requeue(database, worker.id, not stopping, max_crashes, now, found)


def _requeue(
    database: Database, worker: str, crashed: bool, max_crashes: int, now: str, found: Recovered
) -> None:
    """Queue again all that a worker held; what has crashed too often goes to the dead letters."""
    database.change("orphaned", worker=worker, crash=int(crashed), now=now)
    rows = database.rows("orphaned_rows", worker=worker)
    dead = [row for row in rows if crashed and row[2] >= max_crashes]
    again = [row for row in rows if not crashed or row[2] < max_crashes]
    if dead:
        reason = DeadLetterReason.WORKER_CRASHED.value
        letters = [(row[1], reason, _epitaph(row[2])) for row in dead]
        bury(database, letters, now)
    database.change("requeue", rows=text_of(row[1] for row in again), now=now)
    found.dead.extend(row[0] for row in dead)
    found.requeued.extend(row[0] for row in again)


def _epitaph(crashes: int) -> str:
    return f"The worker running this job died, {crashes} times."
