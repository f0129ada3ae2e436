"""The worker: claims jobs, runs them, stores what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import nullcontext

from soniq.backends.base import Backend
from soniq.events import Events
from soniq.registry import JobRegistry
from soniq.retry import RetryPolicy
from soniq.settings import SoniqSettings
from soniq.worker.log_lines import LogLines
from soniq.worker.signals import stop_signals
from soniq.worker.surroundings import Surroundings
from soniq.worker.worker import Worker

__all__ = ["Surroundings", "run_worker"]


async def run_worker(
    *,
    backend: Backend,
    settings: SoniqSettings,
    registry: JobRegistry,
    retry_policy: RetryPolicy,
    surroundings: Surroundings | None = None,
    concurrency: int | None = None,
    queues: Sequence[str] | None = None,
    run_once: bool = False,
    shutdown_event: asyncio.Event | None = None,
    replaces: Collection[int] = (),
) -> bool:
    """Run jobs until asked to stop, or with `run_once` until nothing is due.

    Args:
        surroundings: hooks, middleware and metrics sink; None is none of them.
        concurrency: jobs at a time; None is the setting.
        queues: the queues to serve; None is the setting.
        shutdown_event: set it to stop; without it the process' signals do.
        replaces: process ids of this host known to have ended, whose jobs are recovered at once.

    Returns:
        Whether any job ran.
    """
    events = Events()
    LogLines(events)
    served = settings.queues if queues is None else tuple(queues)
    worker = Worker(
        backend,
        settings,
        registry,
        retry_policy,
        surroundings or Surroundings(),
        events,
        concurrency=settings.concurrency if concurrency is None else concurrency,
        queues=served,
        until_empty=run_once,
        replaces=replaces,
    )
    stop = asyncio.Event() if shutdown_event is None else shutdown_event
    with stop_signals(stop) if shutdown_event is None else nullcontext():
        return await worker.run(stop)
