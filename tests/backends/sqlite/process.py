"""What other processes do on the file in these tests: ``python -m ... ROLE FILE [ARGUMENT]``."""

from __future__ import annotations

import asyncio
import os
import sys
import time

from soniq.backends.base import WorkerSession
from soniq.backends.sqlite import SQLiteBackend
from soniq.records import Done
from soniq.settings import SoniqSettings
from tests.backends.sqlite.conftest import ignore_wake
from tests.factories import ending, new_jobs, new_worker


async def opened(path: str) -> SQLiteBackend:
    backend = SQLiteBackend(path)
    await backend.open(SoniqSettings(heartbeat_interval=0.1))
    return backend


async def join(backend: SQLiteBackend) -> WorkerSession:
    return await backend.join(new_worker(pid=os.getpid(), queues=("default",)), ignore_wake)


def say(word: str) -> None:
    print(word, flush=True)  # noqa: T201 - this is how it answers


async def hear() -> str:
    return await asyncio.to_thread(sys.stdin.readline)


async def drain(path: str) -> None:
    """Claim and finish until nothing is left, and say which jobs those were."""
    backend = await opened(path)
    session = await join(backend)
    say("ready")
    await hear()
    done: list[str] = []
    while jobs := (await session.claim(20)).jobs:
        await session.finish([ending(job, Done()) for job in jobs])
        done += [job.id for job in jobs]
    say(" ".join(done))
    await backend.close()


async def hold(path: str) -> None:
    """Claim three jobs and keep them."""
    backend = await opened(path)
    session = await join(backend)
    jobs = (await session.claim(3)).jobs
    say(" ".join([session.id, *(job.id for job in jobs)]))
    await hear()


async def enqueue(path: str) -> None:
    """Insert a job for each line heard, and say when it was stored."""
    backend = await opened(path)
    await backend.insert(new_jobs(1, queue="warm"))
    say("ready")
    while await hear():
        await backend.insert(new_jobs(1))
        say(str(time.monotonic()))
    await backend.close()


async def be_busy(path: str) -> None:
    """Claim and finish without a pause until told to stop, both at once as a worker does."""
    backend = await opened(path)
    session = await join(backend)
    stop = asyncio.ensure_future(hear())
    say("ready")
    finishing = asyncio.ensure_future(session.finish([]))
    while not stop.done():
        jobs = (await session.claim(200)).jobs
        if not jobs:
            await backend.insert(new_jobs(5000))
        await finishing
        finishing = asyncio.ensure_future(
            session.finish([ending(job, Done(keep=False)) for job in jobs])
        )
    await finishing
    await backend.close()


ROLES = {"drain": drain, "hold": hold, "enqueue": enqueue, "be_busy": be_busy}

if __name__ == "__main__":
    asyncio.run(ROLES[sys.argv[1]](sys.argv[2]))
