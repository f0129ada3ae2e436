"""How soon jobs start: from the call of enqueue in another process to the handler's first line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from bench.driver.subject import Options
from bench.errors import BenchError
from bench.processes import Worker
from bench.queue import Queue

TIMEOUT = 30.0
SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


async def milliseconds_to_start(
    queue: Queue,
    worker: Worker,
    url: str,
    *,
    count: int,
    gap: float,
    options: Options | None = None,
) -> list[float]:
    """Store `count` timed jobs, one about every `gap` seconds; return their delays, least first.

    Args:
        options: of the producer.

    Raises:
        BenchError: one of them did not start within 30 s of the last call.
    """
    called: list[int] = await queue.program.produce(
        "timed", url, count=count, gap=gap, options=dict(options or {})
    )
    await _all_started(worker, count)
    return sorted((worker.probe.started_at(k) - at) / 1e6 for k, at in enumerate(called))


async def _all_started(worker: Worker, count: int) -> None:
    deadline = time.monotonic() + TIMEOUT
    while worker.probe.timed_calls < count:
        worker.require_alive()
        if time.monotonic() > deadline:
            started = worker.probe.timed_calls
            raise BenchError(f"{started} of {count} timed jobs started within {TIMEOUT:.0f} s")
        await asyncio.sleep(0.01)


def percentiles(ordered: list[float]) -> Mapping[str, float]:
    """The p50, p95 and p99 of `ordered` values."""
    last = len(ordered) - 1
    return {name: ordered[min(last, int(share * len(ordered)))] for name, share in SHARES.items()}
