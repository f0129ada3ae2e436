"""The mistakes that the page about production warns of: harmless here, or told in plain words."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from soniq import Soniq, SoniqError
from soniq.errors import SONIQ_POOL_TOO_SMALL, SONIQ_SCHEMA_MISSING
from tests.cli.conftest import Project, Ran, database, project
from tests.cli.databases import Database
from tests.transaction_pooler import TransactionPooler
from tests.worker.conftest import PATIENCE, MakeApp, until, until_status, working

__all__ = ["database", "project"]

REPLICAS = 6


def url_of_a_missing_database(pg_url: str) -> str:
    return urlsplit(pg_url)._replace(path=f"{urlsplit(pg_url).path}_new").geturl()


async def drop(pg_url: str, url: str) -> None:
    connection = await asyncpg.connect(pg_url)
    try:
        name = urlsplit(url).path.lstrip("/")
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        await connection.close()


# --- setup on every replica ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_setup_on_every_replica_at_once_succeeds_everywhere(
    kind: str, project: Project, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{project.folder / 'jobs.db'}"
    if kind == "postgres":
        pg_url = request.getfixturevalue("pg_url")
        url = url_of_a_missing_database(pg_url)
        request.addfinalizer(lambda: asyncio.run(drop(pg_url, url)))

    def setup(_: int) -> Ran:
        return project.run("setup", "--database-url", url)

    with ThreadPoolExecutor(REPLICAS) as replicas:
        ran = list(replicas.map(setup, range(REPLICAS)))

    assert [each.code for each in ran] == [0] * REPLICAS, [each.err for each in ran]
    known = project.run("migrate-status", "--database-url", url).out
    assert "Up to date" in known
    applied = sum(
        int(each.out.split("Applied ")[1].split()[0]) for each in ran if "Applied" in each.out
    )
    assert f"Applied: {applied}\n" in known


# --- more jobs at a time than the pool serves ----------------------------------------------------


def test_concurrency_above_the_pool_is_refused_with_both_remedies(database: Database) -> None:
    database.write_jobs()
    ran = database.project.run(
        "worker",
        "jobs:app",
        "--concurrency",
        "20",
        env={"SONIQ_POOL_MAX_SIZE": "10", "SONIQ_POOL_HEADROOM": "3"},
    )

    assert ran.code == 1
    assert "Connection pool too small" in ran.err
    assert "SONIQ_POOL_MAX_SIZE to 23" in ran.err
    assert "lower concurrency to 7" in ran.err


async def test_a_pool_that_just_serves_the_concurrency_is_enough(pg_url: str) -> None:
    app = Soniq(pg_url, pool_max_size=10, pool_headroom=3)
    try:
        await app.setup()
        with pytest.raises(SoniqError) as refused:
            await app.run_worker(concurrency=8, run_once=True)
        assert refused.value.error_code == SONIQ_POOL_TOO_SMALL
        assert await app.run_worker(concurrency=7, run_once=True) is False
    finally:
        await app.close()


async def test_without_a_size_the_pool_fits_any_concurrency(pg_url: str) -> None:
    app = Soniq(pg_url)
    everyone = asyncio.Barrier(100)

    @app.job(name="crowd")
    async def crowd() -> None:
        await asyncio.wait_for(everyone.wait(), PATIENCE)

    watcher = await asyncpg.connect(pg_url)
    try:
        await app.setup()
        await app.enqueue_many(crowd, [{} for _ in range(100)])
        await app.run_worker(concurrency=100, run_once=True)
        connections = await watcher.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        )
        stats = await app.get_queue_stats()
    finally:
        await watcher.close()
        await app.close()
    assert stats["done"] == 100
    assert connections <= 11


# --- slow handlers on threads --------------------------------------------------------------------


async def test_slow_sync_handlers_hold_up_no_async_ones(make_app: MakeApp) -> None:
    app = await make_app(sync_handler_pool_size=2)
    release = threading.Event()
    together = asyncio.Barrier(8)
    begun: list[str] = []

    @app.job(name="slow")
    def slow() -> None:
        begun.append("slow")
        assert release.wait(PATIENCE)

    @app.job(name="quick")
    async def quick() -> None:
        begun.append("quick")
        await asyncio.wait_for(together.wait(), PATIENCE)

    slow_ids = [await app.enqueue(slow) for _ in range(8)]
    quick_ids = [await app.enqueue(quick) for _ in range(8)]

    async def both_threads_are_taken() -> bool:
        return begun.count("slow") == 2

    async with working(app, concurrency=10):
        try:
            for job_id in quick_ids:
                await until_status(app, job_id, "done")
            await until(both_threads_are_taken)
            assert begun.count("quick") == 8
        finally:
            release.set()
        for job_id in slow_ids:
            await until_status(app, job_id, "done")


# --- job code that is not there ------------------------------------------------------------------


def test_every_module_that_cannot_be_imported_is_named_with_a_hint(project: Project) -> None:
    project.write("shop/__init__.py", "")
    project.write("shop/bills.py", "import a_library_nobody_installed\n")
    project.write("shop/jobs.py", "from soniq import Soniq\napp = Soniq()\n")
    modules = "shop.jobs,shop.bills,elsewhere.jobs"
    ran = project.run("worker", env={"SONIQ_JOBS_MODULES": modules})

    assert ran.code == 1
    assert "2 of 3 modules could not be imported" in ran.err
    assert "shop.bills: ModuleNotFoundError" in ran.err
    assert "a_library_nobody_installed" in ran.err
    assert "elsewhere.jobs: ModuleNotFoundError" in ran.err
    assert "PYTHONPATH" in ran.err
    assert "Traceback" not in ran.err


def test_a_worker_that_was_told_no_modules_says_which_setting_is_missing(project: Project) -> None:
    ran = project.run("worker")

    assert ran.code == 1
    assert "SONIQ_JOBS_MODULES is not set" in ran.err


# --- a pooler in transaction mode ----------------------------------------------------------------


async def test_behind_a_transaction_pooler_workers_poll_and_say_so(
    pg_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with TransactionPooler(pg_url) as pooler:
        app = Soniq(pooler.url, poll_interval=0.1)

        @app.job(name="add")
        async def add(a: int, b: int) -> int:
            return a + b

        try:
            with caplog.at_level(logging.WARNING, "soniq"):
                await app.setup()
                async with working(app):
                    # Stored through another connection, so that nothing in this process tells.
                    async with Soniq(pg_url, enqueue_validation="none") as producer:
                        job_id = await producer.enqueue("add", args={"a": 1, "b": 2})
                    await until_status(app, job_id, "done")
                    assert await app.get_result(job_id) == 3
        finally:
            await app.close()
    (warned,) = [record.getMessage() for record in caplog.records]
    assert "LISTEN does not work" in warned
    assert "polling" in warned


async def test_behind_a_transaction_pooler_periodic_jobs_are_fired(pg_url: str) -> None:
    async with TransactionPooler(pg_url) as pooler:
        app = Soniq(pooler.url, poll_interval=0.1)
        fired = asyncio.Event()

        @app.periodic(every=1, name="tick")
        async def tick() -> None:
            fired.set()

        try:
            await app.setup()
            async with working(app, scheduler=True):
                await asyncio.wait_for(fired.wait(), PATIENCE)
        finally:
            await app.close()


# --- setup and worker on different databases -----------------------------------------------------


def test_a_worker_on_another_database_than_setup_says_which_and_what_to_compare(
    project: Project, pg_url: str
) -> None:
    parts = urlsplit(pg_url)
    with_password = parts._replace(netloc=f"postgres:hush@{parts.netloc.rpartition('@')[2]}")
    other = url_of_a_missing_database(pg_url)
    project.write("jobs.py", "from soniq import Soniq\napp = Soniq()\n")
    assert project.run("setup", "--database-url", other).code == 0
    try:
        ran = project.run("worker", "jobs:app", "--database-url", with_password.geturl())
    finally:
        asyncio.run(drop(pg_url, other))

    assert ran.code == 1
    assert "does not exist" in ran.err
    assert f"{parts.hostname}:{parts.port}{parts.path}" in ran.err
    assert "soniq setup" in ran.err
    assert "compare SONIQ_DATABASE_URL" in ran.err
    assert "hush" not in ran.out + ran.err


async def test_an_enqueue_on_another_database_than_setup_says_so_too(pg_url: str) -> None:
    app = Soniq(pg_url, enqueue_validation="none")
    try:
        with pytest.raises(SoniqError, match="does not exist") as caught:
            await app.enqueue("mail.send")
    finally:
        await app.close()
    assert caught.value.error_code == SONIQ_SCHEMA_MISSING
    assert "compare SONIQ_DATABASE_URL" in str(caught.value)


# --- enqueue without await -----------------------------------------------------------------------


@pytest.mark.parametrize("call", ["enqueue", "function", "schedule", "many"])
async def test_an_enqueue_that_is_not_awaited_warns_and_stores_nothing(call: str) -> None:
    async with Soniq("memory://") as app:

        @app.job(name="mail.send")
        async def send(to: str) -> None: ...

        calls: dict[str, Any] = {
            "enqueue": lambda: app.enqueue(send, to="you"),
            "function": lambda: send.enqueue(to="you"),
            "schedule": lambda: app.schedule(send, 60, to="you"),
            "many": lambda: app.enqueue_many(send, [{"to": "you"}]),
        }
        with pytest.warns(RuntimeWarning, match="was never awaited"):
            calls[call]()
        assert (await app.get_queue_stats())["total"] == 0


# --- replay of everything ------------------------------------------------------------------------


def test_replay_of_all_dead_letters_is_guarded(database: Database) -> None:
    database.write_jobs()
    database.give_up(5)
    run = database.project.run

    refused = run("dead-letter", "replay", "jobs:app", "--all")
    assert refused.code == 1
    assert "--yes" in refused.err
    assert database.counts() == {"dead_letter": 5}

    tried = run("dead-letter", "replay", "jobs:app", "--all", "--dry-run")
    assert tried.code == 0
    assert "Dry run: would" in tried.out
    assert "5" in tried.out
    assert database.counts() == {"dead_letter": 5}
    assert database.replayed() == 0

    done = run("dead-letter", "replay", "jobs:app", "--all", "--yes")
    assert done.code == 0
    assert database.counts() == {"dead_letter": 5, "queued": 5}
    assert database.replayed() == 5
