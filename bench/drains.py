"""A drain: from the first handler call to the moment the database shows every job done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.driver.subject import Options
from bench.errors import BenchError, require_equal
from bench.processes import Worker, workers
from bench.queue import Queue
from bench.stores import Store, open_store

TIMEOUT = 180.0
LOOK_EVERY = 0.002
LOOK_UNTIMED = 0.2


@dataclass(frozen=True, slots=True)
class Drained:
    """One measured drain.

    Attributes:
        rate: jobs a second.
        peak_memory: the greatest of its workers, in MB.
        cut: it was ended early, and `rate` is of the jobs done by then.
    """

    rate: float
    peak_memory: float
    cut: bool = False


async def drain(
    queue: Queue,
    url: str,
    options: Options,
    *,
    jobs: int,
    processes: int = 1,
    cap: float | None = None,
) -> Drained:
    """Drain the `jobs` waiting at `url`.

    Args:
        cap: seconds after the first call at which a slow queue's drain is cut; None never cuts.

    Raises:
        CountMismatch: some job did not run, ran twice, or is not shown as done.
    """
    async with open_store(url) as store:
        async with workers(queue.program, url, options, count=processes) as running:
            drained = await watch(running, store, queue.done, jobs, cap=cap)
        if not drained.cut:
            await _check(queue, store, running, jobs)
    return drained


async def watch(
    running: Sequence[Worker], store: Store, done: str, jobs: int, *, cap: float | None = None
) -> Drained:
    """Time `running` workers until the query `done` counts `jobs`; looks there only at the end."""
    cut = not await _all_called(running, jobs, cap)
    began = time.monotonic_ns()
    while True:
        seen = time.monotonic_ns()
        finished = await store.count(done)
        if cut or finished >= jobs:
            break
        _require_going_on(running, began)
        await asyncio.sleep(LOOK_EVERY)
    first = min(worker.probe.first_call for worker in running if worker.probe.first_call)
    memory = max(worker.peak_memory() for worker in running)
    return Drained(min(finished, jobs) / ((seen - first) / 1e9), memory, cut)


async def _all_called(running: Sequence[Worker], jobs: int, cap: float | None) -> bool:
    """Wait for `jobs` handler calls; False if `cap` seconds since the first did not do."""
    began = time.monotonic_ns()
    while sum(worker.probe.calls for worker in running) < jobs:
        _require_going_on(running, began)
        firsts = [worker.probe.first_call for worker in running if worker.probe.first_call]
        if cap is not None and firsts and time.monotonic_ns() - min(firsts) > cap * 1e9:
            return False
        await asyncio.sleep(LOOK_EVERY)
    return True


def _require_going_on(running: Sequence[Worker], began: int) -> None:
    for worker in running:
        worker.require_alive()
    if time.monotonic_ns() - began > TIMEOUT * 1e9:
        calls = sum(worker.probe.calls for worker in running)
        tail = running[0].log_tail()
        raise BenchError(f"not drained within {TIMEOUT:.0f} s, {calls:,} handler calls: {tail}")


async def _check(queue: Queue, store: Store, stopped: Sequence[Worker], jobs: int) -> None:
    calls = sum(worker.probe.calls for worker in stopped)
    done, left = await store.count(queue.done), await store.count(queue.left)
    require_equal(f"drain by {queue.name}", jobs=jobs, handler_calls=calls, done=done)
    require_equal(f"drain by {queue.name}, not done", expected=0, left=left)
    total = sum(worker.probe.argument_sum for worker in stopped)
    require_equal(
        f"drain by {queue.name}, sum of arguments", expected=jobs * (jobs - 1) // 2, seen=total
    )


async def wait_until_done(worker: Worker, store: Store, done: str, jobs: int) -> None:
    """Return once the query `done` counts `jobs`; not timed.

    Raises:
        BenchError: the worker ended, or they were not done within 180 s.
    """
    deadline = time.monotonic() + TIMEOUT
    while await store.count(done) < jobs:
        worker.require_alive()
        if time.monotonic() > deadline:
            raise BenchError(f"{jobs:,} jobs were not done within {TIMEOUT:.0f} s")
        await asyncio.sleep(LOOK_UNTIMED)
