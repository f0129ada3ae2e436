"""What a store must do. These docstrings are the specification of every backend.

A `Backend` stores and queries; a `WorkerSession` is one worker's standing with it: registration,
liveness, claims and their ends. Nothing above this seam knows which store it talks to.

Rules that hold for every method:

- All times are the store's own clock; what callers give as a delay is added to it there.
- Failures come as `Unavailable`, `Contended` or `Unstorable`, whatever the driver calls them; a
  missing or too new schema comes as a `SoniqError`. Anything else is a defect.
- A method that fails has changed nothing, unless it failed with `Unavailable`: then the caller
  cannot know, and every method that writes may safely be called again with the same values.
- Ids are UUID text in lower case with hyphens. One spelt otherwise is an id that is not found.
- Lists are bounded by their caller, statements by the store: 4 MiB of values at most.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from soniq.backends.dead_letters import DeadLetterStore
from soniq.backends.diagnosis import Diagnosis
from soniq.backends.metric_points import MetricStore
from soniq.backends.overview import Overview
from soniq.backends.plugin_tables import PluginTables
from soniq.backends.schedules import ScheduleStore
from soniq.records import (
    Claimed,
    ClaimState,
    Ending,
    JobDict,
    JobState,
    NewJob,
    NewWorker,
    Recovered,
)
from soniq.settings import SoniqSettings


class BackendError(Exception):
    """A store could not do what it was asked."""


class Unavailable(BackendError):
    """The store is away, or the connection was lost: what was sent may have happened or not."""


class Contended(BackendError):
    """Somebody else stood in the way (deadlock, serialisation, a lock not granted in time).

    Nothing was changed; the same call may succeed later.
    """


class Unstorable(BackendError):
    """A value of this call cannot be stored by this store; nothing was changed."""


class InsertJobs(Protocol):
    """See `Backend.insert`."""

    def __call__(
        self, jobs: Sequence[NewJob], *, repeated: bool = False
    ) -> Awaitable[list[str]]: ...


Wake = Callable[[int | None], None]
"""Told when work may have become claimable or its due time known: the best priority announced,
None when unknown. Called on the worker's event loop; must return at once."""


