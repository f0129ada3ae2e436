"""Context and middleware: what surrounds every run, and what its parts share.

A hook says for whom the run is, in a context variable that the handler sees, in a thread too, and
the hooks after it, and no other run. Middleware checks, skips, or changes the result.
Run it with: python examples/middleware.py
"""

from __future__ import annotations

import asyncio
import contextvars
import tempfile
from pathlib import Path
from typing import Any

from soniq import JobContext, Soniq
from soniq.middleware import Handler

tenant = contextvars.ContextVar[str]("tenant")


def surround(app: Soniq) -> None:
    """Give every run of `app` its tenant, and keep a closed tenant's jobs from running."""

    @app.before_job
    def choose_tenant(ctx: JobContext) -> None:
        tenant.set(ctx.queue)
        ctx.state["steps"] = ["hook"]

    @app.middleware
    async def outer(ctx: JobContext, call_next: Handler) -> Any:
        ctx.state["steps"].append("outer")
        return f"{await call_next(ctx)} for {tenant.get()}"

    @app.middleware
    async def inner(ctx: JobContext, call_next: Handler) -> Any:
        ctx.state["steps"].append("inner")
        return "skipped" if ctx.queue == "closed" else await call_next(ctx)

    @app.after_job
    def tell(ctx: JobContext) -> None:
        print(f"{ctx.job_name} of {tenant.get()}: {' > '.join(ctx.state['steps'])}")


async def ask(app: Soniq) -> None:
    surround(app)

    @app.job(name="count")
    def count(ctx: JobContext) -> str:
        ctx.state["steps"].append(f"handler in a thread of {tenant.get()}")
        return f"attempt {ctx.attempt} of {ctx.max_attempts}"

    ids = [await app.enqueue(count, queue=queue) for queue in ("acme", "closed")]
    await app.run_worker(run_once=True, concurrency=1)
    for job_id in ids:
        print("result:", await app.get_result(job_id))


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Soniq(Path(folder) / "jobs.db") as app:
            await ask(app)


if __name__ == "__main__":
    asyncio.run(main())
