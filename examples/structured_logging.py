"""Hooks that log what every job does as lines of JSON, in one place for all jobs.

Run it with: python examples/structured_logging.py
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import tempfile
from pathlib import Path

from soniq import Soniq

logger = logging.getLogger("shop.jobs")


def log(event: str, **facts: object) -> None:
    logger.info(json.dumps({"event": event, **facts}))


def add_logging(app: Soniq) -> None:
    """Log each start, success and failure of `app`'s jobs; a hook names what it wants to know."""

    @app.before_job
    def started(job_name: str, attempt: int) -> None:
        log("job_started", job=job_name, attempt=attempt)

    @app.after_job
    def completed(job_name: str, duration_ms: float) -> None:
        log("job_completed", job=job_name, under_a_minute=duration_ms < 60_000)

    @app.on_error
    def failed(job_name: str, error: str, attempt: int) -> None:
        log("job_failed", job=job_name, attempt=attempt, error=error)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Soniq(Path(folder) / "jobs.db") as app:
            add_logging(app)
            answers = iter([ConnectionError("no answer"), None])

            @app.job(name="fetch.rates", retries=1)
            async def fetch_rates() -> None:
                if error := next(answers):
                    raise error

            await app.enqueue(fetch_rates)
            await app.run_worker(run_once=True)


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", stream=sys.stdout)
    logger.setLevel(logging.INFO)
    asyncio.run(main())