class Backend(Protocol):
    """A store of jobs."""

    @property
    def name(self) -> str:
        """``postgres``, ``sqlite`` or ``memory``."""
        ...

    @property
    def location(self) -> str:
        """Where the store is, for people: its URL or path, any password masked."""
        ...

    # --- opening -------------------------------------------------------------------------------

    async def open(self, settings: SoniqSettings) -> None:
        """Connect. Safe to call again after `close`. The schema is checked by the first use."""
        ...

    async def close(self) -> None:
        """Give back every connection. Safe to call twice, or unopened."""
        ...

    def sibling(self) -> Backend:
        """An unopened backend on the same store, for another event loop or a forked process.

        A store that any loop may use at any time returns itself.
        """
        ...

    async def setup(self) -> list[str]:
        """Create what is missing (database, tables) and return the names of the applied migrations.

        Concurrent calls are serialised; the later ones return an empty list.

        Raises:
            MigrationError: a migration failed; the changes of this call were rolled back.
        """
        ...

    async def migrations(self) -> list[tuple[str, bool]]:
        """Every known migration by name, oldest first, and whether it has been applied."""
        ...

    async def ping(self) -> None:
        """Return when the store answers and its schema fits this version of Soniq."""
        ...

    # --- jobs in -------------------------------------------------------------------------------

    async def insert(self, jobs: Sequence[NewJob], *, repeated: bool = False) -> list[str]:
        """Store `jobs` in one transaction, all or none, and wake workers. Returns the ids in order.

        A job without `dedup_key` is stored under its own id; if that id is already stored (an
        earlier call whose answer was lost) it counts as stored. With `repeated` (there may have
        been such a call) so does one that has become a dead letter since; one that was done and
        deleted at once cannot be told from a new one. A job with a `dedup_key` is stored
        unless a queued or processing job holds the key: then the holder's id stands in its place,
        also when the holder is an earlier job of the same call. A key held by a job whose
        transaction is still open is waited for no longer than about 100 ms.

        Raises:
            Contended: such a key was not free in time, or the transaction met a deadlock.
            Unstorable: a value the store cannot hold.
            Unavailable: the store is away.
        """
        ...

    def inserting(self) -> AbstractAsyncContextManager[InsertJobs]:
        """`insert` for one call after another; what all of them need may be kept in between."""
        ...

    async def insert_on(self, connection: object, jobs: Sequence[NewJob]) -> list[str]:
        """`insert` inside the caller's open transaction; row and wake-up appear with its commit.

        It waits for keys as long as that transaction does. The driver's errors pass through.

        Raises:
            ValueError: "Transactional enqueue ...": this store cannot use such a connection.
        """
        ...

    # --- jobs out ------------------------------------------------------------------------------

    async def get_job(self, job_id: str) -> JobDict | None:
        """The job or dead letter of that id, with all keys of `JOB_KEYS`, or None.

        A dead letter's scheduled_at, started_at, worker_id, producer_id and result are None.
        """
        ...

    async def job_states(self, job_ids: Collection[str]) -> dict[str, JobState]:
        """Where the jobs and dead letters of these ids are, as of one moment.

        At most 1,000 ids; one that is not found has no entry.
        """
        ...

    async def list_jobs(
        self, *, queue: str | None, status: str | None, limit: int, offset: int
    ) -> list[JobDict]:
        """Jobs, newest (greatest created_at, then id) first.

        Dead letters only and solely with ``status="dead_letter"``. A queue or status nobody has
        gives an empty list.
        """
        ...

    async def queue_stats(self) -> dict[str, dict[str, int]]:
        """By queue name: the number of jobs of each status, dead letters included.

        Every queue that has rows appears; each inner mapping has all five `JobStatus` values.
        """
        ...

    async def list_workers(self, *, stale_after: float) -> list[dict[str, Any]]:
        """Registered workers, newest first.

        Keys: id, hostname, pid, queues (list or None), concurrency, status, started_at,
        last_heartbeat. Status is active, stopping or stopped as stored; one that is not stopped and
        whose last heartbeat is older than `stale_after` seconds is ``stale``.
        """
        ...

    # --- jobs changed by hand ------------------------------------------------------------------

    async def cancel_job(self, job_id: str) -> bool:
        """Turn a queued or processing job to cancelled, at once. False for any other."""
        ...

    async def delete_job(self, job_id: str) -> bool:
        """Remove a job in any state but dead letter; a processing one is lost to its worker."""
        ...

    # --- dead letters --------------------------------------------------------------------------

    @property
    def dead_letters(self) -> DeadLetterStore:
        """The jobs that were given up."""
        ...

    # --- schedules -----------------------------------------------------------------------------

    @property
    def schedules(self) -> ScheduleStore:
        """What is enqueued again and again."""
        ...

    # --- plugins -------------------------------------------------------------------------------

    @property
    def plugin_tables(self) -> PluginTables:
        """What plugins keep beside the jobs."""
        ...

    # --- time series ---------------------------------------------------------------------------

    @property
    def metric_points(self) -> MetricStore:
        """The time series of the Metrics plugin."""
        ...

    # --- for those who look --------------------------------------------------------------------

    @property
    def overview(self) -> Overview:
        """Figures, searches, and the record of what is done by hand."""
        ...

    # --- health --------------------------------------------------------------------------------

    @property
    def diagnosis(self) -> Diagnosis:
        """Facts about this store's health; may be asked before `setup`."""
        ...

    # --- workers -------------------------------------------------------------------------------

    async def join(self, worker: NewWorker, wake: Wake) -> WorkerSession:
        """Register `worker` and open its session. `wake` is called until the session is left."""
        ...

    # --- upkeep --------------------------------------------------------------------------------

    async def prune(self, *, result_ttl: float, dead_letter_ttl: float | None, limit: int) -> int:
        """Delete at most `limit` rows whose time is over and return how many went.

        Done and cancelled jobs `result_ttl` seconds after they ended, dead letters after
        `dead_letter_ttl` (None: never), stopped workers after a day. Rows somebody has locked are
        passed over.
        """
        ...

    async def lease(self, name: str, holder: str, life: float) -> bool:
        """Take or renew the lease `name` for `life` seconds; False while somebody else holds it.

        A new holder raises the lease's term by one. Expiry is judged by the store's clock.
        """
        ...

    async def resign(self, name: str, holder: str) -> None:
        """Give the lease back at once, if `holder` has it."""
        ...


