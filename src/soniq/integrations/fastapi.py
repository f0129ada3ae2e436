"""The lifespan of a FastAPI application; those of Starlette and Litestar have the same form.

    app = FastAPI(lifespan=lifespan(soniq))

opens Soniq before the first request and closes it after the last. ``Litestar(lifespan=[...])``
takes a list of such functions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, TypeAlias

from soniq.app import Soniq
from soniq.logs import soniq_logger

Lifespan: TypeAlias = Callable[[Any], AbstractAsyncContextManager[Any]]
"""Takes the web application; what the context manager gives is its state."""

_log = soniq_logger("soniq.integrations")


def lifespan(
    app: Soniq,
    *,
    run_worker: bool = False,
    scheduler: bool = False,
    concurrency: int = 2,
    queues: Sequence[str] | None = None,
    extra: Lifespan | None = None,
) -> Lifespan:
    """Open `app` when the web application starts, and close it when that ends.

    A worker in the process of a web application shares its event loop: right for a small site and
    for trying out, while ``soniq worker`` is for the rest. It leaves the signals to the server, and
    at the end lets its running jobs end, as long as `shutdown_timeout` allows. Should it break, the
    log says so and the web application goes on.

    Args:
        app: what the handlers enqueue with.
        run_worker: run a worker beside the web application.
        scheduler: run a scheduler beside it, with or without a worker.
        concurrency: jobs at a time of that worker.
        queues: the queues it serves; None for all.
        extra: the application's own lifespan, run inside; its state is the application's.

    Returns:
        What ``lifespan=`` takes.
    """

    @asynccontextmanager
    async def lived(web: Any) -> AsyncIterator[Any]:
        async with AsyncExitStack() as stack:
            await app.ensure_initialized()
            stack.push_async_callback(app.close)
            if run_worker:
                await stack.enter_async_context(_worker(app, concurrency, queues, scheduler))
            elif scheduler:
                await app.scheduler.start()
                stack.push_async_callback(app.scheduler.stop)
            yield None if extra is None else await stack.enter_async_context(extra(web))

    return lived


@asynccontextmanager
async def _worker(
    app: Soniq, concurrency: int, queues: Sequence[str] | None, scheduler: bool
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(
        app.run_worker(concurrency, queues=queues, shutdown_event=stop, scheduler=scheduler),
        name="soniq-worker",
    )
    task.add_done_callback(_tell_of_crash)
    try:
        yield
    finally:
        stop.set()
        await _ended(task)


async def _ended(task: asyncio.Task[bool]) -> None:
    """Wait for the worker; when the server has no more time, without grace for what runs."""
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait([task])
        raise


def _tell_of_crash(task: asyncio.Task[bool]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error(
            "The worker beside this application has ended, and runs no more jobs until the next "
            "start: %s",
            error,
            exc_info=error,
        )
