"""Soniq in memory, where producer, worker and measure share one process.

``python -m bench.subjects.memory JOBS`` prints jobs a second as JSON: of enqueue by 100 concurrent
producers, of one ``enqueue_many``, and of the drain of what that stored.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from tempfile import NamedTemporaryFile

import uvloop

from bench.driver.loops import bulk, fill, singles
from bench.driver.probe import Probe
from bench.queue import TUNED
from bench.subjects.soniq import SoniqProducer, make_app
from soniq import Soniq

URL = "memory://"
PRODUCERS = 100
LOOK_EVERY = 0.002


async def _measure(jobs: int, probe: Probe) -> dict[str, float]:
    async with make_app(URL, {}, probe.hit) as other:
        one_by_one = await singles(SoniqProducer(other), jobs, PRODUCERS)
        many = await bulk(SoniqProducer(other), jobs, jobs)
    async with make_app(URL, TUNED, probe.hit) as app:
        await fill(SoniqProducer(app), jobs, jobs, first=0)
        ended, done = await _drain(app, jobs)
    return {
        "enqueue": one_by_one.measured / one_by_one.seconds,
        "bulk": many.measured / many.seconds,
        "drain": jobs / ((ended - probe.first_call) / 1e9),
        "calls": probe.calls,
        "done": done,
    }


async def _drain(app: Soniq, jobs: int) -> tuple[int, int]:
    """Run a worker until all `jobs` are done; return when that was, and how many are."""
    enough = asyncio.Event()
    worker = asyncio.create_task(app.run_worker(shutdown_event=enough))
    done, ended = 0, 0
    while done < jobs and not worker.done():
        await asyncio.sleep(LOOK_EVERY)
        ended = time.monotonic_ns()
        done = (await app.get_queue_stats())["done"]
    enough.set()
    await worker
    return ended, done


def main() -> None:
    with NamedTemporaryFile(prefix="soniq-probe-") as file:
        probe = Probe(Path(file.name))
        print(json.dumps(uvloop.run(_measure(int(sys.argv[1]), probe))))


if __name__ == "__main__":
    main()
