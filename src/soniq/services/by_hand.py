"""Upkeep that somebody asks for instead of waiting until a worker gets to it."""

from __future__ import annotations

import os
import socket

from uuid_utils import uuid7

from soniq.backends.base import Backend
from soniq.records import NewWorker, Recovered
from soniq.settings import SoniqSettings
from soniq.version import __version__


async def recover_by_hand(backend: Backend, settings: SoniqSettings) -> Recovered:
    """Declare dead the workers that have been silent too long, and queue again what they held.

    Only workers may judge workers, so this registers as one that serves nothing, and leaves.
    """
    found = Recovered([], [], [])
    session = await backend.join(_onlooker(), lambda _: None)
    try:
        while True:
            more = await session.recover(max_crashes=settings.max_crashes, by_hand=True)
            found.workers.extend(more.workers)
            found.requeued.extend(more.requeued)
            found.dead.extend(more.dead)
            if not (more.requeued or more.dead):
                return found
    finally:
        await session.leave()


def _onlooker() -> NewWorker:
    return NewWorker(
        id=str(uuid7()),
        hostname=socket.gethostname(),
        pid=os.getpid(),
        queues=(),
        concurrency=1,
        job_names=(),
        version=__version__,
    )
