"""Jobs of one queue that arrive while another queue of the same priority has a long backlog."""

from __future__ import annotations

import asyncio
from statistics import median

from bench import backlogs
from bench.measurement import Bench, Figures, Measure
from bench.processes import Worker, workers
from bench.queue import DEFAULTS, SONIQ
from bench.starts import milliseconds_to_start

OTHER_QUEUE = {"queue": "bench_other", "uvloop": False}
GAP = 0.2


async def _beside_backlog(bench: Bench) -> Figures:
    template = await backlogs.waiting(bench, bench.sizes.deepest)
    async with (
        bench.databases.fresh(template) as url,
        workers(SONIQ.program, url, DEFAULTS) as [worker],
    ):
        await _busy(worker)
        delays = await milliseconds_to_start(
            SONIQ, worker, url, count=bench.sizes.turns, gap=GAP, options=OTHER_QUEUE
        )
    return {"median": median(delays), "worst": delays[-1]}


async def _busy(worker: Worker) -> None:
    while not worker.probe.calls:
        worker.require_alive()
        await asyncio.sleep(0.01)


MEASUREMENTS: dict[str, Measure] = {"turns": _beside_backlog}
