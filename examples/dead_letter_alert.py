"""An alert when a job is given up, and none for the failures before that.

A hook that takes the context knows how many attempts there are. Run it with:
python examples/dead_letter_alert.py
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from soniq import JobContext, PermanentFailure, Soniq


def add_alerts(app: Soniq) -> None:
    """Call the operator when a job of `app` has failed for the last time."""

    @app.on_error
    async def alert(ctx: JobContext, error: BaseException) -> None:
        if ctx.attempt < ctx.max_attempts and not isinstance(error, PermanentFailure):
            print(f"{ctx.job_name}: attempt {ctx.attempt} failed ({error}), another one follows")
            return
        print(f"ALERT: {ctx.job_name} was given up after attempt {ctx.attempt}: {error}")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Soniq(Path(folder) / "jobs.db") as app:
            add_alerts(app)

            @app.job(name="pay.supplier", retries=2)
            async def pay_supplier() -> None:
                raise ConnectionError("the bank is closed")

            @app.job(name="pay.refund", retries=2)
            async def pay_refund() -> None:
                raise PermanentFailure("the account is gone")

            await app.enqueue(pay_supplier)
            await app.enqueue(pay_refund)
            await app.run_worker(run_once=True, concurrency=1)
            for letter in await app.list_jobs(status="dead_letter"):
                print(f"dead letter {letter['job_name']}: {letter['dead_letter_reason']}")


if __name__ == "__main__":
    asyncio.run(main())
