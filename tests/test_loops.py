"""One application, several event loops: one after the other, and at the same time."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self, TypeVar

import pytest

from soniq import Soniq, SoniqError, TaskRef
from soniq.backends import opening
from soniq.backends.postgres import PostgresBackend
from soniq.errors import SONIQ_APP_CLOSED
from tests.sessions import until_sessions

REF = TaskRef("jobs.one")
PATIENCE = 15.0

T = TypeVar("T")


@pytest.fixture
def app(unopened_app: Soniq) -> Soniq:
    """An application on a store that is set up; each test closes it or leaves nothing open."""
    asyncio.run(unopened_app.setup())
    return unopened_app


class LiveLoop:
    """An event loop that runs in a thread of its own until the block ends."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)


def test_each_run_of_a_loop_may_use_it_and_need_not_close_it(app: Soniq) -> None:
    ids = [asyncio.run(app.enqueue(REF)) for _ in range(3)]
    assert len(set(ids)) == 3
    assert app.is_initialized
    assert asyncio.run(app.get_queue_stats())["queued"] == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gc.collect()
    asyncio.run(app.close())
    assert (app.is_closed, app.is_initialized) == (True, False)


def test_a_loop_that_ends_takes_its_connections_with_it(pg_url: str) -> None:
    app = Soniq(pg_url)
    asyncio.run(app.setup())
    asyncio.run(app.enqueue(REF))
    asyncio.run(until_sessions(pg_url, 0))


def test_an_app_that_was_closed_can_be_opened_again(app: Soniq) -> None:
    async def lifespan() -> str:
        async with app:
            return await app.enqueue(REF)

    assert asyncio.run(lifespan()) != asyncio.run(lifespan())
    with pytest.raises(SoniqError) as caught:
        asyncio.run(app.enqueue(REF))
    assert caught.value.error_code == SONIQ_APP_CLOSED


def test_two_live_loops_use_it_side_by_side(app: Soniq) -> None:
    async def produce(number: int) -> list[str]:
        alone = [await app.enqueue(REF, args={"n": n}) for n in range(number)]
        return alone + await asyncio.gather(
            *(app.enqueue(REF, dedup_key=f"{threading.get_ident()}-{n}") for n in range(number))
        )

    with LiveLoop() as one, LiveLoop() as other, ThreadPoolExecutor(2) as threads:
        produced = [threads.submit(loop.run, produce(20)) for loop in (one, other)]
        ids = {job_id for done in produced for job_id in done.result(PATIENCE)}
        assert len(ids) == 80
        assert one.run(app.get_queue_stats())["queued"] == 80
        assert other.run(app.get_queue_stats())["queued"] == 80
        one.run(app.close())


def test_two_loops_never_share_connections(pg_url: str) -> None:
    app = Soniq(backend=PostgresBackend(pg_url))
    with LiveLoop() as one, LiveLoop() as other:
        one.run(app.setup())
        first = app.backend
        other.run(app.enqueue(REF))
        assert one.run(app.enqueue(REF))
        assert app.backend is first
        one.run(until_sessions(pg_url, 2))
        one.run(app.close())
        one.run(until_sessions(pg_url, 0))


def test_a_worker_on_one_loop_hears_of_jobs_from_another(app: Soniq) -> None:
    ran = threading.Event()

    @app.job(name="jobs.two")
    async def two() -> None:
        ran.set()

    async def work(stop: asyncio.Event) -> None:
        await app.run_worker(shutdown_event=stop)

    async def event() -> asyncio.Event:
        return asyncio.Event()

    async def let_go(stop: asyncio.Event) -> None:
        stop.set()

    with LiveLoop() as one, LiveLoop() as other, ThreadPoolExecutor(1) as threads:
        stop = one.run(event())
        working = threads.submit(one.run, work(stop))
        other.run(app.enqueue(two))
        assert ran.wait(PATIENCE)
        one.run(let_go(stop))
        working.result(PATIENCE)
        other.run(app.close())


def test_closing_ends_it_on_every_loop(app: Soniq) -> None:
    with LiveLoop() as one, LiveLoop() as other:
        for loop in (one, other):
            loop.run(app.enqueue(REF))
        one.run(app.close())
        assert not app.is_initialized
        for loop in (one, other):
            with pytest.raises(SoniqError) as caught:
                loop.run(app.enqueue(REF))
            assert caught.value.error_code == SONIQ_APP_CLOSED


def test_a_loop_that_is_blocked_holds_up_no_close_and_closes_later(
    app: Soniq, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(opening, "_FAREWELL", 0.1)
    began, release = threading.Event(), threading.Event()

    async def block() -> None:
        began.set()
        release.wait(PATIENCE)

    with LiveLoop() as one, LiveLoop() as other, ThreadPoolExecutor(1) as threads:
        other.run(app.enqueue(REF))
        blocked = threads.submit(other.run, block())
        assert began.wait(PATIENCE)
        one.run(app.close())
        assert "has not run for 0.1 seconds" in caplog.text
        release.set()
        blocked.result(PATIENCE)
        with pytest.raises(SoniqError) as caught:
            other.run(app.enqueue(REF))
        assert caught.value.error_code == SONIQ_APP_CLOSED


def test_a_loop_that_was_stopped_in_between_goes_on(app: Soniq) -> None:
    loop = asyncio.new_event_loop()
    enqueue: Callable[[], str] = lambda: loop.run_until_complete(app.enqueue(REF))  # noqa: E731
    enqueue()
    asyncio.run(app.enqueue(REF))
    enqueue()
    assert loop.run_until_complete(app.get_queue_stats())["queued"] == 3
    loop.run_until_complete(app.close())
    loop.close()
