"""procrastinate on psycopg. Option: ``concurrency``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from procrastinate import App, PsycopgConnector

from bench.driver.subject import Hit, Options, Producer

UVLOOP = False
QUEUE = "bench"
MOST_CONNECTIONS = 20


def _app(url: str, connections: int, hit: Hit) -> tuple[App, Any]:
    app = App(connector=PsycopgConnector(conninfo=url, min_size=4, max_size=connections))

    async def noop(x: int) -> None:
        hit(x)

    return app, app.task(name="noop", queue=QUEUE)(noop)


def _ignore(x: int) -> None:
    """A producer's app never runs its task."""


async def setup(url: str) -> None:
    app, _ = _app(url, 4, _ignore)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()


class _Producer:
    def __init__(self, app: App, task: Any) -> None:
        self._app = app
        self._task = task

    async def one(self, x: int) -> None:
        await self._task.defer_async(x=x)

    async def many(self, xs: Sequence[int]) -> None:
        await self._task.batch_defer_async(*[{"x": x} for x in xs])

    async def close(self) -> None:
        await self._app.close_async()


async def producer(url: str, options: Options) -> Producer:
    app, task = _app(url, 10, _ignore)
    await app.open_async()
    return _Producer(app, task)


async def work(url: str, options: Options, hit: Hit) -> None:
    concurrency = options["concurrency"]
    app, _ = _app(url, min(concurrency + 2, MOST_CONNECTIONS), hit)
    async with app.open_async():
        await app.run_worker_async(queues=[QUEUE], concurrency=concurrency)
