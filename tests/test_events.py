"""What is told of the pipeline never harms it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from soniq import Soniq
from soniq.events import Events, WorkerStopped
from tests.worker.conftest import until_status, working


def test_a_subscriber_that_raises_harms_neither_the_others_nor_who_emits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    events, told = Events(), list[WorkerStopped]()

    def broken(event: WorkerStopped) -> None:
        raise OSError(f"no space left for {event.worker_id}")

    events.subscribe(WorkerStopped, broken)
    events.subscribe(WorkerStopped, told.append)
    events.emit(WorkerStopped("one"))
    assert told == [WorkerStopped("one")]
    assert "no space left for one" in capsys.readouterr().err


class _FullDisk(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise OSError("no space left on device")


async def test_a_worker_outlives_a_log_that_cannot_be_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = Soniq(backend="memory")

    @app.job(name="failing", retries=0)
    async def failing() -> None:
        raise ValueError("to be logged")

    @app.job(name="working")
    async def fine() -> str:
        return "done"

    handler, logger = _FullDisk(), logging.getLogger("soniq.worker")
    logger.addHandler(handler)
    try:
        async with app, working(app):
            failed = await app.enqueue(failing)
            await until_status(app, failed, "dead_letter")
            job_id = await app.enqueue(fine)
            async with asyncio.timeout(10):
                assert await app.wait(job_id) == "done"
    finally:
        logger.removeHandler(handler)
    assert "no space left on device" in capsys.readouterr().err
