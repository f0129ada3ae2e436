"""`soniq worker`: real processes, real signals, jobs on SQLite and on Postgres."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import Any

import pytest

from soniq import Soniq
from tests.cli.conftest import Project
from tests.programs import Program

JOBS = """
    import asyncio, os, sys, time
    from pathlib import Path
    from soniq import Soniq

    app = Soniq()

    def say(text):
        os.write(1, f"{text}\\n".encode())

    @app.job(name="greet")
    async def greet(who: str) -> None:
        say(f"hello {who}")

    @app.job(name="wait")
    async def wait(until: str) -> None:
        say(f"begins {os.getpid()}")
        while not Path(until).exists():
            await asyncio.sleep(0.02)
        say(f"ends {os.getpid()}")
"""


@pytest.fixture
def shop(project: Project) -> Project:
    """A project with jobs on a SQLite file."""
    project.write("jobs.py", JOBS)
    project.write(".env", "SONIQ_DATABASE_URL=sqlite:///jobs.db\n")
    return project


def sqlite_url(project: Project) -> str:
    return f"sqlite:///{project.folder / 'jobs.db'}"


def enqueue(url: str, name: str, times: int = 1, **args: Any) -> list[str]:
    """Store jobs, as another program does."""

    async def store() -> list[str]:
        async with Soniq(database_url=url, enqueue_validation="none") as app:
            return await app.enqueue_many(name, [args] * times)

    return asyncio.run(store())


def statuses(url: str, ids: list[str]) -> list[str]:
    async def look() -> list[str]:
        async with Soniq(database_url=url) as app:
            jobs = [await app.get_job(job_id) for job_id in ids]
            return [job["status"] for job in jobs if job is not None]

    return asyncio.run(look())


def begun(program: Program, *, within: float = 30.0) -> int:
    """The process in which the next job begins."""
    return int(program.line(r"^begins (\d+)$", within=within)[1])


def test_it_says_what_it_is_about_to_do_and_runs_what_is_due(shop: Project) -> None:
    [job_id] = enqueue(sqlite_url(shop), "greet", who="world")

    ran = shop.run("worker", "jobs:app", "--run-once", "--concurrency", "3")

    assert ran.code == 0
    assert "Imported modules: jobs" in ran.out
    assert "Starting Soniq worker with 3 workers" in ran.out
    assert f"sqlite at {shop.folder / 'jobs.db'}" in ran.out
    assert "all queues" in ran.out
    assert "hello world" in ran.out
    assert statuses(sqlite_url(shop), [job_id]) == ["done"]


def test_it_imports_the_configured_modules_and_those_it_is_given(shop: Project) -> None:
    shop.write("more.py", "from jobs import app\n\n@app.job(name='more')\ndef more(): print('!')\n")
    enqueue(sqlite_url(shop), "more")

    ran = shop.run(
        "worker", "--jobs-modules", "more", "--run-once", env={"SONIQ_JOBS_MODULES": "jobs"}
    )

    assert ran.code == 0
    assert "Imported modules: more, jobs" in ran.out
    assert "!" in ran.out


def test_it_serves_only_the_queues_it_is_given(shop: Project) -> None:
    async def store() -> list[str]:
        async with Soniq(database_url=sqlite_url(shop), enqueue_validation="none") as app:
            return [
                await app.enqueue("greet", args={"who": queue}, queue=queue)
                for queue in ("mail", "other")
            ]

    ids = asyncio.run(store())

    ran = shop.run("worker", "jobs:app", "--queues", "mail, slow", "--run-once")

    assert "mail, slow" in ran.out
    assert statuses(sqlite_url(shop), ids) == ["done", "queued"]


def test_without_job_code_it_says_how_to_give_it(project: Project) -> None:
    ran = project.run("worker")

    assert ran.code == 1
    assert "Error: SONIQ_JOBS_MODULES is not set" in ran.err
    assert ran.out == ""


def test_without_job_code_nothing_is_created(project: Project) -> None:
    project.run("worker")

    assert list(project.folder.iterdir()) == []


def test_a_failed_import_exits_with_1(project: Project) -> None:
    ran = project.run("worker", "nowhere.jobs:app")

    assert ran.code == 1
    assert "nowhere.jobs" in ran.err
    assert "PYTHONPATH" in ran.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_lets_the_running_job_end(shop: Project, number: signal.Signals) -> None:
    ids = enqueue(sqlite_url(shop), "wait", until="go")
    with shop.start("worker", "jobs:app") as program:
        begun(program)

        program.send(number)
        program.line("stopping")
        (shop.folder / "go").touch()

        program.line("^ends ")
        assert program.exit_code() == 0
    assert statuses(sqlite_url(shop), ids) == ["done"]


def test_a_second_signal_exits_at_once_with_1(shop: Project) -> None:
    enqueue(sqlite_url(shop), "wait", until="never")
    with shop.start("worker", "jobs:app") as program:
        begun(program)
        program.send(signal.SIGTERM)
        program.line("stopping")

        program.send(signal.SIGTERM)

        assert program.exit_code() == 1


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_hangup_is_no_first_signal(shop: Project, processes: str) -> None:
    [job_id] = enqueue(sqlite_url(shop), "wait", until="go")
    with shop.start("worker", "jobs:app", "--processes", processes) as program:
        working = begun(program)
        os.kill(working, signal.SIGHUP)
        program.line("SIGHUP, stopping")

        os.kill(working, signal.SIGTERM)
        (shop.folder / "go").touch()

        program.line("^ends ")
        if working != program.pid:
            program.send(signal.SIGTERM)
        assert program.exit_code() == 0
    assert statuses(sqlite_url(shop), [job_id]) == ["done"]


def test_log_lines_may_be_json(shop: Project) -> None:
    ran = shop.run("worker", "jobs:app", "--run-once", "--log-format", "json")

    entries = [json.loads(line) for line in ran.err.splitlines()]
    assert any(entry["logger"] == "soniq.worker" for entry in entries)


def test_the_log_level_is_obeyed_in_any_case(shop: Project) -> None:
    assert shop.run("worker", "jobs:app", "--run-once", "--log-level", "error").err == ""


def test_missing_tables_say_to_run_setup(shop: Project, pg_url: str) -> None:
    for processes in ("1", "2"):
        ran = shop.run("worker", "jobs:app", "--database-url", pg_url, "--processes", processes)

        assert ran.code == 1
        assert "soniq setup" in ran.err
        assert ran.err.count("SONIQ_SCHEMA_MISSING") == 1


def test_jobs_on_postgres_run_after_setup(shop: Project, pg_url: str) -> None:
    assert shop.run("setup", "--database-url", pg_url).code == 0
    [job_id] = enqueue(pg_url, "greet", who="postgres")

    ran = shop.run("worker", "jobs:app", "--run-once", "--database-url", pg_url)

    assert ran.code == 0
    assert "hello postgres" in ran.out
    assert statuses(pg_url, [job_id]) == ["done"]


def test_several_processes_share_the_work_and_drain_together(shop: Project) -> None:
    ids = enqueue(sqlite_url(shop), "wait", times=2, until="go")
    with shop.start("worker", "jobs:app", "--processes", "2", "--concurrency", "1") as program:
        assert begun(program) != begun(program)

        program.send_to_group(signal.SIGINT)
        program.line("waiting for the worker processes")
        (shop.folder / "go").touch()

        assert program.exit_code() == 0
    assert statuses(sqlite_url(shop), ids) == ["done", "done"]


def test_a_stop_sent_to_every_process_is_one_stop(shop: Project) -> None:
    enqueue(sqlite_url(shop), "wait", times=2, until="go")
    with shop.start("worker", "jobs:app", "--processes", "2", "--concurrency", "1") as program:
        pids = [program.pid, begun(program), begun(program)]

        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        program.line("waiting for the worker processes")
        (shop.folder / "go").touch()

        program.line("^ends ")
        program.line("^ends ")
        assert program.exit_code() == 0


def test_a_second_signal_ends_every_process(shop: Project) -> None:
    enqueue(sqlite_url(shop), "wait", times=2, until="never")
    with shop.start("worker", "jobs:app", "--processes", "2", "--concurrency", "1") as program:
        pids = [begun(program), begun(program)]
        program.send(signal.SIGTERM)
        program.line("waiting for the worker processes")

        program.send(signal.SIGTERM)

        assert program.exit_code() == 1
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


def test_the_jobs_of_a_killed_process_run_again_at_once_on_sqlite(shop: Project) -> None:
    check_recovery(shop, sqlite_url(shop))


def test_the_jobs_of_a_killed_process_run_again_at_once_on_postgres(
    shop: Project, pg_url: str
) -> None:
    assert shop.run("setup", "--database-url", pg_url).code == 0
    check_recovery(shop, pg_url)


def check_recovery(shop: Project, url: str) -> None:
    # Without the supervisor's word, the death would be noticed after 20 seconds only.
    slow = {"SONIQ_HEARTBEAT_INTERVAL": "20"}
    [job_id] = enqueue(url, "wait", until="go")
    arguments = ("worker", "jobs:app", "--processes", "2", "--database-url", url)
    with shop.start(*arguments, env=slow) as program:
        first = begun(program)

        os.kill(first, signal.SIGKILL)
        second = begun(program, within=15)

        assert second != first
        (shop.folder / "go").touch()
        program.line(f"^ends {second}$")
        program.send(signal.SIGTERM)
        assert program.exit_code() == 0
    assert statuses(url, [job_id]) == ["done"]


def test_processes_end_when_their_supervisor_is_killed(shop: Project) -> None:
    ids = enqueue(sqlite_url(shop), "wait", times=2, until="go")
    with shop.start("worker", "jobs:app", "--processes", "2", "--concurrency", "1") as program:
        begun(program)
        begun(program)

        program.send(signal.SIGKILL)
        program.line("stopping")
        (shop.folder / "go").touch()

        # Its stream ends when the last process that holds it has ended.
        program.all_output()
    assert statuses(sqlite_url(shop), ids) == ["done", "done"]


def test_several_processes_end_when_nothing_is_due(shop: Project) -> None:
    ids = enqueue(sqlite_url(shop), "greet", times=20, who="you")

    ran = shop.run("worker", "jobs:app", "--processes", "2", "--run-once")

    assert ran.code == 0
    assert set(statuses(sqlite_url(shop), ids)) == {"done"}


def test_jobs_in_memory_cannot_be_shared_by_processes(shop: Project) -> None:
    ran = shop.run("worker", "jobs:app", "--database-url", "memory://", "--processes", "2")

    assert ran.code == 1
    assert "memory" in ran.err


def test_the_password_of_the_database_is_not_shown(shop: Project) -> None:
    ran = shop.run(
        "worker",
        "jobs:app",
        env={
            "SONIQ_DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:1/app",
            "SONIQ_DATABASE_TIMEOUT": "0.5",
        },
    )

    assert ran.code == 1
    assert "127.0.0.1" in ran.err
    assert "hunter2" not in ran.out + ran.err
