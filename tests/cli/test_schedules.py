"""`soniq scheduler`, `soniq schedules` and `soniq inspect --schedules`."""

from __future__ import annotations

import signal
from datetime import datetime, timedelta

import pytest

from tests.cli.conftest import Project, Ran

ENV = {"SONIQ_DATABASE_URL": "sqlite:///jobs.db"}
JOBS = """
    from soniq import Soniq

    app = Soniq()

    @app.periodic(cron="30 9 * * *", timezone="Asia/Tokyo", name="reports.daily")
    async def daily() -> None: ...

    @app.periodic(every=1, name="ticks")
    async def ticks() -> None:
        print("ticked", flush=True)
"""
_STORE = """
    import asyncio, jobs
    async def main():
        async with jobs.app as app:
            await app.scheduler.start()
            await app.scheduler.stop()
    asyncio.run(main())
"""


@pytest.fixture
def stored(project: Project) -> Project:
    """A project whose schedules are stored, and no scheduler running."""
    project.write("jobs.py", JOBS)
    project.python(_STORE, env=ENV)
    return project


def row(ran: Ran, name: str) -> str:
    [line] = [line for line in ran.out.splitlines() if line.startswith(name)]
    return line


def test_a_name_may_hold_a_colon_beside_the_option_app(project: Project) -> None:
    project.write("jobs.py", JOBS.replace('"ticks"', '"ticks", schedule_name="every:second"'))
    project.python(_STORE, env=ENV)

    paused = project.run("schedules", "pause", "--app", "jobs:app", "every:second", env=ENV)
    resumed = project.run("schedules", "resume", "jobs:app", "every:second", env=ENV)

    assert (paused.code, paused.out) == (0, "[OK] Paused every:second\n")
    assert (resumed.code, resumed.out) == (0, "[OK] Resumed every:second\n")


def test_the_scheduler_dispatches_and_stops_on_sigterm(project: Project) -> None:
    project.write("jobs.py", JOBS)
    with project.start("scheduler", "jobs:app", env=ENV) as program:
        program.line(r"Starting Soniq recurring scheduler \(checking every 60s")
        program.line("Schedule ticks dispatched job ticks")
        program.send(signal.SIGTERM)
        assert program.exit_code() == 0
        output = program.all_output()
    assert "Imported modules: jobs" in output
    assert "warning" not in output.lower()


def test_the_scheduler_warns_without_modules_and_goes_on(stored: Project) -> None:
    with stored.start("scheduler", "--check-interval", "5", env=ENV) as program:
        program.line("WARNING.*SONIQ_JOBS_MODULES")
        program.line("checking every 5s")
        program.line("Schedule ticks dispatched")
        program.send(signal.SIGINT)
        assert program.exit_code() == 0


def test_a_worker_can_bring_its_own_scheduler(project: Project) -> None:
    project.write("jobs.py", JOBS)
    with project.start("worker", "jobs:app", "--scheduler", env=ENV) as program:
        program.line("^ticked")
        program.send(signal.SIGTERM)
        assert program.exit_code() == 0
        assert "No scheduler is running" not in program.all_output()


def test_a_worker_without_one_warns(project: Project) -> None:
    project.write("jobs.py", JOBS)
    with project.start("worker", "jobs:app", env=ENV) as program:
        program.line("No scheduler is running.*reports.daily, ticks")
        program.line("Worker .* started")
        program.send(signal.SIGTERM)
        assert program.exit_code() == 0


def test_schedules_are_listed_with_their_next_runs_in_their_zones(stored: Project) -> None:
    ran = stored.run("schedules", "list", env=ENV)

    assert ran.code == 0
    assert "active" in row(ran, "reports.daily")
    assert "T09:30:00+09:00" in row(ran, "reports.daily")
    assert "every 1 s" in row(ran, "ticks")


def test_schedules_that_no_running_scheduler_declares_are_reported(stored: Project) -> None:
    stored.write("other.py", JOBS.replace("ticks", "tocks"))
    with stored.start("scheduler", "other:app", env=ENV) as program:
        program.line("Schedule tocks dispatched")
        listed = stored.run("schedules", "list", env=ENV)
        inspected = stored.run("inspect", "--schedules", env=ENV)
        program.send(signal.SIGTERM)
        assert program.exit_code() == 0

    for ran in (listed, inspected):
        [warning] = [line for line in ran.out.splitlines() if line.startswith("[WARNING]")]
        assert "Schedule ticks is declared by no running scheduler" in warning
        assert "soniq schedules remove ticks" in warning


def test_inspect_shows_the_schedules_and_who_runs_them(stored: Project) -> None:
    silent = stored.run("inspect", "--schedules", env=ENV)
    with stored.start("scheduler", "jobs:app", env=ENV) as program:
        program.line("Schedule ticks dispatched")
        running = stored.run("inspect", "--schedules", "--json", env=ENV)
        program.send(signal.SIGTERM)
        assert program.exit_code() == 0

    assert silent.out.startswith("Recurring Schedules:")
    assert "No scheduler is running" in silent.out
    assert [one["pid"] for one in running.document["schedulers"]] == [program.pid]
    daily, ticks = running.document["schedules"]
    assert (daily["undeclared"], ticks["undeclared"]) == (False, False)
    assert ticks["last_job_id"]
    assert datetime.fromisoformat(ticks["next_run"]).utcoffset() == timedelta()


def test_pausing_resuming_running_and_removing_by_name(stored: Project) -> None:
    paused = stored.run("schedules", "pause", "ticks", "reports.daily", env=ENV)
    listed = stored.run("schedules", "list", env=ENV)
    resumed = stored.run("schedules", "resume", "jobs:app", "ticks", env=ENV)
    ran = stored.run("schedules", "run-now", "ticks", env=ENV)
    after = stored.run("schedules", "list", "--json", env=ENV)
    removed = stored.run("schedules", "remove", "ticks", env=ENV)
    left = stored.run("schedules", "list", env=ENV)

    assert paused.out == "[OK] Paused ticks\n[OK] Paused reports.daily\n"
    assert "paused" in row(listed, "ticks")
    assert resumed.out == "[OK] Resumed ticks\n"
    daily, ticks = after.document
    assert (daily["status"], ticks["status"]) == ("paused", "active")
    assert ran.out == f"[OK] Enqueued {ticks['last_job_id']} for ticks\n"
    assert removed.out == "[OK] Removed ticks\n"
    assert "ticks" not in "".join(line.split()[0] for line in left.out.splitlines())
    assert {paused.code, resumed.code, ran.code, removed.code} == {0}


@pytest.mark.parametrize("command", ["pause", "resume", "run-now", "remove"])
def test_an_unknown_name_is_told_and_fails(stored: Project, command: str) -> None:
    ran = stored.run("schedules", command, "nobody", "ticks", env=ENV)
    document = stored.run("schedules", command, "nobody", "--json", env=ENV)

    assert ran.code == document.code == 1
    assert ran.err == "[ERROR] There is no schedule named nobody\n"
    assert "ticks" in ran.out
    assert document.document == [{"name": "nobody", "found": False, "message": None}]


def test_a_name_is_wanted(stored: Project) -> None:
    assert stored.run("schedules", "pause", env=ENV).code == 2
    assert stored.run("schedules", env=ENV).code == 1


def test_without_schedules_there_is_nothing_to_show(project: Project) -> None:
    ran = project.run("schedules", "list", env=ENV)

    assert ran.code == 0
    assert ran.out == "[INFO] There are no schedules\n"
