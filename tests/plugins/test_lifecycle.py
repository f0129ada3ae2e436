"""What begins and ends with an app and its store."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from soniq import Soniq
from soniq.backends import opening
from soniq.errors import SONIQ_APP_CLOSED, SONIQ_INIT_ERROR, SoniqError
from soniq.plugins import PluginWorker
from tests.plugins.conftest import PATIENCE, Diary, Named, define


class Startup(Named):
    """Counts how often it was started, and enqueues when it is and when it ends."""

    def __init__(self) -> None:
        super().__init__("tests.startup")
        self.started: list[str] = []
        self.ended: list[str] = []

    def install(self, app: Soniq) -> None:
        @app.job(name="from.plugin")
        async def job() -> None: ...

    async def on_startup(self, app: Soniq) -> None:
        self.started.append(await app.enqueue("from.plugin"))

    async def on_shutdown(self, app: Soniq) -> None:
        self.ended.append(await app.enqueue("from.plugin"))


async def test_plugins_start_once_for_each_opening_as_soon_as_there_are_tables(
    unopened_app: Soniq,
) -> None:
    app, plugin = unopened_app, Startup()
    app.use(plugin)
    async with app:
        on_postgres = app.backend is not None and app.backend.name == "postgres"
        assert len(plugin.started) == (0 if on_postgres else 1)
        await app.setup()
        assert len(plugin.started) == 1
        await app.setup()
        await asyncio.gather(*(app.get_queue_stats() for _ in range(5)))
        assert len(plugin.started) == 1
        assert not plugin.ended
    assert len(plugin.ended) == 1
    async with app:
        assert len(plugin.started) == 2
        jobs = {job["id"] for job in await app.list_jobs()}
        assert {*plugin.started, *plugin.ended} == jobs
    assert len(plugin.ended) == 2


async def test_tables_that_somebody_else_makes_start_the_plugins_too(pg_url: str) -> None:
    plugin = Startup()
    app = Soniq(pg_url, plugins=[plugin])
    async with app, Soniq(pg_url) as other:
        assert not plugin.started
        await other.setup()
        async with asyncio.timeout(15):
            while not plugin.started:
                await app.get_queue_stats()
                await asyncio.sleep(0.05)
    assert len(plugin.ended) == 1


async def test_whoever_opens_the_app_meanwhile_waits_until_plugins_have_started() -> None:
    class Slow(Named):
        ready = False

        async def on_startup(self, app: Soniq) -> None:
            await asyncio.sleep(0.02)
            self.ready = True

    plugin = Slow()
    app = Soniq(backend="memory", plugins=[plugin])

    async def use() -> bool:
        await app.get_queue_stats()
        return plugin.ready

    assert all(await asyncio.gather(use(), use(), use()))
    await app.close()


class Slow(Named):
    """Starts once it may, and fails to as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__("tests.slow")
        self.failures = failures
        self.starting = asyncio.Event()
        self.may_start = asyncio.Event()
        self.told: list[str] = []

    async def on_startup(self, app: Soniq) -> None:
        self.told.append("startup")
        self.starting.set()
        await self.may_start.wait()
        if self.failures:
            self.failures -= 1
            raise OSError("not yet")

    async def on_shutdown(self, app: Soniq) -> None:
        self.told.append("shutdown")


async def test_whoever_gives_up_waiting_for_plugins_ends_nothing(tmp_path: Path) -> None:
    plugin = Slow()
    app = Soniq(tmp_path / "jobs.db", plugins=[plugin])
    define(app)
    first = asyncio.create_task(app.enqueue("works"))
    await plugin.starting.wait()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(app.enqueue("works"), 0.05)
    plugin.may_start.set()
    assert await app.get_job(await asyncio.wait_for(first, PATIENCE)) is not None
    await app.close()
    assert plugin.told == ["startup", "shutdown"]


async def test_an_app_that_is_closed_while_plugins_start_ends_them_and_opens_again(
    tmp_path: Path,
) -> None:
    plugin = Slow()
    app = Soniq(tmp_path / "jobs.db", plugins=[plugin])
    define(app)
    first = asyncio.create_task(app.ensure_initialized())
    await plugin.starting.wait()
    closing = asyncio.create_task(app.close())
    await asyncio.sleep(0)
    plugin.may_start.set()
    await asyncio.wait_for(closing, PATIENCE)
    await asyncio.wait([first])
    assert plugin.told == ["startup", "shutdown"]
    with pytest.raises(SoniqError) as refused:
        await app.enqueue("works")
    assert refused.value.error_code == SONIQ_APP_CLOSED
    await app.ensure_initialized()
    assert await app.get_job(await app.enqueue("works")) is not None
    await app.close()


async def test_a_start_that_hangs_keeps_no_app_from_closing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_FAREWELL", 0.05)
    plugin = Slow()
    app = Soniq(tmp_path / "jobs.db", plugins=[plugin])
    first = asyncio.create_task(app.ensure_initialized())
    await plugin.starting.wait()
    await asyncio.wait_for(app.close(), PATIENCE)
    plugin.may_start.set()
    with pytest.raises(SoniqError, match="has been closed"):
        await first
    assert app.is_closed


