"""A worker process of its own goes on with the trace of the process that enqueued."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from opentelemetry import trace

from soniq import Soniq
from tests.cli.conftest import Project, project
from tests.observability.otel_setup import set_up

__all__ = ["project"]

JOBS = """
    import logging
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
    from soniq import Soniq

    provider = TracerProvider()
    spans = open("spans.json", "w")
    written = lambda span: span.to_json(indent=None) + "\\n"
    exporter = ConsoleSpanExporter(out=spans, formatter=written)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)

    app = Soniq()

    @app.job(name="shop.order")
    async def order() -> None:
        await app.enqueue(mail)

    @app.job(name="shop.mail")
    def mail() -> None:
        logging.getLogger("shop").info("mailing")
"""


async def enqueue(project: Project) -> None:
    where = project.folder / "jobs.db"
    async with Soniq(where, enqueue_validation="none") as app:
        with trace.get_tracer("the.web").start_as_current_span("request"):
            await app.enqueue("shop.order")


def test_a_worker_process_goes_on_with_the_trace(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("jobs.py", JOBS)
    with set_up(monkeypatch) as recorded:
        asyncio.run(enqueue(project))
        request, send = recorded.span("request"), recorded.span("send default")
    url = f"sqlite:///{project.folder / 'jobs.db'}"
    options = ("--run-once", "--log-format", "json", "--log-level", "debug")
    ran = project.run("worker", "jobs:app", "--database-url", url, *options)
    assert ran.code == 0, ran.err

    spans = [json.loads(line) for line in (project.folder / "spans.json").read_text().splitlines()]
    by_name: dict[str, dict[str, Any]] = {span["name"]: span for span in spans}
    order, sent, mail = (
        by_name[name] for name in ("process shop.order", "send default", "process shop.mail")
    )
    trace_id = f"{request.context.trace_id:032x}"
    assert {span["context"]["trace_id"] for span in spans} == {f"0x{trace_id}"}
    assert order["parent_id"] == f"0x{send.context.span_id:016x}"
    assert sent["parent_id"] == order["context"]["span_id"]
    assert mail["parent_id"] == sent["context"]["span_id"]

    lines = [json.loads(line) for line in ran.err.splitlines()]
    told = next(line for line in lines if line["message"] == "mailing")
    assert (told["trace_id"], told["span_id"]) == (trace_id, mail["context"]["span_id"][2:])
    stored = [line for line in lines if line.get("event") == "job_stored"]
    assert [line["trace_id"] for line in stored] == [trace_id] * 2
