"""OpenTelemetry where nobody has set it up, and where what was set up breaks."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Any

import pytest
from opentelemetry import propagate, trace
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.trace import SpanProcessor

from soniq.events import Events
from soniq.observability.telemetry import telemetry
from soniq.testing import drain, make_app
from tests.observability.otel_setup import (
    Recorded,
    recorded,
    spanning,
)

__all__ = ["recorded"]


@pytest.mark.parametrize("stored", ["no json", "[]", '{"traceparent": "nonsense"}', "{}"])
async def test_a_stored_trace_that_cannot_be_read_begins_a_new_one(
    recorded: Recorded, stored: str
) -> None:
    app = make_app()
    app.job(name="shop.job")(lambda: 1)
    job_id = await app.enqueue("shop.job")
    backend: Any = app.backend
    backend._store.jobs[job_id].trace = stored
    assert await drain(app) == [1]
    assert recorded.span("process shop.job").parent is None


class Broken(SpanProcessor, TextMapPropagator):
    """What a program might plug into its SDK."""

    def __init__(self, *breaks: str) -> None:
        self._breaks = breaks

    def _break(self, where: str) -> None:
        if where in self._breaks:
            raise ZeroDivisionError(where)

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self._break("on_start")

    def on_end(self, span: Any) -> None:
        self._break("on_end")

    def inject(self, carrier: Any, context: Any = None, setter: Any = None) -> None:
        self._break("inject")
        carrier["mark"] = "1"

    def extract(self, carrier: Any, context: Any = None, getter: Any = None) -> Any:
        self._break("extract")
        return context

    @property
    def fields(self) -> set[str]:
        return {"mark"}


@pytest.mark.parametrize("where", ["on_start", "on_end", "inject", "extract"])
async def test_what_breaks_in_an_sdk_harms_no_job(
    request: pytest.FixtureRequest,
    recorded: Recorded,
    caplog: pytest.LogCaptureFixture,
    where: str,
) -> None:
    broken = Broken(where)
    provider: Any = trace.get_tracer_provider()
    provider.add_span_processor(broken)
    request.addfinalizer(partial(propagate.set_global_textmap, propagate.get_global_textmap()))
    propagate.set_global_textmap(broken)
    app = make_app(max_retries=0)

    @app.job(name="shop.job")
    async def work(n: int) -> int:
        return 1 // n

    await app.enqueue_many(work, [{"n": 1}, {"n": 0}])
    await app.enqueue(work, n=1)
    assert await drain(app) == [1, 1]
    assert (await app.get_queue_stats())["dead_letter"] == 1
    told = [record for record in caplog.records if record.name == "soniq.telemetry"]
    assert told
    assert all(where in record.getMessage() for record in told)


async def test_without_an_sdk_nothing_is_traced_or_stored() -> None:
    assert telemetry() is None
    app = make_app()
    app.job(name="shop.job")(lambda: None)
    with spanning("of no SDK"):
        job_id = await app.enqueue("shop.job")
    backend: Any = app.backend
    assert backend._store.jobs[job_id].trace is None
    assert app._surroundings().reporter(Events()) is None


def test_a_program_without_opentelemetry_never_loads_it() -> None:
    program = """
import asyncio, sys
from soniq import Soniq

async def main():
    async with Soniq(backend="memory") as app:
        app.job(name="shop.job")(lambda: None)
        await app.enqueue("shop.job")
        await app.run_worker(run_once=True)

asyncio.run(main())
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout == "[]\n"
