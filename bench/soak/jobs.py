"""The application under load. Its store and settings come from the environment."""

from __future__ import annotations

import asyncio
import time

from soniq import JobContext, PermanentFailure, Soniq

app = Soniq()


@app.job(name="soak.short")
async def short(called: float) -> tuple[float, float, float]:
    """Tell when it was enqueued, when it began and when it ended, in seconds since 1970."""
    started = time.time()
    await asyncio.sleep(0)
    return called, started, time.time()


@app.job(name="soak.sync")
def in_thread(called: float) -> tuple[float, float, float]:
    started = time.time()
    return called, started, time.time()


@app.job(name="soak.stumbles", retries=1, retry_delay=1)
async def stumbles(ctx: JobContext) -> None:
    """Fail once."""
    if ctx.attempt == 1:
        raise RuntimeError("the first attempt of this job fails")


@app.job(name="soak.dies")
async def dies() -> None:
    """Become a dead letter."""
    raise PermanentFailure("this job is given up")
