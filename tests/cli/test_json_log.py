"""The log of a real worker for machines: one event a line, and nothing else on stderr."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from soniq import Soniq
from tests.cli.conftest import Project

JOBS = """
    import logging
    from soniq import Soniq

    app = Soniq()
    log = logging.getLogger("shop.mail")

    @app.job(name="shop.mail", queue="mail")
    def mail(to: str) -> None:
        log.info("mailing through smtp://me:hunter2@relay", extra={"size": 3})
        raise RuntimeError("smtp://me:hunter2@relay is down")
"""


def enqueue(project: Project) -> str:
    async def store() -> str:
        where = project.folder / "jobs.db"
        async with Soniq(where, enqueue_validation="none", max_retries=0) as app:
            return await app.enqueue("shop.mail", args={"to": "you"}, queue="mail")

    return asyncio.run(store())


def logged(project: Project, *options: str) -> tuple[str, list[dict[str, Any]]]:
    project.write("jobs.py", JOBS)
    job_id = enqueue(project)
    url = f"sqlite:///{project.folder / 'jobs.db'}"
    ran = project.run("worker", "jobs:app", "--run-once", "--database-url", url, *options)
    assert ran.code == 0
    assert "hunter2" not in ran.out + ran.err
    return job_id, [json.loads(line) for line in ran.err.splitlines()]


def test_each_line_is_an_event_with_its_job(project: Project) -> None:
    job_id, lines = logged(project, "--log-format", "json", "--log-level", "debug")

    by_event = {line.get("event"): line for line in lines}
    assert by_event.keys() >= {"worker_started", "job_failed", "job_stored", "worker_stopped"}
    failed = by_event["job_failed"]
    assert (
        failed.items()
        >= {
            "job_id": job_id,
            "job_name": "shop.mail",
            "queue": "mail",
            "attempt": 1,
            "level": "ERROR",
            "logger": "soniq.worker",
            "outcome": "dead_letter",
        }.items()
    )
    assert failed["duration"] >= 0
    assert failed["timestamp"].endswith("Z")
    assert "smtp://me:***@relay is down" in failed["message"]
    assert "job_id" not in by_event["worker_started"]


def test_what_a_handler_logs_names_its_job(project: Project) -> None:
    job_id, lines = logged(project, "--log-format", "json")

    [line] = [line for line in lines if line["logger"] == "shop.mail"]
    assert line["message"] == "mailing through smtp://me:***@relay"
    assert (line["job_id"], line["job_name"], line["attempt"]) == (job_id, "shop.mail", 1)
    assert line["size"] == 3


def test_a_database_named_on_the_command_line_is_no_reason_to_warn(project: Project) -> None:
    project.write("jobs.py", JOBS)
    url = f"sqlite:///{project.folder / 'other.db'}"
    ran = project.run("worker", "jobs:app", "--run-once", "--database-url", url)

    assert "No database is configured" not in ran.err
    assert not (project.folder / "soniq.db").exists()


def test_the_warning_of_no_database_stands_in_the_log(project: Project) -> None:
    project.write("jobs.py", JOBS)
    ran = project.run("worker", "jobs:app", "--run-once", env={"SONIQ_LOG_FORMAT": "json"})

    lines = [json.loads(line) for line in ran.err.splitlines()]
    assert ["SONIQ_DATABASE_URL" in line["message"] for line in lines].count(True) == 1
