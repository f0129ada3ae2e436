"""`soniq dev`: real processes, real edits of a file, a real Ctrl+C."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Project
from tests.cli.test_worker import enqueue, statuses
from tests.programs import Program

# Three programs start one after the other, each with its imports, on a machine that may be busy.
PATIENCE = 60.0

JOBS = """
    import asyncio, os
    from pathlib import Path
    from soniq import Soniq

    # What the code is configured for must not be touched.
    app = Soniq("postgresql://nobody@nowhere.invalid/production")

    def say(text):
        os.write(1, f"{text}\\n".encode())

    say("imported 1")

    @app.job(name="greet")
    async def greet() -> None:
        say("greetings 1")

    @app.job(name="wait")
    async def wait(until: str) -> None:
        say("begins 1")
        while not Path(until).exists():
            await asyncio.sleep(0.02)
        say("ends 1")

    @app.periodic(every=3600, name="hourly")
    async def hourly() -> None: ...
"""

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("jobs.py", JOBS)
    return project


def url_of(project: Project) -> str:
    return f"sqlite:///{project.folder / 'soniq.db'}"


def edit(project: Project, old: str, new: str) -> None:
    file = project.folder / "jobs.py"
    file.write_text(file.read_text().replace(old, new))


@contextmanager
def developing(project: Project, *options: str) -> Iterator[tuple[Program, str]]:
    """`soniq dev` once its link can be followed, and that link."""
    with project.start("dev", "jobs:app", "--port", "0", *options) as program:
        link = program.line(r"Dashboard: (http://\S+)", within=PATIENCE)[1]
        yield program, link


def stop(program: Program) -> str:
    """Ctrl+C as a terminal sends it; the output to the end, when no process is left."""
    program.send_to_group(signal.SIGINT)
    assert program.exit_code() == 0
    return program.all_output()


def test_one_command_runs_jobs_fires_schedules_and_shows_them(shop: Project) -> None:
    with developing(shop) as (program, link):
        [job_id] = enqueue(url_of(shop), "greet")
        program.line("greetings 1", within=PATIENCE)
        with httpx.Client(base_url=link.partition("/dev/")[0]) as browser:
            assert browser.get("/api/stats").status_code == 401
            assert browser.get("/dev/" + "0" * 32).status_code == 401
            entered = browser.get(link)
            assert (entered.status_code, entered.headers["location"]) == (303, "/")
            assert "httponly" in entered.headers["set-cookie"].lower()
            assert browser.get("/api/stats").json()["total"] == 1
            names = [schedule["name"] for schedule in browser.get("/api/schedules").json()]
            assert names == ["hourly"]
            deleted = browser.delete(
                f"/api/jobs/{job_id}", headers={"origin": str(browser.base_url).rstrip("/")}
            )
            assert deleted.status_code == 200, deleted.text
        output = stop(program)
    assert output.count("/dev/") == 1
    assert statuses(url_of(shop), [job_id]) == []
    with pytest.raises(httpx.ConnectError):
        httpx.get(link)


def test_a_change_lets_running_jobs_end_and_then_runs_the_new_code(shop: Project) -> None:
    done = shop.folder / "done"
    with developing(shop) as (program, _):
        [running] = enqueue(url_of(shop), "wait", until=str(done))
        program.line("begins 1", within=PATIENCE)
        edit(shop, " 1", " 2")
        program.line(r"Reloading: jobs\.py changed", within=PATIENCE)
        done.touch()
        program.line("ends 1", within=PATIENCE)
        program.line("imported 2", within=PATIENCE)
        enqueue(url_of(shop), "greet")
        program.line("greetings 2", within=PATIENCE)
        stop(program)
    assert statuses(url_of(shop), [running]) == ["done"]


@pytest.mark.long
def test_code_that_cannot_be_imported_is_told_and_the_next_change_is_awaited(
    shop: Project,
) -> None:
    with developing(shop) as (program, link):
        edit(shop, "import asyncio, os", "import no_such_module, asyncio, os")
        program.line("no_such_module", within=PATIENCE)
        program.line("could not start; waiting for a change", within=PATIENCE)
        # What is known so far can still be seen.
        assert httpx.get(link).status_code == 303
        edit(shop, "import no_such_module, asyncio, os", "import asyncio, os")
        program.line("Reloading", within=PATIENCE)
        enqueue(url_of(shop), "greet")
        program.line("greetings 1", within=PATIENCE)
        stop(program)


@pytest.mark.long
def test_ctrl_c_lets_running_jobs_end(shop: Project) -> None:
    done = shop.folder / "done"
    with developing(shop) as (program, _):
        [running] = enqueue(url_of(shop), "wait", until=str(done))
        program.line("begins 1", within=PATIENCE)
        program.send_to_group(signal.SIGINT)
        program.line("Stopping", within=PATIENCE)
        done.touch()
        program.line("ends 1", within=PATIENCE)
        assert program.exit_code() == 0
    assert statuses(url_of(shop), [running]) == ["done"]


@pytest.mark.long
def test_a_second_ctrl_c_ends_everything_at_once(shop: Project) -> None:
    with developing(shop) as (program, _):
        enqueue(url_of(shop), "wait", until=str(shop.folder / "never"))
        program.line("begins 1", within=PATIENCE)
        program.send(signal.SIGINT)
        program.line("Stopping", within=PATIENCE)
        program.send(signal.SIGINT)
        program.exit_code()
        assert "ends 1" not in program.all_output()


@pytest.mark.long
def test_a_worker_that_dies_is_replaced_and_its_job_runs_again(shop: Project) -> None:
    shop.write(
        "jobs.py",
        JOBS
        + """
    @app.job(name="die")
    async def die(mark: str) -> None:
        if Path(mark).exists():
            return say("lived")
        Path(mark).touch()
        os._exit(3)
""",
    )
    with developing(shop) as (program, _):
        enqueue(url_of(shop), "die", mark=str(shop.folder / "mark"))
        program.line("exited with code 3; starting another", within=PATIENCE)
        program.line("lived", within=PATIENCE)
        stop(program)


def test_a_port_that_is_taken_is_told_at_once(shop: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = shop.run("dev", "jobs:app", "--port", port)
    assert ran.code == 1
    assert f"127.0.0.1:{port}" in ran.err
    assert "--port" in ran.err
    assert "imported" not in ran.out


def test_without_an_app_it_says_what_to_name(project: Project) -> None:
    ran = project.run("dev")
    assert ran.code == 1
    assert "soniq dev myapp.jobs:app" in ran.err


@pytest.mark.long
def test_a_private_postgres_keeps_the_jobs_and_ends_with_the_command(shop: Project) -> None:
    for times in (1, 2):
        with developing(shop, "--postgres") as (program, link):
            url = re.search(r"SONIQ_DATABASE_URL=(\S+)", program.output)
            assert url is not None
            assert url[1].startswith("postgresql://")
            enqueue(url[1], "greet")
            program.line("greetings 1", within=PATIENCE)
            with httpx.Client(base_url=link.partition("/dev/")[0]) as browser:
                browser.get(link)
                assert browser.get("/api/stats").json()["total"] == times
            server = _server_of(shop.folder / ".soniq" / "postgres")
            stop(program)
        _until_gone(server)


def _server_of(folder: Path) -> int:
    return int((folder / "postmaster.pid").read_text().splitlines()[0])


def _until_gone(pid: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} is still there")
