"""The stream of changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic_core import from_json

from soniq import Soniq
from soniq.backends.base import Unavailable
from soniq.dashboard.figures import Stats
from soniq.dashboard.live import MOST_LISTENERS, Live, Look
from tests.dashboard.conftest import OPERATOR, Ask, dashboard_of

PATIENCE = 15.0
QUICKLY = 0.01


def stats(total: int = 0) -> Stats:
    return Stats(total=total, queued=0, processing=0, done=0, dead_letter=0, cancelled=0)


class Sight:
    """Something to look at, that changes when a test says so."""

    def __init__(self) -> None:
        self.mark = 0
        self.looks = 0
        self.away = False
        self.looked = asyncio.Event()

    async def look(self, _: Look | None) -> Look:
        self.looks += 1
        self.looked.set()
        if self.away:
            raise Unavailable("away")
        return Look(self.mark, stats(self.mark))

    async def looks_again(self) -> None:
        for _ in range(2):
            self.looked.clear()
            async with asyncio.timeout(PATIENCE):
                await self.looked.wait()


async def changed(stream: AsyncIterator[bytes]) -> dict[str, Any]:
    """The next change; whatever else comes is passed over."""
    async with asyncio.timeout(PATIENCE):
        async for part in stream:
            if part.startswith(b"event: changed\n"):
                data: dict[str, Any] = from_json(part.partition(b"data: ")[2].strip())
                return data
    raise AssertionError("the stream has ended")


async def test_changes_are_told_once(memory_live: tuple[Live, Sight]) -> None:
    live, sight = memory_live
    stream = live.listen()
    assert (await changed(stream))["stats"]["total"] == 0
    await sight.looks_again()
    sight.mark = 7
    told = await changed(stream)
    assert (told["revision"], told["stats"]["total"]) == (2, 7)
    await stream.aclose()


async def test_all_listeners_share_one_poller(memory_live: tuple[Live, Sight]) -> None:
    live, sight = memory_live
    streams = [live.listen() for _ in range(20)]
    for stream in streams:
        await changed(stream)
    assert sight.looks < 20
    for stream in streams:
        await stream.aclose()


async def test_nobody_looks_where_nobody_listens(memory_live: tuple[Live, Sight]) -> None:
    live, sight = memory_live
    assert sight.looks == 0
    stream = live.listen()
    await changed(stream)
    await stream.aclose()
    names = {task.get_name() for task in asyncio.all_tasks() if not task.cancelling()}
    assert "soniq-dashboard-live" not in names


async def test_who_comes_back_is_told_how_it_is(memory_live: tuple[Live, Sight]) -> None:
    live, sight = memory_live
    first = live.listen()
    await changed(first)
    await first.aclose()
    sight.mark = 3
    second = live.listen()
    assert (await changed(second))["stats"]["total"] == 3
    await second.aclose()


async def test_a_quiet_stream_says_that_it_stands() -> None:
    sight = Sight()
    live = Live(sight.look, pace=QUICKLY, keep_alive=QUICKLY)
    stream = live.listen()
    async with asyncio.timeout(PATIENCE):
        async for part in stream:
            if part == b": keep-alive\n\n":
                break
    await stream.aclose()


async def test_a_database_that_is_away_ends_nothing(
    memory_live: tuple[Live, Sight], caplog: pytest.LogCaptureFixture
) -> None:
    live, sight = memory_live
    sight.away = True
    stream = live.listen()
    waiting = asyncio.create_task(changed(stream))
    await sight.looks_again()
    sight.away = False
    assert (await waiting)["revision"] == 1
    assert "could not look for changes" in caplog.text
    await stream.aclose()


async def test_the_end_ends_every_stream(memory_live: tuple[Live, Sight]) -> None:
    live, _ = memory_live
    stream = live.listen()
    await changed(stream)
    rest = asyncio.create_task(_rest(stream))
    await live.close()
    async with asyncio.timeout(PATIENCE):
        await rest


async def test_what_is_over_ends_every_stream() -> None:
    sight, ended = Sight(), asyncio.Event()
    live = Live(sight.look, is_over=ended.is_set)
    streams = [live.listen() for _ in range(3)]
    for stream in streams:
        await changed(stream)
    rest = asyncio.gather(*(_rest(stream) for stream in streams))
    ended.set()
    assert live.is_full
    async with asyncio.timeout(PATIENCE):
        await rest


async def test_a_closed_application_has_no_streams(app: Soniq) -> None:
    stream = dashboard_of(app).desk.live.listen()
    await changed(stream)
    await app.close()
    async with asyncio.timeout(PATIENCE):
        await _rest(stream)


async def _rest(stream: AsyncIterator[bytes]) -> None:
    async for _ in stream:
        pass


async def test_listeners_are_bounded(memory_live: tuple[Live, Sight]) -> None:
    live, _ = memory_live
    streams = [live.listen() for _ in range(MOST_LISTENERS)]
    for stream in streams:
        await anext(stream)
    full = [live.is_full]
    await streams[0].aclose()
    assert [*full, live.is_full] == [True, False]
    for stream in streams:
        await stream.aclose()


@pytest.fixture
def memory_live() -> tuple[Live, Sight]:
    sight = Sight()
    return Live(sight.look, pace=QUICKLY), sight


async def test_jobs_show_in_the_stream(app: Soniq) -> None:
    dashboard = dashboard_of(app)
    stream = dashboard.desk.live.listen()
    assert (await changed(stream))["stats"]["total"] == 0
    job_id = await app.enqueue("tidy.up")
    assert (await changed(stream))["stats"]["queued"] == 1
    await app.cancel_job(job_id)
    assert (await changed(stream))["stats"]["cancelled"] == 1
    await stream.aclose()


async def test_one_page_too_many_is_told_to_wait(app: Soniq, ask: Ask) -> None:
    dashboard = dashboard_of(app)
    await dashboard.desk.live.close()
    reply = await ask(dashboard, OPERATOR).get("/api/events")
    assert reply.status_code == 503
    assert reply.headers["retry-after"]
