"""The web applications of the examples, each on a real server of its framework."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integrations.serving import PATIENCE, Programs

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    started = Programs(EXAMPLES / "web", tmp_path, {"SONIQ_DATABASE_URL": url})
    try:
        yield started
    finally:
        started.close()


def ask_for_greeting(programs: Programs) -> None:
    programs.serving()
    asked = programs.client.post("/greetings", params={"name": "Ada"})
    assert asked.status_code == 202, asked.text
    path = f"/greetings/{asked.json()['job_id']}"
    assert programs.eventually(path, "status", "done")["greeting"] == "Hello, Ada!"
    assert programs.client.get("/greetings/none").status_code == 404


@pytest.mark.parametrize("framework", ["fastapi", "litestar"])
def test_an_async_application_runs_its_own_jobs(programs: Programs, framework: str) -> None:
    server = programs.start(
        sys.executable, "-m", "uvicorn", f"{framework}_app:web", "--port", str(programs.port)
    )
    ask_for_greeting(programs)
    if framework == "fastapi":
        assert programs.client.get("/soniq/api/stats").json()["done"] == 1
        assert programs.client.get("/soniq/health").status_code == 200

    server.send_signal(signal.SIGINT)
    server.wait(PATIENCE)
    assert "Traceback" not in programs.output()


def test_a_flask_application_enqueues_for_a_worker_beside_it(programs: Programs) -> None:
    command = ("--app", "flask_app", "run", "--port", str(programs.port))
    programs.start(sys.executable, "-m", "flask", *command)
    worker = programs.start(sys.executable, "-m", "soniq", "worker", "flask_app:soniq")
    ask_for_greeting(programs)

    worker.send_signal(signal.SIGINT)
    assert worker.wait(PATIENCE) == 0
    assert "Traceback" not in programs.output()


@pytest.mark.postgres
def test_a_job_goes_with_the_session_it_was_enqueued_in(tmp_path: Path, pg_url: str) -> None:
    programs = Programs(EXAMPLES, tmp_path, {"SONIQ_DATABASE_URL": pg_url})
    try:
        assert programs.run(sys.executable, "sqlalchemy_orders.py") == "Receipt sent to Ada\n"
    finally:
        programs.close()
