"""Storing what a `Resolver` made of a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from soniq.backends.base import Unstorable
from soniq.backends.opening import Opened, Opening
from soniq.enqueue.inserter import Inserter
from soniq.enqueue.keyed import KeyedInserter
from soniq.enqueue.options import Options
from soniq.enqueue.resolver import Resolver, invalid_arguments
from soniq.enqueue.targets import AnyTarget
from soniq.records import NewJob


class Enqueuer:
    """Stores jobs, single ones together with others that come at the same time."""

    def __init__(self, opening: Opening, resolver: Resolver) -> None:
        self._opening = opening
        self._resolver = resolver
        self._opened: Opened | None = None
        self._inserter: Inserter
        self._keyed: KeyedInserter

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
        if options.connection is not None:
            return await opened.backend.insert_on(options.connection, jobs)
        try:
            return await opened.patience.call(lambda: opened.backend.insert(jobs), cut_short=False)
        except Unstorable as error:
            raise invalid_arguments(jobs[0].job_name, [str(error)]) from error

    async def drained(self) -> None:
        """Return when no enqueue is under way."""
        if self._opened is not None:
            await self._inserter.drained()
            await self._keyed.drained()

    async def _store(self, job: NewJob, connection: object | None) -> str:
        opened = await self._opening.ready()
        if connection is not None:
            return (await opened.backend.insert_on(connection, [job]))[0]
        if opened is not self._opened:
            self._opened = opened
            self._inserter = Inserter(opened.backend.insert, opened.patience)
            self._keyed = KeyedInserter(opened.backend.insert, opened.patience)
        inserter = self._inserter if job.dedup_key is None else self._keyed
        return await inserter.insert(job)
