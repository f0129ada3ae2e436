"""Running what waits: by one process and by two, tuned and not, and before a long backlog."""

from __future__ import annotations

from functools import partial

from bench import backlogs
from bench.drains import drain, watch
from bench.driver.subject import Options
from bench.errors import require_equal
from bench.measurement import Bench, Figures, Measure
from bench.peers.catalogue import PGQUEUER
from bench.peers.runs import peer_drain
from bench.processes import workers
from bench.queue import COUNTED, DEFAULTS, SONIQ, STORED, TUNED
from bench.raw_runs import raw
from bench.stores import open_store

RAW_BATCHES = (100, 500, 1_000)


async def _drain(options: Options, processes: int, bench: Bench) -> Figures:
    jobs = bench.sizes.drain
    async with bench.databases.fresh(await backlogs.waiting(bench, jobs)) as url:
        drained = await drain(SONIQ, url, options, jobs=jobs, processes=processes)
    return {"rate": drained.rate, "memory": drained.peak_memory}


async def _raw_drain(bench: Bench) -> Figures:
    jobs = bench.sizes.drain
    figures = {}
    for batch in RAW_BATCHES:
        async with bench.databases.fresh(await backlogs.waiting(bench, jobs)) as url:
            figures[str(batch)] = await raw("drain", url, jobs=jobs, batch=batch)
    return figures


async def _pgqueuer_drain(bench: Bench) -> Figures:
    return await peer_drain(PGQUEUER, bench)


async def _before_backlog(size: str, bench: Bench) -> Figures:
    """Drain the measured jobs, which come first, while the rest goes on behind them."""
    total = bench.sizes.deep if size == "deep" else bench.sizes.deepest
    template = await backlogs.waiting(bench, total)
    async with bench.databases.fresh(template) as url, open_store(url) as store:
        async with workers(SONIQ.program, url, TUNED) as [worker]:
            drained = await watch([worker], store, backlogs.MEASURED_DONE, bench.sizes.drain)
        calls = worker.probe.calls + worker.probe.other_calls
        done, left = await store.count(SONIQ.done), await store.count(SONIQ.left)
    require_equal(f"drain before {total:,}", handler_calls=calls, done=done)
    require_equal(f"drain before {total:,}", jobs=total, done_and_left=done + left)
    require_equal("measured calls", jobs=bench.sizes.drain, handler_calls=worker.probe.calls)
    return {"rate": drained.rate, "memory": drained.peak_memory}


MEASUREMENTS: dict[str, Measure] = {
    "drain": partial(_drain, TUNED, 1),
    "drain-counted": partial(_drain, COUNTED, 1),
    "drain-metrics": partial(_drain, STORED, 1),
    "raw-drain": _raw_drain,
    "drain-two": partial(_drain, TUNED, 2),
    "drain-defaults": partial(_drain, DEFAULTS, 1),
    "pgqueuer-drain": _pgqueuer_drain,
    "drain-deep": partial(_before_backlog, "deep"),
    "drain-deepest": partial(_before_backlog, "deepest"),
}
