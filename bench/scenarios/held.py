"""A drain after many others, with and without a transaction open since before all of them.

Nothing that the earlier jobs left behind can be cleaned up while that transaction is open.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial

from bench import backlogs
from bench.drains import Drained, wait_until_done, watch
from bench.driver.probe import BEHIND
from bench.errors import require_equal
from bench.measurement import Bench, Figures, Measure
from bench.processes import Worker, workers
from bench.queue import SONIQ, TUNED
from bench.server import connected
from bench.stores import Store, open_store


async def _after_others(held: bool, bench: Bench) -> Figures:
    sizes = bench.sizes
    async with bench.databases.fresh(await backlogs.empty(bench)) as url, open_store(url) as store:
        async with AsyncExitStack() as stack:
            if held:
                await _hold(stack, url)
            [worker] = await stack.enter_async_context(workers(SONIQ.program, url, TUNED))
            await SONIQ.program.produce(
                "fill", url, count=sizes.earlier, chunk=sizes.drain, first=BEHIND
            )
            await wait_until_done(worker, store, SONIQ.done, sizes.earlier)
            drained = await _measured(url, store, worker, sizes.drain)
        calls = worker.probe.calls + worker.probe.other_calls
        done = await store.count(SONIQ.done)
    total = sizes.earlier + sizes.drain
    require_equal("drain after others", jobs=total, handler_calls=calls, done=done)
    return {"rate": drained.rate}


async def _hold(stack: AsyncExitStack, url: str) -> None:
    connection = await stack.enter_async_context(connected(url))
    await connection.execute("BEGIN; SELECT pg_current_xact_id()")


async def _measured(url: str, store: Store, worker: Worker, jobs: int) -> Drained:
    async with connected(url) as connection:
        last = await connection.fetchval("SELECT id FROM soniq_jobs ORDER BY id DESC LIMIT 1")
    done = f"{SONIQ.done} AND id > '{last}'"
    # The worker begins as soon as they are stored: nobody waits for the producer's own end.
    _, drained = await asyncio.gather(
        SONIQ.program.produce("fill", url, count=jobs), watch([worker], store, done, jobs)
    )
    return drained


MEASUREMENTS: dict[str, Measure] = {
    "drain-held": partial(_after_others, True),
    "drain-free": partial(_after_others, False),
}
