"""The dashboard over a long history: how soon its pages answer, and what an open one costs."""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import httpx

from bench import backlogs
from bench.drains import watch
from bench.errors import BenchError, require_equal
from bench.measurement import Bench, Figures, Measure
from bench.processes import workers
from bench.queue import SONIQ, TUNED
from bench.stores import open_store
from tests.ports import free_port

# What each page asks for when it is opened.
PAGES: Final[dict[str, Sequence[str]]] = {
    "overview": ("stats", "attention", "history?window=1h", "queues?limit=8", "workers"),
    "queues": ("queues",),
    "jobs": ("jobs/search?limit=50", "jobs/search?limit=50&status=queued"),
    "search": ("jobs/search?limit=50&query=bench",),
    "failures": ("dead-letter?limit=50",),
    "types": ("jobs/types", "tasks/drift"),
    "schedules": ("schedules",),
    "workers": ("workers",),
    "history": ("history?window=24h", "history?window=7d", "history?window=90d"),
    "audit": ("audit",),
}
_OPEN: Final = ("attention", "history?window=1h", "queues?limit=8", "workers")
_START: Final = 30.0
_ASK_AGAIN: Final = 1.5
"""Seconds after which an open page asks again, if something has changed."""


async def _answers(bench: Bench) -> Figures:
    """Milliseconds of the slowest answer, by a dashboard that remembers nothing."""
    slowest = 0.0
    async with bench.databases.fresh(await backlogs.finished(bench)) as url:
        for paths in PAGES.values():
            async with _dashboard(url) as client:
                for path in paths:
                    slowest = max(slowest, await _timed(client, path))
    return {"slowest": slowest}


async def _timed(client: httpx.AsyncClient, path: str) -> float:
    began = time.perf_counter()
    reply = await client.get(f"/api/{path}")
    if reply.status_code != httpx.codes.OK:
        raise BenchError(f"/api/{path} answered {reply.status_code}: {reply.text[:200]}")
    return (time.perf_counter() - began) * 1000


@asynccontextmanager
async def _dashboard(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The command that an operator would start, and somebody who asks it."""
    port = free_port()
    options = ("--port", str(port), "--database-url", url, "--log-level", "warning")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "soniq", "dashboard", *options), stdout=DEVNULL
    )
    try:
        address = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=address, timeout=_START) as client:
            await _until_it_answers(client)
            yield client
    finally:
        process.terminate()
        await process.wait()


async def _until_it_answers(client: httpx.AsyncClient) -> None:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline:
        try:
            await client.get("/health")
        except httpx.TransportError:
            await asyncio.sleep(0.05)
        else:
            return
    raise BenchError(f"the dashboard did not answer within {_START:.0f} s")


async def _drain(bench: Bench, *, watched: bool) -> Figures:
    """Drain the measured jobs before a long history, with an overview open or without."""
    jobs = bench.sizes.queued
    template = await backlogs.finished(bench)
    async with (
        bench.databases.fresh(template) as url,
        open_store(url) as store,
        _looking(url, watched=watched),
        workers(SONIQ.program, url, TUNED) as [worker],
    ):
        drained = await watch([worker], store, backlogs.MEASURED_DONE, jobs)
    require_equal("measured calls", jobs=jobs, handler_calls=worker.probe.calls)
    return {"rate": drained.rate}


@asynccontextmanager
async def _looking(url: str, *, watched: bool) -> AsyncIterator[None]:
    if not watched:
        yield
        return
    async with _dashboard(url) as client:
        shown = asyncio.Event()
        page = asyncio.create_task(_keep_open(client, shown))
        try:
            async with asyncio.timeout(_START):
                await shown.wait()
            yield
            if page.done():
                page.result()
        finally:
            page.cancel()
            await asyncio.wait([page])


async def _keep_open(client: httpx.AsyncClient, shown: asyncio.Event) -> None:
    """What a browser does that shows the overview."""
    earliest = 0.0
    async with client.stream("GET", "/api/events") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event: changed") and time.monotonic() >= earliest:
                for path in _OPEN:
                    await _timed(client, path)
                earliest = time.monotonic() + _ASK_AGAIN
                shown.set()


MEASUREMENTS: dict[str, Measure] = {
    "dashboard": _answers,
    "drain-watched": partial(_drain, watched=True),
    "drain-unwatched": partial(_drain, watched=False),
}
