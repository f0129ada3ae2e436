"""`soniq worker --metrics-port`: what is scraped is what the database says, whatever happens."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from soniq import Soniq
from tests.cli.conftest import Project
from tests.programs import Program
from tests.scraping import Scraped, scrape

PATIENCE = 40.0

JOBS = """
    import asyncio, os
    from pathlib import Path

    from soniq import JobContext, Snooze, Soniq
    from soniq.metrics import PrometheusMetricsSink

    app = Soniq(metrics_sink=PrometheusMetricsSink())

    @app.job(name="works")
    async def works(n: int) -> int:
        return n

    @app.job(name="recovers")
    async def recovers(n: int, ctx: JobContext) -> None:
        if ctx.attempt <= 1 + n % 2:
            raise ValueError(n)

    @app.job(name="dies")
    def dies(n: int) -> None:
        raise LookupError(n)

    @app.job(name="later")
    async def later(n: int) -> Snooze:
        return Snooze(3600)

    @app.job(name="endless")
    async def endless(n: int) -> None:
        await asyncio.Event().wait()

    @app.job(name="wait")
    async def wait(until: str) -> None:
        os.write(1, f"begins {os.getpid()}\\n".encode())
        while not Path(until).exists():
            await asyncio.sleep(0.02)
"""

MIXED = {"works": 620, "recovers": 200, "dies": 90, "later": 60, "endless": 30}


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("jobs.py", JOBS)
    project.write(".env", "SONIQ_DATABASE_URL=sqlite:///jobs.db\n")
    return project


def port_of(program: Program) -> int:
    """Where a worker that was given port 0 serves its page."""
    return int(program.line(r"Metrics: http://localhost:(\d+)/metrics")[1])


def scraped_until(port: int, holds: Callable[[Scraped], bool]) -> Scraped:
    until = time.monotonic() + PATIENCE
    while not holds(page := scrape(port)):
        assert time.monotonic() < until, page.samples
        time.sleep(0.05)  # a page tells nobody when it changes
    return page


async def mixed_run(app: Soniq) -> list[dict[str, Any]]:
    """Store the mixture, cancel what never ends, and give all jobs once nothing runs any more."""
    for name, count in MIXED.items():
        queue = "good" if name == "works" else None
        await app.enqueue_many(name, [{"n": n} for n in range(count)], queue=queue)
    await until(
        app, lambda stats: stats["processing"] == MIXED["endless"] and stats["queued"] <= 60
    )
    for job in await app.list_jobs(status="processing"):
        assert await app.cancel_job(job["id"])
    await until(app, lambda stats: stats["processing"] == 0 and stats["queued"] == MIXED["later"])
    jobs = await app.list_jobs(limit=2000)
    return [*jobs, *await app.list_jobs(status="dead_letter", limit=2000)]


async def until(app: Soniq, holds: Callable[[dict[str, int]], bool]) -> None:
    limit = time.monotonic() + PATIENCE
    while not holds(stats := await app.get_queue_stats()):
        running = [job for job in await app.list_jobs() if job["status"] == "processing"]
        assert time.monotonic() < limit, (stats, running)
        await asyncio.sleep(0.05)


@pytest.mark.timeout(150)
@pytest.mark.parametrize("processes", [1, 2])
async def test_the_counters_equal_the_counts_of_the_database_after_a_mixed_run(
    shop: Project, pg_url: str, processes: int
) -> None:
    command = ("worker", "jobs:app", "--metrics-port", "0", "--processes", str(processes))
    async with Soniq(database_url=pg_url, enqueue_validation="none") as app:
        await app.setup()
        env = {"SONIQ_DATABASE_URL": pg_url, "SONIQ_CONCURRENCY": "40"}
        with shop.start(*command, env=env) as program:
            port = await asyncio.to_thread(port_of, program)
            jobs = await mixed_run(app)
            # Several processes write down what they count a few times a second.
            page = await asyncio.to_thread(
                scraped_until,
                port,
                lambda page: (
                    page.total("soniq_jobs_completed_total") >= 1000 + failures_of(jobs)
                    and not page.total("soniq_jobs_in_progress")
                ),
            )
            program.send(signal.SIGTERM)
            assert await asyncio.to_thread(program.exit_code) == 0
    assert len(jobs) == sum(MIXED.values()) == 1000
    check_counters(page, jobs)


def failures_of(jobs: list[dict[str, Any]]) -> int:
    """A job that ended by itself spent one attempt on its end, and failed with all before it."""
    return sum(job["attempts"] - 1 for job in jobs if job["status"] in ("done", "dead_letter"))


def check_counters(page: Scraped, jobs: list[dict[str, Any]]) -> None:
    def counted(status: str, **labels: str) -> float:
        count = page.total("soniq_jobs_completed_total", status=status, **labels)
        assert page.total("soniq_job_duration_seconds_count", status=status, **labels) == count
        return count

    def stored(status: str) -> int:
        return sum(job["status"] == status for job in jobs)

    failures = failures_of(jobs)
    assert counted("done") == stored("done") == 820
    assert counted("failed") == failures == 100 + 2 * 100 + 3 * 90
    assert counted("dead_letter") == stored("dead_letter") == 90
    assert counted("snoozed") == stored("queued") == 60
    assert counted("cancelled") == stored("cancelled") == 30
    assert counted("interrupted") == 0
    assert counted("done", queue="good", job_name="works") == 620
    assert counted("dead_letter", queue="default", job_name="dies") == 90
    assert page.total("soniq_jobs_started_total") == 1000 + failures
    assert page.total("soniq_jobs_in_progress") == 0


def test_a_killed_process_leaves_its_counts_and_takes_its_gauge_along(shop: Project) -> None:
    url = f"sqlite:///{shop.folder / 'jobs.db'}"
    asyncio.run(store(url, "works", n=1))
    command = ("worker", "jobs:app", "--metrics-port", "0", "--processes", "2")
    with shop.start(*command) as program:
        port = port_of(program)
        scraped_until(port, lambda page: page.total("soniq_jobs_completed_total") == 1)
        asyncio.run(store(url, "wait", until="go"))
        killed = int(program.line(r"^begins (\d+)$")[1])
        scraped_until(port, lambda page: page.total("soniq_jobs_in_progress") == 1)

        os.kill(killed, signal.SIGKILL)

        program.line(r"^begins (\d+)$")
        scraped_until(port, lambda page: page.total("soniq_jobs_started_total") == 3)
        scraped_until(port, lambda page: page.total("soniq_jobs_in_progress") == 1)
        (shop.folder / "go").touch()
        scraped_until(port, lambda page: page.total("soniq_jobs_in_progress") == 0)
        assert scrape(port).total("soniq_jobs_completed_total", status="done") == 2
        program.send(signal.SIGTERM)
        assert program.exit_code() == 0


async def store(url: str, name: str, **args: Any) -> None:
    async with Soniq(database_url=url, enqueue_validation="none") as app:
        await app.enqueue(name, args=args)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_an_app_without_a_sink_gets_one_and_is_told(shop: Project, processes: str) -> None:
    shop.write("bare.py", JOBS.replace("metrics_sink=PrometheusMetricsSink()", ""))
    asyncio.run(store(f"sqlite:///{shop.folder / 'jobs.db'}", "works", n=1))
    command = ("worker", "bare:app", "--metrics-port", "0", "--processes", processes)
    with shop.start(*command) as program:
        program.line("has no metrics sink: a PrometheusMetricsSink counts its runs")
        port = port_of(program)
        scraped_until(port, lambda page: page.total("soniq_jobs_completed_total") == 1)


def test_a_sink_around_a_prometheus_sink_is_served(shop: Project) -> None:
    shop.write(
        "wrapped.py",
        JOBS.replace("metrics_sink=PrometheusMetricsSink()", "metrics_sink=Outer()").replace(
            "    app = Soniq",
            """    class Outer:
        inner = PrometheusMetricsSink(prefix="inner")
        async def record_job_start(self, **told): await self.inner.record_job_start(**told)
        async def record_job_end(self, **told): await self.inner.record_job_end(**told)

    app = Soniq""",
        ),
    )
    asyncio.run(store(f"sqlite:///{shop.folder / 'jobs.db'}", "works", n=1))
    with shop.start("worker", "wrapped:app", "--metrics-port", "0") as program:
        port = port_of(program)
        scraped_until(port, lambda page: page.total("inner_jobs_completed_total") == 1)


def test_a_sink_that_keeps_nothing_to_scrape_is_told(shop: Project) -> None:
    shop.write(
        "other.py",
        """
        from soniq import Soniq

        class Silent:
            async def record_job_start(self, **told): ...
            async def record_job_end(self, **told): ...

        app = Soniq(metrics_sink=Silent())
        """,
    )
    ran = shop.run("worker", "other:app", "--metrics-port", "0")

    assert ran.code == 1
    assert "the app's metrics sink is a Silent" in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_taken_port_is_one_readable_line(shop: Project, processes: str) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ran = shop.run("worker", "jobs:app", "--metrics-port", port, "--processes", processes)

    assert ran.code == 1
    assert f"port {port}: it is taken by another program" in ran.err
    assert len(ran.err.splitlines()) == 1
