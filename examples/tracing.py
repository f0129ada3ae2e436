"""A span of OpenTelemetry around every run, with those of the handler's own below it.

Middleware suits spans better than hooks: the span is a context manager around the handler, and what
the handler traces becomes its child. Needs opentelemetry-sdk. A real program exports to a
collector, this one to a list that it prints. Run it with: python examples/tracing.py
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer

from soniq import JobContext, Soniq
from soniq.middleware import Handler


def add_tracing(app: Soniq, tracer: Tracer) -> None:
    """Trace each run of `app`'s jobs; a run that raises ends its span with that error."""

    @app.middleware
    async def traced(ctx: JobContext, call_next: Handler) -> Any:
        with tracer.start_as_current_span(f"job {ctx.job_name}") as span:
            span.set_attributes({"job.attempt": ctx.attempt, "job.queue": ctx.queue})
            return await call_next(ctx)


async def run_jobs(database: Path, tracer: Tracer) -> None:
    async with Soniq(database) as app:
        add_tracing(app, tracer)

        @app.job(name="bill", retries=1)
        async def bill(ctx: JobContext) -> None:
            with tracer.start_as_current_span("ask the bank"):
                if ctx.attempt == 1:
                    raise TimeoutError("the bank did not answer")

        await app.enqueue(bill)
        await app.run_worker(run_once=True)


def show(spans: Sequence[ReadableSpan]) -> None:
    names = {span.context.span_id: span.name for span in spans}
    for span in spans:
        below = f" below {names[span.parent.span_id]!r}" if span.parent else ""
        attempt = (span.attributes or {}).get("job.attempt")
        told = f", attempt {attempt}" if attempt else ""
        print(f"{span.name!r}{below}{told}: {span.status.status_code.name}")


def main() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run_jobs(Path(folder) / "jobs.db", provider.get_tracer("shop")))
    show(exporter.get_finished_spans())


if __name__ == "__main__":
    main()
