"""A worker in this process, by itself or on a supervisor's lifeline."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from soniq.app import Soniq
from soniq.cli import output
from soniq.cli.beside import beside
from soniq.cli.database import answering
from soniq.cli.discovery import Located
from soniq.cli.invocation import run
from soniq.cli.metrics_page import attach_sink, page
from soniq.cli.service_manager import kept_informed
from soniq.errors import SoniqError
from soniq.worker.lifeline import Lifeline
from soniq.worker.signals import stop_signals

_LOOK_PAUSE: Final = 0.1


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How to work.

    Attributes:
        concurrency: jobs at a time in each process.
        queues: the queues to serve, None for all.
        run_once: end when nothing is due any more.
        scheduler: run a scheduler beside the worker.
        lifeline: in a process that has a supervisor, what holds it to that.
        replaces: ids of dead processes whose jobs are to be recovered at once.
        metrics_port: where what is counted can be scraped, None for nowhere. Of a process that has
            a supervisor, it is the supervisor that serves it.
    """

    concurrency: int
    queues: tuple[str, ...] | None
    run_once: bool
    scheduler: bool
    lifeline: Lifeline | None
    replaces: tuple[int, ...]
    metrics_port: int | None


def spare_the_collector() -> None:
    """Leave what is loaded by now out of garbage collections, and collect less often.

    A job makes some dozens of objects that are gone by reference counting; to look through them and
    every imported module again and again took an eighth of a busy worker's time. For a process that
    is a worker and nothing else: in somebody's own process these are not ours to set.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def work_here(located: Located, options: WorkerOptions) -> None:
    """Work until told to stop, then exit."""
    spare_the_collector()

    async def question(app: Soniq) -> int:
        if options.lifeline is not None:
            await work_supervised(app, options, options.lifeline)
        else:
            await announce(located, options, processes=1)
            await _work_alone(app, options)
        return 0

    supervised = options.lifeline is not None
    if supervised and options.metrics_port is not None:
        attach_sink(located.app)
    with page(located.app, None if supervised else options.metrics_port):
        run(located.app, question, new_loop=_fastest_loop())


async def announce(located: Located, options: WorkerOptions, *, processes: int) -> None:
    """Make sure that the database can be used, and print what is about to run."""
    place = await answering(located.app)
    output.info(f"Imported modules: {', '.join(located.modules)}")
    if not located.app._get_job_registry().names():
        output.warning("These modules register no jobs: the worker will find nothing it knows.")
    output.info(f"Starting Soniq worker with {options.concurrency} workers")
    if processes > 1:
        output.info(f"Processes: {processes}")
    output.info(f"Backend: {place}")
    output.info(f"Queues: {', '.join(options.queues) if options.queues else 'all queues'}")


async def _work(app: Soniq, options: WorkerOptions, *, shutdown_event: asyncio.Event) -> None:
    await app._run_worker(
        concurrency=options.concurrency,
        run_once=options.run_once,
        scheduler=options.scheduler,
        queues=options.queues,
        shutdown_event=shutdown_event,
        replaces=options.replaces,
    )


async def _work_alone(app: Soniq, options: WorkerOptions) -> None:
    stop = asyncio.Event()
    with stop_signals(stop):
        async with kept_informed(lambda: _is_registered(app), stop):
            await _work(app, options, shutdown_event=stop)


async def work_supervised(app: Soniq, options: WorkerOptions, lifeline: Lifeline) -> None:
    """Work until the lifeline is cut or a signal comes, whichever is first.

    Both may mean one and the same stop, as when a process manager signals every process it knows:
    only a second signal insists.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop_soon() -> None:
        # The loop may have ended in the meantime.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(stop.set)

    with stop_signals(stop):
        lifeline.when_cut(stop_soon)
        async with beside(_say_ready(app, lifeline)):
            await _work(app, options, shutdown_event=stop)


async def _say_ready(app: Soniq, lifeline: Lifeline) -> None:
    """Tell the supervisor as soon as a worker of this process is registered."""
    while not await _is_registered(app):  # noqa: ASYNC110 - the store tells nobody
        await asyncio.sleep(_LOOK_PAUSE)
    lifeline.ready()


async def _is_registered(app: Soniq) -> bool:
    here = (socket.gethostname(), os.getpid())
    with contextlib.suppress(SoniqError):
        workers = await app.list_workers()
        return any((worker["hostname"], worker["pid"]) == here for worker in workers)
    return False


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
