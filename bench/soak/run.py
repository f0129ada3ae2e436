"""A soak from its start to its end: peak, steady load, and the rest run dry."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from bench.errors import BenchError
from bench.soak.children import Child, child
from bench.soak.looks import Onlooker, onlooker
from bench.soak.report import Report, Sample
from soniq import Soniq

PEAK_RATE: Final = 100_000.0
"""More than any store takes: the producer then sends whenever something comes back."""
START_TIMEOUT: Final = 30.0
DRAIN_TIMEOUT: Final = 120.0
KEPT: Final = "20"
"""Seconds that jobs which have ended are kept."""
SETTINGS: Final = {
    "SONIQ_RESULT_TTL": KEPT,
    "SONIQ_DEAD_LETTER_TTL": KEPT,
    "SONIQ_CLEANUP_INTERVAL": "10",
    # From here on a supervisor tells how a worker ended.
    "SONIQ_LOG_LEVEL": "WARNING",
    "SONIQ_SHUTDOWN_TIMEOUT": "10",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Attributes:
        seconds: of steady load.
        processes: of workers.
        share: of the peak that the load is.
    """

    seconds: float
    processes: int
    share: float

    @property
    def peak_seconds(self) -> float:
        # Shorter than jobs are kept that have ended, for these are counted.
        return min(max(self.seconds / 10, 3.0), 15.0)

    @property
    def interval(self) -> float:
        """Seconds between samples: some sixty in all, none closer than half a second."""
        return min(max(self.seconds / 60, 0.5), 30.0)


class Soak:
    """One soak of one store.

    Args:
        url: the store, empty.
        folder: for the logs of processes.
        report: filled as it goes.
        stop: ends it early.
    """

    def __init__(
        self, url: str, folder: Path, plan: Plan, report: Report, stop: asyncio.Event
    ) -> None:
        self._url = url
        self._folder = folder
        self._plan = plan
        self._report = report
        self._stop = stop
        self._since = "2000-01-01"

    async def run(self) -> None:
        await self._set_up()
        worker = (
            *("soniq", "worker", "bench.soak.jobs:app", "--concurrency", "20"),
            *("--processes", str(self._plan.processes)),
        )
        async with onlooker(self._url) as eyes, self._child("workers", *worker) as workers:
            peak = await self._peak(eyes, workers)
            rate = peak * self._plan.share
            self._report.begun(peak, rate)
            if not self._stop.is_set():
                async with self._producer(rate) as producer:
                    await self._watch(eyes, workers, producer)
                self._report.produced(*producer.said)
            await self._run_dry(eyes)
            workers.require_alive()

    async def _set_up(self) -> None:
        async with Soniq(self._url) as app:
            await app.setup()

    def _child(self, name: str, *command: str) -> AbstractAsyncContextManager[Child]:
        environment = {**SETTINGS, "SONIQ_DATABASE_URL": self._url}
        return child(*command, environment=environment, log=self._folder / f"{name}.log")

    def _producer(self, rate: float) -> AbstractAsyncContextManager[Child]:
        return self._child("producer", "bench.soak.produce", str(rate))

    async def _peak(self, eyes: Onlooker, workers: Child) -> float:
        """Jobs a second that come in and go out, when as many are sent as are taken."""
        async with self._producer(PEAK_RATE) as producer:
            await self._work_has_begun(eyes, producer)
            workers.require_alive()
            before, begun = await eyes.look(self._since), time.monotonic()
            await self._pause(self._plan.peak_seconds)
            after, seconds = await eyes.look(self._since), time.monotonic() - begun
        await self._run_dry(eyes)
        return max((after.ended - before.ended) / seconds, 1.0)

    async def _watch(self, eyes: Onlooker, workers: Child, producer: Child) -> None:
        begun = time.monotonic()
        self._since = (await eyes.look(self._since)).newest_end
        while not self._stop.is_set() and time.monotonic() - begun < self._plan.seconds:
            await self._pause(self._plan.interval)
            for one in (workers, producer):
                one.require_alive()
            look = await eyes.look(self._since)
            self._since = look.newest_end
            self._report.saw(
                Sample(
                    time.monotonic() - begun,
                    producer.said[0],
                    look.live,
                    look.results,
                    {**look.sizes, **_of_processes(workers.family())},
                )
            )

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    async def _run_dry(self, eyes: Onlooker) -> None:
        """Whatever was accepted ends."""
        deadline = time.monotonic() + DRAIN_TIMEOUT
        while (left := (await eyes.look("9999-01-01")).live) > 0:
            if time.monotonic() > deadline:
                raise BenchError(f"{left} jobs had not ended {DRAIN_TIMEOUT:.0f} s after the load")
            await asyncio.sleep(0.1)

    async def _work_has_begun(self, eyes: Onlooker, producer: Child) -> None:
        async with asyncio.timeout(START_TIMEOUT):
            while not (await eyes.look(self._since)).ended:
                producer.require_alive()
                await asyncio.sleep(0.1)


def _of_processes(family: Sequence[psutil.Process]) -> dict[str, float]:
    """Memory, descriptors and threads of the workers and their supervisor, added up."""
    totals = {"worker memory": 0.0, "file descriptors": 0.0, "threads": 0.0}
    for process in family:
        with suppress(psutil.NoSuchProcess), process.oneshot():
            totals["worker memory"] += process.memory_info().rss
            totals["file descriptors"] += process.num_fds()
            totals["threads"] += process.num_threads()
    return totals
