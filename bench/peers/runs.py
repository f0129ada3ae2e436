"""The same measurements on a peer: single and bulk enqueue, drain and pick-up latency.

What goes wrong inside a peer costs that peer's figure, with the reason, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from bench.drains import drain
from bench.driver.subject import Options
from bench.errors import BenchError, NotMeasured, require_equal
from bench.measurement import Bench, Figures
from bench.peers.catalogue import Peer
from bench.peers.install import python_of
from bench.processes import Program, workers
from bench.queue import Queue
from bench.starts import milliseconds_to_start, percentiles
from bench.stores import open_store

CAP = 15.0
SETTLE = 2.5
FILL_CHUNK = 2_000


@contextmanager
def _its_own_fault() -> Iterator[None]:
    try:
        yield
    except (BenchError, asyncpg.PostgresError) as error:
        raise NotMeasured(str(error).strip()) from error


async def _queue_of(peer: Peer) -> Queue:
    program = Program(await python_of(peer), f"bench.peers.{peer.module}", own=False)
    return Queue(peer.title, program, done=peer.done, left=peer.left)


async def peer_singles(peer: Peer, bench: Bench, *, producers: int) -> Figures:
    """Jobs a second of single enqueues by concurrent `producers`."""
    jobs = bench.sizes.singles[producers]
    return await _stored(peer, bench, "singles", count=jobs, producers=producers)


async def peer_bulk(peer: Peer, bench: Bench, *, chunk: int) -> Figures:
    """Jobs a second of its bulk call, `chunk` jobs a call."""
    if not peer.bulk:
        raise NotMeasured("it has no call that stores many jobs")
    return await _stored(peer, bench, "bulk", count=bench.sizes.drain, chunk=chunk)


async def peer_drain(peer: Peer, bench: Bench, options: Options | None = None) -> Figures:
    """Jobs a second of a drain by one process, at its best settings or the given ones."""
    queue = await _queue_of(peer)
    jobs = bench.sizes.drain
    with _its_own_fault():
        template = await _waiting(queue, bench, peer, jobs)
        async with bench.databases.fresh(template) as url:
            chosen = {**peer.always, **(options or peer.best)}
            drained = await drain(queue, url, chosen, jobs=jobs, cap=CAP)
    return {"rate": drained.rate, "memory": drained.peak_memory}


async def peer_latency(peer: Peer, bench: Bench) -> Figures:
    """Milliseconds from enqueue to the handler of an idle worker, at its best settings."""
    queue = await _queue_of(peer)
    sizes = bench.sizes
    with _its_own_fault():
        template = await _empty(queue, bench, peer.name)
        async with (
            bench.databases.fresh(template) as url,
            workers(queue.program, url, {**peer.always, **peer.best}) as [worker],
        ):
            await asyncio.sleep(SETTLE)
            delays = await milliseconds_to_start(
                queue, worker, url, count=sizes.samples, gap=sizes.gap, options=peer.always
            )
    return percentiles(delays)


async def _stored(peer: Peer, bench: Bench, action: str, **arguments: object) -> Figures:
    queue = await _queue_of(peer)
    with _its_own_fault():
        async with bench.databases.fresh(await _empty(queue, bench, peer.name)) as url:
            made = await queue.program.produce(action, url, options=peer.always, **arguments)
            async with open_store(url) as store:
                stored = await store.count(queue.left)
        require_equal(f"enqueue by {queue.name}", calls=made["rows"], stored=stored)
    return {"rate": made["measured"] / made["seconds"]}


async def _empty(queue: Queue, bench: Bench, name: str) -> str:
    async def fill(url: str) -> None:
        await queue.program.produce("setup", url)

    return await bench.databases.template(f"{name}_empty", fill)


async def _waiting(queue: Queue, bench: Bench, peer: Peer, jobs: int) -> str:
    async def fill(url: str) -> None:
        await queue.program.produce("fill", url, count=jobs, chunk=FILL_CHUNK, options=peer.always)

    empty = await _empty(queue, bench, peer.name)
    return await bench.databases.template(f"{peer.name}_waiting", fill, of=empty)
