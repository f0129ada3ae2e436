"""Jobs of every outcome, for worker processes and for tests in this one."""

from __future__ import annotations

from soniq import JobContext, PermanentFailure, Snooze, Soniq
from soniq.plugins.metrics import Metrics

metrics = Metrics(sync_interval=0.5, collection_interval=0.5)
app = Soniq(plugins=[metrics])


def define(app: Soniq) -> None:
    """Give an app the jobs of this module."""

    @app.job(name="m.succeed", queue="fast")
    async def succeed() -> None: ...

    @app.job(name="m.fail", retries=1)
    async def fail() -> None:
        raise ValueError("once more")

    @app.job(name="m.give_up", queue="fast")
    async def give_up() -> None:
        raise PermanentFailure("never again")

    @app.job(name="m.put_off")
    async def put_off() -> Snooze:
        return Snooze(10_000)

    @app.job(name="m.measure")
    def measure(ctx: JobContext) -> None:
        ctx.metrics.counter("own:count", 2)
        ctx.metrics.gauge("own:level", 7)
        ctx.metrics.histogram("own:size", 1.5)


define(app)