async def test_a_start_that_failed_is_tried_again_on_a_store_of_its_own(tmp_path: Path) -> None:
    plugin = Slow(failures=1)
    plugin.may_start.set()
    app = Soniq(tmp_path / "jobs.db", plugins=[plugin])
    define(app)
    tries = await asyncio.gather(*(app.enqueue("works") for _ in range(3)), return_exceptions=True)
    assert sum(isinstance(answer, str) for answer in tries) == 2
    assert await app.get_job(await app.enqueue("works")) is not None
    await app.close()
    assert plugin.told == ["startup", "startup", "shutdown"]


async def test_a_farewell_after_a_start_that_failed_may_use_the_store() -> None:
    app = Soniq(backend="memory", plugins=[used := Startup(), Slow(failures=1)], hook_timeout=5)
    app.plugins["tests.slow"].may_start.set()  # type: ignore[attr-defined]
    with pytest.raises(SoniqError, match="not yet"):
        await asyncio.wait_for(app.ensure_initialized(), PATIENCE)
    assert len(used.started) == len(used.ended) == 1


async def test_the_last_plugin_ends_first_and_its_failure_stops_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pages: list[Any] = []

    class Broken(Diary):
        async def on_shutdown(self, app: Soniq) -> None:
            self.write("shutdown")
            raise OSError("no farewell")

    first, second = Diary("first", pages=pages), Broken("second", ["first"], pages=pages)
    async with Soniq(backend="memory", plugins=[second, first]) as app:
        pages.clear()
    assert pages == [("second", "shutdown"), ("first", "shutdown")]
    assert "Plugin second: on_shutdown failed" in caplog.text
    assert app.is_closed


async def test_a_farewell_that_hangs_is_cut_short(caplog: pytest.LogCaptureFixture) -> None:
    class Hanging(Named):
        async def on_shutdown(self, app: Soniq) -> None:
            await asyncio.Event().wait()

    async with asyncio.timeout(10):
        async with Soniq(backend="memory", plugins=[Hanging()], hook_timeout=0.05):
            pass
    assert "hook_timeout" in caplog.text


async def test_a_farewell_that_ends_as_cancelled_stops_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Cancelling(Named):
        async def on_shutdown(self, app: Soniq) -> None:
            beside = asyncio.create_task(asyncio.Event().wait())
            beside.cancel()
            await beside

    diary = Diary()
    async with Soniq(backend="memory", plugins=[diary, Cancelling("tests.cancelling")]) as app:
        pass
    assert app.is_closed
    assert diary.pages[-1] == ("tests.diary", "shutdown")
    assert "Plugin tests.cancelling: on_shutdown failed" in caplog.text


async def test_a_plugin_that_cannot_start_keeps_the_app_from_opening() -> None:
    class Broken(Diary):
        async def on_startup(self, app: Soniq) -> None:
            raise OSError("no licence")

    pages: list[Any] = []
    app = Soniq(backend="memory", plugins=[Diary("fine", pages=pages), Broken("broken")])
    pages.clear()
    with pytest.raises(SoniqError, match="no licence") as refused:
        await app.ensure_initialized()
    assert refused.value.error_code == SONIQ_INIT_ERROR
    assert isinstance(refused.value.__cause__, OSError)
    assert not app.is_initialized
    assert pages == [("fine", "startup"), ("fine", "shutdown")]


async def test_setup_lets_the_error_of_a_plugin_through(pg_url: str) -> None:
    class Broken(Named):
        async def on_startup(self, app: Soniq) -> None:
            raise OSError("no licence")

    app = Soniq(pg_url, plugins=[Broken()])
    with pytest.raises(OSError, match="no licence"):
        await app.setup()
    await app.close()


async def test_a_setup_that_is_repeated_starts_only_what_has_not_started() -> None:
    class Trying(Diary):
        tries = 0

        async def on_startup(self, app: Soniq) -> None:
            self.tries += 1
            if self.tries == 1:
                raise OSError("not yet")
            self.write("startup")

    pages: list[Any] = []
    plugins = [Diary("first", pages=pages), Trying("second", pages=pages)]
    app = Soniq(backend="memory", plugins=plugins)
    pages.clear()
    with pytest.raises(OSError, match="not yet"):
        await app.setup()
    await app.setup()
    await app.close()
    assert pages == [
        ("first", "startup"),
        ("second", "startup"),
        ("second", "shutdown"),
        ("first", "shutdown"),
    ]


async def test_a_loop_that_ends_lets_plugins_end() -> None:
    plugin = Diary()

    async def use(app: Soniq) -> None:
        await app.get_queue_stats()

    app = Soniq(backend="memory", plugins=[plugin])
    await asyncio.to_thread(lambda: asyncio.run(use(app)))
    assert plugin.pages[1:] == [("tests.diary", "startup"), ("tests.diary", "shutdown")]


async def test_a_worker_without_leadership_waits_for_it() -> None:
    worker = PluginWorker("one", Soniq(backend="memory"), None, 1)
    assert not worker.is_leader
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await Named().wait_for_leader(worker)


async def test_sleep_is_cut_short_by_wake_up_from_any_thread() -> None:
    plugin = Named()
    sleeping = asyncio.create_task(plugin.sleep(60))
    await asyncio.sleep(0)
    await asyncio.to_thread(plugin.wake_up)
    async with asyncio.timeout(10):
        assert await sleeping is True
    assert await plugin.sleep(0.001) is False


def test_no_plugin_is_logged_about(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Soniq(backend="memory", plugins=[Diary()])
    assert not caplog.records
