"""A scheduler put together, with its log. Loaded only by programs that run one."""

from __future__ import annotations

import os
import socket
import uuid
from typing import Final

from soniq.backends.base import Backend
from soniq.backends.schedules import SchedulerInfo
from soniq.events import Events
from soniq.scheduler.events import LogLines
from soniq.scheduler.firing import Firer
from soniq.scheduler.loop import SchedulerLoop
from soniq.settings import SoniqSettings

_SHORTEST_MISS: Final = 60.0


def scheduler_loop(
    backend: Backend,
    settings: SoniqSettings,
    *,
    names: tuple[str, ...],
    check_interval: float,
    producer: str,
) -> SchedulerLoop:
    """A scheduler to start.

    Args:
        names: the schedules that its code declares.
        check_interval: seconds between looks where nothing notifies.
        producer: noted on the jobs as who has enqueued them.
    """
    events = Events()
    LogLines(events)
    firer = Firer(
        backend.schedules,
        events,
        missed_after=max(_SHORTEST_MISS, 2 * check_interval),
        producer=producer,
    )
    return SchedulerLoop(
        backend,
        events,
        SchedulerInfo(str(uuid.uuid4()), socket.gethostname(), os.getpid(), names),
        firer,
        check_interval=check_interval,
        longest_pause=settings.error_retry_delay,
    )
