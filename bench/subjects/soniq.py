"""Soniq through its public calls.

Options: ``concurrency`` and any other setting go to the app; ``queue`` is where a producer puts its
jobs; ``uvloop`` chooses the event loop; ``prometheus`` has the Prometheus sink count every run,
``metrics`` the Metrics plugin store time series.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.driver.subject import Hit, Options, Producer
from soniq import Soniq
from soniq.cli.working import spare_the_collector
from soniq.metrics import PrometheusMetricsSink
from soniq.plugins.metrics import Metrics

UVLOOP = True
JOB = "bench.noop"
_OWN_OPTIONS = ("queue", "uvloop", "prometheus", "metrics")


def make_app(url: str, options: Options, hit: Hit) -> Soniq:
    """An app at `url` whose one job calls `hit`."""
    settings = {k: v for k, v in options.items() if k not in _OWN_OPTIONS}
    sink = PrometheusMetricsSink() if options.get("prometheus") else None
    plugins = [Metrics()] if options.get("metrics") else []
    app = Soniq(url, metrics_sink=sink, plugins=plugins, **settings)

    async def noop(x: int) -> None:
        hit(x)

    app.job(name=JOB)(noop)
    return app


def _ignore(x: int) -> None:
    """A producer's app never runs its handler."""


async def setup(url: str) -> None:
    app = make_app(url, {}, _ignore)
    await app.setup()
    await app.close()


class SoniqProducer:
    """Stores jobs through `app`, in the queue it is given or else the default one."""

    def __init__(self, app: Soniq, queue: str | None = None) -> None:
        self._app = app
        self._queue: dict[str, Any] = {"queue": queue} if queue else {}

    async def one(self, x: int) -> None:
        await self._app.enqueue(JOB, args={"x": x}, **self._queue)

    async def many(self, xs: Sequence[int]) -> None:
        await self._app.enqueue_many(JOB, [{"x": x} for x in xs], **self._queue)

    async def close(self) -> None:
        await self._app.close()


async def producer(url: str, options: Options) -> Producer:
    app = make_app(url, options, _ignore)
    await app.ensure_initialized()
    return SoniqProducer(app, options.get("queue"))


async def work(url: str, options: Options, hit: Hit) -> None:
    app = make_app(url, options, hit)
    if app.plugins:
        await app.setup()  # for their tables
    spare_the_collector()  # as `soniq worker` does
    await app.run_worker()
    await app.close()
