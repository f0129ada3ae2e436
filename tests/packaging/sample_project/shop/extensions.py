"""What programs write against Soniq's seams: plugins, sinks, policies, middleware."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import assert_type

from soniq import JobContext, Soniq
from soniq.dead_letter import DeadLetterFilter, DeadLetterReason
from soniq.metrics import MetricsSink, PrometheusMetricsSink
from soniq.plugins import Dead, Plugin, PluginJob, PluginWorker, Retry
from soniq.plugins.metrics import Metrics


class Patience(Plugin):
    @staticmethod
    def get_identifier() -> str:
        return "shop.patience"

    async def on_startup(self, app: Soniq) -> None:
        await app.scheduler.pause("shop.jobs.refresh")

    async def on_job_completed(
        self,
        *,
        worker: PluginWorker,
        job: PluginJob,
        exception: BaseException | None,
        result: object,
    ) -> Retry | Dead | None:
        if isinstance(exception, TimeoutError):
            return Retry(timedelta(minutes=5))
        return Dead(DeadLetterReason.PERMANENT_FAILURE) if exception else None


sink: MetricsSink = PrometheusMetricsSink()
patience = Patience()
app = Soniq("memory://", plugins=[Metrics()], metrics_sink=sink)
assert_type(app.use(patience), Patience)


@app.middleware
async def timed(ctx: JobContext, call_next: Callable[[JobContext], Awaitable[object]]) -> object:
    return await call_next(ctx)


async def replay() -> None:
    found = await app.dead_letter.list_dead_letter_jobs(DeadLetterFilter(job_names=["mail.*"]))
    for letter in found:
        assert_type(letter.job_name, str)