class WorkerSession(Protocol):
    """One worker's standing with the store, from `Backend.join` until `leave`.

    One `claim`, `claim_suspect` or `release_strays` at a time, one `finish` at a time; the two
    sides, and everything else here, may overlap.
    """

    @property
    def id(self) -> str:
        """The worker's id."""
        ...

    async def claim(self, limit: int, *, without: Collection[str] = ()) -> Claimed:
        """Take at most `limit` due queued jobs of the served queues, under new claim numbers.

        Order: priority ascending; within a queue then by due time and id; queues that have due jobs
        of one priority take turns. Names in `without` and jobs with crashes are left alone. A
        claimed job is processing, `attempts` is one higher, `started_at` is now. Nothing is claimed
        when this worker is no longer registered as live.

        A short answer says how long until the next job is due. Calls may come at any rate; a worker
        that nothing wakes calls at least every `poll_interval`, and finds everything by then.
        """
        ...

    async def claim_suspect(self, *, without: Collection[str] = ()) -> Claimed:
        """Take the first due job (one at most) that has crashed a worker; else like `claim`."""
        ...

    async def finish(self, endings: Sequence[Ending], *, repeated: bool = False) -> set[str]:
        """End claims, in one transaction, and return the ids whose ending is stored.

        Each ending is fenced: the row is processing, under this worker, with this claim number. A
        row that is not is left alone and its id is not returned. With `repeated` (an earlier call
        with these endings whose answer was lost) a row that shows that this very ending was already
        stored counts as stored, also one that is gone because the ending deleted it or moved it to
        the dead letters.

        - Done: done, with `finished_at` and the result; deleted when `keep` is false.
        - Retry: queued again, due `delay` seconds from now, `last_error` set.
        - Snoozed: queued again, due `delay` seconds from now, `last_error` the note, `attempts` one
          lower.
        - Dead: moved to the dead letters under its id, with reason and error.
        - Released: queued again, `attempts` one lower, due as before, or with a `delay` that many
          seconds from now if that is later; `last_error` untouched.

        Workers are woken for what is queued again. `worker_id` stays: it tells who ran it last.

        Raises:
            Unstorable: a result or error text this store cannot hold; nothing was stored.
        """
        ...

    async def lost(self, claims: Mapping[str, int]) -> dict[str, ClaimState]:
        """Which of these claims (id -> claim number) are no longer this worker's, and why."""
        ...

    async def release_strays(self, held: Callable[[], Collection[str]]) -> bool:
        """After a claim whose answer was lost: queue again what this worker holds without knowing.

        That is every row processing under this worker whose id is not in `held()`. No attempt is
        spent. Returns True once no session of the lost connection can commit that claim any more;
        until then the caller asks again with each heartbeat.
        """
        ...

    async def heartbeat(self) -> bool:
        """Say this worker lives. False when it has been declared dead: it must join anew.

        Raises:
            Unavailable: the store cannot be reached; the worker goes on, and tries again.
        """
        ...

    async def stopping(self) -> None:
        """Say this worker has begun to stop: from now on its death counts no crash."""
        ...

    async def recover(
        self, *, max_crashes: int, gone: Collection[int] = (), by_hand: bool = False
    ) -> Recovered:
        """Declare dead workers dead, and requeue what is processing under no live worker.

        A worker is dead when its liveness (a lock its process holds) is gone and its heartbeat is
        older than its own interval plus a grace of 2 s (its interval, if shorter); or when its
        heartbeat is older than `heartbeat_timeout`. Age counts from the later of its heartbeat and
        the time since which this session's own heartbeats have been stored without a gap. Workers
        of this host whose process id is in `gone` (processes known to have ended) are dead as soon
        as their lock is free. With `by_hand` somebody who looks vouches that nobody merely slept:
        age counts from the heartbeat alone.

        Each job of a dead worker is queued again without an attempt spent and with `crashes` one
        higher, unless that worker had begun to stop; at `max_crashes` it is a dead letter instead,
        reason worker_crashed. So is a row of a worker nobody remembers; one of a worker that left
        counts no crash. `worker_id` becomes None. Rows somebody has locked are passed over until
        the next sweep.
        """
        ...

    async def sweep_unknown(self, names: Collection[str], *, grace: float) -> list[str]:
        """Dead-letter jobs whose name nobody has known for `grace` seconds (job_not_found).

        The due queued jobs of `names` in the queues this worker serves get their `unknown_since`;
        from then on the grace counts, and a live worker that serves their queue and knows the name
        saves them. Returns the ids dead-lettered. Bounded in rows; call again for more.
        """
        ...

    async def leave(self) -> None:
        """Unregister (status stopped) and give back connections and lock. Safe to call twice.

        Never raises for a store that is away: others will recover what this worker held.
        """
        ...
