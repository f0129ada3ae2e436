"""Results: fetched later, awaited, typed, and what becomes of them when the job fails.

Run it with: python examples/results.py
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from soniq import JobFailed, Soniq


@dataclass
class Report:
    """What the job returns; stored as JSON, and restored by whoever asks for it."""

    day: date
    sold: int


async def ask(app: Soniq) -> None:
    @app.job(name="report")
    async def report(day: date) -> Report:
        return Report(day, sold=17)

    @app.job(name="broken", retries=0)
    async def broken() -> None:
        raise LookupError("no such shop")

    job_id = await app.enqueue(report, day=date(2026, 1, 31))
    print("before it ran:", await app.get_result(job_id))

    stop = asyncio.Event()
    worker = asyncio.create_task(app.run_worker(shutdown_event=stop))
    print("awaited:", await app.wait(job_id, timeout=30, result_model=Report))
    print("as stored:", await app.get_result(job_id))
    try:
        await app.wait(await app.enqueue(broken), timeout=30)
    except JobFailed as failed:
        print("failed:", failed.reason, "-", str(failed.error).splitlines()[0])
    stop.set()
    await worker


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Soniq(Path(folder) / "jobs.db") as app:
            await ask(app)


if __name__ == "__main__":
    asyncio.run(main())
