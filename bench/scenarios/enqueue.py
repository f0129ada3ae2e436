"""Storing jobs: one call at a time by concurrent producers, and many in one call."""

from __future__ import annotations

from functools import partial

from bench import backlogs
from bench.errors import require_equal
from bench.measurement import Bench, Figures, Measure
from bench.peers.catalogue import OBAN, PGQUEUER
from bench.peers.runs import peer_bulk, peer_singles
from bench.queue import SONIQ, TUNED
from bench.raw_runs import raw
from bench.stores import open_store

PGQUEUER_CHUNKS = (1_000, 5_000, 20_000)


async def _singles(producers: int, bench: Bench) -> Figures:
    jobs = bench.sizes.singles[producers]
    async with bench.databases.fresh(await backlogs.empty(bench)) as url:
        made = await SONIQ.program.produce(
            "singles", url, count=jobs, producers=producers, options=TUNED
        )
        await _require_stored(url, made["rows"])
    return {"rate": made["measured"] / made["seconds"]}


async def _raw_singles(producers: int, bench: Bench) -> Figures:
    jobs = bench.sizes.singles[producers]
    async with bench.databases.fresh(await backlogs.empty(bench)) as url:
        return {"rate": await raw("singles", url, jobs=jobs, producers=producers)}


async def _oban_singles(bench: Bench) -> Figures:
    return await peer_singles(OBAN, bench, producers=10)


async def _bulk(bench: Bench) -> Figures:
    async with bench.databases.fresh(await backlogs.empty(bench)) as url:
        made = await SONIQ.program.produce("bulk", url, count=bench.sizes.drain, options=TUNED)
        await _require_stored(url, made["rows"])
    return {"rate": made["measured"] / made["seconds"]}


async def _raw_bulk(bench: Bench) -> Figures:
    async with bench.databases.fresh(await backlogs.empty(bench)) as url:
        return {"rate": await raw("bulk", url, jobs=bench.sizes.drain)}


async def _pgqueuer_bulk(bench: Bench) -> Figures:
    return {
        str(chunk): (await peer_bulk(PGQUEUER, bench, chunk=chunk))["rate"]
        for chunk in PGQUEUER_CHUNKS
    }


async def _require_stored(url: str, rows: int) -> None:
    async with open_store(url) as store:
        require_equal("enqueue by Soniq", calls=rows, stored=await store.count(SONIQ.left))


SINGLES: dict[str, Measure] = {
    "enqueue-1": partial(_singles, 1),
    "raw-enqueue-1": partial(_raw_singles, 1),
    "enqueue-10": partial(_singles, 10),
    "raw-enqueue-10": partial(_raw_singles, 10),
    "oban-enqueue-10": _oban_singles,
    "enqueue-100": partial(_singles, 100),
    "raw-enqueue-100": partial(_raw_singles, 100),
}

BULK: dict[str, Measure] = {
    "bulk": _bulk,
    "raw-bulk": _raw_bulk,
    "pgqueuer-bulk": _pgqueuer_bulk,
}
