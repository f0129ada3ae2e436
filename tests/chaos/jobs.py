"""The application that workers run under faults: handlers that write down what they do.

Each is given the key under which it was enqueued, so that what is stored twice can be told, and
returns the name of its run, so that it can be told whose end was stored.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from soniq import JobContext, Soniq
from tests.chaos.history import History, Kind

app = Soniq()
history = History(Path(os.environ["CHAOS_HISTORY"]))
_numbers = itertools.count(1)


class Failure(Exception):
    """What a handler that is to fail raises."""


@contextmanager
def recorded(ctx: JobContext) -> Iterator[str]:
    """Write down a run; gives its name. What runs to the end of the block has had its effect."""
    run = f"{os.getpid()}-{next(_numbers)}"
    history.note(
        Kind.START,
        job=ctx.job_id,
        run=run,
        name=ctx.job_name,
        attempt=ctx.attempt,
        worker=ctx.worker_id,
        due=ctx.scheduled_at.isoformat(),
    )
    how = "raised"
    try:
        yield run
        history.note(Kind.EFFECT, job=ctx.job_id, run=run)
        how = "returned"
    except asyncio.CancelledError:
        how = "cancelled"
        raise
    finally:
        history.note(Kind.END, job=ctx.job_id, run=run, how=how, should_stop=ctx.should_stop)


@app.job(name="chaos.short")
async def short(key: str, ctx: JobContext) -> str:
    with recorded(ctx) as run:
        await asyncio.sleep(0.01)
    return run


@app.job(name="chaos.keyed")
async def keyed(key: str, ctx: JobContext) -> str:
    """One at a time of each dedup key."""
    with recorded(ctx) as run:
        await asyncio.sleep(0.1)
    return run


@app.job(name="chaos.pause")
async def pause(key: str, seconds: float, ctx: JobContext) -> str:
    """Take a while."""
    with recorded(ctx) as run:
        await asyncio.sleep(seconds)
    return run


@app.job(name="chaos.thread")
def thread(key: str, seconds: float, ctx: JobContext) -> str:
    """Take a while on a thread."""
    with recorded(ctx) as run:
        time.sleep(seconds)
    return run


@app.job(name="chaos.flaky", retries=3)
async def flaky(key: str, ctx: JobContext) -> str:
    """Fail at first."""
    with recorded(ctx) as run:
        if ctx.attempt == 1:
            raise Failure(run)
    return run


@app.job(name="chaos.tick")
async def tick(ctx: JobContext) -> str:
    """What the schedule fires."""
    with recorded(ctx) as run:
        pass
    return run


@app.job(name="chaos.hold")
async def hold(key: str, gate: str, ctx: JobContext) -> str:
    """Run until the file `gate` exists, or one for this process alone."""
    with recorded(ctx) as run:
        warned = False
        while not _is_open(gate):
            warned = _tell_warning(ctx, run, warned)
            await asyncio.sleep(0.02)
    return run


@app.job(name="chaos.hold_thread")
def hold_thread(key: str, gate: str, ctx: JobContext) -> str:
    """The same on a thread."""
    with recorded(ctx) as run:
        warned = False
        while not _is_open(gate):
            warned = _tell_warning(ctx, run, warned)
            time.sleep(0.02)
    return run


def _is_open(gate: str) -> bool:
    return Path(gate).exists() or Path(f"{gate}-{os.getpid()}").exists()


def _tell_warning(ctx: JobContext, run: str, warned: bool) -> bool:
    if ctx.should_stop and not warned:
        history.note(Kind.WARNED, job=ctx.job_id, run=run)
    return ctx.should_stop
