"""`soniq setup`, `migrate-status`, `status` and `health`."""

from __future__ import annotations

import asyncio
import json
import re
import signal

import pytest

from soniq import Soniq
from tests.cli.conftest import Project

SQLITE = "sqlite:///jobs.db"
UNREACHABLE = "postgresql://me:hunter2@127.0.0.1:1/app"


def fill(project: Project, count: int) -> None:
    async def store() -> None:
        url = f"sqlite:///{project.folder / 'jobs.db'}"
        async with Soniq(database_url=url, enqueue_validation="none") as app:
            await app.enqueue_many("send_mail", [{"token": "hush"}] * count, queue="mail")

    asyncio.run(store())


def test_setup_applies_migrations_once(project: Project, pg_url: str) -> None:
    first = project.run("setup", "--database-url", pg_url)
    second = project.run("setup", env={"SONIQ_DATABASE_URL": pg_url})

    assert first.code == second.code == 0
    told, where = first.out.splitlines()
    assert re.fullmatch(r"\[OK\] Applied \d+ migrations successfully", told)
    assert where == f"[INFO] Database: {pg_url}"
    assert second.out == f"[OK] Database setup completed (no migrations needed)\n{where}\n"
    assert first.err == second.err == ""


def test_setup_without_a_database_says_which_it_made_and_how_to_name_another(
    project: Project,
) -> None:
    project.write("shop.py", "from soniq import Soniq\napp = Soniq(database_url='own.db')\n")

    plain = project.run("setup")
    named = project.run("setup", "shop:app")

    assert plain.code == named.code == 0
    assert f"[INFO] Database: the SQLite file {project.folder / 'soniq.db'}\n" in plain.out
    assert "run `soniq setup module:app`" in plain.err
    assert f"[INFO] Database: the SQLite file {project.folder / 'own.db'}\n" in named.out
    assert named.err == ""


def test_setup_makes_a_missing_database(project: Project, pg_url: str) -> None:
    url = f"{pg_url}_made"

    assert project.run("setup", "--database-url", url).code == 0
    assert project.run("health", "--database-url", url).code == 0

    drop = f"""
    import asyncio, asyncpg
    async def main():
        connection = await asyncpg.connect({pg_url!r})
        await connection.execute('DROP DATABASE {url.rpartition("/")[2]} WITH (FORCE)')
        await connection.close()
    asyncio.run(main())
    """
    project.python(drop)


def test_migrate_status_names_what_is_pending(project: Project, pg_url: str) -> None:
    before = project.run("migrate-status", "--database-url", pg_url)
    project.run("setup", "--database-url", pg_url)
    after = project.run("migrate-status", "--database-url", pg_url)

    assert before.code == after.code == 0
    assert "Migrations pending: run `soniq setup`, or `soniq setup module:app`" in before.out
    assert "0001" in before.out
    assert "Up to date" in after.out
    assert "Pending: 0" in after.out
    assert "0001" not in after.out


@pytest.mark.parametrize("command", ["setup", "migrate-status", "status", "health"])
def test_an_unreachable_database_is_one_line_and_exit_1(project: Project, command: str) -> None:
    ran = project.run(command, "--database-url", UNREACHABLE, env={"SONIQ_DATABASE_TIMEOUT": "0.5"})

    assert ran.code == 1
    assert ran.err.startswith("[ERROR] ")
    assert len(ran.err.splitlines()) == 1
    assert "hunter2" not in ran.err


def test_status_counts_jobs_and_workers(project: Project) -> None:
    fill(project, 3)

    ran = project.run("status", "--database-url", SQLITE)

    assert ran.code == 0
    assert "Database connection: OK" in ran.out
    assert "Queue Statistics:" in ran.out
    for count in ("total: 3", "queued: 3", "processing: 0", "done: 0", "dead_letter: 0"):
        assert count in " ".join(ran.out.split())
    assert "Workers: None running" in ran.out
    assert "production" in ran.out


def test_status_shows_the_newest_jobs_and_each_queue_when_asked(project: Project) -> None:
    fill(project, 12)

    ran = project.run("status", "--jobs", "--verbose", "--database-url", SQLITE)

    assert ran.out.count("send_mail") == 10
    assert any(line.split()[:2] == ["mail", "12"] for line in ran.out.splitlines())


def test_status_as_json_is_one_document_without_secrets(project: Project) -> None:
    fill(project, 2)

    ran = project.run("status", "--jobs", "--verbose", "--json", "--database-url", SQLITE)

    found = ran.document
    assert found["database"]["status"] == "ok"
    assert found["queue_statistics"]["queued"] == 2
    assert found["workers"] == {"active": 0, "stale": 0}
    assert [job["job_name"] for job in found["jobs"]] == ["send_mail"] * 2
    assert found["queues"][0]["queue"] == "mail"
    assert "hush" not in json.dumps(found)


def test_status_on_missing_tables_says_to_run_setup(project: Project, pg_url: str) -> None:
    ran = project.run("status", "--database-url", pg_url)

    assert ran.code == 1
    assert "soniq setup" in ran.err


def test_health_is_0_when_the_database_is_set_up(project: Project, pg_url: str) -> None:
    assert project.run("health", "--database-url", pg_url).code == 1
    project.run("setup", "--database-url", pg_url)

    ran = project.run("health", "--json", "--database-url", pg_url)

    assert ran.code == 0
    assert ran.document["status"] == "healthy"


def test_health_may_want_a_live_worker_of_this_host(project: Project) -> None:
    project.write("jobs.py", f"from soniq import Soniq\n\napp = Soniq(database_url={SQLITE!r})\n")
    wanted = ("health", "jobs:app", "--worker")

    without = project.run(*wanted, "--json")
    with project.start("worker", "jobs:app") as program:
        program.line("Worker .* started")
        beside = project.run(*wanted)
        active = project.run("status", "jobs:app")
        program.send(signal.SIGTERM)
        assert program.exit_code() == 0
    after = project.run(*wanted)

    assert (without.code, beside.code, after.code) == (1, 0, 1)
    assert "message" in without.document["error"]
    assert "No live worker" in without.err
    assert "Workers: 1 active" in active.out


@pytest.mark.parametrize("secret", ["it's", "12/34", '"quoted"', "a@b"])
def test_no_password_is_shown_whatever_it_holds(project: Project, secret: str) -> None:
    url = f"postgresql://me:{secret}@127.0.0.1:1/app"
    ran = project.run("status", "--database-url", url, env={"SONIQ_DATABASE_TIMEOUT": "0.1"})

    assert ran.code == 1
    assert "postgresql://me:***@127.0.0.1:1/app" in ran.err
    assert secret not in ran.out + ran.err
