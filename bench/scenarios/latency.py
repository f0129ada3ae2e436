"""How soon an idle worker with default settings starts a job."""

from __future__ import annotations

import asyncio

from bench import backlogs
from bench.measurement import Bench, Figures, Measure
from bench.processes import workers
from bench.queue import DEFAULTS, SONIQ
from bench.starts import milliseconds_to_start, percentiles

SETTLE = 2.0


async def _pick_up(bench: Bench) -> Figures:
    sizes = bench.sizes
    async with (
        bench.databases.fresh(await backlogs.empty(bench)) as url,
        workers(SONIQ.program, url, DEFAULTS) as [worker],
    ):
        await asyncio.sleep(SETTLE)
        delays = await milliseconds_to_start(
            SONIQ, worker, url, count=sizes.samples, gap=sizes.gap, options=DEFAULTS
        )
    return percentiles(delays)


MEASUREMENTS: dict[str, Measure] = {"latency": _pick_up}
