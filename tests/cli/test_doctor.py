"""`soniq doctor` as a process: a line per check, a document for machines, 1 for errors."""

from __future__ import annotations

import asyncio

import pytest

from soniq import Soniq
from tests.cli.conftest import Project

PERIODIC = """
    from soniq import Soniq

    app = Soniq()

    @app.periodic(cron="@daily", name="nightly")
    async def nightly() -> None: ...
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, project: Project) -> str:
    """Where nothing has been set up yet."""
    if request.param == "postgres":
        return str(request.getfixturevalue("pg_url"))
    return f"sqlite:///{project.folder / 'jobs.db'}"


def enqueue(url: str) -> None:
    async def store() -> None:
        async with Soniq(url, enqueue_validation="none") as app:
            await app.enqueue("mail.send")

    asyncio.run(store())


def test_before_and_after_setup(project: Project, url: str) -> None:
    ran = project.run("doctor", "--database-url", url)
    assert ran.code == 1
    assert "[ERROR] schema: " in ran.out
    assert "Run `soniq setup`, or `soniq setup module:app`" in ran.out
    assert ran.err == ""

    assert project.run("setup", "--database-url", url).code == 0
    ran = project.run("doctor", "--database-url", url)
    assert ran.code == 0
    assert {line.split()[0] for line in ran.out.splitlines()} == {"[OK]"}
    assert "claims go by the index soniq_jobs_claim" in ran.out.lower()


def test_jobs_that_nobody_runs(project: Project, url: str) -> None:
    project.run("setup", "--database-url", url)
    enqueue(url)

    ran = project.run("doctor", "--database-url", url, "--json")
    assert ran.code == 1
    assert ran.document["status"] == "error"
    (bad,) = [check for check in ran.document["checks"] if check["level"] != "ok"]
    assert bad["check"] == "queues"
    assert "soniq worker" in bad["remedy"]


def test_a_warning_alone_is_no_failure(project: Project, url: str) -> None:
    project.write("jobs.py", PERIODIC)
    project.run("setup", "--database-url", url)

    ran = project.run("doctor", "jobs:app", "--database-url", url)
    assert ran.code == 0
    assert "[WARNING] scheduler: " in ran.out
    assert "nightly" in ran.out
    assert "soniq scheduler" in ran.out


def test_a_database_that_does_not_answer(project: Project) -> None:
    url = "postgresql://me:hush@127.0.0.1:1/app"
    ran = project.run(
        "doctor", "--json", "--database-url", url, env={"SONIQ_DATABASE_TIMEOUT": "0.1"}
    )

    assert ran.code == 1
    (only,) = ran.document["checks"]
    assert (only["check"], only["level"]) == ("database", "error")
    assert "hush" not in ran.out + ran.err
