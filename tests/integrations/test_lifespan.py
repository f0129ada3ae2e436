"""Soniq opens, works and closes with a web application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request
from litestar import Litestar, get
from starlette.applications import Starlette

from soniq import Soniq
from soniq.errors import SONIQ_INIT_ERROR, SoniqError
from soniq.integrations.fastapi import lifespan
from tests.worker.conftest import PATIENCE, until_status


def memory(**settings: Any) -> Soniq:
    app = Soniq(backend="memory", **settings)

    @app.job(name="double")
    async def double(number: int) -> int:
        return 2 * number

    return app


@asynccontextmanager
async def served(web: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `web` on a real server, which has shut down after the block."""
    server = uvicorn.Server(uvicorn.Config(web, port=0, lifespan="on", log_config=None))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE):
        while not server.started:  # noqa: ASYNC110 - a server tells nobody
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as c:
            yield c
    finally:
        server.should_exit = True
        await asyncio.wait_for(serving, PATIENCE)


async def test_a_request_of_fastapi_enqueues_and_a_worker_beside_it_answers() -> None:
    soniq = memory()
    web = FastAPI(lifespan=lifespan(soniq, run_worker=True))

    @web.post("/double/{number}")
    async def double(number: int) -> int:
        job_id = await soniq.enqueue("double", args={"number": number})
        answer = await soniq.wait(job_id, timeout=PATIENCE)
        assert isinstance(answer, int)
        return answer

    async with served(web) as client:
        assert (await client.post("/double/21")).json() == 42
    assert soniq.is_closed


async def test_litestar_takes_it_too() -> None:
    soniq = memory()

    @get("/double")
    async def double() -> int:
        job_id = await soniq.enqueue("double", args={"number": 4})
        answer = await soniq.wait(job_id, timeout=PATIENCE)
        assert isinstance(answer, int)
        return answer

    web = Litestar([double], lifespan=[lifespan(soniq, run_worker=True)])
    async with served(web) as client:
        assert (await client.get("/double")).json() == 8
    assert soniq.is_closed


async def test_the_applications_own_lifespan_runs_inside_and_gives_the_state() -> None:
    soniq = memory()
    seen: list[bool] = []

    @asynccontextmanager
    async def own(web: FastAPI) -> AsyncIterator[dict[str, Any]]:
        seen.append(soniq.is_initialized and isinstance(web, FastAPI))
        yield {"greeting": "hello"}
        seen.append(not soniq.is_closed)

    web = FastAPI(lifespan=lifespan(soniq, extra=own))

    @web.get("/")
    async def greet(request: Request) -> str:
        return str(request.state.greeting)

    async with served(web) as client:
        assert (await client.get("/")).json() == "hello"
    assert seen == [True, True]
    assert soniq.is_closed


async def test_running_jobs_end_before_the_application_does() -> None:
    soniq = memory()
    began, gate = asyncio.Event(), asyncio.Event()

    @soniq.job(name="long")
    async def long() -> str:
        began.set()
        await gate.wait()
        return "ended"

    lived = lifespan(soniq, run_worker=True)(Starlette())
    await lived.__aenter__()
    job_id = await soniq.enqueue("long")
    await asyncio.wait_for(began.wait(), PATIENCE)
    closing = asyncio.create_task(lived.__aexit__(None, None, None))

    async def stopping() -> None:
        while {w["status"] for w in await soniq.list_workers()} != {"stopping"}:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    await asyncio.wait_for(stopping(), PATIENCE)
    assert not closing.done()
    gate.set()
    await asyncio.wait_for(closing, PATIENCE)
    async with soniq:
        assert await soniq.get_result(job_id) == "ended"


async def test_a_server_in_a_hurry_puts_running_jobs_back(tmp_path: Path) -> None:
    soniq = Soniq(tmp_path / "jobs.db")
    began = asyncio.Event()

    @soniq.job(name="endless")
    async def endless() -> None:
        began.set()
        await asyncio.Event().wait()

    lived = lifespan(soniq, run_worker=True)(Starlette())
    await lived.__aenter__()
    job_id = await soniq.enqueue("endless")
    await asyncio.wait_for(began.wait(), PATIENCE)
    closing = asyncio.create_task(lived.__aexit__(None, None, None))
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(closing, PATIENCE)
    async with Soniq(tmp_path / "jobs.db") as other:
        job = await until_status(other, job_id, "queued")
    assert job["attempts"] == 0


async def test_a_scheduler_alone_fires(tmp_path: Path) -> None:
    soniq = Soniq(tmp_path / "jobs.db")

    @soniq.periodic(every=timedelta(seconds=1))
    async def tick() -> None: ...

    async with lifespan(soniq, scheduler=True)(Starlette()):
        assert soniq.scheduler.running
        assert not await soniq.list_workers()
        async with asyncio.timeout(PATIENCE):
            while not await soniq.list_jobs():  # noqa: ASYNC110 - the store tells nobody
                await asyncio.sleep(0.05)
    assert not soniq.scheduler.running


async def test_a_worker_that_breaks_is_told_and_the_application_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    soniq = memory(pool_max_size=1)
    async with lifespan(soniq, run_worker=True, concurrency=5)(Starlette()):
        async with asyncio.timeout(PATIENCE):
            while not caplog.records:  # noqa: ASYNC110 - a log tells nobody
                await asyncio.sleep(0.01)
        assert await soniq.enqueue("double", args={"number": 1})
    assert "The worker beside this application has ended" in caplog.text
    assert "Connection pool too small" in caplog.text


async def test_a_database_that_cannot_be_opened_keeps_the_application_from_starting() -> None:
    soniq = Soniq("postgresql://127.0.0.1:1/nobody", database_timeout=1)
    with pytest.raises(SoniqError) as refused:
        async with lifespan(soniq)(Starlette()):
            pass
    assert refused.value.error_code == SONIQ_INIT_ERROR
