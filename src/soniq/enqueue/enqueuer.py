"""Storing what a `Resolver` made of a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from soniq.backends.base import BackendError, Unstorable
from soniq.backends.opening import Opened, Opening
from soniq.enqueue.inserter import Inserter
from soniq.enqueue.keyed import KeyedInserter
from soniq.enqueue.options import Options
from soniq.enqueue.resolver import Resolver, invalid_arguments
from soniq.enqueue.targets import AnyTarget
from soniq.observability.telemetry import telemetry
from soniq.records import NewJob

if TYPE_CHECKING:
    from soniq.observability.otel import Telemetry


class _Inserters(NamedTuple):
    """Those of one opening."""

    free: Inserter
    keyed: KeyedInserter
    telemetry: Telemetry | None

    async def drained(self) -> None:
        """Return when no enqueue is under way."""
        await self.free.drained()
        await self.keyed.drained()


class Enqueuer:
    """Stores jobs, single ones together with others that come at the same time."""

    def __init__(self, opening: Opening, resolver: Resolver) -> None:
        self._opening = opening
        self._resolver = resolver
        self._inserters: WeakKeyDictionary[Opened, _Inserters] = WeakKeyDictionary()

    async def enqueue(
        self,
        target: AnyTarget,
        args: Mapping[str, Any] | None,
        options: Options,
        keywords: dict[str, Any],
    ) -> str:
        """See `Soniq.enqueue`."""
        job = self._resolver.job(target, args, options, keywords)
        return await self._store(job, options.connection)

    async def enqueue_bound(
        self, target: AnyTarget, arguments: dict[str, Any], options: Options
    ) -> str:
        """Enqueue a handler's own job: every keyword is an argument."""
        job = self._resolver.bound_job(target, arguments, options)
        return await self._store(job, options.connection)

    async def enqueue_many(
        self,
        target: AnyTarget,
        rows: list[dict[str, Any]],
        options: Options,
        dedup_keys: Sequence[str | None] | None,
    ) -> list[str]:
        """See `Soniq.enqueue_many`."""
        jobs = self._resolver.jobs(target, rows, options, dedup_keys)
        opened = await self._opening.ready()
        if not jobs:
            return []
        traces = self._inserters_of(opened).telemetry
        if traces is None:
            return await _insert_all(opened, jobs, options.connection)
        with traces.sending(jobs, batch=True) as sending:
            ids = await _insert_all(opened, sending.jobs, options.connection)
            sending.stored(ids)
            return ids

    async def _store(self, job: NewJob, connection: object | None) -> str:
        opened = await self._opening.ready()
        inserters = self._inserters_of(opened)
        if inserters.telemetry is None:
            return await _insert(opened, inserters, job, connection)
        with inserters.telemetry.sending([job]) as sending:
            job_id = await _insert(opened, inserters, sending.jobs[0], connection)
            sending.stored([job_id])
            return job_id

    def _inserters_of(self, opened: Opened) -> _Inserters:
        return self._inserters.get(opened) or self._new_inserters(opened)

    def _new_inserters(self, opened: Opened) -> _Inserters:
        backend, patience = opened.backend, opened.patience
        free = Inserter(backend.inserting, patience)
        keyed = KeyedInserter(backend.insert, patience)
        inserters = _Inserters(free, keyed, telemetry())
        self._inserters[opened] = inserters
        opened.before_close.append(inserters.drained)
        return inserters


async def _insert(
    opened: Opened, inserters: _Inserters, job: NewJob, connection: object | None
) -> str:
    if connection is not None:
        return (await opened.backend.insert_on(connection, [job]))[0]
    inserter = inserters.free if job.dedup_key is None else inserters.keyed
    return await inserter.insert(job)


async def _insert_all(opened: Opened, jobs: list[NewJob], connection: object | None) -> list[str]:
    if connection is not None:
        return await opened.backend.insert_on(connection, jobs)
    failures: list[BackendError] = []
    try:
        return await opened.patience.call(
            lambda: opened.backend.insert(jobs, repeated=bool(failures)),
            share=None,
            on_failure=failures.append,
        )
    except Unstorable as error:
        raise invalid_arguments(jobs[0].job_name, [str(error)]) from error
