"""The Soniq object: the parts put together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Never, Self, TypeVar, overload

from soniq.backends.base import Backend
from soniq.backends.opening import Opening
from soniq.backends.urls import backend_for
from soniq.dead_letter import DeadLetterService
from soniq.definitions import Definitions
from soniq.enqueue import AnyTarget, Enqueuer, Options, Resolver, refuse_positional
from soniq.observability.metrics import MetricsSink
from soniq.plugins import Plugin
from soniq.plugins.lifecycle import Lifecycle
from soniq.queries import Queries
from soniq.records import JobDict, Recovered
from soniq.registry import JobRegistry
from soniq.retry import RetryPolicy
from soniq.running import check_worker
from soniq.scheduler import Scheduler
from soniq.services.by_hand import recover_by_hand
from soniq.settings import SoniqSettings
from soniq.spelling import refuse_unknown
from soniq.sync import SyncClient
from soniq.waiting import Waiting

if TYPE_CHECKING:
    from soniq.worker import Surroundings

P = TypeVar("P", bound=Plugin)
T = TypeVar("T")
When = datetime | timedelta | float
_OWN_KEYWORDS = ("backend", "retry_policy", "metrics_sink", "plugins", "autoload_plugins")


class Soniq(Definitions):
    """Background jobs: define them, enqueue them, run them.

    Making one does no I/O; the store is opened by the first coroutine that needs it.

    Args:
        database_url: URL or path of the store; unset, the environment and ``.env`` decide.
        backend: a backend object, or ``"postgres"``, ``"sqlite"`` or ``"memory"``.
        retry_policy: decides when failed jobs run again; None is `ExponentialBackoff`.
        metrics_sink: told of every run; None reports nothing.
        plugins: what extends it; those of SONIQ_PLUGINS come after.
        autoload_plugins: add the plugins that installed packages announce.
        settings: any setting by name; these beat the environment.

    Raises:
        TypeError: an unknown keyword.
        ValueError: a setting out of bounds, or an unknown backend.
        SoniqError: SONIQ_INVALID_DATABASE_URL, SONIQ_PLUGIN_DUPLICATE, SONIQ_INIT_ERROR.
    """

    def __init__(
        self,
        database_url: str | os.PathLike[str] | None = None,
        backend: Backend | str | None = None,
        retry_policy: RetryPolicy | None = None,
        metrics_sink: MetricsSink | None = None,
        plugins: Iterable[Plugin] | None = None,
        autoload_plugins: bool = False,
        **settings: Any,
    ) -> None:
        refuse_unknown("Soniq()", settings, (*SoniqSettings.model_fields, *_OWN_KEYWORDS))
        if database_url is not None:
            settings["database_url"] = os.fspath(database_url)
        super().__init__(SoniqSettings(**settings), retry_policy, metrics_sink)
        self._sync = SyncClient(self)
        self._lifecycle = Lifecycle(self, self._members, self._settings)
        self._wire(backend)
        self._lifecycle.install_all(
            plugins or (), self._settings.plugins, autoload=autoload_plugins
        )

    def _wire(self, backend: Backend | str | None) -> None:
        settings, start = self._settings, self._lifecycle.start
        self._backend = backend
        if backend is None or isinstance(backend, str):
            self._opening = Opening(self._builder(backend), settings, begin=start)
        else:
            self._opening = Opening(lambda: backend, settings, backend, start)
        self._resolver = resolver = Resolver(self._registry, settings)
        self._enqueuer = Enqueuer(self._opening, resolver)
        self._queries = Queries(self._opening, settings)
        self._scheduler = Scheduler(self._opening, resolver, self._declarations, settings)
        self._dead_letter = DeadLetterService(self._opening, settings, self._registry)
        self._waiting = Waiting(self._opening, settings)

    def _builder(self, backend: str | None) -> Callable[[], Backend]:
        """What makes the store, at its first opening."""
        return backend_for(backend, self._settings.database_url)

    # --- what it is ----------------------------------------------------------------------------

    @property
    def settings(self) -> SoniqSettings:
        """The settings in force."""
        return self._settings

    @property
    def backend(self) -> Backend | None:
        """The store; None before initialisation where it is built by then."""
        return self._opening.backend

    @property
    def dead_letter(self) -> DeadLetterService:
        """The jobs that were given up."""
        return self._dead_letter

    @property
    def scheduler(self) -> Scheduler:
        """The schedules, and what fires them."""
        return self._scheduler

    @property
    def is_initialized(self) -> bool:
        """Whether the store is open."""
        return self._opening.is_open

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called and nothing opened it again."""
        return self._opening.is_closed

    @property
    def sync(self) -> SyncClient:
        """A blocking client, for code that is not async."""
        return self._sync

    def _install(self, plugin: P) -> P:
        return self._lifecycle.install(plugin)

    # --- opening and closing -------------------------------------------------------------------

    async def ensure_initialized(self) -> None:
        """Open the store, unless it is open; also after `close`.

        Raises:
            SoniqError: SONIQ_INIT_ERROR, from what went wrong.
        """
        await self._opening.reopen()

    async def close(self) -> None:
        """Let enqueues under way end, and give back all connections."""
        await self._opening.close()

    async def __aenter__(self) -> Self:
        await self.ensure_initialized()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def setup(self) -> int:
        """Create what is missing in the store and return how many migrations were applied.

        Raises:
            MigrationError: one failed; what it had done was rolled back.
            Exception: what a plugin raised that was started now that its tables are there.
        """
        opened = await self._opening.store()
        applied = await self._lifecycle.set_up(opened)
        await self._opening.begin(opened)
        return applied

    # --- jobs ----------------------------------------------------------------------------------

    async def _send(
        self, function: Callable[..., Any], arguments: dict[str, Any], options: Options
    ) -> str:
        return await self._enqueuer.enqueue_bound(function, arguments, options)

    async def enqueue(
        self,
        target: AnyTarget,
        /,
        *positional: Never,
        args: dict[str, Any] | None = None,
        queue: str | None = None,
        priority: int | None = None,
        scheduled_at: When | None = None,
        delay: timedelta | float | None = None,
        unique: bool | None = None,
        dedup_key: str | None = None,
        connection: object | None = None,
        **job_args: Any,
    ) -> str:
        """Store a job and return its id, or that of the unfinished job that holds its dedup key.

        Args:
            target: a handler, the name of one, or a `TaskRef`.
            args: the job's arguments, for a name or a `TaskRef`.
            queue, priority, unique: override what the job's registration says.
            scheduled_at: when it is due: aware datetime, timedelta or seconds from now.
            delay: the same, relative; a handler's own parameter of that name receives it instead.
            dedup_key: at most one unfinished job has it.
            connection: store the job in the open transaction of this connection.
            job_args: the job's arguments, for a handler.

        Raises:
            TypeError, ValueError: a call or a value that means nothing.
            SoniqError: SONIQ_UNKNOWN_TASK_NAME, SONIQ_INVALID_TASK_NAME, SONIQ_TASK_ARGS_INVALID,
                SONIQ_DATABASE_UNAVAILABLE.
        """
        refuse_positional("enqueue(job)", positional)
        options = Options(queue, priority, scheduled_at, delay, unique, dedup_key, connection)
        return await self._enqueuer.enqueue(target, args, options, job_args)

    async def enqueue_many(
        self,
        target: AnyTarget,
        args_list: list[dict[str, Any]],
        *,
        queue: str | None = None,
        priority: int | None = None,
        scheduled_at: When | None = None,
        unique: bool | None = None,
        dedup_keys: Sequence[str | None] | None = None,
        connection: object | None = None,
        **unknown: Never,
    ) -> list[str]:
        """Store a job for each dict of arguments, all or none; returns their ids in that order.

        Raises:
            TypeError, ValueError, SoniqError: as `enqueue`; the context of a SoniqError about one
                row has its ``index``.
        """
        refuse_unknown("enqueue_many()", unknown, _MANY_KEYWORDS)
        options = Options(queue, priority, scheduled_at, None, unique, None, connection)
        return await self._enqueuer.enqueue_many(target, args_list, options, dedup_keys)

    async def schedule(
        self,
        target: AnyTarget,
        run_at: When,
        *,
        args: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> str:
        """`enqueue` a job that is due at `run_at`."""
        if run_at is None:
            raise TypeError("run_at must be an aware datetime, a timedelta or seconds from now")
        return await self.enqueue(target, args=args, scheduled_at=run_at, **kwargs)

    # --- questions -----------------------------------------------------------------------------

    async def get_job(self, job_id: str) -> JobDict | None:
        """The job or dead letter of that id; None for an unknown or malformed one."""
        return await self._queries.job(job_id)

    async def get_job_status(self, job_id: str) -> JobDict | None:
        """`get_job` by another name."""
        return await self._queries.job(job_id)

    @overload
    async def get_result(self, job_id: str, *, result_model: type[T]) -> T | None: ...
    @overload
    async def get_result(self, job_id: str, *, result_model: Any = None) -> Any: ...
    async def get_result(self, job_id: str, *, result_model: Any = None) -> Any:
        """What the handler returned, once the job is done; else None.

        Args:
            job_id: the job.
            result_model: pydantic model or any type to restore the result to.

        Raises:
            ValueError: the result is not of that type.
        """
        return await self._queries.result(job_id, result_model)

    @overload
    async def wait(
        self, job_id: str, *, timeout: float | None = None, result_model: type[T]
    ) -> T: ...
    @overload
    async def wait(
        self, job_id: str, *, timeout: float | None = None, result_model: Any = None
    ) -> Any: ...
    async def wait(
        self, job_id: str, *, timeout: float | None = None, result_model: Any = None
    ) -> Any:
        """Wait for the job's end, and return what its handler returned.

        Where `result_ttl` is 0 nothing of a done job is kept: None is returned for a job that was
        seen unfinished and is gone, also if it was deleted. Code that minds says so to its type
        checker with ``result_model=Receipt | None``.

        Args:
            job_id: the job.
            timeout: seconds to wait at most, 0 to ask once; None waits for as long as it takes.
            result_model: pydantic model or any type to restore the result to.

        Raises:
            JobFailed: it was dead-lettered or cancelled.
            TimeoutError: it has not ended within `timeout`.
            LookupError: there is no such job, or it was deleted meanwhile.
            ValueError: the result is not of that type.
            SoniqError: SONIQ_APP_CLOSED, closed meanwhile; SONIQ_DATABASE_UNAVAILABLE.
        """
        return await self._waiting.result(job_id, timeout, result_model)

    async def list_jobs(
        self,
        queue: str | None = None,
        status: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[JobDict]:
        """Jobs, newest first; dead letters only with ``status="dead_letter"``."""
        return await self._queries.jobs(queue, status, limit, offset)

    async def get_queue_stats(self) -> dict[str, int]:
        """How many jobs there are: total, queued, processing, done, dead_letter, cancelled."""
        return await self._queries.stats()

    async def get_queues(self) -> list[dict[str, Any]]:
        """The same counts for each queue, by name."""
        return await self._queries.queues()

    async def list_workers(self) -> list[dict[str, Any]]:
        """Registered workers, newest first.

        Returns:
            Dicts with id, hostname, pid, queues (None for all), concurrency, status (active,
            stopping, stopped or stale), started_at and last_heartbeat.
        """
        return await self._queries.workers()

    async def cancel_job(self, job_id: str) -> bool:
        """Cancel a queued or running job; False for any other."""
        return await self._queries.cancel(job_id)

    async def delete_job(self, job_id: str) -> bool:
        """Remove a job, cancelling it if it runs; False for an unknown id or a dead letter."""
        return await self._queries.delete(job_id)

    # --- running -------------------------------------------------------------------------------

    async def run_worker(
        self,
        concurrency: int | None = None,
        run_once: bool = False,
        queues: Sequence[str] | None = None,
        shutdown_event: asyncio.Event | None = None,
        *,
        scheduler: bool = False,
    ) -> bool:
        """Run jobs until SIGTERM, SIGINT or SIGHUP, and return whether any job ran.

        Args:
            concurrency: jobs at a time; None is the setting.
            run_once: end when nothing is due any more.
            queues: the queues to serve; None is the setting.
            shutdown_event: set it to stop; then no signal handlers are installed.
            scheduler: run a scheduler beside it.

        Raises:
            ValueError: concurrency out of bounds, or ``queues=[]``.
            SoniqError: SONIQ_POOL_TOO_SMALL, SONIQ_SCHEMA_MISSING, SONIQ_SCHEMA_TOO_NEW.
        """
        return await self._run_worker(
            concurrency, run_once, queues, shutdown_event, scheduler=scheduler
        )

    async def _run_worker(
        self,
        concurrency: int | None = None,
        run_once: bool = False,
        queues: Sequence[str] | None = None,
        shutdown_event: asyncio.Event | None = None,
        replaces: Collection[int] = (),
        *,
        scheduler: bool = False,
    ) -> bool:
        # Programs that only enqueue never load the worker.
        from soniq.worker import run_worker

        check_worker(concurrency, queues, self._settings)
        opened = await self._opening.ready()
        await self._lifecycle.see_tables(opened)
        async with self._scheduler.beside_worker(run=scheduler, remind=not run_once):
            return await run_worker(
                backend=opened.backend,
                settings=self._settings,
                registry=self._registry,
                retry_policy=self._retry_policy,
                surroundings=self._surroundings(),
                concurrency=concurrency,
                queues=queues,
                run_once=run_once,
                shutdown_event=shutdown_event,
                replaces=replaces,
            )

    def _surroundings(self) -> Surroundings:
        from soniq.worker import Surroundings

        return Surroundings(
            self._hooks,
            self._middleware,
            self._metrics_sink,
            self._waiting.awaited,
            self._lifecycle.attend,
        )

    # --- for the command line ------------------------------------------------------------------

    def _get_job_registry(self) -> JobRegistry:
        return self._registry

    def _database_url(self) -> str | None:
        """Where the jobs are to be kept; None when nobody said."""
        return self._settings.database_url if self._backend is None else self._opening.location

    def _use_database_url(self, url: str) -> None:
        """Take another store than the configured one; only before initialisation."""
        settings = self._settings.model_dump(exclude_unset=True) | {"database_url": url}
        self._settings = SoniqSettings(**settings)
        self._wire(None)

    async def _ping(self) -> str:
        """Where the store is, once it has answered with a fitting schema."""
        await self._queries.ask(lambda backend: backend.ping())
        return (await self._opening.ready()).backend.location

    async def _recover(self) -> Recovered:
        """Queue again, now, what dead workers have left."""
        opened = await self._opening.ready()
        return await recover_by_hand(opened.backend, self._settings)

    async def _migrations(self) -> list[tuple[str, bool]]:
        opened = await self._opening.store()
        return await opened.patience.call(lambda: self._lifecycle.migrations(opened))


_MANY_KEYWORDS = ("queue", "priority", "scheduled_at", "unique", "dedup_keys", "connection")
