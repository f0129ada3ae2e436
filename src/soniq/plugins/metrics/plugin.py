"""The plugin: what users call, and what Soniq calls beside its workers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Final

from soniq.backends.base import BackendError
from soniq.backends.metric_points import MetricStore
from soniq.backends.opening import Opened
from soniq.backends.patience import Answer
from soniq.errors import SoniqError
from soniq.job import JobMetrics
from soniq.logs import soniq_logger
from soniq.plugins.keeping import KeepsMetrics
from soniq.plugins.metrics.account import Account
from soniq.plugins.metrics.collecting import Collector
from soniq.plugins.metrics.keys import Dropped, KeyBook, Kind, is_key, matches_prefix
from soniq.plugins.metrics.metric import Metric, read_metrics
from soniq.plugins.metrics.points import merge_rows
from soniq.plugins.metrics.ranges import GappedPoint, spread
from soniq.plugins.metrics.recorder import Recorder
from soniq.plugins.metrics.resolutions import LENGTHS, keeping, resolution_of
from soniq.plugins.metrics.store_clock import StoreClock
from soniq.plugins.plugin import Plugin
from soniq.plugins.views import PluginJob, PluginWorker
from soniq.services.service import Backoff, cancelled

if TYPE_CHECKING:
    from soniq.app import Soniq

_BATCH: Final = 500
"""Rows merged or deleted in one transaction."""
_LEAST_PAUSE: Final = 0.01
_SILENT_SYNCS: Final = 3
_LEAST_SILENCE: Final = 60.0
_FAILURES: Final = (BackendError, SoniqError)

_log = soniq_logger("soniq.plugins.metrics")


class Metrics(Plugin, KeepsMetrics):
    """Keeps time series of jobs, queues and tables in the database, shared by all workers.

    Args:
        sync_interval: seconds between two writes of what a worker has recorded.
        max_points_per_resolution: how many points to keep, by resolution (1min, 5min, 1hour, 1day);
            others keep 60, 288, 168 and 90.
        maximum_metric_age: seconds after which a point goes, whatever their number.
        collection_interval: seconds between two looks at queues and tables, by one worker for all.

    Raises:
        ValueError: an unknown resolution, or a number that is not positive.
    """

    def __init__(
        self,
        *,
        sync_interval: float = 60,
        max_points_per_resolution: dict[str, int] | None = None,
        maximum_metric_age: float = 7_776_000,
        collection_interval: float = 30,
    ) -> None:
        self._sync_interval = _positive("sync_interval", sync_interval)
        self._collection_interval = _positive("collection_interval", collection_interval)
        age = _positive("maximum_metric_age", maximum_metric_age)
        self._keep = keeping(max_points_per_resolution, age)
        self._clock = StoreClock()
        self._syncing: dict[Opened, asyncio.Task[None]] = {}
        self._begin_empty()

    def _begin_empty(self) -> None:
        self._pid = os.getpid()
        self._dropped = Dropped()
        self._keys = KeyBook(self._dropped)
        self._accounts: dict[str, Account] = {}
        self._home = self._account(None)

    def _account(self, worker_id: str | None) -> Account:
        return Account(worker_id, self._clock, self._keys, self._dropped, self._keep)

    # --- what it is ----------------------------------------------------------------------------

    @staticmethod
    def get_identifier() -> str:
        """Return ``soniq.metrics``."""
        return "soniq.metrics"

    def get_tables(self) -> list[str]:
        """Return the names of the tables it keeps."""
        return ["soniq_metric_sessions", "soniq_metric_chunks"]

    def migrate_key(self) -> str:
        """Return the name under which its migrations are recorded."""
        return "metrics"

    def migrate_package(self) -> str:
        """Return the package of its migrations."""
        return "soniq.plugins.metrics.migrations"

    @property
    def dropped(self) -> dict[str, int]:
        """How many observations were not recorded, by reason, since the process began.

        One that was waiting to be stored counts for each resolution that has to do without it.
        """
        return self._dropped.by_reason

    # --- recording -----------------------------------------------------------------------------

    async def increment_counter(self, metric_key: str, value: float = 1) -> None:
        """Add `value` to a counter. Only memory is touched, and nothing is raised.

        Args:
            metric_key: at most 512 characters; parts are separated by colons.
            value: a finite number; anything else is dropped and counted.
        """
        self._recorder().take(Kind.COUNTER, metric_key, value)

    async def record_gauge(self, metric_key: str, value: float) -> None:
        """Set a gauge, of which each bucket keeps the newest value. See `increment_counter`."""
        self._recorder().take(Kind.GAUGE, metric_key, value)

    async def record_histogram_value(self, metric_key: str, value: float) -> None:
        """Observe a value of a distribution. See `increment_counter`."""
        self._recorder().take(Kind.HISTOGRAM, metric_key, value)

    def metrics_of(self, worker: PluginWorker) -> JobMetrics:
        """Return what the handlers of a worker record their own numbers with."""
        return HandlerMetrics(self._account_of(worker).recorder)

    def _recorder(self) -> Recorder:
        """Of the worker that was started last, of the process where none runs."""
        self._notice_fork()
        accounts = [*self._accounts.values()]
        return (accounts[-1] if accounts else self._at_home()).recorder

    def _at_home(self) -> Account:
        if self._home.is_closed:
            self._home = self._account(None)
        return self._home

    def _account_of(self, worker: PluginWorker) -> Account:
        account = self._accounts.get(worker.id)
        if account is None:
            self._notice_fork()
            account = self._accounts.setdefault(worker.id, self._account(worker.id))
        return account

    def _notice_fork(self) -> None:
        """In a forked process: what the parent has recorded is the parent's to store."""
        if self._pid != os.getpid():
            self._syncing = {}
            self._begin_empty()

    # --- reading -------------------------------------------------------------------------------

    matches_prefix = staticmethod(matches_prefix)

    async def get_metrics(
        self,
        app: Soniq,
        metric_prefix: str | None = None,
        worker_id: str | None = None,
        *,
        resolution: str | None = None,
    ) -> dict[str, Metric]:
        """Return the stored series by their keys, as of the last syncs.

        Args:
            app: the instance whose store is read; it need not run jobs.
            metric_prefix: only keys that begin with these parts, see `matches_prefix`.
            worker_id: only what this worker has recorded, while it is there; else of all together.
            resolution: read only these points, which is quicker; the others are left empty.

        Raises:
            ValueError: an unknown resolution.
        """
        if resolution is not None:
            resolution_of(resolution)
        prefix = (metric_prefix or "").removesuffix(":")
        if prefix and not is_key(prefix):
            return {}
        rows = await _asked(
            app,
            lambda store: store.read(prefix=prefix, worker_id=worker_id, resolution=resolution),
        )
        return read_metrics(rows, prefix, self._clock())

    async def list_metrics(self, app: Soniq) -> list[str]:
        """Return the keys of all stored series, in order."""
        return await _asked(app, lambda store: store.keys(LENGTHS))

    async def get_range(
        self, app: Soniq, key: str, *, resolution: str, start: datetime, end: datetime
    ) -> list[GappedPoint]:
        """Return a series from `start` to `end` (aware; exclusive), oldest first, gaps as None.

        Raises:
            ValueError: an unknown resolution, naive times, or more than 10,000 buckets.
        """
        found = resolution_of(resolution)
        rows = []
        if is_key(key):
            rows = await _asked(app, lambda store: store.read(prefix=key, resolution=resolution))
        metric = read_metrics(rows, key, self._clock()).get(key)
        return spread(metric.points(resolution) if metric else [], found, start, end)

    # --- storing -------------------------------------------------------------------------------

    async def flush(self, app: Soniq) -> None:
        """Store now what this process has recorded.

        Raises:
            SoniqError: SONIQ_DATABASE_UNAVAILABLE; it is kept, and stored later.
        """
        self._notice_fork()
        for account in (*self._accounts.values(), self._home):
            await self._stored(account, app)

    async def cleanup(self, app: Soniq) -> int | None:
        """Merge what ended workers have left, and delete what is past its age.

        Returns:
            How many rows went.
        """
        store = (await app._opening.ready()).backend.metric_points
        await self._merge(store)
        gone = 0
        while (rows := await store.expire(_BATCH, LENGTHS)) > 0:
            gone += rows
            await asyncio.sleep(0)
        return gone

    async def _merge(self, store: MetricStore) -> None:
        """Make the rows of ended sessions part of those that reads begin with."""
        await store.end_silent(max(_LEAST_SILENCE, _SILENT_SYNCS * self._sync_interval))
        more = True
        while more:
            more = await store.merge(merge_rows, _BATCH) > 0
            await asyncio.sleep(0)

    async def _stored(self, account: Account, app: Soniq, *, ends: bool = False) -> None:
        """Store what an account has, with the patience of the settings."""
        opened = await app._opening.ready()
        store = opened.backend.metric_points
        await opened.patience.call(lambda: account.sync(store, ends=ends))

    # --- with the application ------------------------------------------------------------------

    async def on_startup(self, app: Soniq) -> None:
        """From now on, store what is recorded without a worker."""
        self._notice_fork()
        opened = await app._opening.ready()
        self._syncing[opened] = asyncio.create_task(
            self._keep_home_stored(opened), name="soniq-metrics-home"
        )

    async def on_shutdown(self, app: Soniq) -> None:
        """Store all that is left, the last of it where the app is used on no other loop."""
        opened = await app._opening.ready()
        task = self._syncing.pop(opened, None)
        if task is not None:
            await cancelled(task)
        self._notice_fork()
        # A worker on another loop goes on recording.
        ends = all(other.loop.is_closed() for other in [*self._syncing])
        for account in (*self._accounts.values(), self._home):
            await self._part_with(account, app, ends=ends)

    async def _keep_home_stored(self, opened: Opened) -> None:
        backoff = Backoff(self._sync_interval)
        pause = self._sync_interval
        while True:
            await asyncio.sleep(pause)
            try:
                await self._at_home().sync(opened.backend.metric_points)
                self._recovered(backoff)
                pause = self._sync_interval
            except _FAILURES as error:
                pause = self._failed(backoff, error)

    # --- beside a worker -----------------------------------------------------------------------

    async def on_worker_started(self, worker: PluginWorker) -> None:
        """Learn the store's time before the first job."""
        account = self._account_of(worker)
        opened = await worker.app._opening.ready()
        with suppress(*_FAILURES):  # `run` tells of it
            await account.sync(opened.backend.metric_points)

    async def run(self, worker: PluginWorker, app: Soniq) -> None:
        """Store again and again what the worker records; on the leader, look after all of it."""
        opened = await app._opening.ready()
        store = opened.backend.metric_points
        collector = Collector(worker, self._collection_interval, self._clock)
        backoff = Backoff(self._sync_interval)
        while True:
            account = self._account_of(worker)
            try:
                await self._beat(worker, account, store, collector)
                self._recovered(backoff)
                looks_in = collector.due_in if worker.is_leader else self._collection_interval
                syncs_in = self._sync_interval - account.synced_for
                pause = max(_LEAST_PAUSE, min(syncs_in, looks_in))
            except _FAILURES as error:
                pause = self._failed(backoff, error)
            await self.sleep(pause)

    async def _beat(
        self, worker: PluginWorker, account: Account, store: MetricStore, collector: Collector
    ) -> None:
        # What was recorded goes first: a look that fails must not keep it from the store.
        syncs = account.synced_for >= self._sync_interval
        if syncs:
            await account.sync(store)
        if not worker.is_leader:
            collector.rest()
            return
        await collector.collect(store, account.recorder)
        if syncs:
            await self._merge(store)

    async def on_worker_stopped(self, worker: PluginWorker) -> None:
        """Store the rest of what the worker has recorded."""
        await self._part_with(self._account_of(worker), worker.app)

    async def _part_with(self, account: Account, app: Soniq, *, ends: bool = True) -> None:
        """Store the last of an account; what cannot be stored waits for the app's end."""
        try:
            await self._stored(account, app, ends=ends)
        except _FAILURES as error:
            _log.warning("Metrics recorded since the last sync could not be stored: %s", error)
            return
        if ends and account.worker_id is not None:
            self._accounts.pop(account.worker_id, None)

    async def on_job_updated(self, *, worker: PluginWorker, job: PluginJob) -> None:
        """Record what became of a run, now that it is stored."""
        await self.on_jobs_updated(worker=worker, jobs=[job])

    async def on_jobs_updated(self, *, worker: PluginWorker, jobs: Sequence[PluginJob]) -> None:
        """Record what became of some runs, now that it is stored."""
        account = self._accounts.get(worker.id) or self._account_of(worker)
        account.recorder.stored(
            (job.job_name, job.queue, outcome, job.duration_s or 0.0, job.wait_s)
            for job in jobs
            if (outcome := job.outcome) is not None
        )

    # --- when the store is away ----------------------------------------------------------------

    def _failed(self, backoff: Backoff, error: BaseException) -> float:
        if not backoff.failing:
            _log.warning("Metrics cannot be stored, and are kept until they can: %s", error)
        return backoff.next()

    def _recovered(self, backoff: Backoff) -> None:
        if backoff.failing:
            backoff.reset()
            _log.info("Metrics are stored again")


async def _asked(app: Soniq, question: Callable[[MetricStore], Awaitable[Answer]]) -> Answer:
    opened = await app._opening.ready()
    return await opened.patience.call(lambda: question(opened.backend.metric_points))


def _positive(name: str, value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < inf:
        return value
    raise ValueError(f"{name} must be a number of seconds above 0, got {value!r}")


class HandlerMetrics(JobMetrics):
    """Records the numbers of a worker's handlers."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def counter(self, key: str, value: float = 1) -> None:
        self._recorder.take(Kind.COUNTER, key, value)

    def gauge(self, key: str, value: float) -> None:
        self._recorder.take(Kind.GAUGE, key, value)

    def histogram(self, key: str, value: float) -> None:
        self._recorder.take(Kind.HISTOGRAM, key, value)
