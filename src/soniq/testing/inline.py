"""Enqueueing that runs each job before it returns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from soniq.app import Soniq
from soniq.backends.opening import Opening
from soniq.enqueue import AnyTarget, Enqueuer, Options, Resolver
from soniq.records import NewJob
from soniq.testing.hand import hired


class InlineEnqueuer(Enqueuer):
    """Stores jobs, then runs them.

    Args:
        run: runs the job of an id, if it is due.
    """

    def __init__(
        self, opening: Opening, resolver: Resolver, run: Callable[[str], Awaitable[None]]
    ) -> None:
        super().__init__(opening, resolver)
        self._run = run

    async def _store(self, job: NewJob, connection: object | None) -> str:
        job_id = await super()._store(job, connection)
        await self._run(job_id)
        return job_id

    async def enqueue_many(
        self,
        target: AnyTarget,
        rows: list[dict[str, Any]],
        options: Options,
        dedup_keys: Sequence[str | None] | None,
    ) -> list[str]:
        ids = await super().enqueue_many(target, rows, options, dedup_keys)
        for job_id in dict.fromkeys(ids):
            await self._run(job_id)
        return ids


def run_inline(app: Soniq) -> None:
    """From now on run each job of `app`, which is on memory, before its enqueue returns."""

    async def run(job_id: str) -> None:
        async with hired(app) as hand:
            await hand.run_job(job_id)

    app._enqueuer = InlineEnqueuer(app._opening, app._resolver, run)
