"""The application that the worker processes of these tests run. Its stores come from outside.

Runs are written down in a file beside the store: one line each, appended in one write, so that what
several processes did can be read in the order it happened.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

from soniq import JobContext, Soniq

app = Soniq()


def note(log: str, *words: object) -> None:
    line = " ".join(str(word) for word in words) + "\n"
    with Path(log).open("a") as file:
        file.write(line)


@app.job(name="hold")
async def hold(log: str, gate: str, ctx: JobContext) -> int:
    """Run until the file `gate` exists."""
    note(log, ctx.job_id, os.getpid(), ctx.attempt)
    while not Path(gate).exists():  # noqa: ASYNC240, ASYNC110 - a test's gate, not a busy loop
        await asyncio.sleep(0.02)
    return os.getpid()


@app.job(name="hold.thread")
def hold_thread(log: str, gate: str, ctx: JobContext) -> int:
    note(log, ctx.job_id, os.getpid(), ctx.attempt)
    while not Path(gate).exists():
        time.sleep(0.02)
    return os.getpid()


@app.job(name="count")
async def count(log: str, n: int) -> None:
    note(log, n)


@app.job(name="poison")
async def poison(log: str, ctx: JobContext) -> None:
    """End the process it runs in."""
    note(log, ctx.job_id, os.getpid(), ctx.attempt)
    os.kill(os.getpid(), signal.SIGKILL)


@app.job(name="innocent")
async def innocent(log: str, n: int) -> int:
    await asyncio.sleep(0.01)
    return n


@app.job(name="spin")
async def spin(log: str) -> None:
    """Never give the event loop back."""
    note(log, os.getpid())
    while True:
        pass
