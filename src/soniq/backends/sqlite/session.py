"""One worker's standing with a SQLite file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from soniq.backends.base import BackendError, Contended, Unavailable, Wake
from soniq.backends.process_size import process_size
from soniq.backends.sqlite import finish
from soniq.backends.sqlite.claim import Claimer
from soniq.backends.sqlite.connection import Connection
from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.lanes import text_of
from soniq.backends.sqlite.liveness import WorkerLock
from soniq.backends.sqlite.recover import Judge, recover
from soniq.backends.sqlite.spoilt import set_aside
from soniq.backends.sqlite.times import Clock, stamp
from soniq.backends.sqlite.turn import Turn
from soniq.backends.sqlite.unknown import sweep_unknown
from soniq.backends.sqlite.watch import Watch
from soniq.records import Claimed, ClaimState, Ending, NewWorker, Recovered
from soniq.settings import SoniqSettings

_FAREWELL: Final = 5.0
_log = logging.getLogger("soniq.backends.sqlite")


class SQLiteSession:
    """See `WorkerSession`.

    Claims, finishes and the rest have a connection each, so that they overlap as far as a file
    with one writer at a time allows.
    """

    def __init__(self, path: str, clock: Clock, turn: Turn, worker: NewWorker) -> None:
        self._path = path
        self._clock = clock
        self._turn = turn
        self._worker = worker
        self._claims = Connection(path, clock, turn, "claim")
        self._finishes = Connection(path, clock, turn, "finish")
        self._upkeep = Connection(path, clock, turn, "upkeep")
        self._lock = WorkerLock(path, worker.id)
        self._claimer = Claimer(worker.id, worker.queues)
        self._judge: Judge
        self._watch: Watch | None = None
        self._left = False

    @property
    def id(self) -> str:
        return self._worker.id

    async def join(self, settings: SoniqSettings, wake: Wake) -> None:
        """Register the worker. The lock comes first: a row without one would look dead."""

        def register(database: Database) -> Judge:
            self._hold_lock()
            with database.writing() as now:
                database.change("join", **_columns(self._worker, settings, stamp(now)))
            return Judge(self._path, self.id, self._worker.hostname, settings, now)

        self._judge = await self._upkeep.run(register)
        self._watch = Watch(self._path, self._clock, self._turn, self._worker.queues, wake)

    def _hold_lock(self) -> None:
        try:
            self._lock.take()
        except OSError as error:
            raise Unavailable(f"Cannot lock a file beside {self._path}: {error}") from error

    # --- claims --------------------------------------------------------------------------------

    async def claim(self, limit: int, *, without: Collection[str] = ()) -> Claimed:
        if self._left:
            return Claimed([])
        answer = await self._claim(lambda db: self._claimer.claim(db, limit, without))
        if self._watch is not None:
            self._watch.busy = len(answer.jobs) == limit
        return answer

    async def claim_suspect(self, *, without: Collection[str] = ()) -> Claimed:
        if self._left:
            return Claimed([])
        return await self._claim(lambda db: self._claimer.claim_suspect(db, without))

    async def _claim(self, claim: Callable[[Database], Claimed]) -> Claimed:
        try:
            return await self._claims.run(claim)
        except (Unavailable, Contended):
            raise
        except Exception as error:
            # Neither the file nor somebody else: it is a row that no claim can read. Other rows may
            # have been claimed already, so this counts as an answer that was lost.
            done = await self._claims.run(set_aside)
            if not done:
                raise
            told = ". ".join(done)
            _log.error(told)
            raise Unavailable(told) from error

    async def release_strays(self, held: Callable[[], Collection[str]]) -> bool:
        # On the connection of the claims: the one whose answer was lost has ended before this.
        known = set(held())

        def release(database: Database) -> None:
            with database.writing() as now:
                rows = database.rows("held_by_worker", worker=self.id)
                strays = [(row, "") for job_id, row in rows if job_id not in known]
                if strays:
                    database.change("finish_released", endings=text_of(strays), now=stamp(now))

        await self._claims.run(release)
        return True

    async def finish(self, endings: Sequence[Ending], *, repeated: bool = False) -> set[str]:
        def store(database: Database) -> set[str]:
            return finish.finish(database, self.id, endings, repeated=repeated)

        finish.check_storable(endings)
        return await self._finishes.run(store)

    async def lost(self, claims: Mapping[str, int]) -> dict[str, ClaimState]:
        rows = await self._upkeep.run(lambda db: db.rows("states", ids=text_of(claims)))
        states = {row[0]: row[1:4] for row in rows}
        found = {job_id: self._state(states.get(job_id), claims[job_id]) for job_id in claims}
        return {job_id: state for job_id, state in found.items() if state is not None}

    def _state(self, row: tuple[Any, ...] | None, claim: int) -> ClaimState | None:
        if row is None or row[1:] != (self.id, claim):
            return ClaimState.LOST
        match row[0]:
            case "processing":
                return None
            case "cancelled":
                return ClaimState.CANCELLED
            case _:
                return ClaimState.LOST

    # --- liveness ------------------------------------------------------------------------------

    async def heartbeat(self) -> bool:
        size = process_size()

        def beat(database: Database) -> bool:
            self._hold_lock()
            with database.writing() as now:
                alive = database.change("heartbeat", worker=self.id, now=stamp(now), size=size) == 1
            if alive:
                self._judge.beat(now)
            return alive

        return await self._upkeep.run(beat)

    async def stopping(self) -> None:
        def mark(database: Database) -> None:
            with database.writing():
                database.change("stopping", worker=self.id)

        await self._upkeep.run(mark)

    async def leave(self) -> None:
        if self._left:
            return
        self._left = True
        try:
            await self._upkeep.run(self._unregister, patience=_FAREWELL)
        except BackendError as error:
            _log.warning("Worker %s could not sign off, others will notice: %s", self.id, error)
        if self._watch is not None:
            await self._watch.stop()
        for connection in (self._claims, self._finishes, self._upkeep):
            await connection.close()
        with suppress(OSError):
            self._lock.remove()

    def _unregister(self, database: Database) -> None:
        with database.writing() as now:
            database.change("leave", worker=self.id, now=stamp(now))

    # --- upkeep --------------------------------------------------------------------------------

    async def recover(
        self, *, max_crashes: int, gone: Collection[int] = (), by_hand: bool = False
    ) -> Recovered:
        judge = self._judge.by_hand() if by_hand else self._judge
        return await self._upkeep.run(lambda db: recover(db, judge, max_crashes, gone))

    async def sweep_unknown(self, names: Collection[str], *, grace: float) -> list[str]:
        return await self._upkeep.run(
            lambda db: sweep_unknown(db, self._worker.queues, names, grace)
        )


def _columns(worker: NewWorker, settings: SoniqSettings, now: str) -> dict[str, Any]:
    return {
        "id": worker.id,
        "hostname": worker.hostname,
        "pid": worker.pid,
        "queues": None if worker.queues is None else text_of(worker.queues),
        "concurrency": worker.concurrency,
        "interval": settings.heartbeat_interval,
        "now": now,
        "version": worker.version,
        "job_names": text_of(worker.job_names),
    }
