"""Running what waits."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from soniq.app import Soniq
from soniq.events import JobStored
from soniq.records import Done
from soniq.testing.hand import hired


async def drain(app: Soniq, max_jobs: int | None = None) -> list[Any]:
    """Run the jobs that are due, those that they enqueue, and their retries that are due at once.

    ::

        await app.enqueue(add, a=2, b=3)
        assert await drain(app) == [5]

    They run one at a time in claim order, with hooks, middleware, timeouts and retries as in any
    worker. Jobs due later are left alone; `Clock.advance` runs them. A job that fails raises
    nothing here: ask `Soniq.get_job`, or `Soniq.wait`, which raises.

    Args:
        app: on any store.
        max_jobs: the most runs, failed ones included; None runs until nothing is left.

    Returns:
        What the successful runs returned, in their order, as `Soniq.get_result` would give it.

    Raises:
        ValueError: `max_jobs` is negative.
    """
    if max_jobs is not None and max_jobs < 0:
        raise ValueError(f"max_jobs must be 0 or more, got {max_jobs}")
    async with hired(app) as hand:
        return [result for end in await hand.run_due(max_jobs) for result in _results(end)]


def _results(end: JobStored) -> list[Any]:
    if not isinstance(end.outcome, Done):
        return []
    return [None if end.outcome.result is None else from_json(end.outcome.result)]
