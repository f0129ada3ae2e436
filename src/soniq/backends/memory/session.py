"""One worker's standing with a memory backend."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from soniq.backends.memory.lanes import Lanes
from soniq.backends.memory.recovery import Judge, recover
from soniq.backends.memory.rows import Row, WorkerRow
from soniq.backends.memory.store import Store, check_text
from soniq.backends.memory.unknown import sweep
from soniq.records import (
    Claimed,
    ClaimState,
    Dead,
    Done,
    Ending,
    JobStatus,
    Outcome,
    Recovered,
    Released,
    Retry,
    Snoozed,
)
from soniq.settings import SoniqSettings


def _check_storable(endings: Iterable[Ending]) -> None:
    for ending in endings:
        match ending.outcome:
            case Done(text) | Retry(_, text) | Snoozed(_, text) | Dead(_, text):
                check_text(text)
            case Released():
                pass


class MemorySession:
    """See `WorkerSession`. Answers are never lost in memory, and neither are claims."""

    def __init__(self, store: Store, worker: WorkerRow, settings: SoniqSettings) -> None:
        self._store = store
        self._worker = worker
        self._queues = worker.about.queues
        self._judge = Judge(settings, worker)
        self._turns: dict[int, str] = {}
        self._suspect_turns: dict[int, str] = {}

    @property
    def id(self) -> str:
        return self._worker.about.id

    # --- claims --------------------------------------------------------------------------------

    async def claim(self, limit: int, *, without: Collection[str] = ()) -> Claimed:
        with self._store.lock:
            return self._claim(self._store.waiting, limit, without, self._turns)

    async def claim_suspect(self, *, without: Collection[str] = ()) -> Claimed:
        with self._store.lock:
            return self._claim(self._store.suspects, 1, without, self._suspect_turns)

    def _claim(
        self, lanes: Lanes, limit: int, without: Collection[str], turns: dict[int, str]
    ) -> Claimed:
        if not self._worker.live:
            return Claimed([])
        store, worker_id = self._store, self.id
        now = store.now()
        rows = lanes.take(limit, now, self._queues, without, turns)
        jobs = [store.claim(row, worker_id, now) for row in rows]
        suspect = store.suspects.next_due(self._queues, without)
        suspect_due = suspect is not None and suspect <= now
        next_due = None if len(jobs) == limit else self._next_due(now, without)
        return Claimed(jobs, next_due, suspect_due)

    async def claim_job(self, job_id: str) -> Claimed:
        """Claim this very job, if it is queued and due, whatever else waits before it."""
        with self._store.lock:
            row, now = self._store.jobs.get(job_id), self._store.now()
            if row is None or row.status is not JobStatus.QUEUED or row.scheduled_at > now:
                return Claimed([])
            (self._store.suspects if row.crashes else self._store.waiting).remove(row)
            return Claimed([self._store.claim(row, self.id, now)])

    def _next_due(self, now: datetime, without: Collection[str]) -> float | None:
        """Seconds until something falls due; what is due already waits for other calls."""
        lanes = (self._store.waiting, self._store.suspects)
        times = (lane.next_due(self._queues, without) for lane in lanes)
        waits = ((time - now).total_seconds() for time in times if time is not None)
        return min((wait for wait in waits if wait > 0), default=None)

    async def finish(self, endings: Sequence[Ending], *, repeated: bool = False) -> set[str]:
        with self._store.lock:
            _check_storable(endings)
            now = self._store.now()
            return {
                ending.job_id
                for ending in endings
                if self._finish(ending, now) or (repeated and self._shows(ending))
            }

    def _finish(self, ending: Ending, now: datetime) -> bool:
        row = self._own(ending.job_id, ending.claim)
        if row is None or row.status is not JobStatus.PROCESSING:
            return False
        self._store.finish(row, ending.outcome, now)
        return True

    def _own(self, job_id: str, claim: int) -> Row | None:
        """The row of that id, if its last claim is this one."""
        row = self._store.find(job_id)
        mine = row is not None and row.worker_id == self.id and row.claim == claim
        return row if mine else None

    def _shows(self, ending: Ending) -> bool:
        """Whether this very ending has been stored already."""
        if self._store.find(ending.job_id) is None:
            return _deletes(ending.outcome)
        row = self._own(ending.job_id, ending.claim)
        return row is not None and row.ending == ending.outcome

    async def lost(self, claims: Mapping[str, int]) -> dict[str, ClaimState]:
        with self._store.lock:
            states = {job_id: self._state(job_id, claim) for job_id, claim in claims.items()}
            return {job_id: state for job_id, state in states.items() if state is not None}

    def _state(self, job_id: str, claim: int) -> ClaimState | None:
        row = self._own(job_id, claim)
        if row is not None and row.status is JobStatus.PROCESSING:
            return None
        cancelled = row is not None and row.status is JobStatus.CANCELLED
        return ClaimState.CANCELLED if cancelled else ClaimState.LOST

    async def release_strays(self, held: Callable[[], Collection[str]]) -> bool:
        with self._store.lock:
            known = set(held())
            now = self._store.now()
            for row in list(self._store.held.get(self.id, {}).values()):
                if row.id not in known:
                    self._store.give_back(row, now)
            return True

    # --- liveness ------------------------------------------------------------------------------

    async def heartbeat(self) -> bool:
        with self._store.lock:
            if not self._worker.live:
                return False
            self._judge.heartbeat(self._store.now())
            return True

    async def stopping(self) -> None:
        with self._store.lock:
            if self._worker.live:
                self._worker.status = "stopping"

    async def leave(self) -> None:
        with self._store.lock:
            self._store.dismiss(self._worker)

    # --- upkeep --------------------------------------------------------------------------------

    async def recover(
        self, *, max_crashes: int, gone: Collection[int] = (), by_hand: bool = False
    ) -> Recovered:
        # A process that has ended has taken its memory with it: no worker here can be in `gone`.
        with self._store.lock:
            return recover(self._store, self._judge, max_crashes, by_hand=by_hand)

    async def sweep_unknown(self, names: Collection[str], *, grace: float) -> list[str]:
        with self._store.lock:
            return sweep(self._store, self._queues, names, timedelta(seconds=grace))


def _deletes(outcome: Outcome) -> bool:
    return isinstance(outcome, Done) and not outcome.keep
