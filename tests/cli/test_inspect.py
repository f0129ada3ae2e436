"""`soniq inspect` on SQLite and Postgres: health, workers, and recovery by hand."""

from __future__ import annotations

import signal

from tests.cli.conftest import Project
from tests.cli.databases import Database

SLEEPY = """
import asyncio
from soniq import Soniq

app = Soniq(database_url={url!r})

@app.job(name="mail.send")
async def mail(n: int = 0, token: str = ""):
    print("begun", flush=True)
    await asyncio.sleep(60)
"""


def test_without_workers_all_is_well_until_jobs_wait(database: Database) -> None:
    here = ("--database-url", database.url)
    run = database.project.run

    idle = run("inspect", *here)
    database.enqueue(2)
    waiting = run("inspect", *here)
    document = run("inspect", "--json", *here).document

    assert idle.code == waiting.code == 0
    assert idle.out.startswith("[OK] Health: HEALTHY\n")
    assert waiting.out.startswith("[WARNING] Health: DEGRADED (2 jobs and no live worker)\n")
    assert document["health"] == "degraded"
    assert document["workers"] == []


def test_a_killed_worker_is_cleaned_up_by_hand(database: Database) -> None:
    database.project.write("jobs.py", SLEEPY.format(url=database.url))
    (job_id,) = database.enqueue()
    run = database.project.run

    env = {"SONIQ_HEARTBEAT_INTERVAL": "0.5"}
    with database.project.start("worker", "jobs:app", env=env) as worker:
        worker.line("begun")
        seen = run("inspect", "jobs:app")
        only_stale = run("inspect", "--stale", "--json", "jobs:app").document
        worker.send(signal.SIGKILL)
        worker.exit_code()
        pid = worker.pid

    cleaned = ""
    for _ in range(20):
        cleaned += run("inspect", "--cleanup", "jobs:app").out
        if "1 job queued again" in cleaned:
            break
    after = run("inspect", "--cleanup", "--json", "jobs:app").document

    assert "Health: HEALTHY" in seen.out
    assert f":{pid}" in seen.out
    assert only_stale["workers"] == []
    assert f":{pid}\n[OK] Recovered 1 dead worker: 1 job queued again" in cleaned
    assert after["recovered"] == {"workers": 0, "requeued": 0, "dead_lettered": 0}
    assert after["workers"] == []
    job = database.ask(lambda app: app.get_job(job_id))
    assert job is not None
    assert (job["status"], job["crashes"], job["attempts"]) == ("queued", 1, 0)


def test_a_worker_that_has_been_silent_for_too_long_is_stale(database: Database) -> None:
    database.join_silent_worker()
    here = ("--database-url", database.url)
    run = database.project.run

    stale = run("inspect", "--stale", *here)
    cleaned = run("inspect", "--cleanup", "--json", *here).document

    assert stale.out.startswith("[WARNING] Health: DEGRADED (1 worker silent for too long)\n")
    assert "silent-host:4" in stale.out
    assert "mail, sms" in stale.out
    assert (cleaned["health"], cleaned["workers"]) == ("healthy", [])
    assert cleaned["recovered"]["workers"] == 1


def test_inspect_of_a_database_without_tables_says_to_run_setup(
    project: Project, pg_url: str
) -> None:
    for option in ("--stale", "--cleanup"):
        ran = project.run("inspect", option, "--database-url", pg_url)
        assert ran.code == 1
        assert "soniq setup" in ran.err
