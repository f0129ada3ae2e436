"""Workers that never lack a job, so that whatever slows them down is seen in what they get done.

A load that leaves room to spare would show its own rate, even of workers ten times as slow.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.chaos.history import Kind
from tests.chaos.rates import effects, rate
from tests.chaos.stage import Breach, Stage

SLOTS: Final = 12
"""Of each of the two workers. So few that the slots, not the processors, are what is short."""
SECONDS: Final = 0.1
"""That a job of the backlog takes."""
DEPTH: Final = 500
"""Jobs that always wait: two seconds of work."""


@asynccontextmanager
async def saturated(stage: Stage) -> AsyncIterator[None]:
    """Two workers with a backlog that is never used up, below a steady load, while inside."""
    await stage.workers(2, "--concurrency", str(SLOTS))
    await _pile_up(stage, 0)
    piling = asyncio.create_task(_keep_up(stage))
    try:
        async with stage.load(rate=20):
            yield
    finally:
        piling.cancel()
        await asyncio.gather(piling, return_exceptions=True)


def rate_in(stage: Stage, begin: float, end: float) -> float:
    """Jobs a second that came to their end between two moments.

    Raises:
        Breach: the workers had nothing to do for a moment: the rate would be that of the load.
    """
    events = [event for event in stage.history.events() if begin <= event.at < end]
    if any(event.kind is Kind.FAULT_BEGAN and event["name"] == _DRY for event in events):
        raise Breach("the backlog was used up, and the rate says nothing of the workers")
    return rate(effects(events), begin, end)


_DRY: Final = "backlog used up"


async def _keep_up(stage: Stage) -> None:
    for turn in itertools.count(1):
        while await _waiting(stage) > DEPTH:  # noqa: ASYNC110 - the workers tell nobody
            await asyncio.sleep(0.2)
        await _pile_up(stage, turn)


async def _waiting(stage: Stage) -> int:
    """Jobs that have not begun yet, but for those that the steady load delays."""
    begun = len({event.job for event in stage.history.of(Kind.START)})
    left = len(stage.history.of(Kind.ACCEPTED)) - begun
    if left < SLOTS:
        stage.history.note(Kind.FAULT_BEGAN, name=_DRY)
    return left


async def _pile_up(stage: Stage, turn: int) -> None:
    args = [{"key": f"pile-{turn}-{n}", "seconds": SECONDS} for n in range(DEPTH)]
    ids = await stage.app.enqueue_many("chaos.pause", args, priority=200)
    for job, arg in zip(ids, args, strict=True):
        stage.history.note(Kind.ACCEPTED, job=job, key=arg["key"])
