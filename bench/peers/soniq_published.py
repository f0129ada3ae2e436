"""The package named soniq on PyPI. Option: ``concurrency``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import soniq
from bench.driver.subject import Hit, Options, Producer

UVLOOP = False
MOST_CONNECTIONS = 20


def _app(url: str, connections: int, hit: Hit) -> tuple[Any, Any]:
    app = soniq.Soniq(database_url=url, pool_max_size=connections)

    async def noop(x: int) -> None:
        hit(x)

    return app, app.job(name="noop")(noop)


def _ignore(x: int) -> None:
    """A producer's app never runs its handler."""


async def setup(url: str) -> None:
    app, _ = _app(url, MOST_CONNECTIONS, _ignore)
    await app.setup()
    await app.close()


class _Producer:
    def __init__(self, app: Any, noop: Any) -> None:
        self._app = app
        self._noop = noop

    async def one(self, x: int) -> None:
        await self._app.enqueue(self._noop, x=x)

    async def many(self, xs: Sequence[int]) -> None:
        await self._app.enqueue_many(self._noop, [{"x": x} for x in xs])

    async def close(self) -> None:
        await self._app.close()


async def producer(url: str, options: Options) -> Producer:
    app, noop = _app(url, MOST_CONNECTIONS, _ignore)
    await app.ensure_initialized()
    return _Producer(app, noop)


async def work(url: str, options: Options, hit: Hit) -> None:
    concurrency = options["concurrency"]
    app, _ = _app(url, max(concurrency + 2, MOST_CONNECTIONS), hit)
    await app.run_worker(concurrency=concurrency)
