"""What a Prometheus sink counts is whole, from whatever threads and by whatever subclass."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from prometheus_client import CollectorRegistry

from soniq.metrics import PrometheusMetricsSink
from tests.worker.conftest import MakeApp

RUN = {"queue": "q", "job_name": "work"}


def test_runs_of_several_threads_are_all_counted() -> None:
    registry = CollectorRegistry()
    sinks = [PrometheusMetricsSink(registry=registry) for _ in range(4)]

    async def runs(sink: PrometheusMetricsSink) -> None:
        for number in range(2000):
            await sink.record_job_start(job_id="1", attempt=1, **RUN)
            status = "done" if number % 4 else "failed"
            await sink.record_job_end(job_id="1", status=status, duration_s=0.3, **RUN)

    threads = [threading.Thread(target=asyncio.run, args=(runs(sink),)) for sink in sinks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    value = registry.get_sample_value
    assert value("soniq_jobs_started_total", RUN) == 8000
    assert value("soniq_jobs_completed_total", RUN | {"status": "done"}) == 6000
    assert value("soniq_jobs_completed_total", RUN | {"status": "failed"}) == 2000
    assert value("soniq_jobs_in_progress", RUN) == 0


async def test_a_subclass_hears_of_every_run(make_app: MakeApp) -> None:
    class Louder(PrometheusMetricsSink):
        heard = 0

        async def record_job_start(self, **told: Any) -> None:
            self.heard += 1
            await super().record_job_start(**told)

    registry = CollectorRegistry()
    sink = Louder(registry=registry)
    app = await make_app(metrics_sink=sink)

    @app.job(name="work", queue="q")
    async def work() -> None: ...

    await app.enqueue(work)
    await app.run_worker(run_once=True)
    assert sink.heard == 1
    done = RUN | {"status": "done"}
    assert registry.get_sample_value("soniq_jobs_completed_total", done) == 1
