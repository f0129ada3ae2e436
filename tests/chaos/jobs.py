"""The application that workers run under faults: handlers that write down what they do.

Each is given the key under which it was enqueued, so that what is stored twice can be told, and
returns the name of its run, so that it can be told whose end was stored.
"""

from __future__ import annotations

import asyncio
import ctypes
import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
        sleep(seconds)
    return run


@app.job(name="chaos.flaky")
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
            sleep(0.02)
    return run


# --- what handlers must not do -----------------------------------------------------------------


@app.job(name="chaos.exit")
async def leave(key: str, ctx: JobContext) -> None:
    """End the process without a word."""
    with recorded(ctx):
        os._exit(3)


@app.job(name="chaos.segfault")
async def segfault(key: str, ctx: JobContext) -> None:
    with recorded(ctx):
        ctypes.string_at(0)


@app.job(name="chaos.memory")
async def memory(key: str, ctx: JobContext) -> None:
    """Take all the memory there is."""
    with recorded(ctx):
        taken = []
        while True:
            taken.append(bytearray(1 << 24))
            await asyncio.sleep(0)


@app.job(name="chaos.endless", timeout=1)
def endless(key: str, ctx: JobContext) -> None:
    """Never end, on a thread."""
    with recorded(ctx):
        while True:
            pass


@app.job(name="chaos.block")
async def block(key: str, seconds: float, gate: str, ctx: JobContext) -> str:
    """Keep the event loop from everything else, so many seconds and until the file `gate` exists.

    Where nobody opens it, that is for a hundred seconds more.
    """
    with recorded(ctx) as run:
        sleep(seconds)
        for _ in range(5000):
            if _is_open(gate):
                break
            sleep(0.02)
    return run


@app.job(name="chaos.deaf", timeout=1)
async def deaf(key: str, ctx: JobContext) -> str:
    """Take no notice of being cancelled, for a while."""
    with recorded(ctx) as run:
        await _swallow(ctx, run)
        await _swallow(ctx, run)
    return run


async def _swallow(ctx: JobContext, run: str) -> None:
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(0.2 if ctx.should_stop else 3600)
    history.note(Kind.WARNED, job=ctx.job_id, run=run)


def sleep(seconds: float) -> None:
    """What `time.sleep` does; that fails where libfaketime shifts the clock."""
    threading.Event().wait(seconds)


def _is_open(gate: str) -> bool:
    return Path(gate).exists() or Path(f"{gate}-{os.getpid()}").exists()


def _tell_warning(ctx: JobContext, run: str, warned: bool) -> bool:
    if ctx.should_stop and not warned:
        history.note(Kind.WARNED, job=ctx.job_id, run=run)
    return ctx.should_stop
